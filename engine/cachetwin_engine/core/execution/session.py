"""One client's conversation: ``feed(bytes) -> bytes``. No socket, no clock.

The shell feeds what arrives and writes what comes back. Whatever somebody else's command, or time, brings this client
(messages, the reply of a blocking command) gathers in the same list, and the session is put into ``engine.pending`` for
the shell to drain. ``has_more`` says that commands are waiting although nothing new arrived: the shell calls
``feed(b"")`` when it has written what it got, so one greedy pipeline can't fill the memory with replies.
"""

from typing import TYPE_CHECKING, Final

from cachetwin_engine.core.observers.tracking import TrackingState
from cachetwin_engine.core.protocol.errors import ProtocolError
from cachetwin_engine.core.protocol.resp import RespParser
from cachetwin_engine.core.registry.dispatch_flags import CLIENT_REPLICA_STREAM

from .context import Context
from .dispatch import Queued, execute

if TYPE_CHECKING:
    from cachetwin_engine.core.acl.user import User
    from cachetwin_engine.core.engine import Engine
    from cachetwin_engine.core.keyspace.database import Database
    from cachetwin_engine.core.registry.command_table import Command
    from cachetwin_engine.core.replication.connected_replica import ConnectedReplica

REPLY_BUFFER_PEAK_MS: Final = 5000  # a reply buffer shrinks after so long without use (server.h)
REPLY_BUFFER_BYTES_MIN: Final = 1024
REPLY_BUFFER_BYTES_MAX: Final = 16384
LARGE_READ_BYTES: Final = 16 * 1024  # from this size on, each read is held against the query buffer's limit
UNAUTHENTICATED_QUERY_BYTES_MAX: Final = 1024 * 1024
OWN_BYTES: Final = 1000  # a connection without its buffers
NAME_BYTES: Final = 64  # one channel, watched key or prefix; the name itself is shared
PREFIX_BYTES: Final = 24  # one prefix since Valkey 9.1, which keeps the prefixes of all clients in one tree
REPLY_BYTES_MAX: Final = 8 * 1024 * 1024  # gathered in one go before the shell gets its turn


class Blocked:
    """What a waiting client waits for."""

    def __init__(
        self, db: "Database", keys: list[bytes], deadline_ms: int, on_timeout: bytes, args: list[bytes]
    ) -> None:
        self.db = db
        self.keys = keys
        self.deadline_ms = deadline_ms  # 0: for ever
        self.on_timeout = on_timeout
        self.args = args
        self.postponed = False  # held back by CLIENT PAUSE


