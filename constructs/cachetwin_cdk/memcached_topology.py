"""The nodes of a Memcached cluster and their zones."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from constructs import IConstruct

from .checks._places import require_zones_of_region
from .checks._types import checked_arguments, checked_function
from .checks._validate import WarningId, known, known_elements, refuse, require_between, warn

# The API says 40, the user guide 60: above the first it is not certain.
_NODES_CERTAIN, NODES_MAX = 40, 60


@checked_arguments
@dataclass(frozen=True, kw_only=True)
class MemcachedTopology:
    """The nodes of a cluster, over which clients spread keys: made by ``across_zones()`` and the like.

    Args:
        nodes: The number of nodes.
        crosses_zones: Whether they are in several availability zones.
        availability_zones: The zone of each node. By default ElastiCache chooses. Changing the zone of an existing
            node replaces the cache.
    """

    nodes: int = 2
    crosses_zones: bool = True
    availability_zones: Sequence[str] = ()

    def __post_init__(self) -> None:
        zones = known_elements(self.availability_zones)
        if not known(self.nodes):
            refuse("nodes", "be known at synth, because zones are counted from it", "a token", "write the number")
        require_between("nodes", self.nodes, 1, NODES_MAX, remedy="choose a number in that range")
        if self.crosses_zones and self.nodes < 2:
            refuse(
                "nodes",
                "be at least 2 to lie in several zones",
                self.nodes,
                "add a node, or use MemcachedTopology.in_one_zone()",
            )
        if zones and len(zones) != self.nodes:
            refuse(
                "availability_zones",
                f"name one zone for each of the {self.nodes} nodes",
                len(zones),
                "list as many zones as there are nodes",
            )
        if zones and known(*zones) and self.crosses_zones is not (len(set(zones)) > 1):
            refuse(
                "availability_zones",
                "name several zones to spread nodes over them" if self.crosses_zones else "name one zone",
                ", ".join(zones),
                "name other zones, or use MemcachedTopology.in_zones()",
            )

    @staticmethod
    @checked_function
    def across_zones(nodes: int = 2) -> "MemcachedTopology":
        """Nodes in several availability zones, which ElastiCache chooses.

        Args:
            nodes: The number of nodes, 2 to 60.
        """
        return MemcachedTopology(nodes=nodes)

    @staticmethod
    @checked_function
    def in_one_zone(nodes: int = 1) -> "MemcachedTopology":
        """Nodes in one availability zone, which ElastiCache chooses.

        Args:
            nodes: The number of nodes, 1 to 60.
        """
        return MemcachedTopology(nodes=nodes, crosses_zones=False)

    @staticmethod
    @checked_function
    def in_zones(availability_zones: Sequence[str], *, nodes: int | None = None) -> "MemcachedTopology":
        """Nodes in zones that are named.

        Args:
            availability_zones: The zone of each node. Changing the zone of an existing node replaces the cache.
            nodes: The number of nodes. By default that of the zones; it has to be said where those are known at
                deployment only.
        """
        if nodes is None and not known(list(availability_zones)):
            refuse("nodes", "be given with zones that are known at deployment only", nodes, "write the number")
        several = len(set(availability_zones)) > 1 or not known_elements(availability_zones)
        return MemcachedTopology(
            nodes=len(availability_zones) if nodes is None else nodes,
            crosses_zones=several,
            availability_zones=availability_zones,
        )

    def require_zones_of_region(self, scope: IConstruct) -> None:
        """Raise ValidationError for a named zone of another region."""
        require_zones_of_region("availability_zones", scope, known_elements(self.availability_zones))

    def require_zones(self, availability_zones: Sequence[str]) -> None:
        """Require that each named zone has a subnet, and several zones to cross; unknown zones pass."""
        ours = sorted(set(availability_zones))
        for zone in known_elements(self.availability_zones):
            if ours and known(zone, *ours) and zone not in ours:
                refuse(
                    "availability_zones",
                    f"be among the zones of the subnets, {', '.join(ours)}",
                    zone,
                    "name one of those or add a subnet in it",
                )
        if self.crosses_zones and len(ours) == 1:
            refuse(
                "vpc_subnets",
                "lie in at least 2 availability zones to spread nodes over them",
                ours[0],
                "select subnets of more zones, or use MemcachedTopology.in_one_zone()",
            )

    def add_warnings(self, scope: IConstruct) -> None:
        """Warn of more nodes than the API's documentation allows."""
        warn_of_many_nodes(scope, self.nodes)

    def render(self) -> dict[str, Any]:
        """The properties of CfnCacheCluster."""
        return {
            "num_cache_nodes": self.nodes,
            "az_mode": "cross-az" if self.crosses_zones else "single-az",
            "preferred_availability_zones": list(self.availability_zones) or None,
        }


def warn_of_many_nodes(scope: IConstruct, nodes: int) -> None:
    """Warn of more nodes than the API's documentation allows."""
    if known(nodes) and nodes > _NODES_CERTAIN:
        warn(
            scope,
            WarningId.MEMCACHED_NODES_UNCONFIRMED,
            f"{nodes} nodes are more than the {_NODES_CERTAIN} of the API's documentation, though the user guide says "
            f"{NODES_MAX}; check your quota, then acknowledge this warning",
        )
