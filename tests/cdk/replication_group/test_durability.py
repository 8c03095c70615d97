"""Durable writes: what they need, and what is only not certain."""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2

from cachetwin_cdk import (
    Durability,
    Encryption,
    EngineVersion,
    NodeType,
    ReplicationGroup,
    Topology,
    ValidationError,
)

Properties = Callable[[str], dict[str, Any]]
Warnings = Callable[[], list[str]]
SOUND: dict[str, Any] = {
    "durability": Durability.SYNC,
    "engine_version": EngineVersion.VALKEY_9_0,
    "node_type": NodeType.R7G_LARGE,
    "topology": Topology.cluster(),
}


def test_a_durable_cache_says_so(stack: cdk.Stack, vpc: ec2.IVpc, properties: Properties, warnings: Warnings) -> None:
    cache = ReplicationGroup(stack, "Cache", vpc=vpc, **SOUND)
    assert properties("AWS::ElastiCache::ReplicationGroup")["Durability"] == "sync"
    assert cache.is_durable
    assert "cachetwin:durability-family-unconfirmed" not in warnings()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"engine_version": EngineVersion.VALKEY_8_1},
            "engine_version must be at least Valkey 9.0 for durability sync",
        ),
        (
            {"topology": Topology.replicated()},
            "topology must have cluster mode enabled for durability sync, got 'disabled'",
        ),
        (
            {"topology": Topology.cluster(multi_az=False)},
            "multi_az must be True for durability sync, got False",
        ),
        (
            {"encryption": Encryption(at_rest=False)},
            "encryption must be required in transit and on at rest for durability sync",
        ),
        ({"node_type": NodeType.R6GD_XLARGE}, "node_type must not tier data for durability sync"),
    ],
)
def test_what_the_log_needs_is_asked_for(stack: cdk.Stack, vpc: ec2.IVpc, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ReplicationGroup(stack, "Cache", vpc=vpc, **{**SOUND, **change})


@pytest.mark.parametrize("durability", [Durability.DEFAULT, Durability.DISABLED])
def test_what_is_not_durable_needs_nothing(stack: cdk.Stack, vpc: ec2.IVpc, durability: Durability) -> None:
    assert not ReplicationGroup(stack, "Cache", vpc=vpc, durability=durability).is_durable


def test_a_family_that_no_page_lists_is_warned_of(stack: cdk.Stack, vpc: ec2.IVpc, warnings: Warnings) -> None:
    ReplicationGroup(stack, "Cache", vpc=vpc, **{**SOUND, "node_type": NodeType.T4G_MEDIUM})
    assert "cachetwin:durability-family-unconfirmed" in warnings()
