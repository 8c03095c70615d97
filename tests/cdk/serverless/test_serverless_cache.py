"""Serverless caches: what they are by default, with everything set, and what is refused."""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticache as elasticache
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk.assertions import Match, Template

from cachetwin_cdk import (
    Access,
    AccessString,
    Backups,
    ConnectionType,
    Engine,
    IamUser,
    PasswordUser,
    RestoreFrom,
    ServerlessCache,
    ServerlessEngine,
    SnapshotWindow,
    UsageLimits,
    UserGroup,
    ValidationError,
)

Properties = Callable[[str], dict[str, Any]]
Warnings = Callable[[], list[str]]
CACHE = "AWS::ElastiCache::ServerlessCache"
PUBLIC: dict[str, Any] = {"connection_type": ConnectionType.PUBLIC, "engine": ServerlessEngine.VALKEY_9}


def test_by_default_it_is_valkey_with_users_backups_and_a_last_snapshot(
    stack: cdk.Stack, vpc: ec2.IVpc, properties: Properties, warnings: Warnings
) -> None:
    cache = ServerlessCache(stack, "Cache", vpc=vpc)
    found = properties(CACHE)
    assert (found["Engine"], found["MajorEngineVersion"], found["SnapshotRetentionLimit"]) == ("valkey", "8", 7)
    assert found["FinalSnapshotName"] == f"{found['ServerlessCacheName']}-final"
    assert found["SubnetIds"] == [stack.resolve(subnet.subnet_id) for subnet in vpc.isolated_subnets]
    assert len(found["SecurityGroupIds"]) == 1
    assert cache.user_group is not None
    assert found["UserGroupId"] == stack.resolve(cache.user_group.user_group_id)
    for name in ("KmsKeyId", "ConnectionType", "CacheUsageLimits", "DailySnapshotTime"):
        assert name not in found
    assert warnings() == []


def test_everything_can_be_set(stack: cdk.Stack, vpc: ec2.IVpc, properties: Properties) -> None:
    key = kms.Key(stack, "Key")
    group = ec2.SecurityGroup(stack, "Group", vpc=vpc)
    users = UserGroup(stack, "Users", users=[IamUser(stack, "App", access_string=AccessString.application())])
    ServerlessCache(
        stack,
        "Cache",
        vpc=vpc,
        vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC),
        security_groups=[group],
        engine=ServerlessEngine.VALKEY_7,
        usage_limits=UsageLimits(1, 10, 1000, 5000),
        serverless_cache_name="Orders",
        description="Orders",
        removal_policy=cdk.RemovalPolicy.RETAIN,
        kms_key=key,
        access=Access.user_group(users),
        backups=Backups.daily(retention_days=35, window=SnapshotWindow.of("03:00-04:00")),
        restore=RestoreFrom.arns(["arn:aws:elasticache:eu-west-1:111122223333:serverlesscachesnapshot:old"]),
    )
    found = properties(CACHE)
    assert (found["ServerlessCacheName"], found["Description"], found["MajorEngineVersion"]) == (
        "orders",
        "Orders",
        "7",
    )
    assert found["CacheUsageLimits"] == {
        "DataStorage": {"Minimum": 1, "Maximum": 10, "Unit": "GB"},
        "ECPUPerSecond": {"Minimum": 1000, "Maximum": 5000},
    }
    assert found["KmsKeyId"] == stack.resolve(key.key_arn)
    assert (found["SnapshotRetentionLimit"], found["DailySnapshotTime"]) == (35, "03:00")
    assert found["SnapshotArnsToRestore"][0].endswith(":old")
    assert found["SecurityGroupIds"] == [stack.resolve(group.security_group_id)]
    assert "FinalSnapshotName" not in found
    Template.from_stack(stack).has_resource(CACHE, {"DeletionPolicy": "Retain"})


@pytest.mark.parametrize(
    ("limits", "rendered"),
    [
        (UsageLimits(data_storage_gb_max=10), {"DataStorage": {"Maximum": 10, "Unit": "GB"}}),
        (UsageLimits(ecpu_per_second_max=5000), {"ECPUPerSecond": {"Maximum": 5000}}),
    ],
)
def test_one_limit_leaves_the_other_open(
    stack: cdk.Stack, vpc: ec2.IVpc, properties: Properties, limits: UsageLimits, rendered: dict[str, Any]
) -> None:
    ServerlessCache(stack, "Cache", vpc=vpc, usage_limits=limits)
    assert properties(CACHE)["CacheUsageLimits"] == rendered


