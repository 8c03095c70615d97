"""AWS::ElastiCache::ReplicationGroup with cluster mode disabled: an engine process for each of its nodes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from cachetwin_local.assembly.graph import Description, Graph, Resolved
from cachetwin_local.assembly.template import Stack
from cachetwin_local.resources.context import Context, Translation
from cachetwin_local.resources.properties import Properties
from cachetwin_local.resources.shape import generated_name, name_fields, placeholder_attribute, short_region
from cachetwin_local.topology.address_plan import AddressPlan
from cachetwin_local.topology.values import CacheNode, CacheUser, Endpoint, LogDelivery, ReplicationGroup

from . import user_group as elasticache_user_group
from .cache_engine import (
    DEFAULT_VERSION,
    RESERVED_MEMORY_PERCENT,
    SERVICE_ONLY,
    Engine,
    default_parameters,
    family,
    maxmemory_bytes,
    node_type_memory,
    profile,
)

PORT = 6379
NODES_MAX = 6  # a primary and five replicas


def describe(address_plan: AddressPlan, graph: Graph, resolved: Resolved, stack: Stack) -> Description:
    """Endpoint attributes are the loopback addresses that the endpoints have here."""
    properties, fields = Properties.of(resolved), name_fields(resolved, stack)
    name = properties.string("ReplicationGroupId", generated_name(fields, 40)).lower()
    arn = f"arn:{fields['partition']}:elasticache:{stack.region}:{stack.account}:replicationgroup:{name}"
    if _is_sharded(properties):
        return Description(name, name, arn, {}, lambda attribute: placeholder_attribute(fields, attribute))
    primary, reader = _endpoints(address_plan, resolved, properties, name, stack)
    nodes = _node_endpoints(address_plan, resolved, properties, name, stack)[: node_count(properties)]
    addresses, ports = [node.address for node in nodes], [str(node.port) for node in nodes]
    attributes = {
        "PrimaryEndPoint.Address": primary.address,
        "PrimaryEndPoint.Port": str(primary.port),
        "ReaderEndPoint.Address": reader.address,
        "ReaderEndPoint.Port": str(reader.port),
        "ReadEndPoint.Addresses": f"[{', '.join(addresses)}]",
        "ReadEndPoint.Addresses.List": addresses,
        "ReadEndPoint.Ports": f"[{', '.join(ports)}]",
        "ReadEndPoint.Ports.List": ports,
        "EffectiveDurability": "disabled",
    }
    return Description(name, name, arn, attributes)


def translate(context: Context, resolved: Resolved) -> Translation:
    """The replication group with its nodes, parameters and users."""
    properties, resource = Properties.of(resolved), resolved.resource
    if _is_sharded(properties):
        return Translation((), "cluster mode enabled does not run here yet", "not supported")
    if "GlobalReplicationGroupId" in properties:
        return Translation((), "a member of a global datastore does not run here yet", "not supported")
    stack, identity = context.graph.stack(resource.stack), context.identity(resource.key)
    primary, reader = _endpoints(context.address_plan, resolved, properties, identity.physical_name, stack)
    version = _version(properties)
    parameters = _parameters(context, resolved, properties, version)
    endpoints = _node_endpoints(context.address_plan, resolved, properties, identity.physical_name, stack)
    nodes = _nodes(context, resolved, properties, parameters, endpoints[: node_count(properties)])
    named = profile(version.engine, version.text)
    _check_authentication(context, resource.key, properties, primary)
    group = ReplicationGroup(
        identity=identity,
        engine=version.engine,
        engine_version=version.text,
        profile=named[0],
        primary_endpoint=primary,
        reader_endpoint=reader,
        nodes=nodes,
        parameters={name: value for name, value in parameters.items() if name not in SERVICE_ONLY},
        users=_users(context, properties),
        user_group_ids=properties.strings("UserGroupIds"),
        auth_token=properties.text("AuthToken"),
        log_delivery=_log_delivery(properties),
        security_groups=properties.strings("SecurityGroupIds"),
        automatic_failover=_automatic_failover(context, resource.key, properties, len(nodes)),
        multi_az=properties.boolean("MultiAZEnabled"),
        spare_endpoints=endpoints[len(nodes) :],
    )
    return Translation((group,), _note(group, exact=named[1]))


@dataclass(frozen=True, slots=True)
class _Version:
    engine: Engine
    text: str


def _version(properties: Properties) -> _Version:
    engine = properties.string("Engine", "redis").lower()
    if engine not in DEFAULT_VERSION:
        raise properties.where.child("Engine").error(f"must be one of {', '.join(DEFAULT_VERSION)}, got {engine}")
    version = properties.string("EngineVersion", DEFAULT_VERSION[engine])
    if not version.partition(".")[0].isdigit():
        raise properties.where.child("EngineVersion").error(f"must be a version such as 8.1, got {version}")
    return _Version(cast("Engine", engine), version)


def _is_sharded(properties: Properties) -> bool:
    parameter_group = properties.text("CacheParameterGroupName")
    return (
        properties.string("ClusterMode", "disabled").lower() in {"enabled", "compatible"}
        or properties.integer("NumNodeGroups", 1) > 1
        or len(properties.objects("NodeGroupConfiguration")) > 1
        or (isinstance(parameter_group, str) and parameter_group.endswith(".cluster.on"))
    )


def _endpoints(
    address_plan: AddressPlan, resolved: Resolved, properties: Properties, name: str, stack: Stack
) -> tuple[Endpoint, Endpoint]:
    key, port = resolved.resource.key, properties.integer("Port", PORT)
    tls = _tls(properties)
    zone = f"{short_region(stack.region)}.cache.amazonaws.com"
    unique = name_fields(resolved, stack)["hex6"]
    names = (f"{name}.{unique}.ng.0001.{zone}", f"{name}-ro.{unique}.ng.0001.{zone}")
    if tls != "off":
        names = (f"master.{name}.{unique}.{zone}", f"replica.{name}.{unique}.{zone}")
    primary_address, primary_port = address_plan.endpoint(f"{key}/primary", port)
    reader_address, reader_port = address_plan.endpoint(f"{key}/reader", port)
    return (
        Endpoint(primary_address, primary_port, port, tls, (names[0],)),
        Endpoint(reader_address, reader_port, port, tls, (names[1],)),
    )


def _node_endpoints(
    address_plan: AddressPlan, resolved: Resolved, properties: Properties, name: str, stack: Stack
) -> tuple[Endpoint, ...]:
    """The endpoint of each node that the group may have, in the order of their member ids."""
    port, tls = properties.integer("Port", PORT), _tls(properties)
    zone = f"{short_region(stack.region)}.cache.amazonaws.com"
    unique = name_fields(resolved, stack)["hex6"]
    found = []
    for number in range(1, NODES_MAX + 1):
        member = f"{name}-{number:03}"
        host = f"{member}.{unique}.0001.{zone}" if tls == "off" else f"{member}.{name}.{unique}.{zone}"
        address, local_port = address_plan.endpoint(node_endpoint_name(resolved.resource.key, number), port)
        found.append(Endpoint(address, local_port, port, tls, (host,)))
    return tuple(found)


def node_endpoint_name(key: str, number: int) -> str:
    """The name under which the address plan knows the endpoint of a node; the first has the number 1."""
    return f"{key}/{number:03}"


def _tls(properties: Properties) -> Literal["required", "preferred", "off"]:
    if not properties.boolean("TransitEncryptionEnabled"):
        return "off"
    mode = properties.string("TransitEncryptionMode", "required").lower()
    if mode not in {"required", "preferred"}:
        raise properties.where.child("TransitEncryptionMode").error(f"must be required or preferred, got {mode}")
    return "preferred" if mode == "preferred" else "required"


def _parameters(context: Context, resolved: Resolved, properties: Properties, version: _Version) -> dict[str, str]:
    parameters = default_parameters(version.engine, version.text)
    name = properties.optional("CacheParameterGroupName")
    if name is None or name.startswith("default."):
        return parameters
    group = context.find("AWS::ElastiCache::ParameterGroup", name, resolved.resource.stack)
    key = resolved.resource.key
    if group is None:
        context.problem("warning", key, f"parameter group {name} is not in this app: the family's defaults are used")
        return parameters
    given = Properties.of(group)
    expected, got = family(version.engine, version.text), given.string("CacheParameterGroupFamily")
    if got.removesuffix(".cluster.on") != expected:
        context.problem("error", key, f"CacheParameterGroupName must be of the family {expected}, got one of {got}")
    overrides = given.object("Properties")
    parameters.update({parameter: overrides.string(parameter) for parameter in overrides.values})
    return parameters


def _nodes(
    context: Context,
    resolved: Resolved,
    properties: Properties,
    parameters: Mapping[str, str],
    endpoints: Sequence[Endpoint],
) -> tuple[CacheNode, ...]:
    node_type = properties.string("CacheNodeType")
    if node_type not in node_type_memory():
        known = ", ".join(sorted(node_type_memory())[:4])
        raise properties.where.child("CacheNodeType").error(
            f"must be one of the {len(node_type_memory())} node types whose memory is known ({known}, ...), got {node_type}"
        )
    reserved = parameters.get("reserved-memory-percent", str(RESERVED_MEMORY_PERCENT))
    if not reserved.isdigit() or not 0 <= int(reserved) < 100:
        raise properties.where.child("CacheParameterGroupName").error(
            f"reserved-memory-percent must be between 0 and 99, got {reserved}"
        )
    zones = _zones(context, resolved, properties)
    name = context.identity(resolved.resource.key).physical_name
    return tuple(
        CacheNode(
            member_id=f"{name}-{index + 1:03}",
            role="primary" if index == 0 else "replica",
            availability_zone=zones[index % len(zones)],
            node_type=node_type,
            maxmemory_bytes=maxmemory_bytes(node_type, int(reserved)),
            endpoint=endpoint,
        )
        for index, endpoint in enumerate(endpoints)
    )


def node_count(properties: Properties) -> int:
    """How many nodes a group with cluster mode disabled has."""
    configured = properties.objects("NodeGroupConfiguration")
    replicas = properties.integer("ReplicasPerNodeGroup", 0)
    if configured:
        replicas = configured[0].integer("ReplicaCount", replicas)
    count = properties.integer("NumCacheClusters", 1 + replicas)
    if not 1 <= count <= NODES_MAX:
        raise properties.where.child("NumCacheClusters").error(f"must be between 1 and {NODES_MAX}, got {count}")
    return count


def _zones(context: Context, resolved: Resolved, properties: Properties) -> list[str]:
    preferred = properties.strings("PreferredCacheClusterAZs")
    if preferred:
        return list(preferred)
    for configured in properties.objects("NodeGroupConfiguration"):
        primary, replicas = (
            configured.optional("PrimaryAvailabilityZone"),
            configured.strings("ReplicaAvailabilityZones"),
        )
        if primary:
            return [primary, *replicas]
    group = properties.optional("CacheSubnetGroupName")
    subnets = context.find("AWS::ElastiCache::SubnetGroup", group, resolved.resource.stack) if group else None
    zones = []
    for subnet in Properties.of(subnets).strings("SubnetIds") if subnets else ():
        found = context.find("AWS::EC2::Subnet", subnet, resolved.resource.stack)
        if found is not None and "AvailabilityZone" in found.properties:
            zones.append(str(found.properties["AvailabilityZone"]))
    region = context.graph.stack(resolved.resource.stack).region
    return zones or [f"{region}a", f"{region}b", f"{region}c"]


def _users(context: Context, properties: Properties) -> tuple[CacheUser, ...]:
    users: list[CacheUser] = []
    for index, group_id in enumerate(properties.strings("UserGroupIds")):
        group = context.find("AWS::ElastiCache::UserGroup", group_id.lower(), properties.where.stack)
        if group is None:
            raise properties.where.child("UserGroupIds", index).error(
                f"must name a user group that a stack of this app defines, got {group_id}"
            )
        users.extend(elasticache_user_group.users(context, group))
    return tuple(users)


def _check_authentication(context: Context, key: str, properties: Properties, endpoint: Endpoint) -> None:
    if len(properties.strings("UserGroupIds")) > 1:
        context.problem("error", key, "UserGroupIds must name one user group, got more")
    if "AuthToken" in properties and "UserGroupIds" in properties:
        context.problem("error", key, "AuthToken and UserGroupIds exclude each other, got both")
    if endpoint.tls == "off" and ("AuthToken" in properties or properties.strings("UserGroupIds")):
        context.problem("error", key, "TransitEncryptionEnabled must be true for AuthToken and UserGroupIds, got false")


def _log_delivery(properties: Properties) -> tuple[LogDelivery, ...]:
    deliveries = []
    for entry in properties.objects("LogDeliveryConfigurations"):
        details = entry.object("DestinationDetails")
        target = details.object("CloudWatchLogsDetails").optional("LogGroup")
        target = target or details.object("KinesisFirehoseDetails").optional("DeliveryStream") or ""
        deliveries.append(
            LogDelivery(
                entry.string("LogType"), entry.string("DestinationType"), target, entry.string("LogFormat", "json")
            )
        )
    return tuple(deliveries)


def _automatic_failover(context: Context, key: str, properties: Properties, nodes: int) -> bool:
    enabled, multi_az = properties.boolean("AutomaticFailoverEnabled"), properties.boolean("MultiAZEnabled")
    if multi_az and not enabled:
        context.problem("error", key, "AutomaticFailoverEnabled must be true where MultiAZEnabled is, got false")
    if enabled and nodes == 1:
        context.problem("error", key, "AutomaticFailoverEnabled must be false for a group of one node, got true")
    return enabled


def _note(group: ReplicationGroup, *, exact: bool) -> str:
    parts = [f"{group.profile} on {group.primary_endpoint.address}:{group.primary_endpoint.port}"]
    if not exact:
        parts.append(f"stands for {group.engine} {group.engine_version}")
    nodes = ", ".join(f"{node.member_id} in {node.availability_zone}" for node in group.nodes)
    if len(group.nodes) == 1:
        parts.append(f"1 node ({nodes}), which answers the reader endpoint too")
    else:
        parts.append(f"{len(group.nodes)} nodes, the primary first: {nodes}")
        if not group.automatic_failover:
            parts.append("no automatic failover: a primary that fails is replaced")
    return "; ".join(parts)
