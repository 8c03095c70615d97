"""The endpoints of a cache whose node changes: one socket that moves, and one port that several nodes accept on.

The kernel delivers connections to the nodes themselves; nothing stands between a client and a node.
"""

import asyncio
import socket
import ssl
from contextlib import suppress

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.cache.node import NodeProcess
from cachetwin_local.supervise.process.sockets import SPREADS_CONNECTIONS, listen, reserve
from cachetwin_local.topology.values import Endpoint

__all__ = ["MovingEndpoint", "SpreadEndpoint", "ping"]


class MovingEndpoint:
    """An endpoint that one node answers at a time: the supervisor keeps its listening socket.

    While no node has the socket, connections wait in it for the next one.
    """

    def __init__(self, name: str, endpoint: Endpoint) -> None:
        self.name = name
        self.endpoint = endpoint
        self._sock: socket.socket | None = None

    def open(self, owner: str) -> None:
        """Open the socket. Raises UserError."""
        self._sock = listen(self.endpoint.address, self.endpoint.port, f"{owner} ({self.name} endpoint)")

    async def give(self, node: NodeProcess) -> None:
        """Let `node` accept. Raises as `NodeProcess.ask`."""
        if self._sock is not None:
            await node.listen(self.name, self._sock, self.endpoint)

    async def take(self, node: NodeProcess) -> None:
        """Let `node` accept no more; its connections stay. Raises as `NodeProcess.ask`."""
        await node.ask("close_listener", name=self.name, keep_connections=True)

    def close(self) -> None:
        """Close the socket."""
        if self._sock is not None:
            self._sock.close()
            self._sock = None


class SpreadEndpoint:
    """An endpoint over which the kernel spreads connections: each node accepts on a socket of its own on the same port.

    The supervisor keeps the port without listening. So a node that dies leaves with its socket, and connections are
    refused when no node is left. Where the kernel does not spread them, the nodes accept on one socket.
    """

    def __init__(self, name: str, endpoint: Endpoint) -> None:
        self.name = name
        self.endpoint = endpoint
        self._owner = ""
        self._sock: socket.socket | None = None
        self._nodes: set[NodeProcess] = set()

    def open(self, owner: str) -> None:
        """Take the port. Raises UserError."""
        self._owner = f"{owner} ({self.name} endpoint)"
        take = reserve if SPREADS_CONNECTIONS else listen
        self._sock = take(self.endpoint.address, self.endpoint.port, self._owner, shared=True)

    async def give(self, node: NodeProcess) -> None:
        """Let one more node accept. Raises as `NodeProcess.ask`."""
        await self._add(node)
        self._nodes.add(node)

    async def spread_over(self, nodes: set[NodeProcess]) -> None:
        """Let exactly these nodes accept. Those that are gone leave by themselves; connections stay where they are."""
        for node in nodes - self._nodes:
            with suppress(OSError, UserError):
                await self.give(node)
        for node in self._nodes - nodes:
            with suppress(OSError, UserError):
                await node.ask("close_listener", name=self.name, keep_connections=True)
            self._nodes.discard(node)

    def forget(self, node: NodeProcess) -> None:
        """A node that is gone accepts no more."""
        self._nodes.discard(node)

    def close(self) -> None:
        """Give the port back."""
        if self._sock is not None:
            self._sock.close()
            self._sock = None

    async def _add(self, node: NodeProcess) -> None:
        if self._sock is None:
            return
        if not SPREADS_CONNECTIONS:
            await node.listen(self.name, self._sock, self.endpoint)
            return
        with listen(self.endpoint.address, self.endpoint.port, self._owner, shared=True) as sock:
            await node.listen(self.name, sock, self.endpoint)


async def ping(endpoint: Endpoint, context: ssl.SSLContext | None) -> None:
    """Return when an endpoint answers a PING. Raises OSError for another answer."""
    reader, writer = await asyncio.open_connection(endpoint.address, endpoint.port, ssl=context)
    try:
        writer.write(b"PING\r\n")
        answer = await reader.readline()
        if not answer.startswith((b"+PONG", b"-NOAUTH")):
            raise OSError(f"PING was answered by {answer!r}")
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
