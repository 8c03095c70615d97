"""Clients that can be redirected are sent to the primary."""

from tests.engine.in_process import Run, StartRun
from tests.engine.replicas import Follow, Wire

REDIRECT = b"-REDIRECT 127.0.0.1:6379\r\n"


def test_a_client_that_can_be_redirected_is_sent_to_the_primary(run: Run, follow: Follow) -> None:
    replica = follow(run).replica
    assert replica("GET k") == b"$-1\r\n"
    assert replica("CLIENT CAPA REDIRECT") == b"+OK\r\n"
    assert replica("SET k v") == REDIRECT
    assert replica("GET k") == REDIRECT
    assert replica("PING") == b"+PONG\r\n"
    assert replica("READONLY") == b"+OK\r\n"
    assert replica("GET k") == b"$-1\r\n"
    assert replica("SET k v") == REDIRECT
    assert run("CLIENT CAPA REDIRECT") == b"+OK\r\n"
    assert run("SET k v") == b"+OK\r\n"


def test_a_transaction_is_redirected_as_a_whole(run: Run, start_run: StartRun) -> None:
    run("CLIENT CAPA REDIRECT")
    run("MULTI")
    assert run("SET k v") == b"+QUEUED\r\n"
    run.session()("REPLICAOF 127.0.0.1 6379")
    assert run("EXEC") == REDIRECT
    assert run("EXEC") == b"-ERR EXEC without MULTI\r\n"
    run("MULTI")
    assert run("SET k v") == REDIRECT
    assert run("EXEC") == b"-EXECABORT Transaction discarded because of previous errors.\r\n"


def test_while_a_failover_runs_nobody_is_redirected_yet(run: Run, follow: Follow) -> None:
    wire = follow(run)
    client = run.session()
    client("CLIENT CAPA REDIRECT")
    assert run("FAILOVER") == b"+OK\r\n"
    wire.deliver()
    wire.replica.advance(1000)
    wire.deliver()
    run.advance(1000)
    assert b"master_failover_state:failover-in-progress" in run("INFO replication")
    assert client("SET k v") == b""
    back = Wire(wire.replica, run)
    back.connect()
    back.deliver()
    assert client.received().startswith(b"-REDIRECT 127.0.0.1:")
