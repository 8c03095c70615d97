"""One client's connection: bytes in to its session, replies out in one write.

The hot path is ``Receiver``, which is compiled; what is here is rare. A client that does not take its replies is not
answered any further until it has.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol, cast

from cachetwin_engine.memcached.session import Session
from cachetwin_engine.receiver import Receiver
from cachetwin_engine.server.direct import DirectConnection
from cachetwin_engine.server.logs import VERBOSE, log

if TYPE_CHECKING:
    from cachetwin_engine.server.listener import EndpointConnection

BACKLOG_BYTES_MAX: Final = 4 * 1024 * 1024
"""Replies waiting for one client before no more are made for it."""

CLOSING_SECONDS_MAX: Final = 60.0
"""How long a connection that is being closed may take to accept its last replies."""


class ConnectionNode(Protocol):
    """What a connection needs of its node."""

    loop: asyncio.AbstractEventLoop

    def open_session(self, connection: "MemcachedConnection", transport: asyncio.Transport) -> Session | None:
        """The session for a new connection; None where it has to wait, or after writing why there is none."""

    def close_session(self, connection: "MemcachedConnection", session: Session | None) -> None:
        """The connection is gone: so is its session."""

    def settle(self) -> None:
        """A client has asked for what concerns others: watchers have lines, or the server is to stop."""


class MemcachedConnection(DirectConnection):
    """The transport's side of one session."""

    __slots__ = (
        "_closing",
        "_early",
        "_ended",
        "_node",
        "_siblings",
        "_waits",
        "data_received",
        "session",
        "transport",
    )

    data_received: Callable[[bytes], None]  # type: ignore[assignment]  # the receiver's

    def __init__(self, node: ConnectionNode, siblings: "set[EndpointConnection]") -> None:
        """``siblings`` are the connections that came the same way; an open connection is one of them."""
        self._node = node
        self._siblings = siblings
        self._closing: asyncio.TimerHandle | None = None
        self._early = b""  # what came while it waited for a place; uvloop reads once before it lets itself be paused
        self.receiver = Receiver(self._keep, self._settle, self._drop)
        self.data_received = self.receiver.receive
        self._waits = False  # to go on when the client has taken its replies
        self._ended = False  # the client sends no more, and waits for replies
        self.session: Session | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Open the session, or send the client the reason why there is none and close."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's transports have its methods, not its type
        self._siblings.add(self)
        session = self._node.open_session(self, self.transport)
        if session is not None:
            self.begin(session)

    def begin(self, session: Session) -> None:
        """Serve the client."""
        self.session = session
        self.receiver.begin(session)
        self.receiver.write_with(self.transport.write)
        self.transport.set_write_buffer_limits(high=BACKLOG_BYTES_MAX)

    def hold(self) -> None:
        """There are too many connections: the client waits until there are fewer."""
        self.transport.pause_reading()

    def release(self, session: Session) -> None:
        """One of the others went: this client's turn."""
        self.begin(session)
        early, self._early = self._early, b""
        if early:
            self.data_received(early)
        self.transport.resume_reading()

    def refuse(self, reply: bytes) -> None:
        """Tell the client why it is not served, and close."""
        self.transport.write(reply)
        self.transport.close()

    def _keep(self, data: bytes) -> None:
        """What comes while the client waits for a place."""
        self._early += data
        self.transport.pause_reading()

    def _drop(self, bug: Exception) -> None:
        fields = {"client": 0 if self.session is None else self.session.descriptor}
        log.error("internal error: connection dropped", exc_info=bug, extra={"fields": fields})
        self.transport.abort()

    def _settle(self) -> None:
        session = self.session
        if session is None or session.closing:
            self.close()
        elif session.has_more:
            self._waits = True
            if self.transport.get_write_buffer_size() <= BACKLOG_BYTES_MAX:
                self._node.loop.call_soon(self._go_on)
        self._node.settle()

    def _go_on(self) -> None:
        """Make further replies to what has been asked."""
        if self._waits and self.session is not None and not self.transport.is_closing():
            self._waits = False
            self.data_received(b"")
            if self._ended and not self._waits:
                self.close()

    def push(self) -> None:
        """Write what a watcher is to receive, unless it has not taken what it was sent before."""
        session = self.session
        if session is not None and session.watcher is not None and self.transport.get_write_buffer_size() == 0:
            output = session.take_output()
            if output:
                self.transport.write(output)

    def pause_writing(self) -> None:
        """The client does not take its replies: read no more from it."""
        if self.session is not None and not self._ended and not self.transport.is_closing():
            self.transport.pause_reading()

    def resume_writing(self) -> None:
        """The client has taken most of its replies."""
        if self.session is not None and not self.transport.is_closing():
            if not self._ended:
                self.transport.resume_reading()
            self._go_on()

    def eof_received(self) -> bool:
        """The client will send no more. Returns whether it still gets replies; a transport with TLS closes all the same."""
        self._ended = self._waits and self.transport.get_extra_info("sslcontext") is None
        return self._ended

    def connection_lost(self, exc: Exception | None) -> None:
        """Close the session and drop every reference to this connection."""
        session, self.session = self.session, None
        self._siblings.discard(self)
        self.receiver.end()
        if self._closing is not None:
            self._closing.cancel()
        self._node.close_session(self, session)

    def close(self) -> None:
        """Close when the client has taken its replies; ``CLOSING_SECONDS_MAX`` bounds how long that may take."""
        if self._closing is None:
            self._closing = self._node.loop.call_later(CLOSING_SECONDS_MAX, self.transport.abort)
        self.transport.close()

    def abort(self) -> None:
        """Close at once; replies that the client has not taken are lost."""
        self.transport.abort()

    def end_idle(self) -> None:
        """Close a client that has been silent for too long."""
        if self.session is not None:
            self.session.close_reason = b"idle_timeout"
            log.log(VERBOSE, "client closed: idle", extra={"fields": {"client": self.session.descriptor}})
        self.transport.abort()


def keep_alive(sock: socket.socket) -> None:
    """Let the kernel find peers that are gone, as memcached does."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
