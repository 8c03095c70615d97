"""Slab classes: how memcached divides its memory, which decides what it evicts.

Values live in Python's memory here, so no page is allocated. What is kept are memcached's accounts: an item takes one
chunk of the class for its size, a class gets its chunks a page at a time while the limit allows, and a class without a
free chunk has to evict one of its own items. So the same commands evict the same items under the same ``-m``. Sizes and
rules are those of slabs.c.
"""

from typing import Final, final

from mypy_extensions import i64

from cachetwin_engine.memcached.items.item import CHUNK_HEADER_BYTES, HEADER_BYTES
from cachetwin_engine.memcached.settings import Settings

CLASSES_MAX: Final = 64
ALIGN_BYTES: Final = 8
TABLE_BYTES_MAX: Final = 4 * 1024
"""Largest item whose class is looked up, not searched for."""

REASSIGNED: Final = b"OK"
BAD_CLASS: Final = b"BADCLASS invalid src or dst class id"
NO_SPARE: Final = b"NOSPARE source class has no spare pages"
SAME_CLASS: Final = b"SAME src and dst class are identical"


@final
class SlabClass:
    """What changes in a class with every item that is stored."""

    def __init__(self) -> None:
        self.free: i64 = 0  # chunks
        self.set_commands: i64 = 0


@final
class Slabs:
    """The pages and chunks of each class. Class 0 is the pool of pages that belong to none."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.limit = settings.max_bytes
        self.sizes: list[int] = [0]
        self.set_classes()
        self.largest: i64 = len(self.sizes) - 1
        self._by_size = self._small_sizes()
        self.per_page = [0] + [settings.page_size // size for size in self.sizes[1:]]
        self.pages = [0] * CLASSES_MAX
        self.classes = [SlabClass() for _ in range(CLASSES_MAX)]
        self.allocated = 0  # bytes of all pages
        self.reset_counters()
        self.moved = 0  # pages that went from one class to another
        self.rescues = 0  # items that stayed when their page went
        self.chunk_rescues = 0  # pieces of larger items that did
        self.evictions_for_pages = 0

    def reset_counters(self) -> None:
        """``stats reset``."""
        for one in self.classes:
            one.set_commands = 0
        self.delete_hits = [0] * CLASSES_MAX
        self.incr_hits = [0] * CLASSES_MAX
        self.decr_hits = [0] * CLASSES_MAX
        self.cas_hits = [0] * CLASSES_MAX
        self.cas_badval = [0] * CLASSES_MAX
        self.touch_hits = [0] * CLASSES_MAX

    def set_classes(self) -> None:
        """Fill ``sizes``: growing by the factor, or as ``slab_sizes`` has them; the largest comes last."""
        settings = self._settings
        size = HEADER_BYTES + settings.chunk_size
        for number in range(1, CLASSES_MAX - 1):
            if settings.slab_sizes:
                if number > len(settings.slab_sizes):
                    break
                size = settings.slab_sizes[number - 1]
            elif size >= settings.chunk_size_max / settings.growth_factor:
                break
            if size % ALIGN_BYTES:
                size += ALIGN_BYTES - size % ALIGN_BYTES
            self.sizes.append(size)
            if not settings.slab_sizes:
                size = int(size * settings.growth_factor)
        self.sizes.append(settings.chunk_size_max)

    def class_for(self, size: i64) -> i64:
        """The class whose chunks hold ``size`` bytes; 0 for more than an item may have."""
        if size > self._settings.item_size_max:
            return 0
        at: i64 = (size + ALIGN_BYTES - 1) // ALIGN_BYTES
        if at < len(self._by_size):
            return self._by_size[at]
        return self._search(size)

    def _small_sizes(self) -> list[int]:
        """The class of each size up to ``TABLE_BYTES_MAX``, in the steps that all but the last class have."""
        largest = min(TABLE_BYTES_MAX, self.sizes[-2] if self.largest > 1 else 0)
        return [int(self._search(size)) for size in range(0, largest + 1, ALIGN_BYTES)]

    def _search(self, size: i64) -> i64:
        low: i64 = 1
        high: i64 = self.largest
        sizes = self.sizes
        while low < high:
            middle = (low + high) >> 1
            if sizes[middle] < size:
                low = middle + 1
            else:
                high = middle
        return low

    def take(self, number: i64) -> bool:
        """Take a chunk of the class; False if it has none and may have no further page."""
        own = self.classes[number]
        if own.free == 0 and not self._new_page(number):
            return False
        own.free -= 1
        return True

    def give(self, number: i64) -> None:
        """Give a chunk back."""
        self.classes[number].free += 1

    def _new_page(self, number: i64) -> bool:
        settings = self._settings
        size = settings.page_size
        if not settings.slab_reassign and settings.chunk_size_max == settings.page_size:
            size = self.sizes[number] * self.per_page[number]
        pages = self.pages
        if pages[0] > 0:
            pages[0] -= 1
        elif self.limit and self.allocated + size > self.limit and pages[number] > 0:
            return False  # a class without any page gets its first one whatever the limit
        else:
            self.allocated += size
        pages[number] += 1
        self.classes[number].free += self.per_page[number]
        return True

    def set_limit(self, limit: int) -> None:
        """Another limit; pages of the pool go at once, those of classes as they are moved to it."""
        self.limit = limit
        self._settings.max_bytes = limit
        self.release()

    def release(self) -> None:
        """Give the pool's pages back while there are more than the limit allows."""
        while self._settings.slab_reassign and self.allocated > self.limit and self.pages[0] > 0:
            self.pages[0] -= 1
            self.allocated -= self._settings.page_size

    def tail_size(self, size: i64) -> i64:
        """The size of the next chunk for ``size`` more bytes of an item in chunks."""
        wanted: i64 = size + CHUNK_HEADER_BYTES
        largest: i64 = self._settings.chunk_size_max
        return largest if wanted > largest else wanted

    def refusal_to_move(self, source: int, target: int) -> bytes:
        """Why no page can go from one class to another; empty if one can (slabs.c, do_slabs_reassign)."""
        if source == target:
            return SAME_CLASS
        if not 0 <= source <= self.largest or not 0 <= target <= self.largest:
            return BAD_CLASS
        if self.pages[source] < (1 if source == 0 else 2):
            return NO_SPARE
        return b""

    def used(self, number: int) -> int:
        """Chunks of the class that are taken."""
        return self.pages[number] * self.per_page[number] - int(self.classes[number].free)
