"""The options of SET, GETEX and MSETEX."""

import pytest
from tests.engine.in_process import Run, StartRun

from cachetwin_engine.core.protocol.replies import bulk

NULL = b"$-1\r\n"


@pytest.fixture
def newest(start_run: StartRun) -> Run:
    """A client of an engine that acts as Valkey 9.1."""
    return start_run("valkey-9.1")


def test_a_time_to_live_may_be_given_again_in_the_same_unit(run: Run) -> None:
    assert run("SET k v EX 10 EX 20") == b"+OK\r\n"
    assert run("TTL k") == b":20\r\n"
    assert run("GETEX k PX x PX 7000") == bulk(b"v")
    assert run("TTL k") == b":7\r\n"
    assert run("SET k v EX 10 PX 20") == b"-ERR syntax error\r\n"


def test_getex_reads_the_time_before_the_key_since_valkey_9(run: Run, newest: Run) -> None:
    assert run("GETEX none EX x") == b"$-1\r\n"
    assert newest("GETEX none EX x") == b"-ERR value is not an integer or out of range\r\n"


def test_set_ifeq_compares_before_it_sets(run: Run) -> None:
    assert run("SET k new IFEQ old") == NULL
    run("SET k old")
    assert run("SET k new IFEQ other") == NULL
    assert run("SET k new IFEQ old GET") == bulk(b"old")
    assert run("GET k") == bulk(b"new")


def test_conditions_look_at_the_key(run: Run) -> None:
    assert run("SET k 1 XX") == NULL
    assert run("SET k 1 NX") == b"+OK\r\n"
    assert run("SET k 2 NX") == NULL
    assert run("SET k 2 NX GET") == bulk(b"1")
    assert run("SET k 3 XX GET") == bulk(b"1")
    assert run("GET k") == bulk(b"3")


def test_keepttl_keeps_the_time_to_live(run: Run) -> None:
    run("SET k 1 EX 100")
    run("SET k 2 KEEPTTL")
    assert run("TTL k") == b":100\r\n"
    run(f"SET k 3 EXAT {run.now_ms // 1000 + 50}")
    assert run("TTL k") == b":50\r\n"


@pytest.mark.parametrize(
    "options",
    ["NX XX", "XX NX", "NX IFEQ a", "IFEQ", "KEEPTTL EX 1", "EX 1 KEEPTTL", "EX", "PX 1 EXAT 1", "NO", "PERSIST"],
)
def test_options_that_do_not_go_together(run: Run, options: str) -> None:
    assert run(f"SET k v {options}") == b"-ERR syntax error\r\n"
    assert run("EXISTS k") == b":0\r\n"


@pytest.mark.parametrize("time", ["EX 0", "PX -1", "EX 9223372036854775807"])
def test_a_time_that_cannot_be_is_refused(run: Run, time: str) -> None:
    assert run(f"SET k v {time}") == b"-ERR invalid expire time in 'set' command\r\n"


def test_ifeq_came_with_valkey_8_1(start_run: StartRun) -> None:
    assert start_run("valkey-8.0")("SET k v IFEQ a") == b"-ERR syntax error\r\n"
