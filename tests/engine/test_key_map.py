"""The map behind every database: what SCAN, RANDOMKEY and sampling promise while keys come and go."""

from hypothesis import given
from hypothesis import strategies as st

from cachetwin_engine.core.key_map import KeyMap
from cachetwin_engine.core.random_source import RandomSource

KEYS = st.integers(0, 3000).map(lambda number: b"key:%d" % number)


def map_of(keys: set[bytes]) -> KeyMap[bytes]:
    made: KeyMap[bytes] = KeyMap()
    for key in keys:
        made.set(key, b"of " + key)
    return made


@given(
    staying=st.sets(KEYS, max_size=300),
    passing=st.lists(st.sets(KEYS, max_size=400), max_size=12),
    count=st.integers(1, 50),
)
def test_a_walk_returns_every_key_that_is_there_all_along(
    staying: set[bytes], passing: list[set[bytes]], count: int
) -> None:
    keys = map_of(staying)
    here: set[bytes] = set()
    seen: set[bytes] = set()
    cursor, step = 0, 0
    while True:
        cursor, found = keys.scan(cursor, count)
        seen.update(found)
        if cursor == 0:
            break
        wanted = (passing[step] if step < len(passing) else set()) - staying  # grow or shrink between two steps
        for key in wanted - here:
            keys.set(key, b"")
        for key in here - wanted:
            keys.pop(key)
        here = wanted
        step += 1
    assert staying <= seen


@given(st.sets(KEYS, min_size=1), st.integers(1, 200))
def test_a_walk_over_keys_that_stay_returns_each_once_and_as_many_a_step_as_asked(keys: set[bytes], count: int) -> None:
    kept = map_of(keys)
    steps: list[list[bytes]] = []
    cursor = 0
    while True:
        cursor, found = kept.scan(cursor, count)
        steps.append(found)
        if cursor == 0:
            break
    assert sorted(key for step in steps for key in step) == sorted(keys)
    assert all(len(step) == count for step in steps[:-1])


@given(st.lists(st.tuples(KEYS, st.sampled_from(["set", "pop"])), max_size=2000))
def test_it_answers_as_a_dict_does(changes: list[tuple[bytes, str]]) -> None:
    kept: KeyMap[int] = KeyMap()
    expected: dict[bytes, int] = {}
    for number, (key, change) in enumerate(changes):
        if change == "set":
            assert kept.set(key, number) == (key not in expected)
            expected[key] = number
        else:
            assert kept.pop(key) == expected.pop(key, None)
        assert len(kept) == len(expected)
    assert sorted(kept.all_keys()) == sorted(expected)
    for key, value in expected.items():
        assert key in kept
        assert kept.get(key) == kept[key] == value
    assert sorted(kept.sample(RandomSource(1).below, 1_000_000)) == sorted(expected)


def test_a_map_that_grew_and_shrank_still_holds_what_is_left() -> None:
    kept = map_of({b"%d" % number for number in range(20_000)})
    for number in range(19_990):
        assert kept.pop(b"%d" % number) == b"of %d" % number
    assert sorted(kept.all_keys()) == [b"%d" % number for number in range(19_990, 20_000)]
    assert len(kept.shards()) < 10


def test_every_key_is_as_likely_to_be_picked_as_any_other() -> None:
    keys = [b"k%d" % number for number in range(1000)]
    kept = map_of(set(keys))
    random = RandomSource(20_261_123)
    picks = dict.fromkeys(keys, 0)
    for _ in range(100_000):
        picks[kept.random(random.below)] += 1
    chi_square = sum((count - 100) ** 2 / 100 for count in picks.values())
    assert chi_square < 1000 + 5 * (2 * 1000) ** 0.5  # 999 degrees of freedom, five standard deviations
