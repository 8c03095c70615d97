"""ElastiCache: replication groups, parameter groups, users and user groups."""

import pytest
from tests.local.resources.templates import CACHE, cache, messages, one, plan_of, status, unreadable

from cachetwin_local.assembly.template import Json
from cachetwin_local.assembly.values.text import SecretRef
from cachetwin_local.resources.elasticache.cache_engine import family, maxmemory_bytes, node_type_memory, profile
from cachetwin_local.resources.shape import short_region
from cachetwin_local.topology.values import Topology


@pytest.mark.parametrize(
    ("engine", "version", "expected", "exact"),
    [
        ("valkey", "7.2", "valkey-7.2", True),
        ("valkey", "8.0", "valkey-8.0", True),
        ("valkey", "8.1", "valkey-8.1", True),
        ("valkey", "8.2", "valkey-8.1", False),
        ("valkey", "9.0", "valkey-9.0", True),
        ("valkey", "9.1", "valkey-9.1", True),
        ("valkey", "9.2", "valkey-9.1", False),
        ("redis", "7.1", "redis-7.1", True),
        ("redis", "7.0", "redis-7.1", False),
        ("redis", "6.2", "redis-6.2", True),
        ("redis", "5.0.6", "redis-6.2", False),
    ],
)
def test_an_engine_version_is_stood_for_by_the_nearest_profile(
    engine: str, version: str, expected: str, *, exact: bool
) -> None:
    assert profile("valkey" if engine == "valkey" else "redis", version) == (expected, exact)


@pytest.mark.parametrize(
    ("engine", "version", "expected"),
    [
        ("valkey", "8.1", "valkey8"),
        ("redis", "7.1", "redis7"),
        ("redis", "6.2", "redis6.x"),
        ("redis", "5.0.6", "redis5.0"),
    ],
)
def test_a_version_belongs_to_a_parameter_group_family(engine: str, version: str, expected: str) -> None:
    assert family("valkey" if engine == "valkey" else "redis", version) == expected


def test_the_plan_says_which_version_a_profile_stands_for() -> None:
    assert "stands for valkey 8.2" in status(cache(EngineVersion="8.2"), "Cache")[1]


def test_memory_is_the_node_types_less_the_reserved_part() -> None:
    assert maxmemory_bytes("cache.t2.medium", 25) == 2596012032
    assert len(node_type_memory()) == 94
    parameters = one(
        "ElastiCache::ParameterGroup",
        CacheParameterGroupFamily="valkey8",
        Description="d",
        Properties={"reserved-memory-percent": "50", "timeout": 60},
    )
    group = one("ElastiCache::ReplicationGroup", **CACHE, CacheParameterGroupName={"Ref": "Parameters"})
    (made,) = plan_of(Parameters=parameters, Cache=group).replication_groups
    assert made.nodes[0].maxmemory_bytes == 1471026299 * 50 // 100
    assert made.parameters["timeout"] == "60"
    assert "reserved-memory-percent" not in made.parameters


def test_a_parameter_group_of_another_family_is_a_problem() -> None:
    parameters = one("ElastiCache::ParameterGroup", CacheParameterGroupFamily="redis7", Description="d")
    group = one("ElastiCache::ReplicationGroup", **CACHE, CacheParameterGroupName={"Ref": "Parameters"})
    assert messages(plan_of(Parameters=parameters, Cache=group)) == [
        "CacheParameterGroupName must be of the family valkey8, got one of redis7"
    ]


def test_a_parameter_group_from_elsewhere_is_a_warning() -> None:
    (problem,) = cache(CacheParameterGroupName="theirs").problems
    assert (problem.severity, problem.message.split(":")[0]) == ("warning", "parameter group theirs is not in this app")


@pytest.mark.parametrize(
    ("properties", "tls"),
    [
        ({}, "required"),
        ({"TransitEncryptionMode": "preferred"}, "preferred"),
        ({"TransitEncryptionEnabled": "false"}, "off"),
    ],
)
def test_the_endpoints_speak_tls_as_the_template_says(properties: Json, tls: str) -> None:
    (group,) = cache(**properties).replication_groups
    assert group.reader_endpoint is not None
    assert group.endpoint.tls == group.reader_endpoint.tls == tls
    assert ("master." in group.endpoint.names[0]) is (tls != "off")


