"""Who works: a sorted set of the workers by the orders that each has done, and one of those that are alive.

A worker reports itself every ``REPORT_S``. In a drill it may be told to end by a key of its name, which it reads then.
"""

import time
from typing import Any, Final

from valkey.asyncio import Valkey

LEADERBOARD: Final = "orders:leaderboard"
WORKERS: Final = "orders:workers"
PLACES_MAX: Final = 100
REPORT_S: Final = 0.5
ALIVE_MS: Final = 3_000
KILL_S: Final = 10


def count_order(transaction: Any, worker: str) -> None:  # noqa: ANN401  (valkey-py's pipeline)
    """Add to ``transaction`` that ``worker`` has done one order more."""
    transaction.zincrby(LEADERBOARD, 1, worker)
    transaction.zremrangebyrank(LEADERBOARD, 0, -PLACES_MAX - 1)


class Leaderboard:
    """Reads and keeps the sorted sets. Raises valkey's errors when the cache is away."""

    def __init__(self, client: Valkey) -> None:
        self._client: Any = client  # valkey-py's types say too little about transactions

    async def report(self, worker: str) -> bool:
        """Say that ``worker`` is alive; True when somebody wants it killed."""
        now_ms = time.time_ns() // 1_000_000
        async with self._client.pipeline(transaction=True) as transaction:
            transaction.zadd(WORKERS, {worker: now_ms})
            transaction.zremrangebyscore(WORKERS, 0, now_ms - 20 * ALIVE_MS)
            transaction.getdel(_kill_key(worker))
            *_, asked = await transaction.execute()
        return asked is not None

    async def leave(self, worker: str) -> None:
        """The worker has stopped."""
        await self._client.zrem(WORKERS, worker)

    async def kill(self, worker: str) -> bool:
        """Have a worker killed at its next report; False when it is not alive."""
        if worker not in await self.alive():
            return False
        await self._client.set(_kill_key(worker), "1", ex=KILL_S)
        return True

    async def alive(self) -> list[str]:
        """The workers that reported themselves lately."""
        since_ms = time.time_ns() // 1_000_000 - ALIVE_MS
        found: list[str] = await self._client.zrangebyscore(WORKERS, since_ms, "+inf")
        return found

    async def places(self, count: int) -> list[dict[str, Any]]:
        """Workers and their orders, most first, and whether each is alive; those without orders come last."""
        alive = await self.alive()
        rows = await self._client.zrevrange(LEADERBOARD, 0, count - 1, withscores=True)
        done = {name: int(score) for name, score in rows}
        names = [*done, *(name for name in sorted(alive) if name not in done)]
        return [{"worker": name, "done": done.get(name, 0), "alive": name in alive} for name in names]


def _kill_key(worker: str) -> str:
    return f"orders:kill:{worker}"
