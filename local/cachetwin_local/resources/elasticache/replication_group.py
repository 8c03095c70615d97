"""AWS::ElastiCache::ReplicationGroup: an engine process for each of its nodes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from cachetwin_local.assembly.graph import Description, Graph, Resolved
from cachetwin_local.assembly.template import Json, Stack
from cachetwin_local.resources.context import Context, Translation
from cachetwin_local.resources.properties import Properties
from cachetwin_local.resources.shape import generated_name, name_fields
from cachetwin_local.topology.address_plan import AddressPlan
from cachetwin_local.topology.values import CacheNode, CacheUser, LogDelivery, NodeGroup, ReplicationGroup

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
from .node_groups import (
    ClusterMode,
    GroupEndpoints,
    NodeGroupPlan,
    cluster_mode,
    group_endpoints,
    member_id,
    node_groups,
    tls_mode,
)

CLUSTER_DEFAULTS: Final[Mapping[str, str]] = {"cluster-require-full-coverage": "no"}
"""Defaults of the families for cluster mode, where they differ from the open source engine's."""


def describe(address_plan: AddressPlan, graph: Graph, resolved: Resolved, stack: Stack) -> Description:
    """Endpoint attributes are the loopback addresses that the endpoints have here."""
    properties, fields = Properties.of(resolved), name_fields(resolved, stack)
    name = properties.string("ReplicationGroupId", generated_name(fields, 40)).lower()
    arn = f"arn:{fields['partition']}:elasticache:{stack.region}:{stack.account}:replicationgroup:{name}"
    mode = cluster_mode(graph, properties)
    found = group_endpoints(address_plan, resolved, stack, name, mode)
    attributes: dict[str, Json] = {"EffectiveDurability": "disabled"}
    named = {
        "PrimaryEndPoint": found.primary,
        "ReaderEndPoint": found.reader,
        "ConfigurationEndPoint": found.configuration,
    }
    for attribute, endpoint in named.items():
        if endpoint is not None:
            attributes[f"{attribute}.Address"] = endpoint.address
            attributes[f"{attribute}.Port"] = str(endpoint.port)
    if mode != "enabled":
        nodes = found.nodes[0][: node_groups(properties, mode)[0].nodes]
        addresses, ports = [node.address for node in nodes], [str(node.port) for node in nodes]
        attributes["ReadEndPoint.Addresses"] = f"[{', '.join(addresses)}]"
        attributes["ReadEndPoint.Addresses.List"] = addresses
        attributes["ReadEndPoint.Ports"] = f"[{', '.join(ports)}]"
        attributes["ReadEndPoint.Ports.List"] = ports
    return Description(name, name, arn, attributes)


def translate(context: Context, resolved: Resolved) -> Translation:
    """The replication group with its nodes, parameters and users."""
    properties, resource = Properties.of(resolved), resolved.resource
    if "GlobalReplicationGroupId" in properties:
        return Translation((), "a member of a global datastore does not run here yet", "not supported")
    stack, identity = context.graph.stack(resource.stack), context.identity(resource.key)
    mode = cluster_mode(context.graph, properties)
    groups = node_groups(properties, mode)
    endpoints = group_endpoints(context.address_plan, resolved, stack, identity.physical_name, mode)
    version = _version(properties)
    parameters = _parameters(context, resolved, properties, version)
    if mode != "disabled":
        parameters = {**CLUSTER_DEFAULTS, **parameters}
    nodes = _nodes(context, resolved, parameters, groups, endpoints)
    named = profile(version.engine, version.text)
    _check_authentication(context, resource.key, properties)
    group = ReplicationGroup(
        identity=identity,
        engine=version.engine,
        engine_version=version.text,
        profile=named[0],
        primary_endpoint=endpoints.primary,
        reader_endpoint=endpoints.reader,
        nodes=nodes,
        parameters={name: value for name, value in parameters.items() if name not in SERVICE_ONLY},
        users=_users(context, properties),
        user_group_ids=properties.strings("UserGroupIds"),
        auth_token=properties.text("AuthToken"),
        log_delivery=_log_delivery(properties),
        security_groups=properties.strings("SecurityGroupIds"),
        automatic_failover=_automatic_failover(context, resource.key, properties, groups, mode),
        multi_az=properties.boolean("MultiAZEnabled"),
        cluster_mode=mode,
        configuration_endpoint=endpoints.configuration,
        node_groups=tuple(
            NodeGroup(group.id, group.slots, of_group[group.nodes :])
            for group, of_group in zip(groups, endpoints.nodes, strict=True)
        ),
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
    parameters: Mapping[str, str],
    groups: Sequence[NodeGroupPlan],
    endpoints: GroupEndpoints,
) -> tuple[CacheNode, ...]:
    properties = Properties.of(resolved)
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
    zones, mode = _zones(context, resolved, properties), cluster_mode(context.graph, properties)
    name = context.identity(resolved.resource.key).physical_name
    found = []
    for at, (group, of_group) in enumerate(zip(groups, endpoints.nodes, strict=True)):
        group_zones = group.zones or [zones[(at + number) % len(zones)] for number in range(len(zones))]
        for index in range(group.nodes):
            node = CacheNode(
                member_id=member_id(name, group.id, index + 1, mode),
                role="primary" if index == 0 else "replica",
                availability_zone=group_zones[index % len(group_zones)],
                node_type=node_type,
                maxmemory_bytes=maxmemory_bytes(node_type, int(reserved)),
                endpoint=of_group[index],
                shard=group.id,
            )
            found.append(node)
    return tuple(found)


