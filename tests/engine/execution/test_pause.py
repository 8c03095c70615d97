"""CLIENT PAUSE: which commands wait, and until when."""

import pytest
from tests.engine.in_process import Run


def test_writes_wait_for_the_end_of_a_pause(run: Run) -> None:
    other = run.session()
    run("CLIENT PAUSE 1000 WRITE")
    assert other("GET k") == b"$-1\r\n"
    assert other("SET k v") == b""
    assert run("GET k") == b"$-1\r\n"
    run("CLIENT UNPAUSE")
    assert other.received() == b"+OK\r\n"


def test_a_pause_ends_by_itself(run: Run) -> None:
    other = run.session()
    run("CLIENT PAUSE 1000 ALL")
    assert other("PING") == b""
    run.advance(1001)
    assert other.received() == b"+PONG\r\n"


def test_a_pause_starts_at_the_end_of_its_transaction(run: Run) -> None:
    run("MULTI")
    run("CLIENT PAUSE 1000 WRITE")
    run("SET k v")
    assert run("EXEC") == b"*2\r\n+OK\r\n+OK\r\n"
    other = run.session()
    assert other("SET k w") == b""
    run("CLIENT UNPAUSE")
    assert other.received() == b"+OK\r\n"


@pytest.mark.parametrize(
    "line",
    [
        "PUBLISH channel message",
        "PFCOUNT k",
        'EVAL "return 1" 0',
        'EVAL "#!lua\\nreturn 1" 0',
        "FCALL f 0",
    ],
)
def test_what_may_replicate_waits_for_the_end_of_a_pause_of_writes(run: Run, line: str) -> None:
    run("CLIENT PAUSE 1000 WRITE")
    other = run.session()
    assert other(line) == b""
    assert b"blocked_clients:1\r\n" in run("INFO clients")
    run("CLIENT UNPAUSE")
    assert other.received() != b""


@pytest.mark.parametrize(
    "line", ['EVAL_RO "return 1" 0', 'EVAL "#!lua flags=no-writes\\nreturn 1" 0', "FCALL f 0", "SET k"]
)
def test_what_cannot_write_is_answered_during_a_pause_of_writes(run: Run, line: str) -> None:
    function = "{function_name='f', callback=function() return 1 end, flags={'no-writes'}}"
    run.args("FUNCTION", "LOAD", "#!lua name=l\nredis.register_function" + function)
    run("CLIENT PAUSE 1000 WRITE")
    assert run.session()(line) != b""
    run("MULTI")
    run("PING")
    run(line) if line != "SET k" else b""
    assert run("EXEC").startswith(b"*")


def test_info_says_what_is_paused(run: Run) -> None:
    run("CLIENT PAUSE 1000 WRITE")
    assert b"paused_reason:client_pause\r\npaused_actions:write\r\npaused_timeout_milliseconds:1000\r\n" in run(
        "INFO clients"
    )
    run("CLIENT UNPAUSE")
    assert b"paused_reason:none\r\npaused_actions:none\r\npaused_timeout_milliseconds:0\r\n" in run("INFO clients")


def test_nothing_is_evicted_or_expired_during_a_pause(run: Run) -> None:
    run("SET k v PX 10")
    run("SET other v")
    run("CONFIG SET maxmemory-policy allkeys-random")
    run("CLIENT PAUSE 1000 WRITE")
    run("CONFIG SET maxmemory 1")
    run.advance(11)
    assert run("GET k") == b"$-1\r\n"
    assert b"expired_keys:0\r\n" in run("INFO stats")
    assert b"evicted_keys:0\r\n" in run("INFO stats")
    run("CLIENT UNPAUSE")
    run("PING")
    assert b"evicted_keys:2\r\n" in run("INFO stats")


def test_randomkey_ends_when_all_keys_are_over_and_none_may_go(run: Run) -> None:
    run("SET k v PX 10")
    run("CLIENT PAUSE 1000 WRITE")
    run.advance(11)
    assert run("RANDOMKEY") == b"$1\r\nk\r\n"
    run("CLIENT UNPAUSE")
    assert run("RANDOMKEY") == b"$-1\r\n"
