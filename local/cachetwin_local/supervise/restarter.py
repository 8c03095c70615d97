"""Keeps one child running: starts it, waits until it answers, and restarts it when it exits, as ECS does with a task.

A child that exits before its first answer is a failure of the start. One that exits later is restarted after 1 s, then
2, 4, ... 60 s (or as its owner says); a minute without an exit resets the delay.
"""

import asyncio
import traceback
from collections.abc import Awaitable, Callable

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.background import BackgroundTasks, describe
from cachetwin_local.supervise.events import State
from cachetwin_local.supervise.parts import Part
from cachetwin_local.supervise.process.child import Child
from cachetwin_local.supervise.project.run_context import RunContext

__all__ = ["Restarter", "describe_exit", "tail_of", "wait_until_running"]

_STABLE_S = 60.0
_POLL_S = 0.05


class Restarter:
    """Owns the child `name` of the actor `actor`.

    `start_child` starts it and returns when it answers, or raises UserError. `delays_s` are the first and the longest
    delay before a restart.
    """

    def __init__(
        self,
        run_context: RunContext,
        actor: str,
        kind: str,
        name: str,
        start_child: Callable[[], Awaitable[Child]],
        *,
        stop_deadline_s: float,
        delays_s: tuple[float, float] = (1.0, 60.0),
    ) -> None:
        self._delay_s, self._delay_max_s = delays_s
        self._run_context = run_context
        self._actor = actor
        self._kind = kind
        self._name = name
        self._start_child = start_child
        self._stop_deadline_s = stop_deadline_s
        self._tasks = BackgroundTasks(run_context, actor, kind)
        self._restarts = 0

    async def start(self) -> None:
        """Start the child, and from then on restart it when it exits."""
        first: list[Child] = [await self._start_child()]
        self._run_context.parts.report(Part(self._actor, self._name, "ready", ""))
        # after a failure of the watch itself the child is started anew
        self._tasks.start("the watch over its process", lambda: self._watch_child(first.pop() if first else None))

    async def stop(self) -> None:
        """Stop watching the child, and stop it."""
        await self._tasks.stop()
        await self._run_context.stop_child(self._name, self._stop_deadline_s)

    async def _watch_child(self, child: Child | None) -> None:
        loop = asyncio.get_running_loop()
        backoff_s = self._delay_s
        while True:
            started = loop.time()
            if child is not None:
                code = await child.exited()
                self._run_context.forget(self._name, child)
                if loop.time() - started > _STABLE_S:
                    backoff_s = self._delay_s
                self._report("restarting", f"{describe_exit(code)}; starting it again in {backoff_s:g} s")
            await asyncio.sleep(backoff_s)
            backoff_s = min(2 * backoff_s, self._delay_max_s)
            child = await self._restart(backoff_s)

    async def _restart(self, backoff_s: float) -> Child | None:
        try:
            child = await self._start_child()
        except Exception as error:  # noqa: BLE001  (a full disk, no file descriptor left: the next try may do better)
            if not isinstance(error, UserError):
                self._run_context.logs.write("supervisor", f"{self._name}: restart\n{traceback.format_exc()}")
            self._report("restarting", f"{describe(error)}; next try in {backoff_s:g} s")
            await self._run_context.stop_child(self._name, self._stop_deadline_s)
            return None
        self._restarts += 1
        self._report("ready", "restarted" if self._restarts == 1 else f"restarted {self._restarts} times")
        return child

    def _report(self, state: State, detail: str) -> None:
        self._run_context.logs.write(self._actor, f"[cachetwin] {self._name}: {detail}")
        self._run_context.report(self._actor, self._kind, self._name, state, detail)


async def wait_until_running(
    run_context: RunContext,
    log_name: str,
    child: Child,
    probe: Callable[[], Awaitable[bool]],
    deadline_s: float,
    *,
    probed_url: str = "",
) -> None:
    """Return when `probe` returns True; `probed_url` is what the probe requests, for the error message, after a space.

    Raises UserError, with the last lines of the log, when the child ends or time runs out.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + deadline_s
    while True:
        if not child.running:
            raise UserError(
                f"{log_name} {describe_exit(await child.exited())} while starting{tail_of(run_context, log_name)}"
            )
        if await probe():
            return
        if loop.time() > end:
            raise UserError(
                f"{log_name} did not answer{probed_url} within {deadline_s:g} s of its start"
                f"{tail_of(run_context, log_name)}"
            )
        await asyncio.sleep(_POLL_S)


def describe_exit(code: int) -> str:
    """An exit code in words."""
    return f"was ended by signal {-code}" if code < 0 else f"exited with code {code}"


def tail_of(run_context: RunContext, log_name: str) -> str:
    """The last lines of a log, for the end of an error message."""
    lines = run_context.logs.tail(log_name)
    if not lines:
        return "; it wrote nothing"
    return "; its last lines:\n" + "\n".join(f"  | {line}" for line in lines)
