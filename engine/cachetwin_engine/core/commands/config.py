"""CONFIG: read and change parameters while the engine runs."""

from ..command_table import ADMIN, LOADING, NOSCRIPT, STALE, command, container
from ..context import Context
from ..errors import CommandError, wrong_arity
from ..replies import OK, bulk
from .help_text import help_reply

_FLAGS = ADMIN | NOSCRIPT | LOADING | STALE

container("CONFIG", group="server", since="2.0.0", summary="Read and change parameters.")


@command(
    "CONFIG|GET",
    arity=-3,
    flags=_FLAGS,
    group="server",
    since="2.0.0",
    complexity="O(N) when N is the number of configuration parameters provided",
    arguments="parameter [parameter ...]",
    summary="Read parameters by name or pattern.",
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
    arity=-4,
    flags=_FLAGS,
    group="server",
    since="2.0.0",
    complexity="O(N) when N is the number of configuration parameters provided",
    arguments="parameter value [parameter value ...]",
    summary="Change parameters, all or none.",
    tips=[b"request_policy:all_nodes", b"response_policy:all_succeeded"],
)
def config_set(ctx: Context, args: list[bytes]) -> bytes:
    """CONFIG SET name value [name value ...]."""
    if len(args) % 2:
        raise wrong_arity(b"config|set")
    ctx.engine.config.set_many([(args[at], args[at + 1]) for at in range(2, len(args), 2)])
    ctx.engine.config_changed()
    return OK


@command(
    "CONFIG|RESETSTAT",
    arity=2,
    flags=_FLAGS,
    group="server",
    since="2.0.0",
    summary="Start the statistics of INFO anew.",
    tips=[b"request_policy:all_nodes", b"response_policy:all_succeeded"],
)
def config_resetstat(ctx: Context, args: list[bytes]) -> bytes:
    """CONFIG RESETSTAT."""
    ctx.engine.reset_statistics()
    return OK


@command(
    "CONFIG|REWRITE",
    arity=2,
    flags=_FLAGS,
    group="server",
    since="2.8.0",
    summary="Write the parameters to the configuration file.",
    tips=[b"request_policy:all_nodes", b"response_policy:all_succeeded"],
)
def config_rewrite(ctx: Context, args: list[bytes]) -> bytes:
    """CONFIG REWRITE: this engine has no file of its own to write."""
    raise CommandError(b"ERR The server is running without a config file")


@command(
    "CONFIG|HELP", arity=2, flags=LOADING | STALE, group="server", since="5.0.0", summary="Describe the sub-commands."
)
def config_help(ctx: Context, args: list[bytes]) -> bytes:
    """CONFIG HELP."""
    return help_reply(ctx, b"config")
