"""The API in front of a function: an HTTP API or a REST API.

Both have one stage: throttled, measured, and with an access log that says where a request came from, which route it took
and what it cost. Never the path or a header: they may hold a session's id.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import aws_cdk as cdk
import jsii
from aws_cdk import aws_apigateway as rest
from aws_cdk import aws_apigatewayv2 as http
from aws_cdk import aws_apigatewayv2_authorizers as http_authorizers
from aws_cdk import aws_apigatewayv2_integrations as http_integrations
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from cachetwin_cdk.checks._validate import refuse, require_match

from ._findings import REST_STAGE, acknowledge

Authorizer = http.IHttpRouteAuthorizer | rest.IAuthorizer
Cors = http.CorsPreflightOptions | rest.CorsOptions
_METHODS = {method.value: method for method in http.HttpMethod}
_LOGGED = (
    "requestId",
    "requestTime",
    "httpMethod",
    "status",
    "protocol",
    "responseLength",
    "responseLatency",
    "integrationLatency",
    "identity.sourceIp",
    "identity.userAgent",
)
_ANYBODY = (
    "Anybody may call by the app's own choice (allow_anonymous): a session's id, which the function makes and checks, is "
    "what tells callers apart."
)


class ApiType(StrEnum):
    """The two kinds of API of API Gateway."""

    HTTP = "http"
    """Cheaper and faster; events have format 2.0."""
    REST = "rest"
    """For usage plans and API keys, request validation, private endpoints, web ACLs and traces of the API itself; events
    have format 1.0."""


@dataclass(frozen=True)
class Callers:
    """Who may call: those that an authorizer admits, anybody, or callers that sign with IAM credentials."""

    authorizer: Authorizer | None
    anonymous: bool
    cors: Cors | None

    def require_kind(self, api_type: ApiType) -> None:
        """Raise ValidationError for an authorizer or CORS options of the other kind of API."""
        kind, other = ("REST", "HTTP") if api_type is ApiType.REST else ("HTTP", "REST")
        is_rest = api_type is ApiType.REST
        if self.authorizer is not None and isinstance(self.authorizer, rest.Authorizer) is not is_rest:
            package = "aws_apigateway" if is_rest else "aws_apigatewayv2_authorizers"
            refuse("authorizer", f"be one for {kind} APIs", f"one for {other} APIs", f"make it with {package}")
        if self.cors is not None and isinstance(self.cors, rest.CorsOptions) is not is_rest:
            wanted = "aws_apigateway.CorsOptions" if is_rest else "aws_apigatewayv2.CorsPreflightOptions"
            refuse("cors_preflight", f"be {wanted} for {kind} APIs", type(self.cors).__name__, "pass that")
        if self.cors is not None and self.cors.allow_credentials and "*" in (self.cors.allow_origins or ()):
            refuse("cors_preflight", "name origins where it allows credentials", "*", "list them; browsers refuse both")
        if self.authorizer is not None and self.anonymous:
            refuse("allow_anonymous", "be False with an authorizer", self.anonymous, "keep one of them")


@dataclass(frozen=True)
class Limits:
    """Requests per second over all callers, and how many at once above that."""

    rate: float
    burst: int


@dataclass(frozen=True)
class HttpFront:
    """An HTTP API and its stage."""

    api: http.HttpApi
    stage: http.HttpStage

    @property
    def url(self) -> str:
        """The host name, or the URL of an API."""
        return self.api.api_endpoint


@dataclass(frozen=True)
class RestFront:
    """A REST API and its stage."""

    api: rest.RestApi
    stage: rest.Stage

    @property
    def url(self) -> str:
        """The URL, which ends in the name of the stage."""
        return self.stage.url_for_path("/")


def method_and_path(route: str) -> tuple[str, str]:
    """``GET /session`` as method and path. Raises ValidationError for anything else."""
    require_match(
        "routes",
        route,
        rf"({'|'.join(_METHODS)}) /([^\s?#{{}}/]*|\{{[A-Za-z0-9._-]+\+?\}})(/([^\s?#{{}}/]*|\{{[A-Za-z0-9._-]+\+?\}}))*",
        "be written as a method and a path",
        remedy="write it as GET /session, or GET /session/{id}",
    )
    method, path = route.split(" ", 1)
    return method, path


def http_front(
    scope: Construct,
    function: lambda_.Function,
    routes: Sequence[tuple[str, str]],
    callers: Callers,
    *,
    limits: Limits,
    log_group: logs.ILogGroup,
) -> HttpFront:
    """An HTTP API that calls the function, on these routes or on all."""
    integration = http_integrations.HttpLambdaIntegration("Function", function)
    authorizer = callers.authorizer or (None if callers.anonymous else http_authorizers.HttpIamAuthorizer())
    api = http.HttpApi(
        scope,
        "Api",
        description=f"Sessions of {scope.node.path}",
        create_default_stage=False,
        cors_preflight=callers.cors,  # type: ignore[arg-type]  # which kind it is was required before
        default_authorizer=authorizer,  # type: ignore[arg-type]  # as above
        default_integration=None if routes else integration,
    )
    for method, path in routes:
        api.add_routes(path=path, methods=[_METHODS[method]], integration=integration)
    if callers.anonymous:
        _acknowledge(api, {"APIG4": _ANYBODY})
    stage = http.HttpStage(
        scope,
        "Stage",
        http_api=api,
        auto_deploy=True,
        detailed_metrics_enabled=True,
        throttle=http.ThrottleSettings(rate_limit=limits.rate, burst_limit=limits.burst),
        access_log_settings=_HttpAccessLog(log_group),
    )
    return HttpFront(api, stage)


def rest_front(
    scope: Construct,
    function: lambda_.Function,
    routes: Sequence[tuple[str, str]],
    callers: Callers,
    *,
    limits: Limits,
    log_group: logs.ILogGroup,
    account_log_role: bool,
    regulated: bool,
) -> RestFront:
    """A REST API that calls the function, on these routes or on all; traced, and its requests validated."""
    api = rest.RestApi(
        scope,
        "Api",
        description=f"Sessions of {scope.node.path}",
        endpoint_types=[rest.EndpointType.REGIONAL],
        cloud_watch_role=account_log_role,
        default_cors_preflight_options=callers.cors,  # type: ignore[arg-type]  # which kind it is was required before
        deploy_options=rest.StageOptions(
            throttling_rate_limit=limits.rate,
            throttling_burst_limit=limits.burst,
            metrics_enabled=True,
            tracing_enabled=True,
            logging_level=rest.MethodLoggingLevel.ERROR,  # without data: they may hold a session
            access_log_destination=rest.LogGroupLogDestination(log_group),
            access_log_format=_format("resourcePath", "integration.error"),
        ),
    )
    validator = api.add_request_validator("Validator", validate_request_body=True, validate_request_parameters=True)
    integration = rest.LambdaIntegration(function, allow_test_invoke=False)
    for method, path in routes or (("ANY", "/"), ("ANY", "/{proxy+}")):
        resource = api.root if path == "/" else api.root.resource_for_path(path)
        resource.add_method(
            method,
            integration,
            authorizer=callers.authorizer,  # type: ignore[arg-type]  # as above
            authorization_type=_authorization(callers),
            request_validator=validator,
        )
    _acknowledge_rest(api, callers, account_log_role=account_log_role)
    if regulated:
        acknowledge(api.deployment_stage, REST_STAGE)
    return RestFront(api, api.deployment_stage)


def _authorization(callers: Callers) -> rest.AuthorizationType | None:
    """The authorization type; None leaves it to the authorizer."""
    if callers.authorizer is not None:
        return None
    return rest.AuthorizationType.NONE if callers.anonymous else rest.AuthorizationType.IAM


def _acknowledge_rest(api: rest.RestApi, callers: Callers, *, account_log_role: bool) -> None:
    why = _ANYBODY if callers.anonymous else "Callers are let in by the authorizer given, or sign with IAM credentials."
    findings = {
        "APIG3": "Which web ACL guards an API is for its owner to say, or for Firewall Manager: attach one to 'stage'.",
        "COG4": why,
    }
    if callers.anonymous:
        findings["APIG4"] = _ANYBODY
    if account_log_role:
        findings[
            "IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]"
        ] = "AWS made this policy for the one role with which API Gateway writes the logs of an account."
    _acknowledge(api, findings)


def _acknowledge(api: Construct, findings: dict[str, str]) -> None:
    cdk.Validations.of(api).acknowledge(
        *(cdk.Acknowledgment(id=f"AwsSolutions-{rule}", reason=reason) for rule, reason in findings.items())
    )


def _format(*more: str) -> rest.AccessLogFormat:
    """One line of JSON per request."""
    fields = {name.rsplit(".", 1)[-1]: f"$context.{name}" for name in (*_LOGGED, *more)}
    return rest.AccessLogFormat.custom(json.dumps(fields))


@jsii.implements(http.IAccessLogSettings)
class _HttpAccessLog:
    def __init__(self, log_group: logs.ILogGroup) -> None:
        self._log_group = log_group

    @property
    def destination(self) -> http.IAccessLogDestination:
        return http.LogGroupLogDestination(self._log_group)

    @property
    def format(self) -> rest.AccessLogFormat:
        return _format("routeKey", "integrationErrorMessage")
