"""Making room when ``maxmemory`` is exceeded, by the policy that is set.

No policy looks at all keys. Each round draws ``maxmemory-samples`` keys from every database and keeps the best candidates
ever seen in a small pool, so that over time the choice comes close to the true order (evict.c). A command evicts a
bounded number of keys; if that is not enough it may run nevertheless, and the next one goes on.
"""

from typing import TYPE_CHECKING, Final

from cachetwin_engine.core.config.notifications import NOTIFY_EVICTED
from cachetwin_engine.core.keyspace.database import Database

from .access_log import frequency_of, idle_ms

if TYPE_CHECKING:
    from cachetwin_engine.core.engine import Engine

POOL_SIZE: Final = 16
EVICTIONS_MAX: Final = 500  # for one command: some tenths of a millisecond
ROUNDS_MAX: Final = 16  # draws for one key, in case the pool holds only keys that have gone
_FAR_FUTURE_MS: Final = 1 << 62


class _Candidate:
    def __init__(self, score: int, db: Database, key: bytes) -> None:
        self.score = score
        self.db = db
        self.key = key


class Evictor:
    """The pool of one engine."""

    def __init__(self) -> None:
        self.has_more = False  # maxmemory was lowered, and not all that must go has gone
        self._pool: list[_Candidate] = []  # best last
        self._next_db = 0

    def may_evict(self, engine: "Engine") -> bool:
        """Not during a pause, and not on a replica unless it is told to: its primary decides."""
        if engine.pause.is_on():
            return False
        return engine.replication.link is None or not engine.config.memory.replica_ignore_maxmemory

    def go_on(self, engine: "Engine") -> None:
        """``maxmemory`` was lowered: make room without waiting for a command, a part in each tick."""
        if not engine.config.memory.maxmemory:
            self.has_more = False
        elif self.may_evict(engine):
            self.has_more = self.make_room(engine) and engine.account.used(engine) > engine.config.memory.maxmemory

    def make_room(self, engine: "Engine") -> bool:
        """Evict until the limit is kept; False when it is not and nothing is left that may go."""
        if (
            not engine.config.monitoring.latency_monitor_threshold
            or engine.account.used(engine) <= engine.config.memory.maxmemory
        ):
            return self._evict_enough(engine)
        started_us = engine.clock()
        enough = self._evict_enough(engine)
        engine.call_logs.note_latency(b"eviction-cycle", engine.clock() - started_us)
        return enough

    def _evict_enough(self, engine: "Engine") -> bool:
        limit = engine.config.memory.maxmemory
        policy = engine.config.memory.maxmemory_policy
        evictions = 0
        while engine.account.used(engine) > limit:
            if evictions >= EVICTIONS_MAX:
                return True
            if policy == b"noeviction" or (engine.config.server.import_mode and engine.replication.link is None):
                return False  # during an import its source decides what goes
            victim = self._random(engine) if policy.endswith(b"-random") else self._best(engine, policy)
            if victim is None:
                return False
            evict(engine, victim.db, victim.key)
            evictions += 1
        return True

    def _random(self, engine: "Engine") -> _Candidate | None:
        """A key from one database after the other."""
        volatile = engine.config.memory.maxmemory_policy.startswith(b"volatile")
        count = len(engine.databases)
        for step in range(count):
            at = (self._next_db + step) % count
            db = engine.databases[at]
            if _may_go(db, volatile):
                self._next_db = at + 1
                return _Candidate(0, db, _draw_from(db, volatile, engine))
        return None

    def _best(self, engine: "Engine", policy: bytes) -> _Candidate | None:
        volatile = policy.startswith(b"volatile")
        for _ in range(ROUNDS_MAX):
            if not self._draw(engine, policy, volatile):
                return None
            while self._pool:
                best = self._pool.pop()
                if (best.key in best.db.expires) if volatile else best.db.values.has(best.key):
                    return best
        return None

    def _draw(self, engine: "Engine", policy: bytes, volatile: bool) -> bool:
        """Fill the pool; False if no database holds a key that may go."""
        found = False
        for db in engine.databases:
            count = _may_go(db, volatile)
            if not count:
                continue
            found = True
            for _ in range(min(engine.config.memory.maxmemory_samples, count)):
                key = _draw_from(db, volatile, engine)
                self._offer(_Candidate(_score(engine, policy, db, key), db, key))
        return found

    def _offer(self, candidate: _Candidate) -> None:
        pool = self._pool
        at = len(pool)
        while at > 0 and pool[at - 1].score > candidate.score:
            at -= 1
        for other in pool:
            if other.key == candidate.key and other.db is candidate.db:
                return
        if len(pool) >= POOL_SIZE:
            if at == 0:
                return
            del pool[0]
            at -= 1
        pool.insert(at, candidate)


def _may_go(db: Database, volatile: bool) -> int:
    """How many keys are candidates."""
    return len(db.expiring) if volatile else len(db.values)


def _draw_from(db: Database, volatile: bool, engine: "Engine") -> bytes:
    """One of them."""
    below = engine.random.below
    return db.expiring.random(below) if volatile else db.values.random(below)


def _score(engine: "Engine", policy: bytes, db: Database, key: bytes) -> int:
    """The higher, the sooner ``key`` goes."""
    if policy.endswith(b"-lru"):
        return idle_ms(engine, db, key)
    if policy.endswith(b"-lfu"):
        return 255 - frequency_of(engine, db, key)
    return _FAR_FUTURE_MS - db.expires[key]


def evict(engine: "Engine", db: Database, key: bytes) -> None:
    """Delete ``key`` to make room."""
    db.drop(key)
    engine.statistics.evicted_keys += 1
    if engine.notify_flags:
        engine.notify(NOTIFY_EVICTED, b"evicted", key, db.index)
    if db.watchers or engine.tracks_keys:
        engine.key_modified(db, key)
    if engine.wants_propagation:
        engine.propagation.add(db.index, [engine.config.memory.eviction_deletes_with, key])
        engine.propagation.commit_pending()
