"""Each CloudFormation type that runs here: what it is called, what becomes of it, what is wrong with it."""

import json
from pathlib import Path
from typing import cast

import pytest

from cachetwin_local.assembly.template import Assembly, DockerAsset, Json, Resource, Stack
from cachetwin_local.assembly.text import SecretRef
from cachetwin_local.errors import UserError
from cachetwin_local.plan.planner import plan
from cachetwin_local.resources.elasticache.cache_engine import family, maxmemory_bytes, node_type_memory, profile
from cachetwin_local.resources.modelled import MODELLED
from cachetwin_local.resources.shape import short_region
from cachetwin_local.resources.translators import TRANSLATORS
from cachetwin_local.topology.values import FixedResponse, Forward, Redirect, Topology

REVIEWED = sorted(Path(__file__).parents[1].glob("**/*.template.json"))
IMAGE = DockerAsset("f" * 64, "asset.web", "Dockerfile", None, {}, "f" * 64)
CACHE = {
    "ReplicationGroupDescription": "test",
    "Engine": "valkey",
    "EngineVersion": "8.1",
    "CacheNodeType": "cache.t4g.small",
    "TransitEncryptionEnabled": True,
}
DATABASE = {"Engine": "postgres", "MasterUsername": "app", "MasterUserPassword": "x", "DBInstanceClass": "db.t4g.micro"}


def one(type_name: str, **properties: Json) -> Json:
    return {"Type": f"AWS::{type_name}", "Properties": properties}


def plan_of(parameters: dict[str, str] | None = None, **resources: Json) -> Topology:
    made = {
        name: Resource("App", name, value["Type"], value.get("Properties", {}), name, None, ())
        for name, value in resources.items()
    }
    stack = Stack("App", "App", "us-east-1", "000000000000", (), made)
    return plan(Assembly({"App": stack}, {IMAGE.asset_hash: IMAGE}, {}), project="test", parameters=parameters)


def cache(**properties: Json) -> Topology:
    return plan_of(Cache=one("ElastiCache::ReplicationGroup", **{**CACHE, **properties}))


def messages(topology: Topology) -> list[str]:
    return [problem.message for problem in topology.problems]


def status(topology: Topology, logical_id: str) -> tuple[str, str]:
    return next((c.status, c.note) for c in topology.coverage if c.identity.logical_id == logical_id)


@pytest.mark.parametrize("path", REVIEWED, ids=lambda path: path.name.removesuffix(".template.json"))
def test_every_type_of_the_stacks_is_known_by_name(path: Path) -> None:
    types = {resource["Type"] for resource in json.loads(path.read_text())["Resources"].values()}
    assert types - set(TRANSLATORS) - set(MODELLED) == set()


def test_no_type_is_both_translated_and_modelled() -> None:
    assert not TRANSLATORS.keys() & MODELLED.keys()


# Replication groups


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
    assert group.primary_endpoint.tls == group.reader_endpoint.tls == tls
    assert ("master." in group.primary_endpoint.names[0]) is (tls != "off")


def test_names_are_lower_case_and_ports_the_templates() -> None:
    (group,) = cache(ReplicationGroupId="Sessions", Port="6390").replication_groups
    assert group.identity.physical_name == "sessions"
    assert group.identity.arn == "arn:aws:elasticache:us-east-1:000000000000:replicationgroup:sessions"
    assert group.primary_endpoint.port == 6390
    assert [node.member_id for node in group.nodes] == ["sessions-001"]


def test_a_generated_name_keeps_to_forty_characters() -> None:
    long = {"L" * 60: one("ElastiCache::ReplicationGroup", **CACHE)}
    (group,) = plan_of(**long).replication_groups
    assert len(group.identity.physical_name) <= 40


@pytest.mark.parametrize(
    "properties",
    [{"NumNodeGroups": 2}, {"ClusterMode": "enabled"}, {"CacheParameterGroupName": "default.valkey8.cluster.on"}],
)
def test_cluster_mode_is_said_not_to_run(properties: Json) -> None:
    topology = cache(**properties)
    assert topology.replication_groups == ()
    assert status(topology, "Cache") == ("not supported", "cluster mode enabled does not run here yet")


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"Engine": "memcached"}, "Cache, Engine: must be one of valkey, redis, got memcached"),
        ({"EngineVersion": "latest"}, "Cache, EngineVersion: must be a version such as 8.1, got latest"),
        ({"CacheNodeType": "cache.x9.huge"}, "node types whose memory is known"),
        ({"NumCacheClusters": 7}, "Cache, NumCacheClusters: must be between 1 and 6, got 7"),
        ({"TransitEncryptionMode": "maybe"}, "must be required or preferred, got maybe"),
        ({"UserGroupIds": ["elsewhere"]}, "must name a user group that a stack of this app defines, got elsewhere"),
        ({"Port": "high"}, "Cache, Port: must be a whole number"),
        ({"AutomaticFailoverEnabled": True, "LogDeliveryConfigurations": "x"}, "must be a list"),
    ],
)
def test_a_wrong_property_is_named(properties: Json, message: str) -> None:
    with pytest.raises(UserError) as caught:
        cache(**properties)
    assert message in str(caught.value)


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


