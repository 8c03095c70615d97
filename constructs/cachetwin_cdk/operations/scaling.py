"""Automatic scaling of shards and replicas, by load or on a schedule.

Application Auto Scaling changes the number of shards or replicas after the deployment. The template keeps the first
numbers: a deployment that changes ``shards`` or ``replicas`` resets them, so do not change these once the cache scales.
The service scales in only below 75 percent of the target, and adds at least a fifth of the shards at once.
"""

from aws_cdk import aws_applicationautoscaling as appscaling
from constructs import Construct

from cachetwin_cdk.checks._types import checked_arguments
from cachetwin_cdk.checks._validate import (
    ValidationError,
    WarningId,
    refuse,
    require_between,
    validate_at_synth,
    warn,
)
from cachetwin_cdk.replication_group._base import IReplicationGroup, Use
from cachetwin_cdk.replication_group.replication_group import ReplicationGroup
from cachetwin_cdk.replication_group.shard import REPLICAS_MAX
from cachetwin_cdk.replication_group.topology import SHARDS_MAX, ClusterMode

from ._scaling_target import ScalingTarget

# Auto scaling guide: families and sizes that can scale.
_FAMILIES = frozenset({"r5", "r6g", "r6gd", "r7g", "r7gd", "r8g", "r8gd", "m5", "m6g", "m7g", "m8g", "c7gn", "c8gn"})
_SIZES = frozenset({"large", "xlarge", "2xlarge"})
_TARGET_PERCENT = (35, 70)
_RESERVED_MEMORY_PERCENT_MIN = 25


class _Scaling(ScalingTarget):
    """The base of ShardScaling and ReplicaScaling."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        cache: IReplicationGroup,
        dimension: str,
        min_capacity: int,
        max_capacity: int,
    ) -> None:
        _require_scalable(cache)
        super().__init__(
            scope,
            construct_id,
            cache=cache,
            resource_id=f"replication-group/{cache.replication_group_id}",
            dimension=f"replication-group:{dimension}",
            min_capacity=min_capacity,
            max_capacity=max_capacity,
            most=SHARDS_MAX if dimension == "NodeGroups" else REPLICAS_MAX,
        )
        cache._add_use(Use.SCALING, self)
        validate_at_synth(self, lambda: _require_one_region(cache))
        if cache._uses(Use.NODE_ALARMS):
            warn(
                self,
                WarningId.ALARMS_ON_FIXED_NODES,
                "CacheAlarms watches the first nodes one by one, not those that scaling adds; make the alarms after the "
                "scaling, or with per_node=False",
            )


@checked_arguments
class ShardScaling(_Scaling):
    """Automatic scaling of the number of shards, by CPU, by memory or on a schedule.

    Defines one AWS::ApplicationAutoScaling::ScalableTarget, to which the methods add policies and schedules.
    ElastiCache moves the slots while the cache serves.

    Args:
        cache: The replication group to scale. It needs cluster mode enabled, nodes from large to 2xlarge, and must
            not be in a global datastore.
        max_capacity: The largest number of shards.
        min_capacity: The smallest number of shards. One by default.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        cache: IReplicationGroup,
        max_capacity: int,
        min_capacity: int = 1,
    ) -> None:
        for name, value in (("min_capacity", min_capacity), ("max_capacity", max_capacity)):
            require_between(name, value, 1, SHARDS_MAX, unit="shards")
        super().__init__(
            scope,
            construct_id,
            cache=cache,
            dimension="NodeGroups",
            min_capacity=min_capacity,
            max_capacity=max_capacity,
        )
        self._has_ssd = cache.node_type is not None and cache.node_type.has_ssd

    def scale_on_engine_cpu(self, construct_id: str, *, target_percent: float = 60) -> None:
        """Keep the average CPU of the primaries' engine threads near the target."""
        _require_target(target_percent)
        metric = appscaling.PredefinedMetric.ELASTICACHE_PRIMARY_ENGINE_CPU_UTILIZATION
        self._track(construct_id, target_percent, predefined_metric=metric)

    def scale_on_memory(self, construct_id: str, *, target_percent: float = 60) -> None:
        """Keep the usage of the memory that counts for eviction near the target; on nodes with SSD, of memory and SSD."""
        _require_target(target_percent)
        kinds = appscaling.PredefinedMetric
        metric = (
            kinds.ELASTICACHE_DATABASE_CAPACITY_USAGE_COUNTED_FOR_EVICT_PERCENTAGE
            if self._has_ssd
            else kinds.ELASTICACHE_DATABASE_MEMORY_USAGE_COUNTED_FOR_EVICT_PERCENTAGE
        )
        self._track(construct_id, target_percent, predefined_metric=metric)


