"""CDK constructs for Amazon ElastiCache, secure by default and checked at synth."""

from ._node import use_supported_node

use_supported_node()

from .access.access_string import AccessString  # noqa: E402  (as above)
from .access.auth_token import AuthToken  # noqa: E402  (as above)
from .access.user_group import IUserGroup, UserGroup  # noqa: E402  (as above)
from .access.users import IamUser, IUser, NoPasswordUser, PasswordUser, User  # noqa: E402  (as above)
from .checks._validate import ValidationError  # noqa: E402  (as above)
from .compliance import Compliance  # noqa: E402  (as above)
from .engine.engine_version import Engine, EngineVersion  # noqa: E402  (as above)
from .engine.node_type import NodeType  # noqa: E402  (as above)
from .engine.parameter_group import IParameterGroup, ParameterGroup  # noqa: E402  (as above)
from .engine.serverless_engine import ServerlessEngine  # noqa: E402  (as above)
from .engine.windows import MaintenanceWindow, SnapshotWindow  # noqa: E402  (as above)
from .global_datastore import GlobalDatastore, IGlobalDatastore, SecondaryReplicationGroup  # noqa: E402  (as above)
from .memcached_cluster import IMemcachedCluster, MemcachedCluster  # noqa: E402  (as above)
from .monitoring.alarms import AlarmPack, CacheAlarms  # noqa: E402  (as above)
from .monitoring.dashboard import CacheDashboard  # noqa: E402  (as above)
from .monitoring.log_delivery import LogDelivery, LogFormat, LogType  # noqa: E402  (as above)
from .network.control_plane_endpoint import ControlPlaneEndpoint  # noqa: E402  (as above)
from .network.endpoint import Endpoint  # noqa: E402  (as above)
from .network.network import IpDiscovery, NetworkType  # noqa: E402  (as above)
from .network.subnet_group import ISubnetGroup, SubnetGroup  # noqa: E402  (as above)
from .operations.cache_record import CacheRecord, EndpointKind  # noqa: E402  (as above)
from .operations.scaling import ReplicaScaling, ShardScaling  # noqa: E402  (as above)
from .replication_group._base import IReplicationGroup  # noqa: E402  (aws_cdk starts Node on import: choose it first)
from .replication_group.durability import Durability  # noqa: E402  (as above)
from .replication_group.replication_group import ReplicationGroup  # noqa: E402  (as above)
from .replication_group.topology import ClusterMode, Shard  # noqa: E402  (as above)
from .replication_group.transit_encryption import TransitEncryptionMode  # noqa: E402  (as above)
from .rotation import AuthTokenRotation, UserPasswordRotation  # noqa: E402  (as above)
from .serverless._base import IServerlessCache  # noqa: E402  (as above)
from .serverless.limits import UsageLimits  # noqa: E402  (as above)
from .serverless.serverless_cache import ConnectionType, ServerlessCache  # noqa: E402  (as above)

__all__ = [
    "AccessString",
    "AlarmPack",
    "AuthToken",
    "AuthTokenRotation",
    "CacheAlarms",
    "CacheDashboard",
    "CacheRecord",
    "ClusterMode",
    "Compliance",
    "ConnectionType",
    "ControlPlaneEndpoint",
    "Durability",
    "Endpoint",
    "EndpointKind",
    "Engine",
    "EngineVersion",
    "GlobalDatastore",
    "IGlobalDatastore",
    "IMemcachedCluster",
    "IParameterGroup",
    "IReplicationGroup",
    "IServerlessCache",
    "ISubnetGroup",
    "IUser",
    "IUserGroup",
    "IamUser",
    "IpDiscovery",
    "LogDelivery",
    "LogFormat",
    "LogType",
    "MaintenanceWindow",
    "MemcachedCluster",
    "NetworkType",
    "NoPasswordUser",
    "NodeType",
    "ParameterGroup",
    "PasswordUser",
    "ReplicaScaling",
    "ReplicationGroup",
    "SecondaryReplicationGroup",
    "ServerlessCache",
    "ServerlessEngine",
    "Shard",
    "ShardScaling",
    "SnapshotWindow",
    "SubnetGroup",
    "TransitEncryptionMode",
    "UsageLimits",
    "User",
    "UserGroup",
    "UserPasswordRotation",
    "ValidationError",
]
