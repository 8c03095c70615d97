"""The lines of a picture's edges: out of a card's side, along a track between two columns, into another card's side.

Edges into the same side of a card with the same label share a port and a track, so that many clients of one cache read as
one line that they join. A track belongs to the channel right of its column.
"""

import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from cachetwin_local.drawing.architecture import Edge

from .blocks import Route
from .geometry import PASSAGE, SIDE, TRACK, PlacedEdge, Rect

_PORT_GAP = 20.0
_PORT_MARGIN = 14.0
_LABEL_OFFSET = 8.0
_NEARLY_LEVEL = 6.0

SideName = Literal["left", "right"]
Port = tuple[str, SideName, str]
"""A place where lines meet a card: the card's key, its side, and what tells lines apart that do not share it."""


@dataclass(frozen=True, slots=True)
class _Leg:
    """A part of a line within one channel, from left to right: between two heights, by the bus that it may share."""

    channel: int
    bus: str
    begins: float
    ends: float


@dataclass(slots=True)
class _Line:
    """A route with its ports: `start` is on the left, so a line that runs leftwards is drawn in reverse."""

    route: Route
    start: Port
    end: Port
    reverse: bool = False
    legs: list[_Leg] = field(default_factory=list)


@dataclass(slots=True)
class Router:
    """Finds the lines of the routes between cards. `rights` are the x where the columns' cards end."""

    routes: Sequence[Route]
    column: Mapping[str, int]
    rects: Mapping[str, Rect]
    rights: Sequence[float]
    tracks: dict[tuple[int, str], float] = field(default_factory=dict)
    ports: dict[Port, float] = field(default_factory=dict)

    def edges(self) -> list[PlacedEdge]:
        """The lines, in the order of the routes."""
        lines = [self._line(route) for route in self.routes]
        self._place_ports(lines)
        for line in lines:
            self._add_legs(line)
        self._place_tracks(lines)
        labelled: set[Port] = set()
        return [self._placed(line, labelled) for line in lines]

    def track_counts(self) -> dict[int, int]:
        """How many tracks each channel has, once the edges are found."""
        counts: dict[int, int] = defaultdict(int)
        for channel, _bus in self.tracks:
            counts[channel] += 1
        return counts

    def _line(self, route: Route) -> _Line:
        edge = route.edge
        source, target = self.column[edge.source], self.column[edge.target]
        shared = f"{edge.kind} {edge.label}"
        if source < target:
            return _Line(route, (edge.source, "right", f"to {edge.target}"), (edge.target, "left", shared))
        if source > target:
            return _Line(
                route, (edge.target, "right", shared), (edge.source, "left", f"to {edge.target}"), reverse=True
            )
        return _Line(route, (edge.source, "right", f"to {edge.target}"), (edge.target, "right", shared))

    def _place_ports(self, lines: Sequence[_Line]) -> None:
        """Spread the ports of each side of each card around its middle, by the height of what they lead to."""
        others: dict[tuple[str, SideName], dict[Port, list[float]]] = defaultdict(lambda: defaultdict(list))
        for line in lines:
            for port, other in ((line.start, line.end), (line.end, line.start)):
                rect = self.rects[other[0]]
                others[port[:2]][port].append(rect.y + rect.height / 2)
        for (key, _side), ports in others.items():
            rect = self.rects[key]
            order = sorted(ports, key=lambda port: (sum(ports[port]) / len(ports[port]), port))
            gap = min(_PORT_GAP, (rect.height - 2 * _PORT_MARGIN) / max(1, len(order) - 1))
            first = rect.y + rect.height / 2 - gap * (len(order) - 1) / 2
            self.ports.update({port: float(round(first + index * gap)) for index, port in enumerate(order)})
        for line in lines:
            if not line.route.passages and abs(self.ports[line.start] - self.ports[line.end]) < _NEARLY_LEVEL:
                self.ports[line.start] = self.ports[line.end]

    def _add_legs(self, line: _Line) -> None:
        heights = [self.ports[line.start]]
        heights += [block.top + PASSAGE / 2 for block in line.route.passages]
        heights.append(self.ports[line.end])
        first = self.column[line.start[0]]
        for index, (begins, ends) in enumerate(itertools.pairwise(heights)):
            bus = f"{line.start}|{line.end}|{index}" if line.reverse else "|".join(line.end)
            line.legs.append(_Leg(first + index, bus, begins, ends))

    def _place_tracks(self, lines: Sequence[_Line]) -> None:
        """Give each bus of a channel an x, those that turn upwards and far first, so that few lines cross."""
        spans: dict[tuple[int, str], list[float]] = defaultdict(list)
        for line in lines:
            for leg in line.legs:
                spans[leg.channel, leg.bus] += [leg.ends, leg.begins]
        by_channel: dict[int, list[tuple[int, str]]] = defaultdict(list)
        for key, heights in spans.items():
            if max(heights) - min(heights) > 0.5:
                by_channel[key[0]].append(key)
        for channel, keys in by_channel.items():
            keys.sort(key=lambda key: _track_order(spans[key]))
            left = self.rights[channel] + SIDE + TRACK / 2
            self.tracks.update({key: left + index * TRACK for index, key in enumerate(keys)})

    def _placed(self, line: _Line, labelled: set[Port]) -> PlacedEdge:
        edge: Edge = line.route.edge
        points = [(self._side_x(line.start), line.legs[0].begins)]
        for leg in line.legs:
            track = self.tracks.get((leg.channel, leg.bus))
            if track is not None:
                points += [(track, leg.begins), (track, leg.ends)]
        points.append((self._side_x(line.end), line.legs[-1].ends))
        if line.reverse:
            points.reverse()
        port = line.start if line.reverse else line.end
        label_at = None if port in labelled else _label_place(points[-1], port[1])
        labelled.add(port)
        return PlacedEdge(edge, tuple(_straight(points)), label_at, port[1])

    def _side_x(self, port: Port) -> float:
        rect = self.rects[port[0]]
        return rect.x if port[1] == "left" else rect.right


def _track_order(heights: Sequence[float]) -> tuple[int, float]:
    ends, begins = heights[0], sum(heights[1::2]) / len(heights[1::2])
    return (0, ends) if ends < begins else (1, -ends)


def _label_place(point: tuple[float, float], side: SideName) -> tuple[float, float]:
    return (point[0] - _LABEL_OFFSET if side == "left" else point[0] + _LABEL_OFFSET), point[1] - 4


def _straight(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The corners of a line without those that lie between their neighbours."""
    kept: list[tuple[float, float]] = []
    for point in points:
        if len(kept) > 1 and (kept[-2][0] == kept[-1][0] == point[0] or kept[-2][1] == kept[-1][1] == point[1]):
            kept.pop()
        if not kept or kept[-1] != point:
            kept.append(point)
    return kept
