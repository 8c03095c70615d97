"""The RESP request parser: bytes in, commands out, no I/O.

A request is an array of bulk strings, or an inline line. The parser keeps its place inside a half-received request, so no
byte is looked at twice, and the pieces of a large argument become it without being copied again (``large_argument``).
Limits and texts are Valkey's (networking.c): 64 KiB for a line, 2**31-1 arguments, ``proto-max-bulk-len`` for one
argument, and before authentication 10 arguments of 16 KiB.
"""

from typing import Final, final

from mypy_extensions import i64

from .errors import ProtocolError
from .large_argument import LargeArgument

RESERVED_BYTES_MIN: Final = 32 * 1024
INLINE_BYTES_MAX: Final = 64 * 1024
ARGUMENTS_MAX: Final = 2**31 - 1
UNAUTHENTICATED_ARGUMENTS_MAX: Final = 10
UNAUTHENTICATED_BULK_BYTES_MAX: Final = 16384

_CR: Final = 13
_LF: Final = 10
_STAR: Final = 42
_DOLLAR: Final = 36
_ZERO: Final = 48
_NINE: Final = 57

_NO_LINE_END: Final = b"invalid CRLF in request"
_NAME_BYTES_MAX: Final = 32  # of a name that is kept for the next command
_PLACES: Final[list[bytes]] = [b""]  # times n: room for n arguments, which costs less than letting a list grow
_PLACES_MAX: Final = 1024  # made at once; a request that announces more may never send them
_NO_ARGUMENTS: Final[list[bytes]] = []


