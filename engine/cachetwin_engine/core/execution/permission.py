"""Permission of a client's user to run a command in the client's database, and the records of refusals."""

from cachetwin_engine.core.acl.access import Denial
from cachetwin_engine.core.acl.log import REASONS
from cachetwin_engine.core.acl.user import User
from cachetwin_engine.core.registry.command_table import Command

from .client_info import describe
from .context import Context


def denial(ctx: Context, command: Command, args: list[bytes]) -> bytes | None:
    """Why ``ctx.user`` may not run ``args`` (an error line), or None if it may."""
    if ctx.user.root.unrestricted:
        return None
    denied = check_in(ctx, ctx.user, command, args)
    if denied is None:
        return None
    _note(ctx, denied.reason, denied.subject, ctx.user.name)
    return ctx.engine.acl.explain_to_client(ctx.user, denied)


def denial_in_exec(ctx: Context, command: Command, args: list[bytes]) -> bytes | None:
    """Why ``ctx.user`` may no longer run what it has queued, or None if it may."""
    denied = check_in(ctx, ctx.user, command, args)
    if denied is None:
        return None
    _note(ctx, denied.reason, denied.subject, ctx.user.name)
    line = ctx.engine.acl.explain_in_exec(denied)
    ctx.engine.statistics.count_error(b"-" + line)
    command.rejected_calls += 1
    return line


def check_in(ctx: Context, user: User, command: Command, args: list[bytes]) -> Denial | None:
    """Why ``user`` may not run ``args`` where ``ctx`` is, or None; nothing is noted."""
    acl = ctx.engine.acl
    if not acl.by_database:
        return acl.check(user, command, args, 0, 1)
    return acl.check(user, command, args, _database_of(ctx), len(ctx.engine.databases))


def note_failed_login(ctx: Context, name: bytes) -> None:
    """Record a wrong password."""
    _note(ctx, 0, ctx.command.name.upper() if ctx.command is not None else b"", name)


def _note(ctx: Context, reason: int, subject: bytes, user: bytes) -> None:
    """Record a refusal in ACL LOG and in INFO's counters."""
    engine = ctx.engine
    engine.statistics.denials[reason] += 1
    where = b"lua" if ctx.in_script else b"multi" if ctx.in_exec or ctx.session.transaction is not None else b"toplevel"
    length_max = engine.config.integer("acllog-max-len")
    engine.acl_log.add(REASONS[reason], where, subject, user, describe(engine, ctx.session), engine.now_ms, length_max)


def _database_of(ctx: Context) -> int:
    """The database that the next command of ``ctx`` works on: in a transaction the last one that it selects."""
    transaction = ctx.session.transaction
    if transaction is None or ctx.in_script:
        return ctx.db.index
    return transaction.database(ctx.db.index, len(ctx.engine.databases))
