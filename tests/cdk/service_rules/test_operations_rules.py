"""ElastiCache's own rules about windows, snapshots, logs, networks and serverless caches, row by row.

The ids are those of the table of rules that the constructs were built to. The other tests go into more detail about each.
"""

from tests.cdk.service_rules.site import OPEN, PUBLIC, RuleTests, Table

from cachetwin_cdk import (
    Access,
    Backups,
    EngineVersion,
    Failover,
    IamUser,
    LogDelivery,
    Logging,
    LogType,
    Maintenance,
    MaintenanceWindow,
    NetworkType,
    NodeType,
    RestoreFrom,
    ServerlessEngine,
    SnapshotWindow,
    SubnetGroup,
    Topology,
    UsageLimits,
    UserGroup,
)

REFUSED: Table = {
    "O1": [
        (
            lambda _s: MaintenanceWindow.of("sun:05:00-sun:05:59"),
            "maintenance_window must last at least 60 minutes, got '59 minutes'",
            lambda _s: MaintenanceWindow.of("sun:05:00-sun:06:00"),
        ),
        (
            lambda _s: MaintenanceWindow.of("Sunday 5am"),
            "maintenance_window must be written ddd:hh:mm-ddd:hh:mm",
            lambda _s: MaintenanceWindow.of("sat:23:30-sun:00:30"),
        ),
    ],
    "O2": [
        (
            lambda _s: SnapshotWindow.of("03:00-03:30"),
            "snapshot_window must last at least 60 minutes",
            lambda _s: SnapshotWindow.of("23:30-00:30"),
        )
    ],
    "O3": [
        (
            lambda s: s.group(backups=Backups.daily(retention_days=36)),
            "retention_days must be between 0 and 35 days",
            lambda s: s.group(backups=Backups.daily(retention_days=35)),
        ),
        (
            lambda s: s.group(backups=Backups(retention_days=0, window=SnapshotWindow.of("03:00-04:00"))),
            "window must be left out when retention_days is 0",
            lambda s: s.group(backups=Backups.daily(retention_days=1, window=SnapshotWindow.of("03:00-04:00"))),
        ),
    ],
    "O4": [
        (
            lambda s: s.group(restore=RestoreFrom.arns(["arn:aws:s3:::backups/a,b.rdb"])),
            "arns must name RDB files in S3, without a comma",
            lambda s: s.group(restore=RestoreFrom.arns(["arn:aws:s3:::backups/a.rdb"])),
        )
    ],
    "O5": [
        (
            lambda s: s.group(
                logging=Logging.to(*(LogDelivery.to_firehose(LogType.SLOW, name) for name in ("a", "b")))
            ),
            "logging must name each log at most once",
            lambda s: s.group(logging=Logging.to(*(LogDelivery.to_firehose(kind, "a") for kind in LogType))),
        ),
        (
            lambda s: s.group(
                engine_version=EngineVersion.REDIS_6_0, logging=Logging.to(LogDelivery.to_firehose(LogType.ENGINE, "a"))
            ),
            "logging must name engine-log only for Valkey or Redis from 6.2",
            lambda s: s.group(
                engine_version=EngineVersion.REDIS_6_0, logging=Logging.to(LogDelivery.to_firehose(LogType.SLOW, "a"))
            ),
        ),
    ],
    "O6": [
        (
            lambda s: s.group(maintenance=Maintenance(notification_topic=s.topic(master_key=s.key()))),
            "notification_topic must not be encrypted",
            lambda s: s.group(maintenance=Maintenance(notification_topic=s.topic())),
        )
    ],
    "O7": [
        (
            lambda s: s.group(network_type=NetworkType.DUAL_STACK, engine_version=EngineVersion.REDIS_6_0),
            "engine_version must be at least Valkey 7.2, Redis 6.2 or Memcached 1.6.6",
            lambda s: s.group(network_type=NetworkType.DUAL_STACK, engine_version=EngineVersion.REDIS_6_2),
        ),
        (
            lambda s: s.group(network_type=NetworkType.IPV6, node_type=NodeType.of("cache.m4.large")),
            "node_type must be a Nitro node for network_type ipv6",
            lambda s: s.group(network_type=NetworkType.IPV6, node_type=NodeType.M5_LARGE),
        ),
    ],
    "O9": [
        (
            lambda s: s.serverless(usage_limits=UsageLimits(data_storage_gb_max=5001)),
            "data_storage_gb_max must be between 1 and 5000",
            lambda s: s.serverless(usage_limits=UsageLimits(data_storage_gb_max=5000)),
        ),
        (
            lambda s: s.serverless(usage_limits=UsageLimits(ecpu_per_second_min=999)),
            "ecpu_per_second_min must be between 1000 and 15000000",
            lambda s: s.serverless(usage_limits=UsageLimits(ecpu_per_second_min=1000)),
        ),
        (
            lambda s: s.serverless(usage_limits=UsageLimits(data_storage_gb_min=3, data_storage_gb_max=2)),
            "data_storage_gb_min must be at most data_storage_gb_max, 2",
            lambda s: s.serverless(usage_limits=UsageLimits(data_storage_gb_min=2, data_storage_gb_max=2)),
        ),
    ],
    "O10": [
        (
            lambda s: s.serverless(serverless_cache_name="a" * 41),
            "serverless_cache_name must start with a letter and hold at most 40",
            lambda s: s.serverless(serverless_cache_name="a" * 40),
        ),
        (
            lambda s: s.serverless(description="<b>"),
            "description must hold at most 255 characters, none of them < or >",
            lambda s: s.serverless(description="b" * 255),
        ),
    ],
    "O11": [
        (
            lambda s: s.serverless(backups=Backups.daily(retention_days=36)),
            "retention_days must be between 0 and 35 days",
            lambda s: s.serverless(backups=Backups.daily(retention_days=35)),
        ),
        (
            lambda s: s.serverless(backups=Backups(retention_days=0, window=SnapshotWindow.of("03:00-04:00"))),
            "window must be left out when retention_days is 0",
            lambda s: s.serverless(backups=Backups.daily(retention_days=1, window=SnapshotWindow.of("03:00-04:00"))),
        ),
        (
            lambda s: s.serverless(final_snapshot_name="Last"),
            "final_snapshot_name must be lower case",
            lambda s: s.serverless(final_snapshot_name="last"),
        ),
    ],
    "O12": [
        (
            lambda s: s.serverless(**{**PUBLIC, "engine": ServerlessEngine.VALKEY_8}),
            "engine must be Valkey 9 or newer with connection_type PUBLIC",
            lambda s: s.serverless(**PUBLIC),
        ),
        (
            lambda s: s.serverless(access=Access.users(s.user()), **PUBLIC),
            "users must all use IAM with connection_type PUBLIC, got 'ann'",
            lambda s: s.serverless(
                access=Access.user_group(UserGroup.from_user_group_id(s.stack, "Users", "default.iam-user-group")),
                **PUBLIC,
            ),
        ),
        (
            lambda s: s.serverless(**{**PUBLIC, "vpc": s.vpc}),
            "vpc, vpc_subnets and security_groups must be left out with connection_type PUBLIC",
            lambda s: s.serverless(access=Access.users(s.iam_user()), **PUBLIC),
        ),
    ],
    "O13": [
        (
            lambda s: s.serverless(vpc=s.ipv4_vpc(), network_type=NetworkType.IPV6),
            "vpc_subnets must have no IPv4 addresses for network_type ipv6",
            lambda s: s.serverless(network_type=NetworkType.IPV6),
        ),
        (
            lambda s: s.group(vpc=s.ipv4_vpc(), network_type=NetworkType.IPV6),
            "vpc_subnets must have no IPv4 addresses for network_type ipv6",
            lambda s: s.group(vpc=s.ipv4_vpc(), network_type=NetworkType.IPV4),
        ),
    ],
    "O14": [
        (
            lambda s: SubnetGroup(s.stack, "Subnets", vpc=s.vpc, vpc_subnets=s.subnets(0)),
            "vpc_subnets must select at least one subnet",
            lambda s: SubnetGroup(s.stack, "Subnets", vpc=s.vpc, vpc_subnets=s.subnets(1)),
        ),
        (
            lambda s: SubnetGroup(s.stack, "Subnets", vpc=s.vpc, vpc_subnets=s.subnets(21)),
            "vpc_subnets must select at most 20 subnets",
            lambda s: SubnetGroup(s.stack, "Subnets", vpc=s.vpc, vpc_subnets=s.subnets(20)),
        ),
        (
            lambda s: s.group(vpc_subnets=s.subnets(1)),
            "vpc_subnets must lie in at least 2 availability zones for Multi-AZ",
            lambda s: s.group(vpc_subnets=s.subnets(1), topology=Topology.replicated(failover=Failover.AUTOMATIC)),
        ),
    ],
    "O17": [
        (
            lambda s: s.iam_user(user_id="default.ann"),
            "user_id must start with a letter",
            lambda s: IamUser.from_user_attributes(
                s.stack, "Ours", user_id="default.iam-user", iam_authentication=True
            ),
        )
    ],
}

