"""MSETEX."""

import pytest
from tests.engine.in_process import Run, StartRun


@pytest.fixture
def newest(start_run: StartRun) -> Run:
    """A client of an engine that acts as Valkey 9.1."""
    return start_run("valkey-9.1")


def test_msetex_sets_keys_and_their_time_together(newest: Run) -> None:
    assert newest("MSETEX 2 a 1 b 2 EX 100") == b":1\r\n"
    assert newest("MGET a b") == b"*2\r\n$1\r\n1\r\n$1\r\n2\r\n"
    assert newest("TTL a") == newest("TTL b") == b":100\r\n"
    assert newest("MSETEX 1 a 3 KEEPTTL") == b":1\r\n"
    assert newest("TTL a") == b":100\r\n"
    assert newest("MSETEX 1 a 3") == b":1\r\n"
    assert newest("TTL a") == b":-1\r\n"


def test_msetex_sets_all_or_none_by_its_condition(newest: Run) -> None:
    assert newest("MSETEX 2 a 1 b 2 XX") == b":0\r\n"
    assert newest("MSETEX 2 a 1 b 2 NX") == b":1\r\n"
    assert newest("MSETEX 2 b 3 c 4 NX") == b":0\r\n"
    assert newest("MSETEX 2 b 3 c 4 XX") == b":0\r\n"
    assert newest("MGET b c") == b"*2\r\n$1\r\n2\r\n$-1\r\n"


def test_msetex_with_a_time_in_the_past_leaves_nothing(newest: Run) -> None:
    newest("SET a 1")
    assert newest("MSETEX 2 a 1 b 2 PXAT 1") == b":1\r\n"
    assert newest("EXISTS a b") == b":0\r\n"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("0 a 1", b"invalid numkeys value or out of range"), ("x a 1", b"invalid numkeys value or out of range"),
        ("2147483648 a 1", b"invalid numkeys value or out of range"), ("2147483647 a 1", b"syntax error"),
        ("2 a 1", b"syntax error"), ("1 a 1 NX XX", b"syntax error"), ("1 a 1 GET", b"syntax error"),
        ("1 a 1 EX 10 PX 10", b"syntax error"), ("1 a 1 EX 10 KEEPTTL", b"syntax error"), ("1 a 1 EX", b"syntax error"),
        ("1 a 1 EX x", b"value is not an integer or out of range"),
        ("1 a 1 EX 0", b"invalid expire time in 'msetex' command"),
    ],
)  # fmt: skip
def test_msetex_refuses_what_valkey_refuses(newest: Run, line: str, problem: bytes) -> None:
    assert newest("MSETEX " + line) == b"-ERR " + problem + b"\r\n"


def test_the_keys_of_msetex_are_found(newest: Run) -> None:
    assert newest("COMMAND GETKEYS MSETEX 2 a 1 b 2 EX 10") == b"*2\r\n$1\r\na\r\n$1\r\nb\r\n"
    assert newest("COMMAND GETKEYS MSETEX 2 a 1") == b"-ERR Invalid arguments specified for command\r\n"
