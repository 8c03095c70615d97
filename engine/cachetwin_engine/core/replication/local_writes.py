"""Keys that a replica's own clients wrote: no primary will delete them when they expire, so the replica does."""

from typing import Final

from cachetwin_engine.core.protocol.errors import CommandError
from cachetwin_engine.core.registry.command_table import Command
from cachetwin_engine.core.registry.key_positions import key_positions
from cachetwin_engine.core.state.client import Client
from cachetwin_engine.core.state.engine_state import EngineState

KEYS_MAX: Final = 100_000  # remembered; more than that live until the next full synchronisation


class LocalWrites:
    """The keys that were written here while the replica took writes, by database."""

    def __init__(self) -> None:
        self._keys: dict[tuple[int, bytes], bool] = {}

    def note(self, client: Client, command: Command, args: list[bytes]) -> None:
        """A client is about to run a writing command, or EXEC with some."""
        index = client.caller.db.index
        if client.transaction is not None and command.name == b"exec":
            for queued in client.transaction.commands:
                self._note(index, queued.command, queued.args)
        else:
            self._note(index, command, args)

    def _note(self, index: int, command: Command, args: list[bytes]) -> None:
        try:
            for position in key_positions(command, args):
                if len(self._keys) < KEYS_MAX:
                    self._keys[index, args[position.index]] = True
        except CommandError:
            return

    def expire(self, engine: EngineState) -> None:
        """Delete those that have expired, forget those without a TTL. Called ten times a second."""
        for index, key in list(self._keys):
            db = engine.databases[index]
            if db.expiry_of(key) < 0:
                del self._keys[index, key]
            elif db.is_expired(key):
                del self._keys[index, key]
                db.drop(key)
                engine.key_expired(db, key)

    def clear(self) -> None:
        """The data was replaced."""
        self._keys = {}
