"""Primaries and replicas as engines in this process: what one writes is what the other reads, byte by byte if need be."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from cachetwin_engine.core.admin.host import Host
from cachetwin_engine.core.commands.digest import digest_of_data
from cachetwin_engine.core.config.profile import PROFILES
from cachetwin_engine.core.execution.session import Session
from cachetwin_engine.core.protocol.resp import RespParser
from cachetwin_engine.core.rdb.loading import Loading
from cachetwin_engine.core.rdb.packed import BadData
from cachetwin_engine.core.rdb.writer import RdbWriter
from cachetwin_engine.core.replication.primary_link import PrimaryLink

if TYPE_CHECKING:
    from tests.engine.in_process import Run, StartRun

ROUNDS_MAX = 1000


class Wire:
    """The connection between a primary and the replica that asked for it; ``settle`` lets everything arrive."""

    def __init__(self, primary: "Run", replica: "Run") -> None:
        self.primary = primary
        self.replica = replica
        link = replica.engine.replication.link
        assert link is not None
        self.link: PrimaryLink = link
        self.step = 1 << 20
        self.client: Session | None = None

    def connect(self) -> None:
        """Make the connection that the replica wants."""
        self.replica.engine.start_turn()
        assert self.link.wants_connection()
        self.link.connecting()
        self.client = self.primary.engine.open_session("127.0.0.1:40000", "127.0.0.1:6379")
        self.link.connected("127.0.0.1:6379", "127.0.0.1:40000")

    def cut(self) -> None:
        """The connection breaks."""
        assert self.client is not None
        self.primary.engine.close_session(self.client)
        self.client = None
        self.link.lost("cut")

    def settle(self) -> None:
        """Carry bytes both ways, and do background work, until nobody has anything to say."""
        assert self.client is not None
        engine, other = self.primary.engine, self.replica.engine
        for _ in range(ROUNDS_MAX):
            engine.work(engine.clock() + 1_000_000)
            other.work(other.clock() + 1_000_000)
            engine.take_pending()
            down = self.client.take_output()
            for at in range(0, len(down), self.step):
                self.link.feed(down[at : at + self.step])
            up = self.link.take_output()
            if up:
                reply = self.client.feed(up)
                for at in range(0, len(reply), self.step):
                    self.link.feed(reply[at : at + self.step])
            if not (down or up or engine.has_work() or other.has_work()):
                return
        raise AssertionError("they never stop talking")


Follow = Callable[..., Wire]


@pytest.fixture
def follow(start_run: "StartRun") -> Follow:
    """A fresh replica of a primary, up to date."""

    def start(primary: "Run", profile: str = "valkey-8.1") -> Wire:
        replica = start_run(profile)
        replica.clock.now_us = primary.clock.now_us
        assert replica("REPLICAOF 127.0.0.1 6379") == b"+OK\r\n"
        wire = Wire(primary, replica)
        wire.connect()
        wire.settle()
        return wire

    return start


def digest(run: "Run") -> bytes:
    return digest_of_data(run.engine.databases)


def fill(run: "Run") -> None:
    """Some of every kind, in two databases."""
    run("SET s text")
    run("SET n 12")
    run("APPEND a edited")
    run.args("SET", "big", "x" * 100_000)
    for number in range(300):
        run(f"RPUSH l {number}")
        run(f"HSET h f{number} v{number}")
        run(f"ZADD z {number}.5 m{number}")
        run(f"SADD t m{number}")
        run(f"XADD x {number + 1}-1 field {number}")
    run("HSET small a 1")
    run("SADD ints 1 2 3")
    run("ZADD pair 1 a 2 b")
    run("XGROUP CREATE x g 5-1")
    run("XREADGROUP GROUP g alice COUNT 3 STREAMS x >")
    run("PEXPIRE s 50000")
    run("SELECT 3")
    run("SET elsewhere 1")
    run("SELECT 0")
    code = "server.register_function{function_name='f', callback=function() return 7 end, flags={'no-writes'}}"
    run.args("FUNCTION", "LOAD", "#!lua name=lib\n" + code)


def finish(run: "Run") -> None:
    """Let background work come to its end."""
    for _ in range(ROUNDS_MAX):
        if not run.engine.has_work():
            return
        run.engine.work(run.engine.clock() + 1_000_000)
    raise AssertionError("the work never ends")


def stream(run: "Run") -> list[list[bytes]]:
    """All commands that replicas were told."""
    backlog = run.engine.replication.backlog
    assert backlog is not None
    parser = RespParser(1 << 29)
    parser.feed(backlog.since(backlog.first))
    commands: list[list[bytes]] = []
    while (args := parser.next_command()) is not None:
        commands.append(args)
    return commands


def words(commands: list[list[bytes]]) -> list[str]:
    return [" ".join(word.decode() for word in command) for command in commands]


# -- the stream ---------------------------------------------------------------------------------------------------------


def test_the_stream_names_the_database_when_it_changes(run: "Run") -> None:
    run.replicate()
    run("SET a 1")
    run("SET b 1")
    run("SELECT 2")
    run("SET c 1")
    assert words(stream(run)) == ["SELECT 0", "SET a 1", "SET b 1", "SELECT 2", "SET c 1"]


def test_a_transaction_is_bound_together_and_one_of_a_single_change_is_not(run: "Run") -> None:
    run.replicate()
    for line in ("MULTI", "SET a 1", "GET a", "INCR a", "EXEC", "MULTI", "SET b 1", "EXEC", "MULTI", "GET a", "EXEC"):
        run(line)
    assert words(stream(run)) == ["MULTI", "SELECT 0", "SET a 1", "INCR a", "EXEC", "SET b 1"]


def test_a_script_is_told_by_what_it_changed(run: "Run") -> None:
    run.replicate()
    run('EVAL \'server.call("SET", KEYS[1], 1) server.call("INCR", KEYS[1])\' 1 k')
    run("EVAL 'return server.call(\"GET\", KEYS[1])' 1 k")
    assert words(stream(run)) == ["MULTI", "SELECT 0", "SET k 1", "INCR k", "EXEC"]


def test_a_key_that_ends_is_deleted_before_what_found_it_so(run: "Run") -> None:
    run.replicate()
    run("SET k 1 PX 100")
    run.advance_silently(200)
    run("INCR k")
    run("SET j 1 PX 100")
    run.advance_silently(200)
    run("GET j")
    assert words(stream(run))[2:5] == ["MULTI", "UNLINK k", "INCR k"]
    assert words(stream(run))[-1] == "UNLINK j"


def test_keys_that_end_by_themselves_go_one_by_one(run: "Run") -> None:
    run.replicate()
    run("SET a 1 PX 100")
    run("SET b 1 PX 100")
    run.advance(200)
    assert sorted(words(stream(run))[-2:]) == ["UNLINK a", "UNLINK b"]


def test_an_evicted_key_is_deleted_on_its_own(run: "Run") -> None:
    run.replicate()
    for number in range(200):
        run.args("SET", f"k{number}", "x" * 10_000)
    used = run.engine.used_memory()
    run("CONFIG SET maxmemory-policy allkeys-random")
    run(f"CONFIG SET maxmemory {used}")
    run.args("SET", "one-more", "x" * 100_000)
    run("SET and-another 1")
    told = words(stream(run))
    assert any(line.startswith("UNLINK k") for line in told)
    assert "MULTI" not in told


def test_messages_are_told_too(run: "Run") -> None:
    run.replicate()
    run("PUBLISH channel hello")
    assert words(stream(run)) == ["SELECT 0", "PUBLISH channel hello"]


def test_what_changes_nothing_is_not_told(run: "Run") -> None:
    run.replicate()
    for line in ("GET a", "DEL a", "SET a 1 XX", "SADD", "LPOP l", "EXPIRE a 5"):
        run(line)
    assert stream(run) == []


def test_sync_sends_a_snapshot_with_its_length_and_then_the_stream(run: "Run") -> None:
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


def test_a_replica_that_speaks_out_of_turn_is_let_go(run: "Run") -> None:
    old = run.session()
    old("SYNC")
    finish(run)
    old.received()
    assert old("PING") == b""
    assert old.client.closing


def test_what_waits_for_a_slow_replica_has_a_bound(run: "Run") -> None:
    run("CONFIG SET client-output-buffer-limit 'replica 100000 0 0' repl-backlog-size 20000")
    slow = run.session()
    slow("REPLCONF capa eof")
    slow("PSYNC ? -1")
    for number in range(20):
        run.args("SET", f"k{number}", "x" * 10_000)
    assert b"connected_slaves:0" in run("INFO replication")
    assert slow.client.closing


def test_what_waits_for_a_replica_may_be_as_long_as_the_backlog(run: "Run") -> None:
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


# -- a replica of ours --------------------------------------------------------------------------------------------------


def test_a_replica_gets_everything_and_what_changes_from_then_on(run: "Run", follow: Follow) -> None:
    fill(run)
    wire = follow(run)
    assert digest(wire.replica) == digest(run)
    assert wire.replica("FCALL_RO f 0") == run("FCALL_RO f 0")
    run("INCR n")
    run("LPOP l")
    run("SELECT 5")
    run("SET new 1")
    run("XADD x * a b")
    wire.settle()
    assert digest(wire.replica) == digest(run)
    assert b"master_link_status:up" in wire.replica("INFO replication")
    assert b"state=online" in run("INFO replication")


@pytest.mark.parametrize("diskless", ["yes", "no"])
def test_bytes_may_come_one_by_one(run: "Run", start_run: "StartRun", diskless: str) -> None:
    run(f"CONFIG SET repl-diskless-sync {diskless}")
    run("SET k v")
    run("HSET h a 1")
    replica = start_run()
    replica("REPLICAOF 127.0.0.1 6379")
    wire = Wire(run, replica)
    wire.step = 1
    wire.connect()
    wire.settle()
    run("MULTI")
    run("INCR n")
    run("INCR n")
    run("EXEC")
    wire.settle()
    assert digest(replica) == digest(run)


def test_a_link_that_breaks_goes_on_where_it_was(run: "Run", follow: Follow) -> None:
    fill(run)
    wire = follow(run)
    wire.cut()
    run("SELECT 4")
    run("SET while-away 1")
    wire.replica.advance(2000)
    run.advance(2000)
    wire.connect()
    wire.settle()
    assert digest(wire.replica) == digest(run)
    assert run.engine.replication.full_syncs == 1
    assert run.engine.replication.partial_syncs == 1


def test_a_transaction_that_breaks_off_in_the_middle_is_repeated_as_a_whole(run: "Run", follow: Follow) -> None:
    wire = follow(run)
    assert wire.client is not None
    run("MULTI")
    run("INCR n")
    run("INCR n")
    run("EXEC")
    run.engine.take_pending()
    sent = wire.client.take_output()
    wire.link.feed(sent[: sent.index(b"EXEC") - 10])
    assert wire.replica("GET n") == b"$-1\r\n"
    wire.cut()
    wire.replica.advance(2000)
    run.advance(2000)
    wire.connect()
    wire.settle()
    assert wire.replica("GET n") == b"$1\r\n2\r\n"
    assert run.engine.replication.partial_syncs == 1


def test_a_replica_that_is_too_far_behind_begins_anew(run: "Run", follow: Follow) -> None:
    run("CONFIG SET repl-backlog-size 16384")
    wire = follow(run)
    wire.cut()
    for number in range(10):
        run.args("SET", f"k{number}", "x" * 10_000)
    wire.replica.advance(2000)
    run.advance(2000)
    wire.connect()
    wire.settle()
    assert digest(wire.replica) == digest(run)
    assert run.engine.replication.full_syncs == 2
    assert run.engine.replication.partial_syncs == 0


def test_a_replica_takes_writes_from_its_primary_only(run: "Run", follow: Follow) -> None:
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


def test_a_replica_without_its_primary_may_refuse_to_answer(run: "Run", follow: Follow) -> None:
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


def test_a_paused_replica_takes_the_stream_but_does_not_run_it(run: "Run", follow: Follow) -> None:
    wire = follow(run)
    replica = wire.replica
    assert replica("CLIENT PAUSE 100000 WRITE") == b"+OK\r\n"
    run("SET k v")
    wire.settle()
    received = run.engine.replication.offset
    assert replica("GET k") == b"$-1\r\n"
    assert replica.engine.replication.offset < received
    assert b"slave_read_repl_offset:%d\r\n" % received in replica("INFO replication")
    assert replica("CLIENT UNPAUSE") == b"+OK\r\n"
    replica.advance(100)
    assert replica("GET k") == b"$1\r\nv\r\n"
    assert b"slave_repl_offset:%d\r\n" % received in replica("INFO replication")


def test_on_a_replica_a_key_whose_time_is_over_is_hidden_until_the_primary_deletes_it(
    run: "Run", follow: Follow
) -> None:
    wire = follow(run)
    run("SET k v PX 100")
    wire.settle()
    wire.replica.advance(200)
    assert wire.replica("GET k") == b"$-1\r\n"
    assert wire.replica("EXISTS k") == b":0\r\n"
    assert wire.replica("DBSIZE") == b":1\r\n"
    run.advance(200)
    wire.settle()
    assert wire.replica("DBSIZE") == b":0\r\n"


def test_the_primary_finds_keys_on_its_replica_however_late_its_commands_come(run: "Run", follow: Follow) -> None:
    wire = follow(run)
    run("SET n 1 PX 100")
    run("INCR n")
    run("PERSIST n")
    wire.replica.clock.now_us += 1_000_000
    wire.settle()
    assert wire.replica("GET n") == b"$1\r\n2\r\n"


def test_a_replica_becomes_a_primary_that_its_siblings_can_follow(run: "Run", follow: Follow) -> None:
    fill(run)
    first = follow(run)
    second = follow(run)
    run("SET last 1")
    first.settle()
    second.settle()
    assert first.replica("REPLICAOF NO ONE") == b"+OK\r\n"
    assert first.replica("SET now-a-primary 1") == b"+OK\r\n"
    second.replica("REPLICAOF 127.0.0.1 6380")
    wire = Wire(first.replica, second.replica)
    wire.connect()
    wire.settle()
    assert digest(second.replica) == digest(first.replica)
    assert first.replica.engine.replication.partial_syncs == 1
    assert first.replica.engine.replication.full_syncs == 0


def test_replicas_of_a_replica_have_the_same_history(run: "Run", follow: Follow) -> None:
    first = follow(run)
    second = follow(first.replica)
    run("SET k v")
    run("INCR n")
    first.settle()
    second.settle()
    assert second.replica("GET n") == b"$1\r\n1\r\n"
    offsets = [side.engine.replication.offset for side in (run, first.replica, second.replica)]
    assert len(set(offsets)) == 1
    assert second.replica.engine.replication.id == run.engine.replication.id


def test_when_the_history_gets_another_name_its_followers_go_on_with_it(run: "Run", follow: Follow) -> None:
    first = follow(run)
    second = follow(first.replica)
    assert second.client is not None
    first.cut()
    run.engine.replication.branch_off()
    run("SET k v")
    first.replica.advance(2000)
    run.advance(2000)
    first.connect()
    first.settle()
    assert second.client.closing
    assert second.client.take_output() == b""  # nothing of the new history before they have asked for it
    second.cut()
    second.replica.advance(2000)
    second.connect()
    second.settle()
    assert second.replica("GET k") == b"$1\r\nv\r\n"
    assert first.replica.engine.replication.partial_syncs == 1
    assert second.replica.engine.replication.id == run.engine.replication.id


def test_a_command_that_fails_on_the_replica_alone_is_counted(run: "Run", follow: Follow) -> None:
    wire = follow(run)
    wire.replica("CONFIG SET replica-read-only no")
    wire.replica("SET k text")
    run("INCR k")
    wire.settle()
    assert b"unexpected_error_replies:1" in wire.replica("INFO stats")
    assert run.engine.replication.offset == wire.replica.engine.replication.offset


def test_a_damaged_snapshot_is_refused_and_the_data_stays(start_run: "StartRun") -> None:
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


def test_a_replica_answers_from_its_old_data_while_it_loads(run: "Run", follow: Follow) -> None:
    wire = follow(run)
    run("SET k old")
    wire.settle()
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
    assert wire.replica("GET k") == b"$3\r\nold\r\n"
    assert b"master_sync_in_progress:1" in wire.replica("INFO replication")
    wire.replica.engine.work(0)
    assert wire.replica("GET k") == b"$3\r\nold\r\n"
    wire.settle()
    assert wire.replica("GET k") == b"$3\r\nnew\r\n"
    assert digest(wire.replica) == digest(run)


def test_a_primary_that_starts_again_goes_on_with_its_history(
    run: "Run", follow: Follow, start_run: "StartRun"
) -> None:
    wire = follow(run)
    run("SET stays 1")
    run("SET ends 1 PX 100")
    wire.settle()
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
    back.settle()
    assert again.engine.replication.partial_syncs == 1
    assert again.engine.replication.full_syncs == 0
    assert wire.replica("DBSIZE") == b":1\r\n"
    assert digest(wire.replica) == digest(again)


# -- waiting ------------------------------------------------------------------------------------------------------------


def test_wait_ends_when_enough_replicas_have_the_write(run: "Run", follow: Follow) -> None:
    wire = follow(run)
    assert run("WAIT 0 1000") == b":1\r\n"
    run("SET k v")
    assert run("WAIT 1 0") == b""
    wire.settle()
    assert run.received() == b":1\r\n"


def test_wait_ends_after_its_time_with_what_there_is(run: "Run", follow: Follow) -> None:
    wire = follow(run)
    run("SET k v")
    assert run("WAIT 2 500") == b""
    wire.settle()
    assert run.received() == b""
    run.advance(600)
    assert run.received() == b":1\r\n"


def test_wait_asks_for_more_than_there_are_in_a_transaction_and_is_told_at_once(run: "Run") -> None:
    run("MULTI")
    run("WAIT 5 0")
    assert run("EXEC") == b"*1\r\n:0\r\n"


def test_who_waits_when_an_engine_becomes_a_replica_is_told_and_counted(run: "Run") -> None:
    waiting = run.session()
    assert waiting("BLPOP k 0") == b""
    run("REPLICAOF 127.0.0.1 6379")
    assert waiting.received().startswith(b"-UNBLOCKED force unblock from blocking operation, ")
    assert b"rejected_calls=1,failed_calls=0" in run("INFO commandstats").split(b"cmdstat_blpop:")[1].split(b"\r\n")[0]
    assert b"errorstat_UNBLOCKED:count=1" in run("INFO errorstats")


def test_a_replica_waits_for_nobody(run: "Run", follow: Follow) -> None:
    wire = follow(run)
    assert wire.replica("WAIT 0 0").startswith(b"-ERR WAIT cannot be used with replica instances.")
    assert wire.replica("WAITAOF 0 0 0").startswith(b"-ERR WAITAOF cannot be used with replica instances.")


def test_writes_may_need_replicas_that_keep_up(run: "Run", follow: Follow) -> None:
    run("CONFIG SET min-replicas-to-write 1")
    assert run("SET k v") == b"-NOREPLICAS Not enough good replicas to write.\r\n"
    wire = follow(run)
    assert run("SET k v") == b"+OK\r\n"
    wire.settle()
    run.advance(11_000)
    assert run("SET k v") == b"-NOREPLICAS Not enough good replicas to write.\r\n"
    wire.replica.advance(11_000)
    wire.settle()
    assert run("SET k v") == b"+OK\r\n"


# -- roles --------------------------------------------------------------------------------------------------------------


def test_what_a_replica_has_not_taken_is_counted_with_the_backlog(run: "Run", follow: Follow) -> None:
    wire = follow(run)
    run("CONFIG SET repl-backlog-size 20000")
    for _ in range(100):
        run.args("SET", "k", "v" * 1000)
    info = run("INFO memory")
    size = int(info.split(b"mem_total_replication_buffers:")[1].split(b"\r\n")[0])
    assert 100_000 < size < 110_000
    wire.settle()
    assert b"mem_total_replication_buffers:2" in run("INFO memory")


def test_role_says_who_is_who(run: "Run", follow: Follow) -> None:
    assert run("ROLE") == b"*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n"
    wire = follow(run)
    assert wire.replica("ROLE").startswith(b"*5\r\n$5\r\nslave\r\n$9\r\n127.0.0.1\r\n:6379\r\n$9\r\nconnected\r\n:")
    assert b"$9\r\n127.0.0.1\r\n" in run("ROLE")
    wire.cut()
    assert b"$7\r\nconnect\r\n" in wire.replica("ROLE")


def test_connections_say_what_they_are(run: "Run", follow: Follow) -> None:
    wire = follow(run)
    assert b"flags=S" in run("CLIENT LIST TYPE replica")
    assert b"flags=M" in wire.replica("CLIENT LIST TYPE primary")
    assert run("CLIENT KILL TYPE replica") == b":1\r\n"
    assert b"connected_slaves:0" in run("INFO replication")


def test_a_failover_changes_roles_without_losing_a_write(run: "Run", follow: Follow) -> None:
    wire = follow(run)
    run("SET k v")
    assert run("FAILOVER") == b"+OK\r\n"
    assert run("FAILOVER") == b"-ERR FAILOVER already in progress.\r\n"
    late = run.session()
    assert late("SET k late") == b""
    wire.settle()
    wire.replica.advance(1000)  # it tells how far it is once a second
    wire.settle()
    run.advance(1000)
    assert b"master_failover_state:failover-in-progress" in run("INFO replication")
    back = Wire(wire.replica, run)
    back.connect()
    back.settle()
    assert b"role:slave" in run("INFO replication")
    assert b"role:master" in wire.replica("INFO replication")
    assert wire.replica("GET k") == b"$1\r\nv\r\n"
    assert late.received().startswith(b"-READONLY ")
    assert wire.replica.engine.replication.full_syncs == 0


def test_a_failover_can_be_called_off(run: "Run", follow: Follow) -> None:
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
def test_errors(run: "Run", line: str, problem: bytes) -> None:
    assert run(line) == b"-" + problem + b"\r\n"


# -- snapshots ----------------------------------------------------------------------------------------------------------


WRITES = [
    "APPEND a x", "SETRANGE a 0 y", "SETBIT a 3 1", "INCR n", "SET s new", "GETSET s newer", "GETEX s EX 5", "GETDEL n",
    "RPUSH l x", "LPOP l 3", "LSET l 0 z", "LTRIM l 5 100", "LREM l 1 50", "LINSERT l BEFORE 60 y", "LMOVE l l LEFT RIGHT",
    "HSET h f1 x", "HDEL h f2", "HINCRBY small a 5", "HSETNX small b 1", "HINCRBYFLOAT small a 1.5",
    "ZADD z 1 new", "ZREM z m7", "ZINCRBY z 5 m8", "ZPOPMIN z 5", "ZREMRANGEBYRANK z 0 3", "ZADD pair 3 c",
    "SADD t x", "SREM t m5", "SPOP t 4", "SMOVE t ints m9", "SADD ints 70000", "XADD x 500-1 a b", "XDEL x 7-1",
    "XTRIM x MAXLEN 200", "XACK x g 6-1", "XREADGROUP GROUP g bob COUNT 2 STREAMS x >", "XGROUP SETID x g 9-1",
    "XCLAIM x g carol 0 7-1", "XGROUP DELCONSUMER x g alice", "XGROUP DESTROY x g", "XSETID x 900-1",
    "RENAME big bigger", "COPY l l2", "DEL z", "UNLINK t", "EXPIRE h 100", "PERSIST s", "MOVE small 2",
    "SORT ints STORE ints", "SUNIONSTORE ints ints", "ZUNIONSTORE pair 1 pair", "BITOP NOT a a",
    "PFADD new-log 1", "GEOADD pair 1 2 x",
    "FLUSHDB", "SWAPDB 0 3", "FLUSHALL",
]  # fmt: skip


@pytest.mark.parametrize("line", WRITES)
def test_a_snapshot_holds_its_moment_whatever_changes_meanwhile(run: "Run", start_run: "StartRun", line: str) -> None:
    fill(run)
    before = digest(run)
    snapshot = run.engine.snapshots.begin([], checksum=True)
    snapshot.work(0)  # the least that can be done at once
    reply = run(line)
    assert not reply.startswith(b"-"), reply
    snapshot.finish()
    run.engine.snapshots.forget(snapshot)
    other = start_run()
    loading = Loading(other.engine, snapshot.take(), drops_expired=True)
    loading.finish()
    loading.adopt()
    assert digest(other) == before
    assert not run.engine.tracks_memory


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_every_version_reads_what_it_writes(start_run: "StartRun", profile: str) -> None:
    one, other = start_run(profile), start_run(profile)
    for line in (
        "SET s text",
        "RPUSH l a b",
        "HSET h a 1 b 2",
        "ZADD z 1 a",
        "SADD t a b",
        "SADD i 1 2",
        "XADD x 1-1 a b",
    ):
        one(line)
    snapshot = one.engine.snapshots.begin([(b"name", b"value")], checksum=True)
    snapshot.finish()
    loading = Loading(other.engine, snapshot.take(), drops_expired=True)
    loading.finish()
    loaded = loading.adopt()
    assert digest(other) == digest(one)
    assert loaded.keys == 7
    assert loaded.notes == {b"name": b"value"}


def test_loading_leaves_out_what_is_over_unless_it_is_a_replicas(run: "Run", start_run: "StartRun") -> None:
    run("SET k v PX 100")
    run("SET stays v")
    snapshot = run.engine.snapshots.begin([], checksum=True)
    snapshot.finish()
    data = snapshot.take()
    later = start_run()
    later.clock.now_us = run.clock.now_us + 1_000_000
    later.engine.start_turn()
    loading = Loading(later.engine, data, drops_expired=True)
    loading.finish()
    assert (loading.result.keys, loading.result.expired) == (1, [(0, b"k")])
    kept = Loading(later.engine, data, drops_expired=False)
    kept.finish()
    assert (kept.result.keys, kept.result.expired) == (2, [])


@pytest.mark.parametrize("at", range(0, 200, 7))
def test_a_file_with_one_wrong_byte_is_refused(run: "Run", start_run: "StartRun", at: int) -> None:
    run("SET some-key some-value")
    run("RPUSH l a b c")
    snapshot = run.engine.snapshots.begin([(b"note", b"x" * 100)], checksum=True)
    snapshot.finish()
    data = bytearray(snapshot.take())
    place = at % len(data)
    data[place] ^= 0x55
    with pytest.raises(BadData):
        Loading(start_run().engine, bytes(data), drops_expired=True).finish()


def test_a_file_whose_function_is_wrong_changes_nothing(run: "Run", start_run: "StartRun") -> None:
    fill(run)
    before = digest(run)
    writer = RdbWriter(11, compresses=False)
    writer.raw(b"REDIS0011\xf5")
    writer.string(b"#!lua name=bad\nthis is no Lua")
    writer.raw(b"\xff" + bytes(8))
    loading = Loading(run.engine, writer.data(), drops_expired=True)
    loading.finish()
    with pytest.raises(BadData, match="library"):
        loading.adopt()
    assert digest(run) == before
    assert run("FCALL_RO f 0") == b":7\r\n"


def test_a_file_that_ends_early_is_refused(run: "Run", start_run: "StartRun") -> None:
    run("SET k v")
    snapshot = run.engine.snapshots.begin([], checksum=False)
    snapshot.finish()
    data = snapshot.take()
    for size in range(len(data)):
        with pytest.raises(BadData):
            Loading(start_run().engine, data[:size], drops_expired=True).finish()


# -- saving -------------------------------------------------------------------------------------------------------------


def test_save_and_reload_keep_the_data(run: "Run") -> None:
    fill(run)
    before = digest(run)
    assert run("SAVE") == b"+OK\r\n"
    assert b"rdb_changes_since_last_save:0" in run("INFO persistence")
    run("SET more 1")
    assert b"rdb_changes_since_last_save:1" in run("INFO persistence")
    assert run("DEBUG RELOAD NOSAVE").startswith(b"-ERR DEBUG command not allowed")
    run.engine.saves.load()
    assert digest(run) == before


def test_a_background_save_goes_on_between_commands(run: "Run") -> None:
    fill(run)
    assert run("BGSAVE") == b"+Background saving started\r\n"
    assert run("BGSAVE") == b"-ERR Background save already in progress\r\n"
    assert run("SAVE") == b"-ERR Background save already in progress\r\n"
    assert b"rdb_bgsave_in_progress:1" in run("INFO persistence")
    run.engine.work(0)
    run("SET k v")
    run.engine.work(run.engine.clock() + 10_000_000)
    run.advance(100)
    info = run("INFO persistence")
    assert b"rdb_bgsave_in_progress:0" in info
    assert b"rdb_last_bgsave_status:ok" in info
    assert b"rdb_changes_since_last_save:1" in info


def test_a_save_may_be_slowed_down_for_who_wants_to_see_it(run: "Run") -> None:
    fill(run)
    run("CONFIG SET rdb-key-save-delay 1000000")
    run("BGSAVE")
    for written in (1, 2, 3):
        run.engine.work(run.engine.clock() + 10_000_000)
        run.engine.work(run.engine.clock() + 10_000_000)
        assert run.engine.saves.progress()[0] == written
        run.advance(1000)
    assert run("BGSAVE CANCEL").startswith(b"+")
    assert run("SAVE") == b"+OK\r\n"


def test_a_background_save_can_be_cancelled(run: "Run") -> None:
    assert run("BGSAVE CANCEL") == b"-ERR Background saving is currently not in progress or scheduled\r\n"
    run("BGSAVE")
    assert run("BGSAVE CANCEL") == b"+Background saving cancelled\r\n"
    assert b"rdb_bgsave_in_progress:0" in run("INFO persistence")


def test_save_points_begin_a_save_when_enough_has_changed(run: "Run") -> None:
    run("CONFIG SET save '10 2'")
    run("SET a 1")
    run.advance(11_000)
    assert b"rdb_bgsave_in_progress:0" in run("INFO persistence")
    run("SET b 1")
    run.advance(100)
    assert b"rdb_bgsave_in_progress:1" in run("INFO persistence")


def test_flushall_saves_that_nothing_is_left(run: "Run") -> None:
    run("CONFIG SET save '3600 1'")
    run("SET k v")
    run("BGSAVE")
    assert run("FLUSHALL") == b"+OK\r\n"
    info = run("INFO persistence")
    assert b"rdb_bgsave_in_progress:0" in info
    assert b"rdb_changes_since_last_save:0" in info
    run("SET other v")
    run.engine.saves.load()
    assert run("DBSIZE") == b":0\r\n"
    run("CONFIG SET save ''")
    run("SET k v")
    run("FLUSHALL")
    assert b"rdb_changes_since_last_save:2" in run("INFO persistence")


class FullDisk(Host):
    """A host that can't write a file."""

    def finish_dump(self) -> str:
        return "no space left on device"


