"""Unions, intersections and differences."""

import pytest
from tests.engine.in_process import Run

from cachetwin_engine.core.protocol.replies import bulk_array


def test_an_empty_result_deletes_the_destination(run: Run) -> None:
    run("SADD s a")
    run("SET d text")
    assert run("SINTERSTORE d s missing") == b":0\r\n"
    assert run("EXISTS d") == b":0\r\n"


def test_a_limit_stops_the_count(run: Run) -> None:
    run("SADD a 1 2 3 4")
    run("SADD b 2 3 4 5")
    assert run("SINTERCARD 2 a b") == b":3\r\n"
    assert run("SINTERCARD 2 a b LIMIT 2") == b":2\r\n"
    assert run("SINTERCARD 2 a b LIMIT 0") == b":3\r\n"


def test_a_set_that_was_read_is_not_the_set_that_is_stored(run: Run) -> None:
    run("SADD s 1 2")
    run("SUNIONSTORE d s")
    run("SADD d 3")
    assert run("SMEMBERS s") == bulk_array([b"1", b"2"])


@pytest.fixture
def three(run: Run) -> Run:
    """Sets in each form: integers, a listpack, a table."""
    run("SADD ints 1 2 3 4")
    run("SADD words 2 3 x")
    run.args("SADD", "many", *range(3, 700), "x")
    return run


def members(reply: bytes) -> set[bytes]:
    return set(reply.split(b"\r\n")[2::2])


def test_sets_of_every_form_are_combined(three: Run) -> None:
    assert members(three("SINTER ints words")) == {b"2", b"3"}
    assert members(three("SINTER ints words many")) == {b"3"}
    assert members(three("SUNION ints words")) == {b"1", b"2", b"3", b"4", b"x"}
    assert len(members(three("SUNION many ints"))) == 700
    assert members(three("SDIFF ints words")) == {b"1", b"4"}
    assert members(three("SDIFF ints many none")) == {b"1", b"2"}
    assert three("SDIFF words words") == three("SINTER ints none") == three("SDIFF none ints") == b"*0\r\n"


def test_results_are_stored_and_counted(three: Run) -> None:
    assert three("SINTERSTORE d ints words") == b":2\r\n"
    assert three("SMEMBERS d") == b"*2\r\n$1\r\n2\r\n$1\r\n3\r\n"
    assert three("SUNIONSTORE d ints words") == b":5\r\n"
    assert three("SDIFFSTORE d ints words") == b":2\r\n"
    assert three("SDIFFSTORE ints ints words") == b":2\r\n"  # the destination is a source too
    assert three("SINTERCARD 2 words many") == b":2\r\n"
    assert three("SINTERCARD 2 words many LIMIT 1") == b":1\r\n"
    assert three("SINTERCARD 2 words none") == b":0\r\n"


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("SINTERCARD 0 a", b"-ERR numkeys should be greater than 0\r\n"),
        ("SINTERCARD x a", b"-ERR numkeys should be greater than 0\r\n"),
        ("SINTERCARD 2 a", b"-ERR Number of keys can't be greater than number of args\r\n"),
        ("SINTERCARD 1 a NO", b"-ERR syntax error\r\n"),
        ("SINTERCARD 1 a LIMIT -1", b"-ERR LIMIT can't be negative\r\n"),
        ("SUNION ints text", b"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"),
        ("SINTERSTORE d none text", b"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"),
        ("SDIFF text", b"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"),
    ],
)
def test_refusals(three: Run, line: str, error: bytes) -> None:
    three("SET text v")
    assert three(line) == error
