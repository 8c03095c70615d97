"""AWS::ElastiCache::ReplicationGroup: an engine process for each of its nodes."""

from collections.abc import Mapping, Sequence
from typing import Final

from cachetwin_local.assembly.graph import Graph
from cachetwin_local.assembly.resolved import Description, Resolved
from cachetwin_local.assembly.template import Json, Stack
from cachetwin_local.resources.context import Context, Translation
from cachetwin_local.resources.properties import Properties
from cachetwin_local.resources.shape import generated_name, name_fields
from cachetwin_local.topology.address_plan import AddressPlan
from cachetwin_local.topology.values import CacheNode, NodeGroup, ReplicationGroup, ShardPattern

from .backup import backup_of
from .cache_engine import SERVICE_ONLY, profile
from .cache_settings import (
    engine_version,
    group_parameters,
    group_users,
    log_deliveries,
    node_memory,
    subnet_zones,
)
from .global_datastore.members import datastore_of, effective, primary_of
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

_CREATE_ONLY: Final = (
    "AtRestEncryptionEnabled CacheSubnetGroupName DataTieringEnabled KmsKeyId NetworkType PreferredCacheClusterAZs"
)
CLUSTER_DEFAULTS: Final[Mapping[str, str]] = {"cluster-require-full-coverage": "no"}
"""Defaults of the families for cluster mode, where they differ from the open source engine's."""


def describe(address_plan: AddressPlan, graph: Graph, resolved: Resolved, stack: Stack) -> Description:
    """Endpoint attributes are the loopback addresses that the endpoints have here."""
    if _is_secondary(resolved):  # a primary has here what its own template gives it
        resolved = effective(graph, resolved)
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
    leader = _leader(context.graph, resolved)
    if leader is None and _is_secondary(resolved):
        reason = "follows a global datastore that is not in the chosen stacks: choose the stack of its primary too"
        return Translation((), reason, "not supported")
    resolved = effective(context.graph, resolved)
    properties, resource = Properties.of(resolved), resolved.resource
    stack, identity = context.graph.stack(resource.stack), context.identity(resource.key)
    mode = cluster_mode(context.graph, properties)
    groups = node_groups(properties, mode)
    endpoints = group_endpoints(context.address_plan, resolved, stack, identity.physical_name, mode)
    version = engine_version(properties)
    parameters = group_parameters(context, properties, version)
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
        users=group_users(context, properties, "UserGroupIds"),
        user_group_ids=properties.strings("UserGroupIds"),
        auth_token=properties.text("AuthToken"),
        log_delivery=log_deliveries(properties),
        security_groups=properties.strings("SecurityGroupIds"),
        automatic_failover=_automatic_failover(context, resource.key, properties, groups, mode),
        multi_az=properties.boolean("MultiAZEnabled"),
        cluster_mode=mode,
        configuration_endpoint=endpoints.configuration,
        node_groups=tuple(
            NodeGroup(group.id, group.slots, of_group[group.nodes :])
            for group, of_group in zip(groups, endpoints.nodes, strict=True)
        ),
        backup=backup_of(context, resolved, identity.physical_name),
        online_resharding=_reshards_online(resolved),
        shard_pattern=_shard_pattern(context, resource.key, endpoints) if mode == "enabled" else None,
        follows=leader or "",
        create_only=properties.as_json(_CREATE_ONLY),
        notification_topic=properties.string("NotificationTopicArn", ""),
    )
    return Translation((group,), _note(group, exact=named[1]))


def _is_secondary(resolved: Resolved) -> bool:
    return "GlobalReplicationGroupId" in Properties.of(resolved)


def _leader(graph: Graph, resolved: Resolved) -> str | None:
    """The key of the primary that a secondary follows at first."""
    datastore = datastore_of(graph, resolved) if _is_secondary(resolved) else None
    primary = primary_of(graph, datastore) if datastore is not None else None
    return primary.resource.key if primary is not None else None


def _reshards_online(resolved: Resolved) -> bool:
    policy = resolved.resource.policies.get("UpdatePolicy")
    return isinstance(policy, dict) and str(policy.get("UseOnlineResharding")).lower() == "true"


def _shard_pattern(context: Context, key: str, endpoints: GroupEndpoints) -> ShardPattern:
    plan = context.address_plan
    return ShardPattern(plan.project, key, plan.loopback, endpoints.node_host)


def _nodes(
    context: Context,
    resolved: Resolved,
    parameters: Mapping[str, str],
    groups: Sequence[NodeGroupPlan],
    endpoints: GroupEndpoints,
) -> tuple[CacheNode, ...]:
    properties = Properties.of(resolved)
    memory = node_memory(properties, parameters)
    zones, mode = subnet_zones(context, properties), cluster_mode(context.graph, properties)
    name = context.identity(resolved.resource.key).physical_name
    found = []
    for at, (group, of_group) in enumerate(zip(groups, endpoints.nodes, strict=True)):
        group_zones = group.zones or [zones[(at + number) % len(zones)] for number in range(len(zones))]
        for index in range(group.nodes):
            node = CacheNode(
                member_id=member_id(name, group.id, index + 1, mode),
                role="primary" if index == 0 else "replica",
                availability_zone=group_zones[index % len(group_zones)],
                node_type=memory.node_type,
                maxmemory_bytes=memory.maxmemory_bytes,
                endpoint=of_group[index],
                shard=group.id,
            )
            found.append(node)
    return tuple(found)


def _check_authentication(context: Context, key: str, properties: Properties) -> None:
    if len(properties.strings("UserGroupIds")) > 1:
        context.problem("error", key, "UserGroupIds must name one user group, got more")
    if "AuthToken" in properties and "UserGroupIds" in properties:
        context.problem("error", key, "AuthToken and UserGroupIds exclude each other, got both")
    if tls_mode(properties) == "off" and ("AuthToken" in properties or properties.strings("UserGroupIds")):
        context.problem("error", key, "TransitEncryptionEnabled must be true for AuthToken and UserGroupIds, got false")


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
    if group.follows:
        parts.append(f"follows {group.follows}, read-only until it is promoted")
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
