"""The socket of a replica: connects to its primary when the engine asks for it, and moves bytes both ways.

What is said, and when, is ``core.replication.primary_link``'s business. A connection attempt, a handshake and a silent
primary are all bounded by ``repl-timeout``, which the link watches with every tick.
"""

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING, cast

from cachetwin_engine.server.listener import socket_address
from cachetwin_engine.server.logs import log

if TYPE_CHECKING:
    from cachetwin_engine.core.replication.primary_link import PrimaryLink
    from cachetwin_engine.server.node import Node


class PrimaryConnection(asyncio.Protocol):
    """The connection of one ``PrimaryLink``, from connect to loss."""

    def __init__(self, node: "Node", link: "PrimaryLink") -> None:
        self._node = node
        self.link = link
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the handshake."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's transports have its methods, not its type
        sock: socket.socket = transport.get_extra_info("socket")
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        local = socket_address(transport.get_extra_info("sockname"))
        self.link.connected(socket_address(transport.get_extra_info("peername")), local)
        self.move()

    def data_received(self, data: bytes) -> None:
        """Hand on what the primary sent."""
        try:
            self.link.feed(data)
        except Exception as bug:  # noqa: BLE001  (whatever it is, it is our bug: the link begins anew)
            log.error("internal error: link to the primary dropped", exc_info=bug)
            self.link.wants_close = True
        self.move()
        if self._node.engine.pending:
            self._node.schedule_drain()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the link, which will ask for another connection."""
        self._transport = None
        reason = self.link.problem or (str(exc) if exc is not None else "the primary closed the connection")
        log.warning("link to the primary lost", extra={"fields": {"reason": reason}})
        self.link.lost(reason)

    def move(self) -> None:
        """Write what the link has to say; close if it is done."""
        if self._transport is None:
            return
        output = self.link.take_output()
        if output:
            self._transport.write(output)
        if self.link.wants_close:
            self._transport.abort()

    def close(self) -> None:
        """Let go of the connection."""
        if self._transport is not None:
            self._transport.abort()


class PrimaryConnector:
    """Keeps the connection that the engine's role asks for."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._connection: PrimaryConnection | None = None
        self._attempt: asyncio.Task[None] | None = None

    def tick(self) -> None:
        """Ten times a second, and when the role has changed: connect, write, close."""
        link = self._node.engine.replication.link
        connection = self._connection
        if connection is not None and connection.link is not link:
            self._let_go()
            connection = None
        if connection is not None:
            connection.move()
        if link is not None and link.wants_connection():
            self._connect(link)
        elif link is not None and link.wants_close and self._attempt is not None and not self._attempt.done():
            self._attempt.cancel()

    def close(self) -> None:
        """The node ends."""
        self._let_go()

    def _let_go(self) -> None:
        if self._attempt is not None:
            self._attempt.cancel()
            self._attempt = None
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self, link: "PrimaryLink") -> None:
        link.connecting()
        self._connection = connection = PrimaryConnection(self._node, link)
        self._attempt = self._node.loop.create_task(self._open(connection))

    async def _open(self, connection: PrimaryConnection) -> None:
        link = connection.link
        fields = {"host": link.host, "port": link.port}
        log.info("connecting to the primary", extra={"fields": fields})
        try:
            await self._node.loop.create_connection(lambda: connection, link.host, link.port)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            log.warning("cannot connect to the primary", extra={"fields": {**fields, "reason": reason}})
            link.lost(reason)
        except asyncio.CancelledError:
            with contextlib.suppress(RuntimeError):
                link.lost(link.problem or "given up")
            raise
