"""What an engine counts between two CONFIG RESETSTAT, for INFO stats and errorstats.

Some counters live where they are counted up, because every command passes there: calls and times in the rows of the
command table, hits and misses in ``KeyspaceObserver``, ``Engine.commands_processed``, bytes in ``Traffic``.
"""

from typing import Final

ERROR_KINDS_MAX: Final = 128  # distinct error codes kept in INFO errorstats (server.c)


class Statistics:
    """The counters of one engine."""

    def __init__(self) -> None:
        self.connections_received = 0
        self.expired_keys = 0
        self.evicted_keys = 0
        self.evicted_clients = 0
        self.lazily_freed = 0
        self.denials = [0, 0, 0, 0, 0]  # failed logins, then by DENIED_* reason
        self.error_counts: dict[bytes, int] = {}  # by code
        self.error_replies = 0
        self.error_is_counted = False  # the next error reply is in the statistics already

    def count_error(self, reply: bytes, is_custom: bool = False) -> None:
        """Count an error reply under its code (INFO errorstats); of those that scripts invent, only so many kinds."""
        if self.error_is_counted:
            self.error_is_counted = False
            return
        self.error_replies += 1
        code = reply[1:].split(b" ", 1)[0].rstrip(b"\r\n")
        if is_custom and code not in self.error_counts and len(self.error_counts) >= ERROR_KINDS_MAX:
            code = b"ERRORSTATS_OVERFLOW"
        self.error_counts[code] = self.error_counts.get(code, 0) + 1
