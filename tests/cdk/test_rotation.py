"""Rotation: the dance of the function against the API's shapes, and what the constructs give it."""

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import aws_cdk as cdk
import boto3  # type: ignore[import-untyped]
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk.assertions import Match, Template
from botocore.stub import ANY, Stubber  # type: ignore[import-untyped]
from cdk_nag import AwsSolutionsChecks

from cachetwin_cdk import (
    AccessString,
    AuthToken,
    ClusterMode,
    ControlPlaneEndpoint,
    PasswordUser,
    ReplicationGroup,
    ServerlessCache,
    ValidationError,
)
from cachetwin_cdk.rotation import AuthTokenRotation, UserPasswordRotation
from cachetwin_cdk.rotation.function import rotate

Properties = Callable[[str], dict[str, Any]]
SECRET = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:cache-a1b2c3"  # an ARN, no secret
OLD, NEW = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"
STAGES = {"VersionIdsToStages": {OLD: ["AWSCURRENT"], NEW: ["AWSPENDING"]}}
ACTIVE = {"Users": [{"Status": "active", "Authentication": {"Type": "password", "PasswordCount": 2}}]}


class Stage:
    """Both services as botocore knows them: a call or an answer of another shape fails."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, kind: str, field: str) -> None:
        clients = {
            name: boto3.client(name, region_name="eu-west-1", aws_access_key_id="none", aws_secret_access_key="none")
            for name in ("secretsmanager", "elasticache")
        }
        self.vault, self.cache = (Stubber(client) for client in clients.values())
        monkeypatch.setattr(boto3, "client", clients.__getitem__)
        monkeypatch.setenv("KIND", kind)
        monkeypatch.setenv("RESOURCE_ID", "orders")
        monkeypatch.setenv("JSON_FIELD", field)

    def expect_stages(self, stages: dict[str, Any] = STAGES) -> None:
        self.vault.add_response("describe_secret", stages, {"SecretId": SECRET})

    def expect_read(self, text: str, **which: str) -> None:
        self.vault.add_response("get_secret_value", {"SecretString": text}, {"SecretId": SECRET, **which})

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        with self.vault, self.cache:
            rotate.handler({"Step": name, "SecretId": SECRET, "ClientRequestToken": NEW}, None)
            yield
            self.vault.assert_no_pending_responses()
            self.cache.assert_no_pending_responses()


@pytest.fixture
def user(monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(monkeypatch, "user", "password")


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(monkeypatch, "token", "")


def test_a_new_password_keeps_what_else_the_secret_holds(user: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "choice", lambda alphabet: alphabet[0])
    user.expect_stages()
    user.vault.add_client_error("get_secret_value", "ResourceNotFoundException")
    user.expect_read(json.dumps({"username": "ann", "password": "old"}), VersionStage="AWSCURRENT")
    user.vault.add_response(
        "put_secret_value",
        {},
        {
            "SecretId": SECRET,
            "ClientRequestToken": NEW,
            "SecretString": json.dumps({"username": "ann", "password": "a" * 64}),
            "VersionStages": ["AWSPENDING"],
        },
    )
    with user.step("createSecret"):
        pass


def test_a_password_that_was_made_already_is_kept(user: Stage) -> None:
    user.expect_stages()
    user.expect_read("{}", VersionId=NEW, VersionStage="AWSPENDING")
    with user.step("createSecret"):
        pass


def test_a_user_gets_both_passwords(user: Stage) -> None:
    user.expect_stages()
    user.expect_read('{"password": "old"}', VersionStage="AWSCURRENT")
    user.expect_read('{"password": "new"}', VersionId=NEW, VersionStage="AWSPENDING")
    user.cache.add_response(
        "modify_user",
        {},
        {"UserId": "orders", "AuthenticationMode": {"Type": "password", "Passwords": ["old", "new"]}},
    )
    with user.step("setSecret"):
        pass


def test_the_change_is_over_when_the_user_is_active_with_both(user: Stage) -> None:
    user.expect_stages()
    user.cache.add_response("describe_users", ACTIVE, {"UserId": "orders"})
    with user.step("testSecret"):
        pass


@pytest.mark.parametrize(
    ("status", "count", "message"), [("modifying", 2, "is modifying with 2"), ("active", 1, "is active with 1")]
)
def test_until_then_secrets_manager_tries_again(user: Stage, status: str, count: int, message: str) -> None:
    user.expect_stages()
    found = {"Status": status, "Authentication": {"Type": "password", "PasswordCount": count}}
    user.cache.add_response("describe_users", {"Users": [found]}, {"UserId": "orders"})
    with pytest.raises(RuntimeError, match=message), user.step("testSecret"):
        pass


def test_at_the_end_the_new_password_is_current_and_the_old_one_valid(user: Stage) -> None:
    user.expect_stages()
    user.expect_stages()
    user.expect_read('{"password": "new"}', VersionId=NEW, VersionStage="AWSPENDING")
    user.cache.add_response("describe_users", ACTIVE, {"UserId": "orders"})
    user.vault.add_response(
        "update_secret_version_stage",
        {},
        {
            "SecretId": SECRET,
            "VersionStage": "AWSCURRENT",
            "MoveToVersionId": NEW,
            "RemoveFromVersionId": OLD,
        },
    )
    with user.step("finishSecret"):
        pass


def test_a_token_is_added_before_it_is_set(token: Stage) -> None:
    token.expect_stages()
    token.expect_read("old-token-old-token", VersionStage="AWSCURRENT")
    token.expect_read("new-token-new-token", VersionId=NEW, VersionStage="AWSPENDING")
    token.cache.add_response(
        "modify_replication_group",
        {},
        {
            "ReplicationGroupId": "orders",
            "AuthToken": "new-token-new-token",
            "AuthTokenUpdateStrategy": "ROTATE",
            "ApplyImmediately": True,
        },
    )
    with token.step("setSecret"):
        pass


def test_a_token_is_set_once_the_secret_has_it(token: Stage) -> None:
    token.expect_stages()
    token.expect_stages()
    token.expect_read("new-token-new-token", VersionId=NEW, VersionStage="AWSPENDING")
    group = {"ReplicationGroups": [{"ReplicationGroupId": "orders", "Status": "available"}]}
    token.cache.add_response("describe_replication_groups", group, {"ReplicationGroupId": "orders"})
    token.vault.add_response("update_secret_version_stage", {}, {
        "SecretId": SECRET, "VersionStage": "AWSCURRENT", "MoveToVersionId": NEW, "RemoveFromVersionId": OLD,
    })  # fmt: skip
    token.cache.add_response(
        "modify_replication_group",
        {},
        {
            "ReplicationGroupId": "orders",
            "AuthToken": "new-token-new-token",
            "AuthTokenUpdateStrategy": "SET",
            "ApplyImmediately": True,
        },
    )
    with token.step("finishSecret"):
        pass


def test_a_token_that_could_not_be_set_is_set_on_the_next_try(token: Stage) -> None:
    token.expect_stages({"VersionIdsToStages": {NEW: ["AWSCURRENT"]}})
    token.expect_read("new-token-new-token", VersionId=NEW, VersionStage="AWSCURRENT")
    token.cache.add_response("modify_replication_group", {})
    with token.step("finishSecret"):
        pass


def test_a_whole_secret_is_the_token(token: Stage) -> None:
    token.expect_stages()
    token.vault.add_client_error("get_secret_value", "ResourceNotFoundException")
    expected = {"SecretId": SECRET, "ClientRequestToken": NEW, "SecretString": ANY, "VersionStages": ["AWSPENDING"]}
    token.vault.add_response("put_secret_value", {}, expected)
    with token.step("createSecret"):
        pass


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        ({OLD: ["AWSCURRENT"]}, "is not a version of the secret"),
        ({NEW: ["AWSPREVIOUS"]}, "is not staged as AWSPENDING"),
    ],
)
def test_a_version_that_was_not_staged_is_refused(user: Stage, stages: dict[str, list[str]], message: str) -> None:
    user.expect_stages({"VersionIdsToStages": stages})
    with pytest.raises(ValueError, match=message), user.step("setSecret"):
        pass


def test_a_version_that_is_current_needs_nothing(user: Stage) -> None:
    user.expect_stages({"VersionIdsToStages": {NEW: ["AWSCURRENT", "AWSPENDING"]}})
    with user.step("setSecret"):
        pass


def statements(stack: cdk.Stack) -> list[dict[str, Any]]:
    policies = Template.from_stack(stack).find_resources("AWS::IAM::Policy").values()
    return [line for policy in policies for line in policy["Properties"]["PolicyDocument"]["Statement"]]


def test_a_user_s_password_changes_every_month(stack: cdk.Stack, properties: Properties) -> None:
    user = PasswordUser(stack, "Ann", access_string=AccessString.application())
    UserPasswordRotation(stack, "Rotation", user=user)
    schedule = properties("AWS::SecretsManager::RotationSchedule")
    assert schedule["RotationRules"] == {"AutomaticallyAfterDays": 30}
    assert schedule["RotateImmediatelyOnUpdate"] is False
    assert properties("AWS::Lambda::Function")["Environment"]["Variables"] == {
        "KIND": "user",
        "RESOURCE_ID": stack.resolve(user.user_id),
        "JSON_FIELD": "password",
    }
    cache = next(line for line in statements(stack) if "elasticache:ModifyUser" in line["Action"])
    assert cache["Action"] == ["elasticache:DescribeUsers", "elasticache:ModifyUser"]
    assert cache["Resource"] == stack.resolve(user.user_arn)
    assert not any(line["Resource"] == "*" for line in statements(stack))


def test_a_token_changes_with_its_cache(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cache = ReplicationGroup(stack, "Cache", vpc=vpc, auth_token=AuthToken.generate(stack, "Token"))
    AuthTokenRotation(stack, "Rotation", cache=cache, automatically_after_days=7, vpc=vpc)
    template = Template.from_stack(stack)
    template.has_resource_properties(
        "AWS::Lambda::Function",
        {"VpcConfig": Match.any_value(), "Environment": {"Variables": {"KIND": "token", "JSON_FIELD": "token"}}},
    )
    schedule = {"RotationRules": {"AutomaticallyAfterDays": 7}}
    template.has_resource_properties("AWS::SecretsManager::RotationSchedule", schedule)


def test_a_token_s_function_is_told_where_to_log_in_and_let_in(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cache = ReplicationGroup(stack, "Cache", vpc=vpc, auth_token=AuthToken.generate(stack, "Token"))
    AuthTokenRotation(stack, "Rotation", cache=cache, vpc=vpc)
    template = Template.from_stack(stack)
    address = {
        "CACHE_HOST": stack.resolve(cache.primary_endpoint.hostname),
        "CACHE_PORT": stack.resolve(cache.primary_endpoint.port_text),
        "USER_NAME": "",
    }
    template.has_resource_properties("AWS::Lambda::Function", {"Environment": {"Variables": address}})
    rule = {"FromPort": 6379, "ToPort": 6379, "Description": "Rotation tries the new password"}
    template.has_resource_properties("AWS::EC2::SecurityGroupIngress", rule)


def test_without_a_vpc_it_is_told_nothing_of_the_cache(stack: cdk.Stack, vpc: ec2.IVpc, properties: Properties) -> None:
    cache = ReplicationGroup(stack, "Cache", vpc=vpc, auth_token=AuthToken.generate(stack, "Token"))
    AuthTokenRotation(stack, "Rotation", cache=cache)
    assert set(properties("AWS::Lambda::Function")["Environment"]["Variables"]) == {"KIND", "RESOURCE_ID", "JSON_FIELD"}
    Template.from_stack(stack).resource_count_is("AWS::EC2::SecurityGroupIngress", 0)


@pytest.mark.parametrize("kind", ["cluster", "serverless"])
def test_a_user_s_function_logs_in_where_clients_start(stack: cdk.Stack, vpc: ec2.IVpc, kind: str) -> None:
    user = PasswordUser(stack, "Ann", user_name="ann", access_string=AccessString.application())
    cache: ReplicationGroup | ServerlessCache
    if kind == "cluster":
        cache = ReplicationGroup(stack, "Cache", vpc=vpc, users=[user], cluster_mode=ClusterMode.ENABLED)
        host = cache.configuration_endpoint.hostname
    else:
        cache = ServerlessCache(stack, "Cache", vpc=vpc, users=[user])
        host = cache.endpoint.hostname
    UserPasswordRotation(stack, "Rotation", user=user, cache=cache, vpc=vpc)
    variables = {"CACHE_HOST": stack.resolve(host), "USER_NAME": "ann"}
    Template.from_stack(stack).has_resource_properties(
        "AWS::Lambda::Function", {"Environment": {"Variables": variables}}
    )


def test_a_cache_is_reached_from_a_vpc_only(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    user = PasswordUser(stack, "Ann", access_string=AccessString.application())
    cache = ReplicationGroup(stack, "Cache", vpc=vpc, users=[user])
    with pytest.raises(ValidationError, match="vpc must be given with cache"):
        UserPasswordRotation(stack, "Rotation", user=user, cache=cache)


def test_the_way_to_the_api_is_opened_for_the_function_and_its_calls(
    stack: cdk.Stack, vpc: ec2.IVpc, properties: Properties
) -> None:
    user = PasswordUser(stack, "Ann", access_string=AccessString.application())
    api = ControlPlaneEndpoint(stack, "Api", vpc=vpc)
    UserPasswordRotation(stack, "Rotation", user=user, vpc=vpc, control_plane=api)
    (_, change) = properties("AWS::EC2::VPCEndpoint")["PolicyDocument"]["Statement"]
    assert change["Action"] == ["elasticache:DescribeUsers", "elasticache:ModifyUser"]
    assert change["Resource"] == stack.resolve(user.user_arn)
    rule = {"FromPort": 443, "ToPort": 443, "Description": "Rotation calls the API of ElastiCache"}
    Template.from_stack(stack).has_resource_properties("AWS::EC2::SecurityGroupIngress", rule)


def test_a_key_of_one_s_own_is_used_without_wildcards(stack: cdk.Stack) -> None:
    key = kms.Key(stack, "Key")
    user = PasswordUser(stack, "Ann", access_string=AccessString.application(), secret_encryption_key=key)
    UserPasswordRotation(stack, "Rotation", user=user)
    (use,) = (line for line in statements(stack) if "kms:Decrypt" in line["Action"])
    assert use["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]


def test_a_cache_without_a_token_has_none_to_rotate(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    with pytest.raises(ValidationError, match="cache must have an AUTH token to rotate"):
        AuthTokenRotation(stack, "Rotation", cache=ReplicationGroup(stack, "Cache", vpc=vpc))


def test_the_schedule_is_one_that_secrets_manager_takes(stack: cdk.Stack) -> None:
    user = PasswordUser(stack, "Ann", access_string=AccessString.application())
    with pytest.raises(ValidationError, match="automatically_after_days must be between 1 and 1000 days, got 0"):
        UserPasswordRotation(stack, "Rotation", user=user, automatically_after_days=0)


def test_cdk_nag_finds_nothing_in_it() -> None:
    app = cdk.App(analytics_reporting=False)
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    stack = cdk.Stack(app, "Rotated")
    user = PasswordUser(stack, "Ann", access_string=AccessString.application())
    UserPasswordRotation(stack, "Rotation", user=user)
    vpc = ec2.Vpc.from_vpc_attributes(
        stack,
        "Vpc",
        vpc_id="vpc-1",
        availability_zones=["a", "b"],
        isolated_subnet_ids=["subnet-1", "subnet-2"],
        isolated_subnet_route_table_ids=["rtb-1", "rtb-2"],
    )
    cache = ReplicationGroup(stack, "Cache", vpc=vpc, auth_token=AuthToken.generate(stack, "Token"))
    AuthTokenRotation(stack, "TokenRotation", cache=cache, vpc=vpc)
    app.synth()
