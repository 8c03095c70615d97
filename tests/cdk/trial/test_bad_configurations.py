"""Configurations that ElastiCache, CloudFormation or the engine refuses, or that its guides advise against.

They were written from the API reference, the user guide and public error texts, apart from the tables of rules, as a trial
from outside: none may get through in silence or end in an internal error.
"""

import aws_cdk as cdk
import pytest
from aws_cdk import aws_applicationautoscaling as appscaling
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Annotations, Match, Template
from tests.cdk.service_rules.site import PUBLIC, Make, Site

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
    IamUser,
    IpDiscovery,
    LogDelivery,
    Logging,
    LogType,
    Maintenance,
    MaintenanceWindow,
    MemcachedTopology,
    NetworkType,
    NodeType,
    NoPasswordUser,
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
    TransitEncryption,
    UsageLimits,
    UserGroup,
    UserPasswordRotation,
    ValidationError,
)
from cachetwin_cdk.patterns import CachedWebApp, MessagingService, MessagingServices, SessionApi

IMAGE = ecs.ContainerImage.from_registry("public.ecr.aws/docker/library/python:3.13")
LARGE = NodeType.M7G_LARGE
ONE, TWO = "eu-west-1a", "eu-west-1b"
HALF = "0-8191"


def node(text: str) -> Make:
    return lambda s: s.group(node_type=NodeType.of(text))


def version(engine: Engine, text: str) -> Make:
    return lambda s: s.group(engine_version=EngineVersion.of(engine, text))


def parameters(values: dict[str, str], engine_version: EngineVersion = EngineVersion.VALKEY_8_1) -> Make:
    return lambda s: s.group(engine_version=engine_version, parameters=values)


def memcached_parameters(values: dict[str, str]) -> Make:
    return lambda s: s.memcached(parameters=values)


def rules(text: str, engine_version: EngineVersion = EngineVersion.VALKEY_8_1) -> Make:
    def make(site: Site) -> object:
        user = PasswordUser(site.stack, "Ruled", access_string=AccessString.of(text), engine=engine_version.engine)
        return site.group(engine_version=engine_version, access=Access.users(user))

    return make


def scaled(site: Site, **props: object) -> ReplicationGroup:
    return site.large(topology=Topology.cluster(2), **props)


def limits(**values: int) -> Make:
    return lambda s: s.serverless(usage_limits=UsageLimits(**values))


def web(**props: object) -> Make:
    arguments: dict[str, object] = {"image": IMAGE, "allow_plain_http": True, **props}
    return lambda s: CachedWebApp(s.stack, "Web", vpc=s.vpc, **arguments)  # type: ignore[arg-type]  # of any argument


def service(**props: object) -> Make:
    return lambda s: MessagingServices(
        s.stack,
        "Messages",
        vpc=s.vpc,
        services={"worker": MessagingService(image=IMAGE, **props)},  # type: ignore[arg-type]  # of any argument
    )


def sessions(**props: object) -> Make:
    code = lambda_.Code.from_inline("x")
    return lambda s: SessionApi(s.stack, "Sessions", vpc=s.vpc, code=code, **props)  # type: ignore[arg-type]  # of any argument


