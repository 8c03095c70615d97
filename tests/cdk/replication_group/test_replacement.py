"""The description of an argument says that a change replaces the cache exactly where CloudFormation replaces it.

Each row changes one argument of a deployed cache. Which properties CloudFormation cannot update is in the schema of the
resource type, which cfn-lint brings.
"""

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Template
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER  # type: ignore[import-untyped]
from constructs import Construct
from tools.reference_pages import descriptions

from cachetwin_cdk import (
    AccessString,
    AuthToken,
    ClusterMode,
    Compliance,
    ConnectionType,
    Durability,
    EngineVersion,
    IamUser,
    IpDiscovery,
    MaintenanceWindow,
    MemcachedCluster,
    NetworkType,
    NodeType,
    ParameterGroup,
    PasswordUser,
    ReplicationGroup,
    ServerlessCache,
    ServerlessEngine,
    Shard,
    SnapshotWindow,
    SubnetGroup,
    TransitEncryptionMode,
    UsageLimits,
    UserGroup,
)

ZONES = ["eu-west-1a", "eu-west-1b"]
KINDS: dict[Any, str] = {
    ReplicationGroup: "AWS::ElastiCache::ReplicationGroup",
    ServerlessCache: "AWS::ElastiCache::ServerlessCache",
    MemcachedCluster: "AWS::ElastiCache::CacheCluster",
}
CLUSTER: dict[str, Any] = {"cluster_mode": ClusterMode.ENABLED}
DURABLE: dict[str, Any] = {**CLUSTER, "engine_version": EngineVersion.VALKEY_9_0, "node_type": NodeType.R7G_LARGE}


class Shop:
    """A stack, and the resources that the rows pass to a cache."""

    def __init__(self) -> None:
        environment = cdk.Environment(account="111122223333", region="eu-west-1")
        self.stack = cdk.Stack(cdk.App(analytics_reporting=False), "Shop", env=environment)
        self.vpc = ec2.Vpc.from_vpc_attributes(
            self.stack,
            "Vpc",
            vpc_id="vpc-0123456789abcdef0",
            availability_zones=ZONES,
            isolated_subnet_ids=[f"subnet-0123456789abcde0{index}" for index in range(2)],
            isolated_subnet_route_table_ids=[f"rtb-0123456789abcde0{index}" for index in range(2)],
            private_subnet_ids=[f"subnet-0123456789abcdf0{index}" for index in range(2)],
            private_subnet_route_table_ids=[f"rtb-0123456789abcdf0{index}" for index in range(2)],
        )

    def private(self) -> ec2.SubnetSelection:
        return ec2.SubnetSelection(subnets=self.vpc.private_subnets)

    def subnet_group(self) -> SubnetGroup:
        return SubnetGroup(self.stack, "Subnets", vpc=self.vpc)

    def security_groups(self) -> list[ec2.SecurityGroup]:
        return [ec2.SecurityGroup(self.stack, "Open", vpc=self.vpc)]

    def user(self) -> PasswordUser:
        return PasswordUser(self.stack, "Ann", access_string=AccessString.application())

    def iam_user(self) -> IamUser:
        return IamUser(self.stack, "Iam", access_string=AccessString.application())

    def user_group(self) -> UserGroup:
        return UserGroup(self.stack, "Users", users=[self.user()])

    def key(self) -> kms.Key:
        return kms.Key(self.stack, "Key")

    def parameter_group(self, engine_version: EngineVersion) -> ParameterGroup:
        return ParameterGroup(self.stack, "Parameters", engine_version=engine_version)


# The cache, the argument that changes, what the cache has besides, and the value before (where it has one) and after.
# A value is made from the shop, because each template is a stack of its own.
Row = tuple[type[Construct], str, dict[str, Any], Any, Any]
UNSET = object()
VALKEY, MEMCACHED = EngineVersion.VALKEY_8_1, EngineVersion.MEMCACHED_1_6_22


def _rows_of_nodes(kind: type[Construct], engine_version: EngineVersion, newer: EngineVersion) -> list[Row]:
    """Arguments that caches on nodes share."""
    return [
        (kind, "vpc_subnets", {}, UNSET, lambda shop: shop.private()),
        (kind, "subnet_group", {}, UNSET, lambda shop: shop.subnet_group()),
        (kind, "security_groups", {}, UNSET, lambda shop: shop.security_groups()),
        (kind, "engine_version", {}, engine_version, newer),
        (kind, "port", {}, UNSET, 7000),
        (kind, "network_type", {}, UNSET, NetworkType.DUAL_STACK),
        (kind, "parameter_group", {}, UNSET, lambda shop: shop.parameter_group(engine_version)),
        (kind, "maintenance_window", {}, UNSET, MaintenanceWindow.of("sun:05:00-sun:06:00")),
        (kind, "auto_minor_version_upgrade", {}, True, False),
        (kind, "notification_topic", {}, UNSET, lambda shop: sns.Topic(shop.stack, "Topic")),
    ]


