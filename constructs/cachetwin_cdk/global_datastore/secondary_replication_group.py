"""SecondaryReplicationGroup: the copy of a global datastore in another region."""

from collections.abc import Sequence
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticache as elasticache
from aws_cdk import aws_kms as kms
from constructs import Construct

from cachetwin_cdk.access._created_group import create_user_group
from cachetwin_cdk.access.access import Access
from cachetwin_cdk.access.user_group import IUserGroup
from cachetwin_cdk.checks._claims import claim_name
from cachetwin_cdk.checks._findings import acknowledge, acknowledge_regulated, excuse
from cachetwin_cdk.checks._names import described, require_id
from cachetwin_cdk.checks._retention import keep_with, warn_destroyed_key
from cachetwin_cdk.checks._types import checked_arguments
from cachetwin_cdk.checks._validate import known, refuse, validate_at_synth
from cachetwin_cdk.compliance import Compliance, retain_unless_destroyed
from cachetwin_cdk.engine._regions import warn_of_missing_type
from cachetwin_cdk.monitoring.log_delivery import Logging, create_log_deliveries, require_deliverable
from cachetwin_cdk.network._site import Site
from cachetwin_cdk.network.endpoint import Endpoint
from cachetwin_cdk.network.subnet_group import ISubnetGroup
from cachetwin_cdk.operations.maintenance import Maintenance
from cachetwin_cdk.replication_group import _rules as rules
from cachetwin_cdk.replication_group._base import ReplicationGroupBase, Use
from cachetwin_cdk.replication_group.replication_group import DEFAULT_PORT
from cachetwin_cdk.replication_group.topology import ClusterMode, Failover, Topology

from .global_datastore import GLOBAL_DATASTORE, GlobalDatastore, IGlobalDatastore


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
        access: How clients of this region log in: ``Access.users()`` or ``Access.user_group()``. By default they use
            the cache without logging in; users are required with ``compliance=REGULATED``.
        replicas: The number of replicas of each shard in this region, 0 to 5. By default one.
        failover: What happens when the leading node of a shard in this region fails. By default a replica in another
            zone takes over.
        port: The port that the cache listens on. Changing it replaces the cache.
        kms_key: A KMS key of this region that encrypts the data at rest. By default a key that AWS owns, or a new
            rotating key with ``compliance=REGULATED``. Changing it replaces the cache.
        compliance: The rules that the cache follows. By default those of the global datastore. Backups are those of
            the primary. The key of REGULATED replaces an existing cache.
        maintenance: When ElastiCache may patch nodes, whether it upgrades minor versions, and the topic for events.
            By default it chooses a window, upgrades, and tells nobody.
        logging: Where the slow log and the engine log go. By default each goes to an encrypted CloudWatch log group
            that is created and keeps entries for a month.
        replication_group_id: The id of the replication group. By default CloudFormation generates one. Changing it
            replaces the cache.
        description: A text for the console, of at most 255 characters. By default the path of the construct.
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
        access: Access | None = None,
        replicas: int = 1,
        failover: Failover = Failover.MULTI_AZ,
        port: int = DEFAULT_PORT,
        kms_key: kms.IKey | None = None,
        compliance: Compliance | None = None,
        maintenance: Maintenance | None = None,
        logging: Logging | None = None,
        replication_group_id: str | None = None,
        description: str | None = None,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN,
    ) -> None:
        upkeep, logs = maintenance or Maintenance(), logging or Logging()
        site = Site(vpc, vpc_subnets, subnet_group, security_groups)
        self.compliance = compliance if compliance is not None else global_datastore.compliance
        require_id("replication_group_id", replication_group_id)
        rules.require_port(port)
        # As the primary's topology, with the replicas of this region.
        Topology(cluster_mode=global_datastore.cluster_mode, replicas=replicas, failover=failover)
        _require_access(access, self.compliance)
        _require_replicas(global_datastore, replicas)
        _require_one_place(scope, site, global_datastore, access=access, kms_key=kms_key, upkeep=upkeep, logs=logs)
        super().__init__(scope, construct_id)
        claim_name("replication_group_id", self, "replication group", replication_group_id)
        self._add_warnings(upkeep, kms_key, removal_policy)
        self._add_use(Use.GLOBAL_DATASTORE, self)
        self.uses_tls = global_datastore.uses_tls
        self.user_group = self._group(access, global_datastore)
        self.subnet_group = site.subnet_group(self)
        self._vpc = site.network(self.subnet_group)
        self._connections = site.connections(self, port)
        resource = self._create_resource(
            global_datastore,
            logs,
            kms_key,
            removal_policy,
            port=port,
            replication_group_description=described(description, f"Secondary {self.node.path}"),
            replication_group_id=replication_group_id,
            **_replicas(global_datastore, replicas),
            **failover.render(),
            **upkeep.render(),
        )
        self._set_endpoints(resource, global_datastore)

    def _add_warnings(self, upkeep: Maintenance, kms_key: kms.IKey | None, removal_policy: cdk.RemovalPolicy) -> None:
        upkeep.add_warnings(self)
        warn_destroyed_key(self, kms_key, removal_policy)
        warn_of_missing_type(self, GLOBAL_DATASTORE, "global datastores")

    def _group(self, access: Access | None, global_datastore: IGlobalDatastore) -> IUserGroup | None:
        """The user group of this region, made or given."""
        if access is None or not access.names_users:
            return None
        engine_version = global_datastore.engine_version
        group, _ = create_user_group(self, engine_version, access)
        rules.require_users(engine_version, group)
        # Users may be added to the group later.
        validate_at_synth(self, lambda: rules.require_users(engine_version, group))
        return group

    def _create_resource(
        self,
        global_datastore: IGlobalDatastore,
        logging: Logging,
        kms_key: kms.IKey | None,
        removal_policy: cdk.RemovalPolicy,
        **properties: Any,  # noqa: ANN401  (the properties of CfnReplicationGroup)
    ) -> elasticache.CfnReplicationGroup:
        data_key = self.compliance.key(self, kms_key, retain_unless_destroyed(removal_policy))
        self.log_delivery = create_log_deliveries(
            self,
            logging,
            global_datastore.engine_version,
            data_key=data_key if kms_key is None else None,
            removal_policy=removal_policy,
        )
        resource = elasticache.CfnReplicationGroup(
            self,
            "Resource",
            global_replication_group_id=global_datastore.global_replication_group_id,
            cache_subnet_group_name=self.subnet_group.subnet_group_name,
            security_group_ids=[group.security_group_id for group in self._connections.security_groups],
            user_group_ids=[self.user_group.user_group_id] if self.user_group is not None else None,
            kms_key_id=data_key.key_arn if data_key is not None else None,
            log_delivery_configurations=[delivery.render() for delivery in self.log_delivery] or None,
            **properties,
        )
        resource.apply_removal_policy(removal_policy)
        keep_with(removal_policy, self.subnet_group, *self._connections.security_groups)
        if self.user_group is not None:
            self.user_group._keep(removal_policy)
        _acknowledge(resource)
        return resource

    def _set_endpoints(self, resource: elasticache.CfnReplicationGroup, global_datastore: IGlobalDatastore) -> None:
        self.replication_group_id = resource.ref
        if global_datastore.cluster_mode is not ClusterMode.DISABLED:
            self._configuration_endpoint = Endpoint(
                resource.attr_configuration_end_point_address,
                cdk.Token.as_number(resource.attr_configuration_end_point_port),
            )
            return
        self._primary_endpoint = Endpoint(
            resource.attr_primary_end_point_address, cdk.Token.as_number(resource.attr_primary_end_point_port)
        )
        self._reader_endpoint = Endpoint(
            resource.attr_reader_end_point_address, cdk.Token.as_number(resource.attr_reader_end_point_port)
        )

    def metric_global_datastore_replication_lag(self) -> cloudwatch.Metric:
        """Seconds that this region lags behind the primary, the maximum of the period."""
        return self.metric(
            "GlobalDatastoreReplicationLag", statistic=cloudwatch.Stats.MAXIMUM, unit=cloudwatch.Unit.SECONDS
        )


