"""The history of an engine's data: its id, how far it goes, and the replicas that receive it.

A history is a stream of commands, counted in bytes. A primary writes it: ``commit_batch`` takes what one command,
transaction or script changed, ``flush`` hands the bytes of a turn to the backlog and to the replicas. A replica repeats
the bytes that its primary sends, so replicas of its own have the same history. Nothing is written before the first replica
came, and an engine without replicas pays for one flag (``EngineState.wants_propagation``).
"""

from typing import Final

from cachetwin_engine.core.memory.account import MemoryAccount
from cachetwin_engine.core.rdb.saving import SavedHistory
from cachetwin_engine.core.rdb.snapshots import Snapshots
from cachetwin_engine.core.registry.dispatch_flags import BLOCKED_BY_PAUSE, BLOCKED_BY_REPLICA
from cachetwin_engine.core.state.engine_state import EngineState
from cachetwin_engine.core.state.propagation import LogSwitch

from .acknowledgements import Acknowledgements
from .backlog import Backlog
from .connected_replica import ONLINE, ConnectedReplica, SnapshotTransfer
from .local_writes import LocalWrites

NO_ID: Final = b"0" * 40
_ANY_DATABASE: Final = -1
_PICKS_KEYS: Final = {b"scan", b"randomkey"}  # keys that expire while these run go one by one, not as one change


