"""The commands, one family a module. Importing this package enters every row into the command table."""

from . import connection, keys, pubsub, strings, transactions

__all__ = ["connection", "keys", "pubsub", "strings", "transactions"]
