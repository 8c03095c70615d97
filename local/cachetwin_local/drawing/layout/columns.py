"""The column of each box, from left to right in the direction of requests.

Where many boxes would stand in one column of a band, several columns take its place, so that a picture grows to the right
as it grows downwards.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from cachetwin_local.drawing.architecture import Box, Edge

_LAST: Final = frozenset({"cache", "database", "storage"})
_LEAST: Final = {"users": 0, "distribution": 1, "api": 2, "event": 2, "load-balancer": 2, "workflow": 3}
_COMPUTE: Final = 4
_TALL: Final = 8
"""As many boxes stand in one column; more are spread."""
_BREADTH: Final = 0.75
"""Columns for the square root of a number of boxes: a column with its channel is about twice as wide as a card is high."""


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


def spread(column: Mapping[str, int], band_of: Mapping[str, str]) -> dict[str, int]:
    """The columns once those with many boxes of one band are several; the order of the boxes is kept."""
    counts = Counter((column[key], band_of[key]) for key in column)
    breadths: dict[int, int] = defaultdict(lambda: 1)
    for (number, _band), count in counts.items():
        if count > _TALL:
            breadths[number] = max(breadths[number], round(_BREADTH * math.sqrt(count)))
    first, firsts = 0, {}
    for number in range(max(column.values(), default=-1) + 1):
        firsts[number] = first
        first += breadths[number]
    placed: Counter[tuple[int, str]] = Counter()
    found = {}
    for key, number in column.items():
        place = number, band_of[key]
        breadth = breadths[number] if counts[place] > _TALL else 1
        found[key] = firsts[number] + placed[place] * breadth // counts[place]
        placed[place] += 1
    return found


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
