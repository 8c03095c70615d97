"""An API whose functions keep sessions and state in a cache, with no secret anywhere.

HTTP API, Lambda, Valkey. The function's role is what logs in to the cache: it signs a token that lives for fifteen
minutes, so there is no password to store, leak or rotate. The function lives in subnets without a way out, and its
security group knows one path: to the cache.
"""

import json
from collections.abc import Mapping, Sequence

import aws_cdk as cdk
import jsii
from aws_cdk import aws_apigateway as rest_api
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from .._validate import ValidationError, refuse, require_between, require_match
from ..access_string import AccessString
from ..log_delivery import log_key
from ..serverless_cache import ServerlessCache, UsageLimits
from ..users import IamUser
from ._cache import Cache, admit, engine_of, for_logs, iam_environment
from ._function import closed_function
from ._network import isolated_network

_HTTP_API_TIMEOUT_S = 29  # an HTTP API gives up after 30 s; a function that runs on would answer nobody
_METHODS = {method.value: method for method in apigateway.HttpMethod}
# Where a request came from, which route it took, what it cost. Never the path or a header: they may hold a session's id.
_ACCESS_LOG_FIELDS = (
    "requestId",
    "requestTime",
    "httpMethod",
    "routeKey",
    "status",
    "protocol",
    "responseLength",
    "responseLatency",
    "integrationLatency",
    "integrationErrorMessage",
    "identity.sourceIp",
    "identity.userAgent",
)


