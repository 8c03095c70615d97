"""An engine's part in replication: the primary that it follows, and its replicas.

A primary that becomes a replica, and back, continues the same history, so both sides share its state here. The history
itself, the link to a primary, replicas as they connect, clients that wait for them and FAILOVER have modules of their own.
"""

from typing import Final

from cachetwin_engine.core.execution.pause import Pause
from cachetwin_engine.core.memory.account import MemoryAccount
from cachetwin_engine.core.rdb.loading import Loaded, Loader
from cachetwin_engine.core.rdb.snapshots import Snapshots
from cachetwin_engine.core.registry.command_table import Command
from cachetwin_engine.core.registry.dispatch_flags import BLOCKED_BY_PAUSE, BLOCKED_BY_REPLICA
from cachetwin_engine.core.state.client import Client
from cachetwin_engine.core.state.engine_state import EngineState
from cachetwin_engine.core.text.numbers import integer_or_none

from .connected_replica import ONLINE, WAITS, ConnectedReplica
from .failover import Failover
from .full_sync import begin_snapshot, begin_waiting, send_more
from .history import NO_ID, ReplicationHistory, encoded
from .primary_link import CONNECTED, PrimaryLink


class Replication(ReplicationHistory):
    """Replication of one engine."""

    def __init__(
        self, engine: EngineState, account: MemoryAccount, snapshots: Snapshots, loader: Loader, pause: Pause
    ) -> None:
        super().__init__(engine, account, snapshots)
        self._loader = loader
        self._pause = pause
        self.link: PrimaryLink | None = None  # of a replica
        self.failover = Failover(engine, self, pause)
        self.closed_commands: dict[bytes, Command] = {}  # for clients (ElastiCache), not for other nodes of the engine
        self.role_changed = False  # the shell has a connection to a primary to make, or to end
        self._pinged_ms = 0

    # -- the history --------------------------------------------------------------------------------------------------

    def resume_from(self, loaded: Loaded) -> None:
        """The engine starts with a file that was part of a history: continue it, as a replica or as a primary.

        Replicas of a primary still have the keys that have expired since, so their deletion is part of the stream.
        """
        notes = loaded.notes
        history_id = notes.get(b"repl-id", b"")
        offset = integer_or_none(notes.get(b"repl-offset", b""))
        stream_db = integer_or_none(notes.get(b"repl-stream-db", b""))
        if len(history_id) != len(NO_ID) or offset is None or stream_db is None or offset < 0 or stream_db < 0:
            return
        self.offset = offset
        if self.link is not None:
            self.id = history_id
            self.link.select_db(stream_db)
        else:
            self.previous_id = history_id
            self.previous_until = offset + 1
            self.keep_backlog()
            for index, key in loaded.expired:
                self._write(index, [self._engine.config.memory.expiry_deletes_with, key])
            self.flush()

    # -- ticks and parameters -----------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Send pings, disconnect silent replicas, drop an unused backlog. Called ten times a second."""
        engine = self._engine
        config = engine.config
        now_ms = engine.now_ms
        if now_ms - self._pinged_ms >= 1000 * config.integer("repl-ping-replica-period"):
            self._pinged_ms = now_ms  # counted on without replicas, so that a new one is not greeted with a PING
            if self.replicas and self.link is None and not engine.blocked_by & BLOCKED_BY_PAUSE:
                self._append(_PING)
                self.flush()
        silent_ms = 1000 * config.integer("repl-timeout")
        for replica in list(self.replicas.values()):
            if replica.streams_on_ack and replica.session.bytes_in != replica.bytes_seen:
                replica.bytes_seen = replica.session.bytes_in  # a sign of life while it loads
                replica.ack_ms = now_ms
            if replica.state == WAITS and now_ms - replica.ack_ms >= _STILL_HERE_MS:
                replica.ack_ms = now_ms
                replica.session.push(b"\n")
            if replica.state == ONLINE and replica.sends_acks and now_ms - replica.ack_ms > silent_ms:
                engine.kill(replica.session)
        begin_waiting(engine, self)
        backlog_ms = 1000 * config.integer("repl-backlog-ttl")
        if self.replicas or self.link is not None:
            self._alone_since_ms = now_ms
        elif self.backlog is not None and 0 < backlog_ms < now_ms - self._alone_since_ms:
            self.backlog = None
            self.new_history()
            self._follow()
        self.count_good_replicas()
        self.failover.tick()
        if self.link is not None:
            if engine.expires_actively:
                self.local_writes.expire(engine)
            self.link.tick(now_ms)

    def clock_moved(self, by_ms: int) -> None:
        """The clock was moved forward: nobody was silent for so long."""
        self._pinged_ms += by_ms
        self._alone_since_ms += by_ms
        for replica in self.replicas.values():
            replica.ack_ms += by_ms
        if self.link is not None:
            self.link.clock_moved(by_ms)

    def config_changed(self) -> None:
        """Parameters changed."""
        backlog = self.backlog
        if backlog is not None:
            backlog.limit = self._engine.config.integer("repl-backlog-size")
            backlog.trim()
        self.count_good_replicas()

    # -- replicas that connect ----------------------------------------------------------------------------------------

    def work(self, until_us: int) -> None:
        """A slice of the replicas' snapshots, or of the one being loaded, up to the clock's ``until_us``."""
        if self.link is not None:
            self.link.work(until_us)
        send_more(self._engine, self, until_us)

    def stream_db(self) -> int:
        """The database that the next command of the stream is about."""
        return super().stream_db() if self.link is None else self.link.selected_db()

    def leave(self, client: Client) -> None:
        """The connection of ``client`` is closed."""
        self.acknowledgements.forget(client)
        link = self.link
        if link is not None and link.session is client:
            link.wants_close = True  # CLIENT KILL; it connects again
        self.forget_replica(client.id)

    def begin_sync(self, replica: ConnectedReplica) -> None:
        """A replica needs all the data."""
        begin_snapshot(self._engine, self, replica)

    # -- being a replica ----------------------------------------------------------------------------------------------

    def follow(self, host: str, port: int) -> None:
        """REPLICAOF: follow another engine from now on."""
        engine = self._engine
        self.flush()
        db_index = 0 if self.link is None else self.link.selected_db()
        if self.link is not None:
            self.link.stop()
        else:
            for client in list(engine.clients.blocked.values()):  # (replication.c: they could write)
                if not client.is_postponed():
                    client.refuse_wait(_ROLE_CHANGED)
                    client.closing = True
                    engine.clients.mark_pending(client)
        self.disconnect_replicas()
        self.link = PrimaryLink(engine, self, self._loader, self._pause, host, port, db_index)
        engine.config.values[b"replicaof"] = f"{host} {port}".encode()
        self.role_changed = True
        engine.blocked_by |= BLOCKED_BY_REPLICA
        engine.choose_expiry()
        engine.propagation.forget()
        self._follow()

    def take_over_from(self, host: str, port: int) -> None:
        """FAILOVER: follow a replica, and ask it to become the primary."""
        self.follow(host, port)
        if self.link is not None:
            self.link.failing_over = True

    def failover_answered(self, accepted: bool) -> None:
        """The replica that was asked to become the primary answered."""
        if accepted:
            self.failover.end()
        else:
            self.failover.abort()

    def follow_nobody(self) -> None:
        """REPLICAOF NO ONE: keep the data, take writes."""
        engine = self._engine
        link = self.link
        if link is None:
            return
        link.stop()
        self.link = None
        engine.config.values[b"replicaof"] = b""
        self.role_changed = True
        self.promote()
        engine.host.log(f"this node is a primary now; it continues the history {self.id.decode()}")
        engine.blocked_by &= ~BLOCKED_BY_REPLICA
        engine.choose_expiry()
        self.keep_backlog()

    def is_linked(self) -> bool:
        """True if the link to the primary works, or there is no primary."""
        return self.link is None or self.link.state == CONNECTED


_STILL_HERE_MS: Final = 1000
_PING: Final = encoded([b"PING"])
_ROLE_CHANGED: Final = (
    b"-UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)\r\n"
)
