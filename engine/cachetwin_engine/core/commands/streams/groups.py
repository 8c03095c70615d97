"""Consumer groups: XGROUP creates, changes and deletes them."""

from typing import Final

from cachetwin_engine.core.commands.help_text import help_reply
from cachetwin_engine.core.config.notifications import NOTIFY_STREAM
from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.protocol.errors import CommandError, bad_subcommand
from cachetwin_engine.core.protocol.replies import OK, ONE, ZERO, integer
from cachetwin_engine.core.registry.command_table import DENYOOM, LOADING, STALE, WRITE, KeySpec, command, container
from cachetwin_engine.core.text.numbers import parse_int
from cachetwin_engine.core.types.streams.entry import id_text
from cachetwin_engine.core.types.streams.group import UNKNOWN, Consumer, Group, Pending
from cachetwin_engine.core.types.streams.stream import Stream, stream_of

from .ids import parse_end, parse_id

_KEY_MUST_EXIST: Final = (
    b"ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM"
    b" option to create an empty stream automatically."
)


def consumer_of(ctx: Context, key: bytes, group: Group, name: bytes) -> Consumer:
    """The consumer ``name``, created if it does not exist; its seen-time becomes now."""
    consumer = group.consumers.get(name)
    if consumer is None:
        consumer = make_consumer(ctx, key, group, name)
    consumer.seen_ms = ctx.engine.now_ms
    return consumer


def make_consumer(ctx: Context, key: bytes, group: Group, name: bytes) -> Consumer:
    """Create a consumer."""
    consumer = Consumer(name, ctx.engine.now_ms)
    group.consumers[name] = consumer
    ctx.engine.dirty += 1
    ctx.notify(NOTIFY_STREAM, b"xgroup-createconsumer", key)
    return consumer


def propagate_claim(ctx: Context, key: bytes, group: Group, entry_id: int, pending: Pending) -> None:
    """Propagate the consumer of an entry, its delivery time and its number of deliveries."""
    if ctx.engine.wants_propagation:
        ctx.propagate(
            [
                b"XCLAIM", key, group.name, pending.consumer.name, b"0", id_text(entry_id),
                b"TIME", b"%d" % pending.delivered_ms, b"RETRYCOUNT", b"%d" % pending.deliveries,
                b"FORCE", b"JUSTID", b"LASTID", id_text(group.last_id),
            ]
        )  # fmt: skip


def propagate_position(ctx: Context, key: bytes, group: Group) -> None:
    """Propagate the last delivered ID of a group."""
    if ctx.engine.wants_propagation:
        ctx.propagate(
            [b"XGROUP", b"SETID", key, group.name, id_text(group.last_id), b"ENTRIESREAD", b"%d" % group.entries_read]
        )


def _group_options(ctx: Context, args: list[bytes]) -> tuple[bool, int]:
    """Whether MKSTREAM is given, and ENTRIESREAD or UNKNOWN. Raises CommandError."""
    make = False
    entries_read = UNKNOWN
    options = ctx.options(args, 5, refusal=bad_subcommand(args).line)
    while word := options.next_word():
        if word == b"MKSTREAM":
            make = True
            continue
        entries_read = parse_int(options.value)
        if entries_read < 0 and entries_read != UNKNOWN:
            raise CommandError(b"ERR value for ENTRIESREAD must be positive or -1")
    return make, entries_read


def _stream_and_group(ctx: Context, args: list[bytes]) -> tuple[Stream, Group]:
    """The stream and the group of XGROUP's arguments. Raises CommandError if one is missing."""
    stream = stream_of(ctx.db.find_for_write(args[2]))
    if stream is None:
        raise CommandError(_KEY_MUST_EXIST)
    group = stream.groups.get(args[3])
    if group is None:
        raise CommandError(b"NOGROUP No such consumer group '" + args[3] + b"' for key name '" + args[2] + b"'")
    return stream, group


container(
    "XGROUP",
    summary="Manage consumer groups.",
    group="stream",
    since="5.0.0",
    complexity="Depends on subcommand.",
)


