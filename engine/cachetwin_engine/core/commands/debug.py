"""DEBUG: test aids. The command is denied unless ``enable-debug-command`` allows it."""

from collections.abc import Callable
from typing import Final

from cachetwin_engine.core.aof.log_loader import LogError
from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.keyspace.value import Value
from cachetwin_engine.core.memory.account import size_of_key
from cachetwin_engine.core.protocol.errors import NO_SUCH_KEY, CommandError
from cachetwin_engine.core.protocol.replies import OK, array, bulk, error, integer, simple
from cachetwin_engine.core.rdb.packed import BadData
from cachetwin_engine.core.registry.command_table import ADMIN, LOADING, NOSCRIPT, STALE, command
from cachetwin_engine.core.state.engine_state import REPLY_BUFFER_PEAK_MS
from cachetwin_engine.core.text.crc64 import crc64
from cachetwin_engine.core.text.numbers import float_or_none, parse_int

from .config import rewrite_config
from .digest import EMPTY, digest_of_data, digest_of_value
from .objects import encoding_of

_CLOSED: Final = (
    b'ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", you can run it from a local '
    b"connection, otherwise you need to set this option in the configuration file, and then restart the server."
)
_NUMBER: Final = b"1234567999999999999999999999999999999"
_AFTER: Final = b"Some real reply following the "


@command(
    "DEBUG",
    summary="Run test aids.",
    arity=-2,
    flags=ADMIN | NOSCRIPT | LOADING | STALE,
    group="server",
    since="1.0.0",
    complexity="Depends on subcommand.",
)
def debug(ctx: Context, args: list[bytes]) -> bytes:
    """DEBUG subcommand [argument ...]."""
    if not ctx.engine.allows(ctx.session, "enable-debug-command"):
        raise CommandError(_CLOSED)
    name = args[1].lower()
    entry = _SUBCOMMANDS.get(name)
    if entry is None or not entry[0] <= len(args) <= entry[1]:
        raise CommandError(
            b"ERR unknown subcommand or wrong number of arguments for '" + args[1][:128] + b"'. Try DEBUG HELP."
        )
    return entry[2](ctx, args)


def _ok(ctx: Context, args: list[bytes]) -> bytes:
    """Accept an option of Valkey's that has no counterpart in this engine."""
    return OK


def _reload(ctx: Context, args: list[bytes]) -> bytes:
    """Save and load: values get the encoding of a fresh value, expired keys are dropped.

    NOFLUSH keeps the current keys, so without MERGE there must be none. Raises CommandError.
    """
    engine = ctx.engine
    options = [word.lower() for word in args[2:]]
    for word in options:
        if word not in {b"merge", b"noflush", b"nosave"}:
            raise CommandError(b"ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.")
    if (
        b"noflush" in options
        and b"merge" not in options
        and (engine.scripts.libraries or any(map(len, engine.databases)))
    ):
        raise CommandError(b"ERR Error trying to load the RDB dump, check server logs.")
    saves = engine.saves
    if b"nosave" not in options and saves.save():
        raise CommandError(b"ERR")
    try:
        saves.load(keep_expired=engine.replication.link is not None, merge=b"noflush" in options)
    except (BadData, OSError):
        raise CommandError(b"ERR Error trying to load the RDB dump, check server logs.") from None
    ctx.propagate_nothing()  # the data is the same
    return OK


def _load_log(ctx: Context, args: list[bytes]) -> bytes:
    """Load the append-only file, or with ``appendonly no`` what the last BGREWRITEAOF wrote."""
    engine = ctx.engine
    engine.propagation.commit_pending()
    engine.log.flush_all()
    try:
        if not engine.log_loader.load():
            raise CommandError(b"ERR Error trying to load the AOF files, check server logs")
    except LogError as problem:
        engine.host.log(str(problem))
        raise CommandError(b"ERR Error trying to load the AOF files, check server logs") from None
    engine.actor = ctx.session
    ctx.propagate_nothing()
    engine.saves.dirty_then = engine.dirty
    engine.host.log("Append Only File loaded by DEBUG LOADAOF")
    return OK


