"""Commands on sets."""

from . import algebra, members, random_members

__all__ = ["algebra", "members", "random_members"]
