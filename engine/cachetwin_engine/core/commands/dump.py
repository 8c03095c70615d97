"""DUMP and RESTORE: serialised values, which an engine of the same or a later version can load.

A payload consists of the value in RDB format, the RDB version (2 bytes) and a CRC-64 of all of it (8 bytes), both
little endian.
"""

from typing import Final

from cachetwin_engine.core.config.notifications import NOTIFY_GENERIC
from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.protocol.errors import CommandError, syntax_error
from cachetwin_engine.core.protocol.replies import OK, bulk
from cachetwin_engine.core.rdb.packed import BadData
from cachetwin_engine.core.rdb.payload import payload_of
from cachetwin_engine.core.rdb.reader import RdbReader
from cachetwin_engine.core.registry.command_table import (
    ASKING,
    DENYOOM,
    KEY_OVERWRITE,
    KEY_READ,
    NONDETERMINISTIC,
    READONLY,
    WRITE,
    command,
)
from cachetwin_engine.core.text.crc64 import crc64
from cachetwin_engine.core.text.numbers import parse_int

_TAIL_BYTES: Final = 10
_WRONG_CHECKSUM: Final = b"ERR DUMP payload version or checksum are wrong"
_BAD_DATA: Final = b"ERR Bad data format"
_RESTORE_COST: Final = (
    "O(N*M) where N is the number of elements and M their average size; O(N*M*log(N)) for sorted sets."
)
_HISTORY: Final = [
    ("3.0.0", "Added the `REPLACE` modifier."),
    ("5.0.0", "Added the `ABSTTL` modifier."),
    ("5.0.0", "Added the `IDLETIME` and `FREQ` options."),
]


@command(
    "DUMP",
    summary="Serialise a value for RESTORE.",
    arguments="key",
    arity=2,
    flags=READONLY,
    keys=KEY_READ,
    group="generic",
    since="2.6.0",
    complexity="O(N*M) where N is the number of elements and M their average size.",
    tips=NONDETERMINISTIC,
)
def dump(ctx: Context, args: list[bytes]) -> bytes:
    """DUMP key."""
    value = ctx.db.find(args[1])
    if value is None:
        return ctx.null
    return bulk(payload_of(ctx.engine, value))


class _Options:
    def __init__(self) -> None:
        self.replace = False
        self.absolute = False
        self.idle_seconds = -1
        self.frequency = -1


_RESTORE_ARGUMENTS: Final = (
    "key ttl:integer serialized-value [REPLACE@3.0.0] [ABSTTL@5.0.0] [IDLETIME seconds@5.0.0] "
    "[FREQ frequency:integer@5.0.0]"
)


@command(
    "RESTORE",
    summary="Create a key from the payload that DUMP returned.",
    arguments=_RESTORE_ARGUMENTS,
    arity=-4,
    flags=WRITE | DENYOOM,
    keys=KEY_OVERWRITE,
    group="generic",
    since="2.6.0",
    complexity=_RESTORE_COST,
    categories=[b"dangerous"],
    history=_HISTORY,
)
def restore(ctx: Context, args: list[bytes]) -> bytes:
    """RESTORE key ttl payload [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]."""
    options = _options(ctx, args)
    key = args[1]
    exists = ctx.db.find_for_write(key) is not None
    if exists and not options.replace:
        raise CommandError(b"BUSYKEY Target key name already exists.")
    ttl_ms = parse_int(args[2])
    if ttl_ms < 0:
        raise CommandError(b"ERR Invalid TTL value, must be >= 0")
    value = _restored(ctx, args[3])
    at_ms = ttl_ms if ttl_ms == 0 or options.absolute else ctx.engine.now_ms + ttl_ms
    if at_ms > 0 and ctx.engine.is_expired(at_ms):
        if exists:
            ctx.db.delete(key)
            ctx.key_changed(key, NOTIFY_GENERIC, b"del")
            ctx.propagate([b"UNLINK" if ctx.engine.config.boolean("lazyfree-lazy-server-del") else b"DEL", key])
        return OK
    ctx.db.put(key, value)
    if at_ms:
        ctx.db.expire_at(key, at_ms)
    if options.idle_seconds >= 0:
        ctx.engine.access_log.set_idle_seconds(ctx.db, key, options.idle_seconds)
    if options.frequency >= 0:
        ctx.engine.access_log.set_frequency(ctx.db, key, options.frequency)
    ctx.key_changed(key, NOTIFY_GENERIC, b"restore")
    if at_ms and not options.absolute:
        ctx.propagate([args[0], key, b"%d" % at_ms, *args[3:], b"ABSTTL"])
    return OK


@command(
    "RESTORE-ASKING",
    summary="Create a key from a DUMP payload while its slot migrates.",
    arguments=_RESTORE_ARGUMENTS,
    arity=-4,
    flags=WRITE | DENYOOM | ASKING,
    keys=KEY_OVERWRITE,
    group="server",
    since="3.0.0",
    complexity=_RESTORE_COST,
    categories=[b"keyspace", b"dangerous"],
    history=_HISTORY,
)
def restore_asking(ctx: Context, args: list[bytes]) -> bytes:
    """RESTORE-ASKING: the same as RESTORE."""
    return restore(ctx, args)


def _options(ctx: Context, args: list[bytes]) -> _Options:
    options = _Options()
    given = ctx.options(args, 4)
    while word := given.next_word():
        if word == b"REPLACE":
            options.replace = True
        elif word == b"ABSTTL":
            options.absolute = True
        elif word == b"IDLETIME" and options.frequency < 0:
            options.idle_seconds = parse_int(given.value)
            if options.idle_seconds < 0:
                raise CommandError(b"ERR Invalid IDLETIME value, must be >= 0")
        elif word == b"FREQ" and options.idle_seconds < 0:
            options.frequency = parse_int(given.value)
            if not 0 <= options.frequency <= 255:
                raise CommandError(b"ERR Invalid FREQ value, must be >= 0 and <= 255")
        else:
            raise syntax_error()  # IDLETIME and FREQ exclude each other
    return options


def _restored(ctx: Context, payload: bytes) -> object:
    """The value in a payload. Raises CommandError."""
    version = int.from_bytes(payload[-_TAIL_BYTES:-8], "little")
    too_new = version > ctx.engine.profile.rdb_version and ctx.engine.config.get("rdb-version-check") != "relaxed"
    if len(payload) < _TAIL_BYTES or too_new:
        raise CommandError(_WRONG_CHECKSUM)
    if not ctx.engine.loader.skips_checksums and crc64(payload[:-8]) != int.from_bytes(payload[-8:], "little"):
        raise CommandError(_WRONG_CHECKSUM)
    reader = RdbReader(payload[:-_TAIL_BYTES], ctx.engine.config)
    try:
        value = reader.value(reader.byte())
    except BadData as problem:
        ctx.engine.host.log(f"RESTORE of a payload that is not a value: {problem}")
        raise CommandError(_BAD_DATA) from None
    if reader.at != len(payload) - _TAIL_BYTES:
        raise CommandError(_BAD_DATA)
    return value
