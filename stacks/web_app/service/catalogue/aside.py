"""Cache-aside: ask the cache; on a miss ask the database, store the answer for a while, answer.

How a miss is filled
    Within a process the callers of one key share one fill (``Flights``). Across processes the filler holds a short
    lock, ``SET NX PX`` with a random token. Whoever does not get it waits a bounded time for the value to appear, then
    asks the database itself and stores nothing. Only a lock's holder stores.

How a write invalidates
    After its commit a write unlinks, in one step, each affected key together with that key's lock. A filler stores in
    one step with a look at its lock (WATCH, GET, MULTI, SET, EXEC): one that read before the commit finds its lock gone
    and stores nothing, or it stored before and the write deletes that. An old value is never there after the write.

    Callers who joined that filler may have come after the commit: they ask again. A caller that has just written joins
    nobody.

    A write that cannot reach the cache tells every process, by way of the database that it has just reached, which keys
    to doubt (``Cache.doubt``), before it is answered.

What is not covered
    A process that could reach neither the cache to delete nor, after its commit, the database to say so: there the TTL
    is the bound.
"""

import asyncio
import random
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from .cache import UNAVAILABLE, Cache
from .limits.flights import Flights
from .products import ABSENT
from .settings import KEY_PREFIX

LOCK_PREFIX: Final = KEY_PREFIX + "lock:"
LOCK_TTL_MS: Final = 5_000  # longer than the database's statement timeout, so a lock outlives the query it guards
FOLLOW_TIMEOUT_S: Final = 1.0
FOLLOW_INTERVAL_S: Final = 0.02
JITTER_RATIO: Final = 0.1
ABSENT_TTL_S_MAX: Final = 10  # "no such product" is remembered too, but briefly
JOIN_COUNT_MAX: Final = 3  # fills that a caller joins and that a write overtakes, before it asks the database itself