def test_when_saving_fails_writes_are_refused(run: "Run") -> None:
    disk = run.engine.host
    run.engine.host = FullDisk()
    assert run("SAVE") == b"-ERR\r\n"
    assert run("SET k v").startswith(b"-MISCONF ")
    assert run("GET k") == b"$-1\r\n"
    run.engine.host = disk
    assert run("SAVE") == b"+OK\r\n"
    assert run("SET k v") == b"+OK\r\n"


def test_a_writable_replica_ends_the_keys_of_its_own_clients_itself(run: "Run", follow: Follow) -> None:
    wire = follow(run)
    wire.replica("CONFIG SET replica-read-only no")
    wire.replica("SET mine 1 PX 100")
    run("SET theirs 1 PX 100")
    wire.settle()
    wire.replica.advance(200)
    assert wire.replica("DBSIZE") == b":1\r\n"
    assert wire.replica("INCR theirs") == b":1\r\n"
    assert wire.replica("TTL theirs") == b":-1\r\n"


def test_a_replica_whose_link_is_killed_comes_back(run: "Run", follow: Follow) -> None:
    wire = follow(run)
    assert wire.replica("CLIENT KILL TYPE primary") == b":1\r\n"
    assert wire.link.wants_close
    wire.cut()
    wire.connect()  # at once: the link had worked
    wire.settle()
    run("SET k v")
    wire.settle()
    assert wire.replica("GET k") == b"$1\r\nv\r\n"
    assert run.engine.replication.partial_syncs == 1


