"""Keys of any type: existence, deletion, renaming, copying."""

from typing import Final

from cachetwin_engine.core.config.notifications import NOTIFY_GENERIC
from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.keyspace.database import Database
from cachetwin_engine.core.keyspace.value import Value
from cachetwin_engine.core.protocol.errors import DB_INDEX_OUT_OF_RANGE, NO_SUCH_KEY, NOT_AN_INTEGER, CommandError
from cachetwin_engine.core.protocol.replies import OK, ONE, ZERO, bulk, integer, simple
from cachetwin_engine.core.registry.command_table import DENYOOM, FAST, READONLY, WRITE, KeySpec, command
from cachetwin_engine.core.text.numbers import integer_or_none

_SAME_OBJECT: Final = b"ERR source and destination objects are the same"
_RANDOM_TRIES_MAX: Final = 100  # db.c
_PER_KEY: Final = "O(N) where N is the number of keys."
_SUM: Final = [b"request_policy:multi_shard", b"response_policy:agg_sum"]
_RENAMED: Final = [KeySpec("RW", "access delete"), KeySpec("OW", "update", index=2)]
_RENAMED_NX: Final = [KeySpec("RW", "access delete"), KeySpec("OW", "insert", index=2)]


def type_name(value: object) -> bytes:
    """The reply of TYPE for a value."""
    return value.kind() if isinstance(value, Value) else b"string"


def changed_in(ctx: Context, db: Database, key: bytes, event_class: int, event: bytes) -> None:
    """``Context.key_changed`` for any database."""
    own = ctx.db
    ctx.db = db
    ctx.key_changed(key, event_class, event)
    ctx.db = own


def database_argument(ctx: Context, text: bytes) -> Database:
    """The database with the index ``text``. Raises CommandError."""
    index = integer_or_none(text)
    if index is None:
        raise CommandError(NOT_AN_INTEGER)
    if not -(2**31) <= index < 2**31:
        raise CommandError(b"ERR value is out of range, value must between -2147483648 and 2147483647")
    if not 0 <= index < len(ctx.engine.databases):
        raise CommandError(DB_INDEX_OUT_OF_RANGE)
    return ctx.engine.databases[index]


# -- existence ----------------------------------------------------------------------------------------------------------


@command(
    "EXISTS",
    summary="Count the given keys that exist; a key that is given twice counts twice.",
    arguments="key...",
    arity=-2,
    flags=READONLY | FAST,
    keys=[KeySpec("RO", last=-1)],
    group="generic",
    since="1.0.0",
    complexity=_PER_KEY,
    tips=_SUM,
    history=[("3.0.3", "Accepts multiple `key` arguments.")],
)
def exists(ctx: Context, args: list[bytes]) -> bytes:
    """EXISTS key [key ...]."""
    count = 0
    for at in range(1, len(args)):
        if ctx.db.find_untouched(args[at]) is not None:
            count += 1
    return integer(count)


@command(
    "TOUCH",
    summary="Update the access time of keys and count those that exist.",
    arguments="key...",
    arity=-2,
    flags=READONLY | FAST,
    keys=[KeySpec("RO", last=-1)],
    group="generic",
    since="3.2.1",
    complexity=_PER_KEY,
    tips=_SUM,
)
def touch(ctx: Context, args: list[bytes]) -> bytes:
    """TOUCH key [key ...]: update the access time even after CLIENT NO-TOUCH."""
    engine = ctx.engine
    count = 0
    for at in range(1, len(args)):
        if ctx.db.find(args[at]) is not None:
            if ctx.session.no_touch:
                engine.access_log.touch(ctx.db, args[at])
            count += 1
    return integer(count)


@command(
    "TYPE",
    summary="Return the type of the value of a key.",
    arguments="key",
    arity=2,
    flags=READONLY | FAST,
    keys=[KeySpec("RO")],
    group="generic",
    since="1.0.0",
)
def type_(ctx: Context, args: list[bytes]) -> bytes:
    """TYPE key."""
    value = ctx.db.find_untouched(args[1])
    return simple(b"none" if value is None else type_name(value))


@command(
    "RANDOMKEY",
    summary="Return a random key of the database.",
    arity=1,
    flags=READONLY,
    group="generic",
    since="1.0.0",
    tips=[b"request_policy:all_shards", b"response_policy:special", b"nondeterministic_output"],
)
def randomkey(ctx: Context, args: list[bytes]) -> bytes:
    """RANDOMKEY."""
    db = ctx.db
    tries = 0
    while len(db.values):
        key = db.values.random(ctx.engine.random.below)
        if db.peek(key) is not None:
            return bulk(key)
        tries += 1
        if ctx.engine.keeps_expired and tries >= _RANDOM_TRIES_MAX and db.values.expiring == len(db.values):
            return bulk(key)  # a replica, or a paused node, may hold only expired keys
    return ctx.null


# -- deletion -----------------------------------------------------------------------------------------------------------


@command(
    "DEL",
    summary="Delete keys and count those that existed.",
    arguments="key...",
    arity=-2,
    flags=WRITE,
    keys=[KeySpec("RM", "delete", last=-1)],
    group="generic",
    since="1.0.0",
    complexity="O(N) where N is the number of keys, plus the number of elements of each collection.",
    tips=_SUM,
)
def del_(ctx: Context, args: list[bytes]) -> bytes:
    """DEL key [key ...]."""
    return _delete(ctx, args, ctx.engine.config.boolean("lazyfree-lazy-user-del"))


