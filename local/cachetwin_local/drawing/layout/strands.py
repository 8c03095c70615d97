"""The layout of a picture: one strand, or several side by side where one would be a tower.

What no connection joins to the rest (a VPC with what is in it, and what its boxes call) can stand in a strand of its own.
A strand is laid out by itself (`builder`), with its own users and its own frame of the region. What stands beside the
network is then in frames of the regions below all strands.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from cachetwin_local.drawing.architecture import Architecture, Box, Vpc
from cachetwin_local.drawing.footer import footer_lines

from .builder import Builder
from .cards import TEXT_SIZE
from .geometry import (
    BAND_GAP,
    HEAD,
    LINE,
    MARGIN,
    REGION_PADDING,
    Layout,
    PlacedFrame,
    PlacedLane,
    PlacedText,
    Rect,
    moved,
)
from .lanes import lanes_below
from .text_width import wrap

_ASPECT: Final = 1.6
"""The width of a picture for its height that a screen shows best."""
_USERS: Final = "users"


def lay_out(architecture: Architecture) -> Layout:
    """The layout of an architecture; the same architecture gives the same layout."""
    best = Builder(architecture).build()
    parts = _parts(architecture)
    if best.height > best.width:
        for count in range(2, len(parts) + 1):
            layout = _side_by_side(architecture, _strands(parts, count))
            if _distance(layout) < _distance(best):
                best = layout
    return _with_footer(architecture, best)


def _distance(layout: Layout) -> float:
    return abs(math.log(layout.width / layout.height / _ASPECT))


def _parts(architecture: Architecture) -> list[Architecture]:
    """What no connection joins, each with its users; the boxes without a VPC and without a way to one are one part."""
    vpc_of = {group.key: vpc.key for vpc in architecture.vpcs for group in vpc.groups}
    home = {box.key: vpc_of.get(box.subnet_group or "", box.key) for box in architecture.boxes}
    edges = [edge for edge in architecture.edges if edge.source in home and edge.target in home]
    joined = {key: key for key in (*(vpc.key for vpc in architecture.vpcs), *home.values())}
    for edge in edges:
        if _USERS not in (edge.source, edge.target):
            one, other = joined[home[edge.source]], joined[home[edge.target]]
            joined = {key: one if part == other else part for key, part in joined.items()}
    with_vpc = {joined[vpc.key] for vpc in architecture.vpcs}
    names = {key: part if part in with_vpc else "" for key, part in joined.items()}
    found = []
    for name in dict.fromkeys([*(names[vpc.key] for vpc in architecture.vpcs), ""]):
        vpcs = [vpc for vpc in architecture.vpcs if names[vpc.key] == name]
        boxes = [box for box in architecture.boxes if box.key != _USERS and names[home[box.key]] == name]
        if vpcs or boxes:
            found.append(_part(architecture, vpcs, boxes))
    return found


def _part(architecture: Architecture, vpcs: Sequence[Vpc], boxes: Sequence[Box]) -> Architecture:
    regions = {*(vpc.region for vpc in vpcs), *(box.region for box in boxes)}
    keys = {box.key for box in boxes}
    edges = [edge for edge in architecture.edges if edge.target in keys and edge.source in {*keys, _USERS}]
    users = [box for box in architecture.boxes if box.key == _USERS and _USERS in {edge.source for edge in edges}]
    return Architecture(
        architecture.title,
        tuple(region for region in architecture.regions if region in regions),
        tuple(vpcs),
        (*users, *boxes),
        tuple(edges),
    )


def _strands(parts: Sequence[Architecture], count: int) -> list[Architecture]:
    """The parts in strands of about equal height, in their order."""
    heights = [0.0] * count
    strands: list[list[Architecture]] = [[] for _ in range(count)]
    for part in parts:
        lowest = heights.index(min(heights))
        strands[lowest].append(part)
        heights[lowest] += Builder(part).build().height
    return [_joined(strand) for strand in strands if strand]


def _joined(parts: Sequence[Architecture]) -> Architecture:
    boxes = {box.key: box for part in parts for box in part.boxes}
    return replace(
        parts[0],
        regions=tuple(dict.fromkeys(region for part in parts for region in part.regions)),
        vpcs=tuple(vpc for part in parts for vpc in part.vpcs),
        boxes=tuple(boxes.values()),
        edges=tuple(edge for part in parts for edge in part.edges),
    )


def _side_by_side(architecture: Architecture, strands: Sequence[Architecture]) -> Layout:
    placed = []
    width, height = MARGIN, 0.0
    for strand in strands:
        layout = moved(Builder(strand).build(), width - MARGIN)
        placed.append(layout)
        width = layout.width + BAND_GAP - MARGIN
        height = max(height, layout.height)
    right = width - BAND_GAP
    frames, lanes, bottom = _lane_frames(architecture, right, height - MARGIN)
    return Layout(
        width=right + MARGIN,
        height=bottom + MARGIN,
        cards=tuple(card for layout in placed for card in layout.cards),
        groups=tuple(group for layout in placed for group in layout.groups),
        frames=(*(frame for layout in placed for frame in layout.frames), *frames),
        lanes=tuple(lanes),
        edges=tuple(edge for layout in placed for edge in layout.edges),
        footer=(),
    )


def _lane_frames(
    architecture: Architecture, right: float, bottom: float
) -> tuple[list[PlacedFrame], list[PlacedLane], float]:
    """A frame for what stands beside the network in each region; where the last one ends."""
    frames: list[PlacedFrame] = []
    found: list[PlacedLane] = []
    for region in architecture.regions:
        lanes = [lane for lane in architecture.lanes if lane.region == region]
        if lanes:
            top = bottom + BAND_GAP
            left = MARGIN + REGION_PADDING
            placed, end = lanes_below(lanes, left, right - REGION_PADDING, top + HEAD)
            found += placed
            bottom = end + 6
            frames.append(
                PlacedFrame("region", f"AWS Region {region}", "", Rect(MARGIN, top, right - MARGIN, bottom - top))
            )
    return frames, found, bottom


def _with_footer(architecture: Architecture, layout: Layout) -> Layout:
    """The layout with what the picture says below its frames."""
    placed = []
    y = layout.height - MARGIN + 14
    for style, text in footer_lines(architecture):
        for line in wrap(text, layout.width - 2 * MARGIN, TEXT_SIZE, bold=style == "heading"):
            y += LINE
            placed.append(PlacedText(MARGIN, y, style, line))
    return replace(layout, height=y + MARGIN, footer=tuple(placed))
