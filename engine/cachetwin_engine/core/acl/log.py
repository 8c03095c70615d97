"""ACL LOG: the latest refusals. Alike ones within a minute count up one entry (acl.c, addACLLogEntry)."""

from typing import Final

AGGREGATE_WITHIN_MS: Final = 60_000
REASONS: Final = [b"auth", b"command", b"key", b"channel", b"database"]  # 0, then by DENIED_* reason
COMPARED_MAX: Final = 10  # newest entries that a refusal is compared with


class LogEntry:
    """One kind of refusal."""

    def __init__(
        self, number: int, reason: bytes, context: bytes, subject: bytes, user: bytes, client: bytes, now_ms: int
    ) -> None:
        self.number = number
        self.reason = reason  # auth, command, key, channel
        self.context = context  # toplevel, multi, lua
        self.subject = subject
        self.user = user
        self.client = client  # as CLIENT LIST shows it
        self.count = 1
        self.created_ms = now_ms
        self.updated_ms = now_ms


class AclLog:
    """Newest first, bounded by ``acllog-max-len``."""

    def __init__(self) -> None:
        self.entries: list[LogEntry] = []
        self._next_number = 0

    def add(
        self, reason: bytes, context: bytes, subject: bytes, user: bytes, client: bytes, now_ms: int, length_max: int
    ) -> None:
        """Note a refusal."""
        for entry in self.entries[:COMPARED_MAX]:
            if (
                entry.reason == reason
                and entry.context == context
                and entry.subject == subject
                and entry.user == user
                and now_ms - entry.updated_ms <= AGGREGATE_WITHIN_MS
            ):
                entry.count += 1
                entry.updated_ms = now_ms
                entry.client = client
                self.entries.remove(entry)
                self.entries.insert(0, entry)
                return
        self.entries.insert(0, LogEntry(self._next_number, reason, context, subject, user, client, now_ms))
        self._next_number += 1
        del self.entries[length_max:]
