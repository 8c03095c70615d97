"""AWS::ApiGatewayV2::Api: an HTTP API at an address of this machine."""

from collections.abc import Iterable
from typing import Final

from cachetwin_local.assembly.graph import Graph
from cachetwin_local.assembly.resolved import Description, Resolved
from cachetwin_local.assembly.template import Resource, Stack
from cachetwin_local.resources.context import Context, Translation
from cachetwin_local.resources.properties import Properties
from cachetwin_local.resources.shape import name_fields
from cachetwin_local.topology.address_plan import AddressPlan
from cachetwin_local.topology.functions import Cors
from cachetwin_local.topology.http_apis import ApiRoute, HttpApi
from cachetwin_local.topology.identity import Endpoint

from .route import routes_of
from .stage import stages_of

__all__ = ["API", "api_address", "describe", "translate"]

API: Final = "AWS::ApiGatewayV2::Api"
_PORT: Final = 8090


def describe(address_plan: AddressPlan, graph: Graph, resolved: Resolved, stack: Stack) -> Description:
    """``Ref`` gives the id; the endpoint is an address on this machine."""
    fields = name_fields(resolved, stack)
    api_id = fields["suffix"].lower()[:10]
    address, port = api_address(address_plan, resolved.resource)
    arn = f"arn:{fields['partition']}:apigateway:{stack.region}::/apis/{api_id}"
    attributes = {"ApiId": api_id, "ApiEndpoint": f"http://{address}:{port}"}
    return Description(api_id, api_id, arn, attributes)


def translate(context: Context, resolved: Resolved) -> Translation:
    """The API with its routes and stages."""
    properties, identity = Properties.of(resolved), context.identity(resolved.resource.key)
    if "Body" in properties or "BodyS3Location" in properties:
        return Translation((), "an API that is imported from OpenAPI does not run here", "not supported")
    if properties.string("ProtocolType", "HTTP") != "HTTP":
        return Translation((), "a WebSocket API does not run here", "not supported")
    routes, stages = routes_of(context, identity.physical_name), stages_of(context, identity.physical_name)
    if not stages:
        return Translation((), "no stage of it is deployed", "modelled")
    address, port = api_address(context.address_plan, resolved.resource)
    api = HttpApi(
        identity=identity,
        name=properties.string("Name", identity.logical_id),
        host=f"{identity.physical_name}.execute-api.{identity.region}.amazonaws.com",
        endpoint=Endpoint(address, port, 443),
        routes=routes,
        stages=stages,
        cors=_cors(properties.object("CorsConfiguration")) if "CorsConfiguration" in properties else None,
        depends_on=_functions(routes),
    )
    return Translation((api,), f"http://{address}:{port}, {len(routes)} route{'' if len(routes) == 1 else 's'}")


def api_address(address_plan: AddressPlan, resource: Resource) -> tuple[str, int]:
    """Where an API listens here."""
    return address_plan.listener(f"{resource.key}/api", _PORT)


def _functions(routes: Iterable[ApiRoute]) -> tuple[str, ...]:
    found = {route.integration.function for route in routes}
    found |= {route.authorizer.function for route in routes if route.authorizer}
    return tuple(sorted(key for key in found if key))


def _cors(cors: Properties) -> Cors:
    return Cors(
        allow_origins=cors.strings("AllowOrigins"),
        allow_methods=cors.strings("AllowMethods"),
        allow_headers=cors.strings("AllowHeaders"),
        expose_headers=cors.strings("ExposeHeaders"),
        allow_credentials=cors.boolean("AllowCredentials"),
        max_age_s=cors.integer("MaxAge") if "MaxAge" in cors else None,
    )
