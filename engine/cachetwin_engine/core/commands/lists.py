"""Lists: push, pop, look, cut. The commands that wait are in ``blocking_lists``."""

from typing import Final

from cachetwin_engine.core.config.notifications import NOTIFY_GENERIC, NOTIFY_LIST
from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.protocol.errors import INDEX_OUT_OF_RANGE, NO_SUCH_KEY, CommandError, syntax_error
from cachetwin_engine.core.protocol.replies import EMPTY_ARRAY, OK, ZERO, array, bulk, bulk_array, integer
from cachetwin_engine.core.registry.command_table import (
    DENYOOM,
    FAST,
    KEY_ACCESS_DELETE,
    KEY_DELETE,
    KEY_INSERT,
    KEY_META,
    KEY_READ,
    KEY_UPDATE,
    MOVABLE_KEYS,
    READONLY,
    WRITE,
    KeySpec,
    command,
)
from cachetwin_engine.core.text.numbers import integer_or_none, parse_int, parse_positive, parse_symmetric
from cachetwin_engine.core.types.list import ListValue, list_of, read_list

MOVE_KEYS: Final = [KeySpec("RW", "access delete"), KeySpec("RW", "insert", index=2)]
NUMKEYS_NOT_POSITIVE: Final = b"ERR numkeys should be greater than 0"
COUNT_NOT_POSITIVE: Final = b"ERR count should be greater than 0"
_RANK_ZERO: Final = (
    b"ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from"
    b" the end of the list"
)


# -- pushing and popping ----------------------------------------------------------------------------------------------


@command(
    "LPUSH",
    summary="Put elements at the head of a list, which is made if need be.",
    arguments="key element...",
    arity=-3,
    flags=WRITE | DENYOOM | FAST,
    keys=KEY_INSERT,
    group="list",
    since="1.0.0",
    complexity="O(N) for N elements",
    history=[("2.4.0", "Takes several elements.")],
)
def lpush(ctx: Context, args: list[bytes]) -> bytes:
    """LPUSH key element [element ...]."""
    return _push(ctx, args, left=True, only_existing=False)


@command(
    "RPUSH",
    summary="Put elements at the tail of a list, which is made if need be.",
    arguments="key element...",
    arity=-3,
    flags=WRITE | DENYOOM | FAST,
    keys=KEY_INSERT,
    group="list",
    since="1.0.0",
    complexity="O(N) for N elements",
    history=[("2.4.0", "Takes several elements.")],
)
def rpush(ctx: Context, args: list[bytes]) -> bytes:
    """RPUSH key element [element ...]."""
    return _push(ctx, args, left=False, only_existing=False)


@command(
    "LPUSHX",
    summary="Put elements at the head of a list, if there is one.",
    arguments="key element...",
    arity=-3,
    flags=WRITE | DENYOOM | FAST,
    keys=KEY_INSERT,
    group="list",
    since="2.2.0",
    complexity="O(N) for N elements",
    history=[("4.0.0", "Takes several elements.")],
)
def lpushx(ctx: Context, args: list[bytes]) -> bytes:
    """LPUSHX key element [element ...]."""
    return _push(ctx, args, left=True, only_existing=True)


@command(
    "RPUSHX",
    summary="Put elements at the tail of a list, if there is one.",
    arguments="key element...",
    arity=-3,
    flags=WRITE | DENYOOM | FAST,
    keys=KEY_INSERT,
    group="list",
    since="2.2.0",
    complexity="O(N) for N elements",
    history=[("4.0.0", "Takes several elements.")],
)
def rpushx(ctx: Context, args: list[bytes]) -> bytes:
    """RPUSHX key element [element ...]."""
    return _push(ctx, args, left=False, only_existing=True)


def _push(ctx: Context, args: list[bytes], left: bool, only_existing: bool) -> bytes:
    key = args[1]
    value = list_of(ctx.db.find_for_write(key))
    if value is None and only_existing:
        return ZERO
    found = value is not None
    if value is None:
        value = ListValue()
    length = value.push_many(args, 2, left, ctx.engine.config.list_max_listpack_size)
    if not found:
        ctx.db.put(key, value)
    ctx.key_changed(key, NOTIFY_LIST, b"lpush" if left else b"rpush", len(args) - 2)
    return integer(length)


