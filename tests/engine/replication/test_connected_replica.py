"""A primary and a replica that asks it for the data."""

from tests.engine.in_process import Run
from tests.engine.replicas import Follow, finish


def test_sync_sends_a_snapshot_with_its_length_and_then_the_stream(run: Run) -> None:
    run("SET k v")
    old = run.session()
    assert old("SYNC") == b""
    finish(run)
    sent = old.received()
    size, _, rest = sent.partition(b"\r\n")
    assert size == b"$%d" % len(rest)
    assert rest.startswith(b"REDIS0011")
    run("SET k w")
    assert old.received() == b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nw\r\n"


def test_a_replica_that_speaks_out_of_turn_is_let_go(run: Run) -> None:
    old = run.session()
    old("SYNC")
    finish(run)
    old.received()
    assert old("PING") == b""
    assert old.client.closing


def test_what_waits_for_a_slow_replica_has_a_bound(run: Run) -> None:
    run("CONFIG SET client-output-buffer-limit 'replica 100000 0 0' repl-backlog-size 20000")
    slow = run.session()
    slow("REPLCONF capa eof")
    slow("PSYNC ? -1")
    for number in range(20):
        run.args("SET", f"k{number}", "x" * 10_000)
    assert b"connected_slaves:0" in run("INFO replication")
    assert slow.client.closing


def test_what_waits_for_a_replica_may_be_as_long_as_the_backlog(run: Run) -> None:
    run("CONFIG SET client-output-buffer-limit 'replica 100000 0 0' repl-backlog-size 1mb")
    slow = run.session()
    slow("REPLCONF capa eof")
    slow("PSYNC ? -1")
    for number in range(20):
        run.args("SET", f"k{number}", "x" * 10_000)
    assert b"connected_slaves:1" in run("INFO replication")
    assert b"slave 100000 0 0" in run("CONFIG GET client-output-buffer-limit")
    for number in range(90):
        run.args("SET", f"k{number}", "x" * 10_000)
    assert b"connected_slaves:0" in run("INFO replication")


def test_what_a_replica_has_not_taken_is_counted_with_the_backlog(run: Run, follow: Follow) -> None:
    wire = follow(run)
    run("CONFIG SET repl-backlog-size 20000")
    for _ in range(100):
        run.args("SET", "k", "v" * 1000)
    info = run("INFO memory")
    size = int(info.split(b"mem_total_replication_buffers:")[1].split(b"\r\n")[0])
    assert 100_000 < size < 110_000
    wire.deliver()
    assert b"mem_total_replication_buffers:2" in run("INFO memory")