WARNED: Table = {
    "O18": [(lambda s: s.group(**OPEN), "unauthenticated", lambda s: s.group())],
    "O2": [
        (
            lambda s: s.group(
                backups=Backups.daily(window=SnapshotWindow.of("05:30-06:30")),
                maintenance=Maintenance(window=MaintenanceWindow.of("sun:05:00-sun:06:00")),
            ),
            "windows-overlap",
            lambda s: s.group(
                backups=Backups.daily(window=SnapshotWindow.of("06:00-07:00")),
                maintenance=Maintenance(window=MaintenanceWindow.of("sun:05:00-sun:06:00")),
            ),
        )
    ],
    "O8": [
        (
            lambda s: s.group(engine_version=EngineVersion.REDIS_5_0_6, **OPEN),
            "minor-upgrades-ignored",
            lambda s: s.group(
                engine_version=EngineVersion.REDIS_5_0_6,
                maintenance=Maintenance(auto_minor_version_upgrade=False),
                **OPEN,
            ),
        )
    ],
    "O13": [
        (
            lambda s: s.serverless(vpc_subnets=s.subnets(1)),
            "serverless-subnets",
            lambda s: s.serverless(vpc_subnets=s.subnets(3)),
        ),
        (
            lambda s: s.serverless(vpc=s.ipv4_vpc(), network_type=NetworkType.DUAL_STACK),
            "subnets-without-ipv6",
            lambda s: s.serverless(network_type=NetworkType.DUAL_STACK),
        ),
    ],
    "lifecycle": [
        (
            lambda s: s.group(engine_version=EngineVersion.REDIS_6_2),
            "engine-end-of-life",
            lambda s: s.group(engine_version=EngineVersion.REDIS_7_0),
        )
    ],
}
# What no check has to look at, and why.
BY_CONSTRUCTION = {
    "O15": "ids are lower-cased, and resources refer to each other by Ref",
    "O16": "compliance=REGULATED asks for TLS and users; a token or users with passwords serve as well",
}


class TestRules(RuleTests):
    REFUSED = REFUSED
    WARNED = WARNED


def test_every_row_of_the_table_is_here() -> None:
    rows = {f"O{number}" for number in range(1, 19)}
    assert rows | {"lifecycle"} == REFUSED.keys() | WARNED.keys() | BY_CONSTRUCTION.keys()
