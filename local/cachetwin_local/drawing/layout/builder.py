"""Where everything of a strand goes: columns from left to right in the direction of requests, bands from top to bottom.

A box's column is one to the right of whatever reaches it; caches and databases share the last. Each region has a band
for each VPC and one for what is in no VPC. Within a VPC a column holds a frame for each group of subnets, with its cards
one below the other. Edges run in the channels between columns (`routing`); one that crosses a column gets a passage
between the frames there. What stands beside the network is in lanes below the bands, or right of them where the
picture would be narrow.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from cachetwin_local.drawing.architecture import Architecture, Box, Lane, SubnetGroup, Vpc

from .blocks import Band, Block, Route
from .cards import CARD_WIDTH, USERS_WIDTH, Card, card_of, group_lines, width_of_card
from .columns import columns_of, spread
from .geometry import (
    BAND_GAP,
    FRAME_PADDING,
    GAP,
    HEAD,
    LABEL_SIZE,
    LINE,
    MARGIN,
    PASSAGE,
    REGION_PADDING,
    SIDE,
    TRACK,
    VPC_PADDING,
    WIDTH_MIN,
    Layout,
    PlacedCard,
    PlacedEdge,
    PlacedFrame,
    PlacedGroup,
    PlacedLane,
    Rect,
)
from .lanes import LANE_WIDTH, lanes_below, lanes_in
from .routing import Router
from .text_width import width_of

_SWEEPS: Final = 5
_NARROW: Final = 620.0


class Builder:
    """Builds one layout, step by step: bands, order, columns, rows, edges, frames."""

    def __init__(self, architecture: Architecture) -> None:
        self._architecture = architecture
        self._boxes = {box.key: box for box in architecture.boxes}
        self._cards: dict[str, Card] = {box.key: card_of(box) for box in architecture.boxes}
        self._edges = [e for e in architecture.edges if e.source in self._boxes and e.target in self._boxes]
        vpc_of = {group.key: vpc.key for vpc in architecture.vpcs for group in vpc.groups}
        bands = {box.key: vpc_of.get(box.subnet_group or "", box.region) for box in architecture.boxes}
        self._column = spread(columns_of(architecture.boxes, self._edges), bands)
        self._bands: list[Band] = []
        self._band_of: dict[str, Band] = {}
        self._routes: list[Route] = []
        self._lefts: list[float] = []
        self._rights: list[float] = []
        self._rects: dict[str, Rect] = {}
        self._groups: list[PlacedGroup] = []
        self._lanes: list[PlacedLane] = []
        self._region_spans: dict[str, tuple[float, float]] = {}
        self._bands_left = 0.0
        self._bands_right = 0.0

    def build(self) -> Layout:
        """Everything in its place, without the lines below the frames."""
        self._make_bands()
        self._make_routes()
        self._order()
        router = Router(self._routes, self._column, self._rects, self._rights)
        self._place_columns({})
        self._place_rows()
        router.edges()  # the heights alone decide how many tracks a channel needs
        self._place_columns(router.track_counts())
        bottom = self._place_rows()
        edges = router.edges()
        frames = [*self._region_frames(), *self._vpc_frames(edges)]
        right = max([self._bands_right, *(frame.rect.right for frame in frames), WIDTH_MIN - MARGIN])
        cards = tuple(PlacedCard(self._cards[key], rect) for key, rect in self._rects.items())
        return Layout(
            width=right + MARGIN,
            height=bottom + MARGIN,
            cards=cards,
            groups=tuple(self._groups),
            frames=tuple(frames),
            lanes=tuple(self._lanes),
            edges=tuple(edges),
            footer=(),
        )

    # Bands and blocks

    def _make_bands(self) -> None:
        group_keys = {group.key for vpc in self._architecture.vpcs for group in vpc.groups}
        for region in self._architecture.regions:
            inside = [self._vpc_band(vpc) for vpc in self._architecture.vpcs if vpc.region == region]
            outside = [b for b in self._boxes.values() if b.region == region and b.subnet_group not in group_keys]
            below = Band(region, None)
            for box in outside:
                self._add(self._band_beside(box, inside) or below, Block([box.key]), self._column[box.key])
            self._bands += [*inside, *([below] if below.columns or not inside else [])]
        if "users" in self._boxes:
            first = next((edge.target for edge in self._edges if edge.source == "users"), "")
            self._add(self._band_of[first], Block(["users"]), self._column["users"])

    def _vpc_band(self, vpc: Vpc) -> Band:
        band = Band(vpc.region, vpc)
        empty: list[SubnetGroup] = []
        for group in vpc.groups:
            members: dict[int, list[str]] = defaultdict(list)
            for box in self._boxes.values():
                if box.subnet_group == group.key:
                    members[self._column[box.key]].append(box.key)
            for column, keys in sorted(members.items()):
                self._add(band, Block(keys, group, tuple(group_lines(group))), column)
            if not members:
                empty.append(group)
        used = sorted(band.columns) or [max(self._column.values(), default=0)]
        for group in empty:
            column = used[0] if group.kind == "public" else used[min(1, len(used) - 1)]
            self._add(band, Block([], group, tuple(group_lines(group))), column)
        return band

    def _band_beside(self, box: Box, bands: Sequence[Band]) -> Band | None:
        """The VPC's band that a box outside it can stand beside: one that it leads to, further right."""
        for edge in self._edges:
            band = self._band_of.get(edge.target)
            if edge.source == box.key and band in bands and band is not None:
                return band if self._column[box.key] < min(band.own_columns) else None
        return None

    def _add(self, band: Band, block: Block, column: int) -> None:
        band.columns[column].append(block)
        for key in block.keys:
            self._band_of[key] = band

    def _make_routes(self) -> None:
        """One route for each edge; those that cross columns on their way to one side of a box share a passage in each."""
        passages: dict[tuple[str, ...], Block] = {}
        for edge in self._edges:
            route = Route(edge)
            self._routes.append(route)
            source, target = self._column[edge.source], self._column[edge.target]
            shared = (edge.target, edge.kind, edge.label, "" if source < target else edge.source)
            for column in range(min(source, target) + 1, max(source, target)):
                block = passages.get((*shared, str(column)))
                if block is None:
                    block = passages[*shared, str(column)] = Block([], passage=edge, height=PASSAGE)
                    self._band_of[edge.target].columns[column].append(block)
                route.passages.append(block)

    def _order(self) -> None:
        """Order the blocks of each column by the places of what they are connected to; a few sweeps suffice."""
        neighbours: dict[str, list[str]] = defaultdict(list)
        for edge in self._edges:
            neighbours[edge.source].append(edge.target)
            neighbours[edge.target].append(edge.source)
        rank: dict[str, float] = {}
        columns = [blocks for band in self._bands for _column, blocks in sorted(band.columns.items())]
        for blocks in columns:
            _number(blocks, rank)
        for _ in range(4):
            for blocks in columns:
                for block in blocks:
                    block.keys.sort(key=lambda key: (_mean(neighbours[key], rank, rank[key]), rank[key]))
                    block.weight = _weight(block, neighbours, rank)
                blocks.sort(key=lambda block: block.weight)
                _number(blocks, rank)

    # Places

    def _place_columns(self, tracks: Mapping[int, int]) -> None:
        """The x of each column's cards: behind a channel that is as wide as its tracks and labels need."""
        labels: dict[int, float] = defaultdict(float)
        for route in self._routes:
            left, right = sorted((self._column[route.edge.source], self._column[route.edge.target]))
            into = max(right - 1, left)
            labels[into] = max(labels[into], width_of(route.edge.label, LABEL_SIZE, bold=True))
        self._lefts.clear()
        self._rights.clear()
        has_users = "users" in self._boxes
        x = MARGIN if has_users else MARGIN + REGION_PADDING + SIDE
        count = max(self._column.values(), default=0) + 1
        for column in range(count):
            self._lefts.append(x)
            self._rights.append(x + (USERS_WIDTH if has_users and column == 0 else CARD_WIDTH))
            loops = labels[column] + 18 if column == count - 1 and labels[column] else 0
            x = self._rights[-1] + SIDE + TRACK * (tracks.get(column, 0) + 1)
            self._bands_right = self._rights[-1] + SIDE + (x - self._rights[-1] - SIDE + loops if loops else 0)
            outside = REGION_PADDING if has_users and column == 0 else 0
            x += max(SIDE + outside, labels[column] + 18)
        first = 1 if has_users and count > 1 else 0
        self._bands_left = self._lefts[first] - SIDE - REGION_PADDING

    def _place_rows(self) -> float:
        """Place every band below the one before, with the lanes of its region; gives where the last region ends."""
        self._groups.clear()
        self._lanes.clear()
        y = MARGIN
        for region in self._architecture.regions:
            top = y
            y += HEAD
            for band in (band for band in self._bands if band.region == region):
                y = self._place_band(band, y)
            lanes = [lane for lane in self._architecture.lanes if lane.region == region]
            y = self._place_lanes(lanes, top + HEAD, y)
            self._region_spans[region] = (top, y)
            y += BAND_GAP
        return y - BAND_GAP if self._architecture.regions else y

    def _place_band(self, band: Band, y: float) -> float:
        band.top = y + (HEAD if band.vpc is not None else 0)
        heights = {column: self._stack(blocks) for column, blocks in band.columns.items()}
        band.height = max(heights.values(), default=0.0)
        self._align(band, heights)
        for column, blocks in sorted(band.columns.items()):
            for block in blocks:
                self._place_block(block, self._lefts[column])
        return band.top + band.height + (VPC_PADDING if band.vpc is not None else 0) + BAND_GAP

    def _align(self, band: Band, heights: Mapping[int, float]) -> None:
        """Stack the blocks of each column in the band's middle, then move each column level with its neighbours."""
        middles: dict[str, float] = {}
        for column, blocks in band.columns.items():
            self._move(blocks, band.top + (band.height - heights[column]) / 2, middles)
        order = sorted(band.columns)
        for column in [*reversed(order), *order] * _SWEEPS:
            blocks = band.columns[column]
            own = {key for block in blocks for key in block.keys}
            offsets = []
            for edge in self._edges:
                for key, other in ((edge.source, edge.target), (edge.target, edge.source)):
                    if key in own and other in middles and other not in own:
                        offsets.append(middles[other] - middles[key])
            if offsets:
                wanted = blocks[0].top + sum(offsets) / len(offsets)
                lowest = band.top + band.height - heights[column]
                self._move(blocks, min(max(wanted, band.top), lowest), middles)

    def _move(self, blocks: Sequence[Block], top: float, middles: dict[str, float]) -> None:
        top = float(round(top))
        for block in blocks:
            block.top = top
            y = top + (LINE * len(block.lines) + 18 if block.group is not None else 0)
            for key in block.keys:
                middles[key] = y + self._cards[key].height / 2
                y += self._cards[key].height + GAP
            top += block.height + GAP

    def _stack(self, blocks: Sequence[Block]) -> float:
        for block in blocks:
            if block.passage is None:
                cards = sum(self._cards[key].height for key in block.keys) + GAP * max(0, len(block.keys) - 1)
                block.height = cards
                if block.group is not None:
                    block.height += LINE * len(block.lines) + FRAME_PADDING + (18 if block.keys else 6)
        return sum(block.height for block in blocks) + GAP * max(0, len(blocks) - 1)

    def _place_block(self, block: Block, x: float) -> None:
        y = block.top
        if block.group is not None:
            rect = Rect(x - FRAME_PADDING, y, CARD_WIDTH + 2 * FRAME_PADDING, block.height)
            self._groups.append(PlacedGroup(block.group, rect, block.lines))
            y += LINE * len(block.lines) + 18
        for key in block.keys:
            self._rects[key] = Rect(x, y, width_of_card(self._boxes[key]), self._cards[key].height)
            y += self._cards[key].height + GAP

    def _place_lanes(self, lanes: Sequence[Lane], top: float, bottom: float) -> float:
        """Place the lanes below the bands, or beside them where the picture is narrow; gives where the region ends."""
        left, right = self._bands_left + REGION_PADDING, self._bands_right
        if not lanes:
            return bottom
        if right - left <= _NARROW:
            placed, end = lanes_in(lanes, right + BAND_GAP, top, LANE_WIDTH, 2 if len(lanes) > 3 else 1)
        else:
            placed, end = lanes_below(lanes, left, right, bottom)
        self._lanes += placed
        return max(bottom, end + 6)

    # Frames

    def _region_frames(self) -> list[PlacedFrame]:
        frames = []
        right = max([self._bands_right, *(lane.rect.right for lane in self._lanes)]) + REGION_PADDING
        right = max(right, WIDTH_MIN - MARGIN)
        for region, (top, bottom) in self._region_spans.items():
            rect = Rect(self._bands_left, top, right - self._bands_left, bottom - top)
            frames.append(PlacedFrame("region", f"AWS Region {region}", "", rect))
        return frames

    def _vpc_frames(self, edges: Sequence[PlacedEdge]) -> list[PlacedFrame]:
        frames = []
        for band in self._bands:
            columns = band.own_columns
            if band.vpc is None or not columns:
                continue
            left, right = self._lefts[columns[0]] - SIDE, self._rights[columns[-1]] + SIDE
            loops = [x for edge in edges for x, _y in edge.points if self._is_loop(edge, band, columns[-1])]
            right = max([right, *(x + TRACK for x in loops)])
            rect = Rect(left, band.top - HEAD, right - left, band.height + HEAD + VPC_PADDING)
            note = ", ".join(filter(None, [band.vpc.cidr, *band.vpc.notes]))
            title = "VPC" if band.vpc.title.lower() == "vpc" else f"VPC {band.vpc.title}"
            frames.append(PlacedFrame("vpc", title, note, rect))
        return frames

    def _is_loop(self, placed: PlacedEdge, band: Band, column: int) -> bool:
        """Whether an edge leaves and enters the same side of a VPC's last column."""
        ends = (placed.edge.source, placed.edge.target)
        return all(self._column[key] == column and self._band_of[key] is band for key in ends)


def _number(blocks: Sequence[Block], rank: dict[str, float]) -> None:
    for position, key in enumerate(key for block in blocks for key in block.keys):
        rank[key] = float(position)


def _weight(block: Block, neighbours: dict[str, list[str]], rank: dict[str, float]) -> float:
    if block.passage is not None:
        return (rank[block.passage.source] + rank[block.passage.target]) / 2 - 0.25
    if not block.keys:
        return 1000.0
    return sum(_mean(neighbours[key], rank, rank[key]) for key in block.keys) / len(block.keys)


def _mean(keys: Sequence[str], rank: dict[str, float], default: float) -> float:
    known = [rank[key] for key in keys if key in rank]
    return sum(known) / len(known) if known else default
