"""Fields of hashes: set, get, count, delete, iterate."""

from cachetwin_engine.core.commands.scan import scan_cursor, scan_options
from cachetwin_engine.core.config.notifications import NOTIFY_GENERIC, NOTIFY_HASH
from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.protocol.errors import NAN_OR_INFINITY, OVERFLOW, CommandError, not_a_float, wrong_arity
from cachetwin_engine.core.protocol.replies import EMPTY_ARRAY, OK, ONE, ZERO, array, bulk, bulk_array, integer
from cachetwin_engine.core.registry.command_table import (
    DENYOOM,
    FAST,
    KEY_ACCESS_UPDATE,
    KEY_DELETE,
    KEY_INSERT,
    KEY_META,
    KEY_READ,
    KEY_UPDATE,
    NONDETERMINISTIC,
    NONDETERMINISTIC_ORDER,
    READONLY,
    WRITE,
    command,
)
from cachetwin_engine.core.text.long_double import add_long_doubles, format_long_double, parse_long_double
from cachetwin_engine.core.text.numbers import INT64_MAX, INT64_MIN, integer_or_none, parse_int
from cachetwin_engine.core.types.hashes.hash import HashValue, read_hash, write_hash


@command(
    "HSET",
    summary="Set fields of a hash, which is created if it does not exist.",
    arguments="key data=(field value)...",
    arity=-4,
    flags=WRITE | DENYOOM | FAST,
    keys=KEY_UPDATE,
    group="hash",
    since="2.0.0",
    complexity="O(N) where N is the number of fields.",
    history=[("4.0.0", "Accepts several fields.")],
)
def hset(ctx: Context, args: list[bytes]) -> bytes:
    """HSET key field value [field value ...]."""
    return integer(_set_fields(ctx, args, b"hset"))


@command(
    "HMSET",
    summary="Set fields of a hash, which is created if it does not exist.",
    arguments="key data=(field value)...",
    arity=-4,
    flags=WRITE | DENYOOM | FAST,
    keys=KEY_UPDATE,
    group="hash",
    since="2.0.0",
    deprecated="4.0.0|`HSET` with several fields",
    complexity="O(N) where N is the number of fields.",
)
def hmset(ctx: Context, args: list[bytes]) -> bytes:
    """HMSET key field value [field value ...]."""
    _set_fields(ctx, args, b"hmset")
    return OK


