"""The IP versions of a cache."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from aws_cdk import aws_ec2 as ec2
from constructs import IConstruct

from cachetwin_cdk.checks._validate import WarningId, known, refuse, warn
from cachetwin_cdk.engine.engine_version import Engine, EngineVersion
from cachetwin_cdk.engine.node_type import NodeType


class NetworkType(StrEnum):
    """The IP versions of the nodes. Changing it replaces the cache."""

    IPV4 = "ipv4"
    IPV6 = "ipv6"
    DUAL_STACK = "dual_stack"


class IpDiscovery(StrEnum):
    """The IP version of the addresses that clients are told; useful with DUAL_STACK."""

    IPV4 = "ipv4"
    IPV6 = "ipv6"


@dataclass(frozen=True)
class Addressing:
    """The IP versions of the nodes, and the one that clients are told; None leaves the choice to ElastiCache."""

    network_type: NetworkType | None
    ip_discovery: IpDiscovery | None

    def validate(self, engine_version: EngineVersion, node_type: NodeType) -> None:
        """Raise ValidationError for addresses that nodes do not have, and for IPv6 on old engines and nodes."""
        self._validate_discovery()
        if self.network_type not in {NetworkType.IPV6, NetworkType.DUAL_STACK}:
            return
        if not engine_version.at_least(valkey="7.2", redis="6.2", memcached="1.6.6"):
            refuse(
                "engine_version",
                f"be at least Valkey 7.2, Redis 6.2 or Memcached 1.6.6 for network_type {self.network_type}",
                engine_version,
                "choose a newer engine_version, or NetworkType.IPV4",
            )
        is_redis = engine_version.engine is Engine.REDIS and known(engine_version.version)
        if is_redis and engine_version.at_least(redis="7.2"):
            refuse(
                "engine_version",
                f"be at most Redis 7.1 for network_type {self.network_type}",
                engine_version.version,
                "use Valkey",
            )
        if not node_type.has_nitro:
            refuse(
                "node_type",
                f"be a Nitro node for network_type {self.network_type}",
                node_type,
                "choose a current node type such as NodeType.T4G_SMALL",
            )

    def render(self) -> dict[str, Any]:
        """The properties of CfnReplicationGroup and CfnCacheCluster, which have the same names."""
        return {
            "network_type": self.network_type.value if self.network_type is not None else None,
            "ip_discovery": self.ip_discovery.value if self.ip_discovery is not None else None,
        }

    def _validate_discovery(self) -> None:
        if self.ip_discovery is None or self.network_type is NetworkType.DUAL_STACK:
            return
        allowed = (self.network_type or NetworkType.IPV4).value
        if self.ip_discovery != allowed:
            refuse(
                "ip_discovery",
                f"be {allowed} with this network_type",
                self.ip_discovery,
                "set network_type=DUAL_STACK",
            )


def require_addresses(scope: IConstruct, network_type: NetworkType | None, subnets: Sequence[ec2.ISubnet]) -> None:
    """Check the addresses of the subnets against the network type, as far as the subnets are made in this app."""
    made = [subnet for subnet in subnets if isinstance(subnet, ec2.Subnet)]
    if network_type is NetworkType.IPV6 and made:
        refuse(
            "vpc_subnets",
            "have no IPv4 addresses for network_type ipv6",
            made[0].node.path,
            "import subnets that were made with Ipv6Native, or use NetworkType.DUAL_STACK",
        )
    if network_type is NetworkType.DUAL_STACK and any(not _has_ipv6(subnet) for subnet in made):
        warn(
            scope,
            WarningId.SUBNETS_WITHOUT_IPV6,
            "network_type dual_stack needs subnets that have IPv6 addresses too; make the Vpc with "
            "ip_protocol=ec2.IpProtocol.DUAL_STACK",
        )


def _has_ipv6(subnet: ec2.Subnet) -> bool:
    resource = subnet.node.default_child
    return isinstance(resource, ec2.CfnSubnet) and resource.ipv6_cidr_block is not None
