"""The blocking commands for lists.

Each command tries its keys in order. If none holds a list it blocks; when one of the keys gets a value, the engine runs
the command again, for the client that has waited longest first.
"""

from typing import Final

from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.protocol.replies import bulk, bulk_array
from cachetwin_engine.core.registry.command_table import BLOCKING, DENYOOM, MOVABLE_KEYS, WRITE, KeySpec, command
from cachetwin_engine.core.text.numbers import parse_timeout
from cachetwin_engine.core.types.list import list_of

from .ends import is_left, parse_lmpop, pop_first_list, removed
from .moves import MOVE_KEYS, move

_POP_KEYS: Final = [KeySpec("RW", "access delete", last=-2)]
_SECONDS: Final = [("6.0.0", "The timeout may be a decimal number.")]


@command(
    "BLPOP",
    summary="Remove and return the first element of the first list that has one, or wait for one.",
    arguments="key... timeout:double",
    arity=-3,
    flags=WRITE | BLOCKING,
    keys=_POP_KEYS,
    group="list",
    since="2.0.0",
    complexity="O(N) where N is the number of keys.",
    history=_SECONDS,
)
def blpop(ctx: Context, args: list[bytes]) -> bytes:
    """BLPOP key [key ...] timeout."""
    return _blocking_pop(ctx, args, left=True)


@command(
    "BRPOP",
    summary="Remove and return the last element of the first list that has one, or wait for one.",
    arguments="key... timeout:double",
    arity=-3,
    flags=WRITE | BLOCKING,
    keys=_POP_KEYS,
    group="list",
    since="2.0.0",
    complexity="O(N) where N is the number of keys.",
    history=_SECONDS,
)
def brpop(ctx: Context, args: list[bytes]) -> bytes:
    """BRPOP key [key ...] timeout."""
    return _blocking_pop(ctx, args, left=False)


def _blocking_pop(ctx: Context, args: list[bytes], left: bool) -> bytes:
    deadline_ms = parse_timeout(args[-1], ctx.engine.now_ms)
    keys = args[1:-1]
    for key in keys:
        value = list_of(ctx.db.find_for_write(key))
        if value is not None:
            element = value.pop(left)
            removed(ctx, key, value, b"lpop" if left else b"rpop", 1)
            ctx.propagate([b"LPOP" if left else b"RPOP", key])
            return bulk_array([key, element])
    if not ctx.may_block:
        return ctx.null_array
    return ctx.block(keys, deadline_ms, ctx.null_array, args)


@command(
    "BLMOVE",
    summary="Move an element from one list to another, or wait for one.",
    arguments="source destination wherefrom=<LEFT | RIGHT> whereto=<LEFT | RIGHT> timeout:double",
    arity=6,
    flags=WRITE | DENYOOM | BLOCKING,
    keys=MOVE_KEYS,
    group="list",
    since="6.2.0",
)
def blmove(ctx: Context, args: list[bytes]) -> bytes:
    """BLMOVE source destination LEFT|RIGHT LEFT|RIGHT timeout."""
    from_left = is_left(args[3])
    return _blocking_move(ctx, args, from_left, is_left(args[4]), [b"LMOVE", *args[1:5]])


@command(
    "BRPOPLPUSH",
    summary="Move the last element of a list to the head of another, or wait for one.",
    arguments="source destination timeout:double",
    arity=4,
    flags=WRITE | DENYOOM | BLOCKING,
    keys=MOVE_KEYS,
    group="list",
    since="2.2.0",
    deprecated="6.2.0|`BLMOVE` with `RIGHT` and `LEFT`",
    history=_SECONDS,
)
def brpoplpush(ctx: Context, args: list[bytes]) -> bytes:
    """BRPOPLPUSH source destination timeout."""
    return _blocking_move(ctx, args, False, True, [b"RPOPLPUSH", args[1], args[2]])


def _blocking_move(ctx: Context, args: list[bytes], from_left: bool, to_left: bool, effect: list[bytes]) -> bytes:
    deadline_ms = parse_timeout(args[-1], ctx.engine.now_ms)
    element = move(ctx, args[1], args[2], from_left, to_left)
    if element is not None:
        ctx.propagate(effect)
        return bulk(element)
    if not ctx.may_block:
        return ctx.null
    return ctx.block([args[1]], deadline_ms, ctx.null_array, args)


@command(
    "BLMPOP",
    summary="Remove and return elements of the first list that has any, or wait for one.",
    arguments="timeout:double numkeys key... where=<LEFT | RIGHT> [COUNT count]",
    arity=-5,
    flags=WRITE | BLOCKING | MOVABLE_KEYS,
    keys=[KeySpec("RW", "access delete", index=2, numkeys=0, first=1)],
    group="list",
    since="7.0.0",
    complexity="O(N+M) where N is the number of keys and M the number of elements.",
)
def blmpop(ctx: Context, args: list[bytes]) -> bytes:
    """BLMPOP timeout numkeys key [key ...] LEFT|RIGHT [COUNT count]."""
    request = parse_lmpop(ctx, args, 2)
    deadline_ms = parse_timeout(args[1], ctx.engine.now_ms)
    reply = pop_first_list(ctx, request)
    if reply is not None:
        return reply
    if not ctx.may_block:
        return ctx.null_array
    return ctx.block(request.keys, deadline_ms, ctx.null_array, args)
