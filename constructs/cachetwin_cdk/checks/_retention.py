"""What a cache that is kept needs to live: its subnets, parameters, security groups, users and their secrets."""

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from constructs import IConstruct

from ._validate import WarningId, refuse, warn

_KEEPS = frozenset({cdk.RemovalPolicy.RETAIN, cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE})


def keep_with(removal_policy: cdk.RemovalPolicy, *constructs: IConstruct | None) -> bool:
    """Keep ``constructs`` when the cache is removed from the stack and kept; returns whether it is kept.

    Without this CloudFormation would try to delete what the cache uses, and fail. What is imported has no resources here.
    """
    if removal_policy not in _KEEPS:
        return False
    for construct in constructs:
        for child in construct.node.find_all() if construct is not None else ():
            if cdk.CfnResource.is_cfn_resource(child) and isinstance(child, cdk.CfnResource):
                child.apply_removal_policy(removal_policy)
    return True


def require_usable_key(key: kms.IKey | None) -> None:
    """Raise ValidationError for a key of this app that cannot encrypt data: asymmetric, for signatures, or disabled."""
    resource = key.node.default_child if isinstance(key, kms.Key) else None
    if not isinstance(resource, kms.CfnKey):
        return
    if resource.key_spec not in {None, "SYMMETRIC_DEFAULT"}:
        refuse("kms_key", "be symmetric", resource.key_spec, "leave out key_spec and key_usage of the Key")
    if resource.enabled is False:
        refuse("kms_key", "be enabled", "a disabled key", "leave out enabled=False of the Key")


def warn_destroyed_key(scope: IConstruct, key: kms.IKey | None, removal_policy: cdk.RemovalPolicy) -> None:
    """Warn of a key that is deleted with its stack under data that are kept: a cache, or its snapshots.

    Raises ValidationError for a key that cannot encrypt them.
    """
    require_usable_key(key)
    resource = key.node.default_child if isinstance(key, kms.Key) else None
    if removal_policy is cdk.RemovalPolicy.DESTROY or not isinstance(resource, kms.CfnKey):
        return
    if resource.cfn_options.deletion_policy is cdk.CfnDeletionPolicy.DELETE:
        warn(
            scope,
            WarningId.KEY_DESTROYED,
            "kms_key is deleted when its stack is, and nobody can read the data or snapshots that are kept then; give the "
            "key removal_policy=RETAIN",
        )
