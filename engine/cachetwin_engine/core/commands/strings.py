"""Strings: get, set, count, cut and paste.

Long because the family is large, not deep: some twenty-five rows, none of which needs another.
"""

from typing import Final

from cachetwin_engine.core.config.notifications import NOTIFY_GENERIC, NOTIFY_STRING
from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.keyspace.expire_time import expire_time
from cachetwin_engine.core.protocol.errors import (
    NAN_OR_INFINITY,
    OFFSET_OUT_OF_RANGE,
    OVERFLOW,
    STRING_TOO_LONG,
    CommandError,
    not_a_float,
    syntax_error,
    wrong_arity,
)
from cachetwin_engine.core.protocol.replies import EMPTY_BULK, OK, ONE, ZERO, bulk, integer
from cachetwin_engine.core.registry.command_table import (
    DENYOOM,
    FAST,
    KEY_ACCESS_DELETE,
    KEY_ACCESS_UPDATE,
    KEY_INSERT,
    KEY_META,
    KEY_OVERWRITE,
    KEY_READ,
    KEY_UPDATE,
    KEYS_READ,
    MOVABLE_KEYS,
    READONLY,
    WRITE,
    KeySpec,
    command,
)
from cachetwin_engine.core.text.decimals import decimal
from cachetwin_engine.core.text.long_double import add_long_doubles, format_long_double, parse_long_double
from cachetwin_engine.core.text.numbers import INT64_MIN, integer_or_none, is_int64, parse_int
from cachetwin_engine.core.types.string import RawString, read_string, size_of_string, string_for_edit, string_of

from .expiry import delete_as_expired

_SUBSTRING: Final = "O(N) where N is the number of bytes returned; a short piece of a long string is cheap."
_MSETEX_KEYS_MAX: Final = 2**31 - 1
_SET_HISTORY: Final = [
    ("2.6.12", "Added the `EX`, `PX`, `NX` and `XX` options."),
    ("6.0.0", "Added the `KEEPTTL` option."),
    ("6.2.0", "Added the `GET`, `EXAT` and `PXAT` option."),
    ("7.0.0", "Allowed the `NX` and `GET` options to be used together."),
    ("8.1.0", "Added the `IFEQ` option."),
]


# -- get ----------------------------------------------------------------------------------------------------------------


@command(
    "GET",
    summary="Get a string.",
    arguments="key",
    arity=2,
    flags=READONLY | FAST,
    keys=KEY_READ,
    group="string",
    since="1.0.0",
)
def get(ctx: Context, args: list[bytes]) -> bytes:
    """GET key."""
    value = read_string(ctx.db, args[1])
    return ctx.null if value is None else bulk(value)


@command(
    "MGET",
    summary="Get several strings; null for keys that are missing or hold something else.",
    arguments="key...",
    arity=-2,
    flags=READONLY | FAST,
    keys=KEYS_READ,
    group="string",
    since="1.0.0",
    complexity="O(N) where N is the number of keys.",
    tips=[b"request_policy:multi_shard"],
)
def mget(ctx: Context, args: list[bytes]) -> bytes:
    """MGET key [key ...]."""
    parts = [b"*%d\r\n" % (len(args) - 1)]
    db = ctx.db
    for at in range(1, len(args)):
        value = db.find(args[at])
        if isinstance(value, bytes):
            parts.append(bulk(value))
        elif isinstance(value, RawString):
            parts.append(bulk(bytes(value.data)))
        else:
            parts.append(ctx.null)
    return b"".join(parts)


@command(
    "STRLEN",
    summary="The length of a string in bytes.",
    arguments="key",
    arity=2,
    flags=READONLY | FAST,
    keys=KEY_META,
    group="string",
    since="2.2.0",
)
def strlen(ctx: Context, args: list[bytes]) -> bytes:
    """STRLEN key."""
    return integer(size_of_string(ctx.db.find(args[1])))


@command(
    "GETRANGE",
    summary="A piece of a string, both ends included; negative places count from its end.",
    arguments="key start:integer end:integer",
    arity=4,
    flags=READONLY,
    keys=KEY_READ,
    group="string",
    since="2.4.0",
    complexity=_SUBSTRING,
)
def getrange(ctx: Context, args: list[bytes]) -> bytes:
    """GETRANGE key start end."""
    start, end = parse_int(args[2]), parse_int(args[3])
    value = ctx.db.find(args[1])
    size = size_of_string(value)
    if size == 0 or (start < 0 and end < 0 and start > end):
        return EMPTY_BULK
    start = max(start + size, 0) if start < 0 else start
    end = max(end + size, 0) if end < 0 else min(end, size - 1)
    if start > end:
        return EMPTY_BULK
    if isinstance(value, RawString):
        return bulk(bytes(value.data[start : end + 1]))
    text = string_of(value)
    return EMPTY_BULK if text is None else bulk(text[start : end + 1])


