"""XREAD and XREADGROUP: read new entries of several streams, or wait for them."""

from typing import Final

from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.protocol import errors
from cachetwin_engine.core.protocol.errors import CommandError, syntax_error
from cachetwin_engine.core.protocol.replies import array, bulk
from cachetwin_engine.core.registry.command_table import BLOCKING, MOVABLE_KEYS, READONLY, WRITE, KeySpec, command
from cachetwin_engine.core.text.numbers import INT64_MAX, integer_or_none, parse_int
from cachetwin_engine.core.types.streams.entry import id_of, id_text
from cachetwin_engine.core.types.streams.group import UNKNOWN, Consumer, Group
from cachetwin_engine.core.types.streams.stream import ID_MAX, Stream, read_stream, stream_of

from .groups import consumer_of, propagate_claim, propagate_position
from .ids import bulk_id, parse_id

_NEW: Final = -1  # the ID ``>``
_MEANINGLESS: Final = (
    b"ERR The %b ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by"
    b" specifying a proper ID, or use the > ID to get new messages. The %b ID would just return an empty result set."
)


class Request:
    """The arguments of XREAD or XREADGROUP."""

    def __init__(self, grouped: bool) -> None:
        self.grouped = grouped
        self.group = b""
        self.consumer = b""
        self.no_ack = False
        self.count = 0
        self.deadline_ms = -1  # -1: do not block
        self.first = 0  # the place of the first key
        self.keys: list[bytes] = []
        self.ids: list[bytes] = []


def _request(ctx: Context, args: list[bytes], grouped: bool) -> Request:
    request = Request(grouped)
    has_group = False
    at = 1
    while at < len(args):
        word = args[at].upper()
        left = len(args) - at - 1
        if word == b"BLOCK" and left:
            if ctx.in_script and not ctx.engine.profile.may_block_in_scripts:
                raise CommandError(b"ERR " + args[0] + b" command is not allowed with BLOCK option from scripts")
            request.deadline_ms = _deadline(ctx, args[at + 1])
            at += 2
        elif word == b"COUNT" and left:
            request.count = max(parse_int(args[at + 1]), 0)
            at += 2
        elif word == b"STREAMS" and left:
            if left % 2:
                raise _unbalanced(ctx, grouped)
            request.first = at + 1
            break
        elif word == b"GROUP" and left >= 2:
            if not grouped:
                raise CommandError(b"ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.")
            has_group = True
            request.group, request.consumer = args[at + 1], args[at + 2]
            at += 3
        elif word == b"NOACK":
            if not grouped:
                raise CommandError(b"ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.")
            request.no_ack = True
            at += 1
        else:
            raise syntax_error()
    if not request.first:
        raise syntax_error()
    if grouped and not has_group:
        raise CommandError(b"ERR Missing GROUP option for XREADGROUP")
    middle = (request.first + len(args)) // 2
    request.keys, request.ids = args[request.first : middle], args[middle:]
    return request


def _unbalanced(ctx: Context, grouped: bool) -> CommandError:
    """The error for different numbers of keys and IDs."""
    command_name, special = (b"'xreadgroup'", b">") if grouped else (b"'xread'", b"$")
    if not ctx.engine.profile.creates_consumers_on_read:
        command_name, special = b"XREAD", b"$"
    return CommandError(
        b"ERR Unbalanced %b list of streams: for each stream key an ID or '%b' must be specified."
        % (command_name, special)
    )


def _deadline(ctx: Context, text: bytes) -> int:
    """The deadline as Unix time in ms of a timeout in whole milliseconds; 0 for no deadline. Raises CommandError."""
    ms = integer_or_none(text)
    if ms is None:
        raise CommandError(b"ERR timeout is not an integer or out of range")
    if ms < 0:
        raise CommandError(errors.TIMEOUT_NEGATIVE)
    if ms > INT64_MAX - ctx.engine.now_ms:
        raise CommandError(errors.TIMEOUT_OUT_OF_RANGE)
    return ctx.engine.now_ms + ms if ms else 0


