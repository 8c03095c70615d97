"""Passes a request on to another server, as an HTTP_PROXY integration does."""

import http.client
import ssl
from asyncio import to_thread
from typing import Final
from urllib.parse import quote, urlsplit

from cachetwin_local.supervise.http.server import HttpRequest, HttpResponse
from cachetwin_local.topology.http_apis import ApiIntegration

from .functions import FunctionFailed
from .http_event import EventContext

__all__ = ["forward"]

_HOP_BY_HOP: Final = frozenset(
    {"connection", "keep-alive", "te", "transfer-encoding", "upgrade", "host", "content-length"}
)
_SAFE: Final = "/-._~!$&'()*+,;=:@"  # what a path may have as it is
_BODY_MAX: Final = 10 * 1024 * 1024


async def forward(integration: ApiIntegration, request: HttpRequest, context: EventContext) -> HttpResponse:
    """The answer of the server. Raises FunctionFailed when it gives none."""
    uri = integration.uri
    for name, value in context.path_parameters.items():
        uri = uri.replace(f"{{{name}}}", quote(value, safe=_SAFE)).replace(f"{{{name}+}}", quote(value, safe=_SAFE))
    try:
        return await to_thread(_exchange, uri, integration, request)
    except TimeoutError:
        raise FunctionFailed("late", f"{uri} did not answer in time") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise FunctionFailed("busy", f"{uri} cannot be reached: {error}") from error


def _exchange(uri: str, integration: ApiIntegration, request: HttpRequest) -> HttpResponse:
    parts = urlsplit(uri)
    if parts.scheme not in {"http", "https"} or parts.hostname is None:
        raise ValueError(f"the integration's URI must be a URL, got {uri}")
    if parts.scheme == "https":
        secure = ssl.create_default_context()
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            parts.hostname, parts.port, timeout=integration.timeout_s, context=secure
        )
    else:
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=integration.timeout_s)
    try:
        query = "&".join(part for part in (parts.query, request.query) if part)
        target = (parts.path or "/") + (f"?{query}" if query else "")
        headers = {f.name.decode("latin-1"): f.value.decode("latin-1") for f in request.fields}
        headers = {name: value for name, value in headers.items() if name not in _HOP_BY_HOP}
        method = request.method if integration.method == "ANY" else integration.method
        connection.request(method, target, request.body or None, headers)
        reply = connection.getresponse()
        if reply.status < 200:
            raise http.client.UnknownProtocol(f"the answer is only {reply.status}")
        kept = tuple((n, v) for n, v in reply.getheaders() if n.lower() not in _HOP_BY_HOP)
        return HttpResponse(reply.status, kept, reply.read(_BODY_MAX))
    finally:
        connection.close()
