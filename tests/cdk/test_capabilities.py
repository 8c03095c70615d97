"""What users of CDK expect of any construct, for each of ours: one matrix, so that none is forgotten."""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticache as elasticache
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Template

from cachetwin_cdk import (
    AccessString,
    Engine,
    EngineVersion,
    GlobalDatastore,
    IamUser,
    MemcachedCluster,
    NodeType,
    NoPasswordUser,
    ParameterGroup,
    PasswordUser,
    ReplicationGroup,
    SecondaryReplicationGroup,
    ServerlessCache,
    SubnetGroup,
    User,
    UserGroup,
)

Make = Callable[[cdk.Stack, ec2.IVpc], Any]
RULES = AccessString.application()


def secondary(stack: cdk.Stack, vpc: ec2.IVpc) -> SecondaryReplicationGroup:
    elsewhere = GlobalDatastore.from_global_replication_group_attributes(
        stack, "Elsewhere", global_replication_group_id="orders"
    )
    return SecondaryReplicationGroup(stack, "Cache", vpc=vpc, global_datastore=elsewhere)


def datastore(stack: cdk.Stack, vpc: ec2.IVpc) -> GlobalDatastore:
    primary = ReplicationGroup(stack, "Cache", vpc=vpc, node_type=NodeType.M7G_LARGE)
    return GlobalDatastore(stack, "Global", primary=primary)


MADE: dict[str, Make] = {
    "AWS::ElastiCache::ReplicationGroup": lambda stack, vpc: ReplicationGroup(stack, "Cache", vpc=vpc),
    "AWS::ElastiCache::ReplicationGroup, secondary": secondary,
    "AWS::ElastiCache::ServerlessCache": lambda stack, vpc: ServerlessCache(stack, "Cache", vpc=vpc),
    "AWS::ElastiCache::CacheCluster": lambda stack, vpc: MemcachedCluster(stack, "Cache", vpc=vpc),
    "AWS::ElastiCache::GlobalReplicationGroup": datastore,
    "AWS::ElastiCache::User": lambda stack, _vpc: IamUser(stack, "User", access_string=RULES),
    "AWS::ElastiCache::User, password": lambda stack, _vpc: PasswordUser(stack, "User", access_string=RULES),
    "AWS::ElastiCache::User, none": lambda stack, _vpc: NoPasswordUser(stack, "User"),
    "AWS::ElastiCache::UserGroup": lambda stack, _vpc: UserGroup(
        stack, "Users", users=[IamUser(stack, "User", access_string=RULES)]
    ),
    "AWS::ElastiCache::ParameterGroup": lambda stack, _vpc: ParameterGroup(
        stack, "Parameters", engine_version=EngineVersion.VALKEY_8_1
    ),
    "AWS::ElastiCache::SubnetGroup": lambda stack, vpc: SubnetGroup(stack, "Subnets", vpc=vpc),
}
# As they exist already: what they are called, their ARN's last part, and how aws-cdk-lib forms the ARN of a reference.
IMPORTED: dict[str, tuple[Callable[[cdk.Stack], Any], str, Callable[[Any], str] | None]] = {
    "replication group": (
        lambda stack: ReplicationGroup.from_replication_group_attributes(stack, "It", replication_group_id="orders"),
        "replicationgroup:orders",
        elasticache.CfnReplicationGroup.arn_for_replication_group,
    ),
    "serverless cache": (
        lambda stack: ServerlessCache.from_serverless_cache_attributes(stack, "It", serverless_cache_name="Orders"),
        "serverlesscache:orders",
        elasticache.CfnServerlessCache.arn_for_serverless_cache,
    ),
    "cluster": (
        lambda stack: MemcachedCluster.from_cluster_attributes(stack, "It", cluster_name="orders"),
        "cluster:orders",
        None,
    ),
    "global datastore": (
        lambda stack: GlobalDatastore.from_global_replication_group_attributes(
            stack, "It", global_replication_group_id="orders"
        ),
        "globalreplicationgroup:orders",
        elasticache.CfnGlobalReplicationGroup.arn_for_global_replication_group,
    ),
    "user": (
        lambda stack: User.from_user_attributes(stack, "It", user_id="Orders"),
        "user:orders",
        elasticache.CfnUser.arn_for_user,
    ),
    "user group": (
        lambda stack: UserGroup.from_user_group_id(stack, "It", "orders", engine=Engine.REDIS),
        "usergroup:orders",
        elasticache.CfnUserGroup.arn_for_user_group,
    ),
    "parameter group": (
        lambda stack: ParameterGroup.from_parameter_group_name(stack, "It", "orders"),
        "parametergroup:orders",
        elasticache.CfnParameterGroup.arn_for_parameter_group,
    ),
    "subnet group": (
        lambda stack: SubnetGroup.from_subnet_group_name(stack, "It", "orders"),
        "subnetgroup:orders",
        elasticache.CfnSubnetGroup.arn_for_subnet_group,
    ),
}


