"""One piece of work per key at a time: whoever asks while it runs waits for the same result."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Flights(Generic[T]):
    """Single-flight within one event loop.

    The work runs in a task of its own, so a caller that goes away does not take the result from the others.
    """

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[T]] = {}

    async def join(self, key: str, work: Callable[[], Awaitable[T]]) -> tuple[T, bool]:
        """The result for ``key``, and whether this caller started the work. Its exceptions reach every caller."""
        task = self._tasks.get(key)
        leads = task is None
        if task is None:
            task = asyncio.ensure_future(_run(work))
            self._tasks[key] = task
            task.add_done_callback(lambda done: self._landed(key, done))
        return await asyncio.shield(task), leads

    def forget(self, key: str) -> None:
        """Let no later caller join the work under way for ``key``: what it reads may be out of date."""
        self._tasks.pop(key, None)

    def forget_prefix(self, prefix: str) -> None:
        """``forget`` for every key that begins with ``prefix``."""
        for key in [key for key in self._tasks if key.startswith(prefix)]:
            del self._tasks[key]

    def _landed(self, key: str, task: asyncio.Task[T]) -> None:
        if self._tasks.get(key) is task:
            del self._tasks[key]
        if not task.cancelled():
            task.exception()  # marks it as seen: every caller may have gone away


async def _run(work: Callable[[], Awaitable[T]]) -> T:
    return await work()
