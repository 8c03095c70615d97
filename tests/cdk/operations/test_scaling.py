"""Shards and replicas that scale: what is registered, tracked and scheduled, and what cannot scale."""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_applicationautoscaling as appscaling
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Template

from cachetwin_cdk import (
    Access,
    CacheAlarms,
    EngineVersion,
    Logging,
    MemcachedCluster,
    NodeScaling,
    NodeType,
    ReplicaScaling,
    ReplicationGroup,
    ShardScaling,
    Topology,
    ValidationError,
)

Properties = Callable[[str], dict[str, Any]]
Warnings = Callable[[], list[str]]
TARGET = "AWS::ApplicationAutoScaling::ScalableTarget"
POLICY = "AWS::ApplicationAutoScaling::ScalingPolicy"
SOUND: dict[str, Any] = {"node_type": NodeType.M7G_LARGE, "topology": Topology.cluster(2)}


@pytest.fixture
def cache(stack: cdk.Stack, vpc: ec2.IVpc) -> ReplicationGroup:
    return ReplicationGroup(stack, "Cache", vpc=vpc, **SOUND)


def tracked(stack: cdk.Stack) -> dict[str, float]:
    configurations = [
        policy["Properties"]["TargetTrackingScalingPolicyConfiguration"]
        for policy in Template.from_stack(stack).find_resources(POLICY).values()
    ]
    return {
        found["PredefinedMetricSpecification"]["PredefinedMetricType"]: found["TargetValue"] for found in configurations
    }


def test_shards_follow_the_primaries_and_the_memory(
    stack: cdk.Stack, cache: ReplicationGroup, properties: Properties
) -> None:
    scaling = ShardScaling(stack, "Scaling", cache=cache, min_capacity=2, max_capacity=10)
    scaling.scale_on_engine_cpu("Cpu", target_percent=50)
    scaling.scale_on_memory("Memory")
    target = properties(TARGET)
    group = stack.resolve(cache.replication_group_id)
    assert target["ResourceId"] == {"Fn::Join": ["", ["replication-group/", group]]}
    assert target["ScalableDimension"] == "elasticache:replication-group:NodeGroups"
    assert (target["ServiceNamespace"], target["MinCapacity"], target["MaxCapacity"]) == ("elasticache", 2, 10)
    assert "AWSServiceRoleForApplicationAutoScaling_ElastiCacheRG" in str(target["RoleARN"])
    assert tracked(stack) == {
        "ElastiCachePrimaryEngineCPUUtilization": 50,
        "ElastiCacheDatabaseMemoryUsageCountedForEvictPercentage": 60,
    }
    Template.from_stack(stack).resource_count_is("AWS::IAM::Role", 0)


def test_with_an_ssd_memory_and_disk_count_together(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cache = ReplicationGroup(stack, "Cache", vpc=vpc, **{**SOUND, "node_type": NodeType.R6GD_XLARGE})
    ShardScaling(stack, "Scaling", cache=cache, max_capacity=10).scale_on_memory("Memory")
    assert list(tracked(stack)) == ["ElastiCacheDatabaseCapacityUsageCountedForEvictPercentage"]


def test_replicas_follow_the_load_of_reads(stack: cdk.Stack, cache: ReplicationGroup, properties: Properties) -> None:
    ReplicaScaling(stack, "Scaling", cache=cache).scale_on_engine_cpu("Cpu")
    assert properties(TARGET)["ScalableDimension"] == "elasticache:replication-group:Replicas"
    assert (properties(TARGET)["MinCapacity"], properties(TARGET)["MaxCapacity"]) == (1, 5)
    assert tracked(stack) == {"ElastiCacheReplicaEngineCPUUtilization": 60}


def test_the_clock_moves_the_bounds(stack: cdk.Stack, cache: ReplicationGroup, properties: Properties) -> None:
    scaling = ShardScaling(stack, "Scaling", cache=cache, max_capacity=10)
    scaling.scale_on_schedule("Morning", schedule=appscaling.Schedule.cron(hour="7", minute="30"), min_capacity=4)
    (action,) = properties(TARGET)["ScheduledActions"]
    assert action["Schedule"] == "cron(30 7 * * ? *)"
    assert action["ScalableTargetAction"] == {"MinCapacity": 4}
    with pytest.raises(ValidationError, match="min_capacity or max_capacity must be given for a schedule"):
        scaling.scale_on_schedule("Never", schedule=appscaling.Schedule.cron(hour="7"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"topology": Topology(shards=1)}, "cache must have cluster mode enabled to scale"),
        (
            {"engine_version": EngineVersion.REDIS_5_0_6, "access": Access.unauthenticated(), "logging": Logging.off()},
            "cache must run Valkey 7.2 or Redis 6.0 at least to scale, got 'redis 5.0.6'",
        ),
        ({"node_type": NodeType.T4G_SMALL}, "node_type must be 2xlarge, large, xlarge of .* to scale, got 'cache.t4g"),
        ({"node_type": NodeType.of("cache.m7g.4xlarge")}, "node_type must be 2xlarge, large, xlarge of"),
        (
            {"node_type": NodeType.R6GD_XLARGE, "engine_version": EngineVersion.REDIS_6_2},
            "cache must run Redis 7.0.7 at least to scale with data tiering",
        ),
    ],
)
def test_what_cannot_scale_is_refused(stack: cdk.Stack, vpc: ec2.IVpc, change: dict[str, Any], message: str) -> None:
    cache = ReplicationGroup(stack, "Cache", vpc=vpc, **{**SOUND, **change})
    with pytest.raises(ValidationError, match=message):
        ShardScaling(stack, "Scaling", cache=cache, max_capacity=10)


