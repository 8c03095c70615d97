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
    Access,
    AccessString,
    AuthToken,
    Backups,
    ClusterMode,
    Compliance,
    ConnectionType,
    Durability,
    Encryption,
    EngineVersion,
    Failover,
    IamUser,
    IpDiscovery,
    Logging,
    Maintenance,
    MaintenanceWindow,
    MemcachedCluster,
    MemcachedTopology,
    NetworkType,
    NodeType,
    ParameterGroup,
    PasswordUser,
    ReplicationGroup,
    RestoreFrom,
    ServerlessCache,
    ServerlessEngine,
    Shard,
    SnapshotWindow,
    SubnetGroup,
    Topology,
    TransitEncryption,
    UsageLimits,
    UserGroup,
)

ZONES = ["eu-west-1a", "eu-west-1b"]
KINDS: dict[Any, str] = {
    ReplicationGroup: "AWS::ElastiCache::ReplicationGroup",
    ServerlessCache: "AWS::ElastiCache::ServerlessCache",
    MemcachedCluster: "AWS::ElastiCache::CacheCluster",
}
CLUSTER: dict[str, Any] = {"topology": Topology.cluster()}
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
WINDOW = Backups.daily(window=SnapshotWindow.of("03:00-04:00"))
OPTIONS: dict[str, type[Any]] = {
    "access": Access,
    "backups": Backups,
    "encryption": Encryption,
    "logging": Logging,
    "maintenance": Maintenance,
    "restore": RestoreFrom,
    "topology": Topology,
}
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
        (kind, "maintenance.window", {}, UNSET, Maintenance(window=MaintenanceWindow.of("sun:05:00-sun:06:00"))),
        (kind, "maintenance.auto_minor_version_upgrade", {}, UNSET, Maintenance(auto_minor_version_upgrade=False)),
        (
            kind,
            "maintenance.notification_topic",
            {},
            UNSET,
            lambda shop: Maintenance(notification_topic=sns.Topic(shop.stack, "Topic")),
        ),
    ]


