"""Passes a request on to another server, as an HTTP_PROXY integration does."""

import http.client
import ssl
from asyncio import to_thread
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

from cachetwin_local.supervise.http.server import HttpRequest, HttpResponse
from cachetwin_local.topology.http_apis import ApiIntegration

from .functions import FunctionFailed
from .http_event import EventContext

__all__ = ["Outgoing", "fields_of", "forward", "send", "with_path", "with_query"]

_HOP_BY_HOP: Final = frozenset(
    {"connection", "keep-alive", "te", "transfer-encoding", "upgrade", "host", "content-length"}
)
_SAFE: Final = "/-._~!$&'()*+,;=:@"  # what a path may have as it is
_BODY_MAX: Final = 10 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request to another server."""

    method: str
    uri: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    timeout_s: float


async def forward(integration: ApiIntegration, request: HttpRequest, context: EventContext) -> HttpResponse:
    """The answer of the server to a request as it came. Raises FunctionFailed when it gives none."""
    uri = with_path(integration.uri, context.path_parameters)
    method = request.method if integration.method == "ANY" else integration.method
    return await send(
        Outgoing(method, with_query(uri, request.query), fields_of(request), request.body, integration.timeout_s)
    )


def with_path(uri: str, parameters: Mapping[str, str]) -> str:
    """A URI with values for the variables of its path."""
    for name, value in parameters.items():
        uri = uri.replace(f"{{{name}}}", quote(value, safe=_SAFE)).replace(f"{{{name}+}}", quote(value, safe=_SAFE))
    return uri


def with_query(uri: str, query: str) -> str:
    """A URI with this query behind its own."""
    return f"{uri}{'&' if '?' in uri else '?'}{query}" if query else uri


def fields_of(request: HttpRequest) -> tuple[tuple[str, str], ...]:
    """The header fields that are passed on."""
    found = {f.name.decode("latin-1"): f.value.decode("latin-1") for f in request.fields}
    return tuple((name, value) for name, value in found.items() if name not in _HOP_BY_HOP)


async def send(outgoing: Outgoing) -> HttpResponse:
    """The answer of another server. Raises FunctionFailed when it gives none."""
    try:
        return await to_thread(_exchange, outgoing)
    except TimeoutError:
        raise FunctionFailed("late", f"{outgoing.uri} did not answer in time") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise FunctionFailed("busy", f"{outgoing.uri} cannot be reached: {error}") from error


def _exchange(outgoing: Outgoing) -> HttpResponse:
    parts = urlsplit(outgoing.uri)
    if parts.scheme not in {"http", "https"} or parts.hostname is None:
        raise ValueError(f"the integration's URI must be a URL, got {outgoing.uri}")
    if parts.scheme == "https":
        secure = ssl.create_default_context()
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            parts.hostname, parts.port, timeout=outgoing.timeout_s, context=secure
        )
    else:
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=outgoing.timeout_s)
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request(outgoing.method, target, outgoing.body or None, dict(outgoing.headers))
        reply = connection.getresponse()
        if reply.status < 200:
            raise http.client.UnknownProtocol(f"the answer is only {reply.status}")
        kept = tuple((n, v) for n, v in reply.getheaders() if n.lower() not in _HOP_BY_HOP)
        return HttpResponse(reply.status, kept, reply.read(_BODY_MAX))
    finally:
        connection.close()
