"""Replication groups: Valkey and Redis caches with replicas and shards."""

from collections.abc import Mapping, Sequence
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticache as elasticache
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk.interfaces import aws_elasticache as refs
from constructs import Construct

from cachetwin_cdk.access.auth_token import AuthToken
from cachetwin_cdk.access.user_group import IUserGroup
from cachetwin_cdk.access.users import IUser, PasswordUser
from cachetwin_cdk.checks._findings import acknowledge
from cachetwin_cdk.checks._names import require_id
from cachetwin_cdk.checks._places import require_one_place
from cachetwin_cdk.checks._retention import keep_with, warn_destroyed_key
from cachetwin_cdk.checks._types import checked_arguments
from cachetwin_cdk.checks._validate import ValidationError, require_at_most_one
from cachetwin_cdk.compliance import Compliance, retain_unless_destroyed
from cachetwin_cdk.engine.engine_version import Engine, EngineVersion
from cachetwin_cdk.engine.node_type import NodeType
from cachetwin_cdk.engine.parameter_group import IParameterGroup, ParameterGroup
from cachetwin_cdk.engine.windows import MaintenanceWindow, SnapshotWindow
from cachetwin_cdk.monitoring.log_delivery import LogDelivery, create_log_deliveries
from cachetwin_cdk.network._placement import connections_to, require_vpc_or_groups
from cachetwin_cdk.network.endpoint import Endpoint
from cachetwin_cdk.network.network import Addressing, IpDiscovery, NetworkType, require_addresses
from cachetwin_cdk.network.subnet_group import ISubnetGroup, create_subnet_group
from cachetwin_cdk.operations._rotating import Rotating
from cachetwin_cdk.operations._scalable import Scalable

from . import _rules as rules
from ._authentication import Authentication
from ._backups import Backups
from ._base import ImportedReplicationGroup, IReplicationGroup, ReplicationGroupBase
from ._encryption import Encryption
from ._maintenance import Maintenance
from ._settings import Settings
from .durability import Durability
from .topology import ClusterMode, Shard, Topology
from .transit_encryption import TransitEncryptionMode

DEFAULT_PORT = 6379


