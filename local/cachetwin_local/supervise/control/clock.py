"""What people may ask of the clock: to tell the time, and to be moved forward with everything that runs."""

from collections.abc import Callable, Sequence

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.cache.cache import CacheActor
from cachetwin_local.supervise.cache.memcached import MemcachedActor
from cachetwin_local.supervise.postgres.server import PostgresActor
from cachetwin_local.supervise.project.run_context import RunContext

__all__ = ["ClockOperations"]

Document = dict[str, object]


class ClockOperations:
    """Carries out requests of the control socket on the clock, whose time it gives to the nodes of the caches."""

    def __init__(
        self,
        run_context: RunContext,
        caches: Callable[[], Sequence[CacheActor]],
        memcached_clusters: Callable[[], Sequence[MemcachedActor]],
        databases: Callable[[], Sequence[PostgresActor]],
        all_started: Callable[[], bool],
    ) -> None:
        self._run_context = run_context
        self._caches = caches
        self._memcached_clusters = memcached_clusters
        self._databases = databases
        self._all_started = all_started
        run_context.clock.on_move(self._moved)

    async def perform(self, request: Document) -> Document:
        """Move the clock of everything that runs forward, if asked to, and tell the time."""
        clock = self._run_context.clock
        by_ms = request.get("by_ms")
        if isinstance(by_ms, int):
            if not self._all_started():
                return {"error": "the start is under way: try again when everything is ready"}
            try:
                await clock.advance(by_ms)
            except UserError as error:
                return {"error": str(error)}
        return {"done": clock.now().isoformat(timespec="seconds"), "ahead_ms": clock.ahead_ms}

    async def _moved(self) -> None:
        """Give the time to every node of a cache, and to what checks the tokens of databases."""
        for database in self._databases():
            database.set_logins()
        caches: list[CacheActor | MemcachedActor] = [*self._caches(), *self._memcached_clusters()]
        for cache in caches:
            try:
                await cache.clock_moved()
            except UserError as error:
                self._run_context.logs.write(cache.name, f"[cachetwin] a node did not take the time: {error}")
