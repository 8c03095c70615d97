"""Sorted sets as queues: pop the lowest or highest members, or wait for some."""

from cachetwin_engine.core.config.notifications import NOTIFY_ZSET
from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.protocol import errors
from cachetwin_engine.core.protocol.errors import CommandError, syntax_error
from cachetwin_engine.core.protocol.replies import EMPTY_ARRAY, array_header, bulk
from cachetwin_engine.core.registry.command_table import (
    BLOCKING,
    FAST,
    KEY_ACCESS_DELETE,
    MOVABLE_KEYS,
    WRITE,
    KeySpec,
    command,
)
from cachetwin_engine.core.text.numbers import integer_or_none, parse_int_or, parse_timeout
from cachetwin_engine.core.types.sorted_sets.sorted_set import SortedSet, sorted_set

from .members import drop_if_empty, pairs_reply

_NUMKEYS = b"ERR numkeys should be greater than 0"
_COUNT = b"ERR count should be greater than 0"


def _pop(ctx: Context, key: bytes, zset: SortedSet, count: int, highest: bool) -> tuple[list[bytes], list[float]]:
    """Pop ``count`` members, at least one, outermost first."""
    size = len(zset)
    count = min(count, size)
    start = size - count if highest else 0
    members, scores = zset.range(start, start + count)
    if highest:
        members.reverse()
        scores.reverse()
    if count == 1:
        zset.remove(members[0])
    else:
        zset.remove_range(start, start + count)
    ctx.key_changed(key, NOTIFY_ZSET, b"zpopmax" if highest else b"zpopmin", count)
    drop_if_empty(ctx, key, zset)
    return members, scores


def _zpop(ctx: Context, args: list[bytes], highest: bool) -> bytes:
    if len(args) > 3:
        raise syntax_error()
    count = 1
    if len(args) == 3:
        count = parse_int_or(args[2], errors.MUST_BE_POSITIVE)
        if count < 0:
            raise CommandError(errors.MUST_BE_POSITIVE)
    zset = sorted_set(ctx.db.find_for_write(args[1]))
    if zset is None or count == 0:
        return EMPTY_ARRAY
    members, scores = _pop(ctx, args[1], zset, count, highest)
    return pairs_reply(ctx, members, scores, ctx.resp3 and len(args) == 3)


@command(
    "ZPOPMIN",
    summary="Remove and return the members with the lowest scores.",
    arguments="key [count]",
    arity=-2,
    flags=WRITE | FAST,
    keys=KEY_ACCESS_DELETE,
    group="sorted-set",
    since="5.0.0",
    complexity="O(log(N)*M)",
)
def zpopmin(ctx: Context, args: list[bytes]) -> bytes:
    """ZPOPMIN key [count]."""
    return _zpop(ctx, args, highest=False)


@command(
    "ZPOPMAX",
    summary="Remove and return the members with the highest scores.",
    arguments="key [count]",
    arity=-2,
    flags=WRITE | FAST,
    keys=KEY_ACCESS_DELETE,
    group="sorted-set",
    since="5.0.0",
    complexity="O(log(N)*M)",
)
def zpopmax(ctx: Context, args: list[bytes]) -> bytes:
    """ZPOPMAX key [count]."""
    return _zpop(ctx, args, highest=True)


def _first_with_members(ctx: Context, keys: list[bytes]) -> tuple[bytes, SortedSet] | None:
    """The first of ``keys`` that has members. For a blocked client, keys of another type count as missing."""
    for key in keys:
        value = ctx.db.find_for_write(key)
        if value is None or (ctx.retrying and not isinstance(value, SortedSet)):
            continue
        zset = sorted_set(value)
        if zset is not None:
            return key, zset
    return None


def _bzpop(ctx: Context, args: list[bytes], highest: bool) -> bytes:
    deadline_ms = parse_timeout(args[-1], ctx.engine.now_ms)
    keys = args[1:-1]
    found = _first_with_members(ctx, keys)
    if found is None:
        return ctx.block(keys, deadline_ms, ctx.null_array, args) if ctx.may_block else ctx.null_array
    key, zset = found
    members, scores = _pop(ctx, key, zset, 1, highest)
    ctx.propagate([b"ZPOPMAX" if highest else b"ZPOPMIN", key])
    return b"".join([b"*3\r\n", bulk(key), bulk(members[0]), ctx.double(scores[0])])


