"""Moves of elements between lists."""

from typing import Final

from cachetwin_engine.core.config.notifications import NOTIFY_LIST
from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.protocol.replies import bulk
from cachetwin_engine.core.registry.command_table import DENYOOM, WRITE, KeySpec, command
from cachetwin_engine.core.types.list import ListValue, list_of

from .ends import is_left, removed

MOVE_KEYS: Final = [KeySpec("RW", "access delete"), KeySpec("RW", "insert", index=2)]


@command(
    "LMOVE",
    summary="Move an element from an end of one list to an end of another.",
    arguments="source destination wherefrom=<LEFT | RIGHT> whereto=<LEFT | RIGHT>",
    arity=5,
    flags=WRITE | DENYOOM,
    keys=MOVE_KEYS,
    group="list",
    since="6.2.0",
)
def lmove(ctx: Context, args: list[bytes]) -> bytes:
    """LMOVE source destination LEFT|RIGHT LEFT|RIGHT."""
    from_left = is_left(args[3])
    element = move(ctx, args[1], args[2], from_left, is_left(args[4]))
    return ctx.null if element is None else bulk(element)


@command(
    "RPOPLPUSH",
    summary="Move the last element of a list to the head of another.",
    arguments="source destination",
    arity=3,
    flags=WRITE | DENYOOM,
    keys=MOVE_KEYS,
    group="list",
    since="1.2.0",
    deprecated="6.2.0|`LMOVE` with `RIGHT` and `LEFT`",
)
def rpoplpush(ctx: Context, args: list[bytes]) -> bytes:
    """RPOPLPUSH source destination."""
    element = move(ctx, args[1], args[2], from_left=False, to_left=True)
    return ctx.null if element is None else bulk(element)


def move(ctx: Context, source: bytes, destination: bytes, from_left: bool, to_left: bool) -> bytes | None:
    """Move one element and return it, or None if there is no list under ``source``."""
    value = list_of(ctx.db.find_for_write(source))
    if value is None:
        return None
    target = list_of(ctx.db.find_for_write(destination))
    limit = ctx.engine.config.encodings.list_max_listpack_size
    element = value.pop(from_left)
    found = target is not None
    if target is None:
        target = ListValue()
    target.make_room_bytes(len(element), 1, limit)
    target.push(element, to_left)
    if not found:
        ctx.db.put(destination, target)
    ctx.key_changed(destination, NOTIFY_LIST, b"lpush" if to_left else b"rpush", 0)  # a move counts as one change
    removed(ctx, source, value, b"lpop" if from_left else b"rpop", 1)
    return element
