"""The periodic search for keys that have expired."""

from itertools import count

from tests.engine.in_process import Run

from cachetwin_engine.core.engine import Engine


def keys_held(engine: Engine) -> int:
    """Keys in memory, due or not."""
    return sum(len(db.values) for db in engine.databases)


def test_due_keys_go_although_nobody_looks(run: Run) -> None:
    for number in range(5000):
        run(f"SET k{number} v PX {100 if number % 2 else 100_000}")
    run.advance(200)
    for _ in range(20):
        run.advance(100)
    assert keys_held(run.engine) == 2500
    assert run.engine.statistics.expired_keys == 2500


def test_a_tick_visits_a_bounded_number_of_keys_that_are_not_due(run: Run) -> None:
    for number in range(2000):
        run(f"SET k{number} v EX 1000")
    before = run.engine.databases[0].expiry_cursor
    run.advance(100)
    assert run.engine.databases[0].expiry_cursor != before
    assert keys_held(run.engine) == 2000


def test_during_an_import_keys_that_are_over_stay_and_only_their_source_sees_them(run: Run) -> None:
    run("CONFIG SET import-mode yes")
    run("SET k 1 PX 1")
    run.advance(10)
    assert run("GET k") == b"$-1\r\n"
    assert run("TTL k") == b":-2\r\n"
    assert run("DBSIZE") == b":1\r\n"
    source = run.session()
    source("CLIENT IMPORT-SOURCE ON")
    assert source("TTL k") == b":0\r\n"
    assert source("INCR k") == b":2\r\n"
    assert source("KEYS *") == b"*1\r\n$1\r\nk\r\n"
    assert source("RANDOMKEY") == b"$1\r\nk\r\n"
    run("CONFIG SET import-mode no")
    assert source("CLIENT IMPORT-SOURCE OFF") == b"+OK\r\n"
    run.advance(100)
    assert run("DBSIZE") == b":0\r\n"


def test_what_a_tick_has_no_time_for_goes_in_slices_of_the_background(run: Run) -> None:
    for number in range(5000):
        run(f"SET k{number} v PX 100")
    readings = count((run.engine.now_ms + 200) * 1_000_000, 1_000_000)  # each takes a millisecond
    run.engine.set_clock(readings.__next__, [])
    run.engine.tick()
    assert 0 < keys_held(run.engine) < 5000
    slices = 0
    while run.engine.has_work():
        run.engine.work(run.engine.clock() + 3_000)
        slices += 1
    assert keys_held(run.engine) == 0
    assert slices > 10
    assert not run.engine.expiry_is_behind


def test_what_is_left_stays_when_expiry_stops_meanwhile(run: Run) -> None:
    for number in range(5000):
        run(f"SET k{number} v PX 100")
    readings = count((run.engine.now_ms + 200) * 1_000_000, 1_000_000)
    run.engine.set_clock(readings.__next__, [])
    run.engine.tick()
    run("CONFIG SET import-mode yes")
    held = keys_held(run.engine)
    run.engine.work(run.engine.clock() + 3_000)
    assert not run.engine.has_work()
    assert keys_held(run.engine) == held
