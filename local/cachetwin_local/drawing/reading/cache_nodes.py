"""The nodes of a cache by shard and zone."""

from typing import Final

from cachetwin_local.assembly.resolved import Resolved
from cachetwin_local.drawing.architecture import NodeGrid, NodeRow

from .graph_reading import Reading
from .values import number_at, objects_at, strings_at, text_at

_ROWS_MAX: Final = 4
_NODES_MAX: Final = 4
_SHARDS_COUNT_MAX: Final = 500
_SHARD_NODES_COUNT_MAX: Final = 6
_CLUSTER_NODES_COUNT_MAX: Final = 300
"""The service's limits. A template beyond them cannot be deployed; its picture stops there."""


def replication_grid(_reading: Reading, resolved: Resolved, zones: tuple[str, ...]) -> NodeGrid | None:
    """A row for each shard of a replication group: its primary and its replicas, in the zones that the template names.

    Where it names none, the nodes of a shard are spread over the zones of the subnets, as the service spreads them.
    """
    properties = resolved.properties
    configured = list(objects_at(properties, "NodeGroupConfiguration"))
    shards = min(number_at(properties, "NumNodeGroups", default=max(1, len(configured))), _SHARDS_COUNT_MAX)
    replicas = number_at(properties, "ReplicasPerNodeGroup")
    if not replicas and shards == 1:
        replicas = max(0, number_at(properties, "NumCacheClusters", default=1) - 1)
    preferred = strings_at(properties, "PreferredCacheClusterAZs")
    placed: list[list[str]] = []
    for index in range(shards):
        own = configured[index] if index < len(configured) else {}
        named = [text_at(own, "PrimaryAvailabilityZone"), *strings_at(own, "ReplicaAvailabilityZones")]
        count = min(1 + number_at(own, "ReplicaCount", default=replicas), _SHARD_NODES_COUNT_MAX)
        given = [zone for zone in named if zone] or list(preferred)
        placed.append([_zone(given, zones, index, node) for node in range(count)])
    columns = tuple(sorted({*zones, *(zone for nodes in placed for zone in nodes)}))
    first = "reader" if text_at(properties, "GlobalReplicationGroupId") else "primary"
    labels = [f"shard {index + 1}" if shards > 1 else "" for index in range(shards)]
    rows = [_row(label, first, nodes, columns) for label, nodes in zip(labels, placed, strict=True)]
    return NodeGrid(columns, tuple(rows[:_ROWS_MAX]), max(0, len(rows) - _ROWS_MAX))


def _zone(given: list[str], zones: tuple[str, ...], shard: int, node: int) -> str:
    if node < len(given):
        return given[node]
    return zones[(shard + node) % len(zones)] if zones else "zone not stated"


def _row(label: str, first: str, nodes: list[str], zones: tuple[str, ...]) -> NodeRow:
    roles = [first, *["replica"] * (len(nodes) - 1)]
    cells = [tuple(role for role, place in zip(roles, nodes, strict=True) if place == zone) for zone in zones]
    return NodeRow(label, tuple(cells))


def cluster_grid(_reading: Reading, resolved: Resolved, zones: tuple[str, ...]) -> NodeGrid | None:
    """The nodes of a cluster without replication, as many in each zone as the template or the service puts there."""
    properties = resolved.properties
    count = min(number_at(properties, "NumCacheNodes", default=1), _CLUSTER_NODES_COUNT_MAX)
    given = list(strings_at(properties, "PreferredAvailabilityZones"))
    single = text_at(properties, "PreferredAvailabilityZone")
    if single and not single.lower().startswith("multiple"):
        given = [single] * count
    across = text_at(properties, "AZMode") == "cross-az"
    placed = [_zone(given, zones if across else zones[:1], 0, node) for node in range(count)]
    columns = tuple(sorted({*zones, *placed}))
    cells = tuple(
        ("node",) * placed.count(zone) if placed.count(zone) <= _NODES_MAX else (f"{placed.count(zone)} nodes",)
        for zone in columns
    )
    return NodeGrid(columns, (NodeRow("", cells),))
