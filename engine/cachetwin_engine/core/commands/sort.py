"""SORT and SORT_RO: sort the elements of a list, set or sorted set, by themselves or by other keys.

A BY or GET pattern names another key: the element replaces the first ``*``, and ``->`` precedes a field of a hash. A
BY pattern without ``*`` means that the elements are not sorted.
"""

from typing import Final

from cachetwin_engine.core.acl.user import READ_KEYS, User
from cachetwin_engine.core.config.notifications import NOTIFY_GENERIC, NOTIFY_LIST
from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.keyspace.slots import slot_of, slot_of_pattern
from cachetwin_engine.core.protocol.errors import CommandError, wrong_type
from cachetwin_engine.core.protocol.replies import bulk, integer
from cachetwin_engine.core.registry.command_table import DENYOOM, MOVABLE_KEYS, READONLY, WRITE, KeySpec, command
from cachetwin_engine.core.text.numbers import float_or_none, parse_int
from cachetwin_engine.core.types.hashes.hash import HashValue
from cachetwin_engine.core.types.list import ListValue
from cachetwin_engine.core.types.set import SetValue
from cachetwin_engine.core.types.sorted_sets.sorted_set import SortedSet
from cachetwin_engine.core.types.string import RawString

_BY_AND_GET: Final = KeySpec(
    "RO",
    "access",
    unknown=True,
    notes=(
        "For the optional BY/GET keyword. It is marked 'unknown' because the key names derive from the content of the key "
        "we sort"
    ),
)
_STORE: Final = KeySpec(
    "OW",
    "update",
    index=2,
    keyword=b"STORE",
    unknown=True,
    notes=(
        "For the optional STORE keyword. It is marked 'unknown' because the keyword can appear anywhere in the argument "
        "array"
    ),
)
_COST: Final = "O(N+M*log(M)) where N is the number of elements and M of returned ones; O(N) without sorting."
_DENIED_IN_CLUSTER: Final = (
    b" option of SORT denied in Cluster mode when keys formed by the pattern may be in different slots."
)
_CATEGORIES: Final = [b"set", b"sortedset", b"list", b"dangerous"]


class _Pattern:
    """A BY or GET pattern, taken apart once for all elements."""

    def __init__(self, text: bytes) -> None:
        before, star, after = text.partition(b"*")
        stem, _, field = after.partition(b"->")
        self._is_element = text == b"#"
        self._is_key = star != b""
        self._before = before
        self._after = stem if field else after
        self._field = field  # of a hash; empty: a string

    def resolve(self, ctx: Context, element: bytes) -> bytes | None:
        """The element itself for ``#``, otherwise the string or hash field that the pattern names."""
        if self._is_element:
            return element
        if not self._is_key:
            return None
        value = ctx.db.find(self._before + element + self._after)
        if self._field:
            return value.get(self._field) if isinstance(value, HashValue) else None
        if isinstance(value, bytes):
            return value
        return bytes(value.data) if isinstance(value, RawString) else None


class _Options:
    def __init__(self) -> None:
        self.by: _Pattern | None = None
        self.get: list[_Pattern] = []
        self.offset = 0
        self.count = -1
        self.descending = False
        self.alphabetic = False
        self.store: bytes | None = None
        self.sorts = True  # a BY pattern without ``*`` asks for no order, even if another BY has one


_SORT_ARGUMENTS: Final = (
    "key [BY by-pattern:pattern{pattern}#1] [LIMIT limit=(offset count)] "
    "[GET... get-pattern:pattern{pattern}#1...] [order=<ASC | DESC>] [sorting=ALPHA] [STORE destination]"
)


@command(
    "SORT",
    summary="Sort the elements of a list, a set or a sorted set, and optionally store the result.",
    arguments=_SORT_ARGUMENTS,
    arity=-2,
    flags=WRITE | DENYOOM | MOVABLE_KEYS,
    keys=[KeySpec("RO", "access"), _BY_AND_GET, _STORE],
    group="generic",
    since="1.0.0",
    complexity=_COST,
    categories=_CATEGORIES,
)
def sort(ctx: Context, args: list[bytes]) -> bytes:
    """SORT key [BY pattern] [LIMIT offset count] [GET pattern ...] [ASC | DESC] [ALPHA] [STORE destination]."""
    return _sort(ctx, args, _options(ctx, args))


_SORT_RO_ARGUMENTS: Final = (
    "key [BY by-pattern:pattern{pattern}#1] [LIMIT limit=(offset count)] "
    "[GET... get-pattern:pattern{pattern}#1...] [order=<ASC | DESC>] [sorting=ALPHA]"
)


@command(
    "SORT_RO",
    summary="Sort the elements of a list, a set or a sorted set.",
    arguments=_SORT_RO_ARGUMENTS,
    arity=-2,
    flags=READONLY | MOVABLE_KEYS,
    keys=[KeySpec("RO", "access"), _BY_AND_GET],
    group="generic",
    since="7.0.0",
    complexity=_COST,
    categories=_CATEGORIES,
)
def sort_ro(ctx: Context, args: list[bytes]) -> bytes:
    """SORT_RO key [BY pattern] [LIMIT offset count] [GET pattern ...] [ASC | DESC] [ALPHA]."""
    return _sort(ctx, args, _options(ctx, args))


