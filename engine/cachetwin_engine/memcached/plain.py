"""The two requests of almost every client: a get of one key, and a set whose value has arrived with it.

``PlainRequest`` reads those of the plainest form in one go: one blank between words, numbers of at most nine digits, no
``noreply``, no control characters. Any other form is left to the session's general way, which answers the same and takes
two to three times the instructions.
"""

from typing import Final, final

from mypy_extensions import i64

from cachetwin_engine.memcached import replies
from cachetwin_engine.memcached.discovery import CLUSTER_KEY
from cachetwin_engine.memcached.items.store import EXISTS, NO_MEMORY, NOT_FOUND, STORED, TOO_LARGE, Store
from cachetwin_engine.memcached.items.watchers import MUTATIONS
from cachetwin_engine.memcached.numbers import decimal
from cachetwin_engine.memcached.settings import KEY_BYTES_MAX

_BLANK: Final = 32
_END: Final = 13
_NEW_LINE: Final = 10
_G: Final = 103
_S: Final = 115
_E: Final = 101
_T: Final = 116
_BEGIN_BYTES: Final = 4  # "get ", "set "
_DIGITS_MAX: Final = 9

_SIZES: Final = 4096
_WITHOUT_FLAGS: Final[list[bytes]] = [b" 0 %d\r\n" % size for size in range(_SIZES)]
"""What is between a key and its value in the answer, by the value's size."""

NEITHER: Final = 0
GET: Final = 1
SET: Final = 2


@final
class PlainRequest:
    """A request that was read: ``key``, and for a set ``flags``, ``exptime`` and ``value``. ``end`` is where it ends."""

    def __init__(self) -> None:
        self.key = b""
        self.value = b""
        self.flags: i64 = 0
        self.exptime: i64 = 0
        self.end: i64 = 0
        self._at: i64 = 0

    def read(self, buffer: bytes, begin: i64, value_bytes_max: i64) -> i64:
        """Read the request at ``begin``, a set only if its value has at most so many bytes: ``GET``, ``SET``, or
        ``NEITHER`` for one of another form, or that is not complete.
        """
        size: i64 = len(buffer)
        first: i64 = begin + _BEGIN_BYTES
        if size < first + 3 or buffer[begin + 1] != _E or buffer[begin + 2] != _T or buffer[begin + 3] != _BLANK:
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
        begin: i64 = self._at + 1
        end: i64 = begin + value_bytes
        if flags < 0 or exptime < 0 or value_bytes < 0 or value_bytes > value_bytes_max or end + 2 > len(buffer):
            return NEITHER
        if buffer[begin - 1] != _NEW_LINE or buffer[end] != _END or buffer[end + 1] != _NEW_LINE:
            return NEITHER
        self.key = buffer[first:key_end]
        self.value = buffer[begin:end]
        self.flags = flags
        self.exptime = exptime
        self.end = end + 2
        return SET

    def _number(self, buffer: bytes, ends_with: i64) -> i64:
        """The digits at ``_at``, which goes behind the byte that ends them; -1 for what is no such number."""
        size: i64 = len(buffer)
        first: i64 = self._at
        at: i64 = first
        number: i64 = 0
        while at < size and 48 <= buffer[at] <= 57:
            number = number * 10 + buffer[at] - 48
            at += 1
            if at - first > _DIGITS_MAX:
                return -1
        if at == first or at >= size or buffer[at] != ends_with:
            self._at = size
            return -1
        self._at = at + 1
        return number


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
