"""The architecture of an app as a value: what a picture of it shows, and nothing about how it looks.

Every resource of the templates is in exactly one place: a box, a lane, a network part, or the lists of what is folded
away (`supporting`), not modelled (`not_modelled`) and not readable (`unread`).
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "users",
    "load-balancer",
    "api",
    "distribution",
    "event",
    "service",
    "function",
    "instance",
    "workflow",
    "cache",
    "database",
    "storage",
]
SubnetKind = Literal["public", "private", "isolated", "unknown"]
EdgeKind = Literal["network", "unchecked", "blocked", "invoke", "replication"]


@dataclass(frozen=True, slots=True)
class NodeRow:
    """One row of a grid: `label` (a shard, or empty) and for each zone the nodes that it holds."""

    label: str
    cells: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class NodeGrid:
    """The nodes of a cache or database by zone. `more` counts rows that are left out."""

    zones: tuple[str, ...]
    rows: tuple[NodeRow, ...]
    more: int = 0


@dataclass(frozen=True, slots=True)
class Box:
    """A part of the architecture that serves, computes or stores.

    `key` is the resource's key in the graph. `label` is the AWS name of what it is, `title` the name the app gives it.
    `subnet_group` is the key of the subnets it is in, None outside any VPC.
    """

    key: str
    kind: Kind
    title: str
    label: str
    region: str
    details: tuple[str, ...] = ()
    grid: NodeGrid | None = None
    subnet_group: str | None = None


@dataclass(frozen=True, slots=True)
class Edge:
    """A connection from one box to another, by key. `label` is short, `reason` says what allows or makes it."""

    source: str
    target: str
    kind: EdgeKind
    label: str
    reason: str


@dataclass(frozen=True, slots=True)
class Subnet:
    """A subnet: its zone and its address range."""

    zone: str
    cidr: str


@dataclass(frozen=True, slots=True)
class SubnetGroup:
    """Subnets of one purpose, one in each zone. `notes` name gateways in them."""

    key: str
    vpc: str
    title: str
    kind: SubnetKind
    subnets: tuple[Subnet, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Vpc:
    """A VPC and its groups of subnets."""

    key: str
    region: str
    title: str
    cidr: str
    groups: tuple[SubnetGroup, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LaneEntry:
    """A resource beside the network: its name, and the titles of the boxes that use it."""

    key: str
    name: str
    used_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lane:
    """Resources of one sort beside the network: secrets, queues, topics, buckets, alarms, ..."""

    region: str
    title: str
    entries: tuple[LaneEntry, ...]


@dataclass(frozen=True, slots=True)
class Count:
    """How many resources of a type are not drawn by themselves."""

    type: str
    number: int


@dataclass(frozen=True, slots=True)
class Unread:
    """A resource that could not be resolved, and why."""

    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class Architecture:
    """Everything a picture shows. `regions` are in the order of their first stack."""

    title: str
    regions: tuple[str, ...]
    vpcs: tuple[Vpc, ...] = ()
    boxes: tuple[Box, ...] = ()
    edges: tuple[Edge, ...] = ()
    lanes: tuple[Lane, ...] = ()
    supporting: tuple[Count, ...] = ()
    not_modelled: tuple[Count, ...] = ()
    unread: tuple[Unread, ...] = ()
