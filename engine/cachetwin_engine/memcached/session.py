"""One connection's conversation, without a socket: requests in, replies out.

A request is a line, with a value behind it where the command stores one. The session cuts the stream into them and calls
the handler of the command; handlers are in ``commands/``. A stream that begins with the byte 0x80 is of the binary
protocol and goes to ``binary``'s handler as whole frames.
"""

from collections.abc import Callable
from typing import Final, final

from mypy_extensions import i64

from cachetwin_engine.memcached.items.store import SET, Store
from cachetwin_engine.memcached.items.watchers import Watcher
from cachetwin_engine.memcached.numbers import unsigned_32
from cachetwin_engine.memcached.plain import GET, META_GET, META_SET, NEITHER, PlainRequest, store_reply, value_reply
from cachetwin_engine.memcached.plain_meta import meta_store_reply, meta_value_reply
from cachetwin_engine.memcached.server_state import Client, ServerState
from cachetwin_engine.memcached.settings import Settings
from cachetwin_engine.receiver import SocketSession

ERROR: Final = b"ERROR\r\n"
LINE_BYTES_MAX: Final = 2048
"""Longest request without its end, but for a get of many keys."""

KEYS_BYTES_MAX: Final = 8 * 1024 * 1024
"""Longest get of many keys. memcached has no limit here."""

OUTPUT_BYTES_MAX: Final = 1024 * 1024
"""Replies made at once; the shell asks for more when the client has taken them."""

PLAIN_VALUE_BYTES_MAX: Final = 512
"""Largest value of a set that is stored without asking first whether memcached would read it at all: every -I allows it."""

AUTH_BYTES_MAX: Final = 16384
"""Longest user and password that memcached 1.6.45 reads (proto_text.c, MAX_AUTH_REQ_LEN)."""

FRAME_BYTES: Final = 24
BINARY_MAGIC: Final = 0x80

_LINE: Final = 0
_VALUE: Final = 1
_SWALLOW: Final = 2


def _same(left: bytes, right: bytes) -> bool:
    """Whether they are equal, in a time that does not tell how much of them is."""
    if len(left) != len(right):
        return False
    difference: i64 = 0
    at: i64 = 0
    while at < len(left):
        difference |= left[at] ^ right[at]
        at += 1
    return difference == 0


Handler = Callable[["Session", list[bytes]], bytes]
ValueHandler = Callable[["Session", bytes, bool], bytes]
FrameHandler = Callable[["Session", bytes, bytes], bytes]
Continuation = Callable[["Session"], bytes]


