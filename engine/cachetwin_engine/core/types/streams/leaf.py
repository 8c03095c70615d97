"""A leaf of a stream: neighbouring entries, counted as a node of Valkey's radix tree of listpacks.

The counts matter beyond MEMORY USAGE, because XADD and XTRIM with ``~`` drop whole leaves only. Deleted entries leave no
trace here but in ``deleted``.
"""

from typing import Final

from mypy_extensions import i64, mypyc_attr

from cachetwin_engine.core.types.listpack import LISTPACK_HEAD_BYTES, entry_bytes, integer_bytes

from .entry import SEQ_MASK

_SMALL_MAX: Final = 2**61  # far below where an integer stops being one machine word in the compiled build


@mypyc_attr(acyclic=True)
class Leaf:
    """Neighbouring entries, and what Valkey's listpack node for them would take."""

    def __init__(self, ms: int, seq: int, fields: list[bytes]) -> None:
        self.base_ms = ms  # ID of the first entry that was ever here
        self.base_seq = seq
        self.last_ms = ms  # ID of the last one
        self.last_seq = seq
        self.fields = fields  # names in the first entry: entries that have the same ones take less room
        self.entries: list[bytes] = []
        self.deleted: i64 = 0
        self.size_bytes: i64 = LISTPACK_HEAD_BYTES + 6 + integer_bytes(len(fields))
        for field in fields:
            self.size_bytes += entry_bytes(field)

    def base(self) -> int:
        """The ID of the first entry that was ever here."""
        return self.base_ms << 64 | self.base_seq

    def last(self) -> int:
        """The ID of the last entry that was ever here."""
        return self.last_ms << 64 | self.last_seq

    def fields_are(self, words: list[bytes], first: i64) -> bool:
        """Whether the fields in ``words`` from ``first`` on, fields and values in turn, are those of the first entry."""
        fields = self.fields
        count: i64 = len(fields)
        if len(words) - first != 2 * count:
            return False
        for at in range(count):
            if words[first + 2 * at] != fields[at]:
                return False
        return True

    def size_of(self, ms: int, seq: int, words: list[bytes], first: i64) -> i64:
        """Bytes that an entry takes in this leaf: ``words`` from ``first`` on, fields and values in turn."""
        end: i64 = len(words)
        count = (end - first) >> 1
        size: i64 = 2 + integer_bytes(signed(ms - self.base_ms)) + integer_bytes(signed(seq - self.base_seq))
        if self.fields_are(words, first):
            for at in range(first + 1, end, 2):
                size += entry_bytes(words[at])
            return size + integer_bytes(count + 3)
        for at in range(first, end):
            size += entry_bytes(words[at])
        return size + integer_bytes(count) + integer_bytes(2 * count + 4)

    def copied(self) -> "Leaf":
        """An independent copy."""
        copy = Leaf(self.base_ms, self.base_seq, self.fields)
        copy.last_ms = self.last_ms
        copy.last_seq = self.last_seq
        copy.entries = self.entries.copy()
        copy.deleted = self.deleted
        copy.size_bytes = self.size_bytes
        return copy


def signed(value: int) -> int:
    """A difference of times or sequence numbers as the 64-bit integer that a listpack stores."""
    if -_SMALL_MAX < value < _SMALL_MAX:
        return value
    value &= SEQ_MASK
    return value - (1 << 64) if value >> 63 else value


def tree_nodes_below(keys: list[bytes], depth: int) -> int:
    """Nodes of a radix tree, with chains of single children packed into one, for sorted ``keys`` of 16 bytes."""
    if depth == 16:
        return 1
    first, last = keys[0], keys[-1]
    fork = depth
    while fork < 16 and first[fork] == last[fork]:
        fork += 1
    if fork == 16:
        return 2
    nodes = 2 if fork > depth else 1
    start = 0
    for at in range(1, len(keys) + 1):
        if at == len(keys) or keys[at][fork] != keys[start][fork]:
            nodes += tree_nodes_below(keys[start:at], fork + 1)
            start = at
    return nodes
