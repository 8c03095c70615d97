"""SAVE, BGSAVE and save points."""

from tests.engine.hosts import FullDisk
from tests.engine.in_process import Run
from tests.engine.replicas import digest, fill


def test_save_and_reload_keep_the_data(run: Run) -> None:
    fill(run)
    before = digest(run)
    assert run("SAVE") == b"+OK\r\n"
    assert b"rdb_changes_since_last_save:0" in run("INFO persistence")
    run("SET more 1")
    assert b"rdb_changes_since_last_save:1" in run("INFO persistence")
    assert run("DEBUG RELOAD NOSAVE").startswith(b"-ERR DEBUG command not allowed")
    run.engine.saves.load()
    assert digest(run) == before


def test_a_background_save_goes_on_between_commands(run: Run) -> None:
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


def test_a_save_may_be_slowed_down_for_who_wants_to_see_it(run: Run) -> None:
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


def test_a_background_save_can_be_cancelled(run: Run) -> None:
    assert run("BGSAVE CANCEL") == b"-ERR Background saving is currently not in progress or scheduled\r\n"
    run("BGSAVE")
    assert run("BGSAVE CANCEL") == b"+Background saving cancelled\r\n"
    assert b"rdb_bgsave_in_progress:0" in run("INFO persistence")


def test_save_points_begin_a_save_when_enough_has_changed(run: Run) -> None:
    run("CONFIG SET save '10 2'")
    run("SET a 1")
    run.advance(11_000)
    assert b"rdb_bgsave_in_progress:0" in run("INFO persistence")
    run("SET b 1")
    run.advance(100)
    assert b"rdb_bgsave_in_progress:1" in run("INFO persistence")


def test_flushall_saves_that_nothing_is_left(run: Run) -> None:
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


def test_when_saving_fails_writes_are_refused(run: Run) -> None:
    disk = run.engine.host
    run.engine.host = FullDisk()
    assert run("SAVE") == b"-ERR\r\n"
    assert run("SET k v").startswith(b"-MISCONF ")
    assert run("GET k") == b"$-1\r\n"
    run.engine.host = disk
    assert run("SAVE") == b"+OK\r\n"
    assert run("SET k v") == b"+OK\r\n"
