"""A node of Valkey or Redis OSS: sessions, replication, the slots of a cluster, and what the supervisor asks for.

Everything runs on one event loop thread, as in Valkey: a command is never interrupted by another. The node gives the
engine what the core may not reach for itself: the time (with every feed and every tick), a random seed, and sockets.
"""

import asyncio
import contextlib
import select
import socket
import time
from pathlib import Path
from typing import Final

from cachetwin_engine.core.admin.config_changes import follow_config
from cachetwin_engine.core.admin.seeding import seed
from cachetwin_engine.core.admin.topology import adopt_topology
from cachetwin_engine.core.engine import Engine
from cachetwin_engine.core.execution.session import Session
from cachetwin_engine.core.protocol.errors import MAX_CLIENTS, CommandError
from cachetwin_engine.core.protocol.replies import error
from cachetwin_engine.core.rdb.packed import BadData
from cachetwin_engine.core.replication.primary_link import PrimaryLink
from cachetwin_engine.core.stats.command_log import SLOW
from cachetwin_engine.server.cluster.links import Contexts, Messages
from cachetwin_engine.server.cluster.slot_mover import SlotMover
from cachetwin_engine.server.cluster.topology import TopologyError, read_topology
from cachetwin_engine.server.control import RequestError
from cachetwin_engine.server.listener import Endpoint, EndpointConnection, socket_address
from cachetwin_engine.server.logs import LEVELS, log
from cachetwin_engine.server.node import Node
from cachetwin_engine.server.tls.contexts import TlsFiles
from cachetwin_engine.server.valkey.busy_connection import BusyConnections
from cachetwin_engine.server.valkey.connection import Connection
from cachetwin_engine.server.valkey.host import ProcessHost
from cachetwin_engine.server.valkey.iam import read_iam
from cachetwin_engine.server.valkey.parameters import (
    ParameterError,
    UserError,
    set_parameter_group,
    set_parameters,
    set_users,
)
from cachetwin_engine.server.valkey.protected_mode import denial, protects
from cachetwin_engine.server.valkey.replication import Peers, PrimaryConnector
from cachetwin_engine.server.valkey.signals import Signals

ENDED_PER_TURN: Final = 256  # connections, between two looks at the others
WORK_SLICE_US: Final = 3_000
"""How long a slice of background work may keep clients waiting, in microseconds."""

TICKS_PER_ROUND: Final = 10
"""Ticks in which every client is looked at once, for ``timeout`` and ``client-query-buffer-limit``."""


