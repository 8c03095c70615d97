"""The socket of a replica: connects to its primary when the engine asks for it, and moves bytes both ways.

``core.replication.primary_link`` decides what is sent, and when. A connection attempt, a handshake and a silent primary are
all bounded by ``repl-timeout``, which the link watches with every tick.
"""

import asyncio
import contextlib
import socket
import ssl
from typing import TYPE_CHECKING, Any, Protocol, cast

from cachetwin_engine.server.listener import EndpointConnection, socket_address
from cachetwin_engine.server.logs import log
from cachetwin_engine.server.tls.certificate import Certificate
from cachetwin_engine.server.tls.contexts import TlsError, replica_context
from cachetwin_engine.server.valkey.connection import Connection, ConnectionNode

if TYPE_CHECKING:
    from cachetwin_engine.core.replication.primary_link import PrimaryLink


class ReplicatingNode(ConnectionNode, Protocol):
    """What the connection to a primary needs of its node."""

    certificate: Certificate

    def link_lost(self, link: "PrimaryLink", reason: str) -> None:
        """``link`` has no connection any more."""


class PrimaryConnection(asyncio.Protocol):
    """The connection of one ``PrimaryLink``, from connect to loss."""

    def __init__(self, node: ReplicatingNode, link: "PrimaryLink") -> None:
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
        except Exception as bug:  # noqa: BLE001  (any exception is a bug here: the link connects again)
            log.error("internal error: link to the primary dropped", exc_info=bug)
            self.link.wants_close = True
        self.move()
        engine = self._node.engine
        if engine.clients.pending or engine.has_work():
            self._node.schedule_drain()

    def connection_lost(self, exc: Exception | None) -> None:
        """Report it to the link, which will ask for another connection."""
        self._transport = None
        reason = self.link.problem or (str(exc) if exc is not None else "the primary closed the connection")
        log.warning("link to the primary lost", extra={"fields": {"reason": reason}})
        self.link.lost(reason)
        self._node.link_lost(self.link, reason)

    def move(self) -> None:
        """Write the link's output; close if it is done."""
        if self._transport is None:
            return
        output = self.link.take_output()
        if output:
            self._transport.write(output)
        if self.link.wants_close:
            self._transport.abort()

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.abort()


class Peers:
    """The connections of replicas that a supervisor handed over: an endpoint without a listening socket."""

    def __init__(self, node: ReplicatingNode) -> None:
        self.connections: set[EndpointConnection] = set()
        self._node = node

    async def adopt(self, sock: socket.socket) -> None:
        """Serve the replica at the other end of a connected socket; it needs no password. Raises OSError."""
        sock.settimeout(0)
        await self._node.loop.connect_accepted_socket(self._connection, sock)

    def _connection(self) -> Connection:
        return PeerConnection(self._node, self.connections)


class PeerConnection(Connection):
    """A replica of this node, as a client with every right."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Mark it as internal from its first byte."""
        super().connection_made(transport)
        if self.is_open:
            self.node.engine.mark_internal(self.session)


class PrimaryConnector:
    """Keeps the connection that the engine's role asks for."""

    def __init__(self, node: ReplicatingNode) -> None:
        self._node = node
        self._connection: PrimaryConnection | None = None
        self._attempt: asyncio.Task[None] | None = None

    def tick(self) -> None:
        """Ten times a second, and when the role has changed: connect, write, close."""
        link = self._node.engine.replication.link
        connection = self._connection
        if connection is not None and connection.link is not link:
            self._close_connection()
            connection = None
        if connection is not None:
            connection.move()
        if link is not None and link.wants_connection():
            self._connect(link)
        elif link is not None and link.wants_close and self._attempt is not None and not self._attempt.done():
            self._attempt.cancel()

    def move(self) -> None:
        """Write the link's output."""
        if self._connection is not None:
            self._connection.move()

    async def adopt(self, link: "PrimaryLink", sock: socket.socket) -> None:
        """Use a connected socket for ``link``, which will get further ones from where this came. Raises OSError."""
        self._close_connection()
        link.given = True
        link.connecting()
        self._connection = connection = PrimaryConnection(self._node, link)
        sock.settimeout(0)
        if sock.family == socket.AF_UNIX:
            await self._node.loop.create_unix_connection(lambda: connection, sock=sock)
        else:
            await self._node.loop.create_connection(lambda: connection, sock=sock)

    def close(self) -> None:
        """The node ends."""
        self._close_connection()

    def _close_connection(self) -> None:
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
            tls = None
            if self._node.engine.config.boolean("tls-replication"):
                tls = replica_context(self._node.certificate.files)
            lookup = asyncio.ensure_future(self._node.loop.getaddrinfo(link.host, link.port, type=socket.SOCK_STREAM))
            lookup.add_done_callback(_take_exception)
            found = await asyncio.shield(lookup)  # it can't be ended: one that is given up ends by itself
            await self._connect_to_one(connection, [address[4] for address in found], tls)
        except (OSError, TlsError) as error:  # ssl.SSLError is an OSError
            reason = (getattr(error, "strerror", None) or str(error)).lower()
            log.warning("cannot connect to the primary", extra={"fields": {**fields, "reason": reason}})
            link.lost(reason)
        except asyncio.CancelledError:
            with contextlib.suppress(RuntimeError):
                link.lost(link.problem or "given up")
            raise

    async def _connect_to_one(
        self, connection: PrimaryConnection, addresses: list[Any], tls: ssl.SSLContext | None
    ) -> None:
        """Connect to the first address that answers. Raises OSError."""
        name = connection.link.host if tls is not None else None
        for address in addresses[:-1]:
            with contextlib.suppress(OSError):
                await self._node.loop.create_connection(
                    lambda: connection, address[0], address[1], ssl=tls, server_hostname=name
                )
                return
        host, port = addresses[-1][:2]
        await self._node.loop.create_connection(lambda: connection, host, port, ssl=tls, server_hostname=name)


def _take_exception(lookup: "asyncio.Future[Any]") -> None:
    """Of a look-up that was given up nobody else takes it, and asyncio would log that."""
    if not lookup.cancelled():
        lookup.exception()