def test_names_are_lower_case_and_ports_the_templates() -> None:
    (group,) = cache(ReplicationGroupId="Sessions", Port="6390").replication_groups
    assert group.identity.physical_name == "sessions"
    assert group.identity.arn == "arn:aws:elasticache:us-east-1:000000000000:replicationgroup:sessions"
    assert group.endpoint.port == 6390
    assert [node.member_id for node in group.nodes] == ["sessions-001"]


def test_a_generated_name_keeps_to_forty_characters() -> None:
    long = {"L" * 60: one("ElastiCache::ReplicationGroup", **CACHE)}
    (group,) = plan_of(**long).replication_groups
    assert len(group.identity.physical_name) <= 40


@pytest.mark.parametrize(
    "properties",
    [{"NumNodeGroups": 1, "ClusterMode": "enabled"}, {"CacheParameterGroupName": "default.valkey8.cluster.on"}],
)
def test_cluster_mode_has_a_configuration_endpoint_and_no_other(properties: Json) -> None:
    (group,) = cache(**properties).replication_groups
    assert group.cluster_mode == "enabled"
    assert (group.primary_endpoint, group.reader_endpoint) == (None, None)
    assert group.configuration_endpoint is not None
    assert group.configuration_endpoint.names[0].startswith("clustercfg.")
    assert group.parameters["cluster-require-full-coverage"] == "no"
    assert [node.member_id.rpartition("-0001")[2] for node in group.nodes] == ["-001"]


def test_an_own_parameter_group_enables_cluster_mode() -> None:
    parameters = one(
        "ElastiCache::ParameterGroup",
        CacheParameterGroupFamily="valkey8",
        Description="d",
        Properties={"cluster-enabled": "yes", "cluster-require-full-coverage": "yes"},
    )
    group = one("ElastiCache::ReplicationGroup", **CACHE, CacheParameterGroupName={"Ref": "Parameters"})
    (made,) = plan_of(Parameters=parameters, Cache=group).replication_groups
    assert made.cluster_mode == "enabled"
    assert made.parameters["cluster-require-full-coverage"] == "yes"


def test_slots_are_spread_as_the_service_spreads_them() -> None:
    topology = cache(NumNodeGroups=3, ReplicasPerNodeGroup=1, ReplicationGroupId="Shop")
    (group,) = topology.replication_groups
    assert [node_group.slots for node_group in group.node_groups] == [((0, 5461),), ((5462, 10922),), ((10923, 16383),)]
    assert [(n.member_id, n.shard, n.role, n.availability_zone) for n in group.nodes[:4]] == [
        ("shop-0001-001", "0001", "primary", "us-east-1a"),
        ("shop-0001-002", "0001", "replica", "us-east-1b"),
        ("shop-0002-001", "0002", "primary", "us-east-1b"),
        ("shop-0002-002", "0002", "replica", "us-east-1c"),
    ]
    assert len({node.endpoint.address for node in group.nodes}) == 6
    assert "3 shards: 0001 slots 0-5461 in us-east-1a us-east-1b" in status(topology, "Cache")[1]


def test_a_node_group_has_the_slots_replicas_and_zones_that_the_template_gives() -> None:
    configured = [
        {"NodeGroupId": "0007", "Slots": "0-999,2000-16383", "ReplicaCount": 0},
        {"Slots": "1000-1999", "PrimaryAvailabilityZone": "us-east-1c", "ReplicaAvailabilityZones": ["us-east-1a"]},
    ]
    (group,) = cache(NodeGroupConfiguration=configured, ReplicasPerNodeGroup=1).replication_groups
    assert [(g.id, g.slots) for g in group.node_groups] == [
        ("0007", ((0, 999), (2000, 16383))),
        ("0002", ((1000, 1999),)),
    ]
    assert [(n.shard, n.availability_zone) for n in group.nodes[1:]] == [("0002", "us-east-1c"), ("0002", "us-east-1a")]


