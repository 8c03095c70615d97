"""What AWS's ElastiCache skill asks of caches in production, over constructs of any library."""

from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticache as elasticache
from aws_cdk.assertions import Annotations, Match

from cachetwin_cdk import (
    Access,
    AuthToken,
    MemcachedCluster,
    ProductionChecks,
    ReplicationGroup,
    ServerlessCache,
    Shard,
    Topology,
    UsageLimits,
    ValidationError,
)

SECURITY = Path(__file__).parents[3] / "docs" / "security.md"


@pytest.fixture
def tagged(stack: cdk.Stack) -> cdk.Stack:
    for name in ("Environment", "Owner", "Application"):
        cdk.Tags.of(stack).add(name, "orders")
    ProductionChecks.add_to(stack)
    return stack


def findings(stack: cdk.Stack) -> dict[str, set[str]]:
    """The rules that each construct breaks, by the path of the construct."""
    found: dict[str, set[str]] = {}
    for message in Annotations.from_stack(stack).find_warning("*", Match.string_like_regexp("cachetwin:production-")):
        rule = str(message.entry.data).rsplit("production-", 1)[1].rstrip("]")
        found.setdefault(message.id.removeprefix("/Shop/").removesuffix("/Resource"), set()).add(rule)
    return found


def test_caches_for_production_pass(tagged: cdk.Stack, vpc: ec2.IVpc) -> None:
    ReplicationGroup(tagged, "Plain", vpc=vpc, topology=Topology.replicated(2))
    ReplicationGroup(tagged, "Cluster", vpc=vpc, topology=Topology.cluster(2, replicas=2))
    ReplicationGroup(tagged, "Placed", vpc=vpc, topology=Topology.placed([Shard(replicas=2), Shard(replicas=3)]))
    ServerlessCache(
        tagged, "Serverless", vpc=vpc, usage_limits=UsageLimits(data_storage_gb_max=10, ecpu_per_second_max=5000)
    )
    MemcachedCluster(tagged, "Pages", vpc=vpc)
    assert findings(tagged) == {}


def test_what_the_defaults_leave_to_the_app_is_found(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    ReplicationGroup(stack, "Cache", vpc=vpc)
    ReplicationGroup(stack, "Token", vpc=vpc, access=Access.auth_token(AuthToken.generate(stack, "Secret")))
    ReplicationGroup(stack, "Placed", vpc=vpc, topology=Topology.placed([Shard(replicas=1)]))
    ServerlessCache(stack, "Serverless", vpc=vpc)
    ServerlessCache(stack, "Half", vpc=vpc, usage_limits=UsageLimits(data_storage_gb_max=10))
    MemcachedCluster(stack, "Pages", vpc=vpc)
    ProductionChecks.add_to(stack)
    assert findings(stack) == {
        "Cache": {"replicas", "tags"},
        "Token": {"replicas", "tags", "users"},
        "Placed": {"replicas", "tags"},
        "Serverless": {"usage-limits", "tags"},
        "Half": {"usage-limits", "tags"},
        "Pages": {"tags"},
    }


def test_plain_l1_is_checked_as_well(tagged: cdk.Stack) -> None:
    elasticache.CfnReplicationGroup(tagged, "L1", replication_group_description="x", cache_node_type="cache.t4g.small")
    elasticache.CfnServerlessCache(tagged, "Bare", engine="valkey", serverless_cache_name="bare")
    elasticache.CfnReplicationGroup(
        tagged, "Copy", replication_group_description="x", global_replication_group_id="abcde-orders",
        multi_az_enabled=True, automatic_failover_enabled=True, num_cache_clusters=3, user_group_ids=["users"],
    )  # fmt: skip
    assert findings(tagged) == {
        "L1": {"tls", "at-rest", "users", "multi-az", "failover", "backups", "replicas"},
        "Bare": {"users", "backups", "usage-limits"},
    }


def test_values_of_the_deployment_pass(tagged: cdk.Stack, any_number: float) -> None:
    elasticache.CfnReplicationGroup(
        tagged, "L1", replication_group_description="x",
        transit_encryption_enabled=cdk.Fn.condition_if("Secure", True, False),
        at_rest_encryption_enabled=True, multi_az_enabled=True, automatic_failover_enabled=True,
        snapshot_retention_limit=any_number, num_cache_clusters=any_number, user_group_ids=["users"],
    )  # fmt: skip
    assert findings(tagged) == {}


def test_a_rule_can_be_left_out_and_acknowledged(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cache = ReplicationGroup(stack, "Cache", vpc=vpc)
    ProductionChecks.add_to(stack, without=["tags"])
    cdk.Annotations.of(cache).acknowledge_warning("cachetwin:production-replicas", "One replica is enough here.")
    assert findings(stack) == {}
    with pytest.raises(ValidationError, match="without must name rules, which are at-rest"):
        ProductionChecks.add_to(stack, without=["price"])


def test_the_page_names_each_rule_and_its_check() -> None:
    page = SECURITY.read_text()
    for warning, source in ProductionChecks.rules():
        assert f"`{warning}`" in page
        assert source.split(":")[0] in page
