"""Acknowledgment of findings of cdk-nag that a construct always has, with a reason."""

from collections.abc import Mapping

import aws_cdk as cdk
from constructs import IConstruct

_REGULATED_PACKS = ("HIPAA.Security", "NIST.800.53.R4", "NIST.800.53.R5")
OWN_POLICY = {
    "IAMNoInlinePolicy": "The policy is of this one role and goes with it; a managed policy would be shared with nobody."
}

_types: dict[type, str] = {}

AWS_KEY_FOR_SECRETS = {"CKV_AWS_149": "AWS's own key encrypts it; an argument takes another key."}


def acknowledge(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Acknowledge rules by their full ids, such as ``AwsSolutions-AEC6``."""
    cdk.Validations.of(construct).acknowledge(
        *(cdk.Acknowledgment(id=rule, reason=reason) for rule, reason in reasons.items())
    )


def excuse(construct: IConstruct, resource_type: str, reasons: Mapping[str, str]) -> None:
    """Put reasons into the metadata of the resources of one type below ``construct``, where checkov reads them."""
    main = construct.node.default_child
    is_main = isinstance(main, cdk.CfnResource) and _type_of(main) == resource_type
    # What lies below is asked of Node.js piece by piece: only where the resource is not the main one.
    for child in [main] if is_main else construct.node.find_all():
        if isinstance(child, cdk.CfnResource) and _type_of(child) == resource_type:
            skips = [{"id": rule, "comment": reason} for rule, reason in reasons.items()]
            earlier = (child.get_metadata("checkov") or {}).get("skip", [])
            child.add_metadata("checkov", {"skip": [*earlier, *skips]})


def _type_of(resource: cdk.CfnResource) -> str:
    """``resource.cfn_resource_type``, asked of Node.js once for each class of the L1 library."""
    kind = type(resource)
    if kind is cdk.CfnResource:
        return resource.cfn_resource_type
    if kind not in _types:
        _types[kind] = resource.cfn_resource_type
    return _types[kind]


def acknowledge_regulated(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Acknowledge rules in every pack for regulated data that has them, such as ``LambdaDLQ``."""
    acknowledge(construct, {f"{pack}-{rule}": reason for pack in _REGULATED_PACKS for rule, reason in reasons.items()})
