"""The topology of a cache with cluster mode, as its nodes receive it (`cachetwin_engine.server.cluster.topology`).

The supervisor owns it: there is no gossip. Its epoch grows with each document, a shard's with each change of its primary.
"""

import hashlib
import secrets
from collections.abc import Sequence

from cachetwin_local.supervise.cache.shard import Member, Shard
from cachetwin_local.topology.values import CacheNode, ReplicationGroup

__all__ = ["ClusterTopology"]

_BUS_PORT = 1122  # as the service's nodes show it

Document = dict[str, object]


class ClusterTopology:
    """The topology of `group`, whose shards are `shards`."""

    def __init__(self, group: ReplicationGroup, shards: Sequence[Shard]) -> None:
        self._arn = group.identity.arn
        self._is_serverless = group.cluster_mode == "serverless"
        self._nodes = group.nodes
        self._slots = {node_group.id: node_group.slots for node_group in group.node_groups}
        self._shards = shards
        self._secret = secrets.token_hex(20)
        self._epoch = 0
        self._shard_epochs: dict[str, int] = {}
        self._primaries: dict[str, Member] = {}
        self._document: Document = {}

    def update(self) -> None:
        """Make a new document from the roles that the nodes have now."""
        self._epoch += 1
        for shard in self._shards:
            if self._primaries.get(shard.id) is not shard.primary:
                self._primaries[shard.id] = shard.primary
                self._shard_epochs[shard.id] = self._epoch
        shards = [self._shard(shard) for shard in self._shards]
        self._document = {"epoch": self._epoch, "secret": self._secret, "shards": shards}

    def document(self, node: CacheNode) -> Document:
        """The document for one node."""
        return {**self._document, "me": self._id(self._seen_as(node).member_id)}

    def _seen_as(self, node: CacheNode) -> CacheNode:
        """The node that clients see: of a serverless cache, the one for writes or the one for reads by the role."""
        if not self._is_serverless:
            return node
        primary = self._shards[0].primary.node
        return self._nodes[0] if node.member_id == primary.member_id else self._nodes[1]

    def _shard(self, shard: Shard) -> Document:
        return {
            "id": self._id(shard.id),
            "epoch": self._shard_epochs[shard.id],
            "slots": [list(bounds) for bounds in self._slots[shard.id]],
            "nodes": [self._node(shard, member) for member in shard.members],
        }

    def _node(self, shard: Shard, member: Member) -> Document:
        node, state = self._seen_as(member.node), member.process.state
        health = "online" if member.available else "loading" if member.process.pid else "fail"
        return {
            "id": self._id(node.member_id),
            "role": "primary" if member is shard.primary else "replica",
            "ip": node.endpoint.address,
            "port": node.endpoint.port,
            "host": node.endpoint.names[0] if node.endpoint.names else "",
            "tls": node.endpoint.tls != "off",
            "bus_port": _BUS_PORT,
            "zone": node.availability_zone,
            "health": health,
            "offset": state.offset if state else 0,
        }

    def _id(self, name: str) -> str:
        return hashlib.sha1(f"{self._arn}/{name}".encode(), usedforsecurity=False).hexdigest()
