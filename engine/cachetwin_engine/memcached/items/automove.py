"""``slab_automove``: pages go from classes that hardly evict to those that do (slab_automove.c).

Once a second it notes each class's age, evictions and spare chunks, and decides over a window of such notes.
"""

from typing import Final, final

from cachetwin_engine.memcached.items.item import COLD
from cachetwin_engine.memcached.items.page_moves import reassign
from cachetwin_engine.memcached.items.slabs import CLASSES_MAX, REASSIGNED
from cachetwin_engine.memcached.items.store import Store

_PAGES_MIN_OF_SOURCE: Final = 2
_SPARE_PAGES_MIN: Final = 2.5
_RECLAIMS_MAX: Final = 200  # of one second


@final
class Automover:
    """The notes of the last seconds."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._start_window()
        self._seconds = 0
        self._evicted = [0] * CLASSES_MAX
        self._pages = [0] * CLASSES_MAX
        self._failed = [0] * CLASSES_MAX

    def _start_window(self) -> None:
        """Forget the notes; further ones are over the window of the settings."""
        self._size = self._store.settings.slab_automove_window
        self._ages: list[list[int]] = [[0] * self._size for _ in range(CLASSES_MAX)]
        self._ratios: list[list[float]] = [[0.0] * self._size for _ in range(CLASSES_MAX)]
        self._dirty: list[list[int]] = [[0] * self._size for _ in range(CLASSES_MAX)]

    def run(self) -> None:
        """Note this second and move a page if that is due; of pages for the pool, as many as are to spare."""
        if self._store.settings.slab_automove_window != self._size:
            self._start_window()
            self._seconds = 0
        moves = 0
        while self._run_once() and moves < _RECLAIMS_MAX:
            moves += 1

    def _run_once(self) -> bool:
        """Whether a page went to the pool."""
        store = self._store
        self._seconds += 1
        at = self._seconds % self._size
        largest = int(store.slabs.largest)
        evicted = [store.lru.evicted[number | COLD] - self._evicted[number] for number in range(largest + 1)]
        total = sum(evicted)
        oldest = youngest = -1
        oldest_age, youngest_age = 0, 1 << 62
        evicts = False
        for number in range(1, largest + 1):
            self._note(number, at, evicted[number], total)
            age = sum(self._ages[number]) // self._size
            dirty = sum(self._dirty[number]) > 0
            spare = int(store.slabs.classes[number].free) > store.slabs.per_page[number] * _SPARE_PAGES_MIN
            if spare and not dirty:
                return reassign(store, number, 0) == REASSIGNED
            if age > oldest_age and store.slabs.pages[number] > _PAGES_MIN_OF_SOURCE:
                oldest, oldest_age = number, age
            seen = sum(1 for ratio in self._ratios[number] if ratio > 0)
            share = sum(self._ratios[number]) / self._size
            if age < youngest_age and (seen > self._size // 2 or share > 0.25):
                youngest, youngest_age = number, age
                evicts = evicted[number] > 0
        known = oldest != -1 and youngest != -1 and self._seconds > self._size
        if known and evicts and youngest_age < oldest_age * store.settings.slab_automove_ratio:
            reassign(store, oldest, youngest)
        return False

    def _note(self, number: int, at: int, evicted: int, total: int) -> None:
        store = self._store
        pages, failed = store.slabs.pages[number], store.lru.out_of_memory[number]
        changed = pages > self._pages[number] or failed > self._failed[number]
        self._ages[number][at] = int(store.lru.age(number | COLD))
        self._ratios[number][at] = evicted / total if evicted else 0.0
        self._dirty[number][at] = 1 if evicted or changed else 0
        self._pages[number] = pages
        self._failed[number] = failed
        self._evicted[number] += evicted
