"""Lists: a blob of the elements while they are few and short (``blob``), then a ``LongList``."""

from typing import TYPE_CHECKING

from mypy_extensions import i64, mypyc_attr

from cachetwin_engine.core.keyspace.value import COMPACT_LIST, Value, enter_prototype
from cachetwin_engine.core.protocol.errors import wrong_type

from .blob import (
    BYTES_MAX,
    ELEMENT_MAX,
    ENTRIES_MAX,
    LENGTHS,
    blob_of,
    count_in,
    element_at,
    elements_in,
    fits,
    place_of_index,
)
from .listpack import LISTPACK_HEAD_BYTES, entry_bytes
from .long_list import OBJECT_BYTES, LongList

if TYPE_CHECKING:
    from cachetwin_engine.core.keyspace.database import Database


@mypyc_attr(acyclic=True)
class ListValue(Value):
    """A list of byte strings. ``limit`` in its methods is the parameter ``list-max-listpack-size``."""

    def __init__(self) -> None:
        self._data: bytes | LongList = b""

    @staticmethod
    def of(elements: list[bytes], limit: int) -> "ListValue":
        """A list of ``elements``, which it keeps."""
        value = ListValue()
        if fits(elements, _entries_max(limit)):
            value._data = blob_of(elements)
        else:
            long = LongList(elements)
            long.make_room_bytes(0, 0, limit)
            value._data = long
        return value

    def kind(self) -> bytes:
        """What TYPE answers."""
        return b"list"

    def encoding(self) -> bytes:
        """``listpack`` or ``quicklist``."""
        data = self._data
        return b"listpack" if isinstance(data, bytes) or data.packed() else b"quicklist"

    def size_bytes(self, samples: int) -> int:
        """Bytes that Valkey would use."""
        data = self._data
        if isinstance(data, LongList):
            return data.size_bytes(samples)
        size: i64 = 0
        for element in elements_in(data, 0):
            size += entry_bytes(element)
        return OBJECT_BYTES + LISTPACK_HEAD_BYTES + size

    def take_apart(self) -> list[object]:
        """See ``Value``."""
        data = self._data
        return [] if isinstance(data, bytes) else data.take_apart()

    def copied(self) -> Value:
        """An independent copy."""
        data = self._data
        copy = ListValue()
        copy._data = data if isinstance(data, bytes) else data.copied()
        return copy

    def compact_kind(self) -> int:
        """See ``Value``."""
        return COMPACT_LIST

    def compact(self) -> bytes | None:
        """See ``Value``."""
        data = self._data
        return data if isinstance(data, bytes) else None

    def from_compact(self, data: bytes) -> Value:
        """See ``Value``."""
        value = ListValue()
        value._data = data
        return value

    def _long(self) -> LongList:
        """The long form, made if it was none."""
        data = self._data
        if isinstance(data, LongList):
            return data
        long = LongList(elements_in(data, 0))
        self._data = long
        return long

    # -- size ---------------------------------------------------------------------------------------------------------

    def length(self) -> int:
        """The number of elements."""
        data = self._data
        return count_in(data, 0) if isinstance(data, bytes) else data.length()

    def make_room_bytes(self, size: int, count: int, limit: int) -> None:
        """``count`` elements of ``size`` bytes in all are about to be added."""
        data = self._data
        if isinstance(data, bytes) and (
            size > ELEMENT_MAX
            or len(data) + size + count > BYTES_MAX
            or count_in(data, 0) + count > _entries_max(limit)
        ):
            data = self._long()
        if isinstance(data, LongList):
            data.make_room_bytes(size, count, limit)

    def shrink(self, limit: int) -> None:
        """Elements were removed or replaced: a long list may take the packed form of OBJECT ENCODING again."""
        data = self._data
        if isinstance(data, LongList):
            data.shrink(limit)

    # -- the ends -----------------------------------------------------------------------------------------------------

    def push(self, element: bytes, left: bool) -> None:
        """Add ``element``, for which there is room, at one end."""
        data = self._data
        if isinstance(data, bytes):
            head = LENGTHS[len(element)]
            self._data = head + element + data if left else data + head + element
        else:
            data.push(element, left)

    def push_many(self, elements: list[bytes], begin: int, left: bool, limit: int) -> int:
        """Add ``elements`` from place ``begin`` on, one after the other at one end; the new length."""
        size: i64 = 0
        longest: i64 = 0
        for at in range(begin, len(elements)):
            length: i64 = len(elements[at])
            size += length
            longest = max(longest, length)
        count: i64 = len(elements) - begin
        data = self._data
        if isinstance(data, bytes):
            total = count_in(data, 0) + count
            if longest <= ELEMENT_MAX and len(data) + size + count <= BYTES_MAX and total <= _entries_max(limit):
                if count == 1:
                    self.push(elements[begin], left)
                    return total
                added = elements[begin:]
                if left:
                    added.reverse()
                    self._data = blob_of(added) + data
                else:
                    self._data = data + blob_of(added)
                return total
            data = self._long()
        data.make_room_bytes(size, count, limit)
        for at in range(begin, len(elements)):
            data.push(elements[at], left)
        return data.length()

    def pop(self, left: bool) -> bytes:
        """Remove and return the element at one end; there must be one."""
        data = self._data
        if isinstance(data, LongList):
            return data.pop(left)
        if left:
            element = element_at(data, 0)
            self._data = data[len(element) + 1 :]
        else:
            element = element_at(data, place_of_index(data, count_in(data, 0) - 1))
            self._data = data[: len(data) - len(element) - 1]
        return element

    def pop_many(self, count: int, left: bool) -> list[bytes]:
        """Remove up to ``count`` elements, in the order in which they leave."""
        return [self.pop(left) for _ in range(min(count, self.length()))]

    # -- anywhere -----------------------------------------------------------------------------------------------------

    def at(self, index: int) -> bytes | None:
        """The element at ``index``, negative from the end, or None."""
        data = self._data
        if isinstance(data, LongList):
            return data.at(index)
        count = count_in(data, 0)
        if index < 0:
            index += count
        return element_at(data, place_of_index(data, index)) if 0 <= index < count else None

    def set_at(self, index: int, element: bytes) -> bool:
        """Replace the element at ``index``, negative from the end; False when there is none. There is room for it."""
        data = self._data
        if isinstance(data, LongList):
            return data.set_at(index, element)
        elements = elements_in(data, 0)
        if not -len(elements) <= index < len(elements):
            return False
        elements[index] = element
        self._data = blob_of(elements)
        return True

    def between(self, start: int, stop: int) -> list[bytes]:
        """The elements from ``start`` to ``stop``, both included, both not negative, clipped to the list."""
        data = self._data
        return elements_in(data, 0)[start : stop + 1] if isinstance(data, bytes) else data.between(start, stop)

    def elements(self) -> list[bytes]:
        """All elements, in a list of its own."""
        data = self._data
        return elements_in(data, 0) if isinstance(data, bytes) else data.elements()

    def insert(self, pivot: bytes, element: bytes, after: bool) -> bool:
        """Put ``element``, for which there is room, beside the first ``pivot``; False when there is none."""
        data = self._data
        if isinstance(data, LongList):
            return data.insert(pivot, element, after)
        elements = elements_in(data, 0)
        if pivot not in elements:
            return False
        elements.insert(elements.index(pivot) + after, element)
        self._data = blob_of(elements)
        return True

    def remove(self, element: bytes, count: int) -> int:
        """Remove the first ``count`` elements that equal ``element``, the last when negative, all when 0; how many."""
        data = self._data
        if isinstance(data, LongList):
            return data.remove(element, count)
        long = LongList(elements_in(data, 0))
        removed = long.remove(element, count)
        self._data = blob_of(long.elements())
        return removed

    def trim(self, start: int, stop: int) -> int:
        """Keep the elements from ``start`` to ``stop``, both inside the list; how many were removed."""
        right = self.length() - 1 - stop
        data = self._data
        if isinstance(data, bytes):
            self._data = blob_of(elements_in(data, 0)[start : stop + 1])
        else:
            for _ in range(start):
                data.pop(left=True)
            for _ in range(right):
                data.pop(left=False)
        return start + right

    def positions(self, element: bytes, rank: int, count: int, visits_max: int) -> list[int]:
        """Where ``element`` is: from the ``rank``-th match on (from the end when negative), at most ``count`` of them.

        ``count`` 0 means all; ``visits_max`` 0 means to compare with every element.
        """
        found: list[int] = []
        backwards = rank < 0
        skip = (-rank if backwards else rank) - 1
        elements = self.elements()
        total: i64 = len(elements)
        visits: i64 = min(visits_max, len(elements)) if visits_max else total
        for step in range(visits):
            at = total - 1 - step if backwards else step
            if elements[at] != element:
                continue
            if skip > 0:
                skip -= 1
                continue
            found.append(at)
            if len(found) == count:
                break
        return found


enter_prototype(ListValue())


def _entries_max(limit: i64) -> i64:
    """Elements of a blob that OBJECT ENCODING calls a listpack."""
    most: i64 = ENTRIES_MAX
    if limit < 0 or limit > most:
        return most
    return max(limit, 1)


def list_of(value: object | None) -> ListValue | None:
    """``value`` as a list, None for no value. Raises CommandError for another type."""
    if value is None:
        return None
    if isinstance(value, ListValue):
        return value
    raise wrong_type()


def read_list(db: "Database", key: bytes) -> ListValue | None:
    """The list under ``key`` for a reading command."""
    return list_of(db.find(key))