@command(
    "BZPOPMIN",
    summary="Remove and return the member with the lowest score, or wait for one.",
    arguments="key... timeout:double",
    arity=-3,
    flags=WRITE | BLOCKING | FAST,
    keys=[KeySpec("RW", "access delete", last=-2)],
    group="sorted-set",
    since="5.0.0",
    complexity="O(log(N))",
    history=[("6.0.0", "The timeout may be a decimal number.")],
)
def bzpopmin(ctx: Context, args: list[bytes]) -> bytes:
    """BZPOPMIN key [key ...] timeout: key, member and score; null after the timeout."""
    return _bzpop(ctx, args, highest=False)


@command(
    "BZPOPMAX",
    summary="Remove and return the member with the highest score, or wait for one.",
    arguments="key... timeout:double",
    arity=-3,
    flags=WRITE | BLOCKING | FAST,
    keys=[KeySpec("RW", "access delete", last=-2)],
    group="sorted-set",
    since="5.0.0",
    complexity="O(log(N))",
    history=[("6.0.0", "The timeout may be a decimal number.")],
)
def bzpopmax(ctx: Context, args: list[bytes]) -> bytes:
    """BZPOPMAX key [key ...] timeout: key, member and score; null after the timeout."""
    return _bzpop(ctx, args, highest=True)


def _zmpop(ctx: Context, args: list[bytes], first: int, deadline_ms: int) -> bytes:
    """``first`` is the place of numkeys; with a negative ``deadline_ms`` it never blocks."""
    numkeys = integer_or_none(args[first])
    if numkeys is None or numkeys < 1:
        raise CommandError(_NUMKEYS)
    where = first + numkeys + 1
    if where >= len(args):
        raise syntax_error()
    end = args[where].upper()
    if end not in {b"MIN", b"MAX"}:
        raise syntax_error()
    count = -1
    options = ctx.options(args, where + 1)
    while options.next_word():
        if count >= 0:
            raise syntax_error()
        number = integer_or_none(options.value)
        if number is None or number < 1:
            raise CommandError(_COUNT)
        count = number
    keys = args[first + 1 : where]
    found = _first_with_members(ctx, keys)
    if found is None:
        if deadline_ms >= 0 and ctx.may_block:
            return ctx.block(keys, deadline_ms, ctx.null_array, args)
        return ctx.null_array
    key, zset = found
    members, scores = _pop(ctx, key, zset, max(count, 1), end == b"MAX")
    ctx.propagate([b"ZPOPMAX" if end == b"MAX" else b"ZPOPMIN", key, b"%d" % len(members)])
    return b"".join([array_header(2), bulk(key), pairs_reply(ctx, members, scores, nested=True)])


@command(
    "ZMPOP",
    summary="Remove and return members of the first sorted set that has any.",
    arguments="numkeys key... where=<MIN | MAX> [COUNT count]",
    arity=-4,
    flags=WRITE | MOVABLE_KEYS,
    keys=[KeySpec("RW", "access delete", numkeys=0, first=1)],
    group="sorted-set",
    since="7.0.0",
    complexity="O(K)+O(M*log(N))",
)
def zmpop(ctx: Context, args: list[bytes]) -> bytes:
    """ZMPOP numkeys key [key ...] <MIN | MAX> [COUNT count]."""
    return _zmpop(ctx, args, 1, -1)


@command(
    "BZMPOP",
    summary="Remove and return members of the first sorted set that has any, or wait for one.",
    arguments="timeout:double numkeys key... where=<MIN | MAX> [COUNT count]",
    arity=-5,
    flags=WRITE | BLOCKING | MOVABLE_KEYS,
    keys=[KeySpec("RW", "access delete", index=2, numkeys=0, first=1)],
    group="sorted-set",
    since="7.0.0",
    complexity="O(K)+O(M*log(N))",
)
def bzmpop(ctx: Context, args: list[bytes]) -> bytes:
    """BZMPOP timeout numkeys key [key ...] <MIN | MAX> [COUNT count]."""
    return _zmpop(ctx, args, 2, parse_timeout(args[1], ctx.engine.now_ms))
