"""Parts of strings: STRLEN, GETRANGE, APPEND and SETRANGE."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.in_process import Run, start

from cachetwin_engine.core.protocol.replies import bulk

TOO_LONG = b"-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n"


@pytest.fixture(params=["number", "text", "edited"])
def key(request: pytest.FixtureRequest, run: Run) -> str:
    """A key whose value is 12345678, in each form that a string has."""
    name = str(request.param)
    run("SET number 12345678")
    run("SET text 12345678")
    run("SET edited 1234")
    run("APPEND edited 5678")
    return name


@pytest.mark.parametrize(
    ("start", "end", "part"),
    [
        (0, -1, b"12345678"), (2, 4, b"345"), (-3, -2, b"67"), (6, 100, b"78"), (-100, 0, b"1"),
        (4, 2, b""), (-1, -3, b""), (8, 9, b""), (0, -100, b"1"),
    ],
)  # fmt: skip
def test_a_range_includes_both_ends(run: Run, key: str, start: int, end: int, part: bytes) -> None:
    assert run(f"GETRANGE {key} {start} {end}") == run(f"SUBSTR {key} {start} {end}") == bulk(part)


def test_every_form_has_a_length(run: Run, key: str) -> None:
    assert run(f"STRLEN {key}") == b":8\r\n"
    assert run("STRLEN none") == b":0\r\n"
    assert run("GETRANGE none 0 -1") == bulk(b"")


def test_append_makes_the_key_or_lengthens_it(run: Run, key: str) -> None:
    assert run(f"APPEND {key} x") == b":9\r\n"
    assert run(f"GET {key}") == bulk(b"12345678x")
    assert run("APPEND new first") == b":5\r\n"
    assert run("GET new") == bulk(b"first")


def test_setrange_overwrites_and_pads_with_zeros(run: Run, key: str) -> None:
    assert run(f"SETRANGE {key} 2 xy") == b":8\r\n"
    assert run(f"GET {key}") == bulk(b"12xy5678")
    assert run(f"SETRANGE {key} 10 z") == b":11\r\n"
    assert run(f"GET {key}") == bulk(b"12xy5678\0\0z")


def test_setrange_of_nothing_makes_no_key(run: Run) -> None:
    assert run('SETRANGE none 5 ""') == b":0\r\n"
    assert run("EXISTS none") == b":0\r\n"


def test_strings_end_at_the_limit(run: Run) -> None:
    run("CONFIG SET proto-max-bulk-len 1048576")
    assert run("SETRANGE k 1048575 x") == b":1048576\r\n"
    assert run("SETRANGE k 1048576 x") == run("APPEND k x") == TOO_LONG


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("SETRANGE k -1 x", b"-ERR offset is out of range\r\n"),
        ("SETRANGE k x x", b"-ERR value is not an integer or out of range\r\n"),
        ("GETRANGE k x 1", b"-ERR value is not an integer or out of range\r\n"),
        ("STRLEN list", b"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"),
        ("GETRANGE list 0 1", b"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"),
        ("APPEND list x", b"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"),
        ("SETRANGE list 0 x", b"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"),
    ],
)
def test_refusals(run: Run, line: str, error: bytes) -> None:
    run("RPUSH list x")
    assert run(line) == error


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=6), st.integers(-9, 9), st.integers(-9, 9))
def test_a_range_is_what_counting_from_either_end_gives(text: bytes, first: int, last: int) -> None:
    run = start()
    run.args("SET", "k", text)
    low = first if first >= 0 else max(len(text) + first, 0)
    high = last if last >= 0 else max(len(text) + last, 0)
    backwards = first < 0 and last < 0 and first > last
    assert run(f"GETRANGE k {first} {last}") == bulk(b"" if backwards else text[low : high + 1])
