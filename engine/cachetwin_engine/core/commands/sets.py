"""Sets: members, random members, and the algebra of several sets."""

from typing import Final

from cachetwin_engine.core.config.notifications import NOTIFY_GENERIC, NOTIFY_SET
from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.protocol.errors import CommandError, syntax_error
from cachetwin_engine.core.protocol.replies import EMPTY_ARRAY, ONE, ZERO, array, bulk, bulk_array, integer
from cachetwin_engine.core.registry.command_table import (
    DENYOOM,
    FAST,
    KEY_ACCESS_DELETE,
    KEY_DELETE,
    KEY_INSERT,
    KEY_META,
    KEY_READ,
    KEYS_READ,
    MOVABLE_KEYS,
    READONLY,
    WRITE,
    KeySpec,
    command,
)
from cachetwin_engine.core.text.numbers import integer_or_none, parse_positive, parse_symmetric
from cachetwin_engine.core.types.set import SetValue, read_set, set_of

from .scan import scan_cursor, scan_options

_STORE_KEYS: Final = [KeySpec("OW", "update"), KeySpec("RO", "access", index=2, last=-1)]
_ANY_ORDER: Final = [b"nondeterministic_output_order"]
_RANDOM: Final = [b"nondeterministic_output"]
_REMOVED_PER_EFFECT_MAX: Final = 1024  # members in one SREM that tells replicas what SPOP took


# -- members ----------------------------------------------------------------------------------------------------------