class ValkeyNode(Node[Connection]):
    """One engine of Valkey or Redis OSS on the wire."""

    def __init__(
        self,
        engine: Engine,
        host: ProcessHost,
        *,
        tls_files: TlsFiles | None = None,
        control: socket.socket | None = None,
        backlog: int = 511,
    ) -> None:
        super().__init__(tls_files, control, backlog)
        self.engine = engine
        self.host = host
        host.serve_while_busy = self._serve_while_busy
        host.change_node = self._take_parameters
        self.backlogged: set[Connection] = set()
        self._drain_scheduled = False
        self._works = False  # a slice of background work is due
        self._processed_before_work = 0
        self._connector = PrimaryConnector(self)
        self._peers = Peers(self)
        self._busy_connections = BusyConnections(self)
        contexts = Contexts(self.certificate)
        self._messages = Messages(self, contexts)
        self._mover = SlotMover(self, contexts, self._report)
        host.messages = self._messages.tell
        self._tasks: set[asyncio.Task[None]] = set()
        self._to_visit: list[Connection] = []
        self._visits_per_tick = 1
        self._ahead_ms = 0
        self._limits = engine.config.clients.buffer_limits
        self._loglevel = engine.config.get("loglevel")
        self._signals = Signals(self)

    # The end

    def _save(self) -> None:
        if not self.engine.shutdown_requested and not self.engine.shutdown.save():  # the supervisor wants it now
            log.error("the data of the last moments is lost: it cannot be saved")
        self.engine.shutdown_requested = True  # no command runs behind the save

    def _close_links(self) -> None:
        self.engine.log.close()
        self._connector.close()
        self._messages.close()
        self._mover.close()

    def _handle_signals(self) -> None:
        self._signals.handle()

    def is_stopping(self) -> bool:
        """Whether the node was asked to stop."""
        return self._stop_reason is not None

    # What the supervisor asks for

    def set_users(self, users: list[object]) -> None:
        """Make these the only users. Raises RequestError naming the user and the field that cannot be used."""
        try:
            set_users(self.engine, users)
        except UserError as problem:
            raise RequestError(f"users: {problem}") from None
        log.info("users replaced", extra={"fields": {"count": len(users)}})
        self.schedule_drain()

    def set_iam(self, request: dict[str, object]) -> None:
        """Check tokens of IAM users against this. Raises RequestError."""
        self.engine.acl.iam = access = read_iam(request)
        log.info("IAM credentials replaced", extra={"fields": {"keys": len(access.keys)}})

    def move_clock(self, moves: list[tuple[int, int]]) -> None:
        """Be as far ahead of the machine's clock as the last of ``moves`` says.

        Raises RequestError for less than before.
        """
        ahead_ms = moves[-1][1] if moves else 0
        by_ms = ahead_ms - self._ahead_ms
        if by_ms < 0:
            raise RequestError(f"clock: must be at least {self._ahead_ms} ms ahead, got {ahead_ms}")
        self._ahead_ms = ahead_ms
        self.engine.move_clock(lambda: time.time_ns() + ahead_ms * 1_000_000, by_ms, moves)
        self.schedule_drain()

    def apply_parameters(self, parameters: dict[str, str]) -> list[str]:
        """Set parameters; all of them or, when one is refused, none. Raises RequestError naming it.

        Under ``--elasticache`` they are a parameter group's; the names that only the service can act on are returned.
        """
        databases = self.engine.config.server.databases
        if parameters.get("databases", str(databases)) != str(databases):
            raise RequestError(f"parameters: databases can only be given at start, as --databases; it is {databases}")
        service_only: list[str] = []
        try:
            if self.engine.elasticache:
                service_only = set_parameter_group(self.engine, parameters)
            else:
                set_parameters(self.engine.config, parameters.items())
                follow_config(self.engine)
        except ParameterError as problem:
            raise RequestError(f"parameters: {problem}") from None
        log.info("parameters set", extra={"fields": {"names": sorted(parameters)}})
        return service_only

    async def follow(self, host: str, port: int, sock: socket.socket | None) -> None:
        """Be a replica of the node at ``host`` and ``port``, over ``sock`` if it is given: a connection to that node."""
        replication = self.engine.replication
        self.engine.start_turn()
        link = replication.link
        if link is None or (link.host, link.port) != (host, port):
            replication.follow(host, port)
            link = replication.link
        if sock is not None and link is not None:
            replication.role_changed = False
            try:
                await self._connector.adopt(link, sock)
            except OSError as error:
                raise RequestError(f"follow: the socket cannot be used: {error.strerror or error}") from None
        self.schedule_drain()
        log.info("follows a primary", extra={"fields": {"host": host, "port": port}})

    def lead(self) -> None:
        """Be a primary."""
        self.engine.start_turn()
        self.engine.replication.follow_nobody()
        self.schedule_drain()
        log.info("leads")

    async def serve_replica(self, sock: socket.socket) -> None:
        """The other end of ``sock`` is a replica of this node. Raises RequestError."""
        try:
            await self._peers.adopt(sock)
        except OSError as error:
            raise RequestError(f"replica: the socket cannot be used: {error.strerror or error}") from None

    def set_topology(self, document: object) -> None:
        """Make a topology (see ``server.topology``) the node's. Raises RequestError."""
        try:
            topology = read_topology(document)
            self.engine.start_turn()
            adopt_topology(self.engine, topology)
        except TopologyError as problem:
            raise RequestError(f"topology: {problem}") from None
        except CommandError as problem:
            raise RequestError(f"topology: {problem.line.decode().removeprefix('ERR ')}") from None
        self.engine.run_pending()
        self.schedule_drain()
        self._messages.topology_changed()
        self._mover.topology_changed()
        log.info("topology set", extra={"fields": {"epoch": topology.epoch, "shards": len(topology.shards)}})

    def set_nodes(self, nodes: list[str], version: int) -> None:
        """Only a Memcached node tells its clients of the others."""
        raise RequestError("nodes: only a Memcached node has a list of nodes")

    def link_lost(self, link: PrimaryLink, reason: str) -> None:
        """A link whose connections come from the supervisor needs another one."""
        if link.given and link is self.engine.replication.link:
            self._tasks.add(task := self.loop.create_task(self._report({"event": "link lost", "reason": reason})))
            task.add_done_callback(self._tasks.discard)

    async def _report(self, event: dict[str, object]) -> None:
        """Send an event to the supervisor, if there is one."""
        if self._control is not None:
            await self._control.send(event)

    def moves(self) -> dict[str, object]:
        """How far the moves of slots away from this node are."""
        engine = self.engine
        slots = 0 if engine.cluster is None else len(engine.cluster.migrating)
        return {"slots": slots, "keys": engine.slot_moves.keys_left(), "done": engine.slot_moves.is_done()}

    def save(self, path: str) -> None:
        """Begin to write the data to this file. Raises RequestError."""
        self.engine.start_turn()
        if self.engine.saves.in_progress():
            raise RequestError("save: another save is in progress")
        problem = self.engine.saves.begin(path)
        if problem:
            raise RequestError(f"save: {problem}")
        self.schedule_drain()

    def saving(self) -> dict[str, object]:
        """Whether a save runs, and why the last one failed."""
        return {"in_progress": self.engine.saves.in_progress(), "error": self.engine.saves.problem}

    def load(self, paths: list[str]) -> int:
        """Add the keys of these files, which no client waits for; how many there are then. Raises RequestError."""
        keys = 0
        for path in paths:
            self.engine.start_turn()
            try:
                keys = seed(self.engine, Path(path).read_bytes())
            except OSError as error:
                raise RequestError(f"load: {path} cannot be read: {(error.strerror or str(error)).lower()}") from None
            except BadData as problem:
                raise RequestError(f"load: {path} is no snapshot that can be loaded: {problem}") from None
            except CommandError as problem:
                reason = problem.line.decode().removeprefix("ERR ")
                raise RequestError(f"load: {path} cannot be restored: {reason}") from None
        log.info("data loaded", extra={"fields": {"files": len(paths), "keys": keys}})
        return keys

    def info(self) -> str:
        """What INFO answers to a client that may see everything."""
        self.engine.start_turn()
        return self.engine.info().decode()

    def slow_log(self, since: int) -> list[dict[str, object]]:
        """The slow commands from the number ``since`` on, the oldest first."""
        entries = [one for one in self.engine.call_logs.commands[SLOW].entries if one.number >= since]
        return [
            {
                "id": one.number,
                "at_s": one.at_s,
                "us": one.value,
                "args": [word.decode(errors="replace") for word in one.args],
                "address": one.address.decode(errors="replace"),
                "name": one.name.decode(errors="replace"),
            }
            for one in reversed(entries)
        ]

    def state(self) -> dict[str, object]:
        """Role, offset, the state of a replica's link, and how many replicas and clients are connected."""
        replication = self.engine.replication
        link = replication.link
        units = self.engine.units
        metered: dict[str, object] = {}
        if units is not None:
            used = self.engine.used_memory()
            metered = {"ecpu": units.used, "throttled": units.throttled, "bytes_used": used}
        return {
            **metered,
            "role": "primary" if link is None else "replica",
            "offset": replication.offset,
            "link": "" if link is None else link.state.decode(),
            "replicas": len(replication.replicas),
            "clients": len(self._connections),
        }

    def _profile(self) -> str:
        return self.engine.profile.name

    # Sessions

    def open_session(self, transport: asyncio.Transport) -> Session | None:
        """The session for a new connection; None after writing the reason why there is none."""
        sock: socket.socket = transport.get_extra_info("socket")
        local = socket_address(transport.get_extra_info("sockname"))
        peer = local if sock.family == socket.AF_UNIX else socket_address(transport.get_extra_info("peername"))
        refusal = self._refusal(transport.get_extra_info("peername"))
        if refusal:
            self.host.rejected_connections += 1
            transport.write(refusal)
            return None
        session = self.engine.open_session(peer, local)
        if sock.family != socket.AF_UNIX:
            self._keep_alive(sock)
        return session

    def open_busy_session(self, sock: socket.socket) -> Session | None:
        """The session for a connection that came while a script keeps the loop busy; None after writing why not."""
        name = sock.getpeername()
        local = socket_address(sock.getsockname())
        refusal = self._refusal(name)
        if refusal:
            self.host.rejected_connections += 1
            with contextlib.suppress(OSError):
                sock.sendall(refusal)
            return None
        session = self.engine.open_session(local if sock.family == socket.AF_UNIX else socket_address(name), local)
        if sock.family != socket.AF_UNIX:
            self._keep_alive(sock)
        return session

    def register(self, session: Session, connection: Connection) -> None:
        """``connection`` is where output of ``session`` goes."""
        self._connections[session.id] = connection

    def _refusal(self, peer: object) -> bytes:
        """The error for a connection that gets no session; empty when it may have one."""
        if len(self._connections) >= self.engine.config.clients.maxclients:
            return error(MAX_CLIENTS)
        return denial(self.engine) if protects(self.engine, peer) else b""

    def close_session(self, session: Session) -> None:
        """The connection is closed, and with it its session."""
        del self._connections[session.id]
        self.engine.close_session(session)
        if self.engine.clients.pending:
            self.schedule_drain()
        self._end_if_last()

    def new_connection(self, siblings: set[EndpointConnection]) -> Connection:
        """The protocol for a connection; it is one of ``siblings`` while it is open."""
        return Connection(self, siblings)

    def count_rejection(self) -> None:
        """A connection was refused: there are too many."""
        self.host.rejected_connections += 1

    def note_endpoints(self, endpoints: list[Endpoint]) -> None:
        """INFO server shows ports and listeners."""
        self.host.tcp_port = next((endpoint.port for endpoint in endpoints if endpoint.port), 0)
        self.host.listeners = [endpoint.described for endpoint in endpoints]

    def is_full(self) -> bool:
        """True if one more connection would be over ``maxclients``, counting those in a handshake."""
        return len(self._connections) + self.endpoints.waiting() >= self.engine.config.clients.maxclients

    def _keep_alive(self, sock: socket.socket) -> None:
        """Let the kernel probe a silent peer every ``tcp-keepalive`` seconds, as Valkey does (anet.c)."""
        interval = self.engine.config.clients.tcp_keepalive
        if interval == 0:
            return
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if hasattr(socket, "TCP_KEEPIDLE"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, interval)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, max(interval // 3, 1))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)

    def schedule_drain(self) -> None:
        """Write other sessions' output at the end of the loop's turn: once, however many commands produced it."""
        if not self._drain_scheduled:
            self._drain_scheduled = True
            self.loop.call_soon(self.drain)

    def drain(self) -> None:
        """Write other sessions' output now, and see to what their commands have asked of the node."""
        self._drain_scheduled = False
        if self.engine.holds_replies:
            self.engine.log.settle()
        ended = 0
        for session in self.engine.clients.take_pending():
            connection = self._connections.get(session.id)
            if connection is None:
                continue
            if session.close_now:  # CLIENT KILL of thousands of clients: to end a connection takes 20 us
                ended += 1
                if ended > ENDED_PER_TURN:
                    self.engine.clients.mark_pending(session)
                    continue
            connection.push()
        if ended > ENDED_PER_TURN:
            self.schedule_drain()
        if self.engine.shutdown_requested and self._stop_reason is None:
            self.stop(self.engine.shutdown.reason)
        if self.engine.has_work() and not self._works:
            self._works = True
            self.loop.call_soon(self._work)
        if self.engine.replication.role_changed:
            self.engine.replication.role_changed = False
            self._connector.tick()

    def _work(self) -> None:
        """A slice of a snapshot. Clients get as much time before the next slice."""
        self._works = False
        engine = self.engine
        if engine.has_work():
            busy = engine.commands_processed != self._processed_before_work
            self._processed_before_work = engine.commands_processed
            begun = self.loop.time()
            engine.work(engine.clock() + WORK_SLICE_US)
            self._connector.move()
            self._works = True
            if (busy and engine.serves_while_working()) or engine.config.integer("rdb-key-save-delay") > 0:
                self.loop.call_later(max(self.loop.time() - begun, 0.001), self._work)
            else:
                self.loop.call_soon(self._work)
        if engine.clients.pending or engine.holds_replies:
            self.drain()

    # Heartbeat

    def _beat(self) -> None:
        self.engine.tick()
        self._connector.tick()
        self._notice_parameters()
        for connection in list(self.backlogged):
            connection.check_backlog()
        self._visit_some_clients()
        engine = self.engine
        if engine.clients.pending or engine.holds_replies or engine.shutdown_requested or engine.has_work():
            self.drain()

    def _serve_while_busy(self) -> None:
        """One round over the plain connections while a script holds the event loop.

        What they send is read and answered here; the loop serves the rest when it runs again, and connections with TLS or
        with replies that wait to be taken. New plain connections are accepted.
        """
        self._signals.count_while_busy()
        if self.sockets is not None:
            self.sockets.answer()
        for endpoint in self.endpoints.plain():
            self._busy_connections.accept(endpoint)
        sockets = {connection.plain_socket(): connection for connection in list(self._connections.values())}
        sockets.pop(-1, None)
        poll = select.poll()
        for fd in [*sockets, *self._busy_connections.sockets()]:
            poll.register(fd, select.POLLIN)
        for fd, _ in poll.poll(0):
            if fd in sockets:
                sockets[fd].serve_now(fd)
            else:
                self._busy_connections.serve(fd)

    def _visit_some_clients(self) -> None:
        """A share of the clients on every tick, each of them about once a second."""
        if not self._to_visit:
            self._to_visit = list(self._connections.values())
            self._visits_per_tick = len(self._to_visit) // TICKS_PER_ROUND + 1
        timeout_seconds = self.engine.config.clients.timeout
        for connection in self._to_visit[-self._visits_per_tick :]:
            if connection.is_open:
                connection.check_idle(timeout_seconds)
        del self._to_visit[-self._visits_per_tick :]

    def _take_parameters(self, names: list[str]) -> tuple[str, str] | None:
        """CONFIG SET of sockets, certificates and the log; the parameter that can't be had and why, None when all can."""
        problem = self.endpoints.follow_parameters(names, self.engine.config)
        if problem is None:
            self._notice_parameters()
        return problem

    def _notice_parameters(self) -> None:
        """Take over what CONFIG SET changed since the last tick: output limits and the log level."""
        config = self.engine.config
        if config.clients.buffer_limits is not self._limits:
            self._limits = config.clients.buffer_limits
            for connection in self._connections.values():
                connection.watch_output()
        if (self.engine.replication.link is not None) != self.host.is_replica:
            self.host.is_replica = not self.host.is_replica
            self.host.score_for_oom(config)
        loglevel = config.get("loglevel")
        if loglevel is not None and loglevel != self._loglevel:
            self._loglevel = loglevel
            log.setLevel(LEVELS[loglevel])
