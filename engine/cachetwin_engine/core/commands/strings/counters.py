"""Strings as numbers: increment and decrement."""

from cachetwin_engine.core.config.notifications import NOTIFY_STRING
from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.protocol.errors import NAN_OR_INFINITY, OVERFLOW, CommandError, not_a_float
from cachetwin_engine.core.protocol.replies import bulk, integer
from cachetwin_engine.core.registry.command_table import DENYOOM, FAST, KEY_ACCESS_UPDATE, WRITE, command
from cachetwin_engine.core.text.decimals import decimal
from cachetwin_engine.core.text.long_double import add_long_doubles, format_long_double, parse_long_double
from cachetwin_engine.core.text.numbers import INT64_MIN, is_int64, parse_int
from cachetwin_engine.core.types.string import string_of


@command(
    "INCR",
    summary="Increment the integer in a string by one.",
    arguments="key",
    arity=2,
    flags=WRITE | DENYOOM | FAST,
    keys=KEY_ACCESS_UPDATE,
    group="string",
    since="1.0.0",
)
def incr(ctx: Context, args: list[bytes]) -> bytes:
    """INCR key."""
    return _add(ctx, args[1], 1)


@command(
    "DECR",
    summary="Decrement the integer in a string by one.",
    arguments="key",
    arity=2,
    flags=WRITE | DENYOOM | FAST,
    keys=KEY_ACCESS_UPDATE,
    group="string",
    since="1.0.0",
)
def decr(ctx: Context, args: list[bytes]) -> bytes:
    """DECR key."""
    return _add(ctx, args[1], -1)


@command(
    "INCRBY",
    summary="Increment the integer in a string.",
    arguments="key increment:integer",
    arity=3,
    flags=WRITE | DENYOOM | FAST,
    keys=KEY_ACCESS_UPDATE,
    group="string",
    since="1.0.0",
)
def incrby(ctx: Context, args: list[bytes]) -> bytes:
    """INCRBY key increment."""
    return _add(ctx, args[1], parse_int(args[2]))


@command(
    "DECRBY",
    summary="Decrement the integer in a string.",
    arguments="key decrement:integer",
    arity=3,
    flags=WRITE | DENYOOM | FAST,
    keys=KEY_ACCESS_UPDATE,
    group="string",
    since="1.0.0",
)
def decrby(ctx: Context, args: list[bytes]) -> bytes:
    """DECRBY key decrement."""
    delta = parse_int(args[2])
    if delta == INT64_MIN:
        raise CommandError(b"ERR decrement would overflow")
    return _add(ctx, args[1], -delta)


def _add(ctx: Context, key: bytes, delta: int) -> bytes:
    value = string_of(ctx.db.find_for_write(key))
    total = (0 if value is None else parse_int(value)) + delta
    if not is_int64(total):
        raise CommandError(OVERFLOW)
    text = decimal(total)
    if value is None:
        ctx.db.put(key, text)
    else:
        ctx.db.replace(key, text)
    ctx.key_changed(key, NOTIFY_STRING, b"incrby")
    return integer(total)


@command(
    "INCRBYFLOAT",
    summary="Increment the decimal number in a string.",
    arguments="key increment:double",
    arity=3,
    flags=WRITE | DENYOOM | FAST,
    keys=KEY_ACCESS_UPDATE,
    group="string",
    since="2.6.0",
)
def incrbyfloat(ctx: Context, args: list[bytes]) -> bytes:
    """INCRBYFLOAT key increment."""
    key = args[1]
    value = string_of(ctx.db.find_for_write(key))
    current = parse_long_double(b"0" if value is None else value)
    delta = parse_long_double(args[2])
    if current is None or delta is None:
        raise not_a_float()
    total = add_long_doubles(current, delta)
    if total.is_infinite():
        raise CommandError(NAN_OR_INFINITY)
    text = format_long_double(total)
    if value is None:
        ctx.db.put(key, text)
    else:
        ctx.db.replace(key, text)
    ctx.key_changed(key, NOTIFY_STRING, b"incrbyfloat")
    ctx.propagate([b"SET", key, text, b"KEEPTTL"])
    return bulk(text)
