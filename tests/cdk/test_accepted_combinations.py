"""What the constructs accept without a warning, cfn-lint and CDK's own validation accept, too: caches of drawn arguments.

Each cache has a stack of its own, because a stack is synthesised as a whole; the draws are the same in each run.
"""

import functools
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2

from cachetwin_cdk import (
    Access,
    Backups,
    Compliance,
    ConnectionType,
    Durability,
    Encryption,
    Engine,
    EngineVersion,
    Failover,
    MemcachedCluster,
    MemcachedTopology,
    NetworkType,
    NodeType,
    ReplicationGroup,
    RestoreFrom,
    ServerlessCache,
    ServerlessEngine,
    Shard,
    SnapshotWindow,
    Topology,
    TransitEncryption,
    UsageLimits,
    ValidationError,
)

ZONES = ["eu-west-1a", "eu-west-1b"]
DRAWS = 60
COMMON: dict[str, list[Any]] = {
    "node_type": [
        NodeType.T4G_SMALL, NodeType.M7G_LARGE, NodeType.R6GD_XLARGE, NodeType.R7G_LARGE, NodeType.of("cache.t2.small"),
        NodeType.of("cache.m4.large"),
    ],
    "network_type": [None, NetworkType.IPV4, NetworkType.IPV6],
    "port": [6379, 7000],
    "compliance": list(Compliance),
    "parameters": [
        None, {"maxmemory-policy": "allkeys-lru"}, {"timeout": "10"}, {"timeout": "300"}, {"maxmemory-polcy": "x"},
        {"cluster-enabled": "yes"}, {"max_item_size": "2097152"},
    ],
}  # fmt: skip
ZONE_LISTS: list[list[str]] = [ZONES, ["eu-west-1a", "eu-west-1a"], ["us-east-1a", "us-east-1b"]]
BACKUPS = [Backups.none(), Backups.daily(retention_days=35, window=SnapshotWindow.of("03:00-04:00"))]
# Options are made when they are drawn, because one that cannot be is refused at once.
ARGUMENTS: dict[type[Any], dict[str, list[Any]]] = {
    ReplicationGroup: {
        **COMMON,
        "engine_version": [
            EngineVersion.VALKEY_7_2, EngineVersion.VALKEY_8_1, EngineVersion.VALKEY_9_1, EngineVersion.REDIS_6_2,
            EngineVersion.REDIS_7_1,
        ],
        "topology": [
            Topology.single_node,
            *(functools.partial(Topology.replicated, replicas) for replicas in range(3)),
            *(functools.partial(Topology.replicated, 1, availability_zones=zones) for zones in ZONE_LISTS),
            *(functools.partial(Topology.replicated, 2, failover=failover) for failover in Failover),
            *(functools.partial(Topology.compatible, replicas) for replicas in range(3)),
            *(functools.partial(Topology.cluster, shards, replicas=1) for shards in range(4)),
            functools.partial(Topology.cluster, 2, replicas=0),
            functools.partial(Topology.placed, [Shard("eu-west-1a", ("eu-west-1b",))]),
            functools.partial(Topology.placed, [Shard(slots="0-16383")]),
        ],
        "encryption": [
            *(functools.partial(Encryption, transit=transit) for transit in TransitEncryption),
            functools.partial(Encryption, at_rest=False),
        ],
        "durability": [None, Durability.SYNC],
        "backups": BACKUPS,
        "restore": [functools.partial(RestoreFrom.arns, ["arn:aws:s3:::backups/orders.rdb"])],
        "access": [Access.unauthenticated],
    },
    MemcachedCluster: {
        **COMMON,
        "engine_version": [EngineVersion.MEMCACHED_1_5_16, EngineVersion.MEMCACHED_1_6_22],
        "topology": [
            *(functools.partial(MemcachedTopology.across_zones, nodes) for nodes in range(4)),
            *(functools.partial(MemcachedTopology.in_one_zone, nodes) for nodes in range(3)),
            *(functools.partial(MemcachedTopology.in_zones, zones) for zones in ZONE_LISTS),
        ],
        "transit_encryption": [True, False],
    },
    ServerlessCache: {
        "engine": [ServerlessEngine.VALKEY_7, ServerlessEngine.VALKEY_9, ServerlessEngine.of(Engine.MEMCACHED, "1.6")],
        "network_type": [None, NetworkType.IPV4],
        "connection_type": list(ConnectionType),
        "access": [Access.unauthenticated],
        "usage_limits": [None, UsageLimits(data_storage_gb_max=10), UsageLimits(5, 2)],
        "backups": BACKUPS,
        "restore": [functools.partial(RestoreFrom.snapshot, "orders-1")],
        "compliance": list(Compliance),
        "serverless_cache_name": [None, "Orders", "1st"],
    },
}  # fmt: skip


def drawn(draw: random.Random, kind: type[Any]) -> dict[str, Any]:
    """Each argument with a chance of one half, so that most caches have a few."""
    options = ARGUMENTS[kind]
    return {name: draw.choice(values) for name, values in options.items() if draw.random() < 0.35}


@pytest.mark.parametrize("kind", ARGUMENTS)
def test_what_is_accepted_in_silence_passes_the_validators(kind: type[Any], tmp_path: Path) -> None:
    draw = random.Random(f"{kind.__name__}-1")  # noqa: S311  (no secret)
    app = cdk.App(analytics_reporting=False, outdir=str(tmp_path))
    environment = cdk.Environment(account="111122223333", region="eu-west-1")
    accepted = []
    for number in range(DRAWS):
        stack = cdk.Stack(app, f"Draw{number}", env=environment)
        vpc = ec2.Vpc.from_vpc_attributes(
            stack, "Vpc", vpc_id="vpc-0123456789abcdef0", availability_zones=ZONES,
            isolated_subnet_ids=["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
            isolated_subnet_route_table_ids=["rtb-0123456789abcdef0", "rtb-0123456789abcdef1"],
        )  # fmt: skip
        arguments = drawn(draw, kind)
        if arguments.get("connection_type") is not ConnectionType.PUBLIC:
            arguments["vpc"] = vpc
        try:
            kind(stack, "Cache", **{name: value() if callable(value) else value for name, value in arguments.items()})
        except ValidationError:
            app.node.try_remove_child(stack.node.id)
        else:
            accepted.append(stack.stack_name)
    assert DRAWS * 0.1 < len(accepted) < DRAWS, "some are accepted, some are refused"
    assembly = app.synth()
    ours = ("cachetwin:", "@aws-cdk/")
    told = [str(message.entry.data) for stack in assembly.stacks for message in stack.messages]
    assert [text for text in told if not any(f"[ack: {mark}" in text for mark in ours)] == []
    templates = [stack.template_full_path for stack in assembly.stacks]
    lint = subprocess.run(
        [Path(sys.executable).parent / "cfn-lint", "--ignore-checks", "I3100", "W3010", "--", *templates],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (lint.returncode, lint.stdout) == (0, "")
