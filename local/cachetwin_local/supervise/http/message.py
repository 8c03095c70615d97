"""HTTP/1.1 messages as a proxy needs them: the head parsed, the end of the body found, the bytes left as they are.

Sans-IO and strict (RFC 9112): lines end with CRLF, no folded fields, no space before a colon, one length. What two
parsers could understand differently is refused, so that no request can hide in another's body. A head is at most 64 KB,
as an Application Load Balancer has it (quotas page).
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

__all__ = [
    "HEAD_BYTES_MAX",
    "Body",
    "ChunkedBody",
    "Field",
    "LengthBody",
    "ProtocolError",
    "RequestHead",
    "ResponseHead",
    "UntilCloseBody",
    "parse_request_head",
    "parse_response_head",
    "request_body",
    "response_body",
]

HEAD_BYTES_MAX = 65_536
_CHUNK_LINE_BYTES_MAX = 1_024
_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_TEXT = rb"[\t\x20-\x7e\x80-\xff]*"
_FIELDS = rb"((?:" + _TOKEN + rb":" + _TEXT + rb"\r\n)*)"
_REQUEST = re.compile(rb"(" + _TOKEN + rb") ([\x21-\x7e]+) HTTP/1\.([01])\r\n" + _FIELDS)
_RESPONSE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9][0-9])(?: (" + _TEXT + rb"))?\r\n" + _FIELDS)
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;" + _TEXT + rb")?\r\n")
_TRAILER = re.compile(_TOKEN + rb":" + _TEXT + rb"\r\n")
_LENGTH = re.compile(rb"[0-9]{1,18}")
_NO_BODY = frozenset({204, 304})


class ProtocolError(Exception):
    """The peer does not speak HTTP/1.1, or in a way that could be understood in two ways."""


class Field(NamedTuple):
    """A header field: its name in lower case, its value, and its line as it came."""

    name: bytes
    value: bytes
    line: bytes


class RequestHead(NamedTuple):
    """The request line and the fields. `minor` is 1 for HTTP/1.1, 0 for HTTP/1.0."""

    method: bytes
    target: bytes
    minor: int
    fields: tuple[Field, ...]

    @property
    def keeps_alive(self) -> bool:
        """Whether the client may send another request on its connection; not with HTTP/1.0."""
        return self.minor == 1 and b"close" not in _tokens(self.fields, b"connection")


class ResponseHead(NamedTuple):
    """The status line and the fields. `start` is the status line without its end, with our own version of HTTP."""

    start: bytes
    status_code: int
    minor: int
    fields: tuple[Field, ...]

    @property
    def keeps_alive(self) -> bool:
        """Whether the server takes another request on its connection."""
        return self.minor == 1 and b"close" not in _tokens(self.fields, b"connection")


def parse_request_head(head: bytes) -> RequestHead:
    """`head` is all up to the empty line, without it. Raises ProtocolError."""
    match = _REQUEST.fullmatch(head)
    if match is None:
        raise ProtocolError("not a request")
    method, target, minor, lines = match.groups()
    fields = _fields(lines)
    hosts = sum(field.name == b"host" for field in fields)
    if hosts > 1 or (hosts == 0 and minor == b"1"):
        raise ProtocolError("not one Host")
    return RequestHead(method, target, int(minor), fields)


def parse_response_head(head: bytes) -> ResponseHead:
    """`head` is all up to the empty line, without it. Raises ProtocolError."""
    match = _RESPONSE.fullmatch(head)
    if match is None:
        raise ProtocolError("not a response")
    minor, status_code, reason, lines = match.groups()
    start = b"HTTP/1.1 %b %b" % (status_code, reason or b"")
    return ResponseHead(start, int(status_code), int(minor), _fields(lines))


class Body:
    """Where a message's body ends. `done` is whether all of it was taken."""

    done = False

    def take(self, data: bytes) -> int:
        """How many bytes of `data`, which follows what was taken before, belong to the body. Raises ProtocolError."""
        raise NotImplementedError


