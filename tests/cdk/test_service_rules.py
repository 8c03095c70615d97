"""ElastiCache's own rules, row by row: each one's check goes off where it should, and is silent beside it.

The ids are those of the table of rules that the constructs were built to: A for authentication and encryption, T for
topology, O for operations, network and serverless. The other tests go into more detail about each.
"""

# ruff: noqa: ANN401  (properties of every kind are passed through)

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns

from cachetwin_cdk import (
    AccessString,
    AuthToken,
    ClusterMode,
    ConnectionType,
    Durability,
    Engine,
    EngineVersion,
    GlobalDatastore,
    IamUser,
    LogDelivery,
    LogType,
    MaintenanceWindow,
    MemcachedCluster,
    NetworkType,
    NodeType,
    NoPasswordUser,
    ParameterGroup,
    PasswordUser,
    ReplicaScaling,
    ReplicationGroup,
    SecondaryReplicationGroup,
    ServerlessCache,
    ServerlessEngine,
    Shard,
    ShardScaling,
    SnapshotWindow,
    SubnetGroup,
    TransitEncryptionMode,
    UsageLimits,
    UserGroup,
    ValidationError,
)

Warnings = Callable[[], list[str]]
OPEN: dict[str, Any] = {"allow_unauthenticated": True, "log_delivery": []}
ONE_NODE: dict[str, Any] = {"replicas": 0, "automatic_failover": False, "multi_az": False}
CLUSTER: dict[str, Any] = {"cluster_mode": ClusterMode.ENABLED}
PUBLIC: dict[str, Any] = {"vpc": None, "connection_type": ConnectionType.PUBLIC, "engine": ServerlessEngine.VALKEY_9}
DURABLE: dict[str, Any] = {
    "durability": Durability.SYNC,
    "engine_version": EngineVersion.VALKEY_9_0,
    "node_type": NodeType.R7G_LARGE,
    **CLUSTER,
}
HALVES = [Shard(slots="0-8191"), Shard(slots="8192-16383")]


