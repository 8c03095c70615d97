"""Entries of streams: add, read ranges, delete, trim.

XREAD is in ``reads``, consumer groups are in ``groups`` and ``pending``, XINFO is in ``info``.
"""

from typing import Final

from cachetwin_engine.core.config.notifications import NOTIFY_STREAM
from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.keyspace.trash import Trash
from cachetwin_engine.core.protocol import errors
from cachetwin_engine.core.protocol.errors import CommandError, syntax_error, wrong_arity
from cachetwin_engine.core.protocol.replies import EMPTY_ARRAY, ZERO, array, integer
from cachetwin_engine.core.registry.command_table import (
    DENYOOM,
    FAST,
    KEY_DELETE,
    KEY_META,
    KEY_READ,
    KEY_UPDATE,
    NONDETERMINISTIC,
    READONLY,
    WRITE,
    KeySpec,
    command,
)
from cachetwin_engine.core.text.numbers import parse_int
from cachetwin_engine.core.types.streams.entry import SEQ_MASK, id_text
from cachetwin_engine.core.types.streams.stream import Stream, read_stream, stream_of

from .ids import INVALID_ID, parse_id, parse_start, parse_stop

_NO_TRIM: Final = 0
_MAXLEN: Final = 1
_MINID: Final = 2
_LIMIT_MAX: Final = 1_000_000
_LIMIT_DEFAULT: Final = 10_000
_STAR: Final = 42
_LETTER: Final = 65  # options begin with this character or a higher one, IDs with a lower one


class Options:
    """The options of XADD and XTRIM. XADD spends most of its time in its arguments, so they are read by hand."""

    def __init__(self) -> None:
        self.strategy = _NO_TRIM
        self.approximately = False
        self.threshold = 0  # a length or an ID
        self.limit = -1  # -1: not given
        self.make = True
        self.next = 2  # the first argument after the options
        self._threshold_at = 0
        self.limit_at = 0

    def read_trim(self, args: list[bytes], at: int) -> int:
        """Read MAXLEN or MINID at ``at``; the number of arguments it takes. Raises CommandError."""
        if self.strategy != _NO_TRIM:
            raise CommandError(b"ERR syntax error, MAXLEN and MINID options at the same time are not compatible")
        self.strategy = _MAXLEN if args[at].upper() == b"MAXLEN" else _MINID
        used = 2
        if at + 2 < len(args) and args[at + 1] in {b"~", b"="}:
            self.approximately = args[at + 1] == b"~"
            used = 3
        self._threshold_at = at + used - 1
        text = args[self._threshold_at]
        if self.strategy == _MINID:
            self.threshold = parse_id(text)
            return used
        self.threshold = parse_int(text)
        if self.threshold < 0:
            raise CommandError(b"ERR The MAXLEN argument must be >= 0.")
        return used

    def check(self, node_entries_max: int, trusted: bool) -> None:
        """Check the options together and set the limit. Raises CommandError.

        ``trusted``: the command comes from the primary, which replaces ``~`` by ``=`` and keeps LIMIT.
        """
        if self.limit > 0 and self.strategy == _NO_TRIM:
            raise CommandError(b"ERR syntax error, LIMIT cannot be used without specifying a trimming strategy")
        if self.limit >= 0 and not self.approximately and not trusted:
            raise CommandError(b"ERR syntax error, LIMIT cannot be used without the special ~ option")
        if self.limit < 0:
            self.limit = 0
            if self.approximately:  # so that no command trims for long
                self.limit = min(100 * node_entries_max, _LIMIT_MAX) if node_entries_max > 0 else _LIMIT_DEFAULT

    def trim(self, stream: Stream, trash: Trash) -> int:
        """Trim the stream; the number of removed entries. Many of them are freed by and by."""
        if self.strategy == _MAXLEN:
            removed = stream.trim_to_length(self.threshold, self.approximately, self.limit)
        else:
            removed = stream.trim_before(self.threshold, self.approximately, self.limit)
        trash.add(stream.take_trimmed())
        return removed

    def canonical(self, args: list[bytes], stream: Stream) -> list[bytes]:
        """The command up to its ID for replicas: an approximate trim becomes an exact one."""
        words = args[: self.next]
        if self.approximately:
            words[self._threshold_at - 1] = b"="
            exact = b"%d" % stream.length if self.strategy == _MAXLEN else id_text(stream.lowest_id())
            words[self._threshold_at] = exact
            if self.limit_at:
                del words[self.limit_at : self.limit_at + 2]
        return words


