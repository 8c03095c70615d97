"""Which IP versions a cache speaks."""

from collections.abc import Sequence
from enum import StrEnum

from aws_cdk import aws_ec2 as ec2
from constructs import IConstruct

from cachetwin_cdk.checks._validate import ValidationError, known, refuse, warn
from cachetwin_cdk.engine.engine_version import Engine, EngineVersion
from cachetwin_cdk.engine.node_type import NodeType


class NetworkType(StrEnum):
    """The addresses that nodes have; fixed when the cache is made."""

    IPV4 = "ipv4"
    IPV6 = "ipv6"
    DUAL_STACK = "dual_stack"


class IpDiscovery(StrEnum):
    """The addresses that clients are told of; of use with DUAL_STACK."""

    IPV4 = "ipv4"
    IPV6 = "ipv6"


def require_network(
    network_type: NetworkType | None,
    ip_discovery: IpDiscovery | None,
    engine_version: EngineVersion,
    node_type: NodeType,
) -> None:
    """IPv6 needs newer engines and Nitro nodes, and only addresses that exist can be discovered."""
    speaks_ipv6 = network_type in {NetworkType.IPV6, NetworkType.DUAL_STACK}
    if ip_discovery is not None:
        discoverable = {None: "ipv4", NetworkType.DUAL_STACK: ip_discovery.value}.get(network_type, str(network_type))
        if ip_discovery != discoverable:
            refuse(
                "ip_discovery", f"be {discoverable} with this network_type", ip_discovery, "set network_type=DUAL_STACK"
            )
    if not speaks_ipv6:
        return
    if not engine_version.at_least(valkey="7.2", redis="6.2", memcached="1.6.6"):
        refuse(
            "engine_version",
            f"be at least Valkey 7.2, Redis 6.2 or Memcached 1.6.6 for network_type {network_type}",
            engine_version,
            "choose a newer engine_version, or NetworkType.IPV4",
        )
    if engine_version.engine is Engine.REDIS and known(engine_version.version) and engine_version.at_least(redis="7.2"):
        raise ValidationError(
            f"engine_version must be at most Redis 7.1 for network_type {network_type}, got {engine_version.version!r}; "
            "use Valkey"
        )
    if not node_type.has_nitro:
        refuse(
            "node_type",
            f"be a Nitro node for network_type {network_type}",
            node_type,
            "choose a current node type such as NodeType.T4G_SMALL",
        )


def require_addresses(scope: IConstruct, network_type: NetworkType | None, subnets: Sequence[ec2.ISubnet]) -> None:
    """IPv6 alone needs subnets of IPv6 alone, and dual stack those of both; only of subnets made here can it be told."""
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
            "subnets-without-ipv6",
            "network_type dual_stack needs subnets that have IPv6 addresses too; make the Vpc with "
            "ip_protocol=ec2.IpProtocol.DUAL_STACK",
        )


def _has_ipv6(subnet: ec2.Subnet) -> bool:
    resource = subnet.node.default_child
    return isinstance(resource, ec2.CfnSubnet) and resource.ipv6_cidr_block is not None
