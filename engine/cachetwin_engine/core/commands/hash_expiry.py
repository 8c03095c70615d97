"""Fields of hashes that end by themselves (Valkey 9): set, ask, take away, and read or write at the same time.

An end is a Unix time in milliseconds inside, whatever the unit on the wire; replicas are told that time. An end that is
not in the future removes the field at once.
"""

from typing import Final

from cachetwin_engine.core.config.notifications import NOTIFY_HASH
from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.expiry.fields import fields_gone
from cachetwin_engine.core.protocol.errors import CommandError, syntax_error
from cachetwin_engine.core.protocol.replies import ONE, ZERO, array, bulk, integer
from cachetwin_engine.core.registry.command_table import (
    DENYOOM,
    FAST,
    KEY_ACCESS_DELETE,
    KEY_ACCESS_UPDATE,
    KEY_INSERT,
    KEY_READ,
    KEY_UPDATE,
    READONLY,
    WRITE,
    command,
)
from cachetwin_engine.core.text.numbers import INT64_MAX, parse_int
from cachetwin_engine.core.types.hash import HashValue, read_hash, write_hash

from .hashes import note_ends, removed

_NUMFIELDS: Final = b"ERR numfields should be greater than 0 and match the provided number of fields"
_MISSING: Final = -2
_NO_END: Final = -1
_UNMET: Final = 0
_SET: Final = 1
_REMOVED: Final = 2


# -- setting ends -----------------------------------------------------------------------------------------------------


@command(
    "HEXPIRE",
    summary="Let fields of a hash end after some seconds.",
    arguments="key seconds [condition=<NX | XX | GT | LT>] FIELDS fields=(numfields field...)",
    arity=-6,
    flags=WRITE | FAST,
    keys=KEY_UPDATE,
    group="hash",
    since="9.0.0",
    complexity="O(N) for N fields",
    valkey_only=True,
)
def hexpire(ctx: Context, args: list[bytes]) -> bytes:
    """HEXPIRE key seconds [NX|XX|GT|LT] FIELDS numfields field [field ...]."""
    return _expire(ctx, args, unit_ms=1000, relative=True)


@command(
    "HPEXPIRE",
    summary="Let fields of a hash end after some milliseconds.",
    arguments="key milliseconds [condition=<NX | XX | GT | LT>@9.0.0] FIELDS fields=(numfields#0 field...)",
    arity=-6,
    flags=WRITE | FAST,
    keys=KEY_UPDATE,
    group="hash",
    since="9.0.0",
    complexity="O(N) for N fields",
    valkey_only=True,
)
def hpexpire(ctx: Context, args: list[bytes]) -> bytes:
    """HPEXPIRE key milliseconds [NX|XX|GT|LT] FIELDS numfields field [field ...]."""
    return _expire(ctx, args, unit_ms=1, relative=True)


_HEXPIREAT_ARGUMENTS: Final = (
    "key unix-time-seconds:integer [condition=<NX | XX | GT | LT>@9.0.0] FIELDS fields=(numfields#0 field...)"
)


@command(
    "HEXPIREAT",
    summary="Let fields of a hash end at a time in seconds.",
    arguments=_HEXPIREAT_ARGUMENTS,
    arity=-6,
    flags=WRITE | FAST,
    keys=KEY_UPDATE,
    group="hash",
    since="9.0.0",
    complexity="O(N) for N fields",
    valkey_only=True,
)
def hexpireat(ctx: Context, args: list[bytes]) -> bytes:
    """HEXPIREAT key unix-time-seconds [NX|XX|GT|LT] FIELDS numfields field [field ...]."""
    return _expire(ctx, args, unit_ms=1000, relative=False)


_HPEXPIREAT_ARGUMENTS: Final = (
    "key unix-time-milliseconds:integer [condition=<NX | XX | GT | LT>@9.0.0] FIELDS fields=(numfields#0 field...)"
)


