"""One client's session: ``feed(bytes) -> bytes``, without a socket and without a clock.

The shell feeds what arrives and writes what comes back. Whatever other clients' commands, or time, bring this client
(messages, the reply of a blocking command) gathers in the same list, and the session is put into ``Clients.pending`` for
the shell to drain. ``has_more`` says that commands are waiting although nothing new arrived: the shell calls
``feed(b"")`` when it has written what it got, so one greedy pipeline can't fill the memory with replies.
"""

from typing import TYPE_CHECKING, Final

from cachetwin_engine.core.protocol.errors import ProtocolError
from cachetwin_engine.core.registry.dispatch_flags import CLIENT_REPLICA_STREAM
from cachetwin_engine.core.state.client import Blocked, Client
from cachetwin_engine.receiver import SocketSession

from .context import Context
from .dispatch import execute

if TYPE_CHECKING:
    from cachetwin_engine.core.acl.user import User
    from cachetwin_engine.core.engine_parts import EngineParts

REPLY_BUFFER_BYTES_MIN: Final = 1024
REPLY_BUFFER_BYTES_MAX: Final = 16384
LARGE_READ_BYTES: Final = 16 * 1024  # from this size on, each read is held against the query buffer's limit
UNAUTHENTICATED_QUERY_BYTES_MAX: Final = 1024 * 1024
OWN_BYTES: Final = 1000  # a connection without its buffers
NAME_BYTES: Final = 64  # one channel, watched key or prefix; the name itself is shared
PREFIX_BYTES: Final = 24  # one prefix since Valkey 9.1, which keeps the prefixes of all clients in one tree
REPLY_BYTES_MAX: Final = 8 * 1024 * 1024  # gathered in one go before the shell gets its turn


