"""The structure of a sorted set that outgrew its blob: members in the order of (score, bytes), each with its rank.

A dict answers for the score of a member. The order is a B+ tree that knows the size of every sub-tree: a leaf is two
parallel lists, scores and members; a branch holds, in the same two lists, an upper bound of each child, so one bisection
serves both. The scores are a typed array: in a list of float objects each step of a bisection would wait for memory, and
each object takes 32 bytes. Ranks add up sizes on the way down, ranges slice leaves. Everything is O(log N) (+ M for M
members of a range), and a small set is just one leaf.

An upper bound may be higher than what its child still holds (removals leave bounds alone): all that counts is that
bounds separate neighbours. Leaves that are filled in order split near their end, so they stay seven eighths full.
"""

from bisect import bisect_left, bisect_right
from typing import Final

from librt.vecs import append, extend, pop, vec
from mypy_extensions import i64, mypyc_attr

from cachetwin_engine.core import BUILD
from cachetwin_engine.core.keyspace.allocation import allocated
from cachetwin_engine.core.keyspace.key_index import KeyIndex, index_of
from cachetwin_engine.core.text.doubles import shortest
from cachetwin_engine.core.types.listpack import LISTPACK_HEAD_BYTES, entry_bytes

SAME: Final = 0  # what ``put`` did
CHANGED: Final = 1
ADDED: Final = 2
LEAF_MAX: Final = 128
BRANCH_MAX: Final = 64
_OBJECT_BYTES: Final = 16
_SKIPLIST_BYTES: Final = 650  # an empty one and its table (Valkey 8.1.1, MEMORY USAGE of 129 to 5,000 members)
_MEMBER_BYTES: Final = 75  # node, levels and slot, by the same measurements
_FILL: Final = 3 / 4  # of a node that is built or merged: room to grow before it splits
_LOOPS_ARE_FAST: Final = (
    BUILD == "compiled"
)  # moving scores up or down in a loop takes 3 us longer in the interpreted one


@mypyc_attr(acyclic=True)
class _Node:
    """A leaf (no children: its own scores and members) or a branch (an upper bound of each child)."""

    def __init__(self, scores: vec[float], members: list[bytes], children: "list[_Node]", size: int) -> None:
        self.scores = scores
        self.members = members
        self.children = children
        self.size = size  # members in the leaves below


