"""A collection in one blob answers as its real structure does, on either side of the limits and across them."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from cachetwin_engine.core.config.config import Config
from cachetwin_engine.core.config.profile import PROFILES
from cachetwin_engine.core.types.blob import ELEMENT_MAX, ENTRIES_MAX
from cachetwin_engine.core.types.hashes.hash import HashValue
from cachetwin_engine.core.types.list import ListValue
from cachetwin_engine.core.types.set import SetValue
from cachetwin_engine.core.types.sorted_sets.score_blob import entry_of, score_at
from cachetwin_engine.core.types.sorted_sets.sorted_set import SortedSet, sorted_set_of

CONFIG = Config(PROFILES["valkey-8.1"])
LIMIT = -2  # list-max-listpack-size

WORDS = st.one_of(
    st.binary(max_size=3),
    st.integers(-300, 300).map(lambda number: b"%d" % number),
    st.sampled_from([b"", b"x" * ELEMENT_MAX, b"y" * (ELEMENT_MAX + 1), b"field:0000000001", b"field:0000000002"]),
)
INTEGERS = st.integers(-(2**63), 2**63 - 1)
SCORES = st.one_of(st.floats(allow_nan=False), st.integers(-(2**60), 2**60).map(float), st.integers(-5, 5).map(float))


@given(st.lists(st.tuples(st.sampled_from(["set", "set", "set", "remove"]), WORDS, WORDS), max_size=40))
def test_a_hash_is_a_dict_and_a_listpack_in_order_of_arrival(changes: list[tuple[str, bytes, bytes]]) -> None:
    value = HashValue()
    expected: dict[bytes, bytes] = {}
    for change, field, content in changes:
        if change == "set":
            assert value.set(field, content, CONFIG) == (field not in expected)
            expected[field] = content
        else:
            assert value.remove(field) == (expected.pop(field, None) is not None)
        assert value.length() == len(expected)
        assert value.get(field) == expected.get(field)
    pairs = value.pairs()
    assert sorted(pairs) == sorted(expected.items())
    if value.packed:
        assert pairs == list(expected.items())
    assert value.fields() == [field for field, _ in pairs]
    assert value.contents() == [content for _, content in pairs]
    assert value.with_values(value.fields()) == value.flat() == [word for pair in pairs for word in pair]
    assert value.copied().size_bytes(0) == value.size_bytes(0)


@given(
    st.lists(st.tuples(st.sampled_from(["push", "push", "push", "pop"]), st.booleans(), WORDS), max_size=40),
    st.integers(-45, 45),
)
def test_a_list_is_a_list(changes: list[tuple[str, bool, bytes]], index: int) -> None:
    value = ListValue()
    expected: list[bytes] = []
    for change, left, word in changes:
        if change == "push":
            expected = [word, *expected] if left else [*expected, word]
            assert value.push_many([b"-", word], 1, left, LIMIT) == len(expected)
        elif expected:
            assert value.pop(left) == expected.pop(0 if left else -1)
    assert value.elements() == value.between(0, len(expected)) == expected
    assert value.length() == len(expected)
    assert value.at(index) == (expected[index] if -len(expected) <= index < len(expected) else None)
    assert value.encoding() == b"listpack"


@given(st.lists(WORDS, min_size=1, max_size=20), WORDS, st.integers(-3, 3))
def test_a_list_is_changed_in_its_middle(words: list[bytes], word: bytes, count: int) -> None:
    value = ListValue.of(list(words), LIMIT)
    value.make_room_bytes(len(word), 1, LIMIT)
    assert value.insert(words[-1], word, after=True)
    expected = list(words)
    expected.insert(expected.index(words[-1]) + 1, word)
    assert value.elements() == expected
    assert value.set_at(0, word)
    expected[0] = word
    gone = value.remove(word, count)
    found = expected.count(word)
    assert gone == (found if count == 0 else min(found, abs(count)))
    for _ in range(gone):
        if count < 0:
            expected.reverse()
        expected.remove(word)
        if count < 0:
            expected.reverse()
    assert value.elements() == expected


@given(st.lists(st.tuples(st.booleans(), WORDS), max_size=60))
def test_a_set_is_a_set(changes: list[tuple[bool, bytes]]) -> None:
    value = SetValue()
    expected: dict[bytes, None] = {}
    for adds, word in changes:
        if adds:
            assert value.add(word, CONFIG) == (word not in expected)
            expected[word] = None
        else:
            assert value.remove(word) == (word in expected)
            expected.pop(word, None)
        assert value.has(word) == adds
        assert value.length() == len(expected)
    assert sorted(value.members()) == sorted(expected)


@given(st.lists(INTEGERS, min_size=1, max_size=2 * ENTRIES_MAX))
def test_a_set_of_integers_is_in_numeric_order(numbers: list[int]) -> None:
    value = SetValue.of([b"%d" % number for number in numbers], CONFIG)
    assert value.encoding() == b"intset"
    assert value.members() == [b"%d" % number for number in sorted(set(numbers))]
    value.add(b"word", CONFIG)
    assert value.encoding() == b"listpack"
    assert value.members() == [*(b"%d" % number for number in sorted(set(numbers))), b"word"]


@given(st.lists(st.tuples(st.booleans(), WORDS, SCORES), max_size=40), SCORES)
def test_a_sorted_set_answers_as_the_tree_does(changes: list[tuple[bool, bytes, float]], bound: float) -> None:
    value = SortedSet()
    tree = sorted_set_of({}, packed=True)
    tree._tree()
    for adds, member, score in changes:
        if adds:
            value.put(member, score)
            tree.put(member, score)
        else:
            assert value.remove(member) == tree.remove(member)
        assert value.score(member) == tree.score(member)
    count = len(tree)
    assert len(value) == count
    assert value.range(0, count) == tree.range(0, count)
    assert value.range(1, 3) == tree.range(1, 3)
    assert value.scores() == tree.scores()
    for after in (False, True):
        assert value.rank_of_score(bound, after) == tree.rank_of_score(bound, after)
    for rank, member in enumerate(tree.range(0, count)[0]):
        assert value.rank(member) == rank
        assert value.member_at(rank) == member
    assert value.encoding() == tree.encoding()
    assert value.size_bytes(0) == tree.size_bytes(0)
    assert value.remove_range(1, 3) == tree.remove_range(1, 3)
    assert value.range(0, count) == tree.range(0, count)


@given(SCORES)
def test_a_score_comes_back_bit_by_bit(score: float) -> None:
    back = score_at(entry_of(b"member", score), 0)
    assert struct.pack(">d", back) == struct.pack(">d", score + 0.0)
