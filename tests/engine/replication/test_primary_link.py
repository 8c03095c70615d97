"""A replica and the stream of its primary."""

import pytest
from tests.engine.in_process import Run, StartRun
from tests.engine.replicas import ROUNDS_MAX, Follow, Wire, digest, fill, finish


def test_a_replica_gets_everything_and_what_changes_from_then_on(run: Run, follow: Follow) -> None:
    fill(run)
    wire = follow(run)
    assert digest(wire.replica) == digest(run)
    assert wire.replica("FCALL_RO f 0") == run("FCALL_RO f 0")
    run("INCR n")
    run("LPOP l")
    run("SELECT 5")
    run("SET new 1")
    run("XADD x * a b")
    wire.deliver()
    assert digest(wire.replica) == digest(run)
    assert b"master_link_status:up" in wire.replica("INFO replication")
    assert b"state=online" in run("INFO replication")


@pytest.mark.parametrize("diskless", ["yes", "no"])
def test_bytes_may_come_one_by_one(run: Run, start_run: StartRun, diskless: str) -> None:
    run(f"CONFIG SET repl-diskless-sync {diskless}")
    run("SET k v")
    run("HSET h a 1")
    replica = start_run()
    replica("REPLICAOF 127.0.0.1 6379")
    wire = Wire(run, replica)
    wire.step = 1
    wire.connect()
    wire.deliver()
    run("MULTI")
    run("INCR n")
    run("INCR n")
    run("EXEC")
    wire.deliver()
    assert digest(replica) == digest(run)


def test_a_link_that_breaks_goes_on_where_it_was(run: Run, follow: Follow) -> None:
    fill(run)
    wire = follow(run)
    wire.cut()
    run("SELECT 4")
    run("SET while-away 1")
    wire.replica.advance(2000)
    run.advance(2000)
    wire.connect()
    wire.deliver()
    assert digest(wire.replica) == digest(run)
    assert run.engine.replication.full_syncs == 1
    assert run.engine.replication.partial_syncs == 1


def test_a_transaction_that_breaks_off_in_the_middle_is_repeated_as_a_whole(run: Run, follow: Follow) -> None:
    wire = follow(run)
    assert wire.client is not None
    run("MULTI")
    run("INCR n")
    run("INCR n")
    run("EXEC")
    run.engine.clients.take_pending()
    sent = wire.client.take_output()
    wire.link.feed(sent[: sent.index(b"EXEC") - 10])
    assert wire.replica("GET n") == b"$-1\r\n"
    wire.cut()
    wire.replica.advance(2000)
    run.advance(2000)
    wire.connect()
    wire.deliver()
    assert wire.replica("GET n") == b"$1\r\n2\r\n"
    assert run.engine.replication.partial_syncs == 1


def test_a_replica_that_is_too_far_behind_begins_anew(run: Run, follow: Follow) -> None:
    run("CONFIG SET repl-backlog-size 16384")
    wire = follow(run)
    wire.cut()
    for number in range(10):
        run.args("SET", f"k{number}", "x" * 10_000)
    wire.replica.advance(2000)
    run.advance(2000)
    wire.connect()
    wire.deliver()
    assert digest(wire.replica) == digest(run)
    assert run.engine.replication.full_syncs == 2
    assert run.engine.replication.partial_syncs == 0


def test_a_paused_replica_takes_the_stream_but_does_not_run_it(run: Run, follow: Follow) -> None:
    wire = follow(run)
    replica = wire.replica
    assert replica("CLIENT PAUSE 100000 WRITE") == b"+OK\r\n"
    run("SET k v")
    wire.deliver()
    received = run.engine.replication.offset
    assert replica("GET k") == b"$-1\r\n"
    assert replica.engine.replication.offset < received
    assert b"slave_read_repl_offset:%d\r\n" % received in replica("INFO replication")
    assert replica("CLIENT UNPAUSE") == b"+OK\r\n"
    replica.advance(100)
    assert replica("GET k") == b"$1\r\nv\r\n"
    assert b"slave_repl_offset:%d\r\n" % received in replica("INFO replication")


def test_a_command_that_fails_on_the_replica_alone_is_counted(run: Run, follow: Follow) -> None:
    wire = follow(run)
    wire.replica("CONFIG SET replica-read-only no")
    wire.replica("SET k text")
    run("INCR k")
    wire.deliver()
    assert b"unexpected_error_replies:1" in wire.replica("INFO stats")
    assert run.engine.replication.offset == wire.replica.engine.replication.offset


def test_a_damaged_snapshot_is_refused_and_the_data_stays(start_run: StartRun) -> None:
    replica = start_run()
    replica("SET mine 1")
    replica("REPLICAOF 127.0.0.1 6379")
    link = replica.engine.replication.link
    assert link is not None
    link.connecting()
    link.connected("127.0.0.1:6379", "127.0.0.1:40000")
    link.feed(b"+PONG\r\n+OK\r\n+OK\r\n+OK\r\n+FULLRESYNC " + b"a" * 40 + b" 0\r\n$20\r\nREDIS0011 not a dump!")
    finish(replica)
    assert link.wants_close
    assert replica("GET mine") == b"$1\r\n1\r\n"


@pytest.mark.parametrize("how", ["swapdb", "disabled"])
def test_a_replica_that_loads_answers_from_its_old_data_or_not_at_all(run: Run, follow: Follow, how: str) -> None:
    wire = follow(run)
    wire.replica(f"CONFIG SET repl-diskless-load {how}")
    meanwhile = b"$3\r\nold\r\n" if how == "swapdb" else b"-LOADING Valkey is loading the dataset in memory\r\n"
    run("SET k old")
    wire.deliver()
    wire.cut()
    run.engine.replication.new_history()
    for number in range(1000):
        run(f"SET k{number} v")
    run("SET k new")
    wire.replica.advance(2000)
    run.advance(2000)
    wire.connect()
    link, client = wire.link, wire.client
    assert client is not None
    for _ in range(ROUNDS_MAX):
        run.engine.work(0)
        link.feed(client.take_output() + client.feed(link.take_output()))
        if link.is_loading():
            break
    run("INCR counted")
    link.feed(client.take_output())
    assert wire.replica("GET k") == meanwhile
    assert b"master_sync_in_progress:1" in wire.replica("INFO replication")
    assert (b"async_loading:1" if how == "swapdb" else b"\nloading:1") in wire.replica("INFO persistence")
    wire.replica.engine.work(0)
    assert wire.replica("GET k") == meanwhile
    wire.deliver()
    assert wire.replica("GET k") == b"$3\r\nnew\r\n"
    assert digest(wire.replica) == digest(run)


def test_a_replica_whose_link_is_killed_comes_back(run: Run, follow: Follow) -> None:
    wire = follow(run)
    assert wire.replica("CLIENT KILL TYPE primary") == b":1\r\n"
    assert wire.link.wants_close
    wire.cut()
    wire.connect()  # at once: the link had worked
    wire.deliver()
    run("SET k v")
    wire.deliver()
    assert wire.replica("GET k") == b"$1\r\nv\r\n"
    assert run.engine.replication.partial_syncs == 1
