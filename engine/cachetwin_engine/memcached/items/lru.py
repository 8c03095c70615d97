"""The LRU lists: hot, warm, cold and temporary for each slab class, as memcached's segmented LRU has them (items.c).

A new item is hot. Past its share of the class's memory, or idle for too long, it goes from the end of hot or warm to
cold, or to warm if it was read twice; a cold item that is read again becomes warm. Only the end of cold is evicted.
Temporary items, of a TTL below ``temporary_ttl``, are never evicted. memcached moves items in a thread; here ``juggle``
does on every tick, and each move is a few assignments whatever the size of a list.
"""

from typing import Final, final

from mypy_extensions import i64

from cachetwin_engine.memcached.items.item import ACTIVE, COLD, FETCHED, HOT, TEMP, WARM, Item, class_of, lru_of
from cachetwin_engine.memcached.settings import Settings

SLOTS: Final = 256
LISTS: Final = (HOT, WARM, COLD, TEMP)


@final
class LruList:
    """One list: its ends, what is on it, and how often that was read."""

    def __init__(self) -> None:
        self.head: Item | None = None
        self.tail: Item | None = None
        self.count: i64 = 0
        self.bytes: i64 = 0
        self.hits: i64 = 0


@final
class Lru:
    """The lists of all classes, with their sizes and counts, by slot."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.lists = [LruList() for _ in range(SLOTS)]
        self.now: i64 = 0
        self.reset_counters()

    def reset_counters(self) -> None:
        """``stats reset``."""
        for one in self.lists:
            one.hits = 0
        self.evicted = [0] * SLOTS
        self.evicted_nonzero = [0] * SLOTS
        self.evicted_unfetched = [0] * SLOTS
        self.evicted_active = [0] * SLOTS
        self.evicted_time = [0] * SLOTS
        self.reclaimed = [0] * SLOTS
        self.expired_unfetched = [0] * SLOTS
        self.out_of_memory = [0] * SLOTS
        self.moves_to_cold = [0] * SLOTS
        self.moves_to_warm = [0] * SLOTS
        self.moves_within = [0] * SLOTS
        self.direct_reclaims = [0] * SLOTS
        self.crawler_reclaimed = [0] * SLOTS
        self.crawler_checked = [0] * SLOTS

    def first_slot(self, number: i64, exptime: i64) -> i64:
        """Where a new item of this class begins."""
        settings = self._settings
        if settings.temp_lru:
            ttl: i64 = (exptime - self.now) & 0xFFFFFFFF  # unsigned, so an item that never expires has the longest
            if ttl <= settings.temporary_ttl:
                return number | TEMP
        return number | HOT if settings.lru_segmented else number | COLD

    def link(self, item: Item) -> None:
        """Put the item at the head of its list."""
        own = self.lists[item.slot]
        head = own.head
        item.older = head
        if head is None:
            own.tail = item
        else:
            head.newer = item
        own.head = item
        own.count += 1
        own.bytes += item.total_bytes(self._settings.use_cas)

    def unlink(self, item: Item) -> None:
        """Take the item out of its list."""
        own = self.lists[item.slot]
        newer, older = item.newer, item.older
        if newer is None:
            own.head = older
        else:
            newer.older = older
            item.newer = None
        if older is None:
            own.tail = newer
        else:
            older.newer = newer
            item.older = None
        own.count -= 1
        own.bytes -= item.total_bytes(self._settings.use_cas)

    def move(self, item: Item, lru: i64) -> None:
        """To the head of another list of the same class, or of its own."""
        self.unlink(item)
        item.slot = class_of(item.slot) | lru
        self.link(item)

    def touch(self, item: Item) -> None:
        """The item was read. It has to be read twice to count as active, and once to stay so."""
        bits: i64 = item.bits
        if self._settings.lru_segmented:
            if bits & ACTIVE == 0:
                if bits & FETCHED == 0:
                    item.bits |= FETCHED
                else:
                    item.time = self.now
                    if lru_of(item.slot) == COLD:
                        self.moves_to_warm[class_of(item.slot) | WARM] += 1
                        self.move(item, WARM)
                    else:
                        item.bits |= ACTIVE
        else:
            item.bits |= FETCHED
            self.refresh(item)

    def refresh(self, item: Item) -> None:
        """The item was written in its place, or an ``add`` met it."""
        if self._settings.lru_segmented:
            if lru_of(item.slot) == COLD and item.bits & ACTIVE:
                item.bits &= ~ACTIVE
                self.moves_to_warm[class_of(item.slot) | WARM] += 1
                self.move(item, WARM)
            item.time = self.now
        elif item.time < self.now - 60:  # ITEM_UPDATE_INTERVAL
            item.time = self.now
            self.move(item, lru_of(item.slot))

    def count_of(self, number: i64) -> i64:
        """Items of a class."""
        count: i64 = 0
        for lru in LISTS:
            count += self.lists[number | lru].count
        return count

    def bytes_of(self, number: i64) -> i64:
        """What memcached's accounts have for the items of a class."""
        size: i64 = 0
        for lru in LISTS:
            size += self.lists[number | lru].bytes
        return size

    def hits_of(self, number: i64) -> i64:
        """How often items of a class were read."""
        hits: i64 = 0
        for lru in LISTS:
            hits += self.lists[number | lru].hits
        return hits

    def all_bytes(self) -> i64:
        """``bytes_of`` over all classes."""
        size: i64 = 0
        for one in self.lists:
            size += one.bytes
        return size

    def all_hits(self) -> i64:
        """``hits_of`` over all classes."""
        hits: i64 = 0
        for one in self.lists:
            hits += one.hits
        return hits

    def age(self, slot: i64) -> i64:
        """Seconds since the oldest item of the list was used; 0 for an empty list."""
        tail = self.lists[slot].tail
        return 0 if tail is None else self.now - tail.time

    def limit_of(self, lru: i64, total: i64) -> i64:
        """Bytes that the hot or warm list may have of the class's ``total``."""
        settings = self._settings
        return total * (settings.hot_lru_pct if lru == HOT else settings.warm_lru_pct) // 100

    def pull_idle(self, slot: i64, total: i64, age_max: i64) -> bool:
        """Move the last item of a hot or warm list on, if it is active, idle or one too many."""
        item = self.lists[slot].tail
        if item is None:
            return False
        lru = lru_of(slot)
        if item.bits & ACTIVE:
            item.bits &= ~ACTIVE
            if lru == WARM:
                self.moves_within[slot] += 1
            else:
                self.moves_to_warm[slot] += 1
            self.move(item, WARM)
            return True
        if self.lists[slot].bytes > self.limit_of(lru, total) or self.now - item.time > age_max:
            self.moves_to_cold[slot] += 1
            self.move(item, COLD)
            return True
        return False

    def pull_active(self, slot: i64) -> bool:
        """Move the last item of a cold list to warm if it is active."""
        item = self.lists[slot].tail
        if item is None or item.bits & ACTIVE == 0 or not self._settings.lru_segmented:
            return False
        item.bits &= ~ACTIVE
        self.moves_to_warm[slot] += 1
        self.move(item, WARM)
        return True

    def count_eviction(self, item: Item) -> None:
        """Statistics of an item that is evicted."""
        slot: i64 = item.slot
        self.evicted[slot] += 1
        self.evicted_time[slot] = self.now - item.time
        if item.exptime != 0:
            self.evicted_nonzero[slot] += 1
        if item.bits & FETCHED == 0:
            self.evicted_unfetched[slot] += 1
        if item.bits & ACTIVE:
            self.evicted_active[slot] += 1