class LengthBody(Body):
    """A body of as many bytes as its Content-Length says."""

    def __init__(self, length: int) -> None:
        self._left = length
        self.done = length == 0

    def take(self, data: bytes) -> int:
        """The next bytes, up to the length."""
        taken = min(self._left, len(data))
        self._left -= taken
        self.done = self._left == 0
        return taken


class UntilCloseBody(Body):
    """The body of a response without a length: it ends with the connection."""

    def take(self, data: bytes) -> int:
        """All of it."""
        return len(data)


class ChunkedBody(Body):
    """A body in chunks, with its trailer. `content` is what the last `take` found within the chunks."""

    def __init__(self) -> None:
        self.content = b""
        self._left = 0  # of the current chunk
        self._line = b""  # begun, not ended yet
        self._expected = "size"  # of the next line: size, end of a chunk, trailer
        self._trailer_bytes = 0

    def take(self, data: bytes) -> int:
        """The bytes up to the end of the trailer."""
        at, content = 0, []
        while at < len(data) and not self.done:
            if self._left:
                piece = data[at : at + self._left]
                self._left -= len(piece)
                content.append(piece)
                at += len(piece)
                continue
            end = data.find(b"\n", at) + 1 or len(data)
            self._line += data[at:end]
            at = end
            if self._line.endswith(b"\n"):
                line, self._line = self._line, b""
                self._end_line(line)
            elif len(self._line) > _CHUNK_LINE_BYTES_MAX:
                raise ProtocolError("a chunk's line is too long")
        self.content = b"".join(content)
        return at

    def _end_line(self, line: bytes) -> None:
        if self._expected == "size":
            match = _CHUNK.fullmatch(line)
            if match is None:
                raise ProtocolError("not a chunk")
            self._left = int(match[1], 16)
            self._expected = "end" if self._left else "trailer"
        elif self._expected == "end":
            if line != b"\r\n":
                raise ProtocolError("a chunk is longer than its size")
            self._expected = "size"
        elif line == b"\r\n":
            self.done = True
        else:
            self._trailer_bytes += len(line)
            if _TRAILER.fullmatch(line) is None or self._trailer_bytes > HEAD_BYTES_MAX:
                raise ProtocolError("not a trailer")


def request_body(head: RequestHead) -> Body:
    """The body of a request. Raises ProtocolError where its length is not certain."""
    length, chunked = _framing(head.fields, head.minor)
    if chunked and length is not None:
        raise ProtocolError("both a Content-Length and a Transfer-Encoding")
    return ChunkedBody() if chunked else LengthBody(length or 0)


def response_body(head: ResponseHead, method: bytes) -> Body:
    """The body of the response to a request of `method`. Raises ProtocolError."""
    length, chunked = _framing(head.fields, head.minor)
    if method == b"HEAD" or head.status_code in _NO_BODY:
        return LengthBody(0)
    if chunked:
        return ChunkedBody()
    return UntilCloseBody() if length is None else LengthBody(length)


def _framing(fields: Sequence[Field], minor: int) -> tuple[int | None, bool]:
    """The Content-Length if there is one, and whether the body is chunked."""
    lengths = [field.value for field in fields if field.name == b"content-length"]
    if len(lengths) > 1 or not all(map(_LENGTH.fullmatch, lengths)):
        raise ProtocolError("not one Content-Length")
    codings = [field.value.lower() for field in fields if field.name == b"transfer-encoding"]
    if codings and (codings != [b"chunked"] or minor == 0):
        raise ProtocolError("a Transfer-Encoding other than chunked")
    return (int(lengths[0]) if lengths else None), bool(codings)


def _fields(lines: bytes) -> tuple[Field, ...]:
    found = []
    for line in lines.split(b"\r\n")[:-1]:
        name, _, value = line.partition(b":")
        found.append(Field(name.lower(), value.strip(b" \t"), line))
    return tuple(found)


def _tokens(fields: Sequence[Field], name: bytes) -> set[bytes]:
    """The words of the lists in the fields `name`, in lower case."""
    return {word.strip().lower() for field in fields if field.name == name for word in field.value.split(b",")}
