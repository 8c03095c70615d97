"""One client connection of a load balancer: HTTP/1.1 in, HTTP/1.1 out, bodies streamed, WebSockets tunnelled.

A state machine on asyncio's protocols: heads are parsed, bodies pass as they came. Each request goes to the next
healthy target, on a kept connection where there is one; a request that changes nothing (GET, HEAD, OPTIONS) is sent to
the same target once more when it had just closed the kept one. Bounds: 64 KB of request line and fields and 60 s
without a byte, both as an Application Load Balancer has them by default (quotas page;
``idle_timeout.timeout_seconds``); a side that does not read pauses the other. What the client gets when a target fails:
502 when it cannot be reached or breaks off, 503 when there is none, 504 when it does not answer in time. A function is
called with the whole body, and as long as it may run.
"""

import asyncio
import os
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from cachetwin_local.supervise.http.message import (
    HEAD_BYTES_MAX,
    Body,
    ChunkedBody,
    LengthBody,
    ProtocolError,
    RequestHead,
    ResponseHead,
    UntilCloseBody,
    parse_request_head,
    request_body,
)
from cachetwin_local.supervise.load_balancer.function_event import MESSAGE_BYTES_MAX
from cachetwin_local.supervise.load_balancer.function_target import INVOCATION_S, FunctionTarget
from cachetwin_local.supervise.load_balancer.response import Response, error_response
from cachetwin_local.supervise.load_balancer.routing import Request
from cachetwin_local.supervise.load_balancer.stickiness import session_cookies
from cachetwin_local.supervise.load_balancer.target_connection import Place, TargetConnection, TargetPool
from cachetwin_local.supervise.load_balancer.targets import Targets

__all__ = ["Frontend", "HttpProxy"]