@command(
    "LPOP",
    summary="Take elements from the head of a list.",
    arguments="key [count@6.2.0]",
    arity=-2,
    flags=WRITE | FAST,
    keys=KEY_ACCESS_DELETE,
    group="list",
    since="1.0.0",
    complexity="O(N) for N elements",
    history=[("6.2.0", "Takes a count.")],
)
def lpop(ctx: Context, args: list[bytes]) -> bytes:
    """LPOP key [count]."""
    return _pop(ctx, args, left=True)


@command(
    "RPOP",
    summary="Take elements from the tail of a list.",
    arguments="key [count@6.2.0]",
    arity=-2,
    flags=WRITE | FAST,
    keys=KEY_ACCESS_DELETE,
    group="list",
    since="1.0.0",
    complexity="O(N) for N elements",
    history=[("6.2.0", "Takes a count.")],
)
def rpop(ctx: Context, args: list[bytes]) -> bytes:
    """RPOP key [count]."""
    return _pop(ctx, args, left=False)


def _pop(ctx: Context, args: list[bytes], left: bool) -> bytes:
    if len(args) == 2:
        value = list_of(ctx.db.find_for_write(args[1]))
        if value is None:
            return ctx.null
        element = value.pop(left)
        removed(ctx, args[1], value, b"lpop" if left else b"rpop", 1)
        return bulk(element)
    if len(args) > 3:
        raise CommandError(b"ERR wrong number of arguments for '" + (b"lpop" if left else b"rpop") + b"' command")
    count = parse_positive(args[2])
    value = list_of(ctx.db.find_for_write(args[1]))
    if value is None:
        return ctx.null_array
    if count == 0:
        return EMPTY_ARRAY
    return bulk_array(pop_many(ctx, args[1], value, count, left))


def pop_many(ctx: Context, key: bytes, value: ListValue, count: int, left: bool) -> list[bytes]:
    """Take up to ``count`` elements, at least one, from an end of the list under ``key``."""
    elements = value.pop_many(count, left)
    removed(ctx, key, value, b"lpop" if left else b"rpop", len(elements))
    return elements


def removed(ctx: Context, key: bytes, value: ListValue, event: bytes, count: int) -> None:
    """``count`` elements left the list under ``key``: drop it when it is empty, and say so."""
    if value.length() == 0:
        ctx.db.drop(key)
        ctx.key_changed(key, NOTIFY_LIST, event, count)
        ctx.notify(NOTIFY_GENERIC, b"del", key)
        return
    value.shrink(ctx.engine.config.list_max_listpack_size)
    ctx.key_changed(key, NOTIFY_LIST, event, count)


@command(
    "LMPOP",
    summary="Take elements from the first of several lists that has any.",
    arguments="numkeys key... where=<LEFT | RIGHT> [COUNT count]",
    arity=-4,
    flags=WRITE | MOVABLE_KEYS,
    keys=[KeySpec("RW", "access delete", numkeys=0, first=1)],
    group="list",
    since="7.0.0",
    complexity="O(N+M) for N keys and M elements",
)
def lmpop(ctx: Context, args: list[bytes]) -> bytes:
    """LMPOP numkeys key [key ...] LEFT|RIGHT [COUNT count]."""
    request = parse_lmpop(ctx, args, 1)
    reply = pop_first_list(ctx, request)
    return ctx.null_array if reply is None else reply


class PopRequest:
    """What LMPOP and BLMPOP ask for."""

    def __init__(self, keys: list[bytes], left: bool, count: int) -> None:
        self.keys = keys
        self.left = left
        self.count = count


def parse_lmpop(ctx: Context, args: list[bytes], at: int) -> PopRequest:
    """``numkeys key [key ...] LEFT|RIGHT [COUNT count]`` from argument ``at`` on. Raises CommandError."""
    numkeys = integer_or_none(args[at])
    if numkeys is None or numkeys <= 0:
        raise CommandError(NUMKEYS_NOT_POSITIVE)
    where = at + numkeys + 1
    if where >= len(args):
        raise syntax_error()
    left = is_left(args[where])
    count = 0
    options = ctx.options(args, where + 1)
    while options.next_word():
        if count:
            raise syntax_error()
        asked = integer_or_none(options.value)
        if asked is None or asked <= 0:
            raise CommandError(COUNT_NOT_POSITIVE)
        count = asked
    return PopRequest(args[at + 1 : where], left, count or 1)


