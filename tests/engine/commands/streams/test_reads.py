"""XRANGE and XREAD: ranges, and clients that wait for entries."""

from tests.engine.in_process import Run

from cachetwin_engine.core.protocol.replies import bulk, bulk_array

NULL_ARRAY = b"*-1\r\n"


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


def test_ranges_run_both_ways_and_can_leave_their_ends_out(run: Run) -> None:
    fill(run, "s", 1000)
    assert run("XRANGE s 499 501") == entries(*(entry(b"%d-0" % at, b"n", b"%d" % at) for at in (499, 500, 501)))
    assert run("XRANGE s (499 (501-0") == entries(entry(b"500-0", b"n", b"500"))
    assert run("XREVRANGE s + - COUNT 2") == entries(entry(b"1000-0", b"n", b"1000"), entry(b"999-0", b"n", b"999"))
    assert run("XREVRANGE s 302 (299-5").startswith(b"*3\r\n")
    assert run("XRANGE s - + COUNT 250").startswith(b"*250\r\n")
    assert run("XRANGE s - + COUNT 0") == NULL_ARRAY
    assert run("XRANGE s 5 1") == b"*0\r\n"


def test_xread_answers_at_once_what_is_there(run: Run) -> None:
    fill(run, "s", 3)
    assert run("XREAD COUNT 1 STREAMS s missing 1 0") == of(b"s", entry(b"2-0", b"n", b"2"))
    assert run("XREAD STREAMS s 3") == NULL_ARRAY
    assert run("XREAD STREAMS s +") == of(b"s", entry(b"3-0", b"n", b"3"))
    assert run.resp3()("XREAD STREAMS s 2") == b"%1\r\n" + bulk(b"s") + entries(entry(b"3-0", b"n", b"3"))


def test_everybody_who_waits_with_xread_gets_the_new_entry(run: Run) -> None:
    fill(run, "s", 1)
    first, second, writer = run, run.session(), run.session()
    assert first("XREAD BLOCK 0 STREAMS s $") == b""
    assert second("XREAD BLOCK 0 STREAMS other s 0 $") == b""
    writer("XADD s 2-0 n 2")
    assert first.received() == second.received() == of(b"s", entry(b"2-0", b"n", b"2"))


def test_a_deleted_entry_does_not_end_a_wait(run: Run) -> None:
    writer = run.session()
    fill(run, "s", 1)
    run("XREAD BLOCK 0 STREAMS s $")
    for line in ("MULTI", "XADD s 2-0 n 2", "XDEL s 2-0", "EXEC"):
        writer(line)
    assert run.received() == b""
    writer("XADD s 3-0 n 3")
    assert run.received() == of(b"s", entry(b"3-0", b"n", b"3"))


def test_a_wait_ends_with_null_when_its_time_is_over(run: Run) -> None:
    assert run("XREAD BLOCK 500 STREAMS s $") == b""
    run.advance(600)
    assert run.received() == NULL_ARRAY
