"""XINFO."""

from tests.engine.in_process import Run

from cachetwin_engine.core.protocol.replies import bulk, bulk_array


def ints(number: int) -> bytes:
    return b":%d\r\n" % number


def entry(entry_id: bytes, *items: bytes) -> bytes:
    """An entry as it is shown."""
    return b"*2\r\n" + bulk(entry_id) + bulk_array(list(items))


def entries(*shown: bytes) -> bytes:
    return b"*%d\r\n" % len(shown) + b"".join(shown)


def fill(run: Run, key: str, count: int) -> None:
    """Entries ``1-0``, ``2-0``, ... that hold their number."""
    for at in range(1, count + 1):
        assert run.args("XADD", key, f"{at}-0", "n", at) == bulk(b"%d-0" % at)


def test_xinfo_full_shows_groups_and_consumers(run: Run) -> None:
    fill(run, "s", 2)
    run("XGROUP CREATE s g 0")
    run("XREADGROUP GROUP g alice STREAMS s >")
    reply = run.resp3()("XINFO STREAM s FULL COUNT 1")
    assert reply.startswith(b"%9\r\n$6\r\nlength\r\n:2\r\n")
    assert bulk(b"entries") + entries(entry(b"1-0", b"n", b"1")) in reply
    assert bulk(b"pending") + b"*1\r\n*4\r\n$3\r\n1-0\r\n$5\r\nalice\r\n" in reply
    assert bulk(b"pel-count") + ints(2) in reply
