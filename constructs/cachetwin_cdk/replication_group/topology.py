"""The topology of a replication group: shards, replicas, zones and slots.

With cluster mode disabled there is one shard: a primary and its replicas, reached through a primary and a reader
endpoint. With cluster mode enabled the 16,384 slots are spread over shards, and clients start from one configuration
endpoint. Compatible is a step from the first to the second: the group is one shard of a cluster, and clients of both
kinds can use it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from aws_cdk import aws_elasticache as elasticache
from constructs import IConstruct

from cachetwin_cdk.checks._places import require_zones_of_region
from cachetwin_cdk.checks._types import checked_arguments, checked_function
from cachetwin_cdk.checks._validate import (
    ValidationError,
    WarningId,
    known,
    known_elements,
    refuse,
    require_between,
    warn,
)
from cachetwin_cdk.engine.engine_version import EngineVersion

from .shard import REPLICAS_MAX, SLOT_COUNT, Shard, slots_problem

SHARDS_MAX = 500
_NODES_QUOTA = 90  # default quota of nodes per cluster; AWS raises it on request


class ClusterMode(StrEnum):
    """Whether keys are spread over shards."""

    DISABLED = "disabled"
    ENABLED = "enabled"
    COMPATIBLE = "compatible"


class Failover(StrEnum):
    """What happens when the primary of a cache fails."""

    MULTI_AZ = "multi-az"
    """A replica in another availability zone takes over."""
    AUTOMATIC = "automatic"
    """A replica takes over; all nodes may be in one zone."""
    MANUAL = "manual"
    """Somebody promotes a replica."""

    @property
    def is_automatic(self) -> bool:
        """Whether a replica takes over by itself."""
        return self is not Failover.MANUAL

    def render(self) -> dict[str, Any]:
        """The properties of CfnReplicationGroup."""
        return {"automatic_failover_enabled": self.is_automatic, "multi_az_enabled": self is Failover.MULTI_AZ}


@checked_arguments
@dataclass(frozen=True, kw_only=True)
class Topology:
    """The shards and replicas of a cache, and their zones: made by ``replicated()``, ``cluster()`` and the like.

    A change between two topologies is done in place, except that zones that were named cannot change: that replaces
    the cache. To move a cache to cluster mode, deploy ``replicated()``, ``compatible()`` and ``cluster()`` one after the
    other, with no other change.

    Args:
        cluster_mode: Whether keys are spread over shards.
        shards: The number of shards.
        replicas: The number of replicas of each shard.
        failover: What happens when a primary fails.
        availability_zones: The zone of each node of the only shard, the primary's first. By default ElastiCache
            chooses. Changing it replaces the cache.
        placement: One ``Shard`` for each shard. By default ElastiCache chooses.
    """

    cluster_mode: ClusterMode = ClusterMode.DISABLED
    shards: int = 1
    replicas: int = 1
    failover: Failover = Failover.MULTI_AZ
    availability_zones: Sequence[str] = ()
    placement: Sequence[Shard] = ()

    def __post_init__(self) -> None:
        for name, value in (("replicas", self.replicas), ("shards", self.shards)):
            if not known(value):
                refuse(name, "be known at synth, because nodes are counted from it", "a token", "write the number")
        require_between(
            "replicas", self.replicas, 0, REPLICAS_MAX, remedy="a shard has at most six nodes, its primary included"
        )
        require_between("shards", self.shards, 1, SHARDS_MAX, remedy="choose a number in that range")
        self._require_mode()
        self._require_availability()
        if self.placement:
            self._require_placement()
        if known_elements(self.availability_zones):
            self._require_zone_per_node()

    @staticmethod
    @checked_function
    def single_node(*, availability_zone: str | None = None) -> "Topology":
        """One node without replicas: what it holds is lost with it.

        Args:
            availability_zone: The zone of the node. By default ElastiCache chooses. Changing it replaces the cache.
        """
        zones = (availability_zone,) if availability_zone is not None else ()
        return Topology(replicas=0, failover=Failover.MANUAL, availability_zones=zones)

    @staticmethod
    @checked_function
    def replicated(
        replicas: int = 1, *, failover: Failover = Failover.MULTI_AZ, availability_zones: Sequence[str] = ()
    ) -> "Topology":
        """A primary and its replicas, with cluster mode disabled: a primary and a reader endpoint.

        Args:
            replicas: The number of replicas, 1 to 5.
            failover: What happens when the primary fails. MULTI_AZ needs subnets in two zones.
            availability_zones: The zone of each node, the primary's first. By default ElastiCache chooses. Changing
                it replaces the cache: keep it while the cluster mode changes.
        """
        if known(replicas) and replicas == 0:
            refuse("replicas", f"be between 1 and {REPLICAS_MAX}", 0, "Topology.single_node() has none")
        return Topology(replicas=replicas, failover=failover, availability_zones=availability_zones)

    @staticmethod
    @checked_function
    def compatible(replicas: int = 1, *, multi_az: bool = True, availability_zones: Sequence[str] = ()) -> "Topology":
        """One shard that clients with and without the cluster protocol can use: the step to ``cluster()``.

        Args:
            replicas: The number of replicas, 1 to 5.
            multi_az: Whether the nodes are in different availability zones.
            availability_zones: The zone of each node, the primary's first. By default ElastiCache chooses. Changing
                it replaces the cache.
        """
        return Topology(
            cluster_mode=ClusterMode.COMPATIBLE,
            replicas=replicas,
            failover=Failover.MULTI_AZ if multi_az else Failover.AUTOMATIC,
            availability_zones=availability_zones,
        )

    @staticmethod
    @checked_function
    def cluster(
        shards: int = 1, *, replicas: int = 1, multi_az: bool | None = None, availability_zones: Sequence[str] = ()
    ) -> "Topology":
        """Keys spread over shards, with cluster mode enabled: a configuration endpoint.

        Args:
            shards: The number of shards, 1 to 500. A change moves slots while the cache serves.
            replicas: The number of replicas of each shard, 0 to 5. Without one the keys of a shard are lost with its
                node.
            multi_az: Whether the nodes of a shard are in different availability zones. By default where there are
                replicas.
            availability_zones: The zone of each node of a single shard, as it was before the cache became a cluster.
                By default ElastiCache chooses. Changing it replaces the cache.
        """
        spread = known(replicas) and replicas > 0 if multi_az is None else multi_az
        return Topology(
            cluster_mode=ClusterMode.ENABLED,
            shards=shards,
            replicas=replicas,
            failover=Failover.MULTI_AZ if spread else Failover.AUTOMATIC,
            availability_zones=availability_zones,
        )

    @staticmethod
    @checked_function
    def placed(shards: Sequence[Shard], *, replicas: int = 1, multi_az: bool = True) -> "Topology":
        """A cluster whose shards have zones, slots or numbers of replicas of their own.

        CloudFormation changes neither the number of replicas nor the zones of a shard that exists
        (cloudformation-coverage-roadmap #918 and #899). Slots are needed to restore RDB files.

        Args:
            shards: One ``Shard`` for each shard.
            replicas: The number of replicas of a shard that says none.
            multi_az: Whether the nodes of a shard are in different availability zones.
        """
        return Topology(
            cluster_mode=ClusterMode.ENABLED,
            shards=len(shards),
            replicas=replicas,
            failover=Failover.MULTI_AZ if multi_az else Failover.AUTOMATIC,
            placement=shards,
        )

    @property
    def automatic_failover(self) -> bool:
        """Whether a replica takes over by itself."""
        return self.failover.is_automatic

    @property
    def multi_az(self) -> bool:
        """Whether the nodes of a shard are in different zones."""
        return self.failover is Failover.MULTI_AZ

    @property
    def is_clustered(self) -> bool:
        """Whether the engine runs in cluster mode, which one shard can, too."""
        return self.cluster_mode is not ClusterMode.DISABLED

    @property
    def fewest_replicas(self) -> int:
        """The replicas of the shard that has the fewest."""
        own = [shard.replicas if shard.replicas is not None else self.replicas for shard in self.placement]
        return min(own, default=self.replicas)

    @property
    def node_count(self) -> int:
        """Primaries and replicas together."""
        if not self.placement:
            return self.shards * (1 + self.replicas)
        return sum(1 + self._replicas_of(shard) for shard in self.placement)

    @property
    def _is_pinned_to_one_zone(self) -> bool:
        placements = [known_elements(self.availability_zones), *(shard.zones for shard in self.placement)]
        return any(len(zones) > 1 and known(*zones) and len(set(zones)) == 1 for zones in placements)

    def node_ids(self, replication_group_id: str) -> list[str]:
        """The ids of the nodes, derived from that of the group: ``<group>-001``, in cluster mode ``<group>-0001-001``."""
        if not self.is_clustered:
            return [f"{replication_group_id}-{node:03}" for node in range(1, self.replicas + 2)]
        shards = self.placement or [Shard()] * self.shards
        return [
            f"{replication_group_id}-{(shard.shard_id or str(number)).zfill(4)}-{node:03}"
            for number, shard in enumerate(shards, start=1)
            for node in range(1, self._replicas_of(shard) + 2)
        ]

    def validate(self, engine_version: EngineVersion) -> None:
        """Raise ValidationError for a cluster mode that the engine does not have."""
        if self.cluster_mode is ClusterMode.COMPATIBLE and not engine_version.at_least(valkey="7.2", redis="7.0"):
            refuse(
                "topology",
                "be compatible only from Redis 7.0 or Valkey 7.2 on",
                engine_version,
                "choose a newer engine_version, or restore a snapshot into a cluster",
            )

    def require_zones(self, availability_zones: Sequence[str]) -> None:
        """Require two zones for Multi-AZ, and that each named zone has a subnet; unknown zones pass."""
        if not availability_zones or not known(list(availability_zones)):
            return
        ours = ", ".join(sorted(set(availability_zones)))
        if self.multi_az and len(set(availability_zones)) < 2:
            refuse(
                "vpc_subnets",
                "lie in at least 2 availability zones for Multi-AZ",
                ours,
                "select subnets of more zones, or choose a topology without Multi-AZ",
            )
        named = [("availability_zones", zone) for zone in self.availability_zones]
        named += [("placement", zone) for shard in self.placement for zone in shard.zones]
        for name, zone in named:
            if known(zone, *availability_zones) and zone not in availability_zones:
                refuse(
                    name, f"be among the zones of the subnets, {ours}", zone, "name one of those or add a subnet in it"
                )

    def require_zones_of_region(self, scope: IConstruct) -> None:
        """Raise ValidationError for a named zone of another region."""
        require_zones_of_region("availability_zones", scope, known_elements(self.availability_zones))
        for shard in self.placement:
            require_zones_of_region("placement", scope, known_elements(shard.zones))

    def require_slots_of_files(self, arns: Sequence[str]) -> None:
        """Raise ValidationError for a cluster that is filled from files in S3 without saying which slots a shard owns."""
        if not arns or self.cluster_mode is not ClusterMode.ENABLED:
            return
        if not self.placement or any(shard.slots is None for shard in self.placement):
            raise ValidationError(
                "topology must say the slots of each shard to restore RDB files, got shards without; write "
                'Topology.placed([Shard(slots="0-8191"), Shard(slots="8192-16383")])'
            )

    def add_warnings(self, scope: IConstruct) -> None:
        """Warn of what ElastiCache may refuse."""
        if self.node_count > _NODES_QUOTA:
            warn(
                scope,
                WarningId.NODE_QUOTA,
                f"{self.node_count} nodes are more than the default quota of {_NODES_QUOTA} per cluster; have the quota "
                "raised before deploying, then acknowledge this warning",
            )
        if self.cluster_mode is ClusterMode.ENABLED and self.node_count == self.shards:
            warn(
                scope,
                WarningId.NO_REPLICA,
                "without replicas the keys of a shard are lost with its node (cloudformation-coverage-roadmap #1275); "
                "set replicas=1",
            )
        if self.multi_az and self._is_pinned_to_one_zone:
            warn(
                scope,
                WarningId.ONE_ZONE,
                "all nodes of a shard are in one zone, so Multi-AZ protects from nothing; name zones that differ, or "
                "set multi_az=False",
            )
        problem = slots_problem([shard.slots for shard in self.placement])
        if problem:
            warn(
                scope,
                WarningId.SLOTS,
                f"placement should give each of the {SLOT_COUNT} slots to one shard; {problem}",
            )

    def render(self, engine_version: EngineVersion) -> dict[str, Any]:
        """The properties of CfnReplicationGroup that describe the topology."""
        failover = self.failover.render()
        zones = list(self.availability_zones) or None
        one_shard = {**failover, "num_cache_clusters": self.replicas + 1, "preferred_cache_cluster_a_zs": zones}
        if not self.is_clustered:
            return one_shard
        # Older engines are clusters because of their parameter group; the property came with Redis 7.
        mode = self.cluster_mode.value if engine_version.at_least(valkey="7.2", redis="7.0") else None
        if self.cluster_mode is ClusterMode.COMPATIBLE and not self.placement:
            # As in the mode before: the service changes the mode and nothing else in one step.
            return {**one_shard, "cluster_mode": mode}
        return {
            **failover,
            "cluster_mode": mode,
            "preferred_cache_cluster_a_zs": zones,
            "num_node_groups": self.shards,
            "replicas_per_node_group": None if self.placement else self.replicas,
            "node_group_configuration": [self._rendered(shard) for shard in self.placement] or None,
        }

    def _rendered(self, shard: Shard) -> elasticache.CfnReplicationGroup.NodeGroupConfigurationProperty:
        return elasticache.CfnReplicationGroup.NodeGroupConfigurationProperty(
            node_group_id=shard.shard_id,
            primary_availability_zone=shard.primary_availability_zone,
            replica_availability_zones=list(shard.replica_availability_zones) or None,
            replica_count=self._replicas_of(shard),
            slots=shard.slots,
        )

    def _replicas_of(self, shard: Shard) -> int:
        return self.replicas if shard.replicas is None else shard.replicas

    def _require_mode(self) -> None:
        if self.cluster_mode is not ClusterMode.ENABLED and (self.shards > 1 or self.placement):
            refuse("cluster_mode", "be enabled to have shards", self.cluster_mode, "make it with Topology.cluster()")
        if self.availability_zones and (self.shards > 1 or self.placement):
            raise ValidationError(
                "availability_zones must be left out with several shards, got them; place each shard with "
                "Topology.placed()"
            )

    def _require_availability(self) -> None:
        if self.is_clustered and not self.automatic_failover:
            refuse("failover", f"not be MANUAL with cluster mode {self.cluster_mode}", self.failover, "leave it out")
        least = min([self._replicas_of(shard) for shard in self.placement], default=self.replicas)
        if self.multi_az and least < 1:
            refuse("replicas", "be at least 1 for Multi-AZ", least, "add a replica, or set multi_az=False")
        if self.automatic_failover and self.cluster_mode is not ClusterMode.ENABLED and least < 1:
            refuse(
                "replicas",
                "be at least 1 for automatic failover",
                least,
                "add a replica, or use Topology.single_node()",
            )

    def _require_placement(self) -> None:
        if len(self.placement) != self.shards:
            refuse(
                "placement",
                f"describe each of the {self.shards} shards",
                len(self.placement),
                "list as many shards as there are",
            )
        ids = [shard.shard_id for shard in self.placement if shard.shard_id is not None]
        if known(*ids) and len(ids) != len({shard_id.zfill(4) for shard_id in ids}):
            refuse("shard_id", "be one shard's only", ", ".join(ids), "rename one")
        for shard in self.placement:
            self._require_replica_zones(shard)

    def _require_replica_zones(self, shard: Shard) -> None:
        zones, replicas = known_elements(shard.replica_availability_zones), self._replicas_of(shard)
        if zones and len(zones) != replicas:
            refuse(
                "replica_availability_zones",
                f"name one zone for each of the {replicas} replicas",
                len(zones),
                "list as many zones as the shard has replicas",
            )

    def _require_zone_per_node(self) -> None:
        if len(self.availability_zones) != self.replicas + 1:
            refuse(
                "availability_zones",
                f"name one zone for each of the {self.replicas + 1} nodes, the primary's first",
                len(self.availability_zones),
                "list as many zones as there are nodes",
            )
