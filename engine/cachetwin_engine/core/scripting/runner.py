"""Runs scripts and functions: EVAL, FCALL and their kin."""

from typing import TYPE_CHECKING, Any, Final

from cachetwin_engine.core.execution.admission import is_stale, lacks_replicas
from cachetwin_engine.core.protocol.errors import MASTER_DOWN, NO_REPLICAS, CommandError
from cachetwin_engine.core.registry.dispatch_flags import BLOCKED_BY_REPLICA, BLOCKED_BY_SCRIPT
from cachetwin_engine.core.text.numbers import integer_or_none

from .caller import RunningScript
from .machine import Machine
from .outcome import Outcome
from .store import Script, count_keys

if TYPE_CHECKING:
    from cachetwin_engine.core.execution.context import Context

_NO_WORDS: Final[list[bytes]] = []
_NO_CLUSTER: Final = b"ERR Can not run script on cluster, 'no-cluster' flag is set."
_WRITES_IN_RO: Final = b"ERR Can not execute a script with write flag using *_ro command."
_NEEDS_MEMORY: Final = b"OOM allow-oom flag is not set on the script, can not run it when used memory > 'maxmemory'"


def evaluate(ctx: "Context", script: Script | None, args: list[bytes], read_only: bool) -> bytes:
    """EVAL and its kin: run ``script``, or the one that ``args`` bring with their keys. Raises CommandError."""
    engine = ctx.engine
    scripts = engine.scripts
    key_count = count_keys(args)
    if script is None:
        script = scripts.of_body(args[1])
    if script is not scripts.newest:
        scripts.note_used(script)
    run = _new_run(script.sha, args, ctx, read_only, is_function=False)
    if script.flags is not None:
        _allow(ctx, run, script.flags)
    elif engine.blocked_by & BLOCKED_BY_REPLICA and is_stale(engine):
        raise CommandError(MASTER_DOWN)
    return _run(scripts.machine(), script.function, run, ctx, key_count)


def call_function(ctx: "Context", args: list[bytes], read_only: bool) -> bytes:
    """FCALL. Raises CommandError."""
    scripts = ctx.engine.scripts
    found = scripts.functions.get(args[1].lower())
    if found is None:
        raise CommandError(b"ERR Function not found")
    function = found[1]
    if integer_or_none(args[2]) is None:
        raise CommandError(b"ERR Bad number of keys provided")
    key_count = count_keys(args)
    run = _new_run(function.name, args, ctx, read_only, is_function=True)
    _allow(ctx, run, function.flags)
    return _run(scripts.library_machine(), function.function, run, ctx, key_count)


def _new_run(name: bytes, args: list[bytes], ctx: "Context", read_only: bool, is_function: bool) -> RunningScript:
    """A run; the object of one that has ended serves again."""
    run = ctx.engine.idle_run
    if not isinstance(run, RunningScript):
        return RunningScript(name, args, ctx, read_only, is_function)
    ctx.engine.idle_run = None
    run.begin(name, args, ctx, read_only, is_function)
    return run


def _run(machine: Machine, function: Any, run: RunningScript, ctx: "Context", key_count: int) -> bytes:  # noqa: ANN401  (a Lua function)
    engine = ctx.engine
    outer = engine.running_script
    engine.running_script = run
    try:
        outcome = machine.run(function, run.args, key_count, ctx.resp3)
    finally:
        engine.running_script = outer
        run.args = _NO_WORDS
        engine.idle_run = run
        if outer is None:
            engine.blocked_by &= ~BLOCKED_BY_SCRIPT
        else:
            machine.use_protocols(outer.caller.session.caller.resp3, outer.caller.resp3)
    return outcome if isinstance(outcome, bytes) else _reply(ctx, outcome, run.name)


def _allow(ctx: "Context", run: RunningScript, flags: list[bytes]) -> None:
    """What a run may do by the flags that were declared. Raises CommandError when it may not start at all."""
    engine = ctx.engine
    if engine.cluster is not None and b"no-cluster" in flags:
        raise CommandError(_NO_CLUSTER)
    writes = b"no-writes" not in flags
    if writes:
        if run.read_only:
            raise CommandError(_WRITES_IN_RO)
        if lacks_replicas(engine):
            raise CommandError(NO_REPLICAS)
        if engine.memory_is_full and b"allow-oom" not in flags:
            raise CommandError(_NEEDS_MEMORY)
    run.read_only = not writes
    run.allow_oom = b"allow-oom" in flags
    run.keeps_slot = b"allow-cross-slot-keys" not in flags


def _reply(ctx: "Context", outcome: Outcome, name: bytes) -> bytes:
    if outcome.counted:
        ctx.engine.statistics.error_is_counted = True
    if not outcome.failed:
        return outcome.reply
    where = b""
    if outcome.source:
        shown = name + b", " if ctx.engine.profile.names_script_in_errors else b""
        where = b" script: " + shown + b"on " + outcome.source + b":%d." % outcome.line
    return b"-" + outcome.reply + where + b"\r\n"
