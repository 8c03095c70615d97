"""Memory of keys: MEMORY USAGE, ``used_memory``, and the sum that ``maxmemory`` limits.

Counted as Valkey or Redis OSS of the profile's version would allocate, not as Python does: a limit then holds as many keys
here as on the service. A short string of Valkey lies in one block with its key, and since 9.1 every object does; a slot of
its hash table costs 64 / 7 bytes, and the table is two thirds full on average. Redis OSS has a table slot, an entry of 24
bytes, the key's own block and the value.

While ``maxmemory`` is set, the sum is kept up to date: before a key is changed its size is noted (``Database.note_size``),
and at the next question the difference is added. That costs no memory per key, and it adds up because the size of
an unchanged value is always estimated the same way. Otherwise nothing is counted, and the sum is estimated from a sample.
"""

from typing import Final

from cachetwin_engine.core.keyspace.allocation import allocated
from cachetwin_engine.core.keyspace.database import Database
from cachetwin_engine.core.keyspace.value import Value
from cachetwin_engine.core.registry.dispatch_flags import BLOCKED_BY_MEMORY
from cachetwin_engine.core.state.engine_state import EngineState
from cachetwin_engine.core.types.string import BLOCK_BYTES, OBJECT_BYTES, head_bytes, packed_string_bytes, string_bytes

STARTUP_BYTES: Final = 892_064  # an empty Valkey 8.1.1, INFO memory
SAMPLES: Final = 5  # elements looked at in a collection
EXACT_KEYS_MAX: Final = 2000  # of one database: fewer are counted one by one
_VALKEY_SLOT_BYTES: Final = 14
_REDIS_ENTRY_BYTES: Final = 24
_REDIS_SLOT_BYTES: Final = 12


def size_of_key(engine: EngineState, db: Database, key: bytes, value: object, samples: int) -> int:
    """MEMORY USAGE: bytes of ``key`` and its value, estimated from ``samples`` elements (0: all)."""
    if not engine.embeds_keys:
        return _REDIS_ENTRY_BYTES + allocated(len(key) + 2) + _value_bytes(value, samples)
    if engine.packs_keys:
        return _packed_bytes(key, value, samples, db.expiry_of(key) >= 0)
    if isinstance(value, Value):
        return value.size_bytes(samples)
    size = string_bytes(value) if isinstance(value, bytes) else 0
    block = _block_bytes(db, key, value)
    return size if size == OBJECT_BYTES or block == 0 else block


def footprint(engine: EngineState, db: Database, key: bytes, value: object) -> int:
    """All that would be freed with ``key``: its value, its name, its places in the tables."""
    tables = 2 if db.expiry_of(key) >= 0 else 1
    if not engine.embeds_keys:
        entry = allocated(_REDIS_ENTRY_BYTES) + _REDIS_SLOT_BYTES
        return tables * entry + allocated(len(key) + 2) + _value_bytes(value, SAMPLES)
    if engine.packs_keys:
        return tables * _VALKEY_SLOT_BYTES + _packed_bytes(key, value, SAMPLES, tables == 2)
    block = _block_bytes(db, key, value)
    if block:
        return tables * _VALKEY_SLOT_BYTES + block
    head = allocated(OBJECT_BYTES + len(key) + 3 + (8 if tables == 2 else 0))
    return tables * _VALKEY_SLOT_BYTES + head + _value_bytes(value, SAMPLES) - OBJECT_BYTES


def _packed_bytes(key: bytes, value: object, samples: int, expires: bool) -> int:
    """Bytes since Valkey 9.1, where the key is part of the object's block."""
    if isinstance(value, Value):
        return allocated(head_bytes(key, expires)) + value.size_bytes(samples) - OBJECT_BYTES
    return packed_string_bytes(key, value, expires) if isinstance(value, bytes) else 0


def _block_bytes(db: Database, key: bytes, value: object) -> int:
    """The one block of a string that lies together with its key, 0 for any other value."""
    if not isinstance(value, bytes):
        return 0
    size = OBJECT_BYTES + len(key) + 7 + len(value)
    if db.expiry_of(key) >= 0:
        size += 8
    return allocated(size) if size <= BLOCK_BYTES else 0


def _value_bytes(value: object, samples: int) -> int:
    if isinstance(value, Value):
        return value.size_bytes(samples)
    return string_bytes(value) if isinstance(value, bytes) else OBJECT_BYTES


class MemoryAccount:
    """The sum of an engine's keys."""

    def __init__(self) -> None:
        self.active = False
        self._keys_bytes = 0

    def configure(self, engine: EngineState) -> None:
        """Count while a limit is set. Turning it on looks at every key once."""
        wanted = engine.config.memory.maxmemory > 0
        if wanted == self.active:
            return
        self.active = wanted
        engine.counts_memory = wanted
        engine.tracks_memory = wanted or engine.snapshots_run
        if wanted:
            engine.blocked_by |= BLOCKED_BY_MEMORY
            self.count_again(engine)
        else:
            engine.blocked_by &= ~BLOCKED_BY_MEMORY
            for db in engine.databases:
                db.sizes_before = {}

    def count_again(self, engine: EngineState) -> None:
        """Count every key anew, after the data was replaced."""
        self._keys_bytes = 0
        for db in engine.databases:
            db.sizes_before = {}
            if self.active:
                for key, value in db.values.items():
                    self._keys_bytes += footprint(engine, db, key, value)

    def used(self, engine: EngineState) -> int:
        """Bytes in use: keys, and what an empty engine takes."""
        if self.active:
            self._sum_up(engine)
            return STARTUP_BYTES + self._keys_bytes + engine.buffer_bytes
        total = STARTUP_BYTES + engine.buffer_bytes
        for db in engine.databases:
            if len(db.values):
                total += _estimated(engine, db)
        return total

    def forget_all(self, engine: EngineState, db: Database) -> None:
        """``db`` is about to be emptied."""
        if self.active:
            self._sum_up(engine)
            for key, value in db.values.items():
                self._keys_bytes -= footprint(engine, db, key, value)

    def _sum_up(self, engine: EngineState) -> None:
        """Add what has changed since the last time."""
        if not engine.sizes_changed:
            return
        engine.sizes_changed = False
        for db in engine.databases:
            if not db.sizes_before:
                continue
            for key, before in db.sizes_before.items():
                value = db.values.peek(key)
                after = 0 if value is None else footprint(engine, db, key, value)
                self._keys_bytes += after - before
            db.sizes_before = {}


def _estimated(engine: EngineState, db: Database) -> int:
    """The keys of one database: all of a few, a sample of many."""
    if len(db.values) <= EXACT_KEYS_MAX:
        keys = db.values.keys()
    else:
        keys = db.values.sample(engine.random.below, EXACT_KEYS_MAX)
    total = 0
    for key in keys:
        total += footprint(engine, db, key, db.values.peek(key))
    return total * len(db.values) // max(1, len(keys))
