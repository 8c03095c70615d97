"""Hash fields that expire (Valkey 9): set, get and remove their time to live.

Whatever the unit on the wire, an expiry time is kept and propagated as Unix time in milliseconds. One that is not in the
future removes the field at once.
"""

from typing import Final

from cachetwin_engine.core.commands.expire_conditions import expire_condition
from cachetwin_engine.core.config.notifications import NOTIFY_HASH
from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.expiry.fields import fields_gone
from cachetwin_engine.core.protocol.errors import syntax_error
from cachetwin_engine.core.protocol.replies import ONE, array, integer
from cachetwin_engine.core.registry.command_table import FAST, KEY_READ, KEY_UPDATE, READONLY, WRITE, command
from cachetwin_engine.core.types.hashes.hash import HashValue, read_hash, write_hash

from .field_arguments import NUMFIELDS, fields_keyword, parse_end, parse_fields, parse_only_fields
from .fields import note_ends

_MISSING: Final = -2
_NO_END: Final = -1
_UNMET: Final = 0
_SET: Final = 1
_REMOVED: Final = 2


@command(
    "HEXPIRE",
    summary="Set the time to live of hash fields in seconds.",
    arguments="key seconds [condition=<NX | XX | GT | LT>] FIELDS fields=(numfields field...)",
    arity=-6,
    flags=WRITE | FAST,
    keys=KEY_UPDATE,
    group="hash",
    since="9.0.0",
    complexity="O(N) where N is the number of fields.",
    valkey_only=True,
)
def hexpire(ctx: Context, args: list[bytes]) -> bytes:
    """HEXPIRE key seconds [NX|XX|GT|LT] FIELDS numfields field [field ...]."""
    return _expire(ctx, args, unit_ms=1000, relative=True)


@command(
    "HPEXPIRE",
    summary="Set the time to live of hash fields in milliseconds.",
    arguments="key milliseconds [condition=<NX | XX | GT | LT>@9.0.0] FIELDS fields=(numfields#0 field...)",
    arity=-6,
    flags=WRITE | FAST,
    keys=KEY_UPDATE,
    group="hash",
    since="9.0.0",
    complexity="O(N) where N is the number of fields.",
    valkey_only=True,
)
def hpexpire(ctx: Context, args: list[bytes]) -> bytes:
    """HPEXPIRE key milliseconds [NX|XX|GT|LT] FIELDS numfields field [field ...]."""
    return _expire(ctx, args, unit_ms=1, relative=True)


_HEXPIREAT_ARGUMENTS: Final = (
    "key unix-time-seconds:integer [condition=<NX | XX | GT | LT>@9.0.0] FIELDS fields=(numfields#0 field...)"
)


@command(
    "HEXPIREAT",
    summary="Set the Unix time in seconds at which hash fields expire.",
    arguments=_HEXPIREAT_ARGUMENTS,
    arity=-6,
    flags=WRITE | FAST,
    keys=KEY_UPDATE,
    group="hash",
    since="9.0.0",
    complexity="O(N) where N is the number of fields.",
    valkey_only=True,
)
def hexpireat(ctx: Context, args: list[bytes]) -> bytes:
    """HEXPIREAT key unix-time-seconds [NX|XX|GT|LT] FIELDS numfields field [field ...]."""
    return _expire(ctx, args, unit_ms=1000, relative=False)


_HPEXPIREAT_ARGUMENTS: Final = (
    "key unix-time-milliseconds:integer [condition=<NX | XX | GT | LT>@9.0.0] FIELDS fields=(numfields#0 field...)"
)


@command(
    "HPEXPIREAT",
    summary="Set the Unix time in milliseconds at which hash fields expire.",
    arguments=_HPEXPIREAT_ARGUMENTS,
    arity=-6,
    flags=WRITE | FAST,
    keys=KEY_UPDATE,
    group="hash",
    since="9.0.0",
    complexity="O(N) where N is the number of fields.",
    valkey_only=True,
)
def hpexpireat(ctx: Context, args: list[bytes]) -> bytes:
    """HPEXPIREAT key unix-time-milliseconds [NX|XX|GT|LT] FIELDS numfields field [field ...]."""
    return _expire(ctx, args, unit_ms=1, relative=False)


def _expire(ctx: Context, args: list[bytes], unit_ms: int, relative: bool) -> bytes:
    at = fields_keyword(args, 3)
    condition = expire_condition(args, 3, at)
    names = parse_fields(args, at, 1, NUMFIELDS)
    at_ms = parse_end(ctx, args[2], unit_ms, relative)
    key = args[1]
    value = write_hash(ctx.db, key)
    if value is None:
        return array([integer(_MISSING)] * len(names))
    outcome: list[int] = []
    kept: list[bytes] = []
    gone: list[bytes] = []
    for name in names:
        if not value.has(name):
            outcome.append(_MISSING)
        elif not condition.allows(value.expiry_of(name), at_ms):
            outcome.append(_UNMET)
        elif ctx.engine.is_expired(at_ms):
            value.remove(name)
            gone.append(name)
            outcome.append(_REMOVED)
        else:
            value.expire_at(name, at_ms)
            kept.append(name)
            outcome.append(_SET)
    report_fields(ctx, key, value, at_ms, kept, gone)
    return array([integer(code) for code in outcome])


