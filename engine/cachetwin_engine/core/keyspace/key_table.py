"""The interface of a table of keys, which holds the keys and values of a database or a large collection.

A key may have a time at which it expires. The table only stores it; ``Database`` says what follows from it.

There are two implementations. ``PackedTable`` is the faster one when compiled: it waits less often for memory.
``DictTable`` is the faster one when interpreted, where a loop in Python costs more than such a wait. Both builds have
both, and the same tests run against both; ``new_key_table`` chooses.
"""

from collections.abc import Callable


class KeyTable:
    """A map from keys to values (``bytes`` or ``Value``) that can also be walked with a cursor and drawn from."""

    expiring: int
    """How many keys have a time to live."""

    def __len__(self) -> int:
        raise NotImplementedError

    def find(self, key: bytes) -> object | None:
        """The value under ``key``, or None."""
        raise NotImplementedError

    def peek(self, key: bytes) -> object | None:
        """Like ``find``, for reading only: what is returned may be a copy."""
        raise NotImplementedError

    def has(self, key: bytes) -> bool:
        """Whether ``key`` is in the table."""
        raise NotImplementedError

    def put(self, key: bytes, value: object) -> bool:
        """Set ``key``; True when it is new. A time to live stays. A ``Value`` may be in one table under one key only."""
        raise NotImplementedError

    def remove(self, key: bytes) -> object | None:
        """Take ``key`` away, with its time to live; what was under it, or None."""
        raise NotImplementedError

    def keys(self) -> list[bytes]:
        """All keys, in no particular order."""
        raise NotImplementedError

    def first(self, count: int) -> list[bytes]:
        """Up to ``count`` keys, the same ones until the table changes."""
        raise NotImplementedError

    def take_apart(self) -> list[object]:
        """The containers of what is in it, for ``Trash``: nobody uses the table any more."""
        raise NotImplementedError

    def items(self) -> list[tuple[bytes, object]]:
        """All keys and their values, for reading only."""
        raise NotImplementedError

    def strings(self, with_keys: bool) -> list[bytes]:
        """All values of a table that holds strings only, each behind its key if ``with_keys``."""
        raise NotImplementedError

    def string_bytes(self) -> int:
        """Bytes of all keys and values of a table that holds strings only."""
        raise NotImplementedError

    def copied(self) -> "KeyTable":
        """An independent copy of a table that holds strings only, without times to live."""
        raise NotImplementedError

    def close(self) -> None:
        """Pack values where that saves memory. Called when no command runs: nobody may use what ``find`` or ``put`` saw."""

    def random(self, below: Callable[[int], int]) -> bytes:
        """A key, each as likely as any other. ``below(n)`` draws from 0 to n - 1. The table must not be empty."""
        raise NotImplementedError

    def sample(self, below: Callable[[int], int], count: int) -> list[bytes]:
        """Up to ``count`` keys for an estimate: cheap, not uniform."""
        raise NotImplementedError

    def draw(self, below: Callable[[int], int], count: int) -> list[bytes]:
        """Up to ``count`` keys from a random place on: neighbours, each key about as likely as any other."""
        raise NotImplementedError

    def scan(self, cursor: int, count: int) -> tuple[int, list[bytes]]:
        """At least ``count`` keys from ``cursor`` on, as far as there are: (next cursor, 0 at the end; keys).

        Keys that stay present from cursor 0 to the end are returned, whatever comes and goes meanwhile; a key may be
        returned twice.
        """
        raise NotImplementedError

    # -- times to live ------------------------------------------------------------------------------------------------

    def expire_at(self, key: bytes, at_ms: int) -> None:
        """Let a present ``key`` live until ``at_ms`` (Unix time, not negative)."""
        raise NotImplementedError

    def expiry_of(self, key: bytes) -> int:
        """When ``key`` expires (Unix time in ms), -1 if never."""
        raise NotImplementedError

    def persist(self, key: bytes) -> bool:
        """Remove the time to live; False when there was none."""
        raise NotImplementedError

    def expiry_times(self, count: int) -> list[int]:
        """When up to ``count`` keys expire."""
        raise NotImplementedError

    def random_expiring(self, below: Callable[[int], int]) -> bytes:
        """A key with a time to live, each about as likely as any other. There must be one."""
        raise NotImplementedError

    def draw_expiring(self, below: Callable[[int], int], count: int) -> list[bytes]:
        """``draw`` among the keys with a time to live."""
        raise NotImplementedError

    def scan_expiring(self, cursor: int, count: int) -> tuple[int, list[bytes]]:
        """``scan`` among the keys with a time to live."""
        raise NotImplementedError

    # -- a walk's place -----------------------------------------------------------------------------------------------

    def is_passed(self, key: bytes, cursor: int) -> bool:
        """Whether a scan that has returned ``cursor``, not 0, has passed the place of ``key``, present or not."""
        raise NotImplementedError
