"""Union, intersection and difference of sorted sets."""

from tests.engine.in_process import Run

from cachetwin_engine.core.protocol.replies import bulk_array


def ints(number: int) -> bytes:
    return b":%d\r\n" % number


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