_NO_OPTIONS: Final = Options()


def _options(args: list[bytes], adding: bool) -> Options:
    options = Options()
    at = 2
    while at < len(args):
        word = args[at].upper()
        if adding and word == b"*":
            break
        if word in {b"MAXLEN", b"MINID"} and at + 1 < len(args):
            at += options.read_trim(args, at)
        elif word == b"LIMIT" and at + 1 < len(args):
            options.limit = parse_int(args[at + 1])
            options.limit_at = at
            if options.limit < 0:
                raise CommandError(b"ERR The LIMIT argument must be >= 0.")
            at += 2
        elif adding and word == b"NOMKSTREAM":
            options.make = False
            at += 1
        elif adding:
            break  # the ID
        else:
            raise syntax_error()
    options.next = at
    return options


_XADD_ARGUMENTS: Final = (
    "key [NOMKSTREAM@6.2.0] [trim=(strategy=<MAXLEN | MINID@6.2.0> [operator=<equal== | approximately=~>] "
    "threshold [LIMIT count@6.2.0])] id-selector=<auto-id=* | id> data=(field value)..."
)


@command(
    "XADD",
    summary="Append an entry to a stream.",
    arguments=_XADD_ARGUMENTS,
    arity=-5,
    flags=WRITE | DENYOOM | FAST,
    keys=[KeySpec("RW", "update", notes="UPDATE instead of INSERT because of the optional trimming feature")],
    group="stream",
    since="5.0.0",
    tips=NONDETERMINISTIC,
    history=[
        ("6.2.0", "Added the `NOMKSTREAM`, `MINID` and `LIMIT` options."),
        ("7.0.0", "Accepts IDs of the form `<ms>-*`."),
    ],
)
def xadd(ctx: Context, args: list[bytes]) -> bytes:
    """XADD key [NOMKSTREAM] [MAXLEN | MINID [= | ~] threshold [LIMIT count]] * | id field value [...]: the ID."""
    engine = ctx.engine
    config = engine.config
    word = args[2]
    options = _options(args, adding=True) if len(word) > 0 and word[0] >= _LETTER else _NO_OPTIONS
    at = options.next
    wanted = -1  # the ID, if it is given in full
    wanted_ms = -1  # its first part, if only that is given
    if at < len(args) and not (len(args[at]) == 1 and args[at][0] == _STAR):
        if args[at].endswith(b"-*") and len(args[at]) > 2:
            wanted_ms = parse_id(args[at][:-2]) >> 64 if b"-" not in args[at][:-2] else -1
            if wanted_ms < 0:
                raise CommandError(INVALID_ID)
        else:
            wanted = parse_id(args[at])
    if options.strategy != _NO_TRIM or options.limit >= 0:
        options.check(config.encodings.stream_node_max_entries, ctx.session.is_primary)
    count = len(args) - at - 1
    if count < 2 or count % 2:
        raise wrong_arity(b"xadd")
    if wanted == 0:
        raise CommandError(b"ERR The ID specified in XADD must be greater than 0-0")
    key = args[1]
    stream = stream_of(ctx.db.find_for_write(key))
    created = stream is None
    if stream is None:
        if not options.make:
            return ctx.null
        stream = Stream()
    ms, seq = _next_id(stream, wanted, wanted_ms, engine.now_ms)
    shown_id = stream.add(
        ms, seq, args, at + 1, config.encodings.stream_node_max_bytes, config.encodings.stream_node_max_entries
    )
    if created:
        ctx.db.put(key, stream)
    else:
        ctx.db.grown(key)
    ctx.key_changed(key, NOTIFY_STREAM, b"xadd")
    if options.strategy != _NO_TRIM and options.trim(stream, engine.trash):
        ctx.notify(NOTIFY_STREAM, b"xtrim", key)
    if engine.wants_propagation and (wanted < 0 or options.approximately):
        ctx.propagate([*options.canonical(args, stream), b"%d-%d" % (ms, seq), *args[at + 1 :]])
    return shown_id


