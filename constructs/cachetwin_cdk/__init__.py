"""CDK constructs for Amazon ElastiCache, secure by default and checked at synth."""

import cachetwin_cdk_node  # noqa: F401  (chooses Node.js before aws_cdk starts it)

from .access.access import Access
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
from .memcached_topology import MemcachedTopology
from .monitoring.alarms import AlarmPack, CacheAlarms
from .monitoring.dashboard import CacheDashboard
from .monitoring.log_delivery import LogDelivery, LogFormat, Logging, LogType
from .network.control_plane_endpoint import ControlPlaneEndpoint
from .network.endpoint import Endpoint
from .network.network import IpDiscovery, NetworkType
from .network.subnet_group import ISubnetGroup, SubnetGroup
from .operations.backups import Backups, RestoreFrom
from .operations.cache_record import CacheRecord, EndpointKind
from .operations.maintenance import Maintenance
from .operations.node_scaling import NodeScaling
from .operations.scaling import ReplicaScaling, ShardScaling
from .operations.snapshot import CacheSnapshot
from .production_checks import ProductionChecks
from .replication_group._base import IReplicationGroup
from .replication_group.durability import Durability
from .replication_group.encryption import Encryption, TransitEncryption
from .replication_group.replication_group import ReplicationGroup
from .replication_group.shard import Shard
from .replication_group.topology import ClusterMode, Failover, Topology
from .rotation import AuthTokenRotation, UserPasswordRotation
from .serverless._base import IServerlessCache
from .serverless.limits import UsageLimits
from .serverless.reach import ConnectionType
from .serverless.serverless_cache import ServerlessCache

__all__ = [
    "Access",
    "AccessString",
    "AlarmPack",
    "AuthToken",
    "AuthTokenRotation",
    "Backups",
    "CacheAlarms",
    "CacheDashboard",
    "CacheRecord",
    "CacheSnapshot",
    "ClusterMode",
    "Compliance",
    "ConnectionType",
    "ControlPlaneEndpoint",
    "Durability",
    "Encryption",
    "Endpoint",
    "EndpointKind",
    "Engine",
    "EngineVersion",
    "Failover",
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
    "Logging",
    "Maintenance",
    "MaintenanceWindow",
    "MemcachedCluster",
    "MemcachedTopology",
    "NetworkType",
    "NoPasswordUser",
    "NodeScaling",
    "NodeType",
    "ParameterGroup",
    "PasswordUser",
    "ProductionChecks",
    "ReplicaScaling",
    "ReplicationGroup",
    "RestoreFrom",
    "SecondaryReplicationGroup",
    "ServerlessCache",
    "ServerlessEngine",
    "Shard",
    "ShardScaling",
    "SnapshotWindow",
    "SubnetGroup",
    "Topology",
    "TransitEncryption",
    "UsageLimits",
    "User",
    "UserGroup",
    "UserPasswordRotation",
    "ValidationError",
]
