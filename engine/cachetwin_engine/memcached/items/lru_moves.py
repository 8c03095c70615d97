"""The upkeep of the LRU's lists between commands: items move from hot and warm to cold, and ended ones go.

memcached does it in a thread, lru_maintainer_thread in items.c; here the tick does.
"""

from typing import Final

from mypy_extensions import i64

from cachetwin_engine.memcached.items.item import COLD, HOT, TEMP, WARM
from cachetwin_engine.memcached.items.store import Store

JUGGLES_MAX: Final = 500
"""Moves of one class in one round."""


def juggle(store: Store) -> bool:
    """One round of the LRU's upkeep over all classes; whether there is more to move."""
    store.counters.juggles += 1
    more = False
    number: i64 = 1
    while number <= store.slabs.largest:
        if store.slabs.pages[number] and _juggle_class(store, number):
            more = True
        number += 1
    return more


def _juggle_class(store: Store, number: i64) -> bool:
    settings = store.settings
    lru = store.lru
    if settings.temp_lru:
        store.reclaim(number | TEMP, JUGGLES_MAX)
    total: i64 = 0
    hot_age: i64 = 0
    warm_age: i64 = 0
    if settings.lru_segmented:
        cold_age = int(lru.age(number | COLD))
        hot_age = int(cold_age * settings.hot_max_factor)
        warm_age = int(cold_age * settings.warm_max_factor)
        total = lru.lists[number | COLD].bytes + lru.lists[number | HOT].bytes + lru.lists[number | WARM].bytes
    moves: i64 = 0
    while moves < JUGGLES_MAX:
        moved = store.reclaim(number | HOT, 5) > 0 or lru.pull_idle(number | HOT, total, hot_age)
        moved = moved or store.reclaim(number | WARM, 5) > 0 or lru.pull_idle(number | WARM, total, warm_age)
        if settings.lru_segmented and (store.reclaim(number | COLD, 5) > 0 or lru.pull_active(number | COLD)):
            moved = True
        if not moved:
            return False
        moves += 1
    return True
