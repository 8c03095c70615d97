"""The load balancer's connections to targets: one exchange at a time, and kept for the next one."""

import asyncio
from collections import defaultdict
from typing import Protocol, cast

from cachetwin_local.supervise.http.message import (
    HEAD_BYTES_MAX,
    Body,
    LengthBody,
    ProtocolError,
    ResponseHead,
    UntilCloseBody,
    parse_response_head,
    response_body,
)

__all__ = ["Place", "TargetConnection", "TargetPool"]

Place = tuple[str, int]
_CONNECT_S = 5.0
_KEPT_MAX = 256  # a target; more are closed after their exchange


class Recipient(Protocol):
    """What gets the response of an exchange."""

    def respond(self, head: ResponseHead, body: Body) -> None:
        """The head of the response; an informational one is followed by another."""

    def respond_body(self, data: bytes, *, body: Body) -> None:
        """The next bytes of the body."""

    def respond_end(self) -> None:
        """The response is complete."""

    def tunnel(self, data: bytes) -> None:
        """Bytes after a 101."""

    def target_failed(self, status_code: int) -> None:
        """The target broke off or does not speak HTTP."""

    def hold_upload(self, *, full: bool) -> None:
        """Whether the target takes no more for now."""


class TargetConnection(asyncio.Protocol):
    """A connection to the target at `place`. `used` is whether it has carried an exchange before the current one."""

    def __init__(self, place: Place, pool: "TargetPool") -> None:
        self.place = place
        self.used = False
        self.transport: asyncio.Transport | None = None
        self._pool = pool
        self._recipient: Recipient | None = None
        self._method = b""
        self._received = bytearray()
        self._body: Body | None = None
        self._keeps_alive = False
        self._tunnels = False
        self._closed = False
        self._paused = False

    @property
    def usable(self) -> bool:
        """Whether it is open."""
        return not self._closed and self.transport is not None and not self.transport.is_closing()

    def begin(self, recipient: Recipient, method: bytes, data: bytes) -> None:
        """Send `data`, the head of a request and perhaps more, whose response goes to `recipient`."""
        self._recipient, self._method, self._body = recipient, method, None
        self.write(data)

    def write(self, data: bytes) -> None:
        """Send more of the request, or of a tunnel."""
        if self.transport is not None:
            self.transport.write(data)

    def pause(self, *, paused: bool) -> None:
        """Read no more, or go on."""
        if paused != self._paused and self.usable and self.transport is not None:
            self._paused = paused
            (self.transport.pause_reading if paused else self.transport.resume_reading)()

    def end(self, *, keep: bool) -> None:
        """The exchange has ended: keep the connection for another where that can be, else close it."""
        self._recipient = None
        if keep and self._keeps_alive and self.usable and not self._received:
            self.used = True
            self.pause(paused=False)
            self._pool.put(self)
        elif self.transport is not None:
            (self.transport.close if self._tunnels else self.transport.abort)()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Take the next bytes of the response."""
        if self._recipient is None:
            self.end(keep=False)  # nobody asked
        elif self._tunnels:
            self._recipient.tunnel(data)
        else:
            try:
                self._take(self._recipient, data)
            except ProtocolError:
                self._recipient.target_failed(502)

    def connection_lost(self, _error: Exception | None) -> None:
        """End the exchange: well where the body ends with the connection, else not."""
        self._closed = True
        self._pool.discard(self)
        recipient = self._recipient
        if recipient is None:
            return
        if isinstance(self._body, UntilCloseBody):
            recipient.respond_end()
        else:
            recipient.target_failed(502)

    def pause_writing(self) -> None:
        """Tell the recipient that the target does not take the request."""
        if self._recipient is not None:
            self._recipient.hold_upload(full=True)

    def resume_writing(self) -> None:
        """Tell the recipient that it does again."""
        if self._recipient is not None:
            self._recipient.hold_upload(full=False)

    def _take(self, recipient: Recipient, data: bytes) -> None:
        while self._body is None:
            self._received += data
            end = self._received.find(b"\r\n\r\n")
            if end > HEAD_BYTES_MAX or (end < 0 and len(self._received) > HEAD_BYTES_MAX):
                raise ProtocolError("the head is too long")
            if end < 0:
                return
            head = parse_response_head(bytes(self._received[: end + 2]))
            data = bytes(self._received[end + 4 :])
            self._received.clear()
            if head.status_code == 101:
                self._tunnels = True
                recipient.respond(head, LengthBody(0))
                recipient.tunnel(data)
                return
            if head.status_code < 200:
                recipient.respond(head, LengthBody(0))
                if not data:
                    return
                continue
            self._body = response_body(head, self._method)
            self._keeps_alive = head.keeps_alive and not isinstance(self._body, UntilCloseBody)
            recipient.respond(head, self._body)
        taken = self._body.take(data)
        if taken < len(data):
            self._keeps_alive = False  # more than was asked for
        if taken:
            recipient.respond_body(data if taken == len(data) else data[:taken], body=self._body)
        if self._body.done and self._recipient is not None:
            recipient.respond_end()


class TargetPool:
    """The open connections to targets that wait for a request."""

    def __init__(self) -> None:
        self._kept: defaultdict[Place, list[TargetConnection]] = defaultdict(list)

    def get(self, place: Place) -> TargetConnection | None:
        """An open connection, if there is one."""
        kept = self._kept[place]
        while kept:
            connection = kept.pop()
            if connection.usable:
                return connection
        return None

    async def connect(self, place: Place) -> TargetConnection:
        """A new connection. Raises OSError or TimeoutError."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(_CONNECT_S):
            _transport, connection = await loop.create_connection(lambda: TargetConnection(place, self), *place)
        return connection

    def put(self, connection: TargetConnection) -> None:
        """Keep a connection whose exchange has ended."""
        kept = self._kept[connection.place]
        if len(kept) < _KEPT_MAX:
            kept.append(connection)
        else:
            connection.end(keep=False)

    def discard(self, connection: TargetConnection) -> None:
        """Forget a connection that was closed."""
        kept = self._kept[connection.place]
        if connection in kept:
            kept.remove(connection)

    def close_place(self, place: Place) -> None:
        """Close those to a target that is none any more."""
        for connection in self._kept.pop(place, []):
            connection.end(keep=False)

    def close(self) -> None:
        """Close them all."""
        for kept in list(self._kept.values()):
            for connection in list(kept):
                connection.end(keep=False)
