"""A replica's link to its primary: from the first PING over the snapshot to the stream, without a socket.

The shell connects when ``wants_connection``, calls ``connected``, feeds what arrives, writes ``take_output`` and closes
when ``wants_close``. The stream runs as the commands of a session of its own, which may run every command and whose replies
are dropped. What a transaction changes becomes part of the history when its EXEC has run, so a link that breaks in the
middle resumes from its MULTI.
"""

from typing import Final

from cachetwin_engine.core.execution.pause import Pause
from cachetwin_engine.core.protocol.errors import ProtocolError
from cachetwin_engine.core.rdb.loading import Loaded, Loader, Loading
from cachetwin_engine.core.rdb.packed import BadData
from cachetwin_engine.core.registry.dispatch_flags import BLOCKED_BY_LOADING, BLOCKED_BY_PAUSE
from cachetwin_engine.core.state.client import Client
from cachetwin_engine.core.state.engine_state import EngineState
from cachetwin_engine.core.text.numbers import integer_or_none

from .history import ReplicationHistory

CONNECT: Final = b"connect"
CONNECTING: Final = b"connecting"
HANDSHAKE: Final = b"handshake"
SYNC: Final = b"sync"  # receiving the snapshot
CONNECTED: Final = b"connected"

RETRY_MS: Final = 1000  # as Valkey's replicationCron, which runs once a second
_ERRORS_LOGGED_MAX: Final = 100
_LINE_BYTES_MAX: Final = 1024
_MARK_BYTES: Final = 40


