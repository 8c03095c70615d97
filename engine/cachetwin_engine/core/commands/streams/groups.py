"""Consumer groups: made and changed by XGROUP, and what becomes of entries that were delivered."""

from typing import Final

from cachetwin_engine.core.commands.help_text import help_reply
from cachetwin_engine.core.config.notifications import NOTIFY_STREAM
from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.protocol.errors import CommandError, syntax_error
from cachetwin_engine.core.protocol.replies import OK, ONE, ZERO, array, array_header, bulk, integer
from cachetwin_engine.core.registry.command_table import (
    DENYOOM,
    FAST,
    KEY_DELETE,
    KEY_READ,
    KEY_UPDATE,
    LOADING,
    READONLY,
    STALE,
    WRITE,
    KeySpec,
    command,
    container,
)
from cachetwin_engine.core.text.numbers import integer_or_none, parse_int, parse_int_or
from cachetwin_engine.core.types.stream import UNKNOWN, Consumer, Group, Pending, Stream, read_stream, stream_of
from cachetwin_engine.core.types.stream_entry import id_text

from .ids import bulk_id, id_or_none, parse_end, parse_id, parse_start, parse_stop

_KEY_MUST_EXIST: Final = (
    b"ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM"
    b" option to create an empty stream automatically."
)
_CLAIM_COUNT_MAX: Final = (2**63 - 1) // 16
_ATTEMPTS_PER_ENTRY: Final = 10


def consumer_of(ctx: Context, key: bytes, group: Group, name: bytes) -> Consumer:
    """The consumer ``name``, made if need be, and seen now."""
    consumer = group.consumers.get(name)
    if consumer is None:
        consumer = make_consumer(ctx, key, group, name)
    consumer.seen_ms = ctx.engine.now_ms
    return consumer


def consumers_come_at_once(ctx: Context) -> bool:
    """Since 7.2 a consumer exists from its first question on, until then from its first answer."""
    return ctx.engine.profile.commands_through >= (7, 2, 0)


def make_consumer(ctx: Context, key: bytes, group: Group, name: bytes) -> Consumer:
    """Add a consumer that is not there yet."""
    consumer = Consumer(name, ctx.engine.now_ms)
    group.consumers[name] = consumer
    ctx.engine.dirty += 1
    ctx.notify(NOTIFY_STREAM, b"xgroup-createconsumer", key)
    return consumer


def propagate_claim(ctx: Context, key: bytes, group: Group, entry_id: int, pending: Pending) -> None:
    """Tell replicas who has an entry, since when, and how often it was delivered."""
    if ctx.engine.wants_propagation:
        ctx.propagate(
            [
                b"XCLAIM", key, group.name, pending.consumer.name, b"0", id_text(entry_id),
                b"TIME", b"%d" % pending.delivered_ms, b"RETRYCOUNT", b"%d" % pending.deliveries,
                b"FORCE", b"JUSTID", b"LASTID", id_text(group.last_id),
            ]
        )  # fmt: skip


def propagate_position(ctx: Context, key: bytes, group: Group) -> None:
    """Tell replicas how far a group is."""
    if ctx.engine.wants_propagation:
        ctx.propagate(
            [b"XGROUP", b"SETID", key, group.name, id_text(group.last_id), b"ENTRIESREAD", b"%d" % group.entries_read]
        )


# -- XGROUP -----------------------------------------------------------------------------------------------------------


def bad_usage(ctx: Context, args: list[bytes], container: bytes) -> CommandError:
    """Valkey's answer to options that a sub-command does not have."""
    return CommandError(
        b"ERR unknown subcommand or wrong number of arguments for '" + args[1] + b"'. Try " + container + b" HELP."
    )


def _group_options(ctx: Context, args: list[bytes], making: bool) -> tuple[bool, int]:
    """MKSTREAM, and ENTRIESREAD or UNKNOWN. Raises CommandError."""
    make = False
    entries_read = UNKNOWN
    at = 5
    while at < len(args):
        word = args[at].upper()
        if making and word == b"MKSTREAM":
            make = True
            at += 1
        elif word == b"ENTRIESREAD" and at + 1 < len(args):
            entries_read = parse_int(args[at + 1])
            if entries_read < 0 and entries_read != UNKNOWN:
                raise CommandError(b"ERR value for ENTRIESREAD must be positive or -1")
            at += 2
        else:
            raise bad_usage(ctx, args, b"XGROUP")
    return make, entries_read


