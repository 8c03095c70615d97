"""The time to live of keys: set, get, remove."""

from typing import Final

from cachetwin_engine.core.config.notifications import NOTIFY_EXPIRED, NOTIFY_GENERIC
from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.keyspace.expire_time import expire_time_or_past
from cachetwin_engine.core.protocol.replies import ONE, ZERO, integer
from cachetwin_engine.core.registry.command_table import (
    FAST,
    KEY_READ,
    KEY_UPDATE,
    NONDETERMINISTIC,
    READONLY,
    WRITE,
    command,
)

from .expire_conditions import expire_condition

_NO_KEY: Final = -2
_NO_TIME_TO_LIVE: Final = -1
_CONDITIONS: Final = [("7.0.0", "Added options: `NX`, `XX`, `GT` and `LT`.")]
_SAYS_NO_KEY: Final = [("2.8.0", "Added the -2 reply.")]


@command(
    "EXPIRE",
    summary="Set the time to live of a key in seconds.",
    arguments="key seconds [condition=<NX | XX | GT | LT>@7.0.0]",
    arity=-3,
    flags=WRITE | FAST,
    keys=KEY_UPDATE,
    group="generic",
    since="1.0.0",
    history=_CONDITIONS,
)
def expire(ctx: Context, args: list[bytes]) -> bytes:
    """EXPIRE key seconds [NX | XX | GT | LT]."""
    return _expire(ctx, args, 1000, ctx.engine.now_ms, b"expire")


@command(
    "EXPIREAT",
    summary="Set the Unix time in seconds at which a key expires.",
    arguments="key unix-time-seconds [condition=<NX | XX | GT | LT>@7.0.0]",
    arity=-3,
    flags=WRITE | FAST,
    keys=KEY_UPDATE,
    group="generic",
    since="1.2.0",
    history=_CONDITIONS,
)
def expireat(ctx: Context, args: list[bytes]) -> bytes:
    """EXPIREAT key unix-time-seconds [NX | XX | GT | LT]."""
    return _expire(ctx, args, 1000, 0, b"expireat")


@command(
    "PEXPIRE",
    summary="Set the time to live of a key in milliseconds.",
    arguments="key milliseconds [condition=<NX | XX | GT | LT>@7.0.0]",
    arity=-3,
    flags=WRITE | FAST,
    keys=KEY_UPDATE,
    group="generic",
    since="2.6.0",
    history=_CONDITIONS,
)
def pexpire(ctx: Context, args: list[bytes]) -> bytes:
    """PEXPIRE key milliseconds [NX | XX | GT | LT]."""
    return _expire(ctx, args, 1, ctx.engine.now_ms, b"pexpire")


@command(
    "PEXPIREAT",
    summary="Set the Unix time in milliseconds at which a key expires.",
    arguments="key unix-time-milliseconds [condition=<NX | XX | GT | LT>@7.0.0]",
    arity=-3,
    flags=WRITE | FAST,
    keys=KEY_UPDATE,
    group="generic",
    since="2.6.0",
    history=_CONDITIONS,
)
def pexpireat(ctx: Context, args: list[bytes]) -> bytes:
    """PEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT]."""
    return _expire(ctx, args, 1, 0, b"pexpireat")


def _expire(ctx: Context, args: list[bytes], unit_ms: int, base_ms: int, name: bytes) -> bytes:
    condition = expire_condition(args, 3, len(args))
    at_ms = expire_time_or_past(args[2], unit_ms, base_ms, name)
    key, db = args[1], ctx.db
    if db.find_for_write(key) is None:
        return ZERO
    if not condition.allows(db.expiry_of(key), at_ms):
        return ZERO
    if ctx.engine.is_expired(at_ms):
        delete_as_expired(ctx, key)
        return ONE
    db.expire_at(key, at_ms)
    ctx.key_changed(key, NOTIFY_GENERIC, b"expire")
    ctx.propagate([b"PEXPIREAT", key, b"%d" % at_ms])
    return ONE


def delete_as_expired(ctx: Context, key: bytes) -> None:
    """Delete a key whose new time to live is in the past. Since Valkey 8.1 it counts as expired."""
    ctx.db.delete(key)
    if ctx.engine.profile.expires_past_ttls:
        ctx.engine.statistics.expired_keys += 1
        ctx.key_changed(key, NOTIFY_EXPIRED, b"expired")
    else:
        ctx.key_changed(key, NOTIFY_GENERIC, b"del")
    ctx.propagate([ctx.engine.config.memory.expiry_deletes_with, key])


@command(
    "PERSIST",
    summary="Remove the time to live of a key.",
    arguments="key",
    arity=2,
    flags=WRITE | FAST,
    keys=KEY_UPDATE,
    group="generic",
    since="2.2.0",
)
def persist(ctx: Context, args: list[bytes]) -> bytes:
    """PERSIST key."""
    key = args[1]
    if ctx.db.find_for_write(key) is None or not ctx.db.persist(key):
        return ZERO
    ctx.key_changed(key, NOTIFY_GENERIC, b"persist")
    return ONE


@command(
    "TTL",
    summary="Return the time to live of a key in seconds: -1 without one, -2 without the key.",
    arguments="key",
    arity=2,
    flags=READONLY | FAST,
    keys=KEY_READ,
    group="generic",
    since="1.0.0",
    tips=NONDETERMINISTIC,
    history=_SAYS_NO_KEY,
)
def ttl(ctx: Context, args: list[bytes]) -> bytes:
    """TTL key."""
    at_ms = _time(ctx, args[1])
    return integer(at_ms if at_ms < 0 else (max(at_ms - ctx.engine.now_ms, 0) + 500) // 1000)


@command(
    "PTTL",
    summary="Return the time to live of a key in milliseconds: -1 without one, -2 without the key.",
    arguments="key",
    arity=2,
    flags=READONLY | FAST,
    keys=KEY_READ,
    group="generic",
    since="2.6.0",
    tips=NONDETERMINISTIC,
    history=_SAYS_NO_KEY,
)
def pttl(ctx: Context, args: list[bytes]) -> bytes:
    """PTTL key."""
    at_ms = _time(ctx, args[1])
    return integer(at_ms if at_ms < 0 else max(at_ms - ctx.engine.now_ms, 0))


@command(
    "EXPIRETIME",
    summary="Return the Unix time in seconds at which a key expires: -1 without one, -2 without the key.",
    arguments="key",
    arity=2,
    flags=READONLY | FAST,
    keys=KEY_READ,
    group="generic",
    since="7.0.0",
)
def expiretime(ctx: Context, args: list[bytes]) -> bytes:
    """EXPIRETIME key."""
    at_ms = _time(ctx, args[1])
    return integer(at_ms if at_ms < 0 else (at_ms + 500) // 1000)


@command(
    "PEXPIRETIME",
    summary="Return the Unix time in milliseconds at which a key expires: -1 without one, -2 without the key.",
    arguments="key",
    arity=2,
    flags=READONLY | FAST,
    keys=KEY_READ,
    group="generic",
    since="7.0.0",
)
def pexpiretime(ctx: Context, args: list[bytes]) -> bytes:
    """PEXPIRETIME key."""
    return integer(_time(ctx, args[1]))


def _time(ctx: Context, key: bytes) -> int:
    """The expiry time of ``key`` as Unix time in ms, or the negative reply without one."""
    if ctx.db.find_untouched(key) is None:
        return _NO_KEY
    at_ms = ctx.db.expiry_of(key)
    return _NO_TIME_TO_LIVE if at_ms < 0 else at_ms
