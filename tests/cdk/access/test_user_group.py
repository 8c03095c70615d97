"""Who is in a user group, and who cannot be."""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
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
GROUP = "AWS::ElastiCache::UserGroup"
ALL = AccessString.application()


def test_a_valkey_group_holds_its_users_and_no_default_user(stack: cdk.Stack, properties: Properties) -> None:
    user = PasswordUser(stack, "Ann", access_string=ALL)
    group = UserGroup(stack, "Users", users=[user])
    found = properties(GROUP)
    assert (found["Engine"], found["UserIds"]) == ("valkey", [stack.resolve(user.user_id)])
    assert found["UserGroupId"].startswith("shop")
    assert list(group.users) == [user]


def test_a_redis_group_gets_a_default_user_that_is_off(stack: cdk.Stack) -> None:
    group = UserGroup(stack, "Users", engine=Engine.REDIS)
    (default,) = group.users
    assert default.user_name == "default"
    Template.from_stack(stack).has_resource_properties(
        "AWS::ElastiCache::User", {"UserName": "default", "AccessString": "off resetchannels -@all"}
    )


def test_a_redis_group_keeps_the_default_user_it_is_given(stack: cdk.Stack) -> None:
    default = PasswordUser(stack, "Default", access_string=ALL, user_name="default", engine=Engine.REDIS)
    group = UserGroup(stack, "Users", users=[default], engine=Engine.REDIS)
    assert list(group.users) == [default]


def test_a_user_can_be_added_after_the_group_was_made(stack: cdk.Stack, properties: Properties) -> None:
    group = UserGroup(stack, "Users", users=[PasswordUser(stack, "Ann", access_string=ALL)])
    late = IamUser(stack, "Late", access_string=ALL)
    group.add_user(late)
    assert stack.resolve(late.user_id) in properties(GROUP)["UserIds"]


def test_a_name_stands_for_one_user(stack: cdk.Stack) -> None:
    users = [PasswordUser(stack, name, access_string=ALL, user_name="ann") for name in ("A", "B")]
    with pytest.raises(ValidationError, match="users must have different names within a group, got 'ann' twice"):
        UserGroup(stack, "Users", users=users)


def test_a_redis_group_takes_redis_users_only(stack: cdk.Stack) -> None:
    with pytest.raises(ValidationError, match="users must be Redis users in a Redis group, got 'valkey'"):
        UserGroup(stack, "Users", users=[PasswordUser(stack, "A", access_string=ALL)], engine=Engine.REDIS)
    UserGroup(
        stack, "Redis", users=[PasswordUser(stack, "B", access_string=ALL, engine=Engine.REDIS)], engine=Engine.REDIS
    )


def test_a_valkey_group_takes_redis_users_that_authenticate(stack: cdk.Stack) -> None:
    UserGroup(stack, "Users", users=[PasswordUser(stack, "A", access_string=ALL, engine=Engine.REDIS)])
    with pytest.raises(ValidationError, match="users must have a password or use IAM in a Valkey group"):
        UserGroup(stack, "Open", users=[NoPasswordUser(stack, "B")])


def test_a_group_holds_a_hundred_users(stack: cdk.Stack) -> None:
    users = [User.from_user_attributes(stack, f"User{number}", user_id=f"user-{number}") for number in range(101)]
    UserGroup(stack, "Full", users=users[:100])
    with pytest.raises(ValidationError, match="users must number at most 100 in a group, got 101"):
        UserGroup(stack, "Over", users=users)


def test_a_malformed_id_is_refused(stack: cdk.Stack) -> None:
    with pytest.raises(ValidationError, match="user_group_id must start with a letter"):
        UserGroup(stack, "Users", user_group_id="default.group")


def test_an_id_is_stored_in_lower_case(stack: cdk.Stack, properties: Properties) -> None:
    UserGroup(stack, "Users", user_group_id="Team", users=[PasswordUser(stack, "Ann", access_string=ALL)])
    assert properties(GROUP)["UserGroupId"] == "team"


def test_what_exists_already_can_be_used(stack: cdk.Stack) -> None:
    group = UserGroup.from_user_group_id(stack, "Users", "team", engine=Engine.REDIS)
    assert (group.user_group_id, group.engine, list(group.users)) == ("team", Engine.REDIS, [])
    assert group.user_group_ref.user_group_id == "team"


def test_tokens_are_accepted(stack: cdk.Stack, any_text: str, properties: Properties) -> None:
    UserGroup(stack, "Users", user_group_id=any_text, users=[PasswordUser(stack, "Ann", access_string=ALL)])
    assert properties(GROUP)["UserGroupId"] == {"Ref": "AnyText"}
