"""Kinds of users: what CloudFormation is told, and what is refused."""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk.assertions import Template

from cachetwin_cdk import (
    AccessString,
    Engine,
    IamUser,
    NoPasswordUser,
    PasswordUser,
    User,
    UserGroup,
    ValidationError,
)

Properties = Callable[[str], dict[str, Any]]
Warnings = Callable[[], list[str]]
USER = "AWS::ElastiCache::User"
ALL = AccessString.application()


def test_a_password_user_takes_its_password_from_a_generated_secret(stack: cdk.Stack, properties: Properties) -> None:
    user = PasswordUser(stack, "Ann", access_string=ALL, user_id="Ann-1", user_name="ann")
    secret = properties("AWS::SecretsManager::Secret")
    assert secret["GenerateSecretString"] == {
        "SecretStringTemplate": '{"username":"ann"}',
        "GenerateStringKey": "password",
        "PasswordLength": 32,
        "ExcludePunctuation": True,
    }
    found = properties(USER)
    assert (found["UserId"], found["UserName"], found["Engine"]) == ("ann-1", "ann", "valkey")
    assert found["AuthenticationMode"] == {
        "Type": "password",
        "Passwords": [
            {
                "Fn::Join": [
                    "",
                    [
                        "{{resolve:secretsmanager:",
                        stack.resolve(user.secret.secret_arn),
                        ":SecretString:password::}}",
                    ],
                ]
            }
        ],
    }


def test_no_password_stands_in_the_template(stack: cdk.Stack, properties: Properties) -> None:
    PasswordUser(stack, "Ann", access_string=ALL)
    assert "Passwords" not in properties(USER)
    for password in properties(USER)["AuthenticationMode"]["Passwords"]:
        assert "{{resolve:secretsmanager:" in str(password)


def test_two_secrets_give_two_passwords(stack: cdk.Stack, properties: Properties) -> None:
    secrets = [secretsmanager.Secret.from_secret_name_v2(stack, name, name) for name in ("Old", "New")]
    user = PasswordUser(stack, "Ann", access_string=ALL, secrets=secrets)
    assert len(properties(USER)["AuthenticationMode"]["Passwords"]) == 2
    assert user.secret is secrets[0]


def test_a_given_key_encrypts_the_generated_secret(stack: cdk.Stack, properties: Properties) -> None:
    key = kms.Key(stack, "Key")
    PasswordUser(stack, "Ann", access_string=ALL, secret_encryption_key=key)
    assert properties("AWS::SecretsManager::Secret")["KmsKeyId"] == stack.resolve(key.key_arn)


def test_three_secrets_or_none_are_refused(stack: cdk.Stack) -> None:
    secret = secretsmanager.Secret.from_secret_name_v2(stack, "Secret", "orders/cache")
    for secrets in ([], [secret] * 3):
        with pytest.raises(ValidationError, match=f"secrets must be between 1 and 2, got {len(secrets)}"):
            PasswordUser(stack, "Ann", access_string=ALL, secrets=secrets)


def test_a_key_for_given_secrets_is_refused(stack: cdk.Stack) -> None:
    with pytest.raises(ValidationError, match="secret_encryption_key must be left out when secrets are given"):
        PasswordUser(
            stack,
            "Ann",
            access_string=ALL,
            secrets=[secretsmanager.Secret.from_secret_name_v2(stack, "Secret", "orders/cache")],
            secret_encryption_key=kms.Key(stack, "Key"),
        )


def test_an_iam_user_is_named_after_its_id_and_has_no_secret(stack: cdk.Stack, properties: Properties) -> None:
    IamUser(stack, "App", access_string=ALL, user_id="app")
    found = properties(USER)
    assert found["UserId"] == found["UserName"] == "app"
    assert found["AuthenticationMode"] == {"Type": "iam"}
    Template.from_stack(stack).resource_count_is("AWS::SecretsManager::Secret", 0)


