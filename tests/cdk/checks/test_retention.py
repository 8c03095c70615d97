"""RETAIN keeps what the cache needs; an alarm or dashboard elsewhere carries the region and account of the cache."""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Template

from cachetwin_cdk import (
    Access,
    AccessString,
    AuthToken,
    CacheDashboard,
    GlobalDatastore,
    MemcachedCluster,
    PasswordUser,
    ReplicationGroup,
    SecondaryReplicationGroup,
    ServerlessCache,
    UserGroup,
)

RETAIN = cdk.RemovalPolicy.RETAIN
Make = Callable[[cdk.Stack, ec2.IVpc], object]


def secondary(stack: cdk.Stack, vpc: ec2.IVpc) -> object:
    datastore = GlobalDatastore.from_global_replication_group_attributes(
        stack, "Global", global_replication_group_id="orders"
    )
    user = PasswordUser(stack, "Ann", access_string=AccessString.application())
    users = UserGroup(stack, "Users", users=[user])
    return SecondaryReplicationGroup(
        stack, "Cache", vpc=vpc, global_datastore=datastore, access=Access.user_group(users)
    )


def with_token(stack: cdk.Stack, vpc: ec2.IVpc) -> object:
    token = AuthToken.generate(stack, "Token")
    return ReplicationGroup(stack, "Cache", vpc=vpc, removal_policy=RETAIN, access=Access.auth_token(token))


def with_a_late_user(stack: cdk.Stack, vpc: ec2.IVpc) -> object:
    cache = ReplicationGroup(stack, "Cache", vpc=vpc, removal_policy=RETAIN)
    assert isinstance(cache.user_group, UserGroup)
    cache.user_group.add_user(PasswordUser(stack, "Late", access_string=AccessString.application()))
    return cache


KEPT: dict[str, Make] = {
    "replication group": lambda stack, vpc: ReplicationGroup(stack, "Cache", vpc=vpc, removal_policy=RETAIN),
    "token": with_token,
    "late user": with_a_late_user,
    "serverless": lambda stack, vpc: ServerlessCache(stack, "Cache", vpc=vpc, removal_policy=RETAIN),
    "memcached": lambda stack, vpc: MemcachedCluster(stack, "Cache", vpc=vpc, removal_policy=RETAIN),
    "secondary by default": secondary,
}


@pytest.mark.parametrize("make", KEPT.values(), ids=KEPT)
def test_a_cache_that_is_kept_keeps_what_it_needs(stack: cdk.Stack, vpc: ec2.IVpc, make: Make) -> None:
    make(stack, vpc)
    resources = Template.from_stack(stack).to_json()["Resources"]
    policies = {resource["Type"]: resource.get("DeletionPolicy") for resource in resources.values()}
    assert set(policies.values()) == {"Retain"}, policies


def test_a_cache_that_is_deleted_keeps_nothing_of_it(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    ReplicationGroup(stack, "Cache", vpc=vpc, removal_policy=cdk.RemovalPolicy.DESTROY)
    resources = Template.from_stack(stack).to_json()["Resources"]
    assert "Retain" not in {resource.get("DeletionPolicy") for resource in resources.values()}


CACHES: list[Callable[[cdk.Stack, ec2.IVpc], Any]] = [
    lambda stack, vpc: ReplicationGroup(stack, "Cache", vpc=vpc),
    lambda stack, vpc: ServerlessCache(stack, "Cache", vpc=vpc),
    lambda stack, vpc: MemcachedCluster(stack, "Cache", vpc=vpc),
]


@pytest.mark.parametrize("make", CACHES)
def test_a_metric_elsewhere_names_the_region_of_its_cache(make: Callable[[cdk.Stack, ec2.IVpc], Any]) -> None:
    app = cdk.App(analytics_reporting=False)
    here, there = (
        cdk.Stack(app, name, env=cdk.Environment(account="111122223333", region=region))
        for name, region in (("Here", "eu-west-1"), ("There", "us-east-1"))
    )
    vpc = ec2.Vpc(here, "Vpc", max_azs=2, restrict_default_security_group=False)
    metric = make(here, vpc).metric("CurrConnections")
    assert (metric.region, metric.account) == ("eu-west-1", "111122223333")
    with pytest.raises(RuntimeError, match="Cannot create an Alarm in region 'us-east-1' based on metric"):
        metric.create_alarm(there, "Alarm", threshold=1, evaluation_periods=1)
    cloudwatch.Alarm(here, "Alarm", metric=metric, threshold=1, evaluation_periods=1)


def test_a_dashboard_elsewhere_searches_the_region_of_its_cache() -> None:
    app = cdk.App(analytics_reporting=False)
    here, there = (
        cdk.Stack(app, name, env=cdk.Environment(account="111122223333", region=region))
        for name, region in (("Here", "eu-west-1"), ("There", "us-east-1"))
    )
    vpc = ec2.Vpc(here, "Vpc", max_azs=2, restrict_default_security_group=False)
    CacheDashboard(there, "Dashboard", caches=[ServerlessCache(here, "Cache", vpc=vpc, serverless_cache_name="orders")])
    widgets = str(Template.from_stack(there).to_json())
    assert "eu-west-1" in widgets
    assert "111122223333" in widgets or "accountId" not in widgets
