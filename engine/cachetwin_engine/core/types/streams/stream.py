"""Streams: entries in the order of their IDs, and consumer groups that share them out.

An ID is one integer here, ``ms << 64 | seq``: comparing, adding one and bisecting need no pairs. Only where entries are
added it stays a pair, because integers of more than 62 bits are slow. Entries (``stream_entry``) lie in leaves
(``stream_leaf``) that grow at their end until ``stream-node-max-entries`` or ``-bytes`` is reached; groups that share the
entries out are in ``stream_group``.
"""

from bisect import bisect_right
from typing import TYPE_CHECKING, Final

from mypy_extensions import i64, mypyc_attr

from cachetwin_engine.core.keyspace.value import Value
from cachetwin_engine.core.protocol.errors import wrong_type

from .entry import SEQ_MASK, entry_of, first_from, id_of, id_parts, id_reply
from .group import UNKNOWN, Group
from .leaf import Leaf, tree_nodes_below

if TYPE_CHECKING:
    from cachetwin_engine.core.keyspace.database import Database

ID_MAX: Final = (1 << 128) - 1
_NODE_BYTES_MAX: Final = 1 << 30
FREED_LATER_MIN: Final = 64  # leaves that are trimmed at once


@mypyc_attr(acyclic=True)  # groups, consumers and pending entries are in cycles, but none leads back here
class Stream(Value):
    """An append-only log with IDs. ``last_ms`` and ``last_seq`` are the halves of ``last_id``."""

    def __init__(self) -> None:
        self.length = 0
        self.first_id = 0
        self.last_ms = 0
        self.last_seq = 0
        self.max_deleted_id = 0
        self.entries_added = 0
        self.groups: dict[bytes, Group] = {}
        self.leaves: list[Leaf] = []
        self._bases: list[int] = []
        self._trimmed: list[object] = []

    @property
    def last_id(self) -> int:
        """The highest ID ever added."""
        return self.last_ms << 64 | self.last_seq

    @last_id.setter
    def last_id(self, entry_id: int) -> None:
        self.last_ms = entry_id >> 64
        self.last_seq = entry_id & SEQ_MASK

    def kind(self) -> bytes:
        """What TYPE answers."""
        return b"stream"

    def encoding(self) -> bytes:
        """There is only one."""
        return b"stream"

    def size_bytes(self, samples: int) -> int:
        """The objects of CPython 3.11: per entry its bytes as a reply and a list's place; pending entries."""
        size = 600 + 300 * len(self.leaves) + 92 * self.length + sum([leaf.size_bytes for leaf in self.leaves])
        for group in self.groups.values():
            size += 700 + 350 * len(group.pending.entries) + 700 * len(group.consumers)
        return size

    def take_apart(self) -> list[object]:
        """See ``Value``."""
        entries: list[object] = []
        for leaf in self.leaves:
            entries.append(leaf.entries)
        return [entries]

    def copied(self) -> Value:
        """An independent copy, groups included."""
        copy = Stream()
        copy.length = self.length
        copy.first_id = self.first_id
        copy.last_ms = self.last_ms
        copy.last_seq = self.last_seq
        copy.max_deleted_id = self.max_deleted_id
        copy.entries_added = self.entries_added
        for leaf in self.leaves:
            copy.leaves.append(leaf.copied())
        copy._bases = self._bases.copy()
        for name, group in self.groups.items():
            copy.groups[name] = group.copied()
        return copy

    # -- entries ------------------------------------------------------------------------------------------------------

    def append(self, entry_id: int, items: list[bytes], node_bytes_max: int, node_entries_max: int) -> None:
        """Add fields and values, in turn, as an entry. See ``add``."""
        self.add(entry_id >> 64, entry_id & SEQ_MASK, items, 0, node_bytes_max, node_entries_max)

    def add(
        self, ms: int, seq: int, words: list[bytes], first: i64, node_bytes_max: i64, node_entries_max: i64
    ) -> bytes:
        """Add ``words`` from ``first`` on, fields and values in turn, as an entry; its ID as a bulk string.

        ``ms`` and ``seq`` are the ID, which is above ``last_id``. Limits: 0 is none.
        """
        if not 0 < node_bytes_max <= _NODE_BYTES_MAX:
            node_bytes_max = _NODE_BYTES_MAX
        end: i64 = len(words)
        size: i64 = 0
        for at in range(first, end):
            size += len(words[at])
        leaf = self.leaves[-1] if self.leaves else None
        if leaf is not None and (
            leaf.size_bytes + size >= node_bytes_max or 0 < node_entries_max <= len(leaf.entries) + leaf.deleted
        ):
            leaf = None
        if leaf is None:
            leaf = Leaf(ms, seq, words[first::2])
            self.leaves.append(leaf)
            self._bases.append(leaf.base())
        shown_id = id_reply(ms, seq)
        leaf.size_bytes += leaf.size_of(ms, seq, words, first)
        leaf.entries.append(entry_of(shown_id, words, first))
        leaf.last_ms = self.last_ms = ms
        leaf.last_seq = self.last_seq = seq
        self.length += 1
        self.entries_added += 1
        if self.length == 1:
            self.first_id = ms << 64 | seq
        return shown_id

    def get(self, entry_id: int) -> bytes | None:
        """An entry, None when there is none with this ID."""
        at = bisect_right(self._bases, entry_id) - 1
        if at < 0:
            return None
        entries = self.leaves[at].entries
        place = first_from(entries, entry_id)
        if place < len(entries) and id_of(entries[place]) == entry_id:
            return entries[place]
        return None

    def range(self, start: int, end: int, count: int, reverse: bool = False) -> list[bytes]:
        """The entries with IDs from ``start`` to ``end``, both included; at most ``count`` if that is not 0."""
        found: list[bytes] = []
        if start > end or not self.leaves:
            return found
        at = max(bisect_right(self._bases, end if reverse else start) - 1, 0)
        while 0 <= at < len(self.leaves):
            leaf = self.leaves[at]
            base, last = leaf.base(), leaf.last()
            low = 0 if start <= base else first_from(leaf.entries, start) if start <= last else len(leaf.entries)
            high = len(leaf.entries) if end >= last else first_from(leaf.entries, end + 1)
            if count:
                left = count - len(found)
                if reverse:
                    low = max(low, high - left)
                else:
                    high = min(high, low + left)
            if low < high:
                part = leaf.entries[low:high]
                if reverse:
                    part.reverse()
                found.extend(part)
            if count and len(found) >= count:
                break
            if reverse:
                if base <= start:
                    break
                at -= 1
            else:
                if last >= end:
                    break
                at += 1
        return found

    def lowest_id(self) -> int:
        """The ID of the first entry that is or was in the first node, ``ID_MAX`` without nodes."""
        return self.leaves[0].base() if self.leaves else ID_MAX

    def has_after(self, entry_id: int) -> bool:
        """Whether there is an entry with a higher ID."""
        for leaf in reversed(self.leaves):
            if leaf.entries:
                ms, seq = id_parts(leaf.entries[-1])
                other_ms = entry_id >> 64
                return ms > other_ms or (ms == other_ms and seq > entry_id & SEQ_MASK)
        return False

    def top_id(self) -> int:
        """The highest ID that is still there, 0 if none is."""
        for leaf in reversed(self.leaves):
            if leaf.entries:
                return id_of(leaf.entries[-1])
        return 0

    def delete(self, entry_id: int) -> bool:
        """Remove an entry; False when there is no such entry."""
        at = bisect_right(self._bases, entry_id) - 1
        if at < 0:
            return False
        leaf = self.leaves[at]
        entries = leaf.entries
        place = first_from(entries, entry_id)
        if place == len(entries) or id_of(entries[place]) != entry_id:
            return False
        if len(entries) == 1:
            del self.leaves[at]
            del self._bases[at]
        else:
            del entries[place]
            leaf.deleted += 1
        self.length -= 1
        self.max_deleted_id = max(self.max_deleted_id, entry_id)
        self._find_first()
        return True

    def trim_to_length(self, length: int, approximately: bool, limit: int) -> int:
        """Remove the oldest entries until ``length`` are left; how many. See ``_trim``."""
        whole = 0
        removed = 0
        for leaf in self.leaves:
            count = len(leaf.entries)
            left = self.length - removed
            if left <= length or (limit and removed + count > limit):
                break
            if left - count < length:
                if not approximately:
                    return self._trim(whole, left - length)
                break
            whole += 1
            removed += count
        return self._trim(whole, 0)

    def trim_before(self, entry_id: int, approximately: bool, limit: int) -> int:
        """Remove the entries with IDs below ``entry_id``; how many. See ``_trim``."""
        whole = 0
        removed = 0
        for leaf in self.leaves:
            count = len(leaf.entries)
            if limit and removed + count > limit:
                break
            if leaf.last() >= entry_id:
                if not approximately:
                    return self._trim(whole, first_from(leaf.entries, entry_id))
                break
            whole += 1
            removed += count
        return self._trim(whole, 0)

    def _trim(self, whole: int, more: int) -> int:
        """Remove the first ``whole`` leaves and ``more`` entries of the next, which stays even if it is left empty."""
        removed = more
        for leaf in self.leaves[:whole]:
            removed += len(leaf.entries)
            if whole >= FREED_LATER_MIN:
                self._trimmed.append(leaf.entries)
        if removed == 0 and whole == 0:
            return 0
        del self.leaves[:whole]
        del self._bases[:whole]
        if more:
            leaf = self.leaves[0]
            del leaf.entries[:more]
            leaf.deleted += more
        self.length -= removed
        self._find_first()
        return removed

    def take_trimmed(self) -> list[object]:
        """What was trimmed and is still to be freed, for ``Trash``."""
        trimmed = self._trimmed
        if trimmed:
            self._trimmed = []
        return trimmed

    def _find_first(self) -> None:
        self.first_id = 0
        for leaf in self.leaves:
            if leaf.entries:
                self.first_id = id_of(leaf.entries[0])
                break

    # -- how far a group is -------------------------------------------------------------------------------------------

    def has_gap_from(self, start: int, forgets: bool) -> bool:
        """Whether an entry from ``start`` on may have been deleted (not trimmed).

        ``forgets``: what was deleted before the first entry does not matter (Redis OSS up to 7.0).
        """
        if not self.length or self.max_deleted_id == 0 or (forgets and self.first_id > self.max_deleted_id):
            return False
        return start <= self.max_deleted_id

    def count_up_to(self, entry_id: int, forgets: bool) -> int:
        """How many entries were ever added up to ``entry_id``, UNKNOWN when that can't be told.

        ``forgets``: see ``has_gap_from``.
        """
        if not self.entries_added:
            return 0
        if not self.length and entry_id <= self.last_id:
            return self.entries_added
        if not forgets and entry_id != 0 and entry_id < self.max_deleted_id:
            return UNKNOWN
        if entry_id == self.last_id:
            return self.entries_added
        if entry_id > self.last_id:
            return UNKNOWN
        if self.max_deleted_id == 0 or self.max_deleted_id < self.first_id:
            if entry_id < self.first_id:
                return self.entries_added - self.length
            if entry_id == self.first_id:
                return self.entries_added - self.length + 1
        return UNKNOWN

    def lag(self, group: Group, forgets: bool) -> int | None:
        """How many entries a group has not been given yet, None when that can't be told; negative for a wrong count.

        ``forgets``: see ``has_gap_from``.
        """
        if not self.entries_added:
            return 0
        if group.entries_read != UNKNOWN and not self.has_gap_from(group.last_id, forgets):
            return self.entries_added - group.entries_read
        read = self.count_up_to(group.last_id, forgets)
        return None if read == UNKNOWN else self.entries_added - read

    def tree_nodes(self) -> int:
        """How many nodes Valkey's radix tree of the leaves' first IDs would have (XINFO STREAM)."""
        if not self._bases:
            return 1
        return tree_nodes_below([base.to_bytes(16, "big") for base in self._bases], 0)


def stream_of(value: object | None) -> Stream | None:
    """``value`` as a stream, None for no value. Raises CommandError for another type."""
    if value is None:
        return None
    if isinstance(value, Stream):
        return value
    raise wrong_type()


def read_stream(db: "Database", key: bytes) -> Stream | None:
    """The stream under ``key`` for a reading command."""
    return stream_of(db.find(key))
