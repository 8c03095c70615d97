"""What only one resource of an app may have: a name in an account and region, the private DNS of a VPC.

CloudFormation finds the second one during the deployment. Generated names are unique, so only given ones are noted here.
"""

from weakref import WeakKeyDictionary

import aws_cdk as cdk
from constructs import IConstruct

from ._validate import known, refuse

# For each app: who has it, by kind, place and name.
_holders: "WeakKeyDictionary[IConstruct, dict[tuple[str, ...], str]]" = WeakKeyDictionary()


def claim_name(argument: str, owner: IConstruct, kind: str, name: str | None) -> None:
    """Raise ValidationError when another ``kind`` of the app has this name in the account and region of ``owner``.

    ElastiCache stores names in lower case. None and tokens pass. Stacks without account or region have names of their own.
    """
    if name is None or not known(name):
        return
    holder = _holder(owner, kind, name.lower())
    if holder is not None:
        refuse(argument, f"be the name of one {kind} only", name, f"{holder} has it; choose another")


def claim_private_dns(owner: IConstruct, vpc: str | None, service: str) -> None:
    """Raise ValidationError when another endpoint of the app has the private DNS name of ``service`` in the VPC."""
    holder = _holder(owner, service, vpc) if vpc is not None else None
    if holder is not None:
        refuse(
            "private_dns_enabled",
            "be True for one endpoint of a VPC only",
            f"it beside {holder}",
            "share that endpoint, or set private_dns_enabled=False",
        )


def claim_rotation(owner: IConstruct, secret_arn: str) -> None:
    """Raise ValidationError when another rotation of the app changes the secret already."""
    holder = _holder(owner, "rotation", secret_arn)
    if holder is not None:
        refuse("secret", "be rotated once", f"one that {holder} rotates", "give each user a secret of its own")


def _holder(owner: IConstruct, kind: str, name: str) -> str | None:
    """The path of the construct that has it already; otherwise ``owner`` has it from now on."""
    stack = cdk.Stack.of(owner)
    account, region = stack.account, stack.region
    place = (account, region) if known(account, region) else (stack.node.path,)
    holders = _holders.setdefault(owner.node.root, {})
    key = (kind, *place, name)
    if key in holders:
        return holders[key]
    holders[key] = owner.node.path
    return None