@command(
    "XGROUP|CREATE",
    summary="Create a consumer group.",
    arguments="key group id-selector=<id | new-id=$> [MKSTREAM] [ENTRIESREAD entriesread:integer{entries-read}]",
    arity=-5,
    flags=WRITE | DENYOOM,
    keys=[KeySpec("RW", "insert", index=2)],
    group="stream",
    since="5.0.0",
    history=[("7.0.0", "Added the `ENTRIESREAD` option.")],
)
def xgroup_create(ctx: Context, args: list[bytes]) -> bytes:
    """XGROUP CREATE key group <id | $> [MKSTREAM] [ENTRIESREAD entries-read]."""
    make, entries_read = _group_options(ctx, args)
    key, name = args[2], args[3]
    stream = stream_of(ctx.db.find_for_write(key))
    if stream is None and not make:
        raise CommandError(_KEY_MUST_EXIST)
    if len(args) > 8:
        raise bad_subcommand(args)
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
    summary="Set the last delivered ID of a consumer group.",
    arguments="key group id-selector=<id | new-id=$> [ENTRIESREAD entriesread:integer{entries-read}]",
    arity=-5,
    flags=WRITE,
    keys=[KeySpec("RW", "update", index=2)],
    group="stream",
    since="5.0.0",
    history=[("7.0.0", "Added the `ENTRIESREAD` option.")],
)
def xgroup_setid(ctx: Context, args: list[bytes]) -> bytes:
    """XGROUP SETID key group <id | $> [ENTRIESREAD entries-read]."""
    _, entries_read = _group_options(ctx, args)
    stream, group = _stream_and_group(ctx, args)
    if len(args) not in {5, 7}:
        raise bad_subcommand(args)
    group.last_id = stream.last_id if args[4] == b"$" else parse_end(args[4], 0)
    group.entries_read = entries_read
    _group_changed(ctx, args[2], b"xgroup-setid")
    return OK


@command(
    "XGROUP|DESTROY",
    summary="Delete a consumer group.",
    arguments="key group",
    arity=4,
    flags=WRITE,
    keys=[KeySpec("RW", "delete", index=2)],
    group="stream",
    since="5.0.0",
    complexity="O(N)",
)
def xgroup_destroy(ctx: Context, args: list[bytes]) -> bytes:
    """XGROUP DESTROY key group: 1 if the group existed."""
    key = args[2]
    stream = stream_of(ctx.db.find_for_write(key))
    if stream is None:
        raise CommandError(_KEY_MUST_EXIST)
    if stream.groups.pop(args[3], None) is None:
        return ZERO
    _group_changed(ctx, key, b"xgroup-destroy")
    ctx.db.grown(key)  # so that clients blocked on the group get an error
    return ONE


@command(
    "XGROUP|CREATECONSUMER",
    summary="Create a consumer in a group.",
    arguments="key group consumer",
    arity=5,
    flags=WRITE | DENYOOM,
    keys=[KeySpec("RW", "insert", index=2)],
    group="stream",
    since="6.2.0",
)
def xgroup_createconsumer(ctx: Context, args: list[bytes]) -> bytes:
    """XGROUP CREATECONSUMER key group consumer: 1 if the consumer is new."""
    _, group = _stream_and_group(ctx, args)
    if args[4] in group.consumers:
        return ZERO
    make_consumer(ctx, args[2], group, args[4])
    return ONE


@command(
    "XGROUP|DELCONSUMER",
    summary="Delete a consumer of a group.",
    arguments="key group consumer",
    arity=5,
    flags=WRITE,
    keys=[KeySpec("RW", "delete", index=2)],
    group="stream",
    since="5.0.0",
)
def xgroup_delconsumer(ctx: Context, args: list[bytes]) -> bytes:
    """XGROUP DELCONSUMER key group consumer: the number of its pending entries."""
    _, group = _stream_and_group(ctx, args)
    if args[4] not in group.consumers:
        return ZERO
    pending = group.remove_consumer(args[4])
    _group_changed(ctx, args[2], b"xgroup-delconsumer")
    return integer(pending)


@command(
    "XGROUP|HELP",
    summary="Describe the sub-commands.",
    arity=2,
    flags=LOADING | STALE,
    group="stream",
    since="5.0.0",
)
def xgroup_help(ctx: Context, args: list[bytes]) -> bytes:
    """XGROUP HELP."""
    return help_reply(ctx, b"xgroup")


def _group_changed(ctx: Context, key: bytes, event: bytes) -> None:
    """Count and notify a change of a group, which is no change of the value for WATCH and client-side caches."""
    ctx.engine.dirty += 1
    ctx.notify(NOTIFY_STREAM, event, key)
