"""The classic text protocol: storing, reading, counting, expiring."""

import pytest
from tests.engine.memcached.conftest import Client, Server, StartServer

BAD_FORMAT = b"CLIENT_ERROR bad command line format\r\n"
LONG_KEY = "k" * 251


def test_set_stores_a_value_with_its_flags(client: Client) -> None:
    assert client("set k 5 0 3\nabc") == b"STORED\r\n"
    assert client("get k") == b"VALUE k 5 3\r\nabc\r\nEND\r\n"


def test_get_answers_several_keys_and_leaves_missing_ones_out(client: Client) -> None:
    client("set a 0 0 1\n1")
    client("set b 0 0 1\n2")
    assert client("get a none b") == b"VALUE a 0 1\r\n1\r\nVALUE b 0 1\r\n2\r\nEND\r\n"
    assert client("get none") == b"END\r\n"


def test_gets_shows_a_number_that_each_change_makes_anew(client: Client) -> None:
    client("set k 0 0 1\n1")
    assert client("gets k") == b"VALUE k 0 1 1\r\n1\r\nEND\r\n"
    client("set k 0 0 1\n2")
    assert client("gets k") == b"VALUE k 0 1 2\r\n2\r\nEND\r\n"


def test_add_and_replace_look_whether_the_key_is_there(client: Client) -> None:
    assert client("replace k 0 0 1\n1") == b"NOT_STORED\r\n"
    assert client("add k 0 0 1\n2") == b"STORED\r\n"
    assert client("add k 0 0 1\n3") == b"NOT_STORED\r\n"
    assert client("replace k 0 0 1\n4") == b"STORED\r\n"
    assert client("get k") == b"VALUE k 0 1\r\n4\r\nEND\r\n"


def test_append_and_prepend_keep_flags_and_need_the_key(client: Client) -> None:
    assert client("append k 0 0 1\nx") == b"NOT_STORED\r\n"
    client("set k 7 0 1\nb")
    assert client("append k 9 0 1\nc") == b"STORED\r\n"
    assert client("prepend k 9 0 1\na") == b"STORED\r\n"
    assert client("get k") == b"VALUE k 7 3\r\nabc\r\nEND\r\n"


def test_cas_stores_only_with_the_number_that_is_still_current(client: Client) -> None:
    assert client("cas k 0 0 1 1\nx") == b"NOT_FOUND\r\n"
    client("set k 0 0 1\na")
    assert client("cas k 0 0 1 99\nx") == b"EXISTS\r\n"
    assert client("cas k 0 0 1 1\nb") == b"STORED\r\n"
    assert client("get k") == b"VALUE k 0 1\r\nb\r\nEND\r\n"


def test_incr_and_decr_count_within_64_bits(client: Client) -> None:
    client("set n 0 0 20\n18446744073709551615")
    assert client("incr n 1") == b"0\r\n"
    assert client("incr n 10") == b"10\r\n"
    assert client("decr n 11") == b"0\r\n"
    assert client("incr none 1") == b"NOT_FOUND\r\n"


