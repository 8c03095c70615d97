"""AWS::ApiGateway::Method with its resource, integration, validator and authorizer: a route of a REST API."""

import re
from typing import Final, Literal

from cachetwin_local.assembly.resolved import Resolved
from cachetwin_local.resources.context import Context
from cachetwin_local.resources.lambda_.function import function_key
from cachetwin_local.resources.properties import Properties
from cachetwin_local.topology.http_apis import ApiAuthorizer, ApiIntegration, ApiRoute, FixedAnswer

__all__ = ["routes_of"]

_RESOURCE: Final = "AWS::ApiGateway::Resource"
_METHOD: Final = "AWS::ApiGateway::Method"
_AUTHORIZER: Final = "AWS::ApiGateway::Authorizer"
_VALIDATOR: Final = "AWS::ApiGateway::RequestValidator"
_LONGEST_S: Final = 29.0
_STATUS: Final = re.compile(r"['\"]?statusCode['\"]?\s*:\s*(\d{3})")
_AUTHORIZATION: Final[dict[str, Literal["NONE", "AWS_IAM", "CUSTOM", "JWT"]]] = {
    "NONE": "NONE",
    "AWS_IAM": "AWS_IAM",
    "CUSTOM": "CUSTOM",
    "COGNITO_USER_POOLS": "JWT",
}


def routes_of(context: Context, api_id: str) -> tuple[ApiRoute, ...]:
    """The methods of an API. One whose integration does not run here is left out, and said."""
    found = []
    for resolved in context.graph.readable(_METHOD):
        properties = Properties.of(resolved)
        if properties.string("RestApiId") != api_id:
            continue
        path = _path(context, properties.string("ResourceId"), api_id, properties.where.stack)
        integration = _integration(context, properties, resolved)
        if path is None or integration is None:
            continue
        kind = _AUTHORIZATION.get(properties.string("AuthorizationType", "NONE"), "AWS_IAM")
        found.append(
            ApiRoute(
                route_key=f"{properties.string('HttpMethod').upper()} {path}",
                integration=integration,
                authorization=kind,
                authorizer=_authorizer(context, properties) if kind == "CUSTOM" else None,
                operation_name=properties.string("OperationName", ""),
                api_key_required=properties.boolean("ApiKeyRequired"),
                required_parameters=_required(context, properties),
            )
        )
    return tuple(found)


def _path(context: Context, resource_id: str, api_id: str, stack: str) -> str | None:
    """The path of a resource by its id; None where a part of it is not of this app."""
    parts: list[str] = []
    while resource_id != f"{api_id}-root":
        resolved = context.find(_RESOURCE, resource_id, stack)
        if resolved is None:
            return None
        properties = Properties.of(resolved)
        parts.insert(0, properties.string("PathPart"))
        resource_id = properties.string("ParentId")
    return "/" + "/".join(parts)


def _integration(context: Context, method: Properties, resolved: Resolved) -> ApiIntegration | None:
    properties, key = method.object("Integration"), resolved.resource.key
    kind, uri = properties.string("Type", "MOCK"), properties.string("Uri", "")
    timeout_s = min(_LONGEST_S, properties.integer("TimeoutInMillis", 29_000) / 1000)
    if kind == "MOCK":
        return ApiIntegration(None, fixed=_mock(properties), payload_format="1.0")
    if kind == "HTTP_PROXY" and properties.string("ConnectionType", "INTERNET") == "INTERNET":
        verb = properties.string("IntegrationHttpMethod", "ANY")
        return ApiIntegration(None, uri=uri, method=verb, payload_format="1.0", timeout_s=timeout_s)
    function = function_key(context, uri, method.where.stack) if kind == "AWS_PROXY" else None
    if function is None:
        context.problem("warning", key, f"its integration ({kind} {uri}) does not run here: the method is left out")
        return None
    return ApiIntegration(function, arn=uri, payload_format="1.0", timeout_s=timeout_s)


def _mock(integration: Properties) -> FixedAnswer:
    """The answer of a MOCK integration: the status that its template sets, and the literal headers of its response."""
    templates = integration.object("RequestTemplates")
    match = _STATUS.search(templates.string("application/json", ""))
    status = match[1] if match else "200"
    responses = integration.objects("IntegrationResponses")
    chosen = next((one for one in responses if one.string("StatusCode") == status), None)
    chosen = chosen or (responses[0] if responses else None)
    if chosen is None:
        return FixedAnswer(int(status))
    parameters, bodies = chosen.object("ResponseParameters"), chosen.object("ResponseTemplates")
    headers = tuple(
        (name.removeprefix("method.response.header."), value.strip("'"))
        for name in parameters.values
        if (value := parameters.string(name)).startswith("'")
    )
    return FixedAnswer(chosen.integer("StatusCode"), headers, bodies.string("application/json", ""))


def _authorizer(context: Context, method: Properties) -> ApiAuthorizer | None:
    resolved = context.find(_AUTHORIZER, method.string("AuthorizerId", ""), method.where.stack)
    if resolved is None:
        return None
    properties = Properties.of(resolved)
    uri = properties.string("AuthorizerUri", "")
    sources = [one.strip() for one in properties.string("IdentitySource", "").split(",") if one.strip()]
    return ApiAuthorizer(
        identity=context.identity(resolved.resource.key),
        kind="TOKEN" if properties.string("Type") == "TOKEN" else "REQUEST",
        name=properties.string("Name"),
        identity_sources=tuple(one.replace("method.request.", "$request.") for one in sources),
        function=function_key(context, uri, method.where.stack) if uri else None,
        function_arn=uri,
        cache_ttl_s=properties.integer("AuthorizerResultTtlInSeconds", 300),
    )


def _required(context: Context, method: Properties) -> tuple[str, ...]:
    """The parameters that a request must have, where a validator checks them."""
    validator = context.find(_VALIDATOR, method.string("RequestValidatorId", ""), method.where.stack)
    if validator is None or not Properties.of(validator).boolean("ValidateRequestParameters"):
        return ()
    parameters = method.object("RequestParameters")
    return tuple(sorted(name for name in parameters.values if parameters.boolean(name)))
