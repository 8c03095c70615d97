"""Subscriptions to channels, and the delivery of messages.

A message is encoded once for each protocol, not once for each listener.
"""

from cachetwin_engine.core.protocol.replies import bulk, integer
from cachetwin_engine.core.registry.dispatch_flags import CLIENT_SUBSCRIBED
from cachetwin_engine.core.state.client import Client
from cachetwin_engine.core.text.glob import glob_match


class PubSub:
    """The subscriptions of one engine: channels, patterns, and channels of the shard."""

    def __init__(self) -> None:
        self.channels: dict[bytes, dict[int, Client]] = {}
        self.patterns: dict[bytes, dict[int, Client]] = {}
        self.shard_channels: dict[bytes, dict[int, Client]] = {}

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
        """The channel is no longer this node's: its listeners lose their subscription and receive that."""
        listeners = self.shard_channels.pop(channel, None)
        if listeners is None:
            return
        for client in listeners.values():
            del client.shard_channels[channel]
            count = len(client.shard_channels)
            if not (count or client.channels or client.patterns):
                client.client_flags &= ~CLIENT_SUBSCRIBED
            body = bulk(b"sunsubscribe") + bulk(channel) + integer(count)
            client.push((b">3\r\n" if client.caller.resp3 else b"*3\r\n") + body)

    def leave(self, client: Client) -> None:
        """Forget all subscriptions of ``client``, without a message to it."""
        _forget(self.channels, client.channels, client.id)
        _forget(self.patterns, client.patterns, client.id)
        _forget(self.shard_channels, client.shard_channels, client.id)


def join(registry: dict[bytes, dict[int, Client]], own: dict[bytes, bool], channel: bytes, client: Client) -> None:
    """Subscribe ``client``; ``own`` is its list for this kind."""
    if channel in own:
        return
    own[channel] = True
    listeners = registry.get(channel)
    if listeners is None:
        registry[channel] = {client.id: client}
    else:
        listeners[client.id] = client


def part(registry: dict[bytes, dict[int, Client]], own: dict[bytes, bool], channel: bytes, client: Client) -> None:
    """End one subscription, if there is one."""
    if own.pop(channel, None) is None:
        return
    listeners = registry.get(channel)
    if listeners is not None:
        listeners.pop(client.id, None)
        if not listeners:
            del registry[channel]


def _deliver(listeners: dict[int, Client], count: int, body: bytes) -> int:
    plain = b"*%d\r\n" % count + body
    pushed = b">%d\r\n" % count + body
    for client in list(listeners.values()):
        client.push(pushed if client.caller.resp3 else plain)
    return len(listeners)


def _forget(registry: dict[bytes, dict[int, Client]], own: dict[bytes, bool], client_id: int) -> None:
    for channel in own:
        listeners = registry.get(channel)
        if listeners is not None:
            listeners.pop(client_id, None)
            if not listeners:
                del registry[channel]
    own.clear()
