"""A bound on how many do something at once, and on how many wait for their turn and how long."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Busy(Exception):
    """No turn came in time: too much is asked at once. It says nothing about what is behind the gate."""


class Gate:
    """Lets ``width`` callers through at a time; the others wait in line, ``waiting_max`` of them for ``wait_s`` at most."""

    def __init__(self, width: int, *, waiting_max: int, wait_s: float) -> None:
        self._turns = asyncio.Semaphore(width)
        self._waiting_max = waiting_max
        self._wait_s = wait_s
        self._waiting = 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn and hold it while the block runs. Raises Busy."""
        if self._waiting >= self._waiting_max:
            raise Busy
        self._waiting += 1
        try:
            async with asyncio.timeout(self._wait_s):
                await self._turns.acquire()
        except TimeoutError:
            raise Busy from None
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._turns.release()
