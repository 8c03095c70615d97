"""Subnet groups: private subnets, never public ones by accident."""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2

from cachetwin_cdk import SubnetGroup, ValidationError

Properties = Callable[[str], dict[str, Any]]
GROUP = "AWS::ElastiCache::SubnetGroup"


def _vpc(stack: cdk.Stack, *types: ec2.SubnetType) -> ec2.Vpc:
    return ec2.Vpc(
        stack,
        "Net",
        max_azs=2,
        restrict_default_security_group=False,
        subnet_configuration=[ec2.SubnetConfiguration(name=kind.name, subnet_type=kind) for kind in types],
    )


def test_isolated_subnets_come_first(stack: cdk.Stack, properties: Properties) -> None:
    vpc = _vpc(stack, ec2.SubnetType.PUBLIC, ec2.SubnetType.PRIVATE_WITH_EGRESS, ec2.SubnetType.PRIVATE_ISOLATED)
    group = SubnetGroup(stack, "Subnets", vpc=vpc)
    assert properties(GROUP)["SubnetIds"] == [stack.resolve(subnet.subnet_id) for subnet in vpc.isolated_subnets]
    assert len(set(group.availability_zones)) == 2


def test_private_subnets_with_egress_come_next(stack: cdk.Stack, properties: Properties) -> None:
    vpc = _vpc(stack, ec2.SubnetType.PUBLIC, ec2.SubnetType.PRIVATE_WITH_EGRESS)
    SubnetGroup(stack, "Subnets", vpc=vpc)
    assert properties(GROUP)["SubnetIds"] == [stack.resolve(subnet.subnet_id) for subnet in vpc.private_subnets]


def test_public_subnets_have_to_be_named(stack: cdk.Stack, properties: Properties) -> None:
    vpc = _vpc(stack, ec2.SubnetType.PUBLIC)
    with pytest.raises(ValidationError, match="vpc must have private subnets for a cache, got only public ones"):
        SubnetGroup(stack, "Subnets", vpc=vpc)
    SubnetGroup(stack, "Named", vpc=vpc, vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC))
    assert len(properties(GROUP)["SubnetIds"]) == 2


def test_a_selection_without_subnets_is_refused(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    with pytest.raises(ValidationError, match=r"vpc_subnets must select at least one subnet, got \[\]"):
        SubnetGroup(stack, "Subnets", vpc=vpc, vpc_subnets=ec2.SubnetSelection(availability_zones=["nowhere"]))


def test_at_most_twenty_subnets_are_taken(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    subnets = [
        ec2.Subnet.from_subnet_attributes(stack, f"S{n}", subnet_id=f"subnet-{n}", availability_zone="a")
        for n in range(21)
    ]
    SubnetGroup(stack, "Full", vpc=vpc, vpc_subnets=ec2.SubnetSelection(subnets=subnets[:20]))
    with pytest.raises(ValidationError, match="vpc_subnets must select at most 20 subnets, got 21"):
        SubnetGroup(stack, "Over", vpc=vpc, vpc_subnets=ec2.SubnetSelection(subnets=subnets))


@pytest.mark.parametrize("name", ["", "a/b", "a" * 256])
def test_a_malformed_name_is_refused(stack: cdk.Stack, vpc: ec2.IVpc, name: str) -> None:
    with pytest.raises(ValidationError, match="subnet_group_name must hold 1 to 255"):
        SubnetGroup(stack, "Subnets", vpc=vpc, subnet_group_name=name)


def test_a_name_and_a_description_are_passed_on(stack: cdk.Stack, vpc: ec2.IVpc, properties: Properties) -> None:
    SubnetGroup(stack, "Subnets", vpc=vpc, subnet_group_name="team", description="Caches of the team")
    found = properties(GROUP)
    assert (found["CacheSubnetGroupName"], found["Description"]) == ("team", "Caches of the team")


def test_what_exists_already_can_be_used(stack: cdk.Stack) -> None:
    group = SubnetGroup.from_subnet_group_name(stack, "Subnets", "team")
    assert (group.subnet_group_name, list(group.availability_zones)) == ("team", [])
    assert group.subnet_group_ref.cache_subnet_group_name == "team"


def test_tokens_are_accepted(stack: cdk.Stack, vpc: ec2.IVpc, any_text: str, properties: Properties) -> None:
    SubnetGroup(stack, "Subnets", vpc=vpc, subnet_group_name=any_text)
    assert properties(GROUP)["CacheSubnetGroupName"] == {"Ref": "AnyText"}