# Users


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


def test_the_plan_says_that_an_iam_user_cannot_log_in_yet() -> None:
    topology = group_of("valkey", A=user("alice", AuthenticationMode={"Type": "iam"}, UserId="alice"))
    assert "it cannot log in" in next(c.note for c in topology.coverage if c.identity.logical_id == "A")


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
    with pytest.raises(UserError) as caught:
        group_of("valkey", A=user("alice", **properties))
    assert message in str(caught.value)


# Databases and secrets


def test_a_database_with_a_managed_password_brings_the_secret_that_rds_makes() -> None:
    properties = {key: value for key, value in DATABASE.items() if key != "MasterUserPassword"}
    topology = plan_of(Db=one("RDS::DBInstance", **properties, ManageMasterUserPassword=True))
    (database,), (secret,) = topology.databases, topology.secrets
    assert database.password == (SecretRef(secret.identity.arn, "password"),)
    assert secret.generate is not None
    assert secret.generate.secret_string_template == '{"username":"app"}'
    assert secret.name.startswith("rds!db-")
    assert topology.problems == ()


@pytest.mark.parametrize(
    ("version", "parameter", "force_ssl"), [("14.10", None, False), ("16", None, True), ("17", "0", False)]
)
def test_tls_is_forced_from_postgresql_15_unless_the_parameter_group_says_otherwise(
    version: str, parameter: str | None, *, force_ssl: bool
) -> None:
    resources = {"Db": one("RDS::DBInstance", **DATABASE, EngineVersion=version)}
    if parameter is not None:
        resources["Parameters"] = one(
            "RDS::DBParameterGroup", Family="postgres17", Parameters={"rds.force_ssl": parameter}
        )
        resources["Db"]["Properties"]["DBParameterGroupName"] = {"Ref": "Parameters"}
    (database,) = plan_of(**resources).databases
    assert database.force_ssl is force_ssl
    assert database.parameters == {}


def test_another_database_engine_is_said_not_to_run() -> None:
    topology = plan_of(Db=one("RDS::DBInstance", **{**DATABASE, "Engine": "mysql"}))
    assert status(topology, "Db") == ("not supported", "mysql does not run here: only postgres does")


def test_a_database_without_a_password_is_an_error() -> None:
    with pytest.raises(UserError, match="Db, MasterUserPassword: must be given, or ManageMasterUserPassword"):
        plan_of(Db=one("RDS::DBInstance", Engine="postgres"))


def test_a_secret_is_generated_with_every_setting_of_the_template() -> None:
    settings = {
        "PasswordLength": 20,
        "ExcludeCharacters": "@/",
        "ExcludeNumbers": True,
        "ExcludePunctuation": True,
        "ExcludeUppercase": True,
        "ExcludeLowercase": False,
        "IncludeSpace": True,
        "RequireEachIncludedType": False,
        "SecretStringTemplate": '{"username":"app"}',
        "GenerateStringKey": "password",
    }
    (secret,) = plan_of(Secret=one("SecretsManager::Secret", Name="a/b", GenerateSecretString=settings)).secrets
    made = secret.generate
    assert made is not None
    assert (made.password_length, made.exclude_characters, made.exclude_numbers, made.include_space) == (
        20,
        "@/",
        True,
        True,
    )
    assert (made.require_each_included_type, made.generate_string_key) == (False, "password")
    assert secret.identity.arn.startswith("arn:aws:secretsmanager:us-east-1:000000000000:secret:a/b-")


def test_a_secret_without_instructions_is_generated_as_the_service_does() -> None:
    (secret,) = plan_of(Secret=one("SecretsManager::Secret")).secrets
    assert secret.generate is not None
    assert (secret.generate.password_length, secret.generate.secret_string_template) == (32, None)


