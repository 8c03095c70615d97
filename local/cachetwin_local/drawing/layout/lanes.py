"""Where the lanes go: what stands beside the network, in columns of about equal height."""

from collections.abc import Sequence
from typing import Final

from cachetwin_local.drawing.architecture import Lane

from .cards import TEXT_SIZE
from .geometry import LINE, PlacedLane, Rect, StyledLine
from .text_width import wrap

LANE_WIDTH: Final = 212.0
_GAP: Final = 14.0
_ENTRIES_MAX: Final = 6


def lanes_below(lanes: Sequence[Lane], left: float, right: float, top: float) -> tuple[list[PlacedLane], float]:
    """The lanes over a whole width; they, and where the highest column of them ends."""
    count = max(1, int((right - left + _GAP) // (LANE_WIDTH + _GAP)))
    return lanes_in(lanes, left, top, (right - left + _GAP) / count - _GAP, count)


def lanes_in(
    lanes: Sequence[Lane], left: float, top: float, width: float, count: int
) -> tuple[list[PlacedLane], float]:
    """The lanes in columns of a width; they, and where the highest column ends."""
    placed = []
    ends = [top] * count
    for lane in lanes:
        column = ends.index(min(ends))
        lines = tuple(_lines(lane, width))
        rect = Rect(left + column * (width + _GAP), ends[column], width, LINE * len(lines) + 20)
        placed.append(PlacedLane(lane, rect, lines))
        ends[column] = rect.bottom + _GAP
    return placed, max(ends)


def _lines(lane: Lane, width: float) -> list[StyledLine]:
    lines: list[StyledLine] = [("heading", f"{lane.title} ({len(lane.entries)})")]
    shown = lane.entries if len(lane.entries) <= _ENTRIES_MAX + 1 else lane.entries[:_ENTRIES_MAX]
    for entry in shown:
        text = entry.name + (f", used by {', '.join(entry.used_by)}" if entry.used_by else "")
        lines += [("detail", line) for line in wrap(text, width - 24, TEXT_SIZE)]
    if len(shown) < len(lane.entries):
        lines.append(("zone", f"and {len(lane.entries) - len(shown)} more"))
    return lines
