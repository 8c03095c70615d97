"""Alarms: what is watched, of which nodes, at which threshold, and whom it wakes."""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Template

from cachetwin_cdk import (
    AlarmPack,
    CacheAlarms,
    Durability,
    EngineVersion,
    MemcachedCluster,
    NodeType,
    ReplicationGroup,
    ServerlessCache,
    ServerlessEngine,
    Topology,
    UsageLimits,
    ValidationError,
)

Warnings = Callable[[], list[str]]
ALARM = "AWS::CloudWatch::Alarm"
NETWORK = {
    f"Network{limit}AllowanceExceeded" for limit in ("BandwidthIn", "BandwidthOut", "Conntrack", "PacketsPerSecond")
}


@pytest.fixture
def cache(stack: cdk.Stack, vpc: ec2.IVpc) -> ReplicationGroup:
    return ReplicationGroup(stack, "Cache", vpc=vpc)


def alarms_of(stack: cdk.Stack) -> list[dict[str, Any]]:
    found = Template.from_stack(stack).find_resources(ALARM)
    return [alarm["Properties"] for alarm in found.values()]


def first(stack: cdk.Stack, metric: str) -> dict[str, Any]:
    return next(alarm for alarm in alarms_of(stack) if alarm["MetricName"] == metric)


def test_the_recommended_alarms_watch_each_node(stack: cdk.Stack, cache: ReplicationGroup) -> None:
    CacheAlarms(stack, "Alarms", cache=cache, pack=AlarmPack.RECOMMENDED)
    alarms = alarms_of(stack)
    assert len(alarms) == 10
    assert {alarm["MetricName"] for alarm in alarms} == {
        "CPUUtilization",
        "CurrConnections",
        "DatabaseMemoryUsagePercentage",
        "EngineCPUUtilization",
        "ReplicationLag",
    }
    group = stack.resolve(cache.replication_group_id)
    nodes = [
        dimension["Value"]
        for alarm in alarms
        if alarm["MetricName"] == "EngineCPUUtilization"
        for dimension in alarm["Dimensions"]
    ]
    assert nodes == [{"Fn::Join": ["", [group, "-001"]]}, {"Fn::Join": ["", [group, "-002"]]}]


def test_the_full_pack_goes_off_at_aws_s_figures(stack: cdk.Stack, cache: ReplicationGroup) -> None:
    CacheAlarms(stack, "Alarms", cache=cache)
    shown = {
        alarm["MetricName"]: (
            "<" if alarm["ComparisonOperator"] == "LessThanThreshold" else ">",
            alarm["Threshold"],
            alarm["Statistic"],
            alarm["Period"],
            f"{alarm['DatapointsToAlarm']} of {alarm['EvaluationPeriods']}",
        )
        for alarm in alarms_of(stack)
    }
    assert shown == {
        "EngineCPUUtilization": (">", 90, "Maximum", 60, "3 of 5"),
        "CPUUtilization": (">", 45, "Average", 60, "5 of 5"),
        "CurrConnections": (">", 52_000, "Average", 60, "10 of 10"),
        "DatabaseMemoryUsagePercentage": (">", 80, "Maximum", 60, "3 of 5"),
        "ReplicationLag": (">", 1, "Maximum", 60, "3 of 5"),
        "CacheHitRate": ("<", 80, "Average", 60, "4 of 6"),
        "Evictions": (">", 100, "Sum", 300, "2 of 3"),
        "NewConnections": (">", 1000, "Sum", 60, "2 of 3"),
        "SuccessfulReadRequestLatency": (">", 5000, "Average", 60, "3 of 5"),
        "SuccessfulWriteRequestLatency": (">", 5000, "Average", 60, "3 of 5"),
        "FreeableMemory": ("<", 104_857_600, "Minimum", 60, "3 of 5"),
        "TrafficManagementActive": (">", 0, "Maximum", 60, "3 of 5"),
        **dict.fromkeys(NETWORK, (">", 0, "Sum", 60, "3 of 5")),
    }
    assert {alarm["TreatMissingData"] for alarm in alarms_of(stack)} == {"notBreaching"}


