"""What a picture says below its frames: what its lines mean, and every resource that it does not draw."""

from collections.abc import Sequence

from .architecture import Architecture, Count

_MEANINGS = {
    "network": "Solid line: security groups allow this connection, on the port beside it.",
    "invoke": "Dashed line: calls or delivers, outside security groups.",
    "replication": "Double line: replicates.",
    "unchecked": "Dotted line: needed, and security groups outside this app decide.",
    "blocked": "Red line: needed, and security groups do not allow it.",
}


def footer_lines(architecture: Architecture) -> list[tuple[str, str]]:
    """The lines with their style, heading or detail."""
    kinds = {edge.kind for edge in architecture.edges}
    lines = [("detail", text) for kind, text in _MEANINGS.items() if kind in kinds]
    if architecture.not_modelled:
        lines.append(("heading", f"Not modelled: {counted(architecture.not_modelled)}"))
    lines += [("heading", f"Not resolved: {unread.reason}") for unread in architecture.unread]
    if architecture.supporting:
        lines.append(("note", f"Not drawn, part of the above: {counted(architecture.supporting)}"))
    return lines


def counted(counts: Sequence[Count]) -> str:
    """The types and how many of each: ``6 EC2 RouteTable``."""
    return ", ".join(f"{count.number} {count.type.removeprefix('AWS::').replace('::', ' ')}" for count in counts)
