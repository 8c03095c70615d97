"""Bands of a picture and the blocks that are stacked in their columns."""

from collections import defaultdict
from dataclasses import dataclass, field

from cachetwin_local.drawing.architecture import Edge, SubnetGroup, Vpc

from .geometry import StyledLine


@dataclass(slots=True)
class Block:
    """Something stacked in a column of a band: a frame with cards, a card alone, or a passage for an edge."""

    keys: list[str]
    group: SubnetGroup | None = None
    lines: tuple[StyledLine, ...] = ()
    passage: "Edge | None" = None
    height: float = 0.0
    top: float = 0.0
    weight: float = 0.0


@dataclass(slots=True)
class Route:
    """An edge and the passages through the columns that it crosses, from left to right."""

    edge: Edge
    passages: list[Block] = field(default_factory=list)


@dataclass(slots=True)
class Band:
    """A row of the picture: a VPC (`vpc`) or what is in none, with its blocks by column."""

    region: str
    vpc: Vpc | None
    columns: dict[int, list[Block]] = field(default_factory=lambda: defaultdict(list))
    top: float = 0.0
    height: float = 0.0

    @property
    def own_columns(self) -> list[int]:
        """The columns with blocks of the band's VPC."""
        return sorted(
            column for column, blocks in self.columns.items() if any(block.group is not None for block in blocks)
        )
