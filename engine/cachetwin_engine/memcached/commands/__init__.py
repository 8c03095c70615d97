"""The commands of the text protocols. Importing this package fills the table."""

from cachetwin_engine.memcached.commands import (
    arithmetic,
    config,
    memory,
    meta,
    retrieval,
    server,
    statistics,
    storage,
    watching,
)
from cachetwin_engine.memcached.commands.table import COMMANDS

__all__ = [
    "COMMANDS",
    "arithmetic",
    "config",
    "memory",
    "meta",
    "retrieval",
    "server",
    "statistics",
    "storage",
    "watching",
]
