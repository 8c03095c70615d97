"""Whether security groups let one resource reach a port of another.

A path is open when a rule of the source's groups lets the connection out and a rule of the target's groups lets it
in. Rules come from the groups' own lists and from ``AWS::EC2::SecurityGroupIngress`` and ``...Egress``. A rule names
the other side by a group or by an address range; a range counts when it holds every subnet of the other side. A group
without an egress list of its own lets everything out, as EC2 makes it. Subnets without a route, network ACLs and
prefix lists are not checked.
"""

import ipaddress
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from cachetwin_local.assembly.graph import Graph
from cachetwin_local.assembly.template import Resource
from cachetwin_local.assembly.where import Where
from cachetwin_local.errors import UserError
from cachetwin_local.resources.properties import Properties

ANY = "0.0.0.0/0"
TCP = frozenset({"-1", "tcp", "6"})
Direction = Literal["ingress", "egress"]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Peer:
    """One end of a path: its name, its security groups by id, the address ranges of its subnets (None when not known)."""

    name: str
    groups: tuple[str, ...]
    ranges: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of a security group: ports from `first` to `last`, and the other side."""

    origin: str
    protocol: str
    first: int
    last: int
    group: str | None
    cidr: str | None

    def covers(self, port: int) -> bool:
        """Whether TCP connections to `port` fall under this rule."""
        return self.protocol in TCP and (self.protocol == "-1" or self.first <= port <= self.last or self.first == -1)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a path is open; `reason` names the rule that opens it or the one that is missing."""

    state: Literal["open", "closed", "unknown"]
    reason: str


class SecurityGroups:
    """The rules of all security groups of an app, by the groups' ids.

    `on_error` gets each resource that cannot be read and the error; without it the error is raised.
    """

    def __init__(self, graph: Graph, on_error: Callable[[Resource, UserError], object] | None = None) -> None:
        self._rules: dict[tuple[str, Direction], list[Rule]] = defaultdict(list)
        self._names: dict[str, str] = {}
        self._complete = True
        for type_name, add in self._readers().items():
            for resource in graph.resources_of_type(type_name):
                try:
                    add(graph, resource)
                except UserError as error:
                    if on_error is None:
                        raise
                    on_error(resource, error)
                    self._complete = False

    def _readers(self) -> dict[str, Callable[[Graph, Resource], None]]:
        return {
            "AWS::EC2::SecurityGroup": self._add_group,
            "AWS::EC2::SecurityGroupIngress": self._add_rule,
            "AWS::EC2::SecurityGroupEgress": self._add_rule,
            "AWS::EC2::VPC": self._add_default_group,
        }

    def _add_rule(self, graph: Graph, resource: Resource) -> None:
        properties = Properties.of(graph.resolved(resource.key))
        direction: Direction = "ingress" if resource.type.endswith("Ingress") else "egress"
        group_id = properties.string("GroupId", "")
        self._add(graph, group_id, properties, direction, resource.logical_id)

    def _add(self, graph: Graph, group_id: str, rule: Properties, direction: Direction, origin: str) -> None:
        if any(isinstance(value, str) and graph.stand_ins.reason(value) for value in rule.values.values()):
            self._complete = False  # a rule with a value that nobody gave may open anything
            return
        self._rules[group_id, direction].append(_rule(rule, direction, origin))

    def _add_group(self, graph: Graph, resource: Resource) -> None:
        group_id = str(graph.described(resource.key).ref)
        properties = Properties.of(graph.resolved(resource.key))
        self._names[group_id] = resource.logical_id
        for rule in properties.objects("SecurityGroupIngress"):
            self._add(graph, group_id, rule, "ingress", resource.logical_id)
        for rule in properties.objects("SecurityGroupEgress"):
            self._add(graph, group_id, rule, "egress", resource.logical_id)
        if not properties.objects("SecurityGroupEgress"):
            self._rules[group_id, "egress"].append(Rule(f"{resource.logical_id} (default)", "-1", -1, -1, None, ANY))

    def _add_default_group(self, graph: Graph, vpc: Resource) -> None:
        group_id = str(graph.described(vpc.key).attributes["DefaultSecurityGroup"])
        name = f"the default group of {vpc.logical_id}"
        self._names[group_id] = name
        self._rules[group_id, "ingress"].append(Rule(name, "-1", -1, -1, group_id, None))
        self._rules[group_id, "egress"].append(Rule(name, "-1", -1, -1, None, ANY))

    def verdict(self, source: Peer, target: Peer, port: int) -> Verdict:
        """Whether `source` may open TCP connections to `port` of `target`."""
        out = self._find(source, target, port, "egress")
        into = self._find(target, source, port, "ingress")
        if out and into:
            return Verdict("open", f"{into.origin} lets {port} in")
        closed, rule = (source, "egress") if not out else (target, "ingress")
        other, word = (target, "to") if not out else (source, "from")
        missing = f"{self._named(closed)} has no {rule} rule for port {port} {word} {self._named(other)}"
        if not self._complete or not closed.groups or any(group not in self._names for group in closed.groups):
            return Verdict("unknown", f"{missing}, as far as this app's templates say")
        return Verdict("closed", missing)

    def admits(self, target: Peer, source: Peer, port: int) -> bool:
        """Whether the groups of `target` let `source` in, whatever the groups of `source` let out."""
        return self._find(target, source, port, "ingress") is not None

    def _find(self, owner: Peer, other: Peer, port: int, direction: Direction) -> Rule | None:
        for group in owner.groups:
            for rule in self._rules.get((group, direction), ()):
                if rule.covers(port) and _matches(rule, other):
                    return rule
        return None

    def _named(self, party: Peer) -> str:
        groups = ", ".join(self._names.get(group, group) for group in party.groups)
        return f"{party.name} (security group {groups})" if groups else f"{party.name} (no security group)"


