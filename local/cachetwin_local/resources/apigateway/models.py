"""AWS::ApiGateway::Model: the JSON schemas that bodies of requests must meet."""

import json
from typing import Final

from cachetwin_local.resources.context import Context
from cachetwin_local.resources.properties import Properties

__all__ = ["body_models", "models_of"]

_MODEL: Final = "AWS::ApiGateway::Model"


def models_of(context: Context, api_id: str) -> dict[str, str]:
    """The schemas of an API's models by the URIs that name them, `Empty` and `Error` of each API included."""
    found = {_uri(api_id, "Empty"): "{}", _uri(api_id, "Error"): "{}"}
    for resolved in context.graph.readable(_MODEL):
        properties = Properties.of(resolved)
        if properties.string("RestApiId") != api_id:
            continue
        schema = resolved.properties.get("Schema")
        if isinstance(schema, str):
            try:
                schema = json.loads(schema)
            except ValueError:
                raise properties.where.child("Schema").error("must be JSON") from None
        found[_uri(api_id, str(context.graph.described(resolved.resource.key).ref))] = json.dumps(schema or {})
    return found


def body_models(given: Properties, api_id: str) -> dict[str, str]:
    """The URIs of the models that ``RequestModels`` names, by media type."""
    return {media_type: _uri(api_id, given.string(media_type)) for media_type in given.values}


def _uri(api_id: str, name: str) -> str:
    return f"https://apigateway.amazonaws.com/restapis/{api_id}/models/{name}"
