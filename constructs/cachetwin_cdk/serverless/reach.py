"""How clients reach a serverless cache: from the subnets of a VPC, or from the internet."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from cachetwin_cdk.checks._places import require_security_groups
from cachetwin_cdk.checks._validate import ValidationError, WarningId, known, refuse, warn
from cachetwin_cdk.compliance import Compliance
from cachetwin_cdk.engine.serverless_engine import ServerlessEngine
from cachetwin_cdk.network._placement import (
    chosen_subnets,
    closed_security_group,
    warn_of_groups,
    warn_public_subnets,
)
from cachetwin_cdk.network.network import NetworkType, require_addresses

_SUBNETS_MAX = 3


class ConnectionType(StrEnum):
    """Where the endpoint of a serverless cache is."""

    VPC = "vpc"
    PUBLIC = "public"


@dataclass(frozen=True)
class Reach:
    """The arguments about the network of a serverless cache, checked together."""

    connection_type: ConnectionType
    vpc: ec2.IVpc | None
    vpc_subnets: ec2.SubnetSelection | None
    security_groups: Sequence[ec2.ISecurityGroup] | None
    network_type: NetworkType | None

    @property
    def is_public(self) -> bool:
        """Whether the endpoint is on the internet."""
        return self.connection_type is ConnectionType.PUBLIC

    @property
    def identity(self) -> tuple[list[str] | None]:
        """What a generated name depends on, since a change replaces the cache: its subnets, also those chosen here.

        A VPC gets further subnets, or another VPC is given, without any change of ``vpc_subnets``.
        """
        if self.vpc is None:
            return (None,)
        return ([subnet.subnet_id for subnet in chosen_subnets(self.vpc, self.vpc_subnets)],)

    @property
    def kind(self) -> tuple[str | None, str | None]:
        """As ``identity``: the kind of endpoint and its addresses."""
        return self.connection_type.value if self.is_public else None, self._network_type

    def validate(self, engine: ServerlessEngine, compliance: Compliance) -> None:
        """Raise ValidationError for a public endpoint in a VPC or before Valkey 9, and for a private one without VPC."""
        if not self.is_public:
            if self.vpc is None:
                refuse("vpc", "be given", self.vpc, "pass the VPC whose clients use the cache")
            require_security_groups(self.vpc, self.security_groups or ())
            return
        if self.vpc is not None or self.vpc_subnets is not None or self.security_groups is not None:
            raise ValidationError(
                "vpc, vpc_subnets and security_groups must be left out with connection_type PUBLIC, got one of them; a "
                "public cache is in no VPC"
            )
        if not engine.is_valkey_from(9):
            refuse(
                "engine", "be Valkey 9 or newer with connection_type PUBLIC", engine, "use ServerlessEngine.VALKEY_9"
            )
        if compliance.is_regulated:
            refuse(
                "connection_type",
                "be VPC with compliance REGULATED",
                self.connection_type,
                "leave it out, and give a vpc",
            )

    def groups(self, scope: Construct) -> list[ec2.ISecurityGroup]:
        """The given security groups, or else a new one without rules; none for a public cache."""
        groups = list(self.security_groups or ())
        if self.vpc is not None and not groups:
            groups = [closed_security_group(scope, self.vpc)]
        warn_of_groups(scope, groups)
        return groups

    def render(self, scope: Construct, groups: Sequence[ec2.ISecurityGroup]) -> dict[str, Any]:
        """The properties of CfnServerlessCache."""
        return {
            "connection_type": self.connection_type.value if self.is_public else None,
            "network_type": self._network_type,
            "subnet_ids": self._subnet_ids(scope, self.vpc) if self.vpc is not None else None,
            "security_group_ids": [group.security_group_id for group in groups] or None,
        }

    @property
    def is_newer_than_the_schema(self) -> bool:
        """Whether CDK's schema of the resource lacks a property that is rendered."""
        return self.is_public or self.network_type is not None

    @property
    def _network_type(self) -> str | None:
        return self.network_type.value if self.network_type is not None else None

    def _subnet_ids(self, scope: Construct, vpc: ec2.IVpc) -> list[str]:
        subnets = chosen_subnets(vpc, self.vpc_subnets)
        if not subnets:
            refuse("vpc_subnets", "select at least one subnet", [], "select subnets the VPC has")
        require_addresses(scope, self.network_type, subnets)
        warn_public_subnets(scope, vpc, subnets)
        zones = [subnet.availability_zone for subnet in subnets]
        if known(*zones) and (len(set(zones)) < len(zones) or not 2 <= len(zones) <= _SUBNETS_MAX):
            warn(
                scope,
                WarningId.SERVERLESS_SUBNETS,
                f"vpc_subnets should be two or three subnets in different availability zones, got {', '.join(zones)}; "
                "select one subnet per zone",
            )
        return [subnet.subnet_id for subnet in subnets]


def acknowledge_schema(resource: cdk.CfnResource) -> None:
    """Acknowledge what CDK's own check says of properties that are newer than its schema."""
    cdk.Validations.of(resource).acknowledge(
        cdk.Acknowledgment(
            id="CloudFormation-Validate::F3002",
            reason="The schema that CDK checks against is older than ConnectionType and NetworkType, which "
            "CfnServerlessCache has.",
        )
    )
