"""What a cache that is kept needs to live: its subnets, parameters, security groups, users and their secrets."""

import aws_cdk as cdk
from constructs import IConstruct

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