def _require_access(access: Access | None, compliance: Compliance) -> None:
    if access is not None and access.token is not None:
        refuse("access", "be users in a secondary", "a token", "give the primary the token")
    if compliance.is_regulated and (access is None or not access.names_users):
        refuse("access", "be users with compliance REGULATED", access, "make a UserGroup in this region")


def _require_replicas(global_datastore: IGlobalDatastore, replicas: int) -> None:
    """Global datastore guide: a secondary takes over the failover of the primary, which needs a replica."""
    if isinstance(global_datastore, GlobalDatastore) and known(replicas):
        primary = global_datastore.primary.topology
        if replicas == 0 and primary.automatic_failover:
            refuse(
                "replicas",
                f"be at least 1, as the failover of the primary is {primary.failover}",
                replicas,
                "leave it out, or make the primary with Failover.MANUAL",
            )


def _require_one_place(
    scope: Construct,
    site: Site,
    global_datastore: IGlobalDatastore,
    *,
    access: Access | None,
    kms_key: kms.IKey | None,
    upkeep: Maintenance,
    logs: Logging,
) -> None:
    """Raise ValidationError for what is not in the region of the secondary, or for a region that has a member already."""
    require_deliverable(scope, logs.deliveries or (), global_datastore.engine_version)
    upkeep.validate(scope)
    site.validate(
        scope,
        user_group=access.given_group if access is not None else None,
        kms_key=kms_key,
        encryption_key=logs.encryption_key,
        notification_topic=upkeep.notification_topic,
    )
    global_datastore._add_region(cdk.Stack.of(scope).region)


def _replicas(global_datastore: IGlobalDatastore, replicas: int) -> dict[str, int]:
    """The property that counts the replicas; the shards are the primary's."""
    if global_datastore.cluster_mode is ClusterMode.DISABLED:
        return {"num_cache_clusters": replicas + 1}
    return {"replicas_per_node_group": replicas}


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