@pytest.mark.parametrize(
    ("engine", "first", "last"),
    [
        (ServerlessEngine.VALKEY_8, 6379, 6380),
        (ServerlessEngine.REDIS_7, 6379, 6380),
        (ServerlessEngine.MEMCACHED_1_6, 11211, 11212),
    ],
)
def test_a_peer_reaches_both_endpoints(
    stack: cdk.Stack, vpc: ec2.IVpc, engine: ServerlessEngine, first: int, last: int
) -> None:
    cache = ServerlessCache(stack, "Cache", vpc=vpc, engine=engine)
    peer = ec2.SecurityGroup(stack, "Peer", vpc=vpc)
    cache.connections.allow_default_port_from(peer)
    Template.from_stack(stack).has_resource_properties(
        "AWS::EC2::SecurityGroupIngress", {"FromPort": first, "ToPort": last}
    )


def test_each_endpoint_is_the_one_cloudformation_reports(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cache = ServerlessCache(stack, "Cache", vpc=vpc)
    logical_id = stack.resolve(cache.serverless_cache_name)["Ref"]
    assert stack.resolve(cache.endpoint.hostname) == {"Fn::GetAtt": [logical_id, "Endpoint.Address"]}
    assert stack.resolve(cache.endpoint.port_text) == {"Fn::GetAtt": [logical_id, "Endpoint.Port"]}
    assert stack.resolve(cache.reader_endpoint.hostname) == {"Fn::GetAtt": [logical_id, "ReaderEndpoint.Address"]}
    assert stack.resolve(cache.reader_endpoint.port_text) == {"Fn::GetAtt": [logical_id, "ReaderEndpoint.Port"]}


def test_memcached_has_no_users(stack: cdk.Stack, vpc: ec2.IVpc, properties: Properties) -> None:
    cache = ServerlessCache(stack, "Cache", vpc=vpc, engine=ServerlessEngine.MEMCACHED_1_6)
    assert "UserGroupId" not in properties(CACHE)
    assert cache.user_group is None
    assert cache._user is None


def test_a_public_cache_is_in_no_vpc_and_takes_iam_users_only(
    stack: cdk.Stack, properties: Properties, warnings: Warnings
) -> None:
    ServerlessCache(
        stack, "Cache", access=Access.users(IamUser(stack, "App", access_string=AccessString.application())), **PUBLIC
    )
    found = properties(CACHE)
    assert found["ConnectionType"] == "public"
    assert "SubnetIds" not in found
    assert "SecurityGroupIds" not in found
    assert warnings() == []


def test_a_public_cache_passes_the_rules_of_cdk() -> None:
    app = cdk.App(analytics_reporting=False, context={"@aws-cdk/core:validateAgainstDefaultRules": True})
    stack = cdk.Stack(app, "Shop")
    ServerlessCache(
        stack, "Cache", access=Access.users(IamUser(stack, "App", access_string=AccessString.application())), **PUBLIC
    )
    app.synth()


def test_a_public_cache_refuses_passwords(stack: cdk.Stack) -> None:
    with pytest.raises(ValidationError, match="users must all use IAM with connection_type PUBLIC"):
        ServerlessCache(
            stack, "Cache", access=Access.users(PasswordUser(stack, "Ann", access_string=AccessString.on())), **PUBLIC
        )


def test_the_user_of_a_public_cache_logs_in_with_iam(stack: cdk.Stack, properties: Properties) -> None:
    assert ServerlessCache(stack, "Cache", **PUBLIC)._user is None
    assert properties("AWS::ElastiCache::User")["AuthenticationMode"] == {"Type": "iam"}


def test_a_public_cache_needs_valkey_9(stack: cdk.Stack) -> None:
    with pytest.raises(ValidationError, match="engine must be Valkey 9 or newer with connection_type PUBLIC, got 'val"):
        ServerlessCache(stack, "Cache", connection_type=ConnectionType.PUBLIC)


def test_a_public_cache_takes_no_vpc(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    with pytest.raises(ValidationError, match="must be left out with connection_type PUBLIC"):
        ServerlessCache(stack, "Cache", **PUBLIC, vpc=vpc)


def test_any_other_cache_needs_one(stack: cdk.Stack) -> None:
    with pytest.raises(ValidationError, match="vpc must be given, got 'None'"):
        ServerlessCache(stack, "Cache")


@pytest.mark.parametrize(
    ("props", "message"),
    [
        (
            lambda: {"usage_limits": UsageLimits(data_storage_gb_max=0)},
            "data_storage_gb_max must be between 1 and 5000, got 0",
        ),
        (
            lambda: {"usage_limits": UsageLimits(data_storage_gb_max=5001)},
            "data_storage_gb_max must be between 1 and 5000",
        ),
        (
            lambda: {"usage_limits": UsageLimits(ecpu_per_second_min=999)},
            "ecpu_per_second_min must be between 1000 and 15000000",
        ),
        (
            lambda: {"usage_limits": UsageLimits(5, 4)},
            "data_storage_gb_min must be at most data_storage_gb_max, 4, got 5",
        ),
        (
            lambda: {"backups": Backups.daily(retention_days=36)},
            "retention_days must be between 0 and 35 days, got 36",
        ),
        (
            lambda: {"backups": Backups.daily(window=SnapshotWindow.of("3:00"))},
            "snapshot_window must be written hh:mm-hh:mm, got '3:00'",
        ),
        (
            lambda: {"backups": Backups(retention_days=0, window=SnapshotWindow.of("03:00-04:00"))},
            "window must be left out when retention_days is 0",
        ),
        (lambda: {"serverless_cache_name": "a" * 41}, "serverless_cache_name must start with a letter"),
        (
            lambda: {"description": "a<b"},
            "description must hold at most 255 characters, none of them < or >, got 'a<b'",
        ),
        (lambda: {"description": "a" * 256}, "description must hold at most 255 characters"),
        (
            lambda: {"engine": ServerlessEngine.MEMCACHED_1_6, "access": Access.users()},
            "access must be left out for Memcached",
        ),
    ],
)
def test_what_the_service_would_refuse_is_refused(
    stack: cdk.Stack, vpc: ec2.IVpc, props: Callable[[], dict[str, Any]], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        ServerlessCache(stack, "Cache", vpc=vpc, **props())


@pytest.mark.parametrize(
    "props",
    [
        {"usage_limits": UsageLimits(1, 5000, 1000, 15_000_000)},
        {"usage_limits": UsageLimits(4, 4)},
        {"backups": Backups.none()},
        {"backups": Backups.daily(window=SnapshotWindow.of("23:59-00:59"))},
        {"serverless_cache_name": "a" * 40},
        {"description": ""},
    ],
)
def test_what_the_service_accepts_is_accepted(stack: cdk.Stack, vpc: ec2.IVpc, props: dict[str, Any]) -> None:
    ServerlessCache(stack, "Cache", vpc=vpc, **props)


def test_users_and_groups_are_of_the_engine(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    valkey = UserGroup(stack, "Valkey", users=[PasswordUser(stack, "Ann", access_string=AccessString.application())])
    with pytest.raises(ValidationError, match="user_group must be a Redis group for a Redis cache, got 'valkey'"):
        ServerlessCache(stack, "Cache", vpc=vpc, engine=ServerlessEngine.REDIS_7, access=Access.user_group(valkey))
    ServerlessCache(stack, "Third", vpc=vpc, access=Access.user_group(UserGroup(stack, "Redis", engine=Engine.REDIS)))


def test_two_subnets_of_a_zone_are_warned_of(stack: cdk.Stack, vpc: ec2.IVpc, warnings: Warnings) -> None:
    subnets = [
        ec2.Subnet.from_subnet_attributes(stack, f"S{n}", subnet_id=f"subnet-{n}", availability_zone=f"eu-west-1{zone}")
        for n, zone in enumerate("aabc")
    ]
    ServerlessCache(stack, "Good", vpc=vpc, vpc_subnets=ec2.SubnetSelection(subnets=subnets[1:]))
    assert "cachetwin:serverless-subnets" not in warnings()
    ServerlessCache(stack, "Same", vpc=vpc, vpc_subnets=ec2.SubnetSelection(subnets=subnets[:2]))
    assert "cachetwin:serverless-subnets" in warnings()


def test_grant_connect_covers_the_cache_and_its_iam_users(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    user = IamUser(stack, "App", access_string=AccessString.application())
    cache = ServerlessCache(stack, "Cache", vpc=vpc, access=Access.users(user))
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    cache.grant_connect(role)
    cache.grant(role, "elasticache:DescribeServerlessCaches")
    policy = next(iter(Template.from_stack(stack).find_resources("AWS::IAM::Policy").values()))
    connect, describe = policy["Properties"]["PolicyDocument"]["Statement"]
    assert connect["Resource"] == [stack.resolve(cache.serverless_cache_arn), stack.resolve(user.user_arn)]
    assert describe["Resource"] == stack.resolve(cache.serverless_cache_arn)


@pytest.mark.parametrize(
    ("method", "name", "statistic"),
    [
        ("metric_bytes_used_for_cache", "BytesUsedForCache", "Maximum"),
        ("metric_elasticache_processing_units", "ElastiCacheProcessingUnits", "Sum"),
        ("metric_throttled_cmds", "ThrottledCmds", "Sum"),
        ("metric_total_cmds_count", "TotalCmdsCount", "Sum"),
        ("metric_cache_hit_rate", "CacheHitRate", "Average"),
        ("metric_cache_hits", "CacheHits", "Sum"),
        ("metric_cache_misses", "CacheMisses", "Sum"),
        ("metric_curr_connections", "CurrConnections", "Average"),
        ("metric_new_connections", "NewConnections", "Sum"),
        ("metric_curr_items", "CurrItems", "Average"),
        ("metric_evictions", "Evictions", "Sum"),
        ("metric_successful_read_request_latency", "SuccessfulReadRequestLatency", "Average"),
        ("metric_successful_write_request_latency", "SuccessfulWriteRequestLatency", "Average"),
        ("metric_authentication_failures", "AuthenticationFailures", "Sum"),
    ],
)
def test_each_metric_is_found_under_cluster_id(
    stack: cdk.Stack, vpc: ec2.IVpc, method: str, name: str, statistic: str
) -> None:
    cache = ServerlessCache(stack, "Cache", vpc=vpc)
    metric = getattr(cache, method)()
    assert (metric.metric_name, metric.statistic) == (name, statistic)
    assert metric.dimensions == {"clusterId": cache.serverless_cache_name}


def test_what_exists_already_can_be_used(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cache = ServerlessCache.from_serverless_cache_attributes(
        stack,
        "Cache",
        serverless_cache_name="Orders",
        endpoint_address="orders.example",
        reader_endpoint_address="orders.example",
        security_groups=[ec2.SecurityGroup(stack, "Group", vpc=vpc)],
    )
    assert cache.endpoint.socket_address == "orders.example:6379"
    assert cache.reader_endpoint.socket_address == "orders.example:6380"
    assert stack.resolve(cache.serverless_cache_arn)["Fn::Join"][1][-1] == ":serverlesscache:orders"
    cache.connections.allow_default_port_from(ec2.Peer.ipv4("10.0.0.0/8"))
    Template.from_stack(stack).has_resource_properties(
        "AWS::EC2::SecurityGroup", {"SecurityGroupIngress": [Match.object_like({"FromPort": 6379, "ToPort": 6380})]}
    )


def test_an_imported_cache_says_which_endpoint_it_was_not_told(stack: cdk.Stack) -> None:
    cache = ServerlessCache.from_serverless_cache_attributes(stack, "Cache", serverless_cache_name="orders")
    with pytest.raises(ValidationError, match="reader_endpoint must be known to be used"):
        _ = cache.reader_endpoint


def test_aws_cdk_takes_it_where_it_takes_a_serverless_cache(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cache = ServerlessCache(stack, "Cache", vpc=vpc)
    assert cache.serverless_cache_ref.serverless_cache_name == cache.serverless_cache_name
    assert "serverlesscache" in str(stack.resolve(elasticache.CfnServerlessCache.arn_for_serverless_cache(cache)))


@pytest.mark.parametrize(("engine", "version"), [(Engine.VALKEY, "8.1"), (Engine.MEMCACHED, "1"), (Engine.REDIS, "")])
def test_a_major_version_is_written_as_the_service_writes_it(engine: Engine, version: str) -> None:
    with pytest.raises(ValidationError, match="major_version must look like"):
        ServerlessEngine.of(engine, version)


def test_tokens_are_accepted(
    stack: cdk.Stack, vpc: ec2.IVpc, any_text: str, any_number: float, properties: Properties
) -> None:
    ServerlessCache(
        stack,
        "Cache",
        vpc=vpc,
        engine=ServerlessEngine.of(Engine.VALKEY, any_text),
        usage_limits=UsageLimits(data_storage_gb_min=10, data_storage_gb_max=any_number),  # type: ignore[arg-type]  # tokens are floats
        serverless_cache_name=any_text,
        description=any_text,
        backups=Backups.daily(window=SnapshotWindow.of(any_text)),
    )
    found = properties(CACHE)
    assert found["DailySnapshotTime"] == {"Fn::Select": [0, {"Fn::Split": ["-", {"Ref": "AnyText"}]}]}
    for name in ("MajorEngineVersion", "ServerlessCacheName", "Description"):
        assert found[name] == {"Ref": "AnyText"}
    assert found["CacheUsageLimits"]["DataStorage"]["Maximum"] == {"Ref": "AnyNumber"}