@command(
    "SUBSTR",
    summary="A piece of a string.",
    arguments="key start:integer end:integer",
    arity=4,
    flags=READONLY,
    keys=KEY_READ,
    group="string",
    since="1.0.0",
    deprecated="2.0.0|`GETRANGE`",
    complexity=_SUBSTRING,
)
def substr(ctx: Context, args: list[bytes]) -> bytes:
    """SUBSTR key start end."""
    return getrange(ctx, args)


# -- set ----------------------------------------------------------------------------------------------------------------


class _SetOptions:
    """What stands behind the value of SET, or behind the key of GETEX."""

    def __init__(self) -> None:
        self.if_missing = False
        self.if_present = False
        self.if_equal: bytes | None = None
        self.get = False
        self.keep_ttl = False
        self.persist = False
        self.expire_text: bytes | None = None
        self.expire_word = b""  # EX, PX, EXAT or PXAT: it may come again, with another time, but no other may
        self.unit_ms = 1
        self.absolute = False
        self.effect: list[bytes] | None = None  # what replicas are told instead, unless it is an absolute time

    def expire_at(self, ctx: Context, name: bytes) -> int:
        """Absolute time in ms, -1 for none. Raises CommandError."""
        if self.expire_text is None:
            return -1
        return expire_time(self.expire_text, self.unit_ms, 0 if self.absolute else ctx.engine.now_ms, name)


def _take_expiry(options: _SetOptions, word: bytes, args: list[bytes], at: int) -> bool:
    """Take EX, PX, EXAT or PXAT and the time behind it, if ``word`` is one of them. Raises CommandError."""
    if word not in {b"EX", b"PX", b"EXAT", b"PXAT"}:
        return False
    if options.keep_ttl or options.persist or options.expire_word not in {b"", word} or at + 1 >= len(args):
        raise syntax_error()
    options.expire_word = word
    options.expire_text = args[at + 1]
    options.unit_ms = 1000 if word[0] == 69 else 1
    options.absolute = len(word) == 4
    return True


def _set_options(ctx: Context, args: list[bytes]) -> _SetOptions:
    options = _SetOptions()
    at = 3
    while at < len(args):
        word = args[at].upper()
        conditional = options.if_missing or options.if_present or options.if_equal is not None
        if word == b"NX" and (not conditional or options.if_missing):
            options.if_missing = True
        elif word == b"XX" and (not conditional or options.if_present):
            options.if_present = True
        elif word == b"IFEQ" and not conditional and at + 1 < len(args) and ctx.engine.profile.is_valkey_from(8, 1):
            at += 1
            options.if_equal = args[at]
        elif word == b"GET":
            options.get = True
        elif word == b"KEEPTTL" and options.expire_text is None:
            options.keep_ttl = True
        elif _take_expiry(options, word, args, at):
            at += 1
        else:
            raise syntax_error()
        at += 1
    return options


_SET_ARGUMENTS: Final = (
    "key value [condition=<NX@2.6.12 | XX@2.6.12 | IFEQ comparison-value@8.1.0>] "
    "[GET@6.2.0] [expiration=<EX seconds@2.6.12 | PX milliseconds@2.6.12 | EXAT unix-time-seconds@6.2.0 "
    "| PXAT unix-time-milliseconds@6.2.0 | KEEPTTL@6.0.0>]"
)


@command(
    "SET",
    summary="Set a string, whatever the key held before.",
    arguments=_SET_ARGUMENTS,
    arity=-3,
    flags=WRITE | DENYOOM,
    keys=[KeySpec("RW", "access update", variable=True, notes="RW and ACCESS due to the optional `GET` argument")],
    group="string",
    since="1.0.0",
    history=_SET_HISTORY,
)
def set_(ctx: Context, args: list[bytes]) -> bytes:
    """SET key value [NX | XX | IFEQ value] [GET] [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL]."""
    if len(args) == 3:
        key = args[1]
        ctx.db.put(key, args[2])
        ctx.key_changed(key, NOTIFY_STRING, b"set")
        return OK
    options = _set_options(ctx, args)
    if options.get and ctx.engine.wants_propagation:
        options.effect = [word for at, word in enumerate(args) if at < 3 or word.upper() != b"GET"]
    return _set_with_options(ctx, args[1], args[2], options, b"set")