@pytest.mark.parametrize("kind", MADE)
def test_tags_reach_it(stack: cdk.Stack, vpc: ec2.IVpc, kind: str) -> None:
    made = MADE[kind](stack, vpc)
    cdk.Tags.of(made).add("Owner", "orders-team")
    resource = Template.from_stack(stack).to_json()["Resources"][stack.get_logical_id(made.node.default_child)]
    assert resource["Type"] == kind.partition(",")[0]
    assert {"Key": "Owner", "Value": "orders-team"} in resource["Properties"]["Tags"]


@pytest.mark.parametrize("kind", MADE)
def test_a_removal_policy_applies_to_it(stack: cdk.Stack, vpc: ec2.IVpc, kind: str) -> None:
    made = MADE[kind](stack, vpc)
    made.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
    resource = Template.from_stack(stack).to_json()["Resources"][stack.get_logical_id(made.node.default_child)]
    assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Retain", "Retain")


@pytest.mark.parametrize("kind", MADE)
def test_actions_on_it_can_be_granted(stack: cdk.Stack, vpc: ec2.IVpc, kind: str) -> None:
    made = MADE[kind](stack, vpc)
    made.grant(role(stack), "elasticache:ListTagsForResource", "elasticache:AddTagsToResource")
    (policy,) = Template.from_stack(stack).find_resources("AWS::IAM::Policy").values()
    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Action"] == ["elasticache:AddTagsToResource", "elasticache:ListTagsForResource"]
    assert made.node.default_child is not None
    assert stack.get_logical_id(made.node.default_child) in str(statement["Resource"])


@pytest.mark.parametrize("kind", IMPORTED)
def test_one_that_exists_can_be_imported_granted_and_passed_on(stack: cdk.Stack, kind: str) -> None:
    make, last_part, arn_for = IMPORTED[kind]
    imported = make(stack)
    imported.grant(role(stack), "elasticache:ListTagsForResource")
    (policy,) = Template.from_stack(stack).find_resources("AWS::IAM::Policy").values()
    granted = policy["Properties"]["PolicyDocument"]["Statement"][0]["Resource"]
    assert str(granted["Fn::Join"][1][-1]).endswith(f":{last_part}")
    if arn_for is not None:
        assert flat(stack.resolve(arn_for(imported))) == flat(granted)


# What the API calls each kind in the parameters of a call, which CloudTrail records.
CALLED = {
    "replication group": "replicationGroupId",
    "serverless cache": "serverlessCacheName",
    "cluster": "cacheClusterId",
    "global datastore": "globalReplicationGroupId",
    "user": "userId",
    "user group": "userGroupId",
    "parameter group": "cacheParameterGroupName",
    "subnet group": "cacheSubnetGroupName",
}


