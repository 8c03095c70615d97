"""MONITOR: a stream of every command that runs."""

from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.observers.monitors import start_monitor
from cachetwin_engine.core.protocol.errors import CommandError
from cachetwin_engine.core.protocol.replies import OK
from cachetwin_engine.core.registry.command_table import ADMIN, LOADING, NOSCRIPT, STALE, command


@command(
    "MONITOR",
    summary="Stream every command that the server runs.",
    arity=1,
    flags=ADMIN | NOSCRIPT | LOADING | STALE,
    group="server",
    since="1.0.0",
    complexity="",
)
def monitor(ctx: Context, args: list[bytes]) -> bytes:
    """MONITOR."""
    if not ctx.may_block:
        raise CommandError(b"ERR MONITOR isn't allowed for DENY BLOCKING client")
    start_monitor(ctx.engine, ctx.session)
    return OK