def _set_with_options(ctx: Context, key: bytes, value: bytes, options: _SetOptions, name: bytes) -> bytes:
    at_ms = options.expire_at(ctx, name)
    db = ctx.db
    current = db.find_for_write(key)
    done, refused = OK, ctx.null
    if options.get:
        old = string_of(current)
        done = refused = ctx.null if old is None else bulk(old)
    if options.if_equal is not None and current is not None and string_of(current) != options.if_equal:
        return refused
    if current is None:
        if options.if_present or options.if_equal is not None:
            return refused
    elif options.if_missing:
        return refused
    if at_ms >= 0 and ctx.engine.profile.is_valkey_from(8, 1) and ctx.engine.is_expired(at_ms):
        if current is not None:
            delete_as_expired(ctx, key)
        return done
    db.put(key, value, options.keep_ttl)
    ctx.key_changed(key, NOTIFY_STRING, b"set")
    if at_ms >= 0:
        db.expire_at(key, at_ms)
        ctx.notify(NOTIFY_GENERIC, b"expire", key)
        if not options.absolute or options.unit_ms != 1 or ctx.engine.profile.commands_through < (7, 2, 0):
            ctx.propagate([b"SET", key, value, b"PXAT", b"%d" % at_ms])
    elif options.effect is not None:
        ctx.propagate(options.effect)
    return done


@command(
    "SETNX",
    summary="Set a string if the key does not exist.",
    arguments="key value",
    arity=3,
    flags=WRITE | DENYOOM | FAST,
    keys=[KeySpec("OW", "insert")],
    group="string",
    since="1.0.0",
    deprecated="2.6.12|`SET` with the `NX` argument",
)
def setnx(ctx: Context, args: list[bytes]) -> bytes:
    """SETNX key value."""
    if ctx.db.find_for_write(args[1]) is not None:
        return ZERO
    ctx.db.put(args[1], args[2])
    ctx.key_changed(args[1], NOTIFY_STRING, b"set")
    return ONE


@command(
    "SETEX",
    summary="Set a string with a time to live in seconds.",
    arguments="key seconds value",
    arity=4,
    flags=WRITE | DENYOOM,
    keys=KEY_OVERWRITE,
    group="string",
    since="2.0.0",
    deprecated="2.6.12|`SET` with the `EX` argument",
)
def setex(ctx: Context, args: list[bytes]) -> bytes:
    """SETEX key seconds value."""
    options = _SetOptions()
    options.expire_text, options.unit_ms = args[2], 1000
    return _set_with_options(ctx, args[1], args[3], options, b"setex")


@command(
    "PSETEX",
    summary="Set a string with a time to live in milliseconds.",
    arguments="key milliseconds value",
    arity=4,
    flags=WRITE | DENYOOM,
    keys=KEY_OVERWRITE,
    group="string",
    since="2.6.0",
    deprecated="2.6.12|`SET` with the `PX` argument",
)
def psetex(ctx: Context, args: list[bytes]) -> bytes:
    """PSETEX key milliseconds value."""
    options = _SetOptions()
    options.expire_text = args[2]
    return _set_with_options(ctx, args[1], args[3], options, b"psetex")


@command(
    "MSET",
    summary="Set several strings at once.",
    arguments="data=(key value)...",
    arity=-3,
    flags=WRITE | DENYOOM,
    keys=[KeySpec("OW", "update", last=-1, step=2)],
    group="string",
    since="1.0.1",
    complexity="O(N) where N is the number of keys.",
    tips=[b"request_policy:multi_shard", b"response_policy:all_succeeded"],
)
def mset(ctx: Context, args: list[bytes]) -> bytes:
    """MSET key value [key value ...]."""
    if len(args) % 2 == 0:
        raise wrong_arity(b"mset")
    _set_all(ctx, args)
    return OK


