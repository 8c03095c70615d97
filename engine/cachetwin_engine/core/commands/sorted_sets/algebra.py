"""Union, intersection and difference of sorted sets; in plain sets every score is 1."""

from typing import Final

from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.protocol.errors import CommandError, syntax_error, wrong_type
from cachetwin_engine.core.protocol.replies import integer
from cachetwin_engine.core.registry.command_table import DENYOOM, MOVABLE_KEYS, READONLY, WRITE, KeySpec, command
from cachetwin_engine.core.text.numbers import float_or_none, parse_int, parse_int_or
from cachetwin_engine.core.types.set import SetValue
from cachetwin_engine.core.types.sorted_sets.sorted_set import SortedSet, sorted_set_of

from .members import members_reply
from .ranges import store_result

_SUM: Final = 0
_MIN: Final = 1
_MAX: Final = 2
_AGGREGATES: Final = {b"SUM": _SUM, b"MIN": _MIN, b"MAX": _MAX}
_UNION: Final = 0
_INTER: Final = 1
_DIFF: Final = 2


class Source:
    """One operand: scores by member and their weight. A plain set has no scores."""

    def __init__(self, scores: dict[bytes, float] | None, members: SetValue | None) -> None:
        self.scores = scores
        self.members = members
        self.weight = 1.0

    def size(self) -> int:
        """The number of members."""
        if self.scores is not None:
            return len(self.scores)
        return 0 if self.members is None else self.members.length()

    def score(self, member: bytes) -> float | None:
        """The unweighted score, or None without the member."""
        if self.scores is not None:
            return self.scores.get(member)
        return 1.0 if self.members is not None and self.members.has(member) else None

    def names(self) -> list[bytes]:
        """All members."""
        if self.scores is not None:
            return list(self.scores)
        return [] if self.members is None else self.members.members()


class Operands:
    """The operands and options of ZUNION and related commands."""

    def __init__(self, sources: list[Source]) -> None:
        self.sources = sources
        self.aggregate = _SUM
        self.with_scores = False
        self.limit = 0


def _source(ctx: Context, key: bytes) -> Source:
    value = ctx.db.find(key)
    if value is None:
        return Source(None, None)
    if isinstance(value, SortedSet):
        return Source(value.scores(), None)
    if isinstance(value, SetValue):
        return Source(None, value)
    raise wrong_type()


def _parse(ctx: Context, args: list[bytes], first: int) -> Operands:
    """The operands and options; ``first`` is the place of numkeys: 1, or 2 if the result is stored. Raises CommandError."""
    numkeys = parse_int(args[first])
    if numkeys < 1:
        name = ctx.command.name if ctx.command is not None else b""
        raise CommandError(b"ERR at least 1 input key is needed for '" + name + b"' command")
    if numkeys > len(args) - first - 1:
        raise syntax_error()
    at = first + 1 + numkeys
    operands = Operands([_source(ctx, key) for key in args[first + 1 : at]])
    options = ctx.options(args, at)
    while word := options.next_word():
        if word == b"WEIGHTS":
            _take_weights(ctx, operands, options.take(numkeys))
        elif word == b"AGGREGATE":
            aggregate = _AGGREGATES.get(options.value.upper())
            if aggregate is None:
                raise syntax_error()
            operands.aggregate = aggregate
        elif word == b"WITHSCORES":
            operands.with_scores = True
        else:
            operands.limit = parse_int_or(options.value, b"ERR LIMIT can't be negative")
            if operands.limit < 0:
                raise CommandError(b"ERR LIMIT can't be negative")
    return operands


def _take_weights(ctx: Context, operands: Operands, weights: list[bytes]) -> None:
    for at, source in enumerate(operands.sources):
        weight = float_or_none(weights[at], ctx.engine.profile.hexadecimal_doubles)
        if weight is None:
            raise CommandError(b"ERR weight value is not a float")
        source.weight = weight