ROWS: list[Row] = [
    *_rows_of_nodes(ReplicationGroup, VALKEY, EngineVersion.VALKEY_8_2),
    (ReplicationGroup, "node_type", {}, NodeType.R7G_XLARGE, NodeType.R6GD_XLARGE),
    (ReplicationGroup, "cluster_mode", {}, ClusterMode.DISABLED, ClusterMode.COMPATIBLE),
    (
        ReplicationGroup,
        "cluster_mode",
        {"preferred_availability_zones": ZONES},
        ClusterMode.COMPATIBLE,
        ClusterMode.ENABLED,
    ),
    (ReplicationGroup, "shards", CLUSTER, 2, 3),
    (ReplicationGroup, "replicas", {}, 1, 2),
    (ReplicationGroup, "automatic_failover", {"multi_az": False}, True, False),
    (ReplicationGroup, "multi_az", {}, True, False),
    (ReplicationGroup, "preferred_availability_zones", {}, ZONES, ZONES[::-1]),
    (ReplicationGroup, "ip_discovery", {"network_type": NetworkType.DUAL_STACK}, IpDiscovery.IPV4, IpDiscovery.IPV6),
    (ReplicationGroup, "users", {}, UNSET, lambda shop: [shop.user()]),
    (ReplicationGroup, "user_group", {}, UNSET, lambda shop: shop.user_group()),
    (ReplicationGroup, "auth_token", {}, UNSET, lambda shop: AuthToken.generate(shop.stack, "Token")),
    (ReplicationGroup, "allow_unauthenticated", {}, False, True),
    (ReplicationGroup, "transit_encryption", {"allow_unauthenticated": True}, True, False),
    (ReplicationGroup, "transit_encryption_mode", {}, TransitEncryptionMode.PREFERRED, TransitEncryptionMode.REQUIRED),
    (ReplicationGroup, "at_rest_encryption", {}, True, False),
    (ReplicationGroup, "kms_key", {}, UNSET, lambda shop: shop.key()),
    (ReplicationGroup, "compliance", {}, Compliance.STANDARD, Compliance.REGULATED),
    (ReplicationGroup, "durability", DURABLE, Durability.ASYNC, Durability.SYNC),
    (ReplicationGroup, "parameters", {}, UNSET, {"timeout": "300"}),
    (ReplicationGroup, "snapshot_retention_days", {}, 7, 0),
    (ReplicationGroup, "snapshot_window", {}, UNSET, SnapshotWindow.of("03:00-04:00")),
    (ReplicationGroup, "snapshot_name", {}, UNSET, "orders-1"),
    (ReplicationGroup, "snapshot_arns", {}, (), ["arn:aws:s3:::backups/orders.rdb"]),
    (ReplicationGroup, "log_delivery", {}, UNSET, []),
    (ReplicationGroup, "log_encryption_key", {}, UNSET, lambda shop: shop.key()),
    (ReplicationGroup, "replication_group_id", {}, UNSET, "orders"),
    (ReplicationGroup, "description", {}, UNSET, "Orders"),
    *_rows_of_nodes(MemcachedCluster, MEMCACHED, EngineVersion.of(MEMCACHED.engine, "1.6.23")),
    (MemcachedCluster, "node_type", {}, NodeType.M7G_LARGE, NodeType.M7G_XLARGE),
    (MemcachedCluster, "nodes", {}, 2, 3),
    (MemcachedCluster, "preferred_availability_zones", {}, ZONES, ZONES[::-1]),
    (MemcachedCluster, "parameters", {}, UNSET, {"max_item_size": "2097152"}),
    (MemcachedCluster, "cluster_name", {}, UNSET, "pages"),
    (ServerlessCache, "vpc_subnets", {}, UNSET, lambda shop: shop.private()),
    (ServerlessCache, "security_groups", {}, UNSET, lambda shop: shop.security_groups()),
    (ServerlessCache, "engine", {}, ServerlessEngine.VALKEY_8, ServerlessEngine.VALKEY_9),
    (ServerlessCache, "users", {}, UNSET, lambda shop: [shop.user()]),
    (ServerlessCache, "user_group", {}, UNSET, lambda shop: shop.user_group()),
    (ServerlessCache, "usage_limits", {}, UNSET, UsageLimits(data_storage_gb_max=10)),
    (ServerlessCache, "kms_key", {}, UNSET, lambda shop: shop.key()),
    (ServerlessCache, "compliance", {}, Compliance.STANDARD, Compliance.REGULATED),
    (ServerlessCache, "network_type", {}, UNSET, NetworkType.DUAL_STACK),
    (ServerlessCache, "snapshot_retention_days", {}, 7, 1),
    (ServerlessCache, "daily_snapshot_time", {}, UNSET, "03:00"),
    (ServerlessCache, "snapshot_arns_to_restore", {}, UNSET, ["arn:aws:s3:::backups/orders.rdb"]),
    (ServerlessCache, "serverless_cache_name", {}, UNSET, "orders"),
    (ServerlessCache, "description", {}, UNSET, "Orders"),
    (ServerlessCache, "final_snapshot_name", {}, UNSET, "orders-last"),
]


