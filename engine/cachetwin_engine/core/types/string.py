"""Strings. Most are bare ``bytes``; one that is edited in place (APPEND, SETRANGE, SETBIT) becomes a ``RawString``."""

from typing import TYPE_CHECKING, Final

from ..errors import wrong_type
from ..keyspace import Value
from ..numbers import integer_or_none

if TYPE_CHECKING:
    from ..keyspace import Database

EMBEDDED_BYTES_MAX: Final = 44  # object.c, OBJ_ENCODING_EMBSTR_SIZE_LIMIT


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
        return 56 + len(self.data)

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


def string_encoding(value: bytes) -> bytes:
    """``int``, ``embstr`` or ``raw``, as Valkey would store it."""
    if len(value) <= 20 and integer_or_none(value) is not None:
        return b"int"
    return b"embstr" if len(value) <= EMBEDDED_BYTES_MAX else b"raw"
