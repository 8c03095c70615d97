"""What the supervisor asks of everything it runs."""

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
        """A line about it, for when it is ready."""

    def open(self) -> None:
        """Take the ports. Raises UserError when one is taken."""

    async def prepare(self) -> None:
        """What can be done before anything else runs."""

    async def start(self) -> None:
        """Run, and return when it answers."""

    async def stop(self) -> None:
        """End it and give everything back, within its deadlines."""