@mypyc_attr(acyclic=True)
class ScoreTree:
    """Members with a score each. ``scores`` is for reading only. The tree takes it over: O(N log N) once."""

    def __init__(self, scores: dict[bytes, float], packed: bool) -> None:
        self.scores = scores
        self.packed = packed  # Valkey would store it as a listpack
        self._root = _Node(vec[float](), [], [], 0)
        self._index: KeyIndex | None = None  # made by the first ZSCAN of a large set
        if packed:
            for member, score in scores.items():
                if score == 0:
                    scores[member] = 0.0  # a listpack stores -0 as the integer 0
        if scores:
            self._root = _tree_of(scores)

    def size_bytes(self, samples: int) -> int:
        """Bytes that Valkey would use, estimated from the first ``samples`` members (0: all)."""
        count = len(self.scores)
        if self.packed:
            return listpack_bytes(list(self.scores), list(self.scores.values()))
        members, _ = self.range(0, min(samples, count) if samples > 0 else count)
        average = sum([len(member) for member in members]) // len(members) if members else 0
        return _SKIPLIST_BYTES + count * (_MEMBER_BYTES + average)

    def take_apart(self) -> list[object]:
        """The containers of the members, for ``Trash``."""
        members: list[object] = []
        nodes = [self._root]
        while nodes:
            node = nodes.pop()
            members.append(node.members)
            nodes += node.children
        return [self.scores, members]

    # -- changes ------------------------------------------------------------------------------------------------------

    def put(self, member: bytes, score: float) -> i64:
        """Add ``member``, or give it another score, which is not NaN: ``ADDED``, ``CHANGED`` or ``SAME``."""
        if self.packed:
            score += 0.0
        outcome: i64 = ADDED
        old = self.scores.get(member)
        if old is None:
            if self._index is not None:
                self._index.add(member)
        else:
            if old == score:
                return SAME
            outcome = CHANGED
            _remove(self._root, old, member)
        self.scores[member] = score
        root = self._root
        right = _insert(root, score, member)
        if right is not None:
            self._root = _Node(
                vec[float]([root.scores[-1], right.scores[-1]]),
                [root.members[-1], right.members[-1]],
                [root, right],
                len(self.scores),
            )
        elif old is not None:
            self._shrink()
        return outcome

    def remove(self, member: bytes) -> bool:
        """Remove ``member``; False when it is not there."""
        score = self.scores.pop(member, None)
        if score is None:
            return False
        if self._index is not None:
            self._index.remove(member)
        _remove(self._root, score, member)
        self._shrink()
        return True

    def remove_range(self, start: int, stop: int) -> list[bytes]:
        """Remove the members of ranks ``start`` to ``stop`` - 1, and return them."""
        members, _ = self.range(start, stop)
        if members:
            _cut(self._root, start, start + len(members))
            self._shrink()
        for member in members:
            del self.scores[member]
            if self._index is not None:
                self._index.remove(member)
        return members

    def _shrink(self) -> None:
        while len(self._root.children) == 1:
            self._root = self._root.children[0]

    # -- ranks --------------------------------------------------------------------------------------------------------

    def rank(self, member: bytes) -> int:
        """Members before ``member``, which must be present."""
        score = self.scores[member]
        node = self._root
        rank = 0
        while node.children:
            at = _place(node, score, member)
            for child in node.children[:at]:
                rank += child.size
            node = node.children[at]
        return rank + _place(node, score, member)

    def rank_of_score(self, score: float, after: bool) -> int:
        """Members whose score is less than ``score``; with ``after`` those that have it count too."""
        node = self._root
        rank = 0
        while True:
            at = _behind(node.scores, score, 0) if after else _before(node.scores, score)
            if not node.children:
                return rank + at
            for child in node.children[:at]:
                rank += child.size
            if at == len(node.children):
                return rank
            node = node.children[at]

    def rank_of_bytes(self, member: bytes, after: bool) -> int:
        """Members less than ``member`` (or equal, with ``after``) in a set whose scores are all the same."""
        node = self._root
        rank = 0
        while True:
            at = bisect_right(node.members, member) if after else bisect_left(node.members, member)
            if not node.children:
                return rank + at
            for child in node.children[:at]:
                rank += child.size
            if at == len(node.children):
                return rank
            node = node.children[at]

    def range(self, start: int, stop: int) -> tuple[list[bytes], list[float]]:
        """Members and scores of ranks ``start`` to ``stop`` - 1; 0 <= start."""
        members: list[bytes] = []
        scores: list[float] = []
        if start < stop:
            _gather(self._root, start, stop, members, scores)
        return members, scores

    def member_at(self, rank: int) -> bytes:
        """The member with ``rank``, which must exist."""
        node = self._root
        while node.children:
            for child in node.children:
                if rank < child.size:
                    node = child
                    break
                rank -= child.size
        return node.members[rank]

    def scan(self, cursor: int, count: int) -> tuple[int, list[bytes]]:
        """About ``count`` members from ``cursor`` on: (next cursor, 0 at the end; members). See ``KeyIndex.scan``."""
        if self._index is None:
            self._index = index_of(self.scores)
        return self._index.scan(cursor, count)


def listpack_bytes(members: list[bytes], scores: list[float]) -> int:
    """What Valkey uses for a listpack of ``members`` with ``scores``."""
    size: i64 = LISTPACK_HEAD_BYTES
    for at, member in enumerate(members):
        size += entry_bytes(member) + entry_bytes(shortest(scores[at]))
    return _OBJECT_BYTES + allocated(size)


def _tree_of(scores: dict[bytes, float]) -> _Node:
    pairs = sorted([(score, member) for member, score in scores.items()])
    step = int(LEAF_MAX * _FILL)
    level: list[_Node] = []
    for at in range(0, len(pairs), step):
        part = pairs[at : at + step]
        level.append(_Node(vec[float]([pair[0] for pair in part]), [pair[1] for pair in part], [], len(part)))
    step = int(BRANCH_MAX * _FILL)
    while len(level) > 1:
        above: list[_Node] = []
        for at in range(0, len(level), step):
            children = level[at : at + step]
            above.append(
                _Node(
                    vec[float]([child.scores[-1] for child in children]),
                    [child.members[-1] for child in children],
                    children,
                    sum([child.size for child in children]),
                )
            )
        level = above
    return level[0]


def _place(node: _Node, score: float, member: bytes) -> i64:
    """Where ``member`` is or belongs: the first place that is not before it."""
    scores = node.scores
    low = _before(scores, score)
    if low == len(scores) or scores[low] != score:
        return low
    members = node.members
    if members[low] >= member:
        return low
    return _before_bytes(members, member, low + 1, _behind(scores, score, low + 1))


def _before(scores: vec[float], score: float) -> i64:
    """``bisect_left``, without making an object of ``score``."""
    low: i64 = 0
    high: i64 = len(scores)
    while low < high:
        middle = (low + high) >> 1
        if scores[middle] < score:
            low = middle + 1
        else:
            high = middle
    return low


def _before_bytes(members: list[bytes], member: bytes, low: i64, high: i64) -> i64:
    """``bisect_left`` between ``low`` and ``high``, without looking up what it is."""
    while low < high:
        middle = (low + high) >> 1
        if members[middle] < member:
            low = middle + 1
        else:
            high = middle
    return low


