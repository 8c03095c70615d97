"""Any topology that the construct accepts is one that cfn-lint accepts, and the other way round nothing else is raised.

Hypothesis draws engines, modes, counts and places; all that were accepted stand in one stack, which is linted once, because
one run of cfn-lint costs seconds and a template of twenty caches hardly more than one of one.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from cachetwin_cdk import (
    Access,
    EngineVersion,
    Failover,
    Logging,
    NetworkType,
    NodeType,
    ReplicationGroup,
    Shard,
    SubnetGroup,
    Topology,
    ValidationError,
)

CFN_LINT = Path(sys.executable).with_name("cfn-lint")
ZONES = ("eu-west-1a", "eu-west-1b", "eu-west-1c")
SLOTS = {1: ("0-16383",), 2: ("0-8191", "8192-16383"), 3: ("0-5460", "5461-10922", "10923-16383")}
ENGINES = [
    EngineVersion.VALKEY_7_2, EngineVersion.VALKEY_8_1, EngineVersion.REDIS_5_0_6, EngineVersion.REDIS_6_2,
    EngineVersion.REDIS_7_1,
]  # fmt: skip
NODES = [NodeType.T4G_SMALL, NodeType.M7G_LARGE, NodeType.R6GD_XLARGE, NodeType.R5_LARGE]


@st.composite
def topologies(draw: st.DrawFn) -> tuple[dict[str, Any], Callable[[], Topology]]:
    """Properties of a replication group and its topology, sound or not."""
    shards = draw(st.integers(1, 3))
    replicas = draw(st.integers(0, 5))
    props: dict[str, Any] = {
        "engine_version": draw(st.sampled_from(ENGINES)),
        "node_type": draw(st.sampled_from(NODES)),
        "network_type": draw(st.none() | st.sampled_from(NetworkType)),
        "access": Access.unauthenticated(),
        "logging": Logging.off(),
    }
    zones = draw(st.just(()) | st.lists(st.sampled_from(ZONES), min_size=replicas + 1, max_size=replicas + 1))
    placement = [
        Shard(
            primary_availability_zone=draw(st.none() | st.sampled_from(ZONES)),
            slots=slots,
            replicas=draw(st.none() | st.integers(0, 5)),
        )
        for slots in SLOTS[shards]
    ]
    multi_az = draw(st.booleans())
    topology = draw(
        st.sampled_from(
            [
                Topology.single_node,
                lambda: Topology.replicated(
                    replicas, failover=Failover.MULTI_AZ if multi_az else Failover.AUTOMATIC, availability_zones=zones
                ),
                lambda: Topology.replicated(replicas, failover=Failover.MANUAL, availability_zones=zones),
                lambda: Topology.compatible(replicas, multi_az=multi_az, availability_zones=zones),
                lambda: Topology.cluster(shards, replicas=replicas, multi_az=multi_az, availability_zones=zones),
                lambda: Topology.placed(placement, replicas=replicas, multi_az=multi_az),
            ]
        )
    )
    return props, topology


def test_what_is_accepted_is_accepted_by_cfn_lint_too(tmp_path: Path) -> None:
    app = cdk.App(analytics_reporting=False, outdir=str(tmp_path))
    stack = cdk.Stack(app, "Many", env=cdk.Environment(account="111122223333", region="eu-west-1"))
    vpc = ec2.Vpc(
        stack,
        "Vpc",
        availability_zones=list(ZONES),
        nat_gateways=0,
        restrict_default_security_group=False,
        subnet_configuration=[ec2.SubnetConfiguration(name="Data", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)],
    )
    shared: dict[str, Any] = {
        "subnet_group": SubnetGroup(stack, "Subnets", vpc=vpc),
        "security_groups": [ec2.SecurityGroup(stack, "Group", vpc=vpc, allow_all_outbound=False)],
    }
    drawn: list[bool] = []

    @settings(
        max_examples=150,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],  # shrinking would add caches to the stack, not take them away
        suppress_health_check=list(HealthCheck),
    )
    @given(topologies())
    def draw_one(drawn_arguments: tuple[dict[str, Any], Callable[[], Topology]]) -> None:
        props, topology = drawn_arguments
        try:
            ReplicationGroup(stack, f"Cache{len(drawn)}", vpc=vpc, topology=topology(), **shared, **props)
        except ValidationError:
            stack.node.try_remove_child(f"Cache{len(drawn)}")
            drawn.append(False)
        else:
            drawn.append(True)

    draw_one()
    assert sum(drawn) >= 20, "too few topologies were sound to say much"
    template = Path(app.synth().get_stack_by_name("Many").template_full_path)
    # W3010 asks not to name zones; here they are what is under test.
    command = [CFN_LINT, "--ignore-checks", "W3010", "--format", "json", "--", template]
    lint = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    found = [f"{finding['Rule']['Id']} {finding['Location']['Path']['Path']}" for finding in json.loads(lint.stdout)]
    assert found == []
