"""Pub/Sub: publish, subscribe, inspect."""

from typing import Final

from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.observers.pubsub import join, part
from cachetwin_engine.core.protocol.errors import CommandError, bad_subcommand
from cachetwin_engine.core.protocol.replies import array, bulk, bulk_array, integer
from cachetwin_engine.core.registry.command_table import (
    FAST,
    LOADING,
    MAY_REPLICATE,
    NOSCRIPT,
    PUBSUB,
    ROWS,
    STALE,
    KeySpec,
    command,
    container,
)
from cachetwin_engine.core.registry.dispatch_flags import CLIENT_SUBSCRIBED
from cachetwin_engine.core.state.client import Client
from cachetwin_engine.core.text.glob import glob_match

from .help_text import help_reply

_LISTEN = PUBSUB | NOSCRIPT | LOADING | STALE
_ASK = PUBSUB | LOADING | STALE
_SHARD_KEYS = [KeySpec("", "", last=-1, not_key=True)]
_SHARD_KEY = [KeySpec("", "", not_key=True)]


_PUBLISH_COST: Final = (
    "O(N+M) where N is the number of clients subscribed to the receiving channel and M is the total number of "
    "subscribed patterns (by any client)."
)


@command(
    "PUBLISH",
    summary="Publish a message to a channel.",
    arguments="channel message",
    arity=3,
    flags=PUBSUB | LOADING | STALE | FAST | MAY_REPLICATE,
    group="pubsub",
    since="2.0.0",
    complexity=_PUBLISH_COST,
)
def publish(ctx: Context, args: list[bytes]) -> bytes:
    """PUBLISH channel message: the number of clients that received it."""
    _hand_on(ctx, args, in_shard=False)
    return integer(ctx.engine.pubsub.publish(args[1], args[2]))


@command(
    "SPUBLISH",
    summary="Publish a message to a shard channel.",
    arguments="shardchannel message",
    arity=3,
    flags=PUBSUB | LOADING | STALE | FAST | MAY_REPLICATE,
    keys=_SHARD_KEY,
    group="pubsub",
    since="7.0.0",
    complexity="O(N) where N is the number of clients subscribed to the receiving shard channel.",
)
def spublish(ctx: Context, args: list[bytes]) -> bytes:
    """SPUBLISH shardchannel message: the number of clients that received it."""
    _hand_on(ctx, args, in_shard=True)
    return integer(ctx.engine.pubsub.publish_to_shard(args[1], args[2]))


def _hand_on(ctx: Context, args: list[bytes], in_shard: bool) -> None:
    """Let other nodes have the message: replicas by the stream, or in a cluster each node from this one."""
    cluster = ctx.engine.cluster
    if cluster is None or not cluster.is_given:
        ctx.propagate(args)
        return
    ctx.propagate_nothing()
    if not ctx.session.peer_id:
        ctx.engine.host.tell_nodes(args, cluster.myself.shard_id if in_shard else b"")


@command(
    "SUBSCRIBE",
    summary="Subscribe to channels.",
    arguments="channel...",
    arity=-2,
    flags=_LISTEN,
    group="pubsub",
    since="2.0.0",
    complexity="O(N) where N is the number of channels to subscribe to.",
)
def subscribe(ctx: Context, args: list[bytes]) -> bytes:
    """SUBSCRIBE channel [channel ...]: one confirmation for each channel."""
    session = _listener(ctx)
    replies: list[bytes] = []
    for channel in args[1:]:
        join(ctx.engine.pubsub.channels, session.channels, channel, session)
        replies.append(_told(ctx, b"subscribe", channel, _count(session)))
    session.client_flags |= CLIENT_SUBSCRIBED
    return b"".join(replies)


@command(
    "PSUBSCRIBE",
    summary="Subscribe to channels by pattern.",
    arguments="pattern...",
    arity=-2,
    flags=_LISTEN,
    group="pubsub",
    since="2.0.0",
    complexity="O(N) where N is the number of patterns to subscribe to.",
)
def psubscribe(ctx: Context, args: list[bytes]) -> bytes:
    """PSUBSCRIBE pattern [pattern ...]: one confirmation for each pattern."""
    session = _listener(ctx)
    replies: list[bytes] = []
    for pattern in args[1:]:
        join(ctx.engine.pubsub.patterns, session.patterns, pattern, session)
        replies.append(_told(ctx, b"psubscribe", pattern, _count(session)))
    session.client_flags |= CLIENT_SUBSCRIBED
    return b"".join(replies)


