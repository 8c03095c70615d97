"""Moves of slab pages between classes and the pool, as ``slabs reassign`` and ``slab_automove`` ask for them.

There are no pages in memory, so which items lie on one is not known: they count as spread evenly. Those of the page that
goes are rescued while the class has free chunks elsewhere; for the others the oldest items are evicted.
"""

from cachetwin_engine.memcached.items.item import COLD, HOT, TEMP, WARM, Item
from cachetwin_engine.memcached.items.slabs import NO_SPARE, REASSIGNED
from cachetwin_engine.memcached.items.store import Store


def reassign(store: Store, source: int, target: int) -> bytes:
    """Move a page from one class to another, or to the pool (0); -1 takes it from any. OK, or why not."""
    slabs = store.slabs
    if source == -1:
        source = _any_source(store, target)
    refusal = slabs.refusal_to_move(source, target)
    if refusal:
        return refusal
    if source != 0:
        if not _empty_page(store, source):
            return NO_SPARE
        slabs.classes[source].free -= slabs.per_page[source]
    slabs.pages[source] -= 1
    slabs.pages[target] += 1
    if target != 0:
        slabs.classes[target].free += slabs.per_page[target]
    slabs.moved += 1
    slabs.release()
    return REASSIGNED


def _any_source(store: Store, target: int) -> int:
    for number in range(1, store.slabs.largest + 1):
        if number != target and store.slabs.pages[number] > 1:
            return number
    return -1


def _empty_page(store: Store, number: int) -> bool:
    """Evict until a page's worth of the class's chunks is free; False where nothing is left to evict."""
    slabs = store.slabs
    live = slabs.used(number) // slabs.pages[number]
    evicted = 0
    while slabs.classes[number].free < slabs.per_page[number]:
        item = _oldest(store, number) or _oldest_in_chunks(store, number)
        if item is None:
            return False
        evicted += 1
        store.unlink(item)
    slabs.evictions_for_pages += evicted
    items = store.lru.count_of(number)
    if 2 * items < slabs.used(number):  # most are pieces of larger items, and an eviction frees several
        slabs.chunk_rescues += slabs.used(number) // slabs.pages[number]
    else:
        slabs.rescues += max(0, live - evicted)
    return True


def _oldest(store: Store, number: int) -> Item | None:
    """The item of the class that goes first."""
    for part in (COLD, WARM, HOT, TEMP):
        item = store.lru.lists[number | part].tail
        if item is not None:
            return item
    return None


def _oldest_in_chunks(store: Store, number: int) -> Item | None:
    """The longest unread of the last items of other classes that have chunks of this one."""
    oldest: Item | None = None
    for other in range(1, store.slabs.largest + 1):
        item = _oldest(store, other)
        if item is None or not item.chunks or number not in {item.chunks & 0xFF, store.slabs.largest}:
            continue
        if oldest is None or item.time < oldest.time:
            oldest = item
    return oldest
