"""Hashes: a blob of fields and values in turn while they are few and short (``blob``), then a ``HashTable``.

A hash within Valkey's listpack thresholds keeps its fields in order of arrival. One beyond them, or with a field that has a
time to live, takes the form of Valkey's hashtable and keeps it. ``read_hash`` and ``write_hash`` set the time that decides
which fields have expired.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from mypy_extensions import i64, mypyc_attr

from cachetwin_engine.core.config.config import Config
from cachetwin_engine.core.keyspace.value import COMPACT_HASH, Value, enter_prototype
from cachetwin_engine.core.protocol.errors import wrong_type
from cachetwin_engine.core.types.blob import (
    BYTES_MAX,
    ELEMENT_MAX,
    LENGTHS,
    PAIRS_MAX,
    behind,
    count_in,
    element_at,
    elements_in,
    find_field,
)
from cachetwin_engine.core.types.listpack import LISTPACK_HEAD_BYTES, entry_bytes

from .hash_table import OBJECT_BYTES, HashTable

if TYPE_CHECKING:
    from cachetwin_engine.core.keyspace.database import Database


@mypyc_attr(acyclic=True)
class HashValue(Value):
    """A map from field to value. The thresholds are read from the ``config`` that ``set`` is given."""

    def __init__(self) -> None:
        self._data: bytes | HashTable = b""

    @property
    def volatile(self) -> bool:
        """Whether a field has a time to live."""
        data = self._data
        return isinstance(data, HashTable) and data.volatile

    @property
    def packed(self) -> bool:
        """Whether Valkey would store it as a listpack."""
        data = self._data
        return isinstance(data, bytes) or data.packed

    def kind(self) -> bytes:
        """What TYPE answers."""
        return b"hash"

    def encoding(self) -> bytes:
        """``listpack`` or ``hashtable``."""
        return b"listpack" if self.packed else b"hashtable"

    def size_bytes(self, samples: int) -> int:
        """Bytes that Valkey would use."""
        data = self._data
        if isinstance(data, HashTable):
            return data.size_bytes(samples)
        size: i64 = 0
        for element in elements_in(data, 0):
            size += entry_bytes(element)
        return OBJECT_BYTES + LISTPACK_HEAD_BYTES + size

    def take_apart(self) -> list[object]:
        """See ``Value``."""
        data = self._data
        return [] if isinstance(data, bytes) else data.take_apart()

    def copied(self) -> Value:
        """An independent copy."""
        data = self._data
        copy = HashValue()
        copy._data = data if isinstance(data, bytes) else data.copied()
        return copy

    def compact_kind(self) -> int:
        """See ``Value``."""
        return COMPACT_HASH

    def compact(self) -> bytes | None:
        """See ``Value``."""
        data = self._data
        return data if isinstance(data, bytes) else None

    def from_compact(self, data: bytes) -> Value:
        """See ``Value``."""
        value = HashValue()
        value._data = data
        return value

    def _table(self) -> HashTable:
        """The table, made if there was none."""
        data = self._data
        if isinstance(data, HashTable):
            return data
        table = HashTable(_pairs_in(data))
        self._data = table
        return table

    # -- fields -------------------------------------------------------------------------------------------------------

    def length(self) -> int:
        """The number of fields, including expired ones that are not deleted yet."""
        data = self._data
        if isinstance(data, bytes):
            return count_in(data, 0) // 2
        return data.length()

    def has(self, field: bytes) -> bool:
        """Whether ``field`` exists."""
        data = self._data
        if isinstance(data, bytes):
            return find_field(data, field) >= 0
        return data.has(field)

    def get(self, field: bytes) -> bytes | None:
        """The value of ``field``, or None."""
        data = self._data
        if isinstance(data, bytes):
            at = find_field(data, field)
            return None if at < 0 else element_at(data, behind(data, at))
        return data.get(field)

    def set(self, field: bytes, value: bytes, config: Config, keep_ttl: bool = False) -> bool:
        """Give ``field`` a ``value``; True when the field is new. Its time to live is removed unless ``keep_ttl``."""
        data = self._data
        if isinstance(data, bytes):
            size: i64 = len(value)
            longest = config.encodings.hash_max_listpack_value
            if size <= longest and size <= ELEMENT_MAX:
                at = find_field(data, field)
                if at >= 0:
                    if len(data) + size <= BYTES_MAX:
                        at = behind(data, at)
                        self._data = data[:at] + LENGTHS[size] + value + data[behind(data, at) :]
                        return False
                else:
                    count = -1 - at
                    length: i64 = len(field)
                    if (
                        count < PAIRS_MAX
                        and count < config.encodings.hash_max_listpack_entries
                        and length <= longest
                        and length <= ELEMENT_MAX
                        and len(data) + length + size + 2 <= BYTES_MAX
                    ):
                        self._data = data + LENGTHS[length] + field + LENGTHS[size] + value
                        return True
            data = self._table()
        return data.set(field, value, config, keep_ttl)

    def remove(self, field: bytes) -> bool:
        """Remove ``field``; False when it is not there."""
        data = self._data
        if isinstance(data, bytes):
            at = find_field(data, field)
            if at < 0:
                return False
            self._data = data[:at] + data[behind(data, behind(data, at)) :]
            return True
        return data.remove(field)

    def pairs(self) -> list[tuple[bytes, bytes]]:
        """All fields and values, including expired ones; those of a listpack in order of arrival."""
        data = self._data
        return list(_pairs_in(data).items()) if isinstance(data, bytes) else data.pairs()

    def flat(self) -> list[bytes]:
        """Each field, followed by its value, in the same order."""
        data = self._data
        return elements_in(data, 0) if isinstance(data, bytes) else data.flat()

    def contents(self) -> list[bytes]:
        """All values."""
        data = self._data
        return elements_in(data, 0)[1::2] if isinstance(data, bytes) else data.contents()

    def with_values(self, fields: list[bytes]) -> list[bytes]:
        """Each of ``fields``, which exist, followed by its value."""
        data = self._data
        if isinstance(data, HashTable):
            return data.with_values(fields)
        flat: list[bytes] = []
        for field in fields:
            flat.append(field)
            flat.append(element_at(data, behind(data, find_field(data, field))))
        return flat

    def fields(self) -> list[bytes]:
        """All fields. The list may be the hash's own: read it, don't keep or change it."""
        data = self._data
        return elements_in(data, 0)[::2] if isinstance(data, bytes) else data.fields()

    def random(self, below: Callable[[int], int]) -> bytes | None:
        """A field, each as likely as any other, None if all have expired. ``below(n)`` draws from 0 to n - 1."""
        data = self._data
        if isinstance(data, bytes):
            fields = elements_in(data, 0)[::2]
            return fields[below(len(fields))]
        return data.random(below)

    def scan(self, cursor: int, count: int) -> tuple[int, list[bytes]]:
        """A step of HSCAN: (next cursor, 0 at the end; fields). The packed form is returned whole."""
        data = self._data
        return (0, self.fields()) if isinstance(data, bytes) else data.scan(cursor, count)

    # -- expiring fields ----------------------------------------------------------------------------------------------

    def set_now(self, now_ms: int) -> None:
        """Set the time that decides which fields have expired."""
        data = self._data
        if isinstance(data, HashTable):
            data.set_now(now_ms)

    def expiry_of(self, field: bytes) -> int:
        """When ``field``, which exists, expires (Unix time in ms), -1 if never."""
        data = self._data
        return data.expiry_of(field) if isinstance(data, HashTable) else -1

    def expire_at(self, field: bytes, at_ms: int) -> None:
        """Let ``field``, which exists, expire at ``at_ms``. The hash takes the large form."""
        self._table().expire_at(field, at_ms)

    def persist(self, field: bytes) -> bool:
        """Remove the time to live of ``field``; False when it had none."""
        data = self._data
        return isinstance(data, HashTable) and data.persist(field)

    def expiries(self) -> list[tuple[bytes, int]]:
        """Every field with a time to live, and when it expires (Unix time in ms)."""
        data = self._data
        return data.expiries() if isinstance(data, HashTable) else []

    def remove_expired(self, now_ms: int, count_max: int) -> list[bytes]:
        """Remove up to ``count_max`` fields that have expired at ``now_ms``; which ones."""
        data = self._data
        return data.remove_expired(now_ms, count_max) if isinstance(data, HashTable) else []


enter_prototype(HashValue())


def _pairs_in(data: bytes) -> dict[bytes, bytes]:
    flat = elements_in(data, 0)
    pairs: dict[bytes, bytes] = {}
    for at in range(0, len(flat), 2):
        pairs[flat[at]] = flat[at + 1]
    return pairs


def hash_of(value: object | None) -> HashValue | None:
    """``value`` as a hash, None for no value. Raises CommandError for another type."""
    if value is None:
        return None
    if isinstance(value, HashValue):
        return value
    raise wrong_type()


def read_hash(db: "Database", key: bytes) -> HashValue | None:
    """The hash under ``key`` for a reading command."""
    value = hash_of(db.find(key))
    if value is not None and value.volatile:
        value.set_now(db.observer.now_ms)
    return value


def write_hash(db: "Database", key: bytes) -> HashValue | None:
    """The hash under ``key`` for a writing command."""
    value = hash_of(db.find_for_write(key))
    if value is not None and value.volatile:
        value.set_now(db.observer.now_ms)
    return value
