"""An engine's part in replication: its history's id, how far the history goes, and who follows it.

A history is a stream of commands, counted in bytes. A primary writes it: ``commit_batch`` takes what one command,
transaction or script changed, ``flush`` hands the bytes of a turn to the backlog and to the replicas. A replica repeats
the bytes that its primary sends, so replicas of its own have the same history. Nothing is written before the first replica
came, and an engine without replicas pays for one flag (``Engine.wants_propagation``).

A primary that becomes a replica, and back, goes on with the same history, so both sides share its state here. The link to
a primary, replicas as they connect, who waits for them and FAILOVER are in modules of their own.
"""

from typing import TYPE_CHECKING, Final

from cachetwin_engine.core.registry.dispatch_flags import BLOCKED_BY_REPLICA
from cachetwin_engine.core.text.numbers import integer_or_none

from .acknowledgements import Acknowledgements
from .backlog import Backlog
from .connected_replica import ONLINE, ConnectedReplica
from .failover import Failover
from .full_sync import begin_snapshot, send_more
from .local_writes import LocalWrites
from .primary_link import CONNECTED, PrimaryLink

if TYPE_CHECKING:
    from cachetwin_engine.core.engine import Engine
    from cachetwin_engine.core.execution.session import Session
    from cachetwin_engine.core.rdb.loading import Loaded
    from cachetwin_engine.core.registry.command_table import Command

NO_ID: Final = b"0" * 40
_ANY_DATABASE: Final = -1
_PICKS_KEYS: Final = {b"scan", b"randomkey"}  # keys that end while these run end one by one, not as one change


