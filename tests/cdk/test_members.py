"""What a cache makes of itself: alarms, scaling, rotation, snapshots; and caches that other libraries made."""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import aws_cdk.aws_elasticache_alpha as alpha
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticache as elasticache
from aws_cdk import aws_kms as kms
from aws_cdk.assertions import Template

from cachetwin_cdk import (
    Access,
    AccessString,
    AlarmPack,
    AuthToken,
    CacheRecord,
    CacheSnapshot,
    IMemcachedCluster,
    IReplicationGroup,
    IServerlessCache,
    MemcachedCluster,
    NodeType,
    PasswordUser,
    ReplicationGroup,
    RestoreFrom,
    SecondaryReplicationGroup,
    ServerlessCache,
    SubnetGroup,
    Topology,
    ValidationError,
)

Cache = IReplicationGroup | IServerlessCache | IMemcachedCluster
Make = Callable[[cdk.Stack, ec2.IVpc], Any]


def of(stack: cdk.Stack, resource_type: str) -> list[dict[str, Any]]:
    found = Template.from_stack(stack).find_resources(resource_type)
    return [resource["Properties"] for resource in found.values()]


CACHES: dict[str, Make] = {
    "group": lambda stack, vpc: ReplicationGroup(stack, "Cache", vpc=vpc),
    "serverless": lambda stack, vpc: ServerlessCache(stack, "Cache", vpc=vpc),
    "memcached": lambda stack, vpc: MemcachedCluster(stack, "Cache", vpc=vpc),
}


@pytest.mark.parametrize("make", CACHES.values(), ids=CACHES)
def test_a_cache_makes_its_alarms_and_dashboard(stack: cdk.Stack, vpc: ec2.IVpc, make: Make) -> None:
    cache: Cache = make(stack, vpc)
    alarms = cache.add_alarms(pack=AlarmPack.RECOMMENDED)
    cache.add_dashboard(alarms=[alarms])
    assert len(of(stack, "AWS::CloudWatch::Alarm")) == len(alarms.alarms) > 0
    assert len(of(stack, "AWS::CloudWatch::Dashboard")) == 1
    assert alarms.node.path == "Shop/Cache/Alarms"


def test_a_cluster_scales_its_shards_and_replicas(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cache = ReplicationGroup(stack, "Cache", vpc=vpc, node_type=NodeType.M7G_LARGE, topology=Topology.cluster())
    cache.scale_shards(max_capacity=4).scale_on_memory("Memory")
    cache.scale_replicas(max_capacity=3).scale_on_engine_cpu("Cpu")
    targets = of(stack, "AWS::ApplicationAutoScaling::ScalableTarget")
    assert sorted((target["ScalableDimension"].rsplit(":", 1)[1], target["MaxCapacity"]) for target in targets) == [
        ("NodeGroups", 4),
        ("Replicas", 3),
    ]


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (CACHES["group"], "user"),
        (CACHES["serverless"], "user"),
        (
            lambda stack, vpc: ReplicationGroup(
                stack, "Cache", vpc=vpc, access=Access.auth_token(AuthToken.generate(stack, "Token"))
            ),
            "token",
        ),
    ],
)
def test_a_cache_rotates_its_password(stack: cdk.Stack, vpc: ec2.IVpc, make: Make, kind: str) -> None:
    make(stack, vpc).add_rotation(automatically_after_days=7)
    (function,) = of(stack, "AWS::Lambda::Function")
    assert function["Environment"]["Variables"]["KIND"] == kind
    (schedule,) = of(stack, "AWS::SecretsManager::RotationSchedule")
    assert schedule["RotationRules"] == {"AutomaticallyAfterDays": 7}


