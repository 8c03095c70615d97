"""An architecture as a Mermaid flowchart, for pages that render it (GitHub, MkDocs)."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from .architecture import Architecture, Box, EdgeKind, Lane, NodeGrid, Vpc
from .characters import printable
from .footer import counted

_SHAPES: Final = {
    "users": ("([", "])"),
    "load-balancer": ("{{", "}}"),
    "cache": ("[(", ")]"),
    "database": ("[(", ")]"),
    "storage": ("[(", ")]"),
}
_ARROWS: Final[dict[EdgeKind, str]] = {
    "network": "-->",
    "unchecked": "-.->",
    "blocked": "--x",
    "invoke": "-.->",
    "replication": "==>",
}

_LABEL_SIGNS: Final = re.compile(r'[&"<>#`\n\r\t]')
"""Signs that end a label, are markup in it, or begin an entity."""


TEXT_CHARACTERS_MAX: Final = 50_000
EDGES_COUNT_MAX: Final = 500
"""What pages render: Mermaid's defaults of ``maxTextSize`` and ``maxEdges``."""


def to_mermaid(architecture: Architecture) -> str:
    """The flowchart; the same architecture gives the same text."""
    lines = ["---", f"title: {_title(architecture.title)}", "---", "flowchart LR"]
    outside = [box for box in architecture.boxes if not box.region]
    lines += [f"  {_node(box)}" for box in outside]
    for region in architecture.regions:
        lines += _subgraph(f"AWS Region {region}", f"region-{region}", _region(architecture, region), "  ")
    for edge in architecture.edges:
        label = _text(edge.label)
        lines.append(f"  {_id(edge.source)} {_ARROWS[edge.kind]}|{label}| {_id(edge.target)}")
    if architecture.not_modelled:
        lines.append(f"  not_modelled[{_quoted('Not modelled: ' + counted(architecture.not_modelled))}]")
    if architecture.unread:
        reasons = "<br/>".join(_text(unread.reason) for unread in architecture.unread)
        lines.append(f'  not_resolved["Not resolved:<br/>{reasons}"]')
    if architecture.supporting:
        lines.append(f"  %% not drawn, part of the above: {counted(architecture.supporting)}")
    return "\n".join(lines) + "\n"


def _region(architecture: Architecture, region: str) -> list[str]:
    groups = {group.key for vpc in architecture.vpcs for group in vpc.groups}
    lines: list[str] = []
    for vpc in architecture.vpcs:
        if vpc.region == region:
            title = " ".join(filter(None, ["VPC", "" if vpc.title.lower() == "vpc" else vpc.title, vpc.cidr]))
            lines += _subgraph(title, vpc.key, _vpc(architecture, vpc), "  ")
    lines += [
        f"  {_node(box)}" for box in architecture.boxes if box.region == region and box.subnet_group not in groups
    ]
    lanes = [lane for lane in architecture.lanes if lane.region == region]
    if lanes:
        lines += _subgraph("Beside the network", f"lanes-{region}", [f"  {_lane(lane)}" for lane in lanes], "  ")
    return lines


def _vpc(architecture: Architecture, vpc: Vpc) -> list[str]:
    lines: list[str] = []
    for group in vpc.groups:
        # one line: Mermaid reserves no room for more at the head of a subgraph
        title = ": ".join(
            filter(None, [group.title, ", ".join(dict.fromkeys(subnet.zone for subnet in group.subnets))])
        )
        boxes = [f"  {_node(box)}" for box in architecture.boxes if box.subnet_group == group.key]
        boxes += [f"  {_id(f'{group.key}-{note}')}[{_quoted(note)}]" for note in group.notes]
        if boxes:
            lines += _subgraph(title, group.key, boxes, "  ")
        else:
            lines.append(f"  {_id(group.key)}[{_quoted(title)}]")
    return lines


def _subgraph(title: str, key: str, lines: Iterable[str], indent: str) -> list[str]:
    inner = [f"{indent}{line}" for line in lines]
    return [f"{indent}subgraph {_id(key)}[{_quoted(title)}]", *inner, f"{indent}end"]


def _node(box: Box) -> str:
    opening, closing = _SHAPES.get(box.kind, ("[", "]"))
    lines = [box.title, box.label, *box.details, *(_grid(box.grid) if box.grid else [])]
    return f"{_id(box.key)}{opening}{_quoted('<br/>'.join(lines))}{closing}"


def _grid(grid: NodeGrid) -> list[str]:
    lines = []
    for row in grid.rows:
        placed = zip(grid.zones, row.cells, strict=True)
        nodes = [f"{_counted(cell)} in {zone}" for zone, cell in placed if cell]
        lines.append(f"{row.label + ': ' if row.label else ''}{', '.join(nodes)}")
    return [*lines, *([f"and {grid.more} more shards"] if grid.more else [])]


def _counted(roles: Sequence[str]) -> str:
    """Such as ``primary and 2 replicas``."""
    return " and ".join(role if number == 1 else f"{number} {role}s" for role, number in Counter(roles).items())


def _lane(lane: Lane) -> str:
    names = [entry.name + _used_by(entry.used_by) for entry in lane.entries]
    title = f"{lane.title} ({len(lane.entries)})"
    return f"{_id(f'lane-{lane.region}-{lane.title}')}[{_quoted('<br/>'.join([title, *names]))}]"


def _used_by(titles: Sequence[str]) -> str:
    return f", used by {', '.join(titles)}" if titles else ""


def _id(key: str) -> str:
    """A key as Mermaid's identifiers allow it; ``end`` is a word of its grammar."""
    name = re.sub(r"\W", "_", key)
    return f"{name}_" if name.lower() == "end" else name


def _quoted(text: str) -> str:
    return f'"{_text(text)}"'


def _title(text: str) -> str:
    """Text as YAML has it, in quotes only where it would mean something else."""
    plain = printable(text)
    return plain if re.fullmatch(r"\w[\w, -]*", plain) else json.dumps(plain, ensure_ascii=False)


def _text(text: str) -> str:
    """Text without the characters that mean something in a label; line breaks stay."""
    return "<br/>".join(_LABEL_SIGNS.sub(_entity, printable(part)) for part in text.split("<br/>"))


def _entity(sign: re.Match[str]) -> str:
    return " " if sign[0].isspace() else f"#{ord(sign[0])};"
