"""AWS::ElastiCache::CacheCluster: one node of Valkey or Redis OSS, or the nodes of a Memcached cluster."""

from cachetwin_local.assembly.graph import Graph
from cachetwin_local.assembly.resolved import Description, Resolved
from cachetwin_local.assembly.template import Stack
from cachetwin_local.resources.context import Context, Translation
from cachetwin_local.resources.properties import Properties
from cachetwin_local.resources.shape import generated_name, name_fields, short_region
from cachetwin_local.topology.address_plan import AddressPlan
from cachetwin_local.topology.values import CacheNode, Endpoint, ReplicationGroup

from .backup import backup_of
from .cache_engine import SERVICE_ONLY, profile
from .cache_settings import engine_version, group_parameters, log_deliveries, node_memory, subnet_zones
from .memcached_cluster import endpoints, is_memcached, translate_memcached
from .node_groups import PORT, tls_mode


def describe(address_plan: AddressPlan, graph: Graph, resolved: Resolved, stack: Stack) -> Description:
    """The endpoint attributes are the loopback address that the endpoint has here."""
    properties, fields = Properties.of(resolved), name_fields(resolved, stack)
    name = properties.string("ClusterName", generated_name(fields, 50)).lower()
    arn = f"arn:{fields['partition']}:elasticache:{stack.region}:{stack.account}:cluster:{name}"
    if is_memcached(properties):
        configuration = endpoints(address_plan, resolved, stack, name).configuration
        attributes = {
            "ConfigurationEndpoint.Address": configuration.address,
            "ConfigurationEndpoint.Port": str(configuration.port),
        }
        return Description(name, name, arn, attributes)
    endpoint = _endpoint(address_plan, resolved, stack, name)
    attributes = {"RedisEndpoint.Address": endpoint.address, "RedisEndpoint.Port": str(endpoint.port)}
    return Description(name, name, arn, attributes)


def translate(context: Context, resolved: Resolved) -> Translation:
    """The node, as a group of one."""
    properties, resource = Properties.of(resolved), resolved.resource
    if is_memcached(properties):
        return translate_memcached(context, resolved)
    if properties.integer("NumCacheNodes", 1) != 1:
        raise properties.where.child("NumCacheNodes").error(
            f"must be 1 for Valkey and Redis OSS, got {properties.integer('NumCacheNodes', 1)}"
        )
    identity, version = context.identity(resource.key), engine_version(properties)
    parameters = group_parameters(context, properties, version)
    memory = node_memory(properties, parameters)
    stack = context.graph.stack(resource.stack)
    endpoint = _endpoint(context.address_plan, resolved, stack, identity.physical_name)
    zone = properties.string("PreferredAvailabilityZone", subnet_zones(context, properties)[0])
    name, exact = profile(version.engine, version.text)
    group = ReplicationGroup(
        identity=identity,
        engine=version.engine,
        engine_version=version.text,
        profile=name,
        primary_endpoint=endpoint,
        reader_endpoint=None,
        nodes=(CacheNode(identity.physical_name, "primary", zone, memory.node_type, memory.maxmemory_bytes, endpoint),),
        parameters={name: value for name, value in parameters.items() if name not in SERVICE_ONLY},
        users=(),
        user_group_ids=(),
        auth_token=None,
        log_delivery=log_deliveries(properties),
        security_groups=properties.strings("VpcSecurityGroupIds"),
        backup=backup_of(context, resolved, identity.physical_name),
        create_only=properties.as_json("CacheSubnetGroupName NetworkType"),
        notification_topic=properties.string("NotificationTopicArn", ""),
    )
    note = f"{name} on {endpoint.address}:{endpoint.port}, one node in {zone}"
    return Translation((group,), note if exact else f"{note}; stands for {version.engine} {version.text}")


def _endpoint(address_plan: AddressPlan, resolved: Resolved, stack: Stack, name: str) -> Endpoint:
    properties, key = Properties.of(resolved), resolved.resource.key
    port, tls = properties.integer("Port", PORT), tls_mode(properties)
    address, local_port = address_plan.endpoint(f"{key}/primary", port)
    host = f"{name}.{name_fields(resolved, stack)['hex6']}.0001.{short_region(stack.region)}.cache.amazonaws.com"
    return Endpoint(address, local_port, port, tls, (host,))
