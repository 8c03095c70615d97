"""XINFO: descriptions of streams, groups and consumers."""

from typing import Final

from cachetwin_engine.core.commands.help_text import help_reply
from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.protocol.errors import NO_SUCH_KEY, CommandError, bad_subcommand
from cachetwin_engine.core.protocol.replies import array, bulk, integer
from cachetwin_engine.core.registry.command_table import (
    LOADING,
    NONDETERMINISTIC,
    READONLY,
    STALE,
    KeySpec,
    command,
    container,
)
from cachetwin_engine.core.text.numbers import parse_int
from cachetwin_engine.core.types.streams.group import UNKNOWN, Consumer, Group
from cachetwin_engine.core.types.streams.stream import ID_MAX, Stream, read_stream

from .ids import bulk_id


def _existing(ctx: Context, key: bytes) -> Stream:
    stream = read_stream(ctx.db, key)
    if stream is None:
        raise CommandError(NO_SUCH_KEY)
    return stream


container(
    "XINFO",
    summary="Inspect streams, consumer groups and consumers.",
    group="stream",
    since="5.0.0",
)


@command(
    "XINFO|HELP",
    summary="Describe the sub-commands.",
    arity=2,
    flags=LOADING | STALE,
    group="stream",
    since="5.0.0",
)
def xinfo_help(ctx: Context, args: list[bytes]) -> bytes:
    """XINFO HELP."""
    return help_reply(ctx, b"xinfo")


@command(
    "XINFO|CONSUMERS",
    summary="List the consumers of a group.",
    arguments="key group",
    arity=4,
    flags=READONLY,
    keys=[KeySpec("RO", "access", index=2)],
    group="stream",
    since="5.0.0",
    tips=NONDETERMINISTIC,
    history=[("7.2.0", "Added `inactive`; `idle` counts from the last attempt to read.")],
)
def xinfo_consumers(ctx: Context, args: list[bytes]) -> bytes:
    """XINFO CONSUMERS key group."""
    group = _existing(ctx, args[2]).groups.get(args[3])
    if group is None:
        raise CommandError(b"NOGROUP No such consumer group '" + args[3] + b"' for key name '" + args[2] + b"'")
    now_ms = ctx.engine.now_ms
    replies: list[bytes] = []
    for name in sorted(group.consumers):
        consumer = group.consumers[name]
        items = [
            bulk(b"name"), bulk(name),
            bulk(b"pending"), integer(len(consumer.pending.entries)),
            bulk(b"idle"), integer(max(now_ms - consumer.seen_ms, 0)),
        ]  # fmt: skip
        if ctx.engine.profile.tracks_active_consumers:
            idle_ms = now_ms - consumer.active_ms if consumer.active_ms != -1 else -1
            items += [bulk(b"inactive"), integer(idle_ms)]
        replies.append(ctx.map_reply(items))
    return array(replies)


@command(
    "XINFO|GROUPS",
    summary="List the consumer groups of a stream.",
    arguments="key",
    arity=3,
    flags=READONLY,
    keys=[KeySpec("RO", "access", index=2)],
    group="stream",
    since="5.0.0",
    history=[("7.0.0", "Added `entries-read` and `lag`.")],
)
def xinfo_groups(ctx: Context, args: list[bytes]) -> bytes:
    """XINFO GROUPS key."""
    stream = _existing(ctx, args[2])
    replies: list[bytes] = []
    for name in sorted(stream.groups):
        group = stream.groups[name]
        items = [
            bulk(b"name"), bulk(name),
            bulk(b"consumers"), integer(len(group.consumers)),
            bulk(b"pending"), integer(len(group.pending.entries)),
            bulk(b"last-delivered-id"), bulk_id(group.last_id),
        ]  # fmt: skip
        items += _progress(ctx, stream, group)
        replies.append(ctx.map_reply(items))
    return array(replies)


def _progress(ctx: Context, stream: Stream, group: Group) -> list[bytes]:
    lag = stream.lag(group, not ctx.engine.profile.tracks_active_consumers)
    return [
        bulk(b"entries-read"), ctx.null if group.entries_read == UNKNOWN else integer(group.entries_read),
        bulk(b"lag"), ctx.null if lag is None else integer(lag),
    ]  # fmt: skip


