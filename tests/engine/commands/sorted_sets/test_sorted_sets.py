"""Sorted sets on the wire."""

import pytest
from tests.engine.in_process import Run, StartRun

from cachetwin_engine.core.protocol.replies import bulk, bulk_array

NULL = b"$-1\r\n"
NULL_ARRAY = b"*-1\r\n"
WRONG_TYPE = b"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"


def ints(number: int) -> bytes:
    return b":%d\r\n" % number


def fill(run: Run, key: str, count: int) -> None:
    """Members ``m0``, ``m1``, ... whose scores are their numbers."""
    pairs = [word for at in range(count) for word in (at, f"m{at}")]
    assert run.args("ZADD", key, *pairs) == ints(count)


def test_members_come_back_in_the_order_of_their_scores_and_names(run: Run) -> None:
    run("ZADD z 2 b 1 z 2 a -inf first +inf last")
    assert run("ZRANGE z 0 -1") == bulk_array([b"first", b"z", b"a", b"b", b"last"])
    assert run("ZRANGE z 0 -1 REV") == bulk_array([b"last", b"b", b"a", b"z", b"first"])


def test_zadd_counts_what_was_added_and_with_ch_what_was_changed(run: Run) -> None:
    assert run("ZADD z 1 a 2 b") == ints(2)
    assert run("ZADD z 5 a 2 b 3 c") == ints(1)
    assert run("ZADD z CH 6 a 2 b 4 d") == ints(2)


def test_zadd_conditions_keep_members_or_scores(run: Run) -> None:
    run("ZADD z 10 a")
    assert run("ZADD z NX 1 a 1 b") == ints(1)
    assert run("ZADD z XX CH 11 a 1 c") == ints(1)
    assert run("ZADD z GT CH 5 a 2 b") == ints(1)
    assert run("ZADD z LT CH 5 a 3 b") == ints(1)
    assert run("ZRANGE z 0 -1 WITHSCORES") == bulk_array([b"b", b"2", b"a", b"5"])
    assert run("ZADD z NX GT 1 a") == b"-ERR GT, LT, and/or NX options at the same time are not compatible\r\n"
    assert run("ZADD z NX XX 1 a") == b"-ERR XX and NX options at the same time are not compatible\r\n"
    assert run("ZADD z INCR 1 a 2 b") == b"-ERR INCR option supports a single increment-element pair\r\n"


def test_a_score_that_does_not_parse_adds_nothing(run: Run) -> None:
    assert run("ZADD z 1 a x b") == b"-ERR value is not a valid float\r\n"
    assert run("EXISTS z") == ints(0)


def test_an_increment_to_nan_is_refused(run: Run) -> None:
    run("ZADD z inf a")
    assert run("ZINCRBY z -inf a") == b"-ERR resulting score is not a number (NaN)\r\n"
    assert run("ZSCORE z a") == bulk(b"inf")


def test_scores_are_doubles_in_resp3_and_text_in_resp2(run: Run) -> None:
    run("ZADD z 1.5 a")
    assert run("ZSCORE z a") == bulk(b"1.5")
    assert run.resp3()("ZSCORE z a") == b",1.5\r\n"
    assert run("ZRANGE z 0 -1 WITHSCORES") == b"*1\r\n*2\r\n$1\r\na\r\n,1.5\r\n"
    assert run("ZSCORE z nobody") == b"_\r\n"


@pytest.mark.parametrize(
    ("score", "shown"),
    [
        ("98.72607", b"98.72607000000001"),  # Grisu2's digits, which Valkey prints, are not always the shortest
        ("1.1", b"1.1"),
        ("1e-5", b"0.00001"),
        ("1.5e-7", b"1.5e-7"),
        ("1e17", b"100000000000000000"),
        ("1e20", b"1e+20"),
        ("123456789012345680000", b"123456789012345680000"),
        ("5e-324", b"5e-324"),
    ],
)
def test_scores_print_as_valkey_prints_them(run: Run, score: str, shown: bytes) -> None:
    run.args("ZADD", "z", score, "m")
    assert run("ZSCORE z m") == bulk(shown)


def test_redis_7_prints_scores_with_seventeen_digits(start_run: StartRun) -> None:
    run = start_run("redis-7.1")
    run("ZADD z 1.1 m")
    assert run("ZSCORE z m") == bulk(b"1.1000000000000001")


def test_ranks_count_from_either_end(run: Run) -> None:
    fill(run, "z", 1000)
    assert run("ZRANK z m700") == ints(700)
    assert run("ZREVRANK z m700") == ints(299)
    assert run("ZRANK z m700 WITHSCORE") == b"*2\r\n:700\r\n$3\r\n700\r\n"
    assert run("ZRANK z nobody") == NULL
    assert run("ZRANK z nobody WITHSCORE") == NULL_ARRAY


