"""One replica as its primary sees it."""

from typing import Final

from cachetwin_engine.core.rdb.snapshot import Snapshot
from cachetwin_engine.core.state.client import Client, ReplicaClient

HANDSHAKE: Final = b""  # has sent REPLCONF, but not yet SYNC or PSYNC
WAITS: Final = b"wait_bgsave"  # for the end of a snapshot that others take, and the beginning of the next
TAKES_SNAPSHOT: Final = b"send_bulk"
ONLINE: Final = b"online"
SERVED: Final = b"rdb_transmitted"  # wanted a snapshot and nothing more


class SnapshotTransfer:
    """A snapshot, and the replicas that take it."""

    def __init__(self, snapshot: Snapshot, form: int, mark: bytes, offset: int) -> None:
        self.snapshot = snapshot
        self.form = form  # ``ConnectedReplica.snapshot_form`` of each replica
        self.mark = mark  # behind the snapshot; empty when its length is sent before it
        self.offset = offset  # of the history, where the snapshot is
        self.has_begun = False  # something of it has been made: no more replicas can join
        self.pieces: list[bytes] = []  # kept because the length is not known yet
        self.replicas: list[ConnectedReplica] = []


class ConnectedReplica(ReplicaClient):
    """What a connection announced as a replica, and how far it is."""

    def __init__(self, session: Client) -> None:
        super().__init__()
        self.session = session
        self.state = HANDSHAKE
        self.listening_port = 0
        self.announced_ip = ""
        self.takes_eof_mark = False
        self.knows_psync2 = False
        self.skips_checksum = False
        self.sends_acks = True  # those that came with SYNC do not
        self.rdb_only = False
        self.without_data = False  # REPLCONF RDB-FILTER-ONLY
        self.without_functions = False
        self.transfer: SnapshotTransfer | None = None  # of the snapshot that is being made for it
        self.streams_on_ack = False  # the stream begins when the replica acknowledges the snapshot
        self.waiting: list[bytes] = []  # of the stream, until it begins
        self.waiting_bytes = 0
        self.bytes_seen = 0  # from it, at the last tick
        self.ack_offset = 0
        self.log_offset = -1  # of its append-only file
        self.ack_ms = 0

    def ip(self) -> str:
        """The address for clients."""
        if self.announced_ip:
            return self.announced_ip
        return self.session.address.rpartition(":")[0].strip("[]")

    def push(self, data: bytes) -> None:
        """Send more of the stream, or keep it until the replica has its snapshot."""
        if self.state == WAITS:
            return  # it will be in its snapshot
        if self.streams_on_ack or self.state == TAKES_SNAPSHOT:
            self.waiting.append(data)
            self.waiting_bytes += len(data)
        elif self.state == ONLINE:
            self.session.push(data)

    def go_online(self) -> None:
        """The snapshot is there: the stream begins."""
        self.state = ONLINE
        self.streams_on_ack = False
        waiting = self.waiting
        self.waiting = []
        self.waiting_bytes = 0
        if waiting:
            self.session.push(b"".join(waiting))