def test_a_secret_may_hold_what_the_template_computes() -> None:
    value = {"Fn::Sub": '{"host":"${Db.Endpoint.Address}"}'}
    topology = plan_of(Db=one("RDS::DBInstance", **DATABASE), Secret=one("SecretsManager::Secret", SecretString=value))
    assert topology.secrets[0].value == f'{{"host":"{topology.databases[0].endpoint.address}"}}'


# Load balancers


def front(**listener: Json) -> dict[str, Json]:
    return {
        "Balancer": one("ElasticLoadBalancingV2::LoadBalancer", Type="application"),
        "Listener": one(
            "ElasticLoadBalancingV2::Listener",
            LoadBalancerArn={"Ref": "Balancer"},
            Port=80,
            Protocol="HTTP",
            **listener,
        ),
        "Targets": one("ElasticLoadBalancingV2::TargetGroup", Port=80, Protocol="HTTP", TargetType="ip"),
    }


FORWARD = [{"Type": "forward", "TargetGroupArn": {"Ref": "Targets"}}]


def test_a_listener_may_forward_redirect_or_answer() -> None:
    redirect = [{"Type": "redirect", "RedirectConfig": {"Port": "443", "Protocol": "HTTPS", "StatusCode": "HTTP_301"}}]
    answer = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404", "MessageBody": "no"}}]
    actions = [
        plan_of(**front(DefaultActions=a)).load_balancers[0].listeners[0].default_action
        for a in (FORWARD, redirect, answer)
    ]
    assert isinstance(actions[0], Forward)
    assert actions[0].target_groups[0].target_group == "App/Targets"
    assert actions[1] == Redirect(301, protocol="HTTPS", port="443")
    assert actions[2] == FixedResponse(404, "text/plain", "no")