def _weighted(weight: float, score: float) -> float:
    """The weighted score; 0 times infinity is 0."""
    if weight == 1.0:
        return score
    product = weight * score
    return product if product == product else 0.0  # noqa: PLR0124  (the test for NaN)


def _aggregated(how: int, one: float, other: float) -> float:
    """Two scores combined; a sum that is not a number is 0."""
    if how == _SUM:
        total = one + other
        return total if total == total else 0.0  # noqa: PLR0124  (the test for NaN)
    if how == _MIN:
        return min(one, other)
    return max(one, other)


def _by_size(sources: list[Source]) -> list[Source]:
    """The sources, smallest first: the order in which Valkey adds scores."""
    return sorted(sources, key=Source.size)


def _union(operands: Operands) -> dict[bytes, float]:
    result: dict[bytes, float] = {}
    for source in _by_size(operands.sources):
        weight = source.weight
        for member in source.names():
            score = source.score(member)
            if score is None:
                continue
            value = _weighted(weight, score)
            present = result.get(member)
            result[member] = value if present is None else _aggregated(operands.aggregate, present, value)
    return result


def _inter(operands: Operands) -> dict[bytes, float]:
    result: dict[bytes, float] = {}
    sources = _by_size(operands.sources)
    smallest = sources[0]
    for member in smallest.names():
        total = 0.0
        common = True
        for at, source in enumerate(sources):
            score = source.score(member)
            if score is None:
                common = False
                break
            if at == 0:
                total = _weighted(source.weight, score)
            else:  # Valkey (t_zset.c) lets 0 times infinity be NaN here, so that SUM is 0, and MIN and MAX ignore it
                total = _aggregated(operands.aggregate, total, source.weight * score)
        if common:
            result[member] = total
    return result


def _diff(operands: Operands) -> dict[bytes, float]:
    result: dict[bytes, float] = {}
    first = operands.sources[0]
    others = operands.sources[1:]
    for member in first.names():
        score = first.score(member)
        if score is not None and not _in_any(others, member):
            result[member] = score
    return result


def _in_any(sources: list[Source], member: bytes) -> bool:
    for source in sources:
        if source.score(member) is not None:
            return True
    return False


def _combined(operation: int, operands: Operands) -> dict[bytes, float]:
    if operation == _UNION:
        return _union(operands)
    return _inter(operands) if operation == _INTER else _diff(operands)


def _read(ctx: Context, args: list[bytes], operation: int) -> bytes:
    operands = _parse(ctx, args, 1)
    result = sorted_set_of(_combined(operation, operands), packed=False)
    members, scores = result.range(0, len(result))
    return members_reply(ctx, members, scores, operands.with_scores)


def _store(ctx: Context, args: list[bytes], operation: int, event: bytes) -> bytes:
    return store_result(ctx, args[1], _combined(operation, _parse(ctx, args, 2)), event)


@command(
    "ZUNION",
    summary="Return the union of sorted sets.",
    arguments="numkeys key... [WEIGHTS weight:integer...] [AGGREGATE aggregate=<SUM | MIN | MAX>] [WITHSCORES]",
    arity=-3,
    flags=READONLY | MOVABLE_KEYS,
    keys=[KeySpec("RO", "access", numkeys=0, first=1)],
    group="sorted-set",
    since="6.2.0",
    complexity="O(N)+O(M*log(M))",
)
def zunion(ctx: Context, args: list[bytes]) -> bytes:
    """ZUNION numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE SUM | MIN | MAX] [WITHSCORES]."""
    return _read(ctx, args, _UNION)


@command(
    "ZINTER",
    summary="Return the intersection of sorted sets.",
    arguments="numkeys key... [WEIGHTS weight:integer...] [AGGREGATE aggregate=<SUM | MIN | MAX>] [WITHSCORES]",
    arity=-3,
    flags=READONLY | MOVABLE_KEYS,
    keys=[KeySpec("RO", "access", numkeys=0, first=1)],
    group="sorted-set",
    since="6.2.0",
    complexity="O(N*K)+O(M*log(M))",
)
def zinter(ctx: Context, args: list[bytes]) -> bytes:
    """ZINTER numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE SUM | MIN | MAX] [WITHSCORES]."""
    return _read(ctx, args, _INTER)


