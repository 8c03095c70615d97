"""``maxmemory-clients``: how much memory connections may take together, and which of them go when it is more.

While a limit is set, each connection's memory is taken again after every turn in which it had a part, and the sum is kept.
Over the limit the largest go first, largest in powers of two, the longest connected first among those (networking.c,
evictClients). Replicas and the primary do not count; clients with NO-EVICT count, and stay.
"""

from typing import TYPE_CHECKING, Final

from cachetwin_engine.core.registry.dispatch_flags import CLIENT_REPLICA_STREAM

if TYPE_CHECKING:
    from cachetwin_engine.core.engine import Engine

    from .session import Session


LIMIT_MIN: Final = 128 * 1024  # below that nobody could talk to the server


class ClientMemory:
    """The sum over one engine's connections."""

    def __init__(self) -> None:
        self.limit = 0  # bytes, 0 for none
        self._sizes: dict[int, int] = {}
        self._total = 0

    def configure(self, engine: "Engine") -> None:
        """Follow the parameters. A lower limit is enforced when the command that sets it is over, or with the next tick."""
        text = engine.config.clients.maxmemory_clients
        limit = engine.config.memory.maxmemory * int(text[:-1]) // 100 if text.endswith(b"%") else int(text)
        limit = max(limit, LIMIT_MIN) if limit else 0
        if limit == self.limit:
            return
        self.limit = limit
        self._sizes = {}
        self._total = 0
        if limit:
            for session in engine.sessions.values():
                self._take(session)

    def note(self, engine: "Engine", session: "Session") -> None:
        """``session`` may have grown or shrunk. Only called while there is a limit."""
        if session.id in engine.sessions:
            self._take(session)

    def forget(self, session: "Session") -> None:
        """``session`` is gone."""
        self._total -= self._sizes.pop(session.id, 0)

    def enforce(self, engine: "Engine") -> None:
        """Disconnect clients until the limit is kept, or only such are left that may stay."""
        if self._total < self.limit:
            return
        everybody = [engine.sessions[number] for number in self._sizes]
        victims = [session for session in everybody if counts(session) and not session.no_evict]
        victims.sort(key=self._rank)
        for session in victims:
            if self._total < self.limit:
                return
            engine.statistics.evicted_clients += 1
            session.end_reason = b"clients together are over maxmemory-clients, and it is one of the largest"
            engine.kill(session)

    def _rank(self, session: "Session") -> int:
        return -self._sizes[session.id].bit_length()

    def _take(self, session: "Session") -> None:
        size = session.memory_bytes() if counts(session) else 0
        self._total += size - self._sizes.get(session.id, 0)
        self._sizes[session.id] = size


def counts(session: "Session") -> bool:
    """Is it a client of ours, rather than a part of replication?"""
    return not (session.is_primary or session.client_flags & CLIENT_REPLICA_STREAM)
