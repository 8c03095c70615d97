"""The topology of a cache with cluster mode, as its nodes receive it (`cachetwin_engine.server.cluster.topology`).

The supervisor owns it: there is no gossip. Its epoch grows with each document, a shard's with each change of its primary or
its slots.
"""

import hashlib
import secrets
from collections.abc import Iterable, Sequence

from cachetwin_local.supervise.cache.cluster.slot_plan import Ranges, SlotMove, ranges_of, slots_in
from cachetwin_local.supervise.cache.shard.member import Member
from cachetwin_local.supervise.cache.shard.shard import Shard
from cachetwin_local.topology.values import CacheNode, ReplicationGroup

__all__ = ["ClusterTopology"]

_BUS_PORT = 1122  # as the service's nodes show it

Document = dict[str, object]


class ClusterTopology:
    """The topology of `group`, whose shards are `shards`; a shard that is added there has no slots."""

    def __init__(self, group: ReplicationGroup, shards: Sequence[Shard]) -> None:
        self._arn = group.identity.arn
        self._is_serverless = group.cluster_mode == "serverless"
        self._nodes = group.nodes
        self.slots: dict[str, Ranges] = {node_group.id: node_group.slots for node_group in group.node_groups}
        self._shards = shards
        self._secret = secrets.token_hex(20)
        self._epoch = 0
        self._shard_epochs: dict[str, int] = {}
        self._primaries: dict[str, Member] = {}
        self._moves: tuple[SlotMove, ...] = ()
        self._moved: tuple[SlotMove, ...] = ()
        self._document: Document = {}

    def update(self) -> None:
        """Make a new document from the roles that the nodes have now."""
        self._epoch += 1
        for shard in self._shards:
            if self._primaries.get(shard.id) is not shard.primary:
                self._primaries[shard.id] = shard.primary
                self._shard_epochs[shard.id] = self._epoch
        for move in self._moved:
            self._shard_epochs.update({move.source: self._epoch, move.target: self._epoch})
        shards = [self._shard(shard) for shard in self._shards]
        moves = [
            {"slots": _lists(move.slots), "from": self._id(move.source), "to": self._id(move.target)}
            for move in self._moves
        ]
        self._document = {"epoch": self._epoch, "secret": self._secret, "shards": shards, "moves": moves}

    def begin_moves(self, moves: Iterable[SlotMove]) -> None:
        """From the next document on, slots move; their sources own them still."""
        self._moves = tuple(moves)

    def end_moves(self) -> None:
        """From the next document on, the targets own the slots that moved."""
        for move in self._moves:
            slots = set(slots_in(move.slots))
            self.slots[move.source] = ranges_of(set(slots_in(self.slots[move.source])) - slots)
            self.slots[move.target] = ranges_of(set(slots_in(self.slots.get(move.target, ()))) | slots)
        self._moves, self._moved = (), self._moves

    @property
    def open_moves(self) -> list[SlotMove]:
        """The moves that have begun and not ended."""
        return list(self._moves)

    def in_order(self, members: Iterable[Member]) -> list[list[Member]]:
        """Nodes in the order in which they get a document: those whose shard gets slots, those that give them, the rest."""
        moves = [*self._moves, *self._moved]
        self._moved = ()
        targets, sources = {move.target for move in moves}, {move.source for move in moves}
        groups: list[list[Member]] = [[], [], []]
        for member in members:
            shard = member.node.shard
            groups[0 if shard in targets else 1 if shard in sources else 2].append(member)
        return [group for group in groups if group]

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
            "slots": _lists(self.slots.get(shard.id, ())),
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


def _lists(ranges: Ranges) -> list[list[int]]:
    return [list(bounds) for bounds in ranges]