def _behind(scores: vec[float], score: float, low: i64) -> i64:
    """``bisect_right`` from ``low`` on."""
    high: i64 = len(scores)
    while low < high:
        middle = (low + high) >> 1
        if score < scores[middle]:
            high = middle
        else:
            low = middle + 1
    return low


def _insert(node: _Node, score: float, member: bytes) -> _Node | None:
    """Add a member that is not present; the new right neighbour when ``node`` had to split."""
    node.size += 1
    at = _place(node, score, member)
    if not node.children:
        _put_in(node, at, score)
        node.members.insert(at, member)
        return _split(node, at) if len(node.members) > LEAF_MAX else None
    if at == len(node.children):
        at -= 1
        node.scores[at] = score
        node.members[at] = member
    child = node.children[at]
    right = _insert(child, score, member)
    if right is None:
        return None
    _put_in(node, at, child.scores[-1])
    node.members.insert(at, child.members[-1])
    node.children.insert(at + 1, right)
    return _split(node, at + 1) if len(node.children) > BRANCH_MAX else None


def _put_in(node: _Node, at: i64, score: float) -> None:
    """Insert ``score`` at place ``at``."""
    scores = node.scores
    if not _LOOPS_ARE_FAST:
        node.scores = extend(append(scores[:at], score), scores[at:])
        return
    scores = append(scores, score)
    place: i64 = len(scores) - 1
    while place > at:
        scores[place] = scores[place - 1]
        place -= 1
    scores[at] = score
    node.scores = scores


def _take_out(node: _Node, at: i64) -> None:
    """Remove the score at place ``at``."""
    scores = node.scores
    if not _LOOPS_ARE_FAST:
        node.scores = extend(scores[:at], scores[at + 1 :])
        return
    last: i64 = len(scores) - 1
    while at < last:
        scores[at] = scores[at + 1]
        at += 1
    node.scores, _ = pop(scores)


def _split(node: _Node, at: int) -> _Node:
    """Move the upper part of ``node`` into a new one. ``at`` is where it has just grown."""
    count = len(node.members)
    cut = count * 7 // 8 if at == count - 1 else count // 2
    right = _Node(node.scores[cut:], node.members[cut:], node.children[cut:], count - cut)
    node.scores = node.scores[:cut]
    del node.members[cut:]
    if node.children:
        del node.children[cut:]
        right.size = sum([child.size for child in right.children])
    node.size -= right.size
    return right


def _remove(node: _Node, score: float, member: bytes) -> None:
    """Remove a member that is present."""
    node.size -= 1
    at = _place(node, score, member)
    if node.children:
        child = node.children[at]
        _remove(child, score, member)
        if len(child.members) < (BRANCH_MAX if child.children else LEAF_MAX) // 4:
            _mend(node, at)
    else:
        _take_out(node, at)
        del node.members[at]


def _mend(node: _Node, at: int) -> None:
    """Child ``at`` has become small: drop it if it is empty, else merge it with a neighbour that has room."""
    children = node.children
    if not children[at].members:
        _take_out(node, at)
        del node.members[at]
        del children[at]
        return
    for left in (at - 1, at):
        if left < 0 or left + 1 >= len(children):
            continue
        first, second = children[left], children[left + 1]
        room = (BRANCH_MAX if first.children else LEAF_MAX) * _FILL
        if len(first.members) + len(second.members) <= room:
            first.scores = extend(first.scores, second.scores)
            first.members.extend(second.members)
            first.children.extend(second.children)
            first.size += second.size
            _take_out(node, left)
            del node.members[left]
            del children[left + 1]
            return


def _cut(node: _Node, start: int, stop: int) -> None:
    """Remove ranks ``start`` to ``stop`` - 1, counted from the beginning of ``node``; they exist."""
    node.size -= stop - start
    if not node.children:
        node.scores = extend(node.scores[:start], node.scores[stop:])
        del node.members[start:stop]
        return
    before = 0
    first = -1
    last = -1
    for at, child in enumerate(node.children):
        size = child.size
        low = max(start - before, 0)
        high = min(stop - before, size)
        before += size
        if low >= high:
            continue
        _cut(child, low, high)
        if first < 0:
            first = at
        last = at
    for at in range(last, first - 1, -1):
        if at < len(node.children) and len(node.children[at].members) < LEAF_MAX // 8:
            _mend(node, at)


def _gather(node: _Node, start: int, stop: int, members: list[bytes], scores: list[float]) -> None:
    """Append ranks ``start`` to ``stop`` - 1, counted from the beginning of ``node``."""
    if not node.children:
        members.extend(node.members[start:stop])
        scores.extend(node.scores[start:stop])
        return
    for child in node.children:
        size = child.size
        if start < size:
            _gather(child, start if start > 0 else 0, stop, members, scores)
        start -= size
        stop -= size
        if stop <= 0:
            return
