"""Where a cache with nodes is: its VPC, subnets and security groups, given or made."""

from collections.abc import Sequence
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from cachetwin_cdk.checks._places import require_one_place
from cachetwin_cdk.checks._validate import ValidationError, require_at_most_one

from ._placement import closed_security_group, warn_of_groups
from .subnet_group import ISubnetGroup, SubnetGroup, create_subnet_group


@dataclass(frozen=True)
class Site:
    """The arguments about the network of a cache, checked together."""

    vpc: ec2.IVpc | None
    vpc_subnets: ec2.SubnetSelection | None
    given_subnet_group: ISubnetGroup | None
    security_groups: Sequence[ec2.ISecurityGroup] | None

    def validate(self, scope: Construct, **others: cdk.IResource | None) -> None:
        """Raise ValidationError unless all is in one place; ``others`` are resources by argument."""
        require_at_most_one(subnet_group=(self.given_subnet_group, "vpc_subnets", self.vpc_subnets))
        if self.vpc is None and (self.given_subnet_group is None or not self.security_groups):
            raise ValidationError(
                "vpc must be given without subnet_group and security_groups, got None; pass the VPC of the cache, or both"
            )
        require_one_place(
            scope, self.vpc, subnet_group=self.given_subnet_group, security_groups=self.security_groups, **others
        )

    def subnet_group(self, scope: Construct) -> ISubnetGroup:
        """The given subnet group, or a new one."""
        return self.given_subnet_group or create_subnet_group(scope, self.vpc, self.vpc_subnets)

    def network(self, subnet_group: ISubnetGroup) -> ec2.IVpc | None:
        """The VPC, given or that of the subnet group; None for a subnet group that was imported."""
        return self.vpc or (subnet_group.vpc if isinstance(subnet_group, SubnetGroup) else None)

    def connections(self, scope: Construct, port: int) -> ec2.Connections:
        """Connections to ``port`` through the given security groups, or else through a new one without rules."""
        groups = list(self.security_groups or ())
        if not groups and self.vpc is not None:
            groups = [closed_security_group(scope, self.vpc)]
        warn_of_groups(scope, groups)
        return ec2.Connections(security_groups=groups, default_port=ec2.Port.tcp(port))
