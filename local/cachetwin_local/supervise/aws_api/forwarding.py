"""Requests to services that do not run here, sent on to another emulator. It may never be AWS itself."""

import asyncio
import http.client
from typing import Final
from urllib.parse import urlsplit

from cachetwin_local.supervise.http.server import HttpRequest, HttpResponse

__all__ = ["forward"]

_TIMEOUT_S: Final = 60.0
_HOP: Final = frozenset({"connection", "host", "keep-alive", "transfer-encoding", "content-length", "expect"})


async def forward(request: HttpRequest, url: str) -> HttpResponse:
    """The answer of the server at `url`. Raises OSError or http.client.HTTPException."""
    return await asyncio.to_thread(_exchange, request, url)


def _exchange(request: HttpRequest, url: str) -> HttpResponse:
    parts = urlsplit(url)
    connector = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = connector(parts.hostname or "", parts.port, timeout=_TIMEOUT_S)
    headers = {
        f.name.decode("latin-1"): f.value.decode("latin-1") for f in request.fields if f.name.decode() not in _HOP
    }
    try:
        connection.request(request.method, parts.path.rstrip("/") + request.target, request.body, headers)
        reply = connection.getresponse()
        kept = tuple((name, value) for name, value in reply.getheaders() if name.lower() not in _HOP)
        return HttpResponse(reply.status, kept, reply.read())
    finally:
        connection.close()
