"""The packed forms of small collections: listpack and intset, written and read; ziplist and zipmap, which older files hold.

Readers get bytes from outside and raise ``BadData`` for whatever is wrong with them.
"""

from typing import Final, final

from librt.strings import BytesWriter, write_i32_le
from mypy_extensions import i32, i64, u8

from cachetwin_engine.core.text.numbers import integer_or_none

END: Final = 0xFF
COUNT_UNKNOWN: Final = 0xFFFF  # more elements than the 16 bits of the head can say
_ZIPMAP_COUNT_UNKNOWN: Final = 254
_HEAD: Final = b"\0\0\0\0\0\0"  # size and count, which are written last
_INTEGER_BYTES_MAX: Final = 20
_NUMBER_MAX: Final = 2**60  # far below where an integer stops being one machine word in the compiled build
_FULL_BACK_LENGTHS: Final = (0x3FFF, 0x1FFFFF, 0xFFFFFFF)  # to these Valkey gives one byte more than they need
_ZERO: Final = 48
_MINUS: Final = 45


class BadData(Exception):
    """The bytes are damaged."""


class EmptyValue(BadData):
    """A collection without elements, which no command leaves behind; all its bytes have been read."""


def slice_of(data: bytes, at: int, size: int) -> bytes:
    """``size`` bytes from ``at`` on. Raises BadData when they are not there."""
    if size < 0 or at + size > len(data):
        raise BadData("the data ends early")
    return data[at : at + size]


def little(data: bytes, at: int, size: int) -> int:
    """A signed little-endian integer. Raises BadData."""
    return int.from_bytes(slice_of(data, at, size), "little", signed=True)


# -- listpack -----------------------------------------------------------------------------------------------------------


@final
class ListpackWriter:
    """A listpack that is being written; elements that spell an integer are stored as one."""

    # u8(): what is appended as an i64 goes through a look-up of the method.

    def __init__(self) -> None:
        self._out = BytesWriter()
        self._out.write(_HEAD)
        self._count: i64 = 0

    def add(self, element: bytes) -> None:
        """Add an element."""
        out = self._out
        size: i64 = len(element)
        if 0 < size <= _INTEGER_BYTES_MAX:
            first: i64 = element[0]
            if (first - _ZERO < 10 and first >= _ZERO) or first == _MINUS:
                value = integer_or_none(element)
                if value is not None:
                    if -_NUMBER_MAX < value < _NUMBER_MAX:
                        self.add_number(value)
                    else:
                        self._count += 1
                        out.append(0xF4)
                        out.write(value.to_bytes(8, "little", signed=True))
                        out.append(9)
                    return
        self._count += 1
        if size < 64:
            out.append(0x80 | size)
            out.write(element)
            out.append(u8(size + 1))
            return
        if size < 4096:
            out.append(0xE0 | size >> 8)
            out.append(u8(size & 0xFF))
            size += 2
        else:
            out.append(0xF0)
            write_i32_le(out, i32(size))
            size += 5
        out.write(element)
        if size < 128:
            out.append(u8(size))
        else:
            out.write(_back_length(size))

    def add_number(self, value: i64) -> None:
        """Add an integer of at most 61 bits."""
        out = self._out
        self._count += 1
        if 0 <= value <= 127:
            out.append(u8(value))
            out.append(1)
        elif -4096 <= value <= 4095:
            out.append(0xC0 | (value >> 8 & 0x1F))
            out.append(u8(value & 0xFF))
            out.append(2)
        else:
            size: i64 = 8
            code: i64 = 0xF4
            if -0x8000 <= value < 0x8000:
                size, code = 2, 0xF1
            elif -0x800000 <= value < 0x800000:
                size, code = 3, 0xF2
            elif -0x80000000 <= value < 0x80000000:
                size, code = 4, 0xF3
            out.append(u8(code))
            for _ in range(size):
                out.append(u8(value & 0xFF))
                value >>= 8
            out.append(u8(size + 1))

    def finish(self) -> bytes:
        """The listpack."""
        out = self._out
        out.append(END)
        size: i64 = len(out)
        for at in range(4):
            out[at] = u8(size & 0xFF)
            size >>= 8
        count: i64 = self._count if self._count < COUNT_UNKNOWN else COUNT_UNKNOWN
        out[4] = u8(count & 0xFF)
        out[5] = u8(count >> 8)
        return out.getvalue()


def listpack(elements: list[bytes]) -> bytes:
    """``elements`` as a listpack."""
    writer = ListpackWriter()
    for element in elements:
        writer.add(element)
    return writer.finish()


def _back_length(size: int) -> bytes:
    """The size of an entry, to be read from behind: 7 bits a byte, the highest bit in all but the first."""
    groups = [size & 0x7F]
    fills = size in _FULL_BACK_LENGTHS
    size >>= 7
    while size:
        groups.append(size & 0x7F)
        size >>= 7
    if fills:
        groups.append(0)
    groups.reverse()
    return bytes([groups[0]] + [group | 0x80 for group in groups[1:]])


