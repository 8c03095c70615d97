"""All the data for a replica that can't resume: a snapshot, then the stream.

A replica that can takes the snapshot as it is made, with a mark behind it; for another it is kept until its length is
known. What is written during that time waits in ``ConnectedReplica`` until the replica has the snapshot.
"""

from cachetwin_engine.core.rdb.snapshot import Snapshot, notes_of
from cachetwin_engine.core.state.engine_state import EngineState

from .connected_replica import ONLINE, SERVED, TAKES_SNAPSHOT, ConnectedReplica
from .history import ReplicationHistory


def begin_snapshot(engine: EngineState, history: ReplicationHistory, replica: ConnectedReplica) -> None:
    """Begin a snapshot for ``replica``; ``send_more`` continues it."""
    replica.state = TAKES_SNAPSHOT
    checksum = engine.config.boolean("rdbchecksum") and not replica.skips_checksum
    notes = notes_of(engine, history.account.used(engine), history.notes())
    replica.snapshot = history.snapshots.begin(notes, checksum, not replica.without_data, not replica.without_functions)
    if replica.takes_eof_mark and engine.config.boolean("repl-diskless-sync"):
        replica.mark = b"".join([b"%08x" % engine.random.bits() for _ in range(5)])
        _send(history, replica, b"$EOF:" + replica.mark + b"\r\n")
    engine.clients.mark_pending(replica.session)  # so that the shell looks for work at once


def send_more(engine: EngineState, history: ReplicationHistory, until_us: int) -> None:
    """A slice of the snapshots that replicas wait for, up to the clock's ``until_us``."""
    for replica in list(history.replicas.values()):
        snapshot = replica.snapshot
        if snapshot is None:
            continue
        snapshot.work(until_us)
        piece = snapshot.take()
        if replica.mark:
            _send(history, replica, piece)
        else:
            replica.pieces.append(piece)
        if snapshot.done:
            _finish(engine, history, replica, snapshot)


def _send(history: ReplicationHistory, replica: ConnectedReplica, piece: bytes) -> None:
    replica.snapshot_bytes += len(piece)
    history.bytes_out += len(piece)
    replica.session.push(piece)


def _finish(engine: EngineState, history: ReplicationHistory, replica: ConnectedReplica, snapshot: Snapshot) -> None:
    history.snapshots.forget(snapshot)
    replica.snapshot = None
    if replica.mark:
        _send(history, replica, replica.mark)
    else:
        pieces = replica.pieces
        replica.pieces = []
        _send(history, replica, b"$%d\r\n" % sum([len(piece) for piece in pieces]))
        for piece in pieces:
            _send(history, replica, piece)
    replica.ack_ms = engine.now_ms
    if replica.rdb_only:
        replica.state = SERVED
        replica.session.closing = True
        engine.clients.mark_pending(replica.session)
    elif replica.mark and replica.sends_acks:  # it could not distinguish the mark from what follows
        replica.state = ONLINE
        replica.streams_on_ack = True
    else:
        replica.go_online()
    history.count_good_replicas()
