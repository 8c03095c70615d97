"""An architecture in words, for readers who do not see the picture."""

from .architecture import Architecture, Box, EdgeKind

_VERBS: dict[EdgeKind, str] = {
    "network": "may reach",
    "unchecked": "needs to reach",
    "blocked": "cannot reach",
    "invoke": "calls",
    "replication": "replicates to",
}


def describe(architecture: Architecture) -> str:
    """Sentences about the boxes and what they may reach."""
    boxes = {box.key: box for box in architecture.boxes}
    sentences = [f"{_named(box)}{_inside(architecture, box)}." for box in architecture.boxes if box.key != "users"]
    for edge in architecture.edges:
        port = f" on port {edge.label}" if edge.kind in {"network", "unchecked", "blocked"} else ""
        source, target = boxes[edge.source].title, boxes[edge.target].title
        sentences.append(f"{source} {_VERBS[edge.kind]} {target}{port}.")
    sentences += [f"{lane.title}: {', '.join(entry.name for entry in lane.entries)}." for lane in architecture.lanes]
    return " ".join(sentences)


def _named(box: Box) -> str:
    return f"{box.title} ({box.label}{''.join(f', {line}' for line in box.details)})"


def _inside(architecture: Architecture, box: Box) -> str:
    for vpc in architecture.vpcs:
        for group in vpc.groups:
            if group.key == box.subnet_group:
                return f" in {group.title.lower()} of {vpc.title}"
    return ""
