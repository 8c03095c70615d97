"""Connections that arrive while a script holds the event loop: a client must be able to end the script.

They are accepted and answered here, outside of the loop, and become connections like all others when it turns again.
"""

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING, Final, Protocol

from cachetwin_engine.server.direct import DirectSockets
from cachetwin_engine.server.listener import Endpoint
from cachetwin_engine.server.valkey.connection import READ_BYTES, Connection, ConnectionNode

if TYPE_CHECKING:
    from cachetwin_engine.core.execution.session import Session

ACCEPTS_PER_ROUND: Final = 64


class BusyNode(ConnectionNode, Protocol):
    """What connections outside of the loop need of their node."""

    sockets: DirectSockets | None

    def open_busy_session(self, sock: socket.socket) -> "Session | None":
        """The session for a connection outside of the loop; None after writing why there is none."""


class BusyConnection:
    """A connection without a transport yet."""

    def __init__(self, endpoint: Endpoint, sock: socket.socket, session: "Session") -> None:
        self.endpoint = endpoint
        self.sock = sock
        self.session = session
        self.unsent = b""

    def serve(self) -> bool:
        """Read once and answer; False when the other side or the session has closed.

        What the kernel does not take goes before what is read next.
        """
        try:
            self._send(b"")
            if self.unsent:
                return True
            data = self.sock.recv(READ_BYTES)
            if not data:
                return False
            self._send(self.session.feed(data))
        except BlockingIOError:
            return True
        except OSError:
            return False
        return not self.session.closing

    def _send(self, reply: bytes) -> None:
        self.unsent += reply
        if self.unsent:
            with contextlib.suppress(BlockingIOError):
                self.unsent = self.unsent[self.sock.send(self.unsent) :]


class BusyConnections:
    """All such connections of one node."""

    def __init__(self, node: BusyNode) -> None:
        self._node = node
        self._busy_connections: dict[int, BusyConnection] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def sockets(self) -> list[int]:
        """What may become readable."""
        return list(self._busy_connections)

    def accept(self, endpoint: Endpoint) -> None:
        """Take in who waits at a plain endpoint."""
        for _ in range(ACCEPTS_PER_ROUND):
            sock = endpoint.accept_now()
            if sock is None:
                return
            session = self._node.open_busy_session(sock)
            if session is None:
                sock.close()
                continue
            if not self._busy_connections:
                self._node.loop.call_soon(self._hand_over)
            self._busy_connections[sock.fileno()] = BusyConnection(endpoint, sock, session)

    def serve(self, fd: int) -> None:
        """Something arrived on one of ``sockets``."""
        busy = self._busy_connections[fd]
        if not busy.serve():
            del self._busy_connections[fd]
            busy.sock.close()
            self._node.engine.close_session(busy.session)

    def _hand_over(self) -> None:
        """The loop turns again."""
        accepted, self._busy_connections = self._busy_connections, {}
        for busy in accepted.values():
            if self._node.sockets is not None:
                self._node.sockets.open(busy.sock, self._connection(busy)).write(busy.unsent)
                continue
            self._tasks.add(task := self._node.loop.create_task(self._connect(busy)))
            task.add_done_callback(self._tasks.discard)

    def _connection(self, busy: BusyConnection) -> Connection:
        return Connection(self._node, busy.endpoint.connections, busy.session)

    async def _connect(self, busy: BusyConnection) -> None:
        node = self._node
        try:
            transport, _ = await node.loop.connect_accepted_socket(lambda: self._connection(busy), busy.sock)
            transport.write(busy.unsent)
        except OSError:
            with contextlib.suppress(OSError):
                busy.sock.close()
            node.engine.close_session(busy.session)