@command(
    "XREAD",
    summary="Read new entries of streams, or wait for them.",
    arguments="[COUNT count] [BLOCK milliseconds] STREAMS streams=(key... id...)",
    arity=-4,
    flags=READONLY | BLOCKING | MOVABLE_KEYS,
    keys=[KeySpec("RO", "access", index=1, keyword=b"STREAMS", last=-1, limit=2)],
    group="stream",
    since="5.0.0",
    complexity="",
)
def xread(ctx: Context, args: list[bytes]) -> bytes:
    """XREAD [COUNT count] [BLOCK milliseconds] STREAMS key [key ...] id [id ...]."""
    request = _request(ctx, args, grouped=False)
    after = [_position(ctx, request, at) for at in range(len(request.keys))]
    parts: list[bytes] = []
    for at, key in enumerate(request.keys):
        stream = _stream(ctx, key)
        if stream is not None and stream.has_after(after[at]):
            parts.append(bulk(key))
            parts.append(array(stream.range(after[at] + 1, ID_MAX, request.count)))
    if parts:
        return _streams_reply(ctx, parts)
    if request.deadline_ms < 0 or not ctx.may_block:
        return ctx.null_array
    fixed = args.copy()  # ``$`` is resolved now, not when the command runs again
    for at, entry_id in enumerate(after):
        if request.ids[at] == b"$":
            fixed[request.first + len(request.keys) + at] = id_text(entry_id)
    return ctx.block(request.keys, request.deadline_ms, ctx.null_array, fixed)


def _stream(ctx: Context, key: bytes) -> Stream | None:
    """The stream under ``key``, or None. For a blocked client, a value of another type is none. Raises CommandError."""
    value = ctx.db.find(key)
    if ctx.retrying and not isinstance(value, Stream):
        return None
    return stream_of(value)


def _position(ctx: Context, request: Request, at: int) -> int:
    """The ID after which XREAD reads a stream. Raises CommandError."""
    stream = _stream(ctx, request.keys[at])
    text = request.ids[at]
    if text == b"$":
        return 0 if stream is None else stream.last_id
    if text == b"+" and ctx.engine.profile.has_last_id_in_xread:
        if stream is not None and not stream.last_id:
            raise CommandError(b"ERR the stream last element ID is 0-0")
        return 0 if stream is None else stream.last_id - 1
    if text == b">":
        raise CommandError(
            b"ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option."
        )
    return parse_id(text)


def _streams_reply(ctx: Context, parts: list[bytes]) -> bytes:
    """Keys and their entries: a map in RESP3, an array of pairs in RESP2."""
    if ctx.resp3:
        return ctx.map_reply(parts)
    return array([array([parts[at], parts[at + 1]]) for at in range(0, len(parts), 2)])


_XREADGROUP_ARGUMENTS: Final = (
    "GROUP group-block=(group consumer) [COUNT count] [BLOCK milliseconds] [NOACK] STREAMS streams=(key... id...)"
)


@command(
    "XREADGROUP",
    summary="Read entries of streams as a consumer of a group, or wait for them.",
    arguments=_XREADGROUP_ARGUMENTS,
    arity=-7,
    flags=WRITE | BLOCKING | MOVABLE_KEYS,
    keys=[KeySpec("RO", "access", index=4, keyword=b"STREAMS", last=-1, limit=2)],
    group="stream",
    since="5.0.0",
    complexity="O(M)",
)
def xreadgroup(ctx: Context, args: list[bytes]) -> bytes:
    """XREADGROUP GROUP group consumer [COUNT count] [BLOCK milliseconds] [NOACK] STREAMS key [key ...] id [id ...]."""
    request = _request(ctx, args, grouped=True)
    groups: list[Group] = []
    after: list[int] = []
    for at, key in enumerate(request.keys):
        groups.append(_group(ctx, key, request.group))
        after.append(_group_position(ctx, request.ids[at]))
    ctx.propagate_nothing()
    parts: list[bytes] = []
    for at, key in enumerate(request.keys):
        stream = read_stream(ctx.db, key)
        if stream is None:
            continue
        group = groups[at]
        if (
            after[at] == _NEW
            and not stream.has_after(group.last_id)
            and not ctx.engine.profile.creates_consumers_on_read
        ):
            continue
        known = request.consumer in group.consumers
        consumer = consumer_of(ctx, key, group, request.consumer)
        if not known and request.no_ack and ctx.engine.wants_propagation:
            ctx.propagate([b"XGROUP", b"CREATECONSUMER", key, group.name, consumer.name])
        if after[at] != _NEW:
            reply = _history(ctx, stream, consumer, after[at], request.count)
        elif stream.has_after(group.last_id):
            reply = _deliver(ctx, key, stream, group, consumer, request)
        else:
            continue
        parts.append(bulk(key))
        parts.append(reply)
        ctx.engine.dirty += 1
    if parts:
        return _streams_reply(ctx, parts)
    if request.deadline_ms < 0 or not ctx.may_block:
        return ctx.null_array
    return ctx.block(request.keys, request.deadline_ms, ctx.null_array, args)


