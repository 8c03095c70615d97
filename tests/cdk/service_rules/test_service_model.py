"""Every member of the requests that make caches, in botocore's service model: which argument sets it, or why none does.

A member or a value that a newer botocore has and this table has not fails here, and is then decided.
"""

import functools
import inspect
from typing import Any

import pytest
from botocore.session import get_session  # type: ignore[import-untyped]

import cachetwin_cdk
from cachetwin_cdk import ConnectionType, Durability, IpDiscovery, LogFormat, LogType, NetworkType, TransitEncryption
from cachetwin_cdk.replication_group.topology import ClusterMode

# Why no argument sets a member.
MADE = "made from other arguments"
TAGS = "cdk.Tags sets tags of all resources"
CLASSIC = "caches outside of a VPC are not made any more"
OUTPOST = "outposts are not supported"
DEPLOYED = "CloudFormation decides how a change is made"
ONE_NODE = "Valkey and Redis are made as replication groups"
ABSENT = "CloudFormation does not have it"

GROUP = {
    "ReplicationGroupId": "ReplicationGroup.replication_group_id",
    "ReplicationGroupDescription": "ReplicationGroup.description",
    "AutomaticFailoverEnabled": "Topology.failover",
    "MultiAZEnabled": "Topology.failover",
    "CacheNodeType": "ReplicationGroup.node_type",
    "Engine": "ReplicationGroup.engine_version",
    "EngineVersion": "ReplicationGroup.engine_version",
    "CacheParameterGroupName": "ReplicationGroup.parameter_group",
    "CacheSecurityGroupNames": CLASSIC,
    "SecurityGroupIds": "ReplicationGroup.security_groups",
    "PreferredMaintenanceWindow": "Maintenance.window",
    "NotificationTopicArn": "Maintenance.notification_topic",
    "AutoMinorVersionUpgrade": "Maintenance.auto_minor_version_upgrade",
    "SnapshotRetentionLimit": "Backups.retention_days",
    "SnapshotWindow": "Backups.window",
    "AuthToken": "Access.token",
    "TransitEncryptionEnabled": "Encryption.transit",
    "TransitEncryptionMode": "Encryption.transit",
    "LogDeliveryConfigurations": "Logging.deliveries",
    "IpDiscovery": "ReplicationGroup.ip_discovery",
    "ClusterMode": "Topology.cluster_mode",
    "Durability": "ReplicationGroup.durability",
}
SERVERLESS = {
    "ServerlessCacheName": "ServerlessCache.serverless_cache_name",
    "Description": "ServerlessCache.description",
    "Engine": "ServerlessCache.engine",
    "MajorEngineVersion": "ServerlessCache.engine",
    "CacheUsageLimits": "ServerlessCache.usage_limits",
    "SecurityGroupIds": "ServerlessCache.security_groups",
    "UserGroupId": "ServerlessCache.access",
    "SnapshotRetentionLimit": "Backups.retention_days",
    "DailySnapshotTime": "Backups.window",
}
USER = {
    "UserId": "PasswordUser.user_id",
    "Engine": "PasswordUser.engine",
    "Passwords": "PasswordUser.secrets",
    "AccessString": "PasswordUser.access_string",
    "NoPasswordRequired": "NoPasswordUser.access_string",
    "AuthenticationMode": "IamUser.access_string",
}
MEMBERS: dict[str, dict[str, str]] = {
    "CreateReplicationGroup": {
        **GROUP,
        "GlobalReplicationGroupId": "SecondaryReplicationGroup.global_datastore",
        "PrimaryClusterId": ONE_NODE,
        "NumCacheClusters": "Topology.replicas",
        "PreferredCacheClusterAZs": "Topology.availability_zones",
        "NumNodeGroups": "Topology.shards",
        "ReplicasPerNodeGroup": "Topology.replicas",
        "NodeGroupConfiguration": "Topology.placement",
        "CacheSubnetGroupName": "ReplicationGroup.subnet_group",
        "Tags": TAGS,
        "SnapshotArns": "RestoreFrom.source_arns",
        "SnapshotName": "RestoreFrom.snapshot_name",
        "Port": "ReplicationGroup.port",
        "AtRestEncryptionEnabled": "Encryption.at_rest",
        "KmsKeyId": "Encryption.kms_key",
        "UserGroupIds": "Access.given_group",
        "DataTieringEnabled": "ReplicationGroup.node_type",
        "NetworkType": "ReplicationGroup.network_type",
        "ServerlessCacheSnapshotName": ABSENT,
    },
    "ModifyReplicationGroup": {
        **GROUP,
        "PrimaryClusterId": DEPLOYED,
        "SnapshottingClusterId": DEPLOYED,
        "NodeGroupId": DEPLOYED,
        "NotificationTopicStatus": DEPLOYED,
        "ApplyImmediately": DEPLOYED,
        "AuthTokenUpdateStrategy": "AuthTokenRotation.cache",
        "UserGroupIdsToAdd": DEPLOYED,
        "UserGroupIdsToRemove": DEPLOYED,
        "RemoveUserGroups": DEPLOYED,
    },
    "CreateCacheCluster": {
        "CacheClusterId": "MemcachedCluster.cluster_name",
        "ReplicationGroupId": ONE_NODE,
        "AZMode": "MemcachedTopology.crosses_zones",
        "PreferredAvailabilityZone": "MemcachedTopology.availability_zones",
        "PreferredAvailabilityZones": "MemcachedTopology.availability_zones",
        "NumCacheNodes": "MemcachedTopology.nodes",
        "CacheNodeType": "MemcachedCluster.node_type",
        "Engine": "MemcachedCluster.engine_version",
        "EngineVersion": "MemcachedCluster.engine_version",
        "CacheParameterGroupName": "MemcachedCluster.parameter_group",
        "CacheSubnetGroupName": "MemcachedCluster.subnet_group",
        "CacheSecurityGroupNames": CLASSIC,
        "SecurityGroupIds": "MemcachedCluster.security_groups",
        "Tags": TAGS,
        "SnapshotArns": ONE_NODE,
        "SnapshotName": ONE_NODE,
        "PreferredMaintenanceWindow": "Maintenance.window",
        "Port": "MemcachedCluster.port",
        "NotificationTopicArn": "Maintenance.notification_topic",
        "AutoMinorVersionUpgrade": "Maintenance.auto_minor_version_upgrade",
        "SnapshotRetentionLimit": ONE_NODE,
        "SnapshotWindow": ONE_NODE,
        "AuthToken": ONE_NODE,
        "OutpostMode": OUTPOST,
        "PreferredOutpostArn": OUTPOST,
        "PreferredOutpostArns": OUTPOST,
        "LogDeliveryConfigurations": ONE_NODE,
        "TransitEncryptionEnabled": "MemcachedCluster.transit_encryption",
        "NetworkType": "MemcachedCluster.network_type",
        "IpDiscovery": "MemcachedCluster.ip_discovery",
    },
    "CreateServerlessCache": {
        **SERVERLESS,
        "KmsKeyId": "ServerlessCache.kms_key",
        "SnapshotArnsToRestore": "RestoreFrom.source_arns",
        "Tags": TAGS,
        "SubnetIds": "ServerlessCache.vpc_subnets",
        "NetworkType": "ServerlessCache.network_type",
        "ConnectionType": "ServerlessCache.connection_type",
        "Integrations": ABSENT,
    },
    "ModifyServerlessCache": {**SERVERLESS, "RemoveUserGroup": DEPLOYED},
    "CreateUser": {**USER, "UserName": "PasswordUser.user_name", "Tags": TAGS},
    "ModifyUser": {**USER, "AppendAccessString": DEPLOYED},
    "CreateUserGroup": {
        "UserGroupId": "UserGroup.user_group_id",
        "Engine": "UserGroup.engine",
        "UserIds": "UserGroup.users",
        "Tags": TAGS,
    },
    "CreateCacheSubnetGroup": {
        "CacheSubnetGroupName": "SubnetGroup.subnet_group_name",
        "CacheSubnetGroupDescription": "SubnetGroup.description",
        "SubnetIds": "SubnetGroup.vpc_subnets",
        "Tags": TAGS,
    },
    "CreateCacheParameterGroup": {
        "CacheParameterGroupName": MADE,
        "CacheParameterGroupFamily": "ParameterGroup.family",
        "Description": "ParameterGroup.description",
        "Tags": TAGS,
    },
    "CreateGlobalReplicationGroup": {
        "GlobalReplicationGroupIdSuffix": "GlobalDatastore.id_suffix",
        "GlobalReplicationGroupDescription": "GlobalDatastore.description",
        "PrimaryReplicationGroupId": "GlobalDatastore.primary",
        "Tags": TAGS,
    },
    "CreateSnapshot": {
        "ReplicationGroupId": "CacheSnapshot.cache",
        "CacheClusterId": ONE_NODE,
        "SnapshotName": "CacheSnapshot.snapshot_name",
        "KmsKeyId": "CacheSnapshot.kms_key",
        "Tags": TAGS,
    },
    "CreateServerlessCacheSnapshot": {
        "ServerlessCacheSnapshotName": "CacheSnapshot.snapshot_name",
        "ServerlessCacheName": "CacheSnapshot.cache",
        "KmsKeyId": "CacheSnapshot.kms_key",
        "Tags": TAGS,
    },
}
REASONS = {MADE, TAGS, CLASSIC, OUTPOST, DEPLOYED, ONE_NODE, ABSENT}
# The values of a shape, and those of our arguments.
VALUES: dict[str, set[str]] = {
    "ClusterMode": set(ClusterMode),
    "ConnectionType": set(ConnectionType),
    "Durability": set(Durability),
    "IpDiscovery": set(IpDiscovery),
    "LogFormat": set(LogFormat),
    "LogType": set(LogType),
    "NetworkType": set(NetworkType),
    "TransitEncryptionMode": {mode.value for mode in TransitEncryption if mode is not TransitEncryption.OFF},
    "DestinationType": {"cloudwatch-logs", "kinesis-firehose"},
    "AZMode": {"single-az", "cross-az"},
    "InputAuthenticationType": {"password", "no-password-required", "iam"},
    "DataStorageUnit": {"GB"},
}
NODE_GROUP = {
    "NodeGroupId": "Shard.shard_id",
    "Slots": "Shard.slots",
    "ReplicaCount": "Shard.replicas",
    "PrimaryAvailabilityZone": "Shard.primary_availability_zone",
    "ReplicaAvailabilityZones": "Shard.replica_availability_zones",
    "PrimaryOutpostArn": OUTPOST,
    "ReplicaOutpostArns": OUTPOST,
}


