"""COMMANDLOG, and SLOWLOG as it was called before: the latest commands that were slow or large."""

from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.protocol.errors import CommandError
from cachetwin_engine.core.protocol.replies import OK, array, bulk, bulk_array, integer
from cachetwin_engine.core.registry.command_table import ADMIN, LOADING, STALE, command, container
from cachetwin_engine.core.stats.command_log import KINDS, SLOW, CommandLog
from cachetwin_engine.core.text.numbers import integer_or_none

from .help_text import help_reply

_SHOWN = 10  # entries without a count


container("COMMANDLOG", group="server", since="8.1.0", summary="Questions about commands that were slow or large.")


@command("COMMANDLOG|GET", arity=4, flags=ADMIN | LOADING | STALE, group="server", since="8.1.0", complexity="O(N) where N is the number of entries returned", categories=[b"admin", b"slow", b"dangerous"], arguments="count type=<SLOW | LARGE-REQUEST | LARGE-REPLY>", tips=[b"request_policy:all_nodes", b"nondeterministic_output"], valkey_only=True, summary="Entries of one log, newest first.")  # fmt: skip
def commandlog_get(ctx: Context, args: list[bytes]) -> bytes:
    """COMMANDLOG GET count SLOW|LARGE-REQUEST|LARGE-REPLY: -1 for all."""
    return _entries(_log(ctx, args[3]), args[2])


@command("COMMANDLOG|LEN", arity=3, flags=ADMIN | LOADING | STALE, group="server", since="8.1.0", categories=[b"admin", b"slow", b"dangerous"], arguments="type=<SLOW | LARGE-REQUEST | LARGE-REPLY>", tips=[b"request_policy:all_nodes", b"response_policy:agg_sum", b"nondeterministic_output"], valkey_only=True, summary="How many entries one log has.")  # fmt: skip
def commandlog_len(ctx: Context, args: list[bytes]) -> bytes:
    """COMMANDLOG LEN SLOW|LARGE-REQUEST|LARGE-REPLY."""
    return integer(len(_log(ctx, args[2]).entries))


@command("COMMANDLOG|RESET", arity=3, flags=ADMIN | LOADING | STALE, group="server", since="8.1.0", complexity="O(N) where N is the number of entries in the commandlog", categories=[b"admin", b"slow", b"dangerous"], arguments="type=<SLOW | LARGE-REQUEST | LARGE-REPLY>", tips=[b"request_policy:all_nodes", b"response_policy:all_succeeded"], valkey_only=True, summary="Empty one log.")  # fmt: skip
def commandlog_reset(ctx: Context, args: list[bytes]) -> bytes:
    """COMMANDLOG RESET SLOW|LARGE-REQUEST|LARGE-REPLY."""
    _log(ctx, args[2]).entries = []
    return OK


@command("COMMANDLOG|HELP", arity=2, flags=LOADING | STALE, group="server", since="8.1.0", categories=[b"slow"], valkey_only=True, summary="Describe the sub-commands.")  # fmt: skip
def commandlog_help(ctx: Context, args: list[bytes]) -> bytes:
    """COMMANDLOG HELP."""
    return help_reply(ctx, b"commandlog")


container(
    "SLOWLOG",
    group="server",
    since="2.2.12",
    summary="Questions about commands that were slow.",
    deprecated="8.1.0|`COMMANDLOG`",
)


@command("SLOWLOG|GET", arity=-2, flags=ADMIN | LOADING | STALE, group="server", since="2.2.12", complexity="O(N) where N is the number of entries returned", categories=[b"admin", b"slow", b"dangerous"], arguments="[count]", tips=[b"request_policy:all_nodes", b"nondeterministic_output"], history=[("4.0.0", "Added client IP address, port and name to the reply.")], deprecated="8.1.0|`COMMANDLOG GET <count> SLOW`", summary="The latest slow commands.")  # fmt: skip
def slowlog_get(ctx: Context, args: list[bytes]) -> bytes:
    """SLOWLOG GET [count]: ten without a count, -1 for all."""
    return _entries(ctx.engine.call_logs.commands[SLOW], args[2] if len(args) > 2 else b"%d" % _SHOWN)


@command("SLOWLOG|LEN", arity=2, flags=ADMIN | LOADING | STALE, group="server", since="2.2.12", categories=[b"admin", b"slow", b"dangerous"], tips=[b"request_policy:all_nodes", b"response_policy:agg_sum", b"nondeterministic_output"], deprecated="8.1.0|`COMMANDLOG LEN SLOW`", summary="How many slow commands are logged.")  # fmt: skip
def slowlog_len(ctx: Context, args: list[bytes]) -> bytes:
    """SLOWLOG LEN."""
    return integer(len(ctx.engine.call_logs.commands[SLOW].entries))


@command("SLOWLOG|RESET", arity=2, flags=ADMIN | LOADING | STALE, group="server", since="2.2.12", complexity="O(N) where N is the number of entries in the slowlog", categories=[b"admin", b"slow", b"dangerous"], tips=[b"request_policy:all_nodes", b"response_policy:all_succeeded"], deprecated="8.1.0|`COMMANDLOG RESET SLOW`", summary="Empty the log of slow commands.")  # fmt: skip
def slowlog_reset(ctx: Context, args: list[bytes]) -> bytes:
    """SLOWLOG RESET."""
    ctx.engine.call_logs.commands[SLOW].entries = []
    return OK


@command("SLOWLOG|HELP", arity=2, flags=LOADING | STALE, group="server", since="6.2.0", categories=[b"slow"], deprecated="8.1.0|`COMMANDLOG HELP`", summary="Describe the sub-commands.")  # fmt: skip
def slowlog_help(ctx: Context, args: list[bytes]) -> bytes:
    """SLOWLOG HELP."""
    return help_reply(ctx, b"slowlog")


def _log(ctx: Context, name: bytes) -> CommandLog:
    kind = KINDS.get(name.lower())
    if kind is None:
        raise CommandError(b"ERR type should be one of the following: slow, large-request, large-reply")
    return ctx.engine.call_logs.commands[kind]


def _entries(log: CommandLog, count_text: bytes) -> bytes:
    count = integer_or_none(count_text)
    if count is None or count < -1:
        raise CommandError(b"ERR count should be greater than or equal to -1")
    entries = log.entries if count == -1 else log.entries[:count]
    return array(
        [
            array(
                [
                    integer(entry.number), integer(entry.at_s), integer(entry.value), bulk_array(entry.args),
                    bulk(entry.address), bulk(entry.name),
                ]
            )
            for entry in entries
        ]
    )  # fmt: skip
