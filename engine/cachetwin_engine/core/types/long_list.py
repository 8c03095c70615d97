"""The structure of a list that is too large for a blob: O(1) at both ends, whatever the length.

A list that Valkey would keep in one listpack is a Python list here, where moving a few thousand pointers costs less than
a second structure; a longer one is a deque. The border is ``list-max-listpack-size``, so the form is also what OBJECT
ENCODING reports. A list that shrinks to half the border becomes packed again, so that pushing and popping at the border
does not convert each time. (Valkey does that only once a single node is left, which a deque doesn't know: a list that
shrank to less than half a node, spread over two, is a listpack here and a quicklist there.)
"""

from collections import deque
from itertools import islice
from typing import Final

from mypy_extensions import i64, mypyc_attr

from .listpack import LISTPACK_HEAD_BYTES, entry_bytes

_NODE_BYTES_MAX: Final[list[int]] = [4096, 8192, 16384, 32768, 65536]  # list-max-listpack-size -1 to -5
_COUNTED_NODE_BYTES_MAX: Final = 8192  # a node that is limited by its count holds no more bytes than this
_QUICKLIST_BYTES: Final = 40
_NODE_BYTES: Final = 32
OBJECT_BYTES: Final = 16


@mypyc_attr(acyclic=True)
class LongList:
    """A list of byte strings. ``limit`` in its methods is the parameter ``list-max-listpack-size``."""

    def __init__(self, elements: list[bytes]) -> None:
        self._small = elements
        self._large: deque[bytes] | None = None
        self._entry_bytes: i64 = 0  # what the elements would take in listpacks
        for element in elements:
            self._entry_bytes += entry_bytes(element)

    def packed(self) -> bool:
        """Whether Valkey would store it as one listpack."""
        return self._large is None

    def size_bytes(self, samples: int) -> int:
        """Bytes that Valkey would use; counted all along, so ``samples`` does not matter."""
        size = OBJECT_BYTES + LISTPACK_HEAD_BYTES + self._entry_bytes
        if self._large is not None:
            nodes = 1 + self._entry_bytes // 8192
            size += _QUICKLIST_BYTES + nodes * (_NODE_BYTES + LISTPACK_HEAD_BYTES)
        return size

    def take_apart(self) -> list[object]:
        """The container of the large form, for ``Trash``."""
        return [] if self._large is None else [self._large]

    def copied(self) -> "LongList":
        """An independent copy."""
        copy = LongList([])
        copy._small = list(self._small)
        if self._large is not None:
            copy._large = deque(self._large)
        copy._entry_bytes = self._entry_bytes
        return copy

    # -- size ---------------------------------------------------------------------------------------------------------

    def length(self) -> int:
        """The number of elements."""
        return len(self._small) if self._large is None else len(self._large)

    def make_room_bytes(self, size: i64, count: i64, limit: int) -> None:
        """``count`` elements of ``size`` bytes in all are about to be added."""
        if self._large is not None:
            return
        packed = LISTPACK_HEAD_BYTES + self._entry_bytes + size
        if limit < 0:
            fits = packed <= _NODE_BYTES_MAX[min(-limit - 1, 4)]
        else:
            fits = packed <= _COUNTED_NODE_BYTES_MAX and len(self._small) + count <= max(limit, 1)
        if not fits:
            self._large = deque(self._small)
            self._small = []

    def shrink(self, limit: int) -> None:
        """Elements were removed or replaced: return to the packed form at half of what it may hold."""
        large = self._large
        if large is None:
            return
        if limit < 0:
            fits = LISTPACK_HEAD_BYTES + self._entry_bytes <= _NODE_BYTES_MAX[min(-limit - 1, 4)] // 2
        else:
            fits = len(large) <= max(limit, 1) // 2
        if fits:
            self._small = list(large)
            self._large = None

    # -- the ends -----------------------------------------------------------------------------------------------------

    def push(self, element: bytes, left: bool) -> None:
        """Add ``element`` at one end."""
        self._entry_bytes += entry_bytes(element)
        large = self._large
        if large is not None:
            if left:
                large.appendleft(element)
            else:
                large.append(element)
        elif left:
            self._small.insert(0, element)
        else:
            self._small.append(element)

    def pop(self, left: bool) -> bytes:
        """Remove and return the element at one end; there must be one."""
        large = self._large
        if large is not None:
            element = large.popleft() if left else large.pop()
        elif left:
            element = self._small.pop(0)
        else:
            element = self._small.pop()
        self._entry_bytes -= entry_bytes(element)
        return element

    # -- anywhere -----------------------------------------------------------------------------------------------------

    def at(self, index: int) -> bytes | None:
        """The element at ``index``, negative from the end, or None."""
        count = self.length()
        if index < 0:
            index += count
        if not 0 <= index < count:
            return None
        large = self._large
        return self._small[index] if large is None else large[index]

    def set_at(self, index: int, element: bytes) -> bool:
        """Replace the element at ``index``, negative from the end; False when there is none."""
        count = self.length()
        if index < 0:
            index += count
        if not 0 <= index < count:
            return False
        large = self._large
        if large is None:
            self._entry_bytes += entry_bytes(element) - entry_bytes(self._small[index])
            self._small[index] = element
        else:
            self._entry_bytes += entry_bytes(element) - entry_bytes(large[index])
            large[index] = element
        return True

    def between(self, start: int, stop: int) -> list[bytes]:
        """The elements from ``start`` to ``stop``, both included, both not negative, clipped to the list."""
        large = self._large
        if large is None:
            return self._small[start : stop + 1]
        count = len(large)
        stop = min(stop, count - 1)
        if start > stop:
            return []
        if start == 0 and stop == count - 1:
            return list(large)
        if start <= count - 1 - stop:
            return list(islice(large, start, stop + 1))
        found = list(islice(reversed(large), count - 1 - stop, count - start))
        found.reverse()
        return found

    def elements(self) -> list[bytes]:
        """All elements, in a list of its own."""
        return list(self._small) if self._large is None else list(self._large)

    def insert(self, pivot: bytes, element: bytes, after: bool) -> bool:
        """Put ``element`` beside the first ``pivot``; False when there is none."""
        large = self._large
        if large is None:
            if pivot not in self._small:
                return False
            self._small.insert(self._small.index(pivot) + after, element)
        else:
            if pivot not in large:
                return False
            large.insert(large.index(pivot) + after, element)
        self._entry_bytes += entry_bytes(element)
        return True

    def remove(self, element: bytes, count: int) -> int:
        """Remove the first ``count`` elements that equal ``element``, the last when negative, all when 0; how many."""
        elements = self.elements()
        if element not in elements:
            return 0
        if count == 1:
            self._entry_bytes -= entry_bytes(element)
            if self._large is None:
                self._small.remove(element)
            else:
                self._large.remove(element)
            return 1
        left = count if count > 0 else -count
        if count == 0:
            left = len(elements)
        if count < 0:
            elements.reverse()
        kept: list[bytes] = []
        removed = 0
        for candidate in elements:
            if removed < left and candidate == element:
                removed += 1
            else:
                kept.append(candidate)
        if count < 0:
            kept.reverse()
        self._entry_bytes -= removed * entry_bytes(element)
        if self._large is None:
            self._small = kept
        else:
            self._large = deque(kept)
        return removed