@final
class RespParser:
    """Feed it what arrives; take commands until it answers None."""

    def __init__(self, bulk_bytes_max: int) -> None:
        self.bulk_bytes_max = bulk_bytes_max
        self.authenticated = True
        self.wants_line_ends = False  # reject other bytes where CR LF belong; without it they are skipped unread
        self.mixes_quotes = False  # accept inline words that are quoted in parts
        self._buffer = b""
        self._pos: i64 = 0
        self._args = _NO_ARGUMENTS  # of the current request, empty where they are still to come
        self._received: i64 = 0
        self._missing: i64 = 0  # arguments of the current request still to come
        self._name = b""  # of the last command: the next one is often the same, and then it is this very object
        self._bulk: i64 = -1  # size of the argument being received, -1 between arguments
        self._large: LargeArgument | None = None  # the argument being received, if it is large and was not all there
        self._held: i64 = 0  # bytes of the current request that earlier calls have parsed
        self.request_bytes: i64 = 0  # size on the wire of the request that was returned last

    def feed(self, data: bytes) -> None:
        """Take ``data`` in. It is parsed by ``next_command``."""
        large = self._large
        if large is not None and large.missing > 0:
            taken = large.add(data)
            self._held += taken
            if taken == len(data):
                return
            data = data[taken:]
        if self._pos >= len(self._buffer):
            self._buffer = data
        else:
            self._buffer = self._buffer[self._pos :] + data
        self._pos = 0

    def buffered(self) -> int:
        """Bytes held that have not become a command yet: what the query buffer limit counts."""
        held: i64 = self._arrived()
        for arg in self._args:
            held += len(arg)
        return held

    def reserved(self) -> int:
        """The same, with all of a large argument that has been announced: what Valkey makes room for (networking.c)."""
        held: i64 = self.buffered()
        if self._missing > 0 and self._bulk >= RESERVED_BYTES_MIN:
            arrived: i64 = self._arrived()
            if self._bulk > arrived:
                return held + self._bulk - arrived
        return held

    def _arrived(self) -> i64:
        """Bytes of the argument being received, and what lies behind it."""
        arrived: i64 = len(self._buffer) - self._pos
        return arrived if self._large is None else arrived + self._large.received

    def next_command(self) -> list[bytes] | None:
        """Next complete command, or None until more bytes arrive. Empty requests are skipped.

        Raises ProtocolError if no further bytes can make this valid.
        """
        large = self._large
        if large is not None and large.missing > 0:
            return None
        buffer = self._buffer
        start: i64 = self._pos  # of the bytes of this request that are not in _held
        if self._missing == 0:
            args = self._short_request(buffer, start)
            if args is not None:
                return args
        while self._missing == 0:
            start = self._pos
            if start >= len(buffer):
                return None
            if buffer[start] != _STAR:
                line = self._inline()
                self.request_bytes = self._pos - start
                if line is None or line:
                    return line
            elif not self._read_array_header(buffer):
                return None
        return self._read_arguments(buffer, start)

    def _short_request(self, buffer: bytes, start: i64) -> list[bytes] | None:
        """The request at ``start`` if it is complete and has two to four arguments below 100 bytes, as most have.

        None if it is not, and then nothing has been read.
        """
        # Without a list that is filled place by place and without state that is kept between two calls: a GET takes 200
        # instructions less than by the readers below, of 3,000.
        end: i64 = len(buffer)
        if start + 4 >= end or buffer[start] != _STAR or buffer[start + 2] != _CR or buffer[start + 3] != _LF:
            return None
        count: i64 = i64(buffer[start + 1]) - _ZERO
        if count < 2 or count > 4:
            return None
        size: i64 = _short_bulk(buffer, start + 4, end)
        if size < 0:
            return None
        at: i64 = start + (8 if size < 10 else 9)
        after: i64 = at + size
        name = self._name
        if size != len(name) or not _is_at(buffer, at, name):
            name = buffer[at:after]
            if size <= _NAME_BYTES_MAX:
                self._name = name
        size = _short_bulk(buffer, after + 2, end)
        if size < 0:
            return None
        at = after + (6 if size < 10 else 7)
        after = at + size
        second = buffer[at:after]
        if count == 2:
            self._pos = after + 2
            self.request_bytes = after + 2 - start
            return [name, second]
        size = _short_bulk(buffer, after + 2, end)
        if size < 0:
            return None
        at = after + (6 if size < 10 else 7)
        after = at + size
        third = buffer[at:after]
        if count == 4:
            size = _short_bulk(buffer, after + 2, end)
            if size < 0:
                return None
            at = after + (6 if size < 10 else 7)
            after = at + size
        self._pos = after + 2
        self.request_bytes = after + 2 - start
        return [name, second, third] if count == 3 else [name, second, third, buffer[at:after]]

    # Readers of one piece each have three outcomes: it was read and stepped over; more bytes are needed (False, or a place
    # of 0); ProtocolError, when no further bytes can make it valid.

    def _read_array_header(self, buffer: bytes) -> bool:
        """Read ``*COUNT``: the number of arguments, and room for them."""
        pos: i64 = self._pos
        end: i64 = len(buffer)
        count: i64 = _short_number(buffer, pos + 1, end)
        if count > 0 and (self.authenticated or count <= UNAUTHENTICATED_ARGUMENTS_MAX):
            self._pos = pos + 4 if count < 10 else pos + 5
            self._missing = count
            self._received = 0
            self._args = _places(count)
            return True
        count, after = _number(buffer, pos + 1, end)
        if after <= 0:
            self._check_unread_header(_STAR, after < 0, b"invalid multibulk length", b"too big mbulk count string")
            return False
        if self.wants_line_ends and buffer[after - 1] != _LF:
            raise ProtocolError(_NO_LINE_END)
        if count > ARGUMENTS_MAX:
            raise ProtocolError(b"invalid multibulk length")
        if count > UNAUTHENTICATED_ARGUMENTS_MAX and not self.authenticated:
            raise ProtocolError(b"unauthenticated multibulk length")
        self._pos = after
        if count > 0:
            self._missing = count
            self._received = 0
            self._args = _places(count)
        return True

    def _read_arguments(self, buffer: bytes, start: i64) -> list[bytes] | None:
        """Read the arguments that are missing: the request once all are there, None until then.

        ``start`` is where the request's bytes in ``buffer`` begin. An argument that is both large and incomplete becomes
        a ``LargeArgument``, of which ``buffer`` has no more than the line end when all of it has arrived.
        """
        if self._large is not None and not self._end_large_argument(buffer, self._large):
            return None
        # One loop over local variables: a call for each argument took 5 ns of 20 (benchmarks/session_feed.py).
        args = self._args
        end: i64 = len(buffer)
        pos: i64 = self._pos
        size: i64 = self._bulk
        missing: i64 = self._missing
        received: i64 = self._received
        while missing > 0:
            if size < 0:
                if pos + 1 < end and buffer[pos] == _DOLLAR:
                    size = _short_number(buffer, pos + 1, end)
                if size >= 0:
                    pos += 4 if size < 10 else 5
                else:
                    self._pos = pos
                    size, pos = self._read_bulk_header(buffer, pos, end)
                    if pos == 0:
                        pos = self._pos
                        size = -1
                        break
            after: i64 = pos + size
            if after + 2 > end:
                if size >= INLINE_BYTES_MAX:
                    self._large = LargeArgument(size)
                    pos += self._large.add(buffer[pos:])
                break
            if self.wants_line_ends and (buffer[after] != _CR or buffer[after + 1] != _LF):
                raise ProtocolError(_NO_LINE_END)
            if received == 0:
                name = self._name
                if size != len(name) or not _is_at(buffer, pos, name):
                    name = buffer[pos:after]
                    if size <= _NAME_BYTES_MAX:
                        self._name = name
                args[0] = name
            elif received < _PLACES_MAX:
                args[received] = buffer[pos:after]
            else:
                args.append(buffer[pos:after])
            received += 1
            missing -= 1
            size = -1
            pos = after + 2
        self._pos = pos
        self._bulk = size
        self._missing = missing
        if missing > 0:
            self._received = received
            self._held += pos - start
            return None
        self.request_bytes = self._held + pos - start
        self._held = 0
        self._args = _NO_ARGUMENTS
        return args

    def _end_large_argument(self, buffer: bytes, large: LargeArgument) -> bool:
        """Read the line end behind ``large``, all of which is there."""
        pos: i64 = self._pos
        if pos + 2 > len(buffer):
            return False
        if self.wants_line_ends and (buffer[pos] != _CR or buffer[pos + 1] != _LF):
            raise ProtocolError(_NO_LINE_END)
        if self._received < _PLACES_MAX:
            self._args[self._received] = large.value()
        else:
            self._args.append(large.value())
        self._large = None
        self._received += 1
        self._missing -= 1
        self._bulk = -1
        self._pos = pos + 2
        return True

    def _read_bulk_header(self, buffer: bytes, pos: i64, end: i64) -> tuple[i64, i64]:
        """Read ``$SIZE`` at ``pos``: the size and the place behind it, 0 while more is needed."""
        if pos >= end:
            return 0, 0
        if buffer[pos] != _DOLLAR:
            self._check_unread_header(_DOLLAR, True, _no_bulk(buffer[pos]), b"too big bulk count string")
            return 0, 0
        size, after = _number(buffer, pos + 1, end)
        if after <= 0:
            self._check_unread_header(_DOLLAR, after < 0, b"invalid bulk length", b"too big bulk count string")
            return 0, 0
        if self.wants_line_ends and buffer[after - 1] != _LF:
            raise ProtocolError(_NO_LINE_END)
        if size < 0 or size > self.bulk_bytes_max:
            raise ProtocolError(b"invalid bulk length")
        if size > UNAUTHENTICATED_BULK_BYTES_MAX and not self.authenticated:
            raise ProtocolError(b"unauthenticated bulk length")
        return size, after

    def _check_unread_header(self, kind: int, is_wrong: bool, text: bytes, too_long: bytes) -> None:
        """Raise ProtocolError if the header at the current place can't become a valid one of its ``kind``.

        ``text`` says what is wrong with it, once its line has ended.
        """
        buffer = self._buffer
        pos: i64 = self._pos
        if is_wrong and _line_is_complete(buffer, pos):
            if self.wants_line_ends and buffer[pos] == kind and not _line_ends_well(buffer, pos):
                raise ProtocolError(_NO_LINE_END)
            raise ProtocolError(text)
        if len(buffer) - pos > INLINE_BYTES_MAX:
            raise ProtocolError(too_long)

    def _inline(self) -> list[bytes] | None:
        """The words of one line at the current place; None until its end arrives, an empty list for a blank one."""
        end = self._buffer.find(b"\n", self._pos)
        if end < 0:
            if len(self._buffer) - self._pos > INLINE_BYTES_MAX:
                raise ProtocolError(b"too big inline request")
            return None
        line = self._buffer[self._pos : end]
        if len(line) > INLINE_BYTES_MAX:
            raise ProtocolError(b"too big inline request")
        self._pos = end + 1
        words = split_words(line[:-1] if line.endswith(b"\r") else line, self.mixes_quotes)
        if words is None:
            raise ProtocolError(b"unbalanced quotes in request")
        return words


