"""REPLICAOF, ROLE, FAILOVER and what replicas say of themselves."""

import pytest
from tests.engine.in_process import Run
from tests.engine.replicas import Follow


def test_role_says_who_is_who(run: Run, follow: Follow) -> None:
    assert run("ROLE") == b"*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n"
    wire = follow(run)
    assert wire.replica("ROLE").startswith(b"*5\r\n$5\r\nslave\r\n$9\r\n127.0.0.1\r\n:6379\r\n$9\r\nconnected\r\n:")
    assert b"$9\r\n127.0.0.1\r\n" in run("ROLE")
    wire.cut()
    assert b"$7\r\nconnect\r\n" in wire.replica("ROLE")


def test_connections_say_what_they_are(run: Run, follow: Follow) -> None:
    wire = follow(run)
    assert b"flags=S" in run("CLIENT LIST TYPE replica")
    assert b"flags=M" in wire.replica("CLIENT LIST TYPE primary")
    assert run("CLIENT KILL TYPE replica") == b":1\r\n"
    assert b"connected_slaves:0" in run("INFO replication")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("REPLICAOF localhost port", b"ERR Invalid master port"),
        ("REPLCONF listening-port", b"ERR syntax error"),
        ("REPLCONF colour blue", b"ERR Unrecognized REPLCONF option: colour"),
        ("REPLCONF rdb-only 2", b"ERR value is out of range, value must between 0 and 1"),
        ("PSYNC ? -1 FAILOVER", b"ERR PSYNC FAILOVER can't be sent to a master."),
        ("WAITAOF 1 0 0", b"ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled."),
        ("WAIT 1 -1", b"ERR timeout is negative"),
        ("WAIT 1 9223372036854775807", b"ERR timeout is out of range"),
        ("WAITAOF 0 1 9223372036854775807", b"ERR timeout is out of range"),
        ("FAILOVER TO localhost 1 FORCE", b"ERR FAILOVER requires connected replicas."),
    ],
)
def test_errors(run: Run, line: str, problem: bytes) -> None:
    assert run(line) == b"-" + problem + b"\r\n"
