"""Emptying and swapping whole databases (FLUSHALL, SWAPDB), and the clients and parts that this affects."""

from cachetwin_engine.core.keyspace.database import Database
from cachetwin_engine.core.memory.account import MemoryAccount
from cachetwin_engine.core.observers.tracking import Tracking
from cachetwin_engine.core.observers.watchers import invalidate_watchers, on_swapdb
from cachetwin_engine.core.rdb.snapshots import Snapshots
from cachetwin_engine.core.state.engine_state import EngineState


class FlushSwap:
    """Empties and swaps the databases of one engine."""

    def __init__(self, engine: EngineState, account: MemoryAccount, tracking: Tracking, snapshots: Snapshots) -> None:
        self._engine = engine
        self._account = account
        self._tracking = tracking
        self._snapshots = snapshots

    def flush(self, databases: list[Database]) -> None:
        """Delete all keys of ``databases``: transactions that watch one fail, clients that wait for one wake up."""
        engine = self._engine
        self._snapshots.finish()
        for db in databases:
            watched = [key for key in db.watchers if db.values.has(key)]
            self._wake_waiting(db)
            self._account.forget_all(engine, db)
            engine.dirty += db.clear()
            for key in watched:
                invalidate_watchers(db, key)
        self._tracking.flushed(len(databases) == len(engine.databases))

    def swap(self, first: Database, second: Database) -> None:
        """Exchange the keys of two databases: a key that appears or goes has changed for its watchers."""
        self._snapshots.finish()
        on_swapdb(first, second)
        on_swapdb(second, first)
        for db in (first, second):
            self._wake_waiting(db)
        first.swap(second)
        for db in (first, second):
            self._wake_waiting(db)

    def _wake_waiting(self, db: Database) -> None:
        """Clients that wait for a key that is there: it goes, or has come."""
        for key in db.blocked:
            if db.values.has(key):
                self._engine.key_ready(db, key)