def pop_first_list(ctx: Context, request: PopRequest) -> bytes | None:
    """Key and elements from the first key that holds a list, None if none does."""
    for key in request.keys:
        value = list_of(ctx.db.find_for_write(key))
        if value is not None:
            elements = pop_many(ctx, key, value, request.count, request.left)
            ctx.propagate([b"LPOP" if request.left else b"RPOP", key, b"%d" % len(elements)])
            return array([bulk(key), bulk_array(elements)])
    return None


def is_left(word: bytes) -> bool:
    """LEFT or RIGHT. Raises CommandError."""
    name = word.upper()
    if name == b"LEFT":
        return True
    if name == b"RIGHT":
        return False
    raise syntax_error()


# -- moving -----------------------------------------------------------------------------------------------------------


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
    """Move one element and return it, None if there is no list under ``source``."""
    value = list_of(ctx.db.find_for_write(source))
    if value is None:
        return None
    target = list_of(ctx.db.find_for_write(destination))
    limit = ctx.engine.config.list_max_listpack_size
    element = value.pop(from_left)
    found = target is not None
    if target is None:
        target = ListValue()
    target.make_room_bytes(len(element), 1, limit)
    target.push(element, to_left)
    if not found:
        ctx.db.put(destination, target)
    ctx.key_changed(destination, NOTIFY_LIST, b"lpush" if to_left else b"rpush", 0)  # a move is one change in all
    removed(ctx, source, value, b"lpop" if from_left else b"rpop", 1)
    return element


# -- looking ----------------------------------------------------------------------------------------------------------


@command(
    "LLEN",
    summary="Count the elements of a list.",
    arguments="key",
    arity=2,
    flags=READONLY | FAST,
    keys=KEY_META,
    group="list",
    since="1.0.0",
)
def llen(ctx: Context, args: list[bytes]) -> bytes:
    """LLEN key."""
    value = read_list(ctx.db, args[1])
    return ZERO if value is None else integer(value.length())


@command(
    "LINDEX",
    summary="Get an element of a list by its place.",
    arguments="key index",
    arity=3,
    flags=READONLY,
    keys=KEY_READ,
    group="list",
    since="1.0.0",
    complexity="O(N) for N elements between the nearer end and the one asked for",
)
def lindex(ctx: Context, args: list[bytes]) -> bytes:
    """LINDEX key index."""
    value = read_list(ctx.db, args[1])
    if value is None:
        return ctx.null
    element = value.at(parse_int(args[2]))
    return ctx.null if element is None else bulk(element)


@command(
    "LRANGE",
    summary="Get the elements of a list between two places.",
    arguments="key start:integer stop:integer",
    arity=4,
    flags=READONLY,
    keys=KEY_READ,
    group="list",
    since="1.0.0",
    complexity="O(S+N) for N elements that begin or end S elements from the nearer end",
)
def lrange(ctx: Context, args: list[bytes]) -> bytes:
    """LRANGE key start stop."""
    start = parse_int(args[2])
    stop = parse_int(args[3])
    value = read_list(ctx.db, args[1])
    if value is None:
        return EMPTY_ARRAY
    count = value.length()
    if start < 0:
        start = max(start + count, 0)
    if stop < 0:
        stop += count
    if start > stop or start >= count:
        return EMPTY_ARRAY
    return bulk_array(value.between(start, min(stop, count - 1)))


@command(
    "LPOS",
    summary="Find where an element is in a list.",
    arguments="key element [RANK rank:integer] [COUNT num-matches:integer] [MAXLEN len:integer]",
    arity=-3,
    flags=READONLY,
    keys=KEY_READ,
    group="list",
    since="6.0.6",
    complexity="O(N) for N elements compared",
)
def lpos(ctx: Context, args: list[bytes]) -> bytes:
    """LPOS key element [RANK rank] [COUNT num-matches] [MAXLEN len]."""
    rank = 1
    count = -1
    visits_max = 0
    options = ctx.options(args, 3)
    while word := options.next_word():
        if word == b"RANK":
            rank = _parse_rank(ctx, options.value)
        elif word == b"COUNT":
            count = _not_negative(options.value, b"ERR COUNT can't be negative")
        else:
            visits_max = _not_negative(options.value, b"ERR MAXLEN can't be negative")
    value = read_list(ctx.db, args[1])
    if value is None:
        return ctx.null if count < 0 else EMPTY_ARRAY
    found = value.positions(args[2], rank, 1 if count < 0 else count, visits_max)
    if count >= 0:
        return array([integer(position) for position in found])
    return integer(found[0]) if found else ctx.null


