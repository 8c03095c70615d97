"""What replication groups and single nodes have in common: version, parameters, memory, zones, users, logs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from cachetwin_local.resources.context import Context
from cachetwin_local.resources.properties import Properties
from cachetwin_local.topology.values import CacheUser, LogDelivery

from . import user_group as elasticache_user_group
from .cache_engine import (
    DEFAULT_VERSION,
    RESERVED_MEMORY_PERCENT,
    Engine,
    default_parameters,
    family,
    maxmemory_bytes,
    node_type_memory,
)

__all__ = [
    "EngineVersion",
    "NodeMemory",
    "engine_version",
    "group_parameters",
    "group_users",
    "log_deliveries",
    "node_memory",
    "subnet_zones",
]


@dataclass(frozen=True, slots=True)
class EngineVersion:
    """An engine and its version, as the template has them."""

    engine: Engine
    text: str


def engine_version(properties: Properties) -> EngineVersion:
    """The engine and version of a cache. Raises UserError for one that is none."""
    engine = properties.string("Engine", "redis").lower()
    if engine not in DEFAULT_VERSION:
        raise properties.where.child("Engine").error(f"must be one of {', '.join(DEFAULT_VERSION)}, got {engine}")
    version = properties.string("EngineVersion", DEFAULT_VERSION[engine])
    if not version.partition(".")[0].isdecimal():
        raise properties.where.child("EngineVersion").error(f"must be a version such as 8.1, got {version}")
    return EngineVersion(cast("Engine", engine), version)


def group_parameters(context: Context, properties: Properties, version: EngineVersion) -> dict[str, str]:
    """The parameters of a cache: its family's defaults and those of its parameter group."""
    parameters = default_parameters(version.engine, version.text)
    name = properties.optional("CacheParameterGroupName")
    if name is None or name.startswith("default."):
        return parameters
    group = context.find("AWS::ElastiCache::ParameterGroup", name, properties.where.stack)
    key = f"{properties.where.stack}/{properties.where.logical_id}"
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


@dataclass(frozen=True, slots=True)
class NodeMemory:
    """A node type, and what of its memory the engine may use."""

    node_type: str
    maxmemory_bytes: int


def node_memory(properties: Properties, parameters: Mapping[str, str]) -> NodeMemory:
    """The memory of a cache's nodes. Raises UserError for an unknown node type."""
    node_type = properties.string("CacheNodeType")
    if node_type not in node_type_memory():
        known = ", ".join(sorted(node_type_memory())[:4])
        raise properties.where.child("CacheNodeType").error(
            f"must be one of the {len(node_type_memory())} node types whose memory is known ({known}, ...), got {node_type}"
        )
    reserved = parameters.get("reserved-memory-percent", str(RESERVED_MEMORY_PERCENT))
    if not reserved.isdecimal() or not 0 <= int(reserved) < 100:
        raise properties.where.child("CacheParameterGroupName").error(
            f"reserved-memory-percent must be between 0 and 99, got {reserved}"
        )
    return NodeMemory(node_type, maxmemory_bytes(node_type, int(reserved)))


def subnet_zones(context: Context, properties: Properties) -> list[str]:
    """The zones of the subnet group, or three of the region."""
    group = properties.optional("CacheSubnetGroupName")
    subnets = context.find("AWS::ElastiCache::SubnetGroup", group, properties.where.stack) if group else None
    zones = []
    for subnet in Properties.of(subnets).strings("SubnetIds") if subnets else ():
        found = context.find("AWS::EC2::Subnet", subnet, properties.where.stack)
        if found is not None and "AvailabilityZone" in found.properties:
            zones.append(str(found.properties["AvailabilityZone"]))
    region = context.graph.stack(properties.where.stack).region
    return zones or [f"{region}a", f"{region}b", f"{region}c"]


def group_users(context: Context, properties: Properties, name: str) -> tuple[CacheUser, ...]:
    """The users of the user groups that the property `name` lists."""
    users: list[CacheUser] = []
    for index, group_id in enumerate(properties.strings(name)):
        group = context.find("AWS::ElastiCache::UserGroup", group_id.lower(), properties.where.stack)
        if group is None:
            raise properties.where.child(name, index).error(
                f"must name a user group that a stack of this app defines, got {group_id}"
            )
        users.extend(elasticache_user_group.users(context, group))
    return tuple(users)


def log_deliveries(properties: Properties) -> tuple[LogDelivery, ...]:
    """Where a cache's logs go."""
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
