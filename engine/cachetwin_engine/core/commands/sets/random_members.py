"""Random members of sets."""

from typing import Final

from cachetwin_engine.core.config.notifications import NOTIFY_GENERIC, NOTIFY_SET
from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.protocol.errors import syntax_error
from cachetwin_engine.core.protocol.replies import EMPTY_ARRAY, bulk, bulk_array
from cachetwin_engine.core.registry.command_table import (
    FAST,
    KEY_ACCESS_DELETE,
    KEY_READ,
    NONDETERMINISTIC,
    READONLY,
    WRITE,
    command,
)
from cachetwin_engine.core.text.numbers import parse_positive, parse_symmetric
from cachetwin_engine.core.types.set import SetValue, read_set, set_of

from .members import members_reply, removed

_REMOVED_PER_EFFECT_MAX: Final = 1024  # members in one SREM that propagates a SPOP


@command(
    "SPOP",
    summary="Remove and return random members of a set.",
    arguments="key [count@3.2.0]",
    arity=-2,
    flags=WRITE | FAST,
    keys=KEY_ACCESS_DELETE,
    group="set",
    since="1.0.0",
    complexity="O(1); with a count, O(N) where N is the number of removed members.",
    tips=NONDETERMINISTIC,
    history=[("3.2.0", "Added the `count` argument.")],
)
def spop(ctx: Context, args: list[bytes]) -> bytes:
    """SPOP key [count]."""
    if len(args) > 3:
        raise syntax_error()
    count = parse_positive(args[2]) if len(args) == 3 else -1
    key = args[1]
    value = set_of(ctx.db.find_for_write(key))
    if value is None:
        return ctx.null if count < 0 else ctx.set_reply([])
    if count < 0:
        member = value.random(ctx.engine.random.below)
        value.remove(member)
        ctx.propagate([b"SREM", key, member])
        removed(ctx, key, value, b"spop", 1)
        return bulk(member)
    if count == 0:
        return ctx.set_reply([])
    if count >= value.length():
        members = list(value.members())
        ctx.db.drop(key)
        ctx.key_changed(key, NOTIFY_SET, b"spop", len(members))
        ctx.notify(NOTIFY_GENERIC, b"del", key)
        ctx.propagate([b"UNLINK" if ctx.engine.config.boolean("lazyfree-lazy-server-del") else b"DEL", key])
        return members_reply(ctx, members)
    members = _take_random(ctx, value, count)
    for begin in range(0, count, _REMOVED_PER_EFFECT_MAX):
        ctx.propagate([b"SREM", key, *members[begin : begin + _REMOVED_PER_EFFECT_MAX]])
    removed(ctx, key, value, b"spop", count)
    return members_reply(ctx, members)


def _take_random(ctx: Context, value: SetValue, count: int) -> list[bytes]:
    """Remove and return ``count`` random members; the set has more."""
    below = ctx.engine.random.below
    if value.small():
        members = ctx.engine.random.sample(value.members(), count)
        for member in members:
            value.remove(member)
        return members
    members = []
    for _ in range(count):
        member = value.random(below)
        value.remove(member)
        members.append(member)
    return members


@command(
    "SRANDMEMBER",
    summary="Get random members of a set.",
    arguments="key [count@2.6.0]",
    arity=-2,
    flags=READONLY,
    keys=KEY_READ,
    group="set",
    since="1.0.0",
    complexity="O(1); with a count, O(N) where N is the number of returned members.",
    tips=NONDETERMINISTIC,
    history=[("2.6.0", "Added the `count` argument.")],
)
def srandmember(ctx: Context, args: list[bytes]) -> bytes:
    """SRANDMEMBER key [count]: distinct members; with a negative count members may repeat."""
    if len(args) > 3:
        raise syntax_error()
    if len(args) == 2:
        value = read_set(ctx.db, args[1])
        return ctx.null if value is None else bulk(value.random(ctx.engine.random.below))
    count = parse_symmetric(args[2])
    value = read_set(ctx.db, args[1])
    if value is None or count == 0 or (count < 0 and ctx.is_too_much_to_answer(-count)):
        return EMPTY_ARRAY
    if count >= value.length():
        return bulk_array(value.members())
    return bulk_array(_pick_random(ctx, value, count))


def _pick_random(ctx: Context, value: SetValue, count: int) -> list[bytes]:
    """``count`` distinct members, fewer than the set has; if negative, ``-count`` members that may repeat."""
    below = ctx.engine.random.below
    if count < 0:
        return [value.random(below) for _ in range(-count)]
    if value.small() or count * 3 > value.length():
        return ctx.engine.random.sample(value.members(), count)
    picked: dict[bytes, None] = {}
    while len(picked) < count:
        picked[value.random(below)] = None
    return list(picked)