def test_the_compatible_mode_has_every_endpoint() -> None:
    (group,) = cache(ClusterMode="compatible").replication_groups
    assert group.primary_endpoint != group.configuration_endpoint != group.reader_endpoint


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"Engine": "memcached"}, "Cache, Engine: must be one of valkey, redis, got memcached"),
        ({"EngineVersion": "latest"}, "Cache, EngineVersion: must be a version such as 8.1, got latest"),
        ({"CacheNodeType": "cache.x9.huge"}, "node types whose memory is known"),
        ({"NumCacheClusters": 7}, "Cache, NumCacheClusters: must be between 1 and 6, got 7"),
        ({"NumNodeGroups": 501}, "Cache, NumNodeGroups: must be between 1 and 500, got 501"),
        (
            {"NumNodeGroups": 2, "ReplicasPerNodeGroup": 6},
            "Cache, ReplicasPerNodeGroup: must be between 0 and 5, got 6",
        ),
        (
            {"NodeGroupConfiguration": [{"Slots": "0-9000"}, {"Slots": "9000-16383"}]},
            "must give each of the 16384 slots to one node group, got 16384 of 16385 slots once",
        ),
        (
            {"NodeGroupConfiguration": [{"Slots": "0-99999"}, {}]},
            "Slots: must be ranges such as 0-5461,8000 below 16384",
        ),
        ({"TransitEncryptionMode": "maybe"}, "must be required or preferred, got maybe"),
        ({"UserGroupIds": ["elsewhere"]}, "must name a user group that a stack of this app defines, got elsewhere"),
        ({"Port": "high"}, "Cache, Port: must be a whole number"),
        ({"AutomaticFailoverEnabled": True, "LogDeliveryConfigurations": "x"}, "must be a list"),
    ],
)
def test_a_wrong_property_is_named(properties: Json, message: str) -> None:
    topology = cache(**properties)
    assert message in unreadable(topology)["Cache"]
    assert [problem.severity for problem in topology.problems if "cannot be read" in problem.message] == ["warning"]


def test_an_auth_token_may_be_a_secret_and_needs_tls() -> None:
    secret = one("SecretsManager::Secret", Name="token", GenerateSecretString={"ExcludePunctuation": True})
    token = {"Fn::Sub": "{{resolve:secretsmanager:${Token}}}"}
    group = one("ElastiCache::ReplicationGroup", **CACHE, AuthToken=token)
    (made,) = plan_of(Token=secret, Cache=group).replication_groups
    assert isinstance(made.auth_token, tuple)
    assert isinstance(made.auth_token[0], SecretRef)
    assert messages(cache(AuthToken="x" * 16, TransitEncryptionEnabled=False)) == [
        "TransitEncryptionEnabled must be true for AuthToken and UserGroupIds, got false"
    ]


def test_logs_are_delivered_where_the_template_says() -> None:
    destination = {"CloudWatchLogsDetails": {"LogGroup": "/slow"}}
    entry = {
        "LogType": "slow-log",
        "DestinationType": "cloudwatch-logs",
        "LogFormat": "json",
        "DestinationDetails": destination,
    }
    (group,) = cache(LogDeliveryConfigurations=[entry]).replication_groups
    assert [(d.log_type, d.destination) for d in group.log_delivery] == [("slow-log", "/slow")]


def user(name: str, **properties: Json) -> Json:
    given = {"Engine": "redis", "UserId": f"{name}-id", "UserName": name, "AccessString": "on ~* +@all", **properties}
    return one("ElastiCache::User", **given)


def group_of(engine: str, **users: Json) -> Topology:
    ids = [{"Ref": name} for name in users]
    group = one("ElastiCache::UserGroup", Engine=engine, UserGroupId="Team", UserIds=ids)
    target = one(
        "ElastiCache::ReplicationGroup",
        **{**CACHE, "Engine": engine, "EngineVersion": "7.2"},
        UserGroupIds=[{"Ref": "Group"}],
    )
    return plan_of(**users, Group=group, Cache=target)


def test_a_redis_group_must_hold_a_default_user() -> None:
    topology = group_of("redis", A=user("alice", NoPasswordRequired=True))
    assert messages(topology) == ["UserIds must hold a user with the name default in a group for redis, got none"]


def test_a_redis_group_keeps_the_default_user_it_is_given() -> None:
    topology = group_of(
        "redis",
        A=user("default", Passwords=["p" * 16]),
        B=user("bob", AuthenticationMode={"Type": "iam"}, UserId="bob"),
    )
    assert topology.problems == ()
    users = topology.replication_groups[0].users
    assert [(u.user_name, u.authentication_type) for u in users] == [("default", "password"), ("bob", "iam")]


def test_an_iam_users_name_must_be_its_id() -> None:
    topology = group_of("valkey", A=user("alice", AuthenticationMode={"Type": "iam"}))
    assert messages(topology) == [
        "UserName must equal UserId for a user with IAM authentication, got alice and alice-id"
    ]


def test_the_plan_says_how_an_iam_user_logs_in() -> None:
    topology = group_of("valkey", A=user("alice", AuthenticationMode={"Type": "iam"}, UserId="alice"))
    assert "logs in with a token that a role may sign" in next(
        c.note for c in topology.coverage if c.identity.logical_id == "A"
    )


