"""A client as every part of the engine sees it: who it is, what it asked for, what it waits for.

``execution.session.Session`` derives from ``Client`` and ``execution.context.Context`` from ``Caller``: they know the
engine and run commands.
"""

from cachetwin_engine.core.acl.user import User
from cachetwin_engine.core.keyspace.database import Database
from cachetwin_engine.core.keyspace.watcher import Watcher
from cachetwin_engine.core.protocol.replies import NULL_3, NULL_ARRAY_2, NULL_BULK_2
from cachetwin_engine.core.protocol.resp import RespParser
from cachetwin_engine.core.registry.command_table import Command, HandlerContext
from cachetwin_engine.core.registry.dispatch_flags import CLIENT_MULTI, CLIENT_REPLICA_STREAM, CLIENT_REPLY_OFF

from .transaction import Transaction


class Blocked:
    """What a waiting client waits for."""

    def __init__(self, db: Database, keys: list[bytes], deadline_ms: int, on_timeout: bytes, args: list[bytes]) -> None:
        self.db = db
        self.keys = keys
        self.deadline_ms = deadline_ms  # 0: for ever
        self.on_timeout = on_timeout
        self.args = args
        self.postponed = False  # held back by CLIENT PAUSE


class TrackingState:
    """What a client asked for with CLIENT TRACKING."""

    def __init__(self, redirect: int, broadcast: bool, opt_in: bool, opt_out: bool, no_loop: bool) -> None:
        self.redirect = redirect  # id of the client that gets the messages, 0 for the client itself
        self.broadcast = broadcast
        self.opt_in = opt_in
        self.opt_out = opt_out
        self.no_loop = no_loop
        self.broken_redirect = False
        self.caching = False  # CLIENT CACHING was just said
        self.prefixes: dict[bytes, bool] = {}


class ReplicaClient:
    """A client that announced itself as a replica. Base class of ``replication.connected_replica.ConnectedReplica``."""

    def __init__(self) -> None:
        self.state = b""
        self.snapshot_bytes = 0  # written for it and not yet known to be taken: no backlog of the client's


