"""Memcached clusters: what they are by default, with everything set, and what is refused."""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Template

from cachetwin_cdk import (
    EngineVersion,
    Maintenance,
    MaintenanceWindow,
    MemcachedCluster,
    MemcachedTopology,
    NodeType,
    ParameterGroup,
    SubnetGroup,
    ValidationError,
)

Properties = Callable[[str], dict[str, Any]]
Warnings = Callable[[], list[str]]
CLUSTER = "AWS::ElastiCache::CacheCluster"


def test_by_default_two_nodes_in_two_zones_talk_tls(
    stack: cdk.Stack, vpc: ec2.IVpc, properties: Properties, warnings: Warnings
) -> None:
    MemcachedCluster(stack, "Cache", vpc=vpc)
    found = properties(CLUSTER)
    assert {name: value for name, value in found.items() if not isinstance(value, (dict, list))} == {
        "Engine": "memcached",
        "EngineVersion": "1.6.22",
        "CacheNodeType": "cache.t4g.small",
        "NumCacheNodes": 2,
        "AZMode": "cross-az",
        "Port": 11211,
        "TransitEncryptionEnabled": True,
        "AutoMinorVersionUpgrade": True,
    }
    isolated = [stack.resolve(subnet.subnet_id) for subnet in vpc.isolated_subnets]
    assert properties("AWS::ElastiCache::SubnetGroup")["SubnetIds"] == isolated
    assert properties("AWS::ElastiCache::ParameterGroup")["CacheParameterGroupFamily"] == "memcached1.6"
    assert "SecurityGroupIngress" not in properties("AWS::EC2::SecurityGroup")
    assert warnings() == []


def test_everything_can_be_set(stack: cdk.Stack, vpc: ec2.IVpc, properties: Properties) -> None:
    engine = EngineVersion.MEMCACHED_1_5_16
    MemcachedCluster(
        stack,
        "Cache",
        vpc=vpc,
        subnet_group=SubnetGroup(stack, "Subnets", vpc=vpc),
        security_groups=[ec2.SecurityGroup(stack, "Group", vpc=vpc)],
        engine_version=engine,
        node_type=NodeType.M7G_LARGE,
        port=11300,
        parameter_group=ParameterGroup(stack, "P", engine_version=engine, parameters={"max_item_size": "2097152"}),
        cluster_name="pages",
        topology=MemcachedTopology.in_zones(["a", "a", "a"]),
        transit_encryption=False,
        maintenance=Maintenance(
            window=MaintenanceWindow.of("sun:05:00-sun:06:00"),
            auto_minor_version_upgrade=False,
            notification_topic=sns.Topic(stack, "Topic"),
        ),
    )
    found = properties(CLUSTER)
    assert {name: value for name, value in found.items() if not isinstance(value, (dict, list))} == {
        "Engine": "memcached",
        "EngineVersion": "1.5.16",
        "CacheNodeType": "cache.m7g.large",
        "NumCacheNodes": 3,
        "AZMode": "single-az",
        "Port": 11300,
        "TransitEncryptionEnabled": False,
        "AutoMinorVersionUpgrade": False,
        "PreferredMaintenanceWindow": "sun:05:00-sun:06:00",
        "ClusterName": "pages",
    }
    assert found["PreferredAvailabilityZones"] == ["a", "a", "a"]


def test_one_node_lies_in_one_zone(stack: cdk.Stack, vpc: ec2.IVpc, properties: Properties) -> None:
    MemcachedCluster(stack, "Cache", vpc=vpc, topology=MemcachedTopology.in_one_zone(1))
    assert properties(CLUSTER)["AZMode"] == "single-az"


