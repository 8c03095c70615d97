"""FUNCTION and FCALL: libraries of functions that are kept with the data."""

from typing import Final

from cachetwin_engine.core.commands.help_text import help_reply
from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.observers.monitors import show_to_monitors
from cachetwin_engine.core.protocol.errors import CommandError, bad_subcommand
from cachetwin_engine.core.protocol.replies import OK, array, bulk, bulk_array, integer, simple
from cachetwin_engine.core.registry.command_table import (
    ALLOW_BUSY,
    DENYOOM,
    LOADING,
    MAY_REPLICATE,
    MOVABLE_KEYS,
    NO_MANDATORY_KEYS,
    NONDETERMINISTIC_ORDER,
    NOSCRIPT,
    ON_ALL_SHARDS,
    READONLY,
    SKIP_MONITOR,
    STALE,
    WRITE,
    KeySpec,
    command,
    container,
)
from cachetwin_engine.core.scripting.payload import code_of_payload, payload_of
from cachetwin_engine.core.scripting.runner import call_function
from cachetwin_engine.core.scripting.store import Library
from cachetwin_engine.core.text.glob import glob_match_nocase

from .scripts import kill

_BAD_PAYLOAD: Final = b"ERR DUMP payload version or checksum are wrong"


@command(
    "FCALL",
    summary="Call a function.",
    arguments="function numkeys [key...] [arg...]",
    arity=-3,
    flags=NOSCRIPT | STALE | SKIP_MONITOR | MAY_REPLICATE | MOVABLE_KEYS | NO_MANDATORY_KEYS,
    keys=[
        KeySpec(
            "RW",
            "access update",
            index=2,
            numkeys=0,
            first=1,
            notes="We cannot tell how the keys will be used so we assume the worst, RW and UPDATE",
        )
    ],
    group="scripting",
    since="7.0.0",
    complexity="Depends on the function that is executed.",
)
def fcall(ctx: Context, args: list[bytes]) -> bytes:
    """FCALL function numkeys [key ...] [arg ...]."""
    return _call(ctx, args, read_only=False)


@command(
    "FCALL_RO",
    summary="Call a function that must not write.",
    arguments="function numkeys [key...] [arg...]",
    arity=-3,
    flags=READONLY | NOSCRIPT | STALE | SKIP_MONITOR | MOVABLE_KEYS | NO_MANDATORY_KEYS,
    keys=[
        KeySpec(
            "RO",
            "access",
            index=2,
            numkeys=0,
            first=1,
            notes="We cannot tell how the keys will be used so we assume the worst, RO and ACCESS",
        )
    ],
    group="scripting",
    since="7.0.0",
    complexity="Depends on the function that is executed.",
)
def fcall_ro(ctx: Context, args: list[bytes]) -> bytes:
    """FCALL_RO function numkeys [key ...] [arg ...]."""
    return _call(ctx, args, read_only=True)


def _call(ctx: Context, args: list[bytes], read_only: bool) -> bytes:
    engine = ctx.engine
    if engine.monitors:
        show_to_monitors(engine, ctx, args, engine.batch_started_us)
    reply = call_function(ctx, args, read_only)
    if engine.wants_propagation:
        ctx.propagate_nothing()  # but the changes of its commands
    return reply


container(
    "FUNCTION",
    summary="Manage libraries of functions.",
    group="scripting",
    since="7.0.0",
)


@command(
    "FUNCTION|LOAD",
    summary="Load a library.",
    arguments="[REPLACE] function-code",
    arity=-3,
    flags=WRITE | DENYOOM | NOSCRIPT,
    group="scripting",
    since="7.0.0",
    complexity="O(1) (considering compilation time is redundant)",
    tips=ON_ALL_SHARDS,
)
def function_load(ctx: Context, args: list[bytes]) -> bytes:
    """FUNCTION LOAD [REPLACE] code: the name of the library."""
    for word in args[2:-1]:
        if word.lower() != b"replace":
            raise CommandError(b"ERR Unknown option given: " + word)
    library = ctx.engine.scripts.load_library(args[-1], replace=len(args) > 3)
    ctx.engine.dirty += 1
    return bulk(library.name)


@command(
    "FUNCTION|DELETE",
    summary="Delete a library.",
    arguments="library-name",
    arity=3,
    flags=WRITE | NOSCRIPT,
    group="scripting",
    since="7.0.0",
    tips=ON_ALL_SHARDS,
)
def function_delete(ctx: Context, args: list[bytes]) -> bytes:
    """FUNCTION DELETE library-name."""
    if not ctx.engine.scripts.delete_library(args[2]):
        raise CommandError(b"ERR Library not found")
    ctx.engine.dirty += 1
    return OK


@command(
    "FUNCTION|FLUSH",
    summary="Delete all libraries.",
    arguments="[flush-type=<ASYNC | SYNC>]",
    arity=-2,
    flags=WRITE | NOSCRIPT,
    group="scripting",
    since="7.0.0",
    complexity="O(N) where N is the number of functions deleted",
    tips=ON_ALL_SHARDS,
)
def function_flush(ctx: Context, args: list[bytes]) -> bytes:
    """FUNCTION FLUSH [ASYNC | SYNC]."""
    if len(args) > 3:
        raise bad_subcommand(args)
    if len(args) == 3 and args[2].lower() not in {b"sync", b"async"}:
        raise CommandError(b"ERR FUNCTION FLUSH only supports SYNC|ASYNC option")
    ctx.engine.scripts.flush_libraries()
    ctx.engine.dirty += 1
    return OK


