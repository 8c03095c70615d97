"""Members of sets: add, remove, move, check, iterate."""

from cachetwin_engine.core.commands.scan import scan_cursor, scan_options
from cachetwin_engine.core.config.notifications import NOTIFY_GENERIC, NOTIFY_SET
from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.protocol.replies import EMPTY_ARRAY, ONE, ZERO, array, bulk, bulk_array, integer
from cachetwin_engine.core.registry.command_table import (
    DENYOOM,
    FAST,
    KEY_DELETE,
    KEY_INSERT,
    KEY_META,
    KEY_READ,
    NONDETERMINISTIC,
    NONDETERMINISTIC_ORDER,
    READONLY,
    WRITE,
    KeySpec,
    command,
)
from cachetwin_engine.core.types.set import SetValue, read_set, set_of


@command(
    "SADD",
    summary="Add members to a set, which is created if it does not exist.",
    arguments="key member...",
    arity=-3,
    flags=WRITE | DENYOOM | FAST,
    keys=KEY_INSERT,
    group="set",
    since="1.0.0",
    complexity="O(N) where N is the number of members.",
    history=[("2.4.0", "Accepts several members.")],
)
def sadd(ctx: Context, args: list[bytes]) -> bytes:
    """SADD key member [member ...]."""
    key = args[1]
    value = set_of(ctx.db.find_for_write(key))
    config = ctx.engine.config
    found = value is not None
    if value is None:
        value = SetValue.begun(args[2], len(args) - 2, config)
    added = 0
    for at in range(2, len(args)):
        if value.add(args[at], config):
            added += 1
    if not found:
        ctx.db.put(key, value)
    if added:
        ctx.key_changed(key, NOTIFY_SET, b"sadd", added)
    return integer(added)


@command(
    "SREM",
    summary="Remove members of a set.",
    arguments="key member...",
    arity=-3,
    flags=WRITE | FAST,
    keys=KEY_DELETE,
    group="set",
    since="1.0.0",
    complexity="O(N) where N is the number of members.",
    history=[("2.4.0", "Accepts several members.")],
)
def srem(ctx: Context, args: list[bytes]) -> bytes:
    """SREM key member [member ...]."""
    value = set_of(ctx.db.find_for_write(args[1]))
    if value is None:
        return ZERO
    gone = 0
    for at in range(2, len(args)):
        if value.remove(args[at]):
            gone += 1
    if gone:
        removed(ctx, args[1], value, b"srem", gone)
    return integer(gone)


def removed(ctx: Context, key: bytes, value: SetValue, event: bytes, count: int) -> None:
    """Report that ``count`` members of the set under ``key`` were removed, and delete an empty set."""
    empty = value.length() == 0
    if empty:
        ctx.db.drop(key)
    ctx.key_changed(key, NOTIFY_SET, event, count)
    if empty:
        ctx.notify(NOTIFY_GENERIC, b"del", key)


@command(
    "SMOVE",
    summary="Move a member from one set to another.",
    arguments="source destination member",
    arity=4,
    flags=WRITE | FAST,
    keys=[KeySpec("RW", "access delete"), KeySpec("RW", "insert", index=2)],
    group="set",
    since="1.0.0",
)
def smove(ctx: Context, args: list[bytes]) -> bytes:
    """SMOVE source destination member."""
    member = args[3]
    source = set_of(ctx.db.find_for_write(args[1]))
    if source is None:
        return ZERO
    target = set_of(ctx.db.find_for_write(args[2]))
    if source is target:
        return ONE if source.has(member) else ZERO
    if not source.remove(member):
        return ZERO
    removed(ctx, args[1], source, b"srem", 1)
    found = target is not None
    if target is None:
        target = SetValue.begun(member, 1, ctx.engine.config)
    added = target.add(member, ctx.engine.config)
    if not found:
        ctx.db.put(args[2], target)
    if added:
        ctx.key_changed(args[2], NOTIFY_SET, b"sadd")
    return ONE


@command(
    "SCARD",
    summary="Count the members of a set.",
    arguments="key",
    arity=2,
    flags=READONLY | FAST,
    keys=KEY_META,
    group="set",
    since="1.0.0",
)
def scard(ctx: Context, args: list[bytes]) -> bytes:
    """SCARD key."""
    value = read_set(ctx.db, args[1])
    return ZERO if value is None else integer(value.length())


@command(
    "SISMEMBER",
    summary="Check whether a set has a member.",
    arguments="key member",
    arity=3,
    flags=READONLY | FAST,
    keys=KEY_META,
    group="set",
    since="1.0.0",
)
def sismember(ctx: Context, args: list[bytes]) -> bytes:
    """SISMEMBER key member."""
    value = read_set(ctx.db, args[1])
    return ONE if value is not None and value.has(args[2]) else ZERO


@command(
    "SMISMEMBER",
    summary="Check which of the given members a set has.",
    arguments="key member...",
    arity=-3,
    flags=READONLY | FAST,
    keys=KEY_READ,
    group="set",
    since="6.2.0",
    complexity="O(N) where N is the number of members.",
)
def smismember(ctx: Context, args: list[bytes]) -> bytes:
    """SMISMEMBER key member [member ...]."""
    value = read_set(ctx.db, args[1])
    replies = [b"*%d\r\n" % (len(args) - 2)]
    for at in range(2, len(args)):
        replies.append(ONE if value is not None and value.has(args[at]) else ZERO)
    return b"".join(replies)


@command(
    "SMEMBERS",
    summary="Get all members of a set.",
    arguments="key",
    arity=2,
    flags=READONLY,
    keys=KEY_READ,
    group="set",
    since="1.0.0",
    complexity="O(N) where N is the number of members.",
    tips=NONDETERMINISTIC_ORDER,
)
def smembers(ctx: Context, args: list[bytes]) -> bytes:
    """SMEMBERS key."""
    value = read_set(ctx.db, args[1])
    return members_reply(ctx, [] if value is None else value.members())


def members_reply(ctx: Context, members: list[bytes]) -> bytes:
    """A set reply of bulk strings."""
    reply = bulk_array(members)
    return b"~" + reply[1:] if ctx.resp3 else reply


@command(
    "SSCAN",
    summary="Iterate over the members of a set.",
    arguments="key cursor [MATCH pattern] [COUNT count]",
    arity=-3,
    flags=READONLY,
    keys=KEY_READ,
    group="set",
    since="2.8.0",
    complexity="O(1) for each call, O(N) for a complete iteration over N members.",
    tips=NONDETERMINISTIC,
)
def sscan(ctx: Context, args: list[bytes]) -> bytes:
    """SSCAN key cursor [MATCH pattern] [COUNT count]."""
    scan_cursor(args[2])
    value = read_set(ctx.db, args[1])
    if value is None:
        return array([bulk(b"0"), EMPTY_ARRAY])
    options = scan_options(ctx, args, 2)
    cursor, members = value.scan(options.cursor, options.count)
    if options.pattern is not None:
        members = [member for member in members if options.wants(member)]
    return array([bulk(b"%d" % cursor), bulk_array(members)])
