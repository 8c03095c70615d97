"""Configurations that ElastiCache takes and its guides advise: each passes without a word, in the region of the trial."""

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_sns as sns
from tests.cdk.service_rules.site import PUBLIC, Make, Site
from tests.cdk.trial.test_bad_configurations import synthesised

from cachetwin_cdk import (
    Access,
    AccessString,
    AuthTokenRotation,
    Backups,
    CacheAlarms,
    CacheRecord,
    CacheSnapshot,
    Compliance,
    Durability,
    Encryption,
    Engine,
    EngineVersion,
    Failover,
    GlobalDatastore,
    IpDiscovery,
    LogDelivery,
    Logging,
    LogType,
    Maintenance,
    MaintenanceWindow,
    MemcachedTopology,
    NetworkType,
    NodeType,
    ParameterGroup,
    PasswordUser,
    ReplicaScaling,
    ReplicationGroup,
    RestoreFrom,
    SecondaryReplicationGroup,
    ServerlessEngine,
    Shard,
    ShardScaling,
    SnapshotWindow,
    SubnetGroup,
    Topology,
    UsageLimits,
    UserPasswordRotation,
)
from cachetwin_cdk.patterns import CachedWebApp, MessagingService, MessagingServices, SessionApi

IMAGE = ecs.ContainerImage.from_registry("public.ecr.aws/docker/library/python:3.13")
ONE, TWO = "eu-west-1a", "eu-west-1b"


def parameter(site: Site, name: str, **props: object) -> cdk.CfnParameter:
    return cdk.CfnParameter(site.stack, name, **props)  # type: ignore[arg-type]  # of any argument


def ruled(text: str, engine_version: EngineVersion = EngineVersion.VALKEY_8_1) -> Make:
    def make(site: Site) -> object:
        user = PasswordUser(site.stack, "Ruled", access_string=AccessString.of(text), engine=engine_version.engine)
        return site.group(engine_version=engine_version, access=Access.users(user))

    return make


def cluster(site: Site) -> ReplicationGroup:
    return site.large(topology=Topology.cluster(2))


