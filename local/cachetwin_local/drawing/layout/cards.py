"""What a box looks like before it has a place: its lines of text, its grid of nodes, its size."""

from dataclasses import dataclass
from typing import Final

from cachetwin_local.drawing.architecture import Box, NodeGrid, SubnetGroup

from .text_width import width_of, wrap

CARD_WIDTH: Final = 212.0
USERS_WIDTH: Final = 132.0
PADDING: Final = 11.0
ICON: Final = 36.0
TITLE_SIZE: Final = 14.0
TEXT_SIZE: Final = 11.5
TITLE_LINE: Final = 18.0
TEXT_LINE: Final = 15.0
CELL_HEIGHT: Final = 22.0
CELL_GAP: Final = 4.0
ROW_LABEL_WIDTH: Final = 50.0
CARD_HEIGHT_MIN: Final = 64.0


@dataclass(frozen=True, slots=True)
class Cell:
    """A node's place within its card; `x` and `y` are relative to the card's corner."""

    x: float
    y: float
    width: float
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text within a card: its baseline's start, and its style (title, label, detail, zone)."""

    x: float
    y: float
    style: str
    text: str


@dataclass(frozen=True, slots=True)
class Card:
    """A box with its lines and cells laid out."""

    box: Box
    lines: tuple[Line, ...]
    cells: tuple[Cell, ...]
    height: float


def width_of_card(box: Box) -> float:
    """The width of a box's card."""
    return USERS_WIDTH if box.kind == "users" else CARD_WIDTH


def card_of(box: Box) -> Card:
    """The card of a box, as high as its text needs."""
    left, width = 2 * PADDING + ICON, width_of_card(box) - 3 * PADDING - ICON
    lines: list[Line] = []
    y = PADDING
    for text in wrap(box.title, width, TITLE_SIZE, bold=True):
        y += TITLE_LINE
        lines.append(Line(left, y - 5, "title", text))
    for text in wrap(box.label, width, TEXT_SIZE):
        y += TEXT_LINE
        lines.append(Line(left, y - 4, "label", text))
    y = max(y, PADDING + ICON)
    y += 4 if box.details else 0
    for detail in box.details:
        for text in wrap(detail, CARD_WIDTH - 2 * PADDING, TEXT_SIZE):
            y += TEXT_LINE
            lines.append(Line(PADDING, y - 4, "detail", text))
    cells: list[Cell] = []
    if box.grid is not None:
        y = _grid(box.grid, y + 6, lines, cells)
    return Card(box, tuple(lines), tuple(cells), max(CARD_HEIGHT_MIN, y + PADDING))


def _grid(grid: NodeGrid, top: float, lines: list[Line], cells: list[Cell]) -> float:
    """Lay out the grid below `top`; gives where it ends."""
    labelled = any(row.label for row in grid.rows)
    left = PADDING + (ROW_LABEL_WIDTH if labelled else 0)
    room = CARD_WIDTH - PADDING - left
    width = (room - CELL_GAP * (len(grid.zones) - 1)) / len(grid.zones)
    y = top + TEXT_LINE
    for index, zone in enumerate(grid.zones):
        text = zone if width_of(zone, TEXT_SIZE) <= width else zone.rpartition("-")[2]
        lines.append(Line(left + index * (width + CELL_GAP), y - 4, "zone", text))
    for row in grid.rows:
        if row.label:
            lines.append(Line(PADDING, y + 15, "zone", row.label))
        for index, nodes in enumerate(row.cells):
            x = left + index * (width + CELL_GAP)
            for place, text in enumerate(nodes or ("",)):
                cells.append(Cell(x, y + place * (CELL_HEIGHT + CELL_GAP), width, _fitted(text, width)))
        y += max(1, *map(len, row.cells)) * (CELL_HEIGHT + CELL_GAP)
    if grid.more:
        y += TEXT_LINE
        lines.append(Line(PADDING, y - 4, "detail", f"and {grid.more} more shards"))
    return y


def _fitted(text: str, width: float) -> str:
    """A node's text, shorter where its cell is narrow: roles by their first letter."""
    if width_of(text, TEXT_SIZE - 1) <= width - 6:
        return text
    return {"primary": "P", "replica": "R", "reader": "R", "node": "N"}.get(text, text.removesuffix(" nodes"))


def group_lines(group: SubnetGroup) -> list[tuple[str, str]]:
    """The lines at the head of a group of subnets, with their style."""
    width = CARD_WIDTH + 8
    lines = [("group", text) for text in wrap(group.title, width, 12, bold=True)]
    for subnet in group.subnets:
        lines += [("zone", text) for text in wrap(f"{subnet.zone}  {subnet.cidr}".strip(), width, TEXT_SIZE)]
    for note in group.notes:
        lines += [("zone", text) for text in wrap(note, width, TEXT_SIZE)]
    return lines