def test_decr_keeps_the_length_and_fills_it_with_spaces(client: Client) -> None:
    client("set n 0 0 2\n10")
    assert client("decr n 1") == b"9\r\n"
    assert client("get n") == b"VALUE n 0 2\r\n9 \r\nEND\r\n"


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("incr k x", b"CLIENT_ERROR invalid numeric delta argument\r\n"),
        ("incr k -1", b"CLIENT_ERROR invalid numeric delta argument\r\n"),
        ("incr k 1", b"CLIENT_ERROR cannot increment or decrement non-numeric value\r\n"),
        ("incr k", b"ERROR\r\n"),
        (f"incr {LONG_KEY} 1", BAD_FORMAT),
        ("touch k x", b"CLIENT_ERROR invalid exptime argument\r\n"),
        (f"touch {LONG_KEY} 1", BAD_FORMAT),
        ("touch k", b"ERROR\r\n"),
        ("gat x k", b"CLIENT_ERROR invalid exptime argument\r\n"),
        ("gat", b"ERROR\r\n"),
        ("get", b"ERROR\r\n"),
        (f"get {LONG_KEY}", BAD_FORMAT),
        (f"get k {LONG_KEY}", BAD_FORMAT),
        ("set k 0 0", b"ERROR\r\n"),
        ("set k 0 0 -1", BAD_FORMAT),
        ("set k x 0 1", BAD_FORMAT),
        ("set k 0 x 1", BAD_FORMAT),
        ("set k -1 0 1", BAD_FORMAT),
        (f"set {LONG_KEY} 0 0 1", BAD_FORMAT),
        ("cas k 0 0 1 x", BAD_FORMAT),
        ("cas k 0 0 1", b"ERROR\r\n"),
        ("delete k 1", b"CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]\r\n"),
        ("delete k 1 noreply", b""),
        ("delete", b"ERROR\r\n"),
        (f"delete {LONG_KEY}", BAD_FORMAT),
        ("flush_all x", b"CLIENT_ERROR invalid exptime argument\r\n"),
        ("flush_all 1 2 3", b"ERROR\r\n"),
        ("verbosity", b"ERROR\r\n"),
        ("verbosity x", BAD_FORMAT),
        ("verbosity 1", b"OK\r\n"),
        ("cache_memlimit 1", b"MEMLIMIT_TOO_SMALL cannot set maxbytes to less than 8m\r\n"),
        ("cache_memlimit 2000000000", b"MEMLIMIT_ADJUST_FAILED input value is megabytes not bytes\r\n"),
        ("cache_memlimit x", b"ERROR\r\n"),
        ("cache_memlimit 64", b"OK\r\n"),
        ("shutdown", b"ERROR: shutdown not enabled\r\n"),
        ("refresh_certs", b"TLS is not enabled\r\n"),
        ("debugtime 5", b"ERROR\r\n"),
        ("version", b"VERSION 1.6.22\r\n"),
        ("nonsense", b"ERROR\r\n"),
        ("x", b"ERROR\r\n"),
        ("", b"ERROR\r\n"),
        ("GET k", b"ERROR\r\n"),
    ],
)
def test_errors_are_memcached_s_to_the_letter(client: Client, line: str, reply: bytes) -> None:
    client("set k 0 0 1\na")
    assert client(line) == reply


def test_delete_removes_a_key_and_takes_a_zero_from_old_clients(client: Client) -> None:
    client("set a 0 0 1\n1")
    assert client("delete a") == b"DELETED\r\n"
    assert client("delete a") == b"NOT_FOUND\r\n"
    client("set a 0 0 1\n1")
    assert client("delete a 0") == b"DELETED\r\n"


@pytest.mark.parametrize(
    "line",
    ["set k 0 0 1 noreply\n2", "add k 0 0 1 noreply\n2", "replace k 0 0 1 noreply\n2", "append k 0 0 1 noreply\n2",
     "prepend k 0 0 1 noreply\n2", "cas k 0 0 1 1 noreply\n2", "incr k 1 noreply", "decr k 1 noreply", "touch k 5 noreply",
     "delete k noreply", "delete k 0 noreply", "flush_all noreply", "flush_all 0 noreply", "verbosity 1 noreply",
     "cache_memlimit 64 noreply", "lru tune 10 25 0.1 2.0 noreply", "lru mode flat noreply", "lru temp_ttl -1 noreply",
     "slabs automove 0 noreply", "slabs automove ratio 0.5 noreply", "set k 0 0 2000000 noreply\n" + "x" * 2_000_000],
)  # fmt: skip
def test_noreply_leaves_the_reply_out(client: Client, line: str) -> None:
    client("set k 0 0 1\n1")
    assert client(line) == b""
    assert client("version") == b"VERSION 1.6.22\r\n"


def test_bget_is_get(client: Client) -> None:
    client("set k 5 0 1\nv")
    assert client("bget k none") == b"VALUE k 5 1\r\nv\r\nEND\r\n"


def test_a_value_without_its_line_end_is_an_error(client: Client) -> None:
    assert client.raw(b"set k 0 0 2\r\nabcd\r\n") == b"CLIENT_ERROR bad data chunk\r\nERROR\r\n"
    assert client("get k") == b"END\r\n"


def test_a_value_may_hold_any_bytes(client: Client) -> None:
    value = bytes(range(256)) + b"\r\nEND\r\n"
    assert client.raw(b"set k 0 0 %d\r\n%b\r\n" % (len(value), value)) == b"STORED\r\n"
    assert client("get k") == b"VALUE k 0 %d\r\n%b\r\nEND\r\n" % (len(value), value)


