"""Sorted set commands."""

from . import algebra, members, pops, ranges

__all__ = ["algebra", "members", "pops", "ranges"]
