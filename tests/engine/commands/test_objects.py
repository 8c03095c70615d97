"""OBJECT: form, idle time and frequency of a value."""

from tests.engine.in_process import Run, StartRun

from cachetwin_engine.core.protocol.replies import bulk


def test_encodings_are_those_of_the_profile(run: Run, start_run: StartRun) -> None:
    redis = start_run("redis-7.1")
    for client in (run, redis):
        client("MSET i 123 t text")
        client(f"SET long {'x' * 44}")
        client("APPEND e a")
        client("APPEND e b")
        assert client("OBJECT ENCODING i") == bulk(b"int")
        assert client("OBJECT ENCODING t") == bulk(b"embstr")
        assert client("OBJECT ENCODING e") == bulk(b"raw")
    assert run("OBJECT ENCODING long") == bulk(b"raw")  # key and value together exceed one block
    assert redis("OBJECT ENCODING long") == bulk(b"embstr")
    assert redis("OBJECT REFCOUNT i") == b":2147483647\r\n"
    assert run("OBJECT REFCOUNT i") == b":1\r\n"


def test_idle_time_counts_from_the_last_use(run: Run) -> None:
    run("SET k v")
    run.advance(5000)
    assert run("OBJECT IDLETIME k") == b":5\r\n"
    run("GET k")
    assert run("OBJECT IDLETIME k") == b":0\r\n"
    run.advance(3000)
    assert run("OBJECT IDLETIME k") == b":3\r\n"
    assert run("OBJECT IDLETIME k") == b":3\r\n"


def test_frequency_grows_with_use_and_decays_with_time(run: Run) -> None:
    run("CONFIG SET maxmemory-policy allkeys-lfu")
    run("CONFIG SET maxmemory 100mb")
    run("SET k v")
    for _ in range(100):
        run("GET k")
    grown = int(run("OBJECT FREQ k")[1:])
    assert 6 <= grown <= 40
    run.advance(3 * 60_000)
    assert int(run("OBJECT FREQ k")[1:]) == grown - 3


def test_a_new_keys_counter_starts_where_it_is_not_the_first_to_go(run: Run) -> None:
    run("CONFIG SET maxmemory-policy allkeys-lfu maxmemory 100mb")
    run("SET k v")
    assert run("OBJECT FREQ k") == b":5\r\n"


def test_the_clock_of_an_object_is_when_it_was_last_used_and_not_touched_by_who_asked_for_that(run: Run) -> None:
    run("CONFIG SET maxmemory-policy allkeys-lru maxmemory 100mb")
    run.engine.config.set_at_start("enable-debug-command", "yes")
    run.advance(900)
    run("SET k v")
    run("CLIENT NO-TOUCH ON")
    before = run("DEBUG OBJECT k").split(b"lru:")[1].split()[0]
    run.advance(1150)  # into the second after the next one
    run("GET k")
    assert run("DEBUG OBJECT k").split(b"lru:")[1].split()[0] == before
    assert run("OBJECT IDLETIME k") == b":1\r\n"
    run("TOUCH k")
    assert run("OBJECT IDLETIME k") == b":0\r\n"
