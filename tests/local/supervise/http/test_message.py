"""The proxy's parser: what it takes, what it refuses, and that it never differs with how bytes are cut."""

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cachetwin_local.supervise.http.message import (
    Body,
    ChunkedBody,
    LengthBody,
    ProtocolError,
    UntilCloseBody,
    parse_request_head,
    parse_response_head,
    request_body,
    response_body,
)

CHUNKED = b"4;name=value\r\nWiki\r\n0A \r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n"


def test_a_request_head_keeps_its_lines_as_they_came() -> None:
    head = parse_request_head(b"GET /a?b=c HTTP/1.1\r\nHost: shop\r\nX-Odd:  two words \r\n")
    assert (head.method, head.target, head.minor, head.keeps_alive) == (b"GET", b"/a?b=c", 1, True)
    assert [(each.name, each.value, each.line) for each in head.fields] == [
        (b"host", b"shop", b"Host: shop"),
        (b"x-odd", b"two words", b"X-Odd:  two words "),
    ]


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\n",  # no Host
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n",
        b"GET / HTTP/1.1\r\nHost : a\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n",
        b"GET / HTTP/1.1\nHost: a\r\n",
        b"GET / HTTP/1.1\r\nHost: a\nX: b\r\n",
        b"GET / HTTP/1.1\r\nHost: a\x00\r\n",
        b"GET  / HTTP/1.1\r\nHost: a\r\n",
        b"GET /a b HTTP/1.1\r\nHost: a\r\n",
        b"GET / HTTP/2.0\r\nHost: a\r\n",
        b"GET /\r\nHost: a\r\n",
        b"G\xc3T / HTTP/1.1\r\nHost: a\r\n",
    ],
)
def test_a_request_that_could_be_understood_in_two_ways_is_refused(head: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse_request_head(head)


@pytest.mark.parametrize(
    "fields",
    [
        b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 3\r\nContent-Length: 4\r\n",
        b"Content-Length: 3, 3\r\n",
        b"Content-Length: +3\r\n",
        b"Content-Length: 0x3\r\n",
        b"Content-Length:\r\n",
        b"Transfer-Encoding: gzip, chunked\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    ],
)
def test_a_length_that_is_not_certain_is_refused(fields: bytes) -> None:
    with pytest.raises(ProtocolError):
        request_body(parse_request_head(b"POST / HTTP/1.1\r\nHost: a\r\n" + fields))


@pytest.mark.parametrize(
    ("method", "head", "kind"),
    [
        (b"GET", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n", LengthBody),
        (b"GET", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n", ChunkedBody),
        (b"GET", b"HTTP/1.1 200\r\n", UntilCloseBody),
        (b"HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n", LengthBody),
        (b"GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n", LengthBody),
    ],
)
def test_the_body_of_a_response_follows_from_its_head_and_the_method(
    method: bytes, head: bytes, kind: type[Body]
) -> None:
    parsed = parse_response_head(head)
    body = response_body(parsed, method)
    assert type(body) is kind
    assert body.done is (method == b"HEAD" or parsed.status_code == 304)


def test_the_status_line_goes_on_with_our_own_version() -> None:
    assert parse_response_head(b"HTTP/1.0 404 Not here\r\n").start == b"HTTP/1.1 404 Not here"
    assert parse_response_head(b"HTTP/1.1 299\r\n").start == b"HTTP/1.1 299 "


@pytest.mark.parametrize("response", [b"HTTP/1.1 20 OK\r\n", b"ICY 200 OK\r\n", b"HTTP/1.1 200 OK\r\nX y\r\n"])
def test_what_is_no_response_is_refused(response: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse_response_head(response)


@pytest.mark.parametrize("size", range(1, len(CHUNKED) + 1))
def test_chunks_end_at_the_same_place_however_they_are_cut(size: int) -> None:
    body, content, taken = ChunkedBody(), b"", 0
    stream = CHUNKED + b"GET /next"
    for at in range(0, len(stream), size):
        if body.done:
            break
        taken += body.take(stream[at : at + size])
        content += body.content
    assert (body.done, taken, content) == (True, len(CHUNKED), b"Wiki0123456789")


@pytest.mark.parametrize(
    "chunks",
    [
        b"\r\n",
        b"4\nWiki\r\n",
        b"4\r\nWikis\r\n",
        b"x\r\n",
        b"-1\r\n",
        b"0\r\nno trailer\r\n",
        b"1" * 16 + b"\r\n",
        b"1" * 2000,
    ],
)
def test_damaged_chunks_are_refused(chunks: bytes) -> None:
    with pytest.raises(ProtocolError):
        ChunkedBody().take(chunks)


LINES = st.sampled_from(
    [
        b"Host: a",
        b"host: b:80",
        b"Content-Length: 5",
        b"Content-Length: 6",
        b"content-length: 5",
        b"Transfer-Encoding: chunked",
        b"Transfer-Encoding: identity",
        b"Connection: close",
        b"X: \x80\xff",
        b"X:",
        b" folded",
        b"X : y",
        b"no colon",
        b"X: \x01",
    ]
)
STARTS = st.sampled_from(
    [b"GET / HTTP/1.1", b"POST /x HTTP/1.0", b"GET /  HTTP/1.1", b"get\t/ HTTP/1.1", b"GET / HTTP/1.9"]
)


@given(start=STARTS, lines=st.lists(LINES, max_size=5))
@settings(max_examples=400, deadline=None)
def test_what_is_taken_is_understood_by_another_parser_in_the_same_way(start: bytes, lines: list[bytes]) -> None:
    head = b"\r\n".join([start, *lines]) + b"\r\n"
    try:
        request = parse_request_head(head)
        body = request_body(request)
    except ProtocolError:
        return
    other = h11.Connection(h11.SERVER)
    other.receive_data(head + b"\r\n" + (b"5\r\nabcde\r\n0\r\n\r\n" if isinstance(body, ChunkedBody) else b"abcde"))
    event = other.next_event()
    assert isinstance(event, h11.Request)
    assert (event.method, event.target) == (request.method, request.target)
    assert list(event.headers) == [(each.name, each.value) for each in request.fields]
    data = other.next_event()
    assert isinstance(data, h11.EndOfMessage if body.done else h11.Data)
    if isinstance(data, h11.Data):
        assert data.data == b"abcde"
