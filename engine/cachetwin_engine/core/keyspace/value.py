"""The base class of values.

A plain string is no ``Value`` but ``bytes``: most values of most caches are strings, and a wrapper would take more memory
than the value.
"""

from typing import Final

from mypy_extensions import mypyc_attr

# Kinds of values that a table may store as plain bytes beside their key while no command uses them; 0 is a string.
COMPACT_HASH: Final = 1
COMPACT_LIST: Final = 2
COMPACT_SET: Final = 3
COMPACT_SORTED_SET: Final = 4


@mypyc_attr(acyclic=True)  # no collector's head of 16 bytes; a sub-class that can be in a cycle leaves it out
class Value:
    """A value that is not a plain string. Sub-classes are in ``core.types``, one kind a module.

    It has few attributes, because there may be as many values as keys.
    """

    key: bytes = b""  # set by the table that holds it

    @property
    def volatile(self) -> bool:
        """Whether it holds elements with a time to live. ``Database.volatile`` lists such keys."""
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

    def take_apart(self) -> list[object]:
        """The containers of a large value, for ``Trash``: nobody uses the value any more."""
        return []

    def compact_kind(self) -> int:
        """The ``COMPACT_*`` kind of values like this, 0 if they are never compact."""
        return 0

    def compact(self) -> bytes | None:
        """All of it in a few bytes, from which ``from_compact`` makes it again; None if it is too large now."""
        return None

    def from_compact(self, data: bytes) -> "Value":
        """The value of this kind whose ``compact`` was ``data``."""
        raise NotImplementedError


PROTOTYPES: Final[list[Value]] = [Value(), Value(), Value(), Value(), Value()]  # by kind; each type enters its own


def enter_prototype(value: Value) -> None:
    """Let values of this kind be made by ``value``."""
    PROTOTYPES[value.compact_kind()] = value
