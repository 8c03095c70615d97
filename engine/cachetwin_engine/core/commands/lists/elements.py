"""Elements inside lists: read, find, set, insert, remove."""

from typing import Final

from cachetwin_engine.core.config.notifications import NOTIFY_LIST
from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.protocol.errors import INDEX_OUT_OF_RANGE, NO_SUCH_KEY, CommandError, syntax_error
from cachetwin_engine.core.protocol.replies import EMPTY_ARRAY, OK, ZERO, array, bulk, bulk_array, integer
from cachetwin_engine.core.registry.command_table import (
    DENYOOM,
    FAST,
    KEY_DELETE,
    KEY_INSERT,
    KEY_META,
    KEY_READ,
    KEY_UPDATE,
    READONLY,
    WRITE,
    command,
)
from cachetwin_engine.core.text.numbers import integer_or_none, parse_int, parse_symmetric
from cachetwin_engine.core.types.list import list_of, read_list

from .ends import removed

_RANK_ZERO: Final = (
    b"ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from"
    b" the end of the list"
)


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
    summary="Get an element of a list by its index.",
    arguments="key index",
    arity=3,
    flags=READONLY,
    keys=KEY_READ,
    group="list",
    since="1.0.0",
    complexity="O(N) where N is the number of elements between the element and the nearer end.",
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
    summary="Get a range of elements of a list.",
    arguments="key start:integer stop:integer",
    arity=4,
    flags=READONLY,
    keys=KEY_READ,
    group="list",
    since="1.0.0",
    complexity="O(S+N) where N is the number of returned elements and S their distance from the nearer end.",
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
    summary="Find the index of matching elements in a list.",
    arguments="key element [RANK rank:integer] [COUNT num-matches:integer] [MAXLEN len:integer]",
    arity=-3,
    flags=READONLY,
    keys=KEY_READ,
    group="list",
    since="6.0.6",
    complexity="O(N) where N is the number of compared elements.",
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
    """A count whose sign gives the direction. Redis OSS 7.0 accepts -2**63, Valkey does not. Raises CommandError."""
    return parse_symmetric(text) if ctx.engine.profile.is_valkey else parse_int(text)


def _not_negative(text: bytes, line: bytes) -> int:
    value = integer_or_none(text)
    if value is None or value < 0:
        raise CommandError(line)
    return value


@command(
    "LSET",
    summary="Set an element of a list by its index.",
    arguments="key index element",
    arity=4,
    flags=WRITE | DENYOOM,
    keys=KEY_UPDATE,
    group="list",
    since="1.0.0",
    complexity="O(N) where N is the number of elements between the element and the nearer end.",
)
def lset(ctx: Context, args: list[bytes]) -> bytes:
    """LSET key index element."""
    value = list_of(ctx.db.find_for_write(args[1]))
    if value is None:
        raise CommandError(NO_SUCH_KEY)
    index = parse_int(args[2])
    if ctx.engine.profile.truncates_list_indexes:
        index = (index + 2**31) % 2**32 - 2**31  # the index is passed on as a C int
    limit = ctx.engine.config.encodings.list_max_listpack_size
    value.make_room_bytes(len(args[3]), 1, limit)
    if not value.set_at(index, args[3]):
        raise CommandError(INDEX_OUT_OF_RANGE)
    value.shrink(limit)
    ctx.key_changed(args[1], NOTIFY_LIST, b"lset")
    return OK


@command(
    "LINSERT",
    summary="Insert an element before or after another element of a list.",
    arguments="key where=<BEFORE | AFTER> pivot element",
    arity=5,
    flags=WRITE | DENYOOM,
    keys=KEY_INSERT,
    group="list",
    since="2.2.0",
    complexity="O(N) where N is the number of elements before the pivot.",
)
def linsert(ctx: Context, args: list[bytes]) -> bytes:
    """LINSERT key BEFORE|AFTER pivot element."""
    where = args[2].upper()
    if where not in {b"BEFORE", b"AFTER"}:
        raise syntax_error()
    value = list_of(ctx.db.find_for_write(args[1]))
    if value is None:
        return ZERO
    value.make_room_bytes(len(args[4]), 1, ctx.engine.config.encodings.list_max_listpack_size)
    if not value.insert(args[3], args[4], where == b"AFTER"):
        return integer(-1)
    ctx.key_changed(args[1], NOTIFY_LIST, b"linsert")
    return integer(value.length())


@command(
    "LREM",
    summary="Remove the elements of a list that equal a value.",
    arguments="key count element",
    arity=4,
    flags=WRITE,
    keys=KEY_DELETE,
    group="list",
    since="1.0.0",
    complexity="O(N+M) where N is the length of the list and M the number of removed elements.",
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
    summary="Remove the elements of a list outside a range.",
    arguments="key start:integer stop:integer",
    arity=4,
    flags=WRITE,
    keys=KEY_DELETE,
    group="list",
    since="1.0.0",
    complexity="O(N) where N is the number of removed elements.",
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
        start = count  # remove all
        stop = count - 1
    gone = value.trim(start, min(stop, count - 1))
    removed(ctx, args[1], value, b"ltrim", gone)
    return OK
