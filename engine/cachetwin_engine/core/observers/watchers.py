"""WATCH: an EXEC that fails if a key changes before it.

Who watches a key is in ``Database.watchers``; what a client watches, and whether it has changed, in its session. A key
whose time was over when it was watched counts as none: that it goes changes nothing (``Session.watched_expired``).
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cachetwin_engine.core.execution.session import Session
    from cachetwin_engine.core.keyspace.database import Database


def watch(session: "Session", db: "Database", key: bytes) -> None:
    """A change of ``key`` from now on makes the next transaction of ``session`` fail."""
    watching = db.watchers.get(key)
    if watching is None:
        db.watchers[key] = [session]
    elif session in watching:
        return
    else:
        watching.append(session)
    session.watched.append((db, key))
    if db.is_expired(key):
        session.watched_expired[(db.index, key)] = True


def unwatch(session: "Session") -> None:
    """Forget all that ``session`` watches, and what became of it."""
    for db, key in session.watched:
        watching = db.watchers.get(key)
        if watching is not None:
            if session in watching:
                watching.remove(session)
            if not watching:
                del db.watchers[key]
    session.watched = []
    session.watched_expired = {}
    session.watch_broken = False


def is_spoiled(session: "Session") -> bool:
    """Did a watched key change, or end by itself, though nobody has looked at it since?"""
    broken = session.watch_broken
    for db, key in session.watched:
        if db.is_expired(key) and (db.index, key) not in session.watched_expired:
            broken = True
    return broken


def invalidate_watchers(db: "Database", key: bytes) -> None:
    """``key`` was changed or is gone: transactions that watch it fail."""
    for session in db.watchers.get(key, []):
        if session.watched_expired and not db.values.has(key) and session.watched_expired.pop((db.index, key), False):
            continue  # it was over when it was watched, so nothing changes when it goes
        session.watch_broken = True


def on_swapdb(before: "Database", after: "Database") -> None:
    """SWAPDB: transactions that watch keys of ``before`` fail; the keys of ``after`` take their place.

    A key that is over, or was when it was watched, is none: it may come, go and take another's place.
    """
    for key, watching in before.watchers.items():
        over = after.is_expired(key)
        if not before.values.has(key) and not after.values.has(key):
            continue
        for session in watching:
            place = (before.index, key)
            if place in session.watched_expired:
                if not after.values.has(key):
                    del session.watched_expired[place]
                elif not over:
                    session.watch_broken = True
            elif not before.values.has(key) and over:
                session.watched_expired[place] = True
            else:
                session.watch_broken = True
