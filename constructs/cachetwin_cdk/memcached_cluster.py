"""Memcached clusters: nodes in several zones, with TLS and auto discovery."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import jsii
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticache as elasticache
from aws_cdk.interfaces import aws_elasticache as refs
from constructs import Construct

from .access._permissions import Permissions
from .checks._claims import claim_name
from .checks._findings import acknowledge
from .checks._names import require_existing_id, require_host, require_id
from .checks._places import require_group_ids
from .checks._retention import keep_with
from .checks._types import checked_arguments
from .checks._validate import (
    ValidationError,
    known,
    refuse,
    require_at_most_one,
)
from .compliance import Compliance
from .engine._offers import warn_newer_node_type, warn_newer_version
from .engine._regions import warn_of_region
from .engine.engine_version import Engine, EngineVersion
from .engine.node_type import NodeType, warn_previous_generation
from .engine.parameter_group import IParameterGroup, ParameterGroup
from .memcached_topology import MemcachedTopology
from .monitoring._events import ApiEvents
from .monitoring._watched import Watched
from .network._placement import groups_of, l1_of
from .network._site import Site
from .network.endpoint import Endpoint
from .network.network import Addressing, IpDiscovery, NetworkType, require_addresses
from .network.subnet_group import ISubnetGroup
from .operations._scaling_target import Scaled
from .operations.maintenance import Maintenance
from .replication_group import _rules as rules
from .replication_group.encryption import warn_tls_off

if TYPE_CHECKING:
    from .operations.node_scaling import NodeScaling

DEFAULT_PORT = 11211
_NAME_LENGTH_MAX = 50


@jsii.implements(ec2.IConnectable, refs.ICacheClusterRef)
class MemcachedClusterBase(Watched, Scaled, ApiEvents, Permissions, cdk.Resource):
    """A Memcached cluster, defined in this app or imported."""

    cluster_name: str
    uses_tls: bool | None = None
    """Whether clients have to use TLS; None where it is not known, as for an imported cluster."""
    _connections: ec2.Connections
    _configuration_endpoint: Endpoint | None = None

    @property
    def connections(self) -> ec2.Connections:
        """The network connections of the cache; the default port is the cluster's."""
        return self._connections

    @property
    def configuration_endpoint(self) -> Endpoint:
        """The endpoint from which clients with auto discovery get the list of nodes."""
        if self._configuration_endpoint is None:
            raise ValidationError(
                "configuration_endpoint must be known to be used, got an imported cluster without it; pass it to "
                "from_cluster_attributes"
            )
        return self._configuration_endpoint

    @property
    def main_endpoint(self) -> Endpoint:
        """The endpoint that clients connect to first; every kind of cache has this property."""
        return self.configuration_endpoint

    @property
    def cluster_arn(self) -> str:
        """The ARN that IAM policies name."""
        return cdk.Stack.of(self).format_arn(
            service="elasticache",
            resource="cluster",
            resource_name=self.cluster_name,
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )

    @property
    def _arn(self) -> str:
        return self.cluster_arn

    @property
    def cache_cluster_ref(self) -> refs.CacheClusterReference:
        """The reference that constructs of aws-cdk-lib accept for a cache cluster."""
        return refs.CacheClusterReference(cluster_name=self.cluster_name)

    @property
    def _api_parameter(self) -> tuple[str, str]:
        return "cacheClusterId", self.cluster_name

    def metric(
        self,
        metric_name: str,
        *,
        statistic: str = cloudwatch.Stats.AVERAGE,
        period: cdk.Duration | None = None,
        node_id: str | None = None,
        unit: cloudwatch.Unit | None = None,
        label: str | None = None,
    ) -> cloudwatch.Metric:
        """Any metric of ``AWS/ElastiCache``, of the cluster or of one node such as ``0001``."""
        dimensions = {"CacheClusterId": self.cluster_name, **({"CacheNodeId": node_id} if node_id is not None else {})}
        metric = cloudwatch.Metric(
            namespace="AWS/ElastiCache",
            metric_name=metric_name,
            dimensions_map=dimensions,
            statistic=statistic,
            period=period or cdk.Duration.minutes(1),
            unit=unit,
            label=label,
        )
        # With the region and account of the cluster: an alarm elsewhere would otherwise watch a metric without data.
        return metric.attach_to(self)

    def metric_cpu_utilization(self, *, node_id: str | None = None) -> cloudwatch.Metric:
        """Load of the host in percent, averaged."""
        return self.metric("CPUUtilization", node_id=node_id, unit=cloudwatch.Unit.PERCENT)

    def metric_freeable_memory(self, *, node_id: str | None = None) -> cloudwatch.Metric:
        """Bytes of memory free on the host, averaged."""
        return self.metric("FreeableMemory", node_id=node_id, unit=cloudwatch.Unit.BYTES)

    def metric_swap_usage(self, *, node_id: str | None = None) -> cloudwatch.Metric:
        """Bytes of swap used on the host, averaged; above 50 MB the node is short of memory."""
        return self.metric("SwapUsage", node_id=node_id, unit=cloudwatch.Unit.BYTES)

    def metric_curr_connections(self, *, node_id: str | None = None) -> cloudwatch.Metric:
        """Client connections, averaged."""
        return self.metric("CurrConnections", node_id=node_id, unit=cloudwatch.Unit.COUNT)

    def metric_new_connections(self, *, node_id: str | None = None) -> cloudwatch.Metric:
        """Connections accepted in the period, summed."""
        return self._count("NewConnections", node_id)

    def metric_network_bytes_in(self, *, node_id: str | None = None) -> cloudwatch.Metric:
        """Bytes the host received in the period, summed."""
        return self._bytes("NetworkBytesIn", node_id)

    def metric_network_bytes_out(self, *, node_id: str | None = None) -> cloudwatch.Metric:
        """Bytes the host sent in the period, summed."""
        return self._bytes("NetworkBytesOut", node_id)

    def metric_curr_items(self, *, node_id: str | None = None) -> cloudwatch.Metric:
        """Items held, averaged."""
        return self.metric("CurrItems", node_id=node_id, unit=cloudwatch.Unit.COUNT)

    def metric_evictions(self, *, node_id: str | None = None) -> cloudwatch.Metric:
        """Items evicted for lack of memory in the period, summed."""
        return self._count("Evictions", node_id)

    def metric_get_hits(self, *, node_id: str | None = None) -> cloudwatch.Metric:
        """Successful gets in the period, summed."""
        return self._count("GetHits", node_id)

    def metric_get_misses(self, *, node_id: str | None = None) -> cloudwatch.Metric:
        """Unsuccessful gets in the period, summed."""
        return self._count("GetMisses", node_id)

    def scale_nodes(
        self, construct_id: str = "NodeScaling", *, max_capacity: int, min_capacity: int = 1
    ) -> "NodeScaling":
        """Make a NodeScaling of this cluster: ``cluster.scale_nodes(max_capacity=8).scale_on_cpu("Cpu")``."""
        from .operations.node_scaling import NodeScaling  # noqa: PLC0415  (scaling knows the caches)

        return NodeScaling(self, construct_id, cache=self, max_capacity=max_capacity, min_capacity=min_capacity)

    def _bytes(self, metric_name: str, node_id: str | None) -> cloudwatch.Metric:
        return self.metric(metric_name, statistic=cloudwatch.Stats.SUM, node_id=node_id, unit=cloudwatch.Unit.BYTES)

    def _count(self, metric_name: str, node_id: str | None) -> cloudwatch.Metric:
        return self.metric(metric_name, statistic=cloudwatch.Stats.SUM, node_id=node_id, unit=cloudwatch.Unit.COUNT)