@command(
    "ZDIFF",
    summary="Return the members of the first sorted set that none of the others has.",
    arguments="numkeys key... [WITHSCORES]",
    arity=-3,
    flags=READONLY | MOVABLE_KEYS,
    keys=[KeySpec("RO", "access", numkeys=0, first=1)],
    group="sorted-set",
    since="6.2.0",
    complexity="O(L + (N-K)log(N))",
)
def zdiff(ctx: Context, args: list[bytes]) -> bytes:
    """ZDIFF numkeys key [key ...] [WITHSCORES]."""
    return _read(ctx, args, _DIFF)


@command(
    "ZUNIONSTORE",
    summary="Store the union of sorted sets.",
    arguments="destination numkeys key... [WEIGHTS weight:integer...] [AGGREGATE aggregate=<SUM | MIN | MAX>]",
    arity=-4,
    flags=WRITE | DENYOOM | MOVABLE_KEYS,
    keys=[KeySpec("OW", "update"), KeySpec("RO", "access", index=2, numkeys=0, first=1)],
    group="sorted-set",
    since="2.0.0",
    complexity="O(N)+O(M log(M))",
)
def zunionstore(ctx: Context, args: list[bytes]) -> bytes:
    """ZUNIONSTORE destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE SUM | MIN | MAX]."""
    return _store(ctx, args, _UNION, b"zunionstore")


@command(
    "ZINTERSTORE",
    summary="Store the intersection of sorted sets.",
    arguments="destination numkeys key... [WEIGHTS weight:integer...] [AGGREGATE aggregate=<SUM | MIN | MAX>]",
    arity=-4,
    flags=WRITE | DENYOOM | MOVABLE_KEYS,
    keys=[KeySpec("OW", "update"), KeySpec("RO", "access", index=2, numkeys=0, first=1)],
    group="sorted-set",
    since="2.0.0",
    complexity="O(N*K)+O(M*log(M))",
)
def zinterstore(ctx: Context, args: list[bytes]) -> bytes:
    """ZINTERSTORE destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE SUM | MIN | MAX]."""
    return _store(ctx, args, _INTER, b"zinterstore")


@command(
    "ZDIFFSTORE",
    summary="Store the members of the first sorted set that none of the others has.",
    arguments="destination numkeys key...",
    arity=-4,
    flags=WRITE | DENYOOM | MOVABLE_KEYS,
    keys=[KeySpec("OW", "update"), KeySpec("RO", "access", index=2, numkeys=0, first=1)],
    group="sorted-set",
    since="6.2.0",
    complexity="O(L + (N-K)log(N))",
)
def zdiffstore(ctx: Context, args: list[bytes]) -> bytes:
    """ZDIFFSTORE destination numkeys key [key ...]."""
    return _store(ctx, args, _DIFF, b"zdiffstore")


@command(
    "ZINTERCARD",
    summary="Count the members of the intersection of sorted sets.",
    arguments="numkeys key... [LIMIT limit]",
    arity=-3,
    flags=READONLY | MOVABLE_KEYS,
    keys=[KeySpec("RO", "access", numkeys=0, first=1)],
    group="sorted-set",
    since="7.0.0",
    complexity="O(N*K)",
)
def zintercard(ctx: Context, args: list[bytes]) -> bytes:
    """ZINTERCARD numkeys key [key ...] [LIMIT limit]: the count stops at the limit."""
    operands = _parse(ctx, args, 1)
    sources = _by_size(operands.sources)
    smallest = sources[0]
    count = 0
    for member in smallest.names():
        if _in_all(sources, member):
            count += 1
            if count == operands.limit:
                break
    return integer(count)


def _in_all(sources: list[Source], member: bytes) -> bool:
    for source in sources:
        if source.score(member) is None:
            return False
    return True
