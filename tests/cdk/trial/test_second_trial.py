"""A second trial from outside: of 160 configurations these went through at first, and 20 that are right."""

import aws_cdk as cdk
import pytest
from aws_cdk import aws_applicationautoscaling as appscaling
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs
from tests.cdk.service_rules.site import Make, Site
from tests.cdk.trial.test_bad_configurations import IMAGE, parameters, rules, scaled, sessions, synthesised, web

from cachetwin_cdk import (
    Access,
    AccessString,
    Compliance,
    ControlPlaneEndpoint,
    Durability,
    EngineVersion,
    LogDelivery,
    Logging,
    LogType,
    Maintenance,
    MaintenanceWindow,
    NodeType,
    PasswordUser,
    ProductionChecks,
    ReplicaScaling,
    RestoreFrom,
    Shard,
    ShardScaling,
    SubnetGroup,
    Topology,
    UserGroup,
    ValidationError,
)
from cachetwin_cdk.patterns import ApiType, CachedWebApp, MessagingService, SessionApi

CERTIFICATE = "arn:aws:acm:{}:111122223333:certificate/0123"
OPEN = {"allow_anonymous": True}


def security_groups(site: Site, count: int) -> list[ec2.ISecurityGroup]:
    return [
        ec2.SecurityGroup.from_security_group_id(site.stack, f"Group{number}", f"sg-{number:017}")
        for number in range(count)
    ]


def certificate(site: Site, region: str) -> acm.ICertificate:
    return acm.Certificate.from_certificate_arn(site.stack, "Certificate", CERTIFICATE.format(region))


def a_user_of_another_region(site: Site) -> object:
    environment = cdk.Environment(account="111122223333", region="us-east-1")
    far = cdk.Stack(cdk.App(analytics_reporting=False), "Far", env=environment)
    user = PasswordUser(far, "User", access_string=AccessString.application())
    return site.group(access=Access.users(user))


def one_secret_twice(site: Site) -> object:
    (secret,) = site.secrets(1)
    return PasswordUser(site.stack, "U", access_string=AccessString.application(), secrets=[secret, secret])


def two_scalings(site: Site) -> None:
    cache = scaled(site)
    ShardScaling(site.stack, "One", cache=cache, max_capacity=3)
    ShardScaling(site.stack, "Two", cache=cache, max_capacity=4)


def two_scalings_of_replicas(site: Site) -> None:
    cache = scaled(site)
    ReplicaScaling(site.stack, "One", cache=cache)
    cache.scale_replicas()


def two_scalings_of_nodes(site: Site) -> None:
    cluster = site.memcached()
    cluster.scale_nodes("One", max_capacity=3)
    cluster.scale_nodes("Two", max_capacity=4)


BAD: dict[str, tuple[Make, str]] = {
    "more replicas to write than there are": (
        parameters({"min-replicas-to-write": "3"}),
        "be at most the number of replicas, 1",
    ),
    "more replicas than the smallest shard has": (
        lambda s: s.large(
            topology=Topology.placed([Shard(replicas=1), Shard(replicas=3)]), parameters={"min-replicas-to-write": "2"}
        ),
        "be at most the number of replicas, 1",
    ),
    "renamed command that does not exist": (
        parameters({"rename-commands": "nosuch blocked"}, EngineVersion.REDIS_7_1),
        "name commands that Redis has",
    ),
    "one security group twice": (
        lambda s: s.group(security_groups=security_groups(s, 1) * 2),
        "name each group once",
    ),
    "the service's own subnet group": (
        lambda s: SubnetGroup(s.stack, "S", vpc=s.vpc, subnet_group_name="Default"),
        "not be default",
    ),
    "one secret as both passwords": (one_secret_twice, "be two different ones"),
    "on within a selector": (rules("on ~* +get (on ~b +set)"), "within a selector"),
    "password within a selector": (rules("on ~* +get (>secret ~b +set)"), "within a selector"),
    "log group of another account": (
        lambda s: s.group(
            logging=Logging.to(
                LogDelivery.to_log_group(
                    LogType.SLOW,
                    logs.LogGroup.from_log_group_arn(
                        s.stack, "L", "arn:aws:logs:eu-west-1:444455556666:log-group:slow"
                    ),
                )
            )
        ),
        "be in account 111122223333",
    ),
    "serverless snapshot of another region": (
        lambda s: s.serverless(
            restore=RestoreFrom.arns(["arn:aws:elasticache:us-east-1:111122223333:serverlesscachesnapshot:orders"])
        ),
        "be in region eu-west-1",
    ),
    "user of another region": (a_user_of_another_region, "users must be in region eu-west-1"),
    "shards scaled twice": (two_scalings, "scale once in each dimension"),
    "replicas scaled twice": (two_scalings_of_replicas, "scale once in each dimension"),
    "nodes scaled twice": (two_scalings_of_nodes, "scale once in each dimension"),
    "certificate of another region": (
        lambda s: CachedWebApp(s.stack, "W", vpc=s.vpc, image=IMAGE, certificate=certificate(s, "us-east-1")),
        "certificate must be in region eu-west-1",
    ),
    "no word of a command": (web(command=[]), "command must have a word"),
    "no word of a migration": (web(migrate_command=[]), "migrate_command must have a word"),
    "no word of a service's command": (
        lambda _s: MessagingService(image=IMAGE, publishes=["a"], command=[]).validate(),
        "command must have a word",
    ),
    "relative path": (web(database_ca_path="rds.pem"), "begin with a slash"),
    "path with a query": (sessions(routes=["GET /s?x=1"], **OPEN), "written as a method and a path"),
    "unclosed variable": (sessions(routes=["GET /s/{id"], **OPEN), "written as a method and a path"),
    "negative reserve": (sessions(reserved_concurrent_executions=-1, **OPEN), "be at least 0"),
    "handler without a module": (sessions(handler="handler", **OPEN), "module.function"),
    "environment of 5,000 bytes": (sessions(environment={"BIG": "x" * 5000}, **OPEN), "hold at most 4096 bytes"),
    "two endpoints in one zone": (
        lambda s: ControlPlaneEndpoint(
            s.stack,
            "Api",
            vpc=s.vpc,
            vpc_subnets=ec2.SubnetSelection(subnets=[s.vpc.isolated_subnets[0], s.vpc.private_subnets[0]]),
        ),
        "be one in each availability zone",
    ),
}


