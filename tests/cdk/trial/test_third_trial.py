"""A third trial from outside: of 255 configurations these went through at first, and some near them that are right."""

import aws_cdk as cdk
import pytest
from aws_cdk import aws_applicationautoscaling as appscaling
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from tests.cdk.service_rules.site import Make, Site
from tests.cdk.trial.test_bad_configurations import IMAGE, rules, scaled, sessions, synthesised, web
from tests.cdk.trial.test_second_trial import security_groups

from cachetwin_cdk import (
    Access,
    AccessString,
    AuthToken,
    CacheAlarms,
    CacheDashboard,
    CacheSnapshot,
    ControlPlaneEndpoint,
    Engine,
    EngineVersion,
    GlobalDatastore,
    IamUser,
    MemcachedCluster,
    NodeType,
    ParameterGroup,
    PasswordUser,
    ReplicationGroup,
    RestoreFrom,
    ServerlessCache,
    ServerlessEngine,
    SubnetGroup,
    UserGroup,
    ValidationError,
)
from cachetwin_cdk.patterns import ApiType, CachedWebApp, MessagingService, MessagingServices

OPEN = {"allow_anonymous": True, "handler": "index.handle"}
RULES = AccessString.application()
Kind = type[ReplicationGroup] | type[ServerlessCache] | type[MemcachedCluster]


def named_twice(kind: Kind, argument: str) -> Make:
    def make(site: Site) -> None:
        for construct_id, name in (("One", "orders"), ("Two", "Orders")):
            kind(site.stack, construct_id, vpc=site.vpc, **{argument: name})  # type: ignore[arg-type]  # of any argument

    return make


def two_users(site: Site) -> None:
    PasswordUser(site.stack, "One", access_string=RULES, user_id="ann")
    IamUser(site.stack, "Two", access_string=RULES, user_id="ann")


def two_groups(site: Site) -> None:
    UserGroup(site.stack, "One", user_group_id="staff")
    UserGroup(site.stack, "Two", user_group_id="Staff")


def two_snapshots(site: Site) -> None:
    cache = site.group()
    CacheSnapshot(site.stack, "One", cache=cache, snapshot_name="before")
    CacheSnapshot(site.stack, "Two", cache=cache, snapshot_name="before")


def endpoints(**second: bool) -> Make:
    def make(site: Site) -> None:
        ControlPlaneEndpoint(site.stack, "One", vpc=site.vpc)
        ControlPlaneEndpoint(site.stack, "Two", vpc=site.vpc, **second)  # type: ignore[arg-type]  # of any argument

    return make


def password(key: str | None = "password", **generated: object) -> Make:
    def make(site: Site) -> object:
        settings = secretsmanager.SecretStringGenerator(
            secret_string_template="{}" if key else None,
            generate_string_key=key,
            **generated,  # type: ignore[arg-type]  # of any argument
        )
        secret = secretsmanager.Secret(site.stack, "Own", generate_secret_string=settings)
        return PasswordUser(site.stack, "User", access_string=RULES, secrets=[secret])

    return make


def token(**generated: object) -> Make:
    def make(site: Site) -> object:
        settings = secretsmanager.SecretStringGenerator(**generated)  # type: ignore[arg-type]  # of any argument
        secret = secretsmanager.Secret(site.stack, "Own", generate_secret_string=settings)
        return site.group(access=Access.auth_token(AuthToken.from_secret(secret)))

    return make


def tracked(*metrics: str) -> Make:
    def make(site: Site) -> None:
        scaling = scaled(site).scale_shards(max_capacity=4)
        for number, metric in enumerate(metrics):
            getattr(scaling, f"scale_on_{metric}")(f"Policy{number}")

    return make


def scheduled(schedule: appscaling.Schedule) -> Make:
    return lambda s: scaled(s).scale_shards(max_capacity=4).scale_on_schedule("Noon", schedule=schedule, min_capacity=2)


def of_own_network(site: Site) -> object:
    vpc = site.ipv4_vpc()
    return site.group(vpc=vpc, vpc_subnets=ec2.SubnetSelection(subnets=vpc.isolated_subnets))