@command(
    "SSUBSCRIBE",
    summary="Subscribe to shard channels.",
    arguments="shardchannel...",
    arity=-2,
    flags=_LISTEN,
    keys=_SHARD_KEYS,
    group="pubsub",
    since="7.0.0",
    complexity="O(N) where N is the number of shard channels to subscribe to.",
)
def ssubscribe(ctx: Context, args: list[bytes]) -> bytes:
    """SSUBSCRIBE shardchannel [shardchannel ...]: one confirmation for each channel."""
    session = _listener(ctx)
    replies: list[bytes] = []
    for channel in args[1:]:
        join(ctx.engine.pubsub.shard_channels, session.shard_channels, channel, session)
        replies.append(_told(ctx, b"ssubscribe", channel, len(session.shard_channels)))
    session.client_flags |= CLIENT_SUBSCRIBED
    return b"".join(replies)


@command(
    "UNSUBSCRIBE",
    summary="Unsubscribe from channels.",
    arguments="[channel...]",
    arity=-1,
    flags=_LISTEN,
    group="pubsub",
    since="2.0.0",
    complexity="O(N) where N is the number of channels to unsubscribe.",
)
def unsubscribe(ctx: Context, args: list[bytes]) -> bytes:
    """UNSUBSCRIBE [channel ...]: all channels without arguments."""
    session = ctx.session
    replies: list[bytes] = []
    for channel in args[1:] or list(session.channels):
        part(ctx.engine.pubsub.channels, session.channels, channel, session)
        replies.append(_told(ctx, b"unsubscribe", channel, _count(session)))
    return _parted(ctx, replies, b"unsubscribe", _count(session))


@command(
    "PUNSUBSCRIBE",
    summary="Unsubscribe from patterns.",
    arguments="[pattern...]",
    arity=-1,
    flags=_LISTEN,
    group="pubsub",
    since="2.0.0",
    complexity="O(N) where N is the number of patterns to unsubscribe.",
)
def punsubscribe(ctx: Context, args: list[bytes]) -> bytes:
    """PUNSUBSCRIBE [pattern ...]: all patterns without arguments."""
    session = ctx.session
    replies: list[bytes] = []
    for pattern in args[1:] or list(session.patterns):
        part(ctx.engine.pubsub.patterns, session.patterns, pattern, session)
        replies.append(_told(ctx, b"punsubscribe", pattern, _count(session)))
    return _parted(ctx, replies, b"punsubscribe", _count(session))


@command(
    "SUNSUBSCRIBE",
    summary="Unsubscribe from shard channels.",
    arguments="[shardchannel...]",
    arity=-1,
    flags=_LISTEN,
    keys=_SHARD_KEYS,
    group="pubsub",
    since="7.0.0",
    complexity="O(N) where N is the number of shard channels to unsubscribe.",
)
def sunsubscribe(ctx: Context, args: list[bytes]) -> bytes:
    """SUNSUBSCRIBE [shardchannel ...]: all channels without arguments."""
    session = ctx.session
    replies: list[bytes] = []
    for channel in args[1:] or list(session.shard_channels):
        part(ctx.engine.pubsub.shard_channels, session.shard_channels, channel, session)
        replies.append(_told(ctx, b"sunsubscribe", channel, len(session.shard_channels)))
    return _parted(ctx, replies, b"sunsubscribe", len(session.shard_channels))


container(
    "PUBSUB",
    summary="Inspect subscriptions.",
    group="pubsub",
    since="2.8.0",
)


_PUBSUB_CHANNELS_COST: Final = (
    "O(N) where N is the number of active channels, and assuming constant time pattern matching "
    "(relatively short channels and patterns)"
)


@command(
    "PUBSUB|CHANNELS",
    summary="List the channels that have subscribers.",
    arguments="[pattern]",
    arity=-2,
    flags=_ASK,
    group="pubsub",
    since="2.8.0",
    complexity=_PUBSUB_CHANNELS_COST,
)
def pubsub_channels(ctx: Context, args: list[bytes]) -> bytes:
    """PUBSUB CHANNELS [pattern]."""
    if len(args) > 3:
        raise bad_subcommand(args)
    return _matching(list(ctx.engine.pubsub.channels), args)


