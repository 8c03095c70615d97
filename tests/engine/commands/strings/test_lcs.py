"""LCS: what two strings have in common."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.in_process import Run, start

from cachetwin_engine.core.protocol.replies import bulk


@pytest.fixture
def texts(run: Run) -> Run:
    """The two strings of Valkey's documentation."""
    run("MSET a ohmytext b mynewtext")
    return run


def test_the_common_text_or_its_length(texts: Run) -> None:
    assert texts("LCS a b") == bulk(b"mytext")
    assert texts("LCS a b LEN") == b":6\r\n"


def test_idx_lists_the_runs_last_first(texts: Run) -> None:
    runs = b"*2\r\n*2\r\n*2\r\n:4\r\n:7\r\n*2\r\n:5\r\n:8\r\n*2\r\n*2\r\n:2\r\n:3\r\n*2\r\n:0\r\n:1\r\n"
    assert texts("LCS a b IDX") == b"*4\r\n" + bulk(b"matches") + runs + bulk(b"len") + b":6\r\n"


def test_short_runs_can_be_left_out_and_lengths_shown(texts: Run) -> None:
    long_run = b"*1\r\n*3\r\n*2\r\n:4\r\n:7\r\n*2\r\n:5\r\n:8\r\n:4\r\n"
    reply = b"*4\r\n" + bulk(b"matches") + long_run + bulk(b"len") + b":6\r\n"
    assert texts("LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN") == reply
    assert texts("LCS a b IDX MINMATCHLEN 7") == b"*4\r\n" + bulk(b"matches") + b"*0\r\n" + bulk(b"len") + b":6\r\n"
    assert b":2\r\n:2\r\n*2" not in texts("LCS a b IDX MINMATCHLEN -5")  # counts as 0


def test_resp3_has_a_map(texts: Run) -> None:
    assert texts.resp3()("LCS a b IDX").startswith(b"%2\r\n$7\r\nmatches\r\n")


def test_a_missing_key_is_an_empty_string(texts: Run) -> None:
    assert texts("LCS a none") == bulk(b"")
    assert texts("LCS none a LEN") == b":0\r\n"
    assert texts("LCS none nothing IDX") == b"*4\r\n" + bulk(b"matches") + b"*0\r\n" + bulk(b"len") + b":0\r\n"


def test_numbers_are_text(run: Run) -> None:
    run("SET a 12345")
    run("SET b 234")
    run("APPEND b 9")
    assert run("LCS a b") == bulk(b"234")


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("LCS a b LEN IDX", b"-ERR If you want both the length and indexes, please just use IDX.\r\n"),
        ("LCS a b MINMATCHLEN", b"-ERR syntax error\r\n"),
        ("LCS a b MINMATCHLEN x", b"-ERR value is not an integer or out of range\r\n"),
        ("LCS a b NO", b"-ERR syntax error\r\n"),
        ("LCS a", b"-ERR wrong number of arguments for 'lcs' command\r\n"),
        ("LCS a list", b"-ERR The specified keys must contain string values\r\n"),
    ],
)
def test_refusals(texts: Run, line: str, error: bytes) -> None:
    texts("RPUSH list x")
    assert texts(line) == error


def test_a_table_that_is_too_large_is_refused(run: Run) -> None:
    run("CONFIG SET proto-max-bulk-len 1048576")
    run.args("SET", "a", "x" * 1023)
    run.args("SET", "b", "x" * 255)
    assert run("LCS a b LEN") == b":255\r\n"
    run("APPEND b x")
    assert run("LCS a b LEN").startswith(b"-ERR Insufficient memory, transient memory for LCS exceeds")


TEXT = st.text(alphabet="abc", max_size=12).map(str.encode)


def is_within(part: bytes, whole: bytes) -> bool:
    """Are the bytes of ``part`` in ``whole`` in this order?"""
    rest = iter(whole)
    return all(byte in rest for byte in part)


def longest(a: bytes, b: bytes) -> int:
    """The length by trying every subsequence of the shorter one."""
    shorter, longer = sorted((a, b), key=len)
    parts = (bytes(byte for at, byte in enumerate(shorter) if chosen >> at & 1) for chosen in range(1 << len(shorter)))
    return max(len(part) for part in parts if is_within(part, longer))


@settings(max_examples=60, deadline=None)
@given(TEXT.filter(lambda text: len(text) < 8), TEXT)
def test_no_common_text_is_longer(a: bytes, b: bytes) -> None:
    run = start()
    run.args("MSET", "a", a, "b", b)
    common = run("LCS a b").split(b"\r\n", 1)[1][:-2]
    assert is_within(common, a)
    assert is_within(common, b)
    assert run("LCS a b LEN") == b":%d\r\n" % longest(a, b) == b":%d\r\n" % len(common)
