"""From the graph of an app to its architecture: each resource into a box, a frame, a lane or a count."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from cachetwin_local.assembly.graph import Graph
from cachetwin_local.assembly.resolved import GivenValues, Resolved
from cachetwin_local.assembly.template import Assembly
from cachetwin_local.drawing.architecture import Architecture, Box, Count, Edge, Lane, LaneEntry, Unread
from cachetwin_local.errors import UserError
from cachetwin_local.plan.planner import restrict_to, select_stacks
from cachetwin_local.resources.translators import describer
from cachetwin_local.topology.address_plan import AddressPlan
from cachetwin_local.topology.references import dependencies_of

from . import network as networks
from .boxes import BOX_TYPES, attachment_of, is_box, label_of
from .connections import balancers_of, connections
from .graph_reading import Reading
from .lanes import LANES, SUPPORTING_PREFIXES
from .network import Attachment, Network, Reachability
from .values import number_at, objects_at, text_at

USERS = "users"
_SERVERS = frozenset({"cache", "database", "storage"})
_CLIENTS = frozenset({"service", "function", "instance", "workflow"})


def architecture_of(
    assembly: Assembly, names: Sequence[str] | None = None, parameters: Mapping[str, str] | None = None
) -> Architecture:
    """The architecture of the stacks named (all by default) and of those they depend on.

    What cannot be resolved is part of it (`unread`). Raises UserError for a name that no stack has.
    """
    chosen = select_stacks(assembly, names)
    graph = Graph(
        restrict_to(assembly, chosen), describer(AddressPlan("drawing", "per-endpoint")), GivenValues(parameters or {})
    )
    title = ", ".join(stack.display_name for stack in chosen if stack.parent is None)
    return survey(graph, [stack.name for stack in chosen], title)


def survey(graph: Graph, stacks: Sequence[str], title: str) -> Architecture:
    """The architecture of the stacks of a graph."""
    reading = Reading(graph, tuple(stacks))
    drawn = [resolved for resolved in reading.all() if is_box(reading, resolved)]
    attachments = {resolved.resource.key: attachment_of(reading, resolved) for resolved in drawn}
    network = networks.read_network(reading, attachments)
    boxes = [_box(reading, network, resolved, attachments[resolved.resource.key]) for resolved in drawn]
    edges = _Edges(reading, {box.key: box for box in boxes}, attachments)
    found = edges.all()
    users = [Box(USERS, "users", "Users", "on the internet", "")] if any(e.source == USERS for e in found) else []
    return Architecture(
        title=title,
        regions=tuple(dict.fromkeys(graph.stack(name).region for name in stacks)),
        vpcs=network.vpcs,
        boxes=(*users, *boxes),
        edges=tuple(found),
        lanes=_lanes(reading, boxes),
        supporting=_counts(reading, boxes, supporting=True),
        not_modelled=_counts(reading, boxes, supporting=False),
        unread=tuple(Unread(key, reason) for key, reason in sorted(reading.failures.items())),
    )


def _box(reading: Reading, network: Network, resolved: Resolved, attachment: Attachment) -> Box:
    key, kind = resolved.resource.key, BOX_TYPES[resolved.resource.type]
    zones = network.zones(attachment.subnets)
    return Box(
        key=key,
        kind=kind.kind,
        title=reading.title(key),
        label=label_of(resolved),
        region=reading.region(key),
        details=tuple(line for line in kind.details(reading, resolved) if line),
        grid=kind.grid(reading, resolved, zones) if kind.grid else None,
        subnet_group=network.place(attachment),
    )


@dataclass(slots=True)
class _Edges:
    reading: Reading
    boxes: Mapping[str, Box]
    attachments: Mapping[str, Attachment]

    def all(self) -> list[Edge]:
        """Every edge: from users, through load balancers, from clients to servers, and by invocation."""
        reach = Reachability(self.reading, self.attachments)
        invoked = connections(self.reading, lambda key: key if key in self.boxes else None)
        found = [*self._from_users(reach), *self._behind_balancers(reach), *self._between(reach), *invoked]
        return list({(edge.source, edge.target, edge.label): edge for edge in found}.values())

    def _from_users(self, reach: Reachability) -> Iterable[Edge]:
        for box in self.boxes.values():
            if box.kind == "load-balancer":
                opened = self._opened_to_users(reach, box)
                if opened:
                    label = ", ".join(map(str, opened))
                    yield Edge(USERS, box.key, "network", label, "its security groups let everybody in")
            elif box.kind in {"api", "distribution"} and not self._is_private(box.key):
                yield Edge(USERS, box.key, "network", "443", "a public endpoint")

    def _opened_to_users(self, reach: Reachability, box: Box) -> list[int]:
        attachment = self.attachments[box.key]
        if self._is_internal(box):
            return []
        if not attachment.groups:  # a network load balancer may have none
            return list(attachment.ports)
        return reach.from_internet(box.key, attachment.ports)

    def _is_internal(self, box: Box) -> bool:
        return text_at(self.reading.resolved(box.key).properties, "Scheme") == "internal"

    def _is_private(self, key: str) -> bool:
        configuration = self.reading.resolved(key).properties.get("EndpointConfiguration", {})
        return "PRIVATE" in str(configuration)

    def _behind_balancers(self, reach: Reachability) -> Iterable[Edge]:
        for box in self.boxes.values():
            service = self.reading.resolved(box.key)
            for entry in objects_at(service.properties, "LoadBalancers"):
                port = number_at(entry, "ContainerPort")
                for balancer in balancers_of(self.reading, text_at(entry, "TargetGroupArn")):
                    if balancer in self.boxes and port:
                        edge = reach.edge(balancer, box.key, [port], needed=True)
                        if edge is not None:
                            yield edge

    def _between(self, reach: Reachability) -> Iterable[Edge]:
        """From clients to servers, and to services that no load balancer stands before."""
        clients = [box for box in self.boxes.values() if box.kind in _CLIENTS and self._attached(box)]
        targets = [box for box in self.boxes.values() if box.kind in _SERVERS | _CLIENTS | {"load-balancer"}]
        for source in clients:
            needed = self._needed_by(source.key)
            for target in targets:
                ports = self.attachments[target.key].ports
                if source.key == target.key or not ports or not self._attached(target):
                    continue
                if target.kind == "load-balancer" and not self._is_internal(target) and target.key not in needed:
                    continue  # everybody may reach it, which says nothing about this client
                edge = reach.edge(source.key, target.key, ports, needed=target.key in needed)
                if edge is not None:
                    yield edge

    def _attached(self, box: Box) -> bool:
        attachment = self.attachments[box.key]
        return bool(attachment.groups or attachment.subnets)

    def _needed_by(self, key: str) -> set[str]:
        """The caches and databases whose endpoints a client is given."""
        resolved = self.reading.resolved(key)
        direct = {reference.target for reference in resolved.references if reference.path[:1] == ("Environment",)}
        definition = self.reading.find("AWS::ECS::TaskDefinition", text_at(resolved.properties, "TaskDefinition"))
        if definition is not None:
            with suppress(UserError):  # what cannot be resolved is among the failures already
                direct |= dependencies_of(self.reading.graph, definition.resource.key)
        return direct


def _lanes(reading: Reading, boxes: Sequence[Box]) -> tuple[Lane, ...]:
    users = _users_of(reading, boxes)
    lanes = []
    for region in dict.fromkeys(reading.region(resolved.resource.key) for resolved in reading.all()):
        for title in dict.fromkeys(LANES.values()):
            types = [name for name, lane in LANES.items() if lane == title]
            found = [r for r in reading.of_type(*types) if reading.region(r.resource.key) == region]
            entries = [
                LaneEntry(r.resource.key, reading.title(r.resource.key), users.get(r.resource.key, ())) for r in found
            ]
            if entries:
                lanes.append(Lane(region, title, tuple(entries)))
    return tuple(lanes)


def _users_of(reading: Reading, boxes: Sequence[Box]) -> dict[str, tuple[str, ...]]:
    """The titles of the boxes that refer to a resource, themselves or through their task definition."""
    found: dict[str, dict[str, None]] = {}
    for box in boxes:
        resolved = reading.resolved(box.key)
        definition = reading.find("AWS::ECS::TaskDefinition", text_at(resolved.properties, "TaskDefinition"))
        for reference in [*resolved.references, *(definition.references if definition else ())]:
            found.setdefault(reference.target, {})[box.title] = None
    return {key: tuple(titles) for key, titles in found.items()}


def _counts(reading: Reading, boxes: Sequence[Box], *, supporting: bool) -> tuple[Count, ...]:
    shown = {box.key for box in boxes} | set(reading.failures)
    rest = [
        resolved.resource.type
        for resolved in reading.all()
        if resolved.resource.key not in shown
        and resolved.resource.type not in networks.PARTS
        and resolved.resource.type not in LANES
    ]
    known = Counter(name for name in rest if name.startswith(SUPPORTING_PREFIXES) == supporting)
    return tuple(Count(name, known[name]) for name in sorted(known))
