"""What is done with each property of AWS::ElastiCache types."""

from cachetwin_local.resources.property_use import PropertyUse, recorded, refused

_TAGS = "nothing here reads tags"
_REST = "nothing is encrypted at rest here"
_UPKEEP = "nothing here is patched by a schedule"
_REPLICA = "a cache here does not begin as a copy of a node"
_IPV4 = "endpoints have IPv4 addresses here"

PARAMETER_GROUP = PropertyUse.of(
    "CacheParameterGroupFamily Properties.*",
    {**recorded("a text for people", "Description"), **recorded(_TAGS, "Tags")},
)

REPLICATION_GROUP = PropertyUse.of(
    "AuthToken AutomaticFailoverEnabled CacheNodeType CacheParameterGroupName ClusterMode Engine EngineVersion "
    "GlobalReplicationGroupId NodeGroupConfiguration.* NumCacheClusters NumNodeGroups Port PreferredCacheClusterAZs "
    "ReplicasPerNodeGroup SnapshotArns SnapshotName SnapshotRetentionLimit SnapshotWindow TransitEncryptionEnabled "
    "TransitEncryptionMode UserGroupIds LogDeliveryConfigurations.* NotificationTopicArn",
    {
        **recorded("a part of names and ARNs", "ReplicationGroupId ReplicationGroupDescription"),
        **recorded("checked where the groups and subnets are of this app", "SecurityGroupIds CacheSubnetGroupName"),
        **recorded(_TAGS, "Tags"),
        **recorded(_REST, "AtRestEncryptionEnabled KmsKeyId"),
        **recorded(_UPKEEP, "AutoMinorVersionUpgrade PreferredMaintenanceWindow"),
        **recorded("snapshots are taken from a replica where there is one", "SnapshottingClusterId"),
        **recorded("every zone is this machine", "MultiAZEnabled"),
    },
    {
        **refused(_REPLICA, "PrimaryClusterId"),
        **refused("all data is in memory here", "DataTieringEnabled"),
        **refused(_IPV4, "IpDiscovery NetworkType", unless=("ipv4",)),
        **refused("EC2-Classic's security groups are not checked here", "CacheSecurityGroupNames"),
        **refused("a write is acknowledged when its primary has it", "Durability", unless=("disabled", "default")),
    },
)

GLOBAL_REPLICATION_GROUP = PropertyUse.of(
    "CacheNodeType CacheParameterGroupName Engine EngineVersion GlobalNodeGroupCount GlobalReplicationGroupIdSuffix "
    "Members.ReplicationGroupId Members.Role",
    {
        **recorded("a text for people", "GlobalReplicationGroupDescription"),
        **recorded(_TAGS, "Tags"),
        **recorded("the members say whether their shards fail over", "AutomaticFailoverEnabled"),
        **recorded("a member is in the region of its stack", "Members.ReplicationGroupRegion"),
    },
    {**refused("each region has the node groups of its own template", "RegionalConfigurations")},
)

CACHE_CLUSTER = PropertyUse.of(
    "AZMode CacheNodeType CacheParameterGroupName Engine EngineVersion NumCacheNodes Port PreferredAvailabilityZone "
    "PreferredAvailabilityZones SnapshotArns SnapshotName SnapshotRetentionLimit SnapshotWindow TransitEncryptionEnabled "
    "LogDeliveryConfigurations.* NotificationTopicArn",
    {
        **recorded("a part of names and ARNs", "ClusterName"),
        **recorded("checked where the groups and subnets are of this app", "VpcSecurityGroupIds CacheSubnetGroupName"),
        **recorded(_TAGS, "Tags"),
        **recorded(_UPKEEP, "AutoMinorVersionUpgrade PreferredMaintenanceWindow"),
    },
    {
        **refused(_IPV4, "IpDiscovery NetworkType", unless=("ipv4",)),
        **refused("EC2-Classic's security groups are not checked here", "CacheSecurityGroupNames"),
    },
)

SERVERLESS_CACHE = PropertyUse.of(
    "CacheUsageLimits.DataStorage.Maximum CacheUsageLimits.ECPUPerSecond.Maximum DailySnapshotTime Engine "
    "FinalSnapshotName MajorEngineVersion SnapshotArnsToRestore SnapshotRetentionLimit UserGroupId",
    {
        **recorded("a part of names and ARNs", "ServerlessCacheName Description"),
        **recorded("checked where the groups and subnets are of this app", "SecurityGroupIds SubnetIds"),
        **recorded("what the service answers", "Endpoint ReaderEndpoint"),
        **recorded("a cache here has no least size", "CacheUsageLimits.DataStorage.Minimum"),
        **recorded("the service has no other unit", "CacheUsageLimits.DataStorage.Unit"),
        **recorded("a cache here is always as fast as it can", "CacheUsageLimits.ECPUPerSecond.Minimum"),
        **recorded(_TAGS, "Tags"),
        **recorded(_REST, "KmsKeyId"),
    },
    {
        **refused(_IPV4, "NetworkType", unless=("ipv4",)),
        **refused("no endpoint here is public", "ConnectionType", unless=("VPC",)),
    },
)

USER = PropertyUse.of(
    "AccessString AuthenticationMode.* Engine NoPasswordRequired Passwords UserId UserName", recorded(_TAGS, "Tags")
)

USER_GROUP = PropertyUse.of("Engine UserGroupId UserIds", recorded(_TAGS, "Tags"))
