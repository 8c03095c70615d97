"""Ranges of sorted sets by rank, score and lexicographical order: read, count, store, remove.

Every kind of range becomes a window of ranks; direction and LIMIT then narrow that window.
"""

from typing import Final

from cachetwin_engine.core.config.notifications import NOTIFY_GENERIC, NOTIFY_ZSET
from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.protocol.errors import CommandError, syntax_error
from cachetwin_engine.core.protocol.replies import EMPTY_ARRAY, ZERO, integer
from cachetwin_engine.core.registry.command_table import (
    DENYOOM,
    FAST,
    KEY_DELETE,
    KEY_READ,
    READONLY,
    WRITE,
    KeySpec,
    command,
)
from cachetwin_engine.core.text.numbers import parse_int, unbounded_float_or_none
from cachetwin_engine.core.types.sorted_sets.sorted_set import SortedSet, read_sorted_set, sorted_set, sorted_set_of

from .members import drop_if_empty, fits_listpack, members_reply

BY_RANK: Final = 0
BY_SCORE: Final = 1
BY_LEX: Final = 2
_NOT_A_SCORE: Final = b"ERR min or max is not a float"
_NOT_LEX: Final = b"ERR min or max not valid string range item"
_LIMIT_NEEDS_BY: Final = b"ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX"
_NO_SCORES_BY_LEX: Final = b"ERR syntax error, WITHSCORES not supported in combination with BYLEX"


class Bounds:
    """Both ends of a range, parsed; ``window`` applies them to a sorted set."""

    def __init__(self, by: int, low: bytes, high: bytes, hexadecimal: bool = True) -> None:
        """Parse. ``low`` and ``high`` are start and stop for ``BY_RANK``. Raises CommandError."""
        self.by = by
        self.start = 0
        self.stop = 0
        self.low = 0.0
        self.high = 0.0
        self.low_name = b""
        self.high_name = b""
        self.low_open = False  # the bound itself is not part of the range
        self.high_open = False
        if by == BY_RANK:
            self.start = parse_int(low)
            self.stop = parse_int(high)
        elif by == BY_SCORE:
            self.low_open = low.startswith(b"(")
            self.high_open = high.startswith(b"(")
            self.low = _score_bound(low, self.low_open, hexadecimal)
            self.high = _score_bound(high, self.high_open, hexadecimal)
        else:
            self.low_name = _lex_bound(low)
            self.high_name = _lex_bound(high)

    def window(self, zset: SortedSet) -> tuple[int, int]:
        """The first rank, at least 0, and the rank after the last; both are equal if the window is empty."""
        size = len(zset)
        if self.by == BY_RANK:
            start = self.start + size if self.start < 0 else self.start
            stop = self.stop + size if self.stop < 0 else self.stop
            start, stop = max(start, 0), min(stop + 1, size)
        elif self.by == BY_SCORE:
            start = zset.rank_of_score(self.low, self.low_open)
            stop = zset.rank_of_score(self.high, not self.high_open)
        else:
            start = _lex_rank(zset, self.low_name, after=self.low_name.startswith(b"("))
            stop = _lex_rank(zset, self.high_name, after=self.high_name.startswith(b"["))
        return start, max(start, stop)


def _score_bound(text: bytes, is_open: bool, hexadecimal: bool) -> float:
    """A bound as strtod reads it: with leading blanks, an empty text as 0, up to a zero byte. Raises CommandError."""
    if is_open:
        text = text[1:]
    text, _, _ = text.partition(b"\0")
    if not text:
        return 0.0
    if hexadecimal:  # versions that refuse 0x refuse leading blanks as well
        text = text.lstrip()
    value = unbounded_float_or_none(text, hexadecimal)
    if value is None:
        raise CommandError(_NOT_A_SCORE)
    return value


def _lex_bound(text: bytes) -> bytes:
    """``text``, if it is ``-``, ``+``, ``(name`` or ``[name``. Raises CommandError."""
    if text in {b"-", b"+"} or text.startswith((b"(", b"[")):
        return text
    raise CommandError(_NOT_LEX)


