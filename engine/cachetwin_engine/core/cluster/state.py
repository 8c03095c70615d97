"""The slot table of one node: the owner of each slot, the slots that are being moved, and whether the cluster is up.

It holds what this node has been given. There is no gossip: somebody outside decides the topology, and ``adopt`` takes it
over as a whole.
"""

from typing import Final

from cachetwin_engine.core.keyspace.slots import SLOT_COUNT
from cachetwin_engine.core.text.random_source import RandomSource

from .topology import FAILED, ONLINE, Topology, TopologyNode

BUS_PORT_OFFSET: Final = 10000


class ClusterNode:
    """A node in this node's table."""

    def __init__(self, node_id: bytes, shard_id: bytes, ip: str = "", port: int = 0, hostname: str = "") -> None:
        self.id = node_id  # 40 hexadecimal digits
        self.shard_id = shard_id
        self.ip = ip
        self.port = port
        self.hostname = hostname
        self.bus_port = 0  # 0: the port and ``BUS_PORT_OFFSET``
        self.tls = False
        self.primary: ClusterNode | None = None  # of a replica
        self.zone = ""
        self.health = ONLINE
        self.offset = 0  # of the replication stream, as far as it is known here
        self.epoch = 0
        self.slot_count = 0

    def serving(self) -> "ClusterNode":
        """The primary of its shard: the node itself, or the one that it follows."""
        return self if self.primary is None else self.primary

    def describe(self, given: TopologyNode, shard_id: bytes, epoch: int) -> None:
        """Take over what a topology has of this node, but for its role."""
        self.id = given.id
        self.shard_id = shard_id
        self.ip = given.ip
        self.port = given.port
        self.hostname = given.hostname
        self.bus_port = given.bus_port
        self.tls = given.tls
        self.zone = given.zone
        self.health = given.health
        self.offset = given.offset
        self.epoch = epoch


class ClusterLink:
    """A connection to another node that is open."""

    def __init__(self, node_id: bytes, created_ms: int) -> None:
        self.node_id = node_id
        self.created_ms = created_ms


class SlotUsage:
    """What a slot cost since its statistics were last reset (CLUSTER SLOT-STATS)."""

    def __init__(self) -> None:
        self.cpu_us = 0
        self.bytes_in = 0
        self.bytes_out = 0


