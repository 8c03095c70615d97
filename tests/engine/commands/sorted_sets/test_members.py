"""Members and their scores: adding, changing, drawing, removing."""

import pytest
from tests.engine.in_process import Run, StartRun

from cachetwin_engine.core.protocol.replies import bulk, bulk_array

NULL = b"$-1\r\n"


WRONG_TYPE = b"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"


def ints(number: int) -> bytes:
    return b":%d\r\n" % number


def fill(run: Run, key: str, count: int) -> None:
    """Members ``m0``, ``m1``, ... whose scores are their numbers."""
    pairs = [word for at in range(count) for word in (at, f"m{at}")]
    assert run.args("ZADD", key, *pairs) == ints(count)


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
