"""Commands on geo indexes."""

from . import members, radius, shapes

__all__ = ["members", "radius", "shapes"]
