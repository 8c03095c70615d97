"""Running the commands of one file again.

Commands stand one behind the other as arrays of bulk strings; lines that begin with ``#`` are annotations. A file may end
in the middle of a command or of a transaction, because the process or the machine did: ``valid_bytes`` says how much of it
is whole.
"""

from typing import Final

from cachetwin_engine.core.protocol.errors import unknown_command, unknown_subcommand
from cachetwin_engine.core.registry.command_table import Command
from cachetwin_engine.core.state.client import Client
from cachetwin_engine.core.state.engine_state import EngineState

_LINE_BYTES_MAX: Final = 1024
_ARGUMENTS_MAX: Final = 1 << 30
_ARGUMENT_BYTES_MAX: Final = 1 << 40
_STAR: Final = 42
_DOLLAR: Final = 36
_HASH: Final = 35


class BadLog(Exception):
    """A file that is damaged in another way than by ending early."""


class Replay:
    """Reads one file, piece by piece, and runs its commands as ``client``, which may run everything."""

    def __init__(self, engine: EngineState, client: Client) -> None:
        self._engine = engine
        self._client = client
        self._data = b""
        self._at = 0
        self._base = 0  # of ``_data`` in the file
        self.commands = 0
        self.valid_bytes = 0
        self._before_multi = 0
        self._wanted = 0  # bytes that a long command needs before it is worth another look

    def feed(self, piece: bytes) -> None:
        """The next piece of the file. Raises BadLog."""
        self._data = self._data[self._at :] + piece if self._at < len(self._data) else piece
        self._base += self._at
        self._at = 0
        if len(self._data) < self._wanted:
            return
        while True:
            start = self._at
            args = self._next()
            if args is None:
                self._at = start
                self._wanted -= start
                return
            if args:
                self._run(args, self._base + start)
            self.valid_bytes = self._base + self._at

    def is_truncated(self) -> bool:
        """Called at the end of the file: whether it ends within a command or a transaction, which is not run."""
        if self._client.transaction is not None:
            self._client.end_transaction()
            self.valid_bytes = self._before_multi
            return True
        return self._at < len(self._data)

    def _next(self) -> list[bytes] | None:
        """The next command; an empty list for an annotation, None if the data ends before it does. Raises BadLog."""
        data = self._data
        self._wanted = 0
        if self._at >= len(data):
            return None
        if data[self._at] == _HASH:
            end = data.find(b"\n", self._at)
            if end < 0:
                return None
            self._at = end + 1
            return []
        count = self._number(_STAR)
        if count is None:
            return None
        if not 0 < count < _ARGUMENTS_MAX:
            raise BadLog("a command without a name")
        args: list[bytes] = []
        for _ in range(count):
            size = self._number(_DOLLAR)
            if size is None:
                return None
            if not 0 <= size < _ARGUMENT_BYTES_MAX:
                raise BadLog("an argument of a length that can't be")
            end = self._at + size
            if end + 2 > len(data):
                self._wanted = end + 2
                return None
            args.append(data[self._at : end])
            self._at = end + 2
        return args

    def _number(self, mark: int) -> int | None:
        """The number in the line that begins with ``mark``; None if the line is not complete. Raises BadLog."""
        data = self._data
        at = self._at
        if at >= len(data):
            return None
        if data[at] != mark:
            raise BadLog("no command where one has to begin")
        end = data.find(b"\n", at, at + _LINE_BYTES_MAX)
        if end < 0:
            if len(data) - at >= _LINE_BYTES_MAX:
                raise BadLog("a line that is too long")
            return None
        self._at = end + 1
        text = data[at + 1 : end].rstrip(b"\r")
        if not text.isdigit():
            raise BadLog("no number where one has to be")
        return int(text)

    def _run(self, args: list[bytes], offset: int) -> None:
        client = self._client
        command = self._row(args)
        if not command.accepts(len(args)):
            raise BadLog(f"wrong number of arguments for '{command.name.decode(errors='replace')}' command")
        if command.name == b"multi":
            self._before_multi = offset
        client.execute(args)
        client.leave_queues()  # a log has no command that waits
        client.take_output()
        self.commands += 1

    def _row(self, args: list[bytes]) -> Command:
        """The row of the command, down to the sub-command. Raises BadLog."""
        row = self._engine.commands.get(args[0].lower())
        if row is None:
            raise BadLog(_text(unknown_command(args).line))
        if row.subcommands is not None and len(args) > 1:
            row = row.subcommands.get(args[1].lower())
            if row is None:
                raise BadLog(_text(unknown_subcommand(args[0], args[1]).line))
        return row


def _text(line: bytes) -> str:
    return line.decode(errors="replace").removeprefix("ERR ")
