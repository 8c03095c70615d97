"""A name in Route 53 for a cache: which endpoint it leads to, and what is said about it."""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_route53 as route53

from cachetwin_cdk import (
    Access,
    CacheRecord,
    Encryption,
    EndpointKind,
    MemcachedCluster,
    ReplicationGroup,
    ServerlessCache,
    Topology,
    TransitEncryption,
    ValidationError,
)

Properties = Callable[[str], dict[str, Any]]
Warnings = Callable[[], list[str]]
RECORD = "AWS::Route53::RecordSet"
BESIDE = "cachetwin:record-beside-the-certificate"
PLAIN: dict[str, Any] = {"encryption": Encryption(transit=TransitEncryption.OFF), "access": Access.unauthenticated()}


@pytest.fixture
def zone(stack: cdk.Stack, vpc: ec2.IVpc) -> route53.PrivateHostedZone:
    return route53.PrivateHostedZone(stack, "Zone", vpc=vpc, zone_name="shop.internal")


def test_the_name_leads_to_the_primary(
    stack: cdk.Stack, vpc: ec2.IVpc, zone: route53.IHostedZone, properties: Properties
) -> None:
    cache = ReplicationGroup(stack, "Cache", vpc=vpc)
    record = CacheRecord(stack, "Name", cache=cache, zone=zone, record_name="orders")
    found = properties(RECORD)
    assert (found["Name"], found["Type"], found["TTL"]) == ("orders.shop.internal.", "CNAME", "60")
    assert found["ResourceRecords"] == [stack.resolve(cache.primary_endpoint.hostname)]
    assert record.endpoint.port == cache.primary_endpoint.port
    assert "Ref" in stack.resolve(record.endpoint.hostname)


def test_the_reader_has_a_name_when_asked_for(
    stack: cdk.Stack, vpc: ec2.IVpc, zone: route53.IHostedZone, properties: Properties
) -> None:
    cache = ReplicationGroup(stack, "Cache", vpc=vpc)
    CacheRecord(
        stack, "Name", cache=cache, zone=zone, record_name="r", endpoint=EndpointKind.READER, ttl=cdk.Duration.hours(1)
    )
    assert properties(RECORD)["ResourceRecords"] == [stack.resolve(cache.reader_endpoint.hostname)]
    assert properties(RECORD)["TTL"] == "3600"


def test_a_cluster_s_name_leads_to_its_configuration_endpoint(
    stack: cdk.Stack, vpc: ec2.IVpc, zone: route53.IHostedZone, properties: Properties
) -> None:
    cache = ReplicationGroup(stack, "Cache", vpc=vpc, topology=Topology.cluster())
    CacheRecord(stack, "Name", cache=cache, zone=zone, record_name="orders")
    assert properties(RECORD)["ResourceRecords"] == [stack.resolve(cache.configuration_endpoint.hostname)]


@pytest.mark.parametrize("kind", [None, EndpointKind.PRIMARY, EndpointKind.READER])
def test_a_serverless_cache_has_two_endpoints(
    stack: cdk.Stack, vpc: ec2.IVpc, zone: route53.IHostedZone, properties: Properties, kind: EndpointKind | None
) -> None:
    cache = ServerlessCache(stack, "Cache", vpc=vpc)
    CacheRecord(stack, "Name", cache=cache, zone=zone, record_name="orders", endpoint=kind)
    target = cache.reader_endpoint if kind is EndpointKind.READER else cache.endpoint
    assert properties(RECORD)["ResourceRecords"] == [stack.resolve(target.hostname)]


@pytest.mark.parametrize("name", ["pages.cfg", "pages.cfg.shop.internal", "pages.cfg.shop.internal."])
def test_memcached_takes_a_name_that_auto_discovery_knows(
    stack: cdk.Stack, vpc: ec2.IVpc, zone: route53.IHostedZone, properties: Properties, name: str
) -> None:
    cache = MemcachedCluster(stack, "Pages", vpc=vpc)
    CacheRecord(stack, "Name", cache=cache, zone=zone, record_name=name)
    assert properties(RECORD)["Name"] == "pages.cfg.shop.internal."