class ReplicationHistory(SavedHistory):
    """The history of one engine. ``replication.state.Replication`` derives from this."""

    def __init__(self, engine: EngineState, account: MemoryAccount, snapshots: Snapshots) -> None:
        super().__init__()
        self._engine = engine
        self.account = account
        self.snapshots = snapshots
        self.id = NO_ID
        self.previous_id = NO_ID  # the history that this one continues, valid up to ``previous_until``
        self.previous_until = -1
        self.backlog: Backlog | None = None
        self.replicas: dict[int, ConnectedReplica] = {}  # by client
        self.transfers: list[SnapshotTransfer] = []  # snapshots that are being made for replicas
        self.log_switch = LogSwitch()
        self.local_writes = LocalWrites()
        self.acknowledgements = Acknowledgements(self.replicas)
        self.full_syncs = 0
        self.partial_syncs = 0
        self.refused_partial_syncs = 0
        self.unexpected_errors = 0  # of commands that the primary sent
        self.bytes_out = 0
        self.bytes_in = 0
        self.good_replicas = 0  # connected, and not behind for longer than min-replicas-max-lag
        self._out: list[bytes] = []
        self._selected = _ANY_DATABASE
        self._alone_since_ms = 0
        self.new_history()

    # -- what the owner of the link to a primary does ------------------------------------------------------------------

    def follow(self, host: str, port: int) -> None:
        """REPLICAOF: follow another engine from now on."""
        raise NotImplementedError

    def take_over_from(self, host: str, port: int) -> None:
        """FAILOVER: follow a replica, and ask it to become the primary."""
        raise NotImplementedError

    def follow_nobody(self) -> None:
        """REPLICAOF NO ONE: keep the data, take writes."""
        raise NotImplementedError

    def failover_answered(self, accepted: bool) -> None:
        """The replica that was asked to become the primary answered."""
        raise NotImplementedError

    def begin_sync(self, replica: ConnectedReplica) -> None:
        """A replica needs all the data."""
        raise NotImplementedError

    def stream_db(self) -> int:
        """The database that the next command of the stream is about."""
        return max(0, self._selected)

    def is_replica(self) -> bool:
        """True while the engine follows a primary."""
        return self._engine.blocked_by & BLOCKED_BY_REPLICA != 0

    # -- the history --------------------------------------------------------------------------------------------------

    def new_history(self) -> None:
        """A new id: no replica can resume from before."""
        random = self._engine.random
        self.id = b"".join([b"%08x" % random.bits() for _ in range(5)])
        self.previous_id = NO_ID
        self.previous_until = -1

    def promote(self) -> None:
        """No longer a replica: a history of this engine's own from here on, which replicas of the old one may follow."""
        self.flush()
        old = self.id
        self.new_history()
        self.previous_id = old
        self.previous_until = self.offset + 1
        self._selected = _ANY_DATABASE

    def adopt(self, history_id: bytes, offset: int) -> None:
        """A replica has its primary's history, at ``offset``. The stream before that is not kept."""
        self.local_writes.clear()
        self.id = history_id
        self.previous_id = NO_ID
        self.previous_until = -1
        self.offset = offset
        self.backlog = None
        self.keep_backlog()

    def rename(self, history_id: bytes) -> None:
        """The primary continues this history under another id."""
        self.previous_id = self.id
        self.previous_until = self.offset + 1
        self.id = history_id

    def keep_backlog(self) -> None:
        """Keep the stream from now on."""
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
        self._engine.propagation.to_history = self.backlog is not None and not self.is_replica()
        self._engine.choose_propagation()

    # -- what the engine records --------------------------------------------------------------------------------------

    def commit_batch(self, batch: list[tuple[int, list[bytes]]], command: bytes) -> None:
        """All that one command (or EXEC, or a script) changed; ``command`` is empty if no command did it."""
        if len(batch) == 1 or not command or command in _PICKS_KEYS:
            for db, args in batch:
                self._write(db, args)
            return
        if batch and not self._engine.profile.selects_inside_multi:
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

    def count_unsent_batch(self) -> None:
        """A batch went to the append-only file. Without a stream, which counts bytes, it needs a place of its own."""
        if self.backlog is None and not self.is_replica():
            self.offset += 1

    def flush(self) -> None:
        """The end of a turn: send what was written."""
        if (
            self.acknowledgements.are_wanted
            and self.backlog is not None
            and not self._engine.blocked_by & BLOCKED_BY_PAUSE
        ):
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
        """Bytes of the stream that are kept, for replicas that reconnect or because one has not taken them yet."""
        longest = 0 if self.backlog is None else self.backlog.length
        for replica in self.replicas.values():
            session = replica.session
            longest = max(longest, replica.waiting_bytes + session.output_bytes() + session.unsent_bytes)
        return longest

    def notes(self) -> list[tuple[bytes, bytes]]:
        """Where in the history a snapshot is, for a file that a replica starts with."""
        return [
            (b"repl-stream-db", b"%d" % self.stream_db()),
            (b"repl-id", self.id),
            (b"repl-offset", b"%d" % self.offset),
        ]

    def notes_for_file(self) -> list[tuple[bytes, bytes]]:
        """``notes`` for a file that this engine starts with; empty without a history."""
        return self.notes() if self.backlog is not None else []

    # -- replicas that connect ----------------------------------------------------------------------------------------

    def synchronise(self, replica: ConnectedReplica, history_id: bytes, offset: int) -> None:
        """PSYNC, or SYNC with the id ``?``: continue where the replica is, or begin with all the data."""
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
            if not self.is_replica():
                self.new_history()
            self.keep_backlog()
        self.begin_sync(replica)

    def select_anew(self) -> None:
        """The next command of the stream begins with SELECT."""
        self._selected = _ANY_DATABASE

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

    def acknowledged(self, replica: ConnectedReplica, offset: int, log_offset: int) -> None:
        """REPLCONF ACK: the replica is that far."""
        replica.ack_offset = max(replica.ack_offset, offset)
        replica.log_offset = max(replica.log_offset, log_offset)
        replica.ack_ms = self._engine.now_ms
        if replica.streams_on_ack:
            replica.go_online()
        self.count_good_replicas()
        self.acknowledgements.serve()

    def forget_replica(self, number: int) -> None:
        """The connection of a replica is closed."""
        replica = self.replicas.pop(number, None)
        if replica is not None:
            transfer = replica.transfer
            replica.transfer = None
            if transfer is not None:
                transfer.replicas.remove(replica)
                if not transfer.replicas:
                    self.snapshots.forget(transfer.snapshot)
                    self.transfers.remove(transfer)
            self.count_good_replicas()

    def count_good_replicas(self) -> None:
        """Count the replicas that keep up, for ``min-replicas-to-write``."""
        max_lag_ms = 1000 * self._engine.config.integer("min-replicas-max-lag")
        good = 0
        for replica in self.replicas.values():
            if replica.state == ONLINE and self._engine.now_ms - replica.ack_ms <= max_lag_ms:
                good += 1
        self.good_replicas = good

    def disconnect_replicas(self) -> None:
        """Disconnect the replicas, which must send PSYNC again: the history takes another course."""
        for replica in list(self.replicas.values()):
            replica.session.closing = True
            self.acknowledgements.forget(replica.session)
            self.forget_replica(replica.session.id)
            self._engine.clients.mark_pending(replica.session)

    def replica_at(self, host: str, port: int) -> ConnectedReplica | None:
        """The replica that announced this address, or None."""
        for replica in self.replicas.values():
            if replica.ip() == host and replica.listening_port == port:
                return replica
        return None


def encoded(args: list[bytes]) -> bytes:
    """A command as it goes over the wire."""
    parts = [b"*%d\r\n" % len(args)]
    for arg in args:
        parts.append(b"$%d\r\n%b\r\n" % (len(arg), arg))
    return b"".join(parts)


_MULTI: Final = encoded([b"MULTI"])
_EXEC: Final = encoded([b"EXEC"])
_GETACK: Final = encoded([b"REPLCONF", b"GETACK", b"*"])
