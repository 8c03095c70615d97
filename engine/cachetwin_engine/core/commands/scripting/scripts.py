"""EVAL and SCRIPT: Lua scripts."""

from cachetwin_engine.core.commands.help_text import help_reply
from cachetwin_engine.core.execution.admission import busy_line
from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.observers.monitors import show_to_monitors
from cachetwin_engine.core.protocol.errors import CommandError, bad_subcommand
from cachetwin_engine.core.protocol.replies import OK, array, bulk, integer
from cachetwin_engine.core.registry.command_table import (
    ALLOW_BUSY,
    LOADING,
    MAY_REPLICATE,
    MOVABLE_KEYS,
    NO_MANDATORY_KEYS,
    NOSCRIPT,
    ON_ALL_NODES,
    READONLY,
    SKIP_MONITOR,
    STALE,
    KeySpec,
    command,
    container,
)
from cachetwin_engine.core.scripting.runner import evaluate


@command(
    "EVAL",
    summary="Run a Lua script.",
    arguments="script numkeys [key...] [arg...]",
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
    since="2.6.0",
    complexity="Depends on the script that is executed.",
)
def eval_(ctx: Context, args: list[bytes]) -> bytes:
    """EVAL script numkeys [key ...] [arg ...]."""
    return _run(ctx, args, by_digest=False, read_only=False)


@command(
    "EVAL_RO",
    summary="Run a Lua script that must not write.",
    arguments="script numkeys [key...] [arg...]",
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
    complexity="Depends on the script that is executed.",
)
def eval_ro(ctx: Context, args: list[bytes]) -> bytes:
    """EVAL_RO script numkeys [key ...] [arg ...]."""
    return _run(ctx, args, by_digest=False, read_only=True)


@command(
    "EVALSHA",
    summary="Run a script by its digest.",
    arguments="sha1 numkeys [key...] [arg...]",
    arity=-3,
    flags=NOSCRIPT | STALE | SKIP_MONITOR | MAY_REPLICATE | MOVABLE_KEYS | NO_MANDATORY_KEYS,
    keys=[KeySpec("RW", "access update", index=2, numkeys=0, first=1)],
    group="scripting",
    since="2.6.0",
    complexity="Depends on the script that is executed.",
)
def evalsha(ctx: Context, args: list[bytes]) -> bytes:
    """EVALSHA sha1 numkeys [key ...] [arg ...]."""
    return _run(ctx, args, by_digest=True, read_only=False)


@command(
    "EVALSHA_RO",
    summary="Run a script by its digest; the script must not write.",
    arguments="sha1 numkeys [key...] [arg...]",
    arity=-3,
    flags=READONLY | NOSCRIPT | STALE | SKIP_MONITOR | MOVABLE_KEYS | NO_MANDATORY_KEYS,
    keys=[KeySpec("RO", "access", index=2, numkeys=0, first=1)],
    group="scripting",
    since="7.0.0",
    complexity="Depends on the script that is executed.",
)
def evalsha_ro(ctx: Context, args: list[bytes]) -> bytes:
    """EVALSHA_RO sha1 numkeys [key ...] [arg ...]."""
    return _run(ctx, args, by_digest=True, read_only=True)


def _run(ctx: Context, args: list[bytes], by_digest: bool, read_only: bool) -> bytes:
    engine = ctx.engine
    if engine.monitors:
        show_to_monitors(engine, ctx, args, engine.batch_started_us)  # before the script's commands
    script = engine.scripts.known(args[1]) if by_digest else None
    reply = evaluate(ctx, script, args, read_only)
    if engine.wants_propagation:
        ctx.propagate_nothing()  # but the changes of its commands
    return reply


container(
    "SCRIPT",
    summary="Manage the cache of Lua scripts.",
    group="scripting",
    since="2.6.0",
)


@command(
    "SCRIPT|LOAD",
    summary="Add a script to the cache.",
    arguments="script",
    arity=3,
    flags=NOSCRIPT | STALE,
    group="scripting",
    since="2.6.0",
    complexity="O(N) with N being the length in bytes of the script body.",
    tips=ON_ALL_NODES,
)
def script_load(ctx: Context, args: list[bytes]) -> bytes:
    """SCRIPT LOAD script: the digest of the script."""
    return bulk(ctx.engine.scripts.load(args[2], keep=True).sha)