def _flush_sleep(ctx: Context, args: list[bytes]) -> bytes:
    ctx.engine.log.flush_sleep_s = parse_int(args[2]) / 1_000_000
    return OK


def _change_history(ctx: Context, args: list[bytes]) -> bytes:
    ctx.engine.replication.new_history()
    return OK


def _config_rewrite(ctx: Context, args: list[bytes]) -> bytes:
    rewrite_config(ctx.engine, everything=True)
    return OK


def _sleep(ctx: Context, args: list[bytes]) -> bytes:
    seconds = float_or_none(args[2])
    ctx.engine.host.sleep(0.0 if seconds is None else seconds)
    return OK


def _set_active_expire(ctx: Context, args: list[bytes]) -> bytes:
    ctx.engine.expires_actively = args[2] != b"0"
    return OK


def _skip_checksums(ctx: Context, args: list[bytes]) -> bytes:
    ctx.engine.loader.skips_checksums = args[2] != b"0"
    return OK


def _allow_in_scripts(ctx: Context, args: list[bytes]) -> bytes:
    ctx.engine.scripts.allows_every_command = args[2] != b"0"
    return OK


def _pause_cron(ctx: Context, args: list[bytes]) -> bytes:
    ctx.engine.cron_paused = args[2] != b"0"
    return OK


def _reply_buffer(ctx: Context, args: list[bytes]) -> bytes:
    option, value = args[2].lower(), args[3].lower()
    if option == b"peak-reset-time":
        named = {b"never": -1, b"reset": REPLY_BUFFER_PEAK_MS}
        ctx.engine.reply_buffer_peak_ms = named[value] if value in named else parse_int(value)
    elif option == b"resizing":
        ctx.engine.reply_buffer_peak_ms = -1 if value == b"0" else REPLY_BUFFER_PEAK_MS
    else:
        raise CommandError(b"ERR syntax error")
    return OK


def _digest(ctx: Context, args: list[bytes]) -> bytes:
    return simple(digest_of_data(ctx.engine.databases, ctx.engine.profile.shortest_scores_in_digest).hex().encode())


def _digest_value(ctx: Context, args: list[bytes]) -> bytes:
    digests: list[bytes] = []
    shortest = ctx.engine.profile.shortest_scores_in_digest
    for key in args[2:]:
        value = ctx.db.peek(key)
        digest = EMPTY if value is None else digest_of_value(ctx.db, key, value, EMPTY, shortest)
        digests.append(simple(digest.hex().encode()))
    return array(digests)


def _object(ctx: Context, args: list[bytes]) -> bytes:
    value = ctx.db.values.find(args[2])  # an expired key as well, until a command accesses it
    if value is None:
        raise CommandError(NO_SUCH_KEY)
    idle_s = ctx.engine.access_log.idle_seconds(ctx.db, args[2])
    clock = (ctx.engine.now_ms - ctx.engine.access_log.idle_ms(ctx.db, args[2])) // 1000 & 0xFFFFFF
    size = size_of_key(ctx.engine, ctx.db, args[2], value, 0)
    more = b""
    if encoding_of(ctx, args[2], value) == b"quicklist":
        config = ctx.engine.config
        limit, depth = config.encodings.list_max_listpack_size, config.encodings.list_compress_depth
        more = b" ql_nodes:1 ql_avg_node:1.00 ql_listpack_max:%d ql_compressed:%d ql_uncompressed_size:%d" % (
            limit, 1 if depth else 0, size,
        )  # fmt: skip
    return simple(
        b"Value at:0x%x refcount:1 encoding:%b serializedlength:%d lru:%d lru_seconds_idle:%d%b"
        % (_address_of(args[2], value), encoding_of(ctx, args[2], value), size, clock, idle_s, more)
    )


