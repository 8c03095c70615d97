"""Bodies of requests, checked against an API's models: JSON schemas of draft 4."""

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from cachetwin_local.supervise.http.server import HttpRequest

__all__ = ["Models"]


class Models:
    """The models of an API by URI, as JSON text."""

    def __init__(self, schemas: Mapping[str, str]) -> None:
        self._schemas = schemas
        self._validators: dict[str, Any] = {}

    def problem(self, models: Mapping[str, str], request: HttpRequest) -> str | None:
        """Why a body does not meet the model of its media type; None where it does, or where there is no model for it."""
        media_type = (request.header("content-type") or "application/json").partition(";")[0].strip()
        uri = models.get(media_type) or models.get("$default")
        if uri is None:
            return None
        if uri not in self._schemas:
            return f"there is no model {uri}"
        try:
            document = json.loads(request.body) if request.body.strip() else None
        except (ValueError, RecursionError):
            return "the body is no JSON"
        if document is None and self._schemas[uri] == "{}":
            return None
        error = next(iter(self._validator(uri).iter_errors(document)), None)
        return None if error is None else f"{error.json_path}: {error.message}"[:500]

    def _validator(self, uri: str) -> Any:  # noqa: ANN401  (jsonschema has no types)
        if uri not in self._validators:
            import jsonschema  # type: ignore[import-untyped]  # noqa: PLC0415  (slow, for APIs with models only)

            schema = {"$ref": uri}
            self._validators[uri] = jsonschema.Draft4Validator(schema, registry=self._registry)
        return self._validators[uri]

    @cached_property
    def _registry(self) -> Any:  # noqa: ANN401
        from referencing import Registry  # noqa: PLC0415  (with jsonschema)
        from referencing.jsonschema import DRAFT4  # noqa: PLC0415

        resources = [(uri, DRAFT4.create_resource(json.loads(text))) for uri, text in self._schemas.items()]
        return Registry().with_resources(resources)