def test_a_rotation_is_of_a_named_user_where_there_are_several(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    users = [PasswordUser(stack, name, access_string=AccessString.read_only()) for name in ("Ann", "Bob")]
    cache = ReplicationGroup(stack, "Cache", vpc=vpc, access=Access.users(*users))
    with pytest.raises(ValidationError, match="user must be asked of a cache that made one"):
        cache.add_rotation()
    cache.add_rotation("RotateAnn", user=users[0])
    cache.add_rotation("RotateBob", user=users[1])
    assert len(of(stack, "AWS::SecretsManager::RotationSchedule")) == 2


def test_a_snapshot_is_a_resource_that_stays(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cache = ReplicationGroup(stack, "Cache", vpc=vpc)
    snapshot = cache.add_snapshot("Before", snapshot_name="before-the-move")
    ReplicationGroup(stack, "Restored", vpc=vpc, restore=RestoreFrom.snapshot(snapshot.snapshot_name))
    (resource,) = Template.from_stack(stack).find_resources("AWS::ElastiCache::Snapshot").values()
    assert resource["DeletionPolicy"] == "Retain"
    assert resource["Properties"] == {
        "ReplicationGroupId": stack.resolve(cache.replication_group_id),
        "SnapshotName": "before-the-move",
    }


def test_a_snapshot_of_a_serverless_cache_restores_another(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cache = ServerlessCache(stack, "Cache", vpc=vpc)
    key = kms.Key(stack, "Key")
    snapshot = CacheSnapshot(stack, "Before", cache=cache, kms_key=key)
    ServerlessCache(stack, "Restored", vpc=vpc, restore=RestoreFrom.arns([snapshot.snapshot_arn]))
    (made,) = of(stack, "AWS::ElastiCache::ServerlessCacheSnapshot")
    assert made["KmsKeyId"] == stack.resolve(key.key_arn)
    # With the id of the cache: a snapshot of another cache cannot have the name of this one.
    before, cache_id = made["ServerlessCacheSnapshotName"]["Fn::Join"][1]
    assert before.startswith("shop-before-")
    assert cache_id == stack.resolve(cache.serverless_cache_name)


ISOLATED = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
NODES: dict[str, Any] = {"cache_node_type": "cache.t4g.small", "engine": "valkey"}
FOREIGN: dict[str, Make] = {
    "group": lambda stack, _vpc: ReplicationGroup.from_replication_group_ref(
        stack, "Cache",
        elasticache.CfnReplicationGroup(stack, "L1", replication_group_description="x", port=7000, **NODES),
    ),
    "cluster": lambda stack, _vpc: ReplicationGroup.from_replication_group_ref(
        stack, "Cache",
        elasticache.CfnReplicationGroup(stack, "L1", replication_group_description="x", num_node_groups=2, **NODES),
    ),
    "serverless": lambda stack, _vpc: ServerlessCache.from_serverless_cache_ref(
        stack, "Cache", elasticache.CfnServerlessCache(stack, "L1", engine="valkey", serverless_cache_name="shop")
    ),
    "alpha": lambda stack, vpc: ServerlessCache.from_serverless_cache_ref(
        stack, "Cache", alpha.ServerlessCache(stack, "L1", vpc=vpc, vpc_subnets=ISOLATED)
    ),
    "memcached": lambda stack, _vpc: MemcachedCluster.from_cache_cluster_ref(
        stack, "Cache",
        elasticache.CfnCacheCluster(stack, "L1", cache_node_type="cache.t4g.small", engine="memcached", num_cache_nodes=2),
    ),
}  # fmt: skip


@pytest.mark.parametrize("make", FOREIGN.values(), ids=FOREIGN)
def test_what_another_library_made_is_watched_recorded_and_connected(
    stack: cdk.Stack, vpc: ec2.IVpc, make: Make
) -> None:
    cache: Cache = make(stack, vpc)
    cache.add_alarms(pack=AlarmPack.RECOMMENDED)
    zone = cdk.aws_route53.PrivateHostedZone(stack, "Zone", vpc=vpc, zone_name="shop.internal")
    CacheRecord(stack, "Name", cache=cache, zone=zone, record_name="orders.cfg")
    cache.connections.allow_default_port_from(ec2.SecurityGroup(stack, "Server", vpc=vpc))
    (record,) = of(stack, "AWS::Route53::RecordSet")
    assert "L1" in str(record["ResourceRecords"])
    assert "L1" in str(of(stack, "AWS::CloudWatch::Alarm")[0]["Dimensions"])


def an_l1(stack: cdk.Stack, **properties: Any) -> ReplicationGroup:  # noqa: ANN401  (of any property)
    l1 = elasticache.CfnReplicationGroup(
        stack,
        "L1",
        replication_group_description="x",
        engine="valkey",
        security_group_ids=["sg-1", "sg-2"],
        **properties,
    )
    cache: Any = ReplicationGroup.from_replication_group_ref(stack, "Cache", l1)
    return cache  # type: ignore[no-any-return]  # an imported one has what is tried


def test_what_another_library_made_scales(stack: cdk.Stack) -> None:
    cache = an_l1(stack, cache_node_type="cache.m7g.large", cluster_mode="enabled", num_node_groups=1)
    cache.scale_shards(max_capacity=4).scale_on_memory("Memory")
    cache.scale_replicas().scale_on_engine_cpu("Cpu")
    targets = of(stack, "AWS::ApplicationAutoScaling::ScalableTarget")
    assert ["L1" in str(target["ResourceId"]) for target in targets] == [True, True]


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"cache_node_type": "cache.t4g.small", "cluster_mode": "enabled"}, "node_type must be"),
        ({"cache_node_type": "cache.m7g.large"}, "cache must have cluster mode enabled to scale"),
    ],
)
def test_what_another_library_made_is_checked_as_far_as_it_is_known(
    stack: cdk.Stack, properties: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        an_l1(stack, **properties).scale_shards(max_capacity=4)


def test_the_security_groups_of_an_l1_are_those_of_its_connections(stack: cdk.Stack) -> None:
    cache = an_l1(stack, cache_node_type="cache.m7g.large")
    assert [group.security_group_id for group in cache.connections.security_groups] == ["sg-1", "sg-2"]


@pytest.mark.parametrize("kind", [ReplicationGroup, MemcachedCluster])
def test_a_vpc_is_not_asked_of_a_cache_with_a_subnet_group_and_security_groups(
    stack: cdk.Stack, vpc: ec2.IVpc, kind: type[Any]
) -> None:
    placed: dict[str, Any] = {
        "subnet_group": SubnetGroup.from_subnet_group_name(stack, "Subnets", "team"),
        "security_groups": [ec2.SecurityGroup(stack, "Group", vpc=vpc)],
    }
    kind(stack, "Cache", **placed)
    for missing in placed:
        with pytest.raises(ValidationError, match="vpc must be given without subnet_group and security_groups"):
            kind(stack, "Other", **{name: value for name, value in placed.items() if name != missing})
    assert SecondaryReplicationGroup.__init__.__annotations__["vpc"] is not None


def test_databases_of_an_access_string(stack: cdk.Stack) -> None:
    assert str(AccessString.on().keys("a").databases(0, 2)) == "on ~a resetchannels -@all db=0,2"
    with pytest.raises(ValidationError, match="databases must be at least 0, got -1"):
        AccessString.on().databases(-1)
    PasswordUser(stack, "User", access_string=AccessString.on().databases(1))


def test_a_cache_of_the_alpha_module_is_snapshotted_and_has_data_in_its_metrics(
    stack: cdk.Stack, vpc: ec2.IVpc
) -> None:
    made = alpha.ServerlessCache(stack, "Alpha", vpc=vpc, vpc_subnets=ISOLATED)
    cache = ServerlessCache.from_serverless_cache_ref(stack, "Cache", made)
    cache.add_snapshot("Before")
    cache.add_alarms()
    server = ec2.SecurityGroup(stack, "Server", vpc=vpc)
    cache.connections.allow_default_port_from(server)
    (snapshot,) = of(stack, "AWS::ElastiCache::ServerlessCacheSnapshot")
    assert snapshot["ServerlessCacheName"] == stack.resolve(made.serverless_cache_name)
    dimensions = {one["Name"] for alarm in of(stack, "AWS::CloudWatch::Alarm") for one in alarm["Dimensions"]}
    assert dimensions == {"clusterId"}  # the alpha's own metrics name another, which has no data
    ports = {(rule["FromPort"], rule["ToPort"]) for rule in of(stack, "AWS::EC2::SecurityGroupIngress")}
    assert ports == {(6379, 6380)}
    assert cache.main_endpoint.hostname == made.serverless_cache_endpoint_address
