"""Where the identity of a caller is read from: ``$request.header.NAME`` and the like. Pure."""

from collections.abc import Iterable
from urllib.parse import parse_qs

from cachetwin_local.supervise.api.http_event import EventContext
from cachetwin_local.supervise.http.server import HttpRequest

__all__ = ["missing_parameters", "values_of"]


def values_of(sources: Iterable[str], request: HttpRequest, context: EventContext) -> tuple[str, ...] | None:
    """The values of the sources; None where one has none."""
    found = [_value(source, request, context) for source in sources]
    return None if not all(found) else tuple(value or "" for value in found)


def missing_parameters(required: Iterable[str], request: HttpRequest) -> list[str]:
    """The names of the parameters that a request must have and lacks; those of the path are always there."""
    query = parse_qs(request.query, keep_blank_values=True)
    missing = []
    for parameter in required:
        place, _, name = parameter.removeprefix("method.request.").partition(".")
        present = {"querystring": name in query, "header": request.header(name.lower()) is not None}
        if not present.get(place, True):
            missing.append(name)
    return missing


def _value(source: str, request: HttpRequest, context: EventContext) -> str | None:
    kind, _, name = source.removeprefix("$request.").partition(".")
    if source.startswith("$stageVariables."):
        return context.stage_variables.get(source.partition(".")[2])
    if source.startswith("$context."):
        fields = {"routeKey": context.route_key, "stage": context.stage, "httpMethod": request.method}
        return fields.get(source.partition(".")[2])
    if kind == "header":
        return request.header(name.lower())
    if kind == "querystring":
        return next(iter(parse_qs(request.query).get(name, [])), None)
    return None
