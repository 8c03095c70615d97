"""Several strings in one command."""

from typing import Final

from cachetwin_engine.core.config.notifications import NOTIFY_GENERIC, NOTIFY_STRING
from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.protocol.errors import CommandError, syntax_error, wrong_arity
from cachetwin_engine.core.protocol.replies import OK, ONE, ZERO, bulk
from cachetwin_engine.core.registry.command_table import (
    DENYOOM,
    FAST,
    KEYS_READ,
    MOVABLE_KEYS,
    READONLY,
    WRITE,
    KeySpec,
    command,
)
from cachetwin_engine.core.text.numbers import integer_or_none
from cachetwin_engine.core.types.string import RawString

from .set_options import SetOptions, take_expiry

_MSETEX_KEYS_MAX: Final = 2**31 - 1


@command(
    "MGET",
    summary="Get several strings; null for keys that are missing or hold another type.",
    arguments="key...",
    arity=-2,
    flags=READONLY | FAST,
    keys=KEYS_READ,
    group="string",
    since="1.0.0",
    complexity="O(N) where N is the number of keys.",
    tips=[b"request_policy:multi_shard"],
)
def mget(ctx: Context, args: list[bytes]) -> bytes:
    """MGET key [key ...]."""
    parts = [b"*%d\r\n" % (len(args) - 1)]
    db = ctx.db
    for at in range(1, len(args)):
        value = db.find(args[at])
        if isinstance(value, bytes):
            parts.append(bulk(value))
        elif isinstance(value, RawString):
            parts.append(bulk(bytes(value.data)))
        else:
            parts.append(ctx.null)
    return b"".join(parts)


@command(
    "MSET",
    summary="Set several strings at once.",
    arguments="data=(key value)...",
    arity=-3,
    flags=WRITE | DENYOOM,
    keys=[KeySpec("OW", "update", last=-1, step=2)],
    group="string",
    since="1.0.1",
    complexity="O(N) where N is the number of keys.",
    tips=[b"request_policy:multi_shard", b"response_policy:all_succeeded"],
)
def mset(ctx: Context, args: list[bytes]) -> bytes:
    """MSET key value [key value ...]."""
    if len(args) % 2 == 0:
        raise wrong_arity(b"mset")
    _set_all(ctx, args)
    return OK


@command(
    "MSETNX",
    summary="Set several strings at once if none of the keys exists.",
    arguments="data=(key value)...",
    arity=-3,
    flags=WRITE | DENYOOM,
    keys=[KeySpec("OW", "insert", last=-1, step=2)],
    group="string",
    since="1.0.1",
    complexity="O(N) where N is the number of keys.",
)
def msetnx(ctx: Context, args: list[bytes]) -> bytes:
    """MSETNX key value [key value ...]."""
    if len(args) % 2 == 0:
        raise wrong_arity(b"msetnx")
    for at in range(1, len(args), 2):
        if ctx.db.find_for_write(args[at]) is not None:
            return ZERO
    _set_all(ctx, args)
    return ONE


_MSETEX_ARGUMENTS: Final = (
    "numkeys data=(key value)... [condition=<NX | XX>] [expiration=<EX seconds | PX milliseconds "
    "| EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL>]"
)


@command(
    "MSETEX",
    summary="Set several strings and their time to live at once.",
    arguments=_MSETEX_ARGUMENTS,
    arity=-4,
    flags=WRITE | DENYOOM | MOVABLE_KEYS,
    keys=[KeySpec("OW", "update", numkeys=0, first=1, step=2)],
    group="string",
    since="9.1.0",
    complexity="O(N) where N is the number of keys.",
    tips=[b"request_policy:multi_shard", b"response_policy:all_succeeded"],
    valkey_only=True,
)
def msetex(ctx: Context, args: list[bytes]) -> bytes:
    """MSETEX numkeys key value [key value ...] [NX | XX] [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL]."""
    count = integer_or_none(args[1])
    if count is None or not 1 <= count <= _MSETEX_KEYS_MAX:
        raise CommandError(b"ERR invalid numkeys value or out of range")
    end = 2 + 2 * count
    if end > len(args):
        raise syntax_error()
    options = _msetex_options(args, end)
    at_ms = options.expire_at(ctx, b"msetex")
    db = ctx.db
    if options.if_missing or options.if_present:
        for at in range(2, end, 2):
            if (db.find_for_write(args[at]) is None) == options.if_present:
                return ZERO
    for at in range(2, end, 2):
        db.put(args[at], args[at + 1], options.keep_ttl)
        ctx.key_changed(args[at], NOTIFY_STRING, b"set")
        if at_ms >= 0:
            db.expire_at(args[at], at_ms)  # even if it is in the past: such a key exists until it is found expired
            ctx.notify(NOTIFY_GENERIC, b"expire", args[at])
    if at_ms >= 0 and options.expire_word != b"PXAT":
        ctx.propagate(_with_absolute_time(args, end, at_ms))
    return ONE


def _msetex_options(args: list[bytes], at: int) -> SetOptions:
    options = SetOptions()
    while at < len(args):
        word = args[at].upper()
        if word == b"NX" and not options.if_present:
            options.if_missing = True
        elif word == b"XX" and not options.if_missing:
            options.if_present = True
        elif word == b"KEEPTTL" and options.expire_text is None:
            options.keep_ttl = True
        elif take_expiry(options, word, args, at):
            at += 1
        else:
            raise syntax_error()
        at += 1
    return options


def _with_absolute_time(args: list[bytes], end: int, at_ms: int) -> list[bytes]:
    """The request with ``PXAT at_ms`` in place of each time after ``args[end]``."""
    words = list(args)
    at = end
    while at < len(words):
        if words[at].upper() in {b"EX", b"PX", b"EXAT"}:
            words[at], words[at + 1] = b"PXAT", b"%d" % at_ms
            at += 1
        at += 1
    return words


def _set_all(ctx: Context, args: list[bytes]) -> None:
    for at in range(1, len(args), 2):
        ctx.db.put(args[at], args[at + 1])
        ctx.key_changed(args[at], NOTIFY_STRING, b"set")
