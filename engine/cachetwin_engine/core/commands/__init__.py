"""The commands, one family a module. Importing this package enters every row into the command table."""

from . import acl, client, config, connection, keys, pubsub, strings, transactions

__all__ = ["acl", "client", "config", "connection", "keys", "pubsub", "strings", "transactions"]
