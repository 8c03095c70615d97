"""Rotation: which passwords are valid after each step, and what the constructs give the function.

Secrets Manager is moto's. ElastiCache is the few calls below, because moto's users cannot be modified; the requests are
those that botocore sends, so a call of another shape fails.
"""

import json
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import aws_cdk as cdk
import boto3  # type: ignore[import-untyped]
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk.assertions import Match, Template
from botocore.exceptions import ClientError  # type: ignore[import-untyped]
from cdk_nag import AwsSolutionsChecks
from moto import mock_aws
from moto.secretsmanager.models import secretsmanager_backends

from cachetwin_cdk import (
    Access,
    AccessString,
    AuthToken,
    ControlPlaneEndpoint,
    PasswordUser,
    ReplicationGroup,
    ServerlessCache,
    Topology,
    ValidationError,
)
from cachetwin_cdk.rotation import AuthTokenRotation, UserPasswordRotation
from cachetwin_cdk.rotation.function import rotate

Properties = Callable[[str], dict[str, Any]]
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
FIRST, SECOND = (digit * 8 + "-0000-0000-0000-000000000000" for digit in "12")


@dataclass
class FakeElastiCache:
    """A user called orders and a replication group called orders, with the passwords that each accepts."""

    user_passwords: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    user_status: str = "active"
    refuses: str = ""
    """The strategy for which ModifyReplicationGroup fails."""

    def __call__(self, model: Any, params: dict[str, Any], **_rest: object) -> tuple[Any, dict[str, Any]]:  # noqa: ANN401
        """Answer a request in place of the service; ``params`` is what goes over the wire."""
        body: dict[str, str] = params["body"]
        assert "orders" in {body.get("UserId"), body.get("ReplicationGroupId")}
        operations = {
            "ModifyUser": self._modify_user,
            "DescribeUsers": self._describe_users,
            "ModifyReplicationGroup": self._modify_replication_group,
            "DescribeReplicationGroups": self._describe_replication_groups,
        }
        answer = operations[model.name](body)
        failed = "Error" in answer
        return SimpleNamespace(status_code=400 if failed else 200), {**answer, "ResponseMetadata": {}}

    def _modify_user(self, body: dict[str, str]) -> dict[str, Any]:
        passwords = [value for name, value in sorted(body.items()) if ".Passwords." in name]
        assert body["AuthenticationMode.Type"] == "password"
        assert 1 <= len(passwords) <= 2
        self.user_passwords = passwords
        return {}

    def _describe_users(self, _body: dict[str, str]) -> dict[str, Any]:
        authentication = {"Type": "password", "PasswordCount": len(self.user_passwords)}
        return {"Users": [{"Status": self.user_status, "Authentication": authentication}]}

    def _modify_replication_group(self, body: dict[str, str]) -> dict[str, Any]:
        token, strategy = body["AuthToken"], body["AuthTokenUpdateStrategy"]
        assert body["ApplyImmediately"] == "true"
        if strategy == self.refuses:
            return {"Error": {"Code": "InvalidReplicationGroupState", "Message": "not now"}}
        self.tokens = [token] if strategy == "SET" else [*self.tokens[-1:], token]
        return {}

    def _describe_replication_groups(self, _body: dict[str, str]) -> dict[str, Any]:
        return {"ReplicationGroups": [{"ReplicationGroupId": "orders", "Status": "available"}]}


