"""What is done with each property of AWS::RDS types."""

from cachetwin_local.resources.property_use import PropertyUse, recorded, refused

_TAGS = "nothing here reads tags"
_EMPTY = "no data is read from a snapshot or a backup: the database starts empty"
_DISK = "the data is on this machine's disk"
_UPKEEP = "nothing here is patched, upgraded or backed up by a schedule"
_WATCH = "metrics are the server's own"

DB_INSTANCE = PropertyUse.of(
    "DBClusterIdentifier DBName DBParameterGroupName EnableIAMDatabaseAuthentication Engine EngineVersion "
    "ManageMasterUserPassword MasterUserPassword MasterUsername Port SourceDBInstanceIdentifier",
    {
        **recorded("a part of names and ARNs", "DBInstanceIdentifier"),
        **recorded("checked where the groups and subnets are of this app", "DBSubnetGroupName VPCSecurityGroups"),
        **recorded(_TAGS, "Tags CopyTagsToSnapshot"),
        **recorded(
            _DISK,
            "AdditionalStorageVolumes AllocatedStorage DedicatedLogVolume Iops KmsKeyId MaxAllocatedStorage "
            "StorageEncrypted StorageThroughput StorageType",
        ),
        **recorded(
            _UPKEEP,
            "AllowMajorVersionUpgrade ApplyImmediately AutoMinorVersionUpgrade AutomaticBackupReplicationKmsKeyId "
            "AutomaticBackupReplicationRegion AutomaticBackupReplicationRetentionPeriod BackupRetentionPeriod BackupTarget "
            "DeleteAutomatedBackups DeletionProtection EngineLifecycleSupport PreferredBackupWindow "
            "PreferredMaintenanceWindow CertificateRotationRestart",
        ),
        **recorded(
            _WATCH,
            "DatabaseInsightsMode EnableCloudwatchLogsExports EnablePerformanceInsights MonitoringInterval "
            "MonitoringRoleArn PerformanceInsightsKMSKeyId PerformanceInsightsRetentionPeriod",
        ),
        **recorded(
            "every zone is this machine",
            "AvailabilityZone DBInstanceClass MultiAZ NetworkType ProcessorFeatures PromotionTier PubliclyAccessible "
            "UseDefaultProcessorFeatures LicenseModel CustomIAMInstanceProfile DBSystemId",
        ),
        **recorded("the local CA signs for it", "CACertificateIdentifier"),
        **recorded("the secret is made here", "MasterUserSecret"),
        **recorded(
            "Oracle, SQL Server and Db2 do not run here", "CharacterSetName NcharCharacterSetName TdeCredentialArn"
        ),
        **recorded("Oracle, SQL Server and Db2 do not run here", "TdeCredentialPassword Timezone ReplicaMode"),
    },
    {
        **refused(
            _EMPTY,
            "DBSnapshotIdentifier DBClusterSnapshotIdentifier RestoreTime SourceDBClusterIdentifier "
            "SourceDBInstanceAutomatedBackupsArn SourceDbiResourceId SourceRegion UseLatestRestorableTime",
        ),
        **refused(
            "there is no directory here: users have passwords", "Domain DomainAuthSecretArn DomainDnsIps DomainFqdn"
        ),
        **refused("there is no directory here: users have passwords", "DomainIAMRoleName DomainOu"),
        **refused("options of an option group are not installed", "OptionGroupName"),
        **refused("the database calls no other service here", "AssociatedRoles"),
        **refused("the master user has a password here", "MasterUserAuthenticationType", unless=("password",)),
        **refused("EC2-Classic's security groups are not checked here", "DBSecurityGroups"),
    },
)

DB_CLUSTER = PropertyUse.of(
    "DBClusterParameterGroupName DatabaseName EnableIAMDatabaseAuthentication Engine EngineVersion "
    "GlobalClusterIdentifier ManageMasterUserPassword MasterUserPassword MasterUsername "
    "Port ReplicationSourceIdentifier SourceDBClusterIdentifier",
    {
        **recorded("a part of names and ARNs", "DBClusterIdentifier"),
        **recorded("checked where the groups and subnets are of this app", "DBSubnetGroupName VpcSecurityGroupIds"),
        **recorded(_TAGS, "Tags CopyTagsToSnapshot"),
        **recorded(_DISK, "AllocatedStorage Iops KmsKeyId StorageEncrypted StorageType"),
        **recorded(
            _UPKEEP,
            "AutoMinorVersionUpgrade BackupRetentionPeriod DeleteAutomatedBackups DeletionProtection "
            "EngineLifecycleSupport PreferredBackupWindow PreferredMaintenanceWindow",
        ),
        **recorded(
            _WATCH,
            "DatabaseInsightsMode EnableCloudwatchLogsExports MonitoringInterval MonitoringRoleArn "
            "PerformanceInsightsEnabled PerformanceInsightsKmsKeyId PerformanceInsightsRetentionPeriod",
        ),
        **recorded(
            "one server stands for all instances, of whatever size",
            "AvailabilityZones ClusterScalabilityType DBClusterInstanceClass DBInstanceParameterGroupName DBSystemId "
            "EngineMode NetworkType PubliclyAccessible ScalingConfiguration ServerlessV2ScalingConfiguration",
        ),
        **recorded("nothing is kept to go back to", "BacktrackWindow"),
        **recorded("the secret is made here", "MasterUserSecret"),
    },
    {
        **refused(
            _EMPTY,
            "RestoreToTime RestoreType SnapshotIdentifier SourceDbClusterResourceId SourceRegion UseLatestRestorableTime",
        ),
        **refused("there is no directory here: users have passwords", "Domain DomainIAMRoleName"),
        **refused("the database calls no other service here", "AssociatedRoles"),
        **refused("the master user has a password here", "MasterUserAuthenticationType", unless=("password",)),
        **refused("there is no Data API here", "EnableHttpEndpoint"),
        **refused("readers and writer are one server here", "EnableGlobalWriteForwarding EnableLocalWriteForwarding"),
    },
)
