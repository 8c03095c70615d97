"""A node of a stream: neighbouring entries, their IDs and field names as differences to the first.

A listpack. First the master entry: how many entries, how many deleted ones among them, the field names, a 0. Then for
each entry flags (1 deleted, 2 the fields are the master's), the differences of its ID's halves, fields and values, and how
many elements all that was, for walking backwards.
"""

from typing import Final

from mypy_extensions import i64

from cachetwin_engine.core.text.numbers import integer_or_none
from cachetwin_engine.core.types.streams.entry import SEQ_MASK, id_parts, items_of

from .packed import BadData, ListpackWriter, listpack_elements

_DELETED: Final = 1
_SAME_FIELDS: Final = 2
_PLAIN_MAX: Final = 2**60


def stream_node(entries: list[bytes]) -> bytes:
    """A node of ``entries`` as they are stored (``stream_entry``)."""
    base_ms, base_seq = id_parts(entries[0])
    master = items_of(entries[0])[::2]
    fields: i64 = len(master)
    out = ListpackWriter()
    out.add_number(len(entries))
    out.add_number(0)
    out.add_number(fields)
    for field in master:
        out.add(field)
    out.add_number(0)
    for entry in entries:
        ms, seq = id_parts(entry)
        items = items_of(entry)
        same = _has_fields(items, master)
        out.add_number(_SAME_FIELDS if same else 0)
        _add_difference(out, ms - base_ms)
        _add_difference(out, seq - base_seq)
        if same:
            for at in range(1, len(items), 2):
                out.add(items[at])
            out.add_number(fields + 3)
        else:
            out.add_number(len(items) // 2)
            for item in items:
                out.add(item)
            out.add_number(len(items) + 4)
    return out.finish()


def _has_fields(items: list[bytes], fields: list[bytes]) -> bool:
    """Whether the fields among fields and values in turn are ``fields``."""
    if len(items) != 2 * len(fields):
        return False
    for at in range(len(fields)):
        if items[2 * at] != fields[at]:
            return False
    return True


def node_entries(base: int, data: bytes) -> list[tuple[int, list[bytes]]]:
    """ID, and field and value in turn, of each entry that is not deleted. Raises BadData."""
    elements = listpack_elements(data)
    place = _Place(elements)
    count = place.number()
    deleted = place.number()
    count += deleted
    master = place.take(place.number())
    place.number()
    found: list[tuple[int, list[bytes]]] = []
    for _ in range(count):
        flags = place.number()
        ms = ((base >> 64) + place.number()) & SEQ_MASK
        sequence = (base + place.number()) & SEQ_MASK
        items: list[bytes] = []
        if flags & _SAME_FIELDS:
            for field, value in zip(master, place.take(len(master)), strict=True):
                items += [field, value]
            size = len(master) + 3
        else:
            items = place.take(2 * place.number())
            size = len(items) + 4
        if place.number() != size:
            raise BadData("an entry that can't be walked backwards")
        if flags & _DELETED:
            deleted -= 1
        else:
            found.append((ms << 64 | sequence, items))
    if deleted != 0:
        raise BadData("a node with another number of deleted entries than it says")
    if place.at != len(elements):
        raise BadData("a node with something behind its entries")
    return found


def _add_difference(out: ListpackWriter, difference: int) -> None:
    """Add ``difference`` as the signed 64-bit integer that a listpack can hold."""
    if -_PLAIN_MAX < difference < _PLAIN_MAX:
        out.add_number(difference)  # nearly always; integers of more than 62 bits are objects
        return
    difference &= SEQ_MASK
    out.add(b"%d" % (difference - (1 << 64) if difference >> 63 else difference))


class _Place:
    """A position in a node."""

    def __init__(self, elements: list[bytes]) -> None:
        self.elements = elements
        self.at = 0

    def take(self, count: int) -> list[bytes]:
        """The next ``count`` elements. Raises BadData."""
        if count < 0 or self.at + count > len(self.elements):
            raise BadData("a node ends early")
        self.at += count
        return self.elements[self.at - count : self.at]

    def number(self) -> int:
        """The next element, an integer. Raises BadData."""
        value = integer_or_none(self.take(1)[0])
        if value is None:
            raise BadData("a node with a word in place of a number")
        return value
