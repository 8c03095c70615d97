"""Global datastores: a cache in one region and copies of it in others.

The primary is a ReplicationGroup. Each other region has a SecondaryReplicationGroup in a stack of its own, which has the
engine, node type, shards, encryption and parameters of the primary; ElastiCache refuses to set them there.
"""

from collections.abc import Sequence

import aws_cdk as cdk
import jsii
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticache as elasticache
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk.interfaces import aws_elasticache as refs
from constructs import Construct

from .access._permissions import Permissions
from .access.user_group import IUserGroup
from .checks._findings import acknowledge, acknowledge_regulated, excuse
from .checks._names import require_id
from .checks._places import require_one_place
from .checks._retention import keep_with, warn_destroyed_key
from .checks._types import checked_arguments
from .checks._validate import (
    ValidationError,
    known,
    refuse,
    require_at_most_one,
    require_between,
    require_match,
    validate_at_synth,
)
from .compliance import Compliance, retain_unless_destroyed
from .engine.engine_version import Engine, EngineVersion
from .engine.node_type import NodeType
from .engine.parameter_group import IParameterGroup
from .engine.windows import MaintenanceWindow
from .monitoring._events import ApiEvents
from .monitoring.log_delivery import LogDelivery, create_log_deliveries, require_deliverable
from .network._placement import connections_to, require_vpc_or_groups
from .network.endpoint import Endpoint
from .network.subnet_group import ISubnetGroup, create_subnet_group
from .replication_group import _rules as rules
from .replication_group._base import ReplicationGroupBase, Use
from .replication_group._maintenance import Maintenance
from .replication_group.replication_group import DEFAULT_PORT, ReplicationGroup
from .replication_group.topology import REPLICAS_MAX, SHARDS_MAX, ClusterMode

_SECONDARIES_MAX = 2
_FAMILIES_WITHOUT = frozenset({"m4", "r4"})  # the guide lists M5, R5 and newer
_SMALL_SIZES = frozenset({"micro", "small", "medium"})