def _next_id(stream: Stream, wanted: int, wanted_ms: int, now_ms: int) -> tuple[int, int]:
    """The ID of a new entry as its two parts. Raises CommandError."""
    last_ms, last_seq = stream.last_ms, stream.last_seq
    if last_seq == SEQ_MASK and last_ms == SEQ_MASK:
        raise CommandError(b"ERR The stream has exhausted the last possible ID, unable to add more items")
    if wanted < 0:
        if wanted_ms < 0:
            if now_ms > last_ms:
                return now_ms, 0
            return (last_ms, last_seq + 1) if last_seq != SEQ_MASK else (last_ms + 1, 0)
        if wanted_ms == last_ms and last_seq != SEQ_MASK:
            return last_ms, last_seq + 1
        ms, seq = wanted_ms, 0
    else:
        ms, seq = wanted >> 64, wanted & SEQ_MASK
    if ms < last_ms or (ms == last_ms and seq <= last_seq):
        raise CommandError(b"ERR The ID specified in XADD is equal or smaller than the target stream top item")
    return ms, seq


_XTRIM_ARGUMENTS: Final = (
    "key trim=(strategy=<MAXLEN | MINID@6.2.0> [operator=<equal== | approximately=~>] threshold [LIMIT count@6.2.0])"
)


@command(
    "XTRIM",
    summary="Delete the oldest entries of a stream.",
    arguments=_XTRIM_ARGUMENTS,
    arity=-4,
    flags=WRITE,
    keys=KEY_DELETE,
    group="stream",
    since="5.0.0",
    complexity="O(N)",
    tips=NONDETERMINISTIC,
    history=[("6.2.0", "Added the `MINID` and `LIMIT` options.")],
)
def xtrim(ctx: Context, args: list[bytes]) -> bytes:
    """XTRIM key MAXLEN | MINID [= | ~] threshold [LIMIT count]: the number of removed entries."""
    options = _options(args, adding=False)
    if options.limit > 0 and options.strategy == _NO_TRIM:
        options.check(0, ctx.session.is_primary)
    if options.strategy == _NO_TRIM:
        raise CommandError(b"ERR syntax error, XTRIM must be called with a trimming strategy")
    options.check(ctx.engine.config.encodings.stream_node_max_entries, ctx.session.is_primary)
    key = args[1]
    stream = stream_of(ctx.db.find_for_write(key))
    if stream is None:
        return ZERO
    removed = options.trim(stream, ctx.engine.trash)
    if removed:
        ctx.key_changed(key, NOTIFY_STREAM, b"xtrim", removed)
        if options.approximately:
            ctx.propagate(options.canonical(args, stream))
    return integer(removed)


@command(
    "XDEL",
    summary="Delete entries of a stream by ID.",
    arguments="key id...",
    arity=-3,
    flags=WRITE | FAST,
    keys=KEY_DELETE,
    group="stream",
    since="5.0.0",
)
def xdel(ctx: Context, args: list[bytes]) -> bytes:
    """XDEL key id [id ...]: the number of removed entries."""
    key = args[1]
    stream = stream_of(ctx.db.find_for_write(key))
    if stream is None:
        return ZERO
    removed = 0
    for entry_id in [parse_id(text) for text in args[2:]]:
        if stream.delete(entry_id):
            removed += 1
    if removed:
        ctx.key_changed(key, NOTIFY_STREAM, b"xdel", removed)
    return integer(removed)