@command(
    "MSETNX",
    summary="Set several strings at once if none of the keys exists.",
    arguments="data=(key value)...",
    arity=-3,
    flags=WRITE | DENYOOM,
    keys=[KeySpec("OW", "insert", last=-1, step=2)],
    group="string",
    since="1.0.1",
    complexity="O(N) where N is the number of keys.",
)
def msetnx(ctx: Context, args: list[bytes]) -> bytes:
    """MSETNX key value [key value ...]."""
    if len(args) % 2 == 0:
        raise wrong_arity(b"msetnx")
    for at in range(1, len(args), 2):
        if ctx.db.find_for_write(args[at]) is not None:
            return ZERO
    _set_all(ctx, args)
    return ONE


_MSETEX_ARGUMENTS: Final = (
    "numkeys data=(key value)... [condition=<NX | XX>] [expiration=<EX seconds | PX milliseconds "
    "| EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL>]"
)


@command(
    "MSETEX",
    summary="Set several strings and their times to live at once.",
    arguments=_MSETEX_ARGUMENTS,
    arity=-4,
    flags=WRITE | DENYOOM | MOVABLE_KEYS,
    keys=[KeySpec("OW", "update", numkeys=0, first=1, step=2)],
    group="string",
    since="9.1.0",
    complexity="O(N) where N is the number of keys.",
    tips=[b"request_policy:multi_shard", b"response_policy:all_succeeded"],
    valkey_only=True,
)
def msetex(ctx: Context, args: list[bytes]) -> bytes:
    """MSETEX numkeys key value [key value ...] [NX | XX] [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL]."""
    count = integer_or_none(args[1])
    if count is None or not 1 <= count <= _MSETEX_KEYS_MAX:
        raise CommandError(b"ERR invalid numkeys value or out of range")
    end = 2 + 2 * count
    if end > len(args):
        raise syntax_error()
    options = _msetex_options(args, end)
    at_ms = options.expire_at(ctx, b"msetex")
    db = ctx.db
    if options.if_missing or options.if_present:
        for at in range(2, end, 2):
            if (db.find_for_write(args[at]) is None) == options.if_present:
                return ZERO
    for at in range(2, end, 2):
        db.put(args[at], args[at + 1], options.keep_ttl)
        ctx.key_changed(args[at], NOTIFY_STRING, b"set")
        if at_ms >= 0:
            db.expire_at(args[at], at_ms)  # in the past, too: such keys are there until they are found to be over
            ctx.notify(NOTIFY_GENERIC, b"expire", args[at])
    if at_ms >= 0 and options.expire_word != b"PXAT":
        ctx.propagate(_with_absolute_time(args, end, at_ms))
    return ONE


def _msetex_options(args: list[bytes], at: int) -> _SetOptions:
    options = _SetOptions()
    while at < len(args):
        word = args[at].upper()
        if word == b"NX" and not options.if_present:
            options.if_missing = True
        elif word == b"XX" and not options.if_missing:
            options.if_present = True
        elif word == b"KEEPTTL" and options.expire_text is None:
            options.keep_ttl = True
        elif _take_expiry(options, word, args, at):
            at += 1
        else:
            raise syntax_error()
        at += 1
    return options


def _with_absolute_time(args: list[bytes], end: int, at_ms: int) -> list[bytes]:
    """The request with ``PXAT at_ms`` in the place of each time behind ``args[end]``."""
    words = list(args)
    at = end
    while at < len(words):
        if words[at].upper() in {b"EX", b"PX", b"EXAT"}:
            words[at], words[at + 1] = b"PXAT", b"%d" % at_ms
            at += 1
        at += 1
    return words


def _set_all(ctx: Context, args: list[bytes]) -> None:
    for at in range(1, len(args), 2):
        ctx.db.put(args[at], args[at + 1])
        ctx.key_changed(args[at], NOTIFY_STRING, b"set")


# -- get and change -----------------------------------------------------------------------------------------------------


@command(
    "GETSET",
    summary="Set a string; the answer is the one before.",
    arguments="key value",
    arity=3,
    flags=WRITE | DENYOOM | FAST,
    keys=KEY_ACCESS_UPDATE,
    group="string",
    since="1.0.0",
    deprecated="6.2.0|`SET` with the `!GET` argument",
)
def getset(ctx: Context, args: list[bytes]) -> bytes:
    """GETSET key value."""
    old = read_string(ctx.db, args[1])
    ctx.db.put(args[1], args[2])
    ctx.key_changed(args[1], NOTIFY_STRING, b"set")
    ctx.propagate([b"SET", args[1], args[2]])
    return ctx.null if old is None else bulk(old)


