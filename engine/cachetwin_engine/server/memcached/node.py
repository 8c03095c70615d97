"""A node of the Memcached profile: its sessions, places for connections, and what the supervisor asks for."""

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections import deque
from pathlib import Path
from typing import Final

from cachetwin_engine.memcached.engine import Memcached
from cachetwin_engine.memcached.host import Host
from cachetwin_engine.memcached.session import Session
from cachetwin_engine.server.config import OptionError
from cachetwin_engine.server.control import RequestError
from cachetwin_engine.server.listener import Endpoint, EndpointConnection
from cachetwin_engine.server.logs import log
from cachetwin_engine.server.memcached.connection import MemcachedConnection, keep_alive
from cachetwin_engine.server.memcached.options import check_nodes
from cachetwin_engine.server.node import Node
from cachetwin_engine.server.tls.certificate import Certificate
from cachetwin_engine.server.tls.contexts import TlsError, TlsFiles

TOO_MANY: Final = b"ERROR Too many open connections\r\n"
USERS_MAX: Final = 8
"""Users that are read of a file; memcached's MAX_ENTRIES."""


class ProcessFacts(Host):
    """The process around the server."""

    def __init__(self) -> None:
        self.certificate: Certificate | None = None

    def process_id(self) -> int:
        """The process's id."""
        return os.getpid()

    def cpu_seconds(self) -> tuple[float, float]:
        """Processor time so far: of the user, of the system."""
        times = os.times()
        return times.user, times.system

    def refresh_certificates(self) -> str:
        """Read the TLS certificate again; why not, or empty."""
        if self.certificate is None or self.certificate.files is None:
            return "ERROR"
        try:
            self.certificate.load(self.certificate.files)
        except TlsError as error:
            return f"Error loading the certificate: {error}"
        return ""

    def library_version(self) -> str:
        """What does the I/O."""
        return "asyncio"


