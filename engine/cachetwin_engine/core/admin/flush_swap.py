"""What happens to whole databases at once (FLUSHALL, SWAPDB), and who must hear of it."""

from typing import TYPE_CHECKING

from cachetwin_engine.core.observers.watchers import invalidate_watchers, on_swapdb

if TYPE_CHECKING:
    from cachetwin_engine.core.engine import Engine
    from cachetwin_engine.core.keyspace.database import Database


def flush_databases(engine: "Engine", databases: list["Database"]) -> None:
    """Delete all keys of ``databases``: transactions that watch one fail, clients that wait for one wake up."""
    engine.snapshots.finish()
    for db in databases:
        watched = [key for key in db.watchers if db.values.has(key)]
        _wake_waiting(engine, db)
        engine.account.forget_all(engine, db)
        engine.dirty += db.clear()
        for key in watched:
            invalidate_watchers(db, key)
    engine.tracking.flushed(len(databases) == len(engine.databases))


def swap_databases(engine: "Engine", first: "Database", second: "Database") -> None:
    """Exchange the keys of two databases. For who watches or waits for a key that appears or goes, it changed."""
    engine.snapshots.finish()
    on_swapdb(first, second)
    on_swapdb(second, first)
    for db in (first, second):
        _wake_waiting(engine, db)
    first.swap(second)
    for db in (first, second):
        _wake_waiting(engine, db)


def _wake_waiting(engine: "Engine", db: "Database") -> None:
    """Who waits for a key that is there: it goes, or has come."""
    for key in db.blocked:
        if db.values.has(key):
            engine.key_ready(db, key)
