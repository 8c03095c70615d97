"""The answers that a REST API gives itself, in the words of the template's gateway responses.

Their templates take values of the context, of the stage and of the request, and know no directives. Source: "Gateway
responses for REST APIs" in the API Gateway developer guide. Pure.
"""

import json
import re
from collections.abc import Sequence
from typing import Final

from cachetwin_local.supervise.api.dialect import Dialect, Failure, message
from cachetwin_local.supervise.http.server import HttpResponse
from cachetwin_local.topology.http_apis import GatewayResponse

from .responses import chosen_media_type, sendable
from .template_values import TemplateValues

__all__ = ["GatewayResponses"]

_REFERENCE: Final = re.compile(
    r"\$(context|stageVariables|method\.request\.(?:header|querystring|path))\.([\w.-]*[\w-])|"
    r"\$\{(context|stageVariables)\.([\w.-]+)\}"
)


class GatewayResponses:
    """The gateway responses of an API; without any, its answers have the service's own form."""

    def __init__(self, given: Sequence[GatewayResponse], dialect: Dialect) -> None:
        self._given = {one.response_type: one for one in given}
        self._dialect = dialect

    def answer(
        self, failure: Failure, text: str | None, values: TemplateValues | None, accept: str | None
    ) -> HttpResponse:
        """The answer to a failure; `text` is the message where it is not the usual one."""
        response_type, status, usual = self._dialect.answers[failure]
        plain = message(status, text or usual)
        fallback = "DEFAULT_4XX" if status < 500 else "DEFAULT_5XX"
        own = self._given.get(response_type) if response_type else None
        chosen = own or (self._given.get(fallback) if response_type else None)
        if chosen is None or values is None:
            return plain
        values.context["error"] = {
            "message": text or usual,
            "messageString": json.dumps(text or usual),
            "responseType": response_type,
            "validationErrorString": json.dumps(text or usual),
        }
        headers = {"Content-Type": "application/json"}
        for name, source in chosen.parameters.items():
            value = _value(source, values)
            if value is not None:
                headers[name.removeprefix("gatewayresponse.header.")] = value
        media_type = chosen_media_type(chosen.templates, accept)
        body = plain.body
        if media_type is not None:
            headers["Content-Type"] = media_type
            body = _REFERENCE.sub(lambda match: _named(match, values), chosen.templates[media_type]).encode()
        return HttpResponse(chosen.status_code or status, sendable(headers), body)


def _named(match: re.Match[str], values: TemplateValues) -> str:
    return _value(f"{match[1] or match[3]}.{match[2] or match[4]}", values) or ""


def _value(source: str, values: TemplateValues) -> str | None:
    if not source.startswith("method.request."):
        return values.named(source)
    place, _, name = source.removeprefix("method.request.").partition(".")
    return values.parameters.get(place, name)
