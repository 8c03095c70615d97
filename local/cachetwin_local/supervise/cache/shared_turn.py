"""Work that one caller does for all who ask for it meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable

__all__ = ["SharedTurn"]


class SharedTurn:
    """Calls of `work`, one at a time. A call returns when the work has been done once from beginning to end since then."""

    def __init__(self, work: Callable[[], Awaitable[None]]) -> None:
        self._work = work
        self._turn = asyncio.Lock()
        self._asked = self._done = 0

    async def __call__(self) -> None:
        """Do the work, unless somebody who waited too does it."""
        self._asked += 1
        asked = self._asked
        async with self._turn:
            if self._done < asked:
                begun_at = self._asked
                await self._work()
                self._done = begun_at
