"""Requests as bytes: what is complete, what can never be, and the limits."""

import pytest
from tests.engine.in_process import Run, StartRun


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"*-99999999999999999999\r\n", b"invalid multibulk length"),
        (b"*2147483648\r\n", b"invalid multibulk length"),
        (b"*x\r\n", b"invalid multibulk length"),
        (b"*1\r\n!3\r\n", b"expected '$', got '!'"),
        (b"*1\r\n$x\r\n", b"invalid bulk length"),
        (b"*1\r\n$-1\r\n", b"invalid bulk length"),
        (b"*1\r\n$536870913\r\n", b"invalid bulk length"),
        (b'SET "open\r\n', b"unbalanced quotes in request"),
        (b"*" + b"1" * 70_000, b"too big mbulk count string"),
        (b"*1\r\n$" + b"\0" * 70_000, b"too big bulk count string"),
        (b"*1\r\n!" + b"3" * 70_000, b"too big bulk count string"),
        (b"x" * 70_000, b"too big inline request"),
    ],
)
def test_bytes_that_can_never_be_a_request_end_the_connection(run: Run, data: bytes, reason: bytes) -> None:
    reply = run.client.feed(data)
    assert reply == b"-ERR Protocol error: " + reason + b"\r\n"
    assert run.client.closing
    assert run.client.feed(b"PING\r\n") == b""


def test_a_wrong_length_is_said_when_its_line_is_complete(run: Run) -> None:
    assert run.client.feed(b"*x") == b""
    assert run.client.feed(b"\r\n") == b"-ERR Protocol error: invalid multibulk length\r\n"
    other = run.session().client
    assert other.feed(b"*1\r\r\n$3") == b""
    assert other.feed(b"\r\n") == b"-ERR Protocol error: expected '$', got ' '\r\n"


@pytest.mark.parametrize(("data", "reason"), [
    (b"*11\r\n", b"unauthenticated multibulk length"),
    (b"*1\r\n$16385\r\n", b"unauthenticated bulk length"),
])  # fmt: skip
def test_who_has_not_logged_in_may_ask_less(run: Run, data: bytes, reason: bytes) -> None:
    run("CONFIG SET requirepass secret")
    assert run.session().client.feed(data) == b"-ERR Protocol error: " + reason + b"\r\n"


def test_empty_requests_are_ignored(run: Run) -> None:
    assert run.client.feed(b"\r\n*0\r\n*-1\r\n  \r\nPING\r\n") == b"+PONG\r\n"


def test_a_smaller_bulk_limit_holds_for_connected_clients(run: Run) -> None:
    run("CONFIG SET proto-max-bulk-len 1mb")
    assert run.client.feed(b"*1\r\n$1048577\r\n") == b"-ERR Protocol error: invalid bulk length\r\n"


def test_too_large_a_request_ends_the_connection_before_it_is_complete(run: Run) -> None:
    run("CONFIG SET client-query-buffer-limit 1mb")
    assert run.client.feed(b"*2\r\n$3\r\nGET\r\n$3000000\r\n" + b"k" * 2_000_000) == b""
    assert run.client.closing
    assert b"client_query_buffer_limit_disconnections:1" in run.session()("INFO stats")


def test_queued_commands_count_for_the_query_buffer(run: Run) -> None:
    run("CONFIG SET client-query-buffer-limit 1mb")
    run("MULTI")
    for _ in range(3):
        run.args("SET", "k", b"v" * 400_000)
    assert run.client.closing


def test_room_for_a_large_argument_counts_from_its_header_on(run: Run) -> None:
    run("CONFIG SET maxmemory-clients 4mb")
    large = run.session()
    large.client.feed(b"*2\r\n$3\r\nGET\r\n$2000000\r\n" + b"k" * 10)
    info = run("CLIENT LIST").decode()
    assert " qbuf=13 qbuf-free=1999990 " in info
    assert not large.client.closing
    larger = run.session()
    larger.client.feed(b"*2\r\n$3\r\nGET\r\n$2500000\r\n")
    assert (large.client.closing, larger.client.closing) == (False, True)
    assert b"evicted_clients:1" in run("INFO stats")


WHOLE = b"*2\r\n$4\r\nECHO\r\n$5\r\nvalue\r\n"


NO_LINE_END = b"-ERR Protocol error: invalid CRLF in request\r\n"


@pytest.mark.parametrize("one_by_one", [False, True])
@pytest.mark.parametrize(
    ("place", "instead", "answer"),
    [
        (2, b"x\n", b"-ERR Protocol error: invalid multibulk length\r\n"),
        (2, b"\rx", NO_LINE_END),
        (6, b"x\n", b"-ERR Protocol error: invalid bulk length\r\n"),
        (6, b"\rx", NO_LINE_END),
        (12, b"x\n", NO_LINE_END),
        (12, b"\rx", NO_LINE_END),
        (16, b"\rx", NO_LINE_END),
        (23, b"x\n", NO_LINE_END),
        (23, b"\rx", NO_LINE_END),
    ],
)
def test_lines_end_where_they_should(
    start_run: StartRun, place: int, instead: bytes, answer: bytes, *, one_by_one: bool
) -> None:
    request = WHOLE[:place] + instead + WHOLE[place + 2 :]
    pieces = [request[at : at + 1] for at in range(len(request))] if one_by_one else [request]
    run = start_run("valkey-9.1")
    replies = b"".join([run.client.feed(piece) for piece in pieces])
    assert replies == answer
    assert run.client.closing


def test_until_9_1_what_ends_a_line_is_stepped_over(start_run: StartRun) -> None:
    run = start_run("valkey-9.0")
    assert run.client.feed(WHOLE[:12] + b"??" + WHOLE[14:23] + b"??") == b"$5\r\nvalue\r\n"


def test_words_may_be_quoted_in_parts_since_valkey_9(start_run: StartRun) -> None:
    line = 'set """tes"t-\'k\'e"y" "test"\'-\'value'
    run = start_run("valkey-9.0")
    assert run(line) == b"+OK\r\n"
    assert run("get test'-'key") == b"$10\r\ntest-value\r\n"
    assert start_run("valkey-8.1")(line) == b"-ERR Protocol error: unbalanced quotes in request\r\n"
    assert start_run("valkey-9.0")("set foo 'b'a'r") == b"-ERR Protocol error: unbalanced quotes in request\r\n"