@jsii.implements(refs.IGlobalReplicationGroupRef)
class GlobalDatastoreBase(ApiEvents, Permissions, cdk.Resource):
    """A global datastore, defined in this app or imported."""

    global_replication_group_id: str
    engine_version: EngineVersion
    cluster_mode: ClusterMode
    compliance: Compliance
    """The rules that the members follow."""
    uses_tls: bool | None = None
    """Whether clients have to use TLS, which is the primary's; None where it is not known."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self._regions: list[str] = []

    @property
    def global_replication_group_arn(self) -> str:
        """The ARN that IAM policies name; it has no region."""
        return cdk.Stack.of(self).format_arn(
            service="elasticache",
            region="",
            resource="globalreplicationgroup",
            resource_name=self.global_replication_group_id,
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )

    @property
    def _api_parameter(self) -> tuple[str, str]:
        return "globalReplicationGroupId", self.global_replication_group_id

    @property
    def _arn(self) -> str:
        return self.global_replication_group_arn

    @property
    def global_replication_group_ref(self) -> refs.GlobalReplicationGroupReference:
        """The reference that constructs of aws-cdk-lib accept for a global datastore."""
        return refs.GlobalReplicationGroupReference(
            global_replication_group_id=self.global_replication_group_id,
            global_replication_group_arn=self.global_replication_group_arn,
        )

    def _add_region(self, region: str) -> None:
        """Add the region of a secondary. Raises ValidationError for a third secondary, or a region that has a member."""
        if known(region) and region in self._regions:
            refuse(
                "region",
                "have one member of the global datastore",
                region,
                "put the secondary into a stack of another region",
            )
        if len(self._regions) > _SECONDARIES_MAX:
            refuse(
                "secondaries",
                f"number at most {_SECONDARIES_MAX}",
                len(self._regions),
                "remove one, or read over the network from a neighbour",
            )
        self._regions.append(region)


IGlobalDatastore = GlobalDatastoreBase
"""The type of a global datastore in signatures, defined in this app or imported."""


class _ImportedGlobalDatastore(GlobalDatastoreBase):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        global_replication_group_id: str,
        engine_version: EngineVersion,
        cluster_mode: ClusterMode,
        compliance: Compliance,
    ) -> None:
        super().__init__(scope, construct_id)
        self.global_replication_group_id = global_replication_group_id
        self.engine_version, self.cluster_mode, self.compliance = engine_version, cluster_mode, compliance
        self._regions.append("")  # the primary's, which is somewhere else


@checked_arguments
class GlobalDatastore(GlobalDatastoreBase):
    """A replication group and its copies in other regions: written in one region, read in all.

    Defines one AWS::ElastiCache::GlobalReplicationGroup. Put a SecondaryReplicationGroup into a stack of each other
    region, with this object (both stacks with ``cross_region_references=True``) or with what
    ``from_global_replication_group_attributes`` makes of its id.

    Args:
        primary: The replication group that clients write to. Its nodes have to be large or larger, and it must
            neither scale nor be durable.
        id_suffix: The last part of the id; ElastiCache chooses the first part. By default it is derived from the
            path of the construct.
        description: A text for the console. By default the path of the construct.
        engine_version: A newer version for the members in all regions; leave the argument of the primary as it is.
            By default the version of the primary.
        node_type: Another node type for the members in all regions. By default the node type of the primary.
        parameter_group: A parameter group for the members in all regions, of the family of ``engine_version``. By
            default the parameter group of the primary.
        shards: Another number of shards for the members in all regions; needs cluster mode. By default the number
            of the primary.
        compliance: The rules that the members follow. By default those of the primary; REGULATED refuses a primary
            that was made without it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        primary: ReplicationGroup,
        id_suffix: str | None = None,
        description: str | None = None,
        engine_version: EngineVersion | None = None,
        node_type: NodeType | None = None,
        parameter_group: IParameterGroup | None = None,
        shards: int | None = None,
        compliance: Compliance | None = None,
    ) -> None:
        _require_primary(primary)
        _require_change(primary, engine_version, node_type, parameter_group, shards)
        if compliance is Compliance.REGULATED and not primary.compliance.is_regulated:
            refuse(
                "primary",
                "be made with compliance REGULATED for a global datastore that is",
                primary.compliance,
                "give the ReplicationGroup compliance=Compliance.REGULATED",
            )
        require_match(
            "id_suffix",
            id_suffix,
            r"[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*",
            "hold letters, digits and single hyphens between them",
            remedy="choose such a suffix",
        )
        super().__init__(scope, construct_id)
        primary._add_use(Use.GLOBAL_DATASTORE, self)
        validate_at_synth(self, lambda: _require_sole_use(primary))
        self.primary = primary
        self.engine_version = engine_version or primary.engine_version
        self.cluster_mode = primary.topology.cluster_mode
        self.compliance, self.uses_tls = primary.compliance, primary.uses_tls
        self._regions.append(cdk.Stack.of(self).region)
        resource = elasticache.CfnGlobalReplicationGroup(
            self,
            "Resource",
            global_replication_group_id_suffix=id_suffix or cdk.Names.unique_id(self)[-20:].lower(),
            global_replication_group_description=description or f"Global datastore {self.node.path}",
            automatic_failover_enabled=primary.topology.automatic_failover,
            engine=engine_version.engine.value if engine_version is not None else None,
            engine_version=engine_version.version if engine_version is not None else None,
            cache_node_type=node_type.name if node_type is not None else None,
            cache_parameter_group_name=parameter_group.parameter_group_name if parameter_group is not None else None,
            global_node_group_count=shards,
            members=[
                elasticache.CfnGlobalReplicationGroup.GlobalReplicationGroupMemberProperty(
                    replication_group_id=primary.replication_group_id,
                    replication_group_region=cdk.Stack.of(primary).region,
                    role="PRIMARY",
                )
            ],
        )
        self.global_replication_group_id = resource.attr_global_replication_group_id

    @staticmethod
    def from_global_replication_group_attributes(
        scope: Construct,
        construct_id: str,
        *,
        global_replication_group_id: str,
        engine_version: EngineVersion = EngineVersion.VALKEY_8_1,
        cluster_mode: ClusterMode = ClusterMode.DISABLED,
        compliance: Compliance = Compliance.STANDARD,
    ) -> IGlobalDatastore:
        """A global datastore that exists already; the other arguments have to be those of its primary."""
        return _ImportedGlobalDatastore(
            scope,
            construct_id,
            global_replication_group_id=global_replication_group_id,
            engine_version=engine_version,
            cluster_mode=cluster_mode,
            compliance=compliance,
        )


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


