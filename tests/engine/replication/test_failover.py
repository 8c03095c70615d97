"""FAILOVER: primary and replica change places."""

from tests.engine.in_process import Run
from tests.engine.replicas import Follow, Wire


def test_a_failover_changes_roles_without_losing_a_write(run: Run, follow: Follow) -> None:
    wire = follow(run)
    run("SET k v")
    assert run("FAILOVER") == b"+OK\r\n"
    assert run("FAILOVER") == b"-ERR FAILOVER already in progress.\r\n"
    late = run.session()
    assert late("SET k late") == b""
    wire.deliver()
    wire.replica.advance(1000)  # it tells how far it is once a second
    wire.deliver()
    run.advance(1000)
    assert b"master_failover_state:failover-in-progress" in run("INFO replication")
    back = Wire(wire.replica, run)
    back.connect()
    back.deliver()
    assert b"role:slave" in run("INFO replication")
    assert b"role:master" in wire.replica("INFO replication")
    assert wire.replica("GET k") == b"$1\r\nv\r\n"
    assert late.received().startswith(b"-READONLY ")
    assert wire.replica.engine.replication.full_syncs == 0


def test_a_failover_can_be_called_off(run: Run, follow: Follow) -> None:
    assert run("FAILOVER") == b"-ERR FAILOVER requires connected replicas.\r\n"
    follow(run)
    assert run("FAILOVER ABORT") == b"-ERR No failover in progress.\r\n"
    run("SET k 1")  # the replica does not hear of it
    run("FAILOVER TIMEOUT 500")
    other = run.session()
    assert other("SET k 2") == b""
    run.advance(600)
    assert other.received() == b"+OK\r\n"
    assert b"master_failover_state:no-failover" in run("INFO replication")
