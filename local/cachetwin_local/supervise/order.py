"""The order in which actors start and stop: each waits for those that it depends on, or that depend on it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.actor import Actor

__all__ = ["dependencies", "dependents", "first_cause", "in_order"]


async def in_order(
    actors: list[Actor],
    act: Callable[[Actor, Callable[[], Awaitable[None]]], Awaitable[None]],
    predecessors: Mapping[str, frozenset[str]],
) -> None:
    """Run `act` for all actors at once.

    The second argument of `act` is a function that waits until the actor's predecessors are done.
    """
    done = {actor.name: asyncio.Event() for actor in actors}

    async def one(actor: Actor) -> None:
        async def dependencies_done() -> None:
            for name in predecessors[actor.name]:
                await done[name].wait()

        await act(actor, dependencies_done)
        done[actor.name].set()

    async with asyncio.TaskGroup() as tasks:
        for actor in actors:
            tasks.create_task(one(actor))


def dependencies(actors: list[Actor]) -> dict[str, frozenset[str]]:
    """The actors that each actor waits for."""
    names = {actor.name for actor in actors}
    return {actor.name: actor.depends_on & names for actor in actors}


def dependents(actors: list[Actor]) -> dict[str, frozenset[str]]:
    """The actors that wait for each actor."""
    needed = dependencies(actors)
    return {name: frozenset(other for other, needs in needed.items() if name in needs) for name in needed}


def first_cause(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error to report for a failed start: the first that is not the user's if there is one, else the first."""
    flat: list[BaseException] = []
    pending: list[BaseException] = [group]
    while pending:
        error = pending.pop(0)
        if isinstance(error, BaseExceptionGroup):
            pending += error.exceptions
        else:
            flat.append(error)
    return next((error for error in flat if not isinstance(error, UserError)), flat[0])