@command(
    "HPEXPIREAT",
    summary="Let fields of a hash end at a time in milliseconds.",
    arguments=_HPEXPIREAT_ARGUMENTS,
    arity=-6,
    flags=WRITE | FAST,
    keys=KEY_UPDATE,
    group="hash",
    since="9.0.0",
    complexity="O(N) for N fields",
    valkey_only=True,
)
def hpexpireat(ctx: Context, args: list[bytes]) -> bytes:
    """HPEXPIREAT key unix-time-milliseconds [NX|XX|GT|LT] FIELDS numfields field [field ...]."""
    return _expire(ctx, args, unit_ms=1, relative=False)


def _expire(ctx: Context, args: list[bytes], unit_ms: int, relative: bool) -> bytes:
    at = _fields_keyword(args, 3)
    condition = _parse_condition(args, 3, at)
    names = _parse_fields(args, at, 1, _NUMFIELDS)
    at_ms = _parse_end(ctx, args[2], unit_ms, relative)
    key = args[1]
    value = write_hash(ctx.db, key)
    if value is None:
        return array([integer(_MISSING)] * len(names))
    outcome: list[int] = []
    kept: list[bytes] = []
    gone: list[bytes] = []
    for name in names:
        if not value.has(name):
            outcome.append(_MISSING)
        elif not _allows(condition, value.end_of(name), at_ms):
            outcome.append(_UNMET)
        elif ctx.engine.is_expired(at_ms):
            value.remove(name)
            gone.append(name)
            outcome.append(_REMOVED)
        else:
            value.end_at(name, at_ms)
            kept.append(name)
            outcome.append(_SET)
    _tell(ctx, key, value, at_ms, kept, gone)
    return array([integer(code) for code in outcome])


def _tell(ctx: Context, key: bytes, value: HashValue, at_ms: int, kept: list[bytes], gone: list[bytes]) -> None:
    """The fields ``kept`` end at ``at_ms`` now, the fields ``gone`` were removed because that is over."""
    if kept:
        note_ends(ctx, key, value)
        ctx.key_changed(key, NOTIFY_HASH, b"hexpire", len(kept))
        ctx.propagate([b"HPEXPIREAT", key, b"%d" % at_ms, b"FIELDS", b"%d" % len(kept), *kept])
    if gone:
        _tell_gone(ctx, key, value, gone)
        ctx.propagate([b"HDEL", key, *gone])


def _tell_gone(ctx: Context, key: bytes, value: HashValue, gone: list[bytes]) -> None:
    """The fields ``gone`` of the hash under ``key`` were removed because their time is over."""
    engine = ctx.engine
    engine.expired_fields += len(gone)
    engine.dirty += len(gone)
    if ctx.db.watchers or engine.tracks_keys:
        engine.key_modified(ctx.db, key)
    fields_gone(engine, ctx.db, key, value)


class _Condition:
    """NX, XX, GT, LT of the HEXPIRE family."""

    def __init__(self) -> None:
        self.only_without = False
        self.only_with = False
        self.only_later = False
        self.only_sooner = False


def _parse_condition(args: list[bytes], begin: int, end: int) -> _Condition:
    condition = _Condition()
    for at in range(begin, end):
        word = args[at].upper()
        if word == b"NX":
            condition.only_without = True
        elif word == b"XX":
            condition.only_with = True
        elif word == b"GT":
            condition.only_later = True
        elif word == b"LT":
            condition.only_sooner = True
        else:
            raise CommandError(b"ERR Unsupported option " + args[at].partition(b"\0")[0])
    if condition.only_without and (condition.only_with or condition.only_later or condition.only_sooner):
        raise CommandError(b"ERR NX and XX, GT or LT options at the same time are not compatible")
    if condition.only_later and condition.only_sooner:
        raise CommandError(b"ERR GT and LT options at the same time are not compatible")
    return condition


def _allows(condition: _Condition, end_ms: int, at_ms: int) -> bool:
    """May a field that ends at ``end_ms`` (-1: never, which is later than any time) get the end ``at_ms``?"""
    if end_ms < 0:
        return not (condition.only_with or condition.only_later)
    if condition.only_without:
        return False
    if condition.only_later:
        return at_ms > end_ms
    return not condition.only_sooner or at_ms < end_ms


