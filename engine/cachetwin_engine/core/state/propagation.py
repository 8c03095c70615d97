"""What replicas receive: for each command that changed something, a command that has the same effect over there.

Recorded while ``EngineState.wants_propagation``. Dispatch records what a command did, as it was given or as the handler
put it (``Context.propagate``); keys that expire or are evicted are added where that happens. What EXEC or a script did is
one batch; what happens outside of any command is a batch for each change.
"""


class History:
    """Base class of what keeps the batches (``replication.state.Replication``)."""

    def __init__(self) -> None:
        self.offset = 0

    def commit_batch(self, batch: list[tuple[int, list[bytes]]], command: bytes) -> None:
        """All that one command (or EXEC, or a script) changed; ``command`` is empty if no command did it."""
        raise NotImplementedError


class Propagation:
    """The changes of one engine that have not gone to its history yet."""

    def __init__(self) -> None:
        self.history = History()
        self._waiting: list[tuple[int, list[bytes]]] = []  # (database, canonical command)

    def add(self, db_index: int, args: list[bytes]) -> None:
        """A change that no command stands for. Only called while ``EngineState.wants_propagation``."""
        self._waiting.append((db_index, args))

    def forget(self) -> None:
        """Drop what waits."""
        self._waiting = []

    def suspend(self) -> list[tuple[int, list[bytes]]]:
        """Take what waits out: other clients' commands run in the midst of a script, and must not commit it."""
        suspended = self._waiting
        self._waiting = []
        return suspended

    def restore(self, suspended: list[tuple[int, list[bytes]]]) -> None:
        """The script continues: put back what ``suspend`` took out."""
        self._waiting = suspended

    def commit(self, command: bytes) -> bool:
        """Hand what waits to the history as one batch, which ``command`` made; False if nothing waits."""
        if not self._waiting:
            return False
        batch = self._waiting
        self._waiting = []
        self.history.commit_batch(batch, command)
        return True

    def commit_pending(self) -> None:
        """Hand over what changed outside of any command (expired and evicted keys), a batch for each change."""
        self.commit(b"")
