"""Deletion of expired keys that no command looks up, some at every tick.

Each database has a place in the walk over its keys with a time to live. A tick looks at some of them from there on, and
continues while more than a tenth of a round had expired (Valkey's bound on what may stay), but never past its share
of the time. What is left then is deleted in the background, slice by slice. So an idle database costs one round, and
many keys that expire together are gone soon without a pause for anybody. ``active-expire-effort`` makes rounds larger
and the share greater, as expire.c does.
"""

from typing import Final

from cachetwin_engine.core.keyspace.database import Database
from cachetwin_engine.core.state.engine_state import EngineState

from .fields import expire_fields

ROUND_KEYS: Final = 20
TICK_SHARE_US: Final = 25_000  # a quarter of the tenth of a second between two ticks


def expire_some(engine: EngineState) -> None:
    """Do one tick's work in all databases, keys first, then fields of hashes."""
    if engine.keeps_expired or not engine.expires_actively:
        return
    started_us = engine.clock()
    _expire_until(engine, started_us + TICK_SHARE_US + 2_000 * (engine.config.memory.active_expire_effort - 1))
    expire_fields(engine)
    if engine.config.monitoring.latency_monitor_threshold:
        engine.latency_monitor.note(b"expire-cycle", engine.clock() - started_us, engine.now_ms)


def expire_more(engine: EngineState, until_us: int) -> None:
    """A slice of what the last tick has left, up to the clock's ``until_us``."""
    if engine.keeps_expired or not engine.expires_actively:
        engine.expiry_is_behind = False
    elif engine.expiry_is_behind:
        _expire_until(engine, until_us)


def _expire_until(engine: EngineState, deadline_us: int) -> None:
    keys = ROUND_KEYS + ROUND_KEYS // 4 * (engine.config.memory.active_expire_effort - 1)
    engine.expiry_is_behind = False
    for db in engine.databases:
        if db.values.expiring and not _expire_in(engine, db, keys, deadline_us):
            engine.expiry_is_behind = True
            break


def _expire_in(engine: EngineState, db: Database, keys: int, deadline_us: int) -> bool:
    """Continue with ``db``; False when the share of the time is used up."""
    while True:
        db.expiry_cursor, found = db.values.scan_expiring(db.expiry_cursor, keys)
        due = 0
        for key in found:
            if db.expire_if_due(key):
                due += 1
        if engine.clock() > deadline_us:
            return False
        if due * 10 <= len(found) or not db.values.expiring:
            return True
