"""The structure of a hash that is too large for a blob: fields and their values.

The form that OBJECT ENCODING reports changes at Valkey's thresholds and never back. The packed form is a dict, in order
of arrival; the large one a ``KeyTable``, as for the keys of a database.

Fields may have times to live (Valkey 9). An expired field is hidden, but it is removed, and no longer counted, only
when ``expiry.fields`` deletes it or something replaces it. Which fields have expired depends on the time that the
caller sets (``set_now``).
"""

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from typing import Final

from mypy_extensions import mypyc_attr

from cachetwin_engine.core.config.config import Config
from cachetwin_engine.core.keyspace.database import new_key_table
from cachetwin_engine.core.keyspace.key_table import KeyTable
from cachetwin_engine.core.types.listpack import LISTPACK_HEAD_BYTES, entry_bytes

OBJECT_BYTES: Final = 16
_TABLE_BYTES: Final = 48
_SLOT_BYTES: Final = 9.3  # a pointer and its share of a bucket's head at the usual load (hashtable.c)
_DRAWS_MAX: Final = 100  # of expired fields, before all fields are listed
_STALE_EXPIRIES_MAX: Final = 64  # outdated ones in the heap, beyond as many as are valid
_ENTRY_BYTES: Final = 12  # heads of field and value, and the pointer between them