BAD: dict[str, tuple[Make, str]] = {
    "one id for two groups": (named_twice(ReplicationGroup, "replication_group_id"), "one replication group only"),
    "one name for two serverless caches": (named_twice(ServerlessCache, "serverless_cache_name"), "Shop/One has it"),
    "one name for two clusters": (named_twice(MemcachedCluster, "cluster_name"), "one cluster only"),
    "one name for two subnet groups": (
        lambda s: [SubnetGroup(s.stack, name, vpc=s.vpc, subnet_group_name="net") for name in ("One", "Two")],
        "one subnet group only",
    ),
    "one id for two users": (two_users, "one user only"),
    "one id for two user groups": (two_groups, "one user group only"),
    "one name for two snapshots": (two_snapshots, "one snapshot only"),
    "two endpoints with private DNS": (endpoints(), "share that endpoint"),
    "bucket of no name": (lambda s: s.group(restore=RestoreFrom.arns(["arn:aws:s3:::my backups/a.rdb"])), "RDB files"),
    "snapshot by its ARN": (lambda _s: RestoreFrom.snapshot("arn:aws:elasticache:eu-west-1:1:snapshot:a"), "its ARN"),
    "Memcached from an RDB file": (
        lambda s: s.serverless(
            engine=ServerlessEngine.MEMCACHED_1_6, restore=RestoreFrom.arns(["arn:aws:s3:::backups/a.rdb"])
        ),
        "reads no RDB files",
    ),
    "one metric tracked twice": (tracked("memory", "memory"), "be tracked by one policy"),
    "schedule in words": (scheduled(appscaling.Schedule.expression("every noon")), "at(...), rate(...) or cron(...)"),
    "family of another engine": (
        lambda s: ParameterGroup(s.stack, "P", engine_version=EngineVersion.VALKEY_8_1, family="redis7"),
        "valkey8",
    ),
    "password of 12 characters": (password(password_length=12, exclude_punctuation=True), "between 16 and 128"),
    "password of 200 characters": (password(password_length=200, exclude_punctuation=True), "between 16 and 128"),
    "secret without the field": (password(None, exclude_punctuation=True), "JSON field password"),
    "secret with another field": (password("secret", exclude_punctuation=True), "JSON field password"),
    "password with a slash": (password(), "characters that ElastiCache refuses"),
    "password with spaces": (password(exclude_punctuation=True, include_space=True), "characters that ElastiCache"),
    "token of 8 characters": (token(password_length=8, exclude_punctuation=True), "between 16 and 128"),
    "token with all punctuation": (token(), "exclude_punctuation=True"),
    "token in a field": (token(secret_string_template="{}", generate_string_key="token"), "be generated as one text"),
    "subnets of another network": (
        lambda s: s.group(vpc_subnets=ec2.SubnetSelection(subnets=s.ipv4_vpc().isolated_subnets)),
        "be in the VPC of the cache",
    ),
    "17 security groups": (lambda s: s.group(security_groups=security_groups(s, 17)), "be at most 16"),
    "security group by its name": (
        lambda s: s.serverless(security_groups=[ec2.SecurityGroup.from_security_group_id(s.stack, "G", "default")]),
        "have ids such as sg-",
    ),
    "alarms to a topic elsewhere": (
        lambda s: CacheAlarms(
            s.stack,
            "Alarms",
            cache=s.group(),
            topic=sns.Topic.from_topic_arn(s.stack, "T", "arn:aws:sns:us-east-1:111122223333:oncall"),
        ),
        "topic must be in region eu-west-1",
    ),
    "threshold of a metric left out": (
        lambda s: CacheAlarms(s.stack, "A", cache=s.group(), thresholds={"Evictions": 5}, without=["Evictions"]),
        "keep one of them",
    ),
    "dashboard with a space": (
        lambda s: CacheDashboard(s.stack, "D", caches=[s.group()], dashboard_name="my board"),
        "dashboard_name must hold letters",
    ),
    "global datastore that gets SSD": (
        lambda s: GlobalDatastore(s.stack, "G", primary=s.large(), node_type=NodeType.R6GD_XLARGE),
        "does not scale between them",
    ),
    "variable with a space": (web(environment={"a b": "x"}), "without space and ="),
    "variable without a name": (web(environment={"": "x"}), "name each variable"),
    "container user with a space": (web(container_user="a b"), "be a user or user:group"),
    "cluster of another network": (
        lambda s: CachedWebApp(
            s.stack,
            "Web",
            vpc=s.vpc,
            image=IMAGE,
            allow_plain_http=True,
            cluster=ecs.Cluster(s.stack, "Far", vpc=s.ipv4_vpc()),
        ),
        "cluster must be in the VPC",
    ),
    "two variables in one place": (
        sessions(api_type=ApiType.REST, routes=["GET /s/{a}", "GET /s/{b}/x"], **OPEN),
        "call that part of the path {a}",
    ),
    "replicas of a given cache": (
        lambda s: MessagingServices(
            s.stack,
            "M",
            vpc=s.vpc,
            cache=s.group(),
            cache_replicas=1,
            services={"worker": MessagingService(image=IMAGE, works_on="jobs")},
        ),
        "cache_replicas must be left out",
    ),
}
WARNED: dict[str, tuple[Make, str]] = {
    "half of all addresses": (
        lambda s: s.group().connections.allow_default_port_from(ec2.Peer.ipv4("128.0.0.0/1")),
        "cachetwin:open-to-any-address",
    ),
    "six security groups": (
        lambda s: s.serverless(security_groups=security_groups(s, 6)),
        "cachetwin:security-group-quota",
    ),
}


