"""Consumer groups: delivery, what is pending, and claims."""

import pytest
from tests.engine.in_process import Run, StartRun

from cachetwin_engine.core.protocol.replies import bulk, bulk_array

NULL = b"$-1\r\n"


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


def test_a_group_shares_entries_out(run: Run) -> None:
    run("XGROUP CREATE s g $ MKSTREAM")
    alice, bob, writer = run, run.session(), run.session()
    assert alice("XREADGROUP GROUP g alice BLOCK 0 STREAMS s >") == b""
    assert bob("XREADGROUP GROUP g bob BLOCK 0 STREAMS s >") == b""
    writer("XADD s 1-0 n 1")
    writer("XADD s 2-0 n 2")
    assert alice.received() == of(b"s", entry(b"1-0", b"n", b"1"))
    assert bob.received() == of(b"s", entry(b"2-0", b"n", b"2"))


@pytest.mark.parametrize("line", ["XGROUP DESTROY s g", "DEL s"])
def test_who_waits_in_a_group_learns_that_it_went(run: Run, line: str) -> None:
    writer = run.session()
    run("XGROUP CREATE s g $ MKSTREAM")
    run("XREADGROUP GROUP g alice BLOCK 0 STREAMS s >")
    writer(line)
    assert run.received() == b"-NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option\r\n"


def test_groups_know_what_they_have_read_and_what_is_left(run: Run) -> None:
    fill(run, "s", 5)
    run("XGROUP CREATE s g 0")
    run("XREADGROUP GROUP g alice COUNT 2 STREAMS s >")
    assert run("XINFO GROUPS s").endswith(bulk(b"entries-read") + ints(2) + bulk(b"lag") + ints(3))
    run("XDEL s 4")
    assert run("XINFO GROUPS s").endswith(bulk(b"lag") + NULL)
    run("XGROUP SETID s g $")
    assert run("XINFO GROUPS s").endswith(bulk(b"entries-read") + NULL + bulk(b"lag") + ints(0))
    assert run("XGROUP SETID s g 1 ENTRIESREAD -2") == b"-ERR value for ENTRIESREAD must be positive or -1\r\n"


def test_deleting_a_consumer_drops_what_it_had_pending(run: Run) -> None:
    fill(run, "s", 3)
    run("XGROUP CREATE s g 0")
    assert run("XGROUP CREATECONSUMER s g alice") == ints(1)
    assert run("XGROUP CREATECONSUMER s g alice") == ints(0)
    run("XREADGROUP GROUP g alice COUNT 2 STREAMS s >")
    assert run("XGROUP DELCONSUMER s g alice") == ints(2)
    assert run("XPENDING s g").startswith(b"*4\r\n:0\r\n")
    assert run("XGROUP CREATE s g 0") == b"-BUSYGROUP Consumer Group name already exists\r\n"


def test_consumers_are_seen_when_they_ask_and_active_when_they_get(run: Run) -> None:
    run("XGROUP CREATE s g $ MKSTREAM")
    run("XREADGROUP GROUP g alice STREAMS s >")
    run.advance(70)
    head = b"*1\r\n*8\r\n$4\r\nname\r\n$5\r\nalice\r\n$7\r\npending\r\n:0\r\n$4\r\nidle\r\n:70\r\n$8\r\ninactive\r\n"
    assert run("XINFO CONSUMERS s g") == head + ints(-1)


def test_redis_7_makes_consumers_when_they_first_get_something(start_run: StartRun) -> None:
    run = start_run("redis-7.1")
    run("XGROUP CREATE s g $ MKSTREAM")
    run("XREADGROUP GROUP g alice STREAMS s >")
    assert run("XINFO CONSUMERS s g") == b"*0\r\n"


@pytest.mark.parametrize("other", ["", "SET s text"])
def test_who_waits_for_a_group_hears_that_its_database_was_exchanged(run: Run, other: str) -> None:
    run("SELECT 4")
    if other:
        run(other)
    run("SELECT 9")
    run("XGROUP CREATE s g $ MKSTREAM")
    waiting = run.session()
    waiting("SELECT 9")
    assert waiting("XREADGROUP GROUP g ann BLOCK 0 STREAMS s >") == b""
    assert run("SWAPDB 4 9") == b"+OK\r\n"
    assert waiting.received().startswith(b"-WRONGTYPE" if other else b"-NOGROUP")