def _address_of(key: bytes, value: object) -> int:
    """The address of a value. Valkey edits strings in place, so the address of a string depends on its key only."""
    return 0x7F0000000000 + (crc64(key) & 0xFFFFFFF0) if isinstance(value, bytes) else id(value)


def _sdslen(ctx: Context, args: list[bytes]) -> bytes:
    value = ctx.db.peek(args[2])
    if value is None:
        raise CommandError(NO_SUCH_KEY)
    if not isinstance(value, bytes):
        raise CommandError(b"ERR Not an sds encoded string.")
    key_size, size = len(args[2]), len(value)
    return simple(
        b"key_sds_len:%d, key_sds_avail:0, key_zmalloc: %d, val_sds_len:%d, val_sds_avail:0, val_zmalloc: %d"
        % (key_size, key_size + 8, size, size + 8)
    )


def _populate(ctx: Context, args: list[bytes]) -> bytes:
    count = parse_int(args[2])
    if count < 0:
        raise CommandError(b"ERR value is out of range, must be positive")
    prefix = args[3] if len(args) > 3 else b"key"
    size = parse_int(args[4]) if len(args) > 4 else 0
    for number in range(count):
        key = prefix + b":%d" % number
        if ctx.db.peek(key) is None:
            value = b"value:%d" % number
            ctx.db.put(key, value if len(args) <= 4 else value[:size].ljust(size, b"\0"))
    return OK


def _error(ctx: Context, args: list[bytes]) -> bytes:
    return error(args[2].replace(b"\r", b" ").replace(b"\n", b" "))


def _protocol(ctx: Context, args: list[bytes]) -> bytes:
    kind = args[2].lower()
    if kind == b"string":
        return bulk(b"Hello World")
    if kind == b"integer":
        return integer(12345)
    if kind == b"double":
        return ctx.double(3.141)
    if kind == b"bignum":
        return b"(" + _NUMBER + b"\r\n" if ctx.resp3 else bulk(_NUMBER)
    if kind == b"null":
        return ctx.null
    if kind == b"array":
        return array([integer(number) for number in range(3)])
    if kind == b"set":
        return ctx.set_reply([integer(number) for number in range(3)])
    if kind == b"map":
        items: list[bytes] = []
        for number in range(3):
            items += [integer(number), ctx.boolean(number == 1)]
        return ctx.map_reply(items)
    if kind == b"attrib":
        head = b"|1\r\n" + bulk(b"key-popularity") + array([bulk(b"key:123"), integer(90)]) if ctx.resp3 else b""
        return head + bulk(_AFTER + b"attribute")
    if kind == b"push":
        if not ctx.resp3:
            raise CommandError(b"ERR RESP2 is not supported by this command")
        return bulk(_AFTER + b"push reply") + b">2\r\n" + bulk(b"server-cpu-usage") + integer(42)
    if kind == b"verbatim":
        return ctx.verbatim(b"This is a verbatim\nstring")
    if kind in {b"true", b"false"}:
        return ctx.boolean(kind == b"true")
    raise CommandError(
        b"ERR Wrong protocol type name. Please use one of the following: "
        b"string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false"
    )


def _htstats(ctx: Context, args: list[bytes]) -> bytes:
    number = parse_int(args[2])
    if not 0 <= number < len(ctx.engine.databases):
        raise CommandError(b"ERR Out of range database")
    db = ctx.engine.databases[number]
    text = "".join(
        [f"[{name} HT]\n{_table(count)}" for name, count in (("Dictionary", len(db)), ("Expires", db.values.expiring))]
    )
    return ctx.verbatim(text.encode())


def _htstats_key(ctx: Context, args: list[bytes]) -> bytes:
    value = ctx.db.peek(args[2])
    if value is None:
        raise CommandError(NO_SUCH_KEY)
    if not isinstance(value, Value) or value.encoding() not in {b"hashtable", b"skiplist"}:
        raise CommandError(b"ERR The value stored at the specified key is not represented using an hash table")
    return ctx.verbatim(_table(0).encode())


