"""ZPOPMIN and its like, and clients that wait for a member."""

from tests.engine.in_process import Run

from cachetwin_engine.core.protocol.replies import bulk_array

NULL_ARRAY = b"*-1\r\n"


def ints(number: int) -> bytes:
    return b":%d\r\n" % number


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


def test_popping_propagates_what_was_popped(run: Run) -> None:
    run.replicate()
    waiting = run.session()
    waiting("BZPOPMAX z 0")
    run("ZADD z 1 a 2 b 3 c")
    run("ZMPOP 1 z MIN COUNT 5")
    assert [args for _, args in run.propagated()] == [
        [b"ZADD", b"z", b"1", b"a", b"2", b"b", b"3", b"c"],
        [b"ZPOPMAX", b"z"],
        [b"ZPOPMIN", b"z", b"2"],
    ]
