"""WATCH: an EXEC that fails if a key changes before it.

Who watches a key is in ``Database.watchers``; what a client watches, and whether it has changed, in its session. A key
whose time was over when it was watched counts as none: that it goes changes nothing (``Session.watched_over``).
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cachetwin_engine.core.execution.session import Session
    from cachetwin_engine.core.keyspace.database import Database


def watch(session: "Session", db: "Database", key: bytes) -> None:
    """From now on a change of ``key`` spoils the next transaction of ``session``."""
    watching = db.watchers.get(key)
    if watching is None:
        db.watchers[key] = [session]
    elif session in watching:
        return
    else:
        watching.append(session)
    session.watched.append((db, key))
    if db.is_over(key):
        session.watched_over[(db.index, key)] = True


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
    session.watched_over = {}
    session.watch_broken = False


def is_spoiled(session: "Session") -> bool:
    """Did a watched key change, or end by itself, though nobody has looked at it since?"""
    broken = session.watch_broken
    for db, key in session.watched:
        if db.is_over(key) and (db.index, key) not in session.watched_over:
            broken = True
    return broken


def spoil(db: "Database", key: bytes) -> None:
    """Spoil the transactions that watch ``key``, which was changed or is gone."""
    for session in db.watchers.get(key, []):
        if session.watched_over and not db.values.has(key) and session.watched_over.pop((db.index, key), False):
            continue  # it was over when it was watched, so nothing changes when it goes
        session.watch_broken = True


def spoil_swapped(before: "Database", after: "Database") -> None:
    """Spoil the transactions that watch keys of ``before``, in whose place those of ``after`` come.

    A key that is over, or was when it was watched, is none: it may come, go and take another's place.
    """
    for key, watching in before.watchers.items():
        over = after.is_over(key)
        if not before.values.has(key) and not after.values.has(key):
            continue
        for session in watching:
            place = (before.index, key)
            if place in session.watched_over:
                if not after.values.has(key):
                    del session.watched_over[place]
                elif not over:
                    session.watch_broken = True
            elif not before.values.has(key) and over:
                session.watched_over[place] = True
            else:
                session.watch_broken = True