@pytest.mark.parametrize(
    ("user_id", "message"),
    [
        ("default", "not be default, which is ElastiCache's own user"),
        ("App", "be lower case for IAM authentication, got 'App'"),
    ],
)
def test_an_iam_user_cannot_be_named_like_that(stack: cdk.Stack, user_id: str, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        IamUser(stack, "App", access_string=ALL, user_id=user_id)


def test_an_id_is_generated_from_the_path(stack: cdk.Stack, properties: Properties) -> None:
    IamUser(stack, "App", access_string=ALL)
    found = properties(USER)
    assert found["UserId"] == found["UserName"]
    assert found["UserId"].startswith("shop")
    assert found["UserId"] == found["UserId"].lower()


def test_a_long_path_still_gives_an_id_the_service_takes(stack: cdk.Stack, properties: Properties) -> None:
    IamUser(stack, "A" * 100, access_string=ALL)
    assert len(properties(USER)["UserId"]) <= 40


@pytest.mark.parametrize("user_id", ["1a", "a_b", "a.b", "-a", "a-", "a--b", "", "a" * 41])
def test_a_malformed_id_is_refused(stack: cdk.Stack, user_id: str) -> None:
    with pytest.raises(ValidationError, match="user_id must start with a letter"):
        PasswordUser(stack, "Ann", access_string=ALL, user_id=user_id)


@pytest.mark.parametrize("user_name", ["", "a b", "a" * 121])
def test_a_malformed_name_is_refused(stack: cdk.Stack, user_name: str) -> None:
    with pytest.raises(ValidationError, match="user_name must hold 1 to 120 characters and no space"):
        PasswordUser(stack, "Ann", access_string=ALL, user_name=user_name)


def test_memcached_has_no_users(stack: cdk.Stack) -> None:
    with pytest.raises(ValidationError, match="engine must be valkey or redis, got 'memcached'"):
        PasswordUser(stack, "Ann", access_string=ALL, engine=Engine.MEMCACHED)
    with pytest.raises(ValidationError, match="engine must be valkey or redis, got 'memcached'"):
        UserGroup(stack, "Users", engine=Engine.MEMCACHED)


def test_a_user_that_is_neither_on_nor_off_is_warned_of(stack: cdk.Stack, warnings: Warnings) -> None:
    PasswordUser(stack, "Ann", access_string=AccessString.of("~* +@all"))
    assert warnings() == ["cachetwin:user-off"]


def test_a_user_without_password_is_off_unless_told(
    stack: cdk.Stack, properties: Properties, warnings: Warnings
) -> None:
    NoPasswordUser(stack, "Default", user_name="default")
    found = properties(USER)
    assert (found["AccessString"], found["Engine"]) == ("off resetchannels -@all", "redis")
    assert found["AuthenticationMode"] == {"Type": "no-password-required"}
    assert warnings() == []


def test_a_user_without_password_that_is_on_is_warned_of(stack: cdk.Stack, warnings: Warnings) -> None:
    NoPasswordUser(stack, "Anyone", access_string=AccessString.read_only())
    assert warnings() == ["cachetwin:no-password"]


def test_grant_connect_names_the_user(stack: cdk.Stack) -> None:
    user = IamUser(stack, "App", access_string=ALL, user_id="app")
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    user.grant_connect(role)
    policy = next(iter(Template.from_stack(stack).find_resources("AWS::IAM::Policy").values()))
    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
    assert (statement["Action"], statement["Resource"]) == ("elasticache:Connect", stack.resolve(user.user_arn))


def test_what_exists_already_can_be_used(stack: cdk.Stack) -> None:
    user = User.from_user_attributes(stack, "App", user_id="App", user_name="app", engine=Engine.REDIS)
    assert (user.user_id, user.user_name, user.engine) == ("app", "app", Engine.REDIS)
    assert not user.connects_with_iam
    assert user.user_ref.user_name == "app"
    assert User.from_user_attributes(stack, "Other", user_id="other", iam_authentication=True).connects_with_iam


def test_tokens_are_accepted(stack: cdk.Stack, any_text: str, properties: Properties) -> None:
    PasswordUser(stack, "Ann", access_string=AccessString.of(any_text), user_id=any_text, user_name=any_text)
    found = properties(USER)
    assert found["AccessString"] == found["UserId"] == found["UserName"] == {"Ref": "AnyText"}