class SessionApi(Construct):
    """An HTTP API on a Lambda function that keeps its sessions and state in a Valkey cache, logged in with IAM.

    Defines an API with one throttled, logged stage; a function in Python 3.13 with traces, an encrypted log and a role
    of its own; an IamUser; and, unless given, a ServerlessCache and a VPC without any gateway.

    The function is told in its environment: ``CACHE_HOST``, ``CACHE_PORT``, ``CACHE_TLS``, ``CACHE_USER``,
    ``CACHE_NAME``, ``CACHE_KIND`` (``serverless``, ``replication-group`` or ``cluster``), ``CACHE_KEY_PREFIX`` and
    ``SESSION_TTL_SECONDS``. Its password is an IAM token that it signs itself.

    ``code`` / ``handler`` / ``runtime`` / ``function``
        the code, for Python 3.13 on Graviton unless told otherwise, or a function that exists and lies in ``vpc``.
    ``routes``
        such as ``GET /session``; without any, the function gets every request.
    ``authorizer`` / ``allow_anonymous``
        callers sign their requests with IAM credentials, unless another authorizer says who may call, or anybody may.
    ``cache``
        one that exists, with a user group that this app makes; the user is added to it.
    ``cache_key_prefix`` / ``cache_access``
        the cache user may read and write keys with this prefix, in transactions too, unless an access string says
        otherwise.
    ``rate_limit`` / ``burst_limit``
        requests per second over all callers, and how many at once above that.
    ``removal_policy``
        SNAPSHOT keeps a last snapshot of the cache, and the logs; DESTROY keeps nothing.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        code: lambda_.Code | None = None,
        handler: str = "handler.handle",
        runtime: lambda_.Runtime | None = None,
        function: lambda_.Function | None = None,
        routes: Sequence[str] = (),
        authorizer: apigateway.IHttpRouteAuthorizer | None = None,
        allow_anonymous: bool = False,
        cors_preflight: apigateway.CorsPreflightOptions | None = None,
        rate_limit: float = 100,
        burst_limit: int = 200,
        environment: Mapping[str, str] | None = None,
        memory_size_mib: int = 512,
        timeout: cdk.Duration | None = None,
        architecture: lambda_.Architecture = lambda_.Architecture.ARM_64,
        reserved_concurrent_executions: int | None = None,
        vpc: ec2.IVpc | None = None,
        cache: Cache | None = None,
        cache_usage_limits: UsageLimits | None = None,
        cache_key_prefix: str = "session:",
        cache_access: AccessString | None = None,
        session_ttl: cdk.Duration | None = None,
        backup_retention_days: int = 1,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_MONTH,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.SNAPSHOT,
    ) -> None:
        time_limit = timeout or cdk.Duration.seconds(10)
        ttl = session_ttl or cdk.Duration.minutes(30)
        _require_code(code, function)
        _require_callers(authorizer, allow_anonymous=allow_anonymous)
        if cache is not None and vpc is None:
            raise ValidationError("vpc must be given with a cache that exists, got None; pass the VPC the cache is in")
        if cache is not None and cache_usage_limits is not None:
            raise ValidationError(
                "cache_usage_limits must be left out when cache is given, got both; set the limits where it is made"
            )
        if function is not None and vpc is None:
            raise ValidationError("vpc must be given with a function that exists, got None; pass the VPC it is in")
        require_between("rate_limit", rate_limit, 1, 10_000, unit="requests per second")
        require_between("burst_limit", burst_limit, 1, 5_000, unit="requests")
        require_between("memory_size_mib", memory_size_mib, 128, 10_240, unit="MiB")
        require_between("timeout", time_limit.to_seconds(integral=False), 1, _HTTP_API_TIMEOUT_S, unit="seconds")
        require_between("session_ttl", ttl.to_seconds(integral=False), 1, 31_536_000, unit="seconds")
        require_match(
            "cache_key_prefix", cache_key_prefix, r"[^\s*?\[\]{}]+", "be literal text", remedy="write it as session:"
        )
        chosen_routes = [_route(route) for route in routes]
        super().__init__(scope, construct_id)
        log_removal = for_logs(removal_policy)
        self._log_retention, self._log_removal = log_retention, log_removal
        self.log_key = log_key(self, "LogKey", removal_policy=log_removal)
        self.vpc = vpc or isolated_network(
            self,
            "Vpc",
            log_encryption_key=self.log_key,
            log_retention=log_retention,
            log_removal_policy=log_removal,
        )
        self.cache_user = IamUser(
            self,
            "CacheUser",
            access_string=cache_access or _session_access(cache_key_prefix),
            engine=engine_of(cache),
        )
        if cache is not None:
            admit(cache, self.cache_user)
        self.cache: Cache = cache or ServerlessCache(
            self,
            "Cache",
            vpc=self.vpc,
            users=[self.cache_user],
            # Anybody who may call can fill the cache, so it must not grow without an end.
            usage_limits=cache_usage_limits or UsageLimits(data_storage_gb_max=10, ecpu_per_second_max=10_000),
            snapshot_retention_days=backup_retention_days,
            removal_policy=removal_policy,
        )
        told = {
            **iam_environment(self.cache, self.cache_user),
            "CACHE_KEY_PREFIX": cache_key_prefix,
            "SESSION_TTL_SECONDS": str(int(ttl.to_seconds())),
        }
        settings = _merged(told, environment or {})
        if function is not None:
            for name, value in settings.items():
                function.add_environment(name, value)
        self.function = function or closed_function(
            self,
            "Function",
            code=_given(code),
            handler=handler,
            runtime=runtime or lambda_.Runtime.PYTHON_3_13,
            architecture=architecture,
            vpc=self.vpc,
            environment=settings,
            memory_size_mib=memory_size_mib,
            timeout=time_limit,
            reserved_concurrent_executions=reserved_concurrent_executions,
            log_encryption_key=self.log_key,
            log_retention=log_retention,
            log_removal_policy=log_removal,
        )
        self.cache.grant_connect(self.function, self.cache_user)
        self.function.connections.allow_to_default_port(self.cache, "The function asks the cache")
        self.api = self._api(chosen_routes, authorizer, cors_preflight, allow_anonymous=allow_anonymous)
        self.stage = self._stage(rate_limit, burst_limit)

    @property
    def url(self) -> str:
        """Where the API answers."""
        return self.api.api_endpoint

    def _api(
        self,
        routes: Sequence[tuple[str, apigateway.HttpMethod]],
        authorizer: apigateway.IHttpRouteAuthorizer | None,
        cors_preflight: apigateway.CorsPreflightOptions | None,
        *,
        allow_anonymous: bool,
    ) -> apigateway.HttpApi:
        integration = integrations.HttpLambdaIntegration("Function", self.function)
        api = apigateway.HttpApi(
            self,
            "Api",
            description=f"Sessions of {self.node.path}",
            create_default_stage=False,
            cors_preflight=cors_preflight,
            default_authorizer=authorizer or (None if allow_anonymous else authorizers.HttpIamAuthorizer()),
            default_integration=None if routes else integration,
        )
        for path, method in routes:
            api.add_routes(path=path, methods=[method], integration=integration)
        if allow_anonymous:
            cdk.Validations.of(api).acknowledge(
                cdk.Acknowledgment(
                    id="AwsSolutions-APIG4",
                    reason="Anybody may call by the app's own choice (allow_anonymous): a session's id, which the "
                    "function makes and checks, is what tells callers apart.",
                )
            )
        return api

    def _stage(self, rate_limit: float, burst_limit: int) -> apigateway.HttpStage:
        log_group = logs.LogGroup(
            self,
            "AccessLog",
            encryption_key=self.log_key,
            retention=self._log_retention,
            removal_policy=self._log_removal,
        )
        return apigateway.HttpStage(
            self,
            "Stage",
            http_api=self.api,
            auto_deploy=True,
            detailed_metrics_enabled=True,
            throttle=apigateway.ThrottleSettings(rate_limit=rate_limit, burst_limit=burst_limit),
            access_log_settings=_AccessLog(log_group),
        )


def _session_access(prefix: str) -> AccessString:
    """Data commands on the prefix's keys, in transactions too; nothing that administers or can stall the server."""
    return (
        AccessString.on()
        .keys(f"{prefix}*")
        .categories("read", "write", "transaction", "connection")
        .without_categories("admin", "dangerous")
    )


