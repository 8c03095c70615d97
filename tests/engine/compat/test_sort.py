"""SORT, compared with redis-server."""

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.engine.compat.conftest import Pair, Word

pytestmark = pytest.mark.compat

ELEMENTS = st.lists(
    st.one_of(st.integers(-5, 30).map(str), st.sampled_from(["1.5", "-0.5", "1e2", "inf", "a", "b", "ab", ""])),
    max_size=6,  # up to six the real one sorts by insertion, so equal ones keep their places there too
)
PATTERNS = st.sampled_from(["#", "w_*", "h_*->f", "nosort", "w_*->", "*", "h_*->nofield", "w_*->f"])
OPTIONS = st.one_of(
    st.sampled_from([("ASC",), ("DESC",), ("ALPHA",), ("alpha",), ("BAD",), ("LIMIT", "0")]),
    st.tuples(st.just("BY"), PATTERNS),
    st.tuples(st.just("GET"), PATTERNS),
    st.tuples(st.just("LIMIT"), st.integers(-2, 6), st.integers(-2, 6)),
    st.tuples(st.just("STORE"), st.sampled_from(["out", "w_1"])),
)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    ELEMENTS,
    st.sampled_from(["l", "z", "nokey", "w_2"]),
    st.lists(OPTIONS, max_size=5),
    st.sampled_from(["SORT", "SORT_RO"]),
)
def test_any_options_give_the_same_elements(
    pair: Pair, elements: list[str], key: str, options: list[tuple[Word, ...]], name: str
) -> None:
    by_text = any(str(option[0]).upper() == "ALPHA" for option in options) and any(
        option[0] == "BY" for option in options
    )
    assume(not (key == "z" and by_text))  # elements without a weight are equal, and stay in the order of a hash table
    pair.reset(3)
    for number in range(-1, 12, 2):
        pair.same("SET", f"w_{number}", (number * 7) % 5)
        pair.same("HSET", f"h_{number}", "f", (number * 3) % 7)
    for place, element in enumerate(elements):
        pair.same("RPUSH", "l", element)
        pair.same("ZADD", "z", place % 3, element)
    words = [word for option in options for word in option]
    if ("STORE", "out") in options and ("GET", "w_*") in options and name == "SORT":
        pair.same("SET", "out", "overwritten")
    pair.same(name, key, *words)
    pair.same("TYPE", "out")
    if pair.real("TYPE", "out") == b"+list\r\n":
        pair.same("LRANGE", "out", 0, -1)


def test_sets_give_the_same_elements(pair: Pair) -> None:
    pair.reset()
    pair.same("SADD", "s", 5, 3, 9, 1)
    pair.same("SORT", "s")
    pair.same("SORT", "s", "DESC", "LIMIT", 1, 2)
    pair.same_members("SORT", "s", "BY", "nosort")
    pair.same("SORT", "s", "BY", "nosort", "STORE", "out")
    pair.same("LRANGE", "out", 0, -1)