@command(
    "SCRIPT|EXISTS",
    summary="Check which scripts are in the cache.",
    arguments="sha1...",
    arity=-3,
    flags=NOSCRIPT | STALE,
    group="scripting",
    since="2.6.0",
    complexity="O(N) with N being the number of scripts to check (so checking a single script is an O(1) operation).",
    tips=[b"request_policy:all_shards", b"response_policy:agg_logical_and"],
)
def script_exists(ctx: Context, args: list[bytes]) -> bytes:
    """SCRIPT EXISTS sha1 [sha1 ...]: 1 or 0 for each digest."""
    return array([integer(int(sha.lower() in ctx.engine.scripts.scripts)) for sha in args[2:]])


@command(
    "SCRIPT|FLUSH",
    summary="Remove all scripts from the cache.",
    arguments="[flush-type=<ASYNC | SYNC>@6.2.0]",
    arity=-2,
    flags=NOSCRIPT | STALE,
    group="scripting",
    since="2.6.0",
    complexity="O(N) with N being the number of scripts in cache",
    tips=ON_ALL_NODES,
    history=[("6.2.0", "Added the `ASYNC` and `SYNC` flushing mode modifiers.")],
)
def script_flush(ctx: Context, args: list[bytes]) -> bytes:
    """SCRIPT FLUSH [ASYNC | SYNC]."""
    if len(args) > 3 or (len(args) == 3 and args[2].lower() not in {b"sync", b"async"}):
        raise CommandError(b"ERR SCRIPT FLUSH only support SYNC|ASYNC option")
    ctx.engine.scripts.flush_scripts()
    return OK


@command(
    "SCRIPT|SHOW",
    summary="Return the source of a cached script.",
    arguments="sha1",
    arity=3,
    flags=NOSCRIPT | STALE,
    group="scripting",
    since="8.0.0",
    complexity="O(1).",
    valkey_only=True,
)
def script_show(ctx: Context, args: list[bytes]) -> bytes:
    """SCRIPT SHOW sha1."""
    return bulk(ctx.engine.scripts.known(args[2]).body)


@command(
    "SCRIPT|KILL",
    summary="Stop the running script.",
    arity=2,
    flags=NOSCRIPT | ALLOW_BUSY,
    group="scripting",
    since="2.6.0",
    tips=[b"request_policy:all_shards", b"response_policy:one_succeeded"],
)
def script_kill(ctx: Context, args: list[bytes]) -> bytes:
    """SCRIPT KILL: stop the running script unless it has written."""
    return kill(ctx, b"SCRIPT KILL")


def kill(ctx: Context, how: bytes) -> bytes:
    """Stop the running script or function; ``how`` is SCRIPT KILL or FUNCTION KILL. Raises CommandError."""
    running = ctx.engine.running_script
    if running is None:
        raise CommandError(b"NOTBUSY No scripts in execution right now.")
    if running.kill_command != how:
        raise CommandError(busy_line(ctx.engine))
    if running.wrote:
        raise CommandError(
            b"UNKILLABLE Sorry the script already executed write commands against the dataset. You can either wait the "
            b"script termination or kill the server in a hard way using the SHUTDOWN NOSAVE command."
        )
    running.killed = True
    return OK


@command(
    "SCRIPT|DEBUG",
    summary="Turn the script debugger on or off.",
    arguments="mode=<YES | SYNC | NO> [engine@9.1.0]",
    arity=-3,
    flags=NOSCRIPT,
    group="scripting",
    since="3.2.0",
)
def script_debug(ctx: Context, args: list[bytes]) -> bytes:
    """SCRIPT DEBUG YES|SYNC|NO [engine]: only NO is accepted, because there is no debugger."""
    if len(args) > 4:
        raise bad_subcommand(args)
    if len(args) == 4 and args[3].lower() != b"lua":
        raise CommandError(b"ERR No scripting engine found with name '" + args[3] + b"' to enable debug")
    if args[2].lower() in {b"yes", b"sync"}:
        raise CommandError(b"ERR this server has no script debugger")
    if args[2].lower() != b"no":
        raise CommandError(b"ERR Use SCRIPT DEBUG YES/SYNC/NO")
    return OK


@command(
    "SCRIPT|HELP",
    summary="Describe the sub-commands.",
    arity=2,
    flags=LOADING | STALE,
    group="scripting",
    since="5.0.0",
)
def script_help(ctx: Context, args: list[bytes]) -> bytes:
    """SCRIPT HELP."""
    return help_reply(ctx, b"script")
