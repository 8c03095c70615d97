"""Containers are no root; the service of a web app with a migration has a database role of its own."""

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk.assertions import Template

from cachetwin_cdk import Compliance
from cachetwin_cdk.patterns import CachedWebApp, MessagingService, MessagingServices

IMAGE = ecs.ContainerImage.from_registry("app")


def containers(stack: cdk.Stack) -> dict[str, dict[str, Any]]:
    (task,) = Template.from_stack(stack).find_resources("AWS::ECS::TaskDefinition").values()
    return {container["Name"]: container for container in task["Properties"]["ContainerDefinitions"]}


def secrets_of(container: dict[str, Any]) -> dict[str, str]:
    """The logical id of the secret behind each variable."""
    found = {}
    for secret in container["Secrets"]:
        text = str(secret["ValueFrom"])
        found[secret["Name"]] = "role" if "DatabaseUser" in text else "owner" if "Database" in text else "cache"
    return found


@pytest.mark.parametrize(("given", "user"), [({}, "10001:10001"), ({"container_user": "web"}, "web")])
def test_the_web_app_is_not_root(stack: cdk.Stack, vpc: ec2.IVpc, given: dict[str, str], user: str) -> None:
    CachedWebApp(stack, "App", image=IMAGE, allow_plain_http=True, vpc=vpc, **given)  # type: ignore[arg-type]  # of any argument
    assert containers(stack)["Web"]["User"] == user


@pytest.mark.parametrize(("given", "user"), [({}, "10001:10001"), ({"container_user": "0"}, "0")])
def test_services_are_not_root(stack: cdk.Stack, vpc: ec2.IVpc, given: dict[str, str], user: str) -> None:
    service = MessagingService(image=IMAGE, publishes=["a"], **given)  # type: ignore[arg-type]  # of any argument
    MessagingServices(stack, "App", vpc=vpc, services={"api": service})
    assert containers(stack)["Container"]["User"] == user


def test_without_a_migration_the_service_is_the_owner(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    CachedWebApp(stack, "App", image=IMAGE, allow_plain_http=True, vpc=vpc)
    found = containers(stack)
    assert list(found) == ["Web"]
    assert secrets_of(found["Web"]) == {"CACHE_PASSWORD": "cache", "DB_USER": "owner", "DB_PASSWORD": "owner"}


@pytest.mark.parametrize("compliance", Compliance)
def test_a_migration_knows_the_owner_and_the_service_its_role_only(
    stack: cdk.Stack, vpc: ec2.IVpc, compliance: Compliance
) -> None:
    CachedWebApp(
        stack,
        "App",
        image=IMAGE,
        allow_plain_http=True,
        vpc=vpc,
        migrate_command=["python", "-m", "migrate"],
        compliance=compliance,
    )
    found = containers(stack)
    assert secrets_of(found["Web"]) == {"CACHE_PASSWORD": "cache", "DB_USER": "role", "DB_PASSWORD": "role"}
    assert found["Web"]["DependsOn"] == [{"Condition": "SUCCESS", "ContainerName": "Migrate"}]
    migration = found["Migrate"]
    assert (migration["Command"], migration["Essential"]) == (["python", "-m", "migrate"], False)
    assert secrets_of(migration) == {
        "DB_USER": "owner",
        "DB_PASSWORD": "owner",
        "DB_APP_USER": "role",
        "DB_APP_PASSWORD": "role",
    }
    assert {variable["Name"] for variable in migration["Environment"]} == {
        "DB_HOST", "DB_PORT", "DB_NAME", "DB_SSLMODE", "PGSSLROOTCERT",
    }  # fmt: skip