def _set_fields(ctx: Context, args: list[bytes], name: bytes) -> int:
    """Set the pairs after the key; the number of new fields."""
    count = len(args)
    if count & 1:
        raise wrong_arity(name)
    key = args[1]
    value = write_hash(ctx.db, key)
    config = ctx.engine.config
    found = value is not None
    if value is None:
        value = HashValue()
    added = 0
    for at in range(2, count, 2):
        if value.set(args[at], args[at + 1], config):
            added += 1
    if not found:
        ctx.db.put(key, value)
    elif ctx.db.volatile:
        note_ends(ctx, key, value)
    ctx.key_changed(key, NOTIFY_HASH, b"hset", (count - 2) // 2)
    return added


@command(
    "HSETNX",
    summary="Set a field of a hash if it does not exist.",
    arguments="key field value",
    arity=4,
    flags=WRITE | DENYOOM | FAST,
    keys=KEY_INSERT,
    group="hash",
    since="2.0.0",
)
def hsetnx(ctx: Context, args: list[bytes]) -> bytes:
    """HSETNX key field value."""
    value = write_hash(ctx.db, args[1])
    if value is not None and value.has(args[2]):
        return ZERO
    _put_field(ctx, args[1], value, args[2], args[3], b"hset")
    return ONE


def _put_field(ctx: Context, key: bytes, value: HashValue | None, field: bytes, content: bytes, event: bytes) -> None:
    """Set one field of the hash under ``key``, which is ``value`` or is created; the field keeps its expiry time."""
    if value is None:
        value = HashValue()
        value.set(field, content, ctx.engine.config)
        ctx.db.put(key, value)
    else:
        value.set(field, content, ctx.engine.config, keep_ttl=True)
        if ctx.db.volatile:
            note_ends(ctx, key, value)
    ctx.key_changed(key, NOTIFY_HASH, event)


@command(
    "HINCRBY",
    summary="Increment the integer in a field of a hash.",
    arguments="key field increment:integer",
    arity=4,
    flags=WRITE | DENYOOM | FAST,
    keys=KEY_ACCESS_UPDATE,
    group="hash",
    since="2.0.0",
)
def hincrby(ctx: Context, args: list[bytes]) -> bytes:
    """HINCRBY key field increment."""
    delta = parse_int(args[3])
    value = write_hash(ctx.db, args[1])
    content = None if value is None else value.get(args[2])
    current = 0 if content is None else integer_or_none(content)
    if current is None:
        raise CommandError(b"ERR hash value is not an integer")
    total = current + delta
    if not INT64_MIN <= total <= INT64_MAX:
        raise CommandError(OVERFLOW)
    _put_field(ctx, args[1], value, args[2], b"%d" % total, b"hincrby")
    return integer(total)


@command(
    "HINCRBYFLOAT",
    summary="Increment the decimal number in a field of a hash.",
    arguments="key field increment:double",
    arity=4,
    flags=WRITE | DENYOOM | FAST,
    keys=KEY_ACCESS_UPDATE,
    group="hash",
    since="2.6.0",
)
def hincrbyfloat(ctx: Context, args: list[bytes]) -> bytes:
    """HINCRBYFLOAT key field increment."""
    delta = parse_long_double(args[3])
    if delta is None:
        raise not_a_float()
    if delta.is_infinite():
        raise CommandError(b"ERR value is NaN or Infinity")
    value = write_hash(ctx.db, args[1])
    content = None if value is None else value.get(args[2])
    current = parse_long_double(b"0" if content is None else content)
    if current is None:
        raise CommandError(b"ERR hash value is not a float")
    total = add_long_doubles(current, delta)
    if total.is_infinite():
        raise CommandError(NAN_OR_INFINITY)
    text = format_long_double(total)
    _put_field(ctx, args[1], value, args[2], text, b"hincrbyfloat")
    ctx.propagate([b"HSET", args[1], args[2], text])
    return bulk(text)


@command(
    "HDEL",
    summary="Delete fields of a hash.",
    arguments="key field...",
    arity=-3,
    flags=WRITE | FAST,
    keys=KEY_DELETE,
    group="hash",
    since="2.0.0",
    complexity="O(N) where N is the number of fields.",
    history=[("2.4.0", "Accepts several fields.")],
)
def hdel(ctx: Context, args: list[bytes]) -> bytes:
    """HDEL key field [field ...]."""
    key = args[1]
    value = write_hash(ctx.db, key)
    if value is None:
        return ZERO
    gone = 0
    for at in range(2, len(args)):
        if value.remove(args[at]):
            gone += 1
    if gone:
        removed(ctx, key, value, b"hdel", gone)
    return integer(gone)


def removed(ctx: Context, key: bytes, value: HashValue, event: bytes, count: int) -> None:
    """Report that ``count`` fields of the hash under ``key`` were removed, and delete an empty hash."""
    empty = value.length() == 0
    if empty:
        ctx.db.drop(key)
    elif ctx.db.volatile:
        note_ends(ctx, key, value)
    ctx.key_changed(key, NOTIFY_HASH, event, count)
    if empty:
        ctx.notify(NOTIFY_GENERIC, b"del", key)


def note_ends(ctx: Context, key: bytes, value: HashValue) -> None:
    """Record in the database whether any field of the hash under ``key`` has an expiry time."""
    if value.volatile:
        ctx.db.note_volatile(key)
    else:
        ctx.db.forget_volatile(key)


@command(
    "HGET",
    summary="Get a field of a hash.",
    arguments="key field",
    arity=3,
    flags=READONLY | FAST,
    keys=KEY_READ,
    group="hash",
    since="2.0.0",
)
def hget(ctx: Context, args: list[bytes]) -> bytes:
    """HGET key field."""
    value = read_hash(ctx.db, args[1])
    content = None if value is None else value.get(args[2])
    return ctx.null if content is None else bulk(content)


@command(
    "HMGET",
    summary="Get several fields of a hash.",
    arguments="key field...",
    arity=-3,
    flags=READONLY | FAST,
    keys=KEY_READ,
    group="hash",
    since="2.0.0",
    complexity="O(N) where N is the number of fields.",
)
def hmget(ctx: Context, args: list[bytes]) -> bytes:
    """HMGET key field [field ...]."""
    value = read_hash(ctx.db, args[1])
    replies = [b"*%d\r\n" % (len(args) - 2)]
    for at in range(2, len(args)):
        content = None if value is None else value.get(args[at])
        replies.append(ctx.null if content is None else bulk(content))
    return b"".join(replies)


@command(
    "HGETALL",
    summary="Get all fields and values of a hash.",
    arguments="key",
    arity=2,
    flags=READONLY,
    keys=KEY_READ,
    group="hash",
    since="2.0.0",
    complexity="O(N) where N is the number of fields.",
    tips=NONDETERMINISTIC_ORDER,
)
def hgetall(ctx: Context, args: list[bytes]) -> bytes:
    """HGETALL key."""
    value = read_hash(ctx.db, args[1])
    if value is None:
        return ctx.map_reply([])
    flat = value.flat()
    reply = bulk_array(flat)
    return b"%%%d" % (len(flat) // 2) + reply[reply.index(b"\r") :] if ctx.resp3 else reply


@command(
    "HKEYS",
    summary="Get all field names of a hash.",
    arguments="key",
    arity=2,
    flags=READONLY,
    keys=KEY_READ,
    group="hash",
    since="2.0.0",
    complexity="O(N) where N is the number of fields.",
    tips=NONDETERMINISTIC_ORDER,
)
def hkeys(ctx: Context, args: list[bytes]) -> bytes:
    """HKEYS key."""
    value = read_hash(ctx.db, args[1])
    return EMPTY_ARRAY if value is None else bulk_array(value.fields())


@command(
    "HVALS",
    summary="Get all values of a hash.",
    arguments="key",
    arity=2,
    flags=READONLY,
    keys=KEY_READ,
    group="hash",
    since="2.0.0",
    complexity="O(N) where N is the number of fields.",
    tips=NONDETERMINISTIC_ORDER,
)
def hvals(ctx: Context, args: list[bytes]) -> bytes:
    """HVALS key."""
    value = read_hash(ctx.db, args[1])
    return EMPTY_ARRAY if value is None else bulk_array(value.contents())


@command(
    "HLEN",
    summary="Count the fields of a hash.",
    arguments="key",
    arity=2,
    flags=READONLY | FAST,
    keys=KEY_META,
    group="hash",
    since="2.0.0",
)
def hlen(ctx: Context, args: list[bytes]) -> bytes:
    """HLEN key."""
    value = read_hash(ctx.db, args[1])
    return ZERO if value is None else integer(value.length())


@command(
    "HEXISTS",
    summary="Check whether a hash has a field.",
    arguments="key field",
    arity=3,
    flags=READONLY | FAST,
    keys=KEY_META,
    group="hash",
    since="2.0.0",
)
def hexists(ctx: Context, args: list[bytes]) -> bytes:
    """HEXISTS key field."""
    value = read_hash(ctx.db, args[1])
    return ONE if value is not None and value.has(args[2]) else ZERO


@command(
    "HSTRLEN",
    summary="Return the length in bytes of a field's value.",
    arguments="key field",
    arity=3,
    flags=READONLY | FAST,
    keys=KEY_META,
    group="hash",
    since="3.2.0",
)
def hstrlen(ctx: Context, args: list[bytes]) -> bytes:
    """HSTRLEN key field."""
    value = read_hash(ctx.db, args[1])
    content = None if value is None else value.get(args[2])
    return ZERO if content is None else integer(len(content))


@command(
    "HSCAN",
    summary="Iterate over the fields of a hash.",
    arguments="key cursor [MATCH pattern] [COUNT count] [NOVALUES~8.0.0]",
    arity=-3,
    flags=READONLY,
    keys=KEY_READ,
    group="hash",
    since="2.8.0",
    complexity="O(1) for each call, O(N) for a complete iteration over N fields.",
    tips=NONDETERMINISTIC,
)
def hscan(ctx: Context, args: list[bytes]) -> bytes:
    """HSCAN key cursor [MATCH pattern] [COUNT count] [NOVALUES]."""
    scan_cursor(args[2])
    value = read_hash(ctx.db, args[1])
    if value is None:
        return array([bulk(b"0"), EMPTY_ARRAY])
    options = scan_options(ctx, args, 2, b"NOVALUES")
    cursor, fields = value.scan(options.cursor, options.count)
    if options.pattern is not None:
        fields = [field for field in fields if options.wants(field)]
    return array([bulk(b"%d" % cursor), bulk_array(fields if options.no_values else value.with_values(fields))])
