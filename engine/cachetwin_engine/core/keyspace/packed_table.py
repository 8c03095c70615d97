"""A table of keys that waits for memory as rarely as possible.

With a hundred thousand keys or more, the time of a look-up is that of its waits for memory. A dict waits four times:
table, entry, key, value. This table waits twice: the cell, and the entry, which holds key and value one behind the other.

**Entries** (``packed_entry``). A short string is one ``bytes`` with its key. A small collection is a ``Value`` while a
command works with it, from ``find`` or ``put`` on, and is packed into one ``bytes`` by ``close``, when the commands
have run. That takes 0.1 to 0.2 us a command, and among many keys as much less waiting.

**Segments.** The low 31 bits of a key's hash are its place. The table is cut into segments, each of an unbroken range
of places, and a directory over the places' first bits finds the segment (extendible hashing). A segment is a power of
two of cells with linear probing; where a key would like to be in it, its home, are the next bits of its place. A full
segment doubles up to ``_CELLS_MAX`` cells and then splits in two, so an insertion lays at most one segment out anew.

**Walking.** Homes are the leading bits of places, so segments and cells have the keys in the order of their places,
whatever their number and size. A cursor is a place, and the guarantee of SCAN follows: a key's place never changes.

**Times to live.** A segment that holds a key with one has them beside its cells: eight bytes for each cell, empty or
not, so 11 to 16 a key where most keys have one. A walk reads them in order, and passes over a segment without any.

A cell has a tag of one byte (empty, gone, or seven bits of the hash), which probing looks at; the place, so that a
segment is laid out anew without its entries; and the pointer to the entry: 13 bytes, half to three quarters in use.
"""

from collections.abc import Callable
from typing import Final, cast, final

from mypy_extensions import i64

from .key_table import KeyTable
from .packed_entry import entry_of, key_of, packed, value_of
from .segment import EMPTY, GONE, NEVER, PLACE_BITS, PLACE_MASK, Segment, tag_of
from .value import Value

_CELLS_MIN: Final = 16
_CELLS_MAX: Final = 4096
_SEGMENT_KEYS_MIN: Final = 16  # on average; with fewer the table is laid out anew
_DRAWS_MAX: Final = 1000  # of cells that are empty, before all keys are gone through
_EXPIRING_DRAWS_MAX: Final = 50  # of cells without a time to live, before the next one with it is taken


