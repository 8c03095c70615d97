"""What is freed in the background (``keyspace.trash``): values of many parts, counted as Valkey does."""

from typing import Final

from cachetwin_engine.core.keyspace.value import Value
from cachetwin_engine.core.types.hashes.hash import HashValue
from cachetwin_engine.core.types.list import ListValue
from cachetwin_engine.core.types.set import SetValue
from cachetwin_engine.core.types.sorted_sets.sorted_set import SortedSet
from cachetwin_engine.core.types.streams.stream import Stream

PARTS_MIN: Final = 64  # a value of more parts than these is freed in the background (lazyfree.c)
_NODE_BYTES: Final = 8192  # of a list's nodes


def is_freed_lazily(value: object) -> bool:
    """True if ``value`` has more than ``PARTS_MIN`` parts, each allocated by itself. A packed value is one part."""
    if not isinstance(value, Value):
        return False
    if isinstance(value, Stream):
        return _parts_of_stream(value) > PARTS_MIN
    if value.encoding() in {b"listpack", b"intset"}:
        return False
    if isinstance(value, ListValue):
        return value.size_bytes(0) // _NODE_BYTES >= PARTS_MIN
    if isinstance(value, SortedSet):
        return len(value) > PARTS_MIN
    if isinstance(value, HashValue):
        return value.length() > PARTS_MIN
    return isinstance(value, SetValue) and value.length() > PARTS_MIN


def _parts_of_stream(stream: Stream) -> int:
    """Nodes, and what groups hold: all are taken to be like the first."""
    parts = stream.tree_nodes()
    for group in stream.groups.values():
        return parts + len(stream.groups) * (1 + len(group.pending.entries))
    return parts