REDIRECT = b"-REDIRECT 127.0.0.1:6379\r\n"


def test_a_client_that_can_be_redirected_is_sent_to_the_primary(run: "Run", follow: Follow) -> None:
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


def test_a_transaction_is_redirected_as_a_whole(run: "Run", start_run: "StartRun") -> None:
    run("CLIENT CAPA REDIRECT")
    run("MULTI")
    assert run("SET k v") == b"+QUEUED\r\n"
    run.session()("REPLICAOF 127.0.0.1 6379")
    assert run("EXEC") == REDIRECT
    assert run("EXEC") == b"-ERR EXEC without MULTI\r\n"
    run("MULTI")
    assert run("SET k v") == REDIRECT
    assert run("EXEC") == b"-EXECABORT Transaction discarded because of previous errors.\r\n"


def test_while_a_failover_runs_nobody_is_redirected_yet(run: "Run", follow: Follow) -> None:
    wire = follow(run)
    client = run.session()
    client("CLIENT CAPA REDIRECT")
    assert run("FAILOVER") == b"+OK\r\n"
    wire.settle()
    wire.replica.advance(1000)
    wire.settle()
    run.advance(1000)
    assert b"master_failover_state:failover-in-progress" in run("INFO replication")
    assert client("SET k v") == b""
    back = Wire(wire.replica, run)
    back.connect()
    back.settle()
    assert client.received().startswith(b"-REDIRECT 127.0.0.1:")
