"""Moves of slab pages between classes and the pool, as ``slabs reassign`` and ``slab_automove`` ask for them."""

from cachetwin_engine.memcached.items.item import COLD, HOT, TEMP, WARM
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
        slabs.free[source] -= slabs.per_page[source]
    slabs.pages[source] -= 1
    slabs.pages[target] += 1
    if target != 0:
        slabs.free[target] += slabs.per_page[target]
    slabs.moved += 1
    slabs.release()
    return REASSIGNED


def _any_source(store: Store, target: int) -> int:
    for number in range(1, store.slabs.largest + 1):
        if number != target and store.slabs.pages[number] > 1:
            return number
    return -1


def _empty_page(store: Store, number: int) -> bool:
    """Evict until a page's worth of the class's chunks is free; False if items in chunks hold the rest."""
    slabs = store.slabs
    while slabs.free[number] < slabs.per_page[number]:
        item = store.lru.tails[number | COLD] or store.lru.tails[number | WARM] or store.lru.tails[number | HOT]
        if item is None:
            item = store.lru.tails[number | TEMP]
        if item is None:
            return False
        slabs.evictions_for_pages += 1
        store.unlink(item)
    return True
