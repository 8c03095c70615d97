"""Stream commands."""

from . import entries, groups, info, pending, reads

__all__ = ["entries", "groups", "info", "pending", "reads"]
