"""Replication groups: Valkey and Redis caches with replicas and shards."""

from collections.abc import Mapping, Sequence
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticache as elasticache
from aws_cdk.interfaces import aws_elasticache as refs
from constructs import Construct

from cachetwin_cdk.access.access import Access
from cachetwin_cdk.access.user_group import IUserGroup
from cachetwin_cdk.access.users import PasswordUser
from cachetwin_cdk.checks._claims import claim_name
from cachetwin_cdk.checks._findings import acknowledge
from cachetwin_cdk.checks._names import described, require_id
from cachetwin_cdk.checks._retention import keep_with, warn_destroyed_key
from cachetwin_cdk.checks._types import checked_arguments
from cachetwin_cdk.checks._validate import ValidationError, require_at_most_one
from cachetwin_cdk.compliance import Compliance, retain_unless_destroyed
from cachetwin_cdk.engine.engine_version import Engine, EngineVersion
from cachetwin_cdk.engine.node_type import NodeType
from cachetwin_cdk.engine.parameter_group import IParameterGroup, ParameterGroup
from cachetwin_cdk.monitoring.log_delivery import Logging, create_log_deliveries
from cachetwin_cdk.network._placement import groups_of, l1_of
from cachetwin_cdk.network._site import Site
from cachetwin_cdk.network.endpoint import Endpoint
from cachetwin_cdk.network.network import Addressing, IpDiscovery, NetworkType, require_addresses
from cachetwin_cdk.network.subnet_group import ISubnetGroup
from cachetwin_cdk.operations._rotating import Rotating
from cachetwin_cdk.operations.backups import Backups, RestoreFrom
from cachetwin_cdk.operations.maintenance import Maintenance

from . import _rules as rules
from ._authentication import create_group
from ._base import ImportedReplicationGroup, IReplicationGroup, ReplicationGroupBase
from ._settings import Settings
from .durability import Durability
from .encryption import Encryption
from .topology import ClusterMode, Topology

DEFAULT_PORT = 6379


