"""Whole strings: get and set one, with its time to live and with conditions."""

from typing import Final

from cachetwin_engine.core.commands.expiry import delete_as_expired
from cachetwin_engine.core.config.notifications import NOTIFY_GENERIC, NOTIFY_STRING
from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.protocol.errors import syntax_error
from cachetwin_engine.core.protocol.replies import OK, ONE, ZERO, bulk
from cachetwin_engine.core.registry.command_table import (
    DENYOOM,
    FAST,
    KEY_ACCESS_DELETE,
    KEY_ACCESS_UPDATE,
    KEY_OVERWRITE,
    KEY_READ,
    READONLY,
    WRITE,
    KeySpec,
    command,
)
from cachetwin_engine.core.types.string import read_string, string_of

from .set_options import SetOptions, set_options, take_expiry

_SET_HISTORY: Final = [
    ("2.6.12", "Added the `EX`, `PX`, `NX` and `XX` options."),
    ("6.0.0", "Added the `KEEPTTL` option."),
    ("6.2.0", "Added the `GET`, `EXAT` and `PXAT` option."),
    ("7.0.0", "Allowed the `NX` and `GET` options to be used together."),
    ("8.1.0", "Added the `IFEQ` option."),
]


@command(
    "GET",
    summary="Get a string.",
    arguments="key",
    arity=2,
    flags=READONLY | FAST,
    keys=KEY_READ,
    group="string",
    since="1.0.0",
)
def get(ctx: Context, args: list[bytes]) -> bytes:
    """GET key."""
    value = read_string(ctx.db, args[1])
    return ctx.null if value is None else bulk(value)


_SET_ARGUMENTS: Final = (
    "key value [condition=<NX@2.6.12 | XX@2.6.12 | IFEQ comparison-value@8.1.0>] "
    "[GET@6.2.0] [expiration=<EX seconds@2.6.12 | PX milliseconds@2.6.12 | EXAT unix-time-seconds@6.2.0 "
    "| PXAT unix-time-milliseconds@6.2.0 | KEEPTTL@6.0.0>]"
)


@command(
    "SET",
    summary="Set a string, whatever type the key held before.",
    arguments=_SET_ARGUMENTS,
    arity=-3,
    flags=WRITE | DENYOOM,
    keys=[KeySpec("RW", "access update", variable=True, notes="RW and ACCESS due to the optional `GET` argument")],
    group="string",
    since="1.0.0",
    history=_SET_HISTORY,
)
def set_(ctx: Context, args: list[bytes]) -> bytes:
    """SET key value [NX | XX | IFEQ value] [GET] [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL]."""
    if len(args) == 3:
        key = args[1]
        ctx.db.put(key, args[2])
        ctx.key_changed(key, NOTIFY_STRING, b"set")
        return OK
    options = set_options(ctx, args)
    if options.get and ctx.engine.wants_propagation:
        options.effect = [word for at, word in enumerate(args) if at < 3 or word.upper() != b"GET"]
    return _set_with_options(ctx, args[1], args[2], options, b"set")


def _set_with_options(ctx: Context, key: bytes, value: bytes, options: SetOptions, name: bytes) -> bytes:
    at_ms = options.expire_at(ctx, name)
    db = ctx.db
    current = db.find_for_write(key)
    done, refused = OK, ctx.null
    if options.get:
        old = string_of(current)
        done = refused = ctx.null if old is None else bulk(old)
    if options.if_equal is not None and current is not None and string_of(current) != options.if_equal:
        return refused
    if current is None:
        if options.if_present or options.if_equal is not None:
            return refused
    elif options.if_missing:
        return refused
    if at_ms >= 0 and ctx.engine.profile.expires_past_ttls and ctx.engine.is_expired(at_ms):
        if current is not None:
            delete_as_expired(ctx, key)
        return done
    db.put(key, value, options.keep_ttl)
    ctx.key_changed(key, NOTIFY_STRING, b"set")
    if at_ms >= 0:
        db.expire_at(key, at_ms)
        ctx.notify(NOTIFY_GENERIC, b"expire", key)
        if not options.absolute or options.unit_ms != 1 or not ctx.engine.profile.propagates_pxat_as_given:
            ctx.propagate([b"SET", key, value, b"PXAT", b"%d" % at_ms])
    elif options.effect is not None:
        ctx.propagate(options.effect)
    return done


@command(
    "SETNX",
    summary="Set a string if the key does not exist.",
    arguments="key value",
    arity=3,
    flags=WRITE | DENYOOM | FAST,
    keys=[KeySpec("OW", "insert")],
    group="string",
    since="1.0.0",
    deprecated="2.6.12|`SET` with the `NX` argument",
)
def setnx(ctx: Context, args: list[bytes]) -> bytes:
    """SETNX key value."""
    if ctx.db.find_for_write(args[1]) is not None:
        return ZERO
    ctx.db.put(args[1], args[2])
    ctx.key_changed(args[1], NOTIFY_STRING, b"set")
    return ONE


