"""Both tables keep one contract: a map, a walk with SCAN's guarantee, and a fair draw."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cachetwin_engine.core.config.config import Config
from cachetwin_engine.core.config.profile import PROFILES
from cachetwin_engine.core.keyspace.dict_table import DictTable
from cachetwin_engine.core.keyspace.key_table import KeyTable
from cachetwin_engine.core.keyspace.packed_entry import PACKED_BYTES_MAX, PACKED_KEY_BYTES_MAX
from cachetwin_engine.core.keyspace.packed_table import PackedTable
from cachetwin_engine.core.text.random_source import RandomSource
from cachetwin_engine.core.types.hashes.hash import HashValue
from cachetwin_engine.core.types.set import SetValue
from cachetwin_engine.core.types.string import RawString

TABLES: dict[str, Callable[[], KeyTable]] = {"dict": DictTable, "packed": lambda: PackedTable([])}


@pytest.fixture(params=TABLES)
def table(request: pytest.FixtureRequest) -> KeyTable:
    return TABLES[request.param]()


def walk(table: KeyTable, count: int = 10) -> list[bytes]:
    """All that a whole walk returns."""
    cursor, found = table.scan(0, count)
    while cursor:
        cursor, more = table.scan(cursor, count)
        found += more
    return found


SIZES = st.sampled_from([0, 1, 16, 200, PACKED_KEY_BYTES_MAX - 1, PACKED_KEY_BYTES_MAX, PACKED_KEY_BYTES_MAX + 1])
KEYS = st.one_of(
    st.integers(0, 40).map(lambda n: b"key:%d" % n),
    st.builds(lambda size, byte: bytes([byte]) * size, SIZES, st.integers(0, 3)),
)
VALUES = st.builds(
    lambda size, byte: bytes([byte]) * size,
    st.sampled_from([0, 1, 16, 222, 223, 224, PACKED_BYTES_MAX - 5, PACKED_BYTES_MAX, PACKED_BYTES_MAX + 1, 5000]),
    st.integers(0, 255),
)
STEPS = st.lists(st.tuples(st.booleans(), KEYS, VALUES), max_size=200)


@pytest.mark.parametrize("kind", TABLES)
@given(steps=STEPS)
@settings(max_examples=100)
def test_it_answers_as_a_dict_does(kind: str, steps: list[tuple[bool, bytes, bytes]]) -> None:
    table, model = TABLES[kind](), dict[bytes, bytes]()
    for puts, key, value in steps:
        if puts:
            assert table.put(key, value) == (key not in model)
            model[key] = value
        else:
            assert table.remove(key) == model.pop(key, None)
        assert len(table) == len(model)
        assert table.find(key) == model.get(key)
        assert table.has(key) == (key in model)
    assert sorted(table.keys()) == sorted(model)
    assert dict(table.items()) == model
    assert sorted(walk(table, 1)) == sorted(model)


@pytest.mark.parametrize("kind", TABLES)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["put", "expire", "persist", "remove"]), KEYS, st.integers(0, 10**15)), max_size=200
    )
)
@settings(max_examples=100)
def test_times_to_live_stay_with_their_keys(kind: str, steps: list[tuple[str, bytes, int]]) -> None:
    table, keys, model = TABLES[kind](), set[bytes](), dict[bytes, int]()
    for step, key, at_ms in steps:
        if step == "put":
            table.put(key, b"value")
            keys.add(key)
        elif step == "remove":
            table.remove(key)
            keys.discard(key)
            model.pop(key, None)
        elif step == "persist":
            assert table.persist(key) == (model.pop(key, None) is not None)
        elif key in keys:
            table.expire_at(key, at_ms)
            model[key] = at_ms
        assert table.expiry_of(key) == model.get(key, -1)
        assert table.expiring == len(model)
    assert {key: table.expiry_of(key) for key in keys} == {key: model.get(key, -1) for key in keys}
    assert sorted(table.expiry_times(1000)) == sorted(model.values())
    assert sorted(walk_expiring(table, 1)) == sorted(model)


def walk_expiring(table: KeyTable, count: int = 10) -> list[bytes]:
    """All that a whole walk over keys with a time to live returns."""
    cursor, found = table.scan_expiring(0, count)
    while cursor:
        cursor, more = table.scan_expiring(cursor, count)
        found += more
    return found


@pytest.mark.no_cover
def test_times_to_live_stay_while_the_table_grows_and_shrinks(table: KeyTable) -> None:
    """Through segments that are laid out anew, split, and a table that starts over."""
    below = RandomSource(3).below
    for number in range(20_000):
        table.put(b"key:%d" % number, b"v")
        if number % 3 == 0:
            table.expire_at(b"key:%d" % number, number)
    volatile = {b"key:%d" % number for number in range(0, 20_000, 3)}
    assert set(walk_expiring(table)) == volatile
    drawn = set(table.draw_expiring(below, 50)) | {table.random_expiring(below) for _ in range(50)}
    assert len(drawn) > 50
    assert drawn <= volatile
    for number in range(100, 20_000):
        table.remove(b"key:%d" % number)
    left = {b"key:%d" % number for number in range(0, 100, 3)}
    assert table.expiring == len(left)
    assert set(walk_expiring(table)) == left == set(table.draw_expiring(below, 1000))
    assert [table.expiry_of(b"key:%d" % number) for number in (99, 98, 100)] == [99, -1, -1]
    for number in range(3, 100, 3):
        assert table.persist(b"key:%d" % number)
    assert table.random_expiring(below) == b"key:0"  # the only one


def test_a_value_that_is_no_string_lies_under_its_key(table: KeyTable) -> None:
    value = RawString(bytearray(b"v"))
    assert table.put(b"k", value)
    assert table.find(b"k") is value
    assert not table.put(b"k", b"text")
    assert table.find(b"k") == b"text"
    assert table.put(b"other", value)
    assert table.remove(b"other") is value
    assert not table.has(b"other")


def test_a_small_collection_is_the_same_after_it_was_closed() -> None:
    to_close: list[KeyTable] = []
    table = PackedTable(to_close)
    config = Config(PROFILES["valkey-8.1"])
    table.put(b"hash", HashValue())
    table.put(b"set", SetValue.of([b"1", b"2"], config))
    table.put(b"text", b"v")
    assert to_close == [table]
    found = table.find(b"hash")
    assert isinstance(found, HashValue)
    found.set(b"field", b"value", config)
    table.close()
    again = table.find(b"hash")
    assert isinstance(again, HashValue)
    assert again is not found
    assert again.pairs() == [(b"field", b"value")]
    again.set(b"other", b"x" * 5000, config)  # too large to be compact
    members = table.peek(b"set")
    assert isinstance(members, SetValue)
    assert members.members() == [b"1", b"2"]
    table.remove(b"set")
    table.close()
    assert table.find(b"hash") is again
    assert sorted(table.keys()) == [b"hash", b"text"]


def test_a_collection_that_took_another_name_is_closed_under_that() -> None:
    table = PackedTable([])
    config = Config(PROFILES["valkey-8.1"])
    table.put(b"old", SetValue.of([b"m"], config))
    value = table.remove(b"old")
    assert isinstance(value, SetValue)
    table.put(b"new", value)
    value.add(b"n", config)
    table.put(b"old", b"text")
    table.close()
    found = table.find(b"new")
    assert isinstance(found, SetValue)
    assert found.members() == [b"m", b"n"]
    assert table.find(b"old") == b"text"


@pytest.mark.no_cover
@pytest.mark.parametrize("count", [1, 12, 13, 100, 3072, 3073, 13_000])
def test_it_grows_and_shrinks_and_keeps_everything(table: KeyTable, count: int) -> None:
    keys = [b"key:%d" % n for n in range(count)]
    for key in keys:
        table.put(key, key * 2)
    assert len(table) == count
    assert all(table.find(key) == key * 2 for key in keys)
    assert not table.has(b"key:-1")
    assert sorted(walk(table)) == sorted(keys)
    for key in keys[: count - 1]:
        assert table.remove(key) == key * 2
    assert walk(table) == table.keys() == keys[-1:]
    for key in keys:
        table.put(key, b"again")
    assert sorted(walk(table, 1000)) == sorted(keys)


def test_keys_that_come_and_go_leave_room_for_others(table: KeyTable) -> None:
    for n in range(8_000):
        table.put(b"key:%d" % n, b"v")
        if n >= 10:
            assert table.remove(b"key:%d" % (n - 10)) == b"v"
    assert len(table) == 10
    assert sorted(walk(table)) == sorted(b"key:%d" % n for n in range(7_990, 8_000))


@pytest.mark.no_cover
@pytest.mark.parametrize("count", [1, 10, 500])
@pytest.mark.parametrize("seed", range(2))
def test_what_stays_during_a_whole_walk_is_returned(table: KeyTable, count: int, seed: int) -> None:
    below = RandomSource(seed).below
    stays = {b"stays:%d" % n for n in range(500)}
    others = [b"other:%d" % n for n in range(7_000)]
    for key in stays:
        table.put(key, b"v")
    present: set[bytes] = set()
    grows = seed % 2 == 0
    if not grows:
        for key in others:
            table.put(key, b"v")
        present.update(others)
    found: set[bytes] = set()
    cursor = steps = 0
    while True:
        cursor, keys = table.scan(cursor, count)
        found.update(keys)
        assert found <= stays | set(others)
        if cursor == 0:
            break
        steps += 1
        for key in [others[below(len(others))] for _ in range(60)]:
            if grows and key not in present:
                table.put(key, b"v")
                present.add(key)
            elif not grows and key in present:
                table.remove(key)
                present.discard(key)
    assert stays <= found
    assert steps < 7_000


def test_a_walk_returns_nothing_twice_while_nothing_changes(table: KeyTable) -> None:
    for n in range(7_000):
        table.put(b"key:%d" % n, b"v")
    found = walk(table, 7)
    assert len(found) == len(set(found)) == 7_000


@pytest.mark.no_cover
@pytest.mark.parametrize("count", [1, 5, 12, 4_000])
def test_every_key_is_drawn_as_often_as_any_other(table: KeyTable, count: int) -> None:
    for n in range(count):
        table.put(b"key:%d" % n, b"v")
    below = RandomSource(1).below
    seen = [0] * count
    draws = 20 * count + 1000
    for _ in range(draws):
        seen[int(table.random(below)[4:])] += 1
    expected = draws / count
    # Chi-squared over its degrees of freedom: 1 within twelve standard deviations.
    spread = sum((times - expected) ** 2 / expected for times in seen) / max(1, count - 1)
    assert spread < 1 + 12 * (2 / max(1, count - 1)) ** 0.5


def test_a_draw_finds_the_few_that_are_left_of_many(table: KeyTable) -> None:
    for n in range(14_000):
        table.put(b"key:%d" % n, b"v")
    for n in range(13_990):
        table.remove(b"key:%d" % n)
    below = RandomSource(2).below
    assert {table.random(below) for _ in range(500)} == {b"key:%d" % n for n in range(13_990, 14_000)}
    assert set(table.sample(below, 5)) < set(table.keys())
    assert sorted(table.sample(below, 100)) == sorted(table.keys())


@pytest.mark.no_cover
@pytest.mark.parametrize("count", [1, 5, 12, 4_000, 14_000])
def test_neighbours_are_drawn_from_everywhere(table: KeyTable, count: int) -> None:
    for n in range(count):
        table.put(b"key:%d" % n, b"v")
    below = RandomSource(3).below
    seen: dict[bytes, int] = {}
    for _ in range(4 * count + 500):
        drawn = table.draw(below, 5)
        assert len(set(drawn)) == len(drawn) == min(5, count)
        for key in drawn:
            seen[key] = seen.get(key, 0) + 1
    assert len(seen) >= count - count // 1000  # a key behind many empty cells is drawn more seldom than others
    assert max(seen.values()) < 12 * sum(seen.values()) / count


def test_nothing_is_drawn_from_an_empty_table(table: KeyTable) -> None:
    assert table.draw(RandomSource(4).below, 5) == []


@given(pairs=st.dictionaries(KEYS, VALUES, max_size=100), more=STEPS)
@pytest.mark.parametrize("kind", TABLES)
def test_a_copy_has_the_same_strings_and_goes_its_own_way(
    kind: str, pairs: dict[bytes, bytes], more: list[tuple[bool, bytes, bytes]]
) -> None:
    table = TABLES[kind]()
    for key, value in pairs.items():
        table.put(key, value)
        table.expire_at(key, 5)
    copy = table.copied()
    for puts, key, value in more:
        if puts:
            table.put(key, value)
        else:
            table.remove(key)
    words = copy.strings(with_keys=True)
    assert dict(zip(words[::2], words[1::2], strict=True)) == pairs
    assert copy.strings(with_keys=False) == words[1::2]
    assert (len(copy), copy.expiring) == (len(pairs), 0)
    assert all(copy.find(key) == value for key, value in pairs.items())
    for key in pairs:
        copy.remove(key)
    copy.put(b"new", b"value")
    assert copy.items() == [(b"new", b"value")]
