"""CLIENT: inspect and control connections."""

from typing import Final

from cachetwin_engine.core.commands.help_text import help_reply
from cachetwin_engine.core.execution.client_info import describe
from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.protocol.errors import (
    TIMEOUT_NEGATIVE,
    TIMEOUT_NOT_AN_INTEGER,
    UNBLOCKED,
    CommandError,
    syntax_error,
)
from cachetwin_engine.core.protocol.replies import OK, ONE, ZERO, bulk, integer
from cachetwin_engine.core.registry.command_table import (
    ADMIN,
    ALLOW_BUSY,
    LOADING,
    NO_MULTI,
    NONDETERMINISTIC,
    NOSCRIPT,
    ON_ALL_NODES,
    STALE,
    command,
    container,
)
from cachetwin_engine.core.state.client import Client
from cachetwin_engine.core.text.numbers import parse_int, parse_int_or

from .connection import valid_name
from .filter import ClientFilter

_FLAGS = NOSCRIPT | LOADING | STALE
_ABOUT_ITSELF = _FLAGS | ALLOW_BUSY  # allowed while a script is busy, because they concern this connection only

container(
    "CLIENT",
    summary="Inspect and control connections.",
    group="connection",
    since="2.4.0",
)


@command(
    "CLIENT|ID",
    summary="Return the ID of this connection.",
    arity=2,
    flags=_ABOUT_ITSELF,
    group="connection",
    since="5.0.0",
)
def client_id(ctx: Context, args: list[bytes]) -> bytes:
    """CLIENT ID."""
    return integer(ctx.session.id)


@command(
    "CLIENT|GETNAME",
    summary="Return the name of this connection.",
    arity=2,
    flags=_ABOUT_ITSELF,
    group="connection",
    since="2.6.9",
)
def client_getname(ctx: Context, args: list[bytes]) -> bytes:
    """CLIENT GETNAME: null if the connection has no name."""
    name = ctx.session.name
    return bulk(name) if name else ctx.null


@command(
    "CLIENT|SETNAME",
    summary="Set the name of this connection.",
    arguments="connection-name",
    arity=3,
    flags=_ABOUT_ITSELF,
    group="connection",
    since="2.6.9",
    tips=ON_ALL_NODES,
)
def client_setname(ctx: Context, args: list[bytes]) -> bytes:
    """CLIENT SETNAME name."""
    ctx.session.name = valid_name(args[2], b"Client names")
    return OK


@command(
    "CLIENT|SETINFO",
    summary="Set the name and the version of the client library.",
    arguments="attr=<LIB-NAME libname | LIB-VER libver>",
    arity=4,
    flags=_ABOUT_ITSELF,
    group="connection",
    since="7.2.0",
    tips=ON_ALL_NODES,
)
def client_setinfo(ctx: Context, args: list[bytes]) -> bytes:
    """CLIENT SETINFO LIB-NAME|LIB-VER value."""
    option = args[2].lower()
    if option == b"lib-name":
        ctx.session.lib_name = valid_name(args[3], args[2])
    elif option == b"lib-ver":
        ctx.session.lib_version = valid_name(args[3], args[2])
    else:
        raise CommandError(b"ERR Unrecognized option '" + args[2] + b"'")
    return OK


@command(
    "CLIENT|INFO",
    summary="Describe this connection.",
    arity=2,
    flags=_FLAGS,
    group="connection",
    since="6.2.0",
    tips=NONDETERMINISTIC,
)
def client_info(ctx: Context, args: list[bytes]) -> bytes:
    """CLIENT INFO."""
    return ctx.verbatim(describe(ctx.engine, ctx.session) + b"\n")


