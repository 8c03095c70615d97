"""The packed forms of small collections: listpack and intset, written and read; ziplist and zipmap, which older files hold.

Readers get bytes from outside and raise ``BadData`` for whatever is wrong with them.
"""

from typing import Final

from cachetwin_engine.core.text.numbers import integer_or_none

END: Final = 0xFF
COUNT_UNKNOWN: Final = 0xFFFF  # more elements than the 16 bits of the head can say
_ZIPMAP_COUNT_UNKNOWN: Final = 254


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


def listpack(elements: list[bytes]) -> bytes:
    """``elements`` as a listpack; those that spell an integer are stored as one."""
    parts = [b""]
    size = 7
    for element in elements:
        entry = _entry(element)
        parts.append(entry)
        size += len(entry)
    parts[0] = size.to_bytes(4, "little") + min(len(elements), COUNT_UNKNOWN).to_bytes(2, "little")
    parts.append(b"\xff")
    return b"".join(parts)


_SMALL_INTEGERS: Final = [bytes([value, 1]) for value in range(128)]
_SHORT_HEADS: Final = [bytes([0x80 | size]) for size in range(64)]
_SHORT_BACK_LENGTHS: Final = [bytes([size]) for size in range(128)]


def _entry(element: bytes) -> bytes:
    value = integer_or_none(element) if len(element) <= 20 else None
    size = len(element)
    if value is not None:
        if 0 <= value <= 127:
            return _SMALL_INTEGERS[value]
        head = _integer(value)
    elif size < 64:
        return b"%b%b%b" % (_SHORT_HEADS[size], element, _SHORT_BACK_LENGTHS[size + 1])
    elif size < 4096:
        head = bytes([0xE0 | size >> 8, size & 0xFF]) + element
    else:
        head = b"\xf0" + size.to_bytes(4, "little") + element
    size = len(head)
    return head + (_SHORT_BACK_LENGTHS[size] if size < 128 else _back_length(size))


def _integer(value: int) -> bytes:
    if -4096 <= value <= 4095:
        return bytes([0xC0 | (value >> 8 & 0x1F), value & 0xFF])
    for code, size in ((0xF1, 2), (0xF2, 3), (0xF3, 4)):
        if -(1 << (8 * size - 1)) <= value < 1 << (8 * size - 1):
            return bytes([code]) + value.to_bytes(size, "little", signed=True)
    return b"\xf4" + value.to_bytes(8, "little", signed=True)


def _back_length(size: int) -> bytes:
    """The size of an entry, to be read from behind: 7 bits a byte, the highest bit in all but the first."""
    groups = [size & 0x7F]
    size >>= 7
    while size:
        groups.append(size & 0x7F)
        size >>= 7
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
