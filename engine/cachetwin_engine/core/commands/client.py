"""CLIENT: what a connection says of itself, and what one connection does to others."""

from ..command_table import ADMIN, ALLOW_BUSY, LOADING, NOSCRIPT, STALE, command, container
from ..context import Context
from ..errors import CommandError, syntax_error
from ..replies import OK, bulk, integer
from .connection import valid_name
from .help_text import help_reply

_FLAGS = NOSCRIPT | LOADING | STALE
_DANGEROUS = [b"dangerous"]

container("CLIENT", group="connection", since="2.4.0", summary="Questions and orders about connections.")


@command("CLIENT|ID", arity=2, flags=_FLAGS, group="connection", since="5.0.0", summary="The connection's number.")
def client_id(ctx: Context, args: list[bytes]) -> bytes:
    """CLIENT ID."""
    return integer(ctx.session.id)


@command("CLIENT|GETNAME", arity=2, flags=_FLAGS, group="connection", since="2.6.9", summary="The connection's name.")
def client_getname(ctx: Context, args: list[bytes]) -> bytes:
    """CLIENT GETNAME: null without a name."""
    name = ctx.session.name
    return bulk(name) if name else ctx.null


@command(
    "CLIENT|SETNAME",
    arity=3,
    flags=_FLAGS,
    group="connection",
    since="2.6.9",
    arguments="connection-name",
    summary="Name the connection.",
)
def client_setname(ctx: Context, args: list[bytes]) -> bytes:
    """CLIENT SETNAME name."""
    ctx.session.name = valid_name(args[2], b"Client names")
    return OK


@command(
    "CLIENT|SETINFO",
    arity=4,
    flags=_FLAGS,
    group="connection",
    since="7.2.0",
    arguments="LIB-NAME libname | LIB-VER libver",
    summary="Name the client library and its version.",
)
def client_setinfo(ctx: Context, args: list[bytes]) -> bytes:
    """CLIENT SETINFO LIB-NAME|LIB-VER value."""
    option = args[2].lower()
    if option == b"lib-name":
        ctx.session.lib_name = valid_name(args[3], b"lib-name")
    elif option == b"lib-ver":
        ctx.session.lib_version = valid_name(args[3], b"lib-ver")
    else:
        raise CommandError(b"ERR Unrecognized option '" + args[2] + b"'")
    return OK


@command("CLIENT|INFO", arity=2, flags=_FLAGS, group="connection", since="6.2.0", summary="Describe this connection.")
def client_info(ctx: Context, args: list[bytes]) -> bytes:
    """CLIENT INFO."""
    return ctx.verbatim(ctx.session.describe() + b"\n")


@command(
    "CLIENT|LIST",
    arity=-2,
    flags=_FLAGS | ADMIN,
    group="connection",
    since="2.4.0",
    categories=_DANGEROUS,
    complexity="O(N) where N is the number of client connections",
    arguments="[TYPE NORMAL | MASTER | REPLICA | PUBSUB] [ID client-id [client-id ...]]",
    summary="Describe all connections.",
)
def client_list(ctx: Context, args: list[bytes]) -> bytes:
    """CLIENT LIST: one line a connection."""
    lines = [session.describe() + b"\n" for session in ctx.engine.sessions.values()]
    return ctx.verbatim(b"".join(lines))


@command(
    "CLIENT|REPLY",
    arity=3,
    flags=_FLAGS,
    group="connection",
    since="3.2.0",
    arguments="ON | OFF | SKIP",
    summary="Turn replies off and on.",
)
def client_reply(ctx: Context, args: list[bytes]) -> bytes:
    """CLIENT REPLY ON|OFF|SKIP."""
    session = ctx.session
    mode = args[2].lower()
    if mode == b"on":
        session.reply_off = False
        session.reply_skip = 0
        ctx.engine.refresh_gates(session)
        return OK
    if mode == b"off":
        session.reply_off = True
    elif mode == b"skip":
        if not session.reply_off:
            session.reply_skip = 2
    else:
        raise syntax_error()
    ctx.engine.refresh_gates(session)
    return b""


@command(
    "CLIENT|NO-EVICT",
    arity=3,
    flags=_FLAGS | ADMIN,
    group="connection",
    since="7.0.0",
    categories=_DANGEROUS,
    arguments="ON | OFF",
    summary="Spare this connection when memory for clients runs out.",
)
def client_no_evict(ctx: Context, args: list[bytes]) -> bytes:
    """CLIENT NO-EVICT ON|OFF."""
    ctx.session.no_evict = _on_off(args[2])
    return OK


@command(
    "CLIENT|NO-TOUCH",
    arity=3,
    flags=_FLAGS,
    group="connection",
    since="7.2.0",
    arguments="ON | OFF",
    summary="Read without renewing the keys' access times.",
)
def client_no_touch(ctx: Context, args: list[bytes]) -> bytes:
    """CLIENT NO-TOUCH ON|OFF."""
    ctx.session.no_touch = _on_off(args[2])
    return OK


@command(
    "CLIENT|HELP",
    arity=2,
    flags=LOADING | STALE | ALLOW_BUSY,
    group="connection",
    since="5.0.0",
    summary="Describe the sub-commands.",
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