@checked_arguments
class ReplicationGroup(Rotating, Scalable, ReplicationGroupBase):
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
        cluster_mode: Whether keys are spread over shards. Disabled by default: one shard, reached through a primary
            and a reader endpoint. Enabled: any number of shards, reached through a configuration endpoint.
            Compatible: one shard that clients of both kinds can use. To move a cache, deploy DISABLED, COMPATIBLE and
            ENABLED one after the other, with no other change: it stays in place.
        shards: The number of shards; more than one needs ``cluster_mode=ENABLED``. A change moves slots while the
            cache serves.
        shard_placement: One ``Shard`` for each shard, to choose its zones, slots or number of replicas. By default
            ElastiCache chooses. Needs ``cluster_mode=ENABLED`` or COMPATIBLE, and is needed, with slots, for
            ``snapshot_arns`` in a cluster. With it CloudFormation changes neither the number of replicas nor the zones
            of a shard that exists (cloudformation-coverage-roadmap #918 and #899).
        replicas: The number of replicas of each shard, 0 to 5. By default one, in another availability zone than
            the primary.
        automatic_failover: Whether a replica is promoted when the primary fails. It needs a replica, and is
            required with cluster mode.
        multi_az: Whether the nodes of a shard are in different availability zones. It needs automatic failover, a
            replica and subnets in two zones.
        preferred_availability_zones: The zone of each node of the only shard, the primary's first. By default
            ElastiCache chooses. Changing it replaces the cache: keep it while ``cluster_mode`` changes.
        port: The port that the cache listens on. Changing it replaces the cache.
        users: The users that may log in. By default one PasswordUser is created that may use all data commands. The
            default user of the engine is off.
        user_group: An existing user group, in place of ``users``.
        auth_token: One password in place of users, for clients that support no user names and for Redis before 6.0.
            By default there is none. Adding a token to an existing cache, or replacing a token by users, replaces
            the cache.
        allow_unauthenticated: Whether clients use the cache without logging in. Warned of when True, and not
            possible with users or a token.
        transit_encryption: Whether clients connect with TLS. Users and tokens require it.
        transit_encryption_mode: Whether TLS is required. By default REQUIRED; PREFERRED also serves clients without
            TLS, as a step from a cache without TLS to one with it.
        at_rest_encryption: Whether data on disk and in backups are encrypted. Changing it replaces the cache.
        kms_key: The KMS key that encrypts the data at rest. By default a key that AWS owns, or a new rotating key
            with ``compliance=REGULATED``. Changing it replaces the cache.
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
        snapshot_retention_days: How many days daily snapshots are kept, 0 to 35. By default 7, or 15 with
            ``compliance=REGULATED``; 0 takes none.
        snapshot_window: The daily window, in UTC, in which the snapshot is taken. By default ElastiCache chooses
            one.
        snapshot_name: A snapshot of ElastiCache to restore when the cache is created. By default the cache starts
            empty. Changing it replaces the cache.
        snapshot_arns: RDB files in S3 to restore when the cache is created, in place of ``snapshot_name``. By
            default the cache starts empty. Changing it replaces the cache.
        maintenance_window: The weekly window, in UTC, in which ElastiCache may patch or replace nodes. By default
            ElastiCache chooses one.
        auto_minor_version_upgrade: Whether new minor versions are installed in the maintenance window. It has no
            effect before Redis 6.0.
        log_delivery: Where the slow log and the engine log go. By default each goes to an encrypted CloudWatch log
            group that is created; an empty list turns both off.
        log_retention: How long the log groups created here keep their entries.
        log_encryption_key: The KMS key of the log groups created here; it has to allow CloudWatch Logs. By default
            the logs of this stack share a key that is created.
        notification_topic: An SNS topic for events such as a failover. It has to be in the account of the cache and
            unencrypted. By default events go to no topic.
        replication_group_id: The id of the replication group. By default CloudFormation generates one. Changing it
            replaces the cache.
        description: A text for the console. By default the path of the construct.
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
        cluster_mode: ClusterMode = ClusterMode.DISABLED,
        shards: int = 1,
        shard_placement: Sequence[Shard] = (),
        replicas: int = 1,
        automatic_failover: bool = True,
        multi_az: bool = True,
        preferred_availability_zones: Sequence[str] = (),
        port: int = DEFAULT_PORT,
        users: Sequence[IUser] | None = None,
        user_group: IUserGroup | None = None,
        auth_token: AuthToken | None = None,
        allow_unauthenticated: bool = False,
        transit_encryption: bool = True,
        transit_encryption_mode: TransitEncryptionMode | None = None,
        at_rest_encryption: bool = True,
        kms_key: kms.IKey | None = None,
        compliance: Compliance = Compliance.STANDARD,
        durability: Durability | None = None,
        network_type: NetworkType | None = None,
        ip_discovery: IpDiscovery | None = None,
        parameters: Mapping[str, str] | None = None,
        parameter_group: IParameterGroup | None = None,
        snapshot_retention_days: int | None = None,
        snapshot_window: SnapshotWindow | None = None,
        snapshot_name: str | None = None,
        snapshot_arns: Sequence[str] = (),
        maintenance_window: MaintenanceWindow | None = None,
        auto_minor_version_upgrade: bool = True,
        log_delivery: Sequence[LogDelivery] | None = None,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_MONTH,
        log_encryption_key: kms.IKey | None = None,
        notification_topic: sns.ITopic | None = None,
        replication_group_id: str | None = None,
        description: str | None = None,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.SNAPSHOT,
    ) -> None:
        settings = Settings(
            engine_version=engine_version,
            node_type=node_type,
            port=port,
            parameters=parameter_group.parameters if parameter_group is not None else parameters or {},
            topology=Topology(
                cluster_mode=cluster_mode,
                shard_count=shards,
                replicas=replicas,
                shards=shard_placement,
                preferred_availability_zones=preferred_availability_zones,
                automatic_failover=automatic_failover,
                multi_az=multi_az,
            ),
            addressing=Addressing(network_type, ip_discovery),
            authentication=Authentication(users, user_group, auth_token, allow_unauthenticated),
            encryption=Encryption(transit_encryption, transit_encryption_mode, at_rest_encryption, kms_key),
            durability=durability,
            backups=Backups(
                compliance.retention_days if snapshot_retention_days is None else snapshot_retention_days,
                snapshot_window,
                snapshot_name,
                snapshot_arns,
            ),
            maintenance=Maintenance(maintenance_window, auto_minor_version_upgrade, notification_topic),
            log_delivery=log_delivery,
            compliance=compliance,
        )
        require_at_most_one(
            subnet_group=(subnet_group, "vpc_subnets", vpc_subnets),
            parameter_group=(parameter_group, "parameters", parameters),
        )
        require_id("replication_group_id", replication_group_id)
        settings.validate(scope)
        require_vpc_or_groups(vpc, subnet_group, security_groups)
        require_one_place(
            scope,
            vpc,
            subnet_group=subnet_group,
            security_groups=security_groups,
            user_group=user_group,
            auth_token=auth_token.secret if auth_token is not None else None,
            kms_key=kms_key,
            parameter_group=parameter_group,
            log_encryption_key=log_encryption_key,
            notification_topic=notification_topic,
        )
        super().__init__(scope, construct_id)

        self._set_attributes(settings)
        self.subnet_group = subnet_group or create_subnet_group(self, vpc, vpc_subnets)
        self._validate_subnets(settings)
        self.parameter_group = parameter_group or self._create_parameter_group(parameters or {})
        rules.require_parameter_group(engine_version, self.parameter_group, is_clustered=settings.topology.is_clustered)
        self.user_group, self._user = settings.authentication.create_group(self, engine_version, compliance)
        self._connections = connections_to(self, vpc, security_groups, port)
        data_key = compliance.key(self, kms_key, retain_unless_destroyed(removal_policy))
        self.log_delivery = create_log_deliveries(
            self,
            log_delivery,
            engine_version,
            encryption_key=log_encryption_key or (data_key if kms_key is None else None),
            retention=log_retention,
            removal_policy=retain_unless_destroyed(removal_policy),
        )
        settings.add_warnings(self)
        warn_destroyed_key(self, kms_key, removal_policy)
        resource = elasticache.CfnReplicationGroup(
            self,
            "Resource",
            replication_group_description=description or f"Cache of {self.node.path}",
            replication_group_id=replication_group_id,
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

    def _set_attributes(self, settings: Settings) -> None:
        self.engine_version, self.node_type = settings.engine_version, settings.node_type
        self.topology, self.compliance = settings.topology, settings.compliance
        self.auth_token = settings.authentication.auth_token
        self.uses_tls = settings.encryption.transit
        self.is_durable = settings.durability is not None and settings.durability.is_durable

    def _validate_subnets(self, settings: Settings) -> None:
        """Check what depends on the subnets: zones and IP versions."""
        settings.topology.require_zones(self.subnet_group.availability_zones)
        require_addresses(self, settings.addressing.network_type, self.subnet_group.subnets)

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
        """Whatever is a replication group to aws-cdk-lib, such as a CfnReplicationGroup; its endpoints are known then."""
        own = resource if isinstance(resource, elasticache.CfnReplicationGroup) else None
        is_clustered = own is not None and (own.num_node_groups or 1) > 1
        return cls.from_replication_group_attributes(
            scope,
            construct_id,
            replication_group_id=resource.replication_group_ref.replication_group_id,
            port=int(own.port) if own is not None and own.port is not None else port,
            primary_endpoint_address=own.attr_primary_end_point_address if own and not is_clustered else None,
            reader_endpoint_address=own.attr_reader_end_point_address if own and not is_clustered else None,
            configuration_endpoint_address=own.attr_configuration_end_point_address if own and is_clustered else None,
            security_groups=security_groups,
            user_group=user_group,
        )

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
