"""AWS::ApiGatewayV2::Route, Integration and Authorizer: what an HTTP API answers, with what, and to whom."""

from typing import Final, Literal

from cachetwin_local.assembly.graph import Graph
from cachetwin_local.assembly.resolved import Description, Resolved
from cachetwin_local.assembly.template import Stack
from cachetwin_local.resources.context import Context, Translation
from cachetwin_local.resources.lambda_.function import function_key
from cachetwin_local.resources.properties import Properties
from cachetwin_local.resources.shape import name_fields
from cachetwin_local.topology.address_plan import AddressPlan
from cachetwin_local.topology.http_apis import ApiAuthorizer, ApiIntegration, ApiRoute

__all__ = ["describe", "routes_of", "translate"]

ROUTE: Final = "AWS::ApiGatewayV2::Route"
INTEGRATION: Final = "AWS::ApiGatewayV2::Integration"
AUTHORIZER: Final = "AWS::ApiGatewayV2::Authorizer"
_AUTHORIZATION: Final[dict[str, Literal["NONE", "JWT", "AWS_IAM", "CUSTOM"]]] = {
    "NONE": "NONE",
    "JWT": "JWT",
    "AWS_IAM": "AWS_IAM",
    "CUSTOM": "CUSTOM",
}


def describe(address_plan: AddressPlan, graph: Graph, resolved: Resolved, stack: Stack) -> Description:
    """``Ref`` gives an id that the service makes."""
    fields = name_fields(resolved, stack)
    route_id = fields["hex17"][:7]
    return Description(
        route_id, route_id, "", {"RouteId": route_id, "IntegrationId": route_id, "AuthorizerId": route_id}
    )


def translate(context: Context, resolved: Resolved) -> Translation:
    """A route, an integration or an authorizer is part of its API."""
    return Translation((), "a part of its API")


def routes_of(context: Context, api_id: str) -> tuple[ApiRoute, ...]:
    """The routes of an API, in the template's order. One whose integration does not run here is left out."""
    found = []
    for resolved in context.graph.readable(ROUTE):
        properties = Properties.of(resolved)
        if properties.string("ApiId") != api_id:
            continue
        integration = _integration(context, properties, resolved.resource.key)
        if integration is None:
            continue
        kind = _AUTHORIZATION.get(properties.string("AuthorizationType", "NONE"), "NONE")
        found.append(
            ApiRoute(
                route_key=properties.string("RouteKey"),
                integration=integration,
                authorization=kind,
                authorizer=_authorizer(context, properties, resolved.resource.key)
                if kind in {"JWT", "CUSTOM"}
                else None,
                scopes=properties.strings("AuthorizationScopes"),
                operation_name=properties.string("OperationName", ""),
            )
        )
    return tuple(found)


def _integration(context: Context, route: Properties, key: str) -> ApiIntegration | None:
    """The integration of a route; a problem of the context, and None, where it does not run here."""
    target = route.string("Target", "").removeprefix("integrations/")
    resolved = context.find(INTEGRATION, target, route.where.stack)
    if resolved is None:
        context.problem("warning", key, f"Target: must be an integration of this app, got {target or 'none'}: left out")
        return None
    properties = Properties.of(resolved)
    kind, uri = properties.string("IntegrationType"), properties.string("IntegrationUri", "")
    timeout_s = properties.integer("TimeoutInMillis", 30_000) / 1000
    if kind == "HTTP_PROXY" and properties.string("ConnectionType", "INTERNET") == "INTERNET":
        method = properties.string("IntegrationMethod", "ANY")
        return ApiIntegration(None, uri=uri, method=method, payload_format="1.0", timeout_s=timeout_s)
    if kind != "AWS_PROXY" or "IntegrationSubtype" in properties:
        subtype = properties.string("IntegrationSubtype", properties.string("ConnectionType", kind))
        context.problem("warning", key, f"its integration ({subtype}) does not run here: the route is left out")
        return None
    function = function_key(context, uri, route.where.stack)
    if function is None:
        context.problem("warning", key, f"IntegrationUri: must name a function of this app, got {uri}: left out")
        return None
    version: Literal["1.0", "2.0"] = "2.0" if properties.string("PayloadFormatVersion", "1.0") == "2.0" else "1.0"
    return ApiIntegration(function, arn=uri, payload_format=version, timeout_s=timeout_s)


def _authorizer(context: Context, route: Properties, key: str) -> ApiAuthorizer | None:
    name = route.string("AuthorizerId", "")
    resolved = context.find(AUTHORIZER, name, route.where.stack)
    if resolved is None:
        context.problem("warning", key, f"AuthorizerId: must be an authorizer of this app, got {name}: nobody may call")
        return None
    properties = Properties.of(resolved)
    jwt, uri = properties.object("JwtConfiguration"), properties.string("AuthorizerUri", "")
    version: Literal["1.0", "2.0"] = (
        "2.0" if properties.string("AuthorizerPayloadFormatVersion", "1.0") == "2.0" else "1.0"
    )
    return ApiAuthorizer(
        identity=context.identity(resolved.resource.key),
        kind="JWT" if properties.string("AuthorizerType") == "JWT" else "REQUEST",
        name=properties.string("Name"),
        identity_sources=properties.strings("IdentitySource"),
        issuer=jwt.string("Issuer", ""),
        audiences=jwt.strings("Audience"),
        function=function_key(context, uri, route.where.stack) if uri else None,
        function_arn=uri,
        payload_format=version,
        simple_responses=properties.boolean("EnableSimpleResponses"),
        cache_ttl_s=properties.integer("AuthorizerResultTtlInSeconds", 300 if "IdentitySource" in properties else 0),
    )
