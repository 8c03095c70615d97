"""The topology of a replication group: shards, replicas, zones and slots.

With cluster mode disabled there is one shard: a primary and its replicas, reached through a primary and a reader
endpoint. With cluster mode enabled the 16,384 slots are spread over shards, and clients start from one configuration
endpoint. Compatible is a step from the first to the second: the group is one shard of a cluster, and clients of both
kinds can use it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Any

from aws_cdk import aws_elasticache as elasticache
from constructs import IConstruct

from cachetwin_cdk.checks._places import require_zones_of_region
from cachetwin_cdk.checks._types import checked_arguments
from cachetwin_cdk.checks._validate import (
    ValidationError,
    WarningId,
    known,
    known_elements,
    refuse,
    require_between,
    require_match,
    warn,
)
from cachetwin_cdk.engine.engine_version import EngineVersion

REPLICAS_MAX = 5
SHARDS_MAX = 500
SLOT_COUNT = 16_384
_NODES_QUOTA = 90  # default quota of nodes per cluster; AWS raises it on request


class ClusterMode(StrEnum):
    """Whether keys are spread over shards."""

    DISABLED = "disabled"
    ENABLED = "enabled"
    COMPATIBLE = "compatible"


@checked_arguments
@dataclass(frozen=True)
class Shard:
    """Where one shard is and which slots it owns. ElastiCache decides what is left out.

    Args:
        primary_availability_zone: The zone of the primary.
        replica_availability_zones: The zones of the replicas, one for each.
        slots: The slots of the shard, written ``0-5461``, with commas between several ranges. By default slots are
            spread evenly.
        replicas: The number of replicas. By default that of the replication group.
        shard_id: An id of up to four digits. By default shards are numbered from 0001.
    """

    primary_availability_zone: str | None = None
    replica_availability_zones: tuple[str, ...] = ()
    slots: str | None = None
    replicas: int | None = None
    shard_id: str | None = None

    @property
    def zones(self) -> tuple[str, ...]:
        """The zones that are named, the primary's first."""
        primary = (self.primary_availability_zone,) if self.primary_availability_zone is not None else ()
        return (*primary, *self.replica_availability_zones)


