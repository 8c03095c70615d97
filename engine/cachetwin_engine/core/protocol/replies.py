"""RESP replies as bytes. Types that differ between RESP2 and RESP3 are methods of ``Context``, which knows the protocol."""

from typing import Final

from librt.strings import BytesWriter
from mypy_extensions import i64

CRLF: Final = b"\r\n"
OK: Final = b"+OK\r\n"
QUEUED: Final = b"+QUEUED\r\n"
PONG: Final = b"+PONG\r\n"
ZERO: Final = b":0\r\n"
ONE: Final = b":1\r\n"
EMPTY_ARRAY: Final = b"*0\r\n"
EMPTY_BULK: Final = b"$0\r\n\r\n"
NULL_BULK_2: Final = b"$-1\r\n"
NULL_ARRAY_2: Final = b"*-1\r\n"
NULL_3: Final = b"_\r\n"

_SMALL: Final = 1024
_MANY: Final = 1024  # values of an array
_NOTHING: Final[list[bytes]] = [b""]
_BULK_HEADERS: Final[list[bytes]] = [b"$%d\r\n" % n for n in range(_SMALL)]
_NEXT_BULK_HEADERS: Final[list[bytes]] = [b"\r\n$%d\r\n" % n for n in range(_SMALL)]  # behind what came before

_THOUSAND: Final = 1000
_INTEGERS: Final[list[bytes]] = [b":%d\r\n" % n for n in range(_THOUSAND)]
_INTEGER_HEADS: Final[list[bytes]] = [b":%d" % n for n in range(_THOUSAND)]
_INTEGER_ENDS: Final[list[bytes]] = [b"%03d\r\n" % n for n in range(_THOUSAND)]


def bulk(value: bytes) -> bytes:
    """A bulk string."""
    size = len(value)
    if size < _SMALL:
        return b"%b%b\r\n" % (_BULK_HEADERS[size], value)
    return b"$%d\r\n%b\r\n" % (size, value)


def integer(value: int) -> bytes:
    """A signed 64-bit integer."""
    if 0 <= value < 1_000_000:
        number: i64 = value
        if number < _THOUSAND:
            return _INTEGERS[number]
        return b"%b%b" % (_INTEGER_HEADS[number // _THOUSAND], _INTEGER_ENDS[number % _THOUSAND])
    return b":%d\r\n" % value


def simple(text: bytes) -> bytes:
    """A simple string; ``text`` holds no line end."""
    return b"+" + text + CRLF


def error(line: bytes) -> bytes:
    """An error reply; ``line`` starts with its code."""
    return b"-" + line + CRLF


def array(items: list[bytes]) -> bytes:
    """An array of replies that are encoded already."""
    return b"*%d\r\n" % len(items) + b"".join(items)


def array_header(count: int) -> bytes:
    """The head of an array whose ``count`` items follow."""
    return b"*%d\r\n" % count


def _long_bulk_array(values: list[bytes]) -> bytes:
    """The same with many values: a list of all parts would take more memory than the reply."""
    out = BytesWriter()
    out.write(b"*%d" % len(values))
    for value in values:
        size = len(value)
        out.write(_NEXT_BULK_HEADERS[size] if size < _SMALL else b"\r\n$%d\r\n" % size)
        out.write(value)
    out.write(CRLF)
    return out.getvalue()


def bulk_array(values: list[bytes]) -> bytes:
    """An array of bulk strings."""
    count = len(values)
    if count >= _MANY:
        return _long_bulk_array(values)
    parts = _NOTHING * (2 * count + 2)  # places made at once cost less than letting the list grow
    parts[0] = b"*%d" % count
    parts[-1] = CRLF
    at: i64 = 1
    for value in values:
        size = len(value)
        parts[at] = _NEXT_BULK_HEADERS[size] if size < _SMALL else b"\r\n$%d\r\n" % size
        parts[at + 1] = value
        at += 2
    return b"".join(parts)
