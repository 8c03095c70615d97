"""Times to live: given, asked for, conditional, over."""

from tests.engine.in_process import Run, StartRun

from cachetwin_engine.core.protocol.replies import bulk

NULL = b"$-1\r\n"


def test_a_key_expires_when_its_time_has_passed_and_not_at_it(run: Run) -> None:
    run("SET k v PX 100")
    run.advance_silently(100)
    assert run("GET k") == bulk(b"v")
    assert run("PTTL k") == b":0\r\n"
    assert run("KEYS *") == b"*1\r\n$1\r\nk\r\n"
    run.advance_silently(1)
    assert run("KEYS *") == b"*0\r\n"
    assert run("GET k") == NULL
    assert run("EXISTS k") == b":0\r\n"


def test_an_expiry_time_of_now_is_in_the_past(run: Run) -> None:
    run("SET k v")
    assert run(f"PEXPIREAT k {run.now_ms}") == b":1\r\n"
    assert run("GET k") == NULL


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
    assert run.propagated() == [
        (0, [b"SET", b"k", b"v", b"PXAT", b"%d" % (now_ms + 10_000)]),
        (0, [b"PEXPIREAT", b"k", b"%d" % (now_ms + 20_000)]),
        (0, [b"PEXPIREAT", b"k", b"%d" % (now_ms + 500)]),
    ]


def test_expired_keys_are_told_to_who_listens(start_run: StartRun) -> None:
    run = start_run()
    run("CONFIG SET notify-keyspace-events Ex")
    listener = run.session()
    listener("SUBSCRIBE __keyevent@0__:expired")
    run("SET k v PX 10")
    run.advance(100)
    assert listener.received().endswith(bulk(b"__keyevent@0__:expired") + bulk(b"k"))
