"""All the data for a replica that can't go on from where it is: a snapshot, then the stream.

A replica that can takes the snapshot as it is made, with a mark behind it; for another it is kept until its length is
known. What is written meanwhile waits in ``ConnectedReplica`` until the replica has the snapshot.
"""

from typing import TYPE_CHECKING

from cachetwin_engine.core.rdb.snapshot import notes_of

from .connected_replica import ONLINE, SERVED, TAKES_SNAPSHOT, ConnectedReplica

if TYPE_CHECKING:
    from cachetwin_engine.core.engine import Engine
    from cachetwin_engine.core.rdb.snapshot import Snapshot


def begin_snapshot(engine: "Engine", replica: ConnectedReplica) -> None:
    """Begin it; ``send_more`` goes on."""
    replica.state = TAKES_SNAPSHOT
    checksum = engine.config.boolean("rdbchecksum") and not replica.skips_checksum
    notes = notes_of(engine, engine.replication.notes())
    replica.snapshot = engine.snapshots.begin(notes, checksum, not replica.without_data, not replica.without_functions)
    if replica.takes_eof_mark and engine.config.boolean("repl-diskless-sync"):
        replica.mark = b"".join([b"%08x" % engine.random.bits() for _ in range(5)])
        _send(engine, replica, b"$EOF:" + replica.mark + b"\r\n")
    engine.mark_pending(replica.session)  # so that the shell looks for work at once


def send_more(engine: "Engine", until_us: int) -> None:
    """A slice of the snapshots that replicas wait for, up to the clock's ``until_us``."""
    for replica in list(engine.replication.replicas.values()):
        snapshot = replica.snapshot
        if snapshot is None:
            continue
        snapshot.work(until_us)
        piece = snapshot.take()
        if replica.mark:
            _send(engine, replica, piece)
        else:
            replica.pieces.append(piece)
        if snapshot.done:
            _finish(engine, replica, snapshot)


def _send(engine: "Engine", replica: ConnectedReplica, piece: bytes) -> None:
    replica.snapshot_bytes += len(piece)
    engine.replication.bytes_out += len(piece)
    replica.session.push(piece)


def _finish(engine: "Engine", replica: ConnectedReplica, snapshot: "Snapshot") -> None:
    engine.snapshots.forget(snapshot)
    replica.snapshot = None
    if replica.mark:
        _send(engine, replica, replica.mark)
    else:
        pieces = replica.pieces
        replica.pieces = []
        _send(engine, replica, b"$%d\r\n" % sum([len(piece) for piece in pieces]))
        for piece in pieces:
            _send(engine, replica, piece)
    replica.ack_ms = engine.now_ms
    if replica.rdb_only:
        replica.state = SERVED
        replica.session.closing = True
        engine.mark_pending(replica.session)
    elif replica.mark and replica.sends_acks:  # it could not tell the mark from what follows
        replica.state = ONLINE
        replica.streams_on_ack = True
    else:
        replica.go_online()
    engine.replication.count_good_replicas()
