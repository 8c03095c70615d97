"""What was delivered and not acknowledged: XACK, XPENDING and claims."""

from tests.engine.in_process import Run

from cachetwin_engine.core.protocol.replies import bulk, bulk_array

NULL_ARRAY = b"*-1\r\n"


def ints(number: int) -> bytes:
    return b":%d\r\n" % number


def entry(entry_id: bytes, *items: bytes) -> bytes:
    """An entry as it is shown."""
    return b"*2\r\n" + bulk(entry_id) + bulk_array(list(items))


def entries(*shown: bytes) -> bytes:
    return b"*%d\r\n" % len(shown) + b"".join(shown)


def of(key: bytes, *shown: bytes) -> bytes:
    """The RESP2 reply of XREAD for one stream."""
    return b"*1\r\n*2\r\n" + bulk(key) + entries(*shown)


def fill(run: Run, key: str, count: int) -> None:
    """Entries ``1-0``, ``2-0``, ... that hold their number."""
    for at in range(1, count + 1):
        assert run.args("XADD", key, f"{at}-0", "n", at) == bulk(b"%d-0" % at)


def test_what_was_delivered_stays_pending_until_acknowledged(run: Run) -> None:
    fill(run, "s", 3)
    run("XGROUP CREATE s g 0")
    assert run("XREADGROUP GROUP g alice COUNT 2 STREAMS s >") == of(
        b"s", entry(b"1-0", b"n", b"1"), entry(b"2-0", b"n", b"2")
    )
    assert run("XREADGROUP GROUP g bob NOACK STREAMS s >") == of(b"s", entry(b"3-0", b"n", b"3"))
    assert run("XPENDING s g") == b"*4\r\n:2\r\n$3\r\n1-0\r\n$3\r\n2-0\r\n*1\r\n*2\r\n$5\r\nalice\r\n$1\r\n2\r\n"
    assert run("XACK s g 1 1 99") == ints(1)
    assert run("XREADGROUP GROUP g alice STREAMS s 0") == of(b"s", entry(b"2-0", b"n", b"2"))
    run("XDEL s 2")
    assert run("XREADGROUP GROUP g alice STREAMS s 0") == of(b"s", b"*2\r\n$3\r\n2-0\r\n" + NULL_ARRAY)
    assert run("XACK s g 2") == ints(1)
    assert run("XPENDING s g") == b"*4\r\n:0\r\n$-1\r\n$-1\r\n*-1\r\n"


def test_xpending_lists_by_idle_time_range_and_consumer(run: Run) -> None:
    fill(run, "s", 3)
    run("XGROUP CREATE s g 0")
    run("XREADGROUP GROUP g alice COUNT 1 STREAMS s >")
    run.advance(1000)
    run("XREADGROUP GROUP g bob STREAMS s >")
    one = b"*4\r\n$3\r\n1-0\r\n$5\r\nalice\r\n:1000\r\n:1\r\n"
    assert run("XPENDING s g IDLE 500 - + 10") == entries(one)
    assert run("XPENDING s g - + 10 alice") == entries(one)
    assert run("XPENDING s g (1 + 1") == entries(b"*4\r\n$3\r\n2-0\r\n$3\r\nbob\r\n:0\r\n:1\r\n")
    assert run("XPENDING s g - + 10 nobody") == b"*0\r\n"


def test_claiming_takes_idle_entries_over(run: Run) -> None:
    fill(run, "s", 3)
    run("XGROUP CREATE s g 0")
    run("XREADGROUP GROUP g alice STREAMS s >")
    assert run("XCLAIM s g bob 1000 1") == b"*0\r\n"
    run.advance(1000)
    assert run("XCLAIM s g bob 1000 1 RETRYCOUNT 7 IDLE 50") == entries(entry(b"1-0", b"n", b"1"))
    assert run("XPENDING s g - + 1 bob") == entries(b"*4\r\n$3\r\n1-0\r\n$3\r\nbob\r\n:50\r\n:7\r\n")
    run("XDEL s 2")
    assert run("XCLAIM s g bob 0 2 3 JUSTID") == bulk_array([b"3-0"])
    assert run("XPENDING s g").startswith(b"*4\r\n:2\r\n")
    assert run("XCLAIM s g bob 0 1 BAD") == b"-ERR Unrecognized XCLAIM option 'BAD'\r\n"


def test_xautoclaim_goes_on_where_it_stopped_and_drops_deleted_entries(run: Run) -> None:
    fill(run, "s", 5)
    run("XGROUP CREATE s g 0")
    run("XREADGROUP GROUP g alice STREAMS s >")
    run("XDEL s 2")
    run.advance(100)
    assert run("XAUTOCLAIM s g bob 100 0 COUNT 3") == (
        b"*3\r\n$3\r\n4-0\r\n" + entries(entry(b"1-0", b"n", b"1"), entry(b"3-0", b"n", b"3")) + b"*1\r\n$3\r\n2-0\r\n"
    )
    assert run("XAUTOCLAIM s g bob 100 4-0 JUSTID") == b"*3\r\n$3\r\n0-0\r\n*2\r\n$3\r\n4-0\r\n$3\r\n5-0\r\n*0\r\n"
    assert run("XAUTOCLAIM s g bob 100 0 COUNT 0") == b"-ERR COUNT must be > 0\r\n"
