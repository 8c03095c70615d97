"""IPv6 and dual stack: which engines and nodes speak them."""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2

from cachetwin_cdk import (
    EngineVersion,
    IpDiscovery,
    MemcachedCluster,
    NetworkType,
    NodeType,
    ReplicationGroup,
    ServerlessCache,
    ValidationError,
)

Properties = Callable[[str], dict[str, Any]]
DUAL: dict[str, Any] = {"network_type": NetworkType.DUAL_STACK}


def test_dual_stack_is_rendered_for_every_kind_of_cache(
    stack: cdk.Stack, vpc: ec2.IVpc, properties: Properties
) -> None:
    ReplicationGroup(stack, "Cache", vpc=vpc, **DUAL, ip_discovery=IpDiscovery.IPV6)
    MemcachedCluster(stack, "Pages", vpc=vpc, **DUAL, ip_discovery=IpDiscovery.IPV4)
    ServerlessCache(stack, "Serverless", vpc=vpc, **DUAL)
    group = properties("AWS::ElastiCache::ReplicationGroup")
    assert (group["NetworkType"], group["IpDiscovery"]) == ("dual_stack", "ipv6")
    cluster = properties("AWS::ElastiCache::CacheCluster")
    assert (cluster["NetworkType"], cluster["IpDiscovery"]) == ("dual_stack", "ipv4")
    assert properties("AWS::ElastiCache::ServerlessCache")["NetworkType"] == "dual_stack"


@pytest.mark.parametrize(
    ("props", "message"),
    [
        ({**DUAL, "engine_version": EngineVersion.REDIS_6_0}, "engine_version must be at least Valkey 7.2, Redis 6.2"),
        ({**DUAL, "node_type": NodeType.of("cache.m4.large")}, "node_type must be a Nitro node for network_type dual"),
        ({"ip_discovery": IpDiscovery.IPV6}, "ip_discovery must be ipv4 with this network_type, got 'ipv6'"),
        (
            {"network_type": NetworkType.IPV6, "ip_discovery": IpDiscovery.IPV4},
            "ip_discovery must be ipv6 with this network_type, got 'ipv4'",
        ),
    ],
)
def test_what_cannot_speak_ipv6_is_refused(
    stack: cdk.Stack, vpc: ec2.IVpc, props: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        ReplicationGroup(stack, "Cache", vpc=vpc, **props)


@pytest.mark.parametrize(
    "props",
    [
        {**DUAL, "engine_version": EngineVersion.REDIS_6_2},
        {**DUAL, "engine_version": EngineVersion.REDIS_7_1},
        {**DUAL, "engine_version": EngineVersion.VALKEY_7_2},
        {"network_type": NetworkType.IPV4, "node_type": NodeType.of("cache.m4.large")},
        {"network_type": NetworkType.IPV6, "ip_discovery": IpDiscovery.IPV6},
        {"ip_discovery": IpDiscovery.IPV4},
    ],
)
def test_what_can_is_accepted(stack: cdk.Stack, vpc: ec2.IVpc, props: dict[str, Any]) -> None:
    ReplicationGroup(stack, "Cache", vpc=vpc, **props)


def test_memcached_speaks_it_from_1_6_6_on(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    with pytest.raises(ValidationError, match=r"or Memcached 1\.6\.6 for network_type dual_stack"):
        MemcachedCluster(
            stack, "Old", vpc=vpc, engine_version=EngineVersion.MEMCACHED_1_5_16, transit_encryption=False, **DUAL
        )
    MemcachedCluster(stack, "New", vpc=vpc, engine_version=EngineVersion.MEMCACHED_1_6_12, **DUAL)
