"""CDK constructs for Amazon ElastiCache, secure by default and checked at synth."""

from ._node import use_supported_node

use_supported_node()

from ._replication_group_base import IReplicationGroup  # noqa: E402  (aws_cdk starts Node on import: choose it first)
from ._serverless_cache_base import IServerlessCache  # noqa: E402  (as above)
from ._validate import ValidationError  # noqa: E402  (as above)
from .access_string import AccessString  # noqa: E402  (as above)
from .alarms import AlarmPack, CacheAlarms  # noqa: E402  (as above)
from .auth_token import AuthToken  # noqa: E402  (as above)
from .cache_record import CacheRecord, EndpointKind  # noqa: E402  (as above)
from .compliance import Compliance  # noqa: E402  (as above)
from .control_plane_endpoint import ControlPlaneEndpoint  # noqa: E402  (as above)
from .dashboard import CacheDashboard  # noqa: E402  (as above)
from .durability import Durability  # noqa: E402  (as above)
from .endpoint import Endpoint  # noqa: E402  (as above)
from .engine_version import Engine, EngineVersion  # noqa: E402  (as above)
from .global_datastore import GlobalDatastore, IGlobalDatastore, SecondaryReplicationGroup  # noqa: E402  (as above)
from .log_delivery import LogDelivery, LogFormat, LogType  # noqa: E402  (as above)
from .memcached_cluster import IMemcachedCluster, MemcachedCluster  # noqa: E402  (as above)
from .network import IpDiscovery, NetworkType  # noqa: E402  (as above)
from .node_type import NodeType  # noqa: E402  (as above)
from .parameter_group import IParameterGroup, ParameterGroup  # noqa: E402  (as above)
from .replication_group import ReplicationGroup  # noqa: E402  (as above)
from .rotation import AuthTokenRotation, UserPasswordRotation  # noqa: E402  (as above)
from .scaling import ReplicaScaling, ShardScaling  # noqa: E402  (as above)
from .serverless_cache import ConnectionType, ServerlessCache  # noqa: E402  (as above)
from .serverless_engine import ServerlessEngine  # noqa: E402  (as above)
from .serverless_limits import UsageLimits  # noqa: E402  (as above)
from .subnet_group import ISubnetGroup, SubnetGroup  # noqa: E402  (as above)
from .topology import ClusterMode, Shard  # noqa: E402  (as above)
from .transit_encryption import TransitEncryptionMode  # noqa: E402  (as above)
from .user_group import IUserGroup, UserGroup  # noqa: E402  (as above)
from .users import IamUser, IUser, NoPasswordUser, PasswordUser, User  # noqa: E402  (as above)
from .windows import MaintenanceWindow, SnapshotWindow  # noqa: E402  (as above)

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
