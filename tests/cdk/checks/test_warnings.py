"""Each warning is given by a stack that deserves it, explained in docs/security.md, and silent once acknowledged.

The ids are what users search for and acknowledge: changing one is a breaking change.
"""

import re
from collections.abc import Callable
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_route53 as route53

from cachetwin_cdk import (
    Access,
    AccessString,
    Backups,
    CacheAlarms,
    CacheRecord,
    Compliance,
    Durability,
    Encryption,
    Engine,
    EngineVersion,
    Maintenance,
    MaintenanceWindow,
    MemcachedCluster,
    MemcachedTopology,
    NetworkType,
    NodeType,
    NoPasswordUser,
    ParameterGroup,
    PasswordUser,
    ReplicationGroup,
    ServerlessCache,
    ServerlessEngine,
    Shard,
    ShardScaling,
    SnapshotWindow,
    Topology,
    TransitEncryption,
    UserPasswordRotation,
)
from cachetwin_cdk.checks._validate import WarningId
from cachetwin_cdk.patterns import CachedWebApp, SessionApi

SECURITY = Path(__file__).parents[3] / "docs" / "security.md"
Build = Callable[[cdk.Stack, ec2.IVpc], object]
ZONE = "eu-west-1a"
LARGE = NodeType.M7G_LARGE


