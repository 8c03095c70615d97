"""Sorted sets, compared with redis-server."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.engine.compat.conftest import Pair, Word
from tests.engine.compat.types.drawing import name, words

pytestmark = pytest.mark.compat

KEYS = st.sampled_from(["a", "b", "c", "string"])
SOURCES = st.sampled_from(["a", "b", "c", "set", "missing"])
MEMBERS = st.one_of(
    st.integers(0, 12).map(lambda number: f"m{number}"),
    st.integers(0, 300).map(lambda number: f"m{number}"),
    st.sampled_from(["", "x" * 64, "x" * 65, b"\x00\xff"]),
)
SCORES = st.one_of(
    st.integers(-5, 20),
    st.floats(-1000, 1000).map(lambda number: repr(number + 0.0)),
    st.sampled_from(["inf", "-inf", "+inf", "1e17", "2.5e-7", "1e300", "0.1", "nan", "x", "", " 1"]),
)
SCORE_BOUNDS = st.tuples(st.sampled_from(["", "("]), SCORES).map(lambda drawn: f"{drawn[0]}{drawn[1]}")
NAMES = st.integers(0, 20).map(lambda number: f"m{number}")
NAME_BOUNDS = st.one_of(
    st.tuples(st.sampled_from("[("), NAMES).map(lambda drawn: drawn[0] + drawn[1]),
    st.sampled_from(["-", "+", "[", "(", "m1", ""]),
)
PLACES = st.sampled_from([0, 1, 2, 3, 9, 200, -1, -2, -3, -200, "x", "9223372036854775807"])
LIMIT = st.one_of(st.just(()), st.tuples(st.just("LIMIT"), PLACES, PLACES), st.just(("LIMIT", 0, -1)))
REVERSED = st.sampled_from([(), (), ("REV",)])
WITH_SCORES = st.sampled_from([(), ("WITHSCORES",)])
FLAGS = st.lists(st.sampled_from(["NX", "XX", "GT", "LT", "CH", "INCR", "ch"]), max_size=2)
PAIRS = st.lists(st.tuples(SCORES, MEMBERS), min_size=1, max_size=5)
COUNT = st.sampled_from([(), (1,), (2,), (100,), (0,), (-1,), ("x",)])
NUMKEYS = st.lists(SOURCES, min_size=1, max_size=3).map(lambda keys: (len(keys), *keys))
WEIGHTS = st.sampled_from([(), (), ("WEIGHTS", 2), ("WEIGHTS", 2, "0.5"), ("WEIGHTS", 1, -1, "inf"), ("WEIGHTS", "x")])
AGGREGATE = st.sampled_from([(), (), ("AGGREGATE", "SUM"), ("AGGREGATE", "min"), ("AGGREGATE", "MAX"), ("AGGREGATE",)])


COMMANDS = st.one_of(
    words(name("ZADD"), KEYS, FLAGS, PAIRS),
    words(name("ZADD"), KEYS, st.lists(st.tuples(st.just(0), NAMES), min_size=20, max_size=20)),
    words(name("ZADD"), KEYS, st.tuples(*(st.tuples(st.just(at), st.just(f"n{at}")) for at in range(129)))),
    words(name("ZINCRBY"), KEYS, SCORES, MEMBERS),
    words(name("ZREM", "ZMSCORE"), KEYS, st.lists(MEMBERS, min_size=1, max_size=3)),
    words(name("ZSCORE", "ZRANK", "ZREVRANK"), KEYS, MEMBERS),
    words(name("ZCARD", "DEL", "EXISTS", "TYPE"), KEYS),
    words(name("OBJECT"), name("ENCODING"), KEYS),
    words(name("ZRANGE", "ZREVRANGE"), KEYS, PLACES, PLACES, WITH_SCORES),
    words(name("ZRANGE"), KEYS, PLACES, PLACES, REVERSED, LIMIT, WITH_SCORES),
    words(name("ZRANGE"), KEYS, SCORE_BOUNDS, SCORE_BOUNDS, name("BYSCORE"), REVERSED, LIMIT, WITH_SCORES),
    words(name("ZRANGEBYSCORE", "ZREVRANGEBYSCORE"), KEYS, SCORE_BOUNDS, SCORE_BOUNDS, WITH_SCORES, LIMIT),
    words(name("ZRANGESTORE"), KEYS, KEYS, SCORE_BOUNDS, SCORE_BOUNDS, name("BYSCORE"), REVERSED, LIMIT),
    words(name("ZRANGESTORE"), KEYS, KEYS, PLACES, PLACES, REVERSED),
    words(name("ZCOUNT", "ZREMRANGEBYSCORE"), KEYS, SCORE_BOUNDS, SCORE_BOUNDS),
    words(name("ZREMRANGEBYRANK"), KEYS, PLACES, PLACES),
    words(name("ZPOPMIN", "ZPOPMAX"), KEYS, COUNT),
    words(name("ZMPOP"), NUMKEYS, name("MIN", "MAX", "x"), st.sampled_from([(), ("COUNT", 2), ("COUNT", 0)])),
    words(name("ZUNION", "ZINTER", "ZDIFF"), NUMKEYS, WEIGHTS, AGGREGATE, WITH_SCORES),
    words(name("ZUNIONSTORE", "ZINTERSTORE", "ZDIFFSTORE"), KEYS, NUMKEYS, WEIGHTS, AGGREGATE),
    words(name("ZINTERCARD"), NUMKEYS, st.sampled_from([(), ("LIMIT", 1), ("LIMIT", 0), ("LIMIT", -1)])),
)
LEX_COMMANDS = st.one_of(
    words(name("ZADD"), KEYS, st.lists(st.tuples(st.just(0), NAMES), min_size=1, max_size=20)),
    words(name("ZREM"), KEYS, NAMES),
    words(name("ZRANGEBYLEX", "ZREVRANGEBYLEX"), KEYS, NAME_BOUNDS, NAME_BOUNDS, LIMIT),
    words(name("ZRANGE"), KEYS, NAME_BOUNDS, NAME_BOUNDS, name("BYLEX"), REVERSED, LIMIT, WITH_SCORES),
    words(name("ZRANGESTORE"), KEYS, KEYS, NAME_BOUNDS, NAME_BOUNDS, name("BYLEX"), REVERSED, LIMIT),
    words(name("ZLEXCOUNT", "ZREMRANGEBYLEX"), KEYS, NAME_BOUNDS, NAME_BOUNDS),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(protocol=st.sampled_from([2, 3]), commands=st.lists(COMMANDS, min_size=10, max_size=60))
def test_any_sequence_of_commands_gets_the_same_replies(
    pair: Pair, protocol: int, commands: list[tuple[Word, ...]]
) -> None:
    pair.reset(protocol)
    pair.same("SET", "string", "x")
    pair.same("SADD", "set", "m1", "m2", "m3")
    pair.same("ZADD", "a", 1, "m1", 2, "m2", 2, "m3", "3.5", "m4")
    for command in commands:
        pair.same(*command)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(protocol=st.sampled_from([2, 3]), commands=st.lists(LEX_COMMANDS, min_size=10, max_size=40))
def test_ranges_of_names_get_the_same_replies_while_all_scores_are_equal(
    pair: Pair, protocol: int, commands: list[tuple[Word, ...]]
) -> None:
    pair.reset(protocol)
    pair.same("SET", "string", "x")
    for command in commands:
        pair.same(*command)


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize(
    "options", [(), (1,), (3,), (-3,), (0,), (3, "WITHSCORES"), (-2, "withscores"), ("x",), (1, "x")]
)
def test_zrandmember_of_a_single_member_is_the_same(pair: Pair, protocol: int, options: tuple[Word, ...]) -> None:
    pair.reset(protocol)
    pair.same("ZADD", "one", "1.5", "only")
    pair.same("ZRANDMEMBER", "one", *options)
    pair.same("ZRANDMEMBER", "missing", *options)


@pytest.mark.parametrize("count", [5, 500])
def test_zscan_walks_through_the_same_members(pair: Pair, count: int) -> None:
    pair.reset()
    for at in range(count):
        pair.same("ZADD", "z", f"{at}.1", f"member:{at}")
    real, ours = pair.real("ZSCAN", "z", 0, "COUNT", 1000), pair.ours("ZSCAN", "z", 0, "COUNT", 1000)
    assert sorted(ours.split(b"\r\n")) == sorted(real.split(b"\r\n"))
    pair.same("ZSCAN", "z", 0, "MATCH", "member:4", "COUNT", 1000)
    pair.same("ZSCAN", "z", "x")
    pair.same("ZSCAN", "z", 0, "COUNT", 0)


@pytest.mark.parametrize("command", ["ZINTERSTORE", "ZUNIONSTORE"])
@pytest.mark.parametrize("aggregate", ["SUM", "MIN", "MAX"])
@pytest.mark.parametrize("weights", [(1, 0), (0, 1), (0, 0), (1, -1)])
def test_infinite_scores_and_weights_of_zero_are_the_same(
    pair: Pair, command: str, aggregate: str, weights: tuple[int, int]
) -> None:
    pair.reset()
    pair.same("ZADD", "a", "inf", "x", "-inf", "y", "5", "z")
    pair.same("ZADD", "b", "inf", "x", "inf", "y", "-inf", "z")
    pair.same(command, "d", 2, "a", "b", "WEIGHTS", *weights, "AGGREGATE", aggregate)
    pair.same("ZRANGE", "d", 0, -1, "WITHSCORES")
