"""WAIT, and writes that need replicas."""

from tests.engine.in_process import Run
from tests.engine.replicas import Follow


def test_wait_ends_when_enough_replicas_have_the_write(run: Run, follow: Follow) -> None:
    wire = follow(run)
    assert run("WAIT 0 1000") == b":1\r\n"
    run("SET k v")
    assert run("WAIT 1 0") == b""
    wire.deliver()
    assert run.received() == b":1\r\n"


def test_wait_ends_after_its_time_with_what_there_is(run: Run, follow: Follow) -> None:
    wire = follow(run)
    run("SET k v")
    assert run("WAIT 2 500") == b""
    wire.deliver()
    assert run.received() == b""
    run.advance(600)
    assert run.received() == b":1\r\n"


def test_wait_asks_for_more_than_there_are_in_a_transaction_and_is_told_at_once(run: Run) -> None:
    run("MULTI")
    run("WAIT 5 0")
    assert run("EXEC") == b"*1\r\n:0\r\n"


def test_a_replica_waits_for_nobody(run: Run, follow: Follow) -> None:
    wire = follow(run)
    assert wire.replica("WAIT 0 0").startswith(b"-ERR WAIT cannot be used with replica instances.")
    assert wire.replica("WAITAOF 0 0 0").startswith(b"-ERR WAITAOF cannot be used with replica instances.")


def test_writes_may_need_replicas_that_keep_up(run: Run, follow: Follow) -> None:
    run("CONFIG SET min-replicas-to-write 1")
    assert run("SET k v") == b"-NOREPLICAS Not enough good replicas to write.\r\n"
    wire = follow(run)
    assert run("SET k v") == b"+OK\r\n"
    wire.deliver()
    run.advance(11_000)
    assert run("SET k v") == b"-NOREPLICAS Not enough good replicas to write.\r\n"
    wire.replica.advance(11_000)
    wire.deliver()
    assert run("SET k v") == b"+OK\r\n"