def rendered(kind: type[Construct], arguments: dict[str, Any]) -> dict[str, Any]:
    """The properties of the cache in a stack of its own."""
    shop = Shop()
    made = {name: value(shop) if callable(value) else value for name, value in arguments.items()}
    if made.get("connection_type") is not ConnectionType.PUBLIC:
        made.setdefault("vpc", shop.vpc)
    kind(shop.stack, "Cache", **made)
    (resource,) = Template.from_stack(shop.stack).find_resources(KINDS[kind]).values()
    return dict(resource["Properties"])


def create_only(kind: type[Construct]) -> set[str]:
    """The properties that CloudFormation cannot update, or not in every case."""
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", KINDS[kind]).schema
    paths = [*schema["createOnlyProperties"], *schema.get("conditionalCreateOnlyProperties", ())]
    return {path.rsplit("/", 1)[-1] for path in paths}


def name(row: Row) -> str:
    return f"{row[0].__name__}-{row[1]}"


@pytest.mark.parametrize("row", ROWS, ids=name)
def test_a_description_says_whether_a_change_replaces_the_cache(row: Row) -> None:
    kind, argument, others, before, after = row
    old = rendered(kind, {**others, **({} if before is UNSET else {argument: before})})
    new = rendered(kind, {**others, argument: after})
    changed = {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}
    replaces = bool(changed & create_only(kind))
    assert ("replaces" in descriptions(kind)[argument]) == replaces, f"{sorted(changed)} changed"


def test_placing_shards_replaces_a_cache_only_without_online_resharding() -> None:
    """NodeGroupConfiguration is conditional: the update policy of a cluster lets the service change it."""
    shop = Shop()
    placement = [Shard(ZONES[0], (ZONES[1],))]
    ReplicationGroup(shop.stack, "Cache", vpc=shop.vpc, **CLUSTER, shard_placement=placement)
    (resource,) = Template.from_stack(shop.stack).find_resources(KINDS[ReplicationGroup]).values()
    assert "NodeGroupConfiguration" in create_only(ReplicationGroup)
    assert resource["UpdatePolicy"] == {"UseOnlineResharding": True}


def parameter_groups(mode: ClusterMode) -> set[str]:
    shop = Shop()
    ReplicationGroup(shop.stack, "Cache", vpc=shop.vpc, cluster_mode=mode)
    return set(Template.from_stack(shop.stack).find_resources("AWS::ElastiCache::ParameterGroup"))


def test_a_move_between_cluster_modes_changes_no_parameter_group_in_use() -> None:
    """``cluster-enabled`` cannot be changed in a group that a cache uses: each step has a new group."""
    disabled, compatible, enabled = (
        parameter_groups(mode) for mode in (ClusterMode.DISABLED, ClusterMode.COMPATIBLE, ClusterMode.ENABLED)
    )
    assert disabled.isdisjoint(compatible)
    assert compatible.isdisjoint(enabled)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("vpc_subnets", lambda shop: shop.private()),
        ("kms_key", lambda shop: shop.key()),
        ("network_type", NetworkType.DUAL_STACK),
        ("snapshot_arns_to_restore", ["arn:aws:s3:::backups/orders.rdb"]),
    ],
)
def test_a_replaced_serverless_cache_has_another_generated_name(argument: str, value: Any) -> None:  # noqa: ANN401  (of any argument)
    before, after = rendered(ServerlessCache, {}), rendered(ServerlessCache, {argument: value})
    assert before["ServerlessCacheName"] != after["ServerlessCacheName"]
    assert len(after["ServerlessCacheName"]) <= 40


def test_a_replaced_user_has_another_generated_id() -> None:
    ids = []
    for user_name in (None, "ann", "bob"):
        shop = Shop()
        PasswordUser(shop.stack, "User", access_string=AccessString.application(), user_name=user_name)
        (resource,) = Template.from_stack(shop.stack).find_resources("AWS::ElastiCache::User").values()
        ids.append(resource["Properties"]["UserId"])
    assert len(set(ids)) == 3