def _table(count: int) -> str:
    """Statistics of one hash table. Python's dictionaries have no second table while they grow."""
    if not count:
        return "No stats available for empty dictionaries\n"
    return f"Hash table 0 stats (main hash table):\n table size: {count}\n number of entries: {count}\n"


def _structsize(ctx: Context, args: list[bytes]) -> bytes:
    return simple(b"bits:64 robj:16 dictentry:24 sdshdr5:1 sdshdr8:3 sdshdr16:5 sdshdr32:9 sdshdr64:17")


def _listpack(ctx: Context, args: list[bytes]) -> bytes:
    value = ctx.db.peek(args[2])
    if value is None:
        raise CommandError(NO_SUCH_KEY)
    if not isinstance(value, Value) or value.encoding() != b"listpack":
        raise CommandError(b"ERR Not a listpack encoded object.")
    return simple(b"Listpack structure printed on stdout")


def _replicate(ctx: Context, args: list[bytes]) -> bytes:
    ctx.propagate(args[2:])
    return OK


def _client_eviction(ctx: Context, args: list[bytes]) -> bytes:
    if ctx.engine.config.clients.maxmemory_clients == b"0":
        raise CommandError(b"ERR maxmemory-clients is disabled.")
    return ctx.verbatim(
        b"".join([b"%d %d\n" % (s.id, s.memory_bytes()) for s in ctx.engine.clients.connected.values()])
    )


def _stringmatch(ctx: Context, args: list[bytes]) -> bytes:
    """Valkey fuzzes its pattern matcher here; this engine's is fuzzed by the tests."""
    return bulk(b"Apparently the server did not crash: test passed")


def _help(ctx: Context, args: list[bytes]) -> bytes:
    lines = [b"DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"]
    lines += [name.upper() for name in sorted(_SUBCOMMANDS)]
    return array([simple(line) for line in lines])


_MANY: Final = 1 << 30
_SUBCOMMANDS: Final[dict[bytes, tuple[int, int, Callable[[Context, list[bytes]], bytes]]]] = {
    b"aof-flush-sleep": (3, 3, _flush_sleep),
    b"change-repl-id": (2, 2, _change_history),
    b"client-enforce-reply-list": (3, 3, _ok),
    b"client-eviction": (2, 2, _client_eviction),
    b"config-rewrite-force-all": (2, 2, _config_rewrite),
    b"delay-rdb-client-free-seconds": (3, 3, _ok),
    b"dict-resizing": (3, 3, _ok),
    b"digest": (2, 2, _digest),
    b"digest-value": (2, _MANY, _digest_value),
    b"error": (3, 3, _error),
    b"help": (2, 2, _help),
    b"htstats": (3, 4, _htstats),
    b"htstats-key": (3, 4, _htstats_key),
    b"listpack": (3, 3, _listpack),
    b"loadaof": (2, 2, _load_log),
    b"log": (3, 3, _ok),
    b"object": (3, 4, _object),
    b"pause-after-fork": (3, 3, _ok),
    b"pause-cron": (3, 3, _pause_cron),
    b"populate": (3, 5, _populate),
    b"protocol": (3, 3, _protocol),
    b"quicklist-packed-threshold": (3, 3, _ok),
    b"reload": (2, 5, _reload),
    b"replicate": (3, _MANY, _replicate),
    b"replybuffer": (4, 4, _reply_buffer),
    b"sdslen": (3, 3, _sdslen),
    b"set-active-expire": (3, 3, _set_active_expire),
    b"set-disable-deny-scripts": (3, 3, _allow_in_scripts),
    b"set-skip-checksum-validation": (3, 3, _skip_checksums),
    b"sleep": (3, 3, _sleep),
    b"stringmatch-test": (2, 2, _stringmatch),
    b"structsize": (2, 2, _structsize),
}
