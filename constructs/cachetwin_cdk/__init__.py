"""CDK constructs for Amazon ElastiCache, secure by default and checked at synth."""

import cachetwin_cdk_node  # noqa: F401  (chooses Node.js before aws_cdk starts it)

from .access.access_string import AccessString
from .access.auth_token import AuthToken
from .access.user_group import IUserGroup, UserGroup
from .access.users import IamUser, IUser, NoPasswordUser, PasswordUser, User
from .checks._validate import ValidationError
from .compliance import Compliance
from .engine.engine_version import Engine, EngineVersion
from .engine.node_type import NodeType
from .engine.parameter_group import IParameterGroup, ParameterGroup
from .engine.serverless_engine import ServerlessEngine
from .engine.windows import MaintenanceWindow, SnapshotWindow
from .global_datastore.global_datastore import GlobalDatastore, IGlobalDatastore
from .global_datastore.secondary_replication_group import SecondaryReplicationGroup
from .memcached_cluster import IMemcachedCluster, MemcachedCluster
from .monitoring.alarms import AlarmPack, CacheAlarms
from .monitoring.dashboard import CacheDashboard
from .monitoring.log_delivery import LogDelivery, LogFormat, LogType
from .network.control_plane_endpoint import ControlPlaneEndpoint
from .network.endpoint import Endpoint
from .network.network import IpDiscovery, NetworkType
from .network.subnet_group import ISubnetGroup, SubnetGroup
from .operations.cache_record import CacheRecord, EndpointKind
from .operations.scaling import ReplicaScaling, ShardScaling
from .operations.snapshot import CacheSnapshot
from .replication_group._base import IReplicationGroup
from .replication_group.durability import Durability
from .replication_group.replication_group import ReplicationGroup
from .replication_group.topology import ClusterMode, Shard
from .replication_group.transit_encryption import TransitEncryptionMode
from .rotation import AuthTokenRotation, UserPasswordRotation
from .serverless._base import IServerlessCache
from .serverless.limits import UsageLimits
from .serverless.serverless_cache import ConnectionType, ServerlessCache

__all__ = [
    "AccessString",
    "AlarmPack",
    "AuthToken",
    "AuthTokenRotation",
    "CacheAlarms",
    "CacheDashboard",
    "CacheRecord",
    "CacheSnapshot",
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