class Replication:
    """All of it, for one engine."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self.id = NO_ID
        self.previous_id = NO_ID  # the history that this one goes on from, valid up to ``previous_until``
        self.previous_until = -1
        self.offset = 0
        self.backlog: Backlog | None = None
        self.replicas: dict[int, ConnectedReplica] = {}  # by session
        self.link: PrimaryLink | None = None  # of a replica
        self.local_writes = LocalWrites()
        self.acknowledgements = Acknowledgements(engine)
        self.failover = Failover(engine)
        self.closed_commands: dict[bytes, Command] = {}  # to clients (ElastiCache), not to other nodes of ours
        self.full_syncs = 0
        self.partial_syncs = 0
        self.refused_partial_syncs = 0
        self.unexpected_errors = 0  # of commands that the primary sent
        self.bytes_out = 0
        self.bytes_in = 0
        self.good_replicas = 0  # connected, and not behind for longer than min-replicas-max-lag
        self.role_changed = False  # the shell has a connection to a primary to make, or to end
        self._out: list[bytes] = []
        self._selected = _ANY_DATABASE
        self._pinged_ms = 0
        self._alone_since_ms = 0
        self.new_history()

    # -- the history --------------------------------------------------------------------------------------------------

    def new_history(self) -> None:
        """A new id: nobody can go on from before."""
        random = self._engine.random
        self.id = b"".join([b"%08x" % random.bits() for _ in range(5)])
        self.previous_id = NO_ID
        self.previous_until = -1

    def promote(self) -> None:
        """No longer a replica: a history of our own from here on, which replicas of the old one may follow."""
        self.flush()
        old = self.id
        self.new_history()
        self.previous_id = old
        self.previous_until = self.offset + 1
        self._selected = _ANY_DATABASE

    def adopt(self, history_id: bytes, offset: int) -> None:
        """A replica has its primary's history, at ``offset``. What was before is no longer ours to repeat."""
        self.local_writes.clear()
        self.id = history_id
        self.previous_id = NO_ID
        self.previous_until = -1
        self.offset = offset
        self.backlog = None
        self.keep_backlog()

    def resume_from(self, loaded: "Loaded") -> None:
        """The engine starts with a file that was part of a history: go on with it, as a replica or as a primary.

        What has ended meanwhile is still at the replicas of a primary, which come back for the rest of the history.
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

    def rename(self, history_id: bytes) -> None:
        """The primary goes on with our history under another id."""
        self.previous_id = self.id
        self.previous_until = self.offset + 1
        self.id = history_id

    def keep_backlog(self) -> None:
        """From now on the stream is kept."""
        if self.backlog is None:
            self.backlog = Backlog(self.offset + 1, self._engine.config.integer("repl-backlog-size"))
            self._alone_since_ms = self._engine.now_ms
        self._follow()

    def reset_statistics(self) -> None:
        """CONFIG RESETSTAT."""
        self.full_syncs = 0
        self.partial_syncs = 0
        self.refused_partial_syncs = 0
        self.unexpected_errors = 0
        self.bytes_in = 0
        self.bytes_out = 0

    def _follow(self) -> None:
        """Only a primary with replicas or a backlog records its changes."""
        self._engine.wants_propagation = self.backlog is not None and self.link is None

    # -- what the engine tells ----------------------------------------------------------------------------------------

    def commit_batch(self, batch: list[tuple[int, list[bytes]]], command: bytes) -> None:
        """All that one command (or EXEC, or a script) changed; ``command`` is empty if nobody's command did it."""
        if len(batch) == 1 or not command or command in _PICKS_KEYS:
            for db, args in batch:
                self._write(db, args)
            return
        if batch and self._engine.profile.commands_through < (7, 2, 0):
            self._select(batch[0][0])  # before MULTI, later behind it
        self._append(_MULTI)
        for db, args in batch:
            self._write(db, args)
        self._append(_EXEC)

    def _select(self, db: int) -> None:
        if db != self._selected:
            self._append(encoded([b"SELECT", b"%d" % db]))
            self._selected = db

    def _write(self, db: int, args: list[bytes]) -> None:
        self._select(db)
        self._append(encoded(args))

    def _append(self, data: bytes) -> None:
        self._out.append(data)
        self.offset += len(data)

    def flush(self) -> None:
        """The end of a turn: what was written goes out."""
        if self.acknowledgements.are_wanted and self.backlog is not None and not self._engine.pause.is_on():
            self.acknowledgements.are_wanted = False
            self._append(_GETACK)
        if self._out:
            data = self._out[0] if len(self._out) == 1 else b"".join(self._out)
            self._out = []
            self.repeat(data)

    def repeat(self, data: bytes) -> None:
        """``data`` is part of the stream: keep it, and send it on."""
        if self.backlog is not None:
            self.backlog.add(data)
        limit = self._engine.config.clients.buffer_limits[b"slave"].hard_bytes
        for replica in list(self.replicas.values()):
            replica.push(data)
            if 0 < limit < replica.waiting_bytes:
                self._engine.host.output_buffer_disconnections += 1
                self._engine.kill(replica.session)
        self.bytes_out += len(data) * len(self.replicas)

    def buffer_bytes(self) -> int:
        """Of the stream: kept for who comes back, or because a replica has not taken it yet, whichever reaches further."""
        longest = 0 if self.backlog is None else self.backlog.length
        for replica in self.replicas.values():
            session = replica.session
            longest = max(longest, replica.waiting_bytes + session.output_bytes() + session.unsent_bytes)
        return longest

    def tick(self) -> None:
        """Ten times a second: pings, silent replicas, a backlog that nobody needs any more."""
        engine = self._engine
        config = engine.config
        now_ms = engine.now_ms
        if now_ms - self._pinged_ms >= 1000 * config.integer("repl-ping-replica-period"):
            self._pinged_ms = now_ms  # counted on without replicas, so that a new one is not greeted with a PING
            if self.replicas and self.link is None and not engine.pause.is_on():
                self._append(_PING)
                self.flush()
        silent_ms = 1000 * config.integer("repl-timeout")
        for replica in list(self.replicas.values()):
            if replica.streams_on_ack and replica.session.bytes_in != replica.bytes_seen:
                replica.bytes_seen = replica.session.bytes_in  # a sign of life while it loads
                replica.ack_ms = now_ms
            if replica.state == ONLINE and replica.sends_acks and now_ms - replica.ack_ms > silent_ms:
                engine.kill(replica.session)
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

    def config_changed(self) -> None:
        """Parameters changed."""
        backlog = self.backlog
        if backlog is not None:
            backlog.limit = self._engine.config.integer("repl-backlog-size")
            backlog.trim()
        self.count_good_replicas()

    def count_good_replicas(self) -> None:
        """For ``min-replicas-to-write``."""
        max_lag_ms = 1000 * self._engine.config.integer("min-replicas-max-lag")
        good = 0
        for replica in self.replicas.values():
            if replica.state == ONLINE and self._engine.now_ms - replica.ack_ms <= max_lag_ms:
                good += 1
        self.good_replicas = good

    # -- replicas that connect ----------------------------------------------------------------------------------------

    def synchronise(self, replica: ConnectedReplica, history_id: bytes, offset: int) -> None:
        """PSYNC, or SYNC with the id ``?``: go on where the replica is, or begin with all the data."""
        self.flush()
        session = replica.session
        replica.ack_ms = self._engine.now_ms
        if self._continue(replica, history_id, offset):
            return
        if history_id[:1] not in {b"?", b""}:
            self.refused_partial_syncs += 1
        self.full_syncs += 1
        self.replicas[session.id] = replica
        if self.backlog is None:
            if self.link is None:
                self.new_history()
            self.keep_backlog()
        self._selected = _ANY_DATABASE  # the stream behind the snapshot begins with SELECT
        if replica.sends_acks:
            session.push(b"+FULLRESYNC %b %d\r\n" % (self.id, self.offset))
        begin_snapshot(self._engine, replica)

    def _continue(self, replica: ConnectedReplica, history_id: bytes, offset: int) -> bool:
        backlog = self.backlog
        asked = history_id.lower()
        if backlog is None or not backlog.holds(offset):
            return False
        if asked != self.id and (asked != self.previous_id or offset > self.previous_until):
            return False
        self.partial_syncs += 1
        self.replicas[replica.session.id] = replica
        replica.state = ONLINE
        replica.session.push(b"+CONTINUE " + self.id + b"\r\n" if replica.knows_psync2 else b"+CONTINUE\r\n")
        missed = backlog.since(offset)
        if missed:
            replica.push(missed)
            self.bytes_out += len(missed)
        self.count_good_replicas()
        return True

    def work(self, until_us: int) -> None:
        """A slice of the snapshots that replicas wait for, or of the one that we load, up to the clock's ``until_us``."""
        if self.link is not None:
            self.link.work(until_us)
        send_more(self._engine, until_us)

    def notes(self) -> list[tuple[bytes, bytes]]:
        """Where in the history a snapshot is, for a file that a replica starts with."""
        selected = max(0, self._selected) if self.link is None else self.link.selected_db()
        return [
            (b"repl-stream-db", b"%d" % selected),
            (b"repl-id", self.id),
            (b"repl-offset", b"%d" % self.offset),
        ]

    def acknowledged(self, replica: ConnectedReplica, offset: int, log_offset: int) -> None:
        """REPLCONF ACK: the replica is that far."""
        replica.ack_offset = max(replica.ack_offset, offset)
        replica.log_offset = max(replica.log_offset, log_offset)
        replica.ack_ms = self._engine.now_ms
        if replica.streams_on_ack:
            replica.go_online()
        self.count_good_replicas()
        self.acknowledgements.serve()

    def leave(self, session: "Session") -> None:
        """The connection is gone."""
        self.acknowledgements.forget(session)
        link = self.link
        if link is not None and link.session is session:
            link.wants_close = True  # CLIENT KILL; it begins anew
        replica = self.replicas.pop(session.id, None)
        if replica is not None:
            if replica.snapshot is not None:
                self._engine.snapshots.forget(replica.snapshot)
                replica.snapshot = None
            self.count_good_replicas()

    # -- being a replica ----------------------------------------------------------------------------------------------

    def follow(self, host: str, port: int) -> None:
        """REPLICAOF: follow another engine from now on."""
        engine = self._engine
        self.flush()
        db_index = 0 if self.link is None else self.link.selected_db()
        if self.link is not None:
            self.link.stop()
        else:
            for session in list(engine.blocked_sessions.values()):  # (replication.c: they could write)
                if not session.is_postponed():
                    session.refuse_wait(_ROLE_CHANGED)
        self.disconnect_replicas()
        self.link = PrimaryLink(engine, host, port, db_index)
        engine.config.values[b"replicaof"] = f"{host} {port}".encode()
        self.role_changed = True
        engine.blocked_by |= BLOCKED_BY_REPLICA
        engine.choose_expiry()
        engine.propagation.forget()
        self._follow()

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
        engine.blocked_by &= ~BLOCKED_BY_REPLICA
        engine.choose_expiry()
        self.keep_backlog()

    def disconnect_replicas(self) -> None:
        """They must ask anew: the history takes another course, of which they hear nothing more before they do."""
        for replica in list(self.replicas.values()):
            replica.session.closing = True
            self.leave(replica.session)
            self._engine.mark_pending(replica.session)

    def replica_at(self, host: str, port: int) -> ConnectedReplica | None:
        """The replica that says it is reached there."""
        for replica in self.replicas.values():
            if replica.ip() == host and replica.listening_port == port:
                return replica
        return None

    def is_linked(self) -> bool:
        """Does the link to the primary work (or is there no need of one)?"""
        return self.link is None or self.link.state == CONNECTED


def encoded(args: list[bytes]) -> bytes:
    """A command as it goes over the wire."""
    parts = [b"*%d\r\n" % len(args)]
    for arg in args:
        parts.append(b"$%d\r\n%b\r\n" % (len(arg), arg))
    return b"".join(parts)


_MULTI: Final = encoded([b"MULTI"])
_EXEC: Final = encoded([b"EXEC"])
_PING: Final = encoded([b"PING"])
_GETACK: Final = encoded([b"REPLCONF", b"GETACK", b"*"])
_ROLE_CHANGED: Final = (
    b"-UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)\r\n"
)