def _stream_and_group(ctx: Context, args: list[bytes]) -> tuple[Stream, Group]:
    """Of XGROUP's arguments. Raises CommandError if either is missing."""
    stream = stream_of(ctx.db.find_for_write(args[2]))
    if stream is None:
        raise CommandError(_KEY_MUST_EXIST)
    group = stream.groups.get(args[3])
    if group is None:
        raise CommandError(b"NOGROUP No such consumer group '" + args[3] + b"' for key name '" + args[2] + b"'")
    return stream, group


container(
    "XGROUP",
    summary="Consumer groups of a stream.",
    group="stream",
    since="5.0.0",
    complexity="Depends on subcommand.",
)


@command(
    "XGROUP|CREATE",
    summary="Make a consumer group.",
    arguments="key group id-selector=<id | new-id=$> [MKSTREAM] [ENTRIESREAD entriesread:integer{entries-read}]",
    arity=-5,
    flags=WRITE | DENYOOM,
    keys=[KeySpec("RW", "insert", index=2)],
    group="stream",
    since="5.0.0",
    history=[("7.0.0", "`ENTRIESREAD` came.")],
)
def xgroup_create(ctx: Context, args: list[bytes]) -> bytes:
    """XGROUP CREATE key group <id | $> [MKSTREAM] [ENTRIESREAD entries-read]."""
    make, entries_read = _group_options(ctx, args, making=True)
    key, name = args[2], args[3]
    stream = stream_of(ctx.db.find_for_write(key))
    if stream is None and not make:
        raise CommandError(_KEY_MUST_EXIST)
    if len(args) > 8:
        raise bad_usage(ctx, args, b"XGROUP")
    if args[4] == b"$":
        last_id = 0 if stream is None else stream.last_id
    else:
        last_id = parse_id(args[4])
    if stream is None:
        stream = Stream()
        ctx.db.put(key, stream)
    elif name in stream.groups:
        raise CommandError(b"BUSYGROUP Consumer Group name already exists")
    stream.groups[name] = Group(name, last_id, entries_read)
    ctx.key_changed(key, NOTIFY_STREAM, b"xgroup-create")
    return OK


@command(
    "XGROUP|SETID",
    summary="Set how far a consumer group is.",
    arguments="key group id-selector=<id | new-id=$> [ENTRIESREAD entriesread:integer{entries-read}]",
    arity=-5,
    flags=WRITE,
    keys=[KeySpec("RW", "update", index=2)],
    group="stream",
    since="5.0.0",
    history=[("7.0.0", "`ENTRIESREAD` came.")],
)
def xgroup_setid(ctx: Context, args: list[bytes]) -> bytes:
    """XGROUP SETID key group <id | $> [ENTRIESREAD entries-read]."""
    _, entries_read = _group_options(ctx, args, making=False)
    stream, group = _stream_and_group(ctx, args)
    if len(args) not in {5, 7}:
        raise bad_usage(ctx, args, b"XGROUP")
    group.last_id = stream.last_id if args[4] == b"$" else parse_end(args[4], 0)
    group.entries_read = entries_read
    _group_changed(ctx, args[2], b"xgroup-setid")
    return OK


@command(
    "XGROUP|DESTROY",
    summary="Remove a consumer group.",
    arguments="key group",
    arity=4,
    flags=WRITE,
    keys=[KeySpec("RW", "delete", index=2)],
    group="stream",
    since="5.0.0",
    complexity="O(N)",
)
def xgroup_destroy(ctx: Context, args: list[bytes]) -> bytes:
    """XGROUP DESTROY key group: 1 if there was one."""
    key = args[2]
    stream = stream_of(ctx.db.find_for_write(key))
    if stream is None:
        raise CommandError(_KEY_MUST_EXIST)
    if stream.groups.pop(args[3], None) is None:
        return ZERO
    _group_changed(ctx, key, b"xgroup-destroy")
    ctx.db.grown(key)  # whoever waits in that group must learn that it went
    return ONE


