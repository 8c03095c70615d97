"""What replicas and the append-only file receive: for each command that changed something, one of the same effect.

Recorded while ``EngineState.wants_propagation``. Dispatch records what a command did, as it was given or as the handler
put it (``Context.propagate``); keys that expire or are evicted are added where that happens. What EXEC or a script did is
one batch; what happens outside of any command is a batch for each change.
"""

from typing import Final


class History:
    """Base class of what keeps the batches (``replication.state.Replication``, ``aof.append_log.AppendLog``)."""

    def __init__(self) -> None:
        self.offset = 0

    def commit_batch(self, batch: list[tuple[int, list[bytes]]], command: bytes) -> None:
        """All that one command (or EXEC, or a script) changed; ``command`` is empty if no command did it."""
        raise NotImplementedError


class LogSwitch:
    """Base class of what turns the append-only file on and off (``aof.rewriter.LogRewriter``)."""

    def turn_off(self) -> None:
        """Record nothing more."""

    def restart(self) -> None:
        """The data is another now: begin anew if ``appendonly`` asks for a log."""


TO_LOG: Final = 1  # bits of ``targets``, as redis.set_repl counts them
TO_REPLICAS: Final = 2
EVERYWHERE: Final = TO_LOG | TO_REPLICAS


class Waiting:
    """Changes that are not committed."""

    def __init__(self) -> None:
        self.changes: list[tuple[int, list[bytes]]] = []  # (database, canonical command)
        self.limited: dict[int, int] = {}  # by place in ``changes``: the targets of those that do not go everywhere


class Propagation:
    """The changes of one engine that have not gone to its history and its append-only file yet."""

    def __init__(self) -> None:
        self.history = History()
        self.log = History()
        self.to_history = False
        self.to_log = False
        self.targets = EVERYWHERE  # of the changes that are added now
        self._waiting = Waiting()

    def add(self, db_index: int, args: list[bytes]) -> None:
        """A change that no command stands for. Only called while ``EngineState.wants_propagation``."""
        waiting = self._waiting
        if self.targets != EVERYWHERE:
            waiting.limited[len(waiting.changes)] = self.targets
        waiting.changes.append((db_index, args))

    def forget(self) -> None:
        """Drop what waits."""
        self._waiting = Waiting()

    def suspend(self) -> Waiting:
        """Take what waits out: other clients' commands run in the midst of a script, and must not commit it."""
        suspended = self._waiting
        self._waiting = Waiting()
        return suspended

    def restore(self, suspended: Waiting) -> None:
        """The script continues: put back what ``suspend`` took out."""
        self._waiting = suspended

    def commit(self, command: bytes) -> bool:
        """Hand over what waits as one batch, which ``command`` made; False if nothing waits."""
        waiting = self._waiting
        batch = waiting.changes
        if not batch:
            return False
        waiting.changes = []
        limited = waiting.limited
        if limited:
            waiting.limited = {}
        if self.to_history:
            self._hand_over(self.history, batch, limited, TO_REPLICAS, command)
        if self.to_log:
            self._hand_over(self.log, batch, limited, TO_LOG, command)
        return True

    def _hand_over(
        self, taker: History, batch: list[tuple[int, list[bytes]]], limited: dict[int, int], target: int, command: bytes
    ) -> None:
        if limited:
            batch = [change for at, change in enumerate(batch) if limited.get(at, EVERYWHERE) & target]
        if batch:
            taker.commit_batch(batch, command)

    def commit_pending(self) -> None:
        """Hand over what changed outside of any command (expired and evicted keys), a batch for each change."""
        self.commit(b"")