@mypyc_attr(acyclic=True)
class HashTable:
    """A map from field to value. The thresholds are read from the ``config`` that ``set`` is given."""

    def __init__(self, fields: dict[bytes, bytes]) -> None:
        self.packed = True  # Valkey would store it as a listpack
        self.volatile = False  # some field has a time to live
        self._fields = fields  # of the packed form
        self._order: list[bytes] | None = None  # the fields of the packed form, until one comes or goes
        self._table: KeyTable | None = None  # of the large form
        self._expiries: dict[bytes, int] | None = None  # field -> Unix time in ms; None rather than empty
        self._soonest: list[tuple[int, bytes]] | None = None  # a heap of expiry times, some of them outdated
        self._now_ms = 0

    def size_bytes(self, samples: int) -> int:
        """Bytes that Valkey would use."""
        size = 0
        table = self._table
        if table is None:
            for field, value in self._fields.items():
                size += entry_bytes(field) + entry_bytes(value)
            return OBJECT_BYTES + LISTPACK_HEAD_BYTES + size
        count = len(table)
        if samples == 0:
            size = table.string_bytes()
            seen = count
        else:
            words = self.with_values(table.first(samples))
            for word in words:
                size += len(word)
            seen = len(words) // 2
        size += seen * _ENTRY_BYTES
        return OBJECT_BYTES + _TABLE_BYTES + int(count * _SLOT_BYTES) + (size * count // seen if seen else 0)

    def take_apart(self) -> list[object]:
        """The containers of the large form, for ``Trash``."""
        containers: list[object] = [] if self._table is None else self._table.take_apart()
        if self._expiries is not None:
            containers.append(self._expiries)
        return containers

    def copied(self) -> "HashTable":
        """An independent copy."""
        copy = HashTable(self._fields.copy())
        if self._table is not None:
            copy._table = self._table.copied()
            copy.packed = False
        if self._expiries is not None:
            copy._expiries = self._expiries.copy()
            copy._rebuild_soonest()
            copy.volatile = True
        return copy

    def _unpack(self) -> None:
        """Take the large form."""
        if self._table is None:
            table = new_key_table([])
            for field, value in self._fields.items():
                table.put(field, value)
            self._table = table
            self._fields = {}
            self._order = None
            self.packed = False

    def _value(self, field: bytes) -> bytes:
        """The value of a field that exists."""
        table = self._table
        if table is None:
            return self._fields[field]
        value = table.find(field)
        return value if isinstance(value, bytes) else b""

    # -- fields -------------------------------------------------------------------------------------------------------

    def length(self) -> int:
        """The number of fields, including expired ones that are not deleted yet."""
        return len(self._fields) if self._table is None else len(self._table)

    def has(self, field: bytes) -> bool:
        """Whether ``field`` exists."""
        there = field in self._fields if self._table is None else self._table.has(field)
        return there and (self._expiries is None or not self._is_expired(field))

    def get(self, field: bytes) -> bytes | None:
        """The value of ``field``, or None."""
        if self._expiries is not None and self._is_expired(field):
            return None
        table = self._table
        if table is None:
            return self._fields.get(field)
        value = table.find(field)
        return value if isinstance(value, bytes) else None

    def set(self, field: bytes, value: bytes, config: Config, keep_ttl: bool = False) -> bool:
        """Give ``field`` a ``value``; True when the field is new. Its time to live is removed unless ``keep_ttl``."""
        over = False
        if self._expiries is not None:
            over = self._is_expired(field)
            if over or not keep_ttl:
                self.persist(field)
        table = self._table
        if table is None:
            fields = self._fields
            longest = config.encodings.hash_max_listpack_value
            is_new = field not in fields
            if len(value) > longest or (
                is_new and (len(fields) >= config.encodings.hash_max_listpack_entries or len(field) > longest)
            ):
                self._unpack()
                table = self._table
            else:
                fields[field] = value
                if is_new:
                    self._order = None
                return is_new or over
        return (table is not None and table.put(field, value)) or over

    def remove(self, field: bytes) -> bool:
        """Remove ``field``; False when it is not there."""
        if not self.has(field):
            return False
        self._drop(field)
        return True

    def pairs(self) -> list[tuple[bytes, bytes]]:
        """All fields and values, including expired ones; in the packed form in order of arrival."""
        if self._table is None:
            return list(self._fields.items())
        return [(field, value) for field, value in self._table.items() if isinstance(value, bytes)]

    def flat(self) -> list[bytes]:
        """Each field, followed by its value, in the same order."""
        if self._table is not None and self._expiries is None:
            return self._table.strings(with_keys=True)
        flat: list[bytes] = []
        for field, value in self.pairs():
            if self._expiries is None or not self._is_expired(field):
                flat.append(field)
                flat.append(value)
        return flat

    def contents(self) -> list[bytes]:
        """All values."""
        if self._table is not None and self._expiries is None:
            return self._table.strings(with_keys=False)
        return self.flat()[1::2]

    def with_values(self, fields: list[bytes]) -> list[bytes]:
        """Each of ``fields``, which exist, followed by its value."""
        flat: list[bytes] = []
        for field in fields:
            flat.append(field)
            flat.append(self._value(field))
        return flat

    def fields(self) -> list[bytes]:
        """All fields. The list may be the hash's own: read it, don't keep or change it."""
        if self._table is not None:
            fields = self._table.keys()
            return fields if self._expiries is None else [field for field in fields if not self._is_expired(field)]
        if self._order is None:
            self._order = list(self._fields)
        return self._order

    def random(self, below: Callable[[int], int]) -> bytes | None:
        """A field, each as likely as any other, None if all have expired. ``below(n)`` draws from 0 to n - 1."""
        if self._table is not None:
            for _ in range(_DRAWS_MAX):
                field = self._table.random(below)
                if self._expiries is None or not self._is_expired(field):
                    return field
        fields = self.fields()
        return fields[below(len(fields))] if fields else None

    def scan(self, cursor: int, count: int) -> tuple[int, list[bytes]]:
        """A step of HSCAN: (next cursor, 0 at the end; fields). The packed form is returned whole."""
        if self._table is None:
            return 0, self.fields()
        after, found = self._table.scan(cursor, count)
        if self._expiries is not None:
            found = [field for field in found if not self._is_expired(field)]
        return after, found

    # -- expiring fields ----------------------------------------------------------------------------------------------

    def set_now(self, now_ms: int) -> None:
        """Set the time that decides which fields have expired."""
        self._now_ms = now_ms

    def expiry_of(self, field: bytes) -> int:
        """When ``field``, which exists, expires (Unix time in ms), -1 if never."""
        return -1 if self._expiries is None else self._expiries.get(field, -1)

    def expire_at(self, field: bytes, at_ms: int) -> None:
        """Let ``field``, which exists, expire at ``at_ms``. The hash takes the large form."""
        self._unpack()
        expiries = self._expiries
        if expiries is None:
            expiries = self._expiries = {}
            self.volatile = True
        expiries[field] = at_ms
        soonest = self._soonest
        if soonest is None or len(soonest) > 2 * len(expiries) + _STALE_EXPIRIES_MAX:
            self._rebuild_soonest()
        else:
            heappush(soonest, (at_ms, field))

    def persist(self, field: bytes) -> bool:
        """Remove the time to live of ``field``; False when it had none."""
        expiries = self._expiries
        if expiries is None or expiries.pop(field, None) is None:
            return False
        if not expiries:
            self._expiries = None
            self._soonest = None
            self.volatile = False
        return True

    def expiries(self) -> list[tuple[bytes, int]]:
        """Every field with a time to live, and when it expires (Unix time in ms)."""
        return [] if self._expiries is None else list(self._expiries.items())

    def remove_expired(self, now_ms: int, count_max: int) -> list[bytes]:
        """Remove up to ``count_max`` fields that have expired at ``now_ms``; which ones."""
        gone: list[bytes] = []
        soonest = self._soonest
        while self._expiries is not None and soonest and len(gone) < count_max:
            at_ms, field = soonest[0]
            if at_ms >= now_ms:
                break
            heappop(soonest)
            if self._expiries.get(field, -1) == at_ms:
                self._drop(field)
                gone.append(field)
        return gone

    def _rebuild_soonest(self) -> None:
        if self._expiries is not None:
            soonest = [(at_ms, field) for field, at_ms in self._expiries.items()]
            heapify(soonest)
            self._soonest = soonest

    def _is_expired(self, field: bytes) -> bool:
        expiries = self._expiries
        if expiries is None:
            return False
        at_ms = expiries.get(field)
        return at_ms is not None and at_ms < self._now_ms

    def _drop(self, field: bytes) -> None:
        if self._table is None:
            del self._fields[field]
            self._order = None
        else:
            self._table.remove(field)
        if self._expiries is not None:
            self.persist(field)
