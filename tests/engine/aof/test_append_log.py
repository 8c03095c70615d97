"""What is written to the append-only file, and when."""

import pytest
from tests.engine.aof import logged
from tests.engine.aof.logged import begin, commands, written
from tests.engine.hosts import busy
from tests.engine.in_process import StartRun
from tests.engine.replicas import Follow

from cachetwin_engine.core.state.log_files import LogFiles

OK = b"+OK\r\n"


class SlowDisk(LogFiles):
    """Files whose sync in the background ends when the test says so, and that may refuse to be written."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.done = 0
        self.syncs = 0
        self.full_after = 1 << 60
        self.trouble = ""

    def sync(self) -> str:
        self.syncs += 1
        return ""

    def sync_later(self, tag: int) -> None:
        self.asked = tag

    def is_syncing(self) -> bool:
        return self.asked != self.done

    def synced(self) -> int:
        return 0 if self.trouble else self.done

    def sync_problem(self) -> str:
        return self.trouble

    def write(self, data: bytes) -> tuple[int, str]:
        room = max(0, self.full_after - self.size(self._open))
        if len(data) <= room:
            return super().write(data)
        super().write(data[:room])
        return room, "No space left on device"


def test_a_change_is_in_the_file_before_its_reply() -> None:
    run = begin()
    assert run("SET k v") == OK
    assert written(run) == b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n"
    run("GET k")
    run("SELECT 3")
    run("INCR n")
    run("EXPIRE n 100")
    assert commands(run)[1:] == ["SET k v", "SELECT 3", "INCR n", f"PEXPIREAT n {run.now_ms + 100_000}"]


def test_transactions_and_scripts_are_one_block() -> None:
    run = begin()
    for line in ("MULTI", "SET a 1", "SET b 2", "EXEC"):
        run(line)
    run.args("EVAL", "redis.call('SET', 'c', 3) redis.call('INCR', 'c')", 0)
    assert commands(run) == ["MULTI", "SELECT 0", "SET a 1", "SET b 2", "EXEC", "MULTI", "SET c 3", "INCR c", "EXEC"]


def test_a_script_chooses_between_the_file_and_replicas() -> None:
    run = begin()
    run.replicate()
    script = """
    redis.set_repl(redis.REPL_NONE) redis.call('SET', 'nowhere', 1)
    redis.set_repl(redis.REPL_AOF) redis.call('SET', 'file', 1)
    redis.set_repl(redis.REPL_REPLICA) redis.call('SET', 'replica', 1)
    redis.set_repl(redis.REPL_ALL) redis.call('SET', 'both', 1)
    """
    run.args("EVAL", script, 0)
    assert commands(run) == ["MULTI", "SELECT 0", "SET file 1", "SET both 1", "EXEC"]
    assert [args[1] for _, args in run.propagated()] == [b"replica", b"both"]


def test_keys_that_expire_or_are_evicted_are_deleted_in_the_file() -> None:
    run = begin()
    run("SET gone v PX 5")
    run.advance(20)
    assert commands(run)[-1] == "UNLINK gone"
    run("CONFIG SET maxmemory-policy allkeys-random")
    run("SET large v")
    run("CONFIG SET maxmemory 1")
    assert commands(run)[-1] == "UNLINK large"


def test_times_stand_in_the_file_if_they_are_asked_for() -> None:
    run = begin(aof_timestamp_enabled="yes")
    run("SET a 1")
    run("SET b 1")
    run.advance(2000)
    run("SET c 1")
    second = run.now_ms // 1000
    assert commands(run) == [f"#TS:{second - 2}", "SELECT 0", "SET a 1", "SET b 1", f"#TS:{second}", "SET c 1"]
    assert logged.again(run)("EXISTS a b c") == b":3\r\n"


def test_a_replica_writes_what_its_primary_sends(start_run: StartRun, follow: Follow) -> None:
    primary = start_run()
    primary("SET before 1")
    wire = follow(primary)
    replica = wire.replica
    replica("CONFIG SET appendonly yes")
    logged.finish(replica)
    primary("SET after 1")
    wire.deliver()
    assert commands(replica) == ["SELECT 0", "SET after 1"]
    assert replica.engine.replication.offset == primary.engine.replication.offset


def test_everysec_syncs_once_a_second_in_the_background() -> None:
    disk = SlowDisk()
    run = begin(disk)
    run("SET a 1")
    assert not disk.is_syncing()
    run.advance(1000)
    assert disk.is_syncing()
    run("SET b 2")  # the disk is busy: this waits
    assert b"SET\r\n$1\r\nb" not in written(run)
    disk.done = disk.asked
    run("SET c 3")
    assert commands(run)[-2:] == ["SET b 2", "SET c 3"]


def test_a_write_does_not_wait_for_a_slow_disk_for_longer_than_two_seconds() -> None:
    disk = SlowDisk()
    run = begin(disk)
    run("SET a 1")
    run.advance(1000)
    run("SET b 2")
    run.advance(1900)
    assert commands(run)[-1] == "SET a 1"
    run.advance(200)
    assert commands(run)[-1] == "SET b 2"
    assert b"aof_delayed_fsync:1\r\n" in run("INFO persistence")


def test_always_holds_replies_until_one_sync_for_all() -> None:
    disk = SlowDisk()
    run = begin(disk, appendfsync="always")
    other = run.session()
    assert run("GET k") != b""
    assert run("SET k 1") == b""
    assert other("GET k") == b""  # it could see what is not on disk
    assert disk.syncs == 0
    run.engine.log.settle()
    assert disk.syncs == 1
    assert (run.received(), other.received()) == (OK, b"$1\r\n1\r\n")
    assert other("GET k") == b"$1\r\n1\r\n"


def test_always_ends_the_process_when_the_disk_is_full() -> None:
    disk = SlowDisk()
    run = begin(disk, appendfsync="always")
    disk.full_after = 0
    run("SET k v")
    with pytest.raises(RuntimeError, match=r"Can't recover from AOF write error .* Exiting"):
        run.engine.log.settle()


def test_a_full_disk_refuses_writes_until_there_is_room() -> None:
    disk = SlowDisk()
    run = begin(disk)
    run("SET k v")
    before = written(run)
    disk.full_after = len(before) + 5
    assert run("SET k w") == OK  # as in Valkey: the reply was on its way
    assert written(run) == before  # what fitted in was cut off again
    assert run("SET k x") == b"-MISCONF Errors writing to the AOF file: No space left on device\r\n"
    assert run("GET k") == b"$1\r\nw\r\n"
    assert run.args("EVAL", "return redis.call('SET', 'k', 1)", 0).startswith(
        b"-MISCONF Errors writing to the AOF file"
    )
    assert b"aof_last_write_status:err\r\n" in run("INFO persistence")
    disk.full_after = 1 << 60
    run.advance(1100)
    disk.done = disk.asked
    assert run("SET k y") == OK
    assert commands(run)[-2:] == ["SET k w", "SET k y"]


def test_a_sync_that_fails_refuses_writes_until_one_succeeds() -> None:
    disk = SlowDisk()
    run = begin(disk)
    run("SET k v")
    run.advance(1000)
    disk.trouble, disk.done = "Input/output error", disk.asked
    run.advance(100)
    assert run("SET k w") == b"-MISCONF Errors writing to the AOF file: Input/output error\r\n"
    run.advance(1000)
    disk.trouble, disk.done = "", disk.asked
    run.advance(100)
    assert run("SET k w") == OK


def test_waitaof_waits_for_the_sync() -> None:
    disk = SlowDisk()
    run = begin(disk)
    assert run("WAITAOF 1 0 0") == b"*2\r\n:1\r\n:0\r\n"
    run("SET k v")
    assert run("WAITAOF 0 0 0") == b"*2\r\n:0\r\n:0\r\n"
    assert run("WAITAOF 1 0 0") == b""
    run.advance(1000)
    assert run.received() == b""
    disk.done = disk.asked
    run.advance(100)
    assert run.received() == b"*2\r\n:1\r\n:0\r\n"


def test_waitaof_ends_with_the_log() -> None:
    run = begin(SlowDisk())
    run("SET k v")
    assert run("WAITAOF 1 0 0") == b""
    other = run.session()
    assert other("CONFIG SET appendonly no") == OK
    refusal = b"-ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.\r\n"
    assert run.received() == refusal
    assert run("WAITAOF 1 0 0") == refusal


def test_a_primary_counts_what_its_replica_has_on_disk(start_run: StartRun, follow: Follow) -> None:
    primary = start_run()
    wire = follow(primary)
    primary("SET k v")
    wire.deliver()
    assert primary("WAITAOF 0 1 10") == b""
    primary.advance(20)
    assert primary.received() == b"*2\r\n:0\r\n:0\r\n"
    wire.replica("CONFIG SET appendonly yes")
    logged.finish(wire.replica)
    assert primary("WAITAOF 0 1 0") == b""
    wire.deliver()
    wire.replica.advance(1100)
    wire.deliver()
    assert primary.received() == b"*2\r\n:0\r\n:1\r\n"


def test_a_busy_script_shows_nobody_half_of_what_it_does() -> None:
    run = begin()
    busy_host = busy(run, "GET other")
    busy_host.log_files = LogFiles()
    run.engine.log_rewriter.write_at_once()
    run.engine.log.open_file(b"appendonly.aof.1.incr.aof", True)
    run.args("EVAL", "redis.call('SET', 'a', 1) for i = 1, 100000 do end redis.call('SET', 'b', 2)", 0)
    assert commands(run) == ["MULTI", "SELECT 0", "SET a 1", "SET b 2", "EXEC"]
