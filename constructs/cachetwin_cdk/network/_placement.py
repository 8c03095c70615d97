"""The default subnets and the default security group of a cache."""

from collections.abc import Sequence

from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from cachetwin_cdk.checks._validate import ValidationError, WarningId, warn


def chosen_subnets(vpc: ec2.IVpc, vpc_subnets: ec2.SubnetSelection | None) -> Sequence[ec2.ISubnet]:
    """The selected subnets, or else the isolated ones, or else the private ones; never public ones by default."""
    if vpc_subnets is not None:
        return vpc.select_subnets(
            subnets=vpc_subnets.subnets,
            subnet_type=vpc_subnets.subnet_type,
            subnet_group_name=vpc_subnets.subnet_group_name,
            subnet_filters=vpc_subnets.subnet_filters,
            availability_zones=vpc_subnets.availability_zones,
            one_per_az=vpc_subnets.one_per_az,
        ).subnets
    subnets = vpc.isolated_subnets or vpc.private_subnets
    if not subnets:
        raise ValidationError(
            "vpc must have private subnets for a cache, got only public ones; add private subnets to the VPC or name "
            "subnets with vpc_subnets"
        )
    return subnets


def warn_public_subnets(scope: Construct, vpc: ec2.IVpc, subnets: Sequence[ec2.ISubnet]) -> None:
    """Warn of public subnets: nodes there are one security group rule away from the internet."""
    public = {subnet.subnet_id for subnet in vpc.public_subnets}
    if any(subnet.subnet_id in public for subnet in subnets):
        warn(
            scope,
            WarningId.PUBLIC_SUBNETS,
            "vpc_subnets has public subnets, where a cache needs none; select isolated or private ones",
        )


def closed_security_group(scope: Construct, vpc: ec2.IVpc) -> ec2.SecurityGroup:
    """A security group without rules; ``connections`` adds the rules that are needed."""
    return ec2.SecurityGroup(
        scope,
        "SecurityGroup",
        vpc=vpc,
        description=f"Who may connect to the cache {scope.node.path}",
        allow_all_outbound=False,
    )


def require_vpc_or_groups(
    vpc: ec2.IVpc | None, subnet_group: object | None, security_groups: Sequence[ec2.ISecurityGroup] | None
) -> None:
    """Raise ValidationError for a cache without a VPC that lacks a subnet group or security groups."""
    if vpc is None and (subnet_group is None or not security_groups):
        raise ValidationError(
            "vpc must be given without subnet_group and security_groups, got None; pass the VPC of the cache, or both"
        )


def connections_to(
    scope: Construct, vpc: ec2.IVpc | None, security_groups: Sequence[ec2.ISecurityGroup] | None, port: int
) -> ec2.Connections:
    """Connections to ``port`` through the given security groups, or else through a new one without rules."""
    groups = list(security_groups or ())
    if not groups and vpc is not None:
        groups = [closed_security_group(scope, vpc)]
    return ec2.Connections(security_groups=groups, default_port=ec2.Port.tcp(port))
