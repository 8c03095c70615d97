"""The keyspace: items by key, and memcached's rules of storing, expiring, flushing and evicting them.

Times are seconds on a clock that begins at 62 (memcached.c: two seconds and ITEM_UPDATE_INTERVAL before the first
second), so that 0 is never a time. ``now`` changes once a second, with the ticks.
"""

from collections.abc import Callable
from typing import Final, final

from mypy_extensions import i64

from cachetwin_engine.memcached.discovery import Cluster
from cachetwin_engine.memcached.items.counters import Counters, PrefixCounters
from cachetwin_engine.memcached.items.item import (
    CAS_BYTES,
    CHUNK_HEADER_BYTES,
    COLD,
    FETCHED,
    FLAGS_BYTES,
    HEADER_BYTES,
    HOT,
    LINKED,
    STALE,
    TOKEN_SENT,
    Item,
    class_of,
)
from cachetwin_engine.memcached.items.lru import Lru
from cachetwin_engine.memcached.items.slabs import Slabs
from cachetwin_engine.memcached.items.watchers import EVICTIONS, FETCHERS, MUTATIONS, Watchers
from cachetwin_engine.memcached.numbers import decimal, unsigned_64
from cachetwin_engine.memcached.settings import Settings

ADD: Final = 1
SET: Final = 2
REPLACE: Final = 3
APPEND: Final = 4
PREPEND: Final = 5
CAS: Final = 6
APPEND_OR_ADD: Final = 7
PREPEND_OR_ADD: Final = 8
"""How to store."""

NOT_STORED: Final = 0
STORED: Final = 1
EXISTS: Final = 2
NOT_FOUND: Final = 3
TOO_LARGE: Final = 4
NO_MEMORY: Final = 5
"""What became of it."""

DELTA_DONE: Final = 0
DELTA_NOT_FOUND: Final = 1
DELTA_NOT_A_NUMBER: Final = 2
DELTA_NO_MEMORY: Final = 3
DELTA_EXISTS: Final = 4
"""What became of an increment."""

START_SECONDS: Final = 62
RELATIVE_SECONDS_MAX: Final = 60 * 60 * 24 * 30
"""Longer times to live are points in Unix time."""

ALLOCATION_TRIES: Final = 10
_U64: Final = 1 << 64


