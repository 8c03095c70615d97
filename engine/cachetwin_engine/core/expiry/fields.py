"""Deletion of expired hash fields, some at every tick.

As ``expiry.keys`` does with keys: a round looks at some hashes that have fields with a TTL, from where the last one
stopped, and another follows while more than a tenth of the hashes had expired fields, until the share of the tick is used
up. A bounded number of fields of one hash are deleted at a time, so that a huge hash delays no client.
"""

from typing import Final

from cachetwin_engine.core.config.notifications import NOTIFY_GENERIC, NOTIFY_HASH
from cachetwin_engine.core.keyspace.database import Database
from cachetwin_engine.core.state.engine_state import EngineState
from cachetwin_engine.core.types.hashes.hash import HashValue

ROUND_KEYS: Final = 20
ROUNDS_MAX: Final = 5000
FIELDS_PER_VISIT_MAX: Final = 100
TICK_SHARE_US: Final = 10_000  # a tenth of the time between two ticks


def expire_fields(engine: EngineState) -> None:
    """Do one tick's work in all databases; nothing expires during an import."""
    if engine.config.boolean("import-mode"):
        return
    deadline_us = engine.clock() + TICK_SHARE_US
    for db in engine.databases:
        if db.volatile and not _expire_in(engine, db, deadline_us):
            return


def _expire_in(engine: EngineState, db: Database, deadline_us: int) -> bool:
    """Continue with ``db``; False when the share of the tick is used up."""
    for _ in range(ROUNDS_MAX):
        db.volatile_cursor, keys = db.volatile_keys.scan(db.volatile_cursor, ROUND_KEYS)
        due = 0
        for key in keys:
            value = db.peek(key)
            if isinstance(value, HashValue) and _expire_fields_of(engine, db, key, value):
                due += 1
        if engine.clock() > deadline_us:
            return False
        if due * 10 <= len(keys) or not db.volatile:
            break
    return True


def _expire_fields_of(engine: EngineState, db: Database, key: bytes, value: HashValue) -> bool:
    """Delete expired fields of the hash under ``key``; True if there were any."""
    if db.observer.tracks_memory:
        db.note_size(key)
    gone = value.remove_expired(engine.now_ms, FIELDS_PER_VISIT_MAX)
    if not gone:
        return False
    engine.expired_fields += len(gone)
    if engine.wants_propagation:
        engine.propagation.add(db.index, [b"HDEL", key, *gone])
    fields_gone(engine, db, key, value)
    engine.key_modified(db, key)
    return True


def fields_gone(engine: EngineState, db: Database, key: bytes, value: HashValue) -> None:
    """Expired fields of the hash under ``key`` were deleted: delete an empty hash, and notify."""
    empty = value.length() == 0
    if empty:
        db.drop(key)
    elif not value.volatile:
        db.forget_volatile(key)
    if engine.notify_flags:
        engine.notify(NOTIFY_HASH, b"hexpired", key, db.index)
        if empty:
            engine.notify(NOTIFY_GENERIC, b"del", key, db.index)
