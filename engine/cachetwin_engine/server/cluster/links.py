"""Connections to the other nodes of a cluster: for messages that were published here, and for keys on their way.

A connection is made when there is something to send: a cluster of 90 nodes in which nobody publishes has none. It goes to
the other node's address for clients, over TLS where that node has it, and begins with a greeting
(``core.execution.peers``). Messages to a node that can't be reached are lost, as on Valkey's cluster bus.
"""

import asyncio
import contextlib
import ssl
from typing import Final, Protocol

from cachetwin_engine.core.cluster.state import ClusterLink, ClusterNode, ClusterState
from cachetwin_engine.core.engine import Engine
from cachetwin_engine.core.execution.peers import greeting
from cachetwin_engine.core.protocol.replies import bulk_array
from cachetwin_engine.server.logs import log
from cachetwin_engine.server.tls.certificate import Certificate
from cachetwin_engine.server.tls.contexts import TlsError, TlsFiles, replica_context

CONNECT_SECONDS_MAX: Final = 5.0

REPLY_SECONDS_MAX: Final = 10.0
"""How long the other node may take for one reply; a topology without it ends the wait at once."""

WAITING_BYTES_MAX: Final = 64 * 1024 * 1024
"""Messages that one node has not taken; past this the connection is given up, and they are lost."""


class LinkError(Exception):
    """The other node can't be reached, or does not want this node."""


class LinkedNode(Protocol):
    """What the connections need of their node."""

    engine: Engine
    loop: asyncio.AbstractEventLoop
    certificate: Certificate


class Contexts:
    """The client side of TLS, made once for each certificate."""

    def __init__(self, certificate: Certificate) -> None:
        self._certificate = certificate
        self._files: TlsFiles | None = None
        self._context: ssl.SSLContext | None = None

    def get(self) -> ssl.SSLContext:
        """The context for the next connection. Raises TlsError."""
        if self._context is None or self._files is not self._certificate.files:
            self._context = replica_context(self._certificate.files)
            self._files = self._certificate.files
        return self._context


class NodeLink:
    """One connection to another node, after the greeting."""

    def __init__(self, node_id: bytes, epoch: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.node_id = node_id
        self.epoch = epoch
        self.reader = reader
        self.writer = writer

    @classmethod
    async def open(cls, cluster: ClusterState, target: ClusterNode, epoch: int, contexts: Contexts) -> "NodeLink":
        """Connect and greet; the other node must have a topology of at least ``epoch``. Raises LinkError."""
        if not cluster.secret:
            raise LinkError("the topology has no secret")
        try:
            async with asyncio.timeout(CONNECT_SECONDS_MAX):
                tls = contexts.get() if target.tls else None
                reader, writer = await asyncio.open_connection(target.ip, target.port, ssl=tls)
                link = cls(target.id, epoch, reader, writer)
                try:
                    reply = await link.ask(bulk_array(greeting(cluster.myself.id, epoch, cluster.secret)))
                except BaseException:
                    link.close()
                    raise
        except (OSError, TimeoutError, TlsError) as error:
            raise LinkError(str(error) or type(error).__name__) from error
        if reply != b"+OK":
            link.close()
            raise LinkError(f"it replied {reply.decode(errors='replace')}")
        return link

    async def ask(self, request: bytes) -> bytes:
        """Send a request and return its reply of one line, without the line's end. Raises LinkError."""
        return (await self.ask_all(request, 1))[0]

    async def ask_all(self, request: bytes, count: int) -> list[bytes]:
        """Send requests and return ``count`` replies of one line each. Raises LinkError."""
        try:
            self.writer.write(request)
            return [await self._line() for _ in range(count)]
        except (OSError, TimeoutError, ValueError) as error:
            raise LinkError(str(error) or type(error).__name__) from error

    async def ask_lists(self, request: bytes, count: int) -> list[list[bytes]]:
        """Send requests and return ``count`` replies, arrays of bulk strings. Raises LinkError."""
        try:
            self.writer.write(request)
            return [await self._list() for _ in range(count)]
        except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError) as error:
            raise LinkError(str(error) or type(error).__name__) from error

    async def _list(self) -> list[bytes]:
        head = await self._line()
        if not head.startswith(b"*"):
            raise LinkError(f"it replied {head.decode(errors='replace')}")
        items = []
        for _ in range(int(head[1:])):
            size = int((await self._line())[1:])
            items.append((await asyncio.wait_for(self.reader.readexactly(size + 2), REPLY_SECONDS_MAX))[:-2])
        return items

    async def _line(self) -> bytes:
        line = await asyncio.wait_for(self.reader.readline(), REPLY_SECONDS_MAX)
        if not line.endswith(b"\n"):
            raise LinkError("it closed the connection")
        return line.rstrip(b"\r\n")

    def close(self) -> None:
        """Close the connection; whoever waits for a reply gets a LinkError."""
        self.writer.transport.abort()