def _delete(ctx: Context, args: list[bytes], lazily: bool) -> bytes:
    engine = ctx.engine
    usual = engine.frees_lazily
    engine.frees_lazily = lazily
    count = 0
    for at in range(1, len(args)):
        key = args[at]
        if ctx.db.delete(key, unused=True):
            ctx.key_changed(key, NOTIFY_GENERIC, b"del")
            count += 1
    engine.frees_lazily = usual
    return integer(count)


@command(
    "UNLINK",
    summary="Delete keys and free their memory in the background.",
    arguments="key...",
    arity=-2,
    flags=WRITE | FAST,
    keys=[KeySpec("RM", "delete", last=-1)],
    group="generic",
    since="4.0.0",
    complexity="O(1) for each key; Valkey frees large values in the background.",
    tips=_SUM,
)
def unlink(ctx: Context, args: list[bytes]) -> bytes:
    """UNLINK key [key ...]."""
    return _delete(ctx, args, lazily=True)


# -- names --------------------------------------------------------------------------------------------------------------


@command(
    "RENAME",
    summary="Rename a key; a key that has the new name is overwritten.",
    arguments="key newkey",
    arity=3,
    flags=WRITE,
    keys=_RENAMED,
    group="generic",
    since="1.0.0",
)
def rename(ctx: Context, args: list[bytes]) -> bytes:
    """RENAME key newkey."""
    if ctx.db.find_for_write(args[1]) is None:
        raise CommandError(NO_SUCH_KEY)
    if args[1] != args[2]:
        _rename(ctx, args[1], args[2])
    return OK


@command(
    "RENAMENX",
    summary="Rename a key if no key has the new name.",
    arguments="key newkey",
    arity=3,
    flags=WRITE | FAST,
    keys=_RENAMED_NX,
    group="generic",
    since="1.0.0",
    history=[("3.2.0", "The command no longer returns an error when source and destination names are the same.")],
)
def renamenx(ctx: Context, args: list[bytes]) -> bytes:
    """RENAMENX key newkey."""
    if ctx.db.find_for_write(args[1]) is None:
        raise CommandError(NO_SUCH_KEY)
    if args[1] == args[2] or ctx.db.find_for_write(args[2]) is not None:
        return ZERO
    _rename(ctx, args[1], args[2])
    return ONE


def _rename(ctx: Context, source: bytes, destination: bytes) -> None:
    _carry(ctx.db, source, ctx.db, destination)
    ctx.key_changed(source, NOTIFY_GENERIC, b"rename_from")
    ctx.key_changed(destination, NOTIFY_GENERIC, b"rename_to")


def _carry(source_db: Database, source: bytes, db: Database, destination: bytes) -> None:
    """Move value and time to live from one key to another."""
    value = source_db.values.find(source)
    at_ms = source_db.expiry_of(source)
    source_db.drop(source)
    db.delete(destination)
    db.put(destination, value)
    if at_ms >= 0:
        db.expire_at(destination, at_ms)


@command(
    "MOVE",
    summary="Move a key to another database if it does not exist there.",
    arguments="key db:integer",
    arity=3,
    flags=WRITE | FAST,
    keys=[KeySpec("RW", "access update")],
    group="generic",
    since="1.0.0",
)
def move(ctx: Context, args: list[bytes]) -> bytes:
    """MOVE key db."""
    if ctx.engine.cluster is not None and not ctx.engine.profile.has_databases_in_cluster:
        raise CommandError(b"ERR MOVE is not allowed in cluster mode")
    key, db = args[1], database_argument(ctx, args[2])
    if db is ctx.db:
        raise CommandError(_SAME_OBJECT)
    if ctx.db.find_for_write(key) is None or db.find_for_write(key) is not None:
        return ZERO
    _carry(ctx.db, key, db, key)
    ctx.key_changed(key, NOTIFY_GENERIC, b"move_from")
    changed_in(ctx, db, key, NOTIFY_GENERIC, b"move_to")
    return ONE


@command(
    "COPY",
    summary="Copy a value and its time to live to another key.",
    arguments="source destination [DB destination-db:integer] [REPLACE]",
    arity=-3,
    flags=WRITE | DENYOOM,
    keys=[KeySpec("RO", "access"), KeySpec("OW", "update", index=2)],
    group="generic",
    since="6.2.0",
    complexity="O(1) for strings, O(N) in the number of elements for collections.",
)
def copy(ctx: Context, args: list[bytes]) -> bytes:
    """COPY source destination [DB index] [REPLACE]."""
    source, destination = args[1], args[2]
    db = ctx.db
    replace = False
    options = ctx.options(args, 3)
    while word := options.next_word():
        if word == b"REPLACE":
            replace = True
        else:
            db = database_argument(ctx, options.value)
    if ctx.engine.cluster is not None and db.index != 0 and not ctx.engine.profile.has_databases_in_cluster:
        raise CommandError(b"ERR Copying to another database is not allowed in cluster mode")
    if db is ctx.db and source == destination:
        raise CommandError(_SAME_OBJECT)
    value = ctx.db.find(source)
    if value is None:
        return ZERO
    if db.find_for_write(destination) is not None:
        if not replace:
            return ZERO
        db.delete(destination)
    db.put(destination, value.copied() if isinstance(value, Value) else value)
    at_ms = ctx.db.expiry_of(source)
    if at_ms >= 0:
        db.expire_at(destination, at_ms)
    changed_in(ctx, db, destination, NOTIFY_GENERIC, b"copy_to")
    return ONE