def test_a_time_to_live_ends_at_its_second(server: Server, client: Client) -> None:
    client("set k 0 10 1\na")
    server.advance(9)
    assert client("get k") == b"VALUE k 0 1\r\na\r\nEND\r\n"
    server.advance(1)
    assert client("get k") == b"END\r\n"


def test_a_negative_time_to_live_has_ended(client: Client) -> None:
    assert client("set k 0 -1 1\na") == b"STORED\r\n"
    assert client("get k") == b"END\r\n"


def test_a_time_beyond_thirty_days_is_a_point_in_time(server: Server, client: Client) -> None:
    month = 60 * 60 * 24 * 30
    client(f"set relative 0 {month} 1\na")
    client(f"set absolute 0 {1_700_000_000 + 100} 1\na")
    client(f"set past 0 {month + 1} 1\na")
    assert client("get past") == b"END\r\n"
    server.advance(99)
    assert client("get absolute") != b"END\r\n"
    server.advance(1)
    assert client("get absolute") == b"END\r\n"
    assert client("get relative") != b"END\r\n"


def test_touch_and_gat_set_the_time_to_live(server: Server, client: Client) -> None:
    client("set k 0 5 1\na")
    assert client("touch k 100") == b"TOUCHED\r\n"
    assert client("touch none 100") == b"NOT_FOUND\r\n"
    server.advance(50)
    assert client("gat 100 k none") == b"VALUE k 0 1\r\na\r\nEND\r\n"
    assert client("gats 100 k") == b"VALUE k 0 1 1\r\na\r\nEND\r\n"
    server.advance(99)
    assert client("get k") != b"END\r\n"
    server.advance(1)
    assert client("get k") == b"END\r\n"


def test_flush_all_forgets_what_was_stored_before(server: Server, client: Client) -> None:
    client("set a 0 0 1\n1")
    assert client("flush_all") == b"OK\r\n"
    assert client("get a") == b"END\r\n"
    client("set a 0 0 1\n2")
    assert client("get a") != b"END\r\n"
    assert client("flush_all 10") == b"OK\r\n"
    assert client("get a") != b"END\r\n"
    server.advance(10)
    assert client("get a") == b"END\r\n"


def test_flush_all_may_be_forbidden(start: StartServer) -> None:
    assert start(flush_enabled=False).client()("flush_all") == b"CLIENT_ERROR flush_all not allowed\r\n"


def test_a_value_that_is_too_large_removes_the_old_one(client: Client) -> None:
    client("set k 0 0 1\na")
    size = 1024 * 1024
    assert client(f"set k 0 0 {size}\n" + "x" * size) == b"SERVER_ERROR object too large for cache\r\n"
    assert client("get k") == b"END\r\n"


def test_quit_and_http_close_the_connection(server: Server) -> None:
    for line in ("quit", "GET / HTTP/1.1"):
        client = server.client()
        assert client(line) == b""
        assert client.session.closing


def test_shutdown_works_where_it_is_enabled(start: StartServer) -> None:
    server = start(shutdown_command=True)
    assert server.client()("shutdown now") == b"CLIENT_ERROR invalid shutdown mode\r\n"
    server.client()("shutdown graceful")
    assert server.engine.state.shutdown == b"graceful"


@pytest.mark.parametrize(
    ("request_", "reply"),
    [
        (b"set k x 0 3\r\nabc\r\n", b""),
        (b"set k 0 x 3\r\nabc\r\n", b""),
        (b"cas k 0 0 3\r\nabc\r\n", b""),
        (b"cas k 0 0 3 x\r\nabc\r\n", b""),
        (b"cas k 0 0 x 0\r\nabc\r\n", b"ERROR\r\n"),
        (b"set k 0 0\r\nabc\r\n", b"ERROR\r\n"),
        (b"get\r\n", b""),
        (b"\r\n", b""),
    ],
)
def test_1_6_45_skips_the_value_of_a_wrong_line_whose_size_it_could_read(
    start: StartServer, request_: bytes, reply: bytes
) -> None:
    client = start(version=b"1.6.45").client()
    assert client.raw(request_ + b"mn\r\n") == b"CLIENT_ERROR bad command line format\r\n" + reply + b"MN\r\n"


def test_1_6_45_takes_more_words_than_a_store_has(start: StartServer) -> None:
    assert start(version=b"1.6.45").client()("set k 0 0 3 4 5\nabc") == b"STORED\r\n"
    assert start().client()("set k 0 0 3 4 5") == b"ERROR\r\n"