def in_production(site: Site) -> None:
    site.group(topology=Topology.replicated(2))
    for name in ("Environment", "Owner", "Application"):
        cdk.Tags.of(site.stack).add(name, "orders")
    ProductionChecks.add_to(site.stack)


def scaled_both_ways(site: Site) -> None:
    cache = scaled(site)
    noon = appscaling.Schedule.cron(hour="12", minute="0")
    shards = cache.scale_shards(max_capacity=3)
    shards.scale_on_schedule("Noon", schedule=noon, min_capacity=2, time_zone=cdk.TimeZone.EUROPE_BERLIN)
    cache.scale_replicas().scale_on_engine_cpu("Cpu")


def api(**props: object) -> Make:
    def make(site: Site) -> object:
        arguments: dict[str, object] = {"handler": "index.handle", **props}
        code = cdk.aws_lambda.Code.from_inline("x")
        return SessionApi(site.stack, "Sessions", vpc=site.vpc, code=code, **arguments)  # type: ignore[arg-type]  # of any argument

    return make


def allowed(*rule: str, category: str | None = None) -> Make:
    text = AccessString.on().keys("j:*").commands(*rule)
    text = text.categories(category) if category is not None else text
    return lambda s: s.group(access=Access.users(PasswordUser(s.stack, "J", access_string=text)))


def durable(name: str) -> Make:
    return lambda s: s.group(
        node_type=NodeType.of(name),
        engine_version=EngineVersion.VALKEY_9_0,
        topology=Topology.cluster(2),
        durability=Durability.ASYNC,
    )


RIGHT: dict[str, Make] = {
    "the largest node": lambda s: s.group(node_type=NodeType.of("cache.r7g.16xlarge")),
    "search": lambda s: s.large(
        engine_version=EngineVersion.VALKEY_8_2, parameters={"search-default-timeout-ms": "5000"}
    ),
    "a user of JSON": allowed("json.get", "json.set"),
    "a user of Bloom filters": allowed("get", category="bloom"),
    "a replica to write": parameters({"min-replicas-to-write": "1"}),
    "five security groups": lambda s: s.group(security_groups=security_groups(s, 5)),
    "durability on M8g": durable("cache.m8g.large"),
    "durability on C7gn": durable("cache.c7gn.large"),
    "nodes of Memcached that scale": lambda s: (
        s.memcached().scale_nodes(min_capacity=2, max_capacity=10).scale_on_cpu("Cpu")
    ),
    "shards and replicas that scale": scaled_both_ways,
    "a cache in production": in_production,
    "a web app on a serverless cache": web(serverless_cache=True),
    "a web app on Memcached": web(memcached_nodes=2),
    "a web app with a certificate": lambda s: CachedWebApp(
        s.stack, "W", vpc=s.vpc, image=IMAGE, certificate=certificate(s, "eu-west-1")
    ),
    "a REST API with a variable": api(api_type=ApiType.REST, routes=["GET /s/{id}"]),
    "a route for all paths": api(routes=["ANY /{proxy+}", "GET /", "GET /a.b/c-d"]),
    "regulated and serverless": lambda s: s.serverless(compliance=Compliance.REGULATED),
    "a group id in capitals": lambda s: UserGroup(s.stack, "U", users=[s.user()], user_group_id="Orders-Users"),
    "Memcached with a window": lambda s: s.memcached(
        maintenance=Maintenance(window=MaintenanceWindow.of("mon:03:00-mon:04:00"))
    ),
    "zones that are tokens": lambda s: s.group(
        topology=Topology.replicated(availability_zones=[cdk.Fn.select(n, cdk.Fn.get_azs()) for n in range(2)])
    ),
    "a parameter that is a token": parameters({"maxmemory-policy": cdk.Fn.import_value("Policy")}),
    "databases of a user": rules("on ~* &* +@all db=0,1", EngineVersion.VALKEY_9_1),
}


@pytest.mark.parametrize("name", BAD)
def test_what_went_through_is_refused(site: Site, name: str) -> None:
    make, message = BAD[name]
    with pytest.raises(ValidationError) as refused:
        make(site)
    assert message in str(refused.value)


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_right_passes_without_a_word(site: Site, name: str) -> None:
    RIGHT[name](site)
    assert synthesised(site) == []