ROWS: list[Row] = [
    *_rows_of_nodes(ReplicationGroup, VALKEY, EngineVersion.VALKEY_8_2),
    (ReplicationGroup, "node_type", {}, NodeType.R7G_XLARGE, NodeType.R6GD_XLARGE),
    (ReplicationGroup, "topology.cluster_mode", {}, Topology.replicated(), Topology.compatible()),
    (
        ReplicationGroup,
        "topology.cluster_mode",
        {},
        Topology.compatible(availability_zones=ZONES),
        Topology.cluster(availability_zones=ZONES),
    ),
    (ReplicationGroup, "topology.shards", {}, Topology.cluster(2), Topology.cluster(3)),
    (ReplicationGroup, "topology.replicas", {}, Topology.replicated(), Topology.replicated(2)),
    (ReplicationGroup, "topology.failover", {}, Topology.replicated(), Topology.replicated(failover=Failover.MANUAL)),
    (
        ReplicationGroup,
        "topology.availability_zones",
        {},
        Topology.replicated(availability_zones=ZONES),
        Topology.replicated(availability_zones=ZONES[::-1]),
    ),
    (ReplicationGroup, "ip_discovery", {"network_type": NetworkType.DUAL_STACK}, IpDiscovery.IPV4, IpDiscovery.IPV6),
    (ReplicationGroup, "access.given_users", {}, UNSET, lambda shop: Access.users(shop.user())),
    (ReplicationGroup, "access.given_group", {}, UNSET, lambda shop: Access.user_group(shop.user_group())),
    (
        ReplicationGroup,
        "access.token",
        {},
        UNSET,
        lambda shop: Access.auth_token(AuthToken.generate(shop.stack, "Token")),
    ),
    (ReplicationGroup, "access.is_open", {}, UNSET, Access.unauthenticated()),
    (ReplicationGroup, "encryption.transit", {}, Encryption(transit=TransitEncryption.PREFERRED), Encryption()),
    (ReplicationGroup, "encryption.at_rest", {}, UNSET, Encryption(at_rest=False)),
    (ReplicationGroup, "encryption.kms_key", {}, UNSET, lambda shop: Encryption(kms_key=shop.key())),
    (ReplicationGroup, "compliance", {}, Compliance.STANDARD, Compliance.REGULATED),
    (ReplicationGroup, "durability", DURABLE, Durability.ASYNC, Durability.SYNC),
    (ReplicationGroup, "parameters", {}, UNSET, {"timeout": "300"}),
    (ReplicationGroup, "backups.retention_days", {}, UNSET, Backups.none()),
    (ReplicationGroup, "backups.window", {}, UNSET, WINDOW),
    (ReplicationGroup, "restore.snapshot_name", {}, UNSET, RestoreFrom.snapshot("orders-1")),
    (ReplicationGroup, "restore.source_arns", {}, UNSET, RestoreFrom.arns(["arn:aws:s3:::backups/orders.rdb"])),
    (ReplicationGroup, "logging.deliveries", {}, UNSET, Logging.off()),
    (
        ReplicationGroup,
        "logging.encryption_key",
        {},
        UNSET,
        lambda shop: Logging.to_log_groups(encryption_key=shop.key()),
    ),
    (ReplicationGroup, "replication_group_id", {}, UNSET, "orders"),
    (ReplicationGroup, "description", {}, UNSET, "Orders"),
    *_rows_of_nodes(MemcachedCluster, MEMCACHED, EngineVersion.of(MEMCACHED.engine, "1.6.23")),
    (MemcachedCluster, "node_type", {}, NodeType.M7G_LARGE, NodeType.M7G_XLARGE),
    (MemcachedCluster, "topology.nodes", {}, UNSET, MemcachedTopology.across_zones(3)),
    (
        MemcachedCluster,
        "topology.availability_zones",
        {},
        MemcachedTopology.in_zones(ZONES),
        MemcachedTopology.in_zones(ZONES[::-1]),
    ),
    (MemcachedCluster, "parameters", {}, UNSET, {"max_item_size": "2097152"}),
    (MemcachedCluster, "cluster_name", {}, UNSET, "pages"),
    (ServerlessCache, "vpc_subnets", {}, UNSET, lambda shop: shop.private()),
    (ServerlessCache, "security_groups", {}, UNSET, lambda shop: shop.security_groups()),
    (ServerlessCache, "engine", {}, ServerlessEngine.VALKEY_8, ServerlessEngine.VALKEY_9),
    (ServerlessCache, "access.given_users", {}, UNSET, lambda shop: Access.users(shop.user())),
    (ServerlessCache, "access.given_group", {}, UNSET, lambda shop: Access.user_group(shop.user_group())),
    (ServerlessCache, "usage_limits", {}, UNSET, UsageLimits(data_storage_gb_max=10)),
    (ServerlessCache, "kms_key", {}, UNSET, lambda shop: shop.key()),
    (ServerlessCache, "compliance", {}, Compliance.STANDARD, Compliance.REGULATED),
    (ServerlessCache, "network_type", {}, UNSET, NetworkType.DUAL_STACK),
    (ServerlessCache, "backups.retention_days", {}, UNSET, Backups.daily(retention_days=1)),
    (ServerlessCache, "backups.window", {}, UNSET, WINDOW),
    (ServerlessCache, "restore.source_arns", {}, UNSET, RestoreFrom.arns(["arn:aws:s3:::backups/orders.rdb"])),
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
    kind, described, others, before, after = row
    argument, _, option = described.partition(".")
    old = rendered(kind, {**others, **({} if before is UNSET else {argument: before})})
    new = rendered(kind, {**others, argument: after})
    is_memcached = kind is MemcachedCluster and argument == "topology"
    options = MemcachedTopology if is_memcached else OPTIONS.get(argument, kind)
    said = descriptions(options if option else kind)[option or argument]
    changed = {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}
    replaces = bool(changed & create_only(kind))
    assert ("replaces" in said) == replaces, f"{sorted(changed)} changed"


def test_placing_shards_replaces_a_cache_only_without_online_resharding() -> None:
    """NodeGroupConfiguration is conditional: the update policy of a cluster lets the service change it."""
    shop = Shop()
    placement = [Shard(ZONES[0], (ZONES[1],))]
    ReplicationGroup(shop.stack, "Cache", vpc=shop.vpc, topology=Topology.placed(placement))
    (resource,) = Template.from_stack(shop.stack).find_resources(KINDS[ReplicationGroup]).values()
    assert "NodeGroupConfiguration" in create_only(ReplicationGroup)
    assert resource["UpdatePolicy"] == {"UseOnlineResharding": True}


def parameter_groups(mode: ClusterMode) -> set[str]:
    shop = Shop()
    ReplicationGroup(shop.stack, "Cache", vpc=shop.vpc, topology=Topology(cluster_mode=mode))
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
        ("restore", RestoreFrom.arns(["arn:aws:s3:::backups/orders.rdb"])),
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
