"""CBOR, as far as AWS's rpc-v2-cbor protocol uses it: CloudWatch's newest SDKs speak it. Pure. Source: RFC 8949.

A time is tag 1 with seconds since 1970; `decode` gives the seconds, and `encode` writes `Seconds` with the tag.
"""

import struct
from typing import Any, Final

__all__ = ["Seconds", "decode", "encode"]

_DEPTH_MAX: Final = 64
_BREAK: Final = object()


class Seconds(float):
    """A time in seconds since 1970."""


def decode(data: bytes) -> Any:  # noqa: ANN401  (whatever was encoded)
    """The value of `data`. Raises ValueError for what is cut off or is no CBOR of the protocol."""
    reader = _Reader(data)
    try:
        value = reader.value(0)
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise ValueError(f"must be CBOR, got {len(data)} bytes that are not: {error}") from None
    if value is _BREAK:
        raise ValueError("must be CBOR, got a break without a beginning")
    return value


def encode(value: object) -> bytes:
    """`value` as CBOR: numbers, strings, bytes, lists, dicts, booleans and None."""
    match value:
        case None:
            return b"\xf6"
        case bool():
            return b"\xf5" if value else b"\xf4"
        case Seconds():
            return b"\xc1\xfb" + struct.pack(">d", value)
        case int():
            return _head(0, value) if value >= 0 else _head(1, -1 - value)
        case float():
            return b"\xfb" + struct.pack(">d", value)
        case str():
            text = value.encode()
            return _head(3, len(text)) + text
        case bytes():
            return _head(2, len(value)) + value
        case list() | tuple():
            return _head(4, len(value)) + b"".join(map(encode, value))
        case dict():
            return _head(5, len(value)) + b"".join(encode(k) + encode(v) for k, v in value.items())
        case _:
            raise TypeError(f"CBOR here has no form for {type(value).__name__}")


def _head(major: int, count: int) -> bytes:
    first = major << 5
    if count < 24:
        return bytes([first | count])
    for size, form in ((24, ">B"), (25, ">H"), (26, ">I"), (27, ">Q")):
        if count < 1 << (8 * struct.calcsize(form)):
            return bytes([first | size]) + struct.pack(form, count)
    raise ValueError(f"CBOR's integers have 64 bits, got {count}")


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def value(self, depth: int) -> Any:  # noqa: ANN401
        if depth > _DEPTH_MAX:
            raise ValueError(f"must be nested at most {_DEPTH_MAX} deep")
        first = self._data[self._at]
        self._at += 1
        major, short = first >> 5, first & 31
        if major == 7:
            return self._simple(short)
        if short == 31:
            return self._indefinite(major, depth)
        count = self._count(short)
        match major:
            case 0:
                return count
            case 1:
                return -1 - count
            case 2:
                return self._bytes(count)
            case 3:
                return self._bytes(count).decode()
            case 4:
                return [self.value(depth + 1) for _ in range(self._bounded(count))]
            case 5:
                return {self.value(depth + 1): self.value(depth + 1) for _ in range(self._bounded(count))}
            case _:
                return self.value(depth + 1)  # a tag: of times only, whose value says it all

    def _simple(self, short: int) -> Any:  # noqa: ANN401
        match short:
            case 20 | 21:
                return short == 21
            case 22 | 23:
                return None
            case 25:
                return struct.unpack(">e", self._bytes(2))[0]
            case 26:
                return struct.unpack(">f", self._bytes(4))[0]
            case 27:
                return struct.unpack(">d", self._bytes(8))[0]
            case 31:
                return _BREAK
            case _:
                raise ValueError(f"must be a simple value of the protocol, got {short}")

    def _indefinite(self, major: int, depth: int) -> Any:  # noqa: ANN401
        items = []
        while (item := self.value(depth + 1)) is not _BREAK:
            items.append(item)
        match major:
            case 2:
                return b"".join(items)
            case 3:
                return "".join(items)
            case 4:
                return items
            case 5:
                return dict(zip(items[::2], items[1::2], strict=True))
            case _:
                raise ValueError(f"only strings, lists and maps may be open, got type {major}")

    def _count(self, short: int) -> int:
        if short < 24:
            return short
        form = {24: ">B", 25: ">H", 26: ">I", 27: ">Q"}.get(short)
        if form is None:
            raise ValueError(f"must be a length, got {short}")
        return int(struct.unpack(form, self._bytes(struct.calcsize(form)))[0])

    def _bounded(self, count: int) -> int:
        if count > len(self._data):
            raise ValueError("must have its items, got fewer")
        return count

    def _bytes(self, count: int) -> bytes:
        if self._at + count > len(self._data):
            raise ValueError("must be whole, got an end")
        found = self._data[self._at : self._at + count]
        self._at += count
        return found
