"""A resource's health while it runs: a probe that is repeated, and what follows from its outcomes."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from cachetwin_local.supervise.background import describe
from cachetwin_local.supervise.events import State
from cachetwin_local.supervise.project.run_context import RunContext

__all__ = ["HealthWatch"]

_RETRY_S = 1.0


@dataclass(frozen=True, slots=True)
class HealthWatch:
    """Probes a resource every `interval_s`, more often after a failure.

    `probe` returns, or raises where the resource is not healthy; it gets `deadline_s`. After `failures_max` failures in a
    row the resource is unhealthy, after one success healthy again.
    """

    run_context: RunContext
    resource: str
    kind: str
    probe: Callable[[], Awaitable[None]]
    part: str = "health"
    interval_s: float = 3.0
    deadline_s: float = 2.0
    failures_max: int = 2

    async def watch(self) -> None:
        """Probe until cancelled."""
        failures = 0
        while True:
            await asyncio.sleep(self.interval_s if failures == 0 else min(_RETRY_S, self.interval_s))
            reason = await self._failure()
            if reason is None:
                if failures >= self.failures_max:
                    self._report("ready", "answers again")
                failures = 0
                continue
            failures += 1
            if failures == self.failures_max:
                self._report("unhealthy", reason)

    async def _failure(self) -> str | None:
        try:
            async with asyncio.timeout(self.deadline_s):
                await self.probe()
        except TimeoutError:
            return f"does not answer within {self.deadline_s:g} s"
        except Exception as error:  # noqa: BLE001  (whatever a probe raises means that it failed)
            return describe(error)
        return None

    def _report(self, state: State, detail: str) -> None:
        self.run_context.logs.write(self.resource, f"[cachetwin] {self.part}: {detail}")
        self.run_context.report(self.resource, self.kind, self.part, state, detail)
