"""The commands, one family a module. Importing this package enters every row into the command table."""

from . import (
    acl,
    client,
    command,
    config,
    connection,
    databases,
    expiry,
    info,
    keys,
    object,
    pubsub,
    scan,
    strings,
    transactions,
)

__all__ = [
    "acl",
    "client",
    "command",
    "config",
    "connection",
    "databases",
    "expiry",
    "info",
    "keys",
    "object",
    "pubsub",
    "scan",
    "strings",
    "transactions",
]
