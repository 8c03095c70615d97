"""What a replication group is made of: by default, with everything set, and when it exists already."""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticache as elasticache
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Match, Template

from cachetwin_cdk import (
    Access,
    AccessString,
    Backups,
    Encryption,
    Engine,
    EngineVersion,
    IamUser,
    LogDelivery,
    Logging,
    LogType,
    Maintenance,
    MaintenanceWindow,
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

Properties = Callable[[str], dict[str, Any]]
Warnings = Callable[[], list[str]]
GROUP = "AWS::ElastiCache::ReplicationGroup"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Engine", "valkey"),
        ("EngineVersion", "8.1"),
        ("CacheNodeType", "cache.t4g.small"),
        ("NumCacheClusters", 2),
        ("AutomaticFailoverEnabled", True),
        ("MultiAZEnabled", True),
        ("Port", 6379),
        ("TransitEncryptionEnabled", True),
        ("TransitEncryptionMode", "required"),
        ("AtRestEncryptionEnabled", True),
        ("SnapshotRetentionLimit", 7),
        ("AutoMinorVersionUpgrade", True),
    ],
)
def test_by_default_the_cache_is_safe(
    stack: cdk.Stack, vpc: ec2.IVpc, properties: Properties, name: str, value: object
) -> None:
    ReplicationGroup(stack, "Cache", vpc=vpc)
    assert properties(GROUP)[name] == value


@pytest.mark.parametrize(
    "name",
    ["AuthToken", "KmsKeyId", "ReplicationGroupId", "SnapshotWindow", "PreferredMaintenanceWindow", "ClusterMode"],
)
def test_by_default_the_service_chooses(stack: cdk.Stack, vpc: ec2.IVpc, properties: Properties, name: str) -> None:
    ReplicationGroup(stack, "Cache", vpc=vpc)
    assert name not in properties(GROUP)


