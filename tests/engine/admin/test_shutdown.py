"""SHUTDOWN and signals: replicas get what they miss, the data is saved, and what can't be done keeps the process alive."""

import pytest
from tests.engine.hosts import FullDisk
from tests.engine.in_process import Run
from tests.engine.replicas import Follow, Wire

FAILED = b"-ERR Errors trying to SHUTDOWN. Check logs.\r\n"


def ends(run: Run) -> bool:
    """Will the process end?"""
    return run.engine.shutdown_requested


def waits_for_a_replica(run: Run, follow: Follow) -> tuple[Wire, Run]:
    """A replica that has not heard of the last write, and a client whose SHUTDOWN waits for it."""
    wire = follow(run)
    run("SET k v")
    caller = run.session()
    assert caller("SHUTDOWN") == b""
    assert not ends(run)
    return wire, caller


def test_it_ends_at_once_when_nothing_is_in_the_way(run: Run) -> None:
    assert run("SHUTDOWN") == b""
    assert ends(run)


def test_shutdown_waits_until_replicas_have_everything(run: Run, follow: Follow) -> None:
    wire, _ = waits_for_a_replica(run, follow)
    info = run("INFO")
    assert b"shutdown_in_milliseconds:10000" in info
    assert b"blocked_clients:1" in info
    assert run.session()("SET k late") == b""  # writes are held back, the replica could never catch up
    wire.deliver()
    wire.replica.advance(1000)  # it tells how far it is once a second
    wire.deliver()
    run.advance(100)
    assert ends(run)
    assert wire.replica("GET k") == b"$1\r\nv\r\n"


def test_shutdown_waits_for_shutdown_timeout_at_most(run: Run, follow: Follow) -> None:
    run("CONFIG SET shutdown-timeout 3")
    waits_for_a_replica(run, follow)
    run.advance(2900)
    assert not ends(run)
    run.advance(100)
    assert ends(run)


@pytest.mark.parametrize("line", ["SHUTDOWN NOW", "SHUTDOWN NOSAVE NOW FORCE"])
def test_now_waits_for_no_replica(run: Run, follow: Follow, line: str) -> None:
    follow(run)
    run("SET k v")
    run(line)
    assert ends(run)


def test_no_time_to_wait_means_at_once(run: Run, follow: Follow) -> None:
    follow(run)
    run("SET k v")
    run("CONFIG SET shutdown-timeout 0")
    run("SHUTDOWN")
    assert ends(run)


def test_abort_calls_it_off_and_everybody_goes_on(run: Run, follow: Follow) -> None:
    _, caller = waits_for_a_replica(run, follow)
    another, writer = run.session(), run.session()
    assert another("SHUTDOWN NOSAVE") == b""
    assert writer("SET k late") == b""
    assert run("SHUTDOWN ABORT") == b"+OK\r\n"
    assert caller.received() == FAILED
    assert another.received() == FAILED
    assert writer.received() == b"+OK\r\n"
    assert b"shutdown_in_milliseconds" not in run("INFO")
    run.advance(20_000)
    assert not ends(run)
    assert run("SHUTDOWN ABORT") == b"-ERR No shutdown in progress.\r\n"


def test_a_signal_can_be_called_off_before_it_is_heard(run: Run) -> None:
    run.engine.shutdown.ask("SIGTERM", set())
    assert run("SHUTDOWN ABORT") == b"+OK\r\n"
    run.advance(100)
    assert not ends(run)
    run.engine.shutdown.ask("SIGTERM", set())
    run.advance(100)
    assert ends(run)
    assert run.engine.shutdown.reason == "SIGTERM"


def test_a_save_that_fails_keeps_the_process_alive_unless_forced(run: Run) -> None:
    run.engine.host = FullDisk()
    run("CONFIG SET save '3600 1'")
    assert run("SHUTDOWN") == FAILED
    run.engine.shutdown.ask("SIGINT", set())
    run.advance(100)
    assert not ends(run)
    assert run("PING") == b"+PONG\r\n"
    run("SHUTDOWN FORCE")
    assert ends(run)


def test_after_waiting_a_save_that_fails_is_told_to_who_asked(run: Run, follow: Follow) -> None:
    run("CONFIG SET save '3600 1' shutdown-timeout 1")
    _, caller = waits_for_a_replica(run, follow)
    run.engine.host = FullDisk()
    run.advance(1000)
    assert caller.received() == FAILED
    assert not ends(run)


@pytest.mark.parametrize("line", ["SHUTDOWN SAVE NOSAVE", "SHUTDOWN ABORT NOW", "SHUTDOWN LATER"])
def test_words_that_do_not_go_together(run: Run, line: str) -> None:
    assert run(line) == b"-ERR syntax error\r\n"
