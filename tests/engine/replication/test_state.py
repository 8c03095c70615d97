"""Who is a primary, who a replica, and the name of the history that they share."""

from tests.engine.in_process import Run, StartRun
from tests.engine.replicas import Follow, Wire, digest, fill


def test_a_replica_takes_writes_from_its_primary_only(run: Run, follow: Follow) -> None:
    wire = follow(run)
    read_only = b"-READONLY You can't write against a read only replica.\r\n"
    assert wire.replica("SET k v") == read_only
    assert wire.replica("GET k") == b"$-1\r\n"
    wire.replica("MULTI")
    assert wire.replica("SET k v") == read_only
    assert wire.replica("EXEC").startswith(b"-EXECABORT")
    assert read_only[1:-2] in wire.replica('EVAL \'return server.call("SET", "k", 1)\' 0')
    wire.replica("CONFIG SET replica-read-only no")
    assert wire.replica("SET k v") == b"+OK\r\n"


def test_a_replica_without_its_primary_may_refuse_to_answer(run: Run, follow: Follow) -> None:
    code = "server.register_function{function_name='f', callback=function() return server.call('get', 'x') end, "
    run.args("FUNCTION", "LOAD", "#!lua name=stale\n" + code + "flags={'allow-stale', 'no-writes'}}")
    wire = follow(run)
    wire.replica("CONFIG SET replica-serve-stale-data no")
    assert wire.replica("GET k") == b"$-1\r\n"
    wire.cut()
    assert wire.replica("GET k").startswith(b"-MASTERDOWN ")
    assert wire.replica("INFO replication").startswith(b"$")
    stale = b"-ERR Can not execute the command on a stale replica script: f, "
    assert wire.replica("FCALL f 1 x").startswith(stale)
    assert wire.replica("EVAL 'return 1' 0").startswith(b"-MASTERDOWN ")
    assert wire.replica.args("EVAL", "#!lua flags=allow-stale,no-writes\nreturn 1", 0) == b":1\r\n"


def test_on_a_replica_a_key_whose_time_is_over_is_hidden_until_the_primary_deletes_it(run: Run, follow: Follow) -> None:
    wire = follow(run)
    run("SET k v PX 100")
    wire.deliver()
    wire.replica.advance(200)
    assert wire.replica("GET k") == b"$-1\r\n"
    assert wire.replica("EXISTS k") == b":0\r\n"
    assert wire.replica("DBSIZE") == b":1\r\n"
    run.advance(200)
    wire.deliver()
    assert wire.replica("DBSIZE") == b":0\r\n"


def test_the_primary_finds_keys_on_its_replica_however_late_its_commands_come(run: Run, follow: Follow) -> None:
    wire = follow(run)
    run("SET n 1 PX 100")
    run("INCR n")
    run("PERSIST n")
    wire.replica.clock.now_us += 1_000_000
    wire.deliver()
    assert wire.replica("GET n") == b"$1\r\n2\r\n"


def test_a_replica_becomes_a_primary_that_its_siblings_can_follow(run: Run, follow: Follow) -> None:
    fill(run)
    first = follow(run)
    second = follow(run)
    run("SET last 1")
    first.deliver()
    second.deliver()
    assert first.replica("REPLICAOF NO ONE") == b"+OK\r\n"
    assert first.replica("SET now-a-primary 1") == b"+OK\r\n"
    second.replica("REPLICAOF 127.0.0.1 6380")
    wire = Wire(first.replica, second.replica)
    wire.connect()
    wire.deliver()
    assert digest(second.replica) == digest(first.replica)
    assert first.replica.engine.replication.partial_syncs == 1
    assert first.replica.engine.replication.full_syncs == 0


def test_replicas_of_a_replica_have_the_same_history(run: Run, follow: Follow) -> None:
    first = follow(run)
    second = follow(first.replica)
    run("SET k v")
    run("INCR n")
    first.deliver()
    second.deliver()
    assert second.replica("GET n") == b"$1\r\n1\r\n"
    offsets = [side.engine.replication.offset for side in (run, first.replica, second.replica)]
    assert len(set(offsets)) == 1
    assert second.replica.engine.replication.id == run.engine.replication.id


def test_when_the_history_gets_another_name_its_followers_go_on_with_it(run: Run, follow: Follow) -> None:
    first = follow(run)
    second = follow(first.replica)
    assert second.client is not None
    first.cut()
    run.engine.replication.promote()
    run("SET k v")
    first.replica.advance(2000)
    run.advance(2000)
    first.connect()
    first.deliver()
    assert second.client.closing
    assert second.client.take_output() == b""  # nothing of the new history before they have asked for it
    second.cut()
    second.replica.advance(2000)
    second.connect()
    second.deliver()
    assert second.replica("GET k") == b"$1\r\nv\r\n"
    assert first.replica.engine.replication.partial_syncs == 1
    assert second.replica.engine.replication.id == run.engine.replication.id


def test_a_primary_that_starts_again_goes_on_with_its_history(run: Run, follow: Follow, start_run: StartRun) -> None:
    wire = follow(run)
    run("SET stays 1")
    run("SET ends 1 PX 100")
    wire.deliver()
    assert run("SAVE") == b"+OK\r\n"
    again = start_run()
    again.clock.now_us = run.clock.now_us + 2_000_000
    again.engine.start_turn()
    again.engine.host = run.engine.host
    assert again.engine.saves.start()
    wire.cut()
    wire.replica.advance(2000)
    back = Wire(again, wire.replica)
    back.connect()
    back.deliver()
    assert again.engine.replication.partial_syncs == 1
    assert again.engine.replication.full_syncs == 0
    assert wire.replica("DBSIZE") == b":1\r\n"
    assert digest(wire.replica) == digest(again)


def test_who_waits_when_an_engine_becomes_a_replica_is_told_and_counted(run: Run) -> None:
    waiting = run.session()
    assert waiting("BLPOP k 0") == b""
    run("REPLICAOF 127.0.0.1 6379")
    assert waiting.received().startswith(b"-UNBLOCKED force unblock from blocking operation, ")
    assert waiting.client.closing
    assert b"rejected_calls=1,failed_calls=0" in run("INFO commandstats").split(b"cmdstat_blpop:")[1].split(b"\r\n")[0]
    assert b"errorstat_UNBLOCKED:count=1" in run("INFO errorstats")