@functools.cache
def model() -> Any:  # noqa: ANN401  (botocore has no types)
    return get_session().get_service_model("elasticache")


@pytest.mark.parametrize("operation", MEMBERS)
def test_each_member_of_a_request_is_decided(operation: str) -> None:
    assert set(model().operation_model(operation).input_shape.members) == set(MEMBERS[operation])


def test_each_member_of_a_shard_is_decided() -> None:
    assert set(model().shape_for("NodeGroupConfiguration").members) == set(NODE_GROUP)


@pytest.mark.parametrize("operation", MEMBERS)
def test_the_arguments_exist(operation: str) -> None:
    for member, decided in (MEMBERS[operation] | NODE_GROUP).items():
        if decided not in REASONS:
            owner, _, argument = decided.partition(".")
            assert argument in inspect.signature(getattr(cachetwin_cdk, owner).__init__).parameters, member


@pytest.mark.parametrize("shape", VALUES)
def test_each_value_of_a_member_is_known(shape: str) -> None:
    assert {str(value) for value in VALUES[shape]} == set(model().shape_for(shape).enum)


@pytest.mark.parametrize("operation", MEMBERS)
def test_no_further_member_has_a_list_of_values(operation: str) -> None:
    shapes = model().operation_model(operation).input_shape.members.values()
    named = {shape.name for shape in shapes if getattr(shape, "enum", None)}
    assert named <= {*VALUES, "AuthTokenUpdateStrategyType", "OutpostMode"}
