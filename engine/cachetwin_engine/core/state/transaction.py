"""A transaction between MULTI and EXEC."""

from typing import Final

from mypy_extensions import mypyc_attr

from cachetwin_engine.core.acl.access import database_or_none
from cachetwin_engine.core.registry.command_table import Command

_NO_DATABASE: Final = -1
_WORD_BYTES: Final = 24  # beside its text


@mypyc_attr(acyclic=True)
class Queued:
    """A command that waits for EXEC."""

    def __init__(self, command: Command, args: list[bytes]) -> None:
        self.command = command
        self.args = args


class Transaction:
    """The commands of one transaction."""

    def __init__(self) -> None:
        self.commands: list[Queued] = []
        self.failed = False  # a command was refused, so EXEC fails
        self._read = 0  # how many of the commands are in ``_database``
        self._database = _NO_DATABASE  # the last one that they select
        self._counted = 0  # how many of the commands are in ``_bytes``
        self._bytes = 0

    def database(self, current: int, databases: int) -> int:
        """The database that the next command works on, if the transaction began in ``current``, of so many."""
        commands = self.commands
        for at in range(self._read, len(commands)):
            queued = commands[at]
            if queued.command.name == b"select":
                chosen = database_or_none(queued.args[1], databases)
                if chosen is not None:
                    self._database = chosen
        self._read = len(commands)
        return current if self._database == _NO_DATABASE else self._database

    def memory_bytes(self) -> int:
        """Memory of the commands."""
        commands = self.commands
        for at in range(self._counted, len(commands)):
            for word in commands[at].args:
                self._bytes += len(word) + _WORD_BYTES
        self._counted = len(commands)
        return self._bytes