# -- asking and taking away -------------------------------------------------------------------------------------------


@command(
    "HTTL",
    summary="How many seconds fields of a hash have left.",
    arguments="key FIELDS fields=(numfields#0 field...)",
    arity=-5,
    flags=READONLY | FAST,
    keys=KEY_READ,
    group="hash",
    since="9.0.0",
    complexity="O(N) for N fields",
    valkey_only=True,
)
def httl(ctx: Context, args: list[bytes]) -> bytes:
    """HTTL key FIELDS numfields field [field ...]."""
    return _ends(ctx, args, unit_ms=1000, since_ms=ctx.engine.now_ms)


@command(
    "HPTTL",
    summary="How many milliseconds fields of a hash have left.",
    arguments="key FIELDS fields=(numfields#0 field...)",
    arity=-5,
    flags=READONLY | FAST,
    keys=KEY_READ,
    group="hash",
    since="9.0.0",
    complexity="O(N) for N fields",
    valkey_only=True,
)
def hpttl(ctx: Context, args: list[bytes]) -> bytes:
    """HPTTL key FIELDS numfields field [field ...]."""
    return _ends(ctx, args, unit_ms=1, since_ms=ctx.engine.now_ms)


@command(
    "HEXPIRETIME",
    summary="When fields of a hash end, in seconds.",
    arguments="key FIELDS fields=(numfields#0 field...)",
    arity=-5,
    flags=READONLY | FAST,
    keys=KEY_READ,
    group="hash",
    since="9.0.0",
    complexity="O(N) for N fields",
    valkey_only=True,
)
def hexpiretime(ctx: Context, args: list[bytes]) -> bytes:
    """HEXPIRETIME key FIELDS numfields field [field ...]."""
    return _ends(ctx, args, unit_ms=1000, since_ms=0)


@command(
    "HPEXPIRETIME",
    summary="When fields of a hash end, in milliseconds.",
    arguments="key FIELDS fields=(numfields#0 field...)",
    arity=-5,
    flags=READONLY | FAST,
    keys=KEY_READ,
    group="hash",
    since="9.0.0",
    complexity="O(N) for N fields",
    valkey_only=True,
)
def hpexpiretime(ctx: Context, args: list[bytes]) -> bytes:
    """HPEXPIRETIME key FIELDS numfields field [field ...]."""
    return _ends(ctx, args, unit_ms=1, since_ms=0)