class ClusterState:
    """The table and its epochs. A new node owns every slot: see ``docs/differences.md``."""

    def __init__(self, random: RandomSource) -> None:
        self._random = random
        self.myself = ClusterNode(self._new_id(), self._new_id())
        self.nodes: dict[bytes, ClusterNode] = {self.myself.id: self.myself}
        self.owners: list[ClusterNode | None] = [None] * SLOT_COUNT
        self.migrating: dict[int, ClusterNode] = {}  # slot -> where it goes
        self.importing: dict[int, ClusterNode] = {}  # slot -> where it comes from
        self.sending: dict[tuple[int, bytes], bool] = {}  # keys on their way to another node, by database
        self.unverified: dict[int, bool] = {}  # migrating slots of which the target may have keys that are here too
        self.links: dict[bytes, ClusterLink] = {}  # that this node opened, by the other one's id
        self.usage: dict[int, SlotUsage] = {}
        self.current_epoch = 0
        self.needs_full_coverage = True
        self.healthy = False
        self.is_given = False  # from outside, by ``adopt``
        self.secret = b""  # by which the nodes of a given topology know each other
        for slot in range(SLOT_COUNT):
            self.assign(slot, self.myself)
        self.update()

    def _new_id(self) -> bytes:
        return b"".join([b"%08x" % self._random.bits() for _ in range(5)])

    def add_node(self, node: ClusterNode) -> None:
        """Add another node."""
        self.nodes[node.id] = node
        self.current_epoch = max(self.current_epoch, node.epoch)

    def forget(self, node: ClusterNode) -> None:
        """Remove a node: its slots are unassigned, nothing moves to or from it."""
        del self.nodes[node.id]
        for slot in range(SLOT_COUNT):
            if self.owners[slot] is node:
                self.release(slot)
        self.migrating = {slot: other for slot, other in self.migrating.items() if other is not node}
        self.importing = {slot: other for slot, other in self.importing.items() if other is not node}

    def assign(self, slot: int, node: ClusterNode) -> None:
        """Assign ``slot`` to ``node``."""
        self.release(slot)
        self.owners[slot] = node
        node.slot_count += 1
        self.usage.pop(slot, None)

    def release(self, slot: int) -> None:
        """Unassign ``slot``."""
        owner = self.owners[slot]
        if owner is not None:
            owner.slot_count -= 1
            self.owners[slot] = None
            self.usage.pop(slot, None)

    def update(self) -> None:
        """Find out whether the cluster is up. Called after each change of the table or of the parameter for coverage."""
        served = 0
        for node in self.nodes.values():
            if node.health != FAILED:
                served += node.slot_count
        self.healthy = served > 0 and (served == SLOT_COUNT or not self.needs_full_coverage)

    def adopt(self, topology: Topology) -> list[int]:
        """Make ``topology`` the table. The slots of which this node should have no keys now.

        They are those that its shard no longer has, and those that begin to come: what was left of an earlier attempt.
        A node that stays keeps its object, so ``myself`` does; nodes that are not in ``topology`` are forgotten.
        """
        before = [slot for slot in range(SLOT_COUNT) if self.is_of_my_shard(slot)]
        was_given = self.is_given
        led = was_given and self.myself.primary is None
        imported = self.importing
        known = self.nodes
        self.nodes = {}
        self.is_given = True
        self.secret = topology.secret
        self.current_epoch = topology.epoch
        primaries: dict[bytes, ClusterNode] = {}
        owners: list[ClusterNode | None] = [None] * SLOT_COUNT
        for shard in topology.shards:
            primary: ClusterNode | None = None
            for given in shard.nodes:
                node = self.myself if given.id == topology.me else known.get(given.id)
                if node is None or (node is self.myself and given.id != topology.me):
                    node = ClusterNode(given.id, shard.id)
                node.describe(given, shard.id, shard.epoch)
                node.slot_count = 0
                self.nodes[node.id] = node
                if given.is_primary:
                    primary = node
            for given in shard.nodes:
                node = self.nodes[given.id]
                node.primary = None if node is primary else primary
            if primary is None:
                continue
            primaries[shard.id] = primary
            for first, last in shard.ranges:
                primary.slot_count += last + 1 - first
                for slot in range(first, last + 1):
                    owners[slot] = primary
        self.owners = owners
        self._adopt_moves(topology, primaries)
        self.update()
        if self.myself.primary is not None:
            self.unverified = {}
        elif not led:  # the last primary may have sent keys, and this node does not know which
            self.unverified = dict.fromkeys(self.migrating, True)
        else:
            self.unverified = {slot: True for slot in self.unverified if slot in self.migrating}
        lost = [slot for slot in before if not self.is_of_my_shard(slot)]
        if not was_given:  # what has come already, to the primary that this node followed, stays
            return [slot for slot in lost if slot not in self.importing]
        return lost + [slot for slot in self.importing if slot not in imported]

    def _adopt_moves(self, topology: Topology, primaries: dict[bytes, ClusterNode]) -> None:
        """The slots that leave this node's shard, and those that come."""
        self.migrating = {}
        self.importing = {}
        mine = self.myself.shard_id
        for move in topology.moves:
            source, target = primaries.get(move.source), primaries.get(move.target)
            if source is None or target is None:
                continue
            for first, last in move.ranges:
                for slot in range(first, last + 1):
                    if move.source == mine and self.is_of_my_shard(slot):
                        self.migrating[slot] = target
                    elif move.target == mine and not self.is_of_my_shard(slot):
                        self.importing[slot] = source

    def is_of_my_shard(self, slot: int) -> bool:
        """Whether this node, or the primary that it follows, owns ``slot``."""
        owner = self.owners[slot]
        return owner is not None and owner is self.myself.serving()

    def size(self) -> int:
        """How many nodes own slots."""
        return sum([1 for node in self.nodes.values() if node.slot_count])

    def ranges(self) -> dict[bytes, list[tuple[int, int]]]:
        """The slots of each node, by its id, as first and last of each unbroken run."""
        found: dict[bytes, list[tuple[int, int]]] = {node_id: [] for node_id in self.nodes}
        first = 0
        owner = self.owners[0]
        for slot in range(1, SLOT_COUNT + 1):
            following = self.owners[slot] if slot < SLOT_COUNT else None
            if following is owner and slot < SLOT_COUNT:
                continue
            if owner is not None:
                found[owner.id].append((first, slot - 1))
            first, owner = slot, following
        return found

    def replicas(self, node: ClusterNode) -> list[ClusterNode]:
        """The nodes that follow ``node``."""
        return [other for other in self.nodes.values() if other.primary is node]

    def shards(self) -> list[list[ClusterNode]]:
        """The nodes of each shard, its primary first."""
        found: dict[bytes, list[ClusterNode]] = {}
        for node in self.nodes.values():
            members = found.setdefault(node.shard_id, [])
            if node.primary is None:
                members.insert(0, node)
            else:
                members.append(node)
        return list(found.values())

    def bump_epoch(self) -> bool:
        """Take an epoch greater than all others; False if this node has it already."""
        greatest = self.current_epoch
        for node in self.nodes.values():
            greatest = max(greatest, node.epoch)
        if self.myself.epoch != 0 and self.myself.epoch == greatest:
            return False
        self.current_epoch = greatest + 1
        self.myself.epoch = self.current_epoch
        return True

    def reset(self, hard: bool) -> None:
        """Forget all other nodes and all slots; ``hard``: become another node, too."""
        for slot in range(SLOT_COUNT):
            self.release(slot)
        self.migrating = {}
        self.importing = {}
        if hard:
            self.current_epoch = 0
            self.myself.epoch = 0
            self.myself.id = self._new_id()
            self.myself.shard_id = self._new_id()
        self.nodes = {self.myself.id: self.myself}
        self.update()