class Session(Client, SocketSession):
    """One connected client."""

    def __init__(self, engine: "EngineParts", session_id: int, user: "User", address: str, local_address: str) -> None:
        super().__init__(session_id, address, local_address, engine.now_ms, engine.config.clients.proto_max_bulk_len)
        self.engine = engine
        self.context = Context(engine, self, engine.databases[0], user)
        self.caller = self.context
        self.parser.wants_line_ends = engine.profile.wants_line_ends
        self.parser.mixes_quotes = engine.profile.mixes_quotes
        self.needs_shell = False  # after ``feed``: it is to be closed or has more, or others have output
        self._out: list[bytes] = []
        self._out_bytes = 0
        self._running = False
        self._held_bytes = 0  # of a large request that is not complete
        self._late: list[bytes] = []  # messages that came while a command ran: they follow its reply

    # -- the shell's side ---------------------------------------------------------------------------------------------

    def feed(self, data: bytes) -> bytes:
        """Take what arrived. Returns the replies to the commands that it completed."""
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
        if self.engine.holds_replies:
            self.engine.clients.mark_pending(self)
            out = b""
        else:
            out = b"" if self.close_now else self.take_output()
        if self._held_bytes:
            self._count_held()
        if self.engine.client_memory.limit:
            self.engine.client_memory.note(self.engine, self)
            self.engine.client_memory.enforce(self.engine)
        self.needs_shell = self.closing or self.has_more or len(self.engine.clients.pending) > 0
        return out

    def _count_held(self) -> None:
        """Count the memory of a large incomplete request, for ``maxmemory``."""
        held = 0 if self.closing else self.parser.buffered()
        self.engine.buffer_bytes += held - self._held_bytes
        self._held_bytes = held

    def forget_buffers(self) -> None:
        """The connection is closed: uncount its buffers."""
        self.engine.buffer_bytes -= self._held_bytes
        if not self.client_flags & CLIENT_REPLICA_STREAM:
            self.engine.buffer_bytes -= self.unsent_bytes
        self._held_bytes = 0
        self.unsent_bytes = 0

    def _weigh(self) -> None:
        """A large piece arrived: enforce the limits of this client's requests and of all clients' memory."""
        self._count_held()
        if self.requests_too_large():
            self.end_for_large_requests()
        elif self.engine.client_memory.limit:
            self.engine.client_memory.note(self.engine, self)
            self.engine.client_memory.enforce(self.engine)

    def requests_too_large(self) -> bool:
        """True if its incomplete request and its transaction are over ``client-query-buffer-limit``.

        A client that never logged in may have a mebibyte (networking.c).
        """
        held = self.parser.buffered() + self.queued_bytes()
        if not self.parser.authenticated and held > UNAUTHENTICATED_QUERY_BYTES_MAX:
            return True
        return held > self.engine.config.clients.client_query_buffer_limit

    def end_for_large_requests(self) -> None:
        """Close the connection at once because its requests are too large."""
        self.end_reason = b"its requests are over client-query-buffer-limit"
        self.engine.host.query_buffer_disconnections += 1
        self.engine.kill(self)

    def take_output(self) -> bytes:
        """Take the bytes that are to be written."""
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

    def execute(self, args: list[bytes]) -> bytes:
        """Run a request of this client; the reply, empty while it blocks or wants none."""
        return execute(self.context, args)

    def run(self) -> None:
        """Run the commands that have arrived, until none is complete, one blocks, or enough output waits."""
        if self.engine.shutdown_requested:
            return  # the data is saved: what a command changes now would be lost after its reply
        parser = self.parser
        context = self.context
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
                reply = execute(context, args)
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
        self.engine.clients.mark_pending(self)
        if self.engine.client_memory.limit:
            self.engine.client_memory.note(self.engine, self)

    def hold_messages(self, hold: bool) -> None:
        """While ``hold`` is set, what is pushed waits for ``release_messages``."""
        self._running = hold

    def release_messages(self) -> None:
        """Send the messages that were held until the reply was sent."""
        late = self._late
        self._late = []
        for message in late:
            self.push(message)

    def messages_first(self) -> None:
        """Put what was pushed so far before the reply of the command that is about to run."""
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
            self.engine.clients.blocked[self.id] = self
        return b""

    def unblock(self, reply: bytes, served: bool = False) -> None:
        """End the wait with ``reply``; commands that arrived during the wait run in the same turn.

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
        self.engine.clients.resume(self)

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
        self.engine.clients.blocked[self.id] = self

    def is_running(self) -> bool:
        """True while one of its commands runs."""
        return self._running

    def leave_queues(self) -> None:
        """End any wait without a reply."""
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
        self.engine.clients.blocked.pop(self.id, None)

    def output_bytes(self) -> int:
        """Bytes of output that the shell has not taken yet."""
        return self._out_bytes

    def note_unsent(self, size: int) -> None:
        """The shell has ``size`` bytes of output that the client has not taken yet."""
        if self.id not in self.engine.clients.connected:
            return
        if not self.client_flags & CLIENT_REPLICA_STREAM:  # what replicas have not taken is no reason to evict keys
            self.engine.buffer_bytes += size - self.unsent_bytes
        self.unsent_bytes = size
        if self.engine.client_memory.limit:
            self.engine.client_memory.note(self.engine, self)

    def reply_buffer_bytes(self) -> int:
        """What Valkey's reply buffer would have shrunk to while nothing was asked for."""
        patience_ms = self.engine.reply_buffer_peak_ms
        idle = patience_ms >= 0 and self.engine.now_ms - self.last_command_ms > patience_ms
        return REPLY_BUFFER_BYTES_MIN if idle else REPLY_BUFFER_BYTES_MAX

    def request_bytes(self) -> int:
        """Bytes of the request of the command that runs now."""
        return self.parser.request_bytes if self._running else 0

    def memory_bytes(self) -> int:
        """Memory of the connection: its buffers, its transaction, its subscriptions and watches."""
        names = len(self.channels) + len(self.patterns) + len(self.shard_channels) + len(self.watched)
        prefixes = 0 if self.tracking is None else len(self.tracking.prefixes)
        prefix_bytes = PREFIX_BYTES if self.engine.profile.counts_tracking_prefixes else NAME_BYTES
        buffers = self.parser.reserved() + self._out_bytes + self.unsent_bytes + self.request_bytes()
        own = OWN_BYTES + self.reply_buffer_bytes() + buffers + self.queued_bytes()
        return own + names * NAME_BYTES + prefixes * prefix_bytes
