"""READONLY, READWRITE and ASKING: what a connection accepts instead of a redirection."""

from typing import Final

from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.protocol.errors import CommandError
from cachetwin_engine.core.protocol.replies import OK
from cachetwin_engine.core.registry.command_table import FAST, LOADING, STALE, command

from .queries import DISABLED, state_of

_CONNECTION: Final = [b"fast", b"connection"]


@command(
    "READONLY",
    summary="Allow this connection to read from a replica of a cluster.",
    arity=1,
    flags=LOADING | STALE | FAST,
    group="cluster",
    since="3.0.0",
    categories=_CONNECTION,
)
def readonly(ctx: Context, args: list[bytes]) -> bytes:
    """READONLY."""
    _needs_cluster(ctx)
    ctx.session.reads_replica = True
    return OK


@command(
    "READWRITE",
    summary="Revoke what READONLY allowed.",
    arity=1,
    flags=LOADING | STALE | FAST,
    group="cluster",
    since="3.0.0",
    categories=_CONNECTION,
)
def readwrite(ctx: Context, args: list[bytes]) -> bytes:
    """READWRITE."""
    _needs_cluster(ctx)
    ctx.session.reads_replica = False
    return OK


def _needs_cluster(ctx: Context) -> None:
    """Raise CommandError without cluster mode; since Valkey 8 standalone replicas accept the commands too."""
    if ctx.engine.cluster is None and not ctx.engine.profile.has_standalone_readonly:
        raise CommandError(DISABLED)


@command(
    "ASKING",
    summary="Allow the next command to follow an ASK redirection.",
    arity=1,
    flags=FAST,
    group="cluster",
    since="3.0.0",
    categories=_CONNECTION,
)
def asking(ctx: Context, args: list[bytes]) -> bytes:
    """ASKING."""
    state_of(ctx)
    ctx.session.asking = 2
    return OK
