"""What a serverless cache defined in this app and an imported one have in common."""

from collections.abc import Sequence

import aws_cdk as cdk
import jsii
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk.interfaces import aws_elasticache as refs
from constructs import Construct

from cachetwin_cdk.access._connect import grant_connect
from cachetwin_cdk.access._permissions import Permissions
from cachetwin_cdk.access.user_group import IUserGroup
from cachetwin_cdk.access.users import IUser
from cachetwin_cdk.checks._names import require_host
from cachetwin_cdk.checks._places import require_group_ids
from cachetwin_cdk.checks._validate import ValidationError, require_one_of
from cachetwin_cdk.engine.engine_version import Engine
from cachetwin_cdk.monitoring._events import ApiEvents, service_event_rule
from cachetwin_cdk.monitoring._watched import Watched
from cachetwin_cdk.network.endpoint import Endpoint
from cachetwin_cdk.operations._snapshotted import Snapshotted

from .limits import UsageLimits
from .metrics import ServerlessCacheMetrics

# The endpoint and the reader endpoint are two ports of one name.
_PORTS = {Engine.VALKEY: (6379, 6380), Engine.REDIS: (6379, 6380), Engine.MEMCACHED: (11211, 11212)}
# What the service tells EventBridge with the cache as the resource; snapshots are resources of their own.
_CACHE_EVENTS = (
    "Cache Created", "Cache Creation Failed", "Cache Deleted", "Cache Limit Approaching", "Cache Update Failed",
    "Cache Updated",
)  # fmt: skip


def connections_of(engine: Engine, security_groups: Sequence[ec2.ISecurityGroup]) -> ec2.Connections:
    """Connections whose default ports are those of the endpoint and of the reader endpoint."""
    first, last = _PORTS[engine]
    return ec2.Connections(security_groups=list(security_groups), default_port=ec2.Port.tcp_range(first, last))


@jsii.implements(ec2.IConnectable, refs.IServerlessCacheRef)
class ServerlessCacheBase(ServerlessCacheMetrics, Watched, Snapshotted, ApiEvents, Permissions, cdk.Resource):
    """A serverless cache, defined in this app or imported."""

    serverless_cache_name: str
    user_group: IUserGroup | None
    usage_limits: UsageLimits | None = None
    """The limits of the cache; None for an imported cache."""
    uses_tls: bool = True
    """Always True: serverless caches have no connections without TLS."""
    is_public: bool = False
    """Whether the endpoint is on the internet, in no VPC; False for an imported cache."""
    _vpc: ec2.IVpc | None = None
    _connections: ec2.Connections
    _endpoint: Endpoint | None = None
    _reader_endpoint: Endpoint | None = None

    @property
    def connections(self) -> ec2.Connections:
        """The network connections of the cache; the default ports are those of both endpoints.

        Raises ValidationError for a cache with a public endpoint, which has no security groups.
        """
        if self.is_public:
            raise ValidationError(
                "connections must be asked of a cache in a VPC, got one with a public endpoint; let its clients reach "
                "port 6379 on the internet, for example with connections.allow_to_any_ipv4(ec2.Port.tcp(6379))"
            )
        return self._connections

    @property
    def endpoint(self) -> Endpoint:
        """The endpoint for reads and writes."""
        return self._known(self._endpoint, "endpoint")

    @property
    def reader_endpoint(self) -> Endpoint:
        """The endpoint for reads that may lag behind, served in the nearest zone."""
        return self._known(self._reader_endpoint, "reader_endpoint")

    @property
    def main_endpoint(self) -> Endpoint:
        """The endpoint that clients connect to first; every kind of cache has this property."""
        return self.endpoint

    @property
    def serverless_cache_arn(self) -> str:
        """The ARN that IAM policies name."""
        return cdk.Stack.of(self).format_arn(
            service="elasticache",
            resource="serverlesscache",
            resource_name=self.serverless_cache_name,
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )

    @property
    def serverless_cache_ref(self) -> refs.ServerlessCacheReference:
        """The reference that constructs of aws-cdk-lib accept for a serverless cache."""
        return refs.ServerlessCacheReference(
            serverless_cache_name=self.serverless_cache_name, serverless_cache_arn=self.serverless_cache_arn
        )

    @property
    def _arn(self) -> str:
        return self.serverless_cache_arn

    def grant_connect(self, grantee: iam.IGrantable, *users: IUser) -> iam.Grant:
        """Let ``grantee`` log in to this cache as ``users``, or as every IAM user of its group if none is named.

        Covers the cache and the users at once. Raises ValidationError when there is no user with IAM authentication.
        """
        return grant_connect(grantee, self.serverless_cache_arn, users, self.user_group)

    def on_event(self, construct_id: str, *detail_types: str, target: events.IRuleTarget | None = None) -> events.Rule:
        """Send the named events of this cache, such as ``"Cache Deleted"``, to ``target``; without names all events."""
        known_types = list(detail_types) or list(_CACHE_EVENTS)
        for detail_type in known_types:
            require_one_of("detail_types", detail_type, _CACHE_EVENTS, remedy="write it as the service does")
        return service_event_rule(self, construct_id, known_types, self.serverless_cache_arn, target)

    def on_updated(self, construct_id: str, *, target: events.IRuleTarget | None = None) -> events.Rule:
        """Send an event to ``target`` when the cache was changed, such as its limits."""
        return self.on_event(construct_id, "Cache Updated", target=target)

    def on_update_failed(self, construct_id: str, *, target: events.IRuleTarget | None = None) -> events.Rule:
        """Send an event to ``target`` when a change failed."""
        return self.on_event(construct_id, "Cache Update Failed", target=target)

    def on_limit_approaching(self, construct_id: str, *, target: events.IRuleTarget | None = None) -> events.Rule:
        """Send an event to ``target`` when a slot is close to its limit."""
        return self.on_event(construct_id, "Cache Limit Approaching", target=target)

    @property
    def _api_parameter(self) -> tuple[str, str]:
        return "serverlessCacheName", self.serverless_cache_name

    def _known(self, endpoint: Endpoint | None, name: str) -> Endpoint:
        if endpoint is None:
            raise ValidationError(
                f"{name} must be known to be used, got an imported serverless cache without it; pass it to "
                "from_serverless_cache_attributes"
            )
        return endpoint


IServerlessCache = ServerlessCacheBase
"""The type of a serverless cache in signatures, defined in this app or imported."""


class ImportedServerlessCache(ServerlessCacheBase):
    """A serverless cache that exists already, imported."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        serverless_cache_name: str,
        engine: Engine,
        endpoint_address: str | None,
        reader_endpoint_address: str | None,
        security_groups: Sequence[ec2.ISecurityGroup],
        user_group: IUserGroup | None,
    ) -> None:
        require_host("endpoint_address", endpoint_address)
        require_host("reader_endpoint_address", reader_endpoint_address)
        require_group_ids(security_groups)
        super().__init__(scope, construct_id)
        self.serverless_cache_name = serverless_cache_name
        self.user_group = user_group
        port, reader_port = _PORTS[engine]
        if endpoint_address is not None:
            self._endpoint = Endpoint(endpoint_address, port)
        if reader_endpoint_address is not None:
            self._reader_endpoint = Endpoint(reader_endpoint_address, reader_port)
        self._connections = connections_of(engine, security_groups)
