"""What mapping templates can name: ``$input``, ``$util``, ``$context`` and ``$stageVariables``.

Source: "Mapping template reference for API Gateway" in the API Gateway developer guide.
"""

import base64
import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, quote_plus, unquote_plus

from cachetwin_local.supervise.api.http_event import EventContext, event_1_0, rest_event
from cachetwin_local.supervise.http.server import HttpRequest

from .json_path import find

__all__ = ["Parameters", "TemplateValues", "template_values"]

_ESCAPES: Final = {
    "\\": "\\\\", '"': '\\"', "'": "\\'", "/": "\\/", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t",
}  # fmt: skip


class _Fields(dict[str, str]):
    """Header fields, found whatever the case of their names."""

    def __getitem__(self, name: str) -> str:
        wanted = name.lower()
        for own, value in self.items():
            if own.lower() == wanted:
                return value
        raise KeyError(name)

    def get(self, name: str, default: Any = "") -> Any:  # noqa: ANN401  (as a dict)
        try:
            return self[name]
        except KeyError:
            return default

    def keySet(self) -> list[str]:  # noqa: N802  (Java's name)
        return list(self)

    def containsKey(self, name: str) -> bool:  # noqa: N802  (Java's name)
        return self.get(name, None) is not None


class Parameters:
    """The parameters of a request: of the path, the query string and the header."""

    def __init__(self, path: Mapping[str, str], query: Mapping[str, str], header: Mapping[str, str]) -> None:
        self.all: dict[str, dict[str, str]] = {
            "path": dict(path),
            "querystring": dict(query),
            "header": _Fields(header),
        }

    def get(self, place: str, name: str) -> str | None:
        """The value of a parameter of a place."""
        try:
            return self.all.get(place, {})[name]
        except KeyError:
            return None

    def anywhere(self, name: str) -> str:
        """The value of a parameter, searched for in this order: path, query string, header."""
        found = (self.get(place, name) for place in self.all)
        return next((value for value in found if value is not None), "")


class _Input:
    """``$input``: the body and the parameters."""

    def __init__(self, body: str, parameters: Parameters) -> None:
        self.body = body
        self._parameters = parameters

    def path(self, path: str) -> Any:  # noqa: ANN401  (JSON)
        """What a JSONPath finds in the body; empty text for nothing."""
        found = find(path, self._document())
        return "" if found is None else found

    def json(self, path: str) -> str:
        """The same, as JSON."""
        found = find(path, self._document())
        return '""' if found is None and path.strip() != "$" else json.dumps(found, separators=(",", ":"))

    def params(self, name: str | None = None) -> Any:  # noqa: ANN401  (all parameters, or one)
        """One parameter, or all of them by their place."""
        return self._parameters.all if name is None else self._parameters.anywhere(name)

    def _document(self) -> Any:  # noqa: ANN401  (JSON)
        return json.loads(self.body) if self.body.strip() else {}


class _Util:
    """``$util``."""

    def escapeJavaScript(self, text: object) -> str:  # noqa: N802  (the service's name)
        """Text that can stand in a string of JavaScript."""
        found = (_ESCAPES.get(one) or (one if " " <= one <= "~" else _escaped(one)) for one in str(text))
        return "".join(found)

    def parseJson(self, text: str) -> Any:  # noqa: ANN401, N802  (JSON; the service's name)
        """The value of a JSON text."""
        return json.loads(text)

    def urlEncode(self, text: object) -> str:  # noqa: N802  (the service's name)
        """Text as a form has it."""
        return quote_plus(str(text))

    def urlDecode(self, text: str) -> str:  # noqa: N802  (the service's name)
        """The text of a form."""
        return unquote_plus(text)

    def base64Encode(self, text: object) -> str:  # noqa: N802  (the service's name)
        """Base64 of UTF-8."""
        return base64.b64encode(str(text).encode()).decode()

    def base64Decode(self, text: str) -> str:  # noqa: N802  (the service's name)
        """The text that is in base64."""
        return base64.b64decode(text).decode(errors="replace")


def _escaped(one: str) -> str:
    units = one.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02X}{units[at + 1]:02X}" for at in range(0, len(units), 2))


class TemplateValues:
    """The values of one exchange; templates set the overrides in `context`."""

    def __init__(self, context: dict[str, Any], stage_variables: Mapping[str, str], parameters: Parameters) -> None:
        self.context = context
        self.stage_variables = dict(stage_variables)
        self.parameters = parameters
        context["requestOverride"] = {"header": {}, "querystring": {}, "path": {}}
        context["responseOverride"] = {"header": {}}

    def names(self, body: str) -> dict[str, Any]:
        """What a template's references begin with; `body` is the request's, or the integration's answer."""
        return {
            "input": _Input(body, self.parameters),
            "util": _Util(),
            "context": self.context,
            "stageVariables": self.stage_variables,
        }

    def named(self, source: str) -> str | None:
        """The value of a literal, of ``context.PATH`` or of ``stageVariables.NAME``; None for anything else."""
        if source.startswith("'"):
            return source.strip("'")
        kind, _, name = source.partition(".")
        if kind == "stageVariables":
            return self.stage_variables.get(name)
        found = find(name, self.context) if kind == "context" else None
        return None if found is None or isinstance(found, dict | list) else str(found)


def template_values(request: HttpRequest, context: EventContext) -> TemplateValues:
    """The values for a request."""
    event = rest_event(event_1_0(request, context), context)
    values = dict(event["requestContext"])
    authorizer = context.authorizer or {}
    values["authorizer"] = {**authorizer, **authorizer.get("lambda", {})} if authorizer else {}
    query = dict(parse_qsl(request.query, keep_blank_values=True))
    parameters = Parameters(context.path_parameters, query, event["headers"])
    return TemplateValues(values, context.stage_variables, parameters)
