"""The requests of almost every client: a get of one key, and a set whose value has arrived with it, classic or meta.

``PlainRequest`` reads those of the plainest form in one go: one blank between words, numbers of at most nine digits, no
``noreply``, no control characters; of the meta flags those that show something, and of ``ms`` also T and F. Any other
form is left to the session's general way, which answers the same and takes two to three times the instructions.
``plain_meta`` has the answers to the meta commands.
"""

from typing import Final, final

from mypy_extensions import i64

from cachetwin_engine.memcached import replies
from cachetwin_engine.memcached.discovery import CLUSTER_KEY
from cachetwin_engine.memcached.items.store import EXISTS, NO_MEMORY, NOT_FOUND, STORED, TOO_LARGE, Store
from cachetwin_engine.memcached.items.watchers import MUTATIONS
from cachetwin_engine.memcached.meta_flags import OPAQUE_BYTES_MAX
from cachetwin_engine.memcached.numbers import decimal
from cachetwin_engine.memcached.settings import KEY_BYTES_MAX

_BLANK: Final = 32
_END: Final = 13
_NEW_LINE: Final = 10
_G: Final = 103
_S: Final = 115
_E: Final = 101
_T: Final = 116
_M: Final = 109
_OPAQUE: Final = 79
_TTL: Final = 84
_CLIENT_FLAGS: Final = 70
_LETTERS_FROM: Final = 65
_LETTERS: Final = 58  # A to z
_BEGIN_BYTES: Final = 4  # "get ", "set "
_DIGITS_MAX: Final = 9

_SIZES: Final = 4096
_WITHOUT_FLAGS: Final[list[bytes]] = [b" 0 %d\r\n" % size for size in range(_SIZES)]
"""What is between a key and its value in the answer, by the value's size."""

NEITHER: Final = 0
GET: Final = 1
SET: Final = 2
META_GET: Final = 3
META_SET: Final = 4


def _bits(letters: bytes) -> int:
    """A set of letters."""
    bits = 0
    for letter in letters:
        bits |= 1 << (letter - _LETTERS_FROM)
    return bits


_VALUE_BIT: Final = 1 << 53  # v
_QUIET_BIT: Final = 1 << 48  # q
_FLAGS_OF_GET: Final[int] = _bits(b"vqkOstcf")
_FLAGS_OF_SET: Final[int] = _bits(b"qkOscTF")


