"""A connection of a small HTTP/1.1 server: each request is read whole and answered whole, one after the other.

The parser is `message` (strict, RFC 9112). Bounds: 64 KB of head, a size for bodies that the server's owner
says, a time without a byte. A client that does not read its answer delays nobody but itself: its next request waits until
it does.
"""

import asyncio
import re
import sys
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, cast

from cachetwin_local.supervise.http.message import (
    HEAD_BYTES_MAX,
    Body,
    ChunkedBody,
    Field,
    ProtocolError,
    RequestHead,
    parse_request_head,
    request_body,
)

__all__ = ["HttpConnection", "HttpRequest", "HttpResponse", "HttpSettings"]

_REASONS: Final = {
    200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 301: "Moved Permanently", 302: "Found",
    304: "Not Modified", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 409: "Conflict", 413: "Content Too Large", 415: "Unsupported Media Type",
    429: "Too Many Requests", 500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable",
    504: "Gateway Timeout",
}  # fmt: skip
_BUFFERED_MAX: Final = 262_144  # of requests that wait for the one before
_NAME: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_NO_TEXT: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request with its whole body. `fields` have names in lower case."""

    method: str
    target: str
    fields: tuple[Field, ...]
    body: bytes
    source_ip: str
    minor: int = 1

    @property
    def path(self) -> str:
        """The path as it came, percent-encoded."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """The query as it came."""
        return self.target.partition("?")[2]

    def header(self, name: str) -> str | None:
        """The last field of this name (in lower case), or None."""
        wanted = name.encode()
        return next((f.value.decode("latin-1") for f in reversed(self.fields) if f.name == wanted), None)


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A response with its whole body; its length is added."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    closes: bool = False


Handler = Callable[[HttpRequest], Awaitable[HttpResponse]]


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """What a server does with requests, its bounds, and the connections that are open.

    `too_large` is the answer to a body of more than `body_max` bytes.
    """

    handle: Handler
    body_max: int
    too_large: HttpResponse
    idle_s: float = 60.0
    connections: "set[HttpConnection]" = field(default_factory=set)


class HttpConnection(asyncio.Protocol):
    """Serves one client connection."""

    def __init__(self, settings: HttpSettings) -> None:
        self._settings = settings
        self._transport: asyncio.Transport | None = None
        self._source_ip = "127.0.0.1"
        self._received = bytearray()
        self._head: RequestHead | None = None
        self._body: Body | None = None
        self._content = bytearray()
        self._task: asyncio.Task[None] | None = None
        self._closes = False
        self._is_unread = False  # the client does not take what was sent
        self._unread_bytes = 0
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to serve."""
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        if isinstance(peer, tuple):
            self._source_ip = str(peer[0])
        self._settings.connections.add(self)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take the next bytes."""
        if self._closes and self._task is None:
            return
        self._received += data
        if self._task is not None or self._is_unread:
            if len(self._received) > _BUFFERED_MAX and self._transport is not None:
                self._transport.pause_reading()
            return
        self._advance()

    def eof_received(self) -> bool:
        """A client may close its half and wait for the answer."""
        self._closes = True
        return self._task is not None

    def connection_lost(self, _error: Exception | None) -> None:
        """The request under way goes on: what it began has effects."""
        self._settings.connections.discard(self)
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()

    def pause_writing(self) -> None:
        """The client does not read: serve it nothing more for now."""
        self._is_unread = True
        if self._transport is not None:
            self._unread_bytes = self._transport.get_write_buffer_size()

    def resume_writing(self) -> None:
        """The client has read."""
        self._is_unread = False
        if self._task is None and not self._closes:
            self._wait()
            self._go_on()

    def drain(self) -> None:
        """Close the connection, after the request that is under way if there is one."""
        self._closes = True
        if self._task is None and self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close the connection at once."""
        if self._task is not None:
            self._task.cancel()
        if self._transport is not None:
            self._transport.abort()

    def _wait(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(self._settings.idle_s, self._give_up)

    def _give_up(self) -> None:
        if self._task is not None:
            return
        if self._is_unread and self._transport is not None:
            left = self._transport.get_write_buffer_size()
            if left < self._unread_bytes:  # it reads slowly
                self._unread_bytes = left
                self._wait()
                return
            self._transport.abort()
        self.drain()

    def _go_on(self) -> None:
        """Read again, and serve the next request if it is there."""
        if self._transport is not None and not self._transport.is_reading():
            self._transport.resume_reading()
        if self._received:
            self._advance()

    def _advance(self) -> None:
        try:
            request = self._next_request()
        except ProtocolError:
            self._reject(HttpResponse(400, (("Content-Type", "application/json"),), b'{"message":"Bad Request"}'))
            return
        if request is not None:
            if self._timer is not None:
                self._timer.cancel()
            self._task = asyncio.get_running_loop().create_task(self._answer(request))

    def _next_request(self) -> HttpRequest | None:
        if self._head is None:
            end = self._received.find(b"\r\n\r\n")
            if end < 0:
                if len(self._received) > HEAD_BYTES_MAX:
                    raise ProtocolError("the head is too long")
                return None
            if end > HEAD_BYTES_MAX:
                raise ProtocolError("the head is too long")
            self._head = parse_request_head(bytes(self._received[: end + 2]))
            del self._received[: end + 4]
            self._body, self._content = request_body(self._head), bytearray()
            if any(f.name == b"expect" for f in self._head.fields) and self._transport is not None:
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return self._whole_request(self._head)

    def _whole_request(self, head: RequestHead) -> HttpRequest | None:
        body = self._body
        if body is None:
            return None
        if not body.done and self._received:
            taken = body.take(bytes(self._received))
            self._content += body.content if isinstance(body, ChunkedBody) else self._received[:taken]
            del self._received[:taken]
            if len(self._content) > self._settings.body_max:
                self._reject(self._settings.too_large)
                return None
        if not body.done:
            return None
        self._head, self._body = None, None
        self._closes |= not head.keeps_alive
        return HttpRequest(
            head.method.decode(), head.target.decode(), head.fields, bytes(self._content), self._source_ip, head.minor
        )

    async def _answer(self, request: HttpRequest) -> None:
        try:
            response = await self._settings.handle(request)
        except Exception:  # noqa: BLE001  (our bug: the client hears of it, the log has it, the server goes on)
            sys.stderr.write(traceback.format_exc())
            body = b'{"message":"Internal Server Error"}'
            response = HttpResponse(500, (("Content-Type", "application/json"),), body)
        self._task = None
        self._write(request.method, response)
        transport = self._transport
        if transport is None:
            return
        self._wait()
        if self._closes:
            transport.close()
        elif not self._is_unread:
            self._go_on()

    def _reject(self, response: HttpResponse) -> None:
        """Answer what cannot be read further, and close."""
        self._closes = True
        self._write("", response)
        if self._transport is not None:
            self._transport.close()

    def _write(self, method: str, response: HttpResponse) -> None:
        transport = self._transport
        if transport is None:
            return
        self._closes |= response.closes
        lines = [f"HTTP/1.1 {response.status} {_REASONS.get(response.status, 'Status')}"]
        lines += [f"{name}: {_NO_TEXT.sub(' ', value)}" for name, value in response.headers if _NAME.fullmatch(name)]
        if response.status not in {204, 304} and response.status >= 200:
            lines.append(f"Content-Length: {len(response.body)}")
        if self._closes:
            lines.append("Connection: close")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
        bodiless = method == "HEAD" or response.status in {204, 304}
        transport.write(head if bodiless else head + response.body)