def listpack_elements(data: bytes) -> list[bytes]:
    """What is in a listpack. Raises BadData."""
    if len(data) < 7 or int.from_bytes(data[:4], "little") != len(data) or data[-1] != END:
        raise BadData("not a listpack")
    count = int.from_bytes(data[4:6], "little")
    found: list[bytes] = []
    at = 6
    last = len(data) - 1
    while at < last:
        element, size = _entry_at(data, at)
        found.append(element)
        at += size
        if size < 128:  # its length behind it is one byte
            if at > last or data[at] != size:
                raise BadData("a listpack that can't be walked backwards")
            at += 1
            continue
        back = _back_length(size)
        if data[at : at + len(back)] != back:
            raise BadData("a listpack that can't be walked backwards")
        at += len(back)
    if at != last or (count not in {len(found), COUNT_UNKNOWN}):
        raise BadData("a listpack whose parts don't add up")
    return found


def _entry_at(data: bytes, at: int) -> tuple[bytes, int]:
    """An element, and its bytes without the length behind it."""
    code = data[at]
    if code < 0x80:
        return b"%d" % code, 1
    if code < 0xC0:
        return slice_of(data, at + 1, code & 0x3F), 1 + (code & 0x3F)
    if code < 0xE0:
        value = (code & 0x1F) << 8 | slice_of(data, at + 1, 1)[0]
        return b"%d" % (value - 8192 if value >= 4096 else value), 2
    if code < 0xF0:
        size = (code & 0x0F) << 8 | slice_of(data, at + 1, 1)[0]
        return slice_of(data, at + 2, size), 2 + size
    if code == 0xF0:
        size = int.from_bytes(slice_of(data, at + 1, 4), "little")
        return slice_of(data, at + 5, size), 5 + size
    if code > 0xF4:
        raise BadData("no such element of a listpack")
    size = (2, 3, 4, 8)[code - 0xF1]
    return b"%d" % little(data, at + 1, size), 1 + size


# -- intset -------------------------------------------------------------------------------------------------------------


def intset(members: list[bytes]) -> bytes:
    """``members``, integers in numeric order, as an intset."""
    values = [int(member) for member in members]
    size = 2
    for value in values:
        if not -(2**31) <= value < 2**31:
            size = 8
        elif not -(2**15) <= value < 2**15:
            size = max(size, 4)
    head = size.to_bytes(4, "little") + len(values).to_bytes(4, "little")
    return head + b"".join([value.to_bytes(size, "little", signed=True) for value in values])


def intset_members(data: bytes) -> list[bytes]:
    """What is in an intset. Raises BadData."""
    size = int.from_bytes(slice_of(data, 0, 4), "little")
    count = int.from_bytes(slice_of(data, 4, 4), "little")
    if size not in {2, 4, 8} or len(data) != 8 + size * count:
        raise BadData("not an intset")
    return [b"%d" % little(data, 8 + size * at, size) for at in range(count)]


# -- forms of older versions ------------------------------------------------------------------------------------------


def ziplist_elements(data: bytes) -> list[bytes]:
    """What is in a ziplist. Raises BadData."""
    if len(data) < 11 or int.from_bytes(data[:4], "little") != len(data) or data[-1] != END:
        raise BadData("not a ziplist")
    found: list[bytes] = []
    count = int.from_bytes(data[8:10], "little")
    start = 10  # of the entry before
    at = 10
    while data[at] != END:
        before = at - start
        start = at
        if data[at] < 254:
            stated = data[at]
            at += 1
        else:
            stated = int.from_bytes(slice_of(data, at + 1, 4), "little")
            at += 5
        element, size = _ziplist_entry(data, at)
        found.append(element)
        at += size
        if at >= len(data) or stated != before:
            raise BadData("a ziplist that can't be walked backwards, or without an end")
    if at != len(data) - 1 or int.from_bytes(data[4:8], "little") != start:
        raise BadData("a ziplist whose end is elsewhere")
    if count not in {len(found), COUNT_UNKNOWN}:
        raise BadData("a ziplist with another number of elements than it says")
    return found


def _ziplist_entry(data: bytes, at: int) -> tuple[bytes, int]:
    code = slice_of(data, at, 1)[0]
    if code < 0x40:
        return slice_of(data, at + 1, code), 1 + code
    if code < 0x80:
        size = (code & 0x3F) << 8 | slice_of(data, at + 1, 1)[0]
        return slice_of(data, at + 2, size), 2 + size
    if code == 0x80:
        size = int.from_bytes(slice_of(data, at + 1, 4), "big")
        return slice_of(data, at + 5, size), 5 + size
    sizes = {0xC0: 2, 0xD0: 4, 0xE0: 8, 0xF0: 3, 0xFE: 1}
    if code in sizes:
        return b"%d" % little(data, at + 1, sizes[code]), 1 + sizes[code]
    if 0xF1 <= code <= 0xFD:
        return b"%d" % (code - 0xF1), 1
    raise BadData("no such element of a ziplist")


def zipmap_elements(data: bytes) -> list[bytes]:
    """Fields and values in turn of a zipmap. Raises BadData."""
    found: list[bytes] = []
    at = 1
    while slice_of(data, at, 1)[0] != END:
        for is_value in (False, True):
            size = slice_of(data, at, 1)[0]
            at += 1
            if size == 254:
                size = int.from_bytes(slice_of(data, at, 4), "little")
                at += 4
                if size < 254:
                    raise BadData("a length in a zipmap that is longer than it need be")
            free = 0
            if is_value:
                free = slice_of(data, at, 1)[0]
                at += 1
            found.append(slice_of(data, at, size))
            at += size + free
    count = data[0]
    if not found or at != len(data) - 1 or (count < _ZIPMAP_COUNT_UNKNOWN and 2 * count != len(found)):
        raise BadData("a zipmap whose parts don't add up")
    return found
