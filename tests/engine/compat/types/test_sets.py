"""Sets, compared with redis-server."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.engine.compat.conftest import Pair, Word, members, parse
from tests.engine.compat.types.drawing import name, words

pytestmark = pytest.mark.compat

KEYS = st.sampled_from(["a", "b", "c", "d", "string"])
MEMBERS = st.one_of(
    st.sampled_from([b"x", b"y", b"", b"z" * 70, b"01", b"-0"]),
    st.integers(-40, 40).map(lambda number: b"%d" % number),
    st.sampled_from([b"40000", b"-3000000000", b"9223372036854775807", b"9223372036854775808"]),
)
NUMBERS = st.sampled_from([0, 1, 2, 3, -1, "x"])

ORDERED = st.one_of(
    words(name("SADD", "SREM"), KEYS, st.lists(MEMBERS, min_size=1, max_size=6)),
    words(name("SCARD", "TYPE"), KEYS),
    words(name("SISMEMBER"), KEYS, MEMBERS),
    words(name("SMISMEMBER"), KEYS, st.lists(MEMBERS, min_size=1, max_size=4)),
    words(name("SMOVE"), KEYS, KEYS, MEMBERS),
    words(name("SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE"), KEYS, st.lists(KEYS, min_size=1, max_size=3)),
    words(name("SINTERCARD"), NUMBERS, st.lists(KEYS, min_size=1, max_size=3)),
    words(name("SINTERCARD"), st.just(2), KEYS, KEYS, name("LIMIT", "limit", "BAD"), st.lists(NUMBERS, max_size=1)),
    words(name("SPOP"), KEYS, st.sampled_from([0, -1, "x", 1000])),
    words(name("SRANDMEMBER"), KEYS, st.sampled_from([0, "x"])),
    words(name("OBJECT"), name("ENCODING"), KEYS),
)
UNORDERED = st.one_of(
    words(name("SMEMBERS"), KEYS),
    words(name("SINTER", "SUNION", "SDIFF"), st.lists(KEYS, min_size=1, max_size=3)),
    words(name("SRANDMEMBER"), KEYS, st.just(1000)),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(ORDERED, UNORDERED), max_size=40), st.sampled_from([2, 3]))
def test_any_sequence_of_set_commands_gets_the_same_replies(
    pair: Pair, commands: list[tuple[Word, ...]], protocol: int
) -> None:
    pair.reset(protocol)
    pair.same("SET", "string", "s")
    for command in commands:
        if command[0] in {"SMEMBERS", "SINTER", "SUNION", "SDIFF", "SRANDMEMBER", "SPOP"}:
            pair.same_members(*command)
        else:
            pair.same(*command)
    for key in ("a", "b", "c", "d"):
        pair.same_members("SMEMBERS", key)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(MEMBERS, min_size=1, max_size=40), st.integers(-50, 50), st.sampled_from([2, 3]))
def test_random_members_come_in_the_same_number_and_shape(
    pair: Pair, content: set[bytes], count: int, protocol: int
) -> None:
    pair.reset(protocol)
    pair.same("SADD", "s", *sorted(content))
    for words_ in (("SRANDMEMBER", "s", count), ("SPOP", "s", abs(count))):
        real, ours = pair.real(*words_), pair.ours(*words_)
        assert len(members(ours)) == len(members(real))
        assert ours[:1] == real[:1]
        picked = parse(ours)
        assert isinstance(picked, list)
        assert set(map(bytes_of, picked)) <= content
    pair.same("SCARD", "s")


def bytes_of(item: object) -> bytes:
    assert isinstance(item, bytes)
    return item


@pytest.mark.parametrize("count", [100, 500, 600, 3000])
def test_walks_return_every_member(pair: Pair, count: int) -> None:
    pair.reset()
    pair.same("SADD", "s", *range(0, count * 2, 2))
    for ask in (pair.real, pair.ours):
        cursor = b"0"
        found: set[bytes] = set()
        while True:
            reply = parse(ask("SSCAN", "s", cursor, "COUNT", 50))
            assert isinstance(reply, list)
            assert isinstance(reply[1], list)
            found |= set(map(bytes_of, reply[1]))
            cursor = bytes_of(reply[0])
            if cursor == b"0":
                break
        assert found == {b"%d" % number for number in range(0, count * 2, 2)}
