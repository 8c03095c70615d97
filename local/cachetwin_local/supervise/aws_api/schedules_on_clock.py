"""The clock of the run asks the endpoint's process for what is due, at the times that the process gives."""

import asyncio
from collections.abc import Awaitable, Callable

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.project.run_context import RunContext

__all__ = ["SchedulesOnClock"]


class SchedulesOnClock:
    """`run_due` sends what is due at a time in milliseconds since 1970, and gives the next one, 0 for none."""

    def __init__(self, run_context: RunContext, name: str, run_due: Callable[[int], Awaitable[int]]) -> None:
        self._run_context = run_context
        self._name = name
        self._run_due = run_due
        self._version = 0
        self._next_ms = 0
        self._asking: asyncio.Task[None] | None = None
        self._stopped = False

    def take_version(self, version: int) -> None:
        """Ask, if the schedules are others than before."""
        if version in {0, self._version} or self._stopped or (self._asking is not None and not self._asking.done()):
            return
        self._version = version
        self._asking = asyncio.get_running_loop().create_task(self._ask())

    async def stop(self) -> None:
        """Ask no more."""
        self._stopped = True
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)

    async def _ask(self) -> None:
        """Send what is due now, and come again for the next."""
        if self._stopped:
            return
        clock = self._run_context.clock
        try:
            next_ms = await self._run_due(clock.now_ms())
        except UserError as error:
            self._version = 0  # with the next report again
            self._run_context.logs.write(self._name, f"[cachetwin] schedules: {error}")
            return
        if next_ms and next_ms != self._next_ms:
            self._next_ms = next_ms
            clock.at(next_ms, self._ask)
