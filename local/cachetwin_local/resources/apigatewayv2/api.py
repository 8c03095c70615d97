"""AWS::ApiGatewayV2::Api: an HTTP API at an address of this machine."""

from typing import Final

from cachetwin_local.assembly.graph import Graph
from cachetwin_local.assembly.resolved import Description, Resolved
from cachetwin_local.assembly.template import Resource, Stack
from cachetwin_local.resources.context import Context, Translation
from cachetwin_local.resources.cors import cors_of
from cachetwin_local.resources.properties import Properties
from cachetwin_local.resources.shape import name_fields
from cachetwin_local.topology.address_plan import AddressPlan
from cachetwin_local.topology.http_apis import HttpApi
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
        cors=cors_of(properties.object("CorsConfiguration")) if "CorsConfiguration" in properties else None,
    )
    return Translation((api,), f"http://{address}:{port}, {len(routes)} route{'' if len(routes) == 1 else 's'}")


def api_address(address_plan: AddressPlan, resource: Resource) -> tuple[str, int]:
    """Where an API listens here."""
    return address_plan.listener(f"{resource.key}/api", _PORT)