@pytest.mark.parametrize(
    ("node_type", "threshold"),
    [(NodeType.T4G_SMALL, 45), (NodeType.M7G_LARGE, 45)],
)
def test_the_host_is_busy_when_the_engine_s_one_thread_is(
    stack: cdk.Stack, vpc: ec2.IVpc, node_type: NodeType, threshold: float
) -> None:
    cache = ReplicationGroup(stack, "Sized", vpc=vpc, node_type=node_type)
    CacheAlarms(stack, "Alarms", cache=cache)
    assert first(stack, "CPUUtilization")["Threshold"] == threshold


def test_the_host_of_more_than_two_vcpus_has_no_alarm_of_its_cpu(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cache = ReplicationGroup(stack, "Sized", vpc=vpc, node_type=NodeType.M7G_XLARGE)
    CacheAlarms(stack, "Alarms", cache=cache)
    assert "CPUUtilization" not in {alarm["MetricName"] for alarm in alarms_of(stack)}


def test_host_metrics_name_the_node_within_the_member(stack: cdk.Stack, cache: ReplicationGroup) -> None:
    CacheAlarms(stack, "Alarms", cache=cache)
    names = [dimension["Name"] for dimension in first(stack, "CPUUtilization")["Dimensions"]]
    assert names == ["CacheClusterId", "CacheNodeId"]


def test_the_members_of_a_cluster_are_numbered_by_shard(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cache = ReplicationGroup(stack, "Cluster", vpc=vpc, topology=Topology.cluster(2))
    group = cache.replication_group_id
    assert cache.node_ids == [f"{group}-0001-001", f"{group}-0001-002", f"{group}-0002-001", f"{group}-0002-002"]


def test_the_group_can_be_watched_as_a_whole(stack: cdk.Stack, cache: ReplicationGroup) -> None:
    CacheAlarms(stack, "Alarms", cache=cache, per_node=False)
    assert {dimension["Name"] for alarm in alarms_of(stack) for dimension in alarm["Dimensions"]} == {
        "ReplicationGroupId"
    }
    assert not {alarm["MetricName"] for alarm in alarms_of(stack)} & {"CPUUtilization", "FreeableMemory", *NETWORK}


def test_an_imported_group_is_watched_as_a_whole(stack: cdk.Stack) -> None:
    cache = ReplicationGroup.from_replication_group_attributes(stack, "Cache", replication_group_id="orders")
    CacheAlarms(stack, "Alarms", cache=cache)
    assert first(stack, "Evictions")["Dimensions"] == [{"Name": "ReplicationGroupId", "Value": "orders"}]
    with pytest.raises(ValidationError, match="per_node must be False for a replication group whose nodes"):
        CacheAlarms(stack, "Others", cache=cache, per_node=True)


def test_a_durable_cache_is_watched_for_its_log(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cache = ReplicationGroup(
        stack,
        "Durable",
        vpc=vpc,
        engine_version=EngineVersion.VALKEY_9_0,
        node_type=NodeType.R7G_LARGE,
        durability=Durability.SYNC,
        topology=Topology.cluster(),
    )
    CacheAlarms(stack, "Alarms", cache=cache)
    assert first(stack, "DurabilityLag")["Threshold"] == 5000
    assert first(stack, "DurabilityBufferExceededErrorCount")["Threshold"] == 0


def test_a_serverless_cache_is_watched_by_its_own_dimension(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    limits = UsageLimits(data_storage_gb_max=10, ecpu_per_second_max=5000)
    cache = ServerlessCache(stack, "Cache", vpc=vpc, usage_limits=limits)
    CacheAlarms(stack, "Alarms", cache=cache)
    assert {alarm["MetricName"]: alarm["Threshold"] for alarm in alarms_of(stack)} == {
        "ThrottledCmds": 0,
        "SuccessfulReadRequestLatency": 5000,
        "SuccessfulWriteRequestLatency": 5000,
        "CacheHitRate": 80,
        "BytesUsedForCache": 0.8 * 10 * 1024**3,
        "ElastiCacheProcessingUnits": 0.8 * 60 * 5000,
    }
    assert first(stack, "ThrottledCmds")["Dimensions"] == [
        {"Name": "clusterId", "Value": stack.resolve(cache.serverless_cache_name)}
    ]


def test_without_limits_none_is_watched(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cache = ServerlessCache(stack, "Cache", vpc=vpc, engine=ServerlessEngine.MEMCACHED_1_6)
    CacheAlarms(stack, "Alarms", cache=cache, pack=AlarmPack.RECOMMENDED)
    assert [alarm["MetricName"] for alarm in alarms_of(stack)] == ["ThrottledCmds"]


def test_memcached_is_watched_for_load_and_swap(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    CacheAlarms(stack, "Alarms", cache=MemcachedCluster(stack, "Pages", vpc=vpc))
    thresholds = {alarm["MetricName"]: alarm["Threshold"] for alarm in alarms_of(stack)}
    assert thresholds["CPUUtilization"] == 90
    assert thresholds["SwapUsage"] == 50 * 1024 * 1024


def test_every_alarm_wakes_the_topic_and_says_when_it_is_over(stack: cdk.Stack, cache: ReplicationGroup) -> None:
    topic = sns.Topic(stack, "Topic")
    CacheAlarms(stack, "Alarms", cache=cache, topic=topic)
    expected = [stack.resolve(topic.topic_arn)]
    assert all(alarm["AlarmActions"] == alarm["OKActions"] == expected for alarm in alarms_of(stack))


def test_without_a_topic_nobody_is_woken(stack: cdk.Stack, cache: ReplicationGroup) -> None:
    CacheAlarms(stack, "Alarms", cache=cache)
    assert not any("AlarmActions" in alarm for alarm in alarms_of(stack))


def test_thresholds_can_be_set_and_metrics_left_out(stack: cdk.Stack, cache: ReplicationGroup) -> None:
    CacheAlarms(stack, "Alarms", cache=cache, thresholds={"NewConnections": 5000}, without=["CacheHitRate"])
    assert first(stack, "NewConnections")["Threshold"] == 5000
    assert "CacheHitRate" not in {alarm["MetricName"] for alarm in alarms_of(stack)}


@pytest.mark.parametrize(
    ("props", "message"),
    [
        ({"thresholds": {"Hits": 1}}, "thresholds must name metrics of the pack, CPUUtilization, .*got 'Hits'"),
        ({"without": ["Hits"]}, "without must name metrics of the pack"),
        (
            {"thresholds": {"EngineCPUUtilization": 101}},
            r"thresholds\['EngineCPUUtilization'\] must be between 0 and 100 percent, got 101",
        ),
        ({"thresholds": {"Evictions": 1}, "pack": AlarmPack.RECOMMENDED}, "thresholds must name metrics of the pack"),
    ],
)
def test_a_name_or_figure_that_makes_no_sense_is_refused(
    stack: cdk.Stack, cache: ReplicationGroup, props: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        CacheAlarms(stack, "Alarms", cache=cache, **props)


def test_only_a_replication_group_has_nodes_to_watch(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    with pytest.raises(ValidationError, match="per_node must be left out for a cache that is not a replication group"):
        CacheAlarms(stack, "Alarms", cache=MemcachedCluster(stack, "Pages", vpc=vpc), per_node=True)


def test_too_many_alarms_to_read_are_warned_of(stack: cdk.Stack, vpc: ec2.IVpc, warnings: Warnings) -> None:
    cache = ReplicationGroup(stack, "Big", vpc=vpc, topology=Topology.cluster(8))
    CacheAlarms(stack, "Alarms", cache=cache, pack=AlarmPack.RECOMMENDED)
    assert warnings() == []
    CacheAlarms(stack, "More", cache=cache)
    assert warnings() == ["cachetwin:many-alarms"]