def _places(count: i64) -> list[bytes]:
    """Room for ``count`` arguments, as far as it is made at once."""
    if count == 2:
        return [b"", b""]  # what most requests need, without a loop
    if count == 3:
        return [b"", b"", b""]
    return _PLACES * (count if count < _PLACES_MAX else _PLACES_MAX)


def _line_is_complete(buffer: bytes, pos: i64) -> bool:
    """Whether the line that begins at ``pos`` has ended. Errors in it are reported only then, as Valkey does."""
    end = buffer.find(b"\r", pos)
    return 0 <= end < len(buffer) - 1


def _line_ends_well(buffer: bytes, pos: i64) -> bool:
    """Whether the complete line that begins at ``pos`` ends in CR LF."""
    return buffer[buffer.find(b"\r", pos) + 1] == _LF


def _no_bulk(first: int) -> bytes:
    """What is wrong with a line that begins with ``first`` where a bulk's header belongs."""
    return b"expected '$', got '%c'" % (32 if first in {10, 13} else first)


def _is_at(buffer: bytes, pos: i64, word: bytes) -> bool:
    """Whether ``buffer``, which has as many bytes there, holds ``word`` at ``pos``."""
    at: i64 = 0
    size: i64 = len(word)
    while at < size:
        if buffer[pos + at] != word[at]:
            return False
        at += 1
    return True


