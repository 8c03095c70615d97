"""What lies under a key, unless it is a plain string: those are ``bytes``, a bare object, because most keys of most caches
are strings and a wrapper would cost more than the value."""

from mypy_extensions import mypyc_attr


@mypyc_attr(acyclic=True)  # no collector's head of 16 bytes; a sub-class that can be in a cycle leaves it out
class Value:
    """A value that is not a plain string. Sub-classes live in ``core.types``, one kind a module.

    Few attributes here: there are as many values as keys.
    """

    key: bytes = b""  # under which it lies, for the table that finds it; a value lies under one key at a time

    @property
    def volatile(self) -> bool:
        """Does something in it end by itself? ``Database.volatile`` must know."""
        return False

    def kind(self) -> bytes:
        """What TYPE answers."""
        raise NotImplementedError

    def encoding(self) -> bytes:
        """What OBJECT ENCODING answers."""
        raise NotImplementedError

    def size_bytes(self, samples: int) -> int:
        """Memory this value holds, estimated from ``samples`` of its elements (0: all of them)."""
        raise NotImplementedError

    def copied(self) -> "Value":
        """An independent copy."""
        raise NotImplementedError
