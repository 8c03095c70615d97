"""The LRU crawler: it walks the lists and removes items that have expired, a slice on every tick (crawler.c).

memcached's LRU maintainer starts it by itself, for each list again after a time that depends on how much of the list will
expire within the next hour: from one minute to an hour.
"""

from typing import Final, final

from mypy_extensions import i64

from cachetwin_engine.memcached.items.item import FETCHED, LINKED, Item, class_of
from cachetwin_engine.memcached.items.lru import LISTS, SLOTS
from cachetwin_engine.memcached.items.slabs import CLASSES_MAX
from cachetwin_engine.memcached.items.store import Store

ITEMS_PER_SLICE: Final = 20_000
WAIT_SECONDS_MAX: Final = 3600
_ALL: Final = b"all"


def slots_of(word: bytes) -> list[int]:
    """The lists that a word names: ``all``, or classes with commas between; empty for what is none."""
    if word == _ALL:
        return list(range(SLOTS))
    slots: list[int] = []
    for part in word.split(b","):
        if not part.isdigit() or len(part) > 4 or not 1 <= int(part) < CLASSES_MAX:
            return []
        slots += [int(part) | lru for lru in LISTS]
    return slots


@final
class Crawler:
    """The walk that is going on, if one is."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.dumping = False  # a client receives a dump
        self._asked = False  # by a client, not by the maintainer
        self._slots: list[int] = []  # still to walk, the present one last
        self._cursor: Item | None = None
        self._left: i64 = 0  # items of the present list still to look at
        self._limit: i64 = 0  # of each list; 0 is all of it
        self._blocked_until: i64 = 0
        self._next_crawl = [0] * SLOTS
        self._wait = [0] * SLOTS
        self._minutes = [0] * 60  # of the present list: how many items expire in each of the next minutes
        self._with_ttl = 0

    @property
    def is_running(self) -> bool:
        """Whether it walks, or dumps."""
        return bool(self._slots) or self.dumping

    def start(self, slots: list[int], limit: int) -> bool:
        """Walk these lists for a client; False while another walk that was asked for goes on."""
        if self.dumping or self._slots:
            self._blocked_until = self._store.now + 60
            return False
        self._begin(slots, limit)
        self._asked = True
        return True

    def _begin(self, slots: list[int], limit: int) -> None:
        self._store.counters.crawler_starts += len(slots)
        self._slots = slots[::-1]
        self._limit = limit
        self._asked = False
        self._enter()

    def _enter(self) -> None:
        """Begin with the present list."""
        if not self._slots:
            self._cursor = None
            return
        slot = self._slots[-1]
        self._cursor = self._store.lru.lists[slot].tail
        self._left = self._limit or self._store.lru.lists[slot].count
        self._minutes = [0] * 60
        self._with_ttl = 0

    def tick(self) -> None:
        """Walk a slice; start a walk if it is time for one."""
        if not self._slots:
            self._start_due()
        todo: i64 = ITEMS_PER_SLICE
        while todo > 0 and self._slots:
            item = self._cursor
            slot = self._slots[-1]
            if item is not None and (item.bits & LINKED == 0 or item.slot != slot):
                item = self._store.lru.lists[slot].tail  # it went meanwhile
            if item is None or self._left <= 0:
                self._leave(slot)
                continue
            todo -= 1
            self._left -= 1
            self._cursor = item.newer
            self._look_at(item, slot)

    def _look_at(self, item: Item, slot: int) -> None:
        lru = self._store.lru
        lru.crawler_checked[slot] += 1
        if self._store.has_ended(item):
            lru.crawler_reclaimed[slot] += 1
            if item.bits & FETCHED == 0 and not self._store.is_flushed(item):
                lru.expired_unfetched[slot] += 1
            self._store.unlink(item)
        elif item.exptime != 0:
            self._with_ttl += 1
            minutes = (item.exptime - self._store.now) // 60
            if minutes < 60:
                self._minutes[minutes] += 1

    def _leave(self, slot: int) -> None:
        """The list is done: when it is next (items.c, lru_maintainer_crawler_check)."""
        watermark = self._with_ttl // 100 + 1
        ending = 0
        for minute in range(60):
            ending += self._minutes[minute]
            if ending > watermark:
                if self._wait[slot] < minute * 60:
                    self._wait[slot] += 60
                elif self._wait[slot] >= 60:
                    self._wait[slot] -= 60
                break
        if ending == 0:
            self._wait[slot] += 60
        self._wait[slot] = min(self._wait[slot], WAIT_SECONDS_MAX)
        self._next_crawl[slot] = self._store.now + self._wait[slot] + 5
        self._slots.pop()
        self._enter()

    def _start_due(self) -> None:
        store = self._store
        settings = store.settings
        if not settings.lru_crawler or not settings.lru_maintainer or self.dumping or store.now < self._blocked_until:
            return
        due: list[int] = []
        for slot in range(SLOTS):
            if class_of(slot) and store.now > self._next_crawl[slot]:
                if store.lru.lists[slot].count:
                    due.append(slot)
                else:
                    self._next_crawl[slot] = store.now + 5
        if due:
            self._begin(due, settings.lru_crawler_tocrawl)

    def items_of(self, slots: list[int]) -> list[Item]:
        """The items of these lists, oldest first."""
        found: list[Item] = []
        for slot in slots:
            item = self._store.lru.lists[slot].tail
            while item is not None:
                found.append(item)
                item = item.newer
        return found

    def stop(self) -> None:
        """``lru_crawler disable``."""
        self._slots = []
        self._cursor = None
