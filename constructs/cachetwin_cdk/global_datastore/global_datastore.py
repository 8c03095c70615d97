"""GlobalDatastore: a replication group and its copies in other regions."""

import re

import aws_cdk as cdk
import jsii
from aws_cdk import aws_elasticache as elasticache
from aws_cdk.interfaces import aws_elasticache as refs
from constructs import Construct

from cachetwin_cdk.access._permissions import Permissions
from cachetwin_cdk.checks._names import require_existing_id
from cachetwin_cdk.checks._places import require_region
from cachetwin_cdk.checks._types import checked_arguments
from cachetwin_cdk.checks._validate import (
    ValidationError,
    WarningId,
    known,
    refuse,
    require_between,
    require_match,
    validate_at_synth,
    warn,
)
from cachetwin_cdk.compliance import Compliance
from cachetwin_cdk.engine._regions import warn_of_missing_type
from cachetwin_cdk.engine.engine_version import Engine, EngineVersion
from cachetwin_cdk.engine.node_type import NodeType
from cachetwin_cdk.engine.parameter_group import IParameterGroup
from cachetwin_cdk.monitoring._events import ApiEvents
from cachetwin_cdk.replication_group import _rules as rules
from cachetwin_cdk.replication_group._base import Use
from cachetwin_cdk.replication_group.replication_group import ReplicationGroup
from cachetwin_cdk.replication_group.topology import SHARDS_MAX, ClusterMode

GLOBAL_DATASTORE = "AWS::ElastiCache::GlobalReplicationGroup"
_SECONDARIES_MAX = 2
# The guide's families; newer ones are warned of.
_FAMILIES = frozenset({"c7gn", "m5", "m6g", "m7g", "r5", "r6g", "r6gd", "r7g"})
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
        for other in self._regions:
            if known(region, other) and other and _partition(region) != _partition(other):
                refuse(
                    "region",
                    f"be in the same part of AWS as {other}, where the global datastore has a member",
                    region,
                    "choose regions of one partition: China's and GovCloud's replicate among themselves only",
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
        require_existing_id("global_replication_group_id", global_replication_group_id)
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
        require_region("primary", scope, primary)
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
        warn_of_missing_type(self, GLOBAL_DATASTORE, "global datastores")
        _warn_family(self, node_type or primary.node_type)
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


def _partition(region: str) -> str:
    """The part of AWS that a region is in: ``cn``, ``us-gov``, ``us-iso`` and the like, or empty for the public one."""
    found = re.match(r"cn|us-gov|eusc|[a-z]{2}-iso[a-z]*", region)
    return found[0] if found else ""


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


def _warn_family(scope: Construct, node_type: NodeType) -> None:
    """Warn of a family that the guide of global datastores does not list."""
    if node_type.family and node_type.family not in _FAMILIES and not node_type.is_unconfirmed:
        warn(
            scope,
            WarningId.NODE_TYPE_UNCONFIRMED,
            f"node_type {node_type} is not of a family that the guide of global datastores lists, which are "
            f"{', '.join(sorted(_FAMILIES))}; choose one of those, or try it and acknowledge this warning",
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
        if node_type.family and primary.node_type.family and node_type.has_ssd is not primary.node_type.has_ssd:
            refuse(
                "node_type",
                "have SSD where the primary's has, and not where it has none",
                node_type,
                "choose one as the primary's: a cache does not scale between them",
            )
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
