"""An index over a set of keys for what a dict lacks: scanning with a cursor, and random keys.

Linear hashing: bucket ``b`` splits one at a time as the set grows and merges back as it shrinks, so no insertion pays
for a rehash. A key's place in the walk is its hash with the bits reversed. A bucket always covers one unbroken range of
that order, whatever the number of buckets, so a cursor is a place in that order: keys that stay present during a whole
scan are always returned, and no key can move past the cursor. (Valkey reaches the guarantee by counting with reversed
bits over a power-of-two table; here every table size will do.)

Buckets hold about ``_LOAD`` keys: 14 bytes of index a key, and a removal looks at that many pointers. Most tables of
keys and sorted sets are never scanned, so the owner makes an index with ``index_of`` when the first scan begins.
"""

from collections.abc import Callable, Collection
from typing import Final

from mypy_extensions import i64, mypyc_attr

_LOAD: Final = 16
_HASH_BITS: Final = 32
_ORDER_SIZE: Final = 1 << _HASH_BITS
_HASH_MASK: Final = _ORDER_SIZE - 1


@mypyc_attr(acyclic=True)
class KeyIndex:
    """The keys of a keyspace, a hash, or a set. It does not know values and does not check for duplicates."""

    def __init__(self) -> None:
        self._buckets: list[list[bytes]] = [[]]
        self._level: i64 = 0  # 2**level buckets at the start of this round
        self._split: i64 = 0  # buckets of this round that have split already
        self._count: i64 = 0
        self._longest = 1  # no bucket is longer; drawing places below it makes every key equally likely

    def __len__(self) -> int:
        return self._count

    def add(self, key: bytes) -> None:
        """Add ``key``, which must not be present."""
        bucket = self._buckets[self._bucket_of(key)]
        bucket.append(key)
        self._longest = max(self._longest, len(bucket))
        self._count += 1
        if self._count > _LOAD * len(self._buckets):
            self._split_one()

    def remove(self, key: bytes) -> None:
        """Remove ``key``, which must be present."""
        self._buckets[self._bucket_of(key)].remove(key)
        self._count -= 1
        if len(self._buckets) > 1 and self._count * 4 < _LOAD * len(self._buckets):
            self._merge_one()

    def clear(self) -> None:
        """Forget all keys."""
        self._buckets = [[]]
        self._level = 0
        self._split = 0
        self._count = 0
        self._longest = 1

    def take_apart(self) -> list[object]:
        """Forget all keys; the containers of them, for ``Trash``."""
        buckets = self._buckets
        self.clear()
        return [buckets]

    def random(self, below: Callable[[int], int]) -> bytes:
        """A key, each as likely as any other. ``below(n)`` draws from 0 to n - 1. The index must not be empty."""
        while True:
            bucket = self._buckets[below(len(self._buckets))]
            place = below(self._longest)
            if place < len(bucket):
                return bucket[place]

    def draw(self, below: Callable[[int], int], count: int) -> list[bytes]:
        """Up to ``count`` keys from a random place on, each about as likely as any other; for eviction."""
        if not self._count:
            return []
        at = below(len(self._buckets))
        bucket = self._buckets[at]
        return self._from(at, below(len(bucket)) if bucket else 0, min(count, self._count))

    def _from(self, at: int, place: int, count: int) -> list[bytes]:
        """Up to ``count`` keys from a place in a bucket on, wrapping around at the end of the last bucket."""
        buckets = self._buckets
        found = buckets[at][place : place + count]
        first = at
        while len(found) < count:
            at = at + 1 if at + 1 < len(buckets) else 0
            if at == first:
                found += buckets[at][:place][: count - len(found)]
                break
            found += buckets[at][: count - len(found)]
        return found

    def scan(self, cursor: int, count: int) -> tuple[int, list[bytes]]:
        """Whole buckets from ``cursor`` on until ``count`` keys are gathered: (next cursor, 0 at the end; keys)."""
        found: list[bytes] = []
        place: i64 = cursor & _HASH_MASK
        while True:
            at = self._bucket_at(_reversed(place))
            found.extend(self._buckets[at])
            place = self._range_end(at)
            if place > _HASH_MASK:
                return 0, found
            if len(found) >= count:
                return place, found

    def is_passed(self, key: bytes, cursor: int) -> bool:
        """Whether a scan that has returned ``cursor``, not 0, has passed the place of ``key``, present or not."""
        hashed: i64 = hash(key)
        return _reversed(hashed & _HASH_MASK) < cursor

    def fill(self, keys: Collection[bytes]) -> None:
        """Add ``keys``, which must not be present, to an index that is empty: in one go, as no bucket has to split."""
        one: i64 = 1
        while (one << self._level) * _LOAD < len(keys):
            self._level += 1
        buckets: list[list[bytes]] = [[] for _ in range(one << self._level)]
        self._buckets = buckets
        for key in keys:
            buckets[self._bucket_of(key)].append(key)
        self._longest = max([len(bucket) for bucket in buckets])
        self._count = len(keys)

    def _bucket_of(self, key: bytes) -> i64:
        hashed: i64 = hash(key)  # straight into an i64: as an int, half of all hashes would be objects
        return self._bucket_at(hashed)

    def _bucket_at(self, hashed: i64) -> i64:
        one: i64 = 1
        at = hashed & ((one << self._level) - 1)
        if at < self._split:
            at = hashed & ((one << (self._level + 1)) - 1)
        return at

    def _range_end(self, at: i64) -> i64:
        """The place in the walk just behind bucket ``at``."""
        one: i64 = 1
        depth = self._level
        if at < self._split or at >= (one << self._level):
            depth += 1
        # Not 1 << (32 - depth): mypyc writes a constant's shift as C's int, which has 32 bits.
        return _reversed(at) + (_ORDER_SIZE >> depth)

    def _split_one(self) -> None:
        one: i64 = 1
        bit = one << self._level
        old = self._buckets[self._split]
        stay: list[bytes] = []
        move: list[bytes] = []
        for key in old:
            hashed: i64 = hash(key)
            if hashed & bit:
                move.append(key)
            else:
                stay.append(key)
        self._buckets[self._split] = stay
        self._buckets.append(move)
        self._split += 1
        if self._split == bit:
            self._split = 0
            self._level += 1

    def _merge_one(self) -> None:
        one: i64 = 1
        if self._split == 0:
            self._level -= 1
            self._split = one << self._level
        self._split -= 1
        bucket = self._buckets[self._split]
        bucket.extend(self._buckets.pop())
        self._longest = max(self._longest, len(bucket))


def index_of(keys: Collection[bytes]) -> KeyIndex:
    """An index over ``keys``, which are all different: a million take 0.12 s, interpreted 0.4 s."""
    index = KeyIndex()
    index.fill(keys)
    return index


def _reversed(value: i64) -> i64:
    """The low 32 bits of ``value`` in reverse order."""
    v: i64 = value
    v = ((v >> 1) & 0x55555555) | ((v & 0x55555555) << 1)
    v = ((v >> 2) & 0x33333333) | ((v & 0x33333333) << 2)
    v = ((v >> 4) & 0x0F0F0F0F) | ((v & 0x0F0F0F0F) << 4)
    v = ((v >> 8) & 0x00FF00FF) | ((v & 0x00FF00FF) << 8)
    return ((v >> 16) & 0xFFFF) | ((v & 0xFFFF) << 16)
