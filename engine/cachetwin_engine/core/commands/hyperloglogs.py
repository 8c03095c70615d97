"""HyperLogLogs: add, count, merge, inspect."""

from typing import Final

from cachetwin_engine.core.config.notifications import NOTIFY_STRING
from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.protocol.errors import CommandError
from cachetwin_engine.core.protocol.replies import OK, ONE, ZERO, array, bulk, integer, simple
from cachetwin_engine.core.registry.command_table import (
    ADMIN,
    DENYOOM,
    FAST,
    KEY_INSERT,
    MAY_REPLICATE,
    READONLY,
    WRITE,
    KeySpec,
    command,
)
from cachetwin_engine.core.types.hyperloglogs import hyperloglog
from cachetwin_engine.core.types.hyperloglogs.hyperloglog import SPARSE, estimate, highest_of, registers_of
from cachetwin_engine.core.types.hyperloglogs.runs import REGISTERS
from cachetwin_engine.core.types.string import RawString, string_for_edit, string_of

_COUNTED: Final = [
    KeySpec(
        "RW",
        "access",
        last=-1,
        notes="RW because it may change the internal representation of the key, and propagate to replicas",
    )
]
_MERGED: Final = [KeySpec("RW", "access insert"), KeySpec("RO", "access", index=2, last=-1)]


def _read(ctx: Context, key: bytes) -> bytes | None:
    """The HyperLogLog under ``key``, or None. Raises CommandError."""
    text = string_of(ctx.db.find(key))
    if text is not None:
        hyperloglog.check(text)
    return text


def _edited(ctx: Context, key: bytes) -> RawString | None:
    """The HyperLogLog under ``key`` for editing, or None. Raises CommandError."""
    value = ctx.db.find_for_write(key)
    text = string_of(value)
    if text is None:
        return None
    hyperloglog.check(text)
    return string_for_edit(ctx.db, key, value)


def _created(ctx: Context, key: bytes) -> RawString:
    raw = RawString(hyperloglog.new_sparse())
    ctx.db.put(key, raw)
    return raw


@command(
    "PFADD",
    summary="Add elements to a HyperLogLog; 1 if its estimate may have changed.",
    arguments="key [element...]",
    arity=-2,
    flags=WRITE | DENYOOM | FAST,
    keys=KEY_INSERT,
    group="hyperloglog",
    since="2.8.9",
    complexity="O(1) for each element.",
)
def pfadd(ctx: Context, args: list[bytes]) -> bytes:
    """PFADD key [element ...]."""
    key = args[1]
    raw = _edited(ctx, key)
    changes = 0
    if raw is None:
        raw = _created(ctx, key)
        changes = 1
    changes += hyperloglog.add_all(raw.data, args[2:], ctx.engine.config.encodings.hll_sparse_max_bytes)
    if not changes:
        return ZERO
    hyperloglog.invalidate(raw.data)
    ctx.key_changed(key, NOTIFY_STRING, b"pfadd", changes)
    return ONE


@command(
    "PFCOUNT",
    summary="Estimate the number of distinct elements of one HyperLogLog, or of the union of several.",
    arguments="key...",
    arity=-2,
    flags=READONLY | MAY_REPLICATE,
    keys=_COUNTED,
    group="hyperloglog",
    since="2.8.9",
    complexity="O(1) for one key, whose count is cached; O(N) with a large constant for several.",
)
def pfcount(ctx: Context, args: list[bytes]) -> bytes:
    """PFCOUNT key [key ...]."""
    if len(args) > 2:
        return integer(estimate(_highest(ctx, args, 1)))
    text = _read(ctx, args[1])
    if text is None:
        return ZERO
    count = hyperloglog.cached_count(text)
    if count < 0:
        count = estimate(registers_of(text))
        raw = string_for_edit(ctx.db, args[1], ctx.db.find_for_write(args[1]))
        hyperloglog.store_count(raw.data, count)
        if ctx.db.watchers or ctx.engine.tracks_keys:
            ctx.engine.key_modified(ctx.db, args[1])
        ctx.engine.dirty += 1
    return integer(count)