_IDLE_S = 60.0
_WEBSOCKET_IDLE_S = 3600.0
_LINGER_S = 1.0  # a close with unread bytes would reset the connection before the client has read the answer
_CONNECTIONS_MAX = 1024
_REPEATABLE = frozenset({b"GET", b"HEAD", b"OPTIONS"})
_HOP_BY_HOP = frozenset({b"connection", b"keep-alive", b"proxy-connection", b"upgrade", b"te"})
_REPLACED = _HOP_BY_HOP | {b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-port"}


@dataclass(frozen=True, slots=True)
class Frontend:
    """A listener's settings for its connections: the protocol and port that clients see, and each request's route.

    The route is None where nothing runs here that could answer. `count` is called with the name of each event, one of
    CloudWatch's metrics of an Application Load Balancer. `connections` are those that are open; more than 1024 are closed
    at once.
    """

    protocol: str
    port: int
    route: Callable[[Request], Response | Targets | FunctionTarget | None]
    count: Callable[[str, int], None] = lambda _name, _amount: None
    connections: "set[HttpProxy]" = field(default_factory=set)
    pool: TargetPool = field(default_factory=TargetPool)


class HttpProxy(asyncio.Protocol):
    """Serves one client connection."""

    def __init__(self, front: Frontend) -> None:
        self._front = front
        self._transport: asyncio.Transport | None = None
        self._source_ip = ""
        self._received = bytearray()
        self._head: RequestHead | None = None  # of the exchange under way
        self._upload: Body = LengthBody(0)
        self._targets: Targets | None = None  # that may answer the exchange
        self._choices: list[Place] = []
        self._target: TargetConnection | None = None
        self._function: FunctionTarget | None = None  # that answers the exchange
        self._content = bytearray()  # of a request for a function
        self._connecting: asyncio.Task[None] | None = None  # or calling a function
        self._sent_head = b""
        self._responding = False
        self._closes = False  # after this exchange
        self._dechunks = False
        self._tunnels = False
        self._has_body = False
        self._lingers = False  # answered, and what still comes is dropped
        self._paused = False
        self._full = False  # the client does not take what was written
        self._ended = False  # the client sends no more
        self._active_s = self._sent_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def place(self) -> Place | None:
        """The target of the exchange that is under way."""
        return None if self._target is None else self._target.place

    def drain(self) -> None:
        """Close the connection, after the exchange that is under way if there is one."""
        self._closes = True
        if self._head is None:
            self._close()

    def abort(self) -> None:
        """Close the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    # what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to serve, or refuse one connection too many."""
        self._transport = cast("asyncio.Transport", transport)
        if len(self._front.connections) >= _CONNECTIONS_MAX:
            self._front.count("RejectedConnectionCount", 1)
            self._transport.abort()
            return
        self._front.count("NewConnectionCount", 1)
        self._front.connections.add(self)
        self._source_ip = str(transport.get_extra_info("peername")[0])
        self._active_s = time.monotonic()
        self._timer = asyncio.get_running_loop().call_later(_IDLE_S, self._look_at_the_clock)

    def data_received(self, data: bytes) -> None:
        """Take the next bytes of the client."""
        if self._lingers:
            return
        self._active_s = time.monotonic()
        if self._tunnels:
            if self._target is not None:
                self._target.write(data)
            return
        self._received += data
        self._go_on()

    def eof_received(self) -> bool:
        """Keep the connection for the answer of a client that sends no more."""
        self._ended = True
        # asyncio's TLS has no half-closed connections
        waits = self._head is not None and self._upload.done and not self._tunnels
        return waits and self._transport is not None and self._transport.get_extra_info("ssl_object") is None

    def connection_lost(self, _error: Exception | None) -> None:
        """Release everything."""
        self._front.connections.discard(self)
        if self._timer is not None:
            self._timer.cancel()
        if self._connecting is not None:
            self._connecting.cancel()
        self._drop_target()

    def pause_writing(self) -> None:
        """Read no more of the response while the client does not take it."""
        self._full = True
        if self._target is not None:
            self._target.pause(paused=True)

    def resume_writing(self) -> None:
        """Go on reading the response."""
        self._full = False
        self._active_s = time.monotonic()
        if self._target is not None:
            self._target.pause(paused=False)

    # what the target's connection calls

    def respond(self, head: ResponseHead, body: Body) -> None:
        """Pass the head of a response on."""
        self._active_s = time.monotonic()
        request = self._head
        if request is None:
            return
        if head.status_code >= 200:
            self._count_answer(head.status_code)
            self._responding = True
            self._dechunks = isinstance(body, ChunkedBody) and request.minor == 0
            self._closes |= isinstance(body, UntilCloseBody) or self._dechunks or not request.keeps_alive
        elif head.status_code == 101:
            self._responding = True
        elif request.minor == 0:
            return  # HTTP/1.0 has no informational responses
        dropped = set(_HOP_BY_HOP)
        if isinstance(body, ChunkedBody):
            dropped.add(b"content-length")  # the chunks are what counts
        if self._dechunks:
            dropped.add(b"transfer-encoding")
        lines = [head.start, *(each.line for each in head.fields if each.name not in dropped)]
        if self._targets is not None and self.place is not None and (head.status_code >= 200 or self._responding):
            secure, now_s = self._front.protocol == "HTTPS", int(time.time())
            lines += session_cookies(self._targets.group, self.place, request.fields, head.fields, now_s, secure=secure)
        if head.status_code == 101:
            lines += [b"Connection: upgrade", *(each.line for each in head.fields if each.name == b"upgrade")]
        elif self._closes and head.status_code >= 200:
            lines.append(b"Connection: close")
        self._write(b"\r\n".join(lines) + b"\r\n\r\n")

    def respond_body(self, data: bytes, *, body: Body) -> None:
        """Pass bytes of the body on."""
        self._active_s = time.monotonic()
        self._write(body.content if self._dechunks and isinstance(body, ChunkedBody) else data)

    def respond_end(self) -> None:
        """End the exchange; the connections are kept where both sides agree."""
        complete = self._upload.done
        if self._target is not None:
            target, self._target = self._target, None
            target.end(keep=complete)
        if not complete:
            self._linger()  # what follows an unfinished upload cannot be told from the rest of it
        elif self._closes or self._ended:
            self._close()
        else:
            self._next_request()

    def tunnel(self, data: bytes) -> None:
        """Pass bytes on after a 101."""
        self._active_s = time.monotonic()
        if not self._tunnels:
            self._tunnels = True
            if self._target is not None and self._received:
                self._target.write(bytes(self._received))
                self._received.clear()
        self._write(data)

    def target_failed(self, status_code: int) -> None:
        """Try once more, or tell the client while it can be told, or break off."""
        target, request = self._target, self._head
        self._drop_target()
        if request is None or self._responding:
            self._close()
        elif target is not None and target.used and request.method in _REPEATABLE and not self._has_body:
            self._choices = [target.place]  # not another one: the request may be what ended this one
            self._connect(fresh=True)
        else:
            self._fail(status_code)

    def hold_upload(self, *, full: bool) -> None:
        """Read no more of the request while the target does not take it."""
        self._pause(paused=full)

    # the exchange

    def _go_on(self) -> None:
        if self._head is None:
            self._begin()
        elif self._target is not None and not self._upload.done:
            self._send_upload(self._target)
        elif self._function is not None and not self._upload.done:
            self._gather(self._function)
        elif len(self._received) > HEAD_BYTES_MAX:
            self._pause(paused=True)  # the next request, ahead of its time

    def _begin(self) -> None:
        """Begin an exchange when the head of a request is there."""
        while self._received[:2] == b"\r\n":  # allowed before a request (RFC 9112, section 2.2)
            del self._received[:2]
        end = self._received.find(b"\r\n\r\n")
        if end < 0 and len(self._received) <= HEAD_BYTES_MAX:
            return
        try:
            if end < 0 or end > HEAD_BYTES_MAX:
                raise ProtocolError("the head is too long")
            head = parse_request_head(bytes(self._received[: end + 2]))
            self._upload = request_body(head)
        except ProtocolError:
            self._refuse()
            return
        del self._received[: end + 4]
        self._head, self._responding, self._has_body = head, False, not self._upload.done
        self._front.count("RequestCount", 1)
        route = self._front.route(Request.of(head, self._source_ip))
        if isinstance(route, Response):
            self._answer_instead(route)
            return
        self._sent_head = self._forwarded(head)
        if isinstance(route, FunctionTarget):
            self._begin_call(head, route)
            return
        self._targets = route
        self._choices = route.choices(head.fields, int(time.time())) if route is not None else []
        if self._choices:
            self._connect()
        else:
            self._fail(503)

    def _connect(self, *, fresh: bool = False) -> None:
        target = None if fresh else self._front.pool.get(self._choices[0])
        if target is not None:
            self._send(target)
            return
        self._pause(paused=True)
        self._connecting = asyncio.get_running_loop().create_task(self._try_targets())

    async def _try_targets(self) -> None:
        """Connect to the first target that can be reached."""
        try:
            for place in self._choices:
                try:
                    target = await self._front.pool.connect(place)
                except (OSError, TimeoutError):
                    self._front.count("TargetConnectionErrorCount", 1)
                    continue
                self._connecting = None
                self._pause(paused=False)
                self._send(target)
                return
            self._connecting = None
            self._pause(paused=False)
            self._fail(502)
        except Exception:  # noqa: BLE001  (our bug: it must end this connection and nothing else)
            sys.stderr.write(traceback.format_exc())
            self.abort()

    def _send(self, target: TargetConnection) -> None:
        self._target, self._sent_s = target, time.monotonic()
        target.begin(self, self._method, self._sent_head)
        target.pause(paused=self._full)
        if not self._upload.done:
            self._send_upload(target)

    def _send_upload(self, target: TargetConnection) -> None:
        try:
            taken = self._upload.take(bytes(self._received))
        except ProtocolError:
            self._refuse()
            return
        if taken:
            data = bytes(self._received[:taken])
            del self._received[:taken]
            target.write(data)

    def _begin_call(self, head: RequestHead, function: FunctionTarget) -> None:
        """Read the body of a request for a function. It is refused where the connection is to become another."""
        names = {each.name for each in head.fields}
        if b"upgrade" in names:
            self._fail(400)
            return
        self._function, self._content = function, bytearray()
        if b"expect" in names and not self._upload.done and head.minor:
            self._write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._gather(function)

    def _gather(self, function: FunctionTarget) -> None:
        """Take more of the body, and call the function once it is whole."""
        try:
            taken = self._upload.take(bytes(self._received))
        except ProtocolError:
            self._refuse()
            return
        self._content += self._upload.content if isinstance(self._upload, ChunkedBody) else self._received[:taken]
        del self._received[:taken]
        if len(self._content) > MESSAGE_BYTES_MAX:
            self._fail(413)
        elif self._upload.done:
            self._connecting = asyncio.get_running_loop().create_task(self._call(function))

    async def _call(self, function: FunctionTarget) -> None:
        try:
            self._sent_s = time.monotonic()
            response = await function.answer(parse_request_head(self._sent_head[:-2]), bytes(self._content))
            self._connecting, self._active_s = None, time.monotonic()
            self._answer_instead(response)
        except Exception:  # noqa: BLE001  (our bug: it must end this connection and nothing else)
            sys.stderr.write(traceback.format_exc())
            self.abort()

    def _count_answer(self, status_code: int) -> None:
        """Count the answer of a target."""
        self._front.count(f"HTTPCode_Target_{status_code // 100}XX_Count", 1)
        self._front.count("TargetResponseTime", 1)
        self._front.count("TargetResponseTimeTotal", round(1000 * (self._active_s - self._sent_s)))

    def _refuse(self) -> None:
        """Tell a client that does not speak HTTP, and drop it."""
        self._drop_target()
        self._closes = True
        if not self._responding:
            self._answer(error_response(400), self._method)
        self._linger()

    def _fail(self, status_code: int) -> None:
        self._answer_instead(error_response(status_code))

    def _answer_instead(self, response: Response) -> None:
        """Answer without a target. A body that is not there yet ends the connection."""
        request = self._head
        if request is None:
            return
        if not self._upload.done:
            try:
                taken = self._upload.take(bytes(self._received))
            except ProtocolError:
                taken = 0
            del self._received[:taken]
        self._closes |= not request.keeps_alive or not self._upload.done
        self._answer(response, request.method)
        self.respond_end()

    def _answer(self, response: Response, method: bytes) -> None:
        if response.from_target:
            self._count_answer(response.status_code)
        else:
            self._front.count(f"HTTPCode_ELB_{response.status_code // 100}XX_Count", 1)
        self._write(response.rendered(method, closes=self._closes))

    def _next_request(self) -> None:
        self._head = self._function = None
        self._pause(paused=False)
        if self._received:
            # not at once: requests in a row must not nest
            asyncio.get_running_loop().call_soon(self._begin_next)

    def _begin_next(self) -> None:
        if self._head is None and self._transport is not None and not self._transport.is_closing():
            self._begin()

    def _forwarded(self, request: RequestHead) -> bytes:
        """The head of the request as the target sees it: with the fields that the service adds."""
        before = [each.value for each in request.fields if each.name == b"x-forwarded-for"]
        names = {each.name for each in request.fields}
        lines = [b"%b %b HTTP/1.1" % (request.method, request.target)]
        lines += [each.line for each in request.fields if each.name not in _REPLACED]
        if b"upgrade" in names:
            lines += [b"Connection: upgrade", *(each.line for each in request.fields if each.name == b"upgrade")]
        if b"host" not in names:
            lines.append(b"Host:")  # HTTP/1.0 does not need one, HTTP/1.1 does
        lines += [
            b"X-Forwarded-For: " + b", ".join([*before, self._source_ip.encode()]),
            b"X-Forwarded-Proto: " + self._front.protocol.lower().encode(),
            b"X-Forwarded-Port: %d" % self._front.port,
        ]
        if b"x-amzn-trace-id" not in names:
            lines.append(f"X-Amzn-Trace-Id: Root=1-{int(time.time()):08x}-{os.urandom(12).hex()}".encode())
        return b"\r\n".join(lines) + b"\r\n\r\n"

    # the connections

    @property
    def _method(self) -> bytes:
        return b"" if self._head is None else self._head.method

    def _look_at_the_clock(self) -> None:
        """Close a connection without a byte for too long; a target that owes an answer gets no more time either."""
        calls = self._function is not None and self._connecting is not None
        limit_s = _WEBSOCKET_IDLE_S if self._tunnels else INVOCATION_S if calls else _IDLE_S
        left_s = self._active_s + limit_s - time.monotonic()
        if left_s > 0:
            self._timer = asyncio.get_running_loop().call_later(left_s, self._look_at_the_clock)
        elif self._head is not None and not self._responding and self._upload.done:
            self._closes = True
            self._drop_target()
            self._fail(504)
        else:
            self.abort()

    def _drop_target(self) -> None:
        if self._target is not None:
            target, self._target = self._target, None
            target.end(keep=False)

    def _pause(self, *, paused: bool) -> None:
        if paused != self._paused and self._transport is not None and not self._transport.is_closing():
            self._paused = paused
            (self._transport.pause_reading if paused else self._transport.resume_reading)()

    def _write(self, data: bytes) -> None:
        if data and self._transport is not None:
            self._transport.write(data)

    def _linger(self) -> None:
        """Close the connection a moment later than the answer."""
        self._lingers = True
        self._drop_target()
        self._received.clear()
        self._pause(paused=False)
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(_LINGER_S, self._close)

    def _close(self) -> None:
        """Close the connection when what was written has been sent."""
        self._drop_target()
        if self._transport is not None and not self._transport.is_closing():
            if self._timer is not None:
                self._timer.cancel()
            self._timer = asyncio.get_running_loop().call_later(_IDLE_S, self.abort)
            self._transport.close()