def _matches(rule: Rule, other: Peer) -> bool:
    if rule.group is not None:
        return rule.group in other.groups
    if rule.cidr is None:
        return False
    block = ipaddress.ip_network(rule.cidr, strict=False)
    if block.prefixlen == 0:
        return block.version == 4
    return bool(other.ranges) and all(_holds(block, ipaddress.ip_network(text)) for text in other.ranges or ())


def _holds(block: Network, inner: Network) -> bool:
    if isinstance(block, ipaddress.IPv4Network) and isinstance(inner, ipaddress.IPv4Network):
        return inner.subnet_of(block)
    if isinstance(block, ipaddress.IPv6Network) and isinstance(inner, ipaddress.IPv6Network):
        return inner.subnet_of(block)
    return False


def _rule(properties: Properties, direction: Direction, origin: str) -> Rule:
    other = "SourceSecurityGroupId" if direction == "ingress" else "DestinationSecurityGroupId"
    cidr = properties.optional("CidrIp") or properties.optional("CidrIpv6")
    if cidr is not None:
        _check_range(cidr, properties.where.child("CidrIp"))
    return Rule(
        origin=origin,
        protocol=properties.string("IpProtocol").lower(),
        first=properties.integer("FromPort", -1),
        last=properties.integer("ToPort", -1),
        group=properties.optional(other),
        cidr=cidr,
    )


def _check_range(cidr: str, where: Where) -> None:
    try:
        ipaddress.ip_network(cidr, strict=False)
    except ValueError:
        raise where.error(f"must be an address range such as 10.0.0.0/16, got {cidr}") from None


def ranges_of(graph: Graph, subnet_ids: Sequence[str]) -> tuple[str, ...] | None:
    """The address ranges of subnets by their ids, or None when one of them is not of this app."""
    by_id = {graph.described(s.resource.key).ref: s for s in graph.readable("AWS::EC2::Subnet")}
    found = [by_id[subnet].properties.get("CidrBlock") for subnet in subnet_ids if subnet in by_id]
    if not subnet_ids or len(found) < len(subnet_ids) or not all(isinstance(cidr, str) for cidr in found):
        return None
    known = tuple(str(cidr) for cidr in found)
    return None if any(graph.stand_ins.reason(cidr) for cidr in known) else known