_CLIENT_LIST_ARGUMENTS: Final = (
    "[TYPE client-type=<NORMAL | MASTER | REPLICA | PUBSUB>@5.0.0] [ID client-id:integer@6.2.0...] "
    "[USER username@8.1.0] [ADDR addr{ip:port}@8.1.0] [LADDR laddr{ip:port}@8.1.0] "
    "[SKIPME skipme=<YES | NO>@8.1.0] [MAXAGE maxage:integer@8.1.0] [NAME name@9.0.0] [IDLE idle:integer@9.0.0] "
    "[FLAGS flags@9.0.0] [LIB-NAME lib-name@9.0.0] [LIB-VER lib-ver@9.0.0] [DB db:integer@9.0.0] [CAPA capa@9.0.0] "
    "[IP ip@9.0.0] [NOT-TYPE not-client-type=<NORMAL | MASTER | REPLICA | PUBSUB>@9.0.0] "
    "[NOT-ID not-client-id:integer@9.0.0...] [NOT-USER not-username@9.0.0] [NOT-ADDR not-addr{ip:port}@9.0.0] "
    "[NOT-LADDR not-laddr{ip:port}@9.0.0] [NOT-NAME not-name@9.0.0] [NOT-FLAGS not-flags@9.0.0] "
    "[NOT-LIB-NAME not-lib-name@9.0.0] [NOT-LIB-VER not-lib-ver@9.0.0] [NOT-DB not-db:integer@9.0.0] "
    "[NOT-CAPA not-capa@9.0.0] [NOT-IP not-ip@9.0.0]"
)
_CLIENT_LIST_HISTORY: Final = [
    ("2.8.12", "Added unique client `id` field."),
    ("5.0.0", "Added optional `TYPE` filter."),
    ("6.0.0", "Added `user` field."),
    ("6.2.0", "Added `argv-mem`, `tot-mem`, `laddr` and `redir` fields and the optional `ID` filter."),
    ("7.0.0", "Added `resp`, `multi-mem`, `rbs` and `rbp` fields."),
    ("7.0.3", "Added `ssub` field."),
    ("8.0.0", "Replaced `master` `TYPE` with `primary`. `master` still supported for backward compatibility."),
    ("8.1.0", "Added filters USER, ADDR, LADDR, SKIPME, and MAXAGE"),
    (
        "9.0.0",
        "Added filters by name, idle time, flags, library, database, capability and IP, and negated filters.",
    ),
]


@command(
    "CLIENT|LIST",
    summary="Describe all connections, or those that match the filters.",
    arguments=_CLIENT_LIST_ARGUMENTS,
    arity=-2,
    flags=ADMIN | NOSCRIPT | LOADING | STALE,
    group="connection",
    since="2.4.0",
    complexity="O(N) where N is the number of client connections",
    tips=NONDETERMINISTIC,
    history=_CLIENT_LIST_HISTORY,
)
def client_list(ctx: Context, args: list[bytes]) -> bytes:
    """CLIENT LIST [filter value ...]: one line for each connection."""
    engine = ctx.engine
    wanted = ClientFilter(ctx, args, 2, for_kill=False)
    lines = [describe(engine, client) + b"\n" for client in engine.clients.connected.values() if wanted.matches(client)]
    return ctx.verbatim(b"".join(lines))


_CLIENT_KILL_ARGUMENTS: Final = (
    "filter=<old-format{ip:port}!2.8.12 | new-format=<[ID client-id:integer@2.8.12...] "
    "| [TYPE client-type=<NORMAL | MASTER@3.2.0 | PRIMARY@8.0.0 | SLAVE | REPLICA@5.0.0 | PUBSUB>@2.8.12] "
    "| [USER username] | [ADDR addr{ip:port}] | [LADDR laddr{ip:port}@6.2.0] | [SKIPME skipme=<YES | NO>] "
    "| [MAXAGE maxage:integer@8.0.0] | [NAME name@9.0.0] | [IDLE idle:integer@9.0.0] | [FLAGS flags@9.0.0] "
    "| [LIB-NAME lib-name@9.0.0] | [LIB-VER lib-ver@9.0.0] | [DB db:integer@9.0.0] | [CAPA capa@9.0.0] "
    "| [IP ip@9.0.0] | [NOT-TYPE not-client-type=<NORMAL | MASTER | PRIMARY | SLAVE | REPLICA | PUBSUB>@9.0.0] "
    "| [NOT-ID not-client-id:integer@9.0.0...] | [NOT-USER not-username@9.0.0] "
    "| [NOT-ADDR not-addr{ip:port}@9.0.0] | [NOT-LADDR not-laddr{ip:port}@9.0.0] | [NOT-NAME not-name@9.0.0] "
    "| [NOT-FLAGS not-flags@9.0.0] | [NOT-LIB-NAME not-lib-name@9.0.0] | [NOT-LIB-VER not-lib-ver@9.0.0] "
    "| [NOT-DB not-db:integer@9.0.0] | [NOT-CAPA not-capa@9.0.0] | [NOT-IP not-ip@9.0.0]>...>"
)
_CLIENT_KILL_HISTORY: Final = [
    ("2.8.12", "Added new filter format."),
    ("2.8.12", "`ID` option."),
    ("3.2.0", "Added `master` type in for `TYPE` option."),
    ("5.0.0", "Replaced `slave` `TYPE` with `replica`. `slave` still supported for backward compatibility."),
    ("6.2.0", "`LADDR` option."),
    ("8.0.0", "`MAXAGE` option."),
    ("8.0.0", "Replaced `master` `TYPE` with `primary`. `master` still supported for backward compatibility."),
    ("8.1.0", "`ID` option accepts multiple IDs."),
    (
        "9.0.0",
        "Added filters by name, idle time, flags, library, database, capability and IP, and negated filters.",
    ),
]


