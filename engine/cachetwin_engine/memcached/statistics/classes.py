"""``stats items``, ``stats slabs`` and ``stats sizes``."""

from cachetwin_engine.memcached.items.item import COLD, HOT, TEMP, WARM
from cachetwin_engine.memcached.items.store import Store
from cachetwin_engine.memcached.statistics.values import Statistics


def _sum(counts: list[int], number: int) -> int:
    """Over the lists of a class."""
    return counts[number | HOT] + counts[number | WARM] + counts[number | COLD] + counts[number | TEMP]


def item_statistics(store: Store, out: Statistics) -> None:
    """The LRU lists of each class that has items."""
    lru, settings = store.lru, store.settings
    for number in range(1, int(store.slabs.largest) + 1):
        count = int(lru.count_of(number))
        if count == 0:
            continue
        name = b"items:%d:" % number
        out.count(name + b"number", count)
        if settings.lru_maintainer:
            out.count(name + b"number_hot", int(lru.lists[number | HOT].count))
            out.count(name + b"number_warm", int(lru.lists[number | WARM].count))
            out.count(name + b"number_cold", int(lru.lists[number | COLD].count))
            if settings.temp_lru:
                out.count(name + b"number_temp", int(lru.lists[number | TEMP].count))
            out.count(name + b"age_hot", int(lru.age(number | HOT)))
            out.count(name + b"age_warm", int(lru.age(number | WARM)))
        out.count(name + b"age", int(lru.age(number | COLD)))
        out.count(name + b"mem_requested", int(lru.bytes_of(number)))
        out.count(name + b"evicted", _sum(lru.evicted, number))
        out.count(name + b"evicted_nonzero", _sum(lru.evicted_nonzero, number))
        out.count(name + b"evicted_time", lru.evicted_time[number | COLD])
        out.count(name + b"outofmemory", _sum(lru.out_of_memory, number))
        out.count(name + b"tailrepairs", 0)
        out.count(name + b"reclaimed", _sum(lru.reclaimed, number))
        out.count(name + b"expired_unfetched", _sum(lru.expired_unfetched, number))
        out.count(name + b"evicted_unfetched", _sum(lru.evicted_unfetched, number))
        if settings.lru_maintainer:
            out.count(name + b"evicted_active", _sum(lru.evicted_active, number))
        out.count(name + b"crawler_reclaimed", _sum(lru.crawler_reclaimed, number))
        out.count(name + b"crawler_items_checked", _sum(lru.crawler_checked, number))
        out.count(name + b"lrutail_reflocked", 0)
        if settings.lru_maintainer:
            out.count(name + b"moves_to_cold", _sum(lru.moves_to_cold, number))
            out.count(name + b"moves_to_warm", _sum(lru.moves_to_warm, number))
            out.count(name + b"moves_within_lru", _sum(lru.moves_within, number))
            out.count(name + b"direct_reclaims", _sum(lru.direct_reclaims, number))
            out.count(name + b"hits_to_hot", int(lru.lists[number | HOT].hits))
            out.count(name + b"hits_to_warm", int(lru.lists[number | WARM].hits))
            out.count(name + b"hits_to_cold", int(lru.lists[number | COLD].hits))
            out.count(name + b"hits_to_temp", int(lru.lists[number | TEMP].hits))


def slab_statistics(store: Store, out: Statistics) -> None:
    """The pages and chunks of each class that has pages."""
    slabs = store.slabs
    active = 0
    for number in range(1, int(slabs.largest) + 1):
        if slabs.pages[number] == 0:
            continue
        active += 1
        name = b"%d:" % number
        out.count(name + b"chunk_size", slabs.sizes[number])
        out.count(name + b"chunks_per_page", slabs.per_page[number])
        out.count(name + b"total_pages", slabs.pages[number])
        out.count(name + b"total_chunks", slabs.pages[number] * slabs.per_page[number])
        out.count(name + b"used_chunks", slabs.used(number))
        out.count(name + b"free_chunks", int(slabs.classes[number].free))
        out.count(name + b"free_chunks_end", 0)
        out.count(name + b"get_hits", int(store.lru.hits_of(number)))
        out.count(name + b"cmd_set", int(slabs.classes[number].set_commands))
        out.count(name + b"delete_hits", slabs.delete_hits[number])
        out.count(name + b"incr_hits", slabs.incr_hits[number])
        out.count(name + b"decr_hits", slabs.decr_hits[number])
        out.count(name + b"cas_hits", slabs.cas_hits[number])
        out.count(name + b"cas_badval", slabs.cas_badval[number])
        out.count(name + b"touch_hits", slabs.touch_hits[number])
    out.count(b"active_slabs", active)
    out.count(b"total_malloced", slabs.allocated)


def size_statistics(store: Store, out: Statistics) -> None:
    """How many items there are of each size, in steps of 32 bytes."""
    if not store.settings.track_sizes:
        out.add(b"sizes_status", b"disabled")
    for size in sorted(store.sizes):
        out.count(b"%d" % size, store.sizes[size])