@checked_arguments
class ReplicaScaling(_Scaling):
    """Automatic scaling of the number of replicas of each shard, by the CPU of the replicas or on a schedule.

    Defines one AWS::ApplicationAutoScaling::ScalableTarget, to which the methods add policies and schedules.

    Args:
        cache: The replication group to scale. It needs cluster mode enabled, nodes from large to 2xlarge, and must
            not be in a global datastore.
        max_capacity: The largest number of replicas of a shard. Five by default, the most that ElastiCache allows.
        min_capacity: The smallest number of replicas of a shard. One by default.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        cache: IReplicationGroup,
        max_capacity: int = REPLICAS_MAX,
        min_capacity: int = 1,
    ) -> None:
        for name, value in (("min_capacity", min_capacity), ("max_capacity", max_capacity)):
            require_between(name, value, 1, REPLICAS_MAX, unit="replicas")
        own = cache.parameter_group.parameters if isinstance(cache, ReplicationGroup) else {}
        reserved = own.get("reserved-memory-percent", "")
        if reserved.isdigit() and int(reserved) < _RESERVED_MEMORY_PERCENT_MIN:
            refuse(
                "parameters['reserved-memory-percent']",
                f"be at least {_RESERVED_MEMORY_PERCENT_MIN} for replicas to be added under load",
                reserved,
                "leave it out",
            )
        super().__init__(
            scope,
            construct_id,
            cache=cache,
            dimension="Replicas",
            min_capacity=min_capacity,
            max_capacity=max_capacity,
        )

    def scale_on_engine_cpu(self, construct_id: str, *, target_percent: float = 60) -> None:
        """Keep the average CPU of the replicas' engine threads near the target."""
        _require_target(target_percent)
        metric = appscaling.PredefinedMetric.ELASTICACHE_REPLICA_ENGINE_CPU_UTILIZATION
        self._track(construct_id, target_percent, predefined_metric=metric)


def _require_target(target_percent: float) -> None:
    require_between("target_percent", target_percent, *_TARGET_PERCENT, unit="percent")


def _require_scalable(cache: IReplicationGroup) -> None:
    """Auto scaling guide: cluster mode, newer engines, some families and sizes; as far as they are known of ``cache``."""
    if isinstance(cache, ReplicationGroup):
        _require_engine(cache)
    elif cache._configuration_endpoint is None and cache._primary_endpoint is not None:
        refuse("cache", "have cluster mode enabled to scale", "one with a primary endpoint", "enable cluster mode")
    node = cache.node_type
    if node is not None and node.family and (node.family not in _FAMILIES or node.size not in _SIZES):
        refuse(
            "node_type",
            f"be {', '.join(sorted(_SIZES))} of {', '.join(sorted(_FAMILIES))} to scale",
            node,
            "choose one such as NodeType.M7G_LARGE",
        )


def _require_engine(cache: ReplicationGroup) -> None:
    if cache.topology.cluster_mode is not ClusterMode.ENABLED:
        refuse(
            "cache",
            "have cluster mode enabled to scale",
            cache.topology.cluster_mode,
            "make it with topology=Topology.cluster()",
        )
    if not cache.engine_version.at_least(valkey="7.2", redis="6.0"):
        refuse("cache", "run Valkey 7.2 or Redis 6.0 at least to scale", cache.engine_version, "choose a newer engine")
    if cache.node_type.has_ssd and not cache.engine_version.at_least(valkey="7.2", redis="7.0"):
        # The guide says 7.0.7, which is part of ElastiCache's 7.1 and maybe of its 7.0.
        refuse("cache", "run Redis 7.0.7 at least to scale with data tiering", cache.engine_version, "use Valkey")


def _require_one_region(cache: IReplicationGroup) -> None:
    """Auto scaling guide: members of a global datastore do not scale."""
    if cache._uses(Use.GLOBAL_DATASTORE):
        raise ValidationError(
            "cache must not be part of a global datastore to scale, got one that is; change its shards and replicas in all "
            "regions instead"
        )