class Session:
    """One connected client."""

    def __init__(self, engine: "Engine", session_id: int, user: "User", address: str, local_address: str) -> None:
        self.engine = engine
        self.id = session_id
        self.address = address
        self.local_address = local_address
        self.created_ms = engine.now_ms
        self.last_command_ms = engine.now_ms
        self.context = Context(engine, self, engine.databases[0], user)
        self.parser = RespParser(engine.config.clients.proto_max_bulk_len)
        self.parser.wants_line_ends = engine.profile.is_valkey_from(9, 1)
        self.parser.mixes_quotes = engine.profile.is_valkey_from(9, 0)
        self.client_flags = 0
        self.closing = False  # close as soon as the output is written
        self.close_now = False  # close without writing the rest
        self.has_more = False
        self.needs_shell = False  # after ``feed``: it is to be closed or has more, or others have output
        self.name = b""
        self.lib_name = b""
        self.lib_version = b""
        self.queue: list[Queued] | None = None  # commands after MULTI
        self.queue_failed = False
        self.queue_seen = 0  # how many of the queue were looked at for the database they choose
        self.queue_database = -1  # what they choose, -1 for none
        self.watched: list[tuple[Database, bytes]] = []
        self.watched_expired: dict[tuple[int, bytes], bool] = {}  # watched keys whose time was over already
        self.watch_broken = False
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
        self.replica: ConnectedReplica | None = None  # what it said of itself by REPLCONF, and how far it is
        self.is_primary = False  # carries what our primary sends
        self.is_peer = False  # another node, which the supervisor vouches for
        self.written_offset = 0  # of the replication stream, behind the last change from here
        self.last_command = b""
        self.last_row: Command | None = None  # what ``last_word`` calls
        self.last_word = b""
        self.bytes_in = 0
        self.bytes_out = 0
        self._out: list[bytes] = []
        self._out_bytes = 0
        self._running = False
        self.end_reason = b""  # why the engine closes it, for the log
        self.unsent_bytes = 0  # of output, in the shell's hands
        self._held_bytes = 0  # of a large request that is not complete
        self._queued_seen = 0  # how much of ``queue`` is in ``_queued_bytes``
        self._queued_bytes = 0
        self._late: list[bytes] = []  # messages that came while a command ran: they follow its reply

    # -- the shell's side ---------------------------------------------------------------------------------------------

    def feed(self, data: bytes) -> bytes:
        """Take what arrived; the replies to the commands that it completed."""
        if data:
            self.parser.feed(data)
            size = len(data)
            self.bytes_in += size
            self.engine.traffic.bytes_in += size
            if size >= LARGE_READ_BYTES:
                self._weigh()
        if self.blocked is None and not self.closing:
            engine = self.engine
            engine.start_turn()
            started_us = engine.batch_started_us
            commands = engine.commands_processed
            self.run()
            engine.run_pending()
            engine.traffic.note_turn(engine.batch_started_us - started_us, engine.commands_processed - commands)
        out = b"" if self.close_now else self.take_output()
        if self._held_bytes:
            self._count_held()
        if self.engine.client_memory.limit:
            self.engine.client_memory.note(self.engine, self)
            self.engine.client_memory.enforce(self.engine)
        self.needs_shell = self.closing or self.has_more or len(self.engine.pending) > 0
        return out

    def _count_held(self) -> None:
        """A large request that is not complete takes memory that ``maxmemory`` counts."""
        held = 0 if self.closing else self.parser.buffered()
        self.engine.buffer_bytes += held - self._held_bytes
        self._held_bytes = held

    def forget_buffers(self) -> None:
        """The connection is gone, and with it what it held."""
        self.engine.buffer_bytes -= self._held_bytes
        if not self.client_flags & CLIENT_REPLICA_STREAM:
            self.engine.buffer_bytes -= self.unsent_bytes
        self._held_bytes = 0
        self.unsent_bytes = 0

    def _weigh(self) -> None:
        """A large piece arrived: is it more than one client, or all together, may ask?"""
        self._count_held()
        if self.asks_too_much():
            self.end_for_asking()
        elif self.engine.client_memory.limit:
            self.engine.client_memory.note(self.engine, self)
            self.engine.client_memory.enforce(self.engine)

    def asks_too_much(self) -> bool:
        """Is more waiting to become a command, or after MULTI, than ``client-query-buffer-limit`` allows?

        Who never logged in may have a mebibyte (networking.c).
        """
        held = self.parser.buffered() + self.queued_bytes()
        if not self.parser.authenticated and held > UNAUTHENTICATED_QUERY_BYTES_MAX:
            return True
        return held > self.engine.config.clients.client_query_buffer_limit

    def end_for_asking(self) -> None:
        """Close the connection at once because it asks too much."""
        self.end_reason = b"its requests are over client-query-buffer-limit"
        self.engine.host.query_buffer_disconnections += 1
        self.engine.kill(self)

    def take_output(self) -> bytes:
        """What is to be written now."""
        out = self._out
        if not out:
            return b""
        self._out = []
        self._out_bytes = 0
        written = out[0] if len(out) == 1 else b"".join(out)
        size = len(written)
        self.bytes_out += size
        traffic = self.engine.traffic
        traffic.bytes_out += size
        traffic.writes += 1
        return written

    # -- the engine's side --------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Run the commands that have arrived, until none is complete, one blocks, or enough output waits."""
        parser = self.parser
        self.engine.actor = self
        out = self._out
        held = self._out_bytes
        self._running = True
        self.has_more = False
        try:
            while True:
                args = parser.next_command()
                if args is None:
                    break
                reply = execute(self, args)
                if reply:
                    out.append(reply)
                    held += len(reply)
                if self._late:
                    for message in self._late:
                        out.append(message)
                        held += len(message)
                    self._late = []
                if self.blocked is not None or self.closing:
                    break
                if held > REPLY_BYTES_MAX:
                    self.has_more = True
                    break
        except ProtocolError as error:
            out.append(b"-ERR Protocol error: " + error.reason + b"\r\n")
            self.closing = True
        finally:
            self._running = False
            self._out_bytes = held

    def push(self, data: bytes) -> None:
        """Send ``data`` that is not the reply to this session's current command."""
        if self._running:
            self._late.append(data)
            return
        self._out.append(data)
        self._out_bytes += len(data)
        self.engine.mark_pending(self)
        if self.engine.client_memory.limit:
            self.engine.client_memory.note(self.engine, self)

    def hold_messages(self, hold: bool) -> None:
        """While it holds, what is pushed waits for ``release_messages``."""
        self._running = hold

    def release_messages(self) -> None:
        """Send what waited for the reply to go first."""
        late = self._late
        self._late = []
        for message in late:
            self.push(message)

    def messages_first(self) -> None:
        """What was pushed so far goes before the reply of the command that is about to run."""
        self._out += self._late
        self._late = []

    def block(self, keys: list[bytes], deadline_ms: int, on_timeout: bytes, args: list[bytes]) -> bytes:
        """See ``Context.block``."""
        if self.blocked is None:
            db = self.context.db
            self.blocked = Blocked(db, keys, deadline_ms, on_timeout, args)
            for key in keys:
                waiting = db.blocked.get(key)
                if waiting is None:
                    waiting = db.blocked[key] = {}
                waiting[self.id] = self
            self.engine.blocked_sessions[self.id] = self
        return b""

    def unblock(self, reply: bytes, served: bool = False) -> None:
        """End the wait with ``reply``; commands that arrived meanwhile run in the same turn.

        ``served`` says that the reply comes from the command itself, which was counted as it ran.
        """
        if self.blocked is not None and not served:
            command = self.engine.commands.get(self.blocked.args[0].lower())
            if command is not None:
                command.calls += 1
                self.engine.commands_processed += 1
                self.commands_done += 1
        self.leave_queues()
        if reply:
            self.push(reply)
        self.engine.resume(self)

    def refuse_wait(self, reply: bytes) -> None:
        """End the wait with an error, which counts as one of the command that waits."""
        command = None if self.blocked is None else self.engine.commands.get(self.blocked.args[0].lower())
        if command is not None:
            command.rejected_calls += 1
        self.engine.statistics.count_error(reply)
        self.unblock(reply)

    def postpone(self, args: list[bytes]) -> None:
        """Wait for the end of CLIENT PAUSE with the command ``args``."""
        waiting = Blocked(self.context.db, [], 0, b"", args)
        waiting.postponed = True
        self.blocked = waiting
        self.engine.blocked_sessions[self.id] = self

    def is_running(self) -> bool:
        """Is one of its commands running now?"""
        return self._running

    def is_blocked(self) -> bool:
        """Does it wait for anything?"""
        return self.blocked is not None

    def is_postponed(self) -> bool:
        """Held back by CLIENT PAUSE, rather than waiting for a key?"""
        return self.blocked is not None and self.blocked.postponed

    def leave_queues(self) -> None:
        """No longer wait for anything."""
        blocked = self.blocked
        if blocked is None:
            return
        self.blocked = None
        for key in blocked.keys:
            waiting = blocked.db.blocked.get(key)
            if waiting is not None:
                waiting.pop(self.id, None)
                if not waiting:
                    del blocked.db.blocked[key]
        self.engine.blocked_sessions.pop(self.id, None)

    def output_bytes(self) -> int:
        """Bytes of output that the shell has not taken yet."""
        return self._out_bytes

    def note_unsent(self, size: int) -> None:
        """The shell has ``size`` bytes of output that the client has not taken yet."""
        if self.id not in self.engine.sessions:
            return
        if not self.client_flags & CLIENT_REPLICA_STREAM:  # what replicas have not taken is no reason to evict keys
            self.engine.buffer_bytes += size - self.unsent_bytes
        self.unsent_bytes = size
        if self.engine.client_memory.limit:
            self.engine.client_memory.note(self.engine, self)

    def describe(self) -> bytes:
        """The connection as CLIENT LIST shows it, without line end."""
        ctx = self.context
        now_ms = self.engine.now_ms
        queued = -1 if self.queue is None else len(self.queue)
        redirect = -1 if self.tracking is None else self.tracking.redirect
        profile = self.engine.profile
        fields = [
            b"id=%d addr=%b laddr=%b fd=%d name=%b age=%d idle=%d flags=%b" % (
                self.id, self.address.encode(), self.local_address.encode(), self.id + 7, self.name,
                (now_ms - self.created_ms) // 1000, (now_ms - self.last_command_ms) // 1000, self.flag_letters() or b"N",
            )
        ]  # fmt: skip
        if profile.is_valkey_from(8, 1):
            fields.append(b"capa=r" if self.redirects else b"capa=")
        fields.append(
            b"db=%d sub=%d psub=%d ssub=%d multi=%d"
            % (ctx.db.index, len(self.channels), len(self.patterns), len(self.shard_channels), queued)
        )
        if profile.is_valkey_from(8, 0):
            fields.append(b"watch=%d" % len(self.watched))
        fields.append(
            b"qbuf=%d qbuf-free=%d argv-mem=%d multi-mem=%d rbs=%d rbp=%d obl=%d oll=%d omem=%d tot-mem=%d events=r "
            b"cmd=%b user=%b redir=%d resp=%d" % (
                self.parser.buffered() + (0 if profile.is_valkey_from(8, 0) else self._request_bytes()),
                self.parser.reserved() - self.parser.buffered(),
                self._request_bytes(), self.queued_bytes(), self._reply_buffer_bytes(),
                min(16384, self.output_bytes()), self.output_bytes(), 1 if self.unsent_bytes else 0, self.unsent_bytes,
                self.memory_bytes(), self.last_command or b"NULL", ctx.user.name, redirect, 3 if ctx.resp3 else 2,
            )
        )  # fmt: skip
        if profile.commands_through >= (7, 2, 0):
            fields.append(b"lib-name=%b lib-ver=%b" % (self.lib_name, self.lib_version))
        if profile.is_valkey_from(8, 1):
            fields.append(
                b"tot-net-in=%d tot-net-out=%d tot-cmds=%d" % (self.bytes_in, self.bytes_out, self.commands_done)
            )
        return b" ".join(fields)

    def flag_letters(self) -> bytes:
        """Letters of CLIENT LIST, in its order (networking.c, catClientInfoString)."""
        flags = b""
        if self.monitors:
            flags += b"O"
        flags += b"S" if self.client_flags & CLIENT_REPLICA_STREAM else b"M" if self.is_primary else b""
        if self.channels or self.patterns or self.shard_channels:
            flags += b"P"
        if self.queue is not None:
            flags += b"x"
        if self.blocked is not None:
            flags += b"b"
        tracking = self.tracking
        if tracking is not None:
            flags += b"t"
            if tracking.broken_redirect:
                flags += b"R"
            if tracking.broadcast:
                flags += b"B"
        if self.watch_broken:
            flags += b"d"
        if self.closing:
            flags += b"c"
        if self.reads_replica:
            flags += b"r"
        if self.no_evict:
            flags += b"e"
        if self.no_touch:
            flags += b"T"
        if self.imports:
            flags += b"I"
        return flags

    def _reply_buffer_bytes(self) -> int:
        """What Valkey's reply buffer would have shrunk to while nothing was asked for."""
        patience_ms = self.engine.reply_buffer_peak_ms
        idle = patience_ms >= 0 and self.engine.now_ms - self.last_command_ms > patience_ms
        return REPLY_BUFFER_BYTES_MIN if idle else REPLY_BUFFER_BYTES_MAX

    def _request_bytes(self) -> int:
        """Of the command that runs now."""
        return self.parser.request_bytes if self._running else 0

    def queued_bytes(self) -> int:
        """Memory of the commands after MULTI."""
        queue = self.queue
        if queue is None or len(queue) < self._queued_seen:
            self._queued_seen = 0
            self._queued_bytes = 0
        if queue is not None:
            for at in range(self._queued_seen, len(queue)):
                for word in queue[at].args:
                    self._queued_bytes += len(word) + 24
            self._queued_seen = len(queue)
        return self._queued_bytes

    def memory_bytes(self) -> int:
        """Memory this connection takes: its buffers, its queue, what it listens to; 16 KiB for itself."""
        names = len(self.channels) + len(self.patterns) + len(self.shard_channels) + len(self.watched)
        prefixes = 0 if self.tracking is None else len(self.tracking.prefixes)
        prefix_bytes = PREFIX_BYTES if self.engine.profile.is_valkey_from(9, 1) else NAME_BYTES
        buffers = self.parser.reserved() + self._out_bytes + self.unsent_bytes + self._request_bytes()
        own = OWN_BYTES + self._reply_buffer_bytes() + buffers + self.queued_bytes()
        return own + names * NAME_BYTES + prefixes * prefix_bytes
