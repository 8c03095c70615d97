"""VPCs, their subnets in groups of one purpose, and what security groups let through between the boxes in them."""

import ipaddress
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from cachetwin_local.assembly.resolved import Resolved
from cachetwin_local.drawing.architecture import Edge, EdgeKind, Subnet, SubnetGroup, SubnetKind, Vpc
from cachetwin_local.plan.security_groups import Peer, SecurityGroups

from .graph_reading import Reading
from .values import items_at, number_at, objects_at, strings_at, text_at

PARTS: Final = frozenset(
    {
        "AWS::EC2::VPC",
        "AWS::EC2::Subnet",
        "AWS::EC2::InternetGateway",
        "AWS::EC2::NatGateway",
    }
)
"""Types that appear in a VPC's frame or in the frame of its subnets."""

_KIND_ORDER: Final = ("public", "private", "isolated", "unknown")
_KIND_TITLES: Final = {"public": "Public", "private": "Private", "isolated": "Isolated", "unknown": "Other"}


@dataclass(frozen=True, slots=True)
class Attachment:
    """How a box is attached to the network: security groups by id, subnets by id, ports that it opens."""

    groups: tuple[str, ...] = ()
    subnets: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()


@dataclass(slots=True)
class Network:
    """The VPCs of an app. `group_of` maps a subnet's id to the key of its group."""

    vpcs: tuple[Vpc, ...] = ()
    group_of: dict[str, str] = field(default_factory=dict)
    zone_of: dict[str, str] = field(default_factory=dict)

    def place(self, attachment: Attachment) -> str | None:
        """The key of the subnet group that a box is in: the one that holds most of its subnets."""
        keys = [self.group_of[subnet] for subnet in attachment.subnets if subnet in self.group_of]
        return max(keys, key=lambda key: (keys.count(key), key)) if keys else None

    def zones(self, subnets: Iterable[str]) -> tuple[str, ...]:
        """The zones of these subnets, each once, sorted."""
        return tuple(sorted({self.zone_of[subnet] for subnet in subnets if self.zone_of.get(subnet)}))


def read_network(reading: Reading, attachments: Mapping[str, Attachment]) -> Network:
    """The VPCs that the app defines, and one for the subnets of its boxes that it does not define."""
    network = Network()
    routes = _routes(reading)
    vpcs: list[Vpc] = []
    subnets_by_vpc: dict[str, list[Resolved]] = defaultdict(list)
    for subnet in reading.of_type("AWS::EC2::Subnet"):
        subnets_by_vpc[text_at(subnet.properties, "VpcId")].append(subnet)
    for vpc in reading.of_type("AWS::EC2::VPC"):
        key, ref = vpc.resource.key, reading.ref(vpc.resource.key)
        groups = _groups(reading, network, key, subnets_by_vpc.pop(ref, []), routes)
        notes = ("Internet gateway",) if any(group.kind == "public" for group in groups) else ()
        cidr = text_at(vpc.properties, "CidrBlock")
        vpcs.append(Vpc(key, reading.region(key), reading.title(key), cidr, groups, notes))
    for ref, subnets in sorted(subnets_by_vpc.items()):
        key = f"vpc:{ref}"
        region = reading.region(subnets[0].resource.key)
        vpcs.append(Vpc(key, region, ref or "VPC", "", _groups(reading, network, key, subnets, routes)))
    vpcs += _foreign(reading, network, attachments)
    network.vpcs = tuple(vpcs)
    return network


def _routes(reading: Reading) -> dict[str, SubnetKind]:
    """What a route table makes of its subnets: public with an internet gateway, private with a NAT gateway."""
    kinds: dict[str, SubnetKind] = {}
    for route in reading.of_type("AWS::EC2::Route"):
        table, gateway = text_at(route.properties, "RouteTableId"), text_at(route.properties, "GatewayId")
        if gateway.startswith(("igw", "AWS")) or reading.is_a(gateway, "AWS::EC2::InternetGateway"):
            kinds[table] = "public"
        elif any(text_at(route.properties, name) for name in ("NatGatewayId", "InstanceId", "NetworkInterfaceId")):
            kinds.setdefault(table, "private")
    return kinds


def _groups(
    reading: Reading, network: Network, vpc: str, subnets: Iterable[Resolved], routes: Mapping[str, SubnetKind]
) -> tuple[SubnetGroup, ...]:
    tables = {
        text_at(a.properties, "SubnetId"): text_at(a.properties, "RouteTableId")
        for a in reading.of_type("AWS::EC2::SubnetRouteTableAssociation")
    }
    members: dict[tuple[SubnetKind, str], list[Resolved]] = defaultdict(list)
    for subnet in subnets:
        kind: SubnetKind = routes.get(tables.get(reading.ref(subnet.resource.key), ""), "isolated")
        members[kind, _purpose(subnet)].append(subnet)
    groups = []
    for kind, purpose in sorted(members, key=lambda pair: (_KIND_ORDER.index(pair[0]), pair[1])):
        key = f"{vpc}/{kind}/{purpose}"
        found = sorted(members[kind, purpose], key=lambda one: (_zone(one), one.resource.key))
        ids = [reading.ref(one.resource.key) for one in found]
        network.group_of.update(dict.fromkeys(ids, key))
        network.zone_of.update({ref: _zone(one) for ref, one in zip(ids, found, strict=True)})
        shown = tuple(Subnet(_zone(one), text_at(one.properties, "CidrBlock")) for one in found)
        groups.append(SubnetGroup(key, vpc, _group_title(kind, purpose), kind, shown, _gateways(reading, network, ids)))
    return tuple(groups)