Source = Literal["cache", "database"]
CacheState = Literal["hit", "miss", "bypass"]
Load = Callable[[], Awaitable[bytes]]
Tell = Callable[[Sequence[str]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Answer:
    """A payload (JSON, or ``ABSENT``), where it came from, and what it took.

    ``cache_state`` is "bypass" when the cache was not asked or did not answer. ``database_ms`` is the query's share of
    ``latency_ms``, 0.0 for an answer from the cache. ``coalesced``: another caller's fill was shared.
    """

    payload: bytes
    source: Source
    cache_state: CacheState
    latency_ms: float
    database_ms: float
    coalesced: bool


@dataclass(frozen=True, slots=True)
class _Filled:
    payload: bytes
    source: Source
    cache_state: CacheState
    database_ms: float
    overtaken: bool = False  # a write invalidated the key while the database was asked


def jittered_ttl_ms(ttl_seconds: int, fraction: float) -> int:
    """The TTL within +-10 % of ``ttl_seconds``; ``fraction`` in [0, 1) picks the place. At least 1 ms.

    Entries stored together then do not expire together.
    """
    return max(1, round(ttl_seconds * 1000 * (1 - JITTER_RATIO + 2 * JITTER_RATIO * fraction)))


def lock_key(key: str) -> str:
    """The key of the lock that guards the fill of ``key``."""
    return LOCK_PREFIX + key.removeprefix(KEY_PREFIX)


class CacheAside:
    """Reads through the cache and invalidates after writes."""

    def __init__(self, cache: Cache, ttl_seconds: int, tell: Tell) -> None:
        self._cache = cache
        self._ttl_seconds = ttl_seconds
        self._tell = tell
        self._flights: Flights[_Filled] = Flights()

    async def read(self, key: str, load: Load, *, primary: bool = False) -> Answer:
        """The payload of ``key``; ``load`` queries the database and its exceptions pass through.

        ``primary`` reads from the primary, and joins no fill that began earlier, for a caller that has just written.
        """
        started_s = time.perf_counter()
        found = await self._cache.get(key, primary=primary)
        if isinstance(found, bytes):
            return Answer(found, "cache", "hit", _ms_since(started_s), 0.0, coalesced=False)
        filled, leads = (await self._fill(key, load), True) if primary else await self._join(key, load)
        return Answer(
            filled.payload,
            filled.source,
            filled.cache_state,
            _ms_since(started_s),
            filled.database_ms,
            coalesced=not leads,
        )

    async def read_uncached(self, key: str, load: Load) -> Answer:
        """``read`` for when no usable key can be made because the cache is away: the database, still once per key."""
        started_s = time.perf_counter()
        filled, leads = await self._flights.join(key, lambda: self._load(load, "bypass"))
        return Answer(
            filled.payload, "database", "bypass", _ms_since(started_s), filled.database_ms, coalesced=not leads
        )

    async def invalidate(self, *keys: str, flight_prefix: str) -> bool:
        """Delete ``keys`` and stop fills that began earlier from storing. Call after the commit.

        Later callers join no flight begun before this returns, for these keys and every key under ``flight_prefix``.
        False when the cache could not be told now: this process will delete them before it uses it again, and the
        others have been asked to doubt them.
        """
        self._forget(keys, flight_prefix)
        told = await self._cache.invalidate(*keys, *(lock_key(key) for key in keys))
        self._forget(
            keys, flight_prefix
        )  # a fill begun meanwhile may have followed a filler that read before the commit
        if not told:
            await self._tell(keys)
        return told

    def doubt(self, keys: Sequence[str], *, flight_prefix: str) -> None:
        """Another process wrote and could not delete ``keys``: use none of them until this one has."""
        self._cache.doubt((*keys, *(lock_key(key) for key in keys)))
        self._forget(keys, flight_prefix)

    def _forget(self, keys: Sequence[str], flight_prefix: str) -> None:
        for key in keys:
            self._flights.forget(key)
        self._flights.forget_prefix(flight_prefix)

    async def _join(self, key: str, load: Load) -> tuple[_Filled, bool]:
        """Fill ``key``, or share the fill under way; whether this caller began it."""
        for _ in range(JOIN_COUNT_MAX):
            filled, leads = await self._flights.join(key, lambda: self._fill(key, load))
            if leads or not filled.overtaken:
                return filled, leads
        return await self._fill(key, load), True

    async def _fill(self, key: str, load: Load) -> _Filled:
        token = secrets.token_hex(16)
        locked = await self._cache.set_if_absent(lock_key(key), token, LOCK_TTL_MS)
        if locked is UNAVAILABLE:
            return await self._load(load, "bypass")
        if not locked:
            found = await self._follow(key)
            return await self._load(load, "miss") if found is None else _Filled(found, "cache", "hit", 0.0)
        try:
            # A value may have been stored between our miss and our lock. The lock is the primary's, so the look is too.
            found_now = await self._cache.get(key, primary=True)
            if isinstance(found_now, bytes):
                return _Filled(found_now, "cache", "hit", 0.0)
            filled = await self._load(load, "miss")
            return filled if await self._store(key, token, filled.payload) else replace(filled, overtaken=True)
        finally:
            if await self._holds(key, token):
                await self._cache.unlink(lock_key(key))

    async def _load(self, load: Load, cache_state: CacheState) -> _Filled:
        started_s = time.perf_counter()
        payload = await load()
        return _Filled(payload, "database", cache_state, _ms_since(started_s))

    async def _follow(self, key: str) -> bytes | None:
        """Wait for another process to store ``key``; None after the bounded wait or when the cache goes away."""
        deadline_s = time.monotonic() + FOLLOW_TIMEOUT_S
        while time.monotonic() < deadline_s:
            await asyncio.sleep(FOLLOW_INTERVAL_S)
            found = await self._cache.get(key, primary=True)
            if found is UNAVAILABLE:
                return None
            if found is not None:
                return found
            if await self._cache.get(lock_key(key), primary=True) is None:
                return await self._last_look(key)
        return None

    async def _last_look(self, key: str) -> bytes | None:
        """The value, once its filler has let go: either stored just before, or there is none to wait for."""
        found = await self._cache.get(key, primary=True)
        return None if found is UNAVAILABLE else found

    async def _store(self, key: str, token: str, payload: bytes) -> bool:
        """Store ``payload`` if the lock is still there; False when a write took it away meanwhile."""
        ttl_seconds = min(self._ttl_seconds, ABSENT_TTL_S_MAX) if payload == ABSENT else self._ttl_seconds
        ttl_ms = jittered_ttl_ms(ttl_seconds, random.random())  # noqa: S311  (spread, not secrecy)
        return await self._cache.set_while(key, payload, ttl_ms, lock_key(key), token)

    async def _holds(self, key: str, token: str) -> bool:
        return await self._cache.get(lock_key(key), primary=True) == token.encode()


def _ms_since(started_s: float) -> float:
    return (time.perf_counter() - started_s) * 1000
