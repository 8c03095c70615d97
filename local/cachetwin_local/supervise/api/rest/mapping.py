"""Requests and answers of integrations that are mapped by templates and parameters.

Sources: "Set up data transformations for REST APIs" and "Request and response parameter-mapping reference" in the API
Gateway developer guide. Pure.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Final

from cachetwin_local.supervise.api.dialect import Failure
from cachetwin_local.supervise.http.server import HttpRequest, HttpResponse
from cachetwin_local.topology.http_apis import IntegrationMapping, MappedResponse

from .json_path import find
from .responses import chosen_media_type, sendable
from .template_values import TemplateValues
from .velocity import TemplateFailed, render

__all__ = ["MappedRequest", "MappingFailed", "map_request", "map_response", "mock_status"]

_STATUS: Final = re.compile(r"['\"]?statusCode['\"]?\s*:\s*['\"]?(\d{3})\b")
_JSON: Final = "application/json"


class MappingFailed(Exception):
    """A request or an answer cannot be mapped; `reason` is for the API's log, `text` for the client if not None."""

    def __init__(self, failure: Failure, reason: str, text: str | None = None) -> None:
        super().__init__(reason)
        self.failure = failure
        self.reason = reason
        self.text = text


@dataclass(slots=True)
class MappedRequest:
    """The request to an integration."""

    body: bytes
    header: dict[str, str] = field(default_factory=dict)
    querystring: dict[str, str] = field(default_factory=dict)
    path: dict[str, str] = field(default_factory=dict)


def map_request(mapping: IntegrationMapping, request: HttpRequest, values: TemplateValues) -> MappedRequest:
    """What the integration gets. Raises MappingFailed."""
    media_type = (request.header("content-type") or _JSON).partition(";")[0].strip().lower()
    template = {name.partition(";")[0].strip().lower(): text for name, text in mapping.templates.items()}.get(
        media_type
    )
    if template is None and (
        mapping.passthrough == "NEVER" or (mapping.passthrough == "WHEN_NO_TEMPLATES" and mapping.templates)
    ):
        raise MappingFailed("bad media type", f"no template is for {media_type}")
    text = request.body.decode("utf-8", "replace")
    mapped = MappedRequest(request.body)
    for name, source in mapping.parameters.items():
        place, _, target = name.removeprefix("integration.request.").partition(".")
        value = _request_value(source, text, values)
        if value is not None:
            _put(mapped, place, target, value)
    if template is not None:
        mapped.body = _rendered(template, values, text).encode("utf-8", "surrogatepass")
        for place, found in values.context["requestOverride"].items():
            for target, value in found.items():
                _put(mapped, place, target, str(value))
    return mapped


def map_response(
    mapping: IntegrationMapping, outcome: str, answer: HttpResponse, values: TemplateValues, accept: str | None
) -> HttpResponse:
    """The method's response to an answer; `outcome` is what patterns are compared with. Raises MappingFailed."""
    chosen = _chosen(mapping.responses, outcome)
    if chosen is None:
        raise MappingFailed("broken", "no integration response fits, and there is no default one")
    text = answer.body.decode("utf-8", "replace")
    headers: dict[str, str] = {}
    for name, source in chosen.parameters.items():
        value = _response_value(source, answer, text, values)
        if value is not None:
            headers[name.removeprefix("method.response.header.")] = value
    media_type = chosen_media_type(chosen.templates, accept)
    body, status = answer.body, chosen.status_code
    if media_type is not None:
        body = _rendered(chosen.templates[media_type], values, text).encode("utf-8", "surrogatepass")
    override = values.context["responseOverride"]
    headers |= {name: str(value) for name, value in override["header"].items()}
    if "status" in override:
        status = _status(override["status"])
    if not any(name.lower() == "content-type" for name in headers):
        given = next((value for name, value in answer.headers if name.lower() == "content-type"), _JSON)
        headers["Content-Type"] = media_type or given
    return HttpResponse(status, sendable(headers), body)


def mock_status(body: bytes) -> str:
    """The status that the template of a MOCK integration sets. Raises MappingFailed."""
    match = _STATUS.search(body.decode("utf-8", "replace"))
    if match is None:
        raise MappingFailed("broken", "the request template of a MOCK integration must set statusCode")
    return match[1]


def _chosen(responses: tuple[MappedResponse, ...], outcome: str) -> MappedResponse | None:
    for one in responses:
        if one.pattern is not None and re.fullmatch(one.pattern, outcome):
            return one
    return next((one for one in responses if one.pattern is None), None)


def _rendered(template: str, values: TemplateValues, body: str) -> str:
    try:
        return render(template, values.names(body))
    except TemplateFailed as error:
        raise MappingFailed("broken", f"a mapping template failed: {error}") from error


def _request_value(source: str, body: str, values: TemplateValues) -> str | None:
    if not source.startswith("method.request."):
        return values.named(source)
    place, _, name = source.removeprefix("method.request.").removeprefix("multivalue").partition(".")
    return _of_body(name, body) if place == "body" else values.parameters.get(place, name)


def _response_value(source: str, answer: HttpResponse, body: str, values: TemplateValues) -> str | None:
    if not source.startswith("integration.response."):
        return values.named(source)
    place, _, name = source.removeprefix("integration.response.").removeprefix("multivalue").partition(".")
    if place == "body":
        return _of_body(name, body)
    return next((value for given, value in answer.headers if given.lower() == name.lower()), None)


def _of_body(path: str, body: str) -> str | None:
    if not path:
        return body
    try:
        found = find(path, json.loads(body))
    except ValueError:
        return None
    return found if isinstance(found, str) else None if found is None else json.dumps(found)


def _put(mapped: MappedRequest, place: str, name: str, value: str) -> None:
    if place in {"header", "querystring", "path"}:
        getattr(mapped, place)[name] = re.sub(r"[\r\n]", " ", value)


def _status(value: object) -> int:
    try:
        status = int(str(value))
    except ValueError:
        status = 0
    if not 200 <= status <= 599:
        raise MappingFailed("broken", f"$context.responseOverride.status must be from 200 to 599, got {value}")
    return status