def alarms_before_scaling(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cache = ReplicationGroup(stack, "Cache", vpc=vpc, node_type=LARGE, topology=Topology.cluster())
    CacheAlarms(stack, "Alarms", cache=cache)
    ShardScaling(stack, "Scaling", cache=cache, max_capacity=3)


def alarms_of_many_nodes(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cache = ReplicationGroup(stack, "Cache", vpc=vpc, node_type=LARGE, topology=Topology.cluster(15))
    CacheAlarms(stack, "Alarms", cache=cache)


def a_public_record(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    zone = route53.PublicHostedZone(stack, "Zone", zone_name="shop.example")
    CacheRecord(stack, "Record", cache=ReplicationGroup(stack, "Cache", vpc=vpc), zone=zone, record_name="orders")


def two_subnets_of_one_zone(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    subnets = [
        ec2.Subnet.from_subnet_attributes(stack, f"S{n}", subnet_id=f"subnet-{n}", availability_zone="eu-west-1a")
        for n in range(2)
    ]
    ServerlessCache(stack, "Cache", vpc=vpc, vpc_subnets=ec2.SubnetSelection(subnets=subnets))


def dual_stack_without_ipv6(stack: cdk.Stack, _vpc: ec2.IVpc) -> None:
    vpc = ec2.Vpc(stack, "Ipv4", max_azs=2, restrict_default_security_group=False)
    ReplicationGroup(stack, "Cache", vpc=vpc, network_type=NetworkType.DUAL_STACK)


def a_client_in_another_vpc(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    private = ec2.SubnetConfiguration(name="Data", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
    other = ec2.Vpc(stack, "Other", max_azs=2, nat_gateways=0, subnet_configuration=[private])
    cache = ServerlessCache(stack, "Cache", vpc=other)
    SessionApi(stack, "Api", code=lambda_.Code.from_inline("x"), vpc=vpc, cache=cache)


BUILDS: dict[str, Build] = {
    "cachetwin:alarms-on-fixed-nodes": alarms_before_scaling,
    "cachetwin:at-rest-off": lambda stack, vpc: ReplicationGroup(
        stack, "Cache", vpc=vpc, encryption=Encryption(at_rest=False)
    ),
    "cachetwin:compliance-unmet": lambda stack, vpc: MemcachedCluster(
        stack, "Cache", vpc=vpc, compliance=Compliance.REGULATED
    ),
    "cachetwin:container-as-root": lambda stack, vpc: CachedWebApp(
        stack,
        "Web",
        vpc=vpc,
        image=ecs.ContainerImage.from_registry("public.ecr.aws/docker/library/python:3.13"),
        allow_plain_http=True,
        container_user="root",
    ),
    "cachetwin:data-tiering-unconfirmed": lambda stack, vpc: ReplicationGroup(
        stack, "Cache", vpc=vpc, node_type=NodeType.of("cache.r7gd.xlarge")
    ),
    "cachetwin:durability-family-unconfirmed": lambda stack, vpc: ReplicationGroup(
        stack,
        "Cache",
        vpc=vpc,
        durability=Durability.SYNC,
        engine_version=EngineVersion.VALKEY_9_0,
        node_type=NodeType.T4G_MEDIUM,
        topology=Topology.cluster(),
    ),
    "cachetwin:engine-end-of-life": lambda stack, vpc: ReplicationGroup(
        stack, "Cache", vpc=vpc, engine_version=EngineVersion.REDIS_6_2
    ),
    "cachetwin:engine-version-unconfirmed": lambda stack, vpc: ServerlessCache(
        stack, "Cache", vpc=vpc, engine=ServerlessEngine.of(Engine.VALKEY, "12")
    ),
    "cachetwin:key-destroyed": lambda stack, vpc: ServerlessCache(
        stack, "Cache", vpc=vpc, kms_key=kms.Key(stack, "Key", removal_policy=cdk.RemovalPolicy.DESTROY)
    ),
    "cachetwin:many-alarms": alarms_of_many_nodes,
    "cachetwin:memcached-nodes-unconfirmed": lambda stack, vpc: MemcachedCluster(
        stack, "Cache", vpc=vpc, topology=MemcachedTopology.across_zones(41)
    ),
    "cachetwin:minor-upgrades-ignored": lambda stack, vpc: ReplicationGroup(
        stack, "Cache", vpc=vpc, engine_version=EngineVersion.REDIS_5_0_6, access=Access.unauthenticated()
    ),
    "cachetwin:no-backups": lambda stack, vpc: ReplicationGroup(stack, "Cache", vpc=vpc, backups=Backups.none()),
    "cachetwin:no-notifications": lambda stack, _vpc: ParameterGroup(
        stack, "Parameters", engine_version=EngineVersion.VALKEY_8_1, parameters={"notify-keyspace-events": "gx"}
    ),
    "cachetwin:no-password": lambda stack, _vpc: NoPasswordUser(stack, "User", access_string=AccessString.on()),
    "cachetwin:no-replica": lambda stack, vpc: ReplicationGroup(
        stack, "Cache", vpc=vpc, topology=Topology.cluster(2, replicas=0)
    ),
    "cachetwin:node-quota": lambda stack, vpc: ReplicationGroup(stack, "Cache", vpc=vpc, topology=Topology.cluster(46)),
    "cachetwin:node-type-unconfirmed": lambda stack, vpc: MemcachedCluster(
        stack, "Cache", vpc=vpc, node_type=NodeType.of("cache.m8g.48xlarge")
    ),
    "cachetwin:one-zone": lambda stack, vpc: ReplicationGroup(
        stack, "Cache", vpc=vpc, topology=Topology.placed([Shard(ZONE, (ZONE,))])
    ),
    "cachetwin:open-to-any-address": lambda stack, vpc: ReplicationGroup(
        stack, "Cache", vpc=vpc
    ).connections.allow_default_port_from_any_ipv4(),
    "cachetwin:other-vpc": a_client_in_another_vpc,
    "cachetwin:parameter-family-unconfirmed": lambda stack, _vpc: ParameterGroup(
        stack, "Parameters", engine_version=EngineVersion.of(Engine.VALKEY, "12.0")
    ),
    "cachetwin:parameter-of-newer-version": lambda stack, _vpc: ParameterGroup(
        stack, "Parameters", engine_version=EngineVersion.VALKEY_8_1, parameters={"search-default-timeout-ms": "9"}
    ),
    "cachetwin:parameter-unconfirmed": lambda stack, _vpc: ParameterGroup(
        stack, "Parameters", engine_version=EngineVersion.VALKEY_8_1, parameters={"hz": "20"}
    ),
    "cachetwin:previous-generation-node": lambda stack, vpc: ReplicationGroup(
        stack, "Cache", vpc=vpc, node_type=NodeType.of("cache.m3.large")
    ),
    "cachetwin:public-subnets": lambda stack, vpc: ServerlessCache(
        stack, "Cache", vpc=vpc, vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC)
    ),
    "cachetwin:rate-quota": lambda stack, vpc: SessionApi(
        stack, "Api", code=lambda_.Code.from_inline("x"), vpc=vpc, rate_limit=20_000
    ),
    "cachetwin:record-beside-the-certificate": a_public_record,
    "cachetwin:record-in-a-public-zone": a_public_record,
    "cachetwin:restricted-subcommand": lambda stack, _vpc: PasswordUser(
        stack, "User", access_string=AccessString.on().commands("acl|setuser")
    ),
    "cachetwin:rotation-without-route": lambda stack, vpc: UserPasswordRotation(
        stack, "Rotation", user=PasswordUser(stack, "User", access_string=AccessString.read_only()), vpc=vpc
    ),
    "cachetwin:search-memory": lambda stack, vpc: ReplicationGroup(
        stack,
        "Cache",
        vpc=vpc,
        engine_version=EngineVersion.VALKEY_8_2,
        parameters={"search-default-timeout-ms": "5000"},
    ),
    "cachetwin:security-group-quota": lambda stack, vpc: ReplicationGroup(
        stack,
        "Cache",
        vpc=vpc,
        security_groups=[ec2.SecurityGroup.from_security_group_id(stack, f"G{n}", f"sg-{n}") for n in range(6)],
    ),
    "cachetwin:serverless-subnets": two_subnets_of_one_zone,
    "cachetwin:slots": lambda stack, vpc: ReplicationGroup(
        stack, "Cache", vpc=vpc, topology=Topology.placed([Shard(slots="0-16382")])
    ),
    "cachetwin:subnets-without-ipv6": dual_stack_without_ipv6,
    "cachetwin:tls-off": lambda stack, vpc: MemcachedCluster(stack, "Cache", vpc=vpc, transit_encryption=False),
    "cachetwin:tls-preferred": lambda stack, vpc: ReplicationGroup(
        stack, "Cache", vpc=vpc, encryption=Encryption(transit=TransitEncryption.PREFERRED)
    ),
    "cachetwin:unauthenticated": lambda stack, vpc: ReplicationGroup(
        stack, "Cache", vpc=vpc, access=Access.unauthenticated()
    ),
    "cachetwin:user-off": lambda stack, _vpc: PasswordUser(stack, "User", access_string=AccessString.of("~* +@all")),
    "cachetwin:window-unconfirmed": lambda stack, vpc: MemcachedCluster(
        stack, "Cache", vpc=vpc, maintenance=Maintenance(window=MaintenanceWindow.of("sun:05:00-mon:06:00"))
    ),
    "cachetwin:windows-overlap": lambda stack, vpc: ReplicationGroup(
        stack,
        "Cache",
        vpc=vpc,
        backups=Backups.daily(window=SnapshotWindow.of("03:30-04:30")),
        maintenance=Maintenance(window=MaintenanceWindow.of("sun:03:00-sun:04:00")),
    ),
}


# Given by stacks of a region: tests/cdk/engine/test_regions.py.
OF_REGIONS = "cachetwin:region-unconfirmed"


def test_the_ids_of_warnings_are_these() -> None:
    assert sorted(WarningId) == sorted([*BUILDS, OF_REGIONS])


def test_the_documentation_explains_each_warning() -> None:
    assert sorted(re.findall(r"^\| `(cachetwin:[a-z0-9-]+)` \|", SECURITY.read_text(), re.MULTILINE)) == sorted(
        [*BUILDS, OF_REGIONS]
    )


@pytest.mark.parametrize("warning", BUILDS)
def test_each_warning_is_given_until_it_is_acknowledged(
    stack: cdk.Stack, vpc: ec2.IVpc, warnings: Callable[[], list[str]], warning: str
) -> None:
    BUILDS[warning](stack, vpc)
    assert warning in warnings()
    cdk.Annotations.of(stack).acknowledge_warning(warning, "Decided by the team that owns this stack.")
    assert warning not in warnings()