@pytest.mark.parametrize("kind", IMPORTED)
def test_calls_of_the_api_on_it_can_be_told(stack: cdk.Stack, kind: str) -> None:
    make, _last_part, _arn_for = IMPORTED[kind]
    make(stack).on_api_call("Changed", "ModifyUser")
    (rule,) = Template.from_stack(stack).find_resources("AWS::Events::Rule").values()
    detail = rule["Properties"]["EventPattern"]["detail"]
    assert detail["requestParameters"] == {CALLED[kind]: ["orders"]}
    assert detail["eventName"] == ["ModifyUser"]


def flat(arn: Any) -> list[str]:  # noqa: ANN401  (of a template)
    """The parts of an ARN, references by their name; a global datastore's has no region."""
    text = "".join(part if isinstance(part, str) else f"<{part['Ref']}>" for part in arn["Fn::Join"][1])
    return text.split(":")


def role(stack: cdk.Stack) -> iam.Role:
    return iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))


# The kinds that clients connect to: their ports, and the dimension that CloudWatch has their metrics under.
CACHES: dict[str, tuple[tuple[int, int], str]] = {
    "AWS::ElastiCache::ReplicationGroup": ((6379, 6379), "ReplicationGroupId"),
    "AWS::ElastiCache::ReplicationGroup, secondary": ((6379, 6379), "ReplicationGroupId"),
    "AWS::ElastiCache::ServerlessCache": ((6379, 6380), "clusterId"),
    "AWS::ElastiCache::CacheCluster": ((11211, 11211), "CacheClusterId"),
}


@pytest.mark.parametrize("kind", CACHES)
def test_a_cache_admits_whoever_it_is_told_to(stack: cdk.Stack, vpc: ec2.IVpc, kind: str) -> None:
    cache = MADE[kind](stack, vpc)
    cache.connections.allow_default_port_from(ec2.SecurityGroup(stack, "Server", vpc=vpc))
    (first, last), _ = CACHES[kind]
    Template.from_stack(stack).has_resource_properties(
        "AWS::EC2::SecurityGroupIngress", {"FromPort": first, "ToPort": last}
    )


UNITS = {
    "Seconds": {"ReplicationLag", "GlobalDatastoreReplicationLag"},
    "Microseconds": {"SuccessfulReadRequestLatency", "SuccessfulWriteRequestLatency"},
    "Percent": {"CPUUtilization", "EngineCPUUtilization", "DatabaseMemoryUsagePercentage", "CacheHitRate"},
    "Bytes": {"BytesUsedForCache", "FreeableMemory", "SwapUsage", "NetworkBytesIn", "NetworkBytesOut"},
}
LEVELS = {"CurrConnections", "CurrItems", "FreeableMemory", "SwapUsage"}


@pytest.mark.parametrize("kind", CACHES)
def test_each_metric_has_its_name_unit_statistic_and_dimension(stack: cdk.Stack, vpc: ec2.IVpc, kind: str) -> None:
    cache = MADE[kind](stack, vpc)
    named = {name: getattr(cache, name) for name in dir(type(cache)) if name.startswith("metric_")}
    assert len(named) >= 10
    for name, method in named.items():
        metric: cloudwatch.Metric = method()
        assert metric.namespace == "AWS/ElastiCache"
        assert metric.metric_name.lower() == name.removeprefix("metric_").replace("_", "")
        unit = next((unit for unit, names in UNITS.items() if metric.metric_name in names), "Count")
        assert metric.unit is not None
        assert metric.unit.value.title() == unit, name
        assert metric.statistic == expected_statistic(kind, metric.metric_name, unit), name
        assert metric.dimensions is not None
        assert set(metric.dimensions) == {CACHES[kind][1]}


def expected_statistic(kind: str, name: str, unit: str) -> str:
    """Counts and traffic are summed, levels, shares and times averaged; what may not reach a limit is taken at its most."""
    if name == "GlobalDatastoreReplicationLag" or (name == "BytesUsedForCache" and "Serverless" in kind):
        return "Maximum"
    if name.startswith("NetworkBytes") or (unit == "Count" and name not in LEVELS):
        return "Sum"
    return "Average"
