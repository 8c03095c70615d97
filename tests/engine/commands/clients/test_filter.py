"""The filters of CLIENT LIST and CLIENT KILL."""

import pytest
from tests.engine.in_process import Run, StartRun


def listed(run: Run, words: str) -> int:
    """How many connections CLIENT LIST shows."""
    return run(f"CLIENT LIST {words}").count(b"\nid=")


def test_connections_are_found_by_what_they_are_and_by_what_they_are_not(start_run: StartRun) -> None:
    run = start_run("valkey-9.0")
    other = run.session()
    for line in (
        "CLIENT SETNAME ann",
        "CLIENT SETINFO lib-name glide",
        "CLIENT SETINFO lib-ver 2",
        "CLIENT CAPA redirect",
    ):
        other(line)
    other("SELECT 3")
    other("MULTI")
    for words in ("NAME ann", "LIB-NAME glide", "LIB-VER 2", "CAPA r", "DB 3", "FLAGS x", "NOT-FLAGS N", "NOT-DB 0"):
        assert run(f"CLIENT LIST {words}").count(b" name=ann ") == listed(run, words) == 1, words
    for words in ("NOT-NAME ann", "NOT-LIB-NAME glide", "NOT-CAPA r", "NOT-DB 3", "FLAGS N", "NOT-FLAGS x"):
        assert run(f"CLIENT LIST {words}").count(b" name= ") == listed(run, words) == 1, words
    assert listed(run, "IP 127.0.0.1") == listed(run, "NOT-IP 127.0.0") == listed(run, "NOT-TYPE pubsub") == 2
    assert listed(run, "IP 127.0.0") == listed(run, 'NAME ""') == listed(run, "NOT-USER default") == 0
    assert listed(run, "ID 1 NOT-ID 1") == listed(run, "SKIPME no ID") == listed(run, "FLAGS xN") == 0
    run.clock.now_us += 5_000_000
    assert listed(run, "IDLE 5") == 1  # the one that does not ask
    assert listed(run, "IDLE 6") == 0
    assert run("CLIENT KILL NOT-NAME bob SKIPME yes") == b":1\r\n"


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("IDLE x", b"idle is not an integer or out of range"),
        ("IDLE 0", b"idle should be greater than 0"),
        ("FLAGS Nq", b"Unknown flags found in the provided filter: Nq"),
        ("NOT-FLAGS q", b"Unknown flags found in the NOT-FLAGS filter: q"),
        ("CAPA x", b"Unknown capa found in the provided filter: x"),
        ("NOT-CAPA x", b"Unknown capa found in the NOT-CAPA filter: x"),
        ("DB x", b"DB is not an integer or out of range"),
        ("DB 99999999999", b"DB is not an integer or out of range"),
        ("NOT-DB 16", b"NOT-DB number should be between 0 and 15"),
        ("NOT-TYPE foo", b"Unknown client type 'foo'"),
        ("NOT-USER nobody", b"No such user 'nobody'"),
        ("NOT-IDLE 5", b"syntax error"),
        ("NOT-SKIPME no", b"syntax error"),
        ("NAME", b"syntax error"),
        ("ID", b"syntax error"),
        ("ID x", b"syntax error"),
    ],
)
def test_filters_are_judged_by_their_values(start_run: StartRun, words: str, problem: bytes) -> None:
    assert start_run("valkey-9.0")(f"CLIENT LIST {words}") == b"-ERR " + problem + b"\r\n"


def test_those_filters_came_with_valkey_9(start_run: StartRun) -> None:
    for words in ("NAME x", "NOT-ID 1", "DB 0"):
        assert start_run("valkey-8.1")(f"CLIENT LIST {words}") == b"-ERR syntax error\r\n"


def test_lists_of_numbers_count_together(start_run: StartRun) -> None:
    run = start_run("valkey-8.1")
    run.session()
    assert listed(run, "ID 1 ID 2") == 2
    assert listed(run, "ID TYPE normal") == 0