class Rotated:
    """A secret in Secrets Manager, the cache that uses it, and the function with its environment."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, kind: str, json_field: str, secret: str) -> None:
        for name, value in (("KIND", kind), ("RESOURCE_ID", "orders"), ("JSON_FIELD", json_field)):
            monkeypatch.setenv(name, value)
        self.field, self.cache = json_field, FakeElastiCache()
        session = boto3.Session(region_name="eu-west-1", aws_access_key_id="none", aws_secret_access_key="none")
        session.events.register("before-call.elasticache", self.cache)
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", session)
        self.secrets = session.client("secretsmanager")
        self.secrets.create_secret(Name="cache", SecretString=secret)

    def text(self, stage: str = "AWSCURRENT") -> str:
        return str(self.secrets.get_secret_value(SecretId="cache", VersionStage=stage)["SecretString"])

    def password(self, stage: str = "AWSCURRENT") -> str:
        text = self.text(stage)
        return str(json.loads(text)[self.field]) if self.field else text

    def stages(self) -> dict[str, str]:
        """Which version has which label."""
        versions = self.secrets.describe_secret(SecretId="cache")["VersionIdsToStages"]
        return {stage: version for version, stages in versions.items() for stage in stages}

    def run(self, version: str, *steps: str) -> None:
        """Run steps as Secrets Manager does: it stages a version without a value, and sends an event for each step."""
        secret = secretsmanager_backends["123456789012"]["eu-west-1"].secrets["cache"]
        empty = {"version_id": version, "version_stages": ["AWSPENDING"], "createdate": 0}
        secret.versions.setdefault(version, empty)
        for step in steps:
            rotate.handler({"Step": step, "SecretId": "cache", "ClientRequestToken": version}, None)


@pytest.fixture
def user(monkeypatch: pytest.MonkeyPatch) -> Iterator[Rotated]:
    with mock_aws():
        secret = json.dumps({"username": "ann", "password": "old-password"})
        rotated = Rotated(monkeypatch, "user", "password", secret)
        rotated.cache.user_passwords = ["old-password"]
        yield rotated


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch) -> Iterator[Rotated]:
    with mock_aws():
        rotated = Rotated(monkeypatch, "token", "", "old-token-old-token")
        rotated.cache.tokens = ["old-token-old-token"]
        yield rotated


def test_after_a_rotation_both_passwords_of_a_user_are_valid(user: Rotated) -> None:
    user.run(FIRST, *STEPS)
    assert user.stages()["AWSCURRENT"] == FIRST
    assert user.cache.user_passwords == ["old-password", user.password()]
    assert user.password("AWSPREVIOUS") == "old-password"


def test_the_next_rotation_ends_the_oldest_password(user: Rotated) -> None:
    user.run(FIRST, *STEPS)
    first = user.password()
    user.run(SECOND, *STEPS)
    assert user.cache.user_passwords == [first, user.password()]
    assert len({"old-password", first, user.password()}) == 3


def test_a_new_password_is_one_that_elasticache_takes_and_the_rest_of_the_secret_stays(user: Rotated) -> None:
    user.run(FIRST, *STEPS)
    assert json.loads(user.text()) == {"username": "ann", "password": user.password()}
    assert 16 <= len(user.password()) <= 128
    assert set(user.password()) <= set(string.ascii_letters + string.digits)


def test_until_the_last_step_clients_read_the_old_password_and_it_is_valid(user: Rotated) -> None:
    for done in range(1, 4):
        user.run(FIRST, *STEPS[:done])
        assert user.password() == "old-password"
        assert "old-password" in user.cache.user_passwords


@pytest.mark.parametrize("repeated", STEPS)
def test_a_step_may_run_more_than_once(token: Rotated, repeated: str) -> None:
    steps = [step for name in STEPS for step in ([name] * 2 if name == repeated else [name])]
    token.run(FIRST, *steps)
    assert token.stages()["AWSCURRENT"] == FIRST
    assert token.cache.tokens == [token.password()]


@pytest.mark.parametrize("status", ["modifying", "deleting"])
def test_a_user_that_is_not_ready_keeps_the_old_password_current(user: Rotated, status: str) -> None:
    user.cache.user_status = status
    with pytest.raises(RuntimeError, match=f"user orders is {status} with 2 passwords, not active with 2"):
        user.run(FIRST, *STEPS)
    assert user.password() == "old-password"
    user.cache.user_status = "active"
    user.run(FIRST, *STEPS)
    assert user.stages()["AWSCURRENT"] == FIRST


def test_both_tokens_are_valid_until_the_secret_has_the_new_one(token: Rotated) -> None:
    token.run(FIRST, *STEPS[:3])
    assert token.cache.tokens == ["old-token-old-token", token.password("AWSPENDING")]
    assert token.password() == "old-token-old-token"


def test_after_a_rotation_the_new_token_alone_is_valid(token: Rotated) -> None:
    token.run(FIRST, *STEPS)
    assert token.cache.tokens == [token.password()]
    assert token.password() != "old-token-old-token"


def test_a_token_that_could_not_be_set_is_set_on_the_next_try(token: Rotated) -> None:
    token.cache.refuses = "SET"
    with pytest.raises(ClientError, match="InvalidReplicationGroupState"):
        token.run(FIRST, *STEPS)
    assert token.stages()["AWSCURRENT"] == FIRST
    assert len(token.cache.tokens) == 2
    token.cache.refuses = ""
    token.run(FIRST, "finishSecret")
    assert token.cache.tokens == [token.password()]


def test_a_version_that_was_not_staged_changes_nothing(user: Rotated) -> None:
    with pytest.raises(ValueError, match="is not a version of the secret"):
        rotate.handler({"Step": "setSecret", "SecretId": "cache", "ClientRequestToken": SECOND}, None)
    user.run(FIRST, *STEPS)
    user.run(SECOND, *STEPS)
    passwords = list(user.cache.user_passwords)
    with pytest.raises(ValueError, match="is not staged as AWSPENDING"):
        user.run(FIRST, "setSecret")
    assert user.cache.user_passwords == passwords


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
    cache = ReplicationGroup(stack, "Cache", vpc=vpc, access=Access.auth_token(AuthToken.generate(stack, "Token")))
    AuthTokenRotation(stack, "Rotation", cache=cache, automatically_after_days=7, vpc=vpc)
    template = Template.from_stack(stack)
    template.has_resource_properties(
        "AWS::Lambda::Function",
        {"VpcConfig": Match.any_value(), "Environment": {"Variables": {"KIND": "token", "JSON_FIELD": "token"}}},
    )
    schedule = {"RotationRules": {"AutomaticallyAfterDays": 7}}
    template.has_resource_properties("AWS::SecretsManager::RotationSchedule", schedule)


def test_a_token_s_function_is_told_where_to_log_in_and_let_in(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cache = ReplicationGroup(stack, "Cache", vpc=vpc, access=Access.auth_token(AuthToken.generate(stack, "Token")))
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
    cache = ReplicationGroup(stack, "Cache", vpc=vpc, access=Access.auth_token(AuthToken.generate(stack, "Token")))
    AuthTokenRotation(stack, "Rotation", cache=cache)
    assert set(properties("AWS::Lambda::Function")["Environment"]["Variables"]) == {"KIND", "RESOURCE_ID", "JSON_FIELD"}
    Template.from_stack(stack).resource_count_is("AWS::EC2::SecurityGroupIngress", 0)


@pytest.mark.parametrize("kind", ["cluster", "serverless"])
def test_a_user_s_function_logs_in_where_clients_start(stack: cdk.Stack, vpc: ec2.IVpc, kind: str) -> None:
    user = PasswordUser(stack, "Ann", user_name="ann", access_string=AccessString.application())
    cache: ReplicationGroup | ServerlessCache
    if kind == "cluster":
        cache = ReplicationGroup(stack, "Cache", vpc=vpc, topology=Topology.cluster(), access=Access.users(user))
        host = cache.configuration_endpoint.hostname
    else:
        cache = ServerlessCache(stack, "Cache", vpc=vpc, access=Access.users(user))
        host = cache.endpoint.hostname
    UserPasswordRotation(stack, "Rotation", user=user, cache=cache, vpc=vpc)
    variables = {"CACHE_HOST": stack.resolve(host), "USER_NAME": "ann"}
    Template.from_stack(stack).has_resource_properties(
        "AWS::Lambda::Function", {"Environment": {"Variables": variables}}
    )


def test_a_cache_is_reached_from_a_vpc_only(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    user = PasswordUser(stack, "Ann", access_string=AccessString.application())
    cache = ReplicationGroup(stack, "Cache", vpc=vpc, access=Access.users(user))
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
    cache = ReplicationGroup(stack, "Cache", vpc=vpc, access=Access.auth_token(AuthToken.generate(stack, "Token")))
    AuthTokenRotation(stack, "TokenRotation", cache=cache, vpc=vpc)
    app.synth()
