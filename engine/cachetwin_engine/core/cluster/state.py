"""The slot table of one node: the owner of each slot, the slots that are being moved, and whether the cluster is up.

It holds what this node has been given. There is no gossip: ``add_node`` adds other nodes, called by CLUSTER commands and by
the supervisor, which has the topology.
"""

from typing import Final

from cachetwin_engine.core.keyspace.slots import SLOT_COUNT
from cachetwin_engine.core.text.random_source import RandomSource

BUS_PORT_OFFSET: Final = 10000


class ClusterNode:
    """A node in this node's table."""

    def __init__(self, node_id: bytes, shard_id: bytes, ip: str = "", port: int = 0, hostname: str = "") -> None:
        self.id = node_id  # 40 hexadecimal digits
        self.shard_id = shard_id
        self.ip = ip
        self.port = port
        self.hostname = hostname
        self.epoch = 0
        self.slot_count = 0


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
        self.usage: dict[int, SlotUsage] = {}
        self.current_epoch = 0
        self.needs_full_coverage = True
        self.healthy = False
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
        assigned = 0
        for node in self.nodes.values():
            assigned += node.slot_count
        self.healthy = assigned > 0 and (assigned == SLOT_COUNT or not self.needs_full_coverage)

    def size(self) -> int:
        """How many nodes own slots."""
        return sum([1 for node in self.nodes.values() if node.slot_count])

    def ranges(self, node: ClusterNode) -> list[tuple[int, int]]:
        """The slots of ``node``, as first and last of each unbroken run."""
        found: list[tuple[int, int]] = []
        first = -1
        for slot in range(SLOT_COUNT + 1):
            owned = slot < SLOT_COUNT and self.owners[slot] is node
            if owned and first < 0:
                first = slot
            elif not owned and first >= 0:
                found.append((first, slot - 1))
                first = -1
        return found

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