@dataclass(frozen=True)
class Topology:
    """The arguments about shards, replicas and zones, checked together."""

    cluster_mode: ClusterMode
    shard_count: int
    replicas: int
    shards: Sequence[Shard]
    preferred_availability_zones: Sequence[str]
    automatic_failover: bool
    multi_az: bool

    @property
    def is_clustered(self) -> bool:
        """Whether the engine runs in cluster mode, which one shard can, too."""
        return self.cluster_mode is not ClusterMode.DISABLED

    @property
    def node_count(self) -> int:
        """Primaries and replicas together."""
        if not self.shards:
            return self.shard_count * (1 + self.replicas)
        return sum(1 + self._replicas_of(shard) for shard in self.shards)

    @property
    def _is_pinned_to_one_zone(self) -> bool:
        placements = [known_elements(self.preferred_availability_zones), *(shard.zones for shard in self.shards)]
        return any(len(zones) > 1 and known(*zones) and len(set(zones)) == 1 for zones in placements)

    def node_ids(self, replication_group_id: str) -> list[str]:
        """The ids of the nodes, derived from that of the group: ``<group>-001``, in cluster mode ``<group>-0001-001``."""
        if not self.is_clustered:
            return [f"{replication_group_id}-{node:03}" for node in range(1, self.replicas + 2)]
        shards = self.shards or [Shard()] * self.shard_count
        return [
            f"{replication_group_id}-{(shard.shard_id or str(number)).zfill(4)}-{node:03}"
            for number, shard in enumerate(shards, start=1)
            for node in range(1, self._replicas_of(shard) + 2)
        ]

    def validate(self, engine_version: EngineVersion) -> None:
        """Raise ValidationError for a topology that ElastiCache refuses, as far as it does not depend on the subnets."""
        for name, value in (("replicas", self.replicas), ("shards", self.shard_count)):
            if not known(value):
                refuse(name, "be known at synth, because nodes are counted from it", "a token", "write the number")
        require_between(
            "replicas", self.replicas, 0, REPLICAS_MAX, remedy="a shard has at most six nodes, its primary included"
        )
        require_between("shards", self.shard_count, 1, SHARDS_MAX, remedy="choose a number in that range")
        self._require_mode(engine_version)
        self._require_availability()
        if self.shards:
            self._require_shards()
        if known_elements(self.preferred_availability_zones):
            self._require_preferred()

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
                "select subnets of more zones, or set multi_az=False",
            )
        named = [("preferred_availability_zones", zone) for zone in self.preferred_availability_zones]
        named += [("shard_placement", zone) for shard in self.shards for zone in shard.zones]
        for name, zone in named:
            if known(zone, *availability_zones) and zone not in availability_zones:
                refuse(
                    name, f"be among the zones of the subnets, {ours}", zone, "name one of those or add a subnet in it"
                )

    def require_zones_of_region(self, scope: IConstruct) -> None:
        """Raise ValidationError for a named zone of another region."""
        require_zones_of_region(
            "preferred_availability_zones", scope, known_elements(self.preferred_availability_zones)
        )
        for shard in self.shards:
            require_zones_of_region("shard_placement", scope, known_elements(shard.zones))

    def require_slots_of_files(self, arns: Sequence[str]) -> None:
        """Raise ValidationError for a cluster that is filled from files in S3 without saying which slots a shard owns."""
        if not arns or self.cluster_mode is not ClusterMode.ENABLED:
            return
        if not self.shards or any(shard.slots is None for shard in self.shards):
            raise ValidationError(
                "shard_placement must say the slots of each shard with snapshot_arns, got shards without; write "
                'shard_placement=[Shard(slots="0-8191"), Shard(slots="8192-16383")]'
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
        if self.cluster_mode is ClusterMode.ENABLED and self.node_count == self.shard_count:
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
        problem = _slots_problem([shard.slots for shard in self.shards])
        if problem:
            warn(
                scope,
                WarningId.SLOTS,
                f"shard_placement should give each of the {SLOT_COUNT} slots to one shard; {problem}",
            )

    def render(self, engine_version: EngineVersion) -> dict[str, Any]:
        """The properties of CfnReplicationGroup that describe the topology."""
        failover = {"automatic_failover_enabled": self.automatic_failover, "multi_az_enabled": self.multi_az}
        zones = list(self.preferred_availability_zones) or None
        one_shard = {**failover, "num_cache_clusters": self.replicas + 1, "preferred_cache_cluster_a_zs": zones}
        if not self.is_clustered:
            return one_shard
        # Older engines are clusters because of their parameter group; the property came with Redis 7.
        mode = self.cluster_mode.value if engine_version.at_least(valkey="7.2", redis="7.0") else None
        if self.cluster_mode is ClusterMode.COMPATIBLE and not self.shards:
            # As in the mode before: the service changes the mode and nothing else in one step.
            return {**one_shard, "cluster_mode": mode}
        return {
            **failover,
            "cluster_mode": mode,
            "preferred_cache_cluster_a_zs": zones,
            "num_node_groups": self.shard_count,
            "replicas_per_node_group": None if self.shards else self.replicas,
            "node_group_configuration": [self._rendered(shard) for shard in self.shards] or None,
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

    def _require_mode(self, engine_version: EngineVersion) -> None:
        if self.cluster_mode is ClusterMode.COMPATIBLE and not engine_version.at_least(valkey="7.2", redis="7.0"):
            refuse(
                "cluster_mode",
                "be compatible only from Redis 7.0 or Valkey 7.2 on",
                engine_version,
                "choose a newer engine_version, or restore a snapshot into a group with cluster mode enabled",
            )
        if self.cluster_mode is ClusterMode.DISABLED and (self.shard_count > 1 or self.shards):
            refuse(
                "cluster_mode",
                "be enabled to have shards",
                self.cluster_mode,
                "set cluster_mode=ClusterMode.ENABLED, or leave shards and shard_placement out",
            )
        if self.cluster_mode is ClusterMode.COMPATIBLE and self.shard_count > 1:
            refuse(
                "shards",
                "be 1 with cluster_mode COMPATIBLE",
                self.shard_count,
                "move to ClusterMode.ENABLED first, then add shards",
            )
        if self.preferred_availability_zones and (self.shard_count > 1 or self.shards):
            raise ValidationError(
                "preferred_availability_zones must be left out with several shards or shard_placement, got them; place "
                "each shard with shard_placement"
            )

    def _require_availability(self) -> None:
        if self.is_clustered and not self.automatic_failover:
            refuse(
                "automatic_failover",
                f"be True with cluster mode {self.cluster_mode}",
                self.automatic_failover,
                "leave it on",
            )
        if self.multi_az and not self.automatic_failover:
            refuse(
                "automatic_failover",
                "be True when multi_az is True",
                self.automatic_failover,
                "set automatic_failover=True or multi_az=False",
            )
        least = min([self._replicas_of(shard) for shard in self.shards], default=self.replicas)
        if self.automatic_failover and self.cluster_mode is not ClusterMode.ENABLED and least < 1:
            refuse(
                "replicas",
                "be at least 1 for automatic failover",
                least,
                "add a replica, or set automatic_failover=False and multi_az=False",
            )
        if self.multi_az and least < 1:
            refuse("replicas", "be at least 1 for Multi-AZ", least, "add a replica, or set multi_az=False")

    def _require_shards(self) -> None:
        if len(self.shards) != self.shard_count:
            refuse(
                "shard_placement",
                f"describe each of the {self.shard_count} shards",
                len(self.shards),
                "list as many shards as there are",
            )
        ids = [shard.shard_id for shard in self.shards if shard.shard_id is not None]
        if known(*ids) and len(ids) != len({shard_id.zfill(4) for shard_id in ids}):
            refuse("shard_placement", "give each shard an id of its own", ", ".join(ids), "rename one")
        for shard in self.shards:
            require_match(
                "shard_id", shard.shard_id, r"\d{1,4}", "hold 1 to 4 digits", remedy="write it as 0001, or leave it out"
            )
            require_between("replicas", shard.replicas, 0, REPLICAS_MAX, remedy="a shard has at most six nodes")
            self._require_replica_zones(shard)
            _require_slots(shard.slots)

    def _require_replica_zones(self, shard: Shard) -> None:
        zones, replicas = known_elements(shard.replica_availability_zones), self._replicas_of(shard)
        if zones and len(zones) != replicas:
            refuse(
                "replica_availability_zones",
                f"name one zone for each of the {replicas} replicas",
                len(zones),
                "list as many zones as the shard has replicas",
            )

    def _require_preferred(self) -> None:
        if len(self.preferred_availability_zones) != self.replicas + 1:
            refuse(
                "preferred_availability_zones",
                f"name one zone for each of the {self.replicas + 1} nodes, the primary's first",
                len(self.preferred_availability_zones),
                "list as many zones as there are nodes",
            )


def _require_slots(slots: str | None) -> None:
    require_match(
        "slots", slots, r"\d{1,5}-\d{1,5}(,\d{1,5}-\d{1,5})*", "be written first-last", remedy="write them as 0-5461"
    )
    if slots is None or not known(slots):
        return
    for first, last in _ranges(slots):
        if not first <= last < SLOT_COUNT:
            refuse("slots", f"ascend within 0 and {SLOT_COUNT - 1}", f"{first}-{last}", "correct that range")


def _ranges(slots: str) -> list[tuple[int, int]]:
    pairs = [part.split("-") for part in slots.split(",")]
    return [(int(first), int(last)) for first, last in pairs]


def _slots_problem(all_slots: Sequence[str | None]) -> str | None:
    """What is wrong with the slots of all shards together, or None; None also when some are unknown."""
    slots = [text for text in all_slots if text is not None]
    if not slots or not known(*slots):
        return None
    if len(slots) != len(all_slots):
        return "only some shards say which slots they own"
    ranges = sorted(pair for text in slots for pair in _ranges(text))
    overlap = next((right for left, right in pairwise(ranges) if right[0] <= left[1]), None)
    if overlap:
        return f"slot {overlap[0]} is given twice"
    missing = SLOT_COUNT - sum(last - first + 1 for first, last in ranges)
    return f"{missing} slots are given to none" if missing else None
