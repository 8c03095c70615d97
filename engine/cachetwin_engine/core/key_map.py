"""A map from keys to values that a dict is not: walk with a cursor, pick at random, and grow without a halt.

Linear hashing over small dicts: shard ``b`` splits one at a time as the map grows and merges back as it shrinks, so no
insertion pays for a rehash of everything (one dict of a million keys stalls for 50 ms when it grows), and the room that
dicts keep free stays a share of many small ones. A key's place in the walk is its hash with the bits reversed. A shard
always covers one unbroken range of that order, whatever the number of shards, so a cursor is simply a place in the
order: keys that stay present during a whole walk are always returned, and no key can move past the cursor. (Valkey
reaches the guarantee by counting with reversed bits over a power-of-two table; here every table size will do.)

Shards hold about ``_LOAD`` keys: some 40 bytes a key, of which 24 are the places of hash, key and value.
"""

from collections.abc import Callable
from typing import Final, Generic, TypeVar

from mypy_extensions import i64

from .key_index import HASH_MASK, ORDER_SIZE, reversed_bits

V = TypeVar("V")

_LOAD: Final = 64


class KeyMap(Generic[V]):
    """Values by key. ``None`` is no value."""

    def __init__(self) -> None:
        self._shards: list[dict[bytes, V]] = [{}]
        self._level: i64 = 0  # 2**level shards at the start of this round
        self._split: i64 = 0  # shards of this round that have split already
        self._low_mask: i64 = 0  # of 2**level
        self._high_mask: i64 = 1  # of 2**(level + 1)
        self.count: i64 = 0  # of keys; read it where ``len`` would be called often
        self._longest = 1  # no shard is longer; drawing places below it makes every key equally likely

    def __len__(self) -> int:
        return self.count

    def __contains__(self, key: bytes) -> bool:
        return key in self._shard_of(key)

    def get(self, key: bytes) -> V | None:
        """The value of ``key``, or None."""
        return self._shard_of(key).get(key)

    def set(self, key: bytes, value: V) -> bool:
        """Give ``key`` a value; True when it is new."""
        shard = self._shard_of(key)
        before: i64 = len(shard)
        shard[key] = value
        after: i64 = len(shard)
        if after == before:
            return False
        self._longest = max(self._longest, after)
        self.count += 1
        if self.count > _LOAD * len(self._shards):
            self._split_one()
        return True

    def __getitem__(self, key: bytes) -> V:
        return self._shard_of(key)[key]

    def pop(self, key: bytes) -> V | None:
        """Remove ``key`` and return its value; None when it is not there."""
        value = self._shard_of(key).pop(key, None)
        if value is not None:
            self.count -= 1
            if len(self._shards) > 1 and self.count * 4 < _LOAD * len(self._shards):
                self._merge_one()
        return value

    def shards(self) -> list[dict[bytes, V]]:
        """All keys and values, in many dicts. Read them, don't keep or change them."""
        return self._shards

    def all_keys(self) -> list[bytes]:
        """All keys."""
        found: list[bytes] = []
        for shard in self._shards:
            found.extend(shard)
        return found

    def random(self, below: Callable[[int], int]) -> bytes:
        """A key, each as likely as any other. ``below(n)`` draws from 0 to n - 1. The map must not be empty."""
        while True:
            shard = self._shards[below(len(self._shards))]
            place = below(self._longest)
            if place < len(shard):
                for key in shard:
                    if place == 0:
                        return key
                    place -= 1

    def sample(self, below: Callable[[int], int], count: int) -> list[bytes]:
        """About ``count`` keys from neighbouring shards: cheap, not uniform; for expiry and eviction."""
        found: list[bytes] = []
        shards = self._shards
        at = below(len(shards))
        for _ in range(len(shards)):
            found.extend(shards[at])
            if len(found) >= count:
                break
            at = at + 1 if at + 1 < len(shards) else 0
        return found[:count] if len(found) > count else found

    def scan(self, cursor: int, count: int) -> tuple[int, list[bytes]]:
        """``count`` keys from ``cursor`` on, or a few more whose hashes are equal: (next cursor, 0 at the end; keys)."""
        found: list[bytes] = []
        place: i64 = cursor & HASH_MASK
        while True:
            at = self._shard_at(reversed_bits(place))
            shard = self._shards[at]
            end = self._range_end(at)
            if place == reversed_bits(at) and len(found) + len(shard) <= count:
                found.extend(shard)
            else:
                last = -1
                for later, key in _in_order(shard, place):
                    if len(found) >= count and later != last:
                        return later, found
                    found.append(key)
                    last = later
            place = end
            if place > HASH_MASK:
                return 0, found
            if len(found) >= count:
                return place, found

    def _shard_of(self, key: bytes) -> dict[bytes, V]:
        return self._shards[self._shard_at(hash(key) & HASH_MASK)]

    def _shard_at(self, hashed: i64) -> i64:
        at = hashed & self._low_mask
        if at < self._split:
            at = hashed & self._high_mask
        return at

    def _range_end(self, at: i64) -> i64:
        """The place in the walk just behind shard ``at``."""
        depth = self._level
        if at < self._split or at > self._low_mask:
            depth += 1
        # Not 1 << (32 - depth): mypyc writes a constant's shift as C's int, which has 32 bits.
        return reversed_bits(at) + (ORDER_SIZE >> depth)

    def _split_one(self) -> None:
        one: i64 = 1
        bit = one << self._level
        stay: dict[bytes, V] = {}
        move: dict[bytes, V] = {}
        for key, value in self._shards[self._split].items():
            hashed: i64 = hash(key) & HASH_MASK
            if hashed & bit:
                move[key] = value
            else:
                stay[key] = value
        self._shards[self._split] = stay
        self._shards.append(move)
        self._split += 1
        if self._split == bit:
            self._split = 0
            self._set_level(self._level + 1)

    def _merge_one(self) -> None:
        one: i64 = 1
        if self._split == 0:
            self._set_level(self._level - 1)
            self._split = one << self._level
        self._split -= 1
        merged = self._shards[self._split].copy()
        merged.update(self._shards.pop())
        self._shards[self._split] = merged
        self._longest = max(self._longest, len(merged))

    def _set_level(self, level: i64) -> None:
        one: i64 = 1
        self._level = level
        self._low_mask = (one << level) - 1
        self._high_mask = (one << (level + 1)) - 1


def _in_order(shard: dict[bytes, V], place: i64) -> list[tuple[int, bytes]]:
    """The keys of ``shard`` from ``place`` of the walk on, each behind its own place."""
    found: list[tuple[int, bytes]] = []
    for key in shard:
        own = reversed_bits(hash(key) & HASH_MASK)
        if own >= place:
            found.append((own, key))
    found.sort()
    return found
