"""Places of the parts of a picture, in pixels from its upper left corner."""

from dataclasses import dataclass, replace
from typing import Final, Literal

from cachetwin_local.drawing.architecture import Edge, Lane, SubnetGroup

from .cards import Card

MARGIN: Final = 16.0
FRAME_PADDING: Final = 12.0
VPC_PADDING: Final = 14.0
REGION_PADDING: Final = 16.0
HEAD: Final = 36.0
GAP: Final = 22.0
BAND_GAP: Final = 28.0
TRACK: Final = 12.0
PASSAGE: Final = 16.0
WIDTH_MIN: Final = 640.0
LINE: Final = 15.0
LABEL_SIZE: Final = 11.5
SIDE: Final = FRAME_PADDING + VPC_PADDING
"""From a card's side to the side of the VPC that it is in."""

StyledLine = tuple[str, str]
"""A style (group, zone, detail, ...) and a text."""


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle by its corner and size."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """The x of its right side."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """The y of its lower side."""
        return self.y + self.height


@dataclass(frozen=True, slots=True)
class PlacedCard:
    """A card and its rectangle."""

    card: Card
    rect: Rect


@dataclass(frozen=True, slots=True)
class PlacedGroup:
    """The frame of a group of subnets, with the lines at its head."""

    group: SubnetGroup
    rect: Rect
    lines: tuple[StyledLine, ...]


@dataclass(frozen=True, slots=True)
class PlacedFrame:
    """The frame of a VPC or a region."""

    kind: Literal["vpc", "region"]
    title: str
    note: str
    rect: Rect


@dataclass(frozen=True, slots=True)
class PlacedLane:
    """A lane: its lines and its rectangle."""

    lane: Lane
    rect: Rect
    lines: tuple[StyledLine, ...]


@dataclass(frozen=True, slots=True)
class PlacedEdge:
    """An edge as the corners of its line, from source to target, where its label stands and which side it ends at."""

    edge: Edge
    points: tuple[tuple[float, float], ...]
    label_at: tuple[float, float] | None
    into: Literal["left", "right"]


@dataclass(frozen=True, slots=True)
class PlacedText:
    """A line of text below the regions."""

    x: float
    y: float
    style: str
    text: str


@dataclass(frozen=True, slots=True)
class Layout:
    """A picture's parts with their places."""

    width: float
    height: float
    cards: tuple[PlacedCard, ...]
    groups: tuple[PlacedGroup, ...]
    frames: tuple[PlacedFrame, ...]
    lanes: tuple[PlacedLane, ...]
    edges: tuple[PlacedEdge, ...]
    footer: tuple[PlacedText, ...]


def moved(layout: Layout, by: float) -> Layout:
    """The layout further to the right."""

    def right(rect: Rect) -> Rect:
        return replace(rect, x=rect.x + by)

    def edge(placed: PlacedEdge) -> PlacedEdge:
        label = placed.label_at and (placed.label_at[0] + by, placed.label_at[1])
        return replace(placed, points=tuple((x + by, y) for x, y in placed.points), label_at=label)

    return Layout(
        width=layout.width + by,
        height=layout.height,
        cards=tuple(replace(card, rect=right(card.rect)) for card in layout.cards),
        groups=tuple(replace(group, rect=right(group.rect)) for group in layout.groups),
        frames=tuple(replace(frame, rect=right(frame.rect)) for frame in layout.frames),
        lanes=tuple(replace(lane, rect=right(lane.rect)) for lane in layout.lanes),
        edges=tuple(edge(placed) for placed in layout.edges),
        footer=tuple(replace(text, x=text.x + by) for text in layout.footer),
    )