def one_id_in_two_stacks(site: Site) -> None:
    # Without an account they may be of two environments, and the subnet of one may be anywhere.
    app = cdk.Stage.of(site.stack)
    for name in ("Dev", "Prod"):
        IamUser(cdk.Stack(app, name), "User", access_string=RULES, user_id="ann")


RIGHT: dict[str, Make] = {
    "one id in two stacks": one_id_in_two_stacks,
    "a second endpoint without private DNS": endpoints(private_dns_enabled=False),
    "a second endpoint under FIPS": endpoints(fips=True),
    "a secret that suits": password(exclude_characters=',"/@', password_length=64),
    "a token that suits": token(exclude_punctuation=True, password_length=40),
    "an imported secret": lambda s: PasswordUser(
        s.stack,
        "User",
        access_string=RULES,
        secrets=[secretsmanager.Secret.from_secret_name_v2(s.stack, "Theirs", "orders/cache")],
    ),
    "rules on several lines": rules("on ~app:*\n  +@read\n  +@write"),
    "two metrics and a schedule": tracked("memory", "engine_cpu"),
    "subnets of its own network": of_own_network,
    "a whole private range": lambda s: s.group().connections.allow_default_port_from(ec2.Peer.ipv4("10.0.0.0/8")),
    "one variable by one name": sessions(
        api_type=ApiType.REST, routes=["GET /s/{id}", "PUT /s/{id}", "GET /s/{id}/items/{item}"], **OPEN
    ),
    "names of any kind": web(environment={"server.port": "80"}, container_user="app:app"),
    "a snapshot of Memcached": lambda s: s.serverless(
        engine=ServerlessEngine.of(Engine.MEMCACHED, "1.6"),
        restore=RestoreFrom.arns(["arn:aws:elasticache:eu-west-1:111122223333:serverlesscachesnapshot:pages"]),
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_went_through_is_refused(site: Site, name: str) -> None:
    make, message = BAD[name]
    with pytest.raises(ValidationError) as refused:
        make(site)
    assert message in str(refused.value)


@pytest.mark.parametrize("name", WARNED)
def test_the_unwise_is_warned_of(site: Site, name: str) -> None:
    make, warning = WARNED[name]
    make(site)
    assert any(warning in text for text in synthesised(site))


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_number_that_is_none_never_reaches_node(site: Site, number: float) -> None:
    with pytest.raises(TypeError, match="rate_limit must be a finite number"):
        sessions(rate_limit=number, **OPEN)(site)


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_right_passes_without_a_word(site: Site, name: str) -> None:
    RIGHT[name](site)
    assert synthesised(site) == []
