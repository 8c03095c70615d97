"""Eviction: deletion of keys when ``maxmemory`` is exceeded, by the policy that is set.

No policy looks at all keys. Each round draws ``maxmemory-samples`` keys from every database and keeps the best candidates
ever seen in a small pool, so that over time the choice comes close to the true order (evict.c). A command evicts a
bounded number of keys; if that is not enough it runs all the same, and the next command evicts more.
"""

from typing import Final

from cachetwin_engine.core.config.notifications import NOTIFY_EVICTED
from cachetwin_engine.core.keyspace.database import Database
from cachetwin_engine.core.registry.dispatch_flags import BLOCKED_BY_PAUSE, BLOCKED_BY_REPLICA
from cachetwin_engine.core.state.engine_state import EngineState

from .access_log import AccessLog
from .account import MemoryAccount

POOL_SIZE: Final = 16
EVICTIONS_MAX: Final = 500  # for one command: some tenths of a millisecond
ROUNDS_MAX: Final = 16  # draws for one key, in case the pool holds only keys that have gone
_FAR_FUTURE_MS: Final = 1 << 62
_RANDOM: Final = 0  # the order in which a policy evicts
_BY_USE: Final = 1
_BY_FREQUENCY: Final = 2
_BY_TTL: Final = 3
_ORDERS: Final[dict[bytes, int]] = {b"random": _RANDOM, b"lru": _BY_USE, b"lfu": _BY_FREQUENCY, b"ttl": _BY_TTL}


class _Candidate:
    def __init__(self, score: int, db: Database, key: bytes) -> None:
        self.score = score
        self.db = db
        self.key = key


class Evictor:
    """The pool of one engine."""

    def __init__(self, engine: EngineState, account: MemoryAccount, access_log: AccessLog) -> None:
        self._engine = engine
        self._account = account
        self._access_log = access_log
        self.has_more = False  # maxmemory was lowered, and not all that must go has gone
        self._pool: list[_Candidate] = []  # best last
        self._next_db = 0

    def may_evict(self) -> bool:
        """False during a pause, and on a replica whose primary decides (``replica-ignore-maxmemory``)."""
        engine = self._engine
        if engine.blocked_by & BLOCKED_BY_PAUSE:
            return False
        return not engine.blocked_by & BLOCKED_BY_REPLICA or not engine.config.memory.replica_ignore_maxmemory

    def go_on(self) -> None:
        """``maxmemory`` was lowered: make room without waiting for a command, a part in each tick."""
        limit = self._engine.config.memory.maxmemory
        if not limit:
            self.has_more = False
        elif self.may_evict():
            self.has_more = self.make_room() and self._account.used(self._engine) > limit

    def make_room(self) -> bool:
        """Evict until the limit is kept; False when it is not and nothing is left that may go."""
        engine = self._engine
        if (
            not engine.config.monitoring.latency_monitor_threshold
            or self._account.used(engine) <= engine.config.memory.maxmemory
        ):
            return self._evict_enough()
        started_us = engine.clock()
        enough = self._evict_enough()
        engine.latency_monitor.note(b"eviction-cycle", engine.clock() - started_us, engine.now_ms)
        return enough

    def _evict_enough(self) -> bool:
        engine = self._engine
        limit = engine.config.memory.maxmemory
        policy = engine.config.memory.maxmemory_policy
        volatile = policy.startswith(b"volatile")
        order = _ORDERS.get(policy[policy.find(b"-") + 1 :], _RANDOM)
        evictions = 0
        while self._account.used(engine) > limit:
            if evictions >= EVICTIONS_MAX:
                return True
            if policy == b"noeviction" or (
                engine.config.server.import_mode and not engine.blocked_by & BLOCKED_BY_REPLICA
            ):
                return False  # during an import its source decides what goes
            victim = self._random(volatile) if order == _RANDOM else self._best(order, volatile)
            if victim is None:
                return False
            evict(engine, victim.db, victim.key)
            evictions += 1
        return True

    def _random(self, volatile: bool) -> _Candidate | None:
        """A key from one database after the other."""
        engine = self._engine
        count = len(engine.databases)
        for step in range(count):
            at = (self._next_db + step) % count
            db = engine.databases[at]
            if _may_go(db, volatile):
                self._next_db = at + 1
                return _Candidate(0, db, _draw_from(db, volatile, engine))
        return None

    def _best(self, order: int, volatile: bool) -> _Candidate | None:
        for _ in range(ROUNDS_MAX):
            if not self._draw(order, volatile):
                return None
            while self._pool:
                best = self._pool.pop()
                if (best.db.expiry_of(best.key) >= 0) if volatile else best.db.values.has(best.key):
                    return best
        return None

    def _draw(self, order: int, volatile: bool) -> bool:
        """Fill the pool; False if no database holds a key that may go."""
        engine = self._engine
        found = False
        for db in engine.databases:
            if not _may_go(db, volatile):
                continue
            found = True
            below, samples = engine.random.below, engine.config.memory.maxmemory_samples
            keys = db.values.draw_expiring(below, samples) if volatile else db.values.draw(below, samples)
            for key in keys:
                self._offer(self._score(order, db, key), db, key)
        return found

    def _score(self, order: int, db: Database, key: bytes) -> int:
        """The higher, the sooner ``key`` goes."""
        if order == _BY_USE:
            return self._access_log.idle_ms(db, key)
        if order == _BY_FREQUENCY:
            return 255 - self._access_log.frequency(db, key)
        return _FAR_FUTURE_MS - db.expiry_of(key)

    def _offer(self, score: int, db: Database, key: bytes) -> None:
        """Put a key into the pool if it is better than the worst there."""
        pool = self._pool
        if len(pool) >= POOL_SIZE and score < pool[0].score:
            return
        for other in pool:
            if other.key == key and other.db is db:
                return
        if len(pool) >= POOL_SIZE:
            del pool[0]
        at = len(pool)
        while at > 0 and pool[at - 1].score > score:
            at -= 1
        pool.insert(at, _Candidate(score, db, key))


def _may_go(db: Database, volatile: bool) -> int:
    """How many keys are candidates."""
    return db.values.expiring if volatile else len(db.values)


def _draw_from(db: Database, volatile: bool, engine: EngineState) -> bytes:
    """One of them."""
    below = engine.random.below
    return db.values.random_expiring(below) if volatile else db.values.random(below)


def evict(engine: EngineState, db: Database, key: bytes) -> None:
    """Delete ``key`` to make room."""
    db.drop(key, unused=True)
    engine.statistics.evicted_keys += 1
    if engine.notify_flags:
        engine.notify(NOTIFY_EVICTED, b"evicted", key, db.index)
    if db.watchers or engine.tracks_keys:
        engine.key_modified(db, key)
    if engine.wants_propagation:
        engine.propagation.add(db.index, [engine.config.memory.eviction_deletes_with, key])
        engine.propagation.commit_pending()