def _route(route: str) -> tuple[str, apigateway.HttpMethod]:
    require_match(
        "routes",
        route,
        rf"({'|'.join(_METHODS)}) /\S*",
        "be written as a method and a path",
        remedy="write it as GET /session",
    )
    method, path = route.split(" ", 1)
    return path, _METHODS[method]


def _given(code: lambda_.Code | None) -> lambda_.Code:
    if code is None:
        raise ValidationError("code must be given, got None; pass code, or a function that exists")
    return code


def _require_code(code: lambda_.Code | None, function: lambda_.Function | None) -> None:
    if code is not None and function is not None:
        raise ValidationError("function must be left out when code is given, got both; keep one of them")
    if code is None and function is None:
        raise ValidationError("code must be given, got None; pass code, or a function that exists")
    if function is not None and not function.is_bound_to_vpc:
        refuse("function", "lie in the VPC", function.node.path, "make it with vpc=, so that it can reach the cache")


def _require_callers(authorizer: apigateway.IHttpRouteAuthorizer | None, *, allow_anonymous: bool) -> None:
    if authorizer is not None and allow_anonymous:
        refuse("allow_anonymous", "be False with an authorizer", allow_anonymous, "keep one of them")


def _merged(ours: Mapping[str, str], theirs: Mapping[str, str]) -> dict[str, str]:
    for name in theirs:
        if name in ours:
            refuse("environment", "not set what the pattern sets", name, "leave it out")
    return {**ours, **theirs}


@jsii.implements(apigateway.IAccessLogSettings)
class _AccessLog:
    """One line of JSON per request."""

    def __init__(self, log_group: logs.ILogGroup) -> None:
        self._log_group = log_group

    @property
    def destination(self) -> apigateway.IAccessLogDestination:
        return apigateway.LogGroupLogDestination(self._log_group)

    @property
    def format(self) -> rest_api.AccessLogFormat:
        fields = {name.rsplit(".", 1)[-1]: f"$context.{name}" for name in _ACCESS_LOG_FIELDS}
        return rest_api.AccessLogFormat.custom(json.dumps(fields))