@command(
    "SADD",
    summary="Add members to a set, which is made if need be.",
    arguments="key member...",
    arity=-3,
    flags=WRITE | DENYOOM | FAST,
    keys=KEY_INSERT,
    group="set",
    since="1.0.0",
    complexity="O(N) for N members",
    history=[("2.4.0", "Takes several members.")],
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
    summary="Remove members from a set.",
    arguments="key member...",
    arity=-3,
    flags=WRITE | FAST,
    keys=KEY_DELETE,
    group="set",
    since="1.0.0",
    complexity="O(N) for N members",
    history=[("2.4.0", "Takes several members.")],
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
        _removed(ctx, args[1], value, b"srem", gone)
    return integer(gone)


def _removed(ctx: Context, key: bytes, value: SetValue, event: bytes, count: int) -> None:
    """``count`` members left the set under ``key``: drop it when it is empty, and say so."""
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
    _removed(ctx, args[1], source, b"srem", 1)
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
    summary="Is this a member of a set?",
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
    summary="Which of these are members of a set?",
    arguments="key member...",
    arity=-3,
    flags=READONLY | FAST,
    keys=KEY_READ,
    group="set",
    since="6.2.0",
    complexity="O(N) for N members",
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
    complexity="O(N) for N members",
    tips=_ANY_ORDER,
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
    summary="Walk over the members of a set, some at a time.",
    arguments="key cursor [MATCH pattern] [COUNT count]",
    arity=-3,
    flags=READONLY,
    keys=KEY_READ,
    group="set",
    since="2.8.0",
    complexity="O(1) for a call, O(N) for a whole walk over N members",
    tips=_RANDOM,
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


# -- random members ---------------------------------------------------------------------------------------------------


@command(
    "SPOP",
    summary="Take random members out of a set.",
    arguments="key [count@3.2.0]",
    arity=-2,
    flags=WRITE | FAST,
    keys=KEY_ACCESS_DELETE,
    group="set",
    since="1.0.0",
    complexity="O(1), with a count O(N) for N members taken",
    tips=_RANDOM,
    history=[("3.2.0", "Takes a count.")],
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
        _removed(ctx, key, value, b"spop", 1)
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
    _removed(ctx, key, value, b"spop", count)
    return members_reply(ctx, members)


def _take_random(ctx: Context, value: SetValue, count: int) -> list[bytes]:
    """Remove ``count`` random members of more."""
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
    complexity="O(1), with a count O(N) for N members returned",
    tips=_RANDOM,
    history=[("2.6.0", "Takes a count.")],
)
def srandmember(ctx: Context, args: list[bytes]) -> bytes:
    """SRANDMEMBER key [count]: distinct members, or, when negative, as many draws."""
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
    """``count`` distinct members of more, or ``-count`` draws."""
    below = ctx.engine.random.below
    if count < 0:
        return [value.random(below) for _ in range(-count)]
    if value.small() or count * 3 > value.length():
        return ctx.engine.random.sample(value.members(), count)
    picked: dict[bytes, None] = {}
    while len(picked) < count:
        picked[value.random(below)] = None
    return list(picked)


# -- several sets -----------------------------------------------------------------------------------------------------


@command(
    "SINTER",
    summary="Get the members that all of several sets have.",
    arguments="key...",
    arity=-2,
    flags=READONLY,
    keys=KEYS_READ,
    group="set",
    since="1.0.0",
    complexity="O(N*M) for M sets of which the smallest has N members",
    tips=_ANY_ORDER,
)
def sinter(ctx: Context, args: list[bytes]) -> bytes:
    """SINTER key [key ...]."""
    return members_reply(ctx, _intersection(_sets(ctx, args, 1), 0))


@command(
    "SINTERCARD",
    summary="Count the members that all of several sets have.",
    arguments="numkeys key... [LIMIT limit]",
    arity=-3,
    flags=READONLY | MOVABLE_KEYS,
    keys=[KeySpec("RO", "access", numkeys=0, first=1)],
    group="set",
    since="7.0.0",
    complexity="O(N*M) for M sets of which the smallest has N members",
)
def sintercard(ctx: Context, args: list[bytes]) -> bytes:
    """SINTERCARD numkeys key [key ...] [LIMIT limit]."""
    numkeys = integer_or_none(args[1])
    if numkeys is None or numkeys <= 0:
        raise CommandError(b"ERR numkeys should be greater than 0")
    if numkeys > len(args) - 2:
        raise CommandError(b"ERR Number of keys can't be greater than number of args")
    limit = 0
    options = ctx.options(args, numkeys + 2)
    while options.next_word():
        asked = integer_or_none(options.value)
        if asked is None or asked < 0:
            raise CommandError(b"ERR LIMIT can't be negative")
        limit = asked
    return integer(len(_intersection(_sets(ctx, args[: numkeys + 2], 2), limit)))


@command(
    "SUNION",
    summary="Get the members that any of several sets has.",
    arguments="key...",
    arity=-2,
    flags=READONLY,
    keys=KEYS_READ,
    group="set",
    since="1.0.0",
    complexity="O(N) for N members in all sets",
    tips=_ANY_ORDER,
)
def sunion(ctx: Context, args: list[bytes]) -> bytes:
    """SUNION key [key ...]."""
    return members_reply(ctx, _union(_sets(ctx, args, 1)))


@command(
    "SDIFF",
    summary="Get the members of a set that none of several others has.",
    arguments="key...",
    arity=-2,
    flags=READONLY,
    keys=KEYS_READ,
    group="set",
    since="1.0.0",
    complexity="O(N) for N members in all sets",
    tips=_ANY_ORDER,
)
def sdiff(ctx: Context, args: list[bytes]) -> bytes:
    """SDIFF key [key ...]."""
    return members_reply(ctx, _difference(_sets(ctx, args, 1)))


@command(
    "SINTERSTORE",
    summary="Store the members that all of several sets have.",
    arguments="destination key...",
    arity=-3,
    flags=WRITE | DENYOOM,
    keys=_STORE_KEYS,
    group="set",
    since="1.0.0",
    complexity="O(N*M) for M sets of which the smallest has N members",
)
def sinterstore(ctx: Context, args: list[bytes]) -> bytes:
    """SINTERSTORE destination key [key ...]."""
    return _store(ctx, args[1], _intersection(_sets(ctx, args, 2), 0), b"sinterstore")


@command(
    "SUNIONSTORE",
    summary="Store the members that any of several sets has.",
    arguments="destination key...",
    arity=-3,
    flags=WRITE | DENYOOM,
    keys=_STORE_KEYS,
    group="set",
    since="1.0.0",
    complexity="O(N) for N members in all sets",
)
def sunionstore(ctx: Context, args: list[bytes]) -> bytes:
    """SUNIONSTORE destination key [key ...]."""
    return _store(ctx, args[1], _union(_sets(ctx, args, 2)), b"sunionstore")


@command(
    "SDIFFSTORE",
    summary="Store the members of a set that none of several others has.",
    arguments="destination key...",
    arity=-3,
    flags=WRITE | DENYOOM,
    keys=_STORE_KEYS,
    group="set",
    since="1.0.0",
    complexity="O(N) for N members in all sets",
)
def sdiffstore(ctx: Context, args: list[bytes]) -> bytes:
    """SDIFFSTORE destination key [key ...]."""
    return _store(ctx, args[1], _difference(_sets(ctx, args, 2)), b"sdiffstore")


def _sets(ctx: Context, args: list[bytes], begin: int) -> list[SetValue | None]:
    """The sets under the keys from argument ``begin`` on. Raises CommandError if one holds something else."""
    return [read_set(ctx.db, args[at]) for at in range(begin, len(args))]


def _intersection(sets: list[SetValue | None], limit: int) -> list[bytes]:
    """The members that all have; no more than ``limit`` when it is not 0."""
    present: list[SetValue] = []
    for value in sets:
        if value is None:
            return []
        present.append(value)
    smallest = present[0]
    for value in present:
        if value.length() < smallest.length():
            smallest = value
    others = [value for value in present if value is not smallest]
    if not others and not limit:
        return smallest.members()
    found: list[bytes] = []
    for member in smallest.members():
        for other in others:
            if not other.has(member):
                break
        else:
            found.append(member)
            if len(found) == limit:
                break
    return found


def _union(sets: list[SetValue | None]) -> list[bytes]:
    found: dict[bytes, None] = {}
    for value in sets:
        if value is not None:
            for member in value.members():
                found[member] = None
    return list(found)


def _difference(sets: list[SetValue | None]) -> list[bytes]:
    """The members of the first set that no other has."""
    first = sets[0]
    if first is None:
        return []
    others: list[SetValue] = []
    for value in sets[1:]:
        if value is first:
            return []
        if value is not None:
            others.append(value)
    found: list[bytes] = []
    for member in first.members():
        for other in others:
            if other.has(member):
                break
        else:
            found.append(member)
    return found


def _store(ctx: Context, key: bytes, members: list[bytes], event: bytes) -> bytes:
    """Put the set of ``members`` in the place of whatever is under ``key``."""
    if not members:
        if ctx.db.delete(key):
            ctx.key_changed(key, NOTIFY_GENERIC, b"del")
        return ZERO
    value = SetValue.of(members, ctx.engine.config)
    ctx.db.put(key, value)
    ctx.key_changed(key, NOTIFY_SET, event)
    return integer(value.length())
