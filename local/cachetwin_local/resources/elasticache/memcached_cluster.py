"""AWS::ElastiCache::CacheCluster with Memcached: nodes that know nothing of each other, and a configuration endpoint.

Clients with auto discovery ask the configuration endpoint for the nodes and spread the keys themselves. The nodes get
what memcached's command line has for the parameters of the group: the family memcached1.6 has the defaults of memcached
1.4 (user guide, "Memcached specific parameters"), so they start with ``-o no_modern``.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

from cachetwin_local.assembly.resolved import Resolved
from cachetwin_local.assembly.template import Stack
from cachetwin_local.resources.context import Context, Translation
from cachetwin_local.resources.properties import Properties
from cachetwin_local.resources.shape import name_fields, short_region
from cachetwin_local.topology.address_plan import AddressPlan
from cachetwin_local.topology.values import CacheNode, Endpoint, MemcachedCluster

from .cache_settings import subnet_zones
from .node_groups import tls_mode

__all__ = ["PROFILE", "VERSION", "ClusterEndpoints", "endpoints", "is_memcached", "translate_memcached"]

PORT: Final = 11211
NODES_MAX: Final = 40
VERSION: Final = "1.6.22"
PROFILE: Final = "memcached-1.6"
FAMILY: Final = "memcached1.6"
MEGABYTE: Final = 1024 * 1024

DEFAULTS: Final[Mapping[str, str]] = {"max_simultaneous_connections": "65000", "memcached_connections_overhead": "100"}
OPTIONS: Final[Mapping[str, str]] = {
    "backlog_queue_limit": "-b", "chunk_size": "-n", "chunk_size_growth_factor": "-f", "max_item_size": "-I",
    "max_simultaneous_connections": "-c", "requests_per_event": "-R", "binding_protocol": "-B",
}  # fmt: skip
SWITCHES: Final[Mapping[str, str]] = {
    "cas_disabled": "-C",
    "disable_flush_all": "-F",
    "error_on_memory_exhausted": "-M",
}
EXTENDED: Final[Mapping[str, str]] = {
    "hash_algorithm": "hash_algorithm", "idle_timeout": "idle_timeout", "slab_automove": "slab_automove",
    "slab_chunk_max": "slab_chunk_max", "watcher_logbuf_size": "watcher_logbuf_size",
    "worker_logbuf_size": "worker_logbuf_size",
}  # fmt: skip
EXTENDED_SWITCHES: Final = ("maxconns_fast", "slab_reassign", "lru_crawler", "lru_maintainer", "track_sizes")


def is_memcached(properties: Properties) -> bool:
    """Whether a cache cluster is one of Memcached."""
    return properties.string("Engine").lower() == "memcached"


@dataclass(frozen=True, slots=True)
class ClusterEndpoints:
    """The endpoints of a cluster: `nodes` has those of its nodes, `spare` those of nodes that may be added."""

    configuration: Endpoint
    nodes: tuple[Endpoint, ...]
    spare: tuple[Endpoint, ...]


def endpoints(address_plan: AddressPlan, resolved: Resolved, stack: Stack, name: str) -> ClusterEndpoints:
    """The endpoints of a cluster. Raises UserError for a number of nodes that is not allowed."""
    properties, key = Properties.of(resolved), resolved.resource.key
    count = properties.integer("NumCacheNodes", 1)
    if not 1 <= count <= NODES_MAX:
        raise properties.where.child("NumCacheNodes").error(f"must be between 1 and {NODES_MAX}, got {count}")
    port, tls = properties.integer("Port", PORT), tls_mode(properties)
    hexadecimal, region = name_fields(resolved, stack)["hex6"], short_region(stack.region)

    def endpoint(part: str, label: str) -> Endpoint:
        address, local_port = address_plan.endpoint(f"{key}/{part}", port)
        return Endpoint(address, local_port, port, tls, (f"{name}.{hexadecimal}.{label}.{region}.cache.amazonaws.com",))

    configuration = endpoint("configuration", "cfg")
    possible = tuple(endpoint(f"node-{number:04}", f"{number:04}") for number in range(1, NODES_MAX + 1))
    return ClusterEndpoints(configuration, possible[:count], possible[count:])


def translate_memcached(context: Context, resolved: Resolved) -> Translation:
    """The nodes and their configuration endpoint."""
    properties, resource = Properties.of(resolved), resolved.resource
    identity = context.identity(resource.key)
    version = properties.string("EngineVersion", VERSION)
    parameters = _parameters(context, properties)
    megabytes = _item_megabytes(properties, parameters)
    stack = context.graph.stack(resource.stack)
    found = endpoints(context.address_plan, resolved, stack, identity.physical_name)
    configuration = found.configuration
    zones = list(properties.strings("PreferredAvailabilityZones"))
    if not zones:
        spread = subnet_zones(context, properties) if properties.string("AZMode", "single-az") == "cross-az" else []
        zones = spread or [properties.string("PreferredAvailabilityZone", subnet_zones(context, properties)[0])]
    node_type = properties.string("CacheNodeType")
    nodes = tuple(
        CacheNode(
            f"{identity.physical_name}-{index + 1:04}", "primary", zones[index % len(zones)], node_type,
            megabytes * MEGABYTE, endpoint, f"{index + 1:04}",
        )
        for index, endpoint in enumerate(found.nodes)
    )  # fmt: skip
    cluster = MemcachedCluster(
        identity=identity,
        engine_version=version,
        profile=PROFILE,
        configuration_endpoint=configuration,
        nodes=nodes,
        options=("-m", str(megabytes), *_options(parameters)),
        security_groups=properties.strings("VpcSecurityGroupIds"),
        spare_endpoints=found.spare,
        notification_topic=properties.string("NotificationTopicArn", ""),
    )
    counted = f"{len(nodes)} node{'s' if len(nodes) > 1 else ''}"
    note = f"{PROFILE} on {configuration.address}:{configuration.port}, {counted} of {megabytes} MB"
    return Translation((cluster,), note if version == VERSION else f"{note}; stands for memcached {version}")


def _parameters(context: Context, properties: Properties) -> dict[str, str]:
    """The family's defaults and the parameters of the group."""
    parameters = dict(DEFAULTS)
    name = properties.optional("CacheParameterGroupName")
    if name is None or name.startswith("default."):
        return parameters
    group = context.find("AWS::ElastiCache::ParameterGroup", name, properties.where.stack)
    key = f"{properties.where.stack}/{properties.where.logical_id}"
    if group is None:
        context.problem("warning", key, f"parameter group {name} is not in this app: the family's defaults are used")
        return parameters
    given = Properties.of(group)
    if given.string("CacheParameterGroupFamily") != FAMILY:
        got = given.string("CacheParameterGroupFamily")
        context.problem("error", key, f"CacheParameterGroupName must be of the family {FAMILY}, got one of {got}")
    overrides = given.object("Properties")
    parameters.update({parameter: overrides.string(parameter) for parameter in overrides.values})
    return parameters


