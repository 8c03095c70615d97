"""Shards and replicas: what CloudFormation is told in each cluster mode, and what is refused."""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Template

from cachetwin_cdk import (
    ClusterMode,
    EngineVersion,
    Failover,
    ParameterGroup,
    ReplicationGroup,
    Shard,
    Topology,
    ValidationError,
)

Properties = Callable[[str], dict[str, Any]]
Warnings = Callable[[], list[str]]
GROUP = "AWS::ElastiCache::ReplicationGroup"
CLUSTER: dict[str, Any] = {"topology": Topology.cluster()}


def test_cluster_mode_spreads_keys_over_shards(stack: cdk.Stack, vpc: ec2.IVpc, properties: Properties) -> None:
    ReplicationGroup(stack, "Cache", vpc=vpc, topology=Topology.cluster(3, replicas=2))
    found = properties(GROUP)
    assert (found["ClusterMode"], found["NumNodeGroups"], found["ReplicasPerNodeGroup"]) == ("enabled", 3, 2)
    assert "NumCacheClusters" not in found
    assert properties("AWS::ElastiCache::ParameterGroup")["Properties"] == {"cluster-enabled": "yes"}


def test_changing_the_shards_of_a_cluster_does_not_replace_it(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    ReplicationGroup(stack, "Cache", vpc=vpc, **CLUSTER)
    Template.from_stack(stack).has_resource(GROUP, {"UpdatePolicy": {"UseOnlineResharding": True}})


def test_a_cluster_is_reached_through_its_configuration_endpoint(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cache = ReplicationGroup(stack, "Cache", vpc=vpc, **CLUSTER)
    logical_id = stack.resolve(cache.replication_group_id)["Ref"]
    assert stack.resolve(cache.configuration_endpoint.hostname) == {
        "Fn::GetAtt": [logical_id, "ConfigurationEndPoint.Address"]
    }
    with pytest.raises(
        ValidationError, match="primary_endpoint must be known to be used, got a replication group with c"
    ):
        _ = cache.primary_endpoint
    with pytest.raises(ValidationError, match="with cluster mode use configuration_endpoint"):
        _ = cache.reader_endpoint


def test_without_cluster_mode_there_is_no_configuration_endpoint(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cache = ReplicationGroup(stack, "Cache", vpc=vpc)
    with pytest.raises(ValidationError, match="got a replication group with primary_endpoint, reader_endpoint"):
        _ = cache.configuration_endpoint


def test_compatible_mode_has_the_endpoints_of_both(stack: cdk.Stack, vpc: ec2.IVpc, properties: Properties) -> None:
    cache = ReplicationGroup(stack, "Cache", vpc=vpc, topology=Topology.compatible())
    assert properties(GROUP)["ClusterMode"] == "compatible"
    assert (properties(GROUP)["NumCacheClusters"], "NumNodeGroups" in properties(GROUP)) == (2, False)
    assert cache.configuration_endpoint != cache.primary_endpoint != cache.reader_endpoint


def test_an_engine_older_than_the_property_is_a_cluster_by_its_parameters(
    stack: cdk.Stack, vpc: ec2.IVpc, properties: Properties
) -> None:
    ReplicationGroup(stack, "Cache", vpc=vpc, **CLUSTER, engine_version=EngineVersion.REDIS_6_2)
    assert "ClusterMode" not in properties(GROUP)
    assert properties("AWS::ElastiCache::ParameterGroup")["Properties"] == {"cluster-enabled": "yes"}


def test_each_shard_can_be_placed(stack: cdk.Stack, vpc: ec2.IVpc, properties: Properties, any_text: str) -> None:
    ReplicationGroup(
        stack,
        "Cache",
        vpc=vpc,
        topology=Topology.placed(
            [
                Shard(any_text, (any_text,), "0-8191", shard_id="0001"),
                Shard(slots="8192-16383", replicas=2, shard_id="0002"),
            ]
        ),
    )
    found = properties(GROUP)
    assert found["NumNodeGroups"] == 2
    assert "ReplicasPerNodeGroup" not in found
    assert found["NodeGroupConfiguration"] == [
        {
            "NodeGroupId": "0001",
            "PrimaryAvailabilityZone": {"Ref": "AnyText"},
            "ReplicaAvailabilityZones": [{"Ref": "AnyText"}],
            "ReplicaCount": 1,
            "Slots": "0-8191",
        },
        {"NodeGroupId": "0002", "ReplicaCount": 2, "Slots": "8192-16383"},
    ]


def test_an_imported_cluster_has_the_endpoint_it_is_given(stack: cdk.Stack) -> None:
    cache = ReplicationGroup.from_replication_group_attributes(
        stack, "Cache", replication_group_id="orders", configuration_endpoint_address="cfg.example"
    )
    assert cache.configuration_endpoint.socket_address == "cfg.example:6379"


@pytest.mark.parametrize(
    ("props", "message"),
    [
        (lambda: {"topology": Topology(shards=2)}, "cluster_mode must be enabled to have shards, got 'disabled'"),
        (
            lambda: {"topology": Topology(placement=[Shard()])},
            "cluster_mode must be enabled to have shards, got 'disabled'",
        ),
        (lambda: {"topology": Topology.cluster(0)}, "shards must be between 1 and 500, got 0"),
        (lambda: {"topology": Topology.cluster(501)}, "shards must be between 1 and 500, got 501"),
        (
            lambda: {"topology": Topology(cluster_mode=ClusterMode.ENABLED, failover=Failover.MANUAL)},
            "failover must not be MANUAL with cluster mode enabled, got 'manual'",
        ),
        (
            lambda: {"topology": Topology(cluster_mode=ClusterMode.COMPATIBLE, failover=Failover.MANUAL)},
            "failover must not be MANUAL with cluster mode compatible, got 'manual'",
        ),
        (
            lambda: {"topology": Topology.cluster(replicas=0, multi_az=True)},
            "replicas must be at least 1 for Multi-AZ, got 0",
        ),
        (
            lambda: {"topology": Topology.compatible(0, multi_az=False)},
            "replicas must be at least 1 for automatic failover, got 0",
        ),
        (
            lambda: {"engine_version": EngineVersion.REDIS_6_2, "topology": Topology.compatible()},
            r"topology must be compatible only from Redis 7\.0 or Valkey 7\.2 on, got 'redis 6\.2'",
        ),
        (
            lambda: {"topology": Topology.cluster(2, availability_zones=["a", "b"])},
            "availability_zones must be left out with several shards",
        ),
        (
            lambda: {"topology": Topology(cluster_mode=ClusterMode.ENABLED, shards=2, placement=[Shard()])},
            "placement must describe each of the 2 shards, got 1",
        ),
        (
            lambda: {"topology": Topology.placed([Shard(shard_id="1"), Shard(shard_id="1")])},
            "shard_id must be one shard's only, got '1, 1'",
        ),
        (
            lambda: {"topology": Topology.placed([Shard(shard_id="00001")])},
            "shard_id must hold 1 to 4 digits, got '00001'",
        ),
        (lambda: {"topology": Topology.placed([Shard(replicas=6)])}, "replicas must be between 0 and 5, got 6"),
        (lambda: {"topology": Topology.placed([Shard(replicas=0)])}, "replicas must be at least 1 for Multi-AZ, got 0"),
        (
            lambda: {"topology": Topology.placed([Shard(replica_availability_zones=("a", "b"))])},
            "replica_availability_zones must name one zone for each of the 1 replicas, got 2",
        ),
        (lambda: {"topology": Topology.placed([Shard(slots="all")])}, "slots must be written first-last, got 'all'"),
        (
            lambda: {"topology": Topology.placed([Shard(slots="0-16384")])},
            "slots must ascend within 0 and 16383, got '0-16384'",
        ),
        (
            lambda: {"topology": Topology.placed([Shard(slots="9-1")])},
            "slots must ascend within 0 and 16383, got '9-1'",
        ),
        (
            lambda: {**CLUSTER, "parameters": {"cluster-enabled": "no"}},
            "parameter_group must set cluster-enabled=yes with cluster mode",
        ),
    ],
)
def test_what_the_service_would_refuse_is_refused(
    stack: cdk.Stack, vpc: ec2.IVpc, props: Callable[[], dict[str, Any]], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        ReplicationGroup(stack, "Cache", vpc=vpc, **props())


@pytest.mark.parametrize(
    "props",
    [
        {"topology": Topology.cluster(45)},
        {"topology": Topology.cluster(30, replicas=2)},
        {"topology": Topology.placed([Shard(), Shard(shard_id="9999", replicas=5)])},
        {"topology": Topology.placed([Shard(slots="0-16383")])},
        {"topology": Topology.placed([Shard(slots="0-1,4-16383"), Shard(slots="2-3")])},
        {"topology": Topology.compatible()},
    ],
)
def test_what_the_service_accepts_is_accepted_without_a_warning(
    stack: cdk.Stack, vpc: ec2.IVpc, warnings: Warnings, props: dict[str, Any]
) -> None:
    ReplicationGroup(stack, "Cache", vpc=vpc, **props)
    assert warnings() == []


@pytest.mark.parametrize(
    ("props", "warning"),
    [
        ({"topology": Topology.cluster(46)}, "cachetwin:node-quota"),
        ({"topology": Topology.cluster(90, replicas=0)}, "cachetwin:no-replica"),
        ({"topology": Topology.placed([Shard(slots="0-16382")])}, "cachetwin:slots"),
        (
            {"topology": Topology.placed([Shard(slots="0-8192"), Shard(slots="8192-16383")])},
            "cachetwin:slots",
        ),
        ({"topology": Topology.placed([Shard(slots="0-8192"), Shard()])}, "cachetwin:slots"),
    ],
)
def test_what_may_not_work_is_warned_of(
    stack: cdk.Stack, vpc: ec2.IVpc, warnings: Warnings, props: dict[str, Any], warning: str
) -> None:
    ReplicationGroup(stack, "Cache", vpc=vpc, **props)
    assert warnings() == [warning]


def test_a_parameter_group_of_the_other_mode_is_refused(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    engine = EngineVersion.VALKEY_8_1
    plain = ParameterGroup(stack, "Plain", engine_version=engine)
    clustered = ParameterGroup(stack, "Clustered", engine_version=engine, parameters={"cluster-enabled": "yes"})
    with pytest.raises(ValidationError, match="parameter_group must set cluster-enabled=yes with cluster mode"):
        ReplicationGroup(stack, "A", vpc=vpc, **CLUSTER, parameter_group=plain)
    with pytest.raises(ValidationError, match="parameter_group must not set cluster-enabled=yes with cluster mode dis"):
        ReplicationGroup(stack, "B", vpc=vpc, parameter_group=clustered)
    ReplicationGroup(stack, "C", vpc=vpc, **CLUSTER, parameter_group=clustered)
    unknown = ParameterGroup.from_parameter_group_name(stack, "Unknown", "default.valkey8.cluster.on")
    ReplicationGroup(stack, "D", vpc=vpc, **CLUSTER, parameter_group=unknown)


def test_a_shard_is_placed_in_zones_of_the_subnets() -> None:
    stack = cdk.Stack(
        cdk.App(analytics_reporting=False), "Placed", env=cdk.Environment(account="111122223333", region="eu-west-1")
    )
    vpc = ec2.Vpc(stack, "Vpc", availability_zones=["eu-west-1a", "eu-west-1b"], restrict_default_security_group=False)
    with pytest.raises(ValidationError, match="placement must be among the zones of the subnets"):
        ReplicationGroup(stack, "A", vpc=vpc, topology=Topology.placed([Shard("eu-west-1c")]))
    ReplicationGroup(stack, "B", vpc=vpc, topology=Topology.placed([Shard("eu-west-1b")]))


def test_a_count_that_is_a_token_is_refused(stack: cdk.Stack, vpc: ec2.IVpc, any_number: float) -> None:
    with pytest.raises(ValidationError, match="shards must be known at synth"):
        ReplicationGroup(stack, "Cache", vpc=vpc, topology=Topology.cluster(any_number))  # type: ignore[arg-type]  # tokens are floats
