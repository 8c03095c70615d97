"""Commands on lists."""

from . import blocking, elements, ends, moves

__all__ = ["blocking", "elements", "ends", "moves"]
