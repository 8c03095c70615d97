"""The index behind SCAN, RANDOMKEY and sampling: what it promises while keys come and go."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachetwin_engine.core.keyspace.key_index import KeyIndex
from cachetwin_engine.core.text.random_source import RandomSource

KEYS = st.integers(0, 3000).map(lambda number: b"key:%d" % number)


@given(
    staying=st.sets(KEYS, max_size=300),
    passing=st.lists(st.sets(KEYS, max_size=400), max_size=12),
    count=st.integers(1, 50),
)
def test_a_walk_returns_every_key_that_is_there_all_along(
    staying: set[bytes], passing: list[set[bytes]], count: int
) -> None:
    index = KeyIndex()
    for key in staying:
        index.add(key)
    here: set[bytes] = set()
    seen: set[bytes] = set()
    cursor, step = 0, 0
    while True:
        cursor, found = index.scan(cursor, count)
        seen.update(found)
        if cursor == 0:
            break
        wanted = (passing[step] if step < len(passing) else set()) - staying  # grow or shrink between two steps
        for key in wanted - here:
            index.add(key)
        for key in here - wanted:
            index.remove(key)
        here = wanted
        step += 1
    assert staying <= seen


@given(st.sets(KEYS), st.sets(KEYS))
def test_it_holds_what_was_added_and_not_removed(added: set[bytes], removed: set[bytes]) -> None:
    index = KeyIndex()
    for key in added:
        index.add(key)
    for key in added & removed:
        index.remove(key)
    assert len(index) == len(added - removed)
    cursor, found = index.scan(0, 1_000_000)
    assert cursor == 0
    assert sorted(found) == sorted(added - removed)


@pytest.mark.no_cover
def test_every_key_is_as_likely_to_be_picked_as_any_other() -> None:
    index = KeyIndex()
    keys = [b"k%d" % number for number in range(1000)]
    for key in keys:
        index.add(key)
    random = RandomSource(20_261_123)
    picks = dict.fromkeys(keys, 0)
    for _ in range(100_000):
        picks[index.random(random.below)] += 1
    chi_square = sum((count - 100) ** 2 / 100 for count in picks.values())
    assert chi_square < 1000 + 5 * (2 * 1000) ** 0.5  # 999 degrees of freedom, five standard deviations
