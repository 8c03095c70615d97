"""XADD, XDEL, XTRIM and XSETID: entries and their IDs."""

import pytest
from tests.engine.in_process import Run

from cachetwin_engine.core.protocol.replies import bulk, bulk_array
from cachetwin_engine.core.types.streams.entry import items_of
from cachetwin_engine.core.types.streams.stream import Stream

NULL = b"$-1\r\n"


_UNBALANCED = b"ERR Unbalanced 'xread' list of streams: for each stream key an ID or '$' must be specified."


_KEY_MUST_EXIST = (
    b"ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM"
    b" option to create an empty stream automatically."
)


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


def test_ids_are_the_time_and_never_go_back(run: Run) -> None:
    now = run.now_ms
    assert run("XADD s * f v") == bulk(b"%d-0" % now)
    assert run("XADD s * f v") == bulk(b"%d-1" % now)
    run.advance(5)
    assert run("XADD s * f v") == bulk(b"%d-0" % (now + 5))
    assert run(f"XADD s {now + 100}-7 f v") == bulk(b"%d-7" % (now + 100))
    assert run("XADD s * f v") == bulk(b"%d-8" % (now + 100))
    assert run(f"XADD s {now + 200}-* f v") == bulk(b"%d-0" % (now + 200))
    assert run(f"XADD s {now + 200}-* f v") == bulk(b"%d-1" % (now + 200))


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("XADD s 5-0 f v", b"ERR The ID specified in XADD is equal or smaller than the target stream top item"),
        ("XADD s 4-* f v", b"ERR The ID specified in XADD is equal or smaller than the target stream top item"),
        ("XADD s 0-0 f v", b"ERR The ID specified in XADD must be greater than 0-0"),
        ("XADD s x f v", b"ERR Invalid stream ID specified as stream command argument"),
        ("XADD s 9-*-1 f v", b"ERR Invalid stream ID specified as stream command argument"),
        ("XADD s * f", b"ERR wrong number of arguments for 'xadd' command"),
        ("XADD s * f v g", b"ERR wrong number of arguments for 'xadd' command"),
        ("XADD s MAXLEN -1 * f v", b"ERR The MAXLEN argument must be >= 0."),
        ("XADD s MAXLEN 1 LIMIT 3 * f v", b"ERR syntax error, LIMIT cannot be used without the special ~ option"),
        (
            "XADD s MAXLEN 1 MINID 1 * f v",
            b"ERR syntax error, MAXLEN and MINID options at the same time are not compatible",
        ),
        ("XTRIM s LIMIT 1 x", b"ERR syntax error"),
        ("XRANGE s (18446744073709551615-18446744073709551615 +", b"ERR invalid start ID for the interval"),
        ("XRANGE s - (0-0", b"ERR invalid end ID for the interval"),
        ("XREAD STREAMS s t 0", _UNBALANCED),
        ("XREAD COUNT 1 x s 0", b"ERR syntax error"),
        ("XREAD BLOCK -1 STREAMS s 0", b"ERR timeout is negative"),
        ("XREADGROUP COUNT 1 NOACK NOACK STREAMS s >", b"ERR Missing GROUP option for XREADGROUP"),
        (
            "XREADGROUP GROUP g c STREAMS s >",
            b"NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option",
        ),
        ("XGROUP DESTROY missing g", _KEY_MUST_EXIST),
        ("XGROUP CREATECONSUMER s g c", b"NOGROUP No such consumer group 'g' for key name 's'"),
        ("XPENDING s g", b"NOGROUP No such key 's' or consumer group 'g'"),
        ("XSETID s 4", b"ERR The ID specified in XSETID is smaller than the target stream top item"),
        ("XINFO STREAM missing", b"ERR no such key"),
    ],
)  # fmt: skip
def test_bad_arguments_are_named(run: Run, line: str, problem: bytes) -> None:
    run("XADD s 5-0 f v")
    assert run(line) == b"-" + problem + b"\r\n"


def test_nomkstream_adds_to_existing_streams_only(run: Run) -> None:
    assert run("XADD s NOMKSTREAM * f v") == NULL
    assert run("EXISTS s") == ints(0)


