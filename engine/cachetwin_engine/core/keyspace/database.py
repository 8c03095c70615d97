"""One of the numbered databases: keys, values, times to live, and the clients that wait for or watch a key.

A value is what its type module says: ``bytes`` for a string, otherwise an instance of a class derived from ``Value``.
Expired keys are deleted when a command looks them up, and by sampling in ``expiry``. One observer, the engine, is called
for everything that happens to a key: it counts, notifies, invalidates and propagates.
"""

from typing import Final

from cachetwin_engine.core import BUILD

from .dict_table import DictTable
from .key_index import KeyIndex
from .key_table import KeyTable
from .packed_table import PackedTable
from .slots import SlotKeys
from .trash import Trash
from .value import Value
from .watcher import Watcher

_TTL_SAMPLE: Final = 256


class KeyspaceObserver:
    """The calls that a keyspace makes to its engine, which derives from this class; the defaults do nothing."""

    now_ms: int
    hits: int
    misses: int
    expired_fields: int  # of hashes, since start
    tracks_access: bool  # an eviction policy or a client needs the times of last access
    tracks_memory: bool  # sizes before and after a change are compared, or a snapshot runs
    counts_memory: bool  # a limit is set, so sizes are compared
    sizes_changed: bool  # some database has noted sizes
    notify_flags: int  # the classes of keyspace notifications that are enabled
    keeps_expired: bool  # expired keys are hidden, and a primary or the source of an import deletes them
    snapshots_run: bool  # ``key_changes`` is to be called before a key changes

    def __init__(self) -> None:
        self.now_ms = 0
        self.hits = 0
        self.misses = 0
        self.untouched = 0  # look-ups that do not count as an access of the key
        self.expired_fields = 0
        self.tracks_access = False
        self.tracks_memory = False
        self.counts_memory = False
        self.snapshots_run = False
        self.sizes_changed = False
        self.notify_flags = 0
        self.keeps_expired = False
        self.tables_to_close: list[KeyTable] = []
        self.trash = Trash()

    def close_tables(self) -> None:
        """Close the tables that asked for it. Called when no command runs, so nobody holds a value."""
        tables = self.tables_to_close[:]
        self.tables_to_close.clear()
        for table in tables:
            table.close()

    def key_expired(self, db: "Database", key: bytes) -> None:
        """``key`` has just been deleted because it had expired."""

    def sees_expired(self) -> bool:
        """Whether the running command finds expired keys. Called only while ``keeps_expired``."""
        return False

    def may_drop_expired(self) -> bool:
        """Whether a writing command deletes expired keys although ``keeps_expired``."""
        return False

    def key_accessed(self, db: "Database", key: bytes) -> None:
        """Called for each look-up while ``tracks_access``."""

    def key_changes(self, db: "Database", key: bytes) -> None:
        """Called before ``key`` is changed or deleted, while ``snapshots_run``."""

    def size_of(self, db: "Database", key: bytes, value: object) -> int:
        """Bytes that ``key`` and ``value`` take."""
        return 0

    def value_dropped(self, value: object, unused: bool) -> None:
        """``value``, which is not a plain string, was removed from its key. ``unused``: nobody has it any more."""

    def key_missed(self, db: "Database", key: bytes) -> None:
        """A reading command did not find ``key``. Called while any notification is enabled."""

    def key_added(self, db: "Database", key: bytes) -> None:
        """``key`` was created. Called while any notification is enabled."""

    def key_modified(self, db: "Database", key: bytes) -> None:
        """The value under ``key`` was changed, created or deleted."""

    def key_ready(self, db: "Database", key: bytes) -> None:
        """``key`` was created or grew while clients block on it."""


def new_key_table(to_close: list[KeyTable]) -> KeyTable:
    """An empty table of the kind that is faster in this build. It adds itself to ``to_close`` when it needs ``close``."""
    return PackedTable(to_close) if BUILD == "compiled" else DictTable()


