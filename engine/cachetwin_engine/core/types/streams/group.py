"""Consumer groups of a stream: what each was given, and which entries are delivered and not acknowledged.

IDs are integers, ``ms << 64 | seq``, as in ``stream``.
"""

from bisect import bisect_left
from typing import Final

UNKNOWN: Final = -1
"""``entries_read`` of a group that lost count."""

_LEAF_IDS: Final = 512  # of a sorted list of pending IDs


class SortedIds:
    """IDs in order, mostly added at the end."""

    def __init__(self) -> None:
        self._leaves: list[list[int]] = []
        self._maxima: list[int] = []

    def add(self, entry_id: int) -> None:
        """Add an ID that is not present."""
        maxima = self._maxima
        if not maxima:
            self._leaves.append([entry_id])
            maxima.append(entry_id)
            return
        if entry_id > maxima[-1]:
            if len(self._leaves[-1]) < _LEAF_IDS:
                self._leaves[-1].append(entry_id)
                maxima[-1] = entry_id
            else:
                self._leaves.append([entry_id])
                maxima.append(entry_id)
            return
        at = bisect_left(maxima, entry_id)
        leaf = self._leaves[at]
        leaf.insert(bisect_left(leaf, entry_id), entry_id)
        if len(leaf) > 2 * _LEAF_IDS:
            upper = leaf[_LEAF_IDS:]
            del leaf[_LEAF_IDS:]
            maxima.insert(at, leaf[-1])
            self._leaves.insert(at + 1, upper)

    def remove(self, entry_id: int) -> None:
        """Remove an ID that is present."""
        at = bisect_left(self._maxima, entry_id)
        leaf = self._leaves[at]
        del leaf[bisect_left(leaf, entry_id)]
        if leaf:
            self._maxima[at] = leaf[-1]
        else:
            del self._leaves[at]
            del self._maxima[at]

    def first(self) -> int:
        """The lowest ID; there must be one."""
        return self._leaves[0][0]

    def last(self) -> int:
        """The highest ID; there must be one."""
        return self._maxima[-1]

    def from_id(self, start: int, count: int) -> list[int]:
        """The first ``count`` IDs from ``start`` on."""
        at = bisect_left(self._maxima, start)
        found: list[int] = []
        while at < len(self._leaves) and len(found) < count:
            leaf = self._leaves[at]
            low = bisect_left(leaf, start)
            found.extend(leaf[low : low + count - len(found)])
            at += 1
        return found


class Pending:
    """An entry that was delivered and not acknowledged."""

    def __init__(self, consumer: "Consumer", delivered_ms: int, deliveries: int) -> None:
        self.consumer = consumer
        self.delivered_ms = delivered_ms
        self.deliveries = deliveries


class PendingList:
    """Pending entries by ID, of a group or of one of its consumers."""

    def __init__(self) -> None:
        self.entries: dict[int, Pending] = {}
        self.ids = SortedIds()

    def add(self, entry_id: int, pending: Pending) -> None:
        """Add an entry that is not in the list."""
        self.entries[entry_id] = pending
        self.ids.add(entry_id)

    def remove(self, entry_id: int) -> None:
        """Remove an entry that is in the list."""
        del self.entries[entry_id]
        self.ids.remove(entry_id)


class Consumer:
    """A member of a group."""

    def __init__(self, name: bytes, now_ms: int) -> None:
        self.name = name
        self.seen_ms = now_ms  # last asked for something
        self.active_ms = -1  # last got something, -1 never
        self.pending = PendingList()


class Group:
    """A consumer group: what it has been given up to now, and who has what."""

    def __init__(self, name: bytes, last_id: int, entries_read: int) -> None:
        self.name = name
        self.last_id = last_id
        self.entries_read = entries_read  # how many entries come before ``last_id`` in all history, or UNKNOWN
        self.consumers: dict[bytes, Consumer] = {}
        self.pending = PendingList()

    def give(self, entry_id: int, consumer: Consumer, now_ms: int) -> Pending:
        """Note that ``consumer`` got an entry, for the first time again if somebody had it before."""
        pending = self.pending.entries.get(entry_id)
        if pending is None:
            pending = Pending(consumer, now_ms, 1)
            self.pending.add(entry_id, pending)
            consumer.pending.add(entry_id, pending)
            return pending
        self.hand_over(entry_id, pending, consumer)
        pending.delivered_ms = now_ms
        pending.deliveries = 1
        return pending

    def hand_over(self, entry_id: int, pending: Pending, consumer: Consumer) -> None:
        """Let a pending entry be ``consumer``'s."""
        if pending.consumer is not consumer:
            pending.consumer.pending.remove(entry_id)
            consumer.pending.add(entry_id, pending)
            pending.consumer = consumer

    def forget(self, entry_id: int) -> bool:
        """An entry is no longer pending; False when it was not."""
        pending = self.pending.entries.get(entry_id)
        if pending is None:
            return False
        self.pending.remove(entry_id)
        pending.consumer.pending.remove(entry_id)
        return True

    def remove_consumer(self, name: bytes) -> int:
        """Remove a consumer with its pending entries; how many those were."""
        consumer = self.consumers.pop(name, None)
        if consumer is None:
            return 0
        for entry_id in consumer.pending.entries:
            self.pending.remove(entry_id)
        return len(consumer.pending.entries)

    def copied(self) -> "Group":
        """An independent copy, consumers and pending entries included."""
        copy = Group(self.name, self.last_id, self.entries_read)
        for name, consumer in self.consumers.items():
            twin = Consumer(name, consumer.seen_ms)
            twin.active_ms = consumer.active_ms
            copy.consumers[name] = twin
        for entry_id in self.pending.ids.from_id(0, len(self.pending.entries)):
            pending = self.pending.entries[entry_id]
            owner = copy.consumers[pending.consumer.name]
            again = Pending(owner, pending.delivered_ms, pending.deliveries)
            copy.pending.add(entry_id, again)
            owner.pending.add(entry_id, again)
        return copy
