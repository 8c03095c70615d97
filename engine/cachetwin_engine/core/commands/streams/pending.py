"""Pending entries: delivered to a consumer of a group and not acknowledged yet."""

from typing import Final

from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.protocol.errors import CommandError, syntax_error
from cachetwin_engine.core.protocol.replies import ZERO, array, array_header, bulk, integer
from cachetwin_engine.core.registry.command_table import (
    FAST,
    KEY_DELETE,
    KEY_READ,
    KEY_UPDATE,
    NONDETERMINISTIC,
    READONLY,
    WRITE,
    command,
)
from cachetwin_engine.core.text.numbers import integer_or_none, parse_int, parse_int_or
from cachetwin_engine.core.types.streams.group import Consumer, Group, Pending
from cachetwin_engine.core.types.streams.stream import Stream, read_stream

from .groups import consumer_of, propagate_claim, propagate_position
from .ids import bulk_id, id_or_none, parse_id, parse_start, parse_stop

_CLAIM_COUNT_MAX: Final = (2**63 - 1) // 16
_ATTEMPTS_PER_ENTRY: Final = 10


@command(
    "XACK",
    summary="Acknowledge pending entries of a consumer group.",
    arguments="key group id...",
    arity=-4,
    flags=WRITE | FAST,
    keys=KEY_UPDATE,
    group="stream",
    since="5.0.0",
)
def xack(ctx: Context, args: list[bytes]) -> bytes:
    """XACK key group id [id ...]: the number of entries that were pending."""
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
    """The stream and the group of arguments 1 and 2. Raises CommandError if one is missing."""
    stream = read_stream(ctx.db, args[1])
    group = None if stream is None else stream.groups.get(args[2])
    if stream is None or group is None:
        raise CommandError(b"NOGROUP No such key '" + args[1] + b"' or consumer group '" + args[2] + b"'")
    return stream, group


@command(
    "XPENDING",
    summary="List entries that were delivered but not acknowledged.",
    arguments="key group [filters=([IDLE min-idle-time:integer@6.2.0] start end count [consumer])]",
    arity=-3,
    flags=READONLY,
    keys=KEY_READ,
    group="stream",
    since="5.0.0",
    complexity="O(N)",
    tips=NONDETERMINISTIC,
    history=[("6.2.0", "Added the `IDLE` option and exclusive ranges.")],
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
    summary="Claim pending entries of a consumer group.",
    arguments=_XCLAIM_ARGUMENTS,
    arity=-6,
    flags=WRITE | FAST,
    keys=KEY_UPDATE,
    group="stream",
    since="5.0.0",
    complexity="O(log N)",
    tips=NONDETERMINISTIC,
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
    consumer = consumer_of(ctx, key, group, args[3]) if ctx.engine.profile.creates_consumers_on_read else None
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
    summary="Claim pending entries that have been idle for some time.",
    arguments="key group consumer min-idle-time start [COUNT count] [JUSTID]",
    arity=-6,
    flags=WRITE | FAST,
    keys=KEY_DELETE,
    group="stream",
    since="6.2.0",
    tips=NONDETERMINISTIC,
    history=[("7.0.0", "Deleted entries leave the pending list and are listed in the reply.")],
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
    consumer = consumer_of(ctx, key, group, args[3]) if ctx.engine.profile.creates_consumers_on_read else None
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
