"""Hashes, compared with redis-server."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.engine.compat.conftest import Pair, Word, parse
from tests.engine.compat.types.drawing import name, words

pytestmark = pytest.mark.compat

KEYS = st.sampled_from(["a", "b", "string"])
FIELDS = st.sampled_from([b"f", b"g", b"h", b"", b"1", b"n" * 70])
CONTENTS = st.one_of(
    st.binary(max_size=6),
    st.integers(-1000, 1000).map(lambda number: b"%d" % number),
    st.sampled_from([b"3.5", b"1e2", b"inf", b"9223372036854775807", b"v" * 65]),
)
NUMBERS = st.sampled_from([0, 1, -7, 2**63 - 1, -(2**63), 2**63, "x", "1.5", "", "01"])
DECIMALS = st.sampled_from(["0.1", "-3", "1e3", "5.0e-2", "nan", "inf", "x", "", " 1", "0x10"])

COMMANDS = st.one_of(
    words(name("HSET", "HMSET"), KEYS, st.lists(st.tuples(FIELDS, CONTENTS), min_size=1, max_size=4)),
    words(name("HSET", "HMSET"), KEYS, st.lists(FIELDS, min_size=2, max_size=5)),
    words(name("HSETNX"), KEYS, FIELDS, CONTENTS),
    words(name("HGET", "HEXISTS", "HSTRLEN"), KEYS, FIELDS),
    words(name("HMGET", "HDEL"), KEYS, st.lists(FIELDS, min_size=1, max_size=4)),
    words(name("HLEN", "TYPE", "HRANDFIELD"), st.sampled_from(["a", "missing", "string"])).filter(
        lambda command: command != ("HRANDFIELD", "a")
    ),
    words(name("HINCRBY"), KEYS, FIELDS, NUMBERS),
    words(name("HINCRBYFLOAT"), KEYS, FIELDS, DECIMALS),
    words(
        name("HRANDFIELD"), KEYS, st.sampled_from([(0,), (0, "WITHVALUES"), ("x",), (1, "BAD"), (1, "WITHVALUES", 2)])
    ),
    words(name("OBJECT"), name("ENCODING"), KEYS),
)
UNORDERED = st.one_of(
    words(name("HGETALL", "HKEYS", "HVALS"), KEYS),
    words(name("HRANDFIELD"), KEYS, st.just(100), st.sampled_from([(), ("WITHVALUES",)])),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(COMMANDS, UNORDERED), max_size=40), st.sampled_from([2, 3]))
def test_any_sequence_of_hash_commands_gets_the_same_replies(
    pair: Pair, commands: list[tuple[Word, ...]], protocol: int
) -> None:
    pair.reset(protocol)
    pair.same("SET", "string", "s")
    for command in commands:
        if command[0] in {"HGETALL", "HKEYS", "HVALS"} or command[2:3] == (100,):
            pair.same_members(*command)
        else:
            pair.same(*command)
    for key in ("a", "b"):
        pair.same_members("HGETALL", key)


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("count", [3, -7, 20])
def test_random_fields_come_in_the_same_number_and_shape(pair: Pair, count: int, protocol: int) -> None:
    pair.reset(protocol)
    pair.same("HSET", "h", *[f"{kind}{number}" for number in range(10) for kind in ("field", "value")])
    real = parse(pair.real("HRANDFIELD", "h", count, "WITHVALUES"))
    ours = parse(pair.ours("HRANDFIELD", "h", count, "WITHVALUES"))
    assert isinstance(real, list)
    assert isinstance(ours, list)
    assert len(ours) == len(real)
    assert [type(item) for item in ours] == [type(item) for item in real]


@pytest.mark.parametrize("count", [100, 600, 3000])
def test_walks_return_every_field_with_its_value(pair: Pair, count: int) -> None:
    pair.reset()
    pair.same("HSET", "h", *[word for number in range(count) for word in (f"f{number}", number)])
    for ask in (pair.real, pair.ours):
        cursor: object = b"0"
        found: dict[object, object] = {}
        while True:
            assert isinstance(cursor, bytes)
            reply = parse(ask("HSCAN", "h", cursor, "COUNT", 50))
            assert isinstance(reply, list)
            flat = reply[1]
            assert isinstance(flat, list)
            found.update(dict(zip(flat[::2], flat[1::2], strict=True)))
            cursor = reply[0]
            if cursor == b"0":
                break
        assert found == {f"f{number}".encode(): b"%d" % number for number in range(count)}
