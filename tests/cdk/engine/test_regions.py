"""What a region did not offer is warned of, and never refused: AWS extends regions."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Annotations, Match

from cachetwin_cdk import (
    CacheSnapshot,
    GlobalDatastore,
    MemcachedCluster,
    NodeType,
    ReplicationGroup,
    SecondaryReplicationGroup,
    ServerlessCache,
    SubnetGroup,
    ValidationError,
)

ROOT = Path(__file__).parents[3]
Make = Callable[[cdk.Stack, ec2.IVpc], object]
LARGE = NodeType.M7G_LARGE


def a_global_datastore(stack: cdk.Stack, vpc: ec2.IVpc) -> GlobalDatastore:
    return GlobalDatastore(stack, "Global", primary=ReplicationGroup(stack, "Cache", vpc=vpc, node_type=LARGE))


def a_secondary(stack: cdk.Stack, vpc: ec2.IVpc) -> SecondaryReplicationGroup:
    far = GlobalDatastore.from_global_replication_group_attributes(
        stack, "Global", global_replication_group_id="abcde-orders"
    )
    return SecondaryReplicationGroup(stack, "Cache", vpc=vpc, global_datastore=far)


def group(name: str) -> Make:
    return lambda stack, vpc: ReplicationGroup(stack, "Cache", vpc=vpc, node_type=NodeType.of(name))


CASES: dict[str, tuple[str, str, Make]] = {
    "a family that other regions have": ("eu-central-1", "eu-west-1", group("cache.c7gn.large")),
    "data tiering": ("eu-west-2", "eu-west-3", group("cache.r6gd.xlarge")),
    "burstable Graviton": ("me-central-1", "eu-west-1", group("cache.t4g.small")),
    "Memcached": (
        "il-central-1",
        "us-east-1",
        lambda stack, vpc: MemcachedCluster(stack, "Cache", vpc=vpc, node_type=NodeType.R8G_LARGE),
    ),
    "a region without ElastiCache": ("eu-west-9", "eu-west-1", group("cache.m7g.large")),
    "a global datastore": ("ap-southeast-6", "eu-west-1", a_global_datastore),
    "a secondary": ("ap-east-2", "eu-west-1", a_secondary),
    "a snapshot as a resource": (
        "eu-west-1",
        "us-east-1",
        lambda stack, vpc: CacheSnapshot(stack, "Snap", cache=ReplicationGroup(stack, "Cache", vpc=vpc)),
    ),
    "a serverless snapshot as a resource": (
        "eu-west-1",
        "us-east-1",
        lambda stack, vpc: CacheSnapshot(stack, "Snap", cache=ServerlessCache(stack, "Cache", vpc=vpc)),
    ),
}


def site(region: str | None) -> tuple[cdk.Stack, ec2.IVpc]:
    environment = cdk.Environment(account="111122223333", region=region)
    stack = cdk.Stack(cdk.App(analytics_reporting=False), "Shop", env=environment)
    network: dict[str, Any] = {
        "vpc_id": "vpc-0123456789abcdef0",
        "availability_zones": ["a", "b"],
        "isolated_subnet_ids": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
        "isolated_subnet_route_table_ids": ["rtb-0123456789abcdef0", "rtb-0123456789abcdef1"],
    }
    return stack, ec2.Vpc.from_vpc_attributes(stack, "Vpc", **network)


def said(region: str | None, make: Make) -> list[str]:
    stack, vpc = site(region)
    make(stack, vpc)
    found = Annotations.from_stack(stack).find_warning("*", Match.string_like_regexp("region-unconfirmed"))
    return [str(message.entry.data) for message in found]


def test_the_table_of_regions_is_current() -> None:
    check = subprocess.run(
        [sys.executable, "-m", "tools.tables.region_offers", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert check.returncode == 0, check.stderr


@pytest.mark.parametrize("case", CASES)
def test_a_region_that_lacks_it_is_named(case: str) -> None:
    without, with_it, make = CASES[case]
    (message,) = said(without, make)
    assert without in message
    assert said(with_it, make) == []
    assert said(None, make) == []  # a stack for any region


def test_what_a_region_lacks_can_be_acknowledged() -> None:
    def make(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
        group("cache.c7gn.large")(stack, vpc)
        cdk.Annotations.of(stack).acknowledge_warning("cachetwin:region-unconfirmed", "Our account has it.")

    assert said("eu-central-1", make) == []


def test_partitions_of_aws_do_not_replicate_to_each_other() -> None:
    stack, vpc = site("cn-north-1")
    far = a_global_datastore(stack, vpc)
    environment = cdk.Environment(account="111122223333", region="eu-west-1")
    other = cdk.Stack(cdk.App(analytics_reporting=False), "Other", env=environment)
    groups = [ec2.SecurityGroup.from_security_group_id(other, "Group", "sg-0123456789abcdef0")]
    subnets = SubnetGroup.from_subnet_group_name(other, "Subnets", "ours")
    with pytest.raises(ValidationError, match="region must be in the same part of AWS as cn-north-1"):
        SecondaryReplicationGroup(other, "Cache", subnet_group=subnets, security_groups=groups, global_datastore=far)


def test_a_family_that_the_guide_of_global_datastores_lacks_is_named(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cache = ReplicationGroup(stack, "Cache", vpc=vpc, node_type=NodeType.R8G_LARGE)
    GlobalDatastore(stack, "Global", primary=cache)
    Annotations.from_stack(stack).has_warning(
        "/Shop/Global", Match.string_like_regexp("is not of a family that the guide of global datastores lists")
    )
