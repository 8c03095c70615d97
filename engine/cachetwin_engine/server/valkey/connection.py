"""One client's connection: bytes in to its session, replies out in one write.

The hot path is ``Receiver``, which is compiled: it feeds the session and writes what came back. Everything rare (output for
other clients, limits, closing) is here.

**Output.** The transport writes at once; what the kernel does not take is the client's backlog. While there is none,
nothing is counted. With a backlog, the client's class (normal, pubsub, replica) sets the limit, as in Valkey: past the
hard limit, or past the soft limit for longer than its seconds, the connection is closed. A class without a limit is not
unbounded: past ``BACKLOG_BYTES_MAX`` the engine stops reading from the client until it has taken its replies.
"""

import asyncio
import logging
import os
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Literal, Protocol, cast

from cachetwin_engine.receiver import Receiver
from cachetwin_engine.server.direct import DirectConnection
from cachetwin_engine.server.logs import VERBOSE, log

if TYPE_CHECKING:
    from cachetwin_engine.core.config.settings import BufferLimit
    from cachetwin_engine.core.engine import Engine
    from cachetwin_engine.core.execution.session import Session
    from cachetwin_engine.server.listener import EndpointConnection
    from cachetwin_engine.server.valkey.host import ProcessHost

BACKLOG_BYTES_MAX: Final = 256 * 1024 * 1024
"""Replies waiting for one client without an output limit before its further commands are left in the kernel.

High on purpose: a client may send a whole pipeline before it reads its first reply, and one that is stopped too early
waits for us while we wait for it.
"""

UNAUTHENTICATED_BACKLOG_BYTES_MAX: Final = 1024
"""Replies that may wait for a client that never logged in where one has to (networking.c)."""

READ_BYTES: Final = 64 * 1024
"""Read at once while a script runs for too long."""

CLOSING_SECONDS_MAX: Final = 60.0
"""How long a connection that is being closed may take to accept its last replies."""


OutputClass = Literal["normal", "pubsub", "replica"]

_CLASS_KEYS: Final[dict[str, bytes]] = {"normal": b"normal", "pubsub": b"pubsub", "replica": b"slave"}


class ConnectionNode(Protocol):
    """What a connection needs of its node."""

    engine: "Engine"
    host: "ProcessHost"
    loop: asyncio.AbstractEventLoop
    backlogged: "set[Connection]"

    def open_session(self, transport: asyncio.Transport) -> "Session | None":
        """The session for a new connection; None after writing the reason why there is none."""

    def register(self, session: "Session", connection: "Connection") -> None:
        """``connection`` is where output of ``session`` goes."""

    def close_session(self, session: "Session") -> None:
        """The connection is gone: so is its session."""

    def schedule_drain(self) -> None:
        """Write other sessions' output at the end of the loop's turn."""


