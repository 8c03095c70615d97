"""Whether resources are in one place: the same VPC, the same region, zones of that region.

Everything that is not known at synth passes: imported ids that are tokens, stacks without a region.
"""

from collections.abc import Sequence
from weakref import WeakKeyDictionary

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from constructs import IConstruct

from ._validate import known, refuse, require_match

_SECURITY_GROUPS_MAX = 16  # of a network interface, where its quota of five was raised as far as it goes


def require_vpc(name: str, vpc: ec2.IVpc, other: ec2.IVpc) -> None:
    """Raise ValidationError when ``name``, which is in ``other``, is certainly not in ``vpc``."""
    _require_same_vpc(name, _vpc_of(vpc.vpc_id), _vpc_of(other.vpc_id))


def require_security_groups(vpc: ec2.IVpc, groups: Sequence[ec2.ISecurityGroup]) -> None:
    """Raise ValidationError for a security group of this app that is in another VPC, and for one that is given twice."""
    require_group_ids(groups)
    require_vpc_of_groups("security_groups", vpc, groups)


def require_group_ids(groups: Sequence[ec2.ISecurityGroup]) -> None:
    """Raise ValidationError for what is no id of a security group, for one that is given twice, and for too many."""
    ids = [group.security_group_id for group in groups]
    if len(set(ids)) < len(ids):
        refuse("security_groups", "name each group once", ", ".join(ids), "remove the second one")
    if len(ids) > _SECURITY_GROUPS_MAX:
        refuse("security_groups", f"be at most {_SECURITY_GROUPS_MAX}", len(ids), "put their rules into fewer groups")
    for group_id in ids:
        require_match(
            "security_groups",
            group_id,
            r"sg-[0-9a-z]+",
            "have ids such as sg-0123456789abcdef0",
            remedy="import them by id, not by name",
        )


def require_vpc_of_groups(name: str, vpc: ec2.IVpc, groups: Sequence[ec2.ISecurityGroup]) -> None:
    """Raise ValidationError when a security group of ``name`` that this app makes is in another VPC."""
    for group in groups:
        if not isinstance(group, ec2.SecurityGroup):
            continue
        resource = group.node.default_child
        if isinstance(resource, ec2.CfnSecurityGroup) and resource.vpc_id is not None:
            _require_same_vpc(name, _vpc_of(vpc.vpc_id), _vpc_of(resource.vpc_id))


_regions: "WeakKeyDictionary[cdk.Stack, str]" = WeakKeyDictionary()


def _region_of(scope: IConstruct) -> str:
    """The region of the stack, asked of Node.js once for each stack."""
    stack = cdk.Stack.of(scope)
    if stack not in _regions:
        _regions[stack] = stack.region
    return _regions[stack]


def require_region(name: str, scope: IConstruct, resource: cdk.IResource | None) -> None:
    """Raise ValidationError for a resource of another region than that of the stack of ``scope``."""
    if resource is None:
        return
    ours = _region_of(scope)
    if not known(ours):
        return  # without asking Node.js for the other
    theirs = resource.env.region
    if known(theirs) and ours != theirs:
        refuse(name, f"be in region {ours}, as the cache is", theirs, "make one in that region")


def require_account(name: str, scope: IConstruct, resource: cdk.IResource | None) -> None:
    """Raise ValidationError for a resource of another account than that of the stack of ``scope``."""
    if resource is None:
        return
    ours, theirs = cdk.Stack.of(scope).account, resource.env.account
    if known(ours, theirs) and ours != theirs:
        refuse(name, f"be in account {ours}, as the cache is", theirs, "make one in that account")


def require_region_of_arn(name: str, scope: IConstruct, arn: str) -> None:
    """Raise ValidationError for an ARN of another region than that of the stack of ``scope``; one without region passes."""
    ours, parts = _region_of(scope), arn.split(":", 4)
    theirs = parts[3] if known(arn) and len(parts) > 4 else ""
    if theirs and known(ours) and ours != theirs:
        refuse(name, f"be in region {ours}, as the stack is", theirs, "name one of that region")


def require_one_place(
    scope: IConstruct,
    vpc: ec2.IVpc | None,
    *,
    subnet_group: cdk.IResource | None,
    security_groups: Sequence[ec2.ISecurityGroup] | None,
    **others: cdk.IResource | None,
) -> None:
    """Raise ValidationError for what is in another VPC or region than the cache; ``others`` are resources by argument."""
    subnets_vpc = getattr(subnet_group, "vpc", None)  # of a SubnetGroup made in this app
    if subnets_vpc is not None and vpc is not None:
        require_vpc("subnet_group", vpc, subnets_vpc)
    network = vpc or subnets_vpc
    if network is not None:
        require_security_groups(network, security_groups or ())
    for name, resource in {"vpc": vpc, "subnet_group": subnet_group, **others}.items():
        require_region(name, scope, resource)


def require_zones_of_region(name: str, scope: IConstruct, zones: Sequence[str]) -> None:
    """Raise ValidationError for a zone that is not of the stack's region."""
    region = _region_of(scope)
    for zone in zones:
        if known(region, zone) and not zone.startswith(region):
            refuse(name, f"name zones of region {region}", zone, f"write them as {region}a")


def identity_of_vpc(vpc: ec2.IVpc) -> str | None:
    """What tells a VPC from others: its id, or the path of its resource; None where neither is known."""
    return _vpc_of(vpc.vpc_id)


def _require_same_vpc(name: str, ours: str | None, theirs: str | None) -> None:
    if ours is not None and theirs is not None and ours != theirs:
        refuse(name, f"be in the VPC of the cache, {ours}", theirs, "pass the VPC that it is in, or make one there")


def _vpc_of(vpc_id: str) -> str | None:
    """The id, or the path of the VPC that the token refers to; None where neither is known."""
    if known(vpc_id):
        return vpc_id
    token = cdk.Tokenization.reverse_string(vpc_id).first_token
    if token is None or not cdk.Reference.is_reference(token):
        return None
    target = getattr(token, "target", None)
    return target.node.path if isinstance(target, ec2.CfnVPC) else None
