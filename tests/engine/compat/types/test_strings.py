"""Strings, bits and numbers, compared with redis-server."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.engine.compat.conftest import Pair, Word

pytestmark = pytest.mark.compat

KEYS = st.sampled_from(["a", "b", "c", "list"])
PLACES = st.sampled_from([0, 1, 2, 3, 7, 8, 9, 15, 31, 100, -1, -2, -7, -8, -9, -100, "x", "9223372036854775808"])
INTEGERS = st.one_of(
    st.integers(-20, 20),
    st.sampled_from([2**31, 2**63 - 1, -(2**63), 2**63, "1.5", "", " 1", "+1", "01", "abc", 255, 256, -129]),
)
FLOATS = st.one_of(
    st.floats(-1e6, 1e6).map(repr),
    st.sampled_from(
        ["3", "-0.1", "1e3", "5.0e3", "0x10", "nan", "inf", "-inf", "1e400", "1e-300", "", " 1", "1 ", ".5"]
    ),
)
TEXTS = st.one_of(
    st.binary(max_size=12),
    st.integers(-1000, 1000).map(lambda number: b"%d" % number),
    st.sampled_from([b"\x00" * 8, b"\xff" * 9, b"x" * 44, b"x" * 45, b"ohmytext", b"mynewtext", b"3.0e3"]),
)
EXPIRY = st.sampled_from([(), ("EX", 100), ("PX", 100_000), ("KEEPTTL",), ("EX", 0), ("PX", "x"), ("EX",), ("PXAT", 1)])
CONDITION = st.sampled_from([(), ("NX",), ("XX",), ("GET",), ("NX", "GET"), ("XX", "GET"), ("NX", "XX"), ("BAD",)])
TYPES = st.sampled_from(["u1", "u4", "i5", "u8", "i8", "u16", "i32", "u63", "i64", "u64", "i0", "x8", "u"])
OFFSETS = st.sampled_from([0, 1, 3, 8, 13, 100, "#0", "#1", "#3", -1, "#-1", "x"])
FIELD = st.one_of(
    st.tuples(st.just("GET"), TYPES, OFFSETS),
    st.tuples(st.just("SET"), TYPES, OFFSETS, INTEGERS),
    st.tuples(st.just("INCRBY"), TYPES, OFFSETS, INTEGERS),
    st.tuples(st.just("OVERFLOW"), st.sampled_from(["WRAP", "SAT", "FAIL", "sat", "no"])),
)
UNIT = st.sampled_from([(), ("BIT",), ("BYTE",), ("bit",), ("NO",)])


def words(*parts: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[Word, ...]]:
    """Commands whose words come from ``parts``; a tuple among them gives several words."""

    def flat(drawn: tuple[object, ...]) -> tuple[Word, ...]:
        found: list[Word] = []
        for item in drawn:
            if isinstance(item, tuple):
                found.extend(flat(item))
            elif isinstance(item, list):
                found.extend(flat(tuple(item)))
            elif isinstance(item, bytes | str | int | float):
                found.append(item)
        return tuple(found)

    return st.tuples(*parts).map(flat)


def name(*names: str) -> st.SearchStrategy[str]:
    return st.sampled_from(names)


COMMANDS = st.one_of(
    words(name("SET"), KEYS, TEXTS, EXPIRY, CONDITION),
    words(name("GET", "STRLEN", "GETDEL", "INCR", "DECR", "TYPE", "EXISTS", "PERSIST", "BITCOUNT"), KEYS),
    words(name("APPEND", "GETSET", "SETNX"), KEYS, TEXTS),
    words(name("SETEX", "PSETEX"), KEYS, st.sampled_from([1000, 0, -1, "x", 2**62]), TEXTS),
    words(name("GETEX"), KEYS, EXPIRY, st.sampled_from([(), ("PERSIST",)])),
    words(name("GETRANGE", "SUBSTR"), KEYS, PLACES, PLACES),
    words(name("SETRANGE"), KEYS, PLACES, TEXTS),
    words(name("INCRBY", "DECRBY"), KEYS, INTEGERS),
    words(name("INCRBYFLOAT"), KEYS, FLOATS),
    words(name("MGET", "DEL"), st.lists(KEYS, min_size=1, max_size=4)),
    words(name("MSET", "MSETNX"), st.lists(st.one_of(KEYS, TEXTS), min_size=1, max_size=6)),
    words(name("SETBIT"), KEYS, PLACES, st.sampled_from([0, 1, 2, "x"])),
    words(name("GETBIT"), KEYS, PLACES),
    words(name("BITCOUNT"), KEYS, PLACES, PLACES, UNIT),
    words(name("BITPOS"), KEYS, st.sampled_from([0, 1, 2, "x"]), st.lists(PLACES, max_size=2)),
    words(name("BITPOS"), KEYS, st.sampled_from([0, 1]), PLACES, PLACES, UNIT),
    words(name("BITOP"), name("AND", "OR", "XOR", "NOT", "NAND"), st.lists(KEYS, min_size=2, max_size=4)),
    words(name("BITFIELD", "BITFIELD_RO"), KEYS, st.lists(FIELD, max_size=4)),
    words(name("LCS"), KEYS, KEYS, st.lists(name("LEN", "IDX", "WITHMATCHLEN", "MINMATCHLEN", "2", "x"), max_size=3)),
    words(name("RPUSH"), st.just("list"), st.just("item")),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(COMMANDS, max_size=30), st.sampled_from([2, 3]))
def test_any_sequence_of_string_commands_gets_the_same_replies(
    pair: Pair, commands: list[tuple[Word, ...]], protocol: int
) -> None:
    pair.reset(protocol)
    for command in commands:
        pair.same(*command)
    for key in ("a", "b", "c"):
        pair.same("TYPE", key)
        pair.near("PTTL", key, by=1000)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.decimals(allow_nan=False, allow_infinity=False), st.decimals(allow_nan=False, allow_infinity=False))
def test_decimal_sums_are_those_of_a_long_double(pair: Pair, first: object, second: object) -> None:
    pair.same("SET", "f", str(first))
    pair.same("INCRBYFLOAT", "f", str(second))
    pair.same("GET", "f")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(TEXTS, INTEGERS))
def test_a_value_that_was_set_has_the_same_encoding(pair: Pair, value: Word) -> None:
    pair.same("SET", "k", value)
    pair.same("OBJECT", "ENCODING", "k")
    pair.same("APPEND", "k", "more")
    pair.same("OBJECT", "ENCODING", "k")