def _group(ctx: Context, key: bytes, name: bytes) -> Group:
    ends_wait = ctx.retrying and not ctx.engine.profile.retries_blocked_reads
    if ends_wait and not isinstance(ctx.db.peek(key), Stream):
        raise CommandError(b"UNBLOCKED the stream key no longer exists")
    stream = read_stream(ctx.db, key)
    group = None if stream is None else stream.groups.get(name)
    if group is None:
        if ends_wait:
            raise CommandError(b"NOGROUP the consumer group this client was blocked on no longer exists")
        raise CommandError(
            b"NOGROUP No such key '" + key + b"' or consumer group '" + name + b"' in XREADGROUP with GROUP option"
        )
    return group


def _group_position(ctx: Context, text: bytes) -> int:
    """The ID after which a consumer's history is read, or ``_NEW``. Raises CommandError."""
    if text == b">":
        return _NEW
    if text == b"$" or (text == b"+" and ctx.engine.profile.has_last_id_in_xread):
        raise CommandError(_MEANINGLESS % (text, text))
    return parse_id(text)


def _history(ctx: Context, stream: Stream, consumer: Consumer, after: int, count: int) -> bytes:
    """The pending entries of ``consumer``; null in place of deleted entries."""
    pel = consumer.pending
    now_ms = ctx.engine.now_ms
    replies: list[bytes] = []
    for entry_id in pel.ids.from_id(after + 1, count or len(pel.entries)):
        entry = stream.get(entry_id)
        if entry is None:
            replies.append(array([bulk_id(entry_id), ctx.null_array]))
            continue
        pending = pel.entries[entry_id]
        pending.delivered_ms = now_ms
        pending.deliveries += 1
        replies.append(entry)
    return array(replies)


def _deliver(ctx: Context, key: bytes, stream: Stream, group: Group, consumer: Consumer, request: Request) -> bytes:
    """Deliver the new entries of the group to ``consumer``."""
    now_ms = ctx.engine.now_ms
    entries = stream.range(group.last_id + 1, ID_MAX, request.count)
    counts_exactly = ctx.engine.profile.creates_consumers_on_read
    for entry in entries:
        entry_id = id_of(entry)
        _advance(stream, group, entry_id, counts_exactly)
        if not request.no_ack:
            pending = group.give(entry_id, consumer, now_ms)
            consumer.active_ms = now_ms
            propagate_claim(ctx, key, group, entry_id, pending)
    if request.no_ack or ctx.engine.profile.propagates_group_positions:
        propagate_position(ctx, key, group)
    return array(entries)


def _advance(stream: Stream, group: Group, entry_id: int, from_last: bool) -> None:
    """Set the last delivered ID of a group, and count the entries that it has read unless there is a gap."""
    gap_start = group.last_id if from_last else entry_id
    in_range = group.last_id >= stream.first_id or not from_last
    if group.entries_read != UNKNOWN and in_range and not stream.has_gap_from(gap_start, not from_last):
        group.entries_read += 1
    elif stream.entries_added:
        group.entries_read = stream.count_up_to(entry_id, not from_last)
    group.last_id = entry_id
