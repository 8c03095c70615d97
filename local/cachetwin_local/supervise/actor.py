"""The interface of everything that the supervisor runs."""

from typing import Protocol

__all__ = ["Actor"]


class Actor(Protocol):
    """One resource of the topology that runs here.

    The supervisor calls `open` for all first, then `prepare` for all at once, then `start` when those it depends on
    are ready. `stop` may be called at any time, after any of them, and once only.
    """

    name: str
    kind: str
    depends_on: frozenset[str]

    @property
    def detail(self) -> str:
        """A line for people, printed when the actor is ready."""

    def open(self) -> None:
        """Open the listening sockets. Raises UserError when a port is in use."""

    async def prepare(self) -> None:
        """Do the work that needs no other actor."""

    async def start(self) -> None:
        """Start, and return when it answers."""

    async def stop(self) -> None:
        """Stop, and release everything, within the actor's deadlines."""