def test_rules_come_by_priority_with_their_conditions() -> None:
    def rule(priority: int, condition: Json) -> Json:
        return one(
            "ElasticLoadBalancingV2::ListenerRule",
            ListenerArn={"Ref": "Listener"},
            Priority=priority,
            Conditions=[condition],
            Actions=FORWARD,
        )

    path = rule(20, {"Field": "path-pattern", "Values": ["/api/*"]})
    header = rule(10, {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-A", "Values": ["1"]}})
    topology = plan_of(**front(DefaultActions=FORWARD), Path=path, Header=header)
    rules = topology.load_balancers[0].listeners[0].rules
    assert [(r.priority, r.conditions) for r in rules] == [
        (10, (("http-header:X-A", ("1",)),)),
        (20, (("path-pattern", ("/api/*",)),)),
    ]


def test_the_dns_name_is_that_of_the_https_listener() -> None:
    resources = front(DefaultActions=FORWARD)
    resources["Secure"] = one(
        "ElasticLoadBalancingV2::Listener",
        LoadBalancerArn={"Ref": "Balancer"},
        Port=443,
        Certificates=[{"CertificateArn": {"Ref": "Certificate"}}],
        DefaultActions=FORWARD,
    )
    resources["Certificate"] = one("CertificateManager::Certificate", DomainName="example.com")
    (balancer,) = plan_of(**resources).load_balancers
    assert balancer.dns_name == "127.0.0.1:8443"
    assert [(one.protocol, one.endpoint.port, one.endpoint.tls) for one in balancer.listeners] == [
        ("HTTP", 8080, "off"),
        ("HTTPS", 8443, "required"),
    ]
    assert balancer.listeners[1].certificates[0].arn.startswith("arn:aws:acm:")


def test_signing_people_in_at_the_load_balancer_is_a_problem() -> None:
    actions = [{"Type": "authenticate-oidc", "Order": 1}, {**FORWARD[0], "Order": 2}]
    assert "authenticate-oidc does not run here" in messages(plan_of(**front(DefaultActions=actions)))[0]


def test_a_network_load_balancer_is_said_not_to_run() -> None:
    topology = plan_of(Balancer=one("ElasticLoadBalancingV2::LoadBalancer", Type="network"))
    assert status(topology, "Balancer")[0] == "not supported"


def test_health_checks_have_the_services_defaults() -> None:
    (group,) = plan_of(**front(DefaultActions=FORWARD)).target_groups
    check = group.health_check
    assert (check.path, check.matcher, check.interval_s, check.timeout_s) == ("/", "200", 30, 5)
    assert (check.healthy_count, check.unhealthy_count, group.deregistration_delay_s) == (5, 2, 300)


# Services


def service(container: Json, **properties: Json) -> Topology:
    image = f"000000000000.dkr.ecr.us-east-1.amazonaws.com/assets:{IMAGE.asset_hash}"
    definition = {"Name": "web", "Image": image, "PortMappings": [{"ContainerPort": 8000}], **container}
    return plan_of(
        Cluster=one("ECS::Cluster"),
        Setting=one("SSM::Parameter", Name="/app/mode", Type="String", Value="fast"),
        Task=one("ECS::TaskDefinition", Family="web", ContainerDefinitions=[definition]),
        Service=one("ECS::Service", Cluster={"Ref": "Cluster"}, TaskDefinition={"Ref": "Task"}, **properties),
    )


def test_a_container_has_what_its_definition_says() -> None:
    container = {
        "Command": ["python", "app.py"],
        "EntryPoint": ["/init"],
        "WorkingDirectory": "/srv",
        "Environment": [{"Name": "A", "Value": 1}, {"Name": "B", "Value": ""}],
        "Secrets": [
            {"Name": "MODE", "ValueFrom": {"Fn::Sub": "arn:aws:ssm:us-east-1:${AWS::AccountId}:parameter${Setting}"}}
        ],
        "HealthCheck": {"Command": ["CMD-SHELL", "curl x"], "Interval": 10},
        "DependsOn": [{"ContainerName": "web", "Condition": "START"}],
    }
    (made,) = service(container).services[0].containers
    assert (made.command, made.entry_point, made.working_directory) == (("python", "app.py"), ("/init",), "/srv")
    assert made.environment == {"A": "1", "B": "", "MODE": "fast"}
    assert made.image.directory == "asset.web"
    assert made.health_check is not None
    assert (made.health_check.command, made.health_check.interval_s, made.health_check.retries) == (
        ("CMD-SHELL", "curl x"),
        10,
        3,
    )


def test_a_service_runs_one_task_unless_it_says_otherwise() -> None:
    assert len(service({}).services[0].tasks) == 1
    assert service({}, DesiredCount=0).services[0].tasks == ()
    with pytest.raises(UserError, match="DesiredCount: must be between 0 and 50 here, got 51"):
        service({}, DesiredCount=51)


@pytest.mark.parametrize("name", ["/app/mode", "mode"])
def test_a_secret_variable_may_be_an_ssm_parameter_with_or_without_a_slash(name: str) -> None:
    definition = {
        "Name": "web",
        "Image": f"x:{IMAGE.asset_hash}",
        "Secrets": [{"Name": "MODE", "ValueFrom": f"arn:aws:ssm:us-east-1:0:parameter/{name.removeprefix('/')}"}],
    }
    topology = plan_of(
        Setting=one("SSM::Parameter", Name=name, Type="String", Value="fast"),
        Task=one("ECS::TaskDefinition", ContainerDefinitions=[definition]),
        Service=one("ECS::Service", TaskDefinition={"Ref": "Task"}),
    )
    assert topology.services[0].containers[0].environment == {"MODE": "fast"}
    assert "parameter//" not in str([c.identity.arn for c in topology.coverage])


def test_a_task_definition_that_no_service_runs_is_modelled() -> None:
    topology = plan_of(Task=one("ECS::TaskDefinition", ContainerDefinitions=[{"Name": "job", "Image": "x"}]))
    assert status(topology, "Task") == ("modelled", "job: no service runs it")


def test_a_service_told_of_a_cache_through_a_secret_and_a_parameter_depends_on_it() -> None:
    cache_properties = cast("dict[str, Json]", CACHE)
    address = {"Fn::GetAtt": ["Cache", "PrimaryEndPoint.Address"]}
    definition = {
        "Name": "web",
        "Image": f"x:{IMAGE.asset_hash}",
        "Secrets": [{"Name": "CONFIG", "ValueFrom": {"Ref": "Secret"}}],
        "Environment": [{"Name": "DB", "Value": {"Fn::GetAtt": ["Setting", "Value"]}}],
    }
    topology = plan_of(
        Cache=one("ElastiCache::ReplicationGroup", **cache_properties),
        Db=one("RDS::DBInstance", **DATABASE),
        Secret=one("SecretsManager::Secret", SecretString={"Fn::Join": ["", ["host=", address]]}),
        Setting=one("SSM::Parameter", Type="String", Value={"Fn::GetAtt": ["Db", "Endpoint.Address"]}),
        Task=one("ECS::TaskDefinition", ContainerDefinitions=[definition]),
        Service=one("ECS::Service", TaskDefinition={"Ref": "Task"}),
    )
    assert topology.services[0].depends_on == ("App/Cache", "App/Db")


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
