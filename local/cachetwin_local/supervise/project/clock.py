"""The time of everything that runs: the machine's clock, plus what it was moved forward by.

Jobs for a later time run in order. A move passes the jobs that become due one by one: the clock stands at the time of each
while it runs, so what it reads and writes has that time.
"""

import asyncio
import heapq
import itertools
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from cachetwin_local.errors import UserError

__all__ = ["Clock"]

Job = Callable[[], Awaitable[None]]

AHEAD_MAX_MS = 366 * 24 * 3_600_000
_CHECK_S = 1.0  # the machine's clock may be set


class Clock:
    """`moves` are pairs: a time of the machine's clock, and how far ahead this one was from then on, in milliseconds."""

    def __init__(self, machine_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000) -> None:
        self.moves: list[tuple[int, int]] = []
        self.moving_to_ms: int | None = None
        """The time that a move which is under way goes to."""
        self._machine_ms = machine_ms
        self._moved: list[Job] = []
        self._jobs: list[tuple[int, int, Job]] = []
        self._numbers = itertools.count()
        self._turn = asyncio.Lock()

    @property
    def ahead_ms(self) -> int:
        """How far ahead of the machine's clock it is."""
        return self.moves[-1][1] if self.moves else 0

    def now_ms(self) -> int:
        """Unix time in milliseconds."""
        return self._machine_ms() + self.ahead_ms

    def now(self) -> datetime:
        """The time, in UTC."""
        return datetime.fromtimestamp(self.now_ms() / 1000, UTC)

    def on_move(self, told: Job) -> None:
        """Await `told` after each move of the clock, before the jobs that are due then."""
        self._moved.append(told)

    def forget(self, told: Job) -> None:
        """Take back what `on_move` was given."""
        self._moved = [one for one in self._moved if one != told]

    def at(self, due_ms: int, job: Job) -> None:
        """Run `job` when the clock shows `due_ms`, once."""
        heapq.heappush(self._jobs, (due_ms, next(self._numbers), job))

    async def advance(self, by_ms: int) -> None:
        """Move the clock forward. Raises UserError for a move back, or one of more than a year in all."""
        if by_ms <= 0:
            raise UserError(f"the clock can only be moved forward, got {by_ms / 1000:g} s")
        if self.ahead_ms + by_ms > AHEAD_MAX_MS:
            raise UserError("the clock can be at most 366 days ahead of this machine's")
        async with self._turn:
            target_ahead_ms = self.ahead_ms + by_ms
            self.moving_to_ms = self._machine_ms() + target_ahead_ms
            try:
                while self._jobs and self._jobs[0][0] <= self._machine_ms() + target_ahead_ms:
                    missing_ms = self._jobs[0][0] - self.now_ms()
                    await self._set(self.ahead_ms + max(0, missing_ms))
                    await heapq.heappop(self._jobs)[2]()
                await self._set(target_ahead_ms)
            finally:
                self.moving_to_ms = None

    async def run(self) -> None:
        """Run the jobs as they become due, until cancelled."""
        while True:
            await asyncio.sleep(self._until_next_s())
            async with self._turn:
                while self._jobs and self._jobs[0][0] <= self.now_ms():
                    await heapq.heappop(self._jobs)[2]()

    def _until_next_s(self) -> float:
        return min(_CHECK_S, max(0.0, (self._jobs[0][0] - self.now_ms()) / 1000)) if self._jobs else _CHECK_S

    async def _set(self, ahead_ms: int) -> None:
        if ahead_ms > self.ahead_ms:
            self.moves.append((self._machine_ms(), ahead_ms))
            for told in list(self._moved):
                await told()