def _parse_rank(ctx: Context, text: bytes) -> int:
    rank = _parse_signed_count(ctx, text)
    if rank == 0:
        raise CommandError(_RANK_ZERO)
    return rank


def _parse_signed_count(ctx: Context, text: bytes) -> int:
    """A count whose sign gives the direction. Redis OSS 7.0 takes -2**63 as well, which Valkey refuses."""
    return parse_symmetric(text) if ctx.engine.profile.is_valkey else parse_int(text)


def _not_negative(text: bytes, line: bytes) -> int:
    value = integer_or_none(text)
    if value is None or value < 0:
        raise CommandError(line)
    return value


# -- changing and cutting ---------------------------------------------------------------------------------------------


@command(
    "LSET",
    summary="Replace an element of a list by its place.",
    arguments="key index element",
    arity=4,
    flags=WRITE | DENYOOM,
    keys=KEY_UPDATE,
    group="list",
    since="1.0.0",
    complexity="O(N) for N elements between the nearer end and the one to set",
)
def lset(ctx: Context, args: list[bytes]) -> bytes:
    """LSET key index element."""
    value = list_of(ctx.db.find_for_write(args[1]))
    if value is None:
        raise CommandError(NO_SUCH_KEY)
    index = parse_int(args[2])
    if ctx.engine.profile.commands_through >= (7, 2, 0):
        index = (index + 2**31) % 2**32 - 2**31  # on its way to the element it is a C int
    limit = ctx.engine.config.list_max_listpack_size
    value.make_room_bytes(len(args[3]), 1, limit)
    if not value.set_at(index, args[3]):
        raise CommandError(INDEX_OUT_OF_RANGE)
    value.shrink(limit)
    ctx.key_changed(args[1], NOTIFY_LIST, b"lset")
    return OK


@command(
    "LINSERT",
    summary="Put an element beside another one in a list.",
    arguments="key where=<BEFORE | AFTER> pivot element",
    arity=5,
    flags=WRITE | DENYOOM,
    keys=KEY_INSERT,
    group="list",
    since="2.2.0",
    complexity="O(N) for N elements before the pivot",
)
def linsert(ctx: Context, args: list[bytes]) -> bytes:
    """LINSERT key BEFORE|AFTER pivot element."""
    where = args[2].upper()
    if where not in {b"BEFORE", b"AFTER"}:
        raise syntax_error()
    value = list_of(ctx.db.find_for_write(args[1]))
    if value is None:
        return ZERO
    value.make_room_bytes(len(args[4]), 1, ctx.engine.config.list_max_listpack_size)
    if not value.insert(args[3], args[4], where == b"AFTER"):
        return integer(-1)
    ctx.key_changed(args[1], NOTIFY_LIST, b"linsert")
    return integer(value.length())


@command(
    "LREM",
    summary="Remove elements of a list that equal a given one.",
    arguments="key count element",
    arity=4,
    flags=WRITE,
    keys=KEY_DELETE,
    group="list",
    since="1.0.0",
    complexity="O(N+M) for a list of N elements of which M go",
)
def lrem(ctx: Context, args: list[bytes]) -> bytes:
    """LREM key count element."""
    count = _parse_signed_count(ctx, args[2])
    value = list_of(ctx.db.find_for_write(args[1]))
    if value is None:
        return ZERO
    gone = value.remove(args[3], count)
    if gone:
        removed(ctx, args[1], value, b"lrem", gone)
    return integer(gone)


@command(
    "LTRIM",
    summary="Keep only the elements of a list between two places.",
    arguments="key start:integer stop:integer",
    arity=4,
    flags=WRITE,
    keys=KEY_DELETE,
    group="list",
    since="1.0.0",
    complexity="O(N) for N elements removed",
)
def ltrim(ctx: Context, args: list[bytes]) -> bytes:
    """LTRIM key start stop."""
    start = parse_int(args[2])
    stop = parse_int(args[3])
    value = list_of(ctx.db.find_for_write(args[1]))
    if value is None:
        return OK
    count = value.length()
    if start < 0:
        start = max(start + count, 0)
    if stop < 0:
        stop += count
    if start > stop or start >= count:
        start = count  # nothing stays
        stop = count - 1
    gone = value.trim(start, min(stop, count - 1))
    removed(ctx, args[1], value, b"ltrim", gone)
    return OK