@command(
    "GETDEL",
    summary="Get a string, then delete its key.",
    arguments="key",
    arity=2,
    flags=WRITE | FAST,
    keys=KEY_ACCESS_DELETE,
    group="string",
    since="6.2.0",
)
def getdel(ctx: Context, args: list[bytes]) -> bytes:
    """GETDEL key."""
    key = args[1]
    value = read_string(ctx.db, key)
    if value is None:
        return ctx.null
    ctx.db.delete(key)
    ctx.key_changed(key, NOTIFY_GENERIC, b"del")
    ctx.propagate([b"DEL", key])
    return bulk(value)


_GETEX_ARGUMENTS: Final = (
    "key [expiration=<EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | PERSIST>]"
)


@command(
    "GETEX",
    summary="Get a string and set, or take away, its time to live.",
    arguments=_GETEX_ARGUMENTS,
    arity=-2,
    flags=WRITE | FAST,
    keys=[KeySpec("RW", "access update", notes="RW and UPDATE because it changes the TTL")],
    group="string",
    since="6.2.0",
)
def getex(ctx: Context, args: list[bytes]) -> bytes:
    """GETEX key [EX s | PX ms | EXAT s | PXAT ms | PERSIST]."""
    options = _SetOptions()
    at = 2
    while at < len(args):
        word = args[at].upper()
        if word == b"PERSIST" and options.expire_text is None:
            options.persist = True
        elif _take_expiry(options, word, args, at):
            at += 1
        else:
            raise syntax_error()
        at += 1
    key = args[1]
    early = ctx.engine.profile.is_valkey_from(9, 0)  # is the time read before the key?
    at_ms = options.expire_at(ctx, b"getex") if early else -1
    value = read_string(ctx.db, key)
    if value is None:
        return ctx.null
    if not early:
        at_ms = options.expire_at(ctx, b"getex")
    if at_ms >= 0 and ctx.engine.is_expired(at_ms):
        delete_as_expired(ctx, key)
    elif at_ms >= 0:
        ctx.db.expire_at(key, at_ms)
        ctx.key_changed(key, NOTIFY_GENERIC, b"expire")
        ctx.propagate([b"PEXPIREAT", key, b"%d" % at_ms])
    elif options.persist and ctx.db.persist(key):
        ctx.key_changed(key, NOTIFY_GENERIC, b"persist")
        ctx.propagate([b"PERSIST", key])
    return bulk(value)


# -- edit in place ------------------------------------------------------------------------------------------------------


def check_string_size(ctx: Context, size: int) -> None:
    """Strings end at proto-max-bulk-len. Raises CommandError."""
    if size > ctx.engine.config.proto_max_bulk_len:
        raise CommandError(STRING_TOO_LONG)


@command(
    "APPEND",
    summary="Put a value at the end of a string.",
    arguments="key value",
    arity=3,
    flags=WRITE | DENYOOM | FAST,
    keys=KEY_INSERT,
    group="string",
    since="2.0.0",
    complexity="O(1), amortised over many: the buffer grows by a share of its size.",
)
def append(ctx: Context, args: list[bytes]) -> bytes:
    """APPEND key value."""
    key, tail = args[1], args[2]
    current = ctx.db.find_for_write(key)
    if current is None:
        ctx.db.put(key, tail)
        size = len(tail)
    else:
        check_string_size(ctx, size_of_string(current) + len(tail))
        raw = string_for_edit(ctx.db, key, current)
        raw.data += tail
        size = len(raw.data)
    ctx.key_changed(key, NOTIFY_STRING, b"append")
    return integer(size)


@command(
    "SETRANGE",
    summary="Overwrite a piece of a string, padding with zero bytes where it is too short.",
    arguments="key offset value",
    arity=4,
    flags=WRITE | DENYOOM,
    keys=KEY_UPDATE,
    group="string",
    since="2.2.0",
    complexity="O(M) where M is the length of the value; the string is edited in place.",
)
def setrange(ctx: Context, args: list[bytes]) -> bytes:
    """SETRANGE key offset value."""
    key, value = args[1], args[3]
    offset = parse_int(args[2])
    if offset < 0:
        raise CommandError(OFFSET_OUT_OF_RANGE)
    current = ctx.db.find_for_write(key)
    size = size_of_string(current)
    if not value:
        return integer(size)
    check_string_size(ctx, offset + len(value))
    raw = string_for_edit(ctx.db, key, current)
    if size < offset + len(value):
        raw.data.extend(bytes(offset + len(value) - size))
    raw.data[offset : offset + len(value)] = value
    ctx.key_changed(key, NOTIFY_STRING, b"setrange")
    return integer(len(raw.data))


