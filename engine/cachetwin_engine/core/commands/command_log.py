"""COMMANDLOG and its predecessor SLOWLOG: the latest slow and large commands."""

from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.protocol.errors import CommandError
from cachetwin_engine.core.protocol.replies import OK, array, bulk, bulk_array, integer
from cachetwin_engine.core.registry.command_table import ADMIN, LOADING, ON_ALL_NODES, STALE, command, container
from cachetwin_engine.core.stats.command_log import KINDS, SLOW, CommandLog
from cachetwin_engine.core.text.numbers import integer_or_none

from .help_text import help_reply

_SHOWN = 10  # entries, if no count is given


container(
    "COMMANDLOG",
    summary="Inspect the logs of slow and large commands.",
    group="server",
    since="8.1.0",
)


@command(
    "COMMANDLOG|GET",
    summary="List entries of one log, newest first.",
    arguments="count type=<SLOW | LARGE-REQUEST | LARGE-REPLY>",
    arity=4,
    flags=ADMIN | LOADING | STALE,
    group="server",
    since="8.1.0",
    complexity="O(N) where N is the number of entries returned",
    tips=[b"request_policy:all_nodes", b"nondeterministic_output"],
    valkey_only=True,
)
def commandlog_get(ctx: Context, args: list[bytes]) -> bytes:
    """COMMANDLOG GET count SLOW|LARGE-REQUEST|LARGE-REPLY: a count of -1 returns all entries."""
    return _entries(_log(ctx, args[3]), args[2])


@command(
    "COMMANDLOG|LEN",
    summary="Count the entries of one log.",
    arguments="type=<SLOW | LARGE-REQUEST | LARGE-REPLY>",
    arity=3,
    flags=ADMIN | LOADING | STALE,
    group="server",
    since="8.1.0",
    tips=[b"request_policy:all_nodes", b"response_policy:agg_sum", b"nondeterministic_output"],
    valkey_only=True,
)
def commandlog_len(ctx: Context, args: list[bytes]) -> bytes:
    """COMMANDLOG LEN SLOW|LARGE-REQUEST|LARGE-REPLY."""
    return integer(len(_log(ctx, args[2]).entries))


@command(
    "COMMANDLOG|RESET",
    summary="Clear one log.",
    arguments="type=<SLOW | LARGE-REQUEST | LARGE-REPLY>",
    arity=3,
    flags=ADMIN | LOADING | STALE,
    group="server",
    since="8.1.0",
    complexity="O(N) where N is the number of entries in the commandlog",
    tips=ON_ALL_NODES,
    valkey_only=True,
)
def commandlog_reset(ctx: Context, args: list[bytes]) -> bytes:
    """COMMANDLOG RESET SLOW|LARGE-REQUEST|LARGE-REPLY."""
    _log(ctx, args[2]).entries = []
    return OK


@command(
    "COMMANDLOG|HELP",
    summary="Describe the sub-commands.",
    arity=2,
    flags=LOADING | STALE,
    group="server",
    since="8.1.0",
    valkey_only=True,
)
def commandlog_help(ctx: Context, args: list[bytes]) -> bytes:
    """COMMANDLOG HELP."""
    return help_reply(ctx, b"commandlog")


container(
    "SLOWLOG",
    summary="Inspect the log of slow commands.",
    group="server",
    since="2.2.12",
    deprecated="8.1.0|`COMMANDLOG`",
)


@command(
    "SLOWLOG|GET",
    summary="List the latest slow commands.",
    arguments="[count]",
    arity=-2,
    flags=ADMIN | LOADING | STALE,
    group="server",
    since="2.2.12",
    deprecated="8.1.0|`COMMANDLOG GET <count> SLOW`",
    complexity="O(N) where N is the number of entries returned",
    tips=[b"request_policy:all_nodes", b"nondeterministic_output"],
    history=[("4.0.0", "Added client IP address, port and name to the reply.")],
)
def slowlog_get(ctx: Context, args: list[bytes]) -> bytes:
    """SLOWLOG GET [count]: 10 entries by default; a count of -1 returns all entries."""
    return _entries(ctx.engine.call_logs.commands[SLOW], args[2] if len(args) > 2 else b"%d" % _SHOWN)


@command(
    "SLOWLOG|LEN",
    summary="Count the logged slow commands.",
    arity=2,
    flags=ADMIN | LOADING | STALE,
    group="server",
    since="2.2.12",
    deprecated="8.1.0|`COMMANDLOG LEN SLOW`",
    tips=[b"request_policy:all_nodes", b"response_policy:agg_sum", b"nondeterministic_output"],
)
def slowlog_len(ctx: Context, args: list[bytes]) -> bytes:
    """SLOWLOG LEN."""
    return integer(len(ctx.engine.call_logs.commands[SLOW].entries))


@command(
    "SLOWLOG|RESET",
    summary="Clear the log of slow commands.",
    arity=2,
    flags=ADMIN | LOADING | STALE,
    group="server",
    since="2.2.12",
    deprecated="8.1.0|`COMMANDLOG RESET SLOW`",
    complexity="O(N) where N is the number of entries in the slowlog",
    tips=ON_ALL_NODES,
)
def slowlog_reset(ctx: Context, args: list[bytes]) -> bytes:
    """SLOWLOG RESET."""
    ctx.engine.call_logs.commands[SLOW].entries = []
    return OK


@command(
    "SLOWLOG|HELP",
    summary="Describe the sub-commands.",
    arity=2,
    flags=LOADING | STALE,
    group="server",
    since="6.2.0",
    deprecated="8.1.0|`COMMANDLOG HELP`",
)
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
