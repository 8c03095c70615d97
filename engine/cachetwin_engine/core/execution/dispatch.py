"""From a parsed request to its reply: find the row, check the flags, run the handler, record what it changed.

``execute`` is for a client's own requests; ``call`` runs one row, also for EXEC, scripts and replayed logs. The one place
where changes leave for replicas and logs is ``call``.

**Timing batches.** Reading the clock costs as much as a GET's look-up, so it is read once for a batch: a run of calls of
one brief command (it is ``FAST``, or SET, with few arguments) within a turn. ``CallTimer.end_batch`` books the time evenly
on them. Any other call is a batch of its own, and every call is while the slow log asks for times that brief commands
reach.
"""

from typing import TYPE_CHECKING, Final

from cachetwin_engine.core.observers.monitors import show_to_monitors
from cachetwin_engine.core.observers.watchers import unwatch
from cachetwin_engine.core.protocol import errors
from cachetwin_engine.core.protocol.errors import CommandError, unknown_command, unknown_subcommand, wrong_arity
from cachetwin_engine.core.protocol.replies import CRLF, QUEUED, error
from cachetwin_engine.core.registry.command_table import NO_AUTH, NO_MULTI, Command
from cachetwin_engine.core.registry.dispatch_flags import (
    CLIENT_METERED,
    CLIENT_MULTI,
    CLIENT_NO_AUTH,
    CLIENT_REPLICA_STREAM,
    CLIENT_RESTRICTED,
    CLIENT_SUBSCRIBED,
)
from cachetwin_engine.core.state.client import Client
from cachetwin_engine.core.state.transaction import Queued

from .admission import admission_error
from .context import Context
from .metering import limit_error, note_units
from .peers import greeted
from .permission import denial

if TYPE_CHECKING:
    from cachetwin_engine.core.engine_parts import EngineParts


_SUBSCRIBED_ALLOWED = {
    b"ping", b"subscribe", b"ssubscribe", b"psubscribe", b"unsubscribe", b"sunsubscribe", b"punsubscribe", b"quit",
    b"reset",
}  # fmt: skip
_BEGINS_STREAM = {b"sync", b"psync"}
_REDIRECTIONS = {
    b"MOVED",
    b"ASK",
    b"CROSSSLOT",
    b"TRYAGAIN",
    b"CLUSTERDOWN",
    b"REDIRECT",
}  # reported unchanged, even by EXEC
_HTTP_WORDS = {b"post", b"host:"}
_CONFIRMED = {b"subscribe", b"ssubscribe", b"psubscribe", b"unsubscribe", b"sunsubscribe", b"punsubscribe"}
_RUN_INSIDE_MULTI = {b"exec", b"discard", b"multi", b"watch", b"quit", b"reset"}


_MINUS: Final = 45
BATCH_REPLY_BYTES_MAX: Final = 16 * 1024  # a call with a longer reply ends its batch
BATCH_CALLS_MAX: Final = 64  # some 50 us


def execute(ctx: Context, args: list[bytes]) -> bytes:
    """Run a client's request. Returns the bytes to send, empty while it blocks or wants no reply."""
    engine = ctx.engine
    session = ctx.session
    last = session.last_row
    if last is not None and args[0] is session.last_word:
        command = last
    else:
        try:
            command = find_command(engine, args)
        except CommandError as problem:
            known = engine.replication.closed_commands.get(args[0].lower()) if session.is_peer else None
            if known is None:
                return _unknown(ctx, args, problem.line)
            command = known
        if command.subcommands is None and command.parent is None:
            session.last_word = args[0]
            session.last_row = command
    if not (len(args) == command.arity or (command.arity < 0 and len(args) >= -command.arity)):
        return _refused(ctx, command, wrong_arity(command.name).line)
    session.last_command = command.name
    if session.client_flags | engine.blocked_by:
        answer = _check_flags(ctx, command, args)
        if answer is not None:
            return answer
    session.last_command_ms = engine.now_ms
    reply = call(ctx, command, args)
    if session.parser.request_bytes >= engine.large_request_bytes or len(reply) >= engine.large_reply_bytes:
        engine.call_logs.traffic_was_large(session, command, args, len(reply))
    if session.tracking is not None and session.transaction is None and command.name != b"client|caching":
        session.tracking.caching = False
    if session.client_flags:
        if session.client_flags & CLIENT_METERED:
            note_units(engine, session, reply)
        reply = _filter_reply(session, reply)
    if engine.ready_keys:
        engine.serve_blocked()
    return reply


def call(ctx: Context, command: Command, args: list[bytes]) -> bytes:
    """Run one row, count it, and record what it changed. A ``CommandError`` becomes its reply."""
    engine = ctx.engine
    timer = engine.timer
    is_brief = command.is_brief and len(args) <= timer.arguments_max
    if timer.row is not command or not is_brief:
        if timer.calls:
            timer.end_batch()
        timer.row = command
    started_us = engine.batch_started_us
    outer = ctx.command
    ctx.command = command
    dirty = engine.dirty
    try:
        reply = command.handler(ctx, args)
        size = len(reply)
        if size and reply[0] == _MINUS:
            engine.statistics.count_error(reply, command.group == "scripting")
            command.failed_calls += 1
    except CommandError as problem:
        engine.statistics.count_error(b"-" + problem.line, command.group == "scripting")
        command.failed_calls += 1
        reply = b"-" + problem.line + CRLF
        size = len(reply)
    ctx.command = outer
    if not size and ctx.session.blocked is not None:
        timer.end_batch()
        if engine.monitors and not ctx.retrying:
            show_to_monitors(engine, ctx, args, started_us)
        return reply  # it is counted when it is served
    ctx.session.commands_done += 1
    if is_brief and size < BATCH_REPLY_BYTES_MAX and timer.calls < BATCH_CALLS_MAX:
        timer.calls += 1
        timer.caller = ctx
        timer.args = args
    else:
        timer.end_call(ctx, command, args, started_us)
    if engine.observes_calls:
        engine.observe_call(ctx, command, args, started_us)
    if engine.wants_propagation or ctx.propagated is not None:
        _record(ctx, command, args, engine.dirty != dirty)
    return reply