def test_two_users_of_one_name_are_a_problem() -> None:
    same = user("alice", NoPasswordRequired=True, UserId="other")
    topology = group_of("valkey", A=user("alice", NoPasswordRequired=True), B=same)
    assert messages(topology) == ["UserIds must hold each user name once, got alice, alice, default"]


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({}, "AuthenticationMode: must be given, or Passwords or NoPasswordRequired"),
        ({"AuthenticationMode": {"Type": "magic"}}, "must be one of password, iam, no-password-required, got magic"),
        ({"AuthenticationMode": {"Type": "password"}}, "must be given for a user with password authentication"),
        ({"Passwords": ["a", "b", "c"]}, "must be at most 2, got 3"),
    ],
)
def test_a_user_without_a_clear_authentication_is_an_error(properties: Json, message: str) -> None:
    assert message in unreadable(group_of("valkey", A=user("alice", **properties)))["A"]


@pytest.mark.parametrize(
    ("region", "short"),
    [
        ("us-east-1", "use1"),
        ("eu-west-3", "euw3"),
        ("ap-southeast-2", "apse2"),
        ("ca-central-1", "cac1"),
        ("us-gov-west-1", "usgw1"),
    ],
)
def test_host_names_have_elasticaches_short_region(region: str, short: str) -> None:
    assert short_region(region) == short


def serverless(**properties: Json) -> Topology:
    given = {"ServerlessCacheName": "Sessions", "Engine": "valkey", "MajorEngineVersion": "8", **properties}
    output = {"Fn::Sub": "${Cache.Endpoint.Address}:${Cache.Endpoint.Port} ${Cache.ReaderEndpoint.Port}"}
    return plan_of(
        Cache=one("ElastiCache::ServerlessCache", **given),
        Secret=one("SecretsManager::Secret", SecretString=output),
    )


def test_a_serverless_cache_is_one_address_with_two_ports() -> None:
    limits = {"DataStorage": {"Maximum": 2, "Unit": "GB"}, "ECPUPerSecond": {"Maximum": 5000}}
    topology = serverless(CacheUsageLimits=limits)
    (group,) = topology.replication_groups
    assert (
        "at most 2 GB, at most 5000 processing units a second; one primary stands for" in status(topology, "Cache")[1]
    )
    assert (group.cluster_mode, group.profile, group.endpoint.tls) == ("serverless", "valkey-8.1", "required")
    assert group.reader_endpoint is not None
    assert group.endpoint.address == group.reader_endpoint.address
    assert (group.endpoint.port, group.reader_endpoint.port) == (6379, 6380)
    assert group.endpoint.names == group.reader_endpoint.names
    assert {node.maxmemory_bytes for node in group.nodes} == {2 * 1024**3}
    assert group.ecpu_per_second_max == 5000


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"ECPUPerSecond": {"Maximum": 5}}, "ECPUPerSecond must be between 1000 and 15000000, got 5"),
        ({"DataStorage": {"Maximum": 5001}}, "DataStorage must be between 1 and 5000, got 5001"),
        (
            {"DataStorage": {"Minimum": 9, "Maximum": 5}},
            "DataStorage: Minimum must be at most Maximum, 5, got 9",
        ),
    ],
)
def test_limits_that_the_service_refuses_are_problems(limits: Json, message: str) -> None:
    assert message in messages(serverless(CacheUsageLimits=limits))


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"MajorEngineVersion": "6"}, "Cache, MajorEngineVersion: must be one of 7, 8, 9, got 6"),
        ({"UserGroupId": "elsewhere"}, "UserGroupId: must name a user group that a stack of this app defines"),
    ],
)
def test_a_wrong_property_of_a_serverless_cache_is_named(properties: Json, message: str) -> None:
    assert message in unreadable(serverless(**properties))["Cache"]


def memcached_serverless(**properties: Json) -> Topology:
    given = {"ServerlessCacheName": "Pages", "Engine": "memcached", "MajorEngineVersion": "1.6", **properties}
    return plan_of(Cache=one("ElastiCache::ServerlessCache", **given))