@final
class PlainRequest:
    """A request that was read: ``key``, and for a set ``flags``, ``exptime`` and ``value``. ``end`` is where it ends.

    Of a meta command also ``meta_flags``, each with the blank before it.
    """

    def __init__(self) -> None:
        self.key = b""
        self.value = b""
        self.flags: i64 = 0
        self.exptime: i64 = 0
        self.end: i64 = 0
        self.meta_flags = b""
        self.shows_value = False
        self.is_quiet = False
        self._at: i64 = 0
        self._one: i64 = 1  # a literal is shifted in 32 bits by what mypyc makes of it
        self._of_get: i64 = _FLAGS_OF_GET
        self._of_set: i64 = _FLAGS_OF_SET

    def read(self, buffer: bytes, begin: i64, value_bytes_max: i64) -> i64:
        """Read the request at ``begin``, a set only if its value has at most so many bytes: ``GET``, ``SET``,
        ``META_GET``, ``META_SET``, or ``NEITHER`` for one of another form, or that is not complete.
        """
        size: i64 = len(buffer)
        first: i64 = begin + _BEGIN_BYTES
        if size < first + 3:
            return NEITHER
        if buffer[begin] == _M and buffer[begin + 2] == _BLANK:
            return self._read_meta(buffer, begin, value_bytes_max)
        if buffer[begin + 1] != _E or buffer[begin + 2] != _T or buffer[begin + 3] != _BLANK:
            return NEITHER
        at: i64 = first
        while at < size and buffer[at] > _BLANK:
            at += 1
        if at == first or at - first > KEY_BYTES_MAX or at + 2 > size:
            return NEITHER
        if buffer[begin] == _G:
            if buffer[at] != _END or buffer[at + 1] != _NEW_LINE:
                return NEITHER
            self.key = buffer[first:at]
            self.end = at + 2
            return GET
        if buffer[begin] != _S or buffer[at] != _BLANK:
            return NEITHER
        return self._read_set(buffer, first, at, value_bytes_max)

    def _read_set(self, buffer: bytes, first: i64, key_end: i64, value_bytes_max: i64) -> i64:
        self._at = key_end + 1
        flags = self._number(buffer, _BLANK)
        exptime = self._number(buffer, _BLANK)
        value_bytes = self._number(buffer, _END)
        if flags < 0 or exptime < 0 or value_bytes < 0 or not self._read_value(buffer, value_bytes, value_bytes_max):
            return NEITHER
        self.key = buffer[first:key_end]
        self.flags = flags
        self.exptime = exptime
        return SET

    def _read_value(self, buffer: bytes, value_bytes: i64, value_bytes_max: i64) -> bool:
        """Read the line's last byte at ``_at``, and the value behind it; whether it is allowed and all there."""
        begin: i64 = self._at + 1
        end: i64 = begin + value_bytes
        if value_bytes > value_bytes_max or end + 2 > len(buffer):
            return False
        if buffer[begin - 1] != _NEW_LINE or buffer[end] != _END or buffer[end + 1] != _NEW_LINE:
            return False
        self.value = buffer[begin:end]
        self.end = end + 2
        return True

    def _read_meta(self, buffer: bytes, begin: i64, value_bytes_max: i64) -> i64:
        size: i64 = len(buffer)
        first: i64 = begin + 3
        key_end: i64 = first
        while key_end < size and buffer[key_end] > _BLANK:
            key_end += 1
        if key_end == first or key_end - first > KEY_BYTES_MAX or key_end + 2 > size:
            return NEITHER
        self._at = key_end
        if buffer[begin + 1] == _G:
            if not self._read_flags(buffer, self._of_get) or buffer[self._at] != _NEW_LINE:
                return NEITHER
            self.end = self._at + 1
            self.key = buffer[first:key_end]
            return META_GET
        if buffer[begin + 1] != _S or buffer[key_end] != _BLANK:
            return NEITHER
        self._at = key_end + 1
        value_bytes = self._digits(buffer)
        if value_bytes < 0 or not self._read_flags(buffer, self._of_set):
            return NEITHER
        if not self._read_value(buffer, value_bytes, value_bytes_max):
            return NEITHER
        self.key = buffer[first:key_end]
        return META_SET

    def _read_flags(self, buffer: bytes, allowed: i64) -> bool:
        """The flags at ``_at``, which goes to the last byte of the line; False for any but those ``allowed``."""
        size: i64 = len(buffer)
        begin: i64 = self._at
        seen: i64 = 0
        self.flags = 0
        self.exptime = 0
        while self._at + 1 < size and buffer[self._at] == _BLANK:
            letter: i64 = buffer[self._at + 1]
            if letter < _LETTERS_FROM or letter >= _LETTERS_FROM + _LETTERS:
                return False
            bit: i64 = self._one << (letter - _LETTERS_FROM)
            if bit & allowed == 0 or bit & seen != 0:
                return False
            seen |= bit
            self._at += 2
            if letter <= _TTL and not self._read_token(buffer, letter):  # the flags with a token are capital letters
                return False
        at = self._at
        if at + 2 > size or buffer[at] != _END:
            return False
        self.meta_flags = buffer[begin:at]
        self.shows_value = seen & _VALUE_BIT != 0
        self.is_quiet = seen & _QUIET_BIT != 0
        self._at = at + 1
        return True

    def _read_token(self, buffer: bytes, letter: i64) -> bool:
        """What follows this letter at once."""
        if letter == _OPAQUE:
            size: i64 = len(buffer)
            at: i64 = self._at
            while at < size and buffer[at] > _BLANK:
                at += 1
            fits = at - self._at < OPAQUE_BYTES_MAX  # which counts the letter
            self._at = at
            return fits
        number = self._digits(buffer)
        if letter == _TTL:
            self.exptime = number
        elif letter == _CLIENT_FLAGS:
            self.flags = number
        return number >= 0

    def _number(self, buffer: bytes, ends_with: i64) -> i64:
        """The digits at ``_at``, which goes behind the byte that ends them; -1 for what is no such number."""
        number = self._digits(buffer)
        if self._at >= len(buffer) or buffer[self._at] != ends_with:
            return -1
        self._at += 1
        return number

    def _digits(self, buffer: bytes) -> i64:
        """The digits at ``_at``, which goes behind them; -1 for what is no number of nine digits at most."""
        size: i64 = len(buffer)
        first: i64 = self._at
        at: i64 = first
        number: i64 = 0
        while at < size and 48 <= buffer[at] <= 57:
            number = number * 10 + buffer[at] - 48
            at += 1
            if at - first > _DIGITS_MAX:
                return -1
        self._at = at
        return -1 if at == first else number


def value_reply(store: Store, key: bytes) -> bytes:
    """The answer to a get of one key."""
    store.counters.get_commands += 1
    item = store.get(key)
    if item is None:
        if key == CLUSTER_KEY and store.cluster.text:
            return store.cluster.as_value() + replies.END
        store.counters.get_misses += 1
        return replies.END
    store.lru.lists[item.slot].hits += 1
    value = item.value
    size: i64 = len(value)
    if item.flags == 0 and size < _SIZES:
        middle = _WITHOUT_FLAGS[size]
    else:
        middle = b" " + decimal(item.flags) + b" " + decimal(size) + b"\r\n"
    return b"".join([b"VALUE ", key, middle, value, b"\r\nEND\r\n"])


def store_reply(store: Store, key: bytes, value: bytes, flags: i64, exptime: i64, mode: i64, cas: int) -> bytes:
    """Store a value as ``mode`` says, and the answer to that; ``exptime`` is the clock's."""
    status = store.store(key, value, flags, exptime, mode, cas, 0, False)
    if status == STORED:
        return replies.STORED
    if status == NO_MEMORY:
        return refusal(store, key, flags, len(value), mode)
    if status == EXISTS:
        return replies.EXISTS
    return replies.NOT_FOUND if status == NOT_FOUND else replies.NOT_STORED


def refusal(store: Store, key: bytes, flags: i64, size: i64, mode: i64) -> bytes:
    """The answer where there is no room."""
    status = store.refuse(key, flags, size, mode)
    if store.watchers.mask & MUTATIONS:
        store.watchers.log_refusal(key, status, mode)
    return replies.TOO_LARGE if status == TOO_LARGE else replies.NO_MEMORY