class MemcachedNode(Node[MemcachedConnection]):
    """One server on the wire."""

    def __init__(
        self,
        engine: Memcached,
        facts: ProcessFacts,
        *,
        tls_files: TlsFiles | None = None,
        control: socket.socket | None = None,
    ) -> None:
        super().__init__(tls_files, control, engine.settings.backlog)
        self.engine = engine
        facts.certificate = self.certificate
        self._waiting: deque[MemcachedConnection] = deque()  # for a place
        self._started = time.monotonic()
        self._second = 0
        self._push_scheduled = False

    def _handle_signals(self) -> None:
        """SIGUSR1 stops the node too; SIGHUP reads the file of users again as well."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
            self.loop.add_signal_handler(number, self.stop, number.name)
        self.loop.add_signal_handler(signal.SIGHUP, self._reload)

    def _open_connections(self) -> list[MemcachedConnection]:
        return [*self._connections.values(), *self._waiting]

    def _reload(self) -> None:
        if self.certificate.is_loaded:
            self.certificate.reload()
            self.engine.state.certificates_read = int(self.engine.store.now)
        path = self.engine.settings.auth_file
        if path:
            try:
                self.engine.state.credentials = read_users(os.fsdecode(path))
            except OptionError as error:
                log.warning("users not read again, the old ones stay", extra={"fields": {"error": str(error)}})

    def _profile(self) -> str:
        return f"memcached-{self.engine.settings.version.decode()}"

    # What endpoints need

    def new_connection(self, siblings: set[EndpointConnection]) -> MemcachedConnection:
        """The protocol for a connection."""
        return MemcachedConnection(self, siblings)

    def count_rejection(self) -> None:
        """A connection was refused: there are too many."""
        self.engine.store.counters.rejected_connections += 1

    def note_endpoints(self, endpoints: list[Endpoint]) -> None:
        """``stats conns`` shows what listens."""
        listeners: list[tuple[int, bytes]] = []
        for endpoint in endpoints:
            address = f"tcp:{endpoint.address}" if endpoint.port else f"unix:{endpoint.address.removesuffix(':0')}"
            listeners.append((endpoint.descriptor, address.encode()))
        self.engine.state.listeners = listeners

    def is_full(self) -> bool:
        """True if one more connection would be one too many, counting those in a handshake."""
        taken = len(self._connections) + self.endpoints.waiting()
        return self.engine.settings.closes_surplus_connections and taken >= self.engine.settings.max_connections

    # Sessions

    def open_session(self, connection: MemcachedConnection, transport: asyncio.Transport) -> Session | None:
        """The session for a new connection; None where it has to wait, or after writing why there is none."""
        settings = self.engine.settings
        if len(self._connections) >= settings.max_connections:
            if settings.closes_surplus_connections:
                self.count_rejection()
                connection.refuse(TOO_MANY)
            else:
                self._waiting.append(connection)
                self.engine.state.accepting = False
                self.engine.state.listen_disabled += 1
                connection.hold()
            return None
        return self._new_session(connection, transport)

    def _new_session(self, connection: MemcachedConnection, transport: asyncio.BaseTransport) -> Session:
        sock: socket.socket = transport.get_extra_info("socket")
        local = transport.get_extra_info("sockname")
        if sock.family == socket.AF_UNIX:
            address = listen_address = f"unix:{local}"
            ip, port, kind = b"unix", 0, b"local"
        else:
            keep_alive(sock)
            peer = transport.get_extra_info("peername")
            address, listen_address = _tcp(peer), _tcp(local)
            ip, port, kind = str(peer[0]).encode(), int(peer[1]), b"tcp"
        session = self.engine.open_session(sock.fileno(), address.encode(), listen_address.encode(), ip, port, kind)
        self._connections[session.descriptor] = connection
        self._watch_connections()
        return session

    def close_session(self, connection: MemcachedConnection, session: Session | None) -> None:
        """The connection is gone, and with it its session; another may have its place."""
        if session is None:
            with contextlib.suppress(ValueError):
                self._waiting.remove(connection)
            return
        del self._connections[session.descriptor]
        self.engine.close_session(session)
        self._watch_connections()
        if self._waiting and self._stop_reason is None:
            waiting = self._waiting.popleft()
            waiting.release(self._new_session(waiting, waiting.transport))
        self.engine.state.accepting = not self._waiting
        self._end_if_last()

    def _watch_connections(self) -> None:
        if self.engine.store.watchers.pending:
            self._schedule_push()

    def settle(self) -> None:
        """Watchers have lines, or the server is to stop."""
        if self.engine.store.watchers.pending:
            self._schedule_push()
        if self.engine.state.shutdown and self._stop_reason is None:
            self.stop("a client asked for it")

    def _schedule_push(self) -> None:
        if not self._push_scheduled:
            self._push_scheduled = True
            self.loop.call_soon(self._push)

    def _push(self) -> None:
        self._push_scheduled = False
        self.engine.store.watchers.pending = False
        for connection in list(self._connections.values()):
            connection.push()

    # Heartbeat

    def _beat(self) -> None:
        second = int(time.monotonic() - self._started)
        self.engine.tick(second)
        if self.engine.store.watchers.count():
            self._push()
        if second != self._second:
            self._second = second
            self._close_idle()

    def _close_idle(self) -> None:
        timeout = self.engine.settings.idle_timeout
        if not timeout:
            return
        oldest = self.engine.store.now - timeout
        for connection in list(self._connections.values()):
            session = connection.session
            if session is not None and session.watcher is None and session.last_command < oldest:
                self.engine.store.counters.idle_kicks += 1
                connection.end_idle()

    # What the supervisor asks for

    def set_nodes(self, nodes: list[str], version: int) -> None:
        """The nodes of the cluster, each as ``host|ip|port``. Raises RequestError."""
        try:
            check_nodes(nodes)
        except OptionError as error:
            raise RequestError(f"nodes: {error}") from None
        self.engine.store.cluster.set_nodes([node.encode() for node in nodes], version)

    def set_topology(self, document: object) -> None:
        """Memcached nodes know nothing of each other."""
        raise RequestError("topology: a Memcached node has none; send nodes")

    def moves(self) -> dict[str, object]:
        """Memcached has no slots."""
        raise RequestError("moves: a Memcached node has no slots")

    def save(self, path: str) -> None:
        """Memcached has no snapshots of nodes."""
        raise RequestError("save: a Memcached node has no snapshots")

    def saving(self) -> dict[str, object]:
        """Memcached has no snapshots of nodes."""
        raise RequestError("saving: a Memcached node has no snapshots")

    def load(self, paths: list[str]) -> int:
        """Memcached has no snapshots of nodes."""
        raise RequestError("load: a Memcached node has no snapshots")

    def set_users(self, users: list[object]) -> None:
        """Memcached has no users on ElastiCache."""
        if users:
            raise RequestError("users: a Memcached node has none")

    def set_iam(self, request: dict[str, object]) -> None:
        """Memcached has no users on ElastiCache."""
        raise RequestError("iam: a Memcached node has no users")

    def move_clock(self, moves: list[tuple[int, int]]) -> None:
        """Be as far ahead of the machine's clock as the last of ``moves`` says, in whole seconds.

        Raises RequestError for less than before.
        """
        state = self.engine.state
        ahead_ms = moves[-1][1] if moves else 0
        if ahead_ms < state.time_offset * 1000:
            raise RequestError(f"clock: must be at least {state.time_offset * 1000} ms ahead, got {ahead_ms}")
        state.time_offset = ahead_ms // 1000

    def apply_parameters(self, parameters: dict[str, str]) -> list[str]:
        """A parameter group's values take effect when the node starts."""
        if parameters:
            raise RequestError("parameters: those of a Memcached node are given at its start")
        return []

    async def follow(self, host: str, port: int, sock: socket.socket | None) -> None:
        """Memcached does not replicate."""
        raise RequestError("follow: a Memcached node has no replicas")

    def lead(self) -> None:
        """Memcached does not replicate."""
        raise RequestError("lead: a Memcached node has no replicas")

    async def serve_replica(self, sock: socket.socket) -> None:
        """Memcached does not replicate."""
        sock.close()
        raise RequestError("replica: a Memcached node has no replicas")

    def state(self) -> dict[str, object]:
        """Each node is for itself: a primary without replicas."""
        return {"role": "primary", "offset": 0, "link": "", "replicas": 0, "clients": len(self._connections)}

    def slow_log(self, _since: int) -> list[dict[str, object]]:
        """Memcached has no log of slow commands."""
        return []

    def info(self) -> str:
        """The statistics, one a line as ``name:value``."""
        return self.engine.statistics_text()


def _tcp(name: tuple[str, int]) -> str:
    host, port = name[0], name[1]
    return f"tcp6:[{host}]:{port}" if ":" in host else f"tcp:{host}:{port}"


def read_users(path: str) -> list[tuple[bytes, bytes]]:
    """The users of a file with ``user:password`` a line. Raises OptionError."""
    try:
        lines = Path(path).read_bytes().splitlines()
    except OSError as error:
        raise OptionError(f"Could not open authfile [{path}] for reading, error {error.strerror}") from None
    users: list[tuple[bytes, bytes]] = []
    for line in lines[:USERS_MAX]:
        user, separator, password = line.partition(b":")
        if not separator:
            raise OptionError(f"Authfile [{path}] has a malformed entry. Should be 'user:password'")
        users.append((user, password))
    return users
