"""SecondaryReplicationGroup: the copy of a global datastore in another region."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticache as elasticache
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from constructs import Construct

from cachetwin_cdk.access.user_group import IUserGroup
from cachetwin_cdk.checks._findings import acknowledge, acknowledge_regulated, excuse
from cachetwin_cdk.checks._names import require_id
from cachetwin_cdk.checks._places import require_one_place
from cachetwin_cdk.checks._retention import keep_with, warn_destroyed_key
from cachetwin_cdk.checks._types import checked_arguments
from cachetwin_cdk.checks._validate import (
    ValidationError,
    refuse,
    require_at_most_one,
    require_between,
    validate_at_synth,
)
from cachetwin_cdk.compliance import Compliance, retain_unless_destroyed
from cachetwin_cdk.engine.windows import MaintenanceWindow
from cachetwin_cdk.monitoring.log_delivery import LogDelivery, create_log_deliveries, require_deliverable
from cachetwin_cdk.network._placement import connections_to, require_vpc_or_groups
from cachetwin_cdk.network.endpoint import Endpoint
from cachetwin_cdk.network.subnet_group import ISubnetGroup, create_subnet_group
from cachetwin_cdk.replication_group import _rules as rules
from cachetwin_cdk.replication_group._base import ReplicationGroupBase, Use
from cachetwin_cdk.replication_group._maintenance import Maintenance
from cachetwin_cdk.replication_group.replication_group import DEFAULT_PORT
from cachetwin_cdk.replication_group.topology import REPLICAS_MAX, ClusterMode

from .global_datastore import IGlobalDatastore


@checked_arguments
class SecondaryReplicationGroup(ReplicationGroupBase):
    """The copy of a global datastore in another region: clients read here and write in the region of the primary.

    Defines one AWS::ElastiCache::ReplicationGroup and, unless given, its subnet group, security group and encrypted
    log groups. Engine, node type, shards, TLS and parameters are those of the primary. Users belong to one region,
    so give the ``user_group`` of this region, with the same names and passwords where clients may move.

    Args:
        global_datastore: The global datastore to join: the construct, or one imported by its id. Changing it
            replaces the cache.
        vpc: The VPC that the cache is in. Required unless ``subnet_group`` and ``security_groups`` are given.
            ElastiCache refuses to move an existing cache to another VPC.
        vpc_subnets: Which subnets of the VPC the nodes are in. By default the isolated subnets, or the private ones
            if there are none; a VPC with public subnets only is refused. Subnets can be added later; those with
            nodes in them cannot be removed.
        subnet_group: An existing subnet group, in place of ``vpc_subnets``. By default one is created. Changing it
            replaces the cache.
        security_groups: The security groups of the cache. By default one is created that allows no connection; open
            it with ``connections``.
        user_group: The users of this region that may log in. By default clients use the cache without logging in;
            required with ``compliance=REGULATED``.
        replicas: The number of replicas of each shard in this region, 0 to 5. By default one.
        automatic_failover: Whether a replica takes over when the leading node of a shard in this region fails.
        multi_az: Whether the nodes of a shard are in different availability zones. It needs automatic failover and
            a replica.
        port: The port that the cache listens on. Changing it replaces the cache.
        kms_key: A KMS key of this region that encrypts the data at rest. By default a key that AWS owns, or a new
            rotating key with ``compliance=REGULATED``. Changing it replaces the cache.
        compliance: The rules that the cache follows. By default those of the global datastore. Backups are those of
            the primary. The key of REGULATED replaces an existing cache.
        maintenance_window: The weekly window, in UTC, in which ElastiCache may patch or replace nodes. By default
            ElastiCache chooses one.
        auto_minor_version_upgrade: Whether new minor versions are installed in the maintenance window.
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
        removal_policy: What happens when the cache is removed from the stack or replaced. By default it is kept:
            ElastiCache takes no snapshot of a secondary.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        global_datastore: IGlobalDatastore,
        vpc: ec2.IVpc | None = None,
        vpc_subnets: ec2.SubnetSelection | None = None,
        subnet_group: ISubnetGroup | None = None,
        security_groups: Sequence[ec2.ISecurityGroup] | None = None,
        user_group: IUserGroup | None = None,
        replicas: int = 1,
        automatic_failover: bool = True,
        multi_az: bool = True,
        port: int = DEFAULT_PORT,
        kms_key: kms.IKey | None = None,
        compliance: Compliance | None = None,
        maintenance_window: MaintenanceWindow | None = None,
        auto_minor_version_upgrade: bool = True,
        log_delivery: Sequence[LogDelivery] | None = None,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_MONTH,
        log_encryption_key: kms.IKey | None = None,
        notification_topic: sns.ITopic | None = None,
        replication_group_id: str | None = None,
        description: str | None = None,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN,
    ) -> None:
        require_at_most_one(subnet_group=(subnet_group, "vpc_subnets", vpc_subnets))
        require_id("replication_group_id", replication_group_id)
        rules.require_port(port)
        require_between("replicas", replicas, 0, REPLICAS_MAX, remedy="a shard has at most six nodes")
        if multi_az and not (automatic_failover and replicas):
            raise ValidationError(
                f"multi_az must be False without automatic failover and a replica, got {replicas} replicas; add a "
                "replica, or set multi_az=False"
            )
        engine_version = global_datastore.engine_version
        require_deliverable(log_delivery or (), engine_version)
        maintenance = Maintenance(maintenance_window, auto_minor_version_upgrade, notification_topic)
        maintenance.validate(scope)
        if user_group is not None:
            rules.require_users(engine_version, user_group)
        chosen_compliance = compliance if compliance is not None else global_datastore.compliance
        if chosen_compliance.is_regulated and user_group is None:
            refuse("user_group", "be given with compliance REGULATED", user_group, "make a UserGroup in this region")
        require_vpc_or_groups(vpc, subnet_group, security_groups)
        require_one_place(
            scope,
            vpc,
            subnet_group=subnet_group,
            security_groups=security_groups,
            user_group=user_group,
            kms_key=kms_key,
            log_encryption_key=log_encryption_key,
            notification_topic=notification_topic,
        )
        global_datastore._add_region(cdk.Stack.of(scope).region)
        super().__init__(scope, construct_id)
        maintenance.add_warnings(self)
        warn_destroyed_key(self, kms_key, removal_policy)
        self._add_use(Use.GLOBAL_DATASTORE, self)
        self.uses_tls = global_datastore.uses_tls
        self.compliance = chosen_compliance
        self.user_group = user_group
        if user_group is not None:
            # Users may be added to the group later.
            validate_at_synth(self, lambda: rules.require_users(engine_version, user_group))
        self.subnet_group = subnet_group or create_subnet_group(self, vpc, vpc_subnets)
        self._connections = connections_to(self, vpc, security_groups, port)
        data_key = self.compliance.key(self, kms_key, retain_unless_destroyed(removal_policy))
        self.log_delivery = create_log_deliveries(
            self,
            log_delivery,
            engine_version,
            encryption_key=log_encryption_key or (data_key if kms_key is None else None),
            retention=log_retention,
            removal_policy=removal_policy,
        )
        is_clustered = global_datastore.cluster_mode is not ClusterMode.DISABLED
        resource = elasticache.CfnReplicationGroup(
            self,
            "Resource",
            replication_group_description=description or f"Secondary {self.node.path}",
            replication_group_id=replication_group_id,
            global_replication_group_id=global_datastore.global_replication_group_id,
            num_cache_clusters=None if is_clustered else replicas + 1,
            replicas_per_node_group=replicas if is_clustered else None,
            automatic_failover_enabled=automatic_failover,
            multi_az_enabled=multi_az,
            port=port,
            cache_subnet_group_name=self.subnet_group.subnet_group_name,
            security_group_ids=[group.security_group_id for group in self._connections.security_groups],
            user_group_ids=[user_group.user_group_id] if user_group is not None else None,
            kms_key_id=data_key.key_arn if data_key is not None else None,
            log_delivery_configurations=[delivery.render() for delivery in self.log_delivery] or None,
            **maintenance.render(),
        )
        resource.apply_removal_policy(removal_policy)
        keep_with(removal_policy, self.subnet_group, *self._connections.security_groups)
        if user_group is not None:
            user_group._keep(removal_policy)
        self.replication_group_id = resource.ref
        if is_clustered:
            self._configuration_endpoint = Endpoint(
                resource.attr_configuration_end_point_address,
                cdk.Token.as_number(resource.attr_configuration_end_point_port),
            )
        else:
            self._primary_endpoint = Endpoint(
                resource.attr_primary_end_point_address, cdk.Token.as_number(resource.attr_primary_end_point_port)
            )
            self._reader_endpoint = Endpoint(
                resource.attr_reader_end_point_address, cdk.Token.as_number(resource.attr_reader_end_point_port)
            )
        _acknowledge(resource)

    def metric_global_datastore_replication_lag(self) -> cloudwatch.Metric:
        """Seconds that this region lags behind the primary, the maximum of the period."""
        return self.metric(
            "GlobalDatastoreReplicationLag", statistic=cloudwatch.Stats.MAXIMUM, unit=cloudwatch.Unit.SECONDS
        )


def _acknowledge(resource: elasticache.CfnReplicationGroup) -> None:
    acknowledge(
        resource,
        {
            "AwsSolutions-AEC3": "Encryption in transit and at rest are the primary's; AWS refuses to set them here.",
            "AwsSolutions-AEC5": "The port clients expect is kept: security groups, TLS and users guard this cache.",
            "AwsSolutions-AEC6": "Users (RBAC) guard this cache as they guard its primary; the rule accepts a token only.",
        },
    )
    excuse(
        resource,
        "AWS::ElastiCache::ReplicationGroup",
        {
            "CKV_AWS_29": "Encryption at rest is the primary's; AWS refuses to set it here.",
            "CKV_AWS_30": "TLS is the primary's; AWS refuses to set it here.",
            "CKV_AWS_31": "TLS and authentication are the primary's; AWS refuses to set them here.",
        },
    )
    backups = "Backups are the primary's; AWS refuses to set them on a member that follows it."
    acknowledge_regulated(resource, {"ElastiCacheRedisClusterAutomaticBackup": backups})
