"""The commands, one family a module. Importing this package enters every row into the command table."""

from . import client, config, connection, keys, pubsub, strings, transactions

__all__ = ["client", "config", "connection", "keys", "pubsub", "strings", "transactions"]
