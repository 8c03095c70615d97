"""AWS::ApiGateway::RestApi: a REST API at an address of this machine."""

from typing import Final

from cachetwin_local.assembly.graph import Graph
from cachetwin_local.assembly.resolved import Description, Resolved
from cachetwin_local.assembly.template import Resource, Stack
from cachetwin_local.resources.context import Context, Translation
from cachetwin_local.resources.properties import Properties
from cachetwin_local.resources.shape import name_fields
from cachetwin_local.topology.address_plan import AddressPlan
from cachetwin_local.topology.http_apis import ApiStage, HttpApi, Throttle
from cachetwin_local.topology.identity import Endpoint

from .gateway_responses import gateway_responses_of
from .methods import routes_of
from .models import models_of
from .usage import api_keys, throttle_of, usage_plans

__all__ = ["REST_API", "describe", "rest_api_address", "translate"]

REST_API: Final = "AWS::ApiGateway::RestApi"
_STAGE: Final = "AWS::ApiGateway::Stage"
_PORT: Final = 8090


def describe(address_plan: AddressPlan, graph: Graph, resolved: Resolved, stack: Stack) -> Description:
    """``Ref`` gives the id."""
    fields = name_fields(resolved, stack)
    api_id = fields["suffix"].lower()[:10]
    arn = f"arn:{fields['partition']}:apigateway:{stack.region}::/restapis/{api_id}"
    attributes = {"RestApiId": api_id, "RootResourceId": f"{api_id}-root"}
    return Description(api_id, api_id, arn, attributes)


def translate(context: Context, resolved: Resolved) -> Translation:
    """The API with its methods and stages."""
    properties, identity = Properties.of(resolved), context.identity(resolved.resource.key)
    if "Body" in properties or "BodyS3Location" in properties:
        return Translation((), "an API that is imported from OpenAPI does not run here", "not supported")
    stages = _stages(context, identity.physical_name)
    if not stages:
        return Translation((), "no stage of it is deployed", "modelled")
    routes = routes_of(context, identity.physical_name)
    plans = usage_plans(context, identity.physical_name)
    address, port = rest_api_address(context.address_plan, resolved.resource)
    api = HttpApi(
        identity=identity,
        name=properties.string("Name", identity.logical_id),
        host=f"{identity.physical_name}.execute-api.{identity.region}.amazonaws.com",
        endpoint=Endpoint(address, port, 443),
        routes=routes,
        stages=stages,
        kind="REST",
        api_keys=api_keys(context, plans),
        usage_plans=plans,
        gateway_responses=gateway_responses_of(context, identity.physical_name),
        models=models_of(context, identity.physical_name),
    )
    return Translation((api,), f"http://{address}:{port}, {len(routes)} method{'' if len(routes) == 1 else 's'}")


def rest_api_address(address_plan: AddressPlan, resource: Resource) -> tuple[str, int]:
    """Where an API listens here."""
    return address_plan.listener(f"{resource.key}/api", _PORT)


def _stages(context: Context, api_id: str) -> tuple[ApiStage, ...]:
    found = []
    for resolved in context.graph.readable(_STAGE):
        properties = Properties.of(resolved)
        if properties.string("RestApiId") != api_id:
            continue
        variables, throttle, routes = properties.object("Variables"), Throttle(), {}
        for setting in properties.objects("MethodSettings"):
            limits = throttle_of(setting, "ThrottlingRateLimit", "ThrottlingBurstLimit")
            path, method = setting.string("ResourcePath", ""), setting.string("HttpMethod", "")
            if (path, method) == ("/*", "*"):
                throttle = limits
            elif limits != Throttle():
                routes[f"{method} {path.replace('~1', '/')}"] = limits
        found.append(
            ApiStage(
                name=properties.string("StageName"),
                variables={name: variables.string(name) for name in variables.values},
                throttle=throttle,
                routes=routes,
                access_log_format=properties.object("AccessLogSetting").string("Format", ""),
            )
        )
    return tuple(found)
