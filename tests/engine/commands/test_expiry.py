"""Times to live: given, asked for, conditional, over."""

from tests.engine.in_process import Run, StartRun

from cachetwin_engine.core.engine import Engine
from cachetwin_engine.core.protocol.replies import bulk

NULL = b"$-1\r\n"


def keys_held(engine: Engine) -> int:
    """Keys in memory, due or not."""
    return sum(len(db.values) for db in engine.databases)


def test_a_key_goes_the_moment_its_time_is_over(run: Run) -> None:
    run("SET k v PX 100")
    run.advance_silently(99)
    assert run("GET k") == bulk(b"v")
    run.advance_silently(1)
    assert run("GET k") == NULL
    assert run("EXISTS k") == b":0\r\n"


def test_ttl_rounds_to_the_nearest_second_and_pttl_is_exact(run: Run) -> None:
    run("SET k v PX 1499")
    assert run("TTL k") == b":1\r\n"
    assert run("PTTL k") == b":1499\r\n"
    run("PEXPIRE k 1500")
    assert run("TTL k") == b":2\r\n"


def test_ttl_tells_no_key_from_no_time_to_live(run: Run) -> None:
    run("SET k v")
    for command in ("TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME"):
        assert run(f"{command} k") == b":-1\r\n"
        assert run(f"{command} nokey") == b":-2\r\n"


def test_absolute_times_come_back_as_they_were_given(run: Run) -> None:
    run("SET k v")
    at = run.now_ms // 1000 + 100
    assert run(f"EXPIREAT k {at}") == b":1\r\n"
    assert run("EXPIRETIME k") == b":%d\r\n" % at
    assert run("PEXPIRETIME k") == b":%d\r\n" % (at * 1000)


def test_nx_and_xx_ask_whether_there_is_a_time_to_live(run: Run) -> None:
    run("SET k v")
    assert run("EXPIRE k 10 XX") == b":0\r\n"
    assert run("EXPIRE k 10 NX") == b":1\r\n"
    assert run("EXPIRE k 20 NX") == b":0\r\n"
    assert run("EXPIRE k 20 XX") == b":1\r\n"
    assert run("TTL k") == b":20\r\n"


def test_no_time_to_live_counts_as_endless_for_gt_and_lt(run: Run) -> None:
    run("SET k v")
    assert run("EXPIRE k 10 GT") == b":0\r\n"
    assert run("EXPIRE k 10 LT") == b":1\r\n"
    assert run("EXPIRE k 5 GT") == b":0\r\n"
    assert run("EXPIRE k 20 LT") == b":0\r\n"
    assert run("EXPIRE k 20 GT") == b":1\r\n"


def test_contradictory_conditions_are_refused(run: Run) -> None:
    assert run("EXPIRE k 10 NX GT").startswith(b"-ERR NX and XX, GT or LT options")
    assert run("EXPIRE k 10 GT LT").startswith(b"-ERR GT and LT options")
    assert run("EXPIRE k 10 AB") == b"-ERR Unsupported option AB\r\n"


def test_a_time_in_the_past_deletes(run: Run) -> None:
    run("SET k v")
    assert run("EXPIRE k -1") == b":1\r\n"
    assert run("EXISTS k") == b":0\r\n"
    assert run("EXPIRE k -1") == b":0\r\n"


def test_times_beyond_64_bits_are_refused(run: Run) -> None:
    run("SET k v")
    for words in ("EXPIRE k 9223372036854775807", "PEXPIRE k 9223372036854775807", "EXPIREAT k -9223372036854775808"):
        name = words.split()[0].lower().encode()
        assert run(words) == b"-ERR invalid expire time in '" + name + b"' command\r\n"
    assert run("TTL k") == b":-1\r\n"


def test_persist_takes_the_time_to_live_away_once(run: Run) -> None:
    run("SET k v EX 10")
    assert run("PERSIST k") == b":1\r\n"
    assert run("PERSIST k") == b":0\r\n"
    run.advance(20_000)
    assert run("GET k") == bulk(b"v")


def test_set_drops_the_time_to_live_unless_told_otherwise(run: Run) -> None:
    run("SET k v EX 10")
    run("SET k w KEEPTTL")
    assert run("TTL k") == b":10\r\n"
    run("SET k x")
    assert run("TTL k") == b":-1\r\n"


def test_relative_times_are_handed_on_as_absolute_ones(run: Run) -> None:
    run.replicate()
    run("SET k v EX 10")
    run("EXPIRE k 20")
    run("GETEX k PX 500")
    now_ms = run.now_ms
    assert run.effects() == [
        (0, [b"SET", b"k", b"v", b"PXAT", b"%d" % (now_ms + 10_000)]),
        (0, [b"PEXPIREAT", b"k", b"%d" % (now_ms + 20_000)]),
        (0, [b"PEXPIREAT", b"k", b"%d" % (now_ms + 500)]),
    ]


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


def test_expired_keys_are_told_to_who_listens(start_run: StartRun) -> None:
    run = start_run()
    run("CONFIG SET notify-keyspace-events Ex")
    listener = run.session()
    listener("SUBSCRIBE __keyevent@0__:expired")
    run("SET k v PX 10")
    run.advance(100)
    assert listener.received().endswith(bulk(b"__keyevent@0__:expired") + bulk(b"k"))


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


def test_the_latency_monitor_notes_long_rounds_of_expiry(run: Run) -> None:
    run("CONFIG SET latency-monitor-threshold 1")
    run("SET k v PX 10")
    run.advance_silently(11)
    run.clock.step_us = 2000
    run.advance(0)
    run.clock.step_us = 0
    assert b"$12\r\nexpire-cycle\r\n" in run("LATENCY LATEST")
