"""AWS::ElastiCache::ServerlessCache with Memcached: one node behind one address, over TLS.

The service has two ports, as for Valkey: 11211, and 11212 for reads that may be a little behind. Here both are of the one
node. What the service refuses is refused too.
"""

from typing import Final

from cachetwin_local.assembly.resolved import Resolved
from cachetwin_local.assembly.template import Stack
from cachetwin_local.resources.context import Context, Translation
from cachetwin_local.resources.properties import Properties
from cachetwin_local.resources.shape import name_fields, short_region
from cachetwin_local.topology.address_plan import AddressPlan
from cachetwin_local.topology.values import CacheNode, Endpoint, MemcachedCluster

from .memcached_cluster import PORT, PROFILE, VERSION

READER_PORT: Final = 11212
GIGABYTES_MAX: Final = 5000
"""What a serverless cache may store where its template sets no limit."""

MEGABYTES: Final = 1024
MEGABYTE: Final = 1024 * 1024
MAJOR_VERSION: Final = "1.6"


def memcached_endpoints(
    address_plan: AddressPlan, resolved: Resolved, stack: Stack, name: str
) -> tuple[Endpoint, Endpoint]:
    """Both ports of the one address, which the host name stands for."""
    key, unique = resolved.resource.key, name_fields(resolved, stack)["hex6"]
    names = (f"{name}-{unique}.serverless.{short_region(stack.region)}.cache.amazonaws.com",)
    address, port = address_plan.endpoint(f"{key}/memcached", PORT)
    reader_port = READER_PORT
    if address_plan.loopback == "shared":
        address, reader_port = address_plan.endpoint(f"{key}/reader", READER_PORT)
    return Endpoint(address, port, PORT, "required", names), Endpoint(
        address, reader_port, READER_PORT, "required", names
    )


def translate_memcached(context: Context, resolved: Resolved) -> Translation:
    """The cache as a node."""
    properties, resource = Properties.of(resolved), resolved.resource
    identity, stack = context.identity(resource.key), context.graph.stack(resource.stack)
    if properties.string("MajorEngineVersion", MAJOR_VERSION) != MAJOR_VERSION:
        got = properties.string("MajorEngineVersion")
        raise properties.where.child("MajorEngineVersion").error(f"must be {MAJOR_VERSION} for Memcached, got {got}")
    if properties.optional("UserGroupId") is not None:
        raise properties.where.child("UserGroupId").error("must be left out for Memcached, which has no users")
    endpoint, reader = memcached_endpoints(context.address_plan, resolved, stack, identity.physical_name)
    limit = properties.object("CacheUsageLimits").object("DataStorage").integer("Maximum", 0)
    megabytes = (limit or GIGABYTES_MAX) * MEGABYTES
    node = CacheNode(
        f"{identity.physical_name}-0001",
        "primary",
        f"{stack.region}a",
        "serverless",
        megabytes * MEGABYTE,
        endpoint,
        "0001",
    )
    cluster = MemcachedCluster(
        identity=identity,
        engine_version=VERSION,
        profile=PROFILE,
        configuration_endpoint=endpoint,
        nodes=(node,),
        options=("--serverless", "yes", "-m", str(megabytes), "-c", "65000"),
        security_groups=properties.strings("SecurityGroupIds"),
        reader_endpoint=reader,
    )
    stored = f", at most {limit} GB" if limit else ""
    note = (
        f"{PROFILE} on {endpoint.address}:{endpoint.port}, reader port {reader.port}{stored}; one node stands for the "
        "service's nodes; processing units are not counted"
    )
    return Translation((cluster,), note)
