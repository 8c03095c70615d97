"""Entries of a stream in their nodes."""

import pytest
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


def test_large_entries_fill_a_leaf_by_bytes(run: Run) -> None:
    for at in range(1, 11):
        run.args("XADD", "s", at, "f", "x" * 1500)
    assert bulk(b"radix-tree-keys") + ints(5) in run("XINFO STREAM s")


def test_ids_of_any_size_are_found_among_their_neighbours(run: Run) -> None:
    most = 2**64 - 1
    ids = [(0, 1), (0, most), (7, 0), (7, 10**17), (10**18 - 1, 10**18), (10**18, 0), (10**19, most - 1), (most, most)]
    texts = [b"%d-%d" % parts for parts in ids]
    for text in texts:
        assert run.args("XADD", "s", text, "f", text) == bulk(text)
    shown = [entry(text, b"f", text) for text in texts]
    for at, text in enumerate(texts):
        assert run.args("XRANGE", "s", text, text) == entries(shown[at])
        assert run.args("XREVRANGE", "s", "+", text) == entries(*shown[at:][::-1])
        assert run.args("XRANGE", "s", b"(" + text, "+") == entries(*shown[at + 1 :]) if at < len(ids) - 1 else True
        assert run.args("XREAD", "STREAMS", "s", text) == (
            of(b"s", *shown[at + 1 :]) if shown[at + 1 :] else NULL_ARRAY
        )
    payload = run("DUMP s").split(b"\r\n", 1)[1][:-2]
    assert run.args("RESTORE", "t", 0, payload) == b"+OK\r\n"
    assert run("XRANGE t - +") == entries(*shown)
    for text in texts[1::2]:
        assert run.args("XDEL", "s", text) == ints(1)
        assert run.args("XDEL", "s", text) == ints(0)
    assert run("XRANGE s - +") == entries(*shown[::2])


@pytest.mark.parametrize("size", [0, 1, 1023, 1024, 5000])
def test_long_fields_and_values_come_back(run: Run, size: int) -> None:
    word = b"x" * size
    for at, items in enumerate([[word, b"v"], [b"f", word], [word, b"v", b"f", word]], 1):
        assert run.args("XADD", "s", f"{at}-2000", *items) == bulk(b"%d-2000" % at)
        assert run.args("XRANGE", "s", f"{at}-2000", "+") == entries(entry(b"%d-2000" % at, *items))