def _lex_rank(zset: SortedSet, bound: bytes, after: bool) -> int:
    if bound == b"-":
        return 0
    if bound == b"+":
        return len(zset)
    return zset.rank_of_bytes(bound[1:], after)


def take(
    zset: SortedSet, bounds: Bounds, reverse: bool, offset: int, limit: int, offset_from_end: bool
) -> tuple[list[bytes], list[float]]:
    """The members and scores of a range, in reverse order if ``reverse``; a negative ``limit`` is none.

    A negative ``offset`` finds nothing, or counts from the end in skiplists (Valkey) with ``offset_from_end``.
    """
    start, stop = bounds.window(zset)
    if bounds.by == BY_RANK and reverse:
        size = len(zset)
        start, stop = size - stop, size - start
        start = max(start, 0)
    count = stop - start
    if offset < 0 and offset_from_end and not zset.packed:
        offset += count
    if not 0 <= offset < count:
        return [], []
    count -= offset
    if 0 <= limit < count:
        count = limit
    if not reverse:
        return zset.range(start + offset, start + offset + count)
    members, scores = zset.range(stop - offset - count, stop - offset)
    members.reverse()
    scores.reverse()
    return members, scores


def _range(
    ctx: Context, args: list[bytes], first: int, by: int = -1, reverse: bool = False, old: bool = False
) -> bytes:
    """ZRANGE and its family: the source key is argument ``first``.

    Commands older than 6.2 (``old``) imply ``by`` and ``reverse``. If ``first`` is 2, the result is stored under
    argument 1. The options are read by hand: the older commands refuse each other's options with texts of their own.
    """
    store = first == 2
    with_scores = False
    offset = 0
    limit = -1
    at = first + 3
    while at < len(args):
        word = args[at].upper()
        if word == b"WITHSCORES" and not store:
            with_scores = True
        elif word == b"LIMIT" and at + 2 < len(args):
            offset = parse_int(args[at + 1])
            limit = parse_int(args[at + 2])
            at += 2
        elif word == b"REV" and not old and not reverse:
            reverse = True
        elif word == b"BYLEX" and by < 0:
            by = BY_LEX
        elif word == b"BYSCORE" and by < 0:
            by = BY_SCORE
        else:
            raise syntax_error()
        at += 1
    if by < 0:
        by = BY_RANK
    if limit != -1 and by == BY_RANK:
        raise CommandError(_LIMIT_NEEDS_BY)
    if with_scores and by == BY_LEX:
        raise CommandError(_NO_SCORES_BY_LEX)
    low, high = args[first + 1], args[first + 2]
    if reverse and by != BY_RANK:
        low, high = high, low
    bounds = Bounds(by, low, high, ctx.engine.profile.hexadecimal_doubles)
    if by == BY_RANK:
        offset = 0
    is_valkey = ctx.engine.profile.is_valkey
    zset = read_sorted_set(ctx.db, args[first])
    if store:
        members, scores = take(zset, bounds, reverse, offset, limit, is_valkey) if zset is not None else ([], [])
        return store_result(ctx, args[1], dict(zip(members, scores, strict=True)), b"zrangestore")
    if zset is None:
        return EMPTY_ARRAY
    members, scores = take(zset, bounds, reverse, offset, limit, is_valkey)
    return members_reply(ctx, members, scores, with_scores)


def store_result(ctx: Context, key: bytes, scores: dict[bytes, float], event: bytes) -> bytes:
    """Store ``scores`` under ``key``, or delete the key if there are none; the number of members as a reply."""
    if not scores:
        if ctx.db.delete(key):
            ctx.key_changed(key, NOTIFY_GENERIC, b"del")
        return ZERO
    count = len(scores)
    ctx.db.put(key, sorted_set_of(scores, fits_listpack(ctx.engine.config, scores)))
    ctx.key_changed(key, NOTIFY_ZSET, event)
    return integer(count)


_ZRANGE_ARGUMENTS: Final = (
    "key start stop [sortby=<BYSCORE | BYLEX>@6.2.0] [REV@6.2.0] [LIMIT limit=(offset count)@6.2.0] [WITHSCORES]"
)


