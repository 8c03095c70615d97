"""AWS::ElastiCache::ServerlessCache: with Valkey or Redis OSS a primary and a replica behind one endpoint.

The endpoint speaks the cluster protocol. It shows one node for writes (port 6379) and one for reads (6380), whichever
process is behind them; TLS is always on. The engine refuses what the service refuses, and counts processing units.
"""

from typing import Final, cast

from cachetwin_local.assembly.graph import Graph
from cachetwin_local.assembly.resolved import Description, Resolved
from cachetwin_local.assembly.template import Stack
from cachetwin_local.resources.context import Context, Translation
from cachetwin_local.resources.properties import Properties
from cachetwin_local.resources.shape import generated_name, name_fields, placeholder_attribute, short_region
from cachetwin_local.topology.address_plan import AddressPlan
from cachetwin_local.topology.values import CacheNode, CacheUser, Endpoint, NodeGroup, ReplicationGroup

from . import user_group as elasticache_user_group
from .backup import serverless_backup_of
from .cache_engine import DEFAULT_VERSION, PROFILES, Engine
from .memcached_cluster import VERSION, is_memcached
from .memcached_serverless import memcached_endpoints, translate_memcached

PORT: Final = 6379
READER_PORT: Final = 6380
GIB: Final = 1024**3
ECPU_RANGE: Final = (1_000, 15_000_000)
STORAGE_RANGE_GB: Final = (1, 5_000)
"""What the service accepts as limits (API reference, CacheUsageLimits)."""


def describe(address_plan: AddressPlan, graph: Graph, resolved: Resolved, stack: Stack) -> Description:
    """The endpoint attributes are the loopback address that the endpoints have here."""
    properties, fields = Properties.of(resolved), name_fields(resolved, stack)
    name = properties.string("ServerlessCacheName", generated_name(fields, 40)).lower()
    arn = f"arn:{fields['partition']}:elasticache:{stack.region}:{stack.account}:serverlesscache:{name}"
    if is_memcached(properties):
        endpoint, reader = memcached_endpoints(address_plan, resolved, stack, name)
    elif properties.string("Engine").lower() in DEFAULT_VERSION:
        endpoint, reader = _endpoints(address_plan, resolved, stack, name)
    else:
        return Description(name, name, arn, {}, lambda attribute: placeholder_attribute(fields, attribute))
    attributes = {
        "ARN": arn,
        "Status": "available",
        "CreateTime": "2026-01-01T00:00:00Z",
        "FullEngineVersion": VERSION if is_memcached(properties) else _version(properties),
        "Endpoint.Address": endpoint.address,
        "Endpoint.Port": str(endpoint.port),
        "ReaderEndpoint.Address": reader.address,
        "ReaderEndpoint.Port": str(reader.port),
    }
    return Description(name, name, arn, attributes)


