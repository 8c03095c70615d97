"""MULTI, EXEC, DISCARD, WATCH."""

from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.execution.dispatch import call
from cachetwin_engine.core.execution.permission import denial_in_exec
from cachetwin_engine.core.observers.watchers import is_broken
from cachetwin_engine.core.observers.watchers import unwatch as forget_watched
from cachetwin_engine.core.observers.watchers import watch as watch_key
from cachetwin_engine.core.protocol import errors
from cachetwin_engine.core.protocol.errors import CommandError
from cachetwin_engine.core.protocol.replies import OK, error
from cachetwin_engine.core.registry.command_table import (
    ALLOW_BUSY,
    FAST,
    LOADING,
    NO_MULTI,
    NOSCRIPT,
    SKIP_SLOWLOG,
    STALE,
    KeySpec,
    command,
)
from cachetwin_engine.core.registry.dispatch_flags import CLIENT_MULTI, CLIENT_RESTRICTED
from cachetwin_engine.core.state.transaction import Transaction

_ANYTIME = NOSCRIPT | LOADING | STALE | FAST | ALLOW_BUSY


@command(
    "MULTI",
    summary="Start a transaction.",
    arity=1,
    flags=_ANYTIME | NO_MULTI,
    group="transactions",
    since="1.2.0",
)
def multi(ctx: Context, args: list[bytes]) -> bytes:
    """MULTI."""
    session = ctx.session
    if session.transaction is not None:
        raise CommandError(errors.NESTED_MULTI)
    session.transaction = Transaction()
    session.client_flags |= CLIENT_MULTI
    return OK


@command(
    "EXEC",
    summary="Run the commands of a transaction.",
    arity=1,
    flags=NOSCRIPT | LOADING | STALE | SKIP_SLOWLOG,
    group="transactions",
    since="1.2.0",
    complexity="Depends on commands in the transaction",
)
def exec_(ctx: Context, args: list[bytes]) -> bytes:
    """EXEC: an array of replies, or null if a watched key changed."""
    session = ctx.session
    transaction = session.transaction
    if transaction is None:
        raise CommandError(b"ERR EXEC without MULTI")
    broken = is_broken(session)
    _end(ctx)
    if transaction.failed:
        raise CommandError(errors.EXEC_ABORT)
    if broken:
        return ctx.null_array
    replies = [b"*%d\r\n" % len(transaction.commands)]
    ctx.in_exec = True
    for queued in transaction.commands:
        restricted = ctx.session.client_flags & CLIENT_RESTRICTED
        denied = denial_in_exec(ctx, queued.command, queued.args) if restricted else None
        replies.append(call(ctx, queued.command, queued.args) if denied is None else error(denied))
    ctx.in_exec = False
    ctx.propagate_nothing()  # its commands have propagated their own changes
    return b"".join(replies)


@command(
    "DISCARD",
    summary="Discard a transaction.",
    arity=1,
    flags=_ANYTIME,
    group="transactions",
    since="2.0.0",
    complexity="O(N)",
)
def discard(ctx: Context, args: list[bytes]) -> bytes:
    """DISCARD."""
    if ctx.session.transaction is None:
        raise CommandError(b"ERR DISCARD without MULTI")
    _end(ctx)
    return OK


@command(
    "WATCH",
    summary="Watch keys: EXEC fails if one of them changes.",
    arguments="key...",
    arity=-2,
    flags=_ANYTIME | NO_MULTI,
    keys=[KeySpec("RO", last=-1)],
    group="transactions",
    since="2.2.0",
    complexity="O(1) for every key.",
)
def watch(ctx: Context, args: list[bytes]) -> bytes:
    """WATCH key [key ...]."""
    session = ctx.session
    if session.transaction is not None:
        raise CommandError(b"ERR WATCH inside MULTI is not allowed")
    if session.watch_broken:
        return OK
    for key in args[1:]:
        watch_key(session, ctx.db, key)
    return OK


@command(
    "UNWATCH",
    summary="Stop watching keys.",
    arity=1,
    flags=_ANYTIME,
    group="transactions",
    since="2.2.0",
)
def unwatch(ctx: Context, args: list[bytes]) -> bytes:
    """UNWATCH."""
    forget_watched(ctx.session)
    return OK


def _end(ctx: Context) -> None:
    """Leave the transaction."""
    session = ctx.session
    session.end_transaction()
    forget_watched(session)