@command(
    "CLIENT|KILL",
    summary="Close connections.",
    arguments=_CLIENT_KILL_ARGUMENTS,
    arity=-3,
    flags=ADMIN | NOSCRIPT | LOADING | STALE,
    group="connection",
    since="2.4.0",
    complexity="O(N) where N is the number of client connections",
    history=_CLIENT_KILL_HISTORY,
)
def client_kill(ctx: Context, args: list[bytes]) -> bytes:
    """CLIENT KILL ip:port | filter value ...: OK for an address, otherwise the number of closed connections."""
    engine = ctx.engine
    if len(args) == 3:
        address = args[2].decode("latin-1")
        for client in list(engine.clients.connected.values()):
            if client.address == address:
                _end(ctx, client)
                return OK
        raise CommandError(b"ERR No such client")
    wanted = ClientFilter(ctx, args, 2, for_kill=True)
    count = 0
    for client in list(engine.clients.connected.values()):
        if wanted.matches(client):
            _end(ctx, client)
            count += 1
    return integer(count)


def _end(ctx: Context, client: Client) -> None:
    """Close a connection; the caller's own after the reply."""
    if client is ctx.session:
        client.closing = True
    else:
        ctx.engine.kill(client)


@command(
    "CLIENT|UNBLOCK",
    summary="Unblock another connection.",
    arguments="client-id:integer [unblock-type=<TIMEOUT | ERROR>]",
    arity=-3,
    flags=ADMIN | NOSCRIPT | LOADING | STALE,
    group="connection",
    since="5.0.0",
    complexity="O(log N) where N is the number of client connections",
)
def client_unblock(ctx: Context, args: list[bytes]) -> bytes:
    """CLIENT UNBLOCK client-id [TIMEOUT | ERROR]: 1 if the client was blocked."""
    as_error = False
    if len(args) == 4:
        how = args[3].lower()
        if how not in {b"timeout", b"error"}:
            raise CommandError(b"ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")
        as_error = how == b"error"
    elif len(args) > 4 and not ctx.engine.profile.ignores_extra_unblock_arguments:
        raise CommandError(
            b"ERR unknown subcommand or wrong number of arguments for '" + args[1] + b"'. Try CLIENT HELP."
        )
    session = ctx.engine.clients.connected.get(parse_int(args[2]))
    if session is None or session.blocked is None or session.is_postponed():
        return ZERO
    if as_error:
        session.refuse_wait(UNBLOCKED)
    else:
        session.unblock(session.blocked.on_timeout)
    return ONE


@command(
    "CLIENT|PAUSE",
    summary="Hold back commands for some milliseconds.",
    arguments="timeout:integer [mode=<WRITE | ALL>@6.2.0]",
    arity=-3,
    flags=ADMIN | NOSCRIPT | LOADING | STALE,
    group="connection",
    since="3.0.0",
    history=[("6.2.0", "`CLIENT PAUSE WRITE` mode added along with the `mode` option.")],
)
def client_pause(ctx: Context, args: list[bytes]) -> bytes:
    """CLIENT PAUSE milliseconds [WRITE | ALL]."""
    everything = True
    if len(args) > 4:
        raise syntax_error()
    if len(args) == 4:
        mode = args[3].lower()
        if mode not in {b"write", b"all"}:
            raise CommandError(b"ERR CLIENT PAUSE mode must be WRITE or ALL")
        everything = mode == b"all"
    timeout_ms = parse_int_or(args[2], TIMEOUT_NOT_AN_INTEGER)
    if timeout_ms < 0:
        raise CommandError(TIMEOUT_NEGATIVE)
    ctx.engine.pause.begin(ctx.engine.now_ms + timeout_ms, everything)
    return OK


