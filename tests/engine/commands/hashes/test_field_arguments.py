"""Arguments that the commands for hash fields with a time to live share."""

import pytest
from tests.engine.in_process import Run, StartRun


@pytest.fixture
def run(start_run: StartRun) -> Run:
    """A client of an engine that acts as Valkey 9."""
    client = start_run("valkey-9.0")
    client("HSET h a 1 b 2 c 3")
    return client


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ("HEXPIRE h 20 NX XX FIELDS 1 a", b"NX and XX, GT or LT options at the same time are not compatible"),
        ("HEXPIRE h 20 GT LT FIELDS 1 a", b"GT and LT options at the same time are not compatible"),
        ("HEXPIRE h 20 foo FIELDS 1 a", b"Unsupported option foo"),
        ("HEXPIRE h 20 FIELDS 2 a", b"numfields should be greater than 0 and match the provided number of fields"),
        ("HEXPIRE h x FIELDS 1 a", b"value is not an integer or out of range"),
        ("HEXPIRE h -1 FIELDS 1 a", b"invalid expire time in 'hexpire' command"),
        ("HPEXPIRE h 9223372036854775807 FIELDS 1 a", b"invalid expire time in 'hpexpire' command"),
        ("HTTL h FIELDS 2 a", b"syntax error"),
        ("HPERSIST h FIELDS 2 a", b"numfields should be greater than 0 and match the provided number of fields"),
        ("HGETEX h EX 10 PX 10 FIELDS 1 a", b"syntax error"),
        ("HGETEX h EX 10 PERSIST FIELDS 1 a", b"syntax error"),
        ("HSETEX h EX 10 KEEPTTL FIELDS 1 a 1", b"syntax error"),
        ("HSETEX h FIELDS 2 a 1 b", b"numfields should be greater than 0 and match the provided number of fields"),
    ],
)
def test_refusals_are_valkeys(run: Run, command: str, problem: bytes) -> None:
    assert run(command) == b"-ERR " + problem + b"\r\n"
