"""MULTI, EXEC and WATCH: what makes a transaction fail, and what does not."""

import pytest
from tests.engine.in_process import Run, StartRun

OK = b"+OK\r\n"
QUEUED = b"+QUEUED\r\n"
NULL_ARRAY = b"*-1\r\n"
ABORTED = b"-EXECABORT Transaction discarded because of previous errors.\r\n"
OUT_OF_MEMORY = b"-OOM command not allowed when used memory > 'maxmemory'.\r\n"


def test_exec_answers_with_all_replies(run: Run) -> None:
    assert run("MULTI") == OK
    assert run("SET k v") == QUEUED
    assert run("GET k") == QUEUED
    assert run("EXEC") == b"*2\r\n" + OK + b"$1\r\nv\r\n"


@pytest.mark.parametrize("line", ["MULTI", "WATCH k", "WATCH", "NONSENSE", "GET"])
def test_a_command_that_cannot_be_queued_spoils_the_transaction(run: Run, line: str) -> None:
    run("MULTI")
    run("SET k v")
    assert run(line).startswith(b"-ERR ")
    assert run("EXEC") == ABORTED
    assert run("GET k") == b"$-1\r\n"


@pytest.mark.parametrize(
    ("profile", "reply"),
    [
        ("redis-7.1", b"-ERR MULTI calls can not be nested\r\n"),
        ("valkey-8.1", b"-ERR Command not allowed inside a transaction\r\n"),
        ("valkey-9.0", b"-ERR Command 'multi' not allowed inside a transaction\r\n"),
    ],
)
def test_a_nested_multi_is_refused_in_the_words_of_its_version(start_run: StartRun, profile: str, reply: bytes) -> None:
    run = start_run(profile)
    run("MULTI")
    assert run("MULTI") == reply
    assert run("EXEC") == (b"*0\r\n" if profile == "redis-7.1" else ABORTED)


def test_a_watched_key_that_changes_spoils_the_transaction(run: Run) -> None:
    run("WATCH k")
    run.session()("SET k v")
    run("MULTI")
    run("PING")
    assert run("EXEC") == NULL_ARRAY


def test_a_watched_key_that_expires_spoils_the_transaction(run: Run) -> None:
    run("SET k v PX 10")
    run("WATCH k")
    run.advance_silently(11)
    run("MULTI")
    run("PING")
    assert run("EXEC") == NULL_ARRAY


@pytest.mark.parametrize("line", ["FLUSHDB", "EXISTS k", "SWAPDB 0 1"])
def test_a_key_that_was_over_when_it_was_watched_cannot_change_by_going(run: Run, line: str) -> None:
    run("SET k v PX 10")
    run.advance_silently(11)
    run("WATCH k")
    run(line)
    run("MULTI")
    run("PING")
    assert run("EXEC") == b"*1\r\n+PONG\r\n"


def test_a_missing_key_is_not_changed_by_swapping_in_one_that_is_over(run: Run) -> None:
    run("SET k v PX 10")
    run.advance_silently(11)
    run("SELECT 1")
    run("WATCH k")
    run("SWAPDB 0 1")
    run("MULTI")
    run("PING")
    assert run("EXEC") == b"*1\r\n+PONG\r\n"


def test_a_missing_key_is_changed_by_swapping_one_in(run: Run) -> None:
    run("SET k v")
    run("SELECT 1")
    run("WATCH k")
    run("SWAPDB 0 1")
    run("MULTI")
    run("PING")
    assert run("EXEC") == NULL_ARRAY


def test_nothing_is_queued_without_memory_and_only_what_needs_some_is_refused_at_exec(run: Run) -> None:
    other = run.session()
    for client in (run, other):
        client("MULTI")
    run("SET k v")
    other("GET k")
    admin = run.session()
    admin("CONFIG SET maxmemory 1")
    assert other("EXEC") == b"*1\r\n$-1\r\n"
    assert run("EXEC") == b"-EXECABORT Transaction discarded because of: " + OUT_OF_MEMORY[1:]
    run("MULTI")
    assert run("PING") == OUT_OF_MEMORY
    assert run("DISCARD") == OK


def test_writes_need_the_replicas_that_were_asked_for_at_exec(run: Run) -> None:
    run("SET k 1")
    run("MULTI")
    run("INCR k")
    run.session()("CONFIG SET min-replicas-to-write 2")
    assert (
        run("EXEC") == b"-EXECABORT Transaction discarded because of: NOREPLICAS Not enough good replicas to write.\r\n"
    )
    assert run("INCR k") == b"-NOREPLICAS Not enough good replicas to write.\r\n"
    assert run("GET k") == b"$1\r\n1\r\n"
    run("CONFIG SET min-replicas-to-write 0")
    assert run("INCR k") == b":2\r\n"


def test_blocking_commands_answer_at_once_in_a_transaction(run: Run) -> None:
    run("MULTI")
    run("BLPOP none 0")
    assert run("EXEC") == b"*1\r\n*-1\r\n"
