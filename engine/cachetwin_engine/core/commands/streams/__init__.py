"""Stream commands."""

from . import entries, groups, info, reads

__all__ = ["entries", "groups", "info", "reads"]