def test_a_range_of_scores_can_leave_out_its_ends_and_be_limited(run: Run) -> None:
    fill(run, "z", 1000)
    assert run("ZCOUNT z (10 20") == ints(10)
    assert run("ZRANGEBYSCORE z (10 +inf LIMIT 2 2") == bulk_array([b"m13", b"m14"])
    assert run("ZREVRANGEBYSCORE z 20 (10 LIMIT 0 2") == bulk_array([b"m20", b"m19"])
    assert run("ZRANGE z (20 10 BYSCORE REV LIMIT 0 1") == bulk_array([b"m19"])
    assert run("ZRANGEBYSCORE z x 1") == b"-ERR min or max is not a float\r\n"


def test_a_range_of_names_needs_a_bracket(run: Run) -> None:
    run("ZADD z 0 a 0 b 0 c 0 d")
    assert run("ZRANGEBYLEX z [b (d") == bulk_array([b"b", b"c"])
    assert run("ZRANGE z + - BYLEX REV LIMIT 1 2") == bulk_array([b"c", b"b"])
    assert run("ZLEXCOUNT z - (c") == ints(2)
    assert run("ZRANGEBYLEX z b [d") == b"-ERR min or max not valid string range item\r\n"


def test_limit_by_rank_is_refused(run: Run) -> None:
    assert run("ZRANGE z 0 1 LIMIT 0 1") == (
        b"-ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX\r\n"
    )


@pytest.mark.parametrize(
    ("line", "left"),
    [("ZREMRANGEBYRANK z 100 -101", 200), ("ZREMRANGEBYSCORE z 100 (900", 200), ("ZREMRANGEBYSCORE z -inf inf", 0)],
)
def test_removing_a_range_leaves_the_rest_in_order(run: Run, line: str, left: int) -> None:
    fill(run, "z", 1000)
    assert run(line) == ints(1000 - left)
    kept = [f"m{at}".encode() for at in (*range(100), *range(900, 1000))] if left else []
    assert run("ZRANGE z 0 -1") == bulk_array(kept)
    assert run("EXISTS z") == ints(1 if left else 0)


def test_zrangestore_replaces_the_destination(run: Run) -> None:
    fill(run, "z", 5)
    run("SET d text")
    assert run("ZRANGESTORE d z 1 3") == ints(3)
    assert run("ZRANGE d 0 -1 WITHSCORES") == bulk_array([b"m1", b"1", b"m2", b"2", b"m3", b"3"])
    assert run("ZRANGESTORE d z 7 9") == ints(0)
    assert run("EXISTS d") == ints(0)


def test_popping_takes_the_outermost_members_and_then_the_key(run: Run) -> None:
    run("ZADD z 1 a 2 b 3 c")
    assert run("ZPOPMAX z 2") == bulk_array([b"c", b"3", b"b", b"2"])
    assert run("ZMPOP 2 none z MIN COUNT 9") == b"*2\r\n$1\r\nz\r\n*1\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n"
    assert run("EXISTS z") == ints(0)
    assert run("ZPOPMIN z") == b"*0\r\n"
    assert run("ZMPOP 1 z MAX") == NULL_ARRAY


def test_waiting_clients_are_served_in_their_order(run: Run) -> None:
    first, second, writer = run, run.session(), run.session()
    assert first("BZPOPMIN z 0") == b""
    assert second("BZPOPMAX other z 0") == b""
    assert writer("ZADD z 1 a 2 b 3 c") == ints(3)
    assert first.received() == bulk_array([b"z", b"a", b"1"])
    assert second.received() == bulk_array([b"z", b"c", b"3"])
    assert writer("ZRANGE z 0 -1") == bulk_array([b"b"])


def test_a_wait_ends_with_null_when_its_time_is_over(run: Run) -> None:
    assert run("BZMPOP 0.5 2 y z MIN") == b""
    run.advance(400)
    assert run.received() == b""
    run.advance(200)
    assert run.received() == NULL_ARRAY


def test_a_key_of_another_type_does_not_end_a_wait(run: Run) -> None:
    writer = run.session()
    assert run("BZPOPMIN z 0") == b""
    writer("SET z text")
    assert run.received() == b""
    writer("DEL z")
    writer("ZADD z 1 a")
    assert run.received() == bulk_array([b"z", b"a", b"1"])


def test_inside_a_transaction_nobody_waits(run: Run) -> None:
    run("MULTI")
    run("BZPOPMIN z 0")
    assert run("EXEC") == b"*1\r\n*-1\r\n"


def test_union_intersection_and_difference_weigh_and_aggregate(run: Run) -> None:
    run("ZADD a 1 x 2 y")
    run("ZADD b 10 y 20 z")
    run("SADD s y q")
    assert run("ZUNION 2 a b WITHSCORES") == bulk_array([b"x", b"1", b"y", b"12", b"z", b"20"])
    assert run("ZINTER 3 a b s WEIGHTS 2 1 5 WITHSCORES") == bulk_array([b"y", b"19"])
    assert run("ZUNION 2 a b AGGREGATE MIN WITHSCORES") == bulk_array([b"x", b"1", b"y", b"2", b"z", b"20"])
    assert run("ZDIFF 2 a b") == bulk_array([b"x"])
    assert run("ZINTERCARD 2 a s LIMIT 1") == ints(1)
    assert run("ZUNIONSTORE d 2 a b") == ints(3)
    assert run("ZINTERSTORE d 2 a missing") == ints(0)
    assert run("EXISTS d") == ints(0)
    assert run("ZUNION 0 a") == b"-ERR at least 1 input key is needed for 'zunion' command\r\n"
    assert run("ZUNION 2 a b WEIGHTS 1 x") == b"-ERR weight value is not a float\r\n"


