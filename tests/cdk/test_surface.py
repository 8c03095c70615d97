"""Whatever CloudFormation lets one say about a cache, a construct can say, or there is a reason that it cannot.

The properties come from aws-cdk-lib's L1 classes, so that a new one shows up here when aws-cdk-lib is upgraded.
"""

import inspect
import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticache as elasticache
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Template

from cachetwin_cdk import (
    Access,
    AccessString,
    AuthToken,
    Backups,
    ConnectionType,
    Durability,
    Encryption,
    EngineVersion,
    GlobalDatastore,
    IamUser,
    IpDiscovery,
    Maintenance,
    MaintenanceWindow,
    MemcachedCluster,
    MemcachedTopology,
    NetworkType,
    NodeType,
    NoPasswordUser,
    ParameterGroup,
    PasswordUser,
    ReplicationGroup,
    RestoreFrom,
    SecondaryReplicationGroup,
    ServerlessCache,
    ServerlessEngine,
    Shard,
    SnapshotWindow,
    SubnetGroup,
    Topology,
    TransitEncryption,
    UsageLimits,
)

# What no construct renders, by L1 class, and why.
NOT_OFFERED = {
    "CfnReplicationGroup": {
        "cache_security_group_names": "EC2-Classic, which is gone",
        "primary_cluster_id": "makes a group of a lone Redis node, which these constructs never make",
        "snapshotting_cluster_id": "the service chooses a replica; it is refused with cluster mode",
    },
    "CfnCacheCluster": {
        "cache_security_group_names": "EC2-Classic, which is gone",
        "log_delivery_configurations": "Memcached has no logs to deliver; a lone Valkey node is a ReplicationGroup",
        "preferred_availability_zone": "preferred_availability_zones says it for one node, too",
        "snapshot_arns": "Memcached has no snapshots",
        "snapshot_name": "Memcached has no snapshots",
        "snapshot_retention_limit": "Memcached has no snapshots",
        "snapshot_window": "Memcached has no snapshots",
    },
    "CfnServerlessCache": {
        "endpoint": "what the service answers, not what one asks for",
        "reader_endpoint": "what the service answers, not what one asks for",
    },
    "CfnUser": {
        "no_password_required": "authentication_mode says it",
        "passwords": "authentication_mode says it, from secrets only",
    },
    "CfnUserGroup": {},
    "CfnParameterGroup": {},
    "CfnSubnetGroup": {},
    "CfnGlobalReplicationGroup": {
        "regional_configurations": "zones of each region's new shards: the members' own subnet groups decide",
    },
}


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    """Constructs with everything set."""
    stack = cdk.Stack(
        cdk.App(analytics_reporting=False), "Full", env=cdk.Environment(account="111122223333", region="eu-west-1")
    )
    zones = [f"eu-west-1{letter}" for letter in "ab"]
    vpc = ec2.Vpc.from_vpc_attributes(
        stack,
        "Vpc",
        vpc_id="vpc-0123456789abcdef0",
        availability_zones=zones,
        isolated_subnet_ids=["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
        isolated_subnet_route_table_ids=["rtb-0123456789abcdef0", "rtb-0123456789abcdef1"],
    )
    upkeep: dict[str, Any] = {
        "maintenance": Maintenance(
            window=MaintenanceWindow.of("sun:05:00-sun:06:00"), notification_topic=sns.Topic(stack, "Topic")
        )
    }
    dual: dict[str, Any] = {"network_type": NetworkType.DUAL_STACK, "ip_discovery": IpDiscovery.IPV6}
    key = kms.Key(stack, "Key")
    ReplicationGroup(
        stack,
        "Cluster",
        vpc=vpc,
        replication_group_id="orders",
        engine_version=EngineVersion.VALKEY_9_0,
        node_type=NodeType.R7G_LARGE,
        durability=Durability.SYNC,
        topology=Topology.placed([Shard(zones[0], (zones[1],), slots="0-16383")]),
        encryption=Encryption(transit=TransitEncryption.REQUIRED, kms_key=key),
        backups=Backups.daily(window=SnapshotWindow.of("03:00-04:00")),
        restore=RestoreFrom.arns(["arn:aws:s3:::backups/orders.rdb"]),
        **upkeep,
        **dual,
    )
    ReplicationGroup(stack, "Shards", vpc=vpc, topology=Topology.cluster(2))
    ReplicationGroup(
        stack,
        "Group",
        vpc=vpc,
        node_type=NodeType.R6GD_XLARGE,
        topology=Topology.replicated(availability_zones=zones),
        access=Access.auth_token(AuthToken.generate(stack, "Token")),
        restore=RestoreFrom.snapshot("orders-1"),
    )
    MemcachedCluster(
        stack, "Pages", vpc=vpc, cluster_name="pages", topology=MemcachedTopology.in_zones(zones), **upkeep, **dual
    )
    ServerlessCache(
        stack,
        "Serverless",
        vpc=vpc,
        description="Orders",
        network_type=NetworkType.IPV4,
        usage_limits=UsageLimits(1, 2, 1000, 2000),
        final_snapshot_name="orders-last",
        kms_key=key,
        backups=Backups.daily(window=SnapshotWindow.of("03:00-04:00")),
        restore=RestoreFrom.arns(["arn:aws:s3:::backups/orders.rdb"]),
    )
    ServerlessCache(
        stack,
        "Public",
        engine=ServerlessEngine.VALKEY_9,
        connection_type=ConnectionType.PUBLIC,
        access=Access.users(IamUser(stack, "Iam", access_string=AccessString.application())),
    )
    secret = secretsmanager.Secret.from_secret_name_v2(stack, "Secret", "orders/cache")
    PasswordUser(stack, "Password", access_string=AccessString.application(), secrets=[secret])
    NoPasswordUser(stack, "Nobody")
    ParameterGroup(stack, "Parameters", engine_version=EngineVersion.VALKEY_8_1, parameters={"timeout": "300"})
    SubnetGroup(stack, "Subnets", vpc=vpc, subnet_group_name="orders")
    primary = ReplicationGroup(stack, "Primary", vpc=vpc, node_type=NodeType.M7G_LARGE, topology=Topology.cluster())
    parameters = ParameterGroup(
        stack, "Newer", engine_version=EngineVersion.VALKEY_8_2, parameters={"cluster-enabled": "yes"}
    )
    GlobalDatastore(
        stack, "Global", primary=primary, engine_version=EngineVersion.VALKEY_8_2, node_type=NodeType.M7G_XLARGE,
        parameter_group=parameters, shards=2,
    )  # fmt: skip
    elsewhere = GlobalDatastore.from_global_replication_group_attributes(
        stack, "Elsewhere", global_replication_group_id="orders"
    )
    SecondaryReplicationGroup(stack, "Secondary", vpc=vpc, global_datastore=elsewhere)
    cdk.Tags.of(stack).add("Owner", "orders-team")
    return dict(Template.from_stack(stack).to_json())


@pytest.fixture(scope="module")
def rendered(template: dict[str, Any]) -> dict[str, set[str]]:
    """The names of the properties that they render, by L1 class."""
    found: dict[str, set[str]] = defaultdict(set)
    for resource in template["Resources"].values():
        found[f"Cfn{resource['Type'].rpartition(':')[2]}"] |= {folded(name) for name in resource["Properties"]}
    return found


def folded(name: str) -> str:
    """A property's name whatever its case: MultiAZEnabled and multi_az_enabled are one."""
    return name.replace("_", "").lower()


@pytest.mark.parametrize("l1", NOT_OFFERED)
def test_every_property_can_be_said_or_has_a_reason(rendered: dict[str, set[str]], l1: str) -> None:
    signature = inspect.signature(getattr(elasticache, l1).__init__)
    properties = {name for name in signature.parameters if name not in {"self", "scope", "id"}}
    silent = {name for name in properties if folded(name) not in rendered[l1]}
    assert silent == NOT_OFFERED[l1].keys()


def test_cfn_lint_accepts_everything_at_once(template: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "full.template.json"
    path.write_text(json.dumps(template))
    # W3010 is about zones, which the test names on purpose.
    command = [str(Path(sys.executable).with_name("cfn-lint")), "--ignore-checks", "W3010", "--", str(path)]
    lint = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (lint.returncode, lint.stdout) == (0, "")