def _record(ctx: Context, command: Command, args: list[bytes], changed: bool) -> None:
    """Record what replicas must receive for a command that has run. What EXEC or a script did goes out as one batch."""
    propagated = ctx.propagated
    ctx.propagated = None
    engine = ctx.engine
    if not engine.wants_propagation:
        return
    index = ctx.db.index
    if propagated is not None:
        for words in propagated:
            engine.propagation.add(index, words)
    elif changed:
        engine.propagation.add(index, args)
    if not (ctx.in_exec or ctx.in_script) and engine.propagation.commit(command.name):
        ctx.session.written_offset = engine.replication.offset


def find_command(engine: "EngineParts", args: list[bytes]) -> Command:
    """The row for ``args``, down to the sub-command. Raises CommandError with Valkey's text when there is none."""
    command = engine.commands.get(args[0])
    if command is None:
        command = engine.commands.get(args[0].lower())
        if command is None:
            raise unknown_command(args)
    if command.subcommands is not None and len(args) > 1:
        sub = command.subcommands.get(args[1].lower())
        if sub is None:
            raise unknown_subcommand(command.name, args[1])
        return sub
    return command


def _check_flags(ctx: Context, command: Command, args: list[bytes]) -> bytes | None:
    """The reply of a request that does not run now: an error, ``QUEUED`` or nothing. None if it may run."""
    engine = ctx.engine
    session = ctx.session
    flags = session.client_flags
    if flags & CLIENT_NO_AUTH and not command.flags & NO_AUTH:
        return _refused(ctx, command, errors.NO_AUTH)
    if flags & CLIENT_MULTI and command.flags & NO_MULTI:
        which = b" '" + command.name + b"'" if engine.profile.names_command_refused_in_multi else b""
        return _refused(ctx, command, b"ERR Command" + which + b" not allowed inside a transaction")
    if flags & CLIENT_RESTRICTED:
        denied = denial(ctx, command, args)
        if denied is not None:
            return _refused(ctx, command, denied)
    if flags & CLIENT_METERED:
        limited = limit_error(engine, command, args)
        if limited is not None:
            return _refused(ctx, command, limited)
    if engine.blocked_by:
        problem = admission_error(ctx, command, args)
        if problem is not None:
            return _refused(ctx, command, problem)
        if session.blocked is not None:
            return b""  # held back by CLIENT PAUSE
    if flags & CLIENT_SUBSCRIBED and not ctx.resp3 and command.name not in _SUBSCRIBED_ALLOWED:
        return _refused(
            ctx,
            command,
            b"ERR Can't execute '" + command.name + b"': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET"
            b" are allowed in this context",
        )
    transaction = session.transaction
    if transaction is not None and command.name not in _RUN_INSIDE_MULTI:
        transaction.commands.append(Queued(command, args))
        if flags & CLIENT_METERED:
            note_units(engine, session, QUEUED)
        return _filter_reply(session, QUEUED)
    return None


def _unknown(ctx: Context, args: list[bytes], line: bytes) -> bytes:
    """No such command. A client that speaks HTTP may be a browser under attack, and is disconnected (server.c)."""
    reply = greeted(ctx.engine, ctx.session, args)
    if reply:
        return reply
    if args[0].lower() in _HTTP_WORDS:
        ctx.session.end_reason = b"possible attack: it speaks HTTP"
        ctx.engine.kill(ctx.session)
        return b""
    return _refused(ctx, None, line)


def _refused(ctx: Context, command: Command | None, line: bytes) -> bytes:
    """An error before the handler ran: an open transaction fails, too."""
    engine = ctx.engine
    session = ctx.session
    if session.transaction is not None:
        session.transaction.failed = True
    if command is not None:
        command.rejected_calls += 1
    if command is not None and command.name == b"exec" and line.split(b" ", 1)[0] not in _REDIRECTIONS:
        if session.transaction is not None:
            session.end_transaction()
            unwatch(session)
        line = b"EXECABORT Transaction discarded because of: " + line.removeprefix(b"ERR ")
    reply = error(line)
    engine.statistics.count_error(reply)
    return _filter_reply(session, reply) if session.client_flags else reply


def _filter_reply(session: Client, reply: bytes) -> bytes:
    """Drop ``reply`` if CLIENT REPLY asks for that. Subscriptions are confirmed all the same.

    A replica that takes our stream can't be told anything else: a reply ends its connection.
    """
    if session.client_flags & CLIENT_REPLICA_STREAM:
        if reply and session.last_command not in _BEGINS_STREAM:
            session.closing = True
        return b""
    is_confirmed = session.last_command in _CONFIRMED and reply[:1] in {b"*", b">"}
    if session.reply_off and not is_confirmed:
        return b""
    if session.reply_skip:
        session.reply_skip -= 1
        session.refresh_reply_flag()
        return reply if is_confirmed else b""
    return reply