def _ends(ctx: Context, args: list[bytes], unit_ms: int, since_ms: int) -> bytes:
    """For each field its end as time since ``since_ms``, rounded to the nearest unit, or why it has none."""
    names = _parse_only_fields(args)
    value = read_hash(ctx.db, args[1])
    replies: list[bytes] = []
    for name in names:
        if value is None or not value.has(name):
            replies.append(integer(_MISSING))
            continue
        end_ms = value.end_of(name)
        replies.append(integer(_NO_END if end_ms < 0 else (end_ms - since_ms + unit_ms // 2) // unit_ms))
    return array(replies)


@command(
    "HPERSIST",
    summary="Let fields of a hash stay for ever.",
    arguments="key FIELDS fields=(numfields#0 field...)",
    arity=-5,
    flags=WRITE | FAST,
    keys=KEY_UPDATE,
    group="hash",
    since="9.0.0",
    complexity="O(N) for N fields",
    valkey_only=True,
)
def hpersist(ctx: Context, args: list[bytes]) -> bytes:
    """HPERSIST key FIELDS numfields field [field ...]."""
    if args[2].upper() != b"FIELDS":
        raise syntax_error()
    names = _parse_fields(args, 2, 1, _NUMFIELDS)
    value = write_hash(ctx.db, args[1])
    if value is None:
        return array([integer(_MISSING)] * len(names))
    replies: list[bytes] = []
    changes = 0
    for name in names:
        if not value.has(name):
            replies.append(integer(_MISSING))
        elif value.remove_end(name):
            changes += 1
            replies.append(ONE)
        else:
            replies.append(integer(_NO_END))
    if changes:
        note_ends(ctx, args[1], value)
        ctx.key_changed(args[1], NOTIFY_HASH, b"hpersist", changes)
    return array(replies)


# -- reading and writing at the same time -----------------------------------------------------------------------------


_HGETEX_ARGUMENTS: Final = (
    "key [expiration=<EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds "
    "| PERSIST>] FIELDS fields=(numfields#0 field...)"
)


@command(
    "HGETEX",
    summary="Get fields of a hash and set or take away their ends.",
    arguments=_HGETEX_ARGUMENTS,
    arity=-5,
    flags=WRITE | FAST,
    keys=KEY_ACCESS_UPDATE,
    group="hash",
    since="9.0.0",
    complexity="O(N) for N fields",
    valkey_only=True,
)
def hgetex(ctx: Context, args: list[bytes]) -> bytes:
    """HGETEX key [EX s|PX ms|EXAT s|PXAT ms|PERSIST] FIELDS numfields field [field ...]."""
    at = _fields_keyword(args, 1)
    options = _parse_options(ctx, args, at)
    names = _parse_fields(args, at, 1, _NUMFIELDS)
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
        if options.persist and value.remove_end(name):
            changes.append(name)
        elif options.has_end and ctx.engine.is_expired(options.at_ms):
            value.remove(name)
            gone.append(name)
        elif options.has_end:
            value.end_at(name, options.at_ms)
            kept.append(name)
    if changes:
        note_ends(ctx, key, value)
        ctx.key_changed(key, NOTIFY_HASH, b"hpersist", len(changes))
        ctx.propagate([b"HPERSIST", key, b"FIELDS", b"%d" % len(changes), *changes])
    _tell(ctx, key, value, options.at_ms, kept, gone)
    return array(replies)


_HSETEX_ARGUMENTS: Final = (
    "key [key-condition=<NX | XX>] [fields-condition=<FNX | FXX>] "
    "[expiration=<EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL>] "
    "FIELDS fields=(numfields#0 data=(field value)...)"
)


@command(
    "HSETEX",
    summary="Set fields of a hash and their ends.",
    arguments=_HSETEX_ARGUMENTS,
    arity=-6,
    flags=WRITE | DENYOOM | FAST,
    keys=KEY_INSERT,
    group="hash",
    since="9.0.0",
    complexity="O(N) for N fields",
    valkey_only=True,
)
def hsetex(ctx: Context, args: list[bytes]) -> bytes:
    """HSETEX key [NX|XX] [FNX|FXX] [EX s|PX ms|EXAT s|PXAT ms|KEEPTTL] FIELDS numfields field value [field value ...]."""
    at = _fields_keyword(args, 1)
    options = _parse_options(ctx, args, at)
    pairs = _parse_fields(args, at, 2, _NUMFIELDS)
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
    over = options.has_end and ctx.engine.is_expired(options.at_ms)
    names: list[bytes] = pairs[::2]
    for place in range(0, len(pairs), 2):
        value.set(pairs[place], pairs[place + 1], ctx.engine.config, options.keep_end)
    if not found:
        ctx.db.put(key, value)
    if options.has_end and not over:
        for name in names:
            value.end_at(name, options.at_ms)
    note_ends(ctx, key, value)
    ctx.key_changed(key, NOTIFY_HASH, b"hset", len(names))
    if options.has_end:
        ctx.notify(NOTIFY_HASH, b"hexpire", key)
    words = [b"%d" % len(names), *pairs]
    if over:
        gone = [name for name in names if value.remove(name)]
        _tell_gone(ctx, key, value, gone)
        ctx.propagate([b"HDEL", key, *gone])
    elif options.has_end:
        ctx.propagate([b"HSETEX", key, b"PXAT", b"%d" % options.at_ms, b"FIELDS", *words])
    elif options.keep_end:
        ctx.propagate([b"HSETEX", key, b"KEEPTTL", b"FIELDS", *words])
    else:
        ctx.propagate([b"HSET", key, *pairs])
    return ONE


@command(
    "HGETDEL",
    summary="Get fields of a hash and remove them.",
    arguments="key FIELDS fields=(numfields#0 field...)",
    arity=-5,
    flags=WRITE | FAST,
    keys=KEY_ACCESS_DELETE,
    group="hash",
    since="9.1.0",
    complexity="O(N) for N fields",
    valkey_only=True,
)
def hgetdel(ctx: Context, args: list[bytes]) -> bytes:
    """HGETDEL key FIELDS numfields field [field ...]."""
    if args[2].upper() != b"FIELDS":
        raise syntax_error()
    names = _parse_fields(args, 2, 1, _NUMFIELDS)
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
    """What stands between the key and FIELDS in HGETEX and HSETEX."""

    def __init__(self) -> None:
        self.has_end = False
        self.unit = b""  # EX, PX, EXAT or PXAT, which may be repeated but not mixed
        self.end_text = b""
        self.at_ms = 0
        self.persist = False
        self.keep_end = False
        self.only_new = False
        self.only_old = False
        self.only_new_key = False
        self.only_old_key = False

    def find_end(self, ctx: Context) -> None:
        """Set ``at_ms``, when the key has been looked at: only then is the time on the wire. Raises CommandError."""
        if self.has_end:
            self.at_ms = _parse_end(ctx, self.end_text, _UNITS_MS[self.unit], relative=len(self.unit) == 2)


def _parse_options(ctx: Context, args: list[bytes], end: int) -> _Options:
    options = _Options()
    given = ctx.options(args, 2, end)
    while word := given.next_word():
        if word == b"PERSIST":
            options.persist = True
        elif word == b"KEEPTTL":
            options.keep_end = True
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
            options.has_end = True
            options.end_text = given.value
        else:
            raise syntax_error()
    if (options.has_end and (options.persist or options.keep_end)) or (options.only_new and options.only_old):
        raise syntax_error()
    if options.only_new_key and options.only_old_key:
        raise syntax_error()
    return options


# -- arguments --------------------------------------------------------------------------------------------------------

_UNITS_MS: Final[dict[bytes, int]] = {b"EX": 1000, b"PX": 1, b"EXAT": 1000, b"PXAT": 1}


def _fields_keyword(args: list[bytes], begin: int) -> int:
    """Where FIELDS stands, with a word behind it. HGETEX and HSETEX look from the key on. Raises CommandError."""
    for at in range(begin, len(args) - 1):
        if args[at].upper() == b"FIELDS":
            return at
    raise CommandError(_NUMFIELDS)


def _parse_fields(args: list[bytes], at: int, width: int, problem: bytes) -> list[bytes]:
    """What stands behind ``FIELDS numfields``, ``width`` words a field. Raises CommandError with the line ``problem``."""
    count = parse_int(args[at + 1])
    words = args[at + 2 :]
    if count <= 0 or count * width != len(words):
        raise CommandError(problem)
    return words


def _parse_only_fields(args: list[bytes]) -> list[bytes]:
    """The fields of ``key FIELDS numfields field [field ...]``."""
    if args[2].upper() != b"FIELDS":
        raise syntax_error()
    return _parse_fields(args, 2, 1, b"ERR syntax error")


def _parse_end(ctx: Context, text: bytes, unit_ms: int, relative: bool) -> int:
    """A time on the wire as Unix time in ms. Raises CommandError."""
    value = parse_int(text)
    now_ms = ctx.engine.now_ms if relative else 0
    at_ms = value * unit_ms + now_ms
    if value < 0 or at_ms > INT64_MAX:
        name = ctx.command.name if ctx.command is not None else b""
        raise CommandError(b"ERR invalid expire time in '" + name + b"' command")
    return at_ms