_XINFO_STREAM_HISTORY: Final = [
    ("6.0.0", "Added the `FULL` option."),
    (
        "7.0.0",
        "Added `max-deleted-entry-id`, `entries-added`, `recorded-first-entry-id`, `entries-read` and `lag`.",
    ),
    ("7.2.0", "Added `active-time`; `seen-time` is the time of the last attempt to read."),
]


@command(
    "XINFO|STREAM",
    summary="Describe a stream.",
    arguments="key [full-block=(FULL [COUNT count])]",
    arity=-3,
    flags=READONLY,
    keys=[KeySpec("RO", "access", index=2)],
    group="stream",
    since="5.0.0",
    history=_XINFO_STREAM_HISTORY,
)
def xinfo_stream(ctx: Context, args: list[bytes]) -> bytes:
    """XINFO STREAM key [FULL [COUNT count]]."""
    stream = _existing(ctx, args[2])
    full = len(args) > 3
    count = 10
    if full:
        if len(args) not in {4, 6} or args[3].upper() != b"FULL" or (len(args) == 6 and args[4].upper() != b"COUNT"):
            raise bad_subcommand(args)
        if len(args) == 6:
            count = parse_int(args[5])
            if count < 0:
                count = 10
    items = [
        bulk(b"length"), integer(stream.length),
        bulk(b"radix-tree-keys"), integer(len(stream.leaves)),
        bulk(b"radix-tree-nodes"), integer(stream.tree_nodes()),
        bulk(b"last-generated-id"), bulk_id(stream.last_id),
        bulk(b"max-deleted-entry-id"), bulk_id(stream.max_deleted_id),
        bulk(b"entries-added"), integer(stream.entries_added),
        bulk(b"recorded-first-entry-id"), bulk_id(stream.first_id),
    ]  # fmt: skip
    if full:
        entries = stream.range(0, ID_MAX, count)
        groups = [_full_group(ctx, stream, stream.groups[name], count) for name in sorted(stream.groups)]
        items += [bulk(b"entries"), array(entries), bulk(b"groups"), array(groups)]
    else:
        items += [
            bulk(b"groups"), integer(len(stream.groups)),
            bulk(b"first-entry"), _edge(ctx, stream, reverse=False),
            bulk(b"last-entry"), _edge(ctx, stream, reverse=True),
        ]  # fmt: skip
    return ctx.map_reply(items)


def _edge(ctx: Context, stream: Stream, reverse: bool) -> bytes:
    entries = stream.range(0, ID_MAX, 1, reverse)
    return entries[0] if entries else ctx.null


def _full_group(ctx: Context, stream: Stream, group: Group, count: int) -> bytes:
    pel = group.pending
    pending = [
        array(
            [
                bulk_id(entry_id),
                bulk(pel.entries[entry_id].consumer.name),
                integer(pel.entries[entry_id].delivered_ms),
                integer(pel.entries[entry_id].deliveries),
            ]
        )
        for entry_id in pel.ids.from_id(0, count or len(pel.entries))
    ]
    consumers = [_full_consumer(ctx, group.consumers[name], count) for name in sorted(group.consumers)]
    items = [bulk(b"name"), bulk(group.name), bulk(b"last-delivered-id"), bulk_id(group.last_id)]
    items += _progress(ctx, stream, group)
    items += [
        bulk(b"pel-count"), integer(len(pel.entries)),
        bulk(b"pending"), array(pending),
        bulk(b"consumers"), array(consumers),
    ]  # fmt: skip
    return ctx.map_reply(items)


def _full_consumer(ctx: Context, consumer: Consumer, count: int) -> bytes:
    pel = consumer.pending
    pending = [
        array(
            [bulk_id(entry_id), integer(pel.entries[entry_id].delivered_ms), integer(pel.entries[entry_id].deliveries)]
        )
        for entry_id in pel.ids.from_id(0, count or len(pel.entries))
    ]
    items = [bulk(b"name"), bulk(consumer.name), bulk(b"seen-time"), integer(consumer.seen_ms)]
    if ctx.engine.profile.tracks_active_consumers:
        items += [bulk(b"active-time"), integer(consumer.active_ms)]
    items += [bulk(b"pel-count"), integer(len(pel.entries)), bulk(b"pending"), array(pending)]
    return ctx.map_reply(items)