def test_by_default_the_last_data_are_kept_in_a_snapshot(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    ReplicationGroup(stack, "Cache", vpc=vpc)
    Template.from_stack(stack).has_resource(GROUP, {"DeletionPolicy": "Snapshot", "UpdateReplacePolicy": "Snapshot"})


def test_by_default_it_lives_in_isolated_subnets_of_two_zones(
    stack: cdk.Stack, vpc: ec2.IVpc, properties: Properties
) -> None:
    ReplicationGroup(stack, "Cache", vpc=vpc)
    expected = [stack.resolve(subnet.subnet_id) for subnet in vpc.isolated_subnets]
    assert len(expected) == 2
    assert properties("AWS::ElastiCache::SubnetGroup")["SubnetIds"] == expected


def test_by_default_nobody_may_connect_and_nothing_may_leave(
    stack: cdk.Stack, vpc: ec2.IVpc, properties: Properties
) -> None:
    ReplicationGroup(stack, "Cache", vpc=vpc)
    group = properties("AWS::EC2::SecurityGroup")
    assert "SecurityGroupIngress" not in group
    assert [rule["Description"] for rule in group["SecurityGroupEgress"]] == ["Disallow all traffic"]


def test_by_default_one_user_has_a_generated_password_and_no_administration(
    stack: cdk.Stack, vpc: ec2.IVpc, properties: Properties
) -> None:
    cache = ReplicationGroup(stack, "Cache", vpc=vpc)
    user = properties("AWS::ElastiCache::User")
    assert user["AccessString"] == "on ~* &* +@all -@admin -@dangerous +info"
    assert user["AuthenticationMode"]["Type"] == "password"
    assert properties("AWS::ElastiCache::UserGroup")["UserIds"] == [stack.resolve(cache.user.user_id)]
    Template.from_stack(stack).resource_count_is("AWS::SecretsManager::Secret", 1)


def test_by_default_the_parameter_group_follows_the_engine(
    stack: cdk.Stack, vpc: ec2.IVpc, properties: Properties
) -> None:
    ReplicationGroup(stack, "Cache", vpc=vpc)
    assert properties("AWS::ElastiCache::ParameterGroup")["CacheParameterGroupFamily"] == "valkey8"


def test_by_default_both_logs_go_to_encrypted_groups_for_a_month(
    stack: cdk.Stack, vpc: ec2.IVpc, properties: Properties
) -> None:
    ReplicationGroup(stack, "Cache", vpc=vpc)
    assert [
        (entry["LogType"], entry["DestinationType"], entry["LogFormat"])
        for entry in properties(GROUP)["LogDeliveryConfigurations"]
    ] == [("slow-log", "cloudwatch-logs", "json"), ("engine-log", "cloudwatch-logs", "json")]
    template = Template.from_stack(stack)
    template.resource_count_is("AWS::Logs::LogGroup", 2)
    template.all_resources_properties(
        "AWS::Logs::LogGroup", {"RetentionInDays": 30, "KmsKeyId": {"Fn::GetAtt": Match.any_value()}}
    )
    assert properties("AWS::KMS::Key")["EnableKeyRotation"] is True


def test_by_default_no_warning_is_attached(stack: cdk.Stack, vpc: ec2.IVpc, warnings: Warnings) -> None:
    ReplicationGroup(stack, "Cache", vpc=vpc)
    assert warnings() == []


def test_everything_can_be_set(stack: cdk.Stack, vpc: ec2.IVpc, properties: Properties) -> None:
    key = kms.Key(stack, "Key")
    log_group = logs.LogGroup(stack, "Log")
    engine = EngineVersion.VALKEY_7_2
    cache = ReplicationGroup(
        stack,
        "Cache",
        vpc=vpc,
        subnet_group=SubnetGroup(stack, "Subnets", vpc=vpc),
        security_groups=[ec2.SecurityGroup(stack, "Group", vpc=vpc)],
        engine_version=engine,
        node_type=NodeType.R7G_LARGE,
        port=6390,
        parameter_group=ParameterGroup(stack, "Parameters", engine_version=engine, parameters={"timeout": "300"}),
        replication_group_id="orders",
        description="Orders",
        removal_policy=cdk.RemovalPolicy.RETAIN,
        topology=Topology.replicated(2),
        encryption=Encryption(kms_key=key),
        access=Access.user_group(
            UserGroup(stack, "Users", users=[PasswordUser(stack, "Ann", access_string=AccessString.read_only())])
        ),
        backups=Backups.daily(retention_days=35, window=SnapshotWindow.of("03:00-04:00")),
        maintenance=Maintenance(
            window=MaintenanceWindow.of("sun:05:00-sun:06:00"),
            auto_minor_version_upgrade=False,
            notification_topic=sns.Topic(stack, "Topic"),
        ),
        logging=Logging.to(
            LogDelivery.to_log_group(LogType.SLOW, log_group),
            LogDelivery.to_firehose(LogType.ENGINE, "logs"),
        ),
    )
    found = properties(GROUP)
    assert {
        name: found[name]
        for name in (
            "EngineVersion", "CacheNodeType", "NumCacheClusters", "Port", "SnapshotRetentionLimit", "SnapshotWindow",
            "PreferredMaintenanceWindow", "AutoMinorVersionUpgrade", "ReplicationGroupId", "ReplicationGroupDescription",
        )
    } == {
        "EngineVersion": "7.2",
        "CacheNodeType": "cache.r7g.large",
        "NumCacheClusters": 3,
        "Port": 6390,
        "SnapshotRetentionLimit": 35,
        "SnapshotWindow": "03:00-04:00",
        "PreferredMaintenanceWindow": "sun:05:00-sun:06:00",
        "AutoMinorVersionUpgrade": False,
        "ReplicationGroupId": "orders",
        "ReplicationGroupDescription": "Orders",
    }  # fmt: skip
    assert found["KmsKeyId"] == stack.resolve(key.key_arn)
    assert found["CacheParameterGroupName"] == stack.resolve(cache.parameter_group.parameter_group_name)
    assert found["LogDeliveryConfigurations"][1]["DestinationDetails"] == {
        "KinesisFirehoseDetails": {"DeliveryStream": "logs"}
    }
    assert "Ref" in found["NotificationTopicArn"]
    assert cache._user is None
    template = Template.from_stack(stack)
    template.resource_count_is("AWS::Logs::LogGroup", 1)
    template.resource_count_is("AWS::ElastiCache::User", 1)
    template.has_resource(GROUP, {"DeletionPolicy": "Retain"})


def test_without_users_when_that_is_said_by_name(stack: cdk.Stack, vpc: ec2.IVpc, properties: Properties) -> None:
    cache = ReplicationGroup(stack, "Cache", vpc=vpc, access=Access.unauthenticated())
    assert "UserGroupIds" not in properties(GROUP)
    assert cache.user_group is None


def test_without_tls_no_mode_is_named(stack: cdk.Stack, vpc: ec2.IVpc, properties: Properties) -> None:
    ReplicationGroup(
        stack, "Cache", vpc=vpc, encryption=Encryption(transit=TransitEncryption.OFF), access=Access.unauthenticated()
    )
    assert properties(GROUP)["TransitEncryptionEnabled"] is False
    assert "TransitEncryptionMode" not in properties(GROUP)


def test_one_node_needs_no_failover(stack: cdk.Stack, vpc: ec2.IVpc, properties: Properties) -> None:
    ReplicationGroup(stack, "Cache", vpc=vpc, topology=Topology.single_node())
    assert properties(GROUP)["NumCacheClusters"] == 1


def test_an_empty_log_delivery_turns_logs_off(stack: cdk.Stack, vpc: ec2.IVpc, properties: Properties) -> None:
    ReplicationGroup(stack, "Cache", vpc=vpc, logging=Logging.off())
    assert "LogDeliveryConfigurations" not in properties(GROUP)
    Template.from_stack(stack).resource_count_is("AWS::KMS::Key", 0)


def test_what_may_be_destroyed_leaves_no_logs(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    ReplicationGroup(stack, "Cache", vpc=vpc, removal_policy=cdk.RemovalPolicy.DESTROY)
    template = Template.from_stack(stack)
    for resource_type in (GROUP, "AWS::Logs::LogGroup", "AWS::KMS::Key"):
        template.all_resources(resource_type, {"DeletionPolicy": "Delete"})


def test_a_given_key_encrypts_the_logs(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    key = kms.Key.from_key_arn(stack, "Key", "arn:aws:kms:eu-west-1:111122223333:key/abc")
    ReplicationGroup(stack, "Cache", vpc=vpc, logging=Logging.to_log_groups(encryption_key=key))
    template = Template.from_stack(stack)
    template.resource_count_is("AWS::KMS::Key", 0)
    template.all_resources_properties("AWS::Logs::LogGroup", {"KmsKeyId": key.key_arn})


def test_a_redis_cache_gets_redis_users_and_a_default_user_that_is_off(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    ReplicationGroup(stack, "Cache", vpc=vpc, engine_version=EngineVersion.REDIS_7_1)
    template = Template.from_stack(stack)
    template.has_resource_properties(
        "AWS::ElastiCache::User",
        {"UserName": "default", "Engine": "redis", "AccessString": "off resetchannels -@all"},
    )
    template.has_resource_properties("AWS::ElastiCache::UserGroup", {"Engine": "redis"})
    template.has_resource_properties(GROUP, {"Engine": "redis", "EngineVersion": "7.1"})


def test_nodes_with_an_ssd_tier_data(stack: cdk.Stack, vpc: ec2.IVpc, properties: Properties) -> None:
    ReplicationGroup(stack, "Cache", vpc=vpc, node_type=NodeType.R6GD_XLARGE)
    assert properties(GROUP)["DataTieringEnabled"] is True


def test_each_endpoint_is_the_one_cloudformation_reports(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cache = ReplicationGroup(stack, "Cache", vpc=vpc)
    logical_id = stack.get_logical_id(_resource(cache))
    for endpoint, name in ((cache.primary_endpoint, "PrimaryEndPoint"), (cache.reader_endpoint, "ReaderEndPoint")):
        assert stack.resolve(endpoint.hostname) == {"Fn::GetAtt": [logical_id, f"{name}.Address"]}
        assert stack.resolve(endpoint.port_text) == {"Fn::GetAtt": [logical_id, f"{name}.Port"]}
        assert stack.resolve(endpoint.socket_address) == {
            "Fn::Join": [
                "",
                [
                    {"Fn::GetAtt": [logical_id, f"{name}.Address"]},
                    ":",
                    {"Fn::GetAtt": [logical_id, f"{name}.Port"]},
                ],
            ]
        }


def test_allowing_a_peer_opens_the_port_of_the_cache_only(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cache = ReplicationGroup(stack, "Cache", vpc=vpc, port=6390)
    peer = ec2.SecurityGroup(stack, "Peer", vpc=vpc, allow_all_outbound=False)
    cache.connections.allow_default_port_from(peer, "The peer asks the cache")
    template = Template.from_stack(stack)
    template.resource_count_is("AWS::EC2::SecurityGroupIngress", 1)
    template.has_resource_properties(
        "AWS::EC2::SecurityGroupIngress", {"FromPort": 6390, "ToPort": 6390, "IpProtocol": "tcp"}
    )


def test_grant_connect_covers_the_cache_and_its_iam_users_in_one_statement(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    user = IamUser(stack, "App", access_string=AccessString.application(), user_id="app")
    cache = ReplicationGroup(stack, "Cache", vpc=vpc, access=Access.users(user))
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    cache.grant_connect(role).assert_success()
    policy = next(iter(Template.from_stack(stack).find_resources("AWS::IAM::Policy").values()))
    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Action"] == "elasticache:Connect"
    assert statement["Resource"] == [stack.resolve(cache.replication_group_arn), stack.resolve(user.user_arn)]


def test_grant_connect_refuses_a_user_with_a_password(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cache = ReplicationGroup(stack, "Cache", vpc=vpc)
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    with pytest.raises(ValidationError, match="users must log in with IAM for grant_connect, got no IAM user"):
        cache.grant_connect(role)
    with pytest.raises(ValidationError, match="use an IamUser, or grant_read on a PasswordUser's secret"):
        cache.grant_connect(role, cache.user)


def test_grant_names_the_cache_and_sorts_the_actions(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cache = ReplicationGroup(stack, "Cache", vpc=vpc)
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    cache.grant(role, "elasticache:TestFailover", "elasticache:ModifyReplicationGroup")
    policy = next(iter(Template.from_stack(stack).find_resources("AWS::IAM::Policy").values()))
    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Action"] == ["elasticache:ModifyReplicationGroup", "elasticache:TestFailover"]
    assert statement["Resource"] == stack.resolve(cache.replication_group_arn)


@pytest.mark.parametrize(
    ("method", "name", "statistic"),
    [
        ("metric_engine_cpu_utilization", "EngineCPUUtilization", "Average"),
        ("metric_cpu_utilization", "CPUUtilization", "Average"),
        ("metric_database_memory_usage_percentage", "DatabaseMemoryUsagePercentage", "Average"),
        ("metric_bytes_used_for_cache", "BytesUsedForCache", "Average"),
        ("metric_freeable_memory", "FreeableMemory", "Average"),
        ("metric_swap_usage", "SwapUsage", "Average"),
        ("metric_curr_connections", "CurrConnections", "Average"),
        ("metric_new_connections", "NewConnections", "Sum"),
        ("metric_curr_items", "CurrItems", "Average"),
        ("metric_evictions", "Evictions", "Sum"),
        ("metric_cache_hits", "CacheHits", "Sum"),
        ("metric_cache_misses", "CacheMisses", "Sum"),
        ("metric_cache_hit_rate", "CacheHitRate", "Average"),
        ("metric_replication_lag", "ReplicationLag", "Average"),
        ("metric_network_bytes_in", "NetworkBytesIn", "Sum"),
        ("metric_network_bytes_out", "NetworkBytesOut", "Sum"),
        ("metric_successful_read_request_latency", "SuccessfulReadRequestLatency", "Average"),
        ("metric_successful_write_request_latency", "SuccessfulWriteRequestLatency", "Average"),
        ("metric_authentication_failures", "AuthenticationFailures", "Sum"),
    ],
)
def test_each_metric_has_its_name_and_statistic(
    stack: cdk.Stack, vpc: ec2.IVpc, method: str, name: str, statistic: str
) -> None:
    cache = ReplicationGroup(stack, "Cache", vpc=vpc)
    metric: cloudwatch.Metric = getattr(cache, method)()
    assert (metric.namespace, metric.metric_name, metric.statistic) == ("AWS/ElastiCache", name, statistic)
    assert metric.dimensions == {"ReplicationGroupId": cache.replication_group_id}
    one: cloudwatch.Metric = getattr(cache, method)(node_id="orders-001")
    assert one.dimensions is not None
    assert one.dimensions["CacheClusterId"] == "orders-001"


def test_a_metric_of_a_member_s_host_names_its_node(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cache = ReplicationGroup(stack, "Cache", vpc=vpc)
    host, engine = cache.metric_cpu_utilization(node_id="x-001"), cache.metric_engine_cpu_utilization(node_id="x-001")
    assert host.dimensions == {"CacheClusterId": "x-001", "CacheNodeId": "0001"}
    assert engine.dimensions == {"CacheClusterId": "x-001"}


def test_any_other_metric_can_be_named(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cache = ReplicationGroup(stack, "Cache", vpc=vpc)
    metric = cache.metric(
        "BytesUsedForCache", statistic="Maximum", period=cdk.Duration.minutes(5), dimensions={"Tier": "SSD"}
    )
    assert metric.dimensions == {"ReplicationGroupId": cache.replication_group_id, "Tier": "SSD"}
    assert metric.period.to_minutes() == 5


def test_what_exists_already_can_be_used(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    group = ec2.SecurityGroup(stack, "Group", vpc=vpc)
    cache = ReplicationGroup.from_replication_group_attributes(
        stack,
        "Cache",
        replication_group_id="orders",
        port=6390,
        primary_endpoint_address="primary.example",
        reader_endpoint_address="reader.example",
        security_groups=[group],
    )
    assert cache.primary_endpoint.socket_address == "primary.example:6390"
    assert cache.reader_endpoint.socket_address == "reader.example:6390"
    assert stack.resolve(cache.replication_group_arn)["Fn::Join"][1][-1] == ":replicationgroup:orders"
    cache.connections.allow_default_port_from(ec2.Peer.ipv4("10.0.0.0/8"))
    Template.from_stack(stack).has_resource_properties(
        "AWS::EC2::SecurityGroup", {"SecurityGroupIngress": [Match.object_like({"FromPort": 6390})]}
    )


def test_an_imported_cache_says_which_endpoint_it_was_not_told(stack: cdk.Stack) -> None:
    cache = ReplicationGroup.from_replication_group_attributes(stack, "Cache", replication_group_id="orders")
    with pytest.raises(ValidationError, match="primary_endpoint must be known to be used"):
        _ = cache.primary_endpoint
    with pytest.raises(ValidationError, match="reader_endpoint must be known to be used"):
        _ = cache.reader_endpoint


def test_an_imported_cache_grants_to_the_users_it_is_given(stack: cdk.Stack) -> None:
    user = IamUser.from_user_attributes(stack, "App", user_id="app", iam_authentication=True)
    cache = ReplicationGroup.from_replication_group_attributes(stack, "Cache", replication_group_id="orders")
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    cache.grant_connect(role, user)
    policy = next(iter(Template.from_stack(stack).find_resources("AWS::IAM::Policy").values()))
    resources = policy["Properties"]["PolicyDocument"]["Statement"][0]["Resource"]
    assert [resource["Fn::Join"][1][-1] for resource in resources] == [":replicationgroup:orders", ":user:app"]


def test_aws_cdk_takes_it_where_it_takes_a_replication_group(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cache = ReplicationGroup(stack, "Cache", vpc=vpc)
    assert cache.replication_group_ref.replication_group_id == cache.replication_group_id
    arn = elasticache.CfnReplicationGroup.arn_for_replication_group(cache)
    assert stack.resolve(arn)["Fn::Join"][1][-1] == stack.resolve(cache.replication_group_id)


def test_tokens_are_accepted_wherever_aws_takes_a_parameter(
    stack: cdk.Stack, vpc: ec2.IVpc, any_text: str, any_number: float, properties: Properties
) -> None:
    ReplicationGroup(
        stack,
        "Cache",
        vpc=vpc,
        engine_version=EngineVersion.of(Engine.VALKEY, any_text),
        parameter_group=ParameterGroup.from_parameter_group_name(stack, "Parameters", any_text),
        node_type=NodeType.of(any_text),
        port=any_number,  # type: ignore[arg-type]  # tokens are floats
        replication_group_id=any_text,
        access=Access.user_group(UserGroup.from_user_group_id(stack, "Users", any_text)),
        backups=Backups.daily(
            retention_days=any_number,  # type: ignore[arg-type]  # tokens are floats
            window=SnapshotWindow.of(any_text),
        ),
        maintenance=Maintenance(window=MaintenanceWindow.of(any_text)),
    )
    found = properties(GROUP)
    for name in ("EngineVersion", "CacheNodeType", "SnapshotWindow", "ReplicationGroupId", "CacheParameterGroupName"):
        assert found[name] == {"Ref": "AnyText"}
    assert found["SnapshotRetentionLimit"] == found["Port"] == {"Ref": "AnyNumber"}


def _resource(cache: ReplicationGroup) -> cdk.CfnElement:
    resource = cache.node.default_child
    assert isinstance(resource, cdk.CfnElement)
    return resource
