"""Streams and consumer groups on the wire."""

import pytest
from tests.engine.in_process import Run, StartRun

from cachetwin_engine.core.protocol.replies import bulk, bulk_array
from cachetwin_engine.core.types.stream import Stream
from cachetwin_engine.core.types.stream_entry import items_of

NULL = b"$-1\r\n"
NULL_ARRAY = b"*-1\r\n"
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


def of(key: bytes, *shown: bytes) -> bytes:
    """The RESP2 reply of XREAD for one stream."""
    return b"*1\r\n*2\r\n" + bulk(key) + entries(*shown)


def fill(run: Run, key: str, count: int) -> None:
    """Entries ``1-0``, ``2-0``, ... that hold their number."""
    for at in range(1, count + 1):
        assert run.args("XADD", key, f"{at}-0", "n", at) == bulk(b"%d-0" % at)


# -- adding and reading -----------------------------------------------------------------------------------------------


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


def test_ranges_run_both_ways_and_can_leave_their_ends_out(run: Run) -> None:
    fill(run, "s", 1000)
    assert run("XRANGE s 499 501") == entries(*(entry(b"%d-0" % at, b"n", b"%d" % at) for at in (499, 500, 501)))
    assert run("XRANGE s (499 (501-0") == entries(entry(b"500-0", b"n", b"500"))
    assert run("XREVRANGE s + - COUNT 2") == entries(entry(b"1000-0", b"n", b"1000"), entry(b"999-0", b"n", b"999"))
    assert run("XREVRANGE s 302 (299-5").startswith(b"*3\r\n")
    assert run("XRANGE s - + COUNT 250").startswith(b"*250\r\n")
    assert run("XRANGE s - + COUNT 0") == NULL_ARRAY
    assert run("XRANGE s 5 1") == b"*0\r\n"


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


def test_large_entries_fill_a_leaf_by_bytes(run: Run) -> None:
    for at in range(1, 11):
        run.args("XADD", "s", at, "f", "x" * 1500)
    assert bulk(b"radix-tree-keys") + ints(5) in run("XINFO STREAM s")


def test_entries_keep_any_bytes_and_repeated_fields(run: Run) -> None:
    items = [b"a", b"", b"a", b"\r\n", b"$3", b"\x00\xff"]
    run.args("XADD", "s", "1-1", *items)
    assert run("XRANGE s - +") == entries(entry(b"1-1", *items))
    stream = run.client.context.db.peek(b"s")
    assert isinstance(stream, Stream)
    shown = stream.get((1 << 64) + 1)
    assert shown is not None
    assert items_of(shown) == items


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


# -- waiting ----------------------------------------------------------------------------------------------------------


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


# -- groups -----------------------------------------------------------------------------------------------------------


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


def test_xinfo_full_shows_groups_and_consumers(run: Run) -> None:
    fill(run, "s", 2)
    run("XGROUP CREATE s g 0")
    run("XREADGROUP GROUP g alice STREAMS s >")
    reply = run.resp3()("XINFO STREAM s FULL COUNT 1")
    assert reply.startswith(b"%9\r\n$6\r\nlength\r\n:2\r\n")
    assert bulk(b"entries") + entries(entry(b"1-0", b"n", b"1")) in reply
    assert bulk(b"pending") + b"*1\r\n*4\r\n$3\r\n1-0\r\n$5\r\nalice\r\n" in reply
    assert bulk(b"pel-count") + ints(2) in reply


def test_xsetid_moves_the_last_id_and_the_counters(run: Run) -> None:
    fill(run, "s", 2)
    assert run("XSETID s 9-9 ENTRIESADDED 100 MAXDELETEDID 3-0") == b"+OK\r\n"
    info = run("XINFO STREAM s")
    assert bulk(b"entries-added") + ints(100) in info
    assert bulk(b"last-generated-id") + bulk(b"9-9") in info
    assert bulk(b"max-deleted-entry-id") + bulk(b"3-0") in info


# -- what replicas hear -----------------------------------------------------------------------------------------------


def test_effects_say_what_happened_not_what_was_asked(run: Run) -> None:
    run.replicate()
    now = b"%d" % run.now_ms
    run("XADD s MAXLEN ~ 5 LIMIT 10 * f v")
    run("XGROUP CREATE s g 0")
    run("XREADGROUP GROUP g alice STREAMS s >")
    run("XACK s g " + now.decode())
    assert [args for _, args in run.effects()] == [
        [b"XADD", b"s", b"MAXLEN", b"=", b"1", now + b"-0", b"f", b"v"],
        [b"XGROUP", b"CREATE", b"s", b"g", b"0"],
        [b"XCLAIM", b"s", b"g", b"alice", b"0", now + b"-0", b"TIME", now, b"RETRYCOUNT", b"1", b"FORCE", b"JUSTID",
         b"LASTID", now + b"-0"],
        [b"XGROUP", b"SETID", b"s", b"g", now + b"-0", b"ENTRIESREAD", b"1"],
        [b"XACK", b"s", b"g", now],
    ]  # fmt: skip


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
