"""All the data for replicas that can't resume: a snapshot, then the stream.

Replicas that ask at the same time share a snapshot. One that asks while a snapshot is under way waits for its end; the
next snapshot is for all who wait then. A replica that can takes it as it is made, with a mark behind it; for another it is
kept until its length is known. What is written meanwhile waits in ``ConnectedReplica`` until the replica has the snapshot.
"""

from typing import Final

from cachetwin_engine.core.rdb.snapshot import notes_of
from cachetwin_engine.core.state.engine_state import EngineState

from .connected_replica import ONLINE, SERVED, TAKES_SNAPSHOT, WAITS, ConnectedReplica, SnapshotTransfer
from .history import ReplicationHistory

_MARKED: Final = 1
_SUMMED: Final = 2
_WITHOUT_DATA: Final = 4
_WITHOUT_FUNCTIONS: Final = 8


def begin_snapshot(engine: EngineState, history: ReplicationHistory, replica: ConnectedReplica) -> None:
    """Begin a snapshot for ``replica``, or let it wait for its turn; ``send_more`` continues it."""
    form = _form(engine, replica)
    running = _running(history, form)
    if running is None:
        _begin(engine, history, [replica], form)
    elif not running.has_begun and running.offset == history.offset:
        _join(history, running, replica)
    else:
        replica.state = WAITS
    engine.clients.mark_pending(replica.session)  # so that the shell looks for work at once


def send_more(engine: EngineState, history: ReplicationHistory, until_us: int) -> None:
    """A slice of the snapshots that replicas take, up to the clock's ``until_us``."""
    for transfer in history.transfers[:]:
        transfer.has_begun = True
        transfer.snapshot.work(until_us)
        piece = transfer.snapshot.take()
        if not transfer.mark:
            transfer.pieces.append(piece)
        else:
            for replica in transfer.replicas:
                _send(history, replica, piece)
        if transfer.snapshot.done:
            _finish(engine, history, transfer)


def begin_waiting(engine: EngineState, history: ReplicationHistory) -> None:
    """Begin the next snapshots if the ones that replicas waited for have ended."""
    forms: dict[int, list[ConnectedReplica]] = {}
    for replica in history.replicas.values():
        if replica.state == WAITS:
            forms.setdefault(_form(engine, replica), []).append(replica)
    for form, replicas in forms.items():
        if _running(history, form) is None:
            history.flush()
            _begin(engine, history, replicas, form)


def _form(engine: EngineState, replica: ConnectedReplica) -> int:
    """Which snapshot a replica can take."""
    form = 0
    if replica.takes_eof_mark and engine.config.boolean("repl-diskless-sync"):
        form |= _MARKED
    if engine.config.boolean("rdbchecksum") and not replica.skips_checksum:
        form |= _SUMMED
    if replica.without_data:
        form |= _WITHOUT_DATA
    if replica.without_functions:
        form |= _WITHOUT_FUNCTIONS
    return form


def _running(history: ReplicationHistory, form: int) -> SnapshotTransfer | None:
    for transfer in history.transfers:
        if transfer.form == form:
            return transfer
    return None


def _begin(engine: EngineState, history: ReplicationHistory, replicas: list[ConnectedReplica], form: int) -> None:
    notes = notes_of(engine, history.account.used(engine), history.notes())
    snapshot = history.snapshots.begin(
        notes, form & _SUMMED != 0, form & _WITHOUT_DATA == 0, form & _WITHOUT_FUNCTIONS == 0
    )
    mark = b"".join([b"%08x" % engine.random.bits() for _ in range(5)]) if form & _MARKED else b""
    transfer = SnapshotTransfer(snapshot, form, mark, history.offset)
    history.transfers.append(transfer)
    history.select_anew()  # the stream behind the snapshot begins with SELECT
    for replica in replicas:
        _join(history, transfer, replica)


def _join(history: ReplicationHistory, transfer: SnapshotTransfer, replica: ConnectedReplica) -> None:
    replica.state = TAKES_SNAPSHOT
    replica.transfer = transfer
    transfer.replicas.append(replica)
    if replica.sends_acks:
        replica.session.push(b"+FULLRESYNC %b %d\r\n" % (history.id, transfer.offset))
    if transfer.mark:
        _send(history, replica, b"$EOF:" + transfer.mark + b"\r\n")


def _send(history: ReplicationHistory, replica: ConnectedReplica, piece: bytes) -> None:
    replica.snapshot_bytes += len(piece)
    history.bytes_out += len(piece)
    replica.session.push(piece)


def _finish(engine: EngineState, history: ReplicationHistory, transfer: SnapshotTransfer) -> None:
    history.snapshots.forget(transfer.snapshot)
    history.transfers.remove(transfer)
    for replica in transfer.replicas:
        replica.transfer = None
        _end(engine, history, transfer, replica)
    begin_waiting(engine, history)


def _end(
    engine: EngineState, history: ReplicationHistory, transfer: SnapshotTransfer, replica: ConnectedReplica
) -> None:
    """The snapshot is complete: send the rest of it to one replica."""
    if transfer.mark:
        _send(history, replica, transfer.mark)
    else:
        _send(history, replica, b"$%d\r\n" % sum([len(piece) for piece in transfer.pieces]))
        for piece in transfer.pieces:
            _send(history, replica, piece)
    replica.ack_ms = engine.now_ms
    if replica.rdb_only:
        replica.state = SERVED
        replica.session.closing = True
        engine.clients.mark_pending(replica.session)
    elif transfer.mark and replica.sends_acks:  # it could not distinguish the mark from what follows
        replica.state = ONLINE
        replica.streams_on_ack = True
    else:
        replica.go_online()
