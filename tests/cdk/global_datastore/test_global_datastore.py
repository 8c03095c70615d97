"""Global datastores: a primary, secondaries in other regions, and what AWS refuses of either."""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Match, Template

from cachetwin_cdk import (
    ClusterMode,
    Durability,
    EngineVersion,
    Failover,
    GlobalDatastore,
    NodeType,
    ReplicationGroup,
    SecondaryReplicationGroup,
    ShardScaling,
    Topology,
    ValidationError,
)

GROUP = "AWS::ElastiCache::ReplicationGroup"
GLOBAL = "AWS::ElastiCache::GlobalReplicationGroup"
Properties = Callable[[str], dict[str, Any]]


def placed(app: cdk.App, name: str, region: str) -> tuple[cdk.Stack, ec2.Vpc]:
    stack = cdk.Stack(
        app,
        name,
        env=cdk.Environment(account="111122223333", region=region),
        cross_region_references=True,
    )
    vpc = ec2.Vpc(stack, "Vpc", availability_zones=[f"{region}a", f"{region}b"], restrict_default_security_group=False)
    return stack, vpc


@pytest.fixture
def app() -> cdk.App:
    return cdk.App(analytics_reporting=False)


@pytest.fixture
def datastore(app: cdk.App) -> GlobalDatastore:
    stack, vpc = placed(app, "Europe", "eu-west-1")
    cache = ReplicationGroup(stack, "Cache", vpc=vpc, node_type=NodeType.M7G_LARGE)
    return GlobalDatastore(stack, "Global", primary=cache, id_suffix="orders")


def test_the_primary_is_the_first_member(datastore: GlobalDatastore) -> None:
    stack = cdk.Stack.of(datastore)
    Template.from_stack(stack).has_resource_properties(
        GLOBAL,
        {
            "GlobalReplicationGroupIdSuffix": "orders",
            "AutomaticFailoverEnabled": True,
            "Members": [
                {
                    "ReplicationGroupId": stack.resolve(datastore.primary.replication_group_id),
                    "ReplicationGroupRegion": "eu-west-1",
                    "Role": "PRIMARY",
                }
            ],
        },
    )
    arn = stack.resolve(datastore.global_replication_group_arn)
    assert ":elasticache::111122223333:globalreplicationgroup:" in str(arn)


def test_a_secondary_takes_everything_else_from_the_primary(app: cdk.App, datastore: GlobalDatastore) -> None:
    stack, vpc = placed(app, "Asia", "ap-south-1")
    copy = SecondaryReplicationGroup(stack, "Cache", global_datastore=datastore, vpc=vpc)
    template = Template.from_stack(stack)
    absent = (
        "Engine", "EngineVersion", "CacheNodeType", "NumNodeGroups", "CacheParameterGroupName", "SnapshotName",
        "TransitEncryptionEnabled", "AtRestEncryptionEnabled", "SnapshotRetentionLimit", "SnapshotWindow",
    )  # fmt: skip
    template.has_resource_properties(
        GROUP,
        {
            "GlobalReplicationGroupId": Match.any_value(),
            "NumCacheClusters": 2,
            "MultiAZEnabled": True,
            "AutomaticFailoverEnabled": True,
            **dict.fromkeys(absent, Match.absent()),
        },
    )
    assert copy.reader_endpoint.hostname
    assert copy.metric_global_datastore_replication_lag().statistic == "Maximum"


def test_a_secondary_can_be_of_another_app(stack: cdk.Stack, vpc: ec2.IVpc, properties: Properties) -> None:
    datastore = GlobalDatastore.from_global_replication_group_attributes(
        stack, "Global", global_replication_group_id="dsdfu-orders", cluster_mode=ClusterMode.ENABLED
    )
    copy = SecondaryReplicationGroup(stack, "Cache", global_datastore=datastore, vpc=vpc, replicas=2)
    found = properties(GROUP)
    assert found["GlobalReplicationGroupId"] == "dsdfu-orders"
    assert found["ReplicasPerNodeGroup"] == 2
    assert "NumCacheClusters" not in found
    assert copy.configuration_endpoint.hostname
    assert datastore.global_replication_group_ref.global_replication_group_id == "dsdfu-orders"