@command(
    "XGROUP|CREATECONSUMER",
    summary="Make a consumer.",
    arguments="key group consumer",
    arity=5,
    flags=WRITE | DENYOOM,
    keys=[KeySpec("RW", "insert", index=2)],
    group="stream",
    since="6.2.0",
)
def xgroup_createconsumer(ctx: Context, args: list[bytes]) -> bytes:
    """XGROUP CREATECONSUMER key group consumer: 1 if it is new."""
    _, group = _stream_and_group(ctx, args)
    if args[4] in group.consumers:
        return ZERO
    make_consumer(ctx, args[2], group, args[4])
    return ONE


@command(
    "XGROUP|DELCONSUMER",
    summary="Remove a consumer.",
    arguments="key group consumer",
    arity=5,
    flags=WRITE,
    keys=[KeySpec("RW", "delete", index=2)],
    group="stream",
    since="5.0.0",
)
def xgroup_delconsumer(ctx: Context, args: list[bytes]) -> bytes:
    """XGROUP DELCONSUMER key group consumer: how many entries were pending there."""
    _, group = _stream_and_group(ctx, args)
    if args[4] not in group.consumers:
        return ZERO
    pending = group.remove_consumer(args[4])
    _group_changed(ctx, args[2], b"xgroup-delconsumer")
    return integer(pending)


@command(
    "XGROUP|HELP",
    summary="Say what there is.",
    arity=2,
    flags=LOADING | STALE,
    group="stream",
    since="5.0.0",
)
def xgroup_help(ctx: Context, args: list[bytes]) -> bytes:
    """XGROUP HELP."""
    return help_reply(ctx, b"xgroup")


def _group_changed(ctx: Context, key: bytes, event: bytes) -> None:
    """Groups are no part of the value that WATCH and client side caches look at."""
    ctx.engine.dirty += 1
    ctx.notify(NOTIFY_STREAM, event, key)


# -- delivered entries ------------------------------------------------------------------------------------------------


@command(
    "XACK",
    summary="Say that entries are done with.",
    arguments="key group id...",
    arity=-4,
    flags=WRITE | FAST,
    keys=KEY_UPDATE,
    group="stream",
    since="5.0.0",
)
def xack(ctx: Context, args: list[bytes]) -> bytes:
    """XACK key group id [id ...]: how many were pending."""
    stream = read_stream(ctx.db, args[1])
    group = None if stream is None else stream.groups.get(args[2])
    if group is None:
        return ZERO
    done = 0
    for entry_id in [parse_id(text) for text in args[3:]]:
        if group.forget(entry_id):
            done += 1
    ctx.engine.dirty += done
    return integer(done)


def _read_group(ctx: Context, args: list[bytes]) -> tuple[Stream, Group]:
    """The stream and the group of arguments 1 and 2. Raises CommandError if either is missing."""
    stream = read_stream(ctx.db, args[1])
    group = None if stream is None else stream.groups.get(args[2])
    if stream is None or group is None:
        raise CommandError(b"NOGROUP No such key '" + args[1] + b"' or consumer group '" + args[2] + b"'")
    return stream, group


@command(
    "XPENDING",
    summary="List what was delivered and not acknowledged.",
    arguments="key group [filters=([IDLE min-idle-time:integer@6.2.0] start end count [consumer])]",
    arity=-3,
    flags=READONLY,
    keys=KEY_READ,
    group="stream",
    since="5.0.0",
    complexity="O(N)",
    tips=[b"nondeterministic_output"],
    history=[("6.2.0", "`IDLE` came, and ranges may exclude their ends.")],
)
def xpending(ctx: Context, args: list[bytes]) -> bytes:
    """XPENDING key group [[IDLE min-idle-time] start end count [consumer]]."""
    if len(args) == 3:
        return _pending_summary(ctx, args)
    if not 6 <= len(args) <= 9:
        raise syntax_error()
    at = 3
    min_idle_ms = 0
    if args[3].upper() == b"IDLE":
        min_idle_ms = parse_int(args[4])
        if len(args) < 8:
            raise syntax_error()
        at = 5
    count = max(parse_int(args[at + 2]), 0)
    start, end = parse_start(args[at]), parse_stop(args[at + 1])
    name = args[at + 3] if at + 3 < len(args) else None
    _, group = _read_group(ctx, args)
    pel = group.pending
    if name is not None:
        consumer = group.consumers.get(name)
        if consumer is None:
            return array([])
        pel = consumer.pending
    now_ms = ctx.engine.now_ms
    replies: list[bytes] = []
    step = count if not min_idle_ms else 1000
    while len(replies) < count:
        ids = pel.ids.from_id(start, step)
        for entry_id in ids:
            if entry_id > end or len(replies) == count:
                return array(replies)
            pending = pel.entries[entry_id]
            idle_ms = now_ms - pending.delivered_ms
            if min_idle_ms and idle_ms < min_idle_ms:
                continue
            replies.append(
                array(
                    [
                        bulk_id(entry_id),
                        bulk(pending.consumer.name),
                        integer(max(idle_ms, 0)),
                        integer(pending.deliveries),
                    ]
                )
            )
        if len(ids) < step:
            break
        start = ids[-1] + 1
    return array(replies)