@dataclass(frozen=True)
class Site:
    """A stack with a network, and what is made in it."""

    stack: cdk.Stack
    vpc: ec2.IVpc

    def group(self, construct_id: str = "Cache", **props: Any) -> ReplicationGroup:
        return ReplicationGroup(self.stack, construct_id, **{"vpc": self.vpc, **props})

    def large(self, **props: Any) -> ReplicationGroup:
        return self.group(**{"node_type": NodeType.M7G_LARGE, **props})

    def memcached(self, **props: Any) -> MemcachedCluster:
        return MemcachedCluster(self.stack, "Pages", vpc=self.vpc, **props)

    def serverless(self, **props: Any) -> ServerlessCache:
        return ServerlessCache(self.stack, "Serverless", **{"vpc": self.vpc, **props})

    def token(self, **props: Any) -> AuthToken:
        return AuthToken.generate(self.stack, "Token", **props)

    def user(self, name: str = "ann", engine: Engine = Engine.VALKEY, construct_id: str = "User") -> PasswordUser:
        rules = AccessString.application()
        return PasswordUser(self.stack, construct_id, user_name=name, engine=engine, access_string=rules)

    def iam_user(self, engine: Engine = Engine.VALKEY, **props: Any) -> IamUser:
        return IamUser(self.stack, "Iam", access_string=AccessString.application(), engine=engine, **props)

    def users(self, *users: Any, engine: Engine = Engine.VALKEY) -> UserGroup:
        return UserGroup(self.stack, "Users", users=users, engine=engine)

    def secrets(self, count: int) -> list[secretsmanager.ISecret]:
        return [secretsmanager.Secret(self.stack, f"Secret{number}") for number in range(count)]

    def ruled(self, text: str) -> PasswordUser:
        return PasswordUser(self.stack, "Ruled", access_string=AccessString.of(text))

    def subnets(self, count: int) -> ec2.SubnetSelection:
        ids = (f"subnet-0123456789abcd{number:03}" for number in range(count))
        made = [
            ec2.Subnet.from_subnet_attributes(
                self.stack, subnet_id, subnet_id=subnet_id, availability_zone=f"eu-west-1{chr(97 + number)}"
            )
            for number, subnet_id in enumerate(ids)
        ]
        return ec2.SubnetSelection(subnets=made)

    def ipv4_vpc(self) -> ec2.Vpc:
        private = ec2.SubnetConfiguration(name="Data", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
        return ec2.Vpc(self.stack, "Own", max_azs=2, nat_gateways=0, subnet_configuration=[private])

    def topic(self, **props: Any) -> sns.Topic:
        return sns.Topic(self.stack, "Topic", **props)

    def key(self) -> kms.Key:
        return kms.Key(self.stack, "Key")


Make = Callable[[Site], object]
# id of the rule: (what breaks it, what is said), what keeps it
REFUSED: dict[str, list[tuple[Make, str, Make]]] = {
    "A1": [
        (
            lambda s: s.group(auth_token=s.token(), transit_encryption=False),
            "transit_encryption must be True when auth_token is given, got False",
            lambda s: s.group(auth_token=s.token()),
        )
    ],
    "A2": [
        (lambda s: s.token(length=15), "length must be between 16 and 128 characters", lambda s: s.token(length=16)),
        (lambda s: s.token(length=129), "length must be between 16 and 128 characters", lambda s: s.token(length=128)),
    ],
    "A3": [
        (
            lambda s: s.group(auth_token=s.token(), users=[s.user()]),
            "auth_token must be left out when users is given",
            lambda s: s.group(users=[s.user()]),
        )
    ],
    "A4": [
        (
            lambda s: s.group(user_group=s.users(s.user()), users=[]),
            "user_group must be left out when users is given",
            lambda s: s.group(user_group=s.users(s.user())),
        )
    ],
    "A5": [
        (
            lambda s: s.group(transit_encryption=False),
            "transit_encryption must be True when the cache has users",
            lambda s: s.group(transit_encryption=False, **OPEN),
        )
    ],
    "A6": [
        (
            lambda s: s.group(engine_version=EngineVersion.REDIS_5_0_6, log_delivery=[]),
            "engine_version must be at least Redis 6.0 or Valkey 7.2 to have users",
            lambda s: s.group(engine_version=EngineVersion.REDIS_6_0),
        ),
        (
            lambda s: s.users(engine=Engine.MEMCACHED),
            "engine must be valkey or redis, got 'memcached'",
            lambda s: s.users(engine=Engine.REDIS),
        ),
        (
            lambda s: s.serverless(engine=ServerlessEngine.MEMCACHED_1_6, users=[]),
            "users must be left out for Memcached",
            lambda s: s.serverless(engine=ServerlessEngine.MEMCACHED_1_6),
        ),
    ],
    "A7": [
        (
            lambda s: s.group(users=[s.iam_user(Engine.REDIS)], engine_version=EngineVersion.REDIS_6_2),
            "engine_version must be at least Redis 7.0 or Valkey 7.2 for users with IAM authentication",
            lambda s: s.group(users=[s.iam_user(Engine.REDIS)], engine_version=EngineVersion.REDIS_7_0),
        ),
        (
            lambda s: s.iam_user(user_id="default"),
            "user_id must not be default, which is ElastiCache's own user",
            lambda s: s.iam_user(user_id="defaults"),
        ),
        (
            lambda s: s.iam_user(user_id="Ann"),
            "user_id must be lower case for IAM authentication",
            lambda s: s.iam_user(user_id="ann"),
        ),
    ],
    "A8": [
        (
            lambda s: s.users(s.user(), engine=Engine.REDIS),
            "users must be Redis users in a Redis group",
            lambda s: s.users(s.user(engine=Engine.REDIS), engine=Engine.REDIS),
        )
    ],
    "A9": [
        (
            lambda s: s.users(NoPasswordUser(s.stack, "Nobody", user_name="nobody")),
            "users must have a password or use IAM in a Valkey group",
            lambda s: s.users(s.user(engine=Engine.REDIS)),
        )
    ],
    "A10": [
        (
            lambda s: s.group(user_group=s.users(s.user()), engine_version=EngineVersion.REDIS_7_1),
            "user_group must be a Redis group for a Redis cache, got 'valkey'",
            lambda s: s.group(user_group=s.users(engine=Engine.REDIS)),
        ),
        (
            lambda s: s.serverless(user_group=s.users(s.user()), engine=ServerlessEngine.REDIS_7),
            "user_group must be a Redis group for a Redis cache, got 'valkey'",
            lambda s: s.serverless(user_group=s.users(engine=Engine.REDIS)),
        ),
    ],
    "A11": [
        (
            lambda s: s.users(s.user("ann"), s.user("ann", construct_id="Other")),
            "users must have different names within a group, got 'ann' twice",
            lambda s: s.users(s.user("ann"), s.user("bob", construct_id="Other")),
        )
    ],
    "A12": [
        (
            lambda s: PasswordUser(s.stack, "Ann", access_string=AccessString.on(), secrets=s.secrets(3)),
            "secrets must be between 1 and 2, got 3",
            lambda s: PasswordUser(s.stack, "Ann", access_string=AccessString.on(), secrets=s.secrets(2)),
        )
    ],
    "A13": [
        (lambda s: s.ruled("on >a-password-in-clear"), "must hold no password rule", lambda s: s.ruled("on ~>* +get")),
        (lambda s: s.ruled("reset on"), "access_string must not hold 'reset'", lambda s: s.ruled("on -reset")),
        (
            lambda s: s.ruled("on +config"),
            "access_string must not allow a command that ElastiCache restricts",
            lambda s: s.ruled("on +get -config"),
        ),
    ],
    "A14": [
        (
            lambda s: s.iam_user(user_id="1st"),
            "user_id must start with a letter",
            lambda s: s.iam_user(user_id="first"),
        ),
        (lambda s: s.iam_user(user_id="a" * 41), "at most 40 letters", lambda s: s.iam_user(user_id="a" * 40)),
    ],
    "A15": [
        (
            lambda s: s.group(kms_key=s.key(), at_rest_encryption=False),
            "at_rest_encryption must be True when kms_key is given",
            lambda s: s.group(kms_key=s.key()),
        )
    ],
    "A18": [
        (
            lambda s: s.group(
                transit_encryption=False, transit_encryption_mode=TransitEncryptionMode.PREFERRED, **OPEN
            ),
            "transit_encryption_mode must be left out when transit_encryption is False, got 'preferred'",
            lambda s: s.group(transit_encryption_mode=TransitEncryptionMode.REQUIRED),
        )
    ],
    "A19": [
        (
            lambda s: s.group(
                engine_version=EngineVersion.REDIS_6_2, transit_encryption_mode=TransitEncryptionMode.PREFERRED
            ),
            "engine_version must be at least Redis 7.0 or Valkey 7.2 for a transit_encryption_mode",
            lambda s: s.group(
                engine_version=EngineVersion.REDIS_7_0, transit_encryption_mode=TransitEncryptionMode.PREFERRED
            ),
        )
    ],
    "A21": [
        (
            lambda s: s.memcached(engine_version=EngineVersion.MEMCACHED_1_5_16),
            "engine_version must be at least Memcached 1.6.12 for TLS",
            lambda s: s.memcached(engine_version=EngineVersion.MEMCACHED_1_5_16, transit_encryption=False),
        ),
        (
            lambda s: s.memcached(removal_policy=cdk.RemovalPolicy.SNAPSHOT),
            "removal_policy must not be SNAPSHOT for Memcached",
            lambda s: s.memcached(removal_policy=cdk.RemovalPolicy.RETAIN),
        ),
    ],
    "T1": [
        (
            lambda s: s.group(**CLUSTER, automatic_failover=False, multi_az=False),
            "automatic_failover must be True with cluster mode enabled",
            lambda s: s.group(**CLUSTER, multi_az=False),
        )
    ],
    "T2": [
        (
            lambda s: s.group(automatic_failover=False),
            "automatic_failover must be True when multi_az is True",
            lambda s: s.group(automatic_failover=False, multi_az=False),
        ),
        (
            lambda s: s.group(**CLUSTER, replicas=0),
            "replicas must be at least 1 for Multi-AZ",
            lambda s: s.group(**CLUSTER, replicas=0, multi_az=False),
        ),
    ],
    "T3": [
        (
            lambda s: s.group(replicas=0, multi_az=False),
            "replicas must be at least 1 for automatic failover",
            lambda s: s.group(replicas=1, multi_az=False),
        )
    ],
    "T4": [
        (lambda s: s.group(replicas=6), "replicas must be between 0 and 5", lambda s: s.group(replicas=5)),
        (
            lambda s: s.group(shards=2),
            "cluster_mode must be enabled to have shards",
            lambda s: s.group(**CLUSTER, shards=2),
        ),
    ],
    "T5": [
        (
            lambda s: s.group(**CLUSTER, shards=501),
            "shards must be between 1 and 500",
            lambda s: s.group(**CLUSTER, shards=500, replicas=0, multi_az=False),
        )
    ],
    "T6": [
        (
            lambda s: s.group(preferred_availability_zones=["a"]),
            "must name one zone for each of the 2 nodes",
            lambda s: s.group(preferred_availability_zones=["a", "b"]),
        ),
        (
            lambda s: s.group(vpc_subnets=s.subnets(2), preferred_availability_zones=["eu-west-1a", "eu-west-1c"]),
            "preferred_availability_zones must be among the zones of the subnets, eu-west-1a, eu-west-1b",
            lambda s: s.group(vpc_subnets=s.subnets(2), preferred_availability_zones=["eu-west-1a", "eu-west-1b"]),
        ),
        (
            lambda s: s.group(**CLUSTER, shards=2, preferred_availability_zones=["a", "b"]),
            "preferred_availability_zones must be left out with several shards or shard_placement",
            lambda s: s.group(**CLUSTER, shard_placement=[Shard("a", ("b",))]),
        ),
    ],
    "T7": [
        (
            lambda s: s.group(**CLUSTER, shard_placement=[Shard(shard_id="00001")]),
            "shard_id must hold 1 to 4 digits",
            lambda s: s.group(**CLUSTER, shard_placement=[Shard(shard_id="0001")]),
        ),
        (
            lambda s: s.group(**CLUSTER, shard_placement=[Shard("a", ("b", "c"))]),
            "replica_availability_zones must name one zone for each of the 1 replicas",
            lambda s: s.group(**CLUSTER, shard_placement=[Shard("a", ("b",))]),
        ),
        (
            lambda s: s.group(**CLUSTER, shard_placement=[Shard(slots="0-16384")]),
            "slots must ascend within 0 and 16383",
            lambda s: s.group(**CLUSTER, shard_placement=[Shard(slots="0-16383")]),
        ),
    ],
    "T9": [
        (
            lambda s: s.group(cluster_mode=ClusterMode.COMPATIBLE, engine_version=EngineVersion.REDIS_6_2),
            "cluster_mode must be compatible only from Redis 7.0 or Valkey 7.2 on",
            lambda s: s.group(cluster_mode=ClusterMode.COMPATIBLE, engine_version=EngineVersion.REDIS_7_0),
        )
    ],
    "T10": [
        (
            lambda s: s.group(parameters={"cluster-enabled": "yes"}),
            "parameter_group must not set cluster-enabled=yes with cluster mode disabled",
            lambda s: s.group(**CLUSTER, parameters={"cluster-enabled": "yes"}),
        ),
        (
            lambda s: s.memcached(parameters={"cluster-enabled": "yes"}),
            "parameters must hold parameters that memcached1.6 has, got 'cluster-enabled'",
            lambda s: s.memcached(parameters={"chunk_size": "96"}),
        ),
    ],
    "T11": [
        (
            lambda s: s.group(
                parameter_group=ParameterGroup(s.stack, "Parameters", engine_version=EngineVersion.REDIS_7_1)
            ),
            "parameter_group must be of family valkey8 for valkey 8.1, got 'redis7'",
            lambda s: s.group(
                parameter_group=ParameterGroup(s.stack, "Parameters", engine_version=EngineVersion.VALKEY_8_0)
            ),
        )
    ],
    "T12": [
        (lambda s: s.memcached(nodes=0), "nodes must be between 1 and 60", lambda s: s.memcached(nodes=1)),
        (lambda s: s.memcached(nodes=61), "nodes must be between 1 and 60", lambda s: s.memcached(nodes=40)),
    ],
    "T13": [
        (
            lambda s: s.memcached(nodes=1, cross_az=True),
            "nodes must be at least 2 to lie in several zones",
            lambda s: s.memcached(nodes=2, cross_az=True),
        ),
        (
            lambda s: s.memcached(preferred_availability_zones=["a"]),
            "preferred_availability_zones must name one zone for each of the 2 nodes",
            lambda s: s.memcached(preferred_availability_zones=["a", "b"]),
        ),
        (
            lambda s: s.memcached(vpc_subnets=s.subnets(2), preferred_availability_zones=["eu-west-1a", "eu-west-1c"]),
            "preferred_availability_zones must be among the zones of the subnets, eu-west-1a, eu-west-1b",
            lambda s: s.memcached(vpc_subnets=s.subnets(2), preferred_availability_zones=["eu-west-1a", "eu-west-1b"]),
        ),
    ],
    "T14": [
        (
            lambda s: s.group(replication_group_id="a--b"),
            "replication_group_id must start with a letter",
            lambda s: s.group(replication_group_id="a-b"),
        ),
        (
            lambda s: s.memcached(cluster_name="a" * 51),
            "cluster_name must start with a letter and hold at most 50",
            lambda s: s.memcached(cluster_name="a" * 50),
        ),
    ],
    "T15": [
        (
            lambda _s: EngineVersion.of(Engine.VALKEY, "8.1.0"),
            "version must look like 8.1, got '8.1.0'",
            lambda _s: EngineVersion.of(Engine.VALKEY, "10.0"),
        ),
        (
            lambda _s: EngineVersion.of(Engine.MEMCACHED, "1.6"),
            "version must look like 1.6.22, got '1.6'",
            lambda _s: EngineVersion.of(Engine.MEMCACHED, "1.6.33"),
        ),
        (
            lambda _s: EngineVersion.of(Engine.REDIS, "5.0"),
            "version must look like 7.1, or like 5.0.6 before version 6, got '5.0'",
            lambda _s: EngineVersion.of(Engine.REDIS, "6.x"),
        ),
        (
            lambda s: GlobalDatastore(s.stack, "Global", primary=s.large(), engine_version=EngineVersion.VALKEY_8_0),
            "engine_version must not be older than the primary's, valkey 8.1",
            lambda s: GlobalDatastore(s.stack, "Global", primary=s.large(), engine_version=EngineVersion.VALKEY_8_2),
        ),
        (
            lambda s: GlobalDatastore(s.stack, "Global", primary=s.large(), engine_version=EngineVersion.REDIS_7_1),
            "engine_version must not be older than the primary's, valkey 8.1",
            lambda s: GlobalDatastore(
                s.stack,
                "Global",
                primary=s.large(engine_version=EngineVersion.REDIS_7_1),
                engine_version=EngineVersion.VALKEY_7_2,
            ),
        ),
    ],
    "T16": [
        (
            lambda s: s.group(node_type=NodeType.R6GD_XLARGE, engine_version=EngineVersion.REDIS_6_0, log_delivery=[]),
            "engine_version must be at least Redis 6.2 or Valkey 7.2 on cache.r6gd.xlarge",
            lambda s: s.group(node_type=NodeType.R6GD_XLARGE, engine_version=EngineVersion.REDIS_6_2),
        ),
        (
            lambda s: s.group(node_type=NodeType.R6GD_XLARGE, parameters={"maxmemory-policy": "allkeys-lfu"}),
            "must be one of allkeys-lru, noeviction, volatile-lru, got 'allkeys-lfu'",
            lambda s: s.group(node_type=NodeType.R6GD_XLARGE, parameters={"maxmemory-policy": "allkeys-lru"}),
        ),
    ],
    "T17": [
        (
            lambda s: GlobalDatastore(s.stack, "Global", primary=s.group()),
            "node_type must be large or larger in a global datastore, got 'cache.t4g.small'",
            lambda s: GlobalDatastore(s.stack, "Global", primary=s.large()),
        ),
        (
            lambda s: GlobalDatastore(
                s.stack,
                "Global",
                primary=s.group(
                    node_type=NodeType.M5_LARGE, engine_version=EngineVersion.of(Engine.REDIS, "5.0.5"), **OPEN
                ),
            ),
            "primary must run Redis 5.0.6 at least, or Valkey, in a global datastore",
            lambda s: GlobalDatastore(
                s.stack, "Global", primary=s.large(engine_version=EngineVersion.REDIS_5_0_6, **OPEN)
            ),
        ),
        (
            lambda s: GlobalDatastore(s.stack, "Global", primary=s.group(**DURABLE)),
            "primary must not be durable in a global datastore",
            lambda s: GlobalDatastore(s.stack, "Global", primary=s.large(**CLUSTER)),
        ),
        (
            lambda s: GlobalDatastore(s.stack, "Global", primary=s.large(), node_type=NodeType.T4G_MEDIUM),
            "node_type must be large or larger in a global datastore, got 'cache.t4g.medium'",
            lambda s: GlobalDatastore(s.stack, "Global", primary=s.large(), node_type=NodeType.R7G_LARGE),
        ),
        (
            lambda s: GlobalDatastore(s.stack, "Global", primary=s.large(), shards=2),
            "shards must be left out without cluster mode, got 2",
            lambda s: GlobalDatastore(s.stack, "Global", primary=s.large(**CLUSTER), shards=2),
        ),
        (
            lambda s: GlobalDatastore(
                s.stack,
                "Global",
                primary=s.large(),
                parameter_group=ParameterGroup(s.stack, "Other", engine_version=EngineVersion.REDIS_7_1),
            ),
            "parameter_group must be of family valkey8 for valkey 8.1, got 'redis7'",
            lambda s: GlobalDatastore(
                s.stack,
                "Global",
                primary=s.large(),
                parameter_group=ParameterGroup(s.stack, "Other", engine_version=EngineVersion.VALKEY_8_2),
            ),
        ),
    ],
    "T19": [
        (
            lambda s: s.group(**{**DURABLE, "engine_version": EngineVersion.VALKEY_8_1}),
            "engine_version must be at least Valkey 9.0 for durability sync",
            lambda s: s.group(**DURABLE),
        ),
        (
            lambda s: s.group(**{**DURABLE, "cluster_mode": ClusterMode.DISABLED}),
            "cluster_mode must be enabled for durability sync",
            lambda s: s.group(**{**DURABLE, "durability": Durability.DISABLED, "cluster_mode": ClusterMode.DISABLED}),
        ),
        (
            lambda s: s.group(**DURABLE, multi_az=False),
            "multi_az must be True for durability sync",
            lambda s: s.group(**DURABLE, multi_az=True),
        ),
        (
            lambda s: s.group(**DURABLE, at_rest_encryption=False),
            "transit_encryption and at_rest_encryption must be True for durability sync",
            lambda s: s.group(**DURABLE, at_rest_encryption=True),
        ),
        (
            lambda s: s.group(**{**DURABLE, "node_type": NodeType.R6GD_XLARGE}),
            "node_type must not tier data for durability sync",
            lambda s: s.group(**{**DURABLE, "durability": None, "node_type": NodeType.R6GD_XLARGE}),
        ),
    ],
    "T20": [
        (
            lambda s: s.group(node_type=NodeType.of("cache.t1.micro"), transit_encryption=False, **OPEN, **ONE_NODE),
            "node_type must not be a t1 node with Multi-AZ or backups",
            lambda s: s.group(
                node_type=NodeType.of("cache.t1.micro"),
                transit_encryption=False,
                snapshot_retention_days=0,
                **OPEN,
                **ONE_NODE,
            ),
        ),
        (
            lambda s: s.group(node_type=NodeType.of("cache.m1.large")),
            "node_type must not be of m1, m2, t1 or c1 with transit_encryption",
            lambda s: s.group(node_type=NodeType.of("cache.m1.large"), transit_encryption=False, **OPEN),
        ),
        (
            lambda s: s.memcached(node_type=NodeType.of("cache.t2.micro")),
            "node_type must be of a current generation for Memcached with TLS",
            lambda s: s.memcached(node_type=NodeType.of("cache.t2.micro"), transit_encryption=False),
        ),
        (
            lambda s: s.group(engine_version=EngineVersion.of(Engine.REDIS, "5.0.0"), **OPEN),
            "engine_version must be at least Redis 5.0.6 or Memcached 1.5.16 on cache.t4g.small",
            lambda s: s.group(
                engine_version=EngineVersion.of(Engine.REDIS, "5.0.0"), node_type=NodeType.T3_SMALL, **OPEN
            ),
        ),
    ],
    "T21": [
        (
            lambda s: ShardScaling(s.stack, "Scaling", cache=s.large(), max_capacity=2),
            "cache must have cluster mode enabled to scale",
            lambda s: ShardScaling(s.stack, "Scaling", cache=s.large(**CLUSTER), max_capacity=2),
        ),
        (
            lambda s: ShardScaling(s.stack, "Scaling", cache=s.group(**CLUSTER), max_capacity=2),
            "node_type must be 2xlarge, large, xlarge of",
            lambda s: ReplicaScaling(s.stack, "Scaling", cache=s.large(**CLUSTER)),
        ),
        (
            lambda s: ReplicaScaling(s.stack, "Scaling", cache=s.large(**CLUSTER)).scale_on_engine_cpu(
                "Cpu", target_percent=71
            ),
            "target_percent must be between 35 and 70 percent, got 71",
            lambda s: ReplicaScaling(s.stack, "Scaling", cache=s.large(**CLUSTER)).scale_on_engine_cpu(
                "Cpu", target_percent=70
            ),
        ),
    ],
    "O1": [
        (
            lambda _s: MaintenanceWindow.of("sun:05:00-sun:05:59"),
            "maintenance_window must last at least 60 minutes, got '59 minutes'",
            lambda _s: MaintenanceWindow.of("sun:05:00-sun:06:00"),
        ),
        (
            lambda _s: MaintenanceWindow.of("Sunday 5am"),
            "maintenance_window must be written ddd:hh:mm-ddd:hh:mm",
            lambda _s: MaintenanceWindow.of("sat:23:30-sun:00:30"),
        ),
    ],
    "O2": [
        (
            lambda _s: SnapshotWindow.of("03:00-03:30"),
            "snapshot_window must last at least 60 minutes",
            lambda _s: SnapshotWindow.of("23:30-00:30"),
        )
    ],
    "O3": [
        (
            lambda s: s.group(snapshot_retention_days=36),
            "snapshot_retention_days must be between 0 and 35 days",
            lambda s: s.group(snapshot_retention_days=35),
        ),
        (
            lambda s: s.group(snapshot_retention_days=0, snapshot_window=SnapshotWindow.of("03:00-04:00")),
            "snapshot_window must be left out when snapshot_retention_days is 0",
            lambda s: s.group(snapshot_retention_days=1, snapshot_window=SnapshotWindow.of("03:00-04:00")),
        ),
    ],
    "O4": [
        (
            lambda s: s.group(snapshot_arns=["arn:aws:s3:::backups/a,b.rdb"]),
            "snapshot_arns must name RDB files in S3, without a comma",
            lambda s: s.group(snapshot_arns=["arn:aws:s3:::backups/a.rdb"]),
        )
    ],
    "O5": [
        (
            lambda s: s.group(log_delivery=[LogDelivery.to_firehose(LogType.SLOW, name) for name in ("a", "b")]),
            "log_delivery must hold each log at most once",
            lambda s: s.group(log_delivery=[LogDelivery.to_firehose(kind, "a") for kind in LogType]),
        ),
        (
            lambda s: s.group(
                log_delivery=[LogDelivery.to_firehose(LogType.ENGINE, "a")], engine_version=EngineVersion.REDIS_6_0
            ),
            "log_delivery must hold engine-log only for Valkey or Redis from 6.2",
            lambda s: s.group(
                log_delivery=[LogDelivery.to_firehose(LogType.SLOW, "a")], engine_version=EngineVersion.REDIS_6_0
            ),
        ),
    ],
    "O6": [
        (
            lambda s: s.group(notification_topic=s.topic(master_key=s.key())),
            "notification_topic must not be encrypted",
            lambda s: s.group(notification_topic=s.topic()),
        )
    ],
    "O7": [
        (
            lambda s: s.group(network_type=NetworkType.DUAL_STACK, engine_version=EngineVersion.REDIS_6_0),
            "engine_version must be at least Valkey 7.2, Redis 6.2 or Memcached 1.6.6",
            lambda s: s.group(network_type=NetworkType.DUAL_STACK, engine_version=EngineVersion.REDIS_6_2),
        ),
        (
            lambda s: s.group(network_type=NetworkType.IPV6, node_type=NodeType.of("cache.m4.large")),
            "node_type must be a Nitro node for network_type ipv6",
            lambda s: s.group(network_type=NetworkType.IPV6, node_type=NodeType.M5_LARGE),
        ),
    ],
    "O9": [
        (
            lambda s: s.serverless(usage_limits=UsageLimits(data_storage_gb_max=5001)),
            "data_storage_gb_max must be between 1 and 5000",
            lambda s: s.serverless(usage_limits=UsageLimits(data_storage_gb_max=5000)),
        ),
        (
            lambda s: s.serverless(usage_limits=UsageLimits(ecpu_per_second_min=999)),
            "ecpu_per_second_min must be between 1000 and 15000000",
            lambda s: s.serverless(usage_limits=UsageLimits(ecpu_per_second_min=1000)),
        ),
        (
            lambda s: s.serverless(usage_limits=UsageLimits(data_storage_gb_min=3, data_storage_gb_max=2)),
            "data_storage_gb_min must be at most data_storage_gb_max, 2",
            lambda s: s.serverless(usage_limits=UsageLimits(data_storage_gb_min=2, data_storage_gb_max=2)),
        ),
    ],
    "O10": [
        (
            lambda s: s.serverless(serverless_cache_name="a" * 41),
            "serverless_cache_name must start with a letter and hold at most 40",
            lambda s: s.serverless(serverless_cache_name="a" * 40),
        ),
        (
            lambda s: s.serverless(description="<b>"),
            "description must hold at most 255 characters, none of them < or >",
            lambda s: s.serverless(description="b" * 255),
        ),
    ],
    "O11": [
        (
            lambda s: s.serverless(snapshot_retention_days=36),
            "snapshot_retention_days must be between 0 and 35 days",
            lambda s: s.serverless(snapshot_retention_days=35),
        ),
        (
            lambda s: s.serverless(snapshot_retention_days=0, daily_snapshot_time="03:00"),
            "daily_snapshot_time must be left out when snapshot_retention_days is 0",
            lambda s: s.serverless(snapshot_retention_days=1, daily_snapshot_time="03:00"),
        ),
        (
            lambda s: s.serverless(final_snapshot_name="Last"),
            "final_snapshot_name must be lower case",
            lambda s: s.serverless(final_snapshot_name="last"),
        ),
    ],
    "O12": [
        (
            lambda s: s.serverless(**{**PUBLIC, "engine": ServerlessEngine.VALKEY_8}),
            "engine must be Valkey 9 or newer with connection_type PUBLIC",
            lambda s: s.serverless(**PUBLIC),
        ),
        (
            lambda s: s.serverless(**PUBLIC, users=[s.user()]),
            "users must all use IAM with connection_type PUBLIC, got 'ann'",
            lambda s: s.serverless(
                **PUBLIC, user_group=UserGroup.from_user_group_id(s.stack, "Users", "default.iam-user-group")
            ),
        ),
        (
            lambda s: s.serverless(**{**PUBLIC, "vpc": s.vpc}),
            "vpc, vpc_subnets and security_groups must be left out with connection_type PUBLIC",
            lambda s: s.serverless(**PUBLIC, users=[s.iam_user()]),
        ),
    ],
    "O13": [
        (
            lambda s: s.serverless(vpc=s.ipv4_vpc(), network_type=NetworkType.IPV6),
            "vpc_subnets must have no IPv4 addresses for network_type ipv6",
            lambda s: s.serverless(network_type=NetworkType.IPV6),
        ),
        (
            lambda s: s.group(vpc=s.ipv4_vpc(), network_type=NetworkType.IPV6),
            "vpc_subnets must have no IPv4 addresses for network_type ipv6",
            lambda s: s.group(vpc=s.ipv4_vpc(), network_type=NetworkType.IPV4),
        ),
    ],
    "O14": [
        (
            lambda s: SubnetGroup(s.stack, "Subnets", vpc=s.vpc, vpc_subnets=s.subnets(0)),
            "vpc_subnets must select at least one subnet",
            lambda s: SubnetGroup(s.stack, "Subnets", vpc=s.vpc, vpc_subnets=s.subnets(1)),
        ),
        (
            lambda s: SubnetGroup(s.stack, "Subnets", vpc=s.vpc, vpc_subnets=s.subnets(21)),
            "vpc_subnets must select at most 20 subnets",
            lambda s: SubnetGroup(s.stack, "Subnets", vpc=s.vpc, vpc_subnets=s.subnets(20)),
        ),
        (
            lambda s: s.group(vpc_subnets=s.subnets(1)),
            "vpc_subnets must lie in at least 2 availability zones for Multi-AZ",
            lambda s: s.group(vpc_subnets=s.subnets(1), multi_az=False),
        ),
    ],
    "O17": [
        (
            lambda s: s.iam_user(user_id="default.ann"),
            "user_id must start with a letter",
            lambda s: IamUser.from_user_attributes(
                s.stack, "Ours", user_id="default.iam-user", iam_authentication=True
            ),
        )
    ],
}
# Where AWS accepts what is unwise, or its documentation is not certain: (what is warned of), what is not, the warning.
WARNED: dict[str, list[tuple[Make, str, Make]]] = {
    "A13": [
        (lambda s: s.ruled("~* +get"), "user-off", lambda s: s.ruled("off ~* +get")),
        (lambda s: s.ruled("on +acl|setuser"), "restricted-subcommand", lambda s: s.ruled("on +acl|whoami")),
    ],
    "A18": [
        (
            lambda s: s.group(transit_encryption_mode=TransitEncryptionMode.PREFERRED),
            "tls-preferred",
            lambda s: s.group(transit_encryption_mode=TransitEncryptionMode.REQUIRED),
        )
    ],
    "A19": [
        (lambda s: s.group(transit_encryption=False, **OPEN), "tls-off", lambda s: s.group(**OPEN)),
        (lambda s: s.memcached(transit_encryption=False), "tls-off", lambda s: s.memcached()),
    ],
    "A20": [(lambda s: s.group(at_rest_encryption=False), "at-rest-off", lambda s: s.group())],
    "O18": [(lambda s: s.group(**OPEN), "unauthenticated", lambda s: s.group())],
    "T5": [
        (
            lambda s: s.group(**CLUSTER, shards=46),
            "node-quota",
            lambda s: s.group(**CLUSTER, shards=45),
        )
    ],
    "T7": [
        (
            lambda s: s.group(**CLUSTER, shards=2, shard_placement=[Shard(slots="0-8191"), Shard(slots="8191-16383")]),
            "slots",
            lambda s: s.group(**CLUSTER, shards=2, shard_placement=HALVES),
        )
    ],
    "T11": [
        (
            lambda s: s.group(engine_version=EngineVersion.of(Engine.VALKEY, "10.0")),
            "parameter-family-unconfirmed",
            lambda s: s.group(engine_version=EngineVersion.VALKEY_9_1),
        )
    ],
    "T12": [
        (lambda s: s.memcached(nodes=41), "memcached-nodes-unconfirmed", lambda s: s.memcached(nodes=40)),
    ],
    "T16": [
        (
            lambda s: s.group(node_type=NodeType.of("cache.r7gd.xlarge")),
            "data-tiering-unconfirmed",
            lambda s: s.group(node_type=NodeType.R6GD_XLARGE),
        )
    ],
    "T19": [
        (
            lambda s: s.group(**{**DURABLE, "node_type": NodeType.M5_LARGE}),
            "durability-family-unconfirmed",
            lambda s: s.group(**DURABLE),
        )
    ],
    "T20": [
        (
            lambda s: s.group(node_type=NodeType.of("cache.m3.large")),
            "previous-generation-node",
            lambda s: s.group(node_type=NodeType.M5_LARGE),
        ),
        (
            lambda s: s.memcached(node_type=NodeType.of("cache.t2.micro"), transit_encryption=False),
            "previous-generation-node",
            lambda s: s.memcached(),
        ),
    ],
    "O2": [
        (
            lambda s: s.group(
                maintenance_window=MaintenanceWindow.of("sun:05:00-sun:06:00"),
                snapshot_window=SnapshotWindow.of("05:30-06:30"),
            ),
            "windows-overlap",
            lambda s: s.group(
                maintenance_window=MaintenanceWindow.of("sun:05:00-sun:06:00"),
                snapshot_window=SnapshotWindow.of("06:00-07:00"),
            ),
        )
    ],
    "O8": [
        (
            lambda s: s.group(engine_version=EngineVersion.REDIS_5_0_6, **OPEN),
            "minor-upgrades-ignored",
            lambda s: s.group(engine_version=EngineVersion.REDIS_5_0_6, auto_minor_version_upgrade=False, **OPEN),
        )
    ],
    "O13": [
        (
            lambda s: s.serverless(vpc_subnets=s.subnets(1)),
            "serverless-subnets",
            lambda s: s.serverless(vpc_subnets=s.subnets(3)),
        ),
        (
            lambda s: s.serverless(vpc=s.ipv4_vpc(), network_type=NetworkType.DUAL_STACK),
            "subnets-without-ipv6",
            lambda s: s.serverless(network_type=NetworkType.DUAL_STACK),
        ),
    ],
    "lifecycle": [
        (
            lambda s: s.group(engine_version=EngineVersion.REDIS_6_2),
            "engine-end-of-life",
            lambda s: s.group(engine_version=EngineVersion.REDIS_7_0),
        )
    ],
}
# What no check has to look at, and why.
BY_CONSTRUCTION = {
    "A16": "TransitEncryptionEnabled is always rendered, be it true or false",
    "A17": "there is always a subnet group",
    "T8": "SnapshottingClusterId is not offered",
    "T18": "a SecondaryReplicationGroup has none of the properties that AWS refuses on it",
    "O15": "ids are lower-cased, and resources refer to each other by Ref",
    "O16": "compliance=REGULATED asks for TLS and users; a token or users with passwords serve as well",
}


def cases(table: dict[str, list[tuple[Make, str, Make]]]) -> list[Any]:
    return [
        pytest.param(*entry, id=f"{rule}-{number}")
        for rule, entries in table.items()
        for number, entry in enumerate(entries, start=1)
    ]


@pytest.fixture
def site(stack: cdk.Stack, vpc: ec2.IVpc) -> Site:
    return Site(stack, vpc)


@pytest.mark.parametrize(("broken", "message", "_kept"), cases(REFUSED))
def test_what_breaks_a_rule_is_refused(site: Site, broken: Make, message: str, _kept: Make) -> None:
    with pytest.raises(ValidationError) as refused:
        broken(site)
    assert message in str(refused.value)
    assert "; " in str(refused.value), "the message says what to do"


@pytest.mark.parametrize(("_broken", "_message", "kept"), cases(REFUSED))
def test_what_keeps_it_is_accepted(site: Site, _broken: Make, _message: str, kept: Make) -> None:
    kept(site)


@pytest.mark.parametrize(("unwise", "warning", "_wise"), cases(WARNED))
def test_the_unwise_is_warned_of(site: Site, warnings: Warnings, unwise: Make, warning: str, _wise: Make) -> None:
    unwise(site)
    assert f"cachetwin:{warning}" in warnings()


@pytest.mark.parametrize(("_unwise", "warning", "wise"), cases(WARNED))
def test_the_wise_is_not(site: Site, warnings: Warnings, _unwise: Make, warning: str, wise: Make) -> None:
    wise(site)
    assert f"cachetwin:{warning}" not in warnings()


def test_every_row_of_the_table_is_here() -> None:
    rows = {f"{letter}{number}" for letter, last in (("A", 21), ("T", 21), ("O", 18)) for number in range(1, last + 1)}
    assert rows | {"lifecycle"} == REFUSED.keys() | WARNED.keys() | BY_CONSTRUCTION.keys()


@pytest.mark.parametrize("kind", ["group", "serverless", "secondary"])
def test_a_user_that_comes_late_is_held_to_the_rules_at_synth(site: Site, kind: str) -> None:
    group = site.users(site.user(engine=Engine.REDIS), engine=Engine.REDIS)
    if kind == "group":
        site.group(user_group=group, engine_version=EngineVersion.REDIS_6_2)
        group.add_user(site.iam_user(Engine.REDIS))
        message = "users with IAM authentication"
    elif kind == "serverless":
        late = UserGroup(site.stack, "Late", users=[site.iam_user()])
        site.serverless(**PUBLIC, user_group=late)
        late.add_user(site.user("bob", construct_id="Bob"))
        message = "users must all use IAM with connection_type PUBLIC, got 'bob'"
    else:
        datastore = GlobalDatastore.from_global_replication_group_attributes(
            site.stack, "Global", global_replication_group_id="orders", engine_version=EngineVersion.REDIS_6_2
        )
        SecondaryReplicationGroup(site.stack, "Copy", vpc=site.vpc, global_datastore=datastore, user_group=group)
        group.add_user(site.iam_user(Engine.REDIS))
        message = "users with IAM authentication"
    with pytest.raises(RuntimeError, match=message):
        cdk.App.of(site.stack).synth()  # type: ignore[union-attr]  # App.of is typed as any construct