class Database:
    """Keys and values. Commands parse arguments and write replies."""

    def __init__(self, index: int, observer: KeyspaceObserver) -> None:
        self.index = index
        self.observer = observer
        self.values = new_key_table(observer.tables_to_close)
        self.sizes_before: dict[bytes, int] = {}  # of keys that have changed since memory was last summed up
        self.accessed: dict[bytes, object] = {}  # key -> entry of the access log, while ``tracks_access``
        self.expiry_cursor = 0  # where the next round of active expiry begins
        self.volatile: dict[bytes, None] = {}  # the keys of values whose elements have times to live
        self.volatile_keys = KeyIndex()
        self.volatile_cursor = 0
        self.by_slot: SlotKeys | None = None  # in cluster mode
        self.watchers: dict[bytes, list[Watcher]] = {}
        self.blocked: dict[bytes, dict[int, Watcher]] = {}  # key -> waiting clients by id, in order of arrival

    def __len__(self) -> int:
        return len(self.values)

    def find(self, key: bytes) -> object | None:
        """The value for a reading command, or None. Counts a hit or a miss."""
        value = self.values.find(key)
        observer = self.observer
        if value is None or (self.values.expiring and self.expire_if_due(key)):
            observer.misses += 1
            if observer.notify_flags:
                observer.key_missed(self, key)
            return None
        observer.hits += 1
        if observer.tracks_access:
            observer.key_accessed(self, key)
        return value

    def find_untouched(self, key: bytes) -> object | None:
        """Like ``find``, but the time of the last access stays (EXISTS, TYPE, TTL)."""
        value = self.values.find(key)
        observer = self.observer
        observer.untouched += 1
        if value is None or (self.values.expiring and self.expire_if_due(key)):
            observer.misses += 1
            if observer.notify_flags:
                observer.key_missed(self, key)
            return None
        observer.hits += 1
        return value

    def find_for_write(self, key: bytes) -> object | None:
        """The value for a writing command, or None. Not a hit or a miss in the statistics."""
        value = self.values.find(key)
        if value is None or (self.values.expiring and self.expire_if_due(key)):
            if value is not None and self.values.has(key) and self.observer.may_drop_expired():
                self.drop(key)  # a writable replica replaces an expired key
            return None
        if self.observer.tracks_access:
            self.observer.key_accessed(self, key)
        if self.observer.tracks_memory:
            self.note_size(key)
        return value

    def peek(self, key: bytes) -> object | None:
        """The value, or None, without any trace: no statistics, no access time."""
        value = self.values.find(key)
        if value is None or (self.values.expiring and self.expire_if_due(key)):
            return None
        return value

    def note_size(self, key: bytes) -> None:
        """Remember what ``key`` takes before it is changed. Only needed, and only called, while ``tracks_memory``."""
        if self.observer.snapshots_run:
            self.observer.key_changes(self, key)
        if self.observer.counts_memory and key not in self.sizes_before:
            value = self.values.find(key)
            self.observer.sizes_changed = True
            self.sizes_before[key] = 0 if value is None else self.observer.size_of(self, key, value)

    def put(self, key: bytes, value: object, keep_ttl: bool = False) -> None:
        """Set ``key``, new or not. Its time to live is removed unless ``keep_ttl``."""
        if self.observer.tracks_memory:
            self.note_size(key)
        if self.values.expiring and self.values.expiry_of(key) >= 0 and (self.expire_if_due(key) or not keep_ttl):
            self.values.persist(key)
        if self.values.put(key, value):
            if self.by_slot is not None:
                self.by_slot.add(key)
            if self.observer.notify_flags:
                self.observer.key_added(self, key)
        if self.volatile:
            self.forget_volatile(key)
        if not isinstance(value, bytes) and isinstance(value, Value) and value.volatile:
            self.note_volatile(key)
        if self.blocked and key in self.blocked:
            self.observer.key_ready(self, key)
        if self.observer.tracks_access:
            self.observer.key_accessed(self, key)

    def load(self, key: bytes, value: object) -> bool:
        """Set a new ``key`` while nobody sees this database; False if it was there."""
        if not isinstance(value, bytes) and isinstance(value, Value) and value.volatile:
            self.note_volatile(key)
        return self.values.put(key, value)

    def replace(self, key: bytes, value: object) -> None:
        """Give an existing ``key`` another value; its time to live stays."""
        self.values.put(key, value)

    def delete(self, key: bytes, unused: bool = False) -> bool:
        """Remove ``key``; False when it is not there. Expired counts as not there. ``unused``: see ``drop``."""
        if not self.values.has(key):
            return False
        if self.values.expiring and self.expire_if_due(key):
            return False
        self.drop(key, unused)
        return True

    def drop(self, key: bytes, unused: bool = False) -> None:
        """Remove a key that is present, whatever its time to live. ``unused``: the caller does not need its value."""
        if self.observer.tracks_memory:
            self.note_size(key)
        value = self.values.remove(key)
        if not isinstance(value, bytes):
            self.observer.value_dropped(value, unused)
        if self.by_slot is not None:
            self.by_slot.remove(key)
        if self.accessed:
            self.accessed.pop(key, None)
        if self.volatile:
            self.forget_volatile(key)
        if self.blocked and key in self.blocked:
            self.observer.key_ready(self, key)  # a blocked command that needs the key fails when it is deleted

    def clear(self) -> int:
        """Remove all keys; how many there were."""
        count = len(self.values)
        trash = self.observer.trash
        trash.add(self.values.take_apart())
        trash.add([self.accessed, self.volatile])
        trash.add(self.volatile_keys.take_apart())
        self.values = new_key_table(self.observer.tables_to_close)
        self.accessed = {}
        self.volatile = {}
        if self.by_slot is not None:
            trash.add(self.by_slot.take_apart())
        return count

    def swap(self, other: "Database") -> None:
        """Exchange keys and values with ``other``; watching and waiting clients stay."""
        self.values, other.values = other.values, self.values
        self.accessed, other.accessed = other.accessed, self.accessed
        self.sizes_before, other.sizes_before = other.sizes_before, self.sizes_before
        self.volatile, other.volatile = other.volatile, self.volatile
        self.volatile_keys, other.volatile_keys = other.volatile_keys, self.volatile_keys

    def note_volatile(self, key: bytes) -> None:
        """The value under ``key`` has elements with a time to live."""
        if key not in self.volatile:
            self.volatile[key] = None
            self.volatile_keys.add(key)

    def forget_volatile(self, key: bytes) -> None:
        """The value under ``key`` has no element with a time to live any more."""
        if key in self.volatile:
            del self.volatile[key]
            self.volatile_keys.remove(key)

    def expire_at(self, key: bytes, at_ms: int) -> None:
        """Let a present ``key`` live until ``at_ms`` (Unix time)."""
        self.values.expire_at(key, max(at_ms, 0))

    def expiry_of(self, key: bytes) -> int:
        """When ``key`` expires (Unix time in ms), -1 if never."""
        return self.values.expiry_of(key) if self.values.expiring else -1

    def persist(self, key: bytes) -> bool:
        """Remove the time to live; False when there was none."""
        return self.values.expiring > 0 and self.values.persist(key)

    def is_expired(self, key: bytes) -> bool:
        """Whether ``key`` has expired but is still stored."""
        return 0 <= self.expiry_of(key) < self.observer.now_ms

    def expire_if_due(self, key: bytes) -> bool:
        """Delete ``key`` if it has expired; True if commands do not find it. While ``keeps_expired`` it is only hidden."""
        at_ms = self.values.expiry_of(key)
        if at_ms < 0 or at_ms >= self.observer.now_ms:
            return False
        if self.observer.keeps_expired:
            return not self.observer.sees_expired()
        self.drop(key, unused=True)
        self.observer.key_expired(self, key)
        return True

    def grown(self, key: bytes) -> None:
        """Elements were added under ``key``: wake those who block on it."""
        if self.blocked and key in self.blocked:
            self.observer.key_ready(self, key)

    def average_ttl_ms(self, now_ms: int) -> int:
        """Mean time to live of the keys that have one, over the first few (INFO keyspace)."""
        times = self.values.expiry_times(_TTL_SAMPLE)
        return sum([max(0, at_ms - now_ms) for at_ms in times]) // max(1, len(times))
