"""The connection itself: greeting, logging in, choosing a database and a protocol."""

from .. import errors
from ..command_table import ALLOW_BUSY, FAST, LOADING, NO_AUTH, NOSCRIPT, STALE, command
from ..context import Context
from ..errors import CommandError
from ..numbers import parse_int_or
from ..replies import OK, PONG, bulk

_EARLY = NOSCRIPT | LOADING | STALE | FAST | NO_AUTH | ALLOW_BUSY


@command("PING", arity=-1, flags=FAST, group="connection", since="1.0.0", summary="Answer, to show that the server lives.")  # fmt: skip
def ping(ctx: Context, args: list[bytes]) -> bytes:
    """PING [message]."""
    if len(args) > 2:
        raise errors.wrong_arity(b"ping")
    return PONG if len(args) == 1 else bulk(args[1])


@command("ECHO", arity=2, flags=LOADING | STALE | FAST, group="connection", since="1.0.0", summary="Answer with the argument.")  # fmt: skip
def echo(ctx: Context, args: list[bytes]) -> bytes:
    """ECHO message."""
    return bulk(args[1])


@command("SELECT", arity=2, flags=LOADING | STALE | FAST, group="connection", since="1.0.0", summary="Choose a database.")  # fmt: skip
def select(ctx: Context, args: list[bytes]) -> bytes:
    """SELECT index."""
    index = parse_int_or(args[1], errors.NOT_AN_INTEGER)
    if not 0 <= index < len(ctx.engine.databases):
        raise CommandError(errors.DB_INDEX_OUT_OF_RANGE)
    ctx.db = ctx.engine.databases[index]
    return OK


@command("QUIT", arity=-1, flags=_EARLY, group="connection", since="1.0.0", summary="Close the connection.")
def quit_(ctx: Context, args: list[bytes]) -> bytes:
    """QUIT."""
    ctx.session.closing = True
    return OK
