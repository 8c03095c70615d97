"""Strings. Most are bare ``bytes``; one that is edited in place (APPEND, SETRANGE, SETBIT) becomes a ``RawString``."""

from typing import TYPE_CHECKING, Final

from mypy_extensions import mypyc_attr

from cachetwin_engine.core.keyspace.allocation import allocated
from cachetwin_engine.core.keyspace.value import Value
from cachetwin_engine.core.protocol.errors import wrong_type
from cachetwin_engine.core.text.numbers import integer_or_none

if TYPE_CHECKING:
    from cachetwin_engine.core.keyspace.database import Database

EMBEDDED_BYTES_MAX: Final = 44  # of Redis OSS: a value this long still lies in one 64-byte block with its header
OBJECT_BYTES: Final = 16
BLOCK_BYTES: Final = 64  # Valkey 8.1 embeds key, time to live and value in one block of at most this size
PACKED_BLOCK_BYTES: Final = 128  # and Valkey 9.1, which needs no pointer then
_POINTER_BYTES: Final = 8
_TIME_BYTES: Final = 8
_KEY_BYTES_WITH_TIME: Final = (
    128  # from this size on a key's block has room for a time to live, whether it has one or not
)


@mypyc_attr(acyclic=True)
class RawString(Value):
    """A string that is edited in place: amortised O(1) appends, and ``raw`` to OBJECT ENCODING."""

    def __init__(self, data: bytearray) -> None:
        self.data = data

    def kind(self) -> bytes:
        """What TYPE answers."""
        return b"string"

    def encoding(self) -> bytes:
        """Edited strings stay raw."""
        return b"raw"

    def size_bytes(self, samples: int) -> int:
        """Bytes of the buffer and its object."""
        return OBJECT_BYTES + allocated(_header_bytes(len(self.data)) + len(self.data) + 1)

    def copied(self) -> Value:
        """An independent copy."""
        return RawString(bytearray(self.data))


def string_of(value: object | None) -> bytes | None:
    """The bytes of a string value, None for no value. Raises CommandError for another type."""
    if value is None:
        return None
    if isinstance(value, bytes):
        return value
    if isinstance(value, RawString):
        return bytes(value.data)
    raise wrong_type()


def read_string(db: "Database", key: bytes) -> bytes | None:
    """The string under ``key`` for a reading command."""
    return string_of(db.find(key))


def size_of_string(value: object | None) -> int:
    """The length of a string value, 0 for no value. Raises CommandError for another type."""
    if value is None:
        return 0
    if isinstance(value, bytes):
        return len(value)
    if isinstance(value, RawString):
        return len(value.data)
    raise wrong_type()


def string_for_edit(db: "Database", key: bytes, value: object | None) -> RawString:
    """The string under ``key`` as a buffer to change, created if there is none; ``value`` is what ``key`` holds now.

    Raises CommandError for another type.
    """
    if isinstance(value, RawString):
        return value
    if value is None:
        raw = RawString(bytearray())
        db.put(key, raw)
        return raw
    if isinstance(value, bytes):
        raw = RawString(bytearray(value))
        db.replace(key, raw)
        return raw
    raise wrong_type()


def string_encoding(value: bytes, embedded_bytes_max: int = EMBEDDED_BYTES_MAX) -> bytes:
    """``int``, ``embstr`` or ``raw``, as the engine would store it."""
    if len(value) <= 20 and integer_or_none(value) is not None:
        return b"int"
    return b"embstr" if len(value) <= embedded_bytes_max else b"raw"


def embedded_bytes_max(key: bytes, expires: bool) -> int:
    """The longest value that Valkey 8.1 puts into one block with its key: measured on 8.1.1 by OBJECT ENCODING."""
    return BLOCK_BYTES - OBJECT_BYTES - len(key) - 7 - (8 if expires else 0)


def head_bytes(key: bytes, expires: bool) -> int:
    """What Valkey 9.1 needs for an object with its key and time to live, before the allocator rounds it up."""
    size = OBJECT_BYTES + _name_bytes(len(key))
    return size + _TIME_BYTES if expires or len(key) >= _KEY_BYTES_WITH_TIME else size


def packed_bytes_max(key: bytes, expires: bool) -> int:
    """The longest value that Valkey 9.1 puts into one block with its key (object.c, shouldEmbedStringObject)."""
    taken = OBJECT_BYTES - _POINTER_BYTES + _name_bytes(len(key)) + (_TIME_BYTES if expires else 0)
    return PACKED_BLOCK_BYTES - taken - _header_bytes(0) - 1


def packed_string_bytes(key: bytes, value: bytes, expires: bool) -> int:
    """All that Valkey 9.1 allocates for a string and its key."""
    if len(value) <= 20 and integer_or_none(value) is not None:
        return allocated(head_bytes(key, expires))
    room = packed_bytes_max(key, expires)
    if len(value) <= room:
        return allocated(PACKED_BLOCK_BYTES - room + max(len(value), 4))  # a pointer must fit in, should it become one
    return allocated(head_bytes(key, expires)) + allocated(_short_header_bytes(len(value)) + len(value) + 1)


def _name_bytes(size: int) -> int:
    """A key inside of a block: its header, its end, and how long the header is."""
    return _short_header_bytes(size) + size + 2


def _short_header_bytes(size: int) -> int:
    """Of a string that is not to grow."""
    return 1 if size < 32 else _header_bytes(size)


def string_bytes(value: bytes) -> int:
    """What MEMORY USAGE counts for a string that is not embedded with its key."""
    if len(value) <= 20 and integer_or_none(value) is not None:
        return OBJECT_BYTES
    size = _header_bytes(len(value)) + len(value) + 1
    if len(value) <= EMBEDDED_BYTES_MAX:
        return allocated(OBJECT_BYTES + size)
    return OBJECT_BYTES + allocated(size)


def _header_bytes(size: int) -> int:
    """Of a dynamic string: length, capacity, flags."""
    if size < 1 << 8:
        return 3
    if size < 1 << 16:
        return 5
    return 9 if size < 1 << 32 else 17
