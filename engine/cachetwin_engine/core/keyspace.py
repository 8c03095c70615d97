"""One of the numbered databases: keys, values, times to live, and who waits for or watches a key.

A value is what its type module says: ``bytes`` for a string (a bare object, because most keys of most caches are strings
and a wrapper would cost more than the value), otherwise an instance of a class derived from ``Value``.
Expired keys go the moment anyone looks at them, and by sampling in ``expiry``. Everything that happens to a key as a
consequence is told to one observer, the engine: it counts, notifies, invalidates and propagates.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from mypy_extensions import mypyc_attr

from .key_index import KeyIndex, index_of
from .slots import SlotKeys

if TYPE_CHECKING:
    from .session import Session

SLOTS: Final = 16384
_TTL_SAMPLE: Final = 256


@mypyc_attr(acyclic=True)  # no collector's head of 16 bytes; a sub-class that can be in a cycle leaves it out
class Value:
    """A value that is not a plain string. Sub-classes live in ``core.types``, one kind a module.

    No attributes here: there are as many values as keys.
    """

    @property
    def volatile(self) -> bool:
        """Does something in it end by itself? ``Database.volatile`` must know."""
        return False

    def kind(self) -> bytes:
        """What TYPE answers."""
        raise NotImplementedError

    def encoding(self) -> bytes:
        """What OBJECT ENCODING answers."""
        raise NotImplementedError

    def size_bytes(self, samples: int) -> int:
        """Memory this value holds, estimated from ``samples`` of its elements (0: all of them)."""
        raise NotImplementedError

    def copied(self) -> "Value":
        """An independent copy."""
        raise NotImplementedError


class KeyspaceObserver:
    """What a keyspace tells its engine. The engine derives from this; the defaults do nothing."""

    now_ms: int
    hits: int
    misses: int
    expired_fields: int  # of hashes, since start
    tracks_access: bool  # a policy or a client wants to know when keys were last used
    tracks_memory: bool  # sizes before and after a change are compared, or a snapshot runs
    counts_memory: bool  # a limit is set, so sizes are compared
    sizes_changed: bool  # some database has noted sizes
    notify_flags: int  # classes of keyspace notifications that are asked for
    keeps_expired: (
        bool  # expired keys are hidden, and somebody else says when they go: a primary, the source of an import
    )
    snapshots_run: bool  # one is being made that wants to see a key before it changes

    def __init__(self) -> None:
        self.now_ms = 0
        self.hits = 0
        self.misses = 0
        self.untouched = 0  # hits and misses that are no use of the key
        self.expired_fields = 0
        self.tracks_access = False
        self.tracks_memory = False
        self.counts_memory = False
        self.snapshots_run = False
        self.sizes_changed = False
        self.notify_flags = 0
        self.keeps_expired = False

    def key_expired(self, db: "Database", key: bytes) -> None:
        """``key`` has just been deleted because its time was over."""

    def sees_expired(self) -> bool:
        """Are the commands that run now to find keys that are over? Only asked while they are kept."""
        return False

    def may_drop_expired(self) -> bool:
        """May whoever writes delete what is over although it is kept?"""
        return False

    def key_accessed(self, db: "Database", key: bytes) -> None:
        """Called for each look-up while ``tracks_access``."""

    def key_changes(self, db: "Database", key: bytes) -> None:
        """Called before ``key`` is changed or deleted, while ``snapshots_run``."""

    def size_of(self, db: "Database", key: bytes, value: object) -> int:
        """Bytes that ``key`` and ``value`` take."""
        return 0

    def value_dropped(self, value: object) -> None:
        """``value``, which is not a plain string, is no longer anybody's."""

    def key_missed(self, db: "Database", key: bytes) -> None:
        """A reading command looked for ``key`` in vain. Called while any notification is asked for."""

    def key_added(self, db: "Database", key: bytes) -> None:
        """``key`` came into being. Called while any notification is asked for."""

    def key_modified(self, db: "Database", key: bytes) -> None:
        """The value under ``key`` changed, appeared or went."""

    def key_ready(self, db: "Database", key: bytes) -> None:
        """``key`` came into being or grew while clients block on it."""


