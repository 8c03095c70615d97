"""AWS::ApiGatewayV2::Stage: where an HTTP API answers, how often it may be called, what its access log says."""

from typing import Final

from cachetwin_local.assembly.graph import Graph
from cachetwin_local.assembly.resolved import Description, Resolved
from cachetwin_local.assembly.template import Stack
from cachetwin_local.resources.context import Context, Translation
from cachetwin_local.resources.properties import Properties
from cachetwin_local.topology.address_plan import AddressPlan
from cachetwin_local.topology.http_apis import ApiStage, Throttle

__all__ = ["STAGE", "describe", "stages_of", "translate"]

STAGE: Final = "AWS::ApiGatewayV2::Stage"


def describe(address_plan: AddressPlan, graph: Graph, resolved: Resolved, stack: Stack) -> Description:
    """``Ref`` gives the name."""
    name = Properties.of(resolved).string("StageName")
    return Description(name, name, "", {"Id": name})


def translate(context: Context, resolved: Resolved) -> Translation:
    """A stage is part of its API."""
    return Translation((), "a part of its API")


def stages_of(context: Context, api_id: str) -> tuple[ApiStage, ...]:
    """The stages of an API."""
    found = []
    for resolved in context.graph.readable(STAGE):
        properties = Properties.of(resolved)
        if properties.string("ApiId") != api_id:
            continue
        variables, routes = properties.object("StageVariables"), properties.object("RouteSettings")
        found.append(
            ApiStage(
                name=properties.string("StageName"),
                variables={name: variables.string(name) for name in variables.values},
                throttle=_throttle(properties.object("DefaultRouteSettings")),
                routes={name: _throttle(routes.object(name)) for name in routes.values},
                access_log_format=properties.object("AccessLogSettings").string("Format", ""),
            )
        )
    return tuple(found)


def _throttle(settings: Properties) -> Throttle:
    return Throttle(
        rate=float(settings.string("ThrottlingRateLimit")) if "ThrottlingRateLimit" in settings else None,
        burst=settings.integer("ThrottlingBurstLimit") if "ThrottlingBurstLimit" in settings else None,
    )
