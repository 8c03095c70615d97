"""A table of keys for the interpreted build: Python's dict, and an index beside it from the first scan or random key on."""

from collections.abc import Callable

from .key_index import KeyIndex, index_of
from .key_table import KeyTable


class DictTable(KeyTable):
    """See ``KeyTable``."""

    def __init__(self) -> None:
        self._values: dict[bytes, object] = {}
        self._index: KeyIndex | None = None

    def __len__(self) -> int:
        return len(self._values)

    def find(self, key: bytes) -> object | None:
        """See ``KeyTable``."""
        return self._values.get(key)

    def peek(self, key: bytes) -> object | None:
        """See ``KeyTable``."""
        return self._values.get(key)

    def has(self, key: bytes) -> bool:
        """See ``KeyTable``."""
        return key in self._values

    def put(self, key: bytes, value: object) -> bool:
        """See ``KeyTable``."""
        is_new = key not in self._values
        self._values[key] = value
        if is_new and self._index is not None:
            self._index.add(key)
        return is_new

    def remove(self, key: bytes) -> object | None:
        """See ``KeyTable``."""
        value = self._values.pop(key, None)
        if value is not None and self._index is not None:
            self._index.remove(key)
        return value

    def keys(self) -> list[bytes]:
        """See ``KeyTable``."""
        return list(self._values)

    def first(self, count: int) -> list[bytes]:
        """See ``KeyTable``. The oldest ones."""
        found: list[bytes] = []
        for key in self._values:
            if len(found) >= count:
                break
            found.append(key)
        return found

    def items(self) -> list[tuple[bytes, object]]:
        """See ``KeyTable``."""
        return list(self._values.items())

    def random(self, below: Callable[[int], int]) -> bytes:
        """See ``KeyTable``."""
        return self._indexed().random(below)

    def sample(self, below: Callable[[int], int], count: int) -> list[bytes]:
        """See ``KeyTable``. The oldest keys, until there is an index."""
        if self._index is not None:
            return self._index.draw(below, count)
        return self.first(count)

    def draw(self, below: Callable[[int], int], count: int) -> list[bytes]:
        """See ``KeyTable``."""
        return self._indexed().draw(below, count)

    def scan(self, cursor: int, count: int) -> tuple[int, list[bytes]]:
        """See ``KeyTable``."""
        return self._indexed().scan(cursor, count)

    def is_passed(self, key: bytes, cursor: int) -> bool:
        """See ``KeyTable``."""
        return self._indexed().is_passed(key, cursor)

    def _indexed(self) -> KeyIndex:
        if self._index is None:
            self._index = index_of(self._values)
        return self._index