def test_deleted_entries_are_gone_and_remembered_by_their_highest_id(run: Run) -> None:
    fill(run, "s", 300)
    assert run("XDEL s 1 150 150 300 999") == ints(3)
    assert run("XLEN s") == ints(297)
    assert run("XRANGE s 149 151") == entries(entry(b"149-0", b"n", b"149"), entry(b"151-0", b"n", b"151"))
    info = run("XINFO STREAM s")
    assert bulk(b"max-deleted-entry-id") + bulk(b"300-0") in info
    assert bulk(b"recorded-first-entry-id") + bulk(b"2-0") in info
    assert run("XADD s 300-0 f v").startswith(b"-ERR The ID specified in XADD is equal or smaller")


@pytest.mark.parametrize(
    ("line", "removed"),
    [
        ("XTRIM s MAXLEN 550", 450),
        ("XTRIM s MAXLEN = 2000", 0),
        ("XTRIM s MAXLEN ~ 550", 400),  # whole leaves of 100
        ("XTRIM s MAXLEN ~ 550 LIMIT 250", 200),
        ("XTRIM s MINID 451", 450),
        ("XTRIM s MINID ~ 451", 400),
        ("XTRIM s MAXLEN 0", 1000),
    ],
)
def test_trimming_takes_the_oldest_and_with_a_tilde_whole_leaves(run: Run, line: str, removed: int) -> None:
    fill(run, "s", 1000)
    assert run(line) == ints(removed)
    assert run("XLEN s") == ints(1000 - removed)
    if removed < 1000:
        assert run("XRANGE s - + COUNT 1") == entries(entry(b"%d-0" % (removed + 1), b"n", b"%d" % (removed + 1)))


def test_entries_keep_any_bytes_and_repeated_fields(run: Run) -> None:
    items = [b"a", b"", b"a", b"\r\n", b"$3", b"\x00\xff"]
    run.args("XADD", "s", "1-1", *items)
    assert run("XRANGE s - +") == entries(entry(b"1-1", *items))
    stream = run.client.context.db.peek(b"s")
    assert isinstance(stream, Stream)
    shown = stream.get((1 << 64) + 1)
    assert shown is not None
    assert items_of(shown) == items


def test_an_exhausted_stream_takes_no_more(run: Run) -> None:
    run("XADD s 18446744073709551615-18446744073709551615 f v")
    assert run("XADD s * f v").startswith(b"-ERR The stream has exhausted the last possible ID")


def test_a_copy_of_a_stream_lives_its_own_life(run: Run) -> None:
    fill(run, "s", 3)
    run("XGROUP CREATE s g 0")
    run("XREADGROUP GROUP g alice STREAMS s >")
    stream = run.client.context.db.peek(b"s")
    assert isinstance(stream, Stream)
    run.client.context.db.put(b"t", stream.copied())
    run("XACK s g 1")
    run("XDEL s 2")
    run("XADD s 9 f v")
    assert run("XLEN t") == ints(3)
    assert run("XPENDING t g").startswith(b"*4\r\n:3\r\n")
    assert run("XPENDING s g").startswith(b"*4\r\n:2\r\n")


def test_xsetid_moves_the_last_id_and_the_counters(run: Run) -> None:
    fill(run, "s", 2)
    assert run("XSETID s 9-9 ENTRIESADDED 100 MAXDELETEDID 3-0") == b"+OK\r\n"
    info = run("XINFO STREAM s")
    assert bulk(b"entries-added") + ints(100) in info
    assert bulk(b"last-generated-id") + bulk(b"9-9") in info
    assert bulk(b"max-deleted-entry-id") + bulk(b"3-0") in info


def test_effects_say_what_happened_not_what_was_asked(run: Run) -> None:
    run.replicate()
    now = b"%d" % run.now_ms
    run("XADD s MAXLEN ~ 5 LIMIT 10 * f v")
    run("XGROUP CREATE s g 0")
    run("XREADGROUP GROUP g alice STREAMS s >")
    run("XACK s g " + now.decode())
    assert [args for _, args in run.propagated()] == [
        [b"XADD", b"s", b"MAXLEN", b"=", b"1", now + b"-0", b"f", b"v"],
        [b"XGROUP", b"CREATE", b"s", b"g", b"0"],
        [b"XCLAIM", b"s", b"g", b"alice", b"0", now + b"-0", b"TIME", now, b"RETRYCOUNT", b"1", b"FORCE", b"JUSTID",
         b"LASTID", now + b"-0"],
        [b"XGROUP", b"SETID", b"s", b"g", now + b"-0", b"ENTRIESREAD", b"1"],
        [b"XACK", b"s", b"g", now],
    ]  # fmt: skip
