"""CONFIG: read and change parameters while the engine runs."""

from typing import TYPE_CHECKING

from cachetwin_engine.core.admin.config_changes import change_config
from cachetwin_engine.core.config.rewrite import rewritten
from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.protocol.errors import CommandError, syntax_error
from cachetwin_engine.core.protocol.replies import OK, bulk
from cachetwin_engine.core.registry.command_table import (
    ADMIN,
    LOADING,
    NOSCRIPT,
    ON_ALL_NODES,
    STALE,
    command,
    container,
)

from .help_text import help_reply

if TYPE_CHECKING:
    from cachetwin_engine.core.engine_parts import EngineParts

_FLAGS = ADMIN | NOSCRIPT | LOADING | STALE


def rewrite_config(engine: "EngineParts", everything: bool) -> None:
    """Write the parameters into the configuration file, and the users if there is no ACL file. Raises CommandError."""
    path = engine.host.config_file
    if not path:
        raise CommandError(b"ERR The server is running without a config file")
    users: list[bytes] = []
    if not engine.config.get("aclfile"):
        users = [user.describe(engine.acl.sanitizing) for _, user in sorted(engine.acl.users.items())]
    try:
        text = engine.host.read_file(path)
        engine.host.replace_file(path, rewritten(text, engine.config, users, everything))
    except OSError as problem:
        raise CommandError(b"ERR Rewriting config file: " + (problem.strerror or "").encode()) from None


container(
    "CONFIG",
    summary="Read and change parameters.",
    group="server",
    since="2.0.0",
)


@command(
    "CONFIG|GET",
    summary="Read parameters by name or pattern.",
    arguments="parameter...",
    arity=-3,
    flags=_FLAGS,
    group="server",
    since="2.0.0",
    complexity="O(N) when N is the number of configuration parameters provided",
    history=[("7.0.0", "Accepts several patterns.")],
)
def config_get(ctx: Context, args: list[bytes]) -> bytes:
    """CONFIG GET pattern [pattern ...]: a map of names and values."""
    items: list[bytes] = []
    for name, value in ctx.engine.config.matching(args[2:]):
        items.append(bulk(name))
        items.append(bulk(value))
    return ctx.map_reply(items)


@command(
    "CONFIG|SET",
    summary="Change parameters; either all of them change or none.",
    arguments="data=(parameter value)...",
    arity=-4,
    flags=_FLAGS,
    group="server",
    since="2.0.0",
    complexity="O(N) when N is the number of configuration parameters provided",
    tips=ON_ALL_NODES,
    history=[("7.0.0", "Accepts several parameters.")],
)
def config_set(ctx: Context, args: list[bytes]) -> bytes:
    """CONFIG SET name value [name value ...]."""
    if len(args) % 2:
        raise syntax_error()
    pairs = [(args[at], args[at + 1]) for at in range(2, len(args), 2)]
    change_config(ctx.engine, pairs, ctx.engine.allows(ctx.session, "enable-protected-configs"))
    return OK


@command(
    "CONFIG|RESETSTAT",
    summary="Reset the statistics that INFO reports.",
    arity=2,
    flags=_FLAGS,
    group="server",
    since="2.0.0",
    tips=ON_ALL_NODES,
)
def config_resetstat(ctx: Context, args: list[bytes]) -> bytes:
    """CONFIG RESETSTAT."""
    ctx.engine.reset_statistics()
    return OK


@command(
    "CONFIG|REWRITE",
    summary="Write the parameters to the configuration file.",
    arity=2,
    flags=_FLAGS,
    group="server",
    since="2.8.0",
    tips=ON_ALL_NODES,
)
def config_rewrite(ctx: Context, args: list[bytes]) -> bytes:
    """CONFIG REWRITE: write the file that the engine was started with."""
    rewrite_config(ctx.engine, everything=False)
    return OK


@command(
    "CONFIG|HELP",
    summary="Describe the sub-commands.",
    arity=2,
    flags=LOADING | STALE,
    group="server",
    since="5.0.0",
)
def config_help(ctx: Context, args: list[bytes]) -> bytes:
    """CONFIG HELP."""
    return help_reply(ctx, b"config")
