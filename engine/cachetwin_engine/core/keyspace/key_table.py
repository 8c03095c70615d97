"""The contract of a table of keys: what a database asks of whatever holds its keys and values.

Two keep it. ``PackedTable`` is made for the compiled build: it counts waits for memory. ``DictTable`` is made for the
interpreted build, where a loop in Python costs more than such a wait. Both are there in both builds, and the same tests
hold them to this contract; ``new_key_table`` says which one serves.
"""

from collections.abc import Callable


class KeyTable:
    """A map from keys to values (``bytes`` or ``Value``) that can also be walked with a cursor and drawn from."""

    def __len__(self) -> int:
        raise NotImplementedError

    def find(self, key: bytes) -> object | None:
        """The value under ``key``, or None."""
        raise NotImplementedError

    def peek(self, key: bytes) -> object | None:
        """Like ``find``, for reading only: what is returned may be a copy."""
        raise NotImplementedError

    def has(self, key: bytes) -> bool:
        """Is there anything under ``key``?"""
        raise NotImplementedError

    def put(self, key: bytes, value: object) -> bool:
        """Set ``key``; True when it is new. A ``Value`` must not lie under another key of any table."""
        raise NotImplementedError

    def remove(self, key: bytes) -> object | None:
        """Take ``key`` away; what was under it, or None."""
        raise NotImplementedError

    def keys(self) -> list[bytes]:
        """All keys, in no order that means anything."""
        raise NotImplementedError

    def first(self, count: int) -> list[bytes]:
        """Up to ``count`` keys, the same ones until the table changes."""
        raise NotImplementedError

    def items(self) -> list[tuple[bytes, object]]:
        """All keys and their values, for reading only."""
        raise NotImplementedError

    def close(self) -> None:
        """No command runs: nobody holds a value that was found or put, so each may be stored anew."""

    def random(self, below: Callable[[int], int]) -> bytes:
        """A key, each as likely as any other. ``below(n)`` draws from 0 to n - 1. The table must not be empty."""
        raise NotImplementedError

    def sample(self, below: Callable[[int], int], count: int) -> list[bytes]:
        """Up to ``count`` keys for an estimate: cheap, not uniform."""
        raise NotImplementedError

    def scan(self, cursor: int, count: int) -> tuple[int, list[bytes]]:
        """At least ``count`` keys from ``cursor`` on, as far as there are: (next cursor, 0 at the end; keys).

        Keys that stay present from cursor 0 to the end are returned, whatever comes and goes meanwhile; none without need
        twice.
        """
        raise NotImplementedError