class Client(Watcher):
    """One connected client. The methods here that raise are the session's."""

    caller: "Caller"

    def __init__(self, number: int, address: str, local_address: str, now_ms: int, bulk_bytes_max: int) -> None:
        super().__init__(number)
        self.address = address
        self.local_address = local_address
        self.created_ms = now_ms
        self.last_command_ms = now_ms
        self.parser = RespParser(bulk_bytes_max)
        self.client_flags = 0
        self.closing = False  # close as soon as the output is written
        self.close_now = False  # close without writing the rest
        self.has_more = False
        self.name = b""
        self.lib_name = b""
        self.lib_version = b""
        self.transaction: Transaction | None = None  # between MULTI and EXEC
        self.watched: list[tuple[Database, bytes]] = []
        self.channels: dict[bytes, bool] = {}
        self.patterns: dict[bytes, bool] = {}
        self.shard_channels: dict[bytes, bool] = {}
        self.reply_off = False
        self.reply_skip = 0  # replies to hold back: 2 while SKIP itself runs, 1 for the next command
        self.no_evict = False
        self.no_touch = False
        self.blocked: Blocked | None = None
        self.commands_done = 0
        self.tracking: TrackingState | None = None
        self.redirects = False  # CLIENT CAPA REDIRECT
        self.was_logged_in = False  # at any time
        self.imports = False  # CLIENT IMPORT-SOURCE ON
        self.monitors = False  # MONITOR
        self.asking = 0  # ASKING: 2 while it runs itself, 1 for what it is meant for
        self.reads_replica = False  # READONLY
        self.slot = -1  # of the keys of the running command; kept up only in cluster mode
        self.replica: ReplicaClient | None = None  # what it announced by REPLCONF, and how far it is
        self.is_primary = False  # carries what our primary sends
        self.is_peer = False  # another node, which the supervisor vouches for
        self.peer_id = b""  # its id, if it is another node of this one's cluster
        self.written_offset = 0  # of the replication stream, behind the last change from here
        self.last_command = b""
        self.last_row: Command | None = None  # what ``last_word`` calls
        self.last_word = b""
        self.bytes_in = 0
        self.bytes_out = 0
        self.end_reason = b""  # why the engine closes it, for the log
        self.unsent_bytes = 0  # of output, in the shell's hands

    def counts_as_client(self) -> bool:
        """False for other nodes: the link to a primary, a replica that takes the stream, a node of the cluster."""
        return not (self.is_primary or self.peer_id or self.client_flags & CLIENT_REPLICA_STREAM)

    def end_transaction(self) -> None:
        """EXEC or DISCARD, or an error in place of one: what was queued is forgotten. Watched keys are not."""
        self.transaction = None
        self.client_flags &= ~CLIENT_MULTI

    def queued_bytes(self) -> int:
        """Memory of the commands after MULTI."""
        transaction = self.transaction
        return 0 if transaction is None else transaction.memory_bytes()

    def refresh_reply_flag(self) -> None:
        """CLIENT REPLY changed."""
        if self.reply_off or self.reply_skip:
            self.client_flags |= CLIENT_REPLY_OFF
        else:
            self.client_flags &= ~CLIENT_REPLY_OFF

    def is_blocked(self) -> bool:
        """True while it waits for anything."""
        return self.blocked is not None

    def is_postponed(self) -> bool:
        """True while CLIENT PAUSE holds it back, rather than a key."""
        return self.blocked is not None and self.blocked.postponed

    def block(self, keys: list[bytes], deadline_ms: int, on_timeout: bytes, args: list[bytes]) -> bytes:
        """Wait until one of ``keys`` is ready, then run ``args`` again; see ``Context.block``."""
        raise NotImplementedError

    def messages_first(self) -> None:
        """Put what was pushed so far before the reply of the command that is about to run."""
        raise NotImplementedError

    def push(self, data: bytes) -> None:
        """Send ``data`` that is not the reply to this client's current command."""
        raise NotImplementedError

    def unblock(self, reply: bytes, served: bool = False) -> None:
        """End the wait with ``reply``; ``served``: it comes from the command itself, which was counted as it ran."""
        raise NotImplementedError

    def refuse_wait(self, reply: bytes) -> None:
        """End the wait with an error, which counts as one of the command that waits."""
        raise NotImplementedError

    def postpone(self, args: list[bytes]) -> None:
        """Wait for the end of CLIENT PAUSE with the command ``args``."""
        raise NotImplementedError

    def leave_queues(self) -> None:
        """End any wait without a reply."""
        raise NotImplementedError

    def execute(self, args: list[bytes]) -> bytes:
        """Run a request of this client; the reply, empty while it blocks or wants none."""
        raise NotImplementedError

    def run(self) -> None:
        """Run the commands that have arrived."""
        raise NotImplementedError

    def output_bytes(self) -> int:
        """Bytes of output that the shell has not taken yet."""
        raise NotImplementedError

    def take_output(self) -> bytes:
        """Take the bytes that are to be written."""
        raise NotImplementedError

    def memory_bytes(self) -> int:
        """Memory that the connection takes."""
        raise NotImplementedError

    def request_bytes(self) -> int:
        """Bytes of the request of the command that runs now."""
        raise NotImplementedError

    def reply_buffer_bytes(self) -> int:
        """What Valkey's reply buffer would have shrunk to while nothing was asked for."""
        raise NotImplementedError

    def forget_buffers(self) -> None:
        """The connection is closed: uncount its buffers."""
        raise NotImplementedError


class Caller(HandlerContext):
    """What a command runs for: a client, its user, a database and a protocol. A script has a caller of its own."""

    def __init__(self, client: Client, db: Database, user: User) -> None:
        self.session = client
        self.db = db
        self.user = user
        self.resp3 = False
        self.null = NULL_BULK_2
        self.null_array = NULL_ARRAY_2
        self.command: Command | None = None  # the row that runs now
        self.in_exec = False
        self.in_script = False
        self.retrying = False  # a blocked command runs again because one of its keys became ready
        self.propagated: list[list[bytes]] | None = None  # what to propagate instead of the command as it was given

    def use_protocol(self, version: int) -> None:
        """Answer in RESP ``version`` (2 or 3) from now on."""
        self.resp3 = version == 3
        self.null = NULL_3 if self.resp3 else NULL_BULK_2
        self.null_array = NULL_3 if self.resp3 else NULL_ARRAY_2