def report_fields(ctx: Context, key: bytes, value: HashValue, at_ms: int, kept: list[bytes], gone: list[bytes]) -> None:
    """Notify and propagate that the fields ``kept`` expire at ``at_ms`` and that the fields ``gone`` have expired."""
    if kept:
        note_ends(ctx, key, value)
        ctx.key_changed(key, NOTIFY_HASH, b"hexpire", len(kept))
        ctx.propagate([b"HPEXPIREAT", key, b"%d" % at_ms, b"FIELDS", b"%d" % len(kept), *kept])
    if gone:
        report_expired_fields(ctx, key, value, gone)
        ctx.propagate([b"HDEL", key, *gone])


def report_expired_fields(ctx: Context, key: bytes, value: HashValue, gone: list[bytes]) -> None:
    """Count and notify that the fields ``gone`` of the hash under ``key`` have expired."""
    engine = ctx.engine
    engine.expired_fields += len(gone)
    engine.dirty += len(gone)
    if ctx.db.watchers or engine.tracks_keys:
        engine.key_modified(ctx.db, key)
    fields_gone(engine, ctx.db, key, value)


@command(
    "HTTL",
    summary="Return the time to live of hash fields in seconds.",
    arguments="key FIELDS fields=(numfields#0 field...)",
    arity=-5,
    flags=READONLY | FAST,
    keys=KEY_READ,
    group="hash",
    since="9.0.0",
    complexity="O(N) where N is the number of fields.",
    valkey_only=True,
)
def httl(ctx: Context, args: list[bytes]) -> bytes:
    """HTTL key FIELDS numfields field [field ...]."""
    return _ends(ctx, args, unit_ms=1000, since_ms=ctx.engine.now_ms)


@command(
    "HPTTL",
    summary="Return the time to live of hash fields in milliseconds.",
    arguments="key FIELDS fields=(numfields#0 field...)",
    arity=-5,
    flags=READONLY | FAST,
    keys=KEY_READ,
    group="hash",
    since="9.0.0",
    complexity="O(N) where N is the number of fields.",
    valkey_only=True,
)
def hpttl(ctx: Context, args: list[bytes]) -> bytes:
    """HPTTL key FIELDS numfields field [field ...]."""
    return _ends(ctx, args, unit_ms=1, since_ms=ctx.engine.now_ms)


@command(
    "HEXPIRETIME",
    summary="Return the Unix time in seconds at which hash fields expire.",
    arguments="key FIELDS fields=(numfields#0 field...)",
    arity=-5,
    flags=READONLY | FAST,
    keys=KEY_READ,
    group="hash",
    since="9.0.0",
    complexity="O(N) where N is the number of fields.",
    valkey_only=True,
)
def hexpiretime(ctx: Context, args: list[bytes]) -> bytes:
    """HEXPIRETIME key FIELDS numfields field [field ...]."""
    return _ends(ctx, args, unit_ms=1000, since_ms=0)


@command(
    "HPEXPIRETIME",
    summary="Return the Unix time in milliseconds at which hash fields expire.",
    arguments="key FIELDS fields=(numfields#0 field...)",
    arity=-5,
    flags=READONLY | FAST,
    keys=KEY_READ,
    group="hash",
    since="9.0.0",
    complexity="O(N) where N is the number of fields.",
    valkey_only=True,
)
def hpexpiretime(ctx: Context, args: list[bytes]) -> bytes:
    """HPEXPIRETIME key FIELDS numfields field [field ...]."""
    return _ends(ctx, args, unit_ms=1, since_ms=0)


def _ends(ctx: Context, args: list[bytes], unit_ms: int, since_ms: int) -> bytes:
    """The expiry time of each field, relative to ``since_ms`` and rounded to the unit, or a negative code."""
    names = parse_only_fields(args)
    value = read_hash(ctx.db, args[1])
    replies: list[bytes] = []
    for name in names:
        if value is None or not value.has(name):
            replies.append(integer(_MISSING))
            continue
        at_ms = value.expiry_of(name)
        replies.append(integer(_NO_END if at_ms < 0 else (at_ms - since_ms + unit_ms // 2) // unit_ms))
    return array(replies)


@command(
    "HPERSIST",
    summary="Remove the time to live of hash fields.",
    arguments="key FIELDS fields=(numfields#0 field...)",
    arity=-5,
    flags=WRITE | FAST,
    keys=KEY_UPDATE,
    group="hash",
    since="9.0.0",
    complexity="O(N) where N is the number of fields.",
    valkey_only=True,
)
def hpersist(ctx: Context, args: list[bytes]) -> bytes:
    """HPERSIST key FIELDS numfields field [field ...]."""
    if args[2].upper() != b"FIELDS":
        raise syntax_error()
    names = parse_fields(args, 2, 1, NUMFIELDS)
    value = write_hash(ctx.db, args[1])
    if value is None:
        return array([integer(_MISSING)] * len(names))
    replies: list[bytes] = []
    changes = 0
    for name in names:
        if not value.has(name):
            replies.append(integer(_MISSING))
        elif value.persist(name):
            changes += 1
            replies.append(ONE)
        else:
            replies.append(integer(_NO_END))
    if changes:
        note_ends(ctx, args[1], value)
        ctx.key_changed(args[1], NOTIFY_HASH, b"hpersist", changes)
    return array(replies)
