"""Members of sorted sets: add, score, rank, remove, scan, pick at random.

Ranges are in ``ranges``, popping and blocking in ``pops``, set algebra in ``algebra``.
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from cachetwin_engine.core.commands.scan import scan_cursor, scan_options
from cachetwin_engine.core.config.notifications import NOTIFY_GENERIC, NOTIFY_ZSET
from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.protocol import errors
from cachetwin_engine.core.protocol.errors import CommandError, syntax_error, wrong_arity
from cachetwin_engine.core.protocol.replies import EMPTY_ARRAY, ZERO, array, array_header, bulk, bulk_array, integer
from cachetwin_engine.core.registry.command_table import (
    DENYOOM,
    FAST,
    KEY_ACCESS_UPDATE,
    KEY_DELETE,
    KEY_META,
    KEY_READ,
    KEY_UPDATE,
    NONDETERMINISTIC,
    READONLY,
    WRITE,
    command,
)
from cachetwin_engine.core.text.doubles import digits_17, is_whole, shortest
from cachetwin_engine.core.text.numbers import INT64_MAX, parse_float, parse_symmetric
from cachetwin_engine.core.types.sorted_sets.score_tree import ADDED, CHANGED, SAME
from cachetwin_engine.core.types.sorted_sets.sorted_set import SortedSet, read_sorted_set, sorted_set

if TYPE_CHECKING:
    from cachetwin_engine.core.config.config import Config

_NX: Final = 1
_XX: Final = 2
_GT: Final = 4
_LT: Final = 8
_CH: Final = 16
_INCR: Final = 32
_CONDITIONS: Final = _NX | _XX | _GT | _LT
_NINE: Final = 57  # a number begins with this character or a lower one, except ``inf``
_ADD_FLAGS: Final[dict[bytes, int]] = {b"NX": _NX, b"XX": _XX, b"GT": _GT, b"LT": _LT, b"CH": _CH, b"INCR": _INCR}
SCORE_IS_NAN: Final = b"ERR resulting score is not a number (NaN)"


_ZADD_ARGUMENTS: Final = (
    "key [condition=<NX | XX>@3.0.2] [comparison=<GT | LT>@6.2.0] [change=CH@3.0.2] [increment=INCR@3.0.2] "
    "data=(score:double member)..."
)
_ZADD_HISTORY: Final = [
    ("2.4.0", "Accepts several members."),
    ("3.0.2", "Added the `XX`, `NX`, `CH` and `INCR` options."),
    ("6.2.0", "Added the `GT` and `LT` options."),
]


@command(
    "ZADD",
    summary="Add members to a sorted set, or update their scores.",
    arguments=_ZADD_ARGUMENTS,
    arity=-4,
    flags=WRITE | DENYOOM | FAST,
    keys=KEY_UPDATE,
    group="sorted-set",
    since="1.2.0",
    complexity="O(log(N))",
    history=_ZADD_HISTORY,
)
def zadd(ctx: Context, args: list[bytes]) -> bytes:
    """ZADD key [NX | XX] [GT | LT] [CH] [INCR] score member [...]: the number of members added (with CH: or changed)."""
    flags = 0
    first = 2
    while first < len(args):
        word = args[first]
        flag = _ADD_FLAGS.get(word.upper()) if len(word) > 0 and word[0] > _NINE else None
        if flag is None:
            break
        flags |= flag
        first += 1
    if first == len(args) or (len(args) - first) % 2:
        raise syntax_error()
    if flags & (_NX | _XX | _GT | _LT | _INCR):
        _check_flags(flags, (len(args) - first) // 2)
    return _add(ctx, args, first, flags)


@command(
    "ZINCRBY",
    summary="Increment the score of a member.",
    arguments="key increment:integer member",
    arity=4,
    flags=WRITE | DENYOOM | FAST,
    keys=KEY_ACCESS_UPDATE,
    group="sorted-set",
    since="1.2.0",
    complexity="O(log(N))",
)
def zincrby(ctx: Context, args: list[bytes]) -> bytes:
    """ZINCRBY key increment member: the new score. An option of ZADD as increment is a syntax error."""
    if args[2].upper() in {b"NX", b"XX", b"GT", b"LT", b"CH", b"INCR"}:
        raise syntax_error()
    return _add(ctx, args, 2, _INCR)


def _check_flags(flags: int, pairs: int) -> None:
    """Check the flags together. Raises CommandError."""
    if flags & _NX and flags & _XX:
        raise CommandError(b"ERR XX and NX options at the same time are not compatible")
    if (flags & _GT and flags & (_NX | _LT)) or (flags & _LT and flags & _NX):
        raise CommandError(b"ERR GT, LT, and/or NX options at the same time are not compatible")
    if flags & _INCR and pairs > 1:
        raise CommandError(b"ERR INCR option supports a single increment-element pair")


def _add(ctx: Context, args: list[bytes], first: int, flags: int) -> bytes:
    """Add the pairs of ``args`` from ``first`` on. Raises CommandError."""
    hexadecimal = ctx.engine.profile.hexadecimal_doubles
    scores = [parse_float(args[at], hexadecimal) for at in range(first, len(args), 2)]
    key = args[1]
    config = ctx.engine.config
    zset = sorted_set(ctx.db.find_for_write(key))
    created = zset is None
    if zset is None:
        if flags & _XX:
            return ctx.null if flags & _INCR else ZERO
        zset = SortedSet()
    if zset.packed and not _fits_at_once(config, args, first, created):
        zset.unpack()
    if flags & _INCR:
        return _increment(ctx, key, zset, args[first + 1], scores[0], flags)
    added = 0
    changed = 0
    at = first + 1
    for score in scores:
        outcome = _put(config, zset, args[at], score, flags)
        if outcome == ADDED:
            added += 1
        elif outcome == CHANGED:
            changed += 1
        at += 2
    if created and added:
        ctx.db.put(key, zset)
    if added or changed:
        ctx.key_changed(key, NOTIFY_ZSET, b"zadd", added + changed)
    return integer(added + changed if flags & _CH else added)


def _put(config: "Config", zset: SortedSet, member: bytes, score: float, flags: int) -> i64:
    """Add ``member`` or update its score if ``flags`` allow it: ``ADDED``, ``CHANGED`` or ``SAME``."""
    if not flags & _CONDITIONS and not zset.packed:
        return zset.put(member, score)
    old = zset.score(member)
    if old is None:
        if flags & _XX:
            return SAME
        add_member(config, zset, member, score)
        return ADDED
    if flags & _NX or (flags & _LT and score >= old) or (flags & _GT and score <= old):
        return SAME
    return zset.put(member, score)


def _increment(ctx: Context, key: bytes, zset: SortedSet, member: bytes, score: float, flags: int) -> bytes:
    """Add ``score`` to the score of ``member`` if ``flags`` allow it: the new score, or null."""
    created = len(zset) == 0
    old = zset.score(member)
    if flags & (_XX if old is None else _NX):
        return ctx.null
    if old is not None:
        score += old
        if score != score:  # noqa: PLR0124  (the test for NaN)
            raise CommandError(SCORE_IS_NAN)
        if (flags & _LT and score >= old) or (flags & _GT and score <= old):
            return ctx.null
    outcome = _put(ctx.engine.config, zset, member, score, 0)
    if created:
        ctx.db.put(key, zset)
    if outcome != SAME:
        ctx.key_changed(key, NOTIFY_ZSET, b"zincr")
    return ctx.double(score)


def _fits_at_once(config: "Config", args: list[bytes], first: int, created: bool) -> bool:
    """Whether the pairs of ``args`` from ``first`` on fit into a listpack. Redis OSS 7.0 checks the first pair only."""
    longest = config.encodings.zset_max_listpack_value
    if not config.profile.is_valkey:
        return not created or (config.encodings.zset_max_listpack_entries > 0 and len(args[first + 1]) <= longest)
    if len(args) - first > 2 * config.encodings.zset_max_listpack_entries:
        return False
    for at in range(first + 1, len(args), 2):
        if len(args[at]) > longest:
            return False
    return True


def add_member(config: "Config", zset: SortedSet, member: bytes, score: float) -> None:
    """Add a new ``member``; a listpack that it does not fit into becomes a skiplist."""
    if zset.packed and (
        len(zset) >= config.encodings.zset_max_listpack_entries
        or len(member) > config.encodings.zset_max_listpack_value
    ):
        zset.unpack()
    zset.put(member, score)


def fits_listpack(config: "Config", scores: dict[bytes, float]) -> bool:
    """Whether a result with these members is stored as a listpack."""
    if len(scores) > config.encodings.zset_max_listpack_entries:
        return False
    longest = config.encodings.zset_max_listpack_value
    for member in scores:
        if len(member) > longest:
            return False
    return True


def drop_if_empty(ctx: Context, key: bytes, zset: SortedSet) -> None:
    """Delete a sorted set without members."""
    if len(zset) == 0:
        ctx.db.drop(key)
        ctx.notify(NOTIFY_GENERIC, b"del", key)


def members_reply(ctx: Context, members: list[bytes], scores: list[float], with_scores: bool) -> bytes:
    """Members, optionally with their scores: flat in RESP2, pairs in RESP3."""
    return pairs_reply(ctx, members, scores, ctx.resp3) if with_scores else bulk_array(members)


def pairs_reply(ctx: Context, members: list[bytes], scores: list[float], nested: bool) -> bytes:
    """Members with their scores; each pair is an array if ``nested``."""
    if not (nested or ctx.resp3):
        words: list[bytes] = []
        for at, member in enumerate(members):
            words.append(member)
            words.append(ctx.double_text(scores[at]))
        return bulk_array(words)
    parts = [array_header(len(members) if nested else 2 * len(members))]
    for at, member in enumerate(members):
        if nested:
            parts.append(b"*2\r\n")
        parts.append(bulk(member))
        parts.append(ctx.double(scores[at]))
    return b"".join(parts)


@command(
    "ZREM",
    summary="Remove members of a sorted set.",
    arguments="key member...",
    arity=-3,
    flags=WRITE | FAST,
    keys=KEY_DELETE,
    group="sorted-set",
    since="1.2.0",
    complexity="O(M*log(N))",
    history=[("2.4.0", "Accepts several members.")],
)
def zrem(ctx: Context, args: list[bytes]) -> bytes:
    """ZREM key member [member ...]: the number of removed members."""
    key = args[1]
    zset = sorted_set(ctx.db.find_for_write(key))
    if zset is None:
        return ZERO
    removed = 0
    for at in range(2, len(args)):
        if zset.remove(args[at]):
            removed += 1
    if removed:
        ctx.key_changed(key, NOTIFY_ZSET, b"zrem", removed)
        drop_if_empty(ctx, key, zset)
    return integer(removed)


@command(
    "ZCARD",
    summary="Count the members of a sorted set.",
    arguments="key",
    arity=2,
    flags=READONLY | FAST,
    keys=KEY_META,
    group="sorted-set",
    since="1.2.0",
)
def zcard(ctx: Context, args: list[bytes]) -> bytes:
    """ZCARD key."""
    zset = read_sorted_set(ctx.db, args[1])
    return ZERO if zset is None else integer(len(zset))


@command(
    "ZSCORE",
    summary="Get the score of a member.",
    arguments="key member",
    arity=3,
    flags=READONLY | FAST,
    keys=KEY_READ,
    group="sorted-set",
    since="1.2.0",
)
def zscore(ctx: Context, args: list[bytes]) -> bytes:
    """ZSCORE key member: null without the member."""
    zset = read_sorted_set(ctx.db, args[1])
    score = None if zset is None else zset.score(args[2])
    return ctx.null if score is None else ctx.double(score)


@command(
    "ZMSCORE",
    summary="Get the scores of members.",
    arguments="key member...",
    arity=-3,
    flags=READONLY | FAST,
    keys=KEY_READ,
    group="sorted-set",
    since="6.2.0",
    complexity="O(N)",
)
def zmscore(ctx: Context, args: list[bytes]) -> bytes:
    """ZMSCORE key member [member ...]."""
    zset = read_sorted_set(ctx.db, args[1])
    replies: list[bytes] = []
    for member in args[2:]:
        score = None if zset is None else zset.score(member)
        replies.append(ctx.null if score is None else ctx.double(score))
    return array(replies)


@command(
    "ZRANK",
    summary="Get the rank of a member, lowest score first.",
    arguments="key member [WITHSCORE~7.2.0]",
    arity=-3,
    flags=READONLY | FAST,
    keys=KEY_READ,
    group="sorted-set",
    since="2.0.0",
    complexity="O(log(N))",
    history=[("7.2.0", "Added the `WITHSCORE` option.")],
)
def zrank(ctx: Context, args: list[bytes]) -> bytes:
    """ZRANK key member [WITHSCORE]."""
    return _rank(ctx, args, reverse=False)


@command(
    "ZREVRANK",
    summary="Get the rank of a member, highest score first.",
    arguments="key member [WITHSCORE~7.2.0]",
    arity=-3,
    flags=READONLY | FAST,
    keys=KEY_READ,
    group="sorted-set",
    since="2.0.0",
    complexity="O(log(N))",
    history=[("7.2.0", "Added the `WITHSCORE` option.")],
)
def zrevrank(ctx: Context, args: list[bytes]) -> bytes:
    """ZREVRANK key member [WITHSCORE]."""
    return _rank(ctx, args, reverse=True)


def _rank(ctx: Context, args: list[bytes], reverse: bool) -> bytes:
    if len(args) > (4 if ctx.engine.profile.has_rank_with_score else 3):
        raise wrong_arity(b"zrevrank" if reverse else b"zrank")
    with_score = len(args) == 4
    if with_score and args[3].upper() != b"WITHSCORE":
        raise syntax_error()
    zset = read_sorted_set(ctx.db, args[1])
    score = None if zset is None else zset.score(args[2])
    if zset is None or score is None:
        return ctx.null_array if with_score else ctx.null
    rank = zset.rank(args[2])
    if reverse:
        rank = len(zset) - 1 - rank
    return array([integer(rank), ctx.double(score)]) if with_score else integer(rank)


@command(
    "ZRANDMEMBER",
    summary="Get random members of a sorted set.",
    arguments="key [options=(count [WITHSCORES])]",
    arity=-2,
    flags=READONLY,
    keys=KEY_READ,
    group="sorted-set",
    since="6.2.0",
    complexity="O(N)",
    tips=NONDETERMINISTIC,
)
def zrandmember(ctx: Context, args: list[bytes]) -> bytes:
    """ZRANDMEMBER key [count [WITHSCORES]]: distinct members; with a negative count members may repeat."""
    if len(args) == 2:
        zset = read_sorted_set(ctx.db, args[1])
        return ctx.null if zset is None else bulk(zset.member_at(ctx.engine.random.below(len(zset))))
    count = parse_symmetric(args[2])
    if len(args) > 4 or (len(args) == 4 and args[3].upper() != b"WITHSCORES"):
        raise syntax_error()
    with_scores = len(args) == 4
    if with_scores and not -INT64_MAX // 2 <= count <= INT64_MAX // 2:
        raise CommandError(errors.OUT_OF_RANGE)
    zset = read_sorted_set(ctx.db, args[1])
    if zset is None or count == 0 or (count < 0 and ctx.is_too_much_to_answer(-count)):
        return EMPTY_ARRAY
    members = _picked(ctx, zset, count)
    return members_reply(ctx, members, _scores_of(zset, members), with_scores)


def _scores_of(zset: SortedSet, members: list[bytes]) -> list[float]:
    """The score of each of ``members``, which must exist."""
    scores = zset.scores()
    return [scores[member] for member in members]


def _picked(ctx: Context, zset: SortedSet, count: int) -> list[bytes]:
    """Up to ``count`` distinct members; if ``count`` is negative, -``count`` members that may repeat."""
    random = ctx.engine.random
    size = len(zset)
    if count < 0:
        return [zset.member_at(random.below(size)) for _ in range(-count)]
    if count >= size:
        return zset.range(0, size)[0]
    if count * 3 > size:  # most members are returned: shuffle the beginning of all
        members = zset.range(0, size)[0]
        for at in range(count):
            other = at + random.below(size - at)
            members[at], members[other] = members[other], members[at]
        return members[:count]
    ranks: dict[int, bool] = {}
    while len(ranks) < count:
        ranks[random.below(size)] = True
    return [zset.member_at(rank) for rank in ranks]


@command(
    "ZSCAN",
    summary="Iterate over the members of a sorted set.",
    arguments="key cursor [MATCH pattern] [COUNT count] [NOSCORES~8.0.0]",
    arity=-3,
    flags=READONLY,
    keys=KEY_READ,
    group="sorted-set",
    since="2.8.0",
    tips=NONDETERMINISTIC,
    history=[("8.0.0", "Added the `NOSCORES` option.")],
)
def zscan(ctx: Context, args: list[bytes]) -> bytes:
    """ZSCAN key cursor [MATCH pattern] [COUNT count] [NOSCORES]."""
    scan_cursor(args[2])
    zset = read_sorted_set(ctx.db, args[1])
    if zset is None:
        return b"*2\r\n$1\r\n0\r\n*0\r\n"
    options = scan_options(ctx, args, 2, b"NOSCORES")
    cursor, members = zset.scan(options.cursor, options.count)
    texts: list[bytes] = []
    for member in members:
        if options.wants(member):
            texts.append(member)
            if not options.no_scores:
                texts.append(_stored_text(ctx, zset, zset.score(member) or 0.0))
    return b"*2\r\n" + bulk(b"%d" % cursor) + bulk_array(texts)


def _stored_text(ctx: Context, zset: SortedSet, score: float) -> bytes:
    """A score as ZSCAN returns it: as a listpack stores it, or with 17 digits."""
    if zset.packed and (ctx.engine.profile.shortest_doubles or is_whole(score)):
        return shortest(score)
    return digits_17(score)