def _highest(ctx: Context, args: list[bytes], first: int) -> bytes:
    """The maximum of each register over the keys from ``args[first]`` on."""
    highest = bytes(REGISTERS)
    for at in range(first, len(args)):
        text = _read(ctx, args[at])
        if text is not None:
            highest = highest_of(highest, registers_of(text))
    return highest


@command(
    "PFMERGE",
    summary="Merge HyperLogLogs into one.",
    arguments="destkey:key [sourcekey:key...]",
    arity=-2,
    flags=WRITE | DENYOOM,
    keys=_MERGED,
    group="hyperloglog",
    since="2.8.9",
    complexity="O(N) where N is the number of keys, with a large constant.",
)
def pfmerge(ctx: Context, args: list[bytes]) -> bytes:
    """PFMERGE destkey [sourcekey ...]."""
    highest = _highest(ctx, args, 1)
    dense = False
    for at in range(1, len(args)):
        text = string_of(ctx.db.peek(args[at]))
        dense = dense or (text is not None and text[4] != SPARSE)
    raw = _edited(ctx, args[1])
    if raw is None:
        raw = _created(ctx, args[1])
    if dense:
        hyperloglog.to_dense(raw.data)
    hyperloglog.raise_registers(raw.data, highest, ctx.engine.config.encodings.hll_sparse_max_bytes)
    hyperloglog.invalidate(raw.data)
    ctx.key_changed(args[1], NOTIFY_STRING, b"pfadd")
    return OK


@command(
    "PFDEBUG",
    summary="Inspect a HyperLogLog.",
    arguments="subcommand key",
    arity=3,
    flags=WRITE | DENYOOM | ADMIN,
    keys=[KeySpec("RW", "access", index=2)],
    group="hyperloglog",
    since="2.8.9",
    complexity="N/A",
)
def pfdebug(ctx: Context, args: list[bytes]) -> bytes:
    """PFDEBUG GETREG | DECODE | ENCODING | TODENSE key, PFDEBUG SIMD ON | OFF."""
    if args[1].lower() == b"simd" and ctx.engine.profile.has_pfdebug_simd:
        if args[2].lower() not in {b"on", b"off"}:
            raise CommandError(b"ERR Argument must be ON or OFF")
        return OK  # this engine has one implementation, so there is nothing to switch
    raw = _edited(ctx, args[2])
    if raw is None:
        raise CommandError(b"ERR The specified key does not exist")
    word = args[1].lower()
    if word == b"encoding":
        return simple(b"sparse" if raw.data[4] == SPARSE else b"dense")
    if word == b"decode":
        if raw.data[4] != SPARSE:
            raise CommandError(b"ERR HLL encoding is not sparse")
        return bulk(hyperloglog.described(bytes(raw.data)))
    if word not in {b"getreg", b"todense"}:
        raise CommandError(b"ERR Unknown PFDEBUG subcommand '" + args[1] + b"'")
    was_sparse = raw.data[4] == SPARSE
    hyperloglog.to_dense(raw.data)
    if was_sparse:
        ctx.engine.dirty += 1
    if word == b"todense":
        return ONE if was_sparse else ZERO
    return array([integer(value) for value in registers_of(raw.data)])


@command(
    "PFSELFTEST",
    summary="Run the self-test of the HyperLogLog implementation.",
    arity=1,
    flags=ADMIN,
    group="hyperloglog",
    since="2.8.9",
    complexity="N/A",
)
def pfselftest(ctx: Context, args: list[bytes]) -> bytes:
    """PFSELFTEST."""
    problem = hyperloglog.self_test(ctx.engine.random.below)
    if problem:
        raise CommandError(b"TESTFAILED " + problem)
    return OK
