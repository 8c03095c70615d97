"""The glyphs on a card's tile, drawn on a square of 40 by 40 units: strokes that say what a box does."""

from collections.abc import Mapping
from typing import Final

from .architecture import Kind

GLYPHS: Final[Mapping[Kind, str]] = {
    "users": "M20 20a6 6 0 1 0-.01 0M9 33c0-7 5-10 11-10s11 3 11 10",
    "load-balancer": "M8 20h9M17 20l10-9M17 20h11M17 20l10 9M24 10h5v5M25 17l4 3-4 3M29 25v5h-5",
    "api": "M14 11l-7 9 7 9M26 11l7 9-7 9M22 9l-4 22",
    "distribution": "M20 8a12 12 0 1 0 .01 0M8 20h24M20 8c-8 8-8 16 0 24c8-8 8-16 0-24",
    "event": "M20 9a11 11 0 1 0 .01 0M20 13v7l5 4",
    "service": "M20 8l10 6v12l-10 6-10-6V14zM10 14l10 6 10-6M20 20v12",
    "function": "M12 10h4l9 20h4M18 17l-7 13",
    "instance": "M12 12h16v16H12zM16 8v4M24 8v4M16 28v4M24 28v4M8 16h4M8 24h4M28 16h4M28 24h4",
    "workflow": "M8 9h10v7H8zM22 24h10v7H22zM13 16v11h9M18 12h9v12",
    "cache": "M9 14c0-6 22-6 22 0v12c0 6-22 6-22 0zM9 14c0 6 22 6 22 0M21 19l-4 5h6l-4 5",
    "database": "M9 13c0-6 22-6 22 0v14c0 6-22 6-22 0zM9 13c0 6 22 6 22 0M9 20c0 6 22 6 22 0",
    "storage": "M9 12h22l-3 19H12zM9 12c0-4 22-4 22 0",
}

TILES: Final[Mapping[Kind, str]] = {
    "users": "plain",
    "load-balancer": "networking",
    "api": "integration",
    "distribution": "networking",
    "event": "integration",
    "service": "compute",
    "function": "compute",
    "instance": "compute",
    "workflow": "integration",
    "cache": "data",
    "database": "data",
    "storage": "storage",
}
"""The class of each tile, named by the group of services that has its colour."""
