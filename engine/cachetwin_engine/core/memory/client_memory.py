"""``maxmemory-clients``: the limit of all connections' memory, and which connections are closed above it.

While a limit is set, each connection's memory is taken again after every turn in which it had a part, and the sum is kept.
Over the limit the largest go first, largest in powers of two, the longest connected first among those (networking.c,
evictClients). Replicas and the primary do not count; clients with NO-EVICT count, and stay.
"""

from typing import Final

from cachetwin_engine.core.state.client import Client
from cachetwin_engine.core.state.engine_state import EngineState

LIMIT_MIN: Final = 128 * 1024  # with less no client could use the server


class ClientMemory:
    """The sum over one engine's connections."""

    def __init__(self) -> None:
        self.limit = 0  # bytes, 0 for none
        self._sizes: dict[int, int] = {}
        self._total = 0

    def configure(self, engine: EngineState) -> None:
        """Follow the parameters. A lower limit is enforced after the command that sets it, or with the next tick."""
        text = engine.config.clients.maxmemory_clients
        limit = engine.config.memory.maxmemory * int(text[:-1]) // 100 if text.endswith(b"%") else int(text)
        limit = max(limit, LIMIT_MIN) if limit else 0
        if limit == self.limit:
            return
        self.limit = limit
        self._sizes = {}
        self._total = 0
        if limit:
            for client in engine.clients.connected.values():
                self._take(client)

    def note(self, engine: EngineState, client: Client) -> None:
        """``client`` may have grown or shrunk. Only called while there is a limit."""
        if client.id in engine.clients.connected:
            self._take(client)

    def forget(self, client: Client) -> None:
        """``client`` is disconnected."""
        self._total -= self._sizes.pop(client.id, 0)

    def enforce(self, engine: EngineState) -> None:
        """Disconnect clients until the limit is kept, or only protected ones are left."""
        if self._total < self.limit:
            return
        everybody = [engine.clients.connected[number] for number in self._sizes]
        victims = [client for client in everybody if client.counts_as_client() and not client.no_evict]
        victims.sort(key=self._rank)
        for client in victims:
            if self._total < self.limit:
                return
            engine.statistics.evicted_clients += 1
            client.end_reason = b"clients together are over maxmemory-clients, and it is one of the largest"
            engine.kill(client)

    def _rank(self, client: Client) -> int:
        return -self._sizes[client.id].bit_length()

    def _take(self, client: Client) -> None:
        size = client.memory_bytes() if client.counts_as_client() else 0
        self._total += size - self._sizes.get(client.id, 0)
        self._sizes[client.id] = size
