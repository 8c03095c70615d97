"""What a replication group defined in this app and an imported one have in common."""

from collections.abc import Sequence
from enum import StrEnum

import aws_cdk as cdk
import jsii
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk.interfaces import aws_elasticache as refs
from constructs import Construct, IConstruct

from cachetwin_cdk.access._connect import grant_connect
from cachetwin_cdk.access._permissions import Permissions
from cachetwin_cdk.access.user_group import IUserGroup
from cachetwin_cdk.access.users import IUser
from cachetwin_cdk.checks._names import require_existing_id, require_host
from cachetwin_cdk.checks._places import require_group_ids
from cachetwin_cdk.checks._validate import ValidationError, known, require_between
from cachetwin_cdk.engine.node_type import NodeType
from cachetwin_cdk.monitoring._events import ApiEvents
from cachetwin_cdk.monitoring._watched import Watched
from cachetwin_cdk.network.endpoint import Endpoint
from cachetwin_cdk.operations._scalable import Scalable
from cachetwin_cdk.operations._snapshotted import Snapshotted

from .metrics import ReplicationGroupMetrics


class Use(StrEnum):
    """A use of a replication group by one construct that concerns other constructs."""

    SCALING = "scaling"
    GLOBAL_DATASTORE = "global-datastore"
    NODE_ALARMS = "node-alarms"
    ROTATION = "rotation"


@jsii.implements(ec2.IConnectable, refs.IReplicationGroupRef)
class ReplicationGroupBase(
    ReplicationGroupMetrics, Watched, Scalable, Snapshotted, ApiEvents, Permissions, cdk.Resource
):
    """A replication group, defined in this app or imported."""

    replication_group_id: str
    user_group: IUserGroup | None
    node_type: NodeType | None = None
    """The node type; None for an imported group."""
    node_ids: Sequence[str] = ()
    """Ids of the nodes as they are created, primaries included; none for an imported group."""
    is_durable: bool = False
    """Whether writes are kept in a log in several zones."""
    uses_tls: bool | None = None
    """Whether clients have to use TLS; None where it is not known, as for an imported group."""
    _vpc: ec2.IVpc | None = None
    _connections: ec2.Connections
    _primary_endpoint: Endpoint | None = None
    _reader_endpoint: Endpoint | None = None
    _configuration_endpoint: Endpoint | None = None

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self._used_by: dict[Use, list[IConstruct]] = {use: [] for use in Use}

    def _add_use(self, use: Use, construct: IConstruct) -> None:
        """Record that ``construct`` uses this cache, for rules that are checked when everything has been added."""
        self._used_by[use].append(construct)

    def _uses(self, use: Use) -> Sequence[IConstruct]:
        """The constructs that have recorded this use so far."""
        return tuple(self._used_by[use])

    @property
    def connections(self) -> ec2.Connections:
        """The network connections of the cache; the default port is the cache's."""
        return self._connections

    @property
    def primary_endpoint(self) -> Endpoint:
        """The endpoint for writes, and for reads that must see the latest write. It follows a failover."""
        return self._known(self._primary_endpoint, "primary_endpoint")

    @property
    def reader_endpoint(self) -> Endpoint:
        """The endpoint for reads from replicas, which may lag behind the primary."""
        return self._known(self._reader_endpoint, "reader_endpoint")

    @property
    def configuration_endpoint(self) -> Endpoint:
        """The endpoint from which clients of a cluster learn which node owns which slots."""
        return self._known(self._configuration_endpoint, "configuration_endpoint")

    @property
    def main_endpoint(self) -> Endpoint:
        """The endpoint that clients connect to first: the primary endpoint, or the configuration endpoint of a cluster."""
        return self._primary_endpoint or self._configuration_endpoint or self.primary_endpoint

    @property
    def replication_group_arn(self) -> str:
        """The ARN that IAM policies name."""
        return cdk.Stack.of(self).format_arn(
            service="elasticache",
            resource="replicationgroup",
            resource_name=self.replication_group_id,
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )

    @property
    def replication_group_ref(self) -> refs.ReplicationGroupReference:
        """The reference that constructs of aws-cdk-lib accept for a replication group."""
        return refs.ReplicationGroupReference(replication_group_id=self.replication_group_id)

    @property
    def _arn(self) -> str:
        return self.replication_group_arn

    def grant_connect(self, grantee: iam.IGrantable, *users: IUser) -> iam.Grant:
        """Let ``grantee`` log in to this cache as ``users``, or as every IAM user of its group if none is named.

        Covers the cache and the users at once, since IAM authentication needs both. The network is another matter: see
        ``connections``. Raises ValidationError when there is no user with IAM authentication to log in as.
        """
        return grant_connect(grantee, self.replication_group_arn, users, self.user_group)

    @property
    def _api_parameter(self) -> tuple[str, str]:
        return "replicationGroupId", self.replication_group_id

    def _known(self, endpoint: Endpoint | None, name: str) -> Endpoint:
        if endpoint is None:
            has = [
                other
                for other, value in (
                    ("primary_endpoint", self._primary_endpoint),
                    ("reader_endpoint", self._reader_endpoint),
                    ("configuration_endpoint", self._configuration_endpoint),
                )
                if value is not None
            ]
            raise ValidationError(
                f"{name} must be known to be used, got a replication group with {', '.join(has) or 'no endpoint'}; with "
                "cluster mode use configuration_endpoint, without it the others, and pass those of an existing group to "
                "from_replication_group_attributes"
            )
        return endpoint


IReplicationGroup = ReplicationGroupBase
"""The type of a replication group in signatures, defined in this app or imported."""


class ImportedReplicationGroup(ReplicationGroupBase):
    """A replication group that exists already, imported."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        replication_group_id: str,
        port: int,
        primary_endpoint_address: str | None,
        reader_endpoint_address: str | None,
        configuration_endpoint_address: str | None,
        security_groups: Sequence[ec2.ISecurityGroup],
        user_group: IUserGroup | None,
    ) -> None:
        require_existing_id("replication_group_id", replication_group_id)
        require_between("port", port, 1, 65535)
        require_host("primary_endpoint_address", primary_endpoint_address)
        require_host("reader_endpoint_address", reader_endpoint_address)
        require_group_ids(security_groups)
        require_host("configuration_endpoint_address", configuration_endpoint_address)
        super().__init__(scope, construct_id)
        # As the service stores it: an ARN with capitals matches nothing.
        self.replication_group_id = (
            replication_group_id.lower() if known(replication_group_id) else replication_group_id
        )
        self.user_group = user_group
        if primary_endpoint_address is not None:
            self._primary_endpoint = Endpoint(primary_endpoint_address, port)
        if reader_endpoint_address is not None:
            self._reader_endpoint = Endpoint(reader_endpoint_address, port)
        if configuration_endpoint_address is not None:
            self._configuration_endpoint = Endpoint(configuration_endpoint_address, port)
        self._connections = ec2.Connections(security_groups=list(security_groups), default_port=ec2.Port.tcp(port))