def _item_megabytes(properties: Properties, parameters: Mapping[str, str]) -> int:
    """Memory for items: what the node type has less what the service keeps for connections."""
    node_type = properties.string("CacheNodeType")
    known = _node_type_megabytes()
    if node_type not in known:
        raise properties.where.child("CacheNodeType").error(
            f"must be one of the {len(known)} node types whose memory for Memcached is known, got {node_type}"
        )
    given = Properties(parameters, properties.where)
    most = given.integer("max_cache_memory", known[node_type])
    return max(8, most - given.integer("memcached_connections_overhead"))


@cache
def _node_type_megabytes() -> Mapping[str, int]:
    """The parameter ``max_cache_memory`` of each node type, in megabytes."""
    table = resources.files(__package__).joinpath("memcached_node_types.csv").read_text(encoding="utf-8")
    return {row["node_type"]: int(row["max_cache_memory_mb"]) for row in csv.DictReader(table.splitlines())}


def _options(parameters: Mapping[str, str]) -> list[str]:
    """The options of memcached that say what the parameters say."""
    options: list[str] = []
    extended = ["no_modern"]
    for name, value in parameters.items():
        if name in OPTIONS:
            options += [OPTIONS[name], value]
        elif name in SWITCHES and value == "1":
            options.append(SWITCHES[name])
        elif name in EXTENDED:
            extended.append(f"{EXTENDED[name]}={value}")
        elif name in EXTENDED_SWITCHES and value == "1":
            extended.append(name)
    return [*options, "-o", ",".join(extended)]
