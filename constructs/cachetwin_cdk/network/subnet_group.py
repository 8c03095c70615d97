"""Subnet groups: the subnets that the nodes of a cache are in."""

from collections.abc import Sequence

import aws_cdk as cdk
import jsii
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticache as elasticache
from aws_cdk.interfaces import aws_elasticache as refs
from constructs import Construct

from cachetwin_cdk.access._permissions import Permissions
from cachetwin_cdk.checks._claims import claim_name
from cachetwin_cdk.checks._types import checked_arguments
from cachetwin_cdk.checks._validate import known, refuse, require_match
from cachetwin_cdk.monitoring._events import ApiEvents

from ._placement import chosen_subnets, warn_public_subnets

_SUBNETS_MAX = 20  # quota per subnet group


@jsii.implements(refs.ISubnetGroupRef)
class SubnetGroupBase(ApiEvents, Permissions, cdk.Resource):
    """A subnet group, defined in this app or imported."""

    subnet_group_name: str
    availability_zones: Sequence[str]
    """One for each subnet known here; empty for an imported group."""
    subnets: Sequence[ec2.ISubnet] = ()
    """The subnets; none for an imported group."""

    @property
    def subnet_group_arn(self) -> str:
        """The ARN that IAM policies name."""
        return cdk.Stack.of(self).format_arn(
            service="elasticache",
            resource="subnetgroup",
            resource_name=self.subnet_group_name,
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )

    @property
    def _api_parameter(self) -> tuple[str, str]:
        return "cacheSubnetGroupName", self.subnet_group_name

    @property
    def _arn(self) -> str:
        return self.subnet_group_arn

    @property
    def subnet_group_ref(self) -> refs.SubnetGroupReference:
        """The reference that constructs of aws-cdk-lib accept for a subnet group."""
        return refs.SubnetGroupReference(cache_subnet_group_name=self.subnet_group_name)


ISubnetGroup = SubnetGroupBase
"""The type of a subnet group in signatures, defined in this app or imported."""


class _ImportedSubnetGroup(SubnetGroupBase):
    def __init__(self, scope: Construct, construct_id: str, *, name: str) -> None:
        _require_name(name)
        super().__init__(scope, construct_id)
        self.subnet_group_name, self.availability_zones = name.lower() if known(name) else name, ()


@checked_arguments
class SubnetGroup(SubnetGroupBase):
    """The subnets that the nodes of caches are in.

    Defines one AWS::ElastiCache::SubnetGroup.

    Args:
        vpc: The VPC of the subnets.
        vpc_subnets: Which subnets of the VPC. By default the isolated subnets, or the private ones if there are
            none; a VPC with public subnets only is refused.
        description: A text for the console. By default the path of the construct.
        subnet_group_name: The name of the group; ElastiCache stores it in lower case. By default CloudFormation
            generates one. Changing it replaces the group.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        vpc_subnets: ec2.SubnetSelection | None = None,
        description: str | None = None,
        subnet_group_name: str | None = None,
    ) -> None:
        _require_name(subnet_group_name)
        if subnet_group_name is not None and subnet_group_name.lower() == "default":
            refuse(
                "subnet_group_name", "not be default, which is the service's own", subnet_group_name, "choose another"
            )
        selected = vpc.select_subnets(subnets=chosen_subnets(vpc, vpc_subnets))
        if not selected.subnet_ids:
            refuse("vpc_subnets", "select at least one subnet", selected.subnet_ids, "select subnets the VPC has")
        if len(selected.subnet_ids) > _SUBNETS_MAX:
            refuse(
                "vpc_subnets",
                f"select at most {_SUBNETS_MAX} subnets",
                len(selected.subnet_ids),
                "select fewer subnets",
            )
        super().__init__(scope, construct_id)
        claim_name("subnet_group_name", self, "subnet group", subnet_group_name)
        self.vpc = vpc
        warn_public_subnets(self, vpc, selected.subnets)
        self.availability_zones = tuple(selected.availability_zones)
        self.subnets = tuple(selected.subnets)
        resource = elasticache.CfnSubnetGroup(
            self,
            "Resource",
            description=description or f"Subnets of {self.node.path}",
            subnet_ids=selected.subnet_ids,
            cache_subnet_group_name=subnet_group_name,
        )
        self.subnet_group_name = resource.ref

    @staticmethod
    def from_subnet_group_name(scope: Construct, construct_id: str, subnet_group_name: str) -> ISubnetGroup:
        """A subnet group that exists already, imported."""
        return _ImportedSubnetGroup(scope, construct_id, name=subnet_group_name)


def _require_name(name: str | None) -> None:
    require_match(
        "subnet_group_name",
        name,
        r"[A-Za-z0-9 ._-]{1,255}",
        "hold 1 to 255 letters, digits, spaces, dots, hyphens and underscores",
        remedy="choose such a name; ElastiCache stores it in lower case",
    )


def create_subnet_group(scope: Construct, vpc: ec2.IVpc | None, vpc_subnets: ec2.SubnetSelection | None) -> SubnetGroup:
    """The subnet group of a cache that was given none."""
    assert vpc is not None  # noqa: S101  (required without a subnet group)
    return SubnetGroup(scope, "SubnetGroup", vpc=vpc, vpc_subnets=vpc_subnets)
