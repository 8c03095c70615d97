"""Whether the engine's own state lets a command run now, from any client: the blocked-by flags (``blocked_by``).

Dispatch comes here only while one of them is set. The same questions are asked of the commands within a script, where
``scripting.caller`` puts them in an order of its own.
"""

from typing import TYPE_CHECKING, Final

from cachetwin_engine.core.observers.watchers import unwatch
from cachetwin_engine.core.protocol.errors import MASTER_DOWN, NO_REPLICAS, OUT_OF_MEMORY, READ_ONLY
from cachetwin_engine.core.registry.command_table import ALLOW_BUSY, DENYOOM, LOADING, READONLY, STALE, WRITE, Command
from cachetwin_engine.core.registry.dispatch_flags import (
    BLOCKED_BY_DISK,
    BLOCKED_BY_FEW_REPLICAS,
    BLOCKED_BY_LOADING,
    BLOCKED_BY_MEMORY,
    BLOCKED_BY_PAUSE,
    BLOCKED_BY_REPLICA,
    BLOCKED_BY_SCRIPT,
)
from cachetwin_engine.core.state.script_library import flags_now

from .context import Context
from .routing import refusal

if TYPE_CHECKING:
    from cachetwin_engine.core.engine_parts import EngineParts

_NEVER_WAIT_FOR_MEMORY: Final = {b"exec", b"discard", b"quit", b"reset"}  # although a transaction is open


def admission_error(ctx: Context, command: Command, args: list[bytes]) -> bytes | None:
    """Why ``args`` may not run now, as an error line, or None.

    During CLIENT PAUSE the session may be blocked on return: its command runs when the pause is over.
    """
    session = ctx.session
    if session.is_primary:
        return None
    engine = ctx.engine
    if engine.cluster is not None:
        elsewhere = refusal(ctx, engine.cluster, command, args)
        if elsewhere is not None or session.blocked is not None:
            return elsewhere  # or it waits until its keys have left
    blocked_by = engine.blocked_by
    if session.redirects and blocked_by & BLOCKED_BY_REPLICA:
        elsewhere = _redirected(ctx, command, args)
        if elsewhere is not None or session.blocked is not None:
            return elsewhere
    if blocked_by & BLOCKED_BY_MEMORY and not blocked_by & BLOCKED_BY_SCRIPT and _is_out_of_memory(ctx, command, args):
        return OUT_OF_MEMORY
    if blocked_by & (BLOCKED_BY_DISK | BLOCKED_BY_FEW_REPLICAS) and engine.replication.link is None:
        writes = flags_now(engine.scripts, session, command, args) & WRITE != 0
        if writes and blocked_by & BLOCKED_BY_DISK:
            return engine.disk_problems.line()
        if writes and lacks_replicas(engine):
            return NO_REPLICAS
    if blocked_by & BLOCKED_BY_REPLICA:
        problem = _replica_refuses(ctx, command, args)
        if problem is not None:
            return problem
    if blocked_by & BLOCKED_BY_LOADING and not _runs_while_loading(ctx, command):
        return loading_line(engine)
    if blocked_by & BLOCKED_BY_SCRIPT and not command.flags & ALLOW_BUSY:
        return busy_line(engine)
    if blocked_by & BLOCKED_BY_PAUSE:
        engine.pause.holds_back(session, command, args)
    return None


def lacks_replicas(engine: "EngineParts") -> bool:
    """True if fewer replicas keep up than ``min-replicas-to-write`` asks for."""
    few = engine.replication.good_replicas < engine.config.server.min_replicas_to_write
    return few and engine.blocked_by & BLOCKED_BY_FEW_REPLICAS != 0 and engine.replication.link is None


def is_read_only(engine: "EngineParts") -> bool:
    """True for a replica that takes writes from its primary only."""
    return engine.blocked_by & BLOCKED_BY_REPLICA != 0 and engine.config.boolean("replica-read-only")


def is_stale(engine: "EngineParts") -> bool:
    """True for a replica without its primary that does not answer from old data."""
    return not engine.replication.is_linked() and not engine.config.boolean("replica-serve-stale-data")


def loading_line(engine: "EngineParts") -> bytes:
    """The error for clients while a snapshot is being read."""
    return b"LOADING %b is loading the dataset in memory" % (
        b"Redis" if engine.profile.names_redis_in_errors else b"Valkey"
    )


def _runs_while_loading(ctx: Context, command: Command) -> bool:
    """True if ``command``, or each command of the transaction that it ends, may run then."""
    if not command.flags & LOADING:
        return False
    transaction = ctx.session.transaction
    if transaction is None or command.name != b"exec":
        return True
    return all(queued.command.flags & LOADING != 0 for queued in transaction.commands)


def busy_line(engine: "EngineParts") -> bytes:
    """The error for clients while a script runs for too long."""
    running = engine.running_script
    how = b"SCRIPT KILL" if running is None else running.kill_command
    name = b"Redis" if engine.profile.names_redis_in_errors else b"Valkey"
    return b"BUSY " + name + b" is busy running a script. You can only call " + how + b" or SHUTDOWN NOSAVE."


def _redirected(ctx: Context, command: Command, args: list[bytes]) -> bytes | None:
    """The redirection of a client with CLIENT CAPA REDIRECT that sends ``args`` to a replica outside of a cluster, or None.

    While a failover has asked the other side to take over, it waits here: over there it would be sent back.
    """
    engine = ctx.engine
    session = ctx.session
    link = engine.replication.link
    flags = flags_now(engine.scripts, session, command, args)
    if link is None or engine.cluster is not None:
        return None
    if not flags & WRITE and (session.reads_replica or not flags & READONLY):
        return None
    if engine.replication.failover.is_under_way():
        engine.pause.hold(session, args)
        return None
    if command.name == b"exec" and session.transaction is not None:
        session.end_transaction()
        unwatch(session)
    return b"REDIRECT %b:%d" % (link.host.encode(), link.port)


def _is_out_of_memory(ctx: Context, command: Command, args: list[bytes]) -> bool:
    """Make room; True if there is none and ``args`` need some. In a transaction even a queued command does."""
    engine = ctx.engine
    session = ctx.session
    engine.memory_is_full = engine.evictor.may_evict() and not engine.evictor.make_room()
    session.messages_first()  # keys were evicted: caches receive that before the command can create them again
    if not engine.memory_is_full:
        return False
    if session.transaction is not None and command.name not in _NEVER_WAIT_FOR_MEMORY:
        return True
    return flags_now(engine.scripts, session, command, args) & DENYOOM != 0


def _replica_refuses(ctx: Context, command: Command, args: list[bytes]) -> bytes | None:
    """Why a replica refuses ``args``, as an error line, or None."""
    engine = ctx.engine
    session = ctx.session
    if flags_now(engine.scripts, session, command, args) & WRITE:
        if is_read_only(engine):
            session.closing = session.closing or engine.config.closes_on_replica_write
            return READ_ONLY
        engine.replication.local_writes.note(session, command, args)
    if is_stale(engine):
        flags = engine.scripts.flags_of(command, args)
        if session.transaction is not None and command.name == b"exec":
            for queued in session.transaction.commands:
                flags &= engine.scripts.flags_of(queued.command, queued.args)
        if not flags & STALE:
            return MASTER_DOWN
    return None
