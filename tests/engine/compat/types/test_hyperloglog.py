"""HyperLogLogs, compared with redis-server to the byte."""

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.engine.compat.conftest import Pair, Word

pytestmark = pytest.mark.compat

KEYS = st.sampled_from(["a", "b", "c"])


@st.composite
def commands(draw: st.DrawFn) -> tuple[Word, ...]:
    """One command; the elements of PFADD are numbers, so that few draws make many elements."""
    name = draw(st.sampled_from(["PFADD", "PFADD", "PFCOUNT", "PFMERGE", "GET", "SET", "PFDEBUG", "APPEND", "BIG"]))
    keys = tuple(draw(st.lists(KEYS, min_size=1, max_size=3)))
    if name == "PFADD":
        start, count = draw(st.integers(0, 5000)), draw(st.integers(0, 300))
        return ("PFADD", keys[0], *range(start, start + count))
    if name == "PFDEBUG":
        return ("PFDEBUG", draw(st.sampled_from(["ENCODING", "DECODE", "GETREG", "TODENSE", "nothing"])), keys[0])
    if name == "SET":
        return ("SET", keys[0], draw(st.sampled_from([b"", b"HYLL", b"HYLL\x02" + bytes(11), b"HYLL" + bytes(12)])))
    if name == "APPEND":
        return ("APPEND", keys[0], b"\x00")
    if name == "BIG":
        return ("PFADD", keys[0], *(f"element:{number}" for number in range(3000)))
    return (name, keys[0]) if name == "GET" else (name, *keys)


@settings(
    max_examples=20,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(commands(), max_size=12))
def test_any_sequence_leaves_the_same_bytes(pair: Pair, sequence: list[tuple[Word, ...]]) -> None:
    pair.reset()
    for command in sequence:
        pair.same(*command)
        pair.same("GET", command[1])


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=40), min_size=1, max_size=5))
def test_elements_of_any_bytes_go_to_the_same_registers(pair: Pair, elements: list[bytes]) -> None:
    pair.reset()
    pair.same("PFADD", "h", *elements)
    pair.same("GET", "h")
    pair.same("PFCOUNT", "h")


def test_a_truncated_sparse_one_is_called_corrupted(pair: Pair) -> None:
    pair.reset()
    pair.same("PFADD", "h", "a", "b", "c")
    pair.same("SETRANGE", "h", 16, b"\x80")
    for command in (("PFCOUNT", "h"), ("PFMERGE", "other", "h"), ("PFDEBUG", "GETREG", "h")):
        pair.same(*command)


def test_one_with_bytes_behind_its_runs_takes_many_elements_all_the_same(pair: Pair) -> None:
    pair.reset()
    pair.same("PFADD", "h", "a", "b", "c")
    pair.same("APPEND", "h", b"\x00")
    pair.same("PFADD", "h", *range(100))
    pair.same("GET", "h")
    pair.same("PFCOUNT", "h")