class Database:
    """Keys and values. No reply, no argument parsing: that is the commands' part."""

    def __init__(self, index: int, observer: KeyspaceObserver) -> None:
        self.index = index
        self.observer = observer
        self.values: dict[bytes, object] = {}
        self._keys: KeyIndex | None = None  # see ``key_index``
        self.expires: dict[bytes, int] = {}  # key -> Unix time in ms
        self.expiring = KeyIndex()  # the keys of ``expires``
        self.sizes_before: dict[bytes, int] = {}  # of keys that have changed since memory was last summed up
        self.accessed: dict[bytes, object] = {}  # key -> entry of the access log, while ``tracks_access``
        self.expiry_cursor = 0  # where the next round of active expiry begins
        self.volatile: dict[bytes, None] = {}  # the keys of values in which something ends by itself
        self.volatile_keys = KeyIndex()
        self.volatile_cursor = 0
        self.by_slot: SlotKeys | None = None  # in cluster mode
        self.watchers: dict[bytes, list[Session]] = {}
        self.blocked: dict[bytes, dict[int, Session]] = {}  # key -> waiting clients in order of arrival

    def __len__(self) -> int:
        return len(self.values)

    def key_index(self) -> KeyIndex:
        """What walks the keys and draws from them. Made when it is first asked for, and kept up from then on."""
        if self._keys is None:
            self._keys = index_of(self.values)
        return self._keys

    def some_keys(self, below: Callable[[int], int], count: int) -> list[bytes]:
        """About ``count`` keys for an estimate: drawn where there is an index, else the oldest."""
        if self._keys is not None:
            return self._keys.sample(below, count)
        found: list[bytes] = []
        for key in self.values:
            found.append(key)
            if len(found) >= count:
                break
        return found

    def find(self, key: bytes) -> object | None:
        """The value for a reading command, or None. Counts a hit or a miss."""
        value = self.values.get(key)
        observer = self.observer
        if value is None or (self.expires and self.expire_if_due(key)):
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
        value = self.values.get(key)
        observer = self.observer
        observer.untouched += 1
        if value is None or (self.expires and self.expire_if_due(key)):
            observer.misses += 1
            if observer.notify_flags:
                observer.key_missed(self, key)
            return None
        observer.hits += 1
        return value

    def find_for_write(self, key: bytes) -> object | None:
        """The value for a writing command, or None. Not a hit or a miss in the statistics."""
        value = self.values.get(key)
        if value is None or (self.expires and self.expire_if_due(key)):
            if value is not None and key in self.values and self.observer.may_drop_expired():
                self.drop(key)  # a replica that takes writes begins anew with what is over
            return None
        if self.observer.tracks_access:
            self.observer.key_accessed(self, key)
        if self.observer.tracks_memory:
            self.note_size(key)
        return value

    def peek(self, key: bytes) -> object | None:
        """The value, or None, without any trace: no statistics, no access time."""
        value = self.values.get(key)
        if value is None or (self.expires and self.expire_if_due(key)):
            return None
        return value

    def note_size(self, key: bytes) -> None:
        """Remember what ``key`` takes before it is changed. Only needed, and only called, while ``tracks_memory``."""
        if self.observer.snapshots_run:
            self.observer.key_changes(self, key)
        if self.observer.counts_memory and key not in self.sizes_before:
            value = self.values.get(key)
            self.observer.sizes_changed = True
            self.sizes_before[key] = 0 if value is None else self.observer.size_of(self, key, value)

    def put(self, key: bytes, value: object, keep_ttl: bool = False) -> None:
        """Set ``key``, new or not. Its time to live goes unless ``keep_ttl``."""
        if self.observer.tracks_memory:
            self.note_size(key)
        if self.expires and key in self.expires and (self.expire_if_due(key) or not keep_ttl):
            self.persist(key)
        if key not in self.values:
            if self._keys is not None:
                self._keys.add(key)
            if self.by_slot is not None:
                self.by_slot.add(key)
            if self.observer.notify_flags:
                self.observer.key_added(self, key)
        self.values[key] = value
        if self.volatile:
            self.forget_volatile(key)
        if not isinstance(value, bytes) and isinstance(value, Value) and value.volatile:
            self.note_volatile(key)
        if self.blocked and key in self.blocked:
            self.observer.key_ready(self, key)
        if self.observer.tracks_access:
            self.observer.key_accessed(self, key)

    def replace(self, key: bytes, value: object) -> None:
        """Give an existing ``key`` another value; time to live and place in the index stay."""
        self.values[key] = value

    def delete(self, key: bytes) -> bool:
        """Remove ``key``; False when it is not there. Expired counts as not there."""
        if key not in self.values:
            return False
        if self.expires and self.expire_if_due(key):
            return False
        self.drop(key)
        return True

    def drop(self, key: bytes) -> None:
        """Remove a key that is present, whatever its time to live."""
        if self.observer.tracks_memory:
            self.note_size(key)
        value = self.values.pop(key)
        if not isinstance(value, bytes):
            self.observer.value_dropped(value)
        if self._keys is not None:
            self._keys.remove(key)
        if self.by_slot is not None:
            self.by_slot.remove(key)
        if self.expires and self.expires.pop(key, None) is not None:
            self.expiring.remove(key)
        if self.accessed:
            self.accessed.pop(key, None)
        if self.volatile:
            self.forget_volatile(key)
        if self.blocked and key in self.blocked:
            self.observer.key_ready(self, key)  # commands that need the key to exist must learn that it went

    def clear(self) -> int:
        """Remove all keys; how many there were."""
        count = len(self.values)
        self.values = {}
        self.expires = {}
        self._keys = None
        self.expiring = KeyIndex()
        self.accessed = {}
        self.volatile = {}
        self.volatile_keys = KeyIndex()
        if self.by_slot is not None:
            self.by_slot = SlotKeys([])
        return count

    def swap(self, other: "Database") -> None:
        """Exchange keys and values with ``other``; who watches or waits stays where it is."""
        self.values, other.values = other.values, self.values
        self._keys, other._keys = other._keys, self._keys
        self.expires, other.expires = other.expires, self.expires
        self.expiring, other.expiring = other.expiring, self.expiring
        self.accessed, other.accessed = other.accessed, self.accessed
        self.sizes_before, other.sizes_before = other.sizes_before, self.sizes_before
        self.volatile, other.volatile = other.volatile, self.volatile
        self.volatile_keys, other.volatile_keys = other.volatile_keys, self.volatile_keys

    def note_volatile(self, key: bytes) -> None:
        """Something in the value under ``key`` ends by itself."""
        if key not in self.volatile:
            self.volatile[key] = None
            self.volatile_keys.add(key)

    def forget_volatile(self, key: bytes) -> None:
        """Nothing in the value under ``key`` ends by itself any more."""
        if key in self.volatile:
            del self.volatile[key]
            self.volatile_keys.remove(key)

    def expire_at(self, key: bytes, at_ms: int) -> None:
        """Let a present ``key`` live until ``at_ms`` (Unix time)."""
        if key not in self.expires:
            self.expiring.add(key)
        self.expires[key] = at_ms

    def expiry_of(self, key: bytes) -> int:
        """When ``key`` ends (Unix time in ms), -1 if never."""
        return self.expires.get(key, -1)

    def persist(self, key: bytes) -> bool:
        """Take the time to live away; False when there was none."""
        if self.expires.pop(key, None) is None:
            return False
        self.expiring.remove(key)
        return True

    def is_over(self, key: bytes) -> bool:
        """Is the time of ``key`` over although it is still there?"""
        at_ms = self.expires.get(key)
        return at_ms is not None and at_ms <= self.observer.now_ms

    def expire_if_due(self, key: bytes) -> bool:
        """Delete ``key`` if its time is over. A key that is kept for the primary to delete counts as gone too."""
        at_ms = self.expires.get(key)
        if at_ms is None or at_ms > self.observer.now_ms:
            return False
        if self.observer.keeps_expired:
            return not self.observer.sees_expired()
        self.drop(key)
        self.observer.key_expired(self, key)
        return True

    def grown(self, key: bytes) -> None:
        """Elements were added under ``key``: wake those who block on it."""
        if self.blocked and key in self.blocked:
            self.observer.key_ready(self, key)

    def average_ttl_ms(self, now_ms: int) -> int:
        """Mean time to live of the keys that have one, over the first few (INFO keyspace)."""
        if not self.expires:
            return 0
        total = 0
        seen = 0
        for at_ms in self.expires.values():
            total += max(0, at_ms - now_ms)
            seen += 1
            if seen >= _TTL_SAMPLE:
                break
        return total // seen