RIGHT: dict[str, Make] = {
    "nothing but a network": lambda s: s.group(),
    "a lone node for development": lambda s: s.group(topology=Topology.single_node()),
    "a lone node in a zone": lambda s: s.group(topology=Topology.single_node(availability_zone=ONE)),
    "two replicas in two zones": lambda s: s.group(topology=Topology.replicated(2)),
    "named zones": lambda s: s.group(topology=Topology.replicated(availability_zones=[ONE, TWO])),
    "failover within a zone": lambda s: s.group(
        vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED, availability_zones=[ONE]),
        topology=Topology.replicated(failover=Failover.AUTOMATIC),
    ),
    "failover by hand": lambda s: s.group(topology=Topology.replicated(failover=Failover.MANUAL)),
    "the step to cluster mode": lambda s: s.group(topology=Topology.compatible()),
    "a cluster of one shard": lambda s: s.large(topology=Topology.cluster()),
    "a cluster of 30 shards": lambda s: s.large(topology=Topology.cluster(30, replicas=2)),
    "placed shards": lambda s: s.large(
        topology=Topology.placed([Shard(ONE, (TWO,), "0-8191"), Shard(TWO, (ONE,), "8192-16383")])
    ),
    "shards of different sizes": lambda s: s.large(topology=Topology.placed([Shard(replicas=1), Shard(replicas=3)])),
    "slots in several ranges": lambda s: s.large(
        topology=Topology.placed([Shard(slots="0-99,200-16383"), Shard(slots="100-199")])
    ),
    "an id in capitals": lambda s: s.group(replication_group_id="Orders-1"),
    "an id of 40 characters": lambda s: s.group(replication_group_id="a" * 40),
    "an id from a parameter": lambda s: s.group(replication_group_id=parameter(s, "Id").value_as_string),
    "an empty description": lambda s: s.group(description=""),
    "port 7000": lambda s: s.group(port=7000),
    "a node type from a parameter": lambda s: s.group(node_type=NodeType(parameter(s, "Node").value_as_string)),
    "Valkey 7.2": lambda s: s.group(engine_version=EngineVersion.VALKEY_7_2),
    "Valkey 9.1": lambda s: s.group(engine_version=EngineVersion.VALKEY_9_1),
    "Redis 7.1": lambda s: s.group(engine_version=EngineVersion.REDIS_7_1),
    "Redis 7.0": lambda s: s.group(engine_version=EngineVersion.REDIS_7_0),
    "newest Graviton": lambda s: s.group(node_type=NodeType.R8G_LARGE),
    "Intel nodes": lambda s: s.group(node_type=NodeType.of("cache.m5.24xlarge")),
    "network-bound nodes": lambda s: s.group(node_type=NodeType.C7GN_LARGE),
    "data tiering": lambda s: s.group(node_type=NodeType.R6GD_XLARGE, parameters={"maxmemory-policy": "allkeys-lru"}),
    "durability": lambda s: s.large(
        engine_version=EngineVersion.VALKEY_9_0, topology=Topology.cluster(), durability=Durability.SYNC
    ),
    "no durability": lambda s: s.large(
        engine_version=EngineVersion.VALKEY_9_0, topology=Topology.cluster(), durability=Durability.DISABLED
    ),
    "a key that stays": lambda s: s.group(encryption=Encryption(kms_key=s.key())),
    "a key of another stack": lambda s: s.group(
        encryption=Encryption(kms_key=kms.Key.from_key_arn(s.stack, "K", "arn:aws:kms:eu-west-1:111122223333:key/a-b"))
    ),
    "regulated": lambda s: s.group(compliance=Compliance.REGULATED),
    "an IAM user": lambda s: s.group(access=Access.users(s.iam_user())),
    "100 users": lambda s: s.group(access=Access.users(*(s.user(f"u{n}", construct_id=f"U{n}") for n in range(100)))),
    "a user group of its own": lambda s: s.group(access=Access.user_group(s.users(s.user()))),
    "Redis users on Valkey": lambda s: s.group(
        access=Access.user_group(s.users(s.user(engine=Engine.REDIS), engine=Engine.REDIS))
    ),
    "a token": lambda s: s.group(access=Access.auth_token(s.token())),
    "a token of 128 characters": lambda s: s.group(access=Access.auth_token(s.token(length=128))),
    "two passwords": lambda s: PasswordUser(
        s.stack, "Two", access_string=AccessString.application(), secrets=s.secrets(2)
    ),
    "commands without subcommands": ruled("on ~app:* +@all -config -client|kill"),
    "a selector": ruled("on ~app:* +@read (~own:* +@all)"),
    "permissions on keys": ruled("on %R~app:* %W~own:* +@all"),
    "a database": ruled("on ~* &* +@all db=0", EngineVersion.VALKEY_9_1),
    "a channel of Redis": ruled("on ~* resetchannels &news:* +@all", EngineVersion.REDIS_7_1),
    "parameters of the guide": lambda s: s.group(
        parameters={"maxmemory-policy": "volatile-ttl", "timeout": "300", "notify-keyspace-events": "KEx"}
    ),
    "half the memory reserved": lambda s: s.group(parameters={"reserved-memory-percent": "50"}),
    "no events": lambda s: s.group(parameters={"notify-keyspace-events": ""}),
    "a parameter group of the family": lambda s: s.group(
        parameter_group=ParameterGroup(s.stack, "P", engine_version=EngineVersion.VALKEY_8_0)
    ),
    "the default parameter group": lambda s: s.group(
        parameter_group=ParameterGroup.from_parameter_group_name(s.stack, "P", "default.valkey8")
    ),
    "35 days of snapshots": lambda s: s.group(
        backups=Backups.daily(retention_days=35, window=SnapshotWindow.of("23:30-00:30"))
    ),
    "a snapshot to restore": lambda s: s.group(restore=RestoreFrom.snapshot("automatic.orders-001-2026-11-28-03-00")),
    "a file to restore": lambda s: s.group(restore=RestoreFrom.arns(["arn:aws:s3:::backups/orders.rdb"])),
    "files from a parameter": lambda s: s.group(
        restore=RestoreFrom.arns(parameter(s, "Files", type="CommaDelimitedList").value_as_list)
    ),
    "a cluster of two files": lambda s: s.large(
        topology=Topology.placed([Shard(slots="0-8191"), Shard(slots="8192-16383")]),
        restore=RestoreFrom.arns(["arn:aws:s3:::backups/a.rdb", "arn:aws:s3:::backups/b.rdb"]),
    ),
    "windows apart": lambda s: s.group(
        backups=Backups.daily(window=SnapshotWindow.of("03:00-04:00")),
        maintenance=Maintenance(window=MaintenanceWindow.of("sun:23:30-mon:00:30")),
    ),
    "a topic for events": lambda s: s.group(maintenance=Maintenance(notification_topic=s.topic())),
    "a topic by its ARN": lambda s: s.group(
        maintenance=Maintenance(
            notification_topic=sns.Topic.from_topic_arn(s.stack, "T", "arn:aws:sns:eu-west-1:111122223333:events")
        )
    ),
    "no minor upgrades": lambda s: s.group(maintenance=Maintenance(auto_minor_version_upgrade=False)),
    "logs to a group and a stream": lambda s: s.group(
        logging=Logging.to(
            LogDelivery.to_log_group(LogType.SLOW, logs.LogGroup(s.stack, "Slow")),
            LogDelivery.to_firehose(LogType.ENGINE, "engine-log.eu"),
        )
    ),
    "logs for a year": lambda s: s.group(logging=Logging.to_log_groups(retention=logs.RetentionDays.ONE_YEAR)),
    "no logs": lambda s: s.group(logging=Logging.off()),
    "private subnets": lambda s: s.group(
        vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS)
    ),
    "a subnet group and security groups without a network": lambda s: s.group(
        vpc=None,
        subnet_group=SubnetGroup.from_subnet_group_name(s.stack, "Subnets", "ours"),
        security_groups=[ec2.SecurityGroup.from_security_group_id(s.stack, "Group", "sg-0123456789abcdef0")],
    ),
    "open to its clients": lambda s: s.group().connections.allow_default_port_from(
        ec2.SecurityGroup(s.stack, "Client", vpc=s.vpc)
    ),
    "open to a network": lambda s: s.group().connections.allow_default_port_from(ec2.Peer.ipv4("10.0.0.0/16")),
    "told IPv4": lambda s: s.group(network_type=NetworkType.IPV4, ip_discovery=IpDiscovery.IPV4),
    "serverless": lambda s: s.serverless(usage_limits=UsageLimits(data_storage_gb_max=10, ecpu_per_second_max=5000)),
    "serverless Redis": lambda s: s.serverless(engine=ServerlessEngine.REDIS_7),
    "serverless Memcached": lambda s: s.serverless(engine=ServerlessEngine.MEMCACHED_1_6),
    "serverless with room ready": lambda s: s.serverless(usage_limits=UsageLimits(5, 5000, 1000, 15_000_000)),
    "serverless restored": lambda s: s.serverless(
        restore=RestoreFrom.arns(["arn:aws:elasticache:eu-west-1:111122223333:serverlesscachesnapshot:orders"])
    ),
    "serverless at night": lambda s: s.serverless(backups=Backups.daily(window=SnapshotWindow.of("02:00-03:00"))),
    "public": lambda s: s.serverless(**PUBLIC),
    "public with an IAM user": lambda s: s.serverless(**PUBLIC, access=Access.users(s.iam_user())),
    "Memcached": lambda s: s.memcached(),
    "a lone Memcached node": lambda s: s.memcached(topology=MemcachedTopology.in_one_zone()),
    "40 Memcached nodes": lambda s: s.memcached(topology=MemcachedTopology.across_zones(40)),
    "Memcached in named zones": lambda s: s.memcached(topology=MemcachedTopology.in_zones([ONE, TWO, ONE])),
    "Memcached with large items": lambda s: s.memcached(parameters={"max_item_size": "2097152"}),
    "scaling of shards": lambda s: ShardScaling(s.stack, "Scaling", cache=cluster(s), max_capacity=8).scale_on_memory(
        "Memory", target_percent=60
    ),
    "scaling of replicas": lambda s: ReplicaScaling(s.stack, "Scaling", cache=cluster(s)).scale_on_engine_cpu("Cpu"),
    "alarms": lambda s: CacheAlarms(s.stack, "Alarms", cache=s.group(), topic=s.topic()),
    "alarms that only show": lambda s: CacheAlarms(s.stack, "Alarms", cache=s.group()),
    "a threshold of its own": lambda s: CacheAlarms(
        s.stack, "Alarms", cache=s.group(), thresholds={"NewConnections": 5000}
    ),
    "a name in a private zone": lambda s: CacheRecord(
        s.stack,
        "Record",
        cache=s.memcached(transit_encryption=True),
        zone=route53.PrivateHostedZone(s.stack, "Zone", zone_name="example.internal", vpc=s.vpc),
        record_name="pages.cfg",
    ),
    "a snapshot": lambda s: CacheSnapshot(s.stack, "Snap", cache=s.group(), snapshot_name="orders-1"),
    "a global datastore": lambda s: GlobalDatastore(s.stack, "Global", primary=s.large(), id_suffix="orders"),
    "a secondary": lambda s: SecondaryReplicationGroup(
        s.stack,
        "Secondary",
        vpc=s.vpc,
        access=Access.users(s.user()),
        global_datastore=GlobalDatastore.from_global_replication_group_attributes(
            s.stack, "Global", global_replication_group_id="abcde-orders"
        ),
    ),
    "a rotated user": lambda s: UserPasswordRotation(s.stack, "Rotation", user=s.user(), automatically_after_days=7),
    "a rotated token": lambda s: AuthTokenRotation(
        s.stack, "Rotation", cache=s.group(access=Access.auth_token(s.token()))
    ),
    "a web app": lambda s: CachedWebApp(s.stack, "Web", vpc=s.vpc, image=IMAGE, allow_plain_http=True),
    "a web app that is asleep": lambda s: CachedWebApp(
        s.stack, "Web", vpc=s.vpc, image=IMAGE, allow_plain_http=True, desired_count=0
    ),
    "a session API": lambda s: SessionApi(
        s.stack, "Sessions", vpc=s.vpc, code=lambda_.Code.from_inline("x"), handler="index.handle"
    ),
    "services": lambda s: MessagingServices(
        s.stack,
        "Messages",
        vpc=s.vpc,
        services={
            "clerk": MessagingService(image=IMAGE, enqueues=["orders"], publishes=["orders.placed"]),
            "worker": MessagingService(image=IMAGE, works_on="orders", count_max=20),
        },
    ),
}
# What these examples are told though they are right, and why.
EXPECTED = {
    "a name in a private zone": "cachetwin:record-beside-the-certificate",
    "a snapshot": "cachetwin:region-unconfirmed",
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_configuration_passes_without_a_word(site: Site, name: str) -> None:
    RIGHT[name](site)
    expected = EXPECTED.get(name)
    assert [said for said in synthesised(site) if expected is None or expected not in said] == []


def test_the_trial_has_its_size() -> None:
    assert len(RIGHT) >= 60