# -- count --------------------------------------------------------------------------------------------------------------


@command(
    "INCR",
    summary="Add one to the integer in a string.",
    arguments="key",
    arity=2,
    flags=WRITE | DENYOOM | FAST,
    keys=KEY_ACCESS_UPDATE,
    group="string",
    since="1.0.0",
)
def incr(ctx: Context, args: list[bytes]) -> bytes:
    """INCR key."""
    return _add(ctx, args[1], 1)


@command(
    "DECR",
    summary="Take one from the integer in a string.",
    arguments="key",
    arity=2,
    flags=WRITE | DENYOOM | FAST,
    keys=KEY_ACCESS_UPDATE,
    group="string",
    since="1.0.0",
)
def decr(ctx: Context, args: list[bytes]) -> bytes:
    """DECR key."""
    return _add(ctx, args[1], -1)


@command(
    "INCRBY",
    summary="Add to the integer in a string.",
    arguments="key increment:integer",
    arity=3,
    flags=WRITE | DENYOOM | FAST,
    keys=KEY_ACCESS_UPDATE,
    group="string",
    since="1.0.0",
)
def incrby(ctx: Context, args: list[bytes]) -> bytes:
    """INCRBY key increment."""
    return _add(ctx, args[1], parse_int(args[2]))


@command(
    "DECRBY",
    summary="Take from the integer in a string.",
    arguments="key decrement:integer",
    arity=3,
    flags=WRITE | DENYOOM | FAST,
    keys=KEY_ACCESS_UPDATE,
    group="string",
    since="1.0.0",
)
def decrby(ctx: Context, args: list[bytes]) -> bytes:
    """DECRBY key decrement."""
    delta = parse_int(args[2])
    if delta == INT64_MIN:
        raise CommandError(b"ERR decrement would overflow")
    return _add(ctx, args[1], -delta)


def _add(ctx: Context, key: bytes, delta: int) -> bytes:
    value = string_of(ctx.db.find_for_write(key))
    total = (0 if value is None else parse_int(value)) + delta
    if not is_int64(total):
        raise CommandError(OVERFLOW)
    text = decimal(total)
    if value is None:
        ctx.db.put(key, text)
    else:
        ctx.db.replace(key, text)
    ctx.key_changed(key, NOTIFY_STRING, b"incrby")
    return integer(total)


@command(
    "INCRBYFLOAT",
    summary="Add to the decimal number in a string.",
    arguments="key increment:double",
    arity=3,
    flags=WRITE | DENYOOM | FAST,
    keys=KEY_ACCESS_UPDATE,
    group="string",
    since="2.6.0",
)
def incrbyfloat(ctx: Context, args: list[bytes]) -> bytes:
    """INCRBYFLOAT key increment."""
    key = args[1]
    value = string_of(ctx.db.find_for_write(key))
    current = parse_long_double(b"0" if value is None else value)
    delta = parse_long_double(args[2])
    if current is None or delta is None:
        raise not_a_float()
    total = add_long_doubles(current, delta)
    if total.is_infinite():
        raise CommandError(NAN_OR_INFINITY)
    text = format_long_double(total)
    if value is None:
        ctx.db.put(key, text)
    else:
        ctx.db.replace(key, text)
    ctx.key_changed(key, NOTIFY_STRING, b"incrbyfloat")
    ctx.propagate([b"SET", key, text, b"KEEPTTL"])
    return bulk(text)


# -- conditions on the value --------------------------------------------------------------------------------------------


@command(
    "DELIFEQ",
    summary="Delete a key if it holds this very string.",
    arguments="key value",
    arity=3,
    flags=WRITE | FAST,
    keys=[KeySpec("RM", "delete")],
    group="string",
    since="9.0.0",
    valkey_only=True,
)
def delifeq(ctx: Context, args: list[bytes]) -> bytes:
    """DELIFEQ key value."""
    value = string_of(ctx.db.find_for_write(args[1]))
    if value is None or value != args[2]:
        return ZERO
    ctx.db.delete(args[1])
    ctx.key_changed(args[1], NOTIFY_GENERIC, b"del")
    ctx.propagate([b"DEL", args[1]])
    return ONE
