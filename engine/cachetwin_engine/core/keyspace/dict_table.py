"""A table of keys for the interpreted build: Python's dict, and an index beside it from the first scan or random key on."""

from collections.abc import Callable

from .key_index import KeyIndex, index_of
from .key_table import KeyTable


class DictTable(KeyTable):
    """See ``KeyTable``."""

    def __init__(self) -> None:
        self.expiring = 0
        self._values: dict[bytes, object] = {}
        self._expiries: dict[bytes, int] = {}
        self._expiring_index = KeyIndex()  # the keys of ``_expiries``
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
        if self.expiring:
            self.persist(key)
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

    def take_apart(self) -> list[object]:
        """See ``KeyTable``."""
        containers: list[object] = [self._values, self._expiries, *self._expiring_index.take_apart()]
        if self._index is not None:
            containers += self._index.take_apart()
        return containers

    def items(self) -> list[tuple[bytes, object]]:
        """See ``KeyTable``."""
        return list(self._values.items())

    def strings(self, with_keys: bool) -> list[bytes]:
        """See ``KeyTable``."""
        strings = [(key, value) for key, value in self._values.items() if isinstance(value, bytes)]
        return [word for pair in strings for word in pair] if with_keys else [value for _, value in strings]

    def string_bytes(self) -> int:
        """See ``KeyTable``."""
        return sum(len(word) for word in self.strings(with_keys=True))

    def copied(self) -> KeyTable:
        """See ``KeyTable``."""
        copy = DictTable()
        copy._values = self._values.copy()
        return copy

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

    def expire_at(self, key: bytes, at_ms: int) -> None:
        """See ``KeyTable``."""
        if key not in self._expiries:
            self._expiring_index.add(key)
            self.expiring += 1
        self._expiries[key] = at_ms

    def expiry_of(self, key: bytes) -> int:
        """See ``KeyTable``."""
        return self._expiries.get(key, -1)

    def persist(self, key: bytes) -> bool:
        """See ``KeyTable``."""
        if self._expiries.pop(key, None) is None:
            return False
        self._expiring_index.remove(key)
        self.expiring -= 1
        return True

    def expiry_times(self, count: int) -> list[int]:
        """See ``KeyTable``. Of the oldest ones."""
        found: list[int] = []
        for at_ms in self._expiries.values():
            if len(found) >= count:
                break
            found.append(at_ms)
        return found

    def random_expiring(self, below: Callable[[int], int]) -> bytes:
        """See ``KeyTable``."""
        return self._expiring_index.random(below)

    def draw_expiring(self, below: Callable[[int], int], count: int) -> list[bytes]:
        """See ``KeyTable``."""
        return self._expiring_index.draw(below, count)

    def scan_expiring(self, cursor: int, count: int) -> tuple[int, list[bytes]]:
        """See ``KeyTable``."""
        return self._expiring_index.scan(cursor, count)

    def is_passed(self, key: bytes, cursor: int) -> bool:
        """See ``KeyTable``."""
        return self._indexed().is_passed(key, cursor)

    def _indexed(self) -> KeyIndex:
        if self._index is None:
            self._index = index_of(self._values)
        return self._index
