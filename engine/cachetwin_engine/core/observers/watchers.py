"""WATCH: an EXEC that fails if a key changes before it.

Who watches a key is in ``Database.watchers``; what a client watches, and whether it has changed, in ``Client``. A key
that had expired when it was watched counts as none: that it goes changes nothing (``Watcher.watched_expired``).
"""

from cachetwin_engine.core.keyspace.database import Database
from cachetwin_engine.core.state.client import Client


def watch(client: Client, db: Database, key: bytes) -> None:
    """A change of ``key`` from now on makes the next transaction of ``client`` fail."""
    watching = db.watchers.get(key)
    if watching is None:
        db.watchers[key] = [client]
    elif client in watching:
        return
    else:
        watching.append(client)
    client.watched.append((db, key))
    if db.is_expired(key):
        client.watched_expired[(db.index, key)] = True


def unwatch(client: Client) -> None:
    """Forget all that ``client`` watches, and whether it changed."""
    for db, key in client.watched:
        watching = db.watchers.get(key)
        if watching is not None:
            if client in watching:
                watching.remove(client)
            if not watching:
                del db.watchers[key]
    client.watched = []
    client.watched_expired = {}
    client.watch_broken = False


def is_broken(client: Client) -> bool:
    """True if a watched key changed, or has expired although no command has looked it up since."""
    broken = client.watch_broken
    for db, key in client.watched:
        if db.is_expired(key) and (db.index, key) not in client.watched_expired:
            broken = True
    return broken


def invalidate_watchers(db: Database, key: bytes) -> None:
    """``key`` was changed or is gone: transactions that watch it fail."""
    for client in db.watchers.get(key, []):
        if client.watched_expired and not db.values.has(key) and client.watched_expired.pop((db.index, key), False):
            continue  # it had expired when it was watched, so nothing changes when it goes
        client.watch_broken = True


def on_swapdb(before: Database, after: Database) -> None:
    """SWAPDB: transactions that watch keys of ``before`` fail; the keys of ``after`` take their place.

    A key that has expired, or had when it was watched, counts as none: it may come, go and take another's place.
    """
    for key, watching in before.watchers.items():
        expired = after.is_expired(key)
        if not before.values.has(key) and not after.values.has(key):
            continue
        for client in watching:
            place = (before.index, key)
            if place in client.watched_expired:
                if not after.values.has(key):
                    del client.watched_expired[place]
                elif not expired:
                    client.watch_broken = True
            elif not before.values.has(key) and expired:
                client.watched_expired[place] = True
            else:
                client.watch_broken = True