def _require_primary(primary: ReplicationGroup) -> None:
    """Global datastore guide: Valkey or Redis from 5.0.6, nodes from large on, no durability."""
    if not primary.engine_version.at_least(valkey="7.2", redis="5.0.6"):
        refuse(
            "primary",
            "run Redis 5.0.6 at least, or Valkey, in a global datastore",
            primary.engine_version,
            "choose a newer engine_version",
        )
    _require_large(primary.node_type)
    if primary.is_durable:
        raise ValidationError(
            "primary must not be durable in a global datastore, got one that is; leave durability out, or keep the cache "
            "in one region"
        )


def _require_sole_use(primary: ReplicationGroup) -> None:
    """Global datastore guide: the primary belongs to one datastore and does not scale automatically."""
    if primary._uses(Use.SCALING):
        raise ValidationError(
            "primary must not scale in a global datastore, got one that does; leave the scaling out, or keep the cache in "
            "one region"
        )
    if len(primary._uses(Use.GLOBAL_DATASTORE)) > 1:
        raise ValidationError(
            "primary must be in one global datastore only, got one that is in another; add secondaries to that one"
        )


def _require_large(node_type: NodeType) -> None:
    if node_type.family in _FAMILIES_WITHOUT:
        refuse(
            "node_type",
            f"not be of {' or '.join(sorted(_FAMILIES_WITHOUT))} in a global datastore",
            node_type,
            "choose one such as NodeType.M7G_LARGE",
        )
    if node_type.size in _SMALL_SIZES:
        refuse(
            "node_type",
            "be large or larger in a global datastore",
            node_type,
            "choose one such as NodeType.M7G_LARGE",
        )


def _require_change(
    primary: ReplicationGroup,
    engine_version: EngineVersion | None,
    node_type: NodeType | None,
    parameter_group: IParameterGroup | None,
    shards: int | None,
) -> None:
    """Check the changes for all regions: large nodes, a newer engine and a parameter group of its family, shards."""
    if node_type is not None:
        _require_large(node_type)
    newest = engine_version or primary.engine_version
    least = {primary.engine_version.engine.value: primary.engine_version.version}
    if engine_version is not None and known(primary.engine_version.version):
        came_from_redis = engine_version.engine is Engine.VALKEY and primary.engine_version.engine is Engine.REDIS
        if not came_from_redis and not engine_version.at_least(**least):
            refuse(
                "engine_version",
                f"not be older than the primary's, {primary.engine_version}",
                engine_version,
                "leave it out, or choose a newer one: an engine cannot be downgraded",
            )
    if parameter_group is not None:
        rules.require_parameter_group(newest, parameter_group, is_clustered=primary.topology.is_clustered)
    if shards is not None and not primary.topology.is_clustered:
        refuse("shards", "be left out without cluster mode", shards, "make the primary with cluster_mode=ENABLED")
    require_between("shards", shards, 1, SHARDS_MAX, remedy="choose a number in that range")


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