def test_clients_start_from_the_configuration_endpoint(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cache = MemcachedCluster(stack, "Cache", vpc=vpc)
    logical_id = stack.resolve(cache.cluster_name)["Ref"]
    endpoint = cache.configuration_endpoint
    assert stack.resolve(endpoint.hostname) == {"Fn::GetAtt": [logical_id, "ConfigurationEndpoint.Address"]}
    assert stack.resolve(endpoint.port_text) == {"Fn::GetAtt": [logical_id, "ConfigurationEndpoint.Port"]}
    assert cache.cache_cluster_ref.cluster_name == cache.cluster_name


def test_allowing_a_peer_opens_the_port_of_the_cluster(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cache = MemcachedCluster(stack, "Cache", vpc=vpc)
    cache.connections.allow_default_port_from(ec2.SecurityGroup(stack, "Peer", vpc=vpc))
    Template.from_stack(stack).has_resource_properties(
        "AWS::EC2::SecurityGroupIngress", {"FromPort": 11211, "ToPort": 11211}
    )


@pytest.mark.parametrize(
    ("props", "message"),
    [
        (
            lambda: {"engine_version": EngineVersion.VALKEY_8_1},
            "engine_version must be a Memcached version, got 'valkey 8.1'",
        ),
        (
            lambda: {"engine_version": EngineVersion.MEMCACHED_1_5_16},
            r"engine_version must be at least Memcached 1\.6\.12 for TLS, got 'memcached 1\.5\.16'",
        ),
        (lambda: {"topology": MemcachedTopology.across_zones(0)}, "nodes must be between 1 and 60, got 0"),
        (lambda: {"topology": MemcachedTopology.across_zones(61)}, "nodes must be between 1 and 60, got 61"),
        (
            lambda: {"topology": MemcachedTopology.across_zones(1)},
            "nodes must be at least 2 to lie in several zones, got 1",
        ),
        (
            lambda: {"topology": MemcachedTopology.in_zones(["a"], nodes=2)},
            "availability_zones must name one zone for each of the 2 nodes, got 1",
        ),
        (
            lambda: {"removal_policy": cdk.RemovalPolicy.SNAPSHOT},
            "removal_policy must not be SNAPSHOT for Memcached, got 'SNAPSHOT'",
        ),
        (lambda: {"port": 0}, "port must be between 1 and 65535, got 0"),
        (lambda: {"cluster_name": "a" * 51}, "cluster_name must start with a letter and hold at most 50"),
        (lambda: {"parameters": {"cluster-enabled": "yes"}}, "parameters must hold parameters that memcached1.6 has"),
    ],
)
def test_what_the_service_would_refuse_is_refused(
    stack: cdk.Stack, vpc: ec2.IVpc, props: Callable[[], dict[str, Any]], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        MemcachedCluster(stack, "Cache", vpc=vpc, **props())


@pytest.mark.parametrize(
    "props",
    [
        {"engine_version": EngineVersion.MEMCACHED_1_6_12},
        {"engine_version": EngineVersion.MEMCACHED_1_5_16, "transit_encryption": False},
        {"topology": MemcachedTopology.across_zones(40)},
        {"topology": MemcachedTopology.in_one_zone(2)},
        {"topology": MemcachedTopology.in_zones(["a", "b"])},
        {"cluster_name": "a" * 50},
    ],
)
def test_what_the_service_accepts_is_accepted(stack: cdk.Stack, vpc: ec2.IVpc, props: dict[str, Any]) -> None:
    MemcachedCluster(stack, "Cache", vpc=vpc, **props)


def test_nodes_in_several_zones_need_subnets_there(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    one_zone = ec2.SubnetSelection(subnets=vpc.isolated_subnets[:1])
    with pytest.raises(ValidationError, match="vpc_subnets must lie in at least 2 availability zones"):
        MemcachedCluster(stack, "Cache", vpc=vpc, vpc_subnets=one_zone)
    MemcachedCluster(stack, "Other", vpc=vpc, vpc_subnets=one_zone, topology=MemcachedTopology.in_one_zone(2))


def test_the_parameter_group_is_of_the_engine_s_family(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    group = ParameterGroup(stack, "P", engine_version=EngineVersion.VALKEY_8_1)
    with pytest.raises(ValidationError, match=r"parameter_group must be of family memcached1\.6"):
        MemcachedCluster(stack, "Cache", vpc=vpc, parameter_group=group)


@pytest.mark.parametrize(
    ("method", "name", "statistic"),
    [
        ("metric_cpu_utilization", "CPUUtilization", "Average"),
        ("metric_freeable_memory", "FreeableMemory", "Average"),
        ("metric_swap_usage", "SwapUsage", "Average"),
        ("metric_curr_connections", "CurrConnections", "Average"),
        ("metric_curr_items", "CurrItems", "Average"),
        ("metric_evictions", "Evictions", "Sum"),
        ("metric_get_hits", "GetHits", "Sum"),
        ("metric_get_misses", "GetMisses", "Sum"),
    ],
)
def test_each_metric_has_its_name_and_statistic(
    stack: cdk.Stack, vpc: ec2.IVpc, method: str, name: str, statistic: str
) -> None:
    cache = MemcachedCluster(stack, "Cache", vpc=vpc)
    metric = getattr(cache, method)(node_id="0002")
    assert (metric.metric_name, metric.statistic) == (name, statistic)
    assert metric.dimensions == {"CacheClusterId": cache.cluster_name, "CacheNodeId": "0002"}
    assert getattr(cache, method)().dimensions == {"CacheClusterId": cache.cluster_name}


def test_what_exists_already_can_be_used(stack: cdk.Stack) -> None:
    cache = MemcachedCluster.from_cluster_attributes(
        stack, "Cache", cluster_name="pages", configuration_endpoint_address="pages.cfg.example"
    )
    assert cache.configuration_endpoint.socket_address == "pages.cfg.example:11211"
    unknown = MemcachedCluster.from_cluster_attributes(stack, "Unknown", cluster_name="pages")
    with pytest.raises(ValidationError, match="configuration_endpoint must be known to be used"):
        _ = unknown.configuration_endpoint


def test_tokens_are_accepted(
    stack: cdk.Stack, vpc: ec2.IVpc, any_text: str, any_number: float, properties: Properties
) -> None:
    MemcachedCluster(
        stack,
        "Cache",
        vpc=vpc,
        node_type=NodeType.of(any_text),
        port=any_number,  # type: ignore[arg-type]  # tokens are floats
        cluster_name=any_text,
        maintenance=Maintenance(window=MaintenanceWindow.of(any_text)),
    )
    found = properties(CLUSTER)
    assert found["CacheNodeType"] == found["ClusterName"] == {"Ref": "AnyText"}
    assert found["Port"] == {"Ref": "AnyNumber"}
