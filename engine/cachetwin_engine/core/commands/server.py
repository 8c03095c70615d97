"""TIME, LOLWUT and MODULE."""

from typing import Final

from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.protocol.errors import CommandError
from cachetwin_engine.core.protocol.replies import EMPTY_ARRAY, bulk_array
from cachetwin_engine.core.registry.command_table import (
    ADMIN,
    FAST,
    LOADING,
    NO_ASYNC_LOADING,
    NONDETERMINISTIC,
    NONDETERMINISTIC_ORDER,
    NOSCRIPT,
    READONLY,
    STALE,
    command,
    container,
)
from cachetwin_engine.core.text.numbers import parse_int

from .help_text import help_reply

_MODULES_CLOSED: Final = (
    b'ERR MODULE command not allowed. If the enable-module-command option is set to "local", you can run it from a '
    b"local connection, otherwise you need to set this option in the configuration file, and then restart the server."
)
_NO_MODULES: Final = b"ERR Error loading the extension. Please check the server logs."


@command(
    "TIME",
    summary="Return the server's time.",
    arity=1,
    flags=LOADING | STALE | FAST,
    group="server",
    since="2.6.0",
    tips=NONDETERMINISTIC,
)
def time_(ctx: Context, args: list[bytes]) -> bytes:
    """TIME: Unix time in seconds, and the microseconds of the current second."""
    running = ctx.engine.running_script
    now_us = running.time_us if running is not None and ctx.in_script else ctx.engine.now_us()
    return bulk_array([b"%d" % (now_us // 1_000_000), b"%d" % (now_us % 1_000_000)])


@command(
    "LOLWUT",
    summary="Return a picture and the version.",
    arguments="[VERSION version:integer]",
    arity=-1,
    flags=READONLY | FAST,
    group="server",
    since="5.0.0",
    complexity="",
)
def lolwut(ctx: Context, args: list[bytes]) -> bytes:
    """LOLWUT [VERSION version]: a line of random waves above the version."""
    if len(args) > 2 and args[1].lower() == b"version":
        parse_int(args[2])
    heights = "▁▂▃▄▅▆▇█"
    random = ctx.engine.random
    level = random.below(len(heights))
    picture: list[str] = []
    for _ in range(60):
        level = min(len(heights) - 1, max(0, level + random.below(3) - 1))
        picture.append(heights[level])
    profile = ctx.engine.profile
    name, version = "Redis", profile.version
    if profile.lolwut_names_valkey:
        compatible = ctx.engine.config.boolean("extended-redis-compatibility")
        name, version = ("Redis", profile.compatible_version) if compatible else ("Valkey", profile.version)
    return ctx.verbatim(f"{''.join(picture)}\n\n{name} ver. {version}\n".encode())


container(
    "MODULE",
    summary="Manage modules.",
    group="server",
    since="4.0.0",
)


@command(
    "MODULE|LIST",
    summary="List the loaded modules.",
    arity=2,
    flags=ADMIN | NOSCRIPT,
    group="server",
    since="4.0.0",
    complexity="O(N) where N is the number of loaded modules.",
    tips=NONDETERMINISTIC_ORDER,
)
def module_list(ctx: Context, args: list[bytes]) -> bytes:
    """MODULE LIST."""
    return EMPTY_ARRAY


@command(
    "MODULE|LOAD",
    summary="Load a module.",
    arguments="path [arg...]",
    arity=-3,
    flags=ADMIN | NOSCRIPT | NO_ASYNC_LOADING,
    group="server",
    since="4.0.0",
)
def module_load(ctx: Context, args: list[bytes]) -> bytes:
    """MODULE LOAD path [arg ...]: always refused, because this engine loads no machine code."""
    return _refuse_module(ctx)


@command(
    "MODULE|LOADEX",
    summary="Load a module with parameters.",
    arguments="path [CONFIG... configs=(name value)...] [ARGS args...]",
    arity=-3,
    flags=ADMIN | NOSCRIPT | NO_ASYNC_LOADING,
    group="server",
    since="7.0.0",
)
def module_loadex(ctx: Context, args: list[bytes]) -> bytes:
    """MODULE LOADEX path [CONFIG name value ...] [ARGS arg ...]: always refused, as MODULE LOAD."""
    return _refuse_module(ctx)


@command(
    "MODULE|UNLOAD",
    summary="Unload a module.",
    arguments="name",
    arity=3,
    flags=ADMIN | NOSCRIPT | NO_ASYNC_LOADING,
    group="server",
    since="4.0.0",
)
def module_unload(ctx: Context, args: list[bytes]) -> bytes:
    """MODULE UNLOAD name."""
    if not ctx.engine.allows(ctx.session, "enable-module-command"):
        raise CommandError(_MODULES_CLOSED)
    raise CommandError(b"ERR Error unloading module: no such module with that name")


def _refuse_module(ctx: Context) -> bytes:
    if not ctx.engine.allows(ctx.session, "enable-module-command"):
        raise CommandError(_MODULES_CLOSED)
    raise CommandError(_NO_MODULES)


@command(
    "MODULE|HELP",
    summary="Describe the sub-commands.",
    arity=2,
    flags=LOADING | STALE,
    group="server",
    since="5.0.0",
)
def module_help(ctx: Context, args: list[bytes]) -> bytes:
    """MODULE HELP."""
    return help_reply(ctx, b"module")
