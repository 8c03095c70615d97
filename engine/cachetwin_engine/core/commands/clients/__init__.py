"""CLIENT, MONITOR and the connection commands."""

from . import client, connection, monitor, tracking

__all__ = ["client", "connection", "monitor", "tracking"]
