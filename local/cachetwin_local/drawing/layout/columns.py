"""The column of each box, from left to right in the direction of requests."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from cachetwin_local.drawing.architecture import Box, Edge

_LAST: Final = frozenset({"cache", "database", "storage"})
_LEAST: Final = {"users": 0, "distribution": 1, "api": 2, "event": 2, "load-balancer": 2, "workflow": 3}
_COMPUTE: Final = 4


def columns_of(boxes: Sequence[Box], edges: Iterable[Edge]) -> dict[str, int]:
    """The column of each box: behind everything that reaches it, without regard to edges that close a circle."""
    kinds = {box.key: box.kind for box in boxes}
    ahead: dict[str, set[str]] = defaultdict(set)
    for edge in edges:
        if kinds[edge.source] not in _LAST and kinds[edge.target] not in _LAST:
            ahead[edge.source].add(edge.target)
    least = {box.key: _LEAST.get(box.kind, _COMPUTE) for box in boxes if box.kind not in _LAST}
    column = dict(least)
    for _ in range(len(column)):
        moved = False
        for source in sorted(ahead):
            for target in sorted(ahead[source]):
                if column[target] <= column[source] < len(column) + _COMPUTE and not _leads_to(ahead, target, source):
                    column[target] = column[source] + 1
                    moved = True
        if not moved:
            break
    last = max(column.values(), default=0) + 1
    column.update({box.key: last for box in boxes if box.kind in _LAST})
    used = {value: index for index, value in enumerate(sorted(set(column.values())))}
    return {key: used[value] for key, value in column.items()}


def _leads_to(ahead: dict[str, set[str]], start: str, end: str) -> bool:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        key = waiting.pop()
        if key == end:
            return True
        if key not in seen:
            seen.add(key)
            waiting += sorted(ahead.get(key, ()))
    return False