def _pending_summary(ctx: Context, args: list[bytes]) -> bytes:
    _, group = _read_group(ctx, args)
    pel = group.pending
    if not pel.entries:
        return array([ZERO, ctx.null, ctx.null, ctx.null_array])
    shares = [
        array([bulk(name), bulk(b"%d" % len(group.consumers[name].pending.entries))])
        for name in sorted(group.consumers)
        if group.consumers[name].pending.entries
    ]
    return array([integer(len(pel.entries)), bulk_id(pel.ids.first()), bulk_id(pel.ids.last()), array(shares)])


class Claim:
    """The options of XCLAIM."""

    def __init__(self) -> None:
        self.delivered_ms = -1
        self.deliveries = -1
        self.force = False
        self.just_id = False
        self.last_id = 0


def _claim_options(ctx: Context, args: list[bytes], at: int) -> Claim:
    claim = Claim()
    now_ms = ctx.engine.now_ms
    options = ctx.options(args, at, refusal=b"ERR Unrecognized XCLAIM option '%b'")
    while word := options.next_word():
        if word == b"FORCE":
            claim.force = True
        elif word == b"JUSTID":
            claim.just_id = True
        elif word == b"LASTID":
            claim.last_id = parse_id(options.value)
        else:
            number = parse_int_or(options.value, b"ERR Invalid " + word + b" option argument for XCLAIM")
            if word == b"RETRYCOUNT":
                claim.deliveries = number
            else:
                claim.delivered_ms = now_ms - number if word == b"IDLE" else number
    if claim.delivered_ms == -1 or not 0 <= claim.delivered_ms <= now_ms:
        claim.delivered_ms = now_ms
    return claim


_XCLAIM_ARGUMENTS: Final = (
    "key group consumer min-idle-time id... [IDLE ms:integer] [TIME unix-time-milliseconds] [RETRYCOUNT count] "
    "[FORCE] [JUSTID] [LASTID lastid]"
)


@command(
    "XCLAIM",
    summary="Take pending entries over.",
    arguments=_XCLAIM_ARGUMENTS,
    arity=-6,
    flags=WRITE | FAST,
    keys=KEY_UPDATE,
    group="stream",
    since="5.0.0",
    complexity="O(log N)",
    tips=[b"nondeterministic_output"],
)
def xclaim(ctx: Context, args: list[bytes]) -> bytes:
    """XCLAIM key group consumer min-idle-time id [...] [IDLE ms] [TIME ms] [RETRYCOUNT n] [FORCE] [JUSTID] [LASTID id]."""
    key = args[1]
    stream, group = _read_group(ctx, args)
    min_idle_ms = max(parse_int_or(args[4], b"ERR Invalid min-idle-time argument for XCLAIM"), 0)
    ids: list[int] = []
    at = 5
    while at < len(args):
        entry_id = id_or_none(args[at])
        if entry_id is None:
            break
        ids.append(entry_id)
        at += 1
    now_ms = ctx.engine.now_ms
    claim = _claim_options(ctx, args, at)
    moved = claim.last_id > group.last_id
    if moved:
        group.last_id = claim.last_id
    ctx.propagate_nothing()
    consumer = consumer_of(ctx, key, group, args[3]) if consumers_come_at_once(ctx) else None
    replies: list[bytes] = []
    for entry_id in ids:
        pending = group.pending.entries.get(entry_id)
        entry = stream.get(entry_id)
        if entry is None:
            if pending is not None:
                propagate_claim(ctx, key, group, entry_id, pending)
                moved = False
                ctx.engine.dirty += 1
                group.forget(entry_id)
            continue
        if pending is None and not claim.force:
            continue
        if pending is not None and min_idle_ms and now_ms - pending.delivered_ms < min_idle_ms:
            continue
        if consumer is None:
            consumer = consumer_of(ctx, key, group, args[3])
        if pending is None:
            pending = Pending(consumer, now_ms, 1)
            group.pending.add(entry_id, pending)
            consumer.pending.add(entry_id, pending)
        _take_over(ctx, key, group, entry_id, pending, consumer, claim)
        moved = False
        replies.append(bulk_id(entry_id) if claim.just_id else entry)
    if moved:
        propagate_position(ctx, key, group)
        ctx.engine.dirty += 1
    return array(replies)