class MessageLink:
    """The messages for one other node, in their order."""

    def __init__(self, node: LinkedNode, target_id: bytes, contexts: Contexts) -> None:
        self._node = node
        self._target_id = target_id
        self._contexts = contexts
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._link: NodeLink | None = None
        self._task: asyncio.Task[None] | None = None

    def send(self, data: bytes) -> None:
        """Send ``data`` with the next ``flush``."""
        self._waiting.append(data)
        self._waiting_bytes += len(data)

    def flush(self) -> None:
        """Write what waits; connect first if need be."""
        if self._link is None:
            if self._waiting_bytes > WAITING_BYTES_MAX:
                self._forget()
            if self._task is None:
                self._task = self._node.loop.create_task(self._run())
            return
        transport = self._link.writer.transport
        if transport.get_write_buffer_size() + self._waiting_bytes > WAITING_BYTES_MAX:
            self._link.close()
            self._forget()
            return
        self._link.writer.write(b"".join(self._waiting))
        self._forget()

    def close(self) -> None:
        """Close the connection, with what waits."""
        if self._task is not None:
            self._task.cancel()
        self._forget()

    def _forget(self) -> None:
        self._waiting = []
        self._waiting_bytes = 0

    async def _run(self) -> None:
        cluster = self._node.engine.cluster
        target = None if cluster is None else cluster.nodes.get(self._target_id)
        try:
            if cluster is None or target is None:
                return
            link = await NodeLink.open(cluster, target, 0, self._contexts)
            link.writer.write(bulk_array([b"CLIENT", b"REPLY", b"OFF"]))
            self._link = link
            cluster.links[target.id] = ClusterLink(target.id, self._node.engine.now_ms)
            self.flush()
            with contextlib.suppress(OSError):
                await link.reader.read()  # nothing comes before the end
        except LinkError as error:
            fields = {"node": self._target_id.decode(), "reason": str(error)}
            log.warning("messages to a node of the cluster are lost", extra={"fields": fields})
        finally:
            if self._link is not None:
                self._link.close()
            if cluster is not None:
                cluster.links.pop(self._target_id, None)
            self._link = None
            self._task = None
            self._forget()


class Messages:
    """What is published here, on its way to the other nodes."""

    def __init__(self, node: LinkedNode, contexts: Contexts) -> None:
        self._node = node
        self._contexts = contexts
        self._links: dict[bytes, MessageLink] = {}
        self._written: set[bytes] = set()  # nodes with messages since the last flush

    def tell(self, words: list[bytes], shard_id: bytes) -> None:
        """Send a command to every other node that may have listeners: of the whole cluster, or of the shard given."""
        cluster = self._node.engine.cluster
        if cluster is None:
            return
        data = bulk_array(words)
        for target in cluster.nodes.values():
            if target is cluster.myself or (shard_id and target.shard_id != shard_id):
                continue
            link = self._links.get(target.id)
            if link is None:
                link = self._links[target.id] = MessageLink(self._node, target.id, self._contexts)
            link.send(data)
            if not self._written:
                self._node.loop.call_soon(self._flush)
            self._written.add(target.id)

    def topology_changed(self) -> None:
        """Close the connections to nodes that are gone."""
        cluster = self._node.engine.cluster
        for node_id in [known for known in self._links if cluster is None or known not in cluster.nodes]:
            self._links.pop(node_id).close()

    def close(self) -> None:
        """The node ends."""
        for link in self._links.values():
            link.close()
        self._links.clear()

    def _flush(self) -> None:
        written = self._written
        self._written = set()
        for node_id in written:
            link = self._links.get(node_id)
            if link is not None:
                link.flush()
