"""The default subnets and the default security group of a cache."""

from collections.abc import Sequence
from typing import TypeVar

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from cachetwin_cdk.checks._places import identity_of_vpc, require_vpc
from cachetwin_cdk.checks._validate import ValidationError, WarningId, known, known_elements, validate_at_synth, warn

_GROUPS_QUOTA = 5
_PREFIX_MIN = 8  # the largest ranges of IPv4 that one owner has; 10.0.0.0/8 is one
L1 = TypeVar("L1", bound=cdk.CfnResource)


def chosen_subnets(vpc: ec2.IVpc, vpc_subnets: ec2.SubnetSelection | None) -> Sequence[ec2.ISubnet]:
    """The selected subnets, or else the isolated ones, or else the private ones; never public ones by default."""
    if vpc_subnets is not None:
        _require_own(vpc, vpc_subnets.subnets or ())
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


def _require_own(vpc: ec2.IVpc, subnets: Sequence[ec2.ISubnet]) -> None:
    """Raise ValidationError for a subnet that another VPC of this app made."""
    for subnet in subnets:
        maker = subnet.node.scope
        if isinstance(maker, ec2.Vpc) and maker is not vpc:
            require_vpc("vpc_subnets", vpc, maker)


def warn_public_subnets(scope: Construct, vpc: ec2.IVpc, subnets: Sequence[ec2.ISubnet]) -> None:
    """Warn of public subnets: nodes there are one security group rule away from the internet."""
    public = {subnet.subnet_id for subnet in vpc.public_subnets}
    if any(subnet.subnet_id in public for subnet in subnets):
        warn(
            scope,
            WarningId.PUBLIC_SUBNETS,
            "vpc_subnets has public subnets, where a cache needs none; select isolated or private ones",
        )


def warn_of_groups(scope: Construct, groups: Sequence[ec2.ISecurityGroup]) -> None:
    """Warn of more groups than a new account allows and, when everything has been added, of rules for any address."""
    if len(groups) > _GROUPS_QUOTA:
        warn(
            scope,
            WarningId.SECURITY_GROUP_QUOTA,
            f"{len(groups)} security groups are more than the {_GROUPS_QUOTA} that a network interface may have in a new "
            "account; have the quota raised, then acknowledge this warning",
        )
    own = [group for group in groups if isinstance(group, ec2.SecurityGroup)]

    def check() -> None:
        if any(_is_open(group) for group in own):
            warn(
                scope,
                WarningId.OPEN_TO_ANY_ADDRESS,
                "a security group of the cache admits any address; admit the security groups of its clients, with "
                "connections.allow_default_port_from()",
            )

    if own:
        validate_at_synth(scope, check)


def warn_of_other_vpc(scope: Construct, vpc: ec2.IVpc, theirs: ec2.IVpc | None) -> None:
    """Warn of a cache that is certainly in another VPC than its client; one that is not known passes."""
    if theirs is None or theirs is vpc:
        return
    names = identity_of_vpc(vpc), identity_of_vpc(theirs)
    if None not in names and names[0] != names[1]:
        warn(
            scope,
            WarningId.OTHER_VPC,
            f"the cache is in {names[1]}, its client in {names[0]}; pass the VPC of the cache, or connect the two and "
            "acknowledge this warning",
        )


def accept_all_outbound(source: ec2.IConnectable) -> None:
    """Acknowledge CDK's warning that a rule for the cache is superfluous in groups that admit all outbound traffic."""
    for group in source.connections.security_groups:
        cdk.Annotations.of(group).acknowledge_warning("@aws-cdk/aws-ec2:ipv4IgnoreEgressRule")


def _is_open(group: ec2.SecurityGroup) -> bool:
    resource = group.node.default_child
    rules = cdk.Stack.of(group).resolve(getattr(resource, "security_group_ingress", None)) or []
    return any(_is_wide(rule.get("cidrIp")) or _is_wide(rule.get("cidrIpv6")) for rule in rules)


def _is_wide(addresses: str | None) -> bool:
    """Whether a range is larger than any that an organisation has: 0.0.0.0/0, ::/0, and halves of them."""
    if addresses is None or not known(addresses):
        return False
    prefix = addresses.rpartition("/")[2]
    return prefix.isdigit() and int(prefix) < _PREFIX_MIN


def l1_of(resource: object, kind: type[L1]) -> L1 | None:
    """The L1 resource that ``resource`` is, or that it was made around, such as the alpha's ServerlessCache."""
    if isinstance(resource, kind):
        return resource
    child = resource.node.default_child if isinstance(resource, Construct) else None
    return child if isinstance(child, kind) else None


def groups_of(
    scope: Construct, construct_id: str, resource: object, group_ids: Sequence[str] | None
) -> list[ec2.ISecurityGroup]:
    """The security groups of a cache that another library defines: those of its connections, or those of these ids."""
    connections = getattr(resource, "connections", None)
    if isinstance(connections, ec2.Connections):
        return list(connections.security_groups)
    return [
        ec2.SecurityGroup.from_security_group_id(scope, f"{construct_id}SecurityGroup{number}", group_id)
        for number, group_id in enumerate(known_elements(group_ids or ()))
    ]


def closed_security_group(scope: Construct, vpc: ec2.IVpc) -> ec2.SecurityGroup:
    """A security group without rules; ``connections`` adds the rules that are needed."""
    return ec2.SecurityGroup(
        scope,
        "SecurityGroup",
        vpc=vpc,
        description=f"Who may connect to the cache {scope.node.path}",
        allow_all_outbound=False,
    )