@command(
    "CLIENT|UNPAUSE",
    summary="Resume the commands that CLIENT PAUSE holds back.",
    arity=2,
    flags=ADMIN | NOSCRIPT | LOADING | STALE,
    group="connection",
    since="6.2.0",
    complexity="O(N) Where N is the number of paused clients",
)
def client_unpause(ctx: Context, args: list[bytes]) -> bytes:
    """CLIENT UNPAUSE."""
    ctx.engine.pause.end()
    return OK


@command(
    "CLIENT|CAPA",
    summary="Declare what the client supports.",
    arguments="capability...",
    arity=-3,
    flags=_ABOUT_ITSELF,
    group="connection",
    since="8.0.0",
    valkey_only=True,
)
def client_capa(ctx: Context, args: list[bytes]) -> bytes:
    """CLIENT CAPA capability [capability ...]: unknown capabilities are ignored."""
    for word in args[2:]:
        if word.lower() == b"redirect":
            ctx.session.redirects = True
    return OK


@command(
    "CLIENT|IMPORT-SOURCE",
    summary="Mark the connection as the source of an import.",
    arguments="enabled=<ON | OFF>",
    arity=3,
    flags=NOSCRIPT | LOADING | STALE,
    group="connection",
    since="8.1.0",
    valkey_only=True,
)
def client_import_source(ctx: Context, args: list[bytes]) -> bytes:
    """CLIENT IMPORT-SOURCE ON|OFF."""
    imports = _on_off(args[2])
    if imports and not ctx.engine.config.boolean("import-mode"):
        raise CommandError(b"ERR Server is not in import mode")
    ctx.session.imports = imports
    return OK


@command(
    "CLIENT|REPLY",
    summary="Turn replies on or off.",
    arguments="action=<ON | OFF | SKIP>",
    arity=3,
    flags=_ABOUT_ITSELF | NO_MULTI,
    group="connection",
    since="3.2.0",
)
def client_reply(ctx: Context, args: list[bytes]) -> bytes:
    """CLIENT REPLY ON|OFF|SKIP."""
    session = ctx.session
    mode = args[2].lower()
    if mode == b"on":
        session.reply_off = False
        session.reply_skip = 0
        session.refresh_reply_flag()
        return OK
    if mode == b"off":
        session.reply_off = True
    elif mode == b"skip":
        if not session.reply_off:
            session.reply_skip = 2
    else:
        raise syntax_error()
    session.refresh_reply_flag()
    return b""


@command(
    "CLIENT|NO-EVICT",
    summary="Exempt this connection from eviction when clients use too much memory.",
    arguments="enabled=<ON | OFF>",
    arity=3,
    flags=_ABOUT_ITSELF | ADMIN,
    group="connection",
    since="7.0.0",
)
def client_no_evict(ctx: Context, args: list[bytes]) -> bytes:
    """CLIENT NO-EVICT ON|OFF."""
    ctx.session.no_evict = _on_off(args[2])
    return OK


@command(
    "CLIENT|NO-TOUCH",
    summary="Read keys without updating their access time.",
    arguments="enabled=<ON | OFF>",
    arity=3,
    flags=_ABOUT_ITSELF,
    group="connection",
    since="7.2.0",
)
def client_no_touch(ctx: Context, args: list[bytes]) -> bytes:
    """CLIENT NO-TOUCH ON|OFF."""
    ctx.session.no_touch = _on_off(args[2])
    if ctx.session.no_touch:
        ctx.engine.access_log.turn_on()
    return OK


@command(
    "CLIENT|HELP",
    summary="Describe the sub-commands.",
    arity=2,
    flags=LOADING | STALE,
    group="connection",
    since="5.0.0",
)
def client_help(ctx: Context, args: list[bytes]) -> bytes:
    """CLIENT HELP."""
    return help_reply(ctx, b"client")


def _on_off(word: bytes) -> bool:
    value = word.lower()
    if value == b"on":
        return True
    if value == b"off":
        return False
    raise syntax_error()
