"""Hashes: fields and their values in a dict, in order of arrival, which is the order of a listpack.

The form that OBJECT ENCODING reports changes at Valkey's thresholds and never back. The large form makes a ``KeyIndex``
of its fields at the first HSCAN or HRANDFIELD (most hashes never see one) and keeps it from then on.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ..config import Config
from ..errors import wrong_type
from ..key_index import KeyIndex
from ..keyspace import Value
from .listpack import LISTPACK_HEAD_BYTES, entry_bytes

if TYPE_CHECKING:
    from ..keyspace import Database

_OBJECT_BYTES: Final = 16
_TABLE_BYTES: Final = 48
_SLOT_BYTES: Final = 9.3  # a pointer and its share of a bucket's head at the usual load (hashtable.c)
_ENTRY_BYTES: Final = 12  # heads of field and value, and the pointer between them


class HashValue(Value):
    """A map from field to value. The thresholds are read from the ``config`` that ``set`` is given."""

    def __init__(self) -> None:
        self.packed = True
        self._fields: dict[bytes, bytes] = {}
        self._order: list[bytes] | None = None  # the fields of the packed form, until one comes or goes
        self._index: KeyIndex | None = None  # of the large form, once it was needed

    def kind(self) -> bytes:
        """What TYPE answers."""
        return b"hash"

    def encoding(self) -> bytes:
        """``listpack`` or ``hashtable``."""
        return b"listpack" if self.packed else b"hashtable"

    def size_bytes(self, samples: int) -> int:
        """Bytes that Valkey would use."""
        size = 0
        seen = 0
        if self.packed:
            for field, value in self._fields.items():
                size += entry_bytes(field) + entry_bytes(value)
            return _OBJECT_BYTES + LISTPACK_HEAD_BYTES + size
        for field, value in self._fields.items():
            size += len(field) + len(value) + _ENTRY_BYTES
            seen += 1
            if seen == samples:
                break
        count = len(self._fields)
        return _OBJECT_BYTES + _TABLE_BYTES + int(count * _SLOT_BYTES) + (size * count // seen if seen else 0)

    def copied(self) -> Value:
        """An independent copy."""
        copy = HashValue()
        copy.packed = self.packed
        copy._fields = self._fields.copy()
        return copy

    # -- fields -------------------------------------------------------------------------------------------------------

    def length(self) -> int:
        """The number of fields."""
        return len(self._fields)

    def has(self, field: bytes) -> bool:
        """Is there a ``field``?"""
        return field in self._fields

    def get(self, field: bytes) -> bytes | None:
        """The value of ``field``, or None."""
        return self._fields.get(field)

    def set(self, field: bytes, value: bytes, config: Config) -> bool:
        """Give ``field`` a ``value``; True when the field is new."""
        fields = self._fields
        longest = config.hash_max_listpack_value
        if field in fields:
            if self.packed and len(value) > longest:
                self.packed = False
                self._order = None
            fields[field] = value
            return False
        if self.packed:
            self._order = None
            if len(fields) >= config.hash_max_listpack_entries or len(value) > longest or len(field) > longest:
                self.packed = False
        fields[field] = value
        if self._index is not None:
            self._index.add(field)
        return True

    def remove(self, field: bytes) -> bool:
        """Remove ``field``; False when it is not there."""
        fields = self._fields
        if field not in fields:
            return False
        del fields[field]
        self._order = None
        if self._index is not None:
            self._index.remove(field)
        return True

    def pairs(self) -> dict[bytes, bytes]:
        """All fields and values in order of arrival. The dict is the hash's own: read it, don't keep or change it."""
        return self._fields

    def flat(self) -> list[bytes]:
        """Each field, followed by its value."""
        flat: list[bytes] = []
        for field, value in self._fields.items():
            flat.append(field)
            flat.append(value)
        return flat

    def contents(self) -> list[bytes]:
        """All values."""
        return list(self._fields.values())

    def with_values(self, fields: list[bytes]) -> list[bytes]:
        """Each of ``fields``, which exist, followed by its value."""
        flat: list[bytes] = []
        for field in fields:
            flat.append(field)
            flat.append(self._fields[field])
        return flat

    def fields(self) -> list[bytes]:
        """All fields. The list may be the hash's own: read it, don't keep or change it."""
        if not self.packed:
            return list(self._fields)
        if self._order is None:
            self._order = list(self._fields)
        return self._order

    def random(self, below: Callable[[int], int]) -> bytes:
        """A field, each as likely as any other. ``below(n)`` draws from 0 to n - 1. The hash must not be empty."""
        if self.packed:
            fields = self.fields()
            return fields[below(len(fields))]
        return self._indexed().random(below)

    def scan(self, cursor: int, count: int) -> tuple[int, list[bytes]]:
        """A step of HSCAN: (next cursor, 0 at the end; fields). The packed form is returned whole."""
        if self.packed:
            return 0, self.fields()
        return self._indexed().scan(cursor, count)

    def small(self) -> bool:
        """Is it in the form whose size the thresholds bound?"""
        return self.packed

    def _indexed(self) -> KeyIndex:
        if self._index is None:
            index = KeyIndex()
            for field in self._fields:
                index.add(field)
            self._index = index
        return self._index


def hash_of(value: object | None) -> HashValue | None:
    """``value`` as a hash, None for no value. Raises CommandError for another type."""
    if value is None:
        return None
    if isinstance(value, HashValue):
        return value
    raise wrong_type()


def read_hash(db: "Database", key: bytes) -> HashValue | None:
    """The hash under ``key`` for a reading command."""
    return hash_of(db.find(key))
