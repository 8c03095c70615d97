"""Limits of a serverless cache, and the count of what its commands use. Dispatch comes here for ``CLIENT_METERED``."""

from typing import TYPE_CHECKING, Final

from cachetwin_engine.core.registry.command_table import NO_AUTH, Command
from cachetwin_engine.core.state.client import Client

if TYPE_CHECKING:
    from cachetwin_engine.core.engine_parts import EngineParts

ARGUMENTS_MAX: Final = 3999
"""Of a request (user guide)."""

_SCRIPTS: Final = {b"eval", b"evalsha", b"eval_ro", b"evalsha_ro"}


def limit_error(engine: "EngineParts", command: Command, args: list[bytes]) -> bytes | None:
    """Why a serverless cache refuses ``args``, as an error line, or None."""
    if len(args) - 1 > ARGUMENTS_MAX:
        return b"ERR too many arguments: at most %d in a request, got %d" % (ARGUMENTS_MAX, len(args) - 1)
    if command.name in _SCRIPTS and args[2] == b"0":
        return b"ERR Lua scripts without any input keys are not supported."
    units = engine.units
    if units is not None and not command.flags & NO_AUTH and units.is_exhausted(engine.now_ms):
        units.throttled += 1
        return b"ERR request throttled: the cache has used its %d ECPU of this second" % units.limit
    return None


def note_units(engine: "EngineParts", client: Client, reply: bytes) -> None:
    """Count what a request and its reply used."""
    if engine.units is not None:
        engine.units.note(client.parser.request_bytes + len(reply))
