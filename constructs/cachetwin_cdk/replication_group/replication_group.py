"""A Valkey or Redis cache with replicas, secure unless told otherwise."""

from collections.abc import Mapping, Sequence
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticache as elasticache
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from constructs import Construct

from cachetwin_cdk.access.auth_token import AuthToken
from cachetwin_cdk.access.user_group import IUserGroup
from cachetwin_cdk.access.users import IUser
from cachetwin_cdk.checks._findings import acknowledge
from cachetwin_cdk.checks._names import require_id
from cachetwin_cdk.checks._validate import require_at_most_one
from cachetwin_cdk.compliance import Compliance, retain_unless_destroyed
from cachetwin_cdk.engine.engine_version import Engine, EngineVersion
from cachetwin_cdk.engine.node_type import NodeType
from cachetwin_cdk.engine.parameter_group import IParameterGroup, ParameterGroup
from cachetwin_cdk.engine.windows import MaintenanceWindow, SnapshotWindow
from cachetwin_cdk.monitoring.log_delivery import LogDelivery, create_log_deliveries
from cachetwin_cdk.network._placement import connections_to
from cachetwin_cdk.network.endpoint import Endpoint
from cachetwin_cdk.network.network import Addressing, IpDiscovery, NetworkType, require_addresses
from cachetwin_cdk.network.subnet_group import ISubnetGroup, SubnetGroup

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


class ReplicationGroup(ReplicationGroupBase):
    """One primary and its replicas: Valkey, TLS, encryption, users, failover, backups and logs without asking.

    Defines one AWS::ElastiCache::ReplicationGroup and, unless given, its subnet group, security group, parameter group,
    user group with one user whose password is generated (``user``), and encrypted log groups for its slow and engine
    log.

    ``vpc_subnets``
        the VPC's isolated subnets, or else its private ones.
    ``users`` / ``user_group``
        who may log in; give one of them, or neither to have a PasswordUser made that can use all data commands.
    ``auth_token``
        one password in place of users; for clients that know no user names.
    ``replicas``
        of each shard: one, in another availability zone, and promoted when the primary fails.
    ``cluster_mode`` / ``shards`` / ``shard_placement``
        one shard without cluster mode, unless cluster mode is enabled to have several; changing their number later
        moves slots while the cache serves.
    ``parameters`` / ``parameter_group``
        settings that differ from the family's defaults, or a group that exists.
    ``transit_encryption_mode``
        PREFERRED also serves clients without TLS, on the way from a cache that had none; REQUIRED otherwise.
    ``kms_key``
        encrypts the data at rest; a key that AWS owns otherwise.
    ``compliance``
        REGULATED keeps backups for 15 days, encrypts data and logs with a new rotating key, and makes a user that logs in
        with IAM; it refuses weaker settings.
    ``durability``
        keeps writes in a log over several zones, from Valkey 9 with cluster mode enabled.
    ``snapshot_name`` / ``snapshot_arns``
        what to start from: a snapshot of the service, or RDB files in S3. Changing either replaces the cache.
    ``log_delivery``
        an empty list turns logs off. ``log_encryption_key`` encrypts the log groups made here; a new key otherwise.
    ``removal_policy``
        a last snapshot is taken before the cache is deleted or replaced.
    """

    node_type: NodeType

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
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
        super().__init__(scope, construct_id)

        self._set_attributes(settings)
        self.subnet_group = subnet_group or SubnetGroup(self, "SubnetGroup", vpc=vpc, vpc_subnets=vpc_subnets)
        self._validate_subnets(settings)
        self.parameter_group = parameter_group or self._create_parameter_group(parameters or {})
        rules.require_parameter_group(engine_version, self.parameter_group, is_clustered=settings.topology.is_clustered)
        self.user_group, self.user = settings.authentication.create_group(self, engine_version, compliance)
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
        resource = elasticache.CfnReplicationGroup(
            self,
            "Resource",
            replication_group_description=description or f"Cache of {self.node.path}",
            replication_group_id=replication_group_id,
            **self._references(),
            **settings.render(data_key),
        )
        resource.apply_removal_policy(removal_policy)
        self.replication_group_id = resource.ref
        self.node_ids = self.topology.node_ids(resource.ref)
        self._set_endpoints(resource)
        self._acknowledge_findings(resource)

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
        """A group of this cache's own, which turns cluster mode on where the cache is a cluster."""
        own = {"cluster-enabled": "yes"} if self.topology.is_clustered else {}
        return ParameterGroup(
            self, "ParameterGroup", engine_version=self.engine_version, parameters={**own, **parameters}
        )

    def _set_endpoints(self, resource: elasticache.CfnReplicationGroup) -> None:
        """The endpoints that the mode has: a cluster's clients start from the configuration endpoint."""
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
        """A replication group that exists already. What is left out cannot be asked of it later."""
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

    def _acknowledge_findings(self, resource: elasticache.CfnReplicationGroup) -> None:
        """Answer the findings that these constructs invite by design; see docs/security.md."""
        if self.user_group is not None:
            reason = (
                "Users and access strings guard this cache; they exclude an AUTH token, all that this rule accepts."
            )
            acknowledge(resource, {"AwsSolutions-AEC6": reason})
        if self.engine_version.engine is Engine.REDIS:
            reason = "The port clients expect is kept: security groups, TLS and users guard this cache, not its number."
            acknowledge(resource, {"AwsSolutions-AEC5": reason})
