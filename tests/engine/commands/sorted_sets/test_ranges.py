"""Ranges of a sorted set by rank, score and name."""

import pytest
from tests.engine.in_process import Run, StartRun

from cachetwin_engine.core.protocol.replies import bulk_array

NULL = b"$-1\r\n"


NULL_ARRAY = b"*-1\r\n"


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


def test_a_bound_may_begin_with_blanks_until_valkey_9(start_run: StartRun) -> None:
    for version, answer in (("valkey-8.1", b"*0\r\n"), ("valkey-9.0", b"-ERR min or max is not a float\r\n")):
        run = start_run(version)
        assert run('ZRANGE k " 1" 2 BYSCORE') == run('ZRANGEBYSCORE k 1 "(\t2"') == answer
        assert run('ZRANGE k "1 " 2 BYSCORE') == b"-ERR min or max is not a float\r\n"