@checked_arguments
class ReplicationGroup(Rotating, ReplicationGroupBase):
    """A Valkey or Redis cache with replicas: TLS, encryption at rest, users, failover, backups and logs by default.

    Defines one AWS::ElastiCache::ReplicationGroup and, unless given, its subnet group, security group, parameter
    group, user group with one user whose password is generated (``user``), and encrypted log groups for its slow
    log and engine log.

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
        engine_version: Engine and version. An upgrade is done in place; ElastiCache refuses a downgrade.
        node_type: The instance type of the nodes. A change is done in place, except between types with and without
            SSD, which replaces the cache.
        topology: Shards and replicas. By default ``Topology.replicated()``: one shard with a replica in another zone,
            reached through a primary and a reader endpoint. ``Topology.cluster()`` spreads keys over shards. A change is
            done in place; a change of named zones replaces the cache.
        port: The port that the cache listens on. Changing it replaces the cache.
        access: How clients log in. By default one PasswordUser is created that may use all data commands, and the
            default user of the engine is off. Adding a token to an existing cache, or replacing a token by users,
            replaces the cache.
        encryption: Encryption in transit and at rest. By default TLS is required, and data at rest are encrypted with
            a key that AWS owns. Changing what encrypts at rest replaces the cache.
        compliance: The rules that the cache follows. REGULATED keeps backups for 15 days, encrypts data and logs
            with a new rotating key, creates a user that logs in with IAM in place of a password, and refuses weaker
            settings. The key replaces an existing cache.
        durability: Whether writes are kept in a log in several zones, before (SYNC) or after (ASYNC) the reply. By
            default ElastiCache decides. Needs Valkey 9.0, cluster mode enabled, Multi-AZ and encryption.
        network_type: The IP versions of the nodes: IPv4, IPv6 or both. By default ElastiCache uses IPv4. Changing
            it replaces the cache.
        ip_discovery: Which IP version clients are told in the list of nodes. By default ElastiCache chooses it by
            ``network_type``. IPv6 needs ``network_type=DUAL_STACK``.
        parameters: Engine parameters that differ from the defaults of the family, such as ``{"maxmemory-policy":
            "allkeys-lru"}``. By default none do.
        parameter_group: An existing parameter group, in place of ``parameters``. Its family has to match
            ``engine_version``. By default one is created.
        backups: Daily snapshots. By default each is kept for 7 days, or 15 with ``compliance=REGULATED``.
        restore: What the cache is filled from when it is created. By default it starts empty. Changing it replaces
            the cache.
        maintenance: When ElastiCache may patch nodes, whether it upgrades minor versions, and the topic for events.
            By default it chooses a window, upgrades, and tells nobody.
        logging: Where the slow log and the engine log go. By default each goes to an encrypted CloudWatch log group
            that is created and keeps entries for a month.
        replication_group_id: The id of the replication group. By default CloudFormation generates one. Changing it
            replaces the cache.
        description: A text for the console, of at most 255 characters. By default the path of the construct.
        removal_policy: What happens when the cache is removed from the stack or replaced. By default a final
            snapshot is taken.
    """

    node_type: NodeType

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc | None = None,
        vpc_subnets: ec2.SubnetSelection | None = None,
        subnet_group: ISubnetGroup | None = None,
        security_groups: Sequence[ec2.ISecurityGroup] | None = None,
        engine_version: EngineVersion = EngineVersion.VALKEY_8_1,
        node_type: NodeType = NodeType.T4G_SMALL,
        topology: Topology | None = None,
        port: int = DEFAULT_PORT,
        access: Access | None = None,
        encryption: Encryption | None = None,
        compliance: Compliance = Compliance.STANDARD,
        durability: Durability | None = None,
        network_type: NetworkType | None = None,
        ip_discovery: IpDiscovery | None = None,
        parameters: Mapping[str, str] | None = None,
        parameter_group: IParameterGroup | None = None,
        backups: Backups | None = None,
        restore: RestoreFrom | None = None,
        maintenance: Maintenance | None = None,
        logging: Logging | None = None,
        replication_group_id: str | None = None,
        description: str | None = None,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.SNAPSHOT,
    ) -> None:
        settings = Settings(
            engine_version=engine_version,
            node_type=node_type,
            port=port,
            parameters=parameter_group.parameters if parameter_group is not None else parameters or {},
            topology=topology or Topology(),
            addressing=Addressing(network_type, ip_discovery),
            access=access,
            encryption=encryption or Encryption(),
            durability=durability,
            backups=backups or Backups(),
            restore=restore,
            maintenance=maintenance or Maintenance(),
            logging=logging or Logging(),
            compliance=compliance,
        )
        site = Site(vpc, vpc_subnets, subnet_group, security_groups)
        require_at_most_one(parameter_group=(parameter_group, "parameters", parameters))
        require_id("replication_group_id", replication_group_id)
        settings.validate(scope)
        site.validate(scope, parameter_group=parameter_group, **settings.resources)
        super().__init__(scope, construct_id)
        claim_name("replication_group_id", self, "replication group", replication_group_id)
        self._set_attributes(settings)
        self._create_parts(site, settings, parameter_group)
        text = described(description, f"Cache of {self.node.path}")
        self._create_resource(settings, replication_group_id, text, removal_policy)

    def _set_attributes(self, settings: Settings) -> None:
        self.engine_version, self.node_type = settings.engine_version, settings.node_type
        self.topology, self.compliance = settings.topology, settings.compliance
        self.auth_token = settings.access.token if settings.access is not None else None
        self.uses_tls = settings.encryption.has_tls
        self.is_durable = settings.durability is not None and settings.durability.is_durable

    def _create_parts(self, site: Site, settings: Settings, parameter_group: IParameterGroup | None) -> None:
        """Make what the cache needs, unless it was given: subnets, parameters, users and a security group."""
        self.subnet_group = site.subnet_group(self)
        self._vpc = site.network(self.subnet_group)
        settings.topology.require_zones(self.subnet_group.availability_zones)
        require_addresses(self, settings.addressing.network_type, self.subnet_group.subnets)
        self.parameter_group = parameter_group or self._create_parameter_group(settings.parameters)
        rules.require_parameter_group(
            self.engine_version, self.parameter_group, is_clustered=settings.topology.is_clustered
        )
        self.user_group, self._user = create_group(self, settings.access, self.engine_version, self.compliance)
        if rules.uses_search(settings.parameters, self.user_group):
            rules.require_search(self.node_type)
            rules.warn_search_memory(self, self.node_type, settings.parameters)
        self._connections = site.connections(self, settings.port)

    def _create_resource(
        self, settings: Settings, group_id: str | None, description: str, removal_policy: cdk.RemovalPolicy
    ) -> None:
        kept, given_key = retain_unless_destroyed(removal_policy), settings.encryption.kms_key
        data_key = self.compliance.key(self, given_key, kept)
        self.log_delivery = create_log_deliveries(
            self,
            settings.logging,
            self.engine_version,
            data_key=data_key if given_key is None else None,
            removal_policy=kept,
        )
        settings.add_warnings(self)
        warn_destroyed_key(self, given_key, removal_policy)
        resource = elasticache.CfnReplicationGroup(
            self,
            "Resource",
            replication_group_description=description,
            replication_group_id=group_id,
            **self._references(),
            **settings.render(data_key),
        )
        resource.apply_removal_policy(removal_policy)
        self._keep_what_it_needs(removal_policy)
        self.replication_group_id = resource.ref
        self.node_ids = self.topology.node_ids(resource.ref)
        self._set_endpoints(resource)
        self._acknowledge_findings(resource)

    def _keep_what_it_needs(self, removal_policy: cdk.RemovalPolicy) -> None:
        groups = self._connections.security_groups
        token = self.auth_token.secret if self.auth_token is not None else None
        keep_with(removal_policy, self.subnet_group, self.parameter_group, token, *groups)
        if self.user_group is not None:
            self.user_group._keep(removal_policy)

    def _references(self) -> dict[str, Any]:
        """The properties that name other resources."""
        return {
            "cache_subnet_group_name": self.subnet_group.subnet_group_name,
            "security_group_ids": [group.security_group_id for group in self._connections.security_groups],
            "cache_parameter_group_name": self.parameter_group.parameter_group_name,
            "user_group_ids": [self.user_group.user_group_id] if self.user_group is not None else None,
            "log_delivery_configurations": [delivery.render() for delivery in self.log_delivery] or None,
        }

    def _create_parameter_group(self, parameters: Mapping[str, str]) -> ParameterGroup:
        """The parameter group of this cache, with ``cluster-enabled`` where cluster mode is on."""
        own = {"cluster-enabled": "yes"} if self.topology.is_clustered else {}
        # A group of its own between the modes: cluster-enabled cannot change in a group that is in use.
        is_compatible = self.topology.cluster_mode is ClusterMode.COMPATIBLE
        construct_id = "CompatibleParameterGroup" if is_compatible else "ParameterGroup"
        return ParameterGroup(self, construct_id, engine_version=self.engine_version, parameters={**own, **parameters})

    def _set_endpoints(self, resource: elasticache.CfnReplicationGroup) -> None:
        """Set the endpoints of the cluster mode."""
        mode = self.topology.cluster_mode
        if mode is not ClusterMode.DISABLED:
            # Growing and shrinking happens while the cache serves; without this, CloudFormation would replace it.
            resource.cfn_options.update_policy = cdk.CfnUpdatePolicy(use_online_resharding=True)
            self._configuration_endpoint = Endpoint(
                resource.attr_configuration_end_point_address,
                cdk.Token.as_number(resource.attr_configuration_end_point_port),
            )
        if mode is not ClusterMode.ENABLED:
            self._primary_endpoint = Endpoint(
                resource.attr_primary_end_point_address, cdk.Token.as_number(resource.attr_primary_end_point_port)
            )
            self._reader_endpoint = Endpoint(
                resource.attr_reader_end_point_address, cdk.Token.as_number(resource.attr_reader_end_point_port)
            )

    @property
    def user(self) -> PasswordUser:
        """The user that was made because none was given. Raises ValidationError when none was."""
        if self._user is None:
            raise ValidationError(
                "user must be asked of a cache that made one, got one with other users or without a password; use the "
                "users that you gave it, or user_group.users"
            )
        return self._user

    @classmethod
    def from_replication_group_attributes(
        cls,
        scope: Construct,
        construct_id: str,
        *,
        replication_group_id: str,
        port: int = DEFAULT_PORT,
        primary_endpoint_address: str | None = None,
        reader_endpoint_address: str | None = None,
        configuration_endpoint_address: str | None = None,
        security_groups: Sequence[ec2.ISecurityGroup] = (),
        user_group: IUserGroup | None = None,
    ) -> IReplicationGroup:
        """A replication group that exists already.

        Members that depend on an argument left out raise ValidationError."""
        return ImportedReplicationGroup(
            scope,
            construct_id,
            replication_group_id=replication_group_id,
            port=port,
            primary_endpoint_address=primary_endpoint_address,
            reader_endpoint_address=reader_endpoint_address,
            configuration_endpoint_address=configuration_endpoint_address,
            security_groups=security_groups,
            user_group=user_group,
        )

    @classmethod
    def from_replication_group_ref(
        cls,
        scope: Construct,
        construct_id: str,
        resource: refs.IReplicationGroupRef,
        *,
        port: int = DEFAULT_PORT,
        security_groups: Sequence[ec2.ISecurityGroup] = (),
        user_group: IUserGroup | None = None,
    ) -> IReplicationGroup:
        """Whatever is a replication group to aws-cdk-lib, such as a CfnReplicationGroup.

        Of one that is, or has, an L1 its endpoints, security groups and node type are known."""
        own = l1_of(resource, elasticache.CfnReplicationGroup)
        is_clustered = own is not None and (own.cluster_mode == "enabled" or (own.num_node_groups or 1) > 1)
        found = cls.from_replication_group_attributes(
            scope,
            construct_id,
            replication_group_id=resource.replication_group_ref.replication_group_id,
            port=int(own.port) if own is not None and own.port is not None else port,
            primary_endpoint_address=own.attr_primary_end_point_address if own and not is_clustered else None,
            reader_endpoint_address=own.attr_reader_end_point_address if own and not is_clustered else None,
            configuration_endpoint_address=own.attr_configuration_end_point_address if own and is_clustered else None,
            security_groups=security_groups
            or groups_of(scope, construct_id, resource, own.security_group_ids if own is not None else None),
            user_group=user_group,
        )
        if own is not None and own.cache_node_type is not None:
            found.node_type = NodeType(own.cache_node_type)
        return found

    def _acknowledge_findings(self, resource: elasticache.CfnReplicationGroup) -> None:
        """Acknowledge the findings that every cache has, see docs/security.md."""
        if self.user_group is not None:
            reason = (
                "Users and access strings guard this cache; they exclude an AUTH token, all that this rule accepts."
            )
            acknowledge(resource, {"AwsSolutions-AEC6": reason})
        if self.engine_version.engine is Engine.REDIS:
            reason = "The port clients expect is kept: security groups, TLS and users guard this cache, not its number."
            acknowledge(resource, {"AwsSolutions-AEC5": reason})
