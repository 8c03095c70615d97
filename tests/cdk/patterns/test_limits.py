"""Limits of Fargate, RDS, API Gateway and Lambda on what the patterns take, and limits that are nobody's."""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Match, Template

from cachetwin_cdk import ValidationError
from cachetwin_cdk.patterns import CachedWebApp, MessagingService, MessagingServices, SessionApi

IMAGE = ecs.ContainerImage.from_registry("app")
Warnings = Callable[[], list[str]]


def web(stack: cdk.Stack, vpc: ec2.IVpc, **props: Any) -> CachedWebApp:  # noqa: ANN401  (arguments of the construct)
    return CachedWebApp(stack, "App", image=IMAGE, allow_plain_http=True, vpc=vpc, **props)


def api(stack: cdk.Stack, vpc: ec2.IVpc, **props: Any) -> SessionApi:  # noqa: ANN401  (as above)
    return SessionApi(stack, "App", code=lambda_.Code.from_inline("x"), vpc=vpc, **props)


def service(stack: cdk.Stack, vpc: ec2.IVpc, **props: Any) -> MessagingServices:  # noqa: ANN401  (as above)
    services = {"api": MessagingService(image=IMAGE, publishes=["a"], **props)}
    return MessagingServices(stack, "App", vpc=vpc, services=services, allow_plain_http="port" in props)


def database(name: str, size: str) -> dict[str, Any]:
    return {"database_name": name, "database_instance_type": ec2.InstanceType(size)}


@pytest.mark.parametrize(
    ("make", "props", "message"),
    [
        (web, {"cpu": 300}, "cpu must be one of 256, 512, 1024"),
        (
            web,
            {"cpu": 256, "memory_limit_mib": 4096},
            "memory_limit_mib must be 512, 1024, 2048 with cpu 256, got 4096",
        ),
        (service, {"cpu": 4096}, "memory_limit_mib must be 8192 to 30720 in steps of 1024 with cpu 4096, got 512"),
        (service, {"stop_timeout": cdk.Duration.minutes(3)}, "stop_timeout must be between 0 and 120 seconds, got 180"),
        (web, {"health_check_path": "/" + "x" * 1024}, "health_check_path must hold at most 1024 characters"),
        (service, {"port": 80, "health_check_path": "healthz"}, "health_check_path must start with a slash"),
        (
            web,
            database("user", "t4g.small"),
            "database_name must be no word that PostgreSQL or RDS reserve, got 'user'",
        ),
        (web, database("app", "c7g.large"), "database_instance_type must be a class that RDS for PostgreSQL has"),
        (web, database("app", "t4g.nano"), "database_instance_type must be a class that RDS for PostgreSQL has"),
        (api, {"routes": ["GET /a", "GET /a"]}, "routes must name each route once, got 'GET /a'"),
        (api, {"routes": ["GET /{all+}/a"]}, r"routes must have \{name\+\} as the last part only"),
        (api, {"environment": {"AWS_REGION": "x"}}, "environment must name no variable that Lambda sets"),
        (api, {"environment": {"1ST": "x"}}, "environment must name variables with a letter first"),
        (api, {"timeout": cdk.Duration.seconds(30)}, "timeout must be between 1 and 29 seconds, got 30"),
    ],
)
def test_what_the_service_behind_a_pattern_refuses_is_refused(
    stack: cdk.Stack, vpc: ec2.IVpc, make: Callable[..., object], props: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        make(stack, vpc, **props)


@pytest.mark.parametrize(
    ("make", "props"),
    [
        (web, {"cache_ttl": cdk.Duration.days(30), "backup_retention_days": 0}),
        (web, {"cpu": 16_384, "memory_limit_mib": 122_880}),
        (web, database("app", "r8g.2xlarge")),
        (api, {"session_ttl": cdk.Duration.days(400), "routes": ["GET /a/{all+}", "POST /a/{all+}"]}),
        (service, {"stop_timeout": cdk.Duration.seconds(120), "cpu": 2048, "memory_limit_mib": 5120}),
    ],
)
def test_what_no_service_refuses_is_accepted(
    stack: cdk.Stack, vpc: ec2.IVpc, make: Callable[..., object], props: dict[str, Any]
) -> None:
    make(stack, vpc, **props)


def test_a_soft_quota_is_warned_of(stack: cdk.Stack, vpc: ec2.IVpc, warnings: Warnings) -> None:
    api(stack, vpc, rate_limit=20_000, burst_limit=6_000)
    assert "cachetwin:rate-quota" in warnings()


def test_services_may_have_the_names_of_our_own_parts(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    names = ["cache", "cluster", "vpc", "meter", "meter-user", "front", "key", "log-key", "a1", "a-1"]
    services = {name: MessagingService(image=IMAGE, publishes=["a"]) for name in names}
    services["worker"] = MessagingService(image=IMAGE, works_on="q", port=80)
    made = MessagingServices(stack, "App", vpc=vpc, services=services, allow_plain_http=True)
    assert made.services.keys() == services.keys()
    assert {made.users[name].node.path for name in ("a1", "a-1", "cache", "worker")} == {
        "Shop/App/A1/CacheUser",
        "Shop/App/Service-a-1/CacheUser",
        "Shop/App/Service-cache/CacheUser",
        "Shop/App/Worker/CacheUser",
    }
    Template.from_stack(stack)


def test_numbers_that_are_tokens_reach_the_container(stack: cdk.Stack, vpc: ec2.IVpc, any_number: float) -> None:
    web(stack, vpc, cache_ttl=cdk.Duration.seconds(any_number))
    expected = {"Name": "CACHE_TTL_SECONDS", "Value": {"Ref": "AnyNumber"}}
    Template.from_stack(stack).has_resource_properties(
        "AWS::ECS::TaskDefinition",
        {"ContainerDefinitions": [Match.object_like({"Environment": Match.array_with([expected])})]},
    )


def test_a_duration_that_is_a_token_reaches_the_function(stack: cdk.Stack, vpc: ec2.IVpc, any_number: float) -> None:
    api(stack, vpc, session_ttl=cdk.Duration.seconds(any_number))
    Template.from_stack(stack).has_resource_properties(
        "AWS::Lambda::Function",
        {"Environment": {"Variables": Match.object_like({"SESSION_TTL_SECONDS": {"Ref": "AnyNumber"}})}},
    )