def _zones(context: Context, resolved: Resolved, properties: Properties) -> list[str]:
    """The zones of the subnet group, or three of the region."""
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


def _check_authentication(context: Context, key: str, properties: Properties) -> None:
    if len(properties.strings("UserGroupIds")) > 1:
        context.problem("error", key, "UserGroupIds must name one user group, got more")
    if "AuthToken" in properties and "UserGroupIds" in properties:
        context.problem("error", key, "AuthToken and UserGroupIds exclude each other, got both")
    if tls_mode(properties) == "off" and ("AuthToken" in properties or properties.strings("UserGroupIds")):
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


def _automatic_failover(
    context: Context, key: str, properties: Properties, groups: Sequence[NodeGroupPlan], mode: ClusterMode
) -> bool:
    enabled, multi_az = properties.boolean("AutomaticFailoverEnabled"), properties.boolean("MultiAZEnabled")
    if mode != "disabled":
        return True  # the service requires it in cluster mode
    if multi_az and not enabled:
        context.problem("error", key, "AutomaticFailoverEnabled must be true where MultiAZEnabled is, got false")
    if enabled and groups[0].nodes == 1:
        context.problem("error", key, "AutomaticFailoverEnabled must be false for a group of one node, got true")
    return enabled


def _note(group: ReplicationGroup, *, exact: bool) -> str:
    parts = [f"{group.profile} on {group.endpoint.address}:{group.endpoint.port}"]
    if not exact:
        parts.append(f"stands for {group.engine} {group.engine_version}")
    if group.cluster_mode != "disabled":
        shards = [_shard_note(group, node_group) for node_group in group.node_groups]
        count = f"{len(shards)} shard" if len(shards) == 1 else f"{len(shards)} shards"
        parts.append(f"cluster mode {group.cluster_mode}, {count}: {', '.join(shards[:4])}")
        if len(shards) > 4:
            parts.append(f"{len(shards) - 4} more")
        return "; ".join(parts)
    nodes = ", ".join(f"{node.member_id} in {node.availability_zone}" for node in group.nodes)
    if len(group.nodes) == 1:
        parts.append(f"1 node ({nodes}), which answers the reader endpoint too")
    else:
        parts.append(f"{len(group.nodes)} nodes, the primary first: {nodes}")
        if not group.automatic_failover:
            parts.append("no automatic failover: a primary that fails is replaced")
    return "; ".join(parts)


def _shard_note(group: ReplicationGroup, node_group: NodeGroup) -> str:
    zones = [node.availability_zone for node in group.nodes if node.shard == node_group.id]
    ranges = ",".join(f"{first}-{last}" for first, last in node_group.slots)
    return f"{node_group.id} slots {ranges} in {' '.join(zones)}"
