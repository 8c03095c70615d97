"""Sorted sets: a blob of members and scores while they are few and short (``score_blob``), then a ``ScoreTree``.

In a blob everything is found by going through it, which its limits bound; in the tree everything is O(log N) (+ M for M
members of a range). What is no listpack in Valkey is always a tree.
"""

from typing import TYPE_CHECKING

from mypy_extensions import i64, mypyc_attr

from cachetwin_engine.core.keyspace.value import COMPACT_SORTED_SET, Value, enter_prototype
from cachetwin_engine.core.protocol.errors import wrong_type
from cachetwin_engine.core.types.blob import ENTRIES_MAX

from .score_blob import (
    behind_entry,
    entries_before,
    entry_of,
    find_member,
    fits_entry,
    member_in,
    place_for,
    place_of_rank,
    score_at,
)
from .score_tree import ADDED, CHANGED, SAME, ScoreTree, listpack_bytes

if TYPE_CHECKING:
    from cachetwin_engine.core.keyspace.database import Database


@mypyc_attr(acyclic=True)
class SortedSet(Value):
    """Members with a score each."""

    def __init__(self) -> None:
        self._data: bytes | ScoreTree = b""

    def __len__(self) -> int:
        data = self._data
        return entries_before(data, len(data)) if isinstance(data, bytes) else len(data.scores)

    @property
    def packed(self) -> bool:
        """Whether Valkey would store it as a listpack."""
        data = self._data
        return isinstance(data, bytes) or data.packed

    def unpack(self) -> None:
        """Report it as a skiplist from now on."""
        self._tree().packed = False

    def kind(self) -> bytes:
        """What TYPE answers."""
        return b"zset"

    def encoding(self) -> bytes:
        """Listpack until a limit is passed, then skiplist for good."""
        return b"listpack" if self.packed else b"skiplist"

    def size_bytes(self, samples: int) -> int:
        """Bytes that Valkey would use."""
        data = self._data
        if isinstance(data, ScoreTree):
            return data.size_bytes(samples)
        members, scores = self.range(0, len(self))
        return listpack_bytes(members, scores)

    def take_apart(self) -> list[object]:
        """See ``Value``."""
        data = self._data
        return [] if isinstance(data, bytes) else data.take_apart()

    def copied(self) -> Value:
        """An independent copy."""
        data = self._data
        copy = SortedSet()
        copy._data = data if isinstance(data, bytes) else ScoreTree(dict(data.scores), data.packed)
        return copy

    def compact_kind(self) -> int:
        """See ``Value``."""
        return COMPACT_SORTED_SET

    def compact(self) -> bytes | None:
        """See ``Value``."""
        data = self._data
        return data if isinstance(data, bytes) else None

    def from_compact(self, data: bytes) -> Value:
        """See ``Value``."""
        value = SortedSet()
        value._data = data
        return value

    def _tree(self) -> ScoreTree:
        """The tree, made if there was none."""
        data = self._data
        if isinstance(data, ScoreTree):
            return data
        tree = ScoreTree(_scores_in(data), packed=True)
        self._data = tree
        return tree

    # -- members ------------------------------------------------------------------------------------------------------

    def score(self, member: bytes) -> float | None:
        """The score of ``member``, None when it is not there."""
        data = self._data
        if isinstance(data, ScoreTree):
            return data.scores.get(member)
        at = find_member(data, member)
        return None if at < 0 else score_at(data, at)

    def scores(self) -> dict[bytes, float]:
        """All members and their scores. Read it, don't keep or change it."""
        data = self._data
        return _scores_in(data) if isinstance(data, bytes) else data.scores

    def put(self, member: bytes, score: float) -> i64:
        """Add ``member``, or give it another score, which is not NaN: ``ADDED``, ``CHANGED`` or ``SAME``."""
        data = self._data
        if isinstance(data, bytes):
            at = find_member(data, member)
            if at >= 0:
                if score_at(data, at) == score:
                    return SAME
                data = data[:at] + data[behind_entry(data, at) :]
            if fits_entry(data, -1 - at if at < 0 else 0, member):
                place = place_for(data, member, score)
                self._data = data[:place] + entry_of(member, score) + data[place:]
                return CHANGED if at >= 0 else ADDED
            data = self._tree()
        return data.put(member, score)

    def remove(self, member: bytes) -> bool:
        """Remove ``member``; False when it is not there."""
        data = self._data
        if isinstance(data, ScoreTree):
            return data.remove(member)
        at = find_member(data, member)
        if at < 0:
            return False
        self._data = data[:at] + data[behind_entry(data, at) :]
        return True

    def remove_range(self, start: int, stop: int) -> list[bytes]:
        """Remove the members of ranks ``start`` to ``stop`` - 1, and return them."""
        data = self._data
        if isinstance(data, ScoreTree):
            return data.remove_range(start, stop)
        members, _ = self.range(start, stop)
        if members:
            self._data = data[: place_of_rank(data, start)] + data[place_of_rank(data, start + len(members)) :]
        return members

    # -- ranks --------------------------------------------------------------------------------------------------------

    def rank(self, member: bytes) -> int:
        """Members before ``member``, which must be present."""
        data = self._data
        if isinstance(data, ScoreTree):
            return data.rank(member)
        return entries_before(data, find_member(data, member))

    def rank_of_score(self, score: float, after: bool) -> int:
        """Members whose score is less than ``score``; with ``after`` those that have it count too."""
        data = self._data
        if isinstance(data, ScoreTree):
            return data.rank_of_score(score, after)
        end: i64 = len(data)
        at: i64 = 0
        rank: i64 = 0
        while at < end:
            other = score_at(data, at)
            if other > score or (other == score and not after):
                break
            at = behind_entry(data, at)
            rank += 1
        return rank

    def rank_of_bytes(self, member: bytes, after: bool) -> int:
        """Members less than ``member`` (or equal, with ``after``) in a set whose scores are all the same."""
        data = self._data
        if isinstance(data, ScoreTree):
            return data.rank_of_bytes(member, after)
        rank = 0
        for other in self.range(0, len(self))[0]:
            if other > member or (other == member and not after):
                break
            rank += 1
        return rank

    def range(self, start: int, stop: int) -> tuple[list[bytes], list[float]]:
        """Members and scores of ranks ``start`` to ``stop`` - 1; 0 <= start."""
        data = self._data
        if isinstance(data, ScoreTree):
            return data.range(start, stop)
        members: list[bytes] = []
        scores: list[float] = []
        end: i64 = len(data)
        first: i64 = start
        last: i64 = min(stop, len(data))
        at: i64 = 0
        rank: i64 = 0
        while at < end and rank < last:
            if rank >= first:
                members.append(member_in(data, at))
                scores.append(score_at(data, at))
            at = behind_entry(data, at)
            rank += 1
        return members, scores

    def member_at(self, rank: int) -> bytes:
        """The member with ``rank``, which must exist."""
        data = self._data
        return member_in(data, place_of_rank(data, rank)) if isinstance(data, bytes) else data.member_at(rank)

    def scan(self, cursor: int, count: int) -> tuple[int, list[bytes]]:
        """A step of ZSCAN: (next cursor, 0 at the end; members). The packed form is returned whole."""
        data = self._data
        if isinstance(data, ScoreTree) and not data.packed:
            return data.scan(cursor, count)
        return 0, self.range(0, len(self))[0]


enter_prototype(SortedSet())


def _scores_in(data: bytes) -> dict[bytes, float]:
    scores: dict[bytes, float] = {}
    end: i64 = len(data)
    at: i64 = 0
    while at < end:
        scores[member_in(data, at)] = score_at(data, at)
        at = behind_entry(data, at)
    return scores


def sorted_set_of(scores: dict[bytes, float], packed: bool) -> SortedSet:
    """A sorted set that takes ``scores`` over; ``packed``: Valkey would store it as a listpack."""
    made = SortedSet()
    if packed and len(scores) <= ENTRIES_MAX:
        for member, score in scores.items():
            made.put(member, score)
    else:
        made._data = ScoreTree(scores, packed)
    return made


def sorted_set(value: object | None) -> SortedSet | None:
    """``value`` as a sorted set, None for no value. Raises CommandError for another type."""
    if value is None:
        return None
    if isinstance(value, SortedSet):
        return value
    raise wrong_type()


def read_sorted_set(db: "Database", key: bytes) -> SortedSet | None:
    """The sorted set under ``key`` for a reading command."""
    return sorted_set(db.find(key))