@command(
    "XLEN",
    summary="Count the entries of a stream.",
    arguments="key",
    arity=2,
    flags=READONLY | FAST,
    keys=KEY_META,
    group="stream",
    since="5.0.0",
)
def xlen(ctx: Context, args: list[bytes]) -> bytes:
    """XLEN key."""
    stream = read_stream(ctx.db, args[1])
    return ZERO if stream is None else integer(stream.length)


@command(
    "XRANGE",
    summary="Get a range of entries of a stream.",
    arguments="key start end [COUNT count]",
    arity=-4,
    flags=READONLY,
    keys=KEY_READ,
    group="stream",
    since="5.0.0",
    complexity="O(N)",
    history=[("6.2.0", "Added exclusive ranges.")],
)
def xrange(ctx: Context, args: list[bytes]) -> bytes:
    """XRANGE key start end [COUNT count]."""
    return _range(ctx, args, args[2], args[3], reverse=False)


@command(
    "XREVRANGE",
    summary="Get a range of entries of a stream, newest first.",
    arguments="key end start [COUNT count]",
    arity=-4,
    flags=READONLY,
    keys=KEY_READ,
    group="stream",
    since="5.0.0",
    complexity="O(N)",
    history=[("6.2.0", "Added exclusive ranges.")],
)
def xrevrange(ctx: Context, args: list[bytes]) -> bytes:
    """XREVRANGE key end start [COUNT count]."""
    return _range(ctx, args, args[3], args[2], reverse=True)


def _range(ctx: Context, args: list[bytes], low: bytes, high: bytes, reverse: bool) -> bytes:
    start, end = parse_start(low), parse_stop(high)
    count = -1
    options = ctx.options(args, 4)
    while options.next_word():
        count = max(parse_int(options.value), 0)
    stream = read_stream(ctx.db, args[1])
    if stream is None:
        return EMPTY_ARRAY
    if count == 0:
        return ctx.null_array
    return array(stream.range(start, end, max(count, 0), reverse))


@command(
    "XSETID",
    summary="Set the last ID of a stream.",
    arguments="key last-id [ENTRIESADDED entries-added:integer@7.0.0] [MAXDELETEDID max-deleted-id@7.0.0]",
    arity=-3,
    flags=WRITE | DENYOOM | FAST,
    keys=KEY_UPDATE,
    group="stream",
    since="5.0.0",
    history=[("7.0.0", "Added the `ENTRIESADDED` and `MAXDELETEDID` options.")],
)
def xsetid(ctx: Context, args: list[bytes]) -> bytes:
    """XSETID key last-id [ENTRIESADDED entries-added] [MAXDELETEDID max-deleted-id]."""
    last_id = parse_id(args[2])
    added = -1
    max_deleted = 0
    options = ctx.options(args, 3)
    while word := options.next_word():
        if word == b"ENTRIESADDED":
            added = parse_int(options.value)
            if added < 0:
                raise CommandError(b"ERR entries_added must be positive")
        else:
            max_deleted = parse_id(options.value)
            if last_id < max_deleted:
                raise CommandError(b"ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id")
    stream = stream_of(ctx.db.find_for_write(args[1]))
    if stream is None:
        raise CommandError(errors.NO_SUCH_KEY)
    if last_id < stream.max_deleted_id and ctx.engine.profile.xsetid_checks_deleted_ids:
        raise CommandError(b"ERR The ID specified in XSETID is smaller than current max_deleted_entry_id")
    if stream.length:
        if last_id < stream.top_id():
            raise CommandError(b"ERR The ID specified in XSETID is smaller than the target stream top item")
        if 0 <= added < stream.length:
            raise CommandError(b"ERR The entries_added specified in XSETID is smaller than the target stream length")
    stream.last_id = last_id
    if added >= 0:
        stream.entries_added = added
    if max_deleted:
        stream.max_deleted_id = max_deleted
    ctx.key_changed(args[1], NOTIFY_STREAM, b"xsetid")
    return b"+OK\r\n"
