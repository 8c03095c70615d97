"""Offsets that replicas have acknowledged, for the clients that wait for them (WAIT, WAITAOF).

Replicas send it once a second. While a client waits, the stream asks them at the end of the turn.
"""

from typing import Final

from cachetwin_engine.core.protocol.replies import CRLF, array, integer
from cachetwin_engine.core.state.client import Client

from .connected_replica import ONLINE, ConnectedReplica

LOG_IS_OFF: Final = b"ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled."


class Waiting:
    """A client in WAIT or WAITAOF."""

    def __init__(
        self, session: Client, args: list[bytes], offset: int, wanted: int, of_logs: bool, wanted_here: int = 0
    ) -> None:
        """``wanted_here``: 1 to wait for this engine's own log as well."""
        self.session = session
        self.args = args
        self.offset = offset
        self.wanted = wanted
        self.of_logs = of_logs
        self.wanted_here = wanted_here

    def reply(self, here: int, count: int) -> bytes:
        """The reply when ``count`` replicas are that far, and ``here`` (1 or 0) this engine's log."""
        return array([integer(here), integer(count)]) if self.of_logs else integer(count)


class Acknowledgements:
    """The clients that wait for the replicas of one engine."""

    def __init__(self, replicas: dict[int, ConnectedReplica]) -> None:
        self._replicas = replicas
        self.are_wanted = False  # the replicas are to be asked at the end of the turn
        self.synced_offset = -1  # of the history: what the own log has on disk; -1 without a log
        self._waiting: dict[int, Waiting] = {}  # by session

    def wait(self, waiting: Waiting) -> None:
        """A client waits for replicas: ask them how far they are."""
        self._waiting[waiting.session.id] = waiting
        self.are_wanted = True

    def has_waiting(self) -> bool:
        """Whether a client waits."""
        return len(self._waiting) > 0

    def count_here(self, offset: int) -> int:
        """1 if the own log is on disk up to ``offset``."""
        return 1 if self.synced_offset >= offset else 0

    def log_synced(self, offset: int) -> None:
        """The own log is on disk that far; -1: there is none any more."""
        self.synced_offset = offset
        self.serve()

    def forget(self, session: Client) -> None:
        """The client is disconnected."""
        self._waiting.pop(session.id, None)

    def count(self, offset: int, of_logs: bool) -> int:
        """Replicas that have the history up to ``offset``, in their logs if ``of_logs``."""
        count = 0
        for replica in self._replicas.values():
            if replica.state == ONLINE and (replica.log_offset if of_logs else replica.ack_offset) >= offset:
                count += 1
        return count

    def serve(self) -> None:
        """A replica has acknowledged an offset, or the log is on disk: answer the clients that waited for it."""
        for waiting in list(self._waiting.values()):
            session = waiting.session
            blocked = session.blocked
            if blocked is None or blocked.args is not waiting.args:
                del self._waiting[session.id]
                continue
            if waiting.wanted_here and self.synced_offset < 0:
                del self._waiting[session.id]
                session.refuse_wait(b"-" + LOG_IS_OFF + CRLF)
                continue
            count = self.count(waiting.offset, waiting.of_logs)
            here = self.count_here(waiting.offset)
            blocked.on_timeout = waiting.reply(here, count)
            if count >= waiting.wanted and here >= waiting.wanted_here:
                del self._waiting[session.id]
                session.unblock(blocked.on_timeout)
