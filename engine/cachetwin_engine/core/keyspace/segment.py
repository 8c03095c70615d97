"""A segment of ``PackedTable``: the cells of an unbroken range of places. How they are laid out is described there."""

from typing import Final, final

from librt.vecs import vec
from mypy_extensions import i32, i64, u8

from .packed_entry import END_BYTES, LongString, entry_of, is_under, key_of, value_of

PLACE_BITS: Final = 31
PLACE_MASK: Final = 0x7FFFFFFF
EMPTY: Final = 0
GONE: Final = 1
NEVER: Final = -1


@final
class Segment:
    """The cells of one range of places."""

    def __init__(self, number: int, cells: i64, shift: i64) -> None:
        self.number = number  # among the table's segments
        self.cells: i64 = cells
        self.shift: i64 = shift  # of a place: what is left of it ends in the home
        self.used: i64 = 0  # cells that are not empty
        self.count: i64 = 0  # keys
        self.tags: vec[u8] = vec[u8]([u8(0)] * cells)
        self.places: vec[i32] = vec[i32]([i32(0)] * cells)
        self.entries: list[object] = [None] * cells
        self.expiring: i64 = 0  # keys with a time to live
        self.expiries: vec[i64] = vec[i64]()  # by cell, from the first such key on

    def add(self, tag: i64, place: i64, entry: object) -> i64:
        """Add an entry whose key is not there, in the first cell that is free; which one that is."""
        tags = self.tags
        mask = self.cells - 1
        at = (place >> self.shift) & mask
        while i64(tags[at]) > GONE:
            at = (at + 1) & mask
        self.fill(at, tag, place, entry)
        return at

    def fill(self, at: i64, tag: i64, place: i64, entry: object) -> None:
        """Put an entry in the cell ``at``, which is free."""
        tags = self.tags
        if tags[at] == EMPTY:
            self.used += 1
        tags[at] = u8(tag)
        self.places[at] = i32(place)
        self.entries[at] = entry
        self.count += 1

    def expiry(self, at: i64) -> i64:
        """When the key in cell ``at`` expires; never, below cell 0."""
        if at < 0 or not self.expiring:
            return NEVER
        return self.expiries[at]

    def set_expiry(self, at: i64, at_ms: i64) -> i64:
        """Set when the key in cell ``at`` expires, or that it never does; by how much there are more such keys now."""
        if not self.expiring:
            if at_ms < 0:
                return 0
            self.expiries = vec[i64]([i64(NEVER)] * self.cells)
        change: i64 = 0
        if self.expiries[at] < 0:
            if at_ms >= 0:
                change = 1
        elif at_ms < 0:
            change = -1
        self.expiries[at] = at_ms
        self.expiring += change
        if not self.expiring:
            self.expiries = vec[i64]()
        return change

    def find(self, key: bytes, hashed: i64) -> i64:
        """The cell of ``key``; if it is not there -1 less the empty cell at which the search ended."""
        tags = self.tags
        mask = self.cells - 1
        at = ((hashed & PLACE_MASK) >> self.shift) & mask
        tag = tag_of(hashed)
        while True:
            seen = i64(tags[at])
            if seen == tag:
                if is_under(self.entries[at], key):
                    return at
            elif seen == EMPTY:
                return -1 - at
            at = (at + 1) & mask

    def walk(self, home: i64, count: int, found: list[bytes], expiring: bool) -> i64:
        """Add keys to ``found`` whose home is ``home`` or later, until there are ``count`` and every home is complete.

        With ``expiring`` those that have a time to live. The home to continue from; the number of cells at the end.
        """
        if expiring and not self.expiring:
            return self.cells
        at = home
        while at < self.cells:
            tag = i64(self.tags[at])
            if tag == EMPTY and at > home and len(found) >= count:
                return at  # nothing that belongs before an empty cell lies behind it
            if tag > GONE and home <= self._home_of(at) <= at and (not expiring or self.expiries[at] >= 0):
                found.append(key_of(self.entries[at]))
            at += 1
        at = 0
        while self.tags[at] != EMPTY:  # what found no room at the end lies at the beginning
            if (
                i64(self.tags[at]) > GONE
                and self._home_of(at) >= home
                and self._home_of(at) > at
                and (not expiring or self.expiries[at] >= 0)
            ):
                found.append(key_of(self.entries[at]))
            at += 1
        return self.cells

    def add_strings(self, found: list[bytes], with_keys: bool) -> None:
        """Add all strings to ``found``, each behind its key if ``with_keys``."""
        for entry in self.entries:
            if entry is not None:
                value = value_of(entry)
                if isinstance(value, bytes):
                    if with_keys:
                        found.append(key_of(entry))
                    found.append(value)

    def string_bytes(self) -> i64:
        """Bytes of all keys and their strings."""
        size: i64 = 0
        for entry in self.entries:
            if isinstance(entry, bytes):
                size += len(entry) - END_BYTES
            elif isinstance(entry, LongString):
                size += len(entry.key) + len(entry.data)
        return size

    def copied(self) -> "Segment":
        """An independent one with the same strings, without their times to live."""
        copy = Segment(self.number, self.cells, self.shift)
        copy.used = self.used
        copy.count = self.count
        copy.tags = self.tags[0 : self.cells]
        copy.places = self.places[0 : self.cells]
        copy.entries = self.entries[:]
        at: i64 = 0
        while at < self.cells:
            entry = self.entries[at]
            if entry is not None and not isinstance(entry, bytes):
                copy.entries[at] = entry_of(key_of(entry), value_of(entry))
            at += 1
        return copy

    def _home_of(self, at: i64) -> i64:
        return (i64(self.places[at]) >> self.shift) & (self.cells - 1)


def tag_of(hashed: i64) -> i64:
    """The tag of a cell for a key of that hash."""
    return ((hashed >> PLACE_BITS) & 127) | 128
