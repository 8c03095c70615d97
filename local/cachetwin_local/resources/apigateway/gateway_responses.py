"""AWS::ApiGateway::GatewayResponse: how a REST API words the answers that no integration gives."""

from typing import Final

from cachetwin_local.resources.context import Context
from cachetwin_local.resources.properties import Properties
from cachetwin_local.topology.http_apis import GatewayResponse

__all__ = ["gateway_responses_of"]

_GATEWAY_RESPONSE: Final = "AWS::ApiGateway::GatewayResponse"


def gateway_responses_of(context: Context, api_id: str) -> tuple[GatewayResponse, ...]:
    """Those of one API."""
    found = []
    for resolved in context.graph.readable(_GATEWAY_RESPONSE):
        properties = Properties.of(resolved)
        if properties.string("RestApiId") != api_id:
            continue
        parameters, templates = properties.object("ResponseParameters"), properties.object("ResponseTemplates")
        found.append(
            GatewayResponse(
                properties.string("ResponseType"),
                properties.integer("StatusCode") if "StatusCode" in properties else None,
                {name: parameters.string(name) for name in parameters.values},
                {name: templates.string(name) for name in templates.values},
            )
        )
    return tuple(found)
