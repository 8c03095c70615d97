"""Commands on strings."""

from . import counters, lcs, parts, several, values

__all__ = ["counters", "lcs", "parts", "several", "values"]
