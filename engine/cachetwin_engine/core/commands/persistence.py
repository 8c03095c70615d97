"""Persistence commands, and SHUTDOWN."""

from typing import Final

from cachetwin_engine.core.admin.shutdown import FAILED
from cachetwin_engine.core.execution.admission import busy_line
from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.protocol.errors import CommandError, syntax_error
from cachetwin_engine.core.protocol.replies import OK, integer, simple
from cachetwin_engine.core.rdb.saving import Saves
from cachetwin_engine.core.registry.command_table import (
    ADMIN,
    ALLOW_BUSY,
    FAST,
    LOADING,
    NO_ASYNC_LOADING,
    NO_MULTI,
    NONDETERMINISTIC,
    NOSCRIPT,
    STALE,
    command,
)

_OTHER_IN_PROGRESS: Final = (
    b"ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in order to schedule "
    b"a BGSAVE whenever possible."
)
_IN_PROGRESS: Final = b"ERR Background save already in progress"


@command(
    "LASTSAVE",
    summary="Return the Unix time of the last save.",
    arity=1,
    flags=LOADING | STALE | FAST,
    group="server",
    since="1.0.0",
    categories=[b"admin", b"dangerous"],
    tips=NONDETERMINISTIC,
)
def lastsave(ctx: Context, args: list[bytes]) -> bytes:
    """LASTSAVE: Unix time in seconds; the start time before the first save."""
    return integer(ctx.engine.saves.last_ms // 1000)


@command(
    "SAVE",
    summary="Save the data to a file.",
    arity=1,
    flags=ADMIN | NOSCRIPT | NO_ASYNC_LOADING | NO_MULTI,
    group="server",
    since="1.0.0",
    complexity="O(N) where N is the total number of keys in all databases",
)
def save(ctx: Context, args: list[bytes]) -> bytes:
    """SAVE: all clients wait until the file is written."""
    saves = ctx.engine.saves
    if saves.in_progress():
        raise CommandError(_IN_PROGRESS)
    if saves.save():
        raise CommandError(b"ERR")
    return OK


@command(
    "BGSAVE",
    summary="Save the data to a file in the background.",
    arguments="[operation=<SCHEDULE@3.2.2 | CANCEL@8.1.0>]",
    arity=-1,
    flags=ADMIN | NOSCRIPT | NO_ASYNC_LOADING,
    group="server",
    since="1.0.0",
    history=[("3.2.2", "Added the `SCHEDULE` option."), ("8.1.0", "Added the `CANCEL` option.")],
)
def bgsave(ctx: Context, args: list[bytes]) -> bytes:
    """BGSAVE [SCHEDULE | CANCEL]: clients are served during the save."""
    saves = ctx.engine.saves
    word = args[1].lower() if len(args) == 2 else b""
    if len(args) > 2 or (len(args) == 2 and word not in {b"schedule", b"cancel"}):
        raise syntax_error()
    if word == b"cancel":
        return _cancel(saves)
    if saves.in_progress():
        raise CommandError(_IN_PROGRESS)
    rewrites = ctx.engine.log_rewriter.in_progress()
    if ctx.in_exec or (rewrites and word == b"schedule"):
        saves.scheduled = True
        return simple(b"Background saving scheduled")
    if rewrites:
        raise CommandError(_OTHER_IN_PROGRESS)
    if saves.begin():
        raise CommandError(b"ERR")
    ctx.engine.clients.mark_pending(ctx.session)  # so that the server starts the work at once
    return simple(b"Background saving started")


def _cancel(saves: Saves) -> bytes:
    if saves.in_progress():
        saves.cancel()
        return simple(b"Background saving cancelled")
    if saves.scheduled:
        saves.scheduled = False
        return simple(b"Scheduled background saving cancelled")
    raise CommandError(b"ERR Background saving is currently not in progress or scheduled")


@command(
    "BGREWRITEAOF",
    summary="Rewrite the append-only file.",
    arity=1,
    flags=ADMIN | NOSCRIPT | NO_ASYNC_LOADING,
    group="server",
    since="1.0.0",
)
def bgrewriteaof(ctx: Context, args: list[bytes]) -> bytes:
    """BGREWRITEAOF: clients are served during the rewrite."""
    rewriter = ctx.engine.log_rewriter
    if rewriter.in_progress():
        raise CommandError(b"ERR Background append only file rewriting already in progress")
    if ctx.in_exec or rewriter.is_busy():
        rewriter.schedule()
        return simple(b"Background append only file rewriting scheduled")
    if not rewriter.begin():
        raise CommandError(
            b"ERR Can't execute an AOF background rewriting. Please check the server logs for more information."
        )
    ctx.engine.clients.mark_pending(ctx.session)  # so that the server starts the work at once
    return simple(b"Background append only file rewriting started")


_SHUTDOWN_ARGUMENTS: Final = (
    "[abort-selector=<save-selector-block=([save-selector=<NOSAVE | SAVE>] [NOW@7.0.0] [FORCE@7.0.0] [SAFE@9.0.0] "
    "[FAILOVER@9.0.0]) | ABORT@7.0.0>]"
)
_SHUTDOWN_COST: Final = (
    "O(N) when saving, where N is the total number of keys in all databases when saving data, otherwise O(1)"
)


@command(
    "SHUTDOWN",
    summary="Shut the server down.",
    arguments=_SHUTDOWN_ARGUMENTS,
    arity=-1,
    flags=ADMIN | NOSCRIPT | LOADING | STALE | NO_MULTI | ALLOW_BUSY,
    group="server",
    since="1.0.0",
    complexity=_SHUTDOWN_COST,
    history=[("7.0.0", "Added the `NOW`, `FORCE` and `ABORT` modifiers."), ("9.0.0", "Added `SAFE` and `FAILOVER`.")],
)
def shutdown(ctx: Context, args: list[bytes]) -> bytes:
    """SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT]: no reply; the connection is closed."""
    words = {arg.lower() for arg in args[1:]}
    if words - {b"nosave", b"save", b"now", b"force", b"abort"} or {b"nosave", b"save"} <= words:
        raise syntax_error()
    if b"abort" in words:
        if len(words) > 1:
            raise syntax_error()
        if ctx.engine.shutdown.abort():
            return OK
        raise CommandError(b"ERR No shutdown in progress.")
    engine = ctx.engine
    if engine.running_script is not None and b"nosave" not in words:
        raise CommandError(busy_line(engine))
    engine.shutdown.begin("SHUTDOWN command", {word.decode() for word in words})
    if engine.shutdown.is_waiting():
        return ctx.block([], 0, FAILED, args)
    if not engine.shutdown_requested:
        raise CommandError(FAILED[1:-2])
    ctx.session.closing = True  # none of the commands behind it runs
    engine.clients.mark_pending(ctx.session)
    return b""
