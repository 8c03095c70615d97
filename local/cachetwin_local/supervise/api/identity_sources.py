"""Where the identity of a caller is read from: ``$request.header.NAME`` and the like. Pure."""

from collections.abc import Iterable
from urllib.parse import parse_qs

from cachetwin_local.supervise.http.server import HttpRequest

from .http_event import EventContext

__all__ = ["values_of"]


def values_of(sources: Iterable[str], request: HttpRequest, context: EventContext) -> tuple[str, ...] | None:
    """The values of the sources; None where one has none."""
    found = [_value(source, request, context) for source in sources]
    return None if not all(found) else tuple(value or "" for value in found)


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