class Connection(DirectConnection):
    """The transport's side of one session."""

    __slots__ = (
        "_active_since",
        "_backlog_since",
        "_bytes_seen",
        "_closing_since",
        "_engine",
        "_given_session",
        "_open",
        "_siblings",
        "_transport",
        "data_received",
        "node",
        "session",
    )

    session: "Session"
    data_received: Callable[[bytes], None]  # type: ignore[assignment]  # the receiver's

    def __init__(
        self, node: ConnectionNode, siblings: "set[EndpointConnection]", session: "Session | None" = None
    ) -> None:
        """``siblings`` are the connections that came the same way; an open connection is one of them.

        ``session``: what this connection has already, because it came while a script kept the loop busy.
        """
        self.node = node
        self._given_session = session
        self._siblings = siblings
        self._engine = node.engine
        self._backlog_since: float | None = None
        self._closing_since: float | None = None
        self._active_since = node.loop.time()
        self._bytes_seen = 0
        self._open = False
        self.receiver = Receiver(_ignore, self._settle, self.drop_for_bug)
        self.data_received = self.receiver.receive

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Open the session, or send the client the reason why there is none and close."""
        transport = cast("asyncio.Transport", transport)  # uvloop's transports have its methods, not its type
        self._transport = transport
        self._siblings.add(self)
        session = self.node.open_session(transport) if self._given_session is None else self._given_session
        if session is None:
            transport.close()
            return
        self.node.register(session, self)
        self._open = True
        self.session = session
        self.receiver.begin(session)
        # Any backlog at all switches this connection to the counting path; see pause_writing.
        transport.set_write_buffer_limits(high=0)
        self.watch_output()
        if self._given_session is not None:
            self._given_session = None
            self.push()  # what other clients sent it since

    def plain_socket(self) -> int:
        """The file descriptor, if bytes may be read from it and written to it at once; -1 if not."""
        session = self.session
        if not self._open or session.is_running() or session.closing or self.backlog():
            return -1
        if self._transport.get_extra_info("sslcontext") is not None:
            return -1
        sock: socket.socket = self._transport.get_extra_info("socket")
        return sock.fileno()

    def serve_now(self, fd: int) -> None:
        """Read and answer outside of the event loop, which a script holds up."""
        try:
            data = os.read(fd, READ_BYTES)
            if not data:  # the loop will close it; until then a script may wait for a replica to be gone
                self._engine.replication.leave(self.session)
            reply = self.session.feed(data) if data else b""
            written = os.write(fd, reply) if reply else 0
        except OSError:
            return  # the loop will find the connection broken
        if written < len(reply):
            self._transport.write(reply[written:])

    def _settle(self) -> None:
        """The rare work after a turn: others have output, more commands wait, or the session closes."""
        session = self.session
        if self._engine.clients.pending:
            self.node.schedule_drain()
        if session.closing:
            self.close()
        elif session.has_more:
            self._go_on_later()

    def _go_on_later(self) -> None:
        """Run the waiting commands on the loop's next turn, or when the client has taken its many replies."""
        if self.backlog() > BACKLOG_BYTES_MAX:
            self._transport.pause_reading()
        else:
            self.node.loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        if self.is_open and self.session.has_more:
            self.data_received(b"")

    def eof_received(self) -> bool:
        """The client will send no more: what it asked was answered as it came, so the transport may close."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Close the session and drop every reference to this connection."""
        if self._open:
            self._open = False
            self.node.close_session(self.session)
        self.receiver.end()
        self._siblings.discard(self)
        self.node.backlogged.discard(self)

    def push(self) -> None:
        """Write output that came without a request (a message, a late reply), and close if the session is done."""
        session = self.session
        output = session.take_output()
        if output:
            self._write_counted(output)
        if session.closing:
            self.close()
        elif session.has_more:
            self._go_on_later()

    def close(self) -> None:
        """Close when the client has taken its replies, or at once if the session asks for it.

        ``CLOSING_SECONDS_MAX`` bounds how long that may take.
        """
        if self.is_open and self.session.close_now:
            if self.session.end_reason:
                self._tell(f"client closed: {self.session.end_reason.decode()}")
            self.abort()
            return
        if self._closing_since is None:
            self._closing_since = self.node.loop.time()
            self.node.backlogged.add(self)
        self._transport.close()

    def abort(self) -> None:
        """Close at once; replies that the client has not taken are lost."""
        self._transport.abort()

    def drop_for_bug(self, bug: Exception) -> None:
        """Log an internal error in full and close this connection; the others stay."""
        log.error("internal error: connection dropped", exc_info=bug, extra={"fields": {"client": self.session.id}})
        self.abort()

    # Output limits. The hot path never gets here while nothing needs counting.

    def watch_output(self) -> None:
        """Choose between writing at once and counting first: a class with a hard limit counts every reply."""
        counts = self.backlog() > 0 or self.output_limit().hard_bytes > 0
        self.receiver.counts = counts
        self.receiver.write_with(self._write_counted if counts else self._transport.write)

    def pause_writing(self) -> None:
        """The kernel has not taken everything: from here on, count."""
        self.receiver.counts = True
        self.receiver.write_with(self._write_counted)
        self.node.backlogged.add(self)
        self.check_backlog()

    def resume_writing(self) -> None:
        """The client has taken everything."""
        self._backlog_since = None
        if self._open:
            self.session.note_unsent(0)
        if self._open and self.session.replica is not None:
            self.session.replica.snapshot_bytes = 0
        if self._closing_since is None:
            self.node.backlogged.discard(self)
            self._transport.resume_reading()
            if self.is_open:
                self.watch_output()
                self._go_on()

    @property
    def is_open(self) -> bool:
        """Whether there is a session behind it: not yet, or no longer, for a refused or lost connection."""
        return self._open

    @property
    def output_class(self) -> OutputClass:
        """The class of clients whose output limit applies here."""
        session = self.session
        if session.replica is not None and session.replica.state:
            return "replica"
        return "pubsub" if session.channels or session.patterns or session.shard_channels else "normal"

    def output_limit(self) -> "BufferLimit":
        """What the client's class grants it now."""
        return self.node.engine.config.clients.buffer_limits[_CLASS_KEYS[self.output_class]]

    def backlog(self) -> int:
        """Bytes written for this client that the kernel has not taken yet; a replica's snapshot does not count."""
        size: int = self._transport.get_write_buffer_size()
        if size and self._open and self.session.replica is not None:
            return max(0, size - self.session.replica.snapshot_bytes)
        return size

    def check_backlog(self) -> None:
        """Apply the client's limits to its backlog; called when it grows and on every tick while there is one."""
        now = self.node.loop.time()
        if self._closing_since is not None and now - self._closing_since > CLOSING_SECONDS_MAX:
            self.abort()
        elif self.is_open:
            self._apply_limit(self.backlog(), now)

    def check_idle(self, timeout_seconds: int) -> None:
        """Close a client that is silent for too long, or whose unfinished request is too large; called once a second.

        A large request that arrives in large pieces is found as it comes.

        As in Valkey, clients that wait for a key or for messages may be silent (``timeout``, networking.c).
        """
        session = self.session
        now = self.node.loop.time()
        if session.requests_too_large():
            session.end_for_large_requests()
            self.close()
        elif session.bytes_in != self._bytes_seen or session.blocked is not None or self.output_class != "normal":
            self._bytes_seen = session.bytes_in
            self._active_since = now
        elif timeout_seconds and now - self._active_since > timeout_seconds:
            self._tell("client closed: idle", level=VERBOSE)
            self.abort()

    def _tell(self, message: str, level: int = logging.WARNING) -> None:
        log.log(level, message, extra={"fields": {"client": self.session.id, "address": self.session.address}})

    def _write_counted(self, data: bytes) -> None:
        size = self.backlog() + len(data)
        limit = self.output_limit()
        if limit.hard_bytes and size > limit.hard_bytes:
            self._overflow(size)
            return
        self._transport.write(data)
        self._apply_limit(self.backlog(), self.node.loop.time())

    def _apply_limit(self, size: int, now: float) -> None:
        self.session.note_unsent(size)
        if size > UNAUTHENTICATED_BACKLOG_BYTES_MAX and not self.session.was_logged_in:
            self._overflow(size)
            return
        limit = self.output_limit()
        if limit.soft_bytes and size > limit.soft_bytes:
            if self._backlog_since is None:
                self._backlog_since = now
            elif now - self._backlog_since > limit.soft_seconds:
                self._overflow(size)
                return
        else:
            self._backlog_since = None
        if limit.hard_bytes and size > limit.hard_bytes:
            self._overflow(size)
        elif size > BACKLOG_BYTES_MAX:
            self._transport.pause_reading()

    def _overflow(self, size: int) -> None:
        fields = {"client": self.session.id, "class": self.output_class, "backlog_bytes": size}
        log.warning("client closed: it is over its output buffer limit", extra={"fields": fields})
        self.node.host.output_buffer_disconnections += 1
        self.abort()


def _ignore(data: bytes) -> None:
    """What comes where there is no session goes nowhere."""