def test_serverless_memcached_is_a_node_with_two_ports() -> None:
    topology = memcached_serverless(CacheUsageLimits={"DataStorage": {"Maximum": 2, "Unit": "GB"}})
    (cluster,) = topology.memcached_clusters
    assert cluster.reader_endpoint is not None
    assert (cluster.endpoint.port, cluster.reader_endpoint.port) == (11211, 11212)
    assert cluster.endpoint.address == cluster.reader_endpoint.address
    assert (cluster.endpoint.tls, cluster.is_serverless) == ("required", True)
    assert [node.endpoint for node in cluster.nodes] == [cluster.endpoint]
    assert cluster.options == ("--serverless", "yes", "-m", "2048", "-c", "65000")
    assert status(topology, "Cache")[0] == "twinned"
    assert "at most 2 GB" in status(topology, "Cache")[1]


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"MajorEngineVersion": "1.5"}, "MajorEngineVersion: must be 1.6 for Memcached, got 1.5"),
        ({"UserGroupId": "people"}, "UserGroupId: must be left out for Memcached, which has no users"),
    ],
)
def test_a_wrong_property_of_serverless_memcached_is_named(properties: Json, message: str) -> None:
    assert message in unreadable(memcached_serverless(**properties))["Cache"]


def test_a_single_node_is_a_group_of_one() -> None:
    given = {"Engine": "redis", "EngineVersion": "7.1", "CacheNodeType": "cache.t4g.micro", "NumCacheNodes": 1}
    topology = plan_of(Cache=one("ElastiCache::CacheCluster", **given, ClusterName="Jobs"))
    (group,) = topology.replication_groups
    assert (group.profile, group.reader_endpoint, group.automatic_failover) == ("redis-7.1", None, False)
    assert [(node.member_id, node.endpoint) for node in group.nodes] == [("jobs", group.endpoint)]
    assert group.endpoint.names[0].startswith("jobs.")
    wrong = plan_of(Cache=one("ElastiCache::CacheCluster", **{**given, "NumCacheNodes": 2}))
    assert "NumCacheNodes: must be 1 for Valkey and Redis OSS, got 2" in unreadable(wrong)["Cache"]


MEMCACHED = {"Engine": "memcached", "CacheNodeType": "cache.t4g.micro", "NumCacheNodes": 3, "ClusterName": "Pages"}


def test_a_memcached_cluster_is_nodes_behind_a_configuration_endpoint() -> None:
    topology = plan_of(Cache=one("ElastiCache::CacheCluster", **MEMCACHED, AZMode="cross-az"))
    (cluster,) = topology.memcached_clusters
    assert (cluster.profile, cluster.endpoint.port, cluster.engine_version) == ("memcached-1.6", 11211, "1.6.22")
    assert [node.member_id for node in cluster.nodes] == ["pages-0001", "pages-0002", "pages-0003"]
    assert [node.availability_zone for node in cluster.nodes] == ["us-east-1a", "us-east-1b", "us-east-1c"]
    assert len({node.endpoint.address for node in cluster.nodes} | {cluster.endpoint.address}) == 4
    assert ".cfg." in cluster.endpoint.names[0]
    assert len(cluster.spare_endpoints) == 37
    assert ".0004." in cluster.spare_endpoints[0].names[0]
    assert cluster.options == ("-m", "412", "-c", "65000", "-o", "no_modern")
    assert status(topology, "Cache")[0] == "twinned"


def test_the_parameters_of_memcached_are_its_options() -> None:
    given = {
        "max_item_size": "2097152", "cas_disabled": "1", "disable_flush_all": "0", "idle_timeout": "60",
        "lru_maintainer": "1", "memcached_connections_overhead": "50",
    }  # fmt: skip
    group = one(
        "ElastiCache::ParameterGroup", CacheParameterGroupFamily="memcached1.6", Description="d", Properties=given
    )
    topology = plan_of(
        Group=group, Cache=one("ElastiCache::CacheCluster", **MEMCACHED, CacheParameterGroupName={"Ref": "Group"})
    )
    (cluster,) = topology.memcached_clusters
    assert cluster.options == (
        "-m", "462", "-c", "65000", "-I", "2097152", "-C", "-o", "no_modern,idle_timeout=60,lru_maintainer",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"NumCacheNodes": 41}, "NumCacheNodes: must be between 1 and 40, got 41"),
        ({"CacheNodeType": "cache.x9.huge"}, "node types whose memory for Memcached is known, got cache.x9.huge"),
    ],
)
def test_a_wrong_property_of_a_memcached_cluster_is_named(properties: Json, message: str) -> None:
    wrong = plan_of(Cache=one("ElastiCache::CacheCluster", **{**MEMCACHED, **properties}))
    assert message in unreadable(wrong)["Cache"]
