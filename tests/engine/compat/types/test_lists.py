"""Lists, compared with redis-server."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.engine.compat.conftest import Pair, Word
from tests.engine.compat.types.drawing import name, words

pytestmark = pytest.mark.compat

KEYS = st.sampled_from(["a", "b", "c", "string"])
ELEMENTS = st.one_of(
    st.sampled_from([b"x", b"y", b"", b"7", b"-1", b"x" * 64, b"\x00\xff"]),
    st.sampled_from([b"x" * 4090, b"y" * 9000]),
    st.integers(-5000, 5000).map(lambda number: b"%d" % number),
)
PLACES = st.sampled_from([0, 1, 2, 3, 10, -1, -2, -3, -10, "x", "", 2**63, 2**63 - 1, -(2**63) + 1])
COUNTS = st.sampled_from([0, 1, 2, 100, -1, "x", "1.0"])
SIDES = name("LEFT", "RIGHT", "left", "MIDDLE")
SECONDS = st.sampled_from(["0.001", "x", -1, "nan", "1e-30"])  # never long enough to notice
OPTION = st.one_of(
    st.tuples(name("RANK", "COUNT", "MAXLEN", "rank"), st.sampled_from([0, 1, 2, -1, -2, 5, "x"])),
    st.sampled_from([("RANK",), ("BAD", 1)]),
)

COMMANDS = st.one_of(
    words(name("LPUSH", "RPUSH", "LPUSHX", "RPUSHX"), KEYS, st.lists(ELEMENTS, min_size=1, max_size=4)),
    words(name("LPOP", "RPOP"), KEYS, st.lists(COUNTS, max_size=2)),
    words(name("LLEN", "TYPE"), KEYS),
    words(name("LINDEX"), KEYS, PLACES),
    words(name("LRANGE", "LTRIM"), KEYS, PLACES, PLACES),
    words(name("LSET"), KEYS, PLACES, ELEMENTS),
    words(name("LREM"), KEYS, PLACES, ELEMENTS),
    words(name("LINSERT"), KEYS, name("BEFORE", "AFTER", "before", "BESIDE"), ELEMENTS, ELEMENTS),
    words(name("LPOS"), KEYS, ELEMENTS, st.lists(OPTION, max_size=3)),
    words(name("RPOPLPUSH"), KEYS, KEYS),
    words(name("LMOVE"), KEYS, KEYS, SIDES, SIDES),
    words(name("LMPOP"), st.sampled_from([0, 1, 2, 3, "x"]), KEYS, st.lists(KEYS, max_size=1), SIDES),
    words(
        name("LMPOP"), st.just(1), KEYS, SIDES, st.sampled_from([("COUNT", 2), ("COUNT", 0), ("COUNT",), ("BAD", 1)])
    ),
    words(name("MULTI")),
    words(name("EXEC")),
)
WAITING = st.one_of(
    words(name("BLPOP", "BRPOP"), st.lists(KEYS, min_size=1, max_size=3), SECONDS),
    words(name("BRPOPLPUSH"), KEYS, KEYS, SECONDS),
    words(name("BLMOVE"), KEYS, KEYS, SIDES, SIDES, SECONDS),
    words(name("BLMPOP"), SECONDS, st.sampled_from([1, 2]), KEYS, KEYS, SIDES),
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(COMMANDS, max_size=40), st.sampled_from([2, 3]))
def test_any_sequence_of_list_commands_gets_the_same_replies(
    pair: Pair, commands: list[tuple[Word, ...]], protocol: int
) -> None:
    pair.reset(protocol)
    pair.same("SET", "string", "s")
    for command in commands:
        pair.same(*command)
    pair.same("DISCARD")
    for key in ("a", "b", "c"):
        pair.same("LRANGE", key, 0, -1)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(COMMANDS, WAITING), max_size=20), st.sampled_from([2, 3]))
def test_waiting_commands_in_a_transaction_answer_at_once(
    pair: Pair, commands: list[tuple[Word, ...]], protocol: int
) -> None:
    pair.reset(protocol)
    pair.same("SET", "string", "s")
    pair.same("MULTI")
    for command in commands:
        if command[0] not in {"MULTI", "EXEC"}:
            pair.same(*command)
    pair.same("EXEC")
    for key in ("a", "b", "c"):
        pair.same("LRANGE", key, 0, -1)
