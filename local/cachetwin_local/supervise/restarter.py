"""Keeps one child running: brings it up, waits until it answers, starts it again when it dies, as ECS does with a task.

A child that ends before it first answered is an error of the start. One that ends later is restarted after 1 s, then
2, 4, ... 60 s; a minute without trouble forgets the past.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.events import ResourceState, State
from cachetwin_local.supervise.process.child import Child
from cachetwin_local.supervise.project.run_context import Site

__all__ = ["Keeper", "until_ready"]

_BACKOFF_MAX_S = 60.0
_SETTLED_S = 60.0
_POLL_S = 0.05


class Keeper:
    """Owns the child `name` of the actor `actor`.

    `begin` starts it and returns when it answers; it raises UserError else.
    """

    def __init__(
        self,
        site: Site,
        actor: str,
        kind: str,
        name: str,
        begin: Callable[[], Awaitable[Child]],
        *,
        stop_deadline_s: float,
    ) -> None:
        self._site = site
        self._actor = actor
        self._kind = kind
        self._name = name
        self._begin = begin
        self._stop_deadline_s = stop_deadline_s
        self._watch: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Bring the child up, and from then on keep it up."""
        child = await self._begin()
        self._watch = asyncio.create_task(self._keep(child))

    async def stop(self) -> None:
        """Stop the child and watch it no longer."""
        if self._watch is not None:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
        await self._site.stop_child(self._name, self._stop_deadline_s)

    async def _keep(self, child: Child | None) -> None:
        loop = asyncio.get_running_loop()
        backoff_s = 1.0
        while True:
            began = loop.time()
            if child is not None:
                code = await child.exited()
                self._site.forget(self._name, child)
                if loop.time() - began > _SETTLED_S:
                    backoff_s = 1.0
                self._say("restarting", f"{describe_exit(code)}; starting it again in {backoff_s:g} s")
            await asyncio.sleep(backoff_s)
            backoff_s = min(2 * backoff_s, _BACKOFF_MAX_S)
            child = await self._again(backoff_s)

    async def _again(self, backoff_s: float) -> Child | None:
        try:
            child = await self._begin()
        except UserError as error:
            reason = str(error).splitlines()[0]
            self._say("restarting", f"{reason}; next try in {backoff_s:g} s")
            await self._site.stop_child(self._name, self._stop_deadline_s)
            return None
        self._say("ready", "restarted")
        return child

    def _say(self, state: State, detail: str) -> None:
        self._site.log_book.write(self._actor, f"[cachetwin] {self._name}: {detail}")
        self._site.say(ResourceState(self._actor, self._kind, state, detail))


async def until_ready(
    site: Site, log_name: str, child: Child, probe: Callable[[], Awaitable[bool]], deadline_s: float, *, asked: str = ""
) -> None:
    """Return when `probe` says yes; `asked` tells people what it asks, after a space.

    Raises UserError, with the last lines of the log, when the child ends or time runs out.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + deadline_s
    while True:
        if not child.running:
            message = f"{log_name} {describe_exit(await child.exited())} while starting{_tail(site, log_name)}"
            raise UserError(message)
        if await probe():
            return
        if loop.time() > end:
            message = f"{log_name} did not answer{asked} within {deadline_s:g} s of its start{_tail(site, log_name)}"
            raise UserError(message)
        await asyncio.sleep(_POLL_S)


def describe_exit(code: int) -> str:
    """An exit code in words."""
    return f"was ended by signal {-code}" if code < 0 else f"exited with code {code}"


def _tail(site: Site, log_name: str) -> str:
    lines = site.log_book.tail(log_name)
    if not lines:
        return "; it wrote nothing"
    return "; its last lines:\n" + "\n".join(f"  | {line}" for line in lines)
