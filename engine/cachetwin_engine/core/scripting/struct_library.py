"""``struct`` of scripts: numbers and strings packed by a format, as Roberto Ierusalimschy's library for Lua 5.1 reads it.

Formats: ``>`` ``<`` ``=`` byte order, ``!n`` alignment, ``x`` padding, ``b B h H l L T`` integers, ``in`` ``In`` those of
n bytes, ``f d`` floats, ``s`` a string up to a zero byte, ``cn`` n bytes (``c0``: all of it, or as many as the number
read before says).
"""

import struct
from typing import Final

_SIZES: Final = {"b": 1, "B": 1, "h": 2, "H": 2, "l": 8, "L": 8, "T": 8, "i": 4, "I": 4, "f": 4, "d": 8}
INTEGER_BYTES_MAX: Final = 32
_NATIVE_ALIGNMENT: Final = 8

Scalar = bytes | int | float | bool | None


class _Reader:
    """Walks a format; the state that it changes."""

    def __init__(self, text: str, what: str) -> None:
        self.text = text
        self.what = what  # the function, for errors
        self.at = 0
        self.little = True
        self.alignment = 1
        self.option = ""
        self.size = 0

    def next(self) -> bool:
        """The next option that takes room: its letter and size; False at the end."""
        while self.at < len(self.text):
            letter = self.text[self.at]
            self.at += 1
            if letter == " ":
                continue
            if letter in "<>=":
                self.little = letter != ">"
            elif letter == "!":
                self.alignment = self._number(_NATIVE_ALIGNMENT)
                if self.alignment <= 0 or self.alignment & (self.alignment - 1):
                    raise ValueError("alignment is not a power of 2")
            else:
                self.option = letter
                self.size = self._size(letter)
                return True
        return False

    def padding(self, offset: int) -> int:
        """Bytes to skip before this option so that it is aligned."""
        align = min(self.size, self.alignment)
        if align <= 1 or self.option in "csx":
            return 0
        return (align - offset % align) % align

    def _number(self, otherwise: int) -> int:
        start = self.at
        while self.at < len(self.text) and self.text[self.at].isdigit():
            self.at += 1
        if start == self.at:
            return otherwise
        number = int(self.text[start : self.at])
        if number > 2**31 - 1:
            raise ValueError("integral size overflow")
        return number

    def _size(self, letter: str) -> int:
        if letter in "iI":
            size = self._number(4)
            if size > INTEGER_BYTES_MAX:
                raise ValueError(f"integral size {size} is larger than limit of {INTEGER_BYTES_MAX}")
            return size
        if letter == "c":
            return self._number(1)
        if letter == "x":
            return 1
        if letter == "s":
            return 0
        if letter not in _SIZES:
            raise ValueError(f"bad argument #1 to '{self.what}' (invalid format option '{letter}')")
        return _SIZES[letter]


def pack(format_text: bytes, values: list[object]) -> bytes:
    """``values``, whatever a script gave, packed. Raises ValueError saying what is wrong."""
    reader = _Reader(format_text.decode("latin-1"), "pack")
    out = bytearray()
    place = 0
    while reader.next():
        out += bytes(reader.padding(len(out)))
        if reader.option == "x":
            out.append(0)
            continue
        if place >= len(values):
            raise ValueError(f"bad argument #{place + 2} to 'pack' (no value)")
        value = values[place]
        place += 1
        if reader.option in "cs":
            out += _packed_text(reader, value, place)
        elif reader.option in "fd":
            out += struct.pack(("<" if reader.little else ">") + reader.option, _as_number(value, place))
        else:
            number = int(_as_number(value, place)) & ((1 << 8 * reader.size) - 1)
            out += number.to_bytes(reader.size, "little" if reader.little else "big")
    return bytes(out)


def _packed_text(reader: _Reader, value: object, place: int) -> bytes:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = b"%d" % int(value) if value == int(value) else repr(value).encode()
    if not isinstance(value, bytes):
        raise ValueError(f"bad argument #{place + 1} to 'pack' (string expected)")
    if reader.option == "s":
        return value + b"\0"
    size = reader.size if reader.size else len(value)
    if len(value) < size:
        raise ValueError(f"bad argument #{place + 1} to 'pack' (string too short)")
    return value[:size]


def _as_number(value: object, place: int) -> float:
    if isinstance(value, bytes):
        try:
            return float(value)
        except ValueError:
            pass
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    raise ValueError(f"bad argument #{place + 1} to 'pack' (number expected)")


def unpack(format_text: bytes, data: bytes, start: int) -> list[Scalar]:
    """The values from place ``start`` (1 is the first byte) on, then the place after them. Raises ValueError."""
    reader = _Reader(format_text.decode("latin-1"), "unpack")
    at = start - 1
    if at < 0:
        raise ValueError("offset must be 1 or greater")
    found: list[Scalar] = []
    while reader.next():
        at += reader.padding(at)
        size = reader.size
        if reader.option == "c" and size == 0:
            last = found.pop() if found else None
            if not isinstance(last, (int, float)):
                raise ValueError("format 'c0' needs a previous size")
            size = int(last)
        if at + size > len(data) or size < 0:
            raise ValueError("bad argument #2 to 'unpack' (data string too short)")
        chunk = data[at : at + size]
        if reader.option == "s":
            end = data.find(b"\0", at)
            if end < 0:
                raise ValueError("unfinished string in data")
            found.append(data[at:end])
            size = end + 1 - at
        elif reader.option == "c":
            found.append(chunk)
        elif reader.option in "fd":
            number: float = struct.unpack(("<" if reader.little else ">") + reader.option, chunk)[0]
            found.append(number)
        elif reader.option != "x":
            signed = reader.option in "bhli"
            found.append(float(int.from_bytes(chunk, "little" if reader.little else "big", signed=signed)))
        at += size
    found.append(at + 1)
    return found


def size_of(format_text: bytes) -> int:
    """Bytes that ``format_text`` stands for. Raises ValueError for formats without a fixed size."""
    reader = _Reader(format_text.decode("latin-1"), "size")
    at = 0
    while reader.next():
        if reader.option == "s" or (reader.option == "c" and reader.size == 0):
            raise ValueError("variable-size format in 'size'" if reader.option == "s" else "variable-length format")
        at += reader.padding(at) + reader.size
    return at