def _options(ctx: Context, args: list[bytes]) -> _Options:
    options = _Options()
    given = ctx.options(args, 2)
    while word := given.next_word():
        if word in {b"ASC", b"DESC"}:
            options.descending = word == b"DESC"
        elif word == b"ALPHA":
            options.alphabetic = True
        elif word == b"LIMIT":
            options.offset = parse_int(given.value)
            options.count = parse_int(args[given.at + 2])
        elif word == b"STORE":
            options.store = given.value
        else:
            _take_pattern(ctx, options, args[1], word, given.value)
    return options


def _take_pattern(ctx: Context, options: _Options, key: bytes, word: bytes, pattern: bytes) -> None:
    if word == b"BY":
        options.by = _Pattern(pattern)
    else:
        options.get.append(_Pattern(pattern))
    if word == b"BY" and b"*" not in pattern:
        options.sorts = False
        return
    if ctx.engine.cluster is not None and pattern != b"#":
        if not ctx.engine.profile.sorts_by_pattern_in_cluster:
            raise CommandError(b"ERR " + word + b" option of SORT denied in cluster mode.")
        if slot_of_pattern(pattern) != slot_of(key):
            raise CommandError(b"ERR " + word + _DENIED_IN_CLUSTER)
    if not (ctx.user.unrestricted or _reads_all_keys(ctx.user)):
        raise CommandError(b"ERR " + word + b" option of SORT denied due to insufficient ACL permissions.")


def _reads_all_keys(user: User) -> bool:
    """Whether the user may read all keys, as keys that depend on elements can't be checked in advance."""
    for selector in [user.root, *user.selectors]:
        if selector.all_keys:
            return True
        for key_pattern in selector.keys:
            if key_pattern.pattern == b"*" and key_pattern.access & READ_KEYS:
                return True
    return False


def _sort(ctx: Context, args: list[bytes], options: _Options) -> bytes:
    value = ctx.db.find(args[1])
    elements = _elements(value, options)
    if isinstance(value, SetValue) and not options.sorts and (options.store is not None or ctx.in_script):
        options.by, options.alphabetic, options.sorts = None, True, True  # so that all replicas get the same order
    if options.sorts:
        elements = _sorted(ctx, elements, options)
    first = min(max(options.offset, 0), len(elements))
    last = len(elements) if options.count < 0 else min(first + options.count, len(elements))
    chosen = elements[first:last]
    rows: list[bytes | None] = []
    for element in chosen:
        if not options.get:
            rows.append(element)
        for pattern in options.get:
            rows.append(pattern.resolve(ctx, element))
    if options.store is not None:
        return _store(ctx, options.store, rows)
    parts = [b"*%d\r\n" % len(rows)]
    for row in rows:
        parts.append(ctx.null if row is None else bulk(row))
    return b"".join(parts)


def _elements(value: object | None, options: _Options) -> list[bytes]:
    if value is None:
        return []
    if isinstance(value, SetValue):
        return list(value.members())
    if isinstance(value, ListValue):
        elements = list(value.elements())
    elif isinstance(value, SortedSet):
        elements, _ = value.range(0, len(value))
    else:
        raise wrong_type()
    if options.descending and not options.sorts:
        elements.reverse()
    return elements


def _sorted(ctx: Context, elements: list[bytes], options: _Options) -> list[bytes]:
    by, descending = options.by, options.descending
    if options.alphabetic:
        if by is None:
            return sorted(elements, reverse=descending)
        texts = [(by.resolve(ctx, element), at) for at, element in enumerate(elements)]
        step = -1 if descending else 1  # equal texts keep their order in both directions
        order = sorted([(text is not None, text or b"", at * step) for text, at in texts], reverse=descending)
        return [elements[at * step] for _, _, at in order]
    scores = [_score(ctx, by, element) for element in elements]
    places = sorted(range(len(elements)), key=elements.__getitem__, reverse=descending)  # the order for equal scores
    places.sort(key=scores.__getitem__, reverse=descending)
    return [elements[at] for at in places]


def _score(ctx: Context, by: _Pattern | None, element: bytes) -> float:
    text = element if by is None else by.resolve(ctx, element)
    if not text:
        return 0.0
    score = float_or_none(text.lstrip())
    if score is None:
        raise CommandError(b"ERR One or more scores can't be converted into double")
    return score


def _store(ctx: Context, destination: bytes, rows: list[bytes | None]) -> bytes:
    if not rows:
        if ctx.db.delete(destination):
            ctx.key_changed(destination, NOTIFY_GENERIC, b"del")
        return integer(0)
    elements = [b"" if row is None else row for row in rows]
    ctx.db.put(destination, ListValue.of(elements, ctx.engine.config.encodings.list_max_listpack_size))
    ctx.key_changed(destination, NOTIFY_LIST, b"sortstore", len(elements))
    return integer(len(elements))