@pytest.mark.parametrize("name", ["pages", "cfg", "pagescfg"])
def test_memcached_under_another_name_is_refused(
    stack: cdk.Stack, vpc: ec2.IVpc, zone: route53.IHostedZone, name: str
) -> None:
    cache = MemcachedCluster(stack, "Pages", vpc=vpc)
    with pytest.raises(ValidationError, match=rf"record_name must hold \.cfg\. for Memcached.*got '{name}\.shop"):
        CacheRecord(stack, "Name", cache=cache, zone=zone, record_name=name)


def test_a_zone_that_is_not_known_yet_may_hold_the_word(stack: cdk.Stack, vpc: ec2.IVpc, any_text: str) -> None:
    zone = route53.HostedZone.from_hosted_zone_attributes(stack, "Later", hosted_zone_id="Z1", zone_name=any_text)
    cache = MemcachedCluster(stack, "Pages", vpc=vpc)
    CacheRecord(stack, "Name", cache=cache, zone=zone, record_name="pages")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "record_name must be a host name, such as orders, got ''"),
        ("*", "record_name must be a host name"),
        ("or ders", "record_name must be a host name"),
        ("a" * 64, "record_name must be a host name"),
        ("shop.internal", "record_name must be a name below the zone, got the zone's own 'shop.internal'"),
        ("SHOP.internal.", "record_name must be a name below the zone"),
    ],
)
def test_what_cannot_be_a_name_of_a_cache_is_refused(
    stack: cdk.Stack, vpc: ec2.IVpc, zone: route53.IHostedZone, name: str, message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        CacheRecord(stack, "Name", cache=ServerlessCache(stack, "Cache", vpc=vpc), zone=zone, record_name=name)


@pytest.mark.parametrize(
    ("make", "endpoint", "message"),
    [
        (ServerlessCache, EndpointKind.CONFIGURATION, "endpoint must be primary or reader for this kind of cache"),
        (MemcachedCluster, EndpointKind.READER, "endpoint must be configuration for this kind of cache, got 'reader'"),
        (ReplicationGroup, EndpointKind.CONFIGURATION, "configuration_endpoint must be known to be used"),
    ],
)
def test_an_endpoint_that_the_cache_has_not_is_refused(
    stack: cdk.Stack, vpc: ec2.IVpc, make: Callable[..., Any], endpoint: EndpointKind, message: str
) -> None:
    zone = route53.PrivateHostedZone(stack, "Zone", vpc=vpc, zone_name="shop.internal")
    cache = make(stack, "Cache", vpc=vpc)
    with pytest.raises(ValidationError, match=message):
        CacheRecord(stack, "Name", cache=cache, zone=zone, record_name="a.cfg", endpoint=endpoint)


def test_with_tls_the_certificate_is_warned_of(
    stack: cdk.Stack, vpc: ec2.IVpc, zone: route53.IHostedZone, warnings: Warnings
) -> None:
    CacheRecord(stack, "Name", cache=ReplicationGroup(stack, "Cache", vpc=vpc), zone=zone, record_name="orders")
    assert warnings() == [BESIDE]


def test_where_tls_is_not_known_it_is_warned_of_too(
    stack: cdk.Stack, zone: route53.IHostedZone, warnings: Warnings
) -> None:
    cache = ReplicationGroup.from_replication_group_attributes(
        stack, "Cache", replication_group_id="orders", primary_endpoint_address="orders.example"
    )
    CacheRecord(stack, "Name", cache=cache, zone=zone, record_name="orders")
    assert warnings() == [BESIDE]


def test_without_tls_there_is_nothing_to_warn_of(
    stack: cdk.Stack, vpc: ec2.IVpc, zone: route53.IHostedZone, warnings: Warnings
) -> None:
    cache = ReplicationGroup(stack, "Cache", vpc=vpc, **PLAIN)
    CacheRecord(stack, "Name", cache=cache, zone=zone, record_name="orders")
    assert BESIDE not in warnings()


def test_a_public_zone_is_warned_of(stack: cdk.Stack, vpc: ec2.IVpc, warnings: Warnings) -> None:
    zone = route53.PublicHostedZone(stack, "World", zone_name="shop.example")
    CacheRecord(
        stack, "Name", cache=ReplicationGroup(stack, "Cache", vpc=vpc, **PLAIN), zone=zone, record_name="orders"
    )
    assert "cachetwin:record-in-a-public-zone" in warnings()