def test_a_region_has_one_member_and_there_are_three_regions_at_most(app: cdk.App, datastore: GlobalDatastore) -> None:
    home = cdk.Stack.of(datastore)
    vpc = ec2.Vpc(home, "Other", availability_zones=["eu-west-1a", "eu-west-1b"], restrict_default_security_group=False)
    with pytest.raises(ValidationError, match="region must have one member of the global datastore, got 'eu-west-1'"):
        SecondaryReplicationGroup(home, "Copy", global_datastore=datastore, vpc=vpc)
    for region in ("ap-south-1", "us-east-1"):
        stack, vpc = placed(app, region, region)
        SecondaryReplicationGroup(stack, "Cache", global_datastore=datastore, vpc=vpc)
    stack, vpc = placed(app, "One-too-many", "sa-east-1")
    with pytest.raises(ValidationError, match="secondaries must number at most 2, got 3"):
        SecondaryReplicationGroup(stack, "Cache", global_datastore=datastore, vpc=vpc)


@pytest.mark.parametrize(
    ("props", "message"),
    [
        (dict, "node_type must be large or larger in a global datastore, got 'cache.t4g.small'"),
        (
            lambda: {
                "engine_version": EngineVersion.VALKEY_9_0,
                "durability": Durability.SYNC,
                "node_type": NodeType.M7G_LARGE,
                "topology": Topology.cluster(),
            },
            "primary must not be durable in a global datastore",
        ),
    ],
)
def test_a_primary_that_cannot_be_followed_is_refused(
    stack: cdk.Stack, vpc: ec2.IVpc, props: Callable[[], dict[str, Any]], message: str
) -> None:
    cache = ReplicationGroup(stack, "Cache", vpc=vpc, **props())
    with pytest.raises(ValidationError, match=message):
        GlobalDatastore(stack, "Global", primary=cache)


@pytest.fixture
def cluster(stack: cdk.Stack, vpc: ec2.IVpc) -> ReplicationGroup:
    """A cache that may scale, or be the primary of a global datastore."""
    return ReplicationGroup(stack, "Cache", vpc=vpc, node_type=NodeType.M7G_LARGE, topology=Topology.cluster())


@pytest.mark.parametrize("first", ["scaling", "datastore"])
def test_a_primary_that_scales_fails_the_synthesis_in_whatever_order(
    stack: cdk.Stack, cluster: ReplicationGroup, first: str
) -> None:
    if first == "scaling":
        ShardScaling(stack, "Scaling", cache=cluster, max_capacity=3)
    GlobalDatastore(stack, "Global", primary=cluster)
    if first == "datastore":
        ShardScaling(stack, "Scaling", cache=cluster, max_capacity=3)
    with pytest.raises(RuntimeError) as failure:
        Template.from_stack(stack)
    assert "[Shop/Scaling] cache must not be part of a global datastore to scale" in str(failure.value)
    assert "[Shop/Global] primary must not scale in a global datastore" in str(failure.value)


def test_a_primary_of_two_global_datastores_fails_the_synthesis(stack: cdk.Stack, cluster: ReplicationGroup) -> None:
    GlobalDatastore(stack, "Global", primary=cluster)
    GlobalDatastore(stack, "Other", primary=cluster)
    with pytest.raises(RuntimeError, match="primary must be in one global datastore only"):
        Template.from_stack(stack)


def test_a_secondary_without_a_replica_is_not_multi_az(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    datastore = GlobalDatastore.from_global_replication_group_attributes(
        stack, "Global", global_replication_group_id="dsdfu-orders"
    )
    with pytest.raises(ValidationError, match="replicas must be at least 1 for Multi-AZ, got 0"):
        SecondaryReplicationGroup(stack, "Cache", global_datastore=datastore, vpc=vpc, replicas=0)
    SecondaryReplicationGroup(stack, "Other", global_datastore=datastore, vpc=vpc, replicas=0, failover=Failover.MANUAL)
