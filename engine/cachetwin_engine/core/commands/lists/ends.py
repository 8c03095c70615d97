"""The ends of lists: push and pop. The blocking commands are in ``blocking``."""

from typing import Final

from cachetwin_engine.core.config.notifications import NOTIFY_GENERIC, NOTIFY_LIST
from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.protocol.errors import CommandError, syntax_error
from cachetwin_engine.core.protocol.replies import EMPTY_ARRAY, ZERO, array, bulk, bulk_array, integer
from cachetwin_engine.core.registry.command_table import (
    DENYOOM,
    FAST,
    KEY_ACCESS_DELETE,
    KEY_INSERT,
    MOVABLE_KEYS,
    WRITE,
    KeySpec,
    command,
)
from cachetwin_engine.core.text.numbers import integer_or_none, parse_positive
from cachetwin_engine.core.types.list import ListValue, list_of

NUMKEYS_NOT_POSITIVE: Final = b"ERR numkeys should be greater than 0"
COUNT_NOT_POSITIVE: Final = b"ERR count should be greater than 0"


@command(
    "LPUSH",
    summary="Prepend elements to a list, which is created if it does not exist.",
    arguments="key element...",
    arity=-3,
    flags=WRITE | DENYOOM | FAST,
    keys=KEY_INSERT,
    group="list",
    since="1.0.0",
    complexity="O(N) where N is the number of elements.",
    history=[("2.4.0", "Accepts several elements.")],
)
def lpush(ctx: Context, args: list[bytes]) -> bytes:
    """LPUSH key element [element ...]."""
    return _push(ctx, args, left=True, only_existing=False)


@command(
    "RPUSH",
    summary="Append elements to a list, which is created if it does not exist.",
    arguments="key element...",
    arity=-3,
    flags=WRITE | DENYOOM | FAST,
    keys=KEY_INSERT,
    group="list",
    since="1.0.0",
    complexity="O(N) where N is the number of elements.",
    history=[("2.4.0", "Accepts several elements.")],
)
def rpush(ctx: Context, args: list[bytes]) -> bytes:
    """RPUSH key element [element ...]."""
    return _push(ctx, args, left=False, only_existing=False)


@command(
    "LPUSHX",
    summary="Prepend elements to a list if it exists.",
    arguments="key element...",
    arity=-3,
    flags=WRITE | DENYOOM | FAST,
    keys=KEY_INSERT,
    group="list",
    since="2.2.0",
    complexity="O(N) where N is the number of elements.",
    history=[("4.0.0", "Accepts several elements.")],
)
def lpushx(ctx: Context, args: list[bytes]) -> bytes:
    """LPUSHX key element [element ...]."""
    return _push(ctx, args, left=True, only_existing=True)


@command(
    "RPUSHX",
    summary="Append elements to a list if it exists.",
    arguments="key element...",
    arity=-3,
    flags=WRITE | DENYOOM | FAST,
    keys=KEY_INSERT,
    group="list",
    since="2.2.0",
    complexity="O(N) where N is the number of elements.",
    history=[("4.0.0", "Accepts several elements.")],
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
    length = value.push_many(args, 2, left, ctx.engine.config.encodings.list_max_listpack_size)
    if not found:
        ctx.db.put(key, value)
    ctx.key_changed(key, NOTIFY_LIST, b"lpush" if left else b"rpush", len(args) - 2)
    return integer(length)


@command(
    "LPOP",
    summary="Remove and return the first elements of a list.",
    arguments="key [count@6.2.0]",
    arity=-2,
    flags=WRITE | FAST,
    keys=KEY_ACCESS_DELETE,
    group="list",
    since="1.0.0",
    complexity="O(N) where N is the number of elements.",
    history=[("6.2.0", "Added the `count` argument.")],
)
def lpop(ctx: Context, args: list[bytes]) -> bytes:
    """LPOP key [count]."""
    return _pop(ctx, args, left=True)


@command(
    "RPOP",
    summary="Remove and return the last elements of a list.",
    arguments="key [count@6.2.0]",
    arity=-2,
    flags=WRITE | FAST,
    keys=KEY_ACCESS_DELETE,
    group="list",
    since="1.0.0",
    complexity="O(N) where N is the number of elements.",
    history=[("6.2.0", "Added the `count` argument.")],
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
    """Pop up to ``count`` elements, at least one, from an end of the list under ``key``."""
    elements = value.pop_many(count, left)
    removed(ctx, key, value, b"lpop" if left else b"rpop", len(elements))
    return elements


def removed(ctx: Context, key: bytes, value: ListValue, event: bytes, count: int) -> None:
    """Report that ``count`` elements of the list under ``key`` were removed, and delete an empty list."""
    if value.length() == 0:
        ctx.db.drop(key)
        ctx.key_changed(key, NOTIFY_LIST, event, count)
        ctx.notify(NOTIFY_GENERIC, b"del", key)
        return
    value.shrink(ctx.engine.config.encodings.list_max_listpack_size)
    ctx.key_changed(key, NOTIFY_LIST, event, count)


@command(
    "LMPOP",
    summary="Remove and return elements of the first list that has any.",
    arguments="numkeys key... where=<LEFT | RIGHT> [COUNT count]",
    arity=-4,
    flags=WRITE | MOVABLE_KEYS,
    keys=[KeySpec("RW", "access delete", numkeys=0, first=1)],
    group="list",
    since="7.0.0",
    complexity="O(N+M) where N is the number of keys and M the number of elements.",
)
def lmpop(ctx: Context, args: list[bytes]) -> bytes:
    """LMPOP numkeys key [key ...] LEFT|RIGHT [COUNT count]."""
    request = parse_lmpop(ctx, args, 1)
    reply = pop_first_list(ctx, request)
    return ctx.null_array if reply is None else reply


class PopRequest:
    """The arguments of LMPOP and BLMPOP."""

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
    """Pop from the first key that holds a list: a reply of key and elements, or None if no key does."""
    for key in request.keys:
        value = list_of(ctx.db.find_for_write(key))
        if value is not None:
            elements = pop_many(ctx, key, value, request.count, request.left)
            ctx.propagate([b"LPOP" if request.left else b"RPOP", key, b"%d" % len(elements)])
            return array([bulk(key), bulk_array(elements)])
    return None


def is_left(word: bytes) -> bool:
    """Whether ``word`` is LEFT rather than RIGHT. Raises CommandError."""
    name = word.upper()
    if name == b"LEFT":
        return True
    if name == b"RIGHT":
        return False
    raise syntax_error()