def _take_over(
    ctx: Context, key: bytes, group: Group, entry_id: int, pending: Pending, consumer: Consumer, claim: Claim
) -> None:
    """Give a pending entry to ``consumer`` as ``claim`` says."""
    group.hand_over(entry_id, pending, consumer)
    pending.delivered_ms = claim.delivered_ms
    if claim.deliveries >= 0:
        pending.deliveries = claim.deliveries
    elif not claim.just_id:
        pending.deliveries += 1
    consumer.active_ms = ctx.engine.now_ms
    propagate_claim(ctx, key, group, entry_id, pending)
    ctx.engine.dirty += 1


@command(
    "XAUTOCLAIM",
    summary="Take over pending entries that have been idle.",
    arguments="key group consumer min-idle-time start [COUNT count] [JUSTID]",
    arity=-6,
    flags=WRITE | FAST,
    keys=KEY_DELETE,
    group="stream",
    since="6.2.0",
    tips=[b"nondeterministic_output"],
    history=[("7.0.0", "The reply also lists deleted entries, which left the pending list.")],
)
def xautoclaim(ctx: Context, args: list[bytes]) -> bytes:
    """XAUTOCLAIM key group consumer min-idle-time start [COUNT count] [JUSTID]: next start, entries, deleted IDs."""
    key = args[1]
    min_idle_ms = max(parse_int_or(args[4], b"ERR Invalid min-idle-time argument for XAUTOCLAIM"), 0)
    start = parse_start(args[5])
    claim = Claim()
    count = 100
    options = ctx.options(args, 6)
    while word := options.next_word():
        if word == b"JUSTID":
            claim.just_id = True
            continue
        number = integer_or_none(options.value)
        if number is None or not 1 <= number <= _CLAIM_COUNT_MAX:
            raise CommandError(b"ERR COUNT must be > 0")
        count = number
    stream, group = _read_group(ctx, args)
    now_ms = ctx.engine.now_ms
    claim.delivered_ms = now_ms
    ctx.propagate_nothing()
    consumer = consumer_of(ctx, key, group, args[3]) if consumers_come_at_once(ctx) else None
    replies: list[bytes] = []
    deleted: list[bytes] = []
    attempts = count * _ATTEMPTS_PER_ENTRY
    while attempts and count:
        ids = group.pending.ids.from_id(start, min(attempts, count, 1000))
        if not ids:
            break
        for entry_id in ids:
            attempts -= 1
            start = entry_id + 1
            pending = group.pending.entries[entry_id]
            entry = stream.get(entry_id)
            if entry is None:
                propagate_claim(ctx, key, group, entry_id, pending)
                ctx.engine.dirty += 1
                group.forget(entry_id)
                deleted.append(bulk_id(entry_id))
                count -= 1
            elif not min_idle_ms or now_ms - pending.delivered_ms >= min_idle_ms:
                if consumer is None:
                    consumer = consumer_of(ctx, key, group, args[3])
                _take_over(ctx, key, group, entry_id, pending, consumer, claim)
                replies.append(bulk_id(entry_id) if claim.just_id else entry)
                count -= 1
    rest = group.pending.ids.from_id(start, 1)
    return b"".join([array_header(3), bulk_id(rest[0] if rest else 0), array(replies), array(deleted)])
