"""HGETEX, HSETEX and HGETDEL."""

import pytest
from tests.engine.in_process import Run, StartRun

from cachetwin_engine.core.protocol.replies import bulk, bulk_array


@pytest.fixture
def run(start_run: StartRun) -> Run:
    """A client of an engine that acts as Valkey 9."""
    client = start_run("valkey-9.0")
    client("HSET h a 1 b 2 c 3")
    return client


def codes(*values: int) -> bytes:
    return b"*%d\r\n" % len(values) + b"".join(b":%d\r\n" % value for value in values)


def test_reading_can_set_and_take_away_ends(run: Run) -> None:
    assert run("HGETEX h EX 100 FIELDS 2 a missing") == b"*2\r\n" + bulk(b"1") + b"$-1\r\n"
    assert run("HTTL h FIELDS 1 a") == codes(100)
    run("HGETEX h PERSIST FIELDS 1 a")
    assert run("HTTL h FIELDS 1 a") == codes(-1)
    assert run("HGETEX h EX 0 FIELDS 1 a") == bulk_array([b"1"])
    assert run("HEXISTS h a") == b":0\r\n"


def test_writing_can_ask_for_all_or_none_of_the_fields(run: Run) -> None:
    assert run("HSETEX h FNX FIELDS 2 a 9 new 9") == b":0\r\n"
    assert run("HSETEX h FXX FIELDS 2 a 9 new 9") == b":0\r\n"
    assert run("HSETEX h FXX EX 100 FIELDS 2 a 9 b 9") == b":1\r\n"
    assert run("HSETEX h KEEPTTL FIELDS 1 a 10") == b":1\r\n"
    assert run("HTTL h FIELDS 2 a b") == codes(100, 100)


@pytest.fixture
def newest(start_run: StartRun) -> Run:
    """A client of an engine that acts as Valkey 9.1."""
    client = start_run("valkey-9.1")
    client("HSET h a 1 b 2 c 3")
    return client


def test_hgetdel_answers_what_it_removes_each_field_once(newest: Run) -> None:
    assert newest("HGETDEL h FIELDS 3 a missing a") == b"*3\r\n$1\r\n1\r\n$-1\r\n$-1\r\n"
    assert newest("HLEN h") == b":2\r\n"
    assert newest("HGETDEL h fields 2 b c") == bulk_array([b"2", b"3"])
    assert newest("EXISTS h") == b":0\r\n"
    assert newest("HGETDEL h FIELDS 1 a") == b"*1\r\n$-1\r\n"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("h FIELD 1 a", b"ERR syntax error"), ("h FIELDS x a", b"ERR value is not an integer or out of range"),
        ("h FIELDS 2 a", b"ERR numfields should be greater than 0 and match the provided number of fields"),
        ("h FIELDS 0 a", b"ERR numfields should be greater than 0 and match the provided number of fields"),
        ("text FIELDS 1 a", b"WRONGTYPE Operation against a key holding the wrong kind of value"),
    ],
)  # fmt: skip
def test_hgetdel_refuses_what_valkey_refuses(newest: Run, line: str, problem: bytes) -> None:
    newest("SET text x")
    assert newest("HGETDEL " + line) == b"-" + problem + b"\r\n"


_NOT_INT = b"ERR value is not an integer or out of range"


_NUMFIELDS = b"ERR numfields should be greater than 0 and match the provided number of fields"


_WRONGTYPE = b"WRONGTYPE Operation against a key holding the wrong kind of value"


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("HGETEX h EX x FIELDS 2 a", b"-" + _NUMFIELDS), ("HGETEX text EX x FIELDS 1 a", b"-" + _WRONGTYPE),
        ("HGETEX none EX x FIELDS 1 a", b"-" + _NOT_INT), ("HGETEX h PXAT -1 -1 FIELDS 1 a", b"-ERR syntax error"),
        ("HGETEX h FOO 1 a", b"-" + _NUMFIELDS), ("HGETEX FIELDS EX 10 FIELDS 1 a", b"-" + _NOT_INT),
        ("HSETEX none XX EX x FIELDS 1 a 1", b":0"), ("HSETEX h FNX EX x FIELDS 1 a 1", b"-" + _NOT_INT),
        ("HSETEX text EX -1 FIELDS 1 a 1", b"-" + _WRONGTYPE), ("HSETEX h EX x FIELDS 1 a", b"-" + _NUMFIELDS),
        ("HEXPIRE h 10 GT FIELDS x", b"-" + _NOT_INT), ("HEXPIRE h 10 ZZ x FIELDS", b"-" + _NUMFIELDS),
    ],
)  # fmt: skip
def test_arguments_are_judged_in_the_order_of_valkey_9(newest: Run, line: str, reply: bytes) -> None:
    newest("SET text x")
    assert newest(line) == reply + b"\r\n"