def translate(context: Context, resolved: Resolved) -> Translation:
    """The cache as a cluster of one shard."""
    properties, resource = Properties.of(resolved), resolved.resource
    engine = properties.string("Engine").lower()
    if is_memcached(properties):
        return translate_memcached(context, resolved)
    if engine not in DEFAULT_VERSION:
        return Translation((), f"a serverless cache with the engine {engine} does not run here yet", "not supported")
    identity, stack = context.identity(resource.key), context.graph.stack(resource.stack)
    endpoint, reader = _endpoints(context.address_plan, resolved, stack, identity.physical_name)
    version = _version(properties)
    storage_gb, units = _limits(context, resource.key, properties)
    memory = storage_gb * GIB
    zones = [f"{stack.region}a", f"{stack.region}b"]
    group = ReplicationGroup(
        identity=identity,
        engine=cast("Engine", engine),
        engine_version=version,
        profile=f"{engine}-{version}",
        primary_endpoint=endpoint,
        reader_endpoint=reader,
        nodes=(
            CacheNode(f"{identity.physical_name}-001", "primary", zones[0], "serverless", memory, endpoint),
            CacheNode(f"{identity.physical_name}-002", "replica", zones[1], "serverless", memory, reader),
        ),
        parameters={
            "maxmemory-policy": "volatile-lru",
            "cluster-require-full-coverage": "no",
        },
        users=_users(context, properties),
        user_group_ids=tuple(group for group in [properties.optional("UserGroupId")] if group),
        auth_token=None,
        log_delivery=(),
        security_groups=properties.strings("SecurityGroupIds"),
        automatic_failover=True,
        multi_az=True,
        cluster_mode="serverless",
        node_groups=(NodeGroup("0001", ((0, 16383),)),),
        backup=serverless_backup_of(context, resolved, identity.physical_name),
        ecpu_per_second_max=units,
        create_only=properties.as_json("ConnectionType KmsKeyId NetworkType SubnetIds"),
    )
    limits = [f"at most {storage_gb} GB"] if storage_gb else []
    limits += [f"at most {units} processing units a second"] if units else []
    note = (
        f"{group.profile} on {endpoint.address}:{endpoint.port}, reader port {reader.port}"
        f"{''.join(f', {limit}' for limit in limits)}; one primary stands for all shards of the service and one replica "
        "for its readers: they do not scale, and each holds all data"
    )
    return Translation((group,), note)


def _version(properties: Properties) -> str:
    """The newest version of the major one that the template asks for."""
    engine = properties.string("Engine").lower()
    major = properties.string("MajorEngineVersion", DEFAULT_VERSION[engine]).partition(".")[0]
    known = [version for version in PROFILES[engine] if version.partition(".")[0] == major]
    if not known:
        allowed = ", ".join(dict.fromkeys(version.partition(".")[0] for version in PROFILES[engine]))
        raise properties.where.child("MajorEngineVersion").error(f"must be one of {allowed}, got {major}")
    return known[-1]


def _limits(context: Context, key: str, properties: Properties) -> tuple[int, int]:
    """The most that the cache may store, in GB, and the most processing units in a second; 0 for no limit."""
    given = properties.object("CacheUsageLimits")
    found = []
    for name, (lowest, highest) in (("DataStorage", STORAGE_RANGE_GB), ("ECPUPerSecond", ECPU_RANGE)):
        limit = given.object(name)
        least, most = limit.integer("Minimum", 0), limit.integer("Maximum", 0)
        for bound in (least, most):
            if bound and not lowest <= bound <= highest:
                context.problem("error", key, f"{name} must be between {lowest} and {highest}, got {bound}")
        if most and least > most:
            context.problem("error", key, f"{name}: Minimum must be at most Maximum, {most}, got {least}")
        found.append(most)
    return found[0], found[1]


def _endpoints(address_plan: AddressPlan, resolved: Resolved, stack: Stack, name: str) -> tuple[Endpoint, Endpoint]:
    """Both ports of the one address, which the host name stands for."""
    key, unique = resolved.resource.key, name_fields(resolved, stack)["hex6"]
    names = (f"{name}-{unique}.serverless.{short_region(stack.region)}.cache.amazonaws.com",)
    address, port = address_plan.endpoint(f"{key}/primary", PORT)
    reader_port = READER_PORT
    if address_plan.loopback == "shared":
        address, reader_port = address_plan.endpoint(f"{key}/reader", READER_PORT)
    return (
        Endpoint(address, port, PORT, "required", names),
        Endpoint(address, reader_port, READER_PORT, "required", names),
    )


def _users(context: Context, properties: Properties) -> tuple[CacheUser, ...]:
    name = properties.optional("UserGroupId")
    if name is None:
        return ()
    group = context.find("AWS::ElastiCache::UserGroup", name.lower(), properties.where.stack)
    if group is None:
        raise properties.where.child("UserGroupId").error(
            f"must name a user group that a stack of this app defines, got {name}"
        )
    return tuple(elasticache_user_group.users(context, group))