class PrimaryLink:
    """The link of one replica to its primary, connected or not."""

    def __init__(
        self,
        engine: EngineState,
        history: ReplicationHistory,
        loader: Loader,
        pause: Pause,
        host: str,
        port: int,
        db_index: int,
    ) -> None:
        """``db_index``: the database that the stream continues in if the history is resumed."""
        self._engine = engine
        self._history = history
        self._loader = loader
        self._pause = pause
        self.host = host
        self.port = port
        self.state = CONNECT
        self.wants_close = False
        self.failing_over = False  # ask the other side to become the primary (FAILOVER)
        self.problem = ""  # what went wrong last, for the log
        self.given = False  # connections come from a supervisor: none is to be made here
        self.down_since_ms = engine.now_ms
        self.last_io_ms = engine.now_ms
        self.snapshot_bytes = 0  # to come in all; 0 while unknown
        self.snapshot_received = 0
        self._db_index = db_index
        self._retry_at_ms = 0
        self._steps: list[list[bytes]] = []  # of the handshake, the next one last
        self._step: list[bytes] = []  # the one that waits for its answer
        self._out: list[bytes] = []
        self._line = b""
        self._mark = b""
        self._pieces: list[bytes] = []
        self._tail = b""  # the last bytes received, in which a mark may stand
        self._loading: Loading | None = None  # the snapshot is there and is being read
        self._after: list[bytes] = []  # what arrived behind it
        self._history_id = b""
        self._offset = 0
        self._applied: list[bytes] = []
        self._held: list[bytes] | None = None  # a command of the stream that waits for the end of CLIENT PAUSE
        self._unit_bytes = 0  # of the stream, run but not part of the history yet: inside MULTI
        self._acked_ms = 0
        self.session: Client | None = None

    # -- the shell's side ---------------------------------------------------------------------------------------------

    def wants_connection(self) -> bool:
        """True if the shell should connect now."""
        due = self._engine.now_ms >= self._retry_at_ms
        return due and self.state == CONNECT and not self.wants_close and not self.given

    def connecting(self) -> None:
        """A connection is being made."""
        self.state = CONNECTING
        self.last_io_ms = self._engine.now_ms

    def connected(self, address: str, local_address: str) -> None:
        """There is a connection."""
        engine = self._engine
        engine.start_turn()
        self.state = HANDSHAKE
        self.last_io_ms = engine.now_ms
        self._line = b""
        session = engine.open_session(address, local_address)
        session.is_primary = True
        engine.mark_internal(session)
        index = self._db_index if self.session is None else self.session.caller.db.index
        session.caller.db = engine.databases[index]  # a partial resynchronisation continues in the same database
        self.session = session
        self._steps = self._handshake()
        self._next_step()

    def lost(self, reason: str) -> None:
        """The connection failed or ended."""
        engine = self._engine
        if self.session is not None and self.session.id in engine.clients.connected:
            engine.close_session(self.session)
        self._retry_at_ms = engine.now_ms + RETRY_MS
        if self.state == CONNECTED:  # it worked: try at once, before the backlog has gone on (replication.c)
            self._retry_at_ms = 0
            self.down_since_ms = engine.now_ms
        self.problem = reason
        self.state = CONNECT
        self.wants_close = False
        self._out = []
        self._pieces = []
        self._tail = b""
        self._load_from(None)
        self._after = []
        self._applied = []
        self._held = None
        self._unit_bytes = 0

    def take_output(self) -> bytes:
        """Take the bytes that are to be written."""
        out = b"".join(self._out)
        self._out = []
        return out

    def feed(self, data: bytes) -> None:
        """Take what arrived."""
        engine = self._engine
        engine.start_turn()
        self.last_io_ms = engine.now_ms
        self._history.bytes_in += len(data)
        if self.state == HANDSHAKE or (self.state == SYNC and not self.snapshot_bytes and not self._mark):
            data = self._take_lines(data)
        if data and self._loading is not None:
            self._after.append(data)
            return
        if data and self.state == SYNC:
            data = self._take_snapshot(data)
            if data and self._loading is not None:
                self._after.append(data)
                return
        if data and self.state == CONNECTED:
            self._apply(data)
        engine.run_pending()

    def is_loading(self) -> bool:
        """True while a snapshot is being read."""
        return self._loading is not None

    def work(self, until_us: int) -> None:
        """Read a slice of the snapshot, up to the clock's ``until_us``."""
        loading = self._loading
        if loading is None:
            return
        try:
            loading.work(until_us)
            if loading.done:
                self._history.log_switch.turn_off()
                self._adopt(loading.adopt())
        except BadData as problem:
            self._load_from(None)
            self._fail(f"the primary's snapshot can't be loaded: {problem}")

    def tick(self, now_ms: int) -> None:
        """Acknowledge to the primary, and notice that it is silent. Called ten times a second."""
        if self._loading is not None:
            self.last_io_ms = now_ms
            if now_ms - self._acked_ms >= 1000:
                self._acked_ms = now_ms
                self._out.append(b"\n")  # still here
        if self.state == CONNECTED and now_ms - self._acked_ms >= 1000:
            self.acknowledge()
        if self._held is not None and not self._engine.blocked_by & BLOCKED_BY_PAUSE:
            self._apply(b"")
            self._engine.run_pending()
        silent_ms = 1000 * self._engine.config.integer("repl-timeout")
        if self.state != CONNECT and now_ms - self.last_io_ms > silent_ms:
            self._fail("the primary is silent for longer than repl-timeout")

    def clock_moved(self, by_ms: int) -> None:
        """The clock was moved forward."""
        self.last_io_ms += by_ms
        self.down_since_ms += by_ms
        self._acked_ms += by_ms
        if self._retry_at_ms:
            self._retry_at_ms += by_ms

    def select_db(self, db_index: int) -> None:
        """The stream continues in that database."""
        if db_index < len(self._engine.databases):
            self._db_index = db_index

    def stop(self) -> None:
        """Another role: close the connection."""
        session = self.session
        if session is not None and session.id in self._engine.clients.connected:
            self._engine.close_session(session)
        self.session = None
        self._load_from(None)
        self._after = []
        self.wants_close = True

    def selected_db(self) -> int:
        """The database that the stream is in."""
        return 0 if self.session is None else self.session.caller.db.index

    def waiting_bytes(self) -> int:
        """Bytes of the stream that have arrived but not run yet."""
        return sum([len(piece) for piece in self._applied])

    def acknowledge(self) -> None:
        """Send the primary this engine's offset."""
        if self.state == CONNECTED:
            self._acked_ms = self._engine.now_ms
            synced = self._history.acknowledgements.synced_offset
            in_log = [] if synced < 0 else [b"FACK", b"%d" % synced]
            self._send([b"REPLCONF", b"ACK", b"%d" % self._history.offset, *in_log])

    def _send(self, args: list[bytes]) -> None:
        parts = [b"*%d\r\n" % len(args)]
        for arg in args:
            parts.append(b"$%d\r\n%b\r\n" % (len(arg), arg))
        self._out.append(b"".join(parts))

    def _fail(self, problem: str) -> None:
        self.problem = problem
        self.wants_close = True

    # -- handshake ----------------------------------------------------------------------------------------------------

    def _handshake(self) -> list[list[bytes]]:
        """The requests before the snapshot, the last one first."""
        engine = self._engine
        config = engine.config
        steps = [[b"PING"]]
        password = config.get("primaryauth") or config.get("masterauth") or ""
        user = config.get("primaryuser") or config.get("masteruser") or ""
        if password:
            steps.append([b"AUTH", user.encode(), password.encode()] if user else [b"AUTH", password.encode()])
        port = config.integer("replica-announce-port") or engine.host.tcp_port
        steps.append([b"REPLCONF", b"listening-port", b"%d" % port])
        ip = config.get("replica-announce-ip") or ""
        if ip:
            steps.append([b"REPLCONF", b"ip-address", ip.encode()])
        steps.append([b"REPLCONF", b"capa", b"eof", b"capa", b"psync2"])
        if engine.profile.sends_version_to_primary:
            steps.append([b"REPLCONF", b"version", engine.profile.version.encode()])
        history = self._history
        psync = [b"PSYNC", history.id, b"%d" % (history.offset + 1)]
        if self.failing_over:
            psync.append(b"FAILOVER")
        steps.append(psync)
        steps.reverse()
        return steps

    def _next_step(self) -> None:
        self._step = self._steps.pop()
        self._send(self._step)

    def _take_lines(self, data: bytes) -> bytes:
        """Answers to the handshake, a line each; what follows them."""
        while self.state == HANDSHAKE or (self.state == SYNC and not self.snapshot_bytes and not self._mark):
            line, newline, rest = data.partition(b"\n")
            if not newline:
                self._line += line
                if len(self._line) > _LINE_BYTES_MAX:
                    self._fail("the primary's answer is longer than a line")
                return b""
            line = (self._line + line).rstrip(b"\r")
            self._line = b""
            data = rest
            if line:  # an empty one means: still there
                self._answer(line)
            if self.wants_close:
                return b""
        return data

    def _answer(self, line: bytes) -> None:
        if self.state == SYNC:
            self._announced(line)
            return
        word = self._step[0]
        refused = line.startswith(b"-")
        if (
            word == b"PING"
            and refused
            and not line.startswith((b"-NOAUTH", b"-NOPERM", b"-ERR operation not permitted"))
        ):
            self._fail("the primary answered PING with " + _shown(line))
        elif word == b"AUTH" and refused:
            self._fail("Unable to AUTH to PRIMARY: " + _shown(line))
        elif word == b"PSYNC":
            self._psync_answered(line)
        else:
            self._next_step()  # an older primary doesn't know every REPLCONF

    def _psync_answered(self, line: bytes) -> None:
        words = line.split() or [b""]
        history = self._history
        if self.failing_over:
            self.failing_over = False
            if line.startswith(b"-"):
                self.problem = "the other side did not take over"
                self._engine.host.log("Failover target rejected psync request: " + _shown(line))
                history.failover_answered(False)
                return
            history.failover_answered(True)
        if words[0] == b"+FULLRESYNC" and len(words) == 3 and _is_offset(words[2]):
            self._history_id = words[1]
            self._offset = int(words[2])
            self.state = SYNC
            self.snapshot_bytes = 0
            self.snapshot_received = 0
            self._mark = b""
        elif words[0] == b"+CONTINUE":
            if len(words) > 1 and words[1] != history.id:
                history.rename(words[1])
                history.disconnect_replicas()
            history.keep_backlog()
            self.state = CONNECTED
            self.acknowledge()
        else:
            self._fail("the primary answered PSYNC with " + _shown(line))

    # -- snapshot -----------------------------------------------------------------------------------------------------

    def _announced(self, line: bytes) -> None:
        """``$`` and the size of the snapshot, or the mark at its end."""
        if line.startswith(b"$EOF:") and len(line) == 5 + _MARK_BYTES:
            self._mark = line[5:]
        elif line.startswith(b"$") and line[1:].isdigit() and int(line[1:]) > 0:
            self.snapshot_bytes = int(line[1:])
        else:
            self._fail("in place of a snapshot the primary sent " + _shown(line))

    def _take_snapshot(self, data: bytes) -> bytes:
        """Part of the snapshot; what follows it."""
        if self._mark:
            self._pieces.append(data)
            self.snapshot_received += len(data)
            tail = self._tail + data[-_MARK_BYTES:]
            self._tail = tail[-_MARK_BYTES:]
            if self._tail != self._mark:  # nothing follows the mark until we have acknowledged
                return b""
            self._drop_mark()
            self._load(b"".join(self._pieces))
            return b""
        missing = self.snapshot_bytes - self.snapshot_received
        self._pieces.append(data[:missing])
        self.snapshot_received += min(missing, len(data))
        if self.snapshot_received == self.snapshot_bytes:
            self._load(b"".join(self._pieces))
        return data[missing:]

    def _drop_mark(self) -> None:
        """Take the mark away from the last pieces."""
        missing = _MARK_BYTES
        while missing:
            piece = self._pieces.pop()
            if len(piece) > missing:
                self._pieces.append(piece[:-missing])
                return
            missing -= len(piece)

    def _load(self, data: bytes) -> None:
        self._pieces = []
        self._tail = b""
        try:
            self._load_from(Loading(self._loader, data, drops_expired=False))
        except BadData as problem:
            self._fail(f"the primary's snapshot can't be loaded: {problem}")

    def _load_from(self, loading: Loading | None) -> None:
        """Begin to read a snapshot, or end it. Meanwhile clients get LOADING, unless old data may serve them."""
        self._loading = loading
        if loading is not None and self._engine.config.get("repl-diskless-load") != "swapdb":
            self._engine.blocked_by |= BLOCKED_BY_LOADING
        else:
            self._engine.blocked_by &= ~BLOCKED_BY_LOADING

    def _adopt(self, loaded: Loaded) -> None:
        """Take over the snapshot's data and its place in the history."""
        engine = self._engine
        self._load_from(None)
        self._history.disconnect_replicas()
        self._history.adopt(self._history_id, self._offset)
        session = self.session
        if session is not None:
            stream_db = loaded.notes.get(b"repl-stream-db", b"0")
            index = int(stream_db) if stream_db.isdigit() else 0
            session.caller.db = engine.databases[index if index < len(engine.databases) else 0]
        self.state = CONNECTED
        self._history.log_switch.restart()
        self.acknowledge()
        after = self._after
        self._after = []
        if after:
            self._apply(b"".join(after))

    # -- stream -------------------------------------------------------------------------------------------------------

    def _apply(self, data: bytes) -> None:
        session = self.session
        if session is None:
            return
        engine = self._engine
        parser = session.parser
        if data:
            parser.feed(data)
            session.bytes_in += len(data)
            self._applied.append(data)
        engine.actor = session
        done = 0
        try:
            while not self.wants_close:
                args = parser.next_command() if self._held is None else self._held
                if args is None:
                    break
                is_paused = engine.blocked_by & BLOCKED_BY_PAUSE
                self._held = args if is_paused and self._pause.holds_stream(session, args) else None
                if self._held is not None:
                    break
                self._unit_bytes += parser.request_bytes
                reply = session.execute(args)
                if reply.startswith(b"-"):
                    self._diverged(args[0], reply)
                if session.transaction is None:
                    done += self._unit_bytes
                    self._history.offset += self._unit_bytes
                    self._unit_bytes = 0
        except ProtocolError as error:
            self._fail("the primary's stream is broken: " + error.reason.decode(errors="replace"))
        engine.actor = None
        if done:
            self._repeat(done)
        session.take_output()

    def _diverged(self, name: bytes, reply: bytes) -> None:
        """The primary ran a command that fails here: the data may differ from now on."""
        history = self._history
        history.unexpected_errors += 1
        if history.unexpected_errors <= _ERRORS_LOGGED_MAX:
            code = _shown(reply[1:].split(b" ", 1)[0])
            what = f"'{code}' after processing the command '{_shown(name)}'"
            self._engine.host.log(f"== CRITICAL == This replica is sending an error to its primary: {what}")

    def _repeat(self, size: int) -> None:
        """The next ``size`` bytes received are part of the history: send them to this engine's replicas."""
        pieces: list[bytes] = []
        while size > 0:
            piece = self._applied[0]
            if len(piece) <= size:
                pieces.append(piece)
                del self._applied[0]
                size -= len(piece)
            else:
                pieces.append(piece[:size])
                self._applied[0] = piece[size:]
                size = 0
        self._history.repeat(b"".join(pieces))


def _shown(line: bytes) -> str:
    return line[:200].decode(errors="replace")


def _is_offset(word: bytes) -> bool:
    return word.isdigit() and integer_or_none(word) is not None  # of 64 bits
