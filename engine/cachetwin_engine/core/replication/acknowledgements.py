"""Offsets that replicas have acknowledged, for the clients that wait for them (WAIT, WAITAOF).

Replicas send it once a second. While a client waits, the stream asks them at the end of the turn.
"""

from cachetwin_engine.core.protocol.replies import ZERO, array, integer
from cachetwin_engine.core.state.client import Client

from .connected_replica import ONLINE, ConnectedReplica


class Waiting:
    """A client in WAIT or WAITAOF."""

    def __init__(self, session: Client, args: list[bytes], offset: int, wanted: int, of_logs: bool) -> None:
        self.session = session
        self.args = args
        self.offset = offset
        self.wanted = wanted
        self.of_logs = of_logs

    def reply(self, count: int) -> bytes:
        """The reply when ``count`` replicas are that far; this engine has no log of its own."""
        return array([ZERO, integer(count)]) if self.of_logs else integer(count)


class Acknowledgements:
    """The clients that wait for the replicas of one engine."""

    def __init__(self, replicas: dict[int, ConnectedReplica]) -> None:
        self._replicas = replicas
        self.are_wanted = False  # the replicas are to be asked at the end of the turn
        self._waiting: dict[int, Waiting] = {}  # by session

    def wait(self, waiting: Waiting) -> None:
        """A client waits for replicas: ask them how far they are."""
        self._waiting[waiting.session.id] = waiting
        self.are_wanted = True

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
        """A replica has acknowledged an offset: answer the clients that waited for it."""
        for waiting in list(self._waiting.values()):
            session = waiting.session
            blocked = session.blocked
            if blocked is None or blocked.args is not waiting.args:
                del self._waiting[session.id]
                continue
            count = self.count(waiting.offset, waiting.of_logs)
            blocked.on_timeout = waiting.reply(count)
            if count >= waiting.wanted:
                del self._waiting[session.id]
                session.unblock(blocked.on_timeout)
