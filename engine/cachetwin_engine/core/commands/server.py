"""The server as a whole: its clock, role, saves, modules, and its end."""

from typing import Final

from ..command_table import (
    ADMIN,
    ALLOW_BUSY,
    BLOCKING,
    FAST,
    LOADING,
    NO_ASYNC_LOADING,
    NO_MULTI,
    NOSCRIPT,
    READONLY,
    STALE,
    command,
    container,
)
from ..context import Context
from ..errors import CommandError, syntax_error
from ..numbers import parse_int, parse_int_or
from ..replies import EMPTY_ARRAY, OK, ZERO, array, bulk, bulk_array, integer, simple
from .help_text import help_reply

_MODULES_CLOSED: Final = (
    b'ERR MODULE command not allowed. If the enable-module-command option is set to "local", you can run it from a '
    b"local connection, otherwise you need to set this option in the configuration file, and then restart the server."
)
_NO_MODULES: Final = b"ERR Error loading the extension. Please check the server logs."


@command("TIME", arity=1, flags=LOADING | STALE | FAST, group="server", since="2.6.0", categories=[b"fast"], tips=[b"nondeterministic_output"], summary="The server's clock.")  # fmt: skip
def time_(ctx: Context, args: list[bytes]) -> bytes:
    """TIME: Unix time in seconds, and the microseconds of the current one."""
    running = ctx.engine.running_script
    now_us = running.time_us if running is not None and ctx.in_script else ctx.engine.now_us()
    return bulk_array([b"%d" % (now_us // 1_000_000), b"%d" % (now_us % 1_000_000)])


@command("ROLE", arity=1, flags=NOSCRIPT | LOADING | STALE | FAST, group="server", since="2.8.12", categories=[b"admin", b"fast", b"dangerous"], summary="What this server is in replication.")  # fmt: skip
def role(ctx: Context, args: list[bytes]) -> bytes:
    """ROLE: a primary, its offset, its replicas."""
    return array([bulk(b"master"), integer(0), EMPTY_ARRAY])


@command("LASTSAVE", arity=1, flags=LOADING | STALE | FAST, group="server", since="1.0.0", categories=[b"admin", b"fast", b"dangerous"], tips=[b"nondeterministic_output"], summary="When data was last saved.")  # fmt: skip
def lastsave(ctx: Context, args: list[bytes]) -> bytes:
    """LASTSAVE: Unix time in seconds; the start until the first save."""
    return integer(ctx.engine.last_save_ms // 1000)


@command("SAVE", arity=1, flags=ADMIN | NOSCRIPT | NO_ASYNC_LOADING | NO_MULTI, group="server", since="1.0.0", complexity="O(N) where N is the total number of keys in all databases", categories=[b"admin", b"slow", b"dangerous"], summary="Save the data now.")  # fmt: skip
def save(ctx: Context, args: list[bytes]) -> bytes:
    """SAVE: this engine keeps its data in memory only, so there is nothing to wait for."""
    ctx.engine.note_save()
    return OK


@command("BGSAVE", arity=-1, flags=ADMIN | NOSCRIPT | NO_ASYNC_LOADING, group="server", since="1.0.0", categories=[b"admin", b"slow", b"dangerous"], arguments="[operation=<SCHEDULE@3.2.2 | CANCEL@8.1.0>]", history=[("3.2.2", "Added the `SCHEDULE` option."), ("8.1.0", "Added the `CANCEL` option.")], summary="Save the data in the background.")  # fmt: skip
def bgsave(ctx: Context, args: list[bytes]) -> bytes:
    """BGSAVE [SCHEDULE | CANCEL]: done at once, see SAVE."""
    word = args[1].lower() if len(args) == 2 else b""
    if len(args) > 2 or (len(args) == 2 and word not in {b"schedule", b"cancel"}):
        raise syntax_error()
    if word == b"cancel":
        raise CommandError(b"ERR Background saving is currently not in progress or scheduled")
    ctx.engine.note_save()
    return simple(b"Background saving started")


@command("BGREWRITEAOF", arity=1, flags=ADMIN | NOSCRIPT | NO_ASYNC_LOADING, group="server", since="1.0.0", categories=[b"admin", b"slow", b"dangerous"], summary="Rewrite the append-only file.")  # fmt: skip
def bgrewriteaof(ctx: Context, args: list[bytes]) -> bytes:
    """BGREWRITEAOF: there is no such file, so it is as short as can be."""
    return simple(b"Background append only file rewriting started")


@command("SHUTDOWN", arity=-1, flags=ADMIN | NOSCRIPT | LOADING | STALE | NO_MULTI | ALLOW_BUSY, group="server", since="1.0.0", complexity="O(N) when saving, where N is the total number of keys in all databases when saving data, otherwise O(1)", categories=[b"admin", b"slow", b"dangerous"], arguments="[abort-selector=<save-selector-block=([save-selector=<NOSAVE | SAVE>] [NOW@7.0.0] [FORCE@7.0.0] [SAFE@9.0.0] [FAILOVER@9.0.0]) | ABORT@7.0.0>]", history=[("7.0.0", "Added the `NOW`, `FORCE` and `ABORT` modifiers.")], summary="End the server.")  # fmt: skip
def shutdown(ctx: Context, args: list[bytes]) -> bytes:
    """SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT]: no reply, the connection ends."""
    words = {arg.lower() for arg in args[1:]}
    if words - {b"nosave", b"save", b"now", b"force", b"abort"} or {b"nosave", b"save"} <= words:
        raise syntax_error()
    if b"abort" in words:
        if len(words) > 1:
            raise syntax_error()
        raise CommandError(b"ERR No shutdown in progress.")
    ctx.engine.shutdown_requested = True
    ctx.engine.mark_pending(ctx.session)
    return b""


@command("WAIT", arity=3, flags=BLOCKING, group="generic", since="3.0.0", categories=[b"slow", b"blocking", b"connection"], arguments="numreplicas:integer timeout:integer", tips=[b"request_policy:all_shards", b"response_policy:agg_min"], summary="Wait until replicas have this connection's writes.")  # fmt: skip
def wait(ctx: Context, args: list[bytes]) -> bytes:
    """WAIT numreplicas timeout: how many replicas have them."""
    wanted = parse_int(args[1])
    deadline_ms = _deadline(ctx, args[2])
    if wanted <= 0 or not ctx.may_block:
        return ZERO
    return ctx.block([], deadline_ms, ZERO, args)


@command("WAITAOF", arity=4, flags=BLOCKING, group="generic", since="7.2.0", categories=[b"slow", b"blocking", b"connection"], arguments="numlocal:integer numreplicas:integer timeout:integer", tips=[b"request_policy:all_shards", b"response_policy:agg_min"], summary="Wait until logs have this connection's writes.")  # fmt: skip
def waitaof(ctx: Context, args: list[bytes]) -> bytes:
    """WAITAOF numlocal numreplicas timeout: how many logs here, and how many at replicas, have them."""
    local = parse_int(args[1])
    if not 0 <= local <= 1:
        raise CommandError(b"ERR value is out of range, value must between 0 and 1")
    replicas = parse_int(args[2])
    if replicas < 0:
        raise CommandError(b"ERR value is out of range, must be positive")
    deadline_ms = _deadline(ctx, args[3])
    if local:
        raise CommandError(b"ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.")
    nothing = array([ZERO, ZERO])
    if replicas == 0 or not ctx.may_block:
        return nothing
    return ctx.block([], deadline_ms, nothing, args)


def _deadline(ctx: Context, text: bytes) -> int:
    timeout_ms = parse_int_or(text, b"ERR timeout is not an integer or out of range")
    if timeout_ms < 0:
        raise CommandError(b"ERR timeout is negative")
    return ctx.engine.now_ms + timeout_ms if timeout_ms else 0


@command("LOLWUT", arity=-1, flags=READONLY | FAST, group="server", since="5.0.0", complexity="", categories=[b"read", b"fast"], arguments="[VERSION version:integer]", summary="A picture and the version.")  # fmt: skip
def lolwut(ctx: Context, args: list[bytes]) -> bytes:
    """LOLWUT [VERSION version]: a line of waves, drawn anew each time, above the version."""
    if len(args) > 2 and args[1].lower() == b"version":
        parse_int(args[2])
    heights = "▁▂▃▄▅▆▇█"
    random = ctx.engine.random
    level = random.below(len(heights))
    picture: list[str] = []
    for _ in range(60):
        level = min(len(heights) - 1, max(0, level + random.below(3) - 1))
        picture.append(heights[level])
    name = "Valkey" if ctx.engine.profile.is_valkey_from(9, 0) else "Redis"
    return ctx.verbatim(f"{''.join(picture)}\n\n{name} ver. {ctx.engine.profile.version}\n".encode())


@command("FAILOVER", arity=-1, flags=ADMIN | NOSCRIPT | STALE, group="server", since="6.2.0", categories=[b"admin", b"slow", b"dangerous"], arguments="[TO target=(host port [FORCE])] [ABORT] [TIMEOUT milliseconds]", summary="Hand over to a replica.")  # fmt: skip
def failover(ctx: Context, args: list[bytes]) -> bytes:
    """FAILOVER [TO host port [FORCE]] [ABORT] [TIMEOUT milliseconds]: needs a replica, and there is none."""
    at = 1
    abort = False
    while at < len(args):
        word = args[at].lower()
        if word == b"timeout" and at + 1 < len(args):
            if parse_int(args[at + 1]) <= 0:
                raise CommandError(b"ERR FAILOVER timeout must be greater than 0")
            at += 2
        elif word == b"abort":
            abort = True
            at += 1
        elif word == b"to" and at + 2 < len(args):
            parse_int(args[at + 2])
            at += 3
        elif word == b"force":
            at += 1
        else:
            raise syntax_error()
    if abort:
        raise CommandError(b"ERR No failover in progress.")
    raise CommandError(b"ERR FAILOVER requires connected replicas.")


container("MODULE", group="server", since="4.0.0", summary="Questions and orders about modules.")


@command("MODULE|LIST", arity=2, flags=ADMIN | NOSCRIPT, group="server", since="4.0.0", complexity="O(N) where N is the number of loaded modules.", categories=[b"admin", b"slow", b"dangerous"], tips=[b"nondeterministic_output_order"], summary="The modules that are loaded.")  # fmt: skip
def module_list(ctx: Context, args: list[bytes]) -> bytes:
    """MODULE LIST."""
    return EMPTY_ARRAY


@command("MODULE|LOAD", arity=-3, flags=ADMIN | NOSCRIPT | NO_ASYNC_LOADING, group="server", since="4.0.0", categories=[b"admin", b"slow", b"dangerous"], arguments="path [arg...]", summary="Load a module.")  # fmt: skip
def module_load(ctx: Context, args: list[bytes]) -> bytes:
    """MODULE LOAD path [arg ...]: this engine loads no machine code."""
    return _refuse_module(ctx)


@command("MODULE|LOADEX", arity=-3, flags=ADMIN | NOSCRIPT | NO_ASYNC_LOADING, group="server", since="7.0.0", categories=[b"admin", b"slow", b"dangerous"], arguments="path [CONFIG... configs=(name value)...] [ARGS args...]", summary="Load a module with parameters.")  # fmt: skip
def module_loadex(ctx: Context, args: list[bytes]) -> bytes:
    """MODULE LOADEX path [CONFIG name value ...] [ARGS arg ...]: this engine loads no machine code."""
    return _refuse_module(ctx)


@command("MODULE|UNLOAD", arity=3, flags=ADMIN | NOSCRIPT | NO_ASYNC_LOADING, group="server", since="4.0.0", categories=[b"admin", b"slow", b"dangerous"], arguments="name", summary="Unload a module.")  # fmt: skip
def module_unload(ctx: Context, args: list[bytes]) -> bytes:
    """MODULE UNLOAD name."""
    if not ctx.engine.allows(ctx.session, "enable-module-command"):
        raise CommandError(_MODULES_CLOSED)
    raise CommandError(b"ERR Error unloading module: no such module with that name")


def _refuse_module(ctx: Context) -> bytes:
    if not ctx.engine.allows(ctx.session, "enable-module-command"):
        raise CommandError(_MODULES_CLOSED)
    raise CommandError(_NO_MODULES)


@command("MODULE|HELP", arity=2, flags=LOADING | STALE, group="server", since="5.0.0", categories=[b"slow"], summary="Describe the sub-commands.")  # fmt: skip
def module_help(ctx: Context, args: list[bytes]) -> bytes:
    """MODULE HELP."""
    return help_reply(ctx, b"module")
