"""An architecture as SVG: one file without scripts, fonts or links, light or dark as the reader's system is."""

from collections.abc import Sequence
from typing import Final
from xml.sax import saxutils

from cachetwin_local.drawing.layout.cards import CELL_HEIGHT, ICON, PADDING
from cachetwin_local.drawing.layout.geometry import (
    LINE,
    Layout,
    PlacedCard,
    PlacedEdge,
    PlacedFrame,
    PlacedGroup,
    PlacedLane,
    StyledLine,
)
from cachetwin_local.drawing.layout.strands import lay_out

from .architecture import Architecture, Box, EdgeKind, Kind
from .characters import printable
from .description import describe
from .icons import GLYPHS, TILES

_CORNER: Final = 6.0
_STYLE: Final = """
.page{fill:#fff}
text{font-family:Helvetica,Arial,'Liberation Sans',sans-serif;fill:#232f3e}
.title{font-size:14px;font-weight:700}
.label,.zone,.note{font-size:11.5px;fill:#5a6675}
.note{font-weight:400}
.detail{font-size:11.5px}
.heading{font-size:11.5px;font-weight:700}
.group{font-size:12px;font-weight:700}
.frame-title{font-size:13px;font-weight:700}
.region{fill:none;stroke:#00a4a6;stroke-width:1.5;stroke-dasharray:6 4}
.vpc{fill:none;stroke:#8c4fff;stroke-width:1.5}
.region-title{fill:#007e80}.vpc-title{fill:#7a3ff0}
.public{fill:#f2f6e8;stroke:#7aa116}.private{fill:#e6f6f7;stroke:#00a4a6}
.isolated{fill:#eef1f5;stroke:#6c7a89}.unknown{fill:#f7f7f7;stroke:#9aa5b1;stroke-dasharray:4 3}
.card{fill:#fff;stroke:#c5ccd3}
.lane{fill:#f8f9fa;stroke:#c5ccd3}
.cell{fill:#f3ecfb;stroke:#c925d1;stroke-opacity:.45}.cell-empty{fill:none;stroke:#c5ccd3;stroke-dasharray:3 3}
.cell-text{font-size:10px;text-anchor:middle}
.glyph{fill:none;stroke:#fff;stroke-width:2;stroke-linecap:round;stroke-linejoin:round}
.networking{fill:#8c4fff}.compute{fill:#ed7100}.data{fill:#c925d1}.integration{fill:#e7157b}.storage{fill:#7aa116}
.plain{fill:#232f3e}
.edge{fill:none;stroke:#4b5866;stroke-width:1.5}
.invoke{stroke-dasharray:6 4}.unchecked{stroke-dasharray:2 3}.replication{stroke-width:3}.blocked{stroke:#d13212}
.arrow{fill:#4b5866}.arrow-blocked{fill:#d13212}
.edge-label{font-size:11.5px;font-weight:700;paint-order:stroke;stroke:#fff;stroke-width:3px;stroke-linejoin:round}
@media (prefers-color-scheme:dark){
.page{fill:#0f141a}
text{fill:#e6eaee}
.label,.zone,.note{fill:#a3aebb}
.region{stroke:#2cc5c7}.vpc{stroke:#a777ff}
.region-title{fill:#4fd6d8}.vpc-title{fill:#b794ff}
.public{fill:#1c2412;stroke:#8fb82a}.private{fill:#0d2428;stroke:#2cc5c7}
.isolated{fill:#1a212a;stroke:#8593a3}.unknown{fill:#171b20;stroke:#77828f}
.card{fill:#1b232d;stroke:#3d4a59}
.lane{fill:#151b22;stroke:#333f4c}
.cell{fill:#35183b;stroke:#e06be6}.cell-empty{stroke:#45525f}
.plain{fill:#5a6675}
.edge{stroke:#aab4c0}.blocked{stroke:#ff7a66}
.arrow{fill:#aab4c0}.arrow-blocked{fill:#ff7a66}
.edge-label{stroke:#0f141a}
}
"""


def to_svg(architecture: Architecture) -> str:
    """The picture of an architecture; the same architecture gives the same bytes."""
    layout = lay_out(architecture)
    width, height = _number(layout.width), _number(layout.height)
    root = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="title desc" {root}>',
        f'<title id="title">{escape(architecture.title)}</title>',
        f'<desc id="desc">{escape(describe(architecture))}</desc>',
        f"<style>{_STYLE}</style>",
        "<defs>",
        *(_marker(name) for name in ("arrow", "arrow-blocked")),
        "</defs>",
        f'<rect class="page" width="{width}" height="{height}"/>',
        *_body(layout),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _body(layout: Layout) -> list[str]:
    parts = [line for frame in layout.frames for line in _frame(frame)]
    parts += [line for group in layout.groups for line in _group(group)]
    parts += [line for lane in layout.lanes for line in _lane(lane)]
    parts += [_edge(edge) for edge in layout.edges]
    parts += [line for card in layout.cards for line in _card(card)]
    parts += [_edge_label(edge) for edge in layout.edges if edge.label_at is not None]
    parts += [_text(line.x, line.y, line.style, line.text) for line in layout.footer]
    return parts


def _marker(name: str) -> str:
    return (
        f'<marker id="{name}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" '
        f'markerUnits="userSpaceOnUse" orient="auto"><path class="{name}" d="M0 0L10 5L0 10z"/></marker>'
    )