def test_infinities_that_cancel_add_up_to_zero(run: Run) -> None:
    run("ZADD a inf x")
    run("ZADD b -inf x")
    assert run("ZUNION 2 a b WITHSCORES") == bulk_array([b"x", b"0"])
    assert run("ZUNION 1 a WEIGHTS 0 WITHSCORES") == bulk_array([b"x", b"0"])


def test_random_members_are_distinct_unless_the_count_is_negative(run: Run) -> None:
    fill(run, "z", 200)
    for count in (3, 150, 200, 500):
        picked = run(f"ZRANDMEMBER z {count}").split(b"\r\n")[2::2]
        assert len(picked) == len(set(picked)) == min(count, 200)
    assert run("ZRANDMEMBER z -300").startswith(b"*300\r\n")
    assert run("ZRANDMEMBER z 3 WITHSCORES").startswith(b"*6\r\n")
    assert run("ZRANDMEMBER none") == NULL
    assert run("ZRANDMEMBER none 3") == b"*0\r\n"


def test_a_walk_returns_each_member_of_a_large_set(run: Run) -> None:
    fill(run, "z", 1000)
    found: set[bytes] = set()
    cursor = "0"
    while True:
        parts = run(f"ZSCAN z {cursor} COUNT 50").split(b"\r\n")
        cursor = parts[2].decode()
        found.update(parts[5::4])
        if cursor == "0":
            break
        run.args("ZADD", "z", 5, f"late:{cursor}")
    assert {f"m{at}".encode() for at in range(1000)} <= found


def test_zscan_can_leave_the_scores_out(run: Run) -> None:
    run("ZADD z 1 a 2 b")
    assert run("ZSCAN z 0 NOSCORES") == b"*2\r\n$1\r\n0\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n"
    assert run("ZSCAN z 0 NOVALUES").startswith(b"-ERR NOVALUES option can only be used in HSCAN")


def test_commands_refuse_other_types(run: Run) -> None:
    run("SET k text")
    for line in ("ZADD k 1 a", "ZSCORE k a", "ZRANGE k 0 1", "ZPOPMIN k", "ZUNION 1 k", "BZPOPMIN k 0", "ZSCAN k 0"):
        assert run(line) == WRONG_TYPE


def test_popping_propagates_what_was_popped(run: Run) -> None:
    run.replicate()
    waiting = run.session()
    waiting("BZPOPMAX z 0")
    run("ZADD z 1 a 2 b 3 c")
    run("ZMPOP 1 z MIN COUNT 5")
    assert [args for _, args in run.effects()] == [
        [b"ZADD", b"z", b"1", b"a", b"2", b"b", b"3", b"c"],
        [b"ZPOPMAX", b"z"],
        [b"ZPOPMIN", b"z", b"2"],
    ]


def test_small_sets_of_short_members_are_listpacks(run: Run) -> None:
    fill(run, "z", 128)
    assert run("OBJECT ENCODING z") == bulk(b"listpack")
    run("ZADD z 128 m128")
    assert run("OBJECT ENCODING z") == bulk(b"skiplist")
    run("ZREM z m128")
    assert run("OBJECT ENCODING z") == bulk(b"skiplist")
    run.args("ZADD", "long", 1, "x" * 65)
    assert run("OBJECT ENCODING long") == bulk(b"skiplist")
    run("ZUNIONSTORE d 1 z")
    assert run("OBJECT ENCODING d") == bulk(b"listpack")


def test_valkey_9_reads_no_hexadecimal_numbers(run: Run, start_run: StartRun) -> None:
    newest = start_run("valkey-9.1")
    assert run("ZADD z 0x10 a") == b":1\r\n"
    assert newest("ZADD z 0x10 a") == b"-ERR value is not a valid float\r\n"
    assert newest("ZCOUNT z 0x1 (0x2") == b"-ERR min or max is not a float\r\n"
    assert newest("ZUNION 1 z WEIGHTS 0x10") == b"-ERR weight value is not a float\r\n"
    assert newest("INCRBYFLOAT n 0x10") == b"$2\r\n16\r\n"


def test_a_bound_may_begin_with_blanks_until_valkey_9(start_run: StartRun) -> None:
    for version, answer in (("valkey-8.1", b"*0\r\n"), ("valkey-9.0", b"-ERR min or max is not a float\r\n")):
        run = start_run(version)
        assert run('ZRANGE k " 1" 2 BYSCORE') == run('ZRANGEBYSCORE k 1 "(\t2"') == answer
        assert run('ZRANGE k "1 " 2 BYSCORE') == b"-ERR min or max is not a float\r\n"
