"""Bounds on what is kept for a client."""

from tests.engine.in_process import Run


def test_a_reply_that_cannot_be_held_is_not_begun(run: Run) -> None:
    run("HSET h f v")
    run("SADD s m")
    run("ZADD z 1 m")
    for line in ("HRANDFIELD h -999999999", "SRANDMEMBER s -999999999", "ZRANDMEMBER z -999999999"):
        client = run.session()
        assert client(line) == b""
        assert client.client.closing
    run('CONFIG SET client-output-buffer-limit "normal 600 0 0"')
    assert run("HRANDFIELD h -100").startswith(b"*100\r\n")
    assert run("HRANDFIELD h -101") == b""
    assert run.client.closing