@pytest.mark.parametrize(
    ("props", "message"),
    [
        ({"min_capacity": 5, "max_capacity": 4}, "min_capacity must be at most max_capacity, 4, got 5"),
        ({"max_capacity": 501}, "max_capacity must be between 1 and 500 shards, got 501"),
        ({"min_capacity": 0, "max_capacity": 2}, "min_capacity must be between 1 and 500 shards, got 0"),
    ],
)
def test_bounds_are_within_what_a_cluster_may_have(
    stack: cdk.Stack, cache: ReplicationGroup, props: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        ShardScaling(stack, "Scaling", cache=cache, **props)


@pytest.mark.parametrize("target", [34, 71])
def test_targets_out_of_the_guide_s_range_are_refused(stack: cdk.Stack, cache: ReplicationGroup, target: float) -> None:
    scaling = ReplicaScaling(stack, "Scaling", cache=cache)
    with pytest.raises(ValidationError, match=f"target_percent must be between 35 and 70 percent, got {target}"):
        scaling.scale_on_engine_cpu("Cpu", target_percent=target)


def test_replicas_need_memory_kept_back(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    little = ReplicationGroup(stack, "Little", vpc=vpc, parameters={"reserved-memory-percent": "10"}, **SOUND)
    with pytest.raises(ValidationError, match=r"parameters\['reserved-memory-percent'\] must be at least 25"):
        ReplicaScaling(stack, "A", cache=little)
    enough = ReplicationGroup(stack, "Enough", vpc=vpc, parameters={"reserved-memory-percent": "25"}, **SOUND)
    ReplicaScaling(stack, "B", cache=enough)


def test_alarms_made_after_the_scaling_watch_the_group(
    stack: cdk.Stack, cache: ReplicationGroup, warnings: Warnings
) -> None:
    ShardScaling(stack, "Scaling", cache=cache, max_capacity=10)
    alarms = CacheAlarms(stack, "Alarms", cache=cache)
    assert "CPUUtilization" not in {alarm.node.id for alarm in alarms.alarms}
    assert warnings() == []


def test_alarms_made_before_it_are_warned_of(stack: cdk.Stack, cache: ReplicationGroup, warnings: Warnings) -> None:
    CacheAlarms(stack, "Alarms", cache=cache)
    ShardScaling(stack, "Scaling", cache=cache, max_capacity=10)
    assert warnings() == ["cachetwin:alarms-on-fixed-nodes"]


def test_memcached_nodes_follow_the_cpu_a_metric_and_the_clock(
    stack: cdk.Stack, vpc: ec2.IVpc, properties: Properties
) -> None:
    cluster = MemcachedCluster(stack, "Pages", vpc=vpc)
    scaling = cluster.scale_nodes(min_capacity=2, max_capacity=8)
    scaling.scale_on_cpu("Cpu")
    scaling.scale_on_metric("Connections", metric=cluster.metric_curr_connections(), target_value=10_000)
    scaling.scale_on_schedule("Night", schedule=appscaling.Schedule.cron(hour="22"), max_capacity=2)
    target = properties(TARGET)
    name = stack.resolve(cluster.cluster_name)
    assert target["ResourceId"] == {"Fn::Join": ["", ["cache-cluster/", name]]}
    assert target["ScalableDimension"] == "elasticache:cache-cluster:Nodes"
    assert (target["MinCapacity"], target["MaxCapacity"], len(target["ScheduledActions"])) == (2, 8, 1)
    followed = {}
    for policy in Template.from_stack(stack).find_resources(POLICY).values():
        tracking = policy["Properties"]["TargetTrackingScalingPolicyConfiguration"]
        metric = tracking["CustomizedMetricSpecification"]
        assert metric["Dimensions"] == [{"Name": "CacheClusterId", "Value": name}]
        followed[metric["MetricName"]] = tracking["TargetValue"]
    assert followed == {"CPUUtilization": 60, "CurrConnections": 10_000}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"max_capacity": 61}, "max_capacity must be between 1 and 60 nodes, got 61"),
        ({"max_capacity": 8, "min_capacity": 0}, "min_capacity must be between 1 and 60 nodes, got 0"),
        ({"max_capacity": 2, "min_capacity": 3}, "min_capacity must be at most max_capacity, 2, got 3"),
    ],
)
def test_memcached_nodes_have_bounds(stack: cdk.Stack, vpc: ec2.IVpc, arguments: dict[str, int], message: str) -> None:
    cluster = MemcachedCluster(stack, "Pages", vpc=vpc)
    with pytest.raises(ValidationError, match=message):
        NodeScaling(stack, "Scaling", cache=cluster, **arguments)


def test_targets_of_memcached_nodes_have_bounds(stack: cdk.Stack, vpc: ec2.IVpc, warnings: Warnings) -> None:
    scaling = MemcachedCluster(stack, "Pages", vpc=vpc).scale_nodes(max_capacity=41)
    with pytest.raises(ValidationError, match="target_percent must be between 10 and 90 percent, got 95"):
        scaling.scale_on_cpu("Cpu", target_percent=95)
    with pytest.raises(ValidationError, match="target_value must be above 0"):
        scaling.scale_on_metric("Metric", metric=MemcachedCluster.metric_curr_items(scaling._cache), target_value=0)
    assert "cachetwin:memcached-nodes-unconfirmed" in warnings()