@final
class Session(Client, SocketSession):
    """The state of one connection.

    After ``feed``, ``needs_shell`` tells that something is to be done beside writing the reply: ``closing`` (close when it
    is written), or ``has_more`` (feed an empty piece when the client has taken it).
    """

    def __init__(
        self,
        state: ServerState,
        handlers: dict[bytes, Handler],
        frame_handler: FrameHandler,
        descriptor: int,
        address: bytes,
        listen_address: bytes,
    ) -> None:
        super().__init__(descriptor, address, listen_address, state.store.now)
        self.state = state
        self.store: Store = state.store
        self.settings: Settings = state.settings
        self.peer = (b"", 0, b"local")  # address, port and transport
        self.bytes_in = 0
        self.authenticated = not state.settings.auth_file
        self.noreply = False
        self.closing = False
        self.close_reason = b"normal"
        self.has_more = False
        self.has_unsent = False  # replies to earlier requests that were not written yet
        self.needs_shell = False
        self.watcher: Watcher | None = None
        self.dump: object = None  # of the crawler, that this client receives
        self._handlers = handlers
        self._frame_handler = frame_handler
        self._buffer = b""
        self._pos: i64 = 0
        self._scanned: i64 = 0  # bytes of the buffer without the end of a line
        self._chunks: list[bytes] = []  # pieces of a large value
        self._held: i64 = 0
        self._state: i64 = _LINE
        self._need: i64 = 0
        self._on_value: ValueHandler | None = None
        self._continue: Continuation | None = None
        self._binary = state.settings.protocol == b"binary"
        self._negotiates = state.settings.protocol == b"auto-negotiate"
        self._auth_bytes: i64 = -1
        self._replies_max: i64 = state.settings.replies_max
        self._plain = PlainRequest()
        self._set_value_fields()

    def _set_value_fields(self) -> None:
        """What is known of a value that is being received."""
        self.key = b""
        self.flags: i64 = 0
        self.exptime: i64 = 0
        self.mode: i64 = 0
        self.cas = 0
        self.new_cas = 0
        self.bits: i64 = 0
        self.takes_stale = False
        self.words: list[bytes] = []
        self.frame = b""  # the header of the binary protocol
        self.keys_left: list[bytes] = []
        self.next_key: i64 = 0

    # For handlers

    def receive(self, size: i64, on_value: ValueHandler) -> None:
        """Read a value of ``size`` bytes, and a line end in the text protocols, then call ``on_value``."""
        self._need = size if self._binary else size + 2
        self._on_value = on_value
        self._state = _VALUE

    def swallow(self, size: i64) -> None:
        """Skip this many bytes of what the client sends."""
        self._need = size
        self._state = _SWALLOW if size > 0 else _LINE

    def go_on(self, step: Continuation) -> None:
        """Call ``step`` for more output until it calls ``done``; further requests wait."""
        self._continue = step

    def done(self) -> None:
        """The output of ``go_on`` is complete."""
        self._continue = None

    def end(self, reason: bytes) -> None:
        """Close the connection when what was written is sent."""
        self.closing = True
        self.close_reason = reason

    def state_name(self) -> bytes:
        """What ``stats conns`` shows."""
        if self.watcher is not None:
            return b"conn_watch"
        if self._state == _VALUE:
            return b"conn_nread"
        return b"conn_swallow" if self._state == _SWALLOW else b"conn_read"

    # For the shell

    def feed(self, data: bytes) -> bytes:
        """Take in what the client sent; the replies so far."""
        self.bytes_in += len(data)
        counters = self.store.counters
        counters.bytes_read += len(data)
        if self.store.watchers.mask:
            self.store.watchers.descriptor = self.descriptor
        if self._chunks:
            self._chunks.append(data)
            self._held += len(data)
            if self._held < self._need:
                return b""
            self._buffer = b"".join(self._chunks)
            self._chunks = []
            self._pos = 0
        elif self._pos >= len(self._buffer):
            if self._state == _LINE and self._continue is None and self._reads_plain():
                what = self._plain.read(data, 0, PLAIN_VALUE_BYTES_MAX)
                if what != NEITHER and self._plain.end == len(data):
                    return self._answer_alone(what)
            self._buffer = data
            self._pos = 0
        elif data:
            self._buffer = self._buffer[self._pos :] + data
            self._pos = 0
        reply = self._run()
        counters.bytes_written += len(reply)
        return reply

    def take_output(self) -> bytes:
        """What a watcher is to be sent."""
        return b"" if self.watcher is None else self.watcher.take()

    def _run(self) -> bytes:
        out: list[bytes] = []
        written: i64 = 0
        requests: i64 = 0
        self.has_more = False
        while True:
            step = self._continue
            self.has_unsent = written > 0
            if step is not None:
                reply = step(self)
            elif self._state == _LINE:
                if self._pos >= len(self._buffer) or self.closing or self.watcher is not None:
                    break
                if requests == self.settings.requests_per_event:
                    self.store.counters.yields += 1
                    self.has_more = True
                    break
                requests += 1
                if self._binary:
                    part = self._next_frame()
                elif not self.authenticated:
                    part = self._authenticate()
                else:
                    part = self._next_line()
                if part is None:
                    break
                reply = part
            elif not self._has_needed():
                break
            elif self._state == _SWALLOW:
                self._pos += self._need
                self._state = _LINE
                continue
            else:
                reply = self._take_value()
            if reply:
                out.append(reply)
                if self._replies_max > 0 and len(out) > self._replies_max:
                    self.store.counters.replies_without_memory += 1
                    self.end(b"error")
                    out.clear()
                    break
                written += len(reply)
                if written > OUTPUT_BYTES_MAX:
                    self.has_more = True
                    break
        self.needs_shell = self.closing or self.has_more or self.store.watchers.pending
        if self._pos >= len(self._buffer):
            self._buffer = b""
            self._pos = 0
        return out[0] if len(out) == 1 else b"".join(out)

    def _has_needed(self) -> bool:
        """Whether the value is here, or as much of the bytes to skip as there are was skipped."""
        available: i64 = len(self._buffer) - self._pos
        if available >= self._need:
            return True
        if self._state == _SWALLOW:
            self._need -= available
            self._pos += available
        elif available > 0 or self._need > 0:
            self._chunks = [self._buffer[self._pos :]]
            self._held = available
            self._buffer = b""
            self._pos = 0
        return False

    def _take_value(self) -> bytes:
        handler = self._on_value
        if handler is None:
            return b""
        buffer, begin = self._buffer, self._pos
        end = begin + self._need
        self._pos = end
        self._state = _LINE
        if self._binary:
            return handler(self, buffer[begin:end], True)
        ends_well = buffer[end - 2] == 13 and buffer[end - 1] == 10
        return handler(self, buffer[begin : end - 2], ends_well)

    def _next_line(self) -> bytes | None:
        """Run the next line; None until there is one."""
        buffer, begin = self._buffer, self._pos
        if self._negotiates:
            self._negotiates = False
            if buffer[begin] == BINARY_MAGIC:
                self._binary = True
                return b""
        if self._scanned == 0 and self._reads_plain():
            what = self._plain.read(buffer, begin, PLAIN_VALUE_BYTES_MAX)
            if what != NEITHER:
                return self._answer_plain(what)
        end: i64 = buffer.find(b"\n", begin + self._scanned)
        if end < 0:
            self._scanned = len(buffer) - begin
            if self._scanned > LINE_BYTES_MAX:
                self._check_long_line(buffer[begin : begin + 110])
            return None
        self._scanned = 0
        self._pos = end + 1
        if end - begin > 1 and buffer[end - 1] == 13:
            end -= 1
        self.last_command = self.store.now
        return self._command(buffer[begin:end])

    def _answer_plain(self, what: i64) -> bytes:
        """Answer the request that ``_plain`` has read."""
        request, store = self._plain, self.store
        self._pos = request.end
        self.last_command = store.now
        if what == GET:
            return value_reply(store, request.key)
        if what == META_GET:
            return meta_value_reply(store, request)
        if what == META_SET:
            return meta_store_reply(store, request)
        return store_reply(store, request.key, request.value, request.flags, store.expiry(request.exptime), SET, 0)

    def _reads_plain(self) -> bool:
        """Whether ``_plain`` may read the next request."""
        ready = self.authenticated and not self._binary and not self._negotiates and not self.settings.detail_enabled
        return ready and not self.closing and self.watcher is None

    def _answer_alone(self, what: i64) -> bytes:
        """``_run`` for a client that waits for each answer: ``_plain`` has read all there is."""
        reply = self._answer_plain(what)
        self._pos = 0
        self.store.counters.bytes_written += len(reply)
        self.has_more = False
        self.has_unsent = False
        self.needs_shell = self.store.watchers.pending
        return reply

    def _check_long_line(self, start: bytes) -> None:
        """Only a get may be longer than ``LINE_BYTES_MAX``."""
        word = start.lstrip(b" ")
        if len(start) - len(word) > 100 or self._scanned > KEYS_BYTES_MAX or not (word.startswith((b"get ", b"gets "))):
            self.end(b"error")

    def _command(self, line: bytes) -> bytes:
        if 0 in line:
            line = line[: line.find(b"\0")]
        words = line.split(b" ")
        if b"" in words:
            words = [word for word in words if word]
        self.noreply = False
        if (not words or len(line) < 2) and self.settings.is_1_6_45:
            return b"CLIENT_ERROR bad command line format\r\n"
        if not words or len(words[0]) < 2:
            return ERROR
        handler = self._handlers.get(words[0])
        if handler is not None:
            return handler(self, words)
        if words[-1].startswith(b"HTTP/"):
            self.end(b"error")
            return b""
        return ERROR

    def _next_frame(self) -> bytes | None:
        """Run the next frame of the binary protocol; None until its header, extras and key are here."""
        buffer, begin = self._buffer, self._pos
        if len(buffer) - begin < FRAME_BYTES:
            return None
        if buffer[begin] != BINARY_MAGIC:
            self.end(b"error")
            return None
        key_bytes: i64 = (i64(buffer[begin + 2]) << 8) | buffer[begin + 3]
        end = begin + FRAME_BYTES + key_bytes + buffer[begin + 4]
        if len(buffer) < end:
            return None
        self._pos = end
        self.noreply = False
        self.last_command = self.store.now
        return self._frame_handler(self, buffer[begin : begin + FRAME_BYTES], buffer[begin + FRAME_BYTES : end])

    # Authentication by a file of users: a set whose value is "user password" (proto_text.c, try_read_command_asciiauth)

    def _authenticate(self) -> bytes | None:
        if self._auth_bytes < 0:
            line = self._auth_line()
            if line is None:
                return None
            words = [word for word in line.split(b" ") if word]
            if len(words) < 5 or words[0] != b"set" or unsigned_32(words[4]) < 0:
                return b"CLIENT_ERROR unauthenticated\r\n"
            if self.settings.is_1_6_45 and unsigned_32(words[4]) > AUTH_BYTES_MAX:
                return b"CLIENT_ERROR auth token too long\r\n"
            self._auth_bytes = unsigned_32(words[4]) + 2
            if self._auth_bytes > LINE_BYTES_MAX:
                self.end(b"error")
                return None
        if len(self._buffer) - self._pos < self._auth_bytes:
            return None
        end = self._pos + self._auth_bytes
        token = self._buffer[self._pos : end]
        self._pos = end
        self._auth_bytes = -1
        return self._check_token(token)

    def _auth_line(self) -> bytes | None:
        end: i64 = self._buffer.find(b"\n", self._pos)
        if end < 0:
            if len(self._buffer) - self._pos > LINE_BYTES_MAX:
                self.end(b"error")
            return None
        line = self._buffer[self._pos : end]
        self._pos = end + 1
        return line

    def _check_token(self, token: bytes) -> bytes:
        if token[-2:] != b"\r\n":
            return b"CLIENT_ERROR bad command line termination\r\n"
        words = [word for word in token[:-2].split(b" ") if word]
        if len(words) < 2:
            return b"CLIENT_ERROR bad authentication token format\r\n"
        self.store.counters.auth_commands += 1
        for user, password in self.state.credentials:
            if _same(user, words[0]) and _same(password, words[1]):
                self.authenticated = True
                return b"STORED\r\n"
        self.store.counters.auth_errors += 1
        return b"CLIENT_ERROR authentication failure\r\n"