@final
class PackedTable(KeyTable):
    """See ``KeyTable``."""

    def __init__(self, to_close: list[KeyTable]) -> None:
        """``to_close``: the table adds itself to it when it needs ``close``."""
        self.expiring = 0
        self._to_close = to_close
        self._open: list[Value] = []  # values in use that may be packed by ``close``
        self._count: i64 = 0
        self._shift: i64 = PLACE_BITS  # of a place: what is left of it is its place in the directory
        self._segments: list[Segment] = [Segment(0, _CELLS_MIN, PLACE_BITS - 4)]
        self._directory: list[Segment] = [self._segments[0]]

    def __len__(self) -> int:
        return self._count

    def find(self, key: bytes) -> object | None:
        """See ``KeyTable``."""
        hashed: i64 = hash(key)
        segment = self._directory[(hashed & PLACE_MASK) >> self._shift]
        at = segment.find(key, hashed)
        if at < 0:
            return None
        entry = segment.entries[at]
        value = value_of(entry)
        if value is entry or isinstance(value, bytes):
            return value
        held = cast("Value", value)
        held.key = key
        segment.entries[at] = held
        self._note_open(held)
        return held

    def peek(self, key: bytes) -> object | None:
        """See ``KeyTable``."""
        hashed: i64 = hash(key)
        segment = self._directory[(hashed & PLACE_MASK) >> self._shift]
        at = segment.find(key, hashed)
        return None if at < 0 else value_of(segment.entries[at])

    def has(self, key: bytes) -> bool:
        """See ``KeyTable``."""
        hashed: i64 = hash(key)
        return self._directory[(hashed & PLACE_MASK) >> self._shift].find(key, hashed) >= 0

    def put(self, key: bytes, value: object) -> bool:
        """See ``KeyTable``."""
        entry = entry_of(key, value)
        if isinstance(entry, Value) and entry.compact_kind():
            self._note_open(entry)
        hashed: i64 = hash(key)
        place = hashed & PLACE_MASK
        segment = self._directory[place >> self._shift]
        at = segment.find(key, hashed)
        if at >= 0:
            segment.entries[at] = entry
            return False
        if segment.used > segment.count:  # a cell on the way may be free, because its key has gone
            segment.add(tag_of(hashed), place, entry)
        else:
            segment.fill(-1 - at, tag_of(hashed), place, entry)
        self._count += 1
        if segment.used * 4 > segment.cells * 3:
            self._make_room(segment, place)
        return True

    def remove(self, key: bytes) -> object | None:
        """See ``KeyTable``."""
        hashed: i64 = hash(key)
        place = hashed & PLACE_MASK
        segment = self._directory[place >> self._shift]
        at = segment.find(key, hashed)
        if at < 0:
            return None
        entry = segment.entries[at]
        segment.entries[at] = None
        if segment.expiring:
            self.expiring += segment.set_expiry(at, NEVER)
        if segment.tags[(at + 1) & (segment.cells - 1)] == EMPTY:
            segment.tags[at] = EMPTY
            segment.used -= 1
        else:
            segment.tags[at] = GONE
        segment.count -= 1
        self._count -= 1
        if segment.cells > _CELLS_MIN and segment.count * 8 < segment.cells:
            self._lay_out(segment, place, segment.cells // 2, segment.shift + 1)
            if self._count < _SEGMENT_KEYS_MIN * len(self._segments):
                self._start_over()
        return value_of(entry)

    def close(self) -> None:
        """See ``KeyTable``."""
        values = self._open
        self._open = []
        for value in values:
            self._pack(value)

    def _pack(self, value: Value) -> None:
        """Put the packed form of ``value``, which nobody uses any more, in its place, if it is small and still there."""
        entry = packed(value)
        if entry is None:
            return
        hashed: i64 = hash(value.key)
        segment = self._directory[(hashed & PLACE_MASK) >> self._shift]
        at = segment.find(value.key, hashed)
        if at >= 0 and segment.entries[at] is value:
            segment.entries[at] = entry

    def _note_open(self, value: Value) -> None:
        if not self._open:
            self._to_close.append(self)
        self._open.append(value)

    # -- everything ---------------------------------------------------------------------------------------------------

    def keys(self) -> list[bytes]:
        """See ``KeyTable``."""
        return [key_of(entry) for segment in self._segments for entry in segment.entries if entry is not None]

    def first(self, count: int) -> list[bytes]:
        """See ``KeyTable``."""
        return self._from(0, 0, min(count, len(self)), expiring=False)

    def _from(self, number: i64, at: i64, count: i64, expiring: bool) -> list[bytes]:
        """Up to ``count`` keys (``expiring``: with a time to live) from a cell on, around the end of the last segment."""
        segments = self._segments
        found: list[bytes] = []
        for _ in range(len(segments) + 1):  # the first one twice: its cells before ``at`` are the last
            segment = segments[number]
            tags = segment.tags
            if expiring and not segment.expiring:
                at = segment.cells
            while at < segment.cells:
                if len(found) >= count:
                    return found
                if i64(tags[at]) > GONE and (not expiring or segment.expiries[at] >= 0):
                    found.append(key_of(segment.entries[at]))
                at += 1
            number = number + 1 if number + 1 < len(segments) else 0
            at = 0
        return found

    def take_apart(self) -> list[object]:
        """See ``KeyTable``."""
        self._open = []
        return [[segment.entries for segment in self._segments]]

    def items(self) -> list[tuple[bytes, object]]:
        """See ``KeyTable``."""
        return [
            (key_of(entry), value_of(entry))
            for segment in self._segments
            for entry in segment.entries
            if entry is not None
        ]

    def strings(self, with_keys: bool) -> list[bytes]:
        """See ``KeyTable``."""
        found: list[bytes] = []
        for segment in self._segments:
            segment.add_strings(found, with_keys)
        return found

    def string_bytes(self) -> int:
        """See ``KeyTable``."""
        size: i64 = 0
        for segment in self._segments:
            size += segment.string_bytes()
        return size

    def copied(self) -> KeyTable:
        """See ``KeyTable``."""
        copy = PackedTable([])
        copy._count = self._count
        copy._shift = self._shift
        copy._segments = [segment.copied() for segment in self._segments]
        copy._directory = [copy._segments[segment.number] for segment in self._directory]
        return copy

    def random(self, below: Callable[[int], int]) -> bytes:
        """See ``KeyTable``."""
        segments = self._segments
        widest: i64 = segments[0].cells if len(segments) == 1 else _CELLS_MAX
        for _ in range(_DRAWS_MAX):
            drawn: i64 = below(len(segments) * widest)  # one draw for both: a segment and a cell
            segment = segments[drawn // widest]
            at = drawn % widest
            if at < segment.cells and i64(segment.tags[at]) > GONE:
                return key_of(segment.entries[at])
        keys = self.keys()
        return keys[below(len(keys))]

    def sample(self, below: Callable[[int], int], count: int) -> list[bytes]:
        """See ``KeyTable``."""
        return self.draw(below, count)

    def draw(self, below: Callable[[int], int], count: int) -> list[bytes]:
        """See ``KeyTable``."""
        return self._drawn(below, min(count, len(self)), expiring=False)

    def _drawn(self, below: Callable[[int], int], count: int, expiring: bool) -> list[bytes]:
        drawn: i64 = below(len(self._segments) * _CELLS_MAX)
        segment = drawn // _CELLS_MAX
        return self._from(segment, (drawn % _CELLS_MAX) & (self._segments[segment].cells - 1), count, expiring)

    def scan(self, cursor: int, count: int) -> tuple[int, list[bytes]]:
        """See ``KeyTable``."""
        return self._scanned(cursor, count, expiring=False)

    def _scanned(self, cursor: int, count: int, expiring: bool) -> tuple[int, list[bytes]]:
        found: list[bytes] = []
        place: i64 = cursor & PLACE_MASK
        while True:
            segment = self._directory[place >> self._shift]
            first = place & ~((segment.cells << segment.shift) - 1)
            home = segment.walk((place - first) >> segment.shift, count, found, expiring)
            place = first + (home << segment.shift)
            if place > PLACE_MASK:
                return 0, found
            if len(found) >= count:
                return place, found

    def is_passed(self, key: bytes, cursor: int) -> bool:
        """See ``KeyTable``."""
        hashed: i64 = hash(key)
        at: i64 = cursor
        return hashed & PLACE_MASK < at

    # -- times to live ------------------------------------------------------------------------------------------------

    def expire_at(self, key: bytes, at_ms: int) -> None:
        """See ``KeyTable``."""
        hashed: i64 = hash(key)
        segment = self._directory[(hashed & PLACE_MASK) >> self._shift]
        at = segment.find(key, hashed)
        if at >= 0:
            self.expiring += segment.set_expiry(at, at_ms)

    def expiry_of(self, key: bytes) -> int:
        """See ``KeyTable``."""
        hashed: i64 = hash(key)
        segment = self._directory[(hashed & PLACE_MASK) >> self._shift]
        if not segment.expiring:
            return NEVER
        return segment.expiry(segment.find(key, hashed))

    def persist(self, key: bytes) -> bool:
        """See ``KeyTable``."""
        if self.expiry_of(key) < 0:
            return False
        self.expire_at(key, NEVER)
        return True

    def expiry_times(self, count: int) -> list[int]:
        """See ``KeyTable``."""
        found: list[int] = []
        for segment in self._segments:
            at: i64 = 0
            while segment.expiring and at < segment.cells:
                if len(found) >= count:
                    return found
                at_ms = segment.expiries[at]
                if at_ms >= 0:
                    found.append(at_ms)
                at += 1
        return found

    def random_expiring(self, below: Callable[[int], int]) -> bytes:
        """See ``KeyTable``. Where few keys have a time to live, one behind many that have none is the likelier."""
        segments = self._segments
        for _ in range(_EXPIRING_DRAWS_MAX):
            drawn: i64 = below(len(segments) * _CELLS_MAX)
            segment = segments[drawn // _CELLS_MAX]
            at = (drawn % _CELLS_MAX) & (segment.cells - 1)
            if segment.expiry(at) >= 0:
                return key_of(segment.entries[at])
        return self._drawn(below, 1, expiring=True)[0]

    def draw_expiring(self, below: Callable[[int], int], count: int) -> list[bytes]:
        """See ``KeyTable``."""
        return self._drawn(below, min(count, self.expiring), expiring=True)

    def scan_expiring(self, cursor: int, count: int) -> tuple[int, list[bytes]]:
        """See ``KeyTable``."""
        return self._scanned(cursor, count, expiring=True)

    # -- room ---------------------------------------------------------------------------------------------------------

    def _make_room(self, segment: Segment, place: i64) -> None:
        """More than three quarters of a segment's cells are in use."""
        if segment.count * 2 <= segment.cells:  # much of it by what has gone
            self._lay_out(segment, place, segment.cells, segment.shift)
        elif segment.cells < _CELLS_MAX:
            self._lay_out(segment, place, segment.cells * 2, segment.shift - 1)
        else:
            self._split(segment, place)

    def _lay_out(self, old: Segment, place: i64, cells: i64, shift: i64) -> None:
        """Put a segment of another size in the place of ``old``, in which ``place`` lies."""
        new = Segment(old.number, cells, shift)
        at: i64 = 0
        while at < old.cells:
            tag = i64(old.tags[at])
            if tag > GONE:
                to = new.add(tag, i64(old.places[at]), old.entries[at])
                if old.expiring:
                    new.set_expiry(to, old.expiries[at])
            at += 1
        self._enter(old, new, new, place)

    def _split(self, old: Segment, place: i64) -> None:
        """Put two segments in the place of one."""
        if (old.cells << old.shift) >> self._shift == 1:
            wider: list[Segment] = []
            for segment in self._directory:
                wider.append(segment)
                wider.append(segment)
            self._directory = wider
            self._shift -= 1
        low = Segment(old.number, old.cells, old.shift - 1)
        high = Segment(len(self._segments), old.cells, old.shift - 1)
        self._segments.append(high)
        half = (old.cells << old.shift) >> 1
        at: i64 = 0
        while at < old.cells:
            tag = i64(old.tags[at])
            if tag > GONE:
                where = i64(old.places[at])
                new = high if where & half else low
                to = new.add(tag, where, old.entries[at])
                if old.expiring:
                    new.set_expiry(to, old.expiries[at])
            at += 1
        self._enter(old, low, high, place)

    def _enter(self, old: Segment, low: Segment, high: Segment, place: i64) -> None:
        """Let the directory lead to ``low`` and, for the second half of its range, to ``high`` instead of ``old``."""
        span = old.cells << old.shift
        first = (place & ~(span - 1)) >> self._shift
        count = span >> self._shift
        at: i64 = 0
        while at < count:
            self._directory[first + at] = high if at * 2 >= count else low
            at += 1
        self._segments[low.number] = low

    def _start_over(self) -> None:
        """Few keys are left in many segments: lay out the whole table anew."""
        old = self._segments
        self._count = 0
        self.expiring = 0
        self._shift = PLACE_BITS
        self._segments = [Segment(0, _CELLS_MIN, PLACE_BITS - 4)]
        self._directory = [self._segments[0]]
        for segment in old:
            at: i64 = 0
            while at < segment.cells:
                entry = segment.entries[at]
                if entry is not None:
                    key = key_of(entry)
                    self.put(key, value_of(entry))
                    if segment.expiry(at) >= 0:
                        self.expire_at(key, segment.expiry(at))
                at += 1
