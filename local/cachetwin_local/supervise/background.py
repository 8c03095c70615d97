"""The background tasks of an actor, with an owner that notices when one fails."""

import asyncio
import traceback
from collections.abc import Awaitable, Callable

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.events import State
from cachetwin_local.supervise.project.run_context import RunContext

__all__ = ["BackgroundTasks", "describe", "first_cause", "user_error_in"]

_DELAY_MAX_S = 30.0
_STABLE_S = 60.0


class BackgroundTasks:
    """Runs the background tasks of the actor `actor`.

    A task that raises is logged with its traceback, reported as the actor's state, and started again after 1 s, then
    2, 4, ... 30 s; a minute without a failure resets the delay. A task that returns is done.
    """

    def __init__(self, run_context: RunContext, actor: str, kind: str) -> None:
        self._run_context = run_context
        self._actor = actor
        self._kind = kind
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, purpose: str, run: Callable[[], Awaitable[None]]) -> None:
        """Run the task `run`, again and again where it fails. `purpose` names it for people."""
        task = asyncio.create_task(self._keep(purpose, run), name=purpose)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Cancel every task and wait until they have ended."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def stop_one(self, purpose: str) -> None:
        """Cancel the tasks of this purpose and wait until they have ended."""
        tasks = [task for task in self._tasks if task.get_name() == purpose]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep(self, purpose: str, run: Callable[[], Awaitable[None]]) -> None:
        loop = asyncio.get_running_loop()
        delay_s = 1.0
        while True:
            started = loop.time()
            try:
                await run()
            except Exception as error:  # noqa: BLE001  (whatever it is, somebody must notice)
                if loop.time() - started > _STABLE_S:
                    delay_s = 1.0
                self._run_context.logs.write("supervisor", f"{self._actor}: {purpose}\n{traceback.format_exc()}")
                self._report(purpose, "failed", f"{purpose} failed ({describe(error)}); next try in {delay_s:g} s")
                await asyncio.sleep(delay_s)
                delay_s = min(2 * delay_s, _DELAY_MAX_S)
                self._report(purpose, "ready", f"{purpose} runs again")
            else:
                return

    def _report(self, purpose: str, state: State, detail: str) -> None:
        self._run_context.logs.write(self._actor, f"[cachetwin] {detail}")
        self._run_context.report(self._actor, self._kind, purpose, state, detail)


def describe(error: BaseException) -> str:
    """An error in one line, with its type unless it is the user's to solve."""
    text = str(error).partition("\n")[0]
    if isinstance(error, UserError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def first_cause(error: BaseException) -> BaseException:
    """The first error of a group; an error that is no group is its own."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def user_error_in(group: ExceptionGroup) -> UserError | None:
    """The first error of a group in which all are the user's; None where one is a bug."""
    errors, others = group.split(UserError)
    if errors is None or others is not None:
        return None
    found = first_cause(errors)
    return found if isinstance(found, UserError) else None