def _frame(frame: PlacedFrame) -> list[str]:
    rect = frame.rect
    title = escape(frame.title)
    note = f'<tspan class="note" dx="10">{escape(frame.note)}</tspan>' if frame.note else ""
    place = f'x="{_number(rect.x + 14)}" y="{_number(rect.y + 22)}"'
    return [
        f'<rect class="{frame.kind}" {_box(rect.x, rect.y, rect.width, rect.height)} rx="4"/>',
        f'<text class="frame-title {frame.kind}-title" {place}>{title}{note}</text>',
    ]


def _group(placed: PlacedGroup) -> list[str]:
    rect = placed.rect
    frame = f'<rect class="{placed.group.kind}" {_box(rect.x, rect.y, rect.width, rect.height)} rx="4"/>'
    return [frame, *_lines(rect.x + 10, rect.y + 18, placed.lines)]


def _lane(placed: PlacedLane) -> list[str]:
    rect = placed.rect
    frame = f'<rect class="lane" {_box(rect.x, rect.y, rect.width, rect.height)} rx="4"/>'
    return [frame, *_lines(rect.x + 12, rect.y + 20, placed.lines)]


def _lines(x: float, y: float, lines: Sequence[StyledLine]) -> list[str]:
    return [_text(x, y + index * LINE, style, text) for index, (style, text) in enumerate(lines)]


def _card(placed: PlacedCard) -> list[str]:
    rect, card = placed.rect, placed.card
    kind = card.box.kind
    return [
        f'<g data-key="{escape(card.box.key)}"><title>{escape(_tooltip(card.box))}</title>',
        f'<rect class="card" {_box(rect.x, rect.y, rect.width, rect.height)} rx="6"/>',
        _tile(kind, rect.x + PADDING, rect.y + PADDING),
        *(_text(rect.x + line.x, rect.y + line.y, line.style, line.text) for line in card.lines),
        *(
            f'<rect class="{"cell" if cell.text else "cell-empty"}" '
            f'{_box(rect.x + cell.x, rect.y + cell.y, cell.width, CELL_HEIGHT)} rx="3"/>'
            for cell in card.cells
        ),
        *(
            _text(rect.x + cell.x + cell.width / 2, rect.y + cell.y + 15, "cell-text", cell.text)
            for cell in card.cells
            if cell.text
        ),
        "</g>",
    ]


def _tile(kind: Kind, x: float, y: float) -> str:
    scale = ICON / 40  # the glyphs' own size
    return (
        f'<g transform="translate({_number(x)} {_number(y)}) scale({scale:g})">'
        f'<rect class="{TILES[kind]}" width="40" height="40" rx="5"/><path class="glyph" d="{GLYPHS[kind]}"/></g>'
    )


def _tooltip(box: Box) -> str:
    return "\n".join([f"{box.title}: {box.label}", *box.details, box.key])


_ARROWS: Final[dict[EdgeKind, str]] = {"blocked": "arrow-blocked"}


def _edge(placed: PlacedEdge) -> str:
    edge = placed.edge
    arrow = _ARROWS.get(edge.kind, "arrow")
    title = f"{edge.source} to {edge.target}: {edge.label}, {edge.reason}"
    return (
        f'<path class="edge {edge.kind}" d="{_rounded(placed.points)}" marker-end="url(#{arrow})">'
        f"<title>{escape(title)}</title></path>"
    )


def _edge_label(placed: PlacedEdge) -> str:
    x, y = placed.label_at or (0.0, 0.0)
    anchor = "end" if placed.into == "left" else "start"
    return (
        f'<text class="edge-label" text-anchor="{anchor}" x="{_number(x)}" y="{_number(y)}">'
        f"{escape(placed.edge.label)}</text>"
    )


def _rounded(points: Sequence[tuple[float, float]]) -> str:
    """A path through the corners, which are rounded."""
    first = points[0]
    parts = [f"M{_number(first[0])} {_number(first[1])}"]
    for index in range(1, len(points) - 1):
        before, corner, after = points[index - 1], points[index], points[index + 1]
        radius = min(_CORNER, _distance(before, corner) / 2, _distance(corner, after) / 2)
        begins, ends = _towards(corner, before, radius), _towards(corner, after, radius)
        parts.append(f"L{_number(begins[0])} {_number(begins[1])}")
        parts.append(f"Q{_number(corner[0])} {_number(corner[1])} {_number(ends[0])} {_number(ends[1])}")
    last = points[-1]
    return "".join([*parts, f"L{_number(last[0])} {_number(last[1])}"])


def _distance(one: tuple[float, float], other: tuple[float, float]) -> float:
    return abs(one[0] - other[0]) + abs(one[1] - other[1])


def _towards(start: tuple[float, float], end: tuple[float, float], by: float) -> tuple[float, float]:
    total = _distance(start, end) or 1.0
    return start[0] + (end[0] - start[0]) * by / total, start[1] + (end[1] - start[1]) * by / total


def _text(x: float, y: float, style: str, text: str) -> str:
    return f'<text class="{style}" x="{_number(x)}" y="{_number(y)}">{escape(text)}</text>'


def _box(x: float, y: float, width: float, height: float) -> str:
    return f'x="{_number(x)}" y="{_number(y)}" width="{_number(width)}" height="{_number(height)}"'


def _number(value: float) -> str:
    """A coordinate with at most one decimal."""
    return f"{value:.1f}".removesuffix(".0")


def escape(text: str) -> str:
    """Text for an element or an attribute."""
    return saxutils.escape(printable(text), {'"': "&quot;"})
