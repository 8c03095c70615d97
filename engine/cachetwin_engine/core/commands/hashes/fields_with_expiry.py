"""HGETEX, HSETEX and HGETDEL: read or write hash fields and change or end their time to live (Valkey 9)."""

from typing import Final

from cachetwin_engine.core.config.notifications import NOTIFY_HASH
from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.protocol.errors import syntax_error
from cachetwin_engine.core.protocol.replies import ONE, ZERO, array, bulk
from cachetwin_engine.core.registry.command_table import (
    DENYOOM,
    FAST,
    KEY_ACCESS_DELETE,
    KEY_ACCESS_UPDATE,
    KEY_INSERT,
    WRITE,
    command,
)
from cachetwin_engine.core.types.hashes.hash import HashValue, write_hash

from .expiry import report_expired_fields, report_fields
from .field_arguments import NUMFIELDS, UNITS_MS, fields_keyword, parse_end, parse_fields
from .fields import note_ends, removed

_HGETEX_ARGUMENTS: Final = (
    "key [expiration=<EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds "
    "| PERSIST>] FIELDS fields=(numfields#0 field...)"
)


@command(
    "HGETEX",
    summary="Get fields of a hash and set or remove their time to live.",
    arguments=_HGETEX_ARGUMENTS,
    arity=-5,
    flags=WRITE | FAST,
    keys=KEY_ACCESS_UPDATE,
    group="hash",
    since="9.0.0",
    complexity="O(N) where N is the number of fields.",
    valkey_only=True,
)
def hgetex(ctx: Context, args: list[bytes]) -> bytes:
    """HGETEX key [EX s|PX ms|EXAT s|PXAT ms|PERSIST] FIELDS numfields field [field ...]."""
    at = fields_keyword(args, 1)
    options = _parse_options(ctx, args, at)
    names = parse_fields(args, at, 1, NUMFIELDS)
    key = args[1]
    value = write_hash(ctx.db, key)
    options.find_end(ctx)
    if value is None:
        return array([ctx.null] * len(names))
    replies: list[bytes] = []
    kept: list[bytes] = []
    gone: list[bytes] = []
    changes: list[bytes] = []
    for name in names:
        content = value.get(name)
        replies.append(ctx.null if content is None else bulk(content))
        if content is None:
            continue
        if options.persist and value.persist(name):
            changes.append(name)
        elif options.has_ttl and ctx.engine.is_expired(options.at_ms):
            value.remove(name)
            gone.append(name)
        elif options.has_ttl:
            value.expire_at(name, options.at_ms)
            kept.append(name)
    if changes:
        note_ends(ctx, key, value)
        ctx.key_changed(key, NOTIFY_HASH, b"hpersist", len(changes))
        ctx.propagate([b"HPERSIST", key, b"FIELDS", b"%d" % len(changes), *changes])
    report_fields(ctx, key, value, options.at_ms, kept, gone)
    return array(replies)


_HSETEX_ARGUMENTS: Final = (
    "key [key-condition=<NX | XX>] [fields-condition=<FNX | FXX>] "
    "[expiration=<EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL>] "
    "FIELDS fields=(numfields#0 data=(field value)...)"
)


