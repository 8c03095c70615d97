"""A cluster's topology as somebody outside decides it: shards, their slots and nodes, and the slots that are to move.

Plain values. ``ClusterState.adopt`` makes them this node's slot table.
"""

from typing import Final

ONLINE: Final = "online"
LOADING: Final = "loading"
FAILED: Final = "fail"
HEALTH: Final = (ONLINE, LOADING, FAILED)


class TopologyNode:
    """A node of a shard."""

    def __init__(self, node_id: bytes, ip: str, port: int) -> None:
        self.id = node_id  # 40 hexadecimal digits
        self.ip = ip
        self.port = port  # for clients
        self.hostname = ""
        self.bus_port = 0  # as CLUSTER NODES shows it; 0: the port and 10000
        self.tls = False  # clients and other nodes connect over TLS
        self.is_primary = False
        self.zone = ""
        self.health = ONLINE
        self.offset = 0  # of the replication stream, as far as it is known outside


class TopologyShard:
    """A shard: at most one of its nodes is the primary."""

    def __init__(self, shard_id: bytes) -> None:
        self.id = shard_id  # 40 hexadecimal digits
        self.epoch = 0  # of its configuration: greater after each change of its primary or its slots
        self.ranges: list[tuple[int, int]] = []  # first and last slot
        self.nodes: list[TopologyNode] = []


class SlotMove:
    """Slots that go, with their keys, from the shard that owns them to another one."""

    def __init__(self, ranges: list[tuple[int, int]], source: bytes, target: bytes) -> None:
        self.ranges = ranges
        self.source = source  # ids of shards
        self.target = target


class Topology:
    """A whole cluster. ``me`` is the id of the node that receives this."""

    def __init__(self, epoch: int, me: bytes) -> None:
        self.epoch = epoch
        self.me = me
        self.secret = b""  # by which nodes know each other; without one they do not connect
        self.shards: list[TopologyShard] = []
        self.moves: list[SlotMove] = []