BAD: dict[str, Make] = {
    # API reference, CreateReplicationGroup: ReplicationGroupId, Port
    "id of 41 characters": lambda s: s.group(replication_group_id="a" * 41),
    "id that begins with a digit": lambda s: s.group(replication_group_id="1orders"),
    "id with an underscore": lambda s: s.group(replication_group_id="my_orders"),
    "id that ends in a hyphen": lambda s: s.group(replication_group_id="orders-"),
    "id with two hyphens": lambda s: s.group(replication_group_id="or--ders"),
    "empty id": lambda s: s.group(replication_group_id=""),
    "id with a space": lambda s: s.group(replication_group_id="my orders"),
    "port 0": lambda s: s.group(port=0),
    "port above the range": lambda s: s.group(port=70000),
    "negative port": lambda s: s.group(port=-6379),
    # API reference: NumNodeGroups, ReplicasPerNodeGroup, NodeGroupConfiguration; guide: AutoFailover
    "seven replicas": lambda s: s.group(topology=Topology.replicated(7)),
    "negative replicas": lambda s: s.group(topology=Topology.replicated(-1)),
    "no shard": lambda s: s.group(topology=Topology.cluster(0)),
    "501 shards": lambda s: s.large(topology=Topology.cluster(501)),
    "100 shards at the default quota": lambda s: s.large(topology=Topology.cluster(100)),
    "cluster without replicas": lambda s: s.large(topology=Topology.cluster(3, replicas=0)),
    "Multi-AZ without replicas": lambda s: s.large(topology=Topology.cluster(3, replicas=0, multi_az=True)),
    "Multi-AZ in subnets of one zone": lambda s: s.group(vpc_subnets=s.subnets(1)),
    "Multi-AZ in one named zone": lambda s: s.group(topology=Topology.replicated(availability_zones=[ONE, ONE])),
    "a zone too few": lambda s: s.group(topology=Topology.replicated(2, availability_zones=[ONE, TWO])),
    "a zone without subnets": lambda s: s.group(
        vpc_subnets=s.subnets(2), topology=Topology.replicated(availability_zones=[ONE, "eu-west-1f"])
    ),
    "zones for several shards": lambda s: s.large(topology=Topology.cluster(2, availability_zones=[ONE, TWO])),
    "compatible mode before Redis 7": lambda s: s.group(
        topology=Topology.compatible(), engine_version=EngineVersion.REDIS_6_2
    ),
    "compatible mode without a replica": lambda s: s.group(topology=Topology.compatible(0)),
    "shards with the same id": lambda s: s.large(
        topology=Topology.placed([Shard(shard_id="7", slots=HALF), Shard(shard_id="0007", slots="8192-16383")])
    ),
    "shard id of letters": lambda s: s.large(topology=Topology.placed([Shard(shard_id="one")])),
    "shard id of five digits": lambda s: s.large(topology=Topology.placed([Shard(shard_id="12345")])),
    "slots given twice": lambda s: s.large(topology=Topology.placed([Shard(slots=HALF), Shard(slots="8191-16383")])),
    "slots given to nobody": lambda s: s.large(
        topology=Topology.placed([Shard(slots=HALF), Shard(slots="9000-16383")])
    ),
    "slot 16384": lambda s: s.large(topology=Topology.placed([Shard(slots="0-16384")])),
    "slots backwards": lambda s: s.large(topology=Topology.placed([Shard(slots="16383-0")])),
    "slots of one shard only": lambda s: s.large(topology=Topology.placed([Shard(slots=HALF), Shard()])),
    "a zone too many of a shard": lambda s: s.large(topology=Topology.placed([Shard(ONE, (TWO, "eu-west-1c"))])),
    "all nodes of a shard in a zone": lambda s: s.large(topology=Topology.placed([Shard(ONE, (ONE,))])),
    "six replicas of a shard": lambda s: s.large(topology=Topology.placed([Shard(replicas=6)])),
    "no shard to place": lambda s: s.large(topology=Topology.placed([])),
    # Guide: supported node types and engine versions
    "node type without prefix": node("m7g.large"),
    "node type of no size": node("cache.m7g.3xlarge"),
    "node type of no family": node("cache.z9.large"),
    "node type of EC2 only": node("cache.t4g.2xlarge"),
    "node type in capitals": node("CACHE.M7G.LARGE"),
    "node type of RDS": node("db.m7g.large"),
    "r6gd from xlarge on": node("cache.r6gd.large"),
    "node type of the first generation": node("cache.m1.small"),
    "T2, which is for old clusters": node("cache.t2.small"),
    "Valkey 7.0": version(Engine.VALKEY, "7.0"),
    "Valkey 8.5, newer than what is known": version(Engine.VALKEY, "8.5"),
    "Valkey with a patch": version(Engine.VALKEY, "8.1.3"),
    "Redis 7.4": version(Engine.REDIS, "7.4"),
    "Redis 5 as a line": version(Engine.REDIS, "5"),
    "Redis after its support": version(Engine.REDIS, "6.0"),
    "Redis 3.2.5": version(Engine.REDIS, "3.2.5"),
    "Memcached as a replication group": lambda s: s.group(engine_version=EngineVersion.MEMCACHED_1_6_22),
    "Graviton before Redis 5.0.6": lambda s: s.group(
        engine_version=EngineVersion.of(Engine.REDIS, "5.0.5"), access=Access.unauthenticated()
    ),
    # Guide: data tiering, durability, vector search
    "data tiering before Redis 6.2": lambda s: s.group(
        node_type=NodeType.R6GD_XLARGE, engine_version=EngineVersion.REDIS_6_0
    ),
    "data tiering with LFU": lambda s: s.group(
        node_type=NodeType.R6GD_XLARGE, parameters={"maxmemory-policy": "volatile-lfu"}
    ),
    "data tiering for Memcached": lambda s: s.memcached(node_type=NodeType.R6GD_XLARGE),
    "durability before Valkey 9": lambda s: s.large(topology=Topology.cluster(), durability=Durability.SYNC),
    "durability without cluster mode": lambda s: s.large(
        engine_version=EngineVersion.VALKEY_9_0, durability=Durability.ASYNC
    ),
    "durability without TLS required": lambda s: s.large(
        engine_version=EngineVersion.VALKEY_9_0,
        topology=Topology.cluster(),
        durability=Durability.SYNC,
        encryption=Encryption(transit=TransitEncryption.PREFERRED),
    ),
    "durability on one zone": lambda s: s.large(
        engine_version=EngineVersion.VALKEY_9_0,
        topology=Topology.cluster(multi_az=False),
        durability=Durability.SYNC,
    ),
    "durability on Intel nodes": lambda s: s.group(
        node_type=NodeType.M5_LARGE,
        engine_version=EngineVersion.VALKEY_9_0,
        topology=Topology.cluster(),
        durability=Durability.SYNC,
    ),
    # Guide: in-transit and at-rest encryption
    "users without TLS": lambda s: s.group(encryption=Encryption(transit=TransitEncryption.OFF)),
    "token without TLS": lambda s: s.group(
        encryption=Encryption(transit=TransitEncryption.OFF), access=Access.auth_token(s.token())
    ),
    "no TLS at all": lambda s: s.group(
        encryption=Encryption(transit=TransitEncryption.OFF), access=Access.unauthenticated()
    ),
    "TLS preferred before Redis 7": lambda s: s.group(
        encryption=Encryption(transit=TransitEncryption.PREFERRED), engine_version=EngineVersion.REDIS_6_2
    ),
    "TLS preferred for good": lambda s: s.group(encryption=Encryption(transit=TransitEncryption.PREFERRED)),
    "nothing encrypted at rest": lambda s: s.group(encryption=Encryption(at_rest=False)),
    "a key with nothing encrypted": lambda s: s.group(encryption=Encryption(at_rest=False, kms_key=s.key())),
    "a key of another region": lambda s: s.group(
        encryption=Encryption(
            kms_key=kms.Key.from_key_arn(s.stack, "Far", "arn:aws:kms:us-east-1:111122223333:key/1234abcd")
        )
    ),
    "an asymmetric key": lambda s: s.group(
        encryption=Encryption(kms_key=kms.Key(s.stack, "Rsa", key_spec=kms.KeySpec.RSA_2048))
    ),
    "a key for signatures": lambda s: s.serverless(
        kms_key=kms.Key(s.stack, "Sign", key_spec=kms.KeySpec.ECC_NIST_P256, key_usage=kms.KeyUsage.SIGN_VERIFY)
    ),
    "a key that is disabled": lambda s: s.group(
        encryption=Encryption(kms_key=kms.Key(s.stack, "Disabled", enabled=False))
    ),
    "a key that goes with the stack": lambda s: s.group(
        encryption=Encryption(kms_key=kms.Key(s.stack, "Brief", removal_policy=cdk.RemovalPolicy.DESTROY))
    ),
    "TLS on nodes that have none": lambda s: s.group(node_type=NodeType.of("cache.m2.xlarge")),
    # Guide: RBAC, IAM authentication and AUTH
    "no way to log in": lambda s: s.group(access=Access.unauthenticated()),
    "users before Redis 6": lambda s: s.group(engine_version=EngineVersion.REDIS_5_0_6),
    "IAM before Redis 7": lambda s: s.group(
        access=Access.users(s.iam_user(Engine.REDIS)), engine_version=EngineVersion.REDIS_6_2
    ),
    "a Valkey group on Redis": lambda s: s.group(
        access=Access.user_group(s.users(s.user())), engine_version=EngineVersion.REDIS_7_1
    ),
    "two ways to log in": lambda s: s.group(access=Access(token=s.token(), given_users=[s.user()])),
    "two users of one name": lambda s: s.group(access=Access.users(s.user("ann"), s.user("ann", construct_id="Other"))),
    "101 users": lambda s: s.group(access=Access.users(*(s.user(f"u{n}", construct_id=f"U{n}") for n in range(101)))),
    "no users": lambda s: s.group(access=Access.users()),
    "the id of the service's own user": lambda s: s.iam_user(user_id="default"),
    "user id with a dot": lambda s: s.iam_user(user_id="team.ann"),
    "user id with an underscore": lambda s: s.iam_user(user_id="team_ann"),
    "user id of 41 characters": lambda s: s.iam_user(user_id="a" * 41),
    "user name with a space": lambda s: s.user("ann smith"),
    "user name of 121 characters": lambda s: s.user("a" * 121),
    "empty user name": lambda s: s.user(""),
    "three passwords": lambda s: PasswordUser(
        s.stack, "Three", access_string=AccessString.application(), secrets=s.secrets(3)
    ),
    "no password at all": lambda s: PasswordUser(s.stack, "None", access_string=AccessString.application(), secrets=[]),
    "Memcached user": lambda s: s.user(engine=Engine.MEMCACHED),
    "Memcached group": lambda s: s.users(engine=Engine.MEMCACHED),
    "passwordless user in a Valkey group": lambda s: s.users(NoPasswordUser(s.stack, "Open", user_name="open")),
    "token of 15 characters": lambda s: s.token(length=15),
    "token of 129 characters": lambda s: s.token(length=129),
    # Guide: access strings; errors of ACL SETUSER
    "password in an access string": rules("on >secret ~* +@all"),
    "hash in an access string": rules("on #" + "a" * 64 + " ~* +@all"),
    "nopass": rules("on nopass ~* +@all"),
    "reset": rules("reset on ~* +@all"),
    "unknown command": rules("on ~* +gett"),
    "unknown category": rules("on ~* +@reads"),
    "pattern after ~*": rules("on ~* ~app:* +@all"),
    "channel after &*": rules("on ~* &* &news +@all"),
    "allkeys and a pattern": rules("on allkeys ~app:* +get"),
    "unknown rule": rules("on ~* +@all everything"),
    "unclosed selector": rules("on ~* +@all (~app:* +get"),
    "selector before Redis 7": rules("on ~* +@all (~app:* +get)", EngineVersion.REDIS_6_2),
    "read permission before Redis 7": rules("on %R~app:* +get", EngineVersion.REDIS_6_2),
    "channels before Redis 6.2": rules("on ~* &news +@all", EngineVersion.REDIS_6_0),
    "databases before Valkey 9": rules("on ~* +@all db=0"),
    "neither on nor off": rules("~* +@all"),
    "commands of CONFIG": rules("on ~* +config|nothing"),
    "sigil given twice": lambda s: s.group(
        access=Access.users(PasswordUser(s.stack, "U", access_string=AccessString.on().keys("~app:*")))
    ),
    # Guide: engine-specific parameters; errors of CONFIG SET
    "misspelt parameter": parameters({"maxmemory-polcy": "allkeys-lru"}),
    "unknown eviction policy": parameters({"maxmemory-policy": "lru"}),
    "timeout as text": parameters({"timeout": "five"}),
    "timeout below 20": parameters({"timeout": "10"}),
    "more memory reserved than there is": parameters({"reserved-memory-percent": "101"}),
    "parameter that cannot be changed": parameters({"maxmemory": "100mb"}),
    "parameter of the open source only": parameters({"appendonly": "yes"}),
    "boolean of another spelling": parameters({"activedefrag": "on"}),
    "unknown letters of events": parameters({"notify-keyspace-events": "XYZ"}),
    "no databases": parameters({"databases": "0"}),
    "cluster-enabled by hand": parameters({"cluster-enabled": "yes"}),
    "negative samples": parameters({"maxmemory-samples": "-1"}),
    "parameter of Valkey 8 on Redis 6": parameters({"acllog-max-len": "x"}, EngineVersion.REDIS_6_2),
    "slow log in words": parameters({"slowlog-log-slower-than": "10ms"}),
    "negative keepalive": parameters({"tcp-keepalive": "-1"}),
    "Memcached parameter on Valkey": parameters({"max_item_size": "1048576"}),
    "Valkey parameter on Memcached": memcached_parameters({"maxmemory-policy": "allkeys-lru"}),
    "item of 1 byte": memcached_parameters({"max_item_size": "1"}),
    "chunk of text": memcached_parameters({"chunk_size": "small"}),
    "factor below 1": memcached_parameters({"chunk_size_growth_factor": "0.5"}),
    "default group of another family": lambda s: s.group(
        parameter_group=ParameterGroup.from_parameter_group_name(s.stack, "P", "default.redis7")
    ),
    "default group of cluster mode": lambda s: s.group(
        parameter_group=ParameterGroup.from_parameter_group_name(s.stack, "P", "default.valkey8.cluster.on")
    ),
    "group of another version": lambda s: s.group(
        parameter_group=ParameterGroup(s.stack, "P", engine_version=EngineVersion.VALKEY_7_2)
    ),
    "group and parameters": lambda s: s.group(
        parameter_group=ParameterGroup(s.stack, "P", engine_version=EngineVersion.VALKEY_8_1),
        parameters={"timeout": "300"},
    ),
    # API reference: windows, retention, snapshots
    "window of half an hour": lambda s: s.group(
        maintenance=Maintenance(window=MaintenanceWindow.of("sun:05:00-sun:05:30"))
    ),
    "window without days": lambda s: s.group(maintenance=Maintenance(window=MaintenanceWindow.of("05:00-06:00"))),
    "window of a long day": lambda s: s.group(
        maintenance=Maintenance(window=MaintenanceWindow.of("sunday:05:00-sunday:06:00"))
    ),
    "window at 25 hours": lambda s: s.group(
        maintenance=Maintenance(window=MaintenanceWindow.of("sun:25:00-sun:26:00"))
    ),
    "snapshot window of half an hour": lambda s: s.group(
        backups=Backups.daily(window=SnapshotWindow.of("03:00-03:30"))
    ),
    "snapshot window of one time": lambda s: s.group(backups=Backups.daily(window=SnapshotWindow.of("03:00"))),
    "windows that overlap": lambda s: s.group(
        backups=Backups.daily(window=SnapshotWindow.of("05:30-06:30")),
        maintenance=Maintenance(window=MaintenanceWindow.of("sun:05:00-sun:06:00")),
    ),
    "36 days of snapshots": lambda s: s.group(backups=Backups.daily(retention_days=36)),
    "negative days of snapshots": lambda s: s.group(backups=Backups.daily(retention_days=-1)),
    "no snapshots": lambda s: s.group(backups=Backups.none()),
    "a window and no snapshots": lambda s: s.group(
        backups=Backups(retention_days=0, window=SnapshotWindow.of("03:00-04:00"))
    ),
    "file with a comma": lambda s: s.group(restore=RestoreFrom.arns(["arn:aws:s3:::backups/a,b.rdb"])),
    "file by its URL": lambda s: s.group(restore=RestoreFrom.arns(["https://backups.s3.amazonaws.com/a.rdb"])),
    "bucket without a file": lambda s: s.group(restore=RestoreFrom.arns(["arn:aws:s3:::backups"])),
    "no file at all": lambda s: s.group(restore=RestoreFrom.arns([])),
    "cluster of files without slots": lambda s: s.large(
        topology=Topology.cluster(2), restore=RestoreFrom.arns(["arn:aws:s3:::backups/a.rdb"])
    ),
    "serverless by the name of a snapshot": lambda s: s.serverless(restore=RestoreFrom.snapshot("orders")),
    "snapshot of a bad name": lambda s: CacheSnapshot(s.stack, "Snap", cache=s.group(), snapshot_name="-orders"),
    "empty name of a snapshot": lambda s: s.group(restore=RestoreFrom.snapshot("")),
    # Guide: log delivery, events
    "slow log twice": lambda s: s.group(
        logging=Logging.to(*(LogDelivery.to_firehose(LogType.SLOW, name) for name in ("a", "b")))
    ),
    "engine log before Redis 6.2": lambda s: s.group(
        engine_version=EngineVersion.REDIS_6_0, logging=Logging.to(LogDelivery.to_firehose(LogType.ENGINE, "a"))
    ),
    "delivery stream of no name": lambda s: s.group(logging=Logging.to(LogDelivery.to_firehose(LogType.SLOW, ""))),
    "delivery stream by its ARN": lambda s: s.group(
        logging=Logging.to(
            LogDelivery.to_firehose(LogType.SLOW, "arn:aws:firehose:eu-west-1:111122223333:deliverystream/slow")
        )
    ),
    "log group of another region": lambda s: s.group(
        logging=Logging.to(
            LogDelivery.to_log_group(
                LogType.SLOW,
                logs.LogGroup.from_log_group_arn(
                    s.stack, "Far", "arn:aws:logs:us-east-1:111122223333:log-group:/aws/elasticache/slow"
                ),
            )
        )
    ),
    "encrypted topic": lambda s: s.group(maintenance=Maintenance(notification_topic=s.topic(master_key=s.key()))),
    "topic of another account": lambda s: s.group(
        maintenance=Maintenance(
            notification_topic=sns.Topic.from_topic_arn(s.stack, "Far", "arn:aws:sns:eu-west-1:444455556666:events")
        )
    ),
    "FIFO topic": lambda s: s.group(maintenance=Maintenance(notification_topic=s.topic(fifo=True))),
    # Guide: VPCs, subnet groups, IPv6
    "no network": lambda s: s.group(vpc=None),
    "subnets twice": lambda s: s.group(
        subnet_group=SubnetGroup.from_subnet_group_name(s.stack, "Named", "named"), vpc_subnets=s.subnets(2)
    ),
    "21 subnets": lambda s: s.group(vpc_subnets=s.subnets(21)),
    "no subnets": lambda s: s.group(vpc_subnets=ec2.SubnetSelection(subnets=[])),
    "public subnets": lambda s: s.group(
        vpc=ec2.Vpc(s.stack, "Open", max_azs=2, restrict_default_security_group=False),
        vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC),
    ),
    "open to the internet": lambda s: s.group().connections.allow_default_port_from_any_ipv4(),
    "open to IPv6": lambda s: s.group().connections.allow_default_port_from(ec2.Peer.any_ipv6()),
    "IPv6 in a network without": lambda s: s.group(vpc=s.ipv4_vpc(), network_type=NetworkType.IPV6),
    "IPv6 before Redis 6.2": lambda s: s.group(network_type=NetworkType.IPV6, engine_version=EngineVersion.REDIS_6_0),
    "IPv6 on old nodes": lambda s: s.group(
        network_type=NetworkType.DUAL_STACK, node_type=NodeType.of("cache.r4.large")
    ),
    "IPv6 told of IPv4 nodes": lambda s: s.group(network_type=NetworkType.IPV4, ip_discovery=IpDiscovery.IPV6),
    # The guide's pages on serverless caches
    "serverless without a network": lambda s: s.serverless(vpc=None),
    "serverless Valkey 5": lambda s: s.serverless(engine=ServerlessEngine.of(Engine.VALKEY, "5")),
    "serverless Redis 6": lambda s: s.serverless(engine=ServerlessEngine.of(Engine.REDIS, "6")),
    "serverless Memcached with users": lambda s: s.serverless(
        engine=ServerlessEngine.MEMCACHED_1_6, access=Access.users()
    ),
    "serverless with a token": lambda s: s.serverless(access=Access.auth_token(s.token())),
    "serverless without users": lambda s: s.serverless(access=Access.unauthenticated()),
    "serverless in one subnet": lambda s: s.serverless(vpc_subnets=s.subnets(1)),
    "serverless name of 41 characters": lambda s: s.serverless(serverless_cache_name="a" * 41),
    "serverless description with brackets": lambda s: s.serverless(description="<b>orders</b>"),
    "serverless of 0 GB": limits(data_storage_gb_max=0),
    "serverless of 5,001 GB": limits(data_storage_gb_max=5001),
    "serverless of 500 units": limits(ecpu_per_second_max=500),
    "serverless minimum above maximum": limits(data_storage_gb_min=10, data_storage_gb_max=5),
    "serverless units above maximum": limits(ecpu_per_second_min=9000, ecpu_per_second_max=5000),
    "final snapshot in capitals": lambda s: s.serverless(final_snapshot_name="Orders"),
    "final snapshot that is not taken": lambda s: s.serverless(
        final_snapshot_name="orders", removal_policy=cdk.RemovalPolicy.DESTROY
    ),
    "public in a network": lambda s: s.serverless(**{**PUBLIC, "vpc": s.vpc}),
    "public before Valkey 9": lambda s: s.serverless(**{**PUBLIC, "engine": ServerlessEngine.VALKEY_8}),
    "public with passwords": lambda s: s.serverless(**PUBLIC, access=Access.users(s.user())),
    "public without users": lambda s: s.serverless(**PUBLIC, access=Access.unauthenticated()),
    "public Memcached": lambda s: s.serverless(**{**PUBLIC, "engine": ServerlessEngine.MEMCACHED_1_6}),
    "public and regulated": lambda s: s.serverless(**PUBLIC, compliance=Compliance.REGULATED),
    # The guide of Memcached
    "Memcached without nodes": lambda s: s.memcached(topology=MemcachedTopology.in_one_zone(0)),
    "Memcached of 61 nodes": lambda s: s.memcached(topology=MemcachedTopology.across_zones(61)),
    "one node in several zones": lambda s: s.memcached(topology=MemcachedTopology.across_zones(1)),
    "Memcached zones of another region": lambda s: s.memcached(
        topology=MemcachedTopology.in_zones(["us-east-1a", "us-east-1b"])
    ),
    "Memcached TLS before 1.6.12": lambda s: s.memcached(engine_version=EngineVersion.MEMCACHED_1_5_16),
    "Memcached TLS on T2": lambda s: s.memcached(node_type=NodeType.of("cache.t2.small")),
    "Memcached without TLS": lambda s: s.memcached(transit_encryption=False),
    "Memcached with a final snapshot": lambda s: s.memcached(removal_policy=cdk.RemovalPolicy.SNAPSHOT),
    "Memcached name of 51 characters": lambda s: s.memcached(cluster_name="a" * 51),
    "Valkey as Memcached": lambda s: s.memcached(engine_version=EngineVersion.VALKEY_8_1),
    "Memcached 1.7": lambda s: s.memcached(engine_version=EngineVersion.of(Engine.MEMCACHED, "1.7.0")),
    "regulated Memcached": lambda s: s.memcached(compliance=Compliance.REGULATED),
    # Guide: automatic scaling
    "scaling without cluster mode": lambda s: ShardScaling(s.stack, "Scaling", cache=s.large(), max_capacity=4),
    "scaling of small nodes": lambda s: ShardScaling(
        s.stack, "Scaling", cache=s.group(topology=Topology.cluster()), max_capacity=4
    ),
    "least above most": lambda s: ShardScaling(s.stack, "Scaling", cache=scaled(s), min_capacity=5, max_capacity=4),
    "no shard at least": lambda s: ShardScaling(s.stack, "Scaling", cache=scaled(s), min_capacity=0, max_capacity=4),
    "501 shards at most": lambda s: ShardScaling(s.stack, "Scaling", cache=scaled(s), max_capacity=501),
    "six replicas at most": lambda s: ReplicaScaling(s.stack, "Scaling", cache=scaled(s), max_capacity=6),
    "target of 90 percent": lambda s: ShardScaling(s.stack, "Scaling", cache=scaled(s), max_capacity=4).scale_on_memory(
        "Memory", target_percent=90
    ),
    "target of 20 percent": lambda s: ReplicaScaling(s.stack, "Scaling", cache=scaled(s)).scale_on_engine_cpu(
        "Cpu", target_percent=20
    ),
    "schedule of more than the most": lambda s: ShardScaling(
        s.stack, "Scaling", cache=scaled(s), max_capacity=4
    ).scale_on_schedule("Noon", schedule=appscaling.Schedule.cron(hour="12"), min_capacity=8),
    "schedule of nothing": lambda s: ShardScaling(
        s.stack, "Scaling", cache=scaled(s), max_capacity=4
    ).scale_on_schedule("Noon", schedule=appscaling.Schedule.cron(hour="12")),
    "scaling a durable cache of T nodes": lambda s: ShardScaling(
        s.stack, "Scaling", cache=s.group(topology=Topology.cluster(), node_type=NodeType.T4G_MEDIUM), max_capacity=4
    ),
    # Guide: global datastores
    "global datastore of small nodes": lambda s: GlobalDatastore(s.stack, "Global", primary=s.group()),
    "global datastore of M4": lambda s: GlobalDatastore(
        s.stack, "Global", primary=s.group(node_type=NodeType.of("cache.m4.large"))
    ),
    "global datastore of an older version": lambda s: GlobalDatastore(
        s.stack, "Global", primary=s.large(), engine_version=EngineVersion.VALKEY_8_0
    ),
    "global datastore with shards without cluster mode": lambda s: GlobalDatastore(
        s.stack, "Global", primary=s.large(), shards=2
    ),
    "global datastore of a durable cache": lambda s: GlobalDatastore(
        s.stack,
        "Global",
        primary=s.large(
            engine_version=EngineVersion.VALKEY_9_0, topology=Topology.cluster(), durability=Durability.SYNC
        ),
    ),
    "secondary in the region of the primary": lambda s: SecondaryReplicationGroup(
        s.stack, "Secondary", vpc=s.vpc, global_datastore=GlobalDatastore(s.stack, "Global", primary=s.large())
    ),
    "secondary with automatic failover to nothing": lambda s: SecondaryReplicationGroup(
        s.stack,
        "Secondary",
        vpc=s.vpc,
        replicas=0,
        failover=Failover.AUTOMATIC,
        global_datastore=GlobalDatastore.from_global_replication_group_attributes(
            s.stack, "Global", global_replication_group_id="abcde-orders"
        ),
    ),
    "global id suffix with an underscore": lambda s: GlobalDatastore(
        s.stack, "Global", primary=s.large(), id_suffix="my_orders"
    ),
    # Secrets Manager and rotation
    "rotation of a user that the cache does not have": lambda s: UserPasswordRotation(
        s.stack, "Rotation", user=s.user("bob"), cache=s.group(), vpc=s.vpc
    ),
    "rotation of a user with two secrets": lambda s: UserPasswordRotation(
        s.stack,
        "Rotation",
        user=PasswordUser(s.stack, "Two", access_string=AccessString.application(), secrets=s.secrets(2)),
    ),
    "rotation every 0 days": lambda s: UserPasswordRotation(
        s.stack, "Rotation", user=s.user(), automatically_after_days=0
    ),
    "rotation every 1,001 days": lambda s: UserPasswordRotation(
        s.stack, "Rotation", user=s.user(), automatically_after_days=1001
    ),
    "rotation of a token that is not": lambda s: AuthTokenRotation(s.stack, "Rotation", cache=s.group()),
    # Alarms and names
    "alarm below zero": lambda s: CacheAlarms(
        s.stack, "Alarms", cache=s.group(), thresholds={"EngineCPUUtilization": -1}
    ),
    "alarm of an unknown metric": lambda s: CacheAlarms(s.stack, "Alarms", cache=s.group(), thresholds={"Memory": 80}),
    "alarm without an unknown metric": lambda s: CacheAlarms(s.stack, "Alarms", cache=s.group(), without=["Memory"]),
    "record in a public zone": lambda s: CacheRecord(
        s.stack,
        "Record",
        cache=s.group(),
        zone=route53.PublicHostedZone.from_public_hosted_zone_attributes(
            s.stack, "Zone", zone_name="example.com", hosted_zone_id="Z1"
        ),
        record_name="cache",
    ),
    "record of a name with a space": lambda s: CacheRecord(
        s.stack,
        "Record",
        cache=s.group(),
        zone=route53.PrivateHostedZone(s.stack, "Zone", zone_name="example.internal", vpc=s.vpc),
        record_name="my cache",
    ),
    # Fargate, API Gateway, RDS
    "container port 0": web(container_port=0),
    "container port above the range": web(container_port=70000),
    "half a CPU of memory": web(cpu=256, memory_limit_mib=4096),
    "CPU of no task": web(cpu=300),
    "health check without a slash": web(health_check_path="healthz"),
    "database name with a hyphen": web(database_name="my-app"),
    "36 days of backups": web(backup_retention_days=36),
    "web app as root": web(container_user="0"),
    "key prefix with a pattern": web(cache_key_prefix="app*"),
    "most below least": service(works_on="jobs", count=5, count_max=2),
    "a backlog of nothing": service(works_on="jobs", backlog_per_task=0),
    "stop after ten minutes": service(works_on="jobs", stop_timeout=cdk.Duration.minutes(10)),
    "service with the name of an image": lambda _s: MessagingService(image="python"),  # type: ignore[arg-type]  # what is tried
    "service that does nothing": service(port=-1),
    "route without a method": sessions(routes=["/session"]),
    "route of an unknown method": sessions(routes=["FETCH /session"]),
    "function of 64 MB": sessions(routes=["GET /s"], allow_anonymous=True, memory_size_mib=64),
    "function of an hour": sessions(routes=["GET /s"], allow_anonymous=True, timeout=cdk.Duration.hours(1)),
    "no burst": sessions(routes=["GET /s"], allow_anonymous=True, burst_limit=-1),
    # Types
    "node type as text": lambda s: s.group(node_type="cache.m7g.large"),
    "port as text": lambda s: s.group(port="6379"),
    "topology as a number": lambda s: s.group(topology=3),
    "users as a list": lambda s: s.group(access=[s.user()]),
    "serverless engine for nodes": lambda s: s.group(engine_version=ServerlessEngine.VALKEY_8),
    "window as text": lambda s: s.group(maintenance=Maintenance(window="sun:05:00-sun:06:00")),  # type: ignore[arg-type]  # what is tried
    "retention as a duration": lambda s: s.group(backups=Backups.daily(retention_days=cdk.Duration.days(7))),  # type: ignore[arg-type]  # what is tried
    "parameter that is a number": lambda s: s.group(parameters={"timeout": 300}),
    "a group of names": lambda s: UserGroup(s.stack, "Users", users=["ann"]),  # type: ignore[list-item]  # what is tried
    "an IAM user without rules": lambda s: IamUser(s.stack, "U", access_string="on ~* +@all"),  # type: ignore[arg-type]  # what is tried
}


def synthesised(site: Site) -> list[str]:
    """The warnings and errors that synthesis tells."""
    try:
        Template.from_stack(site.stack)
    except RuntimeError as error:
        if "ValidationFailed" in str(error) or "must" in str(error):
            return [str(error)]
        raise
    annotations = Annotations.from_stack(site.stack)
    found = annotations.find_warning("*", Match.any_value()) + annotations.find_error("*", Match.any_value())
    return [str(message.entry.data) for message in found]


@pytest.mark.parametrize("name", BAD)
def test_a_bad_configuration_does_not_get_through_in_silence(site: Site, name: str) -> None:
    said = []
    try:
        BAD[name](site)
    except (ValidationError, TypeError) as error:
        said = [str(error)]
    assert any("must" in text for text in said) or synthesised(site), "nobody said anything"


def test_the_trial_has_its_size() -> None:
    assert len(BAD) >= 150
