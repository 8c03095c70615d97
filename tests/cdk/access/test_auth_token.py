"""AUTH tokens: from a secret only, and not beside users."""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_secretsmanager as secretsmanager

from cachetwin_cdk import (
    Access,
    AuthToken,
    Encryption,
    EngineVersion,
    ReplicationGroup,
    TransitEncryption,
    ValidationError,
)

Properties = Callable[[str], dict[str, Any]]
GROUP = "AWS::ElastiCache::ReplicationGroup"


def test_a_generated_token_is_long_and_of_letters_and_digits(
    stack: cdk.Stack, vpc: ec2.IVpc, properties: Properties
) -> None:
    token = AuthToken.generate(stack, "Token")
    cache = ReplicationGroup(stack, "Cache", vpc=vpc, access=Access.auth_token(token))
    generated = properties("AWS::SecretsManager::Secret")["GenerateSecretString"]
    assert generated == {
        "ExcludePunctuation": True,
        "GenerateStringKey": "token",
        "PasswordLength": 64,
        "SecretStringTemplate": "{}",
    }
    assert properties(GROUP)["AuthToken"] == {
        "Fn::Join": [
            "",
            ["{{resolve:secretsmanager:", stack.resolve(token.secret.secret_arn), ":SecretString:token::}}"],
        ]
    }
    assert "UserGroupIds" not in properties(GROUP)
    assert (cache.auth_token, cache._user, cache.user_group) == (token, None, None)


def test_a_given_secret_is_the_token_or_holds_it_in_a_field(
    stack: cdk.Stack, vpc: ec2.IVpc, properties: Properties
) -> None:
    secret = secretsmanager.Secret.from_secret_name_v2(stack, "Given", "cache/token")
    whole, field = (
        str(stack.resolve(AuthToken.from_secret(secret, json_field=name).render())) for name in (None, "password")
    )
    assert ":SecretString:::}}" in whole
    assert ":SecretString:password::}}" in field
    ReplicationGroup(stack, "Cache", vpc=vpc, access=Access.auth_token(AuthToken.from_secret(secret)))
    assert "cache/token:SecretString:::}}" in str(properties(GROUP)["AuthToken"])


def test_an_engine_too_old_for_users_can_have_a_token(stack: cdk.Stack, vpc: ec2.IVpc, properties: Properties) -> None:
    token = AuthToken.generate(stack, "Token")
    ReplicationGroup(stack, "Cache", vpc=vpc, engine_version=EngineVersion.REDIS_5_0_6, access=Access.auth_token(token))
    assert "AuthToken" in properties(GROUP)


def test_a_token_needs_tls(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    access, without = Access.auth_token(AuthToken.generate(stack, "Token")), Encryption(transit=TransitEncryption.OFF)
    with pytest.raises(ValidationError, match="transit must be REQUIRED or PREFERRED when clients log in"):
        ReplicationGroup(stack, "Cache", vpc=vpc, access=access, encryption=without)


def test_a_cache_has_one_way_to_log_in(stack: cdk.Stack) -> None:
    with pytest.raises(ValidationError, match="access must name one way to log in, got 2"):
        Access(token=AuthToken.generate(stack, "Token"), given_users=[])
    with pytest.raises(ValidationError, match="access must name one way to log in, got 0"):
        Access()


@pytest.mark.parametrize("length", [15, 129])
def test_the_service_bounds_the_length(stack: cdk.Stack, length: int) -> None:
    with pytest.raises(ValidationError, match=f"length must be between 16 and 128 characters, got {length}"):
        AuthToken.generate(stack, "Token", length=length)


@pytest.mark.parametrize("length", [16, 128])
def test_within_the_bounds_any_length_will_do(stack: cdk.Stack, length: int) -> None:
    AuthToken.generate(stack, "Token", length=length)
