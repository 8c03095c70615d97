"""Fields of hashes that expire (Valkey 9)."""

import pytest
from tests.engine.in_process import START_US, Run, StartRun

from cachetwin_engine.core.protocol.replies import bulk, bulk_array
from cachetwin_engine.core.rdb.loading import Loading

NOW_MS = START_US // 1000


@pytest.fixture
def run(start_run: StartRun) -> Run:
    """A client of an engine that acts as Valkey 9."""
    client = start_run("valkey-9.0")
    client("HSET h a 1 b 2 c 3")
    return client


def codes(*values: int) -> bytes:
    return b"*%d\r\n" % len(values) + b"".join(b":%d\r\n" % value for value in values)


def test_valkey_8_has_no_such_commands(start_run: StartRun) -> None:
    assert start_run("valkey-8.1")("HEXPIRE h 10 FIELDS 1 a").startswith(b"-ERR unknown command 'HEXPIRE'")


def test_each_field_gets_its_own_answer(run: Run) -> None:
    assert run("HEXPIRE h 100 FIELDS 2 a missing") == codes(1, -2)
    assert run("HTTL h FIELDS 3 a b missing") == codes(100, -1, -2)
    assert run("HPEXPIRETIME h FIELDS 1 a") == codes(NOW_MS + 100_000)
    assert run("HTTL nowhere FIELDS 1 a") == codes(-2)


def test_conditions_compare_with_the_present_end_and_never_is_the_latest(run: Run) -> None:
    run("HEXPIRE h 100 FIELDS 1 a")
    assert run("HEXPIRE h 50 NX FIELDS 2 a b") == codes(0, 1)
    assert run("HEXPIRE h 200 GT FIELDS 2 a c") == codes(1, 0)
    assert run("HEXPIRE h 20 LT FIELDS 2 a c") == codes(1, 1)
    assert run("HEXPIRE h 20 XX FIELDS 1 a") == codes(1)


def test_a_field_is_hidden_as_soon_as_it_is_over(run: Run) -> None:
    run("HPEXPIRE h 50 FIELDS 1 a")
    run.advance_silently(50)
    assert run("HGET h a") == bulk(b"1")  # when the time has passed, not at it
    run.advance_silently(1)
    assert run("HGET h a") == b"$-1\r\n"
    assert run("HMGET h a b") == b"*2\r\n$-1\r\n" + bulk(b"2")
    either_order = {bulk_array([b"b", b"2", b"c", b"3"]), bulk_array([b"c", b"3", b"b", b"2"])}  # a large form has none
    assert run("HGETALL h") in either_order
    assert run("HEXISTS h a") == b":0\r\n"
    assert run("HDEL h a") == b":0\r\n"
    assert run("HRANDFIELD h 5") in {bulk_array([b"b", b"c"]), bulk_array([b"c", b"b"])}
    assert run("HLEN h") == b":3\r\n"  # it counts until it has gone


def test_a_field_that_is_over_goes_at_the_next_tick_and_an_empty_hash_with_it(run: Run) -> None:
    run.replicate()
    run("HPEXPIRE h 50 FIELDS 2 a b")
    run("HPEXPIRE h 500 FIELDS 1 c")
    run.advance(100)
    assert run("HLEN h") == b":1\r\n"
    assert run.propagated()[-1] == (0, [b"HDEL", b"h", b"a", b"b"])
    run.advance(500)
    assert run("EXISTS h") == b":0\r\n"
    assert run.engine.expired_fields == 3


def test_a_new_value_takes_the_end_away_but_a_sum_keeps_it(run: Run) -> None:
    run("HEXPIRE h 100 FIELDS 2 a b")
    run("HSET h a 5")
    run("HINCRBY h b 1")
    assert run("HTTL h FIELDS 2 a b") == codes(-1, 100)


def test_an_end_in_the_past_removes_at_once(run: Run) -> None:
    assert run("HEXPIREAT h 1 FIELDS 2 a a") == codes(2, -2)
    assert run("HEXPIRE h 0 FIELDS 2 b c") == codes(2, 2)
    assert run("EXISTS h") == b":0\r\n"


def test_nothing_ends_during_an_import(run: Run) -> None:
    run("CONFIG SET import-mode yes")
    assert run("HEXPIRE h 0 FIELDS 1 a") == codes(1)
    run.advance(100)
    assert run("HLEN h") == b":3\r\n"
    run("CONFIG SET import-mode no")
    run.advance(100)
    assert run("HLEN h") == b":2\r\n"


def test_an_end_can_be_taken_away(run: Run) -> None:
    run("HPEXPIRE h 50 FIELDS 1 a")
    assert run("HPERSIST h FIELDS 3 a b missing") == codes(1, -1, -2)
    run.advance(100)
    assert run("HGET h a") == bulk(b"1")


def test_replicas_are_told_the_time_itself(run: Run) -> None:
    run.replicate()
    run("HEXPIRE h 1 FIELDS 2 a missing")
    run("HSETEX h PX 10 FIELDS 1 b 5")
    run("HGETEX h EX 0 FIELDS 1 c")
    assert run.propagated() == [
        (0, [b"HPEXPIREAT", b"h", b"%d" % (NOW_MS + 1000), b"FIELDS", b"1", b"a"]),
        (0, [b"HSETEX", b"h", b"PXAT", b"%d" % (NOW_MS + 10), b"FIELDS", b"1", b"b", b"5"]),
        (0, [b"HDEL", b"h", b"c"]),
    ]


def test_a_hash_that_moves_keeps_the_ends_of_its_fields(run: Run) -> None:
    run("HPEXPIRE h 50 FIELDS 1 a")
    run("COPY h copy")
    run("RENAME h moved")
    run.advance(100)
    assert run("HLEN copy") == run("HLEN moved") == b":2\r\n"


def test_a_key_that_was_overwritten_is_left_alone(run: Run) -> None:
    run("HPEXPIRE h 50 FIELDS 1 a")
    run("SET h text")
    run.advance(100)
    assert run("GET h") == bulk(b"text")
    assert len(run.engine.databases[0].volatile) == 0


def test_thousands_of_fields_that_end_together_go_in_steps(run: Run) -> None:
    for number in range(40):
        run.args("HSETEX", f"h{number}", "PX", 50, "FIELDS", 250, *[w for f in range(250) for w in (f, f)])
    ticks = 0
    while run("DBSIZE") != b":1\r\n":
        run.advance(100)
        ticks += 1
        assert ticks < 20
    assert run.engine.expired_fields == 10_000


def test_a_primary_loads_no_fields_that_are_over_and_no_hash_of_such_alone(start_run: StartRun) -> None:
    run = start_run("valkey-9.0")
    run("HSETEX gone PX 1 FIELDS 2 f 1 g 2")
    run("HSETEX part PX 1 FIELDS 1 f 1")
    run("HSET part stays 1")
    snapshot = run.engine.snapshots.begin([], checksum=True)
    snapshot.finish()
    later = start_run("valkey-9.0")
    later.clock.now_us = run.clock.now_us + 10_000
    later.engine.start_turn()
    loading = Loading(later.engine.loader, snapshot.take(), drops_expired=True)
    loading.finish()
    loading.adopt()
    assert later("EXISTS gone") == b":0\r\n"
    assert later("HLEN part") == b":1\r\n"
