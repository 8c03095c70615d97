"""What ElastiCache would refuse about a replication group is refused at synth, and its neighbour is not."""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns

from cachetwin_cdk import (
    Access,
    AccessString,
    Backups,
    Encryption,
    Engine,
    EngineVersion,
    Failover,
    IamUser,
    LogDelivery,
    Logging,
    LogType,
    Maintenance,
    NodeType,
    ParameterGroup,
    PasswordUser,
    ReplicationGroup,
    SnapshotWindow,
    SubnetGroup,
    Topology,
    TransitEncryption,
    UserGroup,
    ValidationError,
)

Warnings = Callable[[], list[str]]
ONE_NODE = {"topology": Topology.single_node()}
OPEN = {"access": Access.unauthenticated()}


@pytest.mark.parametrize(
    ("props", "message"),
    [
        (
            lambda: {"engine_version": EngineVersion.MEMCACHED_1_6_22},
            "engine_version must be a Valkey or Redis version, got 'memcached 1.6.22'; use MemcachedCluster",
        ),
        (
            lambda: {"topology": Topology.replicated(6)},
            "replicas must be between 0 and 5, got 6; a shard has at most six nodes",
        ),
        (lambda: {"topology": Topology.replicated(-1)}, "replicas must be between 0 and 5, got -1"),
        (
            lambda: {"topology": Topology.replicated(0)},
            "replicas must be between 1 and 5, got 0",
        ),
        (
            lambda: {"topology": Topology(replicas=0, failover=Failover.AUTOMATIC)},
            "replicas must be at least 1 for automatic failover, got 0",
        ),
        (lambda: {"port": 0}, "port must be between 1 and 65535, got 0"),
        (lambda: {"port": 65536}, "port must be between 1 and 65535, got 65536"),
        (
            lambda: {"backups": Backups.daily(retention_days=36)},
            "retention_days must be between 0 and 35 days, got 36",
        ),
        (
            lambda: {"backups": Backups.daily(retention_days=-1)},
            "retention_days must be between 0 and 35 days, got -1",
        ),
        (
            lambda: {"backups": Backups(retention_days=0, window=SnapshotWindow.of("03:00-04:00"))},
            "window must be left out when retention_days is 0",
        ),
        (
            lambda: {"encryption": Encryption(transit=TransitEncryption.OFF)},
            "transit must be REQUIRED or PREFERRED when clients log in, got 'off'",
        ),
        (
            lambda: {"engine_version": EngineVersion.REDIS_5_0_6, "logging": Logging.off()},
            "engine_version must be at least Redis 6.0 or Valkey 7.2 to have users, got 'redis 5.0.6'",
        ),
        (
            lambda: {"access": Access(given_users=[], is_open=True)},
            "access must name one way to log in, got 2; use Access",
        ),
        (
            lambda: {
                "node_type": NodeType.of("cache.t1.micro"),
                **OPEN,
                **ONE_NODE,
                "encryption": Encryption(transit=TransitEncryption.OFF),
            },
            "node_type must not be a t1 node with Multi-AZ or backups, got 'cache.t1.micro'",
        ),
        (
            lambda: {"node_type": NodeType.R6GD_XLARGE, "parameters": {"maxmemory-policy": "allkeys-lfu"}},
            r"parameters\['maxmemory-policy'\] must be one of allkeys-lru, noeviction, volatile-lru, got 'allkeys-lfu'",
        ),
        (
            lambda: {
                "node_type": NodeType.R6GD_XLARGE,
                "engine_version": EngineVersion.REDIS_6_0,
                "logging": Logging.off(),
            },
            "engine_version must be at least Redis 6.2 or Valkey 7.2 on cache.r6gd.xlarge",
        ),
        (
            lambda: {"parameters": {"cluster-enabled": "yes"}},
            "parameter_group must not set cluster-enabled=yes with cluster mode disabled",
        ),
        (
            lambda: {"topology": Topology.replicated(availability_zones=["a"])},
            "must name one zone for each of the 2 nodes, the primary's first, got 1",
        ),
        (lambda: {"replication_group_id": "1st"}, "replication_group_id must start with a letter"),
        (lambda: {"replication_group_id": "a--b"}, "single hyphens between them, got 'a--b'"),
        (lambda: {"replication_group_id": "a-"}, "single hyphens between them, got 'a-'"),
        (lambda: {"replication_group_id": "a" * 41}, "hold at most 40 letters"),
        (
            lambda: {
                "logging": Logging.to(
                    LogDelivery.to_firehose(LogType.SLOW, "a"), LogDelivery.to_firehose(LogType.SLOW, "b")
                )
            },
            "logging must name each log at most once, got 'slow-log, slow-log'",
        ),
        (
            lambda: {
                "engine_version": EngineVersion.REDIS_6_0,
                "logging": Logging.to(LogDelivery.to_firehose(LogType.ENGINE, "a")),
            },
            "logging must name engine-log only for Valkey or Redis from 6.2, got 'redis 6.0'",
        ),
        (
            lambda: {
                "engine_version": EngineVersion.REDIS_5_0_6,
                "logging": Logging.to(LogDelivery.to_firehose(LogType.SLOW, "a")),
            },
            "logging must name slow-log only for Valkey or Redis from 6.0, got 'redis 5.0.6'",
        ),
    ],
)
def test_what_the_service_would_refuse_is_refused(
    stack: cdk.Stack, vpc: ec2.IVpc, props: Callable[[], dict[str, Any]], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        ReplicationGroup(stack, "Cache", vpc=vpc, **props())


@pytest.mark.parametrize(
    "props",
    [
        {"topology": Topology.replicated(5)},
        {"topology": Topology.replicated(1, failover=Failover.AUTOMATIC)},
        {"topology": Topology.replicated(1, failover=Failover.MANUAL)},
        ONE_NODE,
        {"port": 1},
        {"port": 65535},
        {"backups": Backups.daily(retention_days=35, window=SnapshotWindow.of("03:00-04:00"))},
        {**OPEN, "encryption": Encryption(transit=TransitEncryption.OFF), "backups": Backups.none()},
        {**OPEN, "encryption": Encryption(transit=TransitEncryption.OFF)},
        {"engine_version": EngineVersion.REDIS_5_0_6, **OPEN},
        {"engine_version": EngineVersion.REDIS_6_0},
        {"engine_version": EngineVersion.REDIS_6_2},
        {"engine_version": EngineVersion.VALKEY_7_2},
        {
            "node_type": NodeType.of("cache.t1.micro"),
            **ONE_NODE,
            **OPEN,
            "encryption": Encryption(transit=TransitEncryption.OFF),
            "backups": Backups.none(),
        },
        {"node_type": NodeType.R6GD_XLARGE, "parameters": {"maxmemory-policy": "noeviction"}},
        {"node_type": NodeType.R6GD_XLARGE, "engine_version": EngineVersion.REDIS_6_2},
        {"node_type": NodeType.R6G_LARGE, "parameters": {"maxmemory-policy": "allkeys-lfu"}},
        {"parameters": {"cluster-enabled": "no"}},
        {"topology": Topology.replicated(availability_zones=["a", "b"])},
        {"replication_group_id": "a" * 40},
        {"replication_group_id": "A-1-b"},
        {
            "logging": Logging.to(
                LogDelivery.to_firehose(LogType.SLOW, "a"), LogDelivery.to_firehose(LogType.ENGINE, "b")
            )
        },
        {"encryption": Encryption(at_rest=False)},
    ],
)
def test_what_the_service_accepts_is_accepted(stack: cdk.Stack, vpc: ec2.IVpc, props: dict[str, Any]) -> None:
    ReplicationGroup(stack, "Cache", vpc=vpc, **props)


def test_a_count_of_replicas_that_is_a_token_cannot_be_added_to(
    stack: cdk.Stack, vpc: ec2.IVpc, any_number: float
) -> None:
    with pytest.raises(ValidationError, match="replicas must be known at synth"):
        ReplicationGroup(stack, "Cache", vpc=vpc, topology=Topology.replicated(any_number))  # type: ignore[arg-type]  # tokens are floats


def test_a_key_needs_encryption_at_rest(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    key = kms.Key(stack, "Key")
    with pytest.raises(ValidationError, match="at_rest must be True when kms_key is given, got False"):
        ReplicationGroup(stack, "Cache", vpc=vpc, encryption=Encryption(at_rest=False, kms_key=key))


@pytest.mark.parametrize(
    ("given", "other"),
    [("subnet_group", "vpc_subnets"), ("parameter_group", "parameters")],
)
def test_a_thing_is_given_in_one_way_only(stack: cdk.Stack, vpc: ec2.IVpc, given: str, other: str) -> None:
    both: dict[str, Any] = {
        "subnet_group": SubnetGroup.from_subnet_group_name(stack, "Subnets", "x"),
        "vpc_subnets": ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
        "parameter_group": ParameterGroup.from_parameter_group_name(stack, "Parameters", "x"),
        "parameters": {},
    }
    with pytest.raises(ValidationError, match=f"{given} must be left out when {other} is given, got both"):
        ReplicationGroup(stack, "Cache", vpc=vpc, **{given: both[given], other: both[other]})


def test_multi_az_needs_subnets_in_two_zones(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    one_zone = ec2.SubnetSelection(subnets=vpc.isolated_subnets[:1])
    with pytest.raises(ValidationError, match="vpc_subnets must lie in at least 2 availability zones for Multi-AZ"):
        ReplicationGroup(stack, "Cache", vpc=vpc, vpc_subnets=one_zone)
    ReplicationGroup(
        stack, "Single", vpc=vpc, vpc_subnets=one_zone, topology=Topology.replicated(failover=Failover.AUTOMATIC)
    )


def test_a_subnet_group_of_unknown_zones_is_taken_at_its_word(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    ReplicationGroup(
        stack,
        "Cache",
        vpc=vpc,
        subnet_group=SubnetGroup.from_subnet_group_name(stack, "Subnets", "x"),
        topology=Topology.replicated(availability_zones=["eu-west-1a", "eu-west-1b"]),
    )


def test_preferred_zones_are_among_those_of_the_subnets() -> None:
    stack = cdk.Stack(
        cdk.App(analytics_reporting=False),
        "Placed",
        env=cdk.Environment(account="111122223333", region="eu-west-1"),
    )
    vpc = ec2.Vpc(
        stack,
        "Vpc",
        availability_zones=["eu-west-1a", "eu-west-1b"],
        nat_gateways=0,
        restrict_default_security_group=False,
        subnet_configuration=[ec2.SubnetConfiguration(name="Data", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)],
    )
    with pytest.raises(
        ValidationError, match="be among the zones of the subnets, eu-west-1a, eu-west-1b, got 'eu-west-1c'"
    ):
        ReplicationGroup(
            stack, "Cache", vpc=vpc, topology=Topology.replicated(availability_zones=["eu-west-1a", "eu-west-1c"])
        )
    ReplicationGroup(
        stack, "Other", vpc=vpc, topology=Topology.replicated(availability_zones=["eu-west-1a", "eu-west-1b"])
    )


def test_a_topic_belongs_to_the_account_of_the_cache() -> None:
    stack = cdk.Stack(
        cdk.App(analytics_reporting=False),
        "Placed",
        env=cdk.Environment(account="111122223333", region="eu-west-1"),
    )
    vpc = ec2.Vpc(stack, "Vpc", availability_zones=["eu-west-1a", "eu-west-1b"], restrict_default_security_group=False)
    ours = sns.Topic.from_topic_arn(stack, "Ours", "arn:aws:sns:eu-west-1:111122223333:events")
    theirs = sns.Topic.from_topic_arn(stack, "Theirs", "arn:aws:sns:eu-west-1:999999999999:events")
    with pytest.raises(ValidationError, match="notification_topic must belong to account 111122223333"):
        ReplicationGroup(stack, "Cache", vpc=vpc, maintenance=Maintenance(notification_topic=theirs))
    ReplicationGroup(stack, "Other", vpc=vpc, maintenance=Maintenance(notification_topic=ours))


def test_the_parameter_group_is_of_the_engine_s_family(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    group = ParameterGroup(stack, "Parameters", engine_version=EngineVersion.REDIS_7_1)
    with pytest.raises(
        ValidationError, match=r"parameter_group must be of family valkey8 for valkey 8.1, got 'redis7'"
    ):
        ReplicationGroup(stack, "Cache", vpc=vpc, parameter_group=group)
    ReplicationGroup(stack, "Other", vpc=vpc, parameter_group=group, engine_version=EngineVersion.REDIS_7_0)


def test_a_redis_cache_takes_redis_groups_only(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    valkey = UserGroup(stack, "Valkey", users=[PasswordUser(stack, "Ann", access_string=AccessString.application())])
    redis = UserGroup(stack, "Redis", engine=Engine.REDIS)
    with pytest.raises(ValidationError, match="user_group must be a Redis group for a Redis cache, got 'valkey'"):
        ReplicationGroup(
            stack, "Cache", vpc=vpc, engine_version=EngineVersion.REDIS_7_1, access=Access.user_group(valkey)
        )
    ReplicationGroup(stack, "OnRedis", vpc=vpc, engine_version=EngineVersion.REDIS_7_1, access=Access.user_group(redis))
    ReplicationGroup(stack, "OnValkey", vpc=vpc, access=Access.user_group(redis))


def test_iam_users_need_a_recent_engine(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    user = IamUser(stack, "App", access_string=AccessString.application(), engine=Engine.REDIS)
    with pytest.raises(
        ValidationError, match=r"engine_version must be at least Redis 7.0 or Valkey 7.2 for users with IAM"
    ):
        ReplicationGroup(stack, "Cache", vpc=vpc, engine_version=EngineVersion.REDIS_6_2, access=Access.users(user))
    ReplicationGroup(stack, "Other", vpc=vpc, engine_version=EngineVersion.REDIS_7_0, access=Access.users(user))


def test_a_user_added_late_is_checked_at_synth(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cache = ReplicationGroup(stack, "Cache", vpc=vpc, engine_version=EngineVersion.REDIS_6_2)
    assert isinstance(cache.user_group, UserGroup)
    cache.user_group.add_user(IamUser(stack, "Late", access_string=AccessString.application(), engine=Engine.REDIS))
    with pytest.raises(RuntimeError, match=r"engine_version must be at least Redis 7.0"):
        cdk.App.of(stack).synth()  # type: ignore[union-attr]  # App.of is typed as any construct