@command(
    "FUNCTION|LIST",
    summary="List libraries and their functions.",
    arguments="[LIBRARYNAME library-name-pattern] [WITHCODE]",
    arity=-2,
    flags=NOSCRIPT,
    group="scripting",
    since="7.0.0",
    complexity="O(N) where N is the number of functions",
    tips=NONDETERMINISTIC_ORDER,
)
def function_list(ctx: Context, args: list[bytes]) -> bytes:
    """FUNCTION LIST [LIBRARYNAME pattern] [WITHCODE]."""
    pattern: bytes | None = None
    with_code = False
    at = 2
    while at < len(args):
        word = args[at].lower()
        if word == b"withcode" and not with_code:
            with_code = True
        elif word == b"libraryname" and pattern is None:
            at += 1
            if at >= len(args):
                raise CommandError(b"ERR library name argument was not given")
            pattern = args[at]
        else:
            raise CommandError(b"ERR Unknown argument " + args[at])
        at += 1
    found: list[bytes] = []
    for library in ctx.engine.scripts.libraries.values():
        if pattern is None or glob_match_nocase(pattern, library.name):
            found.append(_described(ctx, library, with_code))
    return array(found)


def _described(ctx: Context, library: Library, with_code: bool) -> bytes:
    functions: list[bytes] = []
    for function in library.functions.values():
        functions.append(
            ctx.map_reply(
                [
                    bulk(b"name"), bulk(function.name),
                    bulk(b"description"), ctx.null if function.description is None else bulk(function.description),
                    bulk(b"flags"), ctx.set_reply([simple(flag) for flag in function.flags]),
                ]
            )
        )  # fmt: skip
    items = [
        bulk(b"library_name"),
        bulk(library.name),
        bulk(b"engine"),
        bulk(b"LUA"),
        bulk(b"functions"),
        array(functions),
    ]
    if with_code:
        items += [bulk(b"library_code"), bulk(library.code)]
    return ctx.map_reply(items)


@command(
    "FUNCTION|STATS",
    summary="Describe the running function and count libraries and functions.",
    arity=2,
    flags=NOSCRIPT | ALLOW_BUSY,
    group="scripting",
    since="7.0.0",
    tips=[b"nondeterministic_output", b"request_policy:all_shards", b"response_policy:special"],
)
def function_stats(ctx: Context, args: list[bytes]) -> bytes:
    """FUNCTION STATS: the running function or script, and the numbers of libraries and functions."""
    store = ctx.engine.scripts
    counts = [
        bulk(b"libraries_count"), integer(len(store.libraries)),
        bulk(b"functions_count"), integer(len(store.functions)),
    ]  # fmt: skip
    engines = ctx.map_reply([bulk(b"LUA"), ctx.map_reply(counts)])
    running = ctx.engine.running_script
    shown = ctx.null
    if running is not None:
        duration_ms = (ctx.engine.clock() - running.started_us) // 1000
        shown = ctx.map_reply(
            [
                bulk(b"name"), bulk(running.name), bulk(b"command"), bulk_array(running.args),
                bulk(b"duration_ms"), integer(duration_ms),
            ]
        )  # fmt: skip
    return ctx.map_reply([bulk(b"running_script"), shown, bulk(b"engines"), engines])


@command(
    "FUNCTION|KILL",
    summary="Stop the running function.",
    arity=2,
    flags=NOSCRIPT | ALLOW_BUSY,
    group="scripting",
    since="7.0.0",
    tips=[b"request_policy:all_shards", b"response_policy:one_succeeded"],
)
def function_kill(ctx: Context, args: list[bytes]) -> bytes:
    """FUNCTION KILL: stop the running function unless it has written."""
    return kill(ctx, b"FUNCTION KILL")


@command(
    "FUNCTION|DUMP",
    summary="Serialise all libraries for FUNCTION RESTORE.",
    arity=2,
    flags=NOSCRIPT,
    group="scripting",
    since="7.0.0",
    complexity="O(N) where N is the number of functions",
)
def function_dump(ctx: Context, args: list[bytes]) -> bytes:
    """FUNCTION DUMP."""
    codes = [library.code for library in ctx.engine.scripts.libraries.values()]
    return bulk(payload_of(codes, ctx.engine.profile.rdb_version))


@command(
    "FUNCTION|RESTORE",
    summary="Load the libraries of a payload that FUNCTION DUMP made.",
    arguments="serialized-value [policy=<FLUSH | APPEND | REPLACE>]",
    arity=-3,
    flags=WRITE | DENYOOM | NOSCRIPT,
    group="scripting",
    since="7.0.0",
    complexity="O(N) where N is the number of functions on the payload",
    tips=ON_ALL_SHARDS,
)
def function_restore(ctx: Context, args: list[bytes]) -> bytes:
    """FUNCTION RESTORE payload [FLUSH | APPEND | REPLACE]: an invalid library restores none."""
    if len(args) > 4:
        raise bad_subcommand(args)
    policy = args[3].lower() if len(args) > 3 else b"append"
    if policy not in {b"flush", b"append", b"replace"}:
        raise CommandError(b"ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.")
    codes = code_of_payload(args[2], ctx.engine.profile.rdb_version, ctx.engine.config)
    if codes is None:
        raise CommandError(_BAD_PAYLOAD)
    ctx.engine.scripts.restore_libraries(codes, flush=policy == b"flush", replace=policy == b"replace")
    ctx.engine.dirty += 1
    return OK


@command(
    "FUNCTION|HELP",
    summary="Describe the sub-commands.",
    arity=2,
    flags=LOADING | STALE,
    group="scripting",
    since="7.0.0",
)
def function_help(ctx: Context, args: list[bytes]) -> bytes:
    """FUNCTION HELP."""
    return help_reply(ctx, b"function")
