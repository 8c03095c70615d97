"""INCR and its relatives."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.in_process import Run, start

from cachetwin_engine.core.protocol.replies import bulk

NOT_A_NUMBER = b"-ERR value is not an integer or out of range\r\n"
NOT_A_FLOAT = b"-ERR value is not a valid float\r\n"
WOULD_OVERFLOW = b"-ERR increment or decrement would overflow\r\n"
LARGEST, SMALLEST = 2**63 - 1, -(2**63)


def test_a_missing_key_counts_from_zero(run: Run) -> None:
    assert [run("INCR k"), run("INCRBY k 10"), run("DECR k"), run("DECRBY k 12")] == [
        b":1\r\n", b":11\r\n", b":10\r\n", b":-2\r\n",
    ]  # fmt: skip
    assert run("GET k") == bulk(b"-2")
    assert run("OBJECT ENCODING k") == bulk(b"int")


def test_a_counter_keeps_its_time_to_live(run: Run) -> None:
    run("SET k 1 EX 100")
    run("INCR k")
    run("INCRBYFLOAT k 0.5")
    assert run("TTL k") == b":100\r\n"


@pytest.mark.parametrize(
    ("value", "line", "error"),
    [
        ("text", "INCR k", NOT_A_NUMBER),
        ("01", "INCR k", NOT_A_NUMBER),
        ("1.5", "DECR k", NOT_A_NUMBER),
        (str(2**63), "INCR k", NOT_A_NUMBER),
        ("1", "INCRBY k x", NOT_A_NUMBER),
        (str(LARGEST), "INCR k", WOULD_OVERFLOW),
        (str(SMALLEST), "DECR k", WOULD_OVERFLOW),
        ("-1", f"INCRBY k {SMALLEST}", WOULD_OVERFLOW),
        ("1", f"DECRBY k {SMALLEST}", b"-ERR decrement would overflow\r\n"),
        ("text", "INCRBYFLOAT k 1", NOT_A_FLOAT),
        ("1", "INCRBYFLOAT k x", NOT_A_FLOAT),
        ("1", "INCRBYFLOAT k nan", NOT_A_FLOAT),
        ("1", "INCRBYFLOAT k inf", b"-ERR increment would produce NaN or Infinity\r\n"),
    ],
)
def test_refusals_leave_the_value(run: Run, value: str, line: str, error: bytes) -> None:
    run(f"SET k {value}")
    assert run(line) == error
    assert run("GET k") == bulk(value.encode())


def test_lists_are_not_counted(run: Run) -> None:
    run("RPUSH k 1")
    assert run("INCR k").startswith(b"-WRONGTYPE")
    assert run("INCRBYFLOAT k 1").startswith(b"-WRONGTYPE")


@pytest.mark.parametrize(
    ("value", "increment", "total"),
    [
        ("10.50", "0.1", "10.6"),
        ("5.0e3", "2.0e2", "5200"),
        ("3", "-3.0", "0"),
        ("0.1", "0.2", "0.3"),
        ("1", "1e3", "1001"),
    ],
)
def test_sums_are_written_without_an_exponent(run: Run, value: str, increment: str, total: str) -> None:
    run(f"SET k {value}")
    assert run(f"INCRBYFLOAT k {increment}") == bulk(total.encode())


def test_replicas_are_told_the_sum(run: Run) -> None:
    run.replicate()
    run("INCR n")
    run("INCRBYFLOAT f 0.5")
    assert run.propagated() == [(0, [b"INCR", b"n"]), (0, [b"SET", b"f", b"0.5", b"KEEPTTL"])]


@settings(max_examples=100, deadline=None)
@given(st.integers(SMALLEST, LARGEST), st.integers(SMALLEST, LARGEST))
def test_a_sum_is_exact_or_refused(value: int, increment: int) -> None:
    run = start()
    run(f"SET k {value}")
    total = value + increment
    fits = SMALLEST <= total <= LARGEST
    assert run(f"INCRBY k {increment}") == (b":%d\r\n" % total if fits else WOULD_OVERFLOW)
    assert run("GET k") == bulk(b"%d" % (total if fits else value))