def _zone(subnet: Resolved) -> str:
    return text_at(subnet.properties, "AvailabilityZone")


def _purpose(subnet: Resolved) -> str:
    """The name that the CDK gives a group of subnets (a tag), else what its construct path says before the number."""
    for tag in objects_at(subnet.properties, "Tags"):
        if tag.get("Key") == "aws-cdk:subnet-name":
            return text_at(tag, "Value")
    return ""


def _group_title(kind: SubnetKind, purpose: str) -> str:
    title = f"{_KIND_TITLES[kind]} subnets"
    return title if purpose.lower() in {"", kind} else f"{title}: {purpose}"


def _gateways(reading: Reading, network: Network, subnets: Iterable[str]) -> tuple[str, ...]:
    wanted = set(subnets)
    gateways = [g for g in reading.of_type("AWS::EC2::NatGateway") if text_at(g.properties, "SubnetId") in wanted]
    zones = sorted(network.zone_of.get(text_at(gateway.properties, "SubnetId"), "") for gateway in gateways)
    return (f"NAT gateway in {', '.join(zones)}",) if zones else ()


def _foreign(reading: Reading, network: Network, attachments: Mapping[str, Attachment]) -> list[Vpc]:
    """A VPC for each region whose boxes are in subnets that no stack of the app defines."""
    by_region: dict[str, set[str]] = defaultdict(set)
    for key, attachment in attachments.items():
        unknown = {subnet for subnet in attachment.subnets if subnet not in network.group_of}
        if unknown and len(unknown) == len(attachment.subnets):
            by_region[reading.region(key)] |= unknown
    vpcs = []
    for region, subnets in sorted(by_region.items()):
        key = f"vpc:elsewhere:{region}"
        group = SubnetGroup(f"{key}/subnets", key, "Subnets of another stack", "unknown", ())
        network.group_of.update(dict.fromkeys(subnets, group.key))
        vpcs.append(Vpc(key, region, "not defined in this app", "", (group,)))
    return vpcs


@dataclass(slots=True)
class Reachability:
    """What the security groups allow between boxes, as edges."""

    reading: Reading
    attachments: Mapping[str, Attachment]
    _groups: SecurityGroups = field(init=False)

    def __post_init__(self) -> None:
        self._groups = SecurityGroups(self.reading.graph, self.reading.fail)

    def edge(self, source: str, target: str, ports: Iterable[int], *, needed: bool) -> Edge | None:
        """The edge from `source` to the ports of `target`; a needed one is drawn even where it is closed."""
        ports = sorted(set(ports))
        verdicts = {port: self._groups.verdict(self._peer(source), self._peer(target), port) for port in ports}
        opened = [port for port in ports if verdicts[port].state == "open"]
        if opened:
            reason = "; ".join(dict.fromkeys(verdicts[port].reason for port in opened))
            return Edge(source, target, "network", _ports(opened), reason)
        if not needed or not ports:
            return None
        worst = verdicts[ports[0]]
        kind: EdgeKind = "blocked" if worst.state == "closed" else "unchecked"
        return Edge(source, target, kind, _ports(ports), worst.reason)

    def from_internet(self, target: str, ports: Iterable[int]) -> list[int]:
        """The ports of `target` that anybody may reach."""
        anybody = Peer("the internet", ("internet",), ("0.0.0.0/0",))
        return [port for port in ports if self._groups.admits(self._peer(target), anybody, port)]

    def _peer(self, key: str) -> Peer:
        attachment = self.attachments[key]
        return Peer(self.reading.title(key), attachment.groups, self._ranges(attachment.subnets))

    def _ranges(self, subnets: Sequence[str]) -> tuple[str, ...] | None:
        """The address ranges of subnets, or None when one of them is not known."""
        found = [self.reading.find("AWS::EC2::Subnet", subnet) for subnet in subnets]
        ranges = [text_at(subnet.properties, "CidrBlock") for subnet in found if subnet is not None]
        return tuple(ranges) if ranges and len(ranges) == len(subnets) and all(map(_is_range, ranges)) else None


def _is_range(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


def _ports(ports: Iterable[int]) -> str:
    return ", ".join(str(port) for port in ports)


def subnets_of_group(reading: Reading, type_name: str, name: str) -> tuple[str, ...]:
    """The subnet ids of a subnet group that is known by `name`."""
    group = reading.find(type_name, name)
    return strings_at(group.properties, "SubnetIds") if group else ()


def listener_ports(reading: Reading, balancer: str) -> dict[int, str]:
    """The ports of a load balancer and their protocols."""
    ref = reading.ref(balancer)
    found: dict[int, str] = {}
    for listener in reading.of_type("AWS::ElasticLoadBalancingV2::Listener"):
        if text_at(listener.properties, "LoadBalancerArn") == ref:
            secure = bool(items_at(listener.properties, "Certificates"))
            protocol = text_at(listener.properties, "Protocol") or ("HTTPS" if secure else "HTTP")
            if "Port" not in listener.properties:
                found[443 if secure else 80] = protocol
            elif port := number_at(listener.properties, "Port"):
                found[port] = protocol
    return dict(sorted(found.items()))
