"""What the engine asks of its scripts and functions without running them."""

from cachetwin_engine.core.registry.command_table import Command

from .client import Client


class ScriptLibrary:
    """Base class of ``scripting.store.ScriptStore``."""

    def flags_of(self, command: Command, args: list[bytes]) -> int:
        """The flags of ``command`` with ``args``, some of them replaced by what a script or function declares."""
        raise NotImplementedError

    def library_codes(self) -> list[bytes]:
        """The code of all libraries of functions."""
        raise NotImplementedError

    def replace_libraries(self, codes: list[bytes]) -> None:
        """These in place of all that there are. Raises CommandError and changes nothing if one of them is wrong."""
        raise NotImplementedError

    def add_library(self, code: bytes) -> None:
        """Load a library, in place of one of its name if there is one. Raises CommandError."""
        raise NotImplementedError


def flags_now(scripts: ScriptLibrary, client: Client, command: Command, args: list[bytes]) -> int:
    """What running ``args`` now would do: for EXEC what its commands do, for a script what it declares."""
    if client.transaction is None or command.name != b"exec":
        return scripts.flags_of(command, args)
    flags = 0
    for queued in client.transaction.commands:
        flags |= scripts.flags_of(queued.command, queued.args)
    return flags
