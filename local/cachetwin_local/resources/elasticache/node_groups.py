"""The node groups (shards) of a replication group: their slots, zones, member ids and endpoints."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from cachetwin_local.assembly.graph import Graph
from cachetwin_local.assembly.resolved import Resolved
from cachetwin_local.assembly.template import Stack
from cachetwin_local.errors import UserError
from cachetwin_local.resources.properties import Properties
from cachetwin_local.resources.shape import name_fields, short_region
from cachetwin_local.topology.address_plan import AddressPlan
from cachetwin_local.topology.values import Endpoint

__all__ = [
    "NODES_MAX",
    "PORT",
    "ClusterMode",
    "GroupEndpoints",
    "NodeGroupPlan",
    "Tls",
    "cluster_mode",
    "group_endpoints",
    "node_endpoint_names",
    "node_groups",
    "tls_mode",
]

PORT: Final = 6379
NODE_GROUPS_MAX: Final = 500
NODES_MAX: Final = 6  # of a node group: a primary and five replicas
SLOT_COUNT: Final = 16384

ClusterMode = Literal["disabled", "enabled", "compatible"]
Tls = Literal["required", "preferred", "off"]
PARAMETER_GROUP: Final = "AWS::ElastiCache::ParameterGroup"


@dataclass(frozen=True, slots=True)
class NodeGroupPlan:
    """One node group of a template. `slots` is empty with cluster mode disabled, `zones` where the template names none."""

    id: str
    nodes: int
    slots: tuple[tuple[int, int], ...]
    zones: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GroupEndpoints:
    """The endpoints of a replication group; `nodes` holds those of each node group, spare ones for later nodes included."""

    primary: Endpoint | None
    reader: Endpoint | None
    configuration: Endpoint | None
    nodes: tuple[tuple[Endpoint, ...], ...]
    node_host: str
    """The host name of a node, with ``{member}`` for its id."""


def cluster_mode(graph: Graph, properties: Properties) -> ClusterMode:
    """The cluster mode: of the property, or of the parameter group."""
    mode = properties.string("ClusterMode", "").lower()
    if mode == "compatible":
        return "compatible"
    if mode == "enabled" or properties.integer("NumNodeGroups", 1) > 1:
        return "enabled"
    if len(properties.objects("NodeGroupConfiguration")) > 1 or (
        mode == "" and _has_cluster_parameters(graph, properties)
    ):
        return "enabled"
    return "disabled"


def _has_cluster_parameters(graph: Graph, properties: Properties) -> bool:
    name = properties.text("CacheParameterGroupName")
    if not isinstance(name, str):
        return False
    if name.endswith(".cluster.on"):
        return True
    for group in graph.readable(PARAMETER_GROUP):
        description = graph.described(group.resource.key)
        if name in {description.ref, description.physical_name}:
            return Properties.of(group).object("Properties").string("cluster-enabled", "no").lower() == "yes"
    return False


def node_groups(properties: Properties, mode: ClusterMode) -> list[NodeGroupPlan]:
    """The node groups in order. Raises UserError for counts and slots that the service refuses."""
    configured = properties.objects("NodeGroupConfiguration")
    count = properties.integer("NumNodeGroups", len(configured) or 1)
    if not 1 <= count <= NODE_GROUPS_MAX:
        raise properties.where.child("NumNodeGroups").error(f"must be between 1 and {NODE_GROUPS_MAX}, got {count}")
    if mode == "disabled":
        return [_only_group(properties, configured[0] if configured else None)]
    if configured and len(configured) != count:
        raise properties.where.child("NodeGroupConfiguration").error(
            f"must hold an entry for each of the {count} node groups of NumNodeGroups, got {len(configured)}"
        )
    entries: list[Properties | None] = [*configured] if configured else [None] * count
    default = properties.integer("ReplicasPerNodeGroup", 0)
    even = list(_even_slots(count))
    groups = []
    for index, entry in enumerate(entries):
        replicas = default if entry is None else entry.integer("ReplicaCount", default)
        if not 0 <= replicas < NODES_MAX:
            raise properties.where.child("ReplicasPerNodeGroup").error(
                f"must be between 0 and {NODES_MAX - 1}, got {replicas}"
            )
        name = f"{index + 1:04}" if entry is None else entry.string("NodeGroupId", f"{index + 1:04}")
        slots = even[index] if entry is None or "Slots" not in entry else _slots(entry)
        groups.append(NodeGroupPlan(name, 1 + replicas, slots, _zones(entry)))
    _check_slots(properties, groups)
    return groups


def _only_group(properties: Properties, entry: Properties | None) -> NodeGroupPlan:
    replicas = properties.integer("ReplicasPerNodeGroup", 0)
    if entry is not None:
        replicas = entry.integer("ReplicaCount", replicas)
    count = properties.integer("NumCacheClusters", 1 + replicas)
    if not 1 <= count <= NODES_MAX:
        raise properties.where.child("NumCacheClusters").error(f"must be between 1 and {NODES_MAX}, got {count}")
    return NodeGroupPlan("0001", count, (), properties.strings("PreferredCacheClusterAZs") or _zones(entry))


def _zones(entry: Properties | None) -> tuple[str, ...]:
    if entry is None or "PrimaryAvailabilityZone" not in entry:
        return ()
    return (entry.string("PrimaryAvailabilityZone"), *entry.strings("ReplicaAvailabilityZones"))


def _even_slots(count: int) -> Iterator[tuple[tuple[int, int], ...]]:
    """The slots of each shard as ElastiCache spreads them: 0-5461, 5462-10922, 10923-16383 for three."""
    first = 0
    for index in range(count):
        size = SLOT_COUNT // count + (1 if index < SLOT_COUNT % count else 0)
        yield ((first, first + size - 1),)
        first += size


def _slots(entry: Properties) -> tuple[tuple[int, int], ...]:
    found = []
    text = entry.string("Slots")
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        if (
            not first.isdecimal()
            or (last and not last.isdecimal())
            or not int(first) <= int(last or first) < SLOT_COUNT
        ):
            raise entry.where.child("Slots").error(f"must be ranges such as 0-5461,8000 below {SLOT_COUNT}, got {text}")
        found.append((int(first), int(last or first)))
    return tuple(found)


def _check_slots(properties: Properties, groups: list[NodeGroupPlan]) -> None:
    taken = [slot for group in groups for first, last in group.slots for slot in range(first, last + 1)]
    if len(taken) != SLOT_COUNT or len(set(taken)) != SLOT_COUNT:
        raise properties.where.child("NodeGroupConfiguration").error(
            f"must give each of the {SLOT_COUNT} slots to one node group, got {len(set(taken))} of {len(taken)} slots once"
        )


def tls_mode(properties: Properties) -> Tls:
    """How the endpoints speak TLS."""
    if not properties.boolean("TransitEncryptionEnabled"):
        return "off"
    mode = properties.string("TransitEncryptionMode", "required").lower()
    if mode not in {"required", "preferred"}:
        raise properties.where.child("TransitEncryptionMode").error(f"must be required or preferred, got {mode}")
    return "preferred" if mode == "preferred" else "required"


def group_endpoints(
    address_plan: AddressPlan, resolved: Resolved, stack: Stack, name: str, mode: ClusterMode
) -> GroupEndpoints:
    """Where the endpoints of the group `name` listen, and their names on AWS."""
    properties, key = Properties.of(resolved), resolved.resource.key
    port, tls = properties.integer("Port", PORT), tls_mode(properties)
    zone = f"{short_region(stack.region)}.cache.amazonaws.com"
    unique = f"{name_fields(resolved, stack)['hex6']}.{zone}"
    plain = tls == "off"

    def endpoint(place: str, host: str) -> Endpoint:
        address, local_port = address_plan.endpoint(f"{key}/{place}", port)
        return Endpoint(address, local_port, port, tls, (host,))

    hash_name = name_fields(resolved, stack)["hex6"]
    node_host = f"{{member}}.{hash_name}.0001.{zone}" if plain else f"{{member}}.{name}.{unique}"
    nodes = []
    for group in node_groups(properties, mode):
        members = [member_id(name, group.id, number, mode) for number in range(1, NODES_MAX + 1)]
        hosts = [node_host.replace("{member}", member) for member in members]
        names = [f"{group.id}-{number:03}" for number in range(1, NODES_MAX + 1)]
        nodes.append(tuple(endpoint(place, host) for place, host in zip(names, hosts, strict=True)))
    configuration = primary = reader = None
    if mode != "disabled":
        place = "primary" if mode == "enabled" else "configuration"
        configuration = endpoint(
            place, f"{name}.{hash_name}.clustercfg.{zone}" if plain else f"clustercfg.{name}.{unique}"
        )
    if mode != "enabled":
        primary = endpoint("primary", f"{name}.{hash_name}.ng.0001.{zone}" if plain else f"master.{name}.{unique}")
        reader = endpoint("reader", f"{name}-ro.{hash_name}.ng.0001.{zone}" if plain else f"replica.{name}.{unique}")
    return GroupEndpoints(primary, reader, configuration, tuple(nodes), node_host)


def member_id(group_name: str, node_group: str, number: int, mode: ClusterMode) -> str:
    """The id of a node: ``name-001``, and ``name-0001-001`` in cluster mode."""
    return f"{group_name}-{number:03}" if mode == "disabled" else f"{group_name}-{node_group}-{number:03}"


def node_endpoint_names(key: str, properties: Properties) -> Iterator[str]:
    """The names under which the address plan knows the endpoints of a group's nodes."""
    try:
        ids = [group.id for group in node_groups(properties, "enabled")]
    except UserError:
        ids = ["0001"]
    for node_group in ids:
        yield from (f"{key}/{node_group}-{number:03}" for number in range(1, NODES_MAX + 1))
