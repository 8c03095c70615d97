"""SLOWLOG and COMMANDLOG."""

from tests.engine.in_process import Run


def test_slow_commands_are_logged_with_their_arguments(run: Run) -> None:
    run("CONFIG SET slowlog-log-slower-than 0")
    run("SET k v")
    assert b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n" in run("SLOWLOG GET 1")
    run("CONFIG SET slowlog-log-slower-than -1")
    run("SLOWLOG RESET")
    assert run("SLOWLOG LEN") == b":0\r\n"


def test_large_requests_and_replies_are_logged(run: Run) -> None:
    run("CONFIG SET commandlog-request-larger-than 1000 commandlog-reply-larger-than 1000")
    run.args("SET", "k", "x" * 2000)
    run("GET k")
    assert run("COMMANDLOG LEN large-request") == b":1\r\n"
    assert run("COMMANDLOG LEN large-reply") == b":1\r\n"
