"""A walk over the keys of a moment, whatever comes and goes meanwhile, with either kind of table."""

import random

import pytest

from cachetwin_engine.core.keyspace.database import Database, KeyspaceObserver
from cachetwin_engine.core.keyspace.dict_table import DictTable
from cachetwin_engine.core.keyspace.key_table import KeyTable
from cachetwin_engine.core.keyspace.packed_table import PackedTable
from cachetwin_engine.core.rdb.key_walk import KeyWalk


def database(kind: str) -> Database:
    db = Database(0, KeyspaceObserver())
    table: KeyTable = PackedTable([]) if kind == "packed" else DictTable()
    db.values = table
    return db


@pytest.mark.no_cover
@pytest.mark.parametrize("kind", ["packed", "dict"])
@pytest.mark.parametrize(("count", "spread"), [(0, 50), (1, 50), (300, 400), (5_000, 20_000), (5_000, 5_000)])
@pytest.mark.parametrize("growth", [-1, 0, 1])
def test_each_key_of_the_moment_is_seen_once(kind: str, count: int, spread: int, growth: int) -> None:
    db = database(kind)
    source = random.Random(count + spread + growth)  # noqa: S311  (a test that can be repeated)
    for number in range(count):
        db.put(b"key:%d" % number, b"v")
    expected = sorted(db.values.keys())
    walk = KeyWalk(db)
    seen: list[bytes] = []
    while walk.has_more():
        seen += walk.take(10)
        for _ in range(40):
            key = b"key:%d" % source.randrange(spread)
            if walk.exclude(key):  # as the engine does before a key changes
                seen.append(key)
            if source.randrange(-1, 2) + growth > 0:
                db.put(key, b"w")
            else:
                db.delete(key)
    assert sorted(seen) == expected


@pytest.mark.parametrize("kind", ["packed", "dict"])
def test_a_walk_ends_although_keys_keep_coming(kind: str) -> None:
    db = database(kind)
    for number in range(1_000):
        db.put(b"key:%d" % number, b"v")
    walk = KeyWalk(db)
    taken = 0
    for number in range(1_000):
        taken += len(walk.take(32))
        for place in range(20):
            key = b"new:%d:%d" % (number, place)
            walk.exclude(key)
            db.put(key, b"v")
        if not walk.has_more():
            break
    assert taken == 1_000
    assert not walk.has_more()
