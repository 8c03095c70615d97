"""What ElastiCache offered in each region in November 2026.

``region_offers.json`` is written by ``tools/tables/region_offers.py`` from cfn-lint's copies of AWS's price list and of the
CloudFormation registry, and from the user guide. AWS extends regions without notice, so nothing here refuses: what a region
did not offer is warned of.
"""

import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from constructs import IConstruct

from cachetwin_cdk.checks._validate import WarningId, known, warn

from .node_type import NodeType

_TABLE: dict[str, Any] = json.loads((Path(__file__).parent / "region_offers.json").read_text())
_FAMILIES: dict[str, list[str]] = _TABLE["families"]
_MISSING_TYPES: dict[str, list[str]] = _TABLE["missing_types"]
_CURRENT = frozenset(family for families in _FAMILIES.values() for family in families)
_CHECK = "check it in that region, then acknowledge this warning, or choose"


def warn_of_region(scope: IConstruct, node_type: NodeType) -> None:
    """Warn of a node type that the stack's region did not offer, and of a region without ElastiCache.

    Families that no region has are not judged here: ``NodeType`` knows whether they are new or old.
    """
    region = cdk.Stack.of(scope).region
    if not known(region):
        return
    offered = _FAMILIES.get(region)
    if offered is None:
        _warn(
            scope, f"region {region} is not among those that had ElastiCache in November 2026; {_CHECK} another region"
        )
    elif node_type.family in _CURRENT and node_type.family not in offered:
        _warn(
            scope,
            f"node_type {node_type} is of a family that {region} did not offer in November 2026; {_CHECK} one of "
            f"{', '.join(offered)}",
        )


def warn_of_missing_type(scope: IConstruct, resource_type: str, what: str) -> None:
    """Warn of a resource type of CloudFormation, such as ``AWS::ElastiCache::Snapshot``, that the stack's region lacked."""
    region = cdk.Stack.of(scope).region
    if known(region) and region in _MISSING_TYPES.get(resource_type, ()):
        _warn(scope, f"{what} ({resource_type}) did not exist in {region} in November 2026; {_CHECK} another region")


def _warn(scope: IConstruct, message: str) -> None:
    warn(scope, WarningId.REGION_UNCONFIRMED, message)