@command(
    "ZRANGE",
    summary="Get a range of members by rank, score or lexicographical order.",
    arguments=_ZRANGE_ARGUMENTS,
    arity=-4,
    flags=READONLY,
    keys=KEY_READ,
    group="sorted-set",
    since="1.2.0",
    complexity="O(log(N)+M)",
    history=[("6.2.0", "Added the `BYSCORE`, `BYLEX`, `REV` and `LIMIT` options.")],
)
def zrange(ctx: Context, args: list[bytes]) -> bytes:
    """ZRANGE key start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES]."""
    return _range(ctx, args, 1)


@command(
    "ZRANGESTORE",
    summary="Store a range of members in another key.",
    arguments="dst:key src:key min max [sortby=<BYSCORE | BYLEX>] [REV] [LIMIT limit=(offset count)]",
    arity=-5,
    flags=WRITE | DENYOOM,
    keys=[KeySpec("OW", "update"), KeySpec("RO", "access", index=2)],
    group="sorted-set",
    since="6.2.0",
    complexity="O(log(N)+M)",
)
def zrangestore(ctx: Context, args: list[bytes]) -> bytes:
    """ZRANGESTORE dst src min max [BYSCORE | BYLEX] [REV] [LIMIT offset count]."""
    return _range(ctx, args, 2)


@command(
    "ZREVRANGE",
    summary="Get a range of members by rank, highest score first.",
    arguments="key start:integer stop:integer [WITHSCORES]",
    arity=-4,
    flags=READONLY,
    keys=KEY_READ,
    group="sorted-set",
    since="1.2.0",
    deprecated="6.2.0|`ZRANGE` with the `REV` argument",
    complexity="O(log(N)+M)",
)
def zrevrange(ctx: Context, args: list[bytes]) -> bytes:
    """ZREVRANGE key start stop [WITHSCORES]."""
    return _range(ctx, args, 1, BY_RANK, reverse=True, old=True)


@command(
    "ZRANGEBYSCORE",
    summary="Get the members whose scores are in a range.",
    arguments="key min:double max:double [WITHSCORES@2.0.0] [LIMIT limit=(offset count)]",
    arity=-4,
    flags=READONLY,
    keys=KEY_READ,
    group="sorted-set",
    since="1.0.5",
    deprecated="6.2.0|`ZRANGE` with the `BYSCORE` argument",
    complexity="O(log(N)+M)",
    history=[("2.0.0", "Added the `WITHSCORES` option.")],
)
def zrangebyscore(ctx: Context, args: list[bytes]) -> bytes:
    """ZRANGEBYSCORE key min max [WITHSCORES] [LIMIT offset count]."""
    return _range(ctx, args, 1, BY_SCORE, reverse=False, old=True)


@command(
    "ZREVRANGEBYSCORE",
    summary="Get the members whose scores are in a range, highest score first.",
    arguments="key max:double min:double [WITHSCORES] [LIMIT limit=(offset count)]",
    arity=-4,
    flags=READONLY,
    keys=KEY_READ,
    group="sorted-set",
    since="2.2.0",
    deprecated="6.2.0|`ZRANGE` with the `REV` and `BYSCORE` arguments",
    complexity="O(log(N)+M)",
    history=[("2.1.6", "Added exclusive ranges.")],
)
def zrevrangebyscore(ctx: Context, args: list[bytes]) -> bytes:
    """ZREVRANGEBYSCORE key max min [WITHSCORES] [LIMIT offset count]."""
    return _range(ctx, args, 1, BY_SCORE, reverse=True, old=True)


@command(
    "ZRANGEBYLEX",
    summary="Get the members in a lexicographical range.",
    arguments="key min max [LIMIT limit=(offset count)]",
    arity=-4,
    flags=READONLY,
    keys=KEY_READ,
    group="sorted-set",
    since="2.8.9",
    deprecated="6.2.0|`ZRANGE` with the `BYLEX` argument",
    complexity="O(log(N)+M)",
)
def zrangebylex(ctx: Context, args: list[bytes]) -> bytes:
    """ZRANGEBYLEX key min max [LIMIT offset count]."""
    return _range(ctx, args, 1, BY_LEX, reverse=False, old=True)