@command(
    "SETEX",
    summary="Set a string with a time to live in seconds.",
    arguments="key seconds value",
    arity=4,
    flags=WRITE | DENYOOM,
    keys=KEY_OVERWRITE,
    group="string",
    since="2.0.0",
    deprecated="2.6.12|`SET` with the `EX` argument",
)
def setex(ctx: Context, args: list[bytes]) -> bytes:
    """SETEX key seconds value."""
    options = SetOptions()
    options.expire_text, options.unit_ms = args[2], 1000
    return _set_with_options(ctx, args[1], args[3], options, b"setex")


@command(
    "PSETEX",
    summary="Set a string with a time to live in milliseconds.",
    arguments="key milliseconds value",
    arity=4,
    flags=WRITE | DENYOOM,
    keys=KEY_OVERWRITE,
    group="string",
    since="2.6.0",
    deprecated="2.6.12|`SET` with the `PX` argument",
)
def psetex(ctx: Context, args: list[bytes]) -> bytes:
    """PSETEX key milliseconds value."""
    options = SetOptions()
    options.expire_text = args[2]
    return _set_with_options(ctx, args[1], args[3], options, b"psetex")


@command(
    "GETSET",
    summary="Set a string and return its previous value.",
    arguments="key value",
    arity=3,
    flags=WRITE | DENYOOM | FAST,
    keys=KEY_ACCESS_UPDATE,
    group="string",
    since="1.0.0",
    deprecated="6.2.0|`SET` with the `!GET` argument",
)
def getset(ctx: Context, args: list[bytes]) -> bytes:
    """GETSET key value."""
    old = read_string(ctx.db, args[1])
    ctx.db.put(args[1], args[2])
    ctx.key_changed(args[1], NOTIFY_STRING, b"set")
    ctx.propagate([b"SET", args[1], args[2]])
    return ctx.null if old is None else bulk(old)


@command(
    "GETDEL",
    summary="Get a string and delete its key.",
    arguments="key",
    arity=2,
    flags=WRITE | FAST,
    keys=KEY_ACCESS_DELETE,
    group="string",
    since="6.2.0",
)
def getdel(ctx: Context, args: list[bytes]) -> bytes:
    """GETDEL key."""
    key = args[1]
    value = read_string(ctx.db, key)
    if value is None:
        return ctx.null
    ctx.db.delete(key)
    ctx.key_changed(key, NOTIFY_GENERIC, b"del")
    ctx.propagate([b"DEL", key])
    return bulk(value)


_GETEX_ARGUMENTS: Final = (
    "key [expiration=<EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | PERSIST>]"
)


@command(
    "GETEX",
    summary="Get a string and set or remove its time to live.",
    arguments=_GETEX_ARGUMENTS,
    arity=-2,
    flags=WRITE | FAST,
    keys=[KeySpec("RW", "access update", notes="RW and UPDATE because it changes the TTL")],
    group="string",
    since="6.2.0",
)
def getex(ctx: Context, args: list[bytes]) -> bytes:
    """GETEX key [EX s | PX ms | EXAT s | PXAT ms | PERSIST]."""
    options = SetOptions()
    at = 2
    while at < len(args):
        word = args[at].upper()
        if word == b"PERSIST" and options.expire_text is None:
            options.persist = True
        elif take_expiry(options, word, args, at):
            at += 1
        else:
            raise syntax_error()
        at += 1
    key = args[1]
    early = ctx.engine.profile.getex_parses_ttl_first
    at_ms = options.expire_at(ctx, b"getex") if early else -1
    value = read_string(ctx.db, key)
    if value is None:
        return ctx.null
    if not early:
        at_ms = options.expire_at(ctx, b"getex")
    if at_ms >= 0 and ctx.engine.is_expired(at_ms):
        delete_as_expired(ctx, key)
    elif at_ms >= 0:
        ctx.db.expire_at(key, at_ms)
        ctx.key_changed(key, NOTIFY_GENERIC, b"expire")
        ctx.propagate([b"PEXPIREAT", key, b"%d" % at_ms])
    elif options.persist and ctx.db.persist(key):
        ctx.key_changed(key, NOTIFY_GENERIC, b"persist")
        ctx.propagate([b"PERSIST", key])
    return bulk(value)


@command(
    "DELIFEQ",
    summary="Delete a key if its string equals a value.",
    arguments="key value",
    arity=3,
    flags=WRITE | FAST,
    keys=[KeySpec("RM", "delete")],
    group="string",
    since="9.0.0",
    valkey_only=True,
)
def delifeq(ctx: Context, args: list[bytes]) -> bytes:
    """DELIFEQ key value."""
    value = string_of(ctx.db.find_for_write(args[1]))
    if value is None or value != args[2]:
        return ZERO
    ctx.db.delete(args[1])
    ctx.key_changed(args[1], NOTIFY_GENERIC, b"del")
    ctx.propagate([b"DEL", args[1]])
    return ONE
