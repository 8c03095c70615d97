"""What ``cachetwin attach`` asks of the supervisor: a debugger in a function or a service, and its end."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Final

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.background import user_error_in
from cachetwin_local.supervise.function.function import FunctionActor
from cachetwin_local.supervise.service.service import ServiceActor

from .debugger import free_port, listens

__all__ = ["DebuggerOperations"]

_LISTENS_S: Final = 30.0
Document = dict[str, object]
Debugged = FunctionActor | ServiceActor


class DebuggerOperations:
    """Carries out requests of the control socket. `actors` gives the functions and services that run."""

    def __init__(self, actors: Callable[[], Sequence[Debugged]]) -> None:
        self._actors = actors
        self._attaching = asyncio.Lock()  # a port is free until the program listens there

    async def perform(self, request: Document) -> Document:
        """Let a debugger attach, or end that. The answer holds ``port``, or ``done``, or ``error``."""
        name, port = str(request.get("name")), request.get("port")
        found = [actor for actor in self._actors() if name in actor.names]
        try:
            if len(found) != 1:
                keys = ", ".join(actor.name for actor in self._actors()) or "none"
                raise UserError(f"{name} must be one function or service that runs here: one of {keys}")
            (actor,) = found
            if request.get("stop"):
                await actor.debug(None)
                return {"done": f"{actor.name} runs without a debugger"}
            async with self._attaching:
                chosen = await self._attach(actor, port if isinstance(port, int) else None)
        except UserError as error:
            return {"error": str(error)}
        except ExceptionGroup as group:  # of the tasks that did not start
            found_error = user_error_in(group)
            if found_error is None:
                raise
            return {"error": str(found_error)}
        return {"port": chosen, "name": actor.name, "language": actor.language}

    async def _attach(self, actor: Debugged, wanted: int | None) -> int:
        """Let a debugger attach, and return its port. When it cannot, the actor runs without one as before."""
        given = {other.debug_port for other in self._actors() if other is not actor}
        chosen = actor.debug_port
        if chosen is None or (wanted is not None and wanted != chosen):
            chosen = free_port(wanted, given)
        try:
            await actor.debug(chosen)
            if await listens(chosen, _LISTENS_S):
                return chosen
            raise UserError(
                f"no debugger listens in {actor.name}: Python programs need `pip install 'cachetwin[debug]'`, "
                "others than Python and Node.js have none here; its log may say more"
            )
        except BaseException:
            with contextlib.suppress(UserError, ExceptionGroup):  # the first error says more
                await actor.debug(None)
            raise
