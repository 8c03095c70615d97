"""Rewrites of the append-only file, and turning it on and off while the engine runs."""

import pytest
from tests.engine.aof import logged
from tests.engine.aof.logged import begin, commands, rewrite, written
from tests.engine.in_process import Run

from cachetwin_engine.core.state.log_files import LogFiles

OK = b"+OK\r\n"
VALUES = [
    "SET string value",
    "SET number 17 PX 100000",
    "RPUSH list a b c",
    "SADD set a b",
    "SADD integers 1 2",
    "ZADD sorted 1.5 a inf b",
    "HSET hash f v",
    "XADD stream 1-1 f v",
    "XADD stream 2-1 g w",
    "XGROUP CREATE stream group 0",
    "XREADGROUP GROUP group me COUNT 1 STREAMS stream >",
    "XADD trimmed 5-0 f v",
    "XTRIM trimmed MAXLEN 0",
    "XGROUP CREATE empty g $ MKSTREAM",
    "SELECT 2",
    "SETRANGE padded 3 x",
    "SELECT 0",
]


class FailingDisk(LogFiles):
    """Files of which bases can't be finished, or manifests can't be written, while a test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.base_problem = ""
        self.manifest_problem = ""

    def finished_base(self) -> str | None:
        return self.base_problem

    def replace(self, name: bytes, data: bytes) -> str:
        return self.manifest_problem or super().replace(name, data)


def fill(run: Run, count: int = 300) -> None:
    for number in range(count):
        run.args("SET", f"key:{number}", "x" * number)
    for field in range(500):
        run.args("HSET", "long hash", f"f{field}", field)
        run.args("RPUSH", "long list", field)
        run.args("SADD", "long set", f"m{field}")
        run.args("ZADD", "long sorted set", field / 3, f"m{field}")
    run.args("FUNCTION", "LOAD", "#!lua name=lib\nredis.register_function('f', function() return 'of f' end)")


def digest(run: Run) -> bytes:
    run("CONFIG SET enable-debug-command yes")
    run.engine.config.set_at_start("enable-debug-command", "yes")
    return run("DEBUG DIGEST")


@pytest.mark.parametrize("preamble", ["yes", "no"])
def test_a_rewritten_log_holds_the_same_data(preamble: str) -> None:
    run = begin(aof_use_rdb_preamble=preamble)
    fill(run)
    for line in VALUES:
        assert not run(line).startswith(b"-"), line
    rewrite(run)
    suffix = "rdb" if preamble == "yes" else "aof"
    assert run.engine.log.manifest.text() == (
        f"file appendonly.aof.2.base.{suffix} seq 2 type b\nfile appendonly.aof.2.incr.aof seq 2 type i\n".encode()
    )
    assert written(run, b"appendonly.aof.2.incr.aof") == b""
    assert run.engine.host.log_files.size(b"appendonly.aof.1.incr.aof") == -1
    run("SET later 1")
    restarted = logged.again(run)
    assert digest(restarted) == digest(run)
    assert restarted("TTL number") == run("TTL number")
    assert restarted("XPENDING stream group") == run("XPENDING stream group")
    assert restarted("XINFO STREAM trimmed") == run("XINFO STREAM trimmed")
    assert restarted("FCALL f 0") == b"$4\r\nof f\r\n"


def test_what_changes_during_a_rewrite_is_there_once() -> None:
    run = begin()
    fill(run)
    run("SET counter 1")
    assert run("BGREWRITEAOF").startswith(b"+Background append only file rewriting started")
    assert run("BGREWRITEAOF") == b"-ERR Background append only file rewriting already in progress\r\n"
    step = 0
    while run.engine.has_work():
        run("INCR counter")
        run(f"DEL key:{step}")
        run(f"SET new:{step} v")
        run.engine.work(0)
        step += 1
    assert step > 3
    run.advance(100)
    assert run.engine.log.manifest.files()[0].name == b"appendonly.aof.2.base.rdb"
    assert digest(logged.again(run)) == digest(run)


def test_a_crash_during_a_rewrite_loses_nothing() -> None:
    run = begin()
    fill(run)
    run("BGREWRITEAOF")
    run("SET during 1")
    run.engine.work(0)
    assert digest(logged.again(run)) == digest(run)


@pytest.mark.parametrize("part", ["base", "manifest"])
def test_a_rewrite_that_fails_keeps_the_old_files(part: str) -> None:
    disk = FailingDisk()
    run = begin(disk)
    fill(run, 10)
    run("BGREWRITEAOF")
    run("SET during 1")
    setattr(disk, f"{part}_problem", "No space left on device")
    logged.finish(run)
    info = run("INFO persistence")
    assert b"aof_last_bgrewrite_status:err\r\n" in info
    assert b"aof_rewrites_consecutive_failures:1\r\n" in info
    assert [file.name for file in run.engine.log.manifest.files()] == [
        b"appendonly.aof.1.base.rdb",
        b"appendonly.aof.1.incr.aof",
        b"appendonly.aof.2.incr.aof",
    ]
    run("SET after 1")
    setattr(disk, f"{part}_problem", "")
    assert digest(logged.again(run)) == digest(run)
    rewrite(run)
    assert b"aof_last_bgrewrite_status:ok\r\n" in run("INFO persistence")
    assert len(run.engine.log.manifest.files()) == 2


def test_a_rewrite_does_not_begin_while_its_manifest_can_not_be_written() -> None:
    disk = FailingDisk()
    run = begin(disk)
    run("SET a 1")
    disk.manifest_problem = "Read-only file system"
    assert run("BGREWRITEAOF").startswith(b"-ERR Can't execute an AOF background rewriting.")
    run("SET b 1")
    assert commands(run)[-1] == "SET b 1"
    disk.manifest_problem = ""
    assert digest(logged.again(run)) == digest(run)


def test_failed_rewrites_wait_for_longer_and_longer() -> None:
    disk = FailingDisk()
    run = begin(disk, auto_aof_rewrite_percentage="1", auto_aof_rewrite_min_size="1")
    disk.base_problem = "No space left on device"
    for _ in range(40):
        run("SET k v")
        logged.finish(run)
    assert run.engine.log_rewriter.failures_in_a_row == 3
    run.advance(61_000)
    logged.finish(run)
    assert run.engine.log_rewriter.failures_in_a_row == 4
    run.advance(61_000)
    logged.finish(run)
    assert run.engine.log_rewriter.failures_in_a_row == 4  # two minutes this time


def test_the_log_is_rewritten_when_it_has_grown() -> None:
    run = begin(auto_aof_rewrite_min_size="4000")
    run.engine.log.base_bytes = 1000
    for number in range(100):
        run.args("SET", "k", f"{number:050}")
    run.advance(100)
    logged.finish(run)
    assert run.engine.log.manifest.files()[0].name == b"appendonly.aof.2.base.rdb"
    assert run.engine.log.current_bytes < 1000


def test_a_rewrite_waits_for_a_save_and_for_the_end_of_a_transaction() -> None:
    run = begin()
    fill(run, 100)
    run("BGSAVE")
    assert run("BGREWRITEAOF") == b"+Background append only file rewriting scheduled\r\n"
    logged.finish(run)
    logged.finish(run)
    assert run.engine.log_rewriter.count == 1
    run("MULTI")
    run("BGREWRITEAOF")
    assert run("EXEC") == b"*1\r\n+Background append only file rewriting scheduled\r\n"
    logged.finish(run)
    logged.finish(run)
    assert run.engine.log_rewriter.count == 2
    run("BGREWRITEAOF")
    assert run("BGSAVE").startswith(b"-ERR Another child process is active (AOF?)")
    assert run("BGSAVE SCHEDULE").startswith(b"+Background saving scheduled")


def test_the_log_can_be_turned_on(run: Run) -> None:
    fill(run, 50)
    assert run("CONFIG SET appendonly yes") == OK
    run("SET during 1")
    assert b"aof_enabled:1\r\n" in run("INFO persistence")
    assert run.engine.host.log_files.size(b"appendonly.aof.manifest") == -1  # not before there is a base
    logged.finish(run)
    run("SET after 1")
    assert commands(run) == ["SELECT 0", "SET during 1", "SET after 1"]
    assert digest(logged.again(run)) == digest(run)


def test_the_log_can_be_turned_off_and_on_again() -> None:
    run = begin()
    run("SET a 1")
    assert run("CONFIG SET appendonly no") == OK
    run("SET b 1")
    assert commands(run)[-1] == "SET a 1"
    assert not run.engine.wants_propagation
    assert run("CONFIG SET appendonly yes") == OK
    logged.finish(run)
    run("SET c 1")
    assert digest(logged.again(run)) == digest(run)


def test_turning_the_log_on_waits_for_a_save_or_a_transaction(run: Run) -> None:
    fill(run, 50)
    run("BGSAVE")
    assert run("CONFIG SET appendonly yes") == OK
    assert b"aof_rewrite_scheduled:1\r\n" in run("INFO persistence")
    run("SET during 1")
    logged.finish(run)
    logged.finish(run)
    assert digest(logged.again(run)) == digest(run)
    run("CONFIG SET appendonly no")
    run("MULTI")
    run("CONFIG SET appendonly yes")
    run("SET in 1")
    run("EXEC")
    logged.finish(run)
    logged.finish(run)
    assert digest(logged.again(run)) == digest(run)


def test_a_log_that_can_not_begin_stays_off(run: Run) -> None:
    class NoDirectory(LogFiles):
        def prepare(self, directory: str) -> str:
            return "Permission denied"

    run.engine.host.log_files = NoDirectory()
    assert run("CONFIG SET appendonly yes") == (
        b"-ERR CONFIG SET failed (possibly related to argument 'appendonly') - "
        b"Unable to turn on AOF. Check server logs.\r\n"
    )
    assert run("CONFIG GET appendonly") == b"*2\r\n$10\r\nappendonly\r\n$2\r\nno\r\n"
    assert b"aof_enabled:0\r\n" in run("INFO persistence")
    assert run("SET k v") == OK


def test_without_a_log_a_rewrite_writes_a_base(run: Run) -> None:
    fill(run, 20)
    rewrite(run)
    before = digest(run)
    run("FLUSHALL")
    assert run("DEBUG LOADAOF") == OK
    assert digest(run) == before


def test_the_end_waits_for_the_first_base_unless_it_is_forced(run: Run) -> None:
    fill(run, 50)
    run("CONFIG SET appendonly yes")
    assert run("SHUTDOWN") == b"-ERR Errors trying to SHUTDOWN. Check logs.\r\n"
    assert not run.engine.shutdown_requested
    run("SHUTDOWN FORCE")
    assert run.engine.shutdown_requested
