"""Intersection, union and difference of sets."""

from typing import Final

from cachetwin_engine.core.config.notifications import NOTIFY_GENERIC, NOTIFY_SET
from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.protocol.errors import CommandError
from cachetwin_engine.core.protocol.replies import ZERO, integer
from cachetwin_engine.core.registry.command_table import (
    DENYOOM,
    KEYS_READ,
    MOVABLE_KEYS,
    NONDETERMINISTIC_ORDER,
    READONLY,
    WRITE,
    KeySpec,
    command,
)
from cachetwin_engine.core.text.numbers import integer_or_none
from cachetwin_engine.core.types.set import SetValue, read_set

from .members import members_reply

_STORE_KEYS: Final = [KeySpec("OW", "update"), KeySpec("RO", "access", index=2, last=-1)]


@command(
    "SINTER",
    summary="Return the members that all of the sets have.",
    arguments="key...",
    arity=-2,
    flags=READONLY,
    keys=KEYS_READ,
    group="set",
    since="1.0.0",
    complexity="O(N*M) where M is the number of sets and N the size of the smallest.",
    tips=NONDETERMINISTIC_ORDER,
)
def sinter(ctx: Context, args: list[bytes]) -> bytes:
    """SINTER key [key ...]."""
    return members_reply(ctx, _intersection(_sets(ctx, args, 1), 0))


@command(
    "SINTERCARD",
    summary="Count the members that all of the sets have.",
    arguments="numkeys key... [LIMIT limit]",
    arity=-3,
    flags=READONLY | MOVABLE_KEYS,
    keys=[KeySpec("RO", "access", numkeys=0, first=1)],
    group="set",
    since="7.0.0",
    complexity="O(N*M) where M is the number of sets and N the size of the smallest.",
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
    summary="Return the members that any of the sets has.",
    arguments="key...",
    arity=-2,
    flags=READONLY,
    keys=KEYS_READ,
    group="set",
    since="1.0.0",
    complexity="O(N) where N is the number of members of all sets.",
    tips=NONDETERMINISTIC_ORDER,
)
def sunion(ctx: Context, args: list[bytes]) -> bytes:
    """SUNION key [key ...]."""
    return members_reply(ctx, _union(_sets(ctx, args, 1)))


@command(
    "SDIFF",
    summary="Return the members of the first set that none of the other sets has.",
    arguments="key...",
    arity=-2,
    flags=READONLY,
    keys=KEYS_READ,
    group="set",
    since="1.0.0",
    complexity="O(N) where N is the number of members of all sets.",
    tips=NONDETERMINISTIC_ORDER,
)
def sdiff(ctx: Context, args: list[bytes]) -> bytes:
    """SDIFF key [key ...]."""
    return members_reply(ctx, _difference(_sets(ctx, args, 1)))


@command(
    "SINTERSTORE",
    summary="Store the members that all of the sets have.",
    arguments="destination key...",
    arity=-3,
    flags=WRITE | DENYOOM,
    keys=_STORE_KEYS,
    group="set",
    since="1.0.0",
    complexity="O(N*M) where M is the number of sets and N the size of the smallest.",
)
def sinterstore(ctx: Context, args: list[bytes]) -> bytes:
    """SINTERSTORE destination key [key ...]."""
    return _store(ctx, args[1], _intersection(_sets(ctx, args, 2), 0), b"sinterstore")


@command(
    "SUNIONSTORE",
    summary="Store the members that any of the sets has.",
    arguments="destination key...",
    arity=-3,
    flags=WRITE | DENYOOM,
    keys=_STORE_KEYS,
    group="set",
    since="1.0.0",
    complexity="O(N) where N is the number of members of all sets.",
)
def sunionstore(ctx: Context, args: list[bytes]) -> bytes:
    """SUNIONSTORE destination key [key ...]."""
    return _store(ctx, args[1], _union(_sets(ctx, args, 2)), b"sunionstore")


@command(
    "SDIFFSTORE",
    summary="Store the members of the first set that none of the other sets has.",
    arguments="destination key...",
    arity=-3,
    flags=WRITE | DENYOOM,
    keys=_STORE_KEYS,
    group="set",
    since="1.0.0",
    complexity="O(N) where N is the number of members of all sets.",
)
def sdiffstore(ctx: Context, args: list[bytes]) -> bytes:
    """SDIFFSTORE destination key [key ...]."""
    return _store(ctx, args[1], _difference(_sets(ctx, args, 2)), b"sdiffstore")


def _sets(ctx: Context, args: list[bytes], begin: int) -> list[SetValue | None]:
    """The sets under the keys from argument ``begin`` on. Raises CommandError for another type."""
    return [read_set(ctx.db, args[at]) for at in range(begin, len(args))]


def _intersection(sets: list[SetValue | None], limit: int) -> list[bytes]:
    """The members that all sets have, at most ``limit`` unless it is 0."""
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
    """Store the set of ``members`` under ``key`` in place of any value."""
    if not members:
        if ctx.db.delete(key):
            ctx.key_changed(key, NOTIFY_GENERIC, b"del")
        return ZERO
    value = SetValue.of(members, ctx.engine.config)
    ctx.db.put(key, value)
    ctx.key_changed(key, NOTIFY_SET, event)
    return integer(value.length())