IMemcachedCluster = MemcachedClusterBase
"""The type of a Memcached cluster in signatures, defined in this app or imported."""


class _ImportedMemcachedCluster(MemcachedClusterBase):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        cluster_name: str,
        port: int,
        configuration_endpoint_address: str | None,
        security_groups: Sequence[ec2.ISecurityGroup],
    ) -> None:
        require_existing_id("cluster_name", cluster_name)
        rules.require_port(port)
        require_host("configuration_endpoint_address", configuration_endpoint_address)
        require_group_ids(security_groups)
        super().__init__(scope, construct_id)
        self.cluster_name = cluster_name.lower() if known(cluster_name) else cluster_name
        if configuration_endpoint_address is not None:
            self._configuration_endpoint = Endpoint(configuration_endpoint_address, port)
        self._connections = ec2.Connections(security_groups=list(security_groups), default_port=ec2.Port.tcp(port))


@checked_arguments
class MemcachedCluster(MemcachedClusterBase):
    """A Memcached cluster with TLS, by default of two nodes in two availability zones.

    Defines one AWS::ElastiCache::CacheCluster and, unless given, its subnet group, security group and parameter
    group. Memcached has no users, replicas or snapshots: every client that the security group admits may read and
    write, and the data of a node are lost with it.

    Args:
        vpc: The VPC that the cache is in. Required unless ``subnet_group`` and ``security_groups`` are given.
            ElastiCache refuses to move an existing cache to another VPC.
        vpc_subnets: Which subnets of the VPC the nodes are in. By default the isolated subnets, or the private ones
            if there are none; a VPC with public subnets only is refused. Subnets can be added later; those with
            nodes in them cannot be removed.
        subnet_group: An existing subnet group, in place of ``vpc_subnets``. By default one is created. Changing it
            replaces the cache.
        security_groups: The security groups of the cache. By default one is created that allows no connection; open
            it with ``connections``.
        engine_version: The version of Memcached. An upgrade restarts the nodes and empties them.
        node_type: The instance type of the nodes. Nodes of another type start empty.
        topology: The number of nodes and their zones. By default ``MemcachedTopology.across_zones(2)``. Changing the
            zone of an existing node replaces the cache.
        port: The port that the cache listens on. Changing it replaces the cache.
        transit_encryption: Whether clients connect with TLS. It needs Memcached 1.6.12 and can be set only when the
            cluster is created.
        compliance: The rules that the cache follows. REGULATED requires TLS, and warns of what Memcached on nodes
            does not have: users, encryption at rest and backups.
        network_type: The IP versions of the nodes: IPv4, IPv6 or both. By default ElastiCache uses IPv4. Changing
            it replaces the cache.
        ip_discovery: Which IP version clients are told in the list of nodes. By default ElastiCache chooses it by
            ``network_type``. IPv6 needs ``network_type=DUAL_STACK``.
        parameters: Engine parameters that differ from the defaults of the family, such as ``{"max_item_size":
            "2097152"}``. By default none do.
        parameter_group: An existing parameter group, in place of ``parameters``. Its family has to match
            ``engine_version``. By default one is created.
        maintenance: When ElastiCache may patch nodes, whether it upgrades minor versions, and the topic for events.
            By default it chooses a window, upgrades, and tells nobody.
        cluster_name: The name of the cluster. By default CloudFormation generates one. Changing it replaces the
            cache.
        removal_policy: What happens when the cluster is removed from the stack or replaced. By default it is
            deleted: Memcached has no snapshots.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc | None = None,
        vpc_subnets: ec2.SubnetSelection | None = None,
        subnet_group: ISubnetGroup | None = None,
        security_groups: Sequence[ec2.ISecurityGroup] | None = None,
        engine_version: EngineVersion = EngineVersion.MEMCACHED_1_6_22,
        node_type: NodeType = NodeType.T4G_SMALL,
        topology: MemcachedTopology | None = None,
        port: int = DEFAULT_PORT,
        transit_encryption: bool = True,
        compliance: Compliance = Compliance.STANDARD,
        network_type: NetworkType | None = None,
        ip_discovery: IpDiscovery | None = None,
        parameters: Mapping[str, str] | None = None,
        parameter_group: IParameterGroup | None = None,
        maintenance: Maintenance | None = None,
        cluster_name: str | None = None,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.DESTROY,
    ) -> None:
        nodes, upkeep = topology or MemcachedTopology(), maintenance or Maintenance()
        site, addressing = Site(vpc, vpc_subnets, subnet_group, security_groups), Addressing(network_type, ip_discovery)
        require_at_most_one(parameter_group=(parameter_group, "parameters", parameters))
        require_id("cluster_name", cluster_name, length_max=_NAME_LENGTH_MAX)
        _require_removal_policy(removal_policy)
        rules.require_port(port)
        upkeep.validate(scope)
        _require_engine(engine_version, transit_encryption=transit_encryption)
        _require_node_type(node_type, engine_version, transit_encryption=transit_encryption)
        addressing.validate(engine_version, node_type)
        if compliance.is_regulated and not transit_encryption:
            refuse("transit_encryption", "be True with compliance REGULATED", transit_encryption, "leave it on")
        nodes.require_zones_of_region(scope)
        site.validate(scope, parameter_group=parameter_group, notification_topic=upkeep.notification_topic)
        super().__init__(scope, construct_id)
        claim_name("cluster_name", self, "cluster", cluster_name)
        self.engine_version, self.node_type = engine_version, node_type
        self.topology, self.compliance, self.uses_tls = nodes, compliance, transit_encryption
        self.subnet_group = site.subnet_group(self)
        nodes.require_zones(self.subnet_group.availability_zones)
        require_addresses(self, network_type, self.subnet_group.subnets)
        self._add_warnings()
        upkeep.add_warnings(self)
        self.parameter_group = parameter_group or ParameterGroup(
            self, "ParameterGroup", engine_version=engine_version, parameters=parameters
        )
        rules.require_parameter_group(engine_version, self.parameter_group, is_clustered=False)
        self._connections = site.connections(self, port)
        self._create_resource(cluster_name, removal_policy, port=port, **addressing.render(), **upkeep.render())

    def _create_resource(
        self,
        cluster_name: str | None,
        removal_policy: cdk.RemovalPolicy,
        **properties: Any,  # noqa: ANN401  (the properties of CfnCacheCluster)
    ) -> None:
        resource = elasticache.CfnCacheCluster(
            self,
            "Resource",
            cluster_name=cluster_name,
            engine=self.engine_version.engine.value,
            engine_version=self.engine_version.version,
            cache_node_type=self.node_type.name,
            cache_subnet_group_name=self.subnet_group.subnet_group_name,
            vpc_security_group_ids=[group.security_group_id for group in self._connections.security_groups],
            cache_parameter_group_name=self.parameter_group.parameter_group_name,
            transit_encryption_enabled=self.uses_tls,
            **self.topology.render(),
            **properties,
        )
        resource.apply_removal_policy(removal_policy)
        keep_with(removal_policy, self.subnet_group, self.parameter_group, *self._connections.security_groups)
        self.cluster_name = resource.ref
        self._configuration_endpoint = Endpoint(
            resource.attr_configuration_endpoint_address,
            cdk.Token.as_number(resource.attr_configuration_endpoint_port),
        )
        reason = (
            "The port clients expect is kept: the security group and TLS guard this cache, not the number of its port."
        )
        acknowledge(resource, {"AwsSolutions-AEC5": reason})

    def _add_warnings(self) -> None:
        self.compliance.warn_unmet(
            self,
            "users, encryption at rest and backups",
            "Memcached on nodes has none of them: choose ReplicationGroup, or keep regulated data out and acknowledge this",
        )
        self.topology.add_warnings(self)
        if not self.uses_tls:
            warn_tls_off(self)
        warn_of_region(self, self.node_type)
        if self.node_type.is_previous_generation:
            warn_previous_generation(self, self.node_type)
        if self.node_type.is_unconfirmed:
            warn_newer_node_type(self, self.node_type)
        if self.engine_version.is_unconfirmed:
            warn_newer_version(self, self.engine_version)

    @staticmethod
    def from_cluster_attributes(
        scope: Construct,
        construct_id: str,
        *,
        cluster_name: str,
        port: int = DEFAULT_PORT,
        configuration_endpoint_address: str | None = None,
        security_groups: Sequence[ec2.ISecurityGroup] = (),
    ) -> IMemcachedCluster:
        """A cluster that exists already, imported. Members that depend on an argument left out raise ValidationError."""
        return _ImportedMemcachedCluster(
            scope,
            construct_id,
            cluster_name=cluster_name,
            port=port,
            configuration_endpoint_address=configuration_endpoint_address,
            security_groups=security_groups,
        )

    @classmethod
    def from_cache_cluster_ref(
        cls,
        scope: Construct,
        construct_id: str,
        resource: refs.ICacheClusterRef,
        *,
        port: int = DEFAULT_PORT,
        security_groups: Sequence[ec2.ISecurityGroup] = (),
    ) -> IMemcachedCluster:
        """Whatever is a cache cluster to aws-cdk-lib, such as a CfnCacheCluster."""
        own = l1_of(resource, elasticache.CfnCacheCluster)
        return cls.from_cluster_attributes(
            scope,
            construct_id,
            cluster_name=resource.cache_cluster_ref.cluster_name,
            port=int(own.port) if own is not None and own.port is not None else port,
            configuration_endpoint_address=own.attr_configuration_endpoint_address if own is not None else None,
            security_groups=security_groups
            or groups_of(scope, construct_id, resource, own.vpc_security_group_ids if own is not None else None),
        )


def _require_removal_policy(removal_policy: cdk.RemovalPolicy) -> None:
    if removal_policy is cdk.RemovalPolicy.SNAPSHOT:
        refuse("removal_policy", "not be SNAPSHOT for Memcached", "SNAPSHOT", "choose DESTROY or RETAIN")


def _require_engine(engine_version: EngineVersion, *, transit_encryption: bool) -> None:
    if engine_version.engine is not Engine.MEMCACHED:
        refuse("engine_version", "be a Memcached version", engine_version, "use ReplicationGroup for Valkey and Redis")
    if transit_encryption and not engine_version.at_least(memcached="1.6.12"):
        refuse(
            "engine_version",
            "be at least Memcached 1.6.12 for TLS",
            engine_version,
            "choose a newer engine_version, or set transit_encryption=False",
        )


def _require_node_type(node_type: NodeType, engine_version: EngineVersion, *, transit_encryption: bool) -> None:
    if node_type.has_ssd:
        refuse(
            "node_type", "have no SSD for Memcached, which does not tier data", node_type, "choose NodeType.R7G_LARGE"
        )
    if transit_encryption and node_type.is_previous_generation:
        # User guide, in-transit encryption for Memcached.
        refuse(
            "node_type",
            "be of a current generation for Memcached with TLS",
            node_type,
            "choose one such as NodeType.T4G_SMALL",
        )
    rules.require_graviton(node_type, engine_version)
