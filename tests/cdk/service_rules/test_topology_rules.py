"""ElastiCache's own rules about engines, nodes, shards, zones and scaling, row by row.

The ids are those of the table of rules that the constructs were built to. The other tests go into more detail about each.
"""

from tests.cdk.service_rules.site import CLUSTER, DURABLE, HALVES, ONE_NODE, OPEN, RuleTests, Table

from cachetwin_cdk import (
    Backups,
    ClusterMode,
    Durability,
    Encryption,
    Engine,
    EngineVersion,
    Failover,
    GlobalDatastore,
    Logging,
    MemcachedTopology,
    NodeType,
    ParameterGroup,
    ReplicaScaling,
    Shard,
    ShardScaling,
    Topology,
    TransitEncryption,
)

REFUSED: Table = {
    "T1": [
        (
            lambda s: s.group(topology=Topology(cluster_mode=ClusterMode.ENABLED, failover=Failover.MANUAL)),
            "failover must not be MANUAL with cluster mode enabled",
            lambda s: s.group(topology=Topology.cluster(multi_az=False)),
        )
    ],
    "T2": [
        (
            lambda s: s.group(topology=Topology.cluster(replicas=0, multi_az=True)),
            "replicas must be at least 1 for Multi-AZ",
            lambda s: s.group(topology=Topology.cluster(replicas=0)),
        ),
    ],
    "T3": [
        (
            lambda s: s.group(topology=Topology(replicas=0, failover=Failover.AUTOMATIC)),
            "replicas must be at least 1 for automatic failover",
            lambda s: s.group(topology=Topology.replicated(1, failover=Failover.AUTOMATIC)),
        )
    ],
    "T4": [
        (
            lambda s: s.group(topology=Topology.replicated(6)),
            "replicas must be between 0 and 5",
            lambda s: s.group(topology=Topology.replicated(5)),
        ),
        (
            lambda s: s.group(topology=Topology(shards=2)),
            "cluster_mode must be enabled to have shards",
            lambda s: s.group(topology=Topology.cluster(2)),
        ),
    ],
    "T5": [
        (
            lambda s: s.group(topology=Topology.cluster(501)),
            "shards must be between 1 and 500",
            lambda s: s.group(topology=Topology.cluster(500, replicas=0)),
        )
    ],
    "T6": [
        (
            lambda s: s.group(topology=Topology.replicated(availability_zones=["a"])),
            "must name one zone for each of the 2 nodes",
            lambda s: s.group(topology=Topology.replicated(availability_zones=["a", "b"])),
        ),
        (
            lambda s: s.group(
                vpc_subnets=s.subnets(2), topology=Topology.replicated(availability_zones=["eu-west-1a", "eu-west-1c"])
            ),
            "availability_zones must be among the zones of the subnets, eu-west-1a, eu-west-1b",
            lambda s: s.group(
                vpc_subnets=s.subnets(2), topology=Topology.replicated(availability_zones=["eu-west-1a", "eu-west-1b"])
            ),
        ),
        (
            lambda s: s.group(topology=Topology.cluster(2, availability_zones=["a", "b"])),
            "availability_zones must be left out with several shards",
            lambda s: s.group(topology=Topology.placed([Shard("a", ("b",))])),
        ),
    ],
    "T7": [
        (
            lambda s: s.group(topology=Topology.placed([Shard(shard_id="00001")])),
            "shard_id must hold 1 to 4 digits",
            lambda s: s.group(topology=Topology.placed([Shard(shard_id="0001")])),
        ),
        (
            lambda s: s.group(topology=Topology.placed([Shard("a", ("b", "c"))])),
            "replica_availability_zones must name one zone for each of the 1 replicas",
            lambda s: s.group(topology=Topology.placed([Shard("a", ("b",))])),
        ),
        (
            lambda s: s.group(topology=Topology.placed([Shard(slots="0-16384")])),
            "slots must ascend within 0 and 16383",
            lambda s: s.group(topology=Topology.placed([Shard(slots="0-16383")])),
        ),
    ],
    "T9": [
        (
            lambda s: s.group(engine_version=EngineVersion.REDIS_6_2, topology=Topology.compatible()),
            "topology must be compatible only from Redis 7.0 or Valkey 7.2 on",
            lambda s: s.group(engine_version=EngineVersion.REDIS_7_0, topology=Topology.compatible()),
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
        (
            lambda s: s.memcached(topology=MemcachedTopology.across_zones(0)),
            "nodes must be between 1 and 60",
            lambda s: s.memcached(topology=MemcachedTopology.in_one_zone(1)),
        ),
        (
            lambda s: s.memcached(topology=MemcachedTopology.across_zones(61)),
            "nodes must be between 1 and 60",
            lambda s: s.memcached(topology=MemcachedTopology.across_zones(40)),
        ),
    ],
    "T13": [
        (
            lambda s: s.memcached(topology=MemcachedTopology.across_zones(1)),
            "nodes must be at least 2 to lie in several zones",
            lambda s: s.memcached(topology=MemcachedTopology.across_zones(2)),
        ),
        (
            lambda s: s.memcached(topology=MemcachedTopology.in_zones(["a"], nodes=2)),
            "availability_zones must name one zone for each of the 2 nodes",
            lambda s: s.memcached(topology=MemcachedTopology.in_zones(["a", "b"])),
        ),
        (
            lambda s: s.memcached(
                vpc_subnets=s.subnets(2), topology=MemcachedTopology.in_zones(["eu-west-1a", "eu-west-1c"])
            ),
            "availability_zones must be among the zones of the subnets, eu-west-1a, eu-west-1b",
            lambda s: s.memcached(
                vpc_subnets=s.subnets(2), topology=MemcachedTopology.in_zones(["eu-west-1a", "eu-west-1b"])
            ),
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
            lambda s: s.group(
                node_type=NodeType.R6GD_XLARGE, engine_version=EngineVersion.REDIS_6_0, logging=Logging.off()
            ),
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
            lambda s: s.group(**{**DURABLE, "topology": Topology.replicated()}),
            "topology must have cluster mode enabled for durability sync",
            lambda s: s.group(**{**DURABLE, "durability": Durability.DISABLED, "topology": Topology.replicated()}),
        ),
        (
            lambda s: s.group(**{**DURABLE, "topology": Topology.cluster(multi_az=False)}),
            "multi_az must be True for durability sync",
            lambda s: s.group(**{**DURABLE, "topology": Topology.cluster(multi_az=True)}),
        ),
        (
            lambda s: s.group(encryption=Encryption(at_rest=False), **DURABLE),
            "encryption must be required in transit and on at rest for durability sync",
            lambda s: s.group(encryption=Encryption(at_rest=True), **DURABLE),
        ),
        (
            lambda s: s.group(**{**DURABLE, "node_type": NodeType.R6GD_XLARGE}),
            "node_type must not tier data for durability sync",
            lambda s: s.group(**{**DURABLE, "durability": None, "node_type": NodeType.R6GD_XLARGE}),
        ),
    ],
    "T20": [
        (
            lambda s: s.group(
                node_type=NodeType.of("cache.t1.micro"),
                encryption=Encryption(transit=TransitEncryption.OFF),
                **OPEN,
                **ONE_NODE,
            ),
            "node_type must not be a t1 node with Multi-AZ or backups",
            lambda s: s.group(
                node_type=NodeType.of("cache.t1.micro"),
                encryption=Encryption(transit=TransitEncryption.OFF),
                backups=Backups.none(),
                **OPEN,
                **ONE_NODE,
            ),
        ),
        (
            lambda s: s.group(node_type=NodeType.of("cache.m1.large")),
            "node_type must not be of m1, m2, t1 or c1 with transit_encryption",
            lambda s: s.group(
                node_type=NodeType.of("cache.m1.large"), encryption=Encryption(transit=TransitEncryption.OFF), **OPEN
            ),
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
}

WARNED: Table = {
    "T5": [
        (
            lambda s: s.group(topology=Topology.cluster(46)),
            "node-quota",
            lambda s: s.group(topology=Topology.cluster(45)),
        )
    ],
    "T7": [
        (
            lambda s: s.group(topology=Topology.placed([Shard(slots="0-8191"), Shard(slots="8191-16383")])),
            "slots",
            lambda s: s.group(topology=Topology.placed(HALVES)),
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
        (
            lambda s: s.memcached(topology=MemcachedTopology.across_zones(41)),
            "memcached-nodes-unconfirmed",
            lambda s: s.memcached(topology=MemcachedTopology.across_zones(40)),
        ),
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
}
# What no check has to look at, and why.
BY_CONSTRUCTION = {
    "T8": "SnapshottingClusterId is not offered",
    "T18": "a SecondaryReplicationGroup has none of the properties that AWS refuses on it",
}


class TestRules(RuleTests):
    REFUSED = REFUSED
    WARNED = WARNED


def test_every_row_of_the_table_is_here() -> None:
    rows = {f"T{number}" for number in range(1, 22)}
    assert rows == REFUSED.keys() | WARNED.keys() | BY_CONSTRUCTION.keys()
