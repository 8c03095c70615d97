"""MONITOR: watch every command as it is run."""

from ..command_table import ADMIN, LOADING, NOSCRIPT, STALE, command
from ..context import Context
from ..errors import CommandError
from ..monitors import start_monitor
from ..replies import OK


@command("MONITOR", arity=1, flags=ADMIN | NOSCRIPT | LOADING | STALE, group="server", since="1.0.0", complexity="", categories=[b"admin", b"slow", b"dangerous"], summary="Show every command to this connection.")  # fmt: skip
def monitor(ctx: Context, args: list[bytes]) -> bytes:
    """MONITOR."""
    if not ctx.may_block:
        raise CommandError(b"ERR MONITOR isn't allowed for DENY BLOCKING client")
    start_monitor(ctx.session)
    return OK