_PUBSUB_SHARDCHANNELS_COST: Final = (
    "O(N) where N is the number of active shard channels, and assuming constant time pattern matching "
    "(relatively short shard channels)."
)


@command(
    "PUBSUB|SHARDCHANNELS",
    summary="List the shard channels that have subscribers.",
    arguments="[pattern]",
    arity=-2,
    flags=_ASK,
    group="pubsub",
    since="7.0.0",
    complexity=_PUBSUB_SHARDCHANNELS_COST,
)
def pubsub_shardchannels(ctx: Context, args: list[bytes]) -> bytes:
    """PUBSUB SHARDCHANNELS [pattern]."""
    if len(args) > 3:
        raise bad_subcommand(args)
    return _matching(list(ctx.engine.pubsub.shard_channels), args)


@command(
    "PUBSUB|NUMPAT",
    summary="Count the patterns that have subscribers.",
    arity=2,
    flags=_ASK,
    group="pubsub",
    since="2.8.0",
)
def pubsub_numpat(ctx: Context, args: list[bytes]) -> bytes:
    """PUBSUB NUMPAT."""
    return integer(len(ctx.engine.pubsub.patterns))


@command(
    "PUBSUB|NUMSUB",
    summary="Count the subscribers of channels.",
    arguments="[channel...]",
    arity=-2,
    flags=_ASK,
    group="pubsub",
    since="2.8.0",
    complexity="O(N) for the NUMSUB subcommand, where N is the number of requested channels",
)
def pubsub_numsub(ctx: Context, args: list[bytes]) -> bytes:
    """PUBSUB NUMSUB [channel ...]: channels and counts alternate."""
    return _counted(ctx.engine.pubsub.channels, args)


@command(
    "PUBSUB|SHARDNUMSUB",
    summary="Count the subscribers of shard channels.",
    arguments="[shardchannel...]",
    arity=-2,
    flags=_ASK,
    group="pubsub",
    since="7.0.0",
    complexity="O(N) for the SHARDNUMSUB subcommand, where N is the number of requested shard channels",
)
def pubsub_shardnumsub(ctx: Context, args: list[bytes]) -> bytes:
    """PUBSUB SHARDNUMSUB [shardchannel ...]: channels and counts alternate."""
    return _counted(ctx.engine.pubsub.shard_channels, args)


@command(
    "PUBSUB|HELP",
    summary="Describe the sub-commands.",
    arity=2,
    flags=LOADING | STALE,
    group="pubsub",
    since="6.2.0",
)
def pubsub_help(ctx: Context, args: list[bytes]) -> bytes:
    """PUBSUB HELP."""
    return help_reply(ctx, b"pubsub")


ROWS[b"pubsub|help"].categories = [b"slow"]  # unlike the other sub-commands it is not in the category pubsub


def _listener(ctx: Context) -> Client:
    if not ctx.may_block and not (ctx.in_exec and ctx.resp3) and ctx.in_script:
        name = ctx.engine.profile.name_in_scripts
        raise CommandError(b"ERR This " + name + b" command is not allowed from script")
    return ctx.session


def _told(ctx: Context, what: bytes, channel: bytes, count: int) -> bytes:
    return b"".join([ctx.push_header(3), bulk(what), bulk(channel), integer(count)])


def _parted(ctx: Context, replies: list[bytes], what: bytes, count: int) -> bytes:
    session = ctx.session
    if not (session.channels or session.patterns or session.shard_channels):
        session.client_flags &= ~CLIENT_SUBSCRIBED
    if not replies:
        replies.append(b"".join([ctx.push_header(3), bulk(what), ctx.null, integer(count)]))
    return b"".join(replies)


def _count(session: Client) -> int:
    return len(session.channels) + len(session.patterns)


def _matching(channels: list[bytes], args: list[bytes]) -> bytes:
    if len(args) > 2:
        pattern = args[2]
        channels = [channel for channel in channels if glob_match(pattern, channel)]
    return bulk_array(channels)


def _counted(registry: dict[bytes, dict[int, Client]], args: list[bytes]) -> bytes:
    items: list[bytes] = []
    for channel in args[2:]:
        items.append(bulk(channel))
        items.append(integer(len(registry[channel]) if channel in registry else 0))
    return array(items)