@command(
    "HSETEX",
    summary="Set fields of a hash and their time to live.",
    arguments=_HSETEX_ARGUMENTS,
    arity=-6,
    flags=WRITE | DENYOOM | FAST,
    keys=KEY_INSERT,
    group="hash",
    since="9.0.0",
    complexity="O(N) where N is the number of fields.",
    valkey_only=True,
)
def hsetex(ctx: Context, args: list[bytes]) -> bytes:
    """HSETEX key [NX|XX] [FNX|FXX] [EX s|PX ms|EXAT s|PXAT ms|KEEPTTL] FIELDS numfields field value [field value ...]."""
    at = fields_keyword(args, 1)
    options = _parse_options(ctx, args, at)
    pairs = parse_fields(args, at, 2, NUMFIELDS)
    key = args[1]
    value = write_hash(ctx.db, key)
    if (options.only_new_key and value is not None) or (options.only_old_key and value is None):
        return ZERO
    options.find_end(ctx)
    for place in range(0, len(pairs), 2):
        exists = value is not None and value.has(pairs[place])
        if (options.only_new and exists) or (options.only_old and not exists):
            return ZERO
    found = value is not None
    if value is None:
        value = HashValue()
    over = options.has_ttl and ctx.engine.is_expired(options.at_ms)
    names: list[bytes] = pairs[::2]
    for place in range(0, len(pairs), 2):
        value.set(pairs[place], pairs[place + 1], ctx.engine.config, options.keep_ttl)
    if not found:
        ctx.db.put(key, value)
    if options.has_ttl and not over:
        for name in names:
            value.expire_at(name, options.at_ms)
    note_ends(ctx, key, value)
    ctx.key_changed(key, NOTIFY_HASH, b"hset", len(names))
    if options.has_ttl:
        ctx.notify(NOTIFY_HASH, b"hexpire", key)
    words = [b"%d" % len(names), *pairs]
    if over:
        gone = [name for name in names if value.remove(name)]
        report_expired_fields(ctx, key, value, gone)
        ctx.propagate([b"HDEL", key, *gone])
    elif options.has_ttl:
        ctx.propagate([b"HSETEX", key, b"PXAT", b"%d" % options.at_ms, b"FIELDS", *words])
    elif options.keep_ttl:
        ctx.propagate([b"HSETEX", key, b"KEEPTTL", b"FIELDS", *words])
    else:
        ctx.propagate([b"HSET", key, *pairs])
    return ONE


@command(
    "HGETDEL",
    summary="Get fields of a hash and delete them.",
    arguments="key FIELDS fields=(numfields#0 field...)",
    arity=-5,
    flags=WRITE | FAST,
    keys=KEY_ACCESS_DELETE,
    group="hash",
    since="9.1.0",
    complexity="O(N) where N is the number of fields.",
    valkey_only=True,
)
def hgetdel(ctx: Context, args: list[bytes]) -> bytes:
    """HGETDEL key FIELDS numfields field [field ...]."""
    if args[2].upper() != b"FIELDS":
        raise syntax_error()
    names = parse_fields(args, 2, 1, NUMFIELDS)
    value = write_hash(ctx.db, args[1])
    replies: list[bytes] = []
    gone: list[bytes] = []
    for name in names:
        content = None if value is None else value.get(name)
        replies.append(ctx.null if content is None else bulk(content))
        if value is not None and content is not None:
            value.remove(name)
            gone.append(name)
    if value is not None and gone:
        removed(ctx, args[1], value, b"hdel", len(gone))
    return array(replies)


class _Options:
    """The options of HGETEX and HSETEX, between the key and FIELDS."""

    def __init__(self) -> None:
        self.has_ttl = False
        self.unit = b""  # EX, PX, EXAT or PXAT: may be repeated but not mixed
        self.end_text = b""
        self.at_ms = 0
        self.persist = False
        self.keep_ttl = False
        self.only_new = False
        self.only_old = False
        self.only_new_key = False
        self.only_old_key = False

    def find_end(self, ctx: Context) -> None:
        """Parse the time into ``at_ms``. Valkey does so after it has read the key. Raises CommandError."""
        if self.has_ttl:
            self.at_ms = parse_end(ctx, self.end_text, UNITS_MS[self.unit], relative=len(self.unit) == 2)


def _parse_options(ctx: Context, args: list[bytes], end: int) -> _Options:
    options = _Options()
    given = ctx.options(args, 2, end)
    while word := given.next_word():
        if word == b"PERSIST":
            options.persist = True
        elif word == b"KEEPTTL":
            options.keep_ttl = True
        elif word == b"FNX":
            options.only_new = True
        elif word == b"FXX":
            options.only_old = True
        elif word == b"NX":
            options.only_new_key = True
        elif word == b"XX":
            options.only_old_key = True
        elif options.unit in {b"", word}:
            options.unit = word
            options.has_ttl = True
            options.end_text = given.value
        else:
            raise syntax_error()
    if (options.has_ttl and (options.persist or options.keep_ttl)) or (options.only_new and options.only_old):
        raise syntax_error()
    if options.only_new_key and options.only_old_key:
        raise syntax_error()
    return options
