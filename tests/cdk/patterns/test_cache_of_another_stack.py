"""A pattern on a cache of another stack: the user is defined beside its group, so that only one stack needs the other."""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Match, Template

from cachetwin_cdk import (
    Access,
    Compliance,
    IReplicationGroup,
    ReplicationGroup,
    ServerlessCache,
    UserGroup,
    ValidationError,
)
from cachetwin_cdk.patterns import CachedWebApp, MessagingService, MessagingServices, SessionApi

IMAGE = ecs.ContainerImage.from_registry("app")
SERVICES = {"api": MessagingService(image=IMAGE, enqueues=["q"]), "worker": MessagingService(image=IMAGE, works_on="q")}
Make = Callable[..., Any]


def web(stack: cdk.Stack, **more: Any) -> CachedWebApp:  # noqa: ANN401  (arguments of the construct)
    return CachedWebApp(stack, "App", image=IMAGE, allow_plain_http=True, rotate_cache_password_days=30, **more)


def api(stack: cdk.Stack, **more: Any) -> SessionApi:  # noqa: ANN401  (arguments of the construct)
    return SessionApi(stack, "App", code=lambda_.Code.from_inline("x"), **more)


def messaging(stack: cdk.Stack, **more: Any) -> MessagingServices:  # noqa: ANN401  (arguments of the construct)
    return MessagingServices(stack, "App", services=SERVICES, rotate_cache_password_days=30, **more)


PATTERNS = [web, api, messaging]
USERS = {web: 1, api: 1, messaging: 3}


@pytest.fixture
def data() -> cdk.Stack:
    return cdk.Stack(cdk.App(analytics_reporting=False), "Data")


@pytest.fixture
def network(data: cdk.Stack) -> ec2.Vpc:
    return ec2.Vpc(data, "Vpc", max_azs=2, restrict_default_security_group=False)


def users_of(stack: cdk.Stack) -> int:
    return len(Template.from_stack(stack).find_resources("AWS::ElastiCache::User"))


def group_of(stack: cdk.Stack) -> dict[str, Any]:
    (group,) = Template.from_stack(stack).find_resources("AWS::ElastiCache::UserGroup").values()
    properties: dict[str, Any] = group["Properties"]
    return properties


@pytest.mark.parametrize("make", PATTERNS)
def test_two_apps_use_the_cache_of_a_third_stack(data: cdk.Stack, network: ec2.Vpc, make: Make) -> None:
    cache = ReplicationGroup(data, "Cache", vpc=network, access=Access.user_group(UserGroup(data, "Users")))
    apps = [cdk.Stack(data.node.root, f"App{number}") for number in range(2)]  # type: ignore[arg-type]  # an App
    for app in apps:
        make(app, vpc=network, cache=cache)
    data.node.root.synth()  # type: ignore[attr-defined]  # as above
    assert len(group_of(data)["UserIds"]) == 2 * USERS[make]
    assert users_of(data) == 2 * USERS[make]
    assert [users_of(app) for app in apps] == [0, 0]


@pytest.mark.parametrize("make", PATTERNS)
def test_a_serverless_cache_of_another_stack(data: cdk.Stack, network: ec2.Vpc, make: Make) -> None:
    cache = ServerlessCache(data, "Cache", vpc=network, access=Access.users())
    app = cdk.Stack(data.node.root, "Other")  # type: ignore[arg-type]  # an App
    make(app, vpc=network, cache=cache)
    assert len(group_of(data)["UserIds"]) == USERS[make]
    Template.from_stack(app)


def test_regulated_secrets_have_a_key_beside_them(data: cdk.Stack, network: ec2.Vpc) -> None:
    cache = ReplicationGroup(data, "Cache", vpc=network, access=Access.user_group(UserGroup(data, "Users")))
    app = cdk.Stack(data.node.root, "Other")  # type: ignore[arg-type]  # an App
    web(app, vpc=network, cache=cache, compliance=Compliance.REGULATED)
    Template.from_stack(data).has_resource_properties("AWS::SecretsManager::Secret", {"KmsKeyId": Match.any_value()})
    Template.from_stack(app).has_resource_properties(
        "AWS::IAM::Policy",
        {
            "PolicyDocument": {
                "Statement": Match.array_with(
                    [Match.object_like({"Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Effect": "Allow"})]
                )
            }
        },
    )


def imported(stack: cdk.Stack, network: ec2.IVpc, **more: Any) -> IReplicationGroup:  # noqa: ANN401  (as above)
    return ReplicationGroup.from_replication_group_attributes(
        stack,
        "Cache",
        replication_group_id="theirs",
        primary_endpoint_address="theirs.example",
        security_groups=[ec2.SecurityGroup(stack, "Theirs", vpc=network)],
        user_group=UserGroup.from_user_group_id(stack, "Users", "Their-Group", **more),
    )


@pytest.mark.parametrize("make", PATTERNS)
def test_an_imported_group_is_changed_when_that_is_allowed(data: cdk.Stack, network: ec2.Vpc, make: Make) -> None:
    made = make(data, vpc=network, cache=imported(data, network, add_users=True))
    template = Template.from_stack(data)
    members = template.find_resources("Custom::CachetwinGroupMember")
    assert len(members) == users_of(data) == USERS[make]
    assert {member["Properties"]["UserGroupId"] for member in members.values()} == {"their-group"}
    user_of_cache = "AWS::ECS::Service" if make is not api else "AWS::Lambda::Function"
    waiting = [
        resource
        for resource in template.find_resources(user_of_cache).values()
        if set(members) <= set(resource.get("DependsOn", []))
    ]
    assert waiting, made


@pytest.mark.parametrize("make", PATTERNS)
def test_an_imported_group_is_left_alone_by_default(data: cdk.Stack, network: ec2.Vpc, make: Make) -> None:
    with pytest.raises(ValidationError, match="import it with add_users=True"):
        make(data, vpc=network, cache=imported(data, network))


@pytest.mark.parametrize("make", PATTERNS)
def test_a_cache_without_users_is_refused(data: cdk.Stack, network: ec2.Vpc, make: Make) -> None:
    cache = ReplicationGroup(data, "Cache", vpc=network, access=Access.unauthenticated())
    with pytest.raises(ValidationError, match="cache must have a user group, got 'none'"):
        make(data, vpc=network, cache=cache)
