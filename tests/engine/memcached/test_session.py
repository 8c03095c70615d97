"""How the stream is cut into requests: in every portion in which it may arrive, and with a file of users."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.memcached.conftest import Server, StartServer

from cachetwin_engine.memcached.settings import Settings

REQUESTS = (
    b"set a 1 0 5\r\nhe\r\nl\r\nget a b\r\nset b 0 0 0\r\n\r\ngets a\r\nmg a v\r\nms c 3 c\r\nabc\r\n"
    b"bad\r\nincr a 1\r\nset n 0 0 1\n5\r\nincr n 1\nms big 700000\r\n" + b"x" * 700_000 + b"\r\nmn\r\n"
)


def replies(pieces: list[bytes]) -> bytes:
    client = Server(Settings()).client()
    return b"".join(client.raw(piece) for piece in pieces)


def test_requests_may_come_byte_by_byte() -> None:
    short = REQUESTS[:200]
    assert replies([bytes([byte]) for byte in short]) == replies([short])


@given(st.lists(st.integers(0, len(REQUESTS)), max_size=8))
@settings(max_examples=60, deadline=None)
def test_requests_may_come_in_any_pieces(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(REQUESTS)]
    pieces = [REQUESTS[begin:end] for begin, end in itertools.pairwise(places)]
    assert replies(pieces) == replies([REQUESTS])


def test_a_value_that_is_too_large_is_skipped_in_pieces() -> None:
    size = 3_000_000
    stream = b"set k 0 0 %d\r\n" % size + b"x" * size + b"\r\nversion\r\n"
    pieces = [stream[at : at + 65_536] for at in range(0, len(stream), 65_536)]
    assert replies(pieces) == b"SERVER_ERROR object too large for cache\r\nVERSION 1.6.22\r\n"


def test_a_long_line_closes_the_connection_unless_it_is_a_get() -> None:
    client = Server(Settings()).client()
    client.raw(b"set " + b"k" * 3000)
    assert client.session.closing
    client = Server(Settings()).client()
    keys = b" ".join(b"k%d" % number for number in range(100_000))
    client.raw(b"get " + keys[:3000])
    assert not client.session.closing
    assert client.raw(keys[3000:] + b"\r\n") == b"END\r\n"


def test_a_get_without_an_end_is_bounded() -> None:
    client = Server(Settings()).client()
    for _ in range(10):
        client.raw(b"get " + b"k " * 1_000_000)
        if client.session.closing:
            break
    assert client.session.closing


def test_many_large_replies_are_made_in_portions() -> None:
    client = Server(Settings()).client()
    client.raw(b"set k 0 0 500000\r\n" + b"x" * 500_000 + b"\r\n")
    first = client.session.feed(b"get " + b"k " * 100 + b"\r\nversion\r\n")
    assert client.session.has_more
    assert len(first) < 3_000_000
    rest = first + client.raw(b"")
    assert rest.count(b"VALUE k 0 500000\r\n") == 100
    assert rest.endswith(b"END\r\nVERSION 1.6.22\r\n")


def test_one_client_s_requests_end_its_turn_after_some(start: StartServer) -> None:
    server = start(requests_per_event=3)
    client = server.client()
    assert client.session.feed(b"version\r\n" * 7).count(b"VERSION") == 3
    assert client.raw(b"").count(b"VERSION") == 4
    assert b"STAT conn_yields 2\r\n" in client("stats")


def test_words_may_have_blanks_between_and_a_nul_ends_the_line() -> None:
    client = Server(Settings()).client()
    assert client("  set   a  0 0   1 \nx") == b"STORED\r\n"
    assert client("get  a ") == b"VALUE a 0 1\r\nx\r\nEND\r\n"
    assert client("get a\0b") == b"VALUE a 0 1\r\nx\r\nEND\r\n"


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("get a", b"CLIENT_ERROR unauthenticated\r\n"),
        ("set a 0 0 x\n", b"CLIENT_ERROR unauthenticated\r\n"),
        ("set a 0 0 3\nann", b"CLIENT_ERROR bad authentication token format\r\n"),
        ("set a 0 0 9\nann wrong", b"CLIENT_ERROR authentication failure\r\n"),
        ("set a 0 0 2\nann secret", b"CLIENT_ERROR bad command line termination\r\n"),
    ],
)
def test_a_client_has_to_name_a_user_of_the_file(start: StartServer, text: str, reply: bytes) -> None:
    server = start(auth_file=b"users", protocol=b"ascii")
    server.engine.state.credentials = [(b"ann", b"secret"), (b"bob", b"other")]
    client = server.client()
    assert client(text).startswith(reply)


def test_a_client_that_has_is_served(start: StartServer) -> None:
    server = start(auth_file=b"users", protocol=b"ascii")
    server.engine.state.credentials = [(b"ann", b"secret"), (b"bob", b"other")]
    client = server.client()
    assert client("set x 0 0 9\nbob other\nget a") == b"STORED\r\nEND\r\n"
    assert b"STAT auth_cmds 1\r\n" in client("stats")


def test_an_unauthenticated_client_cannot_fill_the_memory(start: StartServer) -> None:
    for data in (b"x" * 5000, b"set a 0 0 999999\r\n"):
        client = start(auth_file=b"users", protocol=b"ascii").client()
        client.raw(data)
        assert client.session.closing


def test_more_replies_than_their_buffers_hold_end_the_connection(start: StartServer) -> None:
    server = start(read_buffer_limit=1 << 20, threads=32, requests_per_event=500)
    client = server.client()
    assert client("get " + " ".join(["k"] * 500)) == b"SERVER_ERROR out of memory writing get response\r\n"
    assert client("get k k") == b"END\r\n"
    assert client.raw(b"mg k v\r\n" * 500) == b""
    assert client.session.closing
    assert server.client()("stats").count(b"STAT response_obj_oom 2\r\n") == 1
