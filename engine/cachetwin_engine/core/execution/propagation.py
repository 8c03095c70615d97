"""What replicas are told: of each command that changed something, what has the same effect over there.

Gathered while ``Engine.wants_propagation``. Dispatch hands on what a command did, as it was given or as the handler put it
(``Context.propagate``); keys that end or are evicted are added where that happens. What EXEC or a script did goes out as
one unit, what happens outside of any command change by change.
"""

from typing import TYPE_CHECKING

from cachetwin_engine.core.registry.command_table import Command

if TYPE_CHECKING:
    from cachetwin_engine.core.engine import Engine

    from .context import Context


class Propagation:
    """The changes of one engine that have not gone to its replication yet."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._waiting: list[tuple[int, list[bytes]]] = []  # (database, canonical command)

    def add(self, db_index: int, args: list[bytes]) -> None:
        """A change that no command stands for. Only called while ``Engine.wants_propagation``."""
        self._waiting.append((db_index, args))

    def forget(self) -> None:
        """Nobody is to hear of what waits."""
        self._waiting = []

    def suspend(self) -> list[tuple[int, list[bytes]]]:
        """What waits, which others' commands are not to send off: a script runs, and they run in its midst."""
        aside = self._waiting
        self._waiting = []
        return aside

    def restore(self, aside: list[tuple[int, list[bytes]]]) -> None:
        """The script goes on."""
        self._waiting = aside

    def record(self, ctx: "Context", command: Command, args: list[bytes], changed: bool) -> None:
        """A command has run: note what replicas must be told of it. What EXEC or a script did goes out as one."""
        propagated = ctx.propagated
        ctx.propagated = None
        engine = self._engine
        if not engine.wants_propagation:
            return
        index = ctx.db.index
        if propagated is not None:
            for command_args in propagated:
                self._waiting.append((index, command_args))
        elif changed:
            self._waiting.append((index, args))
        if self._waiting and not (ctx.in_exec or ctx.in_script):
            done = self._waiting
            self._waiting = []
            engine.replication.commit_batch(done, command.name)
            ctx.session.written_offset = engine.replication.offset

    def commit_pending(self) -> None:
        """What changed outside of any command (keys that ended, or were evicted) is told one by one."""
        if self._waiting:
            done = self._waiting
            self._waiting = []
            self._engine.replication.commit_batch(done, b"")