@command(
    "ZREVRANGEBYLEX",
    summary="Get the members in a lexicographical range, in reverse order.",
    arguments="key max min [LIMIT limit=(offset count)]",
    arity=-4,
    flags=READONLY,
    keys=KEY_READ,
    group="sorted-set",
    since="2.8.9",
    deprecated="6.2.0|`ZRANGE` with the `REV` and `BYLEX` arguments",
    complexity="O(log(N)+M)",
)
def zrevrangebylex(ctx: Context, args: list[bytes]) -> bytes:
    """ZREVRANGEBYLEX key max min [LIMIT offset count]."""
    return _range(ctx, args, 1, BY_LEX, reverse=True, old=True)


@command(
    "ZCOUNT",
    summary="Count the members whose scores are in a range.",
    arguments="key min:double max:double",
    arity=4,
    flags=READONLY | FAST,
    keys=KEY_READ,
    group="sorted-set",
    since="2.0.0",
    complexity="O(log(N))",
)
def zcount(ctx: Context, args: list[bytes]) -> bytes:
    """ZCOUNT key min max."""
    bounds = Bounds(BY_SCORE, args[2], args[3], ctx.engine.profile.hexadecimal_doubles)
    return _count(ctx, args[1], bounds)


@command(
    "ZLEXCOUNT",
    summary="Count the members in a lexicographical range.",
    arguments="key min max",
    arity=4,
    flags=READONLY | FAST,
    keys=KEY_READ,
    group="sorted-set",
    since="2.8.9",
    complexity="O(log(N))",
)
def zlexcount(ctx: Context, args: list[bytes]) -> bytes:
    """ZLEXCOUNT key min max."""
    return _count(ctx, args[1], Bounds(BY_LEX, args[2], args[3]))


def _count(ctx: Context, key: bytes, bounds: Bounds) -> bytes:
    zset = read_sorted_set(ctx.db, key)
    if zset is None:
        return ZERO
    start, stop = bounds.window(zset)
    return integer(stop - start)


@command(
    "ZREMRANGEBYRANK",
    summary="Remove the members in a range of ranks.",
    arguments="key start:integer stop:integer",
    arity=4,
    flags=WRITE,
    keys=KEY_DELETE,
    group="sorted-set",
    since="2.0.0",
    complexity="O(log(N)+M)",
)
def zremrangebyrank(ctx: Context, args: list[bytes]) -> bytes:
    """ZREMRANGEBYRANK key start stop: the number of removed members."""
    return _remove_range(ctx, args[1], Bounds(BY_RANK, args[2], args[3]), b"zremrangebyrank")


@command(
    "ZREMRANGEBYSCORE",
    summary="Remove the members whose scores are in a range.",
    arguments="key min:double max:double",
    arity=4,
    flags=WRITE,
    keys=KEY_DELETE,
    group="sorted-set",
    since="1.2.0",
    complexity="O(log(N)+M)",
)
def zremrangebyscore(ctx: Context, args: list[bytes]) -> bytes:
    """ZREMRANGEBYSCORE key min max: the number of removed members."""
    bounds = Bounds(BY_SCORE, args[2], args[3], ctx.engine.profile.hexadecimal_doubles)
    return _remove_range(ctx, args[1], bounds, b"zremrangebyscore")


@command(
    "ZREMRANGEBYLEX",
    summary="Remove the members in a lexicographical range.",
    arguments="key min max",
    arity=4,
    flags=WRITE,
    keys=KEY_DELETE,
    group="sorted-set",
    since="2.8.9",
    complexity="O(log(N)+M)",
)
def zremrangebylex(ctx: Context, args: list[bytes]) -> bytes:
    """ZREMRANGEBYLEX key min max: the number of removed members."""
    return _remove_range(ctx, args[1], Bounds(BY_LEX, args[2], args[3]), b"zremrangebylex")


def _remove_range(ctx: Context, key: bytes, bounds: Bounds, event: bytes) -> bytes:
    zset = sorted_set(ctx.db.find_for_write(key))
    if zset is None:
        return ZERO
    start, stop = bounds.window(zset)
    removed = len(zset.remove_range(start, stop))
    if removed:
        ctx.key_changed(key, NOTIFY_ZSET, event, removed)
        drop_if_empty(ctx, key, zset)
    return integer(removed)