def _short_number(buffer: bytes, pos: i64, end: i64) -> i64:
    """The number at ``pos`` if it has one or two digits and CR LF behind them, as nearly all have, else -1.

    Only where another byte follows, which spares a check of the buffer's end.
    """
    if pos + 3 >= end:
        return -1
    first: i64 = buffer[pos]
    second: i64 = buffer[pos + 1]
    if first < _ZERO or first > _NINE:
        return -1
    if second == _CR:
        if buffer[pos + 2] != _LF:
            return -1
        return first - _ZERO
    if first == _ZERO or second < _ZERO or second > _NINE or buffer[pos + 2] != _CR or buffer[pos + 3] != _LF:
        return -1
    return (first - _ZERO) * 10 + (second - _ZERO)


def _short_bulk(buffer: bytes, pos: i64, end: i64) -> i64:
    """The size of the bulk whose header is at ``pos``, if that is below 100 and all of it is there, else -1."""
    if pos + 5 >= end or buffer[pos] != _DOLLAR:
        return -1
    size: i64 = i64(buffer[pos + 1]) - _ZERO
    second: i64 = buffer[pos + 2]
    if size < 0 or size > 9:
        return -1
    pos += 3
    if second != _CR:
        if size == 0 or second < _ZERO or second > _NINE or buffer[pos] != _CR:
            return -1
        size = size * 10 + (second - _ZERO)
        pos += 1
    after: i64 = pos + 1 + size
    if buffer[pos] != _LF or after + 1 >= end or buffer[after] != _CR or buffer[after + 1] != _LF:
        return -1
    return size


def _number(buffer: bytes, pos: i64, end: i64) -> tuple[i64, i64]:
    """The decimal number at ``pos`` up to CR LF: (value, place after it).

    The place is 0 while the line is incomplete and -1 when it is no number.
    """
    value: i64 = 0
    start: i64 = pos
    negative = False
    byte: i64 = 0
    if pos < end and buffer[pos] == 45:
        negative = True
        pos += 1
        start = pos
    while pos < end:
        byte = buffer[pos]
        if byte < 48 or byte > 57:
            if byte != _CR or pos == start:
                return value, -1
            if buffer[start] == 48 and (pos - start > 1 or negative):
                return value, -1  # one way of writing each number
            if pos + 1 >= end:
                return value, 0
            return -value if negative else value, pos + 2
        if pos - start > 17:
            return value, -1
        value = value * 10 + (byte - 48)
        pos += 1
    return value, 0


def split_words(line: bytes, mixes_quotes: bool = False) -> list[bytes] | None:
    r"""The words of an inline request: blanks separate, "..." takes \n \r \t \b \a \xHH escapes, '...' only \'.

    None when a quote stays open or, unless a word ``mixes_quotes`` with others and plain text, is followed by no blank.
    """
    words: list[bytes] = []
    pos = 0
    end = len(line)
    while True:
        while pos < end and line[pos] in _BLANKS:
            pos += 1
        if pos >= end:
            return words
        word = bytearray()
        while pos < end and line[pos] not in _BLANKS:
            quote = line[pos]
            if quote not in _QUOTES:
                word.append(quote)
                pos += 1
                continue
            pos = _quoted(line, pos, word)
            if pos < 0 or (pos < end and line[pos] not in _BLANKS and not mixes_quotes):
                return None
        words.append(bytes(word))


def _quoted(line: bytes, pos: int, word: bytearray) -> int:
    """Append the quoted text that opens at ``pos`` to ``word``; the place after the closing quote, -1 if none."""
    quote = line[pos]
    pos += 1
    end = len(line)
    while pos < end:
        byte = line[pos]
        if byte == quote:
            return pos + 1
        if byte == 92 and pos + 1 < end:
            escaped = line[pos + 1]
            if quote == 34:
                if escaped == 120 and pos + 3 < end and line[pos + 2] in _HEX and line[pos + 3] in _HEX:
                    word.append(int(line[pos + 2 : pos + 4], 16))
                    pos += 4
                    continue
                word.append(_ESCAPES.get(escaped, escaped))
                pos += 2
                continue
            if escaped == 39:
                word.append(39)
                pos += 2
                continue
        word.append(byte)
        pos += 1
    return -1


_BLANKS: Final = b" \t\n\r\v\f\0"
_QUOTES: Final = b"\"'"
_HEX: Final = b"0123456789abcdefABCDEF"
_ESCAPES: Final[dict[int, int]] = {110: 10, 114: 13, 116: 9, 98: 8, 97: 7}
