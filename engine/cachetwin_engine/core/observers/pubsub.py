"""Who listens to which channel, and the delivery of a message to them.

A message is encoded once for each protocol, not once for each listener.
"""

from typing import TYPE_CHECKING

from cachetwin_engine.core.protocol.replies import bulk, integer
from cachetwin_engine.core.registry.dispatch_flags import CLIENT_SUBSCRIBED
from cachetwin_engine.core.text.glob import glob_match

if TYPE_CHECKING:
    from cachetwin_engine.core.execution.session import Session


class PubSub:
    """The subscriptions of one engine: channels, patterns, and channels of the shard."""

    def __init__(self) -> None:
        self.channels: dict[bytes, dict[int, Session]] = {}
        self.patterns: dict[bytes, dict[int, Session]] = {}
        self.shard_channels: dict[bytes, dict[int, Session]] = {}

    def publish(self, channel: bytes, message: bytes) -> int:
        """Send ``message`` to the listeners of ``channel`` and of matching patterns; how many got it."""
        count = 0
        listeners = self.channels.get(channel)
        if listeners is not None:
            body = bulk(b"message") + bulk(channel) + bulk(message)
            count += _deliver(listeners, 3, body)
        for pattern, interested in self.patterns.items():
            if glob_match(pattern, channel):
                body = bulk(b"pmessage") + bulk(pattern) + bulk(channel) + bulk(message)
                count += _deliver(interested, 4, body)
        return count

    def publish_to_shard(self, channel: bytes, message: bytes) -> int:
        """SPUBLISH: the listeners of a shard channel; how many got it."""
        listeners = self.shard_channels.get(channel)
        if listeners is None:
            return 0
        return _deliver(listeners, 3, bulk(b"smessage") + bulk(channel) + bulk(message))

    def close_shard_channel(self, channel: bytes) -> None:
        """The channel is no longer this node's: its listeners lose their subscription and are told so."""
        listeners = self.shard_channels.pop(channel, None)
        if listeners is None:
            return
        for session in listeners.values():
            del session.shard_channels[channel]
            count = len(session.shard_channels)
            if not (count or session.channels or session.patterns):
                session.client_flags &= ~CLIENT_SUBSCRIBED
            body = bulk(b"sunsubscribe") + bulk(channel) + integer(count)
            session.push((b">3\r\n" if session.context.resp3 else b"*3\r\n") + body)

    def leave(self, session: "Session") -> None:
        """Forget all subscriptions of ``session``, without a word to it."""
        _forget(self.channels, session.channels, session.id)
        _forget(self.patterns, session.patterns, session.id)
        _forget(self.shard_channels, session.shard_channels, session.id)


def join(
    registry: "dict[bytes, dict[int, Session]]", own: dict[bytes, bool], channel: bytes, session: "Session"
) -> None:
    """Subscribe ``session``; ``own`` is its list for this kind."""
    if channel in own:
        return
    own[channel] = True
    listeners = registry.get(channel)
    if listeners is None:
        registry[channel] = {session.id: session}
    else:
        listeners[session.id] = session


def part(
    registry: "dict[bytes, dict[int, Session]]", own: dict[bytes, bool], channel: bytes, session: "Session"
) -> None:
    """End one subscription, if there is one."""
    if own.pop(channel, None) is None:
        return
    listeners = registry.get(channel)
    if listeners is not None:
        listeners.pop(session.id, None)
        if not listeners:
            del registry[channel]


def _deliver(listeners: "dict[int, Session]", count: int, body: bytes) -> int:
    plain = b"*%d\r\n" % count + body
    pushed = b">%d\r\n" % count + body
    for session in list(listeners.values()):
        session.push(pushed if session.context.resp3 else plain)
    return len(listeners)


def _forget(registry: "dict[bytes, dict[int, Session]]", own: dict[bytes, bool], session_id: int) -> None:
    for channel in own:
        listeners = registry.get(channel)
        if listeners is not None:
            listeners.pop(session_id, None)
            if not listeners:
                del registry[channel]
    own.clear()