@final
class Store:
    """Items by key."""

    def __init__(self, settings: Settings, clock: Callable[[], int]) -> None:
        """``clock``: Unix time in nanoseconds."""
        self.settings = settings
        self.counters = Counters()
        self.prefixes = PrefixCounters()
        self.slabs = Slabs(settings)
        self.lru = Lru(settings)
        self.watchers = Watchers(clock)
        self.cluster = Cluster()
        self.table: dict[bytes, Item] = {}
        self.started: i64 = clock() // 1_000_000_000 - START_SECONDS  # process_started: Unix time where the clock was 0
        self.now: i64 = 0
        self.set_now(START_SECONDS)
        self.last_cas = 0
        self.oldest_live: i64 = 0  # items up to this time are flushed, once it has come; 0 is none
        self.oldest_cas = 0
        self.stored: Item | None = None  # the item of the last STORED or DELTA_DONE
        self.given_cas = 0  # for the item that is stored next, 0 for a number of its own
        self.sizes: dict[int, int] = {}  # histogram of -o track_sizes

    def set_now(self, seconds: i64) -> None:
        """Seconds on the server's clock."""
        self.now = seconds
        self.lru.now = seconds

    def next_cas(self) -> int:
        """A new unique number; 0 where CAS is off."""
        if not self.settings.use_cas:
            return 0
        self.last_cas += 1
        return self.last_cas

    def expiry(self, exptime: i64) -> i64:
        """The clock's second at which a time to live ends; 0 is never, a negative one has ended."""
        if exptime == 0:
            return 0
        if exptime < 0:
            exptime = RELATIVE_SECONDS_MAX + 1
        if exptime > RELATIVE_SECONDS_MAX:
            return 1 if exptime <= self.started else (exptime - self.started) & 0x7FFFFFFF
        return exptime + self.now

    # Reading

    def is_flushed(self, item: Item) -> bool:
        """Whether ``flush_all`` has taken it."""
        if self.oldest_live == 0 or self.oldest_live > self.now:
            return False
        return item.time <= self.oldest_live or (self.oldest_cas != 0 and item.cas != 0 and item.cas < self.oldest_cas)

    def find(self, key: bytes) -> Item | None:
        """The item, unless it has expired or was flushed: then it is removed. The LRU does not learn of it."""
        item = self.table.get(key)
        if item is not None:
            found = 1
            if self.oldest_live != 0 and self.is_flushed(item):
                self.counters.get_flushed += 1
                found = 2
            elif item.exptime != 0 and item.exptime <= self.now:
                self.counters.get_expired += 1
                found = 3
            if found != 1:
                self.unlink(item)
                item = None
            if self.watchers.mask & FETCHERS:
                self.watchers.log_get(key, found, item)
        elif self.watchers.mask & FETCHERS:
            self.watchers.log_get(key, 0, None)
        return item

    def get(self, key: bytes) -> Item | None:
        """``find`` for a client that reads it."""
        item = self.find(key)
        if item is not None:
            self.lru.touch(item)
        return item

    # Room

    def size_of(self, key: bytes, flags: i64, value_bytes: i64) -> i64:
        """What an item would have in memcached's accounts."""
        size: i64 = HEADER_BYTES + len(key) + 1 + value_bytes + 2
        if flags != 0:
            size += FLAGS_BYTES
        return size + CAS_BYTES if self.settings.use_cas else size

    def fits(self, key: bytes, flags: i64, value_bytes: i64) -> bool:
        """Whether an item of this size is allowed at all."""
        return self.slabs.class_for(self.size_of(key, flags, value_bytes)) != 0

    def new_item(self, key: bytes, value: bytes, flags: i64, exptime: i64) -> Item | None:
        """An item with its room, not linked yet; None without room for it."""
        size: i64 = self.size_of(key, flags, len(value))
        number = self.slabs.class_for(size)
        if number == 0:
            return None
        item = Item(key, value, flags, exptime)
        taken = self._take_chunks(item, size) if size > self.settings.chunk_size_max else self._take(number)
        if not taken:
            self.lru.out_of_memory[number] += 1
            return None
        item.slot = self.lru.first_slot(number, exptime)
        return item

    def _take(self, number: i64) -> bool:
        """A chunk of the class, by evicting from it if need be."""
        if self.settings.lru_segmented and self.slabs.take(number):
            return True
        tries = 0
        taken = False
        while tries < ALLOCATION_TRIES:
            if not self.settings.lru_segmented:
                self._pull_cold(number, evict=False)
            if self.slabs.take(number):
                taken = True
                break
            if self._pull_cold(number, evict=True) <= 0:
                if not self.settings.lru_segmented:
                    break
                self._pull_hot(number)
            tries += 1
        self.lru.direct_reclaims[number] += tries
        return taken

    def _take_chunks(self, item: Item, size: i64) -> bool:
        """Room for an item that is larger than the largest chunk: its header and a chain of chunks."""
        slabs = self.slabs
        value_bytes: i64 = len(item.value) + 2
        header = slabs.class_for(size - value_bytes + CHUNK_HEADER_BYTES)
        if not self._take(header):
            return False
        capacity: i64 = self.settings.chunk_size_max - CHUNK_HEADER_BYTES
        left: i64 = value_bytes
        count: i64 = 0
        while left > 0:
            number = slabs.class_for(slabs.tail_size(left))
            if not self._take(number):
                number = slabs.largest
                if not self._take(number):
                    while count > 0:
                        slabs.give(slabs.largest)
                        count -= 1
                    slabs.give(header)
                    return False
            item.chunks = header << 8 | number
            left -= capacity
            count += 1
        return True

    def release(self, item: Item) -> None:
        """Give the room of an item back that is not linked."""
        slabs = self.slabs
        if item.chunks == 0:
            slabs.give(class_of(item.slot))
            return
        capacity: i64 = self.settings.chunk_size_max - CHUNK_HEADER_BYTES
        count: i64 = (len(item.value) + 2 + capacity - 1) // capacity
        while count > 1:
            slabs.give(slabs.largest)
            count -= 1
        slabs.give(item.chunks & 0xFF)
        slabs.give(item.chunks >> 8)

    # Linking

    def link(self, item: Item, cas: int = 0, old: Item | None = None) -> None:
        """Make it the item of its key, in place of ``old``. It gets a CAS number of its own where none is given."""
        if old is not None:
            item.key = old.key  # the table keeps this one
            self._forget(old)
        item.bits |= LINKED
        item.time = self.now
        item.cas = cas or self.next_cas()
        self.table[item.key] = item
        self.counters.total_items += 1
        self.lru.link(item)
        if self.settings.track_sizes:
            self._count_size(item, 1)

    def unlink(self, item: Item) -> None:
        """Remove it and give its room back."""
        del self.table[item.key]
        self._forget(item)

    def _forget(self, item: Item) -> None:
        """What ``unlink`` does, but for the table."""
        item.bits &= ~LINKED
        self.lru.unlink(item)
        self.release(item)
        if self.settings.track_sizes:
            self._count_size(item, -1)

    def _count_size(self, item: Item, count: int) -> None:
        bucket = (item.total_bytes(self.settings.use_cas) + 31) // 32 * 32
        left = self.sizes.get(bucket, 0) + count
        if left > 0:
            self.sizes[bucket] = left
        else:
            self.sizes.pop(bucket, None)

    # Writing

    def store(
        self, key: bytes, value: bytes, flags: i64, exptime: i64, mode: i64, cas: int, bits: i64, takes_stale: bool
    ) -> i64:
        """Store a value; ``stored`` is its item after STORED. ``cas`` 0 is none; ``bits`` are set on the item.

        ``takes_stale``: a CAS number that is too low stores a value that stays marked as stale.
        """
        item = self.new_item(key, value, flags, exptime)
        if item is None:
            return NO_MEMORY
        item.bits |= bits
        self.slabs.classes[class_of(item.slot)].set_commands += 1
        old = self.find(key)
        if old is None:
            status = self._store_first(item, mode)
        else:
            status = self._store_over(item, old, mode, cas, takes_stale)
        if status != STORED:
            self.release(item)
        if self.watchers.mask & MUTATIONS:
            stored = self.stored
            self.watchers.log_store(item if status != STORED or stored is None else stored, status, mode, self.now)
        return status

    def _store_first(self, item: Item, mode: i64) -> i64:
        if mode == CAS:
            self.counters.cas_misses += 1
            return NOT_FOUND
        if mode in {ADD, SET, APPEND_OR_ADD, PREPEND_OR_ADD}:
            self.link(item, self.given_cas)
            self.stored = item
            return STORED
        return NOT_STORED

    def _store_over(self, item: Item, old: Item, mode: i64, cas: int, takes_stale: bool) -> i64:
        if mode == ADD:
            self.lru.refresh(old)
            return NOT_STORED
        if mode == CAS:
            if cas == 0 or cas != old.cas:
                if cas == 0 or not (takes_stale and cas < old.cas):
                    self.slabs.cas_badval[class_of(old.slot)] += 1
                    return EXISTS
                item.exptime = old.exptime
                item.bits |= STALE | (old.bits & TOKEN_SENT)
            self.slabs.cas_hits[class_of(old.slot)] += 1
        elif mode > REPLACE:  # the four that join the values
            if cas not in {0, old.cas}:
                return EXISTS
            appends = mode in {APPEND, APPEND_OR_ADD}
            value = old.value + item.value if appends else item.value + old.value
            joined = self.new_item(item.key, value, old.flags, old.exptime)
            if joined is None:
                return NOT_STORED
            self.release(item)
            if old.bits & LINKED == 0:  # it was evicted to make room
                self.link(joined, self.given_cas)
                self.stored = joined
                return STORED
            item = joined
        self.link(item, self.given_cas, old if old.bits & LINKED else None)
        self.stored = item
        return STORED

    def refuse(self, key: bytes, flags: i64, value_bytes: i64, mode: i64) -> i64:
        """There was no room: why, after ``set`` has lost its old value (it would be stale)."""
        too_large = not self.fits(key, flags, value_bytes)
        if too_large:
            self.counters.too_large += 1
        else:
            self.counters.no_memory += 1
        if mode == SET:
            self.remove(key)
        return TOO_LARGE if too_large else NO_MEMORY

    def remove(self, key: bytes) -> bool:
        """Remove a key, uncounted; whether it was there."""
        item = self.find(key)
        if item is None:
            return False
        self.unlink(item)
        return True

    def add_delta(self, key: bytes, delta: int, increments: bool, cas: int) -> i64:
        """Count up, with wrap at 64 bits, or down to 0; ``stored`` is the item, and its value the number."""
        item = self.find(key)
        if item is None:
            return DELTA_NOT_FOUND
        if not item.value or item.chunks:
            return DELTA_NOT_A_NUMBER
        if cas not in {0, item.cas}:
            return DELTA_EXISTS
        number = unsigned_64(item.value)
        if number < 0:
            return DELTA_NOT_A_NUMBER
        if increments:
            number = (number + delta) % _U64
            self.slabs.incr_hits[class_of(item.slot)] += 1
        else:
            number = max(0, number - delta)
            self.slabs.decr_hits[class_of(item.slot)] += 1
        digits = decimal(number)
        if len(digits) <= len(item.value):  # in its place, filled up with spaces
            item.cas = self.next_cas()
            item.value = digits + b" " * (len(item.value) - len(digits))
            self.lru.refresh(item)
            self.stored = item
            return DELTA_DONE
        new = self.new_item(key, digits, item.flags, item.exptime)
        if new is None:
            return DELTA_NO_MEMORY
        self.link(new, 0, item if item.bits & LINKED else None)
        self.stored = new
        return DELTA_DONE

    def flush(self, seconds: i64) -> None:
        """Forget all items, now or ``seconds`` from now (or at a point in time)."""
        oldest: i64 = self.expiry(seconds) if seconds > 0 else self.now
        if self.settings.use_cas:
            self.oldest_live = oldest - 1
            if self.oldest_live <= self.now:
                self.oldest_cas = self.next_cas()
        else:
            self.oldest_live = oldest

    # Eviction, as lru_pull_tail does it in items.c

    def has_ended(self, item: Item) -> bool:
        """Whether the LRU may reclaim it."""
        return (item.exptime != 0 and item.exptime < self.now) or self.is_flushed(item)

    def reclaim(self, slot: i64, tries: i64) -> i64:
        """Remove ended items at the end of a list, up to ``tries``; how many."""
        removed: i64 = 0
        while removed < tries:
            item = self.lru.lists[slot].tail
            if item is None or not self.has_ended(item):
                break
            self.lru.reclaimed[slot] += 1
            if item.bits & FETCHED == 0:
                self.lru.expired_unfetched[slot] += 1
            self.unlink(item)
            removed += 1
        return removed

    def _pull_cold(self, number: i64, evict: bool) -> i64:
        """Reclaim at the end of cold; evict there if asked to; how many items went."""
        slot: i64 = number | COLD
        removed = self.reclaim(slot, 5)
        item = self.lru.lists[slot].tail
        if item is None or removed >= 5:
            return removed
        if not evict:
            return removed + 1 if self.lru.pull_active(slot) else removed
        if self.settings.evicts:
            self.lru.count_eviction(item)
            if self.watchers.mask & EVICTIONS:
                self.watchers.log_eviction(item, self.now)
            self.unlink(item)
            removed += 1
        return removed

    def _pull_hot(self, number: i64) -> None:
        """Force the end of hot towards cold, so that there is something to evict."""
        slot: i64 = number | HOT
        if self.reclaim(slot, 5) < 5:
            self.lru.pull_idle(slot, 0, 0)
