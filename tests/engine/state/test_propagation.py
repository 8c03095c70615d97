"""What replicas are told: the words, where they are not the client's. Compared with the stream of Valkey 8.1.1."""

import pytest
from tests.engine.in_process import Run, StartRun
from tests.engine.replicas import stream, words

SNAPSHOT_US_MAX = 1_000_000  # more than a snapshot of nothing takes


class Follower:
    """A replica that hears what a primary has to say of the commands of ``run``."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.replica = run.session()
        snapshot = self.replica("SYNC")
        run.engine.work(run.engine.clock() + SNAPSHOT_US_MAX)
        snapshot += self.replica.received()
        assert snapshot.startswith(b"$")
        assert int(snapshot[1:].split(b"\r\n")[0]) == len(snapshot.partition(b"\r\n")[2])

    def heard(self) -> list[str]:
        """The commands since it was last asked, without SELECT and PING."""
        lines = self.replica.received().split(b"\r\n")
        commands, at = [], 0
        while at < len(lines) - 1:
            count = int(lines[at][1:])
            words = lines[at + 2 : at + 2 + 2 * count : 2]
            at += 1 + 2 * count
            if words[0].upper() not in {b"SELECT", b"PING"}:
                commands.append(b" ".join(words).decode())
        return commands


@pytest.fixture
def follower(run: Run) -> Follower:
    """A replica of the engine that ``run`` talks to."""
    return Follower(run)


@pytest.mark.parametrize(
    ("before", "line", "told"),
    [
        (["SET k 1"], "SET k 2 GET", ["SET k 2"]),
        (["SET k 1"], "SET k 2 XX GET KEEPTTL", ["SET k 2 XX KEEPTTL"]),
        (["SET k 1"], "SET k 2 EX 10 GET", ["SET k 2 PXAT 1700000010000"]),
        (["SET k 1"], "SET k 2 EXAT 100", ["UNLINK k"]),
        (["SET k 1"], "SET k 2 NX", []),
        (["SET k 1"], "GETSET k 2", ["SET k 2"]),
        (["SET k 1"], "GETDEL k", ["DEL k"]),
        (["SET k 1"], "GETEX k EX 10", ["PEXPIREAT k 1700000010000"]),
        (["SET k 1"], "GETEX k PERSIST", []),
        (["SET k 1"], "INCRBYFLOAT k 1.5", ["SET k 2.5 KEEPTTL"]),
        (["SET k 1"], "EXPIRE k -1", ["UNLINK k"]),
        (["SET k 1"], "EXPIRE k 10", ["PEXPIREAT k 1700000010000"]),
        (["RPUSH l a b c"], "BLPOP l 1", ["LPOP l"]),
        (["RPUSH l a b c"], "BRPOPLPUSH l l2 1", ["RPOPLPUSH l l2"]),
        (["RPUSH l a b c"], "BLMOVE l l2 LEFT right 1", ["LMOVE l l2 LEFT right"]),
        (["RPUSH l a b c"], "LMPOP 2 none l LEFT COUNT 10", ["LPOP l 3"]),
        (["SADD s a"], "SPOP s", ["SREM s a"]),
        (["SADD s a b"], "SPOP s 2", ["UNLINK s"]),
        (["ZADD z 1 a 2 b"], "BZMPOP 1 1 z MAX COUNT 2", ["ZPOPMAX z 2"]),
        (["XADD x 1-1 f v"], "XADD x 2-* f v", ["XADD x 2-0 f v"]),
        (["XADD x 1-1 f v"], "XADD x MAXLEN 5 2-1 f v", ["XADD x MAXLEN 5 2-1 f v"]),
        (["XADD x 1-1 f v"], "XADD x NOMKSTREAM MAXLEN ~ 5 LIMIT 2 2-1 f v", ["XADD x NOMKSTREAM MAXLEN = 2 2-1 f v"]),
        (["XADD x 1-1 f v", "XADD x 1-2 f v", "XDEL x 1-1"], "XADD x MINID ~ 1 2-1 f v", ["XADD x MINID = 1-1 2-1 f v"]),
        (["SET k 1"], "PUBLISH channel message", ["PUBLISH channel message"]),
        (["SET k 1"], "GET k", []),
        (["SET k 1"], "EVAL \"for _ = 1, 2 do redis.call('incr', 'k') end\" 0", ["MULTI", "incr k", "incr k", "EXEC"]),
        (["SET k 1"], "EVAL \"redis.set_repl(redis.REPL_AOF) return redis.call('incr', 'k')\" 0", []),
    ],
)  # fmt: skip
def test_replicas_are_told_what_has_the_same_effect_again(
    follower: Follower, before: list[str], line: str, told: list[str]
) -> None:
    for setup in before:
        follower.run(setup)
    follower.heard()
    assert not follower.run(line).startswith(b"-")
    assert follower.heard() == told


def test_a_transaction_is_told_as_one(follower: Follower) -> None:
    run = follower.run
    for line in ("MULTI", "SET a 1", "GET a", "INCR a", "EXEC"):
        run(line)
    assert follower.heard() == ["MULTI", "SET a 1", "INCR a", "EXEC"]
    for line in ("MULTI", "GET a", "EXEC"):
        run(line)
    assert follower.heard() == []


def test_a_key_that_is_over_goes_before_what_takes_its_place(follower: Follower) -> None:
    run = follower.run
    run("CONFIG SET notify-keyspace-events KEA")
    listener = run.session()
    listener("SUBSCRIBE __keyevent@0__:expired")
    run("SET k v PX 5")
    run.advance_silently(6)
    follower.heard()
    run("SET k w")
    assert follower.heard() == ["MULTI", "UNLINK k", "SET k w", "EXEC"]
    assert listener.received().endswith(b"$1\r\nk\r\n")
    assert b"expired_keys:1\r\n" in run("INFO stats")


def test_deletions_are_named_as_the_parameters_have_them(start_run: StartRun) -> None:
    run = start_run()
    run("CONFIG SET lazyfree-lazy-server-del no lazyfree-lazy-expire no")
    follower = Follower(run)
    run("SADD s a b")
    run("SET k v PX 5")
    payload = run("DUMP k").split(b"\r\n", 1)[1][:-2]
    run("SET over v")
    follower.heard()
    run("SPOP s 2")
    run.advance(100)
    assert run.args("RESTORE", "over", 1, payload, "REPLACE", "ABSTTL") == b"+OK\r\n"
    assert follower.heard() == ["DEL s", "DEL k", "DEL over"]


def test_a_key_that_is_over_goes_when_somebody_looks_at_it_not_when_it_is_watched_swapped_or_waited_for(
    follower: Follower,
) -> None:
    run = follower.run
    run("SET k v PX 5")
    run.advance_silently(6)
    follower.heard()
    waiting = run.session()
    waiting("SELECT 1")
    assert waiting("BLPOP k 0") == b""
    watching = run.session()
    watching("WATCH k")
    assert run("SWAPDB 0 1") == b"+OK\r\n"
    watching("MULTI")
    watching("PING")
    assert watching("EXEC") == b"*1\r\n+PONG\r\n"
    assert follower.heard() == ["SWAPDB 0 1"]
    assert waiting.client.is_blocked()
    run("SELECT 1")
    run("EXISTS k")
    assert follower.heard() == ["UNLINK k"]


def test_until_7_2_a_transaction_begins_behind_select_and_readers_are_told_of_by_their_claims(
    start_run: StartRun,
) -> None:
    run = start_run("redis-7.1")
    follower = Follower(run)
    run("XADD x 1-1 f v")
    run("XGROUP CREATE x g 0")
    run("SET k v PXAT 1700000010000")
    follower.heard()
    run("SET k v pxat 1700000010000")
    assert follower.heard() == ["SET k v PXAT 1700000010000"]
    run("XREADGROUP GROUP g c STREAMS x >")
    assert follower.heard() == [
        "XCLAIM x g c 0 1-1 TIME 1700000000000 RETRYCOUNT 1 FORCE JUSTID LASTID 1-1",
    ]
    run("SELECT 1")
    run("MULTI")
    run("SET a 1")
    run("SET b 1")
    run("EXEC")
    assert follower.replica.received().startswith(b"*2\r\n$6\r\nSELECT\r\n$1\r\n1\r\n*1\r\n$5\r\nMULTI\r\n")


def test_until_7_2_a_reader_whose_stream_went_is_told_so(start_run: StartRun) -> None:
    for statement, told in (
        ("DEL x", b"-UNBLOCKED the stream key no longer exists\r\n"),
        ("SET x v", b"-UNBLOCKED the stream key no longer exists\r\n"),
        ("XGROUP DESTROY x g", b"-NOGROUP the consumer group this client was blocked on no longer exists\r\n"),
    ):
        run = start_run("redis-7.1")
        run("XGROUP CREATE x g $ MKSTREAM")
        reader = run.session()
        assert reader("XREADGROUP GROUP g c BLOCK 0 STREAMS x >") == b""
        run(statement)
        assert reader.received() == told


def test_until_7_2_a_key_that_is_over_goes_when_a_waiting_client_is_to_have_it(start_run: StartRun) -> None:
    run = start_run("redis-7.1")
    run("CONFIG SET lazyfree-lazy-expire no")
    follower = Follower(run)
    run("SET k v PX 5")
    run.advance_silently(6)
    follower.heard()
    waiting = run.session()
    waiting("SELECT 1")
    assert waiting("BLPOP k 0") == b""
    run("SWAPDB 0 1")
    assert follower.heard() == ["SWAPDB 0 1", "DEL k"]
    assert waiting.client.is_blocked()


@pytest.mark.parametrize(
    ("before", "line", "told"),
    [
        ([], "MSETEX 2 a 1 b 2", ["MSETEX 2 a 1 b 2"]),
        ([], "MSETEX 2 a 1 b 2 NX EX 10", ["MSETEX 2 a 1 b 2 NX PXAT 1700000010000"]),
        ([], "MSETEX 1 a 1 px 10 nx", ["MSETEX 1 a 1 PXAT 1700000000010 nx"]),
        (["SET a 1"], "MSETEX 1 a 2 XX KEEPTTL", ["MSETEX 1 a 2 XX KEEPTTL"]),
        ([], "MSETEX 2 a 1 b 2 XX", []),
        (["HSET h a 1 b 2"], "HGETDEL h FIELDS 2 a none", ["HGETDEL h FIELDS 2 a none"]),
        (["HSET h a 1"], "HGETDEL h FIELDS 1 none", []),
    ],
)
def test_replicas_of_valkey_9_1_are_told(start_run: StartRun, before: list[str], line: str, told: list[str]) -> None:
    run = start_run("valkey-9.1")
    follower = Follower(run)
    for earlier in before:
        run(earlier)
    follower.heard()
    run(line)
    assert follower.heard() == told


def test_the_stream_names_the_database_when_it_changes(run: Run) -> None:
    run.replicate()
    run("SET a 1")
    run("SET b 1")
    run("SELECT 2")
    run("SET c 1")
    assert words(stream(run)) == ["SELECT 0", "SET a 1", "SET b 1", "SELECT 2", "SET c 1"]


def test_a_transaction_is_bound_together_and_one_of_a_single_change_is_not(run: Run) -> None:
    run.replicate()
    for line in ("MULTI", "SET a 1", "GET a", "INCR a", "EXEC", "MULTI", "SET b 1", "EXEC", "MULTI", "GET a", "EXEC"):
        run(line)
    assert words(stream(run)) == ["MULTI", "SELECT 0", "SET a 1", "INCR a", "EXEC", "SET b 1"]


def test_a_script_is_told_by_what_it_changed(run: Run) -> None:
    run.replicate()
    run('EVAL \'server.call("SET", KEYS[1], 1) server.call("INCR", KEYS[1])\' 1 k')
    run("EVAL 'return server.call(\"GET\", KEYS[1])' 1 k")
    assert words(stream(run)) == ["MULTI", "SELECT 0", "SET k 1", "INCR k", "EXEC"]


def test_a_key_that_ends_is_deleted_before_what_found_it_so(run: Run) -> None:
    run.replicate()
    run("SET k 1 PX 100")
    run.advance_silently(200)
    run("INCR k")
    run("SET j 1 PX 100")
    run.advance_silently(200)
    run("GET j")
    assert words(stream(run))[2:5] == ["MULTI", "UNLINK k", "INCR k"]
    assert words(stream(run))[-1] == "UNLINK j"


def test_keys_that_end_by_themselves_go_one_by_one(run: Run) -> None:
    run.replicate()
    run("SET a 1 PX 100")
    run("SET b 1 PX 100")
    run.advance(200)
    assert sorted(words(stream(run))[-2:]) == ["UNLINK a", "UNLINK b"]


def test_an_evicted_key_is_deleted_on_its_own(run: Run) -> None:
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


def test_messages_are_told_too(run: Run) -> None:
    run.replicate()
    run("PUBLISH channel hello")
    assert words(stream(run)) == ["SELECT 0", "PUBLISH channel hello"]


def test_what_changes_nothing_is_not_told(run: Run) -> None:
    run.replicate()
    for line in ("GET a", "DEL a", "SET a 1 XX", "SADD", "LPOP l", "EXPIRE a 5"):
        run(line)
    assert stream(run) == []
