"""An entry of ``PackedTable``: a key and what lies under it, as one object.

Three forms, of which the first is by far the most frequent:

- ``bytes``: a short string, or a small collection that no command is using.

      +-----------------+-----------------+--------+------------+
      | key             | value           | kind   | key length |
      | 0 to 255 bytes  | 0 to 4,096      | 1 byte | 1 byte     |
      +-----------------+-----------------+--------+------------+
      0                 key length        -2       -1

  Key and value together have at most ``PACKED_BYTES_MAX`` bytes, with a collection ``PACKED_COLLECTION_BYTES_MAX``. Kind 0
  is a string; another is one of ``value.COMPACT_*``, and the value is what ``Value.compact`` returned. The key comes first,
  so that it is compared without a copy; its length comes last, where it is read with the kind.
- ``LongString``: a longer string, wrapped with its key, so that reading it copies nothing.
- any other ``Value``, which knows its key.
"""

from typing import Final, cast

from mypy_extensions import i64, mypyc_attr

from .value import PROTOTYPES, Value

PACKED_BYTES_MAX: Final = 477  # with the two last bytes and 33 of bytes' own head the largest small block of Python
PACKED_COLLECTION_BYTES_MAX: Final = 4096  # what ``types.blob`` makes, and a key
PACKED_KEY_BYTES_MAX: Final = 255  # what one byte can say

END_BYTES: Final = 2
"""Of a ``bytes`` entry, behind key and value."""

_STRING: Final = 0
_ENDS: Final[list[bytes]] = [
    bytes([kind, size]) for kind in range(len(PROTOTYPES)) for size in range(PACKED_KEY_BYTES_MAX + 1)
]
"""The last two bytes, by kind and length of the key."""


@mypyc_attr(acyclic=True)
class LongString(Value):
    """A string that is too long to be packed. Nobody outside of the table sees it."""

    def __init__(self, key: bytes, data: bytes) -> None:
        self.key = key
        self.data = data


def entry_of(key: bytes, value: object) -> object:
    """The entry for ``value``, a string or a ``Value``. Collections are packed later, by ``packed``."""
    if isinstance(value, bytes):
        size: i64 = len(key)
        if size <= PACKED_KEY_BYTES_MAX and size + len(value) <= PACKED_BYTES_MAX:
            return b"%b%b%b" % (key, value, _ENDS[size])
        return LongString(key, value)
    held = cast("Value", value)
    held.key = key
    return held


def packed(value: Value) -> bytes | None:
    """The ``bytes`` entry for a small collection; None if it is none, or too large with its key."""
    data = value.compact()
    key = value.key
    size: i64 = len(key)
    if data is None or size > PACKED_KEY_BYTES_MAX or size + len(data) > PACKED_COLLECTION_BYTES_MAX:
        return None
    return b"%b%b%b" % (key, data, _ENDS[value.compact_kind() * (PACKED_KEY_BYTES_MAX + 1) + size])


def is_under(entry: object, key: bytes) -> bool:
    """Whether the key of ``entry`` is ``key``."""
    if isinstance(entry, bytes):
        whole: bytes = entry  # or each use of it checks its type anew
        size: i64 = len(key)
        return i64(whole[len(whole) - 1]) == size and whole.startswith(key)
    return cast("Value", entry).key == key


def key_of(entry: object) -> bytes:
    """The key of ``entry``."""
    if isinstance(entry, bytes):
        whole: bytes = entry
        return whole[: whole[len(whole) - 1]]
    return cast("Value", entry).key


def value_of(entry: object) -> object:
    """The string, or the ``Value``: ``entry`` itself, or a new one without its key if it is packed."""
    if isinstance(entry, bytes):
        whole: bytes = entry
        end: i64 = len(whole)
        data = whole[whole[end - 1] : end - 2]
        kind: i64 = whole[end - 2]
        return data if kind == _STRING else PROTOTYPES[kind].from_compact(data)
    return entry.data if isinstance(entry, LongString) else entry
