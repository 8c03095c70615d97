"""A fourth trial from outside: of 160 configurations these went through at first, and some near them that are right."""

import aws_cdk as cdk
import pytest
from aws_cdk import aws_apigateway as rest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from tests.cdk.service_rules.site import PUBLIC, Make, Site
from tests.cdk.trial.test_bad_configurations import IMAGE, sessions, synthesised, web

from cachetwin_cdk import (
    Access,
    AccessString,
    CacheAlarms,
    ControlPlaneEndpoint,
    Engine,
    Failover,
    GlobalDatastore,
    MemcachedCluster,
    ParameterGroup,
    PasswordUser,
    ReplicationGroup,
    RestoreFrom,
    SecondaryReplicationGroup,
    ServerlessCache,
    SnapshotWindow,
    SubnetGroup,
    User,
    UserGroup,
    UserPasswordRotation,
    ValidationError,
)
from cachetwin_cdk.patterns import ApiType, MessagingService, MessagingServices, SessionApi

HOST = "orders.abc123.euw1.cache.amazonaws.com"
FAR_KEY = "arn:aws:kms:us-east-1:111122223333:key/1234abcd"


def other_vpc(site: Site) -> ec2.IVpc:
    return ec2.Vpc.from_vpc_attributes(
        site.stack,
        "Other",
        vpc_id="vpc-0fedcba9876543210",
        availability_zones=["eu-west-1a", "eu-west-1b"],
        isolated_subnet_ids=["subnet-0fedcba9876543210", "subnet-0fedcba9876543211"],
        isolated_subnet_route_table_ids=["rtb-0fedcba9876543210", "rtb-0fedcba9876543211"],
        private_subnet_ids=["subnet-0fedcba9876543212", "subnet-0fedcba9876543213"],
        private_subnet_route_table_ids=["rtb-0fedcba9876543212", "rtb-0fedcba9876543213"],
    )


def imported(**attributes: object) -> Make:
    arguments: dict[str, object] = {"replication_group_id": "orders", **attributes}
    return lambda s: ReplicationGroup.from_replication_group_attributes(
        s.stack,
        "Theirs",
        **arguments,  # type: ignore[arg-type]  # of any argument
    )


def imported_serverless(**attributes: object) -> Make:
    arguments: dict[str, object] = {"serverless_cache_name": "pages", **attributes}
    return lambda s: ServerlessCache.from_serverless_cache_attributes(
        s.stack,
        "Theirs",
        **arguments,  # type: ignore[arg-type]  # of any argument
    )


def imported_memcached(**attributes: object) -> Make:
    arguments: dict[str, object] = {"cluster_name": "pages", **attributes}
    return lambda s: MemcachedCluster.from_cluster_attributes(
        s.stack,
        "Theirs",
        **arguments,  # type: ignore[arg-type]  # of any argument
    )


def rotated(make: Make | None = None, argument: str = "", **more: object) -> Make:
    def rotate(site: Site) -> object:
        arguments = {**more, **({argument: make(site)} if make is not None else {})}
        return UserPasswordRotation(site.stack, "Rotation", user=site.user(), **arguments)  # type: ignore[arg-type]  # of any argument

    return rotate


def one_secret_of_two_users(site: Site) -> None:
    settings = secretsmanager.SecretStringGenerator(
        secret_string_template="{}", generate_string_key="password", exclude_punctuation=True
    )
    secret = secretsmanager.Secret(site.stack, "Own", generate_secret_string=settings)
    for name in ("ann", "bob"):
        rules = AccessString.application()
        user = PasswordUser(site.stack, name, user_name=name, access_string=rules, secrets=[secret])
        UserPasswordRotation(site.stack, f"Rotation-{name}", user=user)


def function(site: Site, vpc: ec2.IVpc) -> lambda_.Function:
    runtime = lambda_.Runtime.PYTHON_3_13
    code = lambda_.Code.from_inline("x")
    return lambda_.Function(site.stack, "Theirs", code=code, handler="index.handle", runtime=runtime, vpc=vpc)


def sessions_of(site: Site, vpc: ec2.IVpc, **props: object) -> SessionApi:
    return SessionApi(site.stack, "App", vpc=site.vpc, function=function(site, vpc), **props)  # type: ignore[arg-type]  # of any argument


def messages(**props: object) -> Make:
    services = {"worker": MessagingService(image=IMAGE, works_on="jobs")}
    arguments: dict[str, object] = {"services": services, **props}
    return lambda s: MessagingServices(s.stack, "App", vpc=s.vpc, **arguments)  # type: ignore[arg-type]  # of any argument


def alarmed(site: Site, key: kms.IKey) -> CacheAlarms:
    topic = sns.Topic(site.stack, "Topic", master_key=key)
    return CacheAlarms(site.stack, "Alarms", cache=site.group(), topic=topic)


def without_names(site: Site) -> ec2.Vpc:
    private = ec2.SubnetConfiguration(name="Data", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
    return ec2.Vpc(
        site.stack, "Quiet", max_azs=2, nat_gateways=0, enable_dns_hostnames=False, subnet_configuration=[private]
    )


BAD: dict[str, tuple[Make, str]] = {
    "connections of a public cache": (lambda s: s.serverless(**PUBLIC).connections, "be asked of a cache in a VPC"),
    "a public cache in a network": (
        lambda s: SessionApi(
            s.stack, "App", code=lambda_.Code.from_inline("x"), vpc=s.vpc, cache=s.serverless(**PUBLIC)
        ),
        "cache must be in a VPC",
    ),
    "a web app that cannot log in": (web(cache_access=AccessString.off()), "cache_access must be of a user that is on"),
    "an API that cannot log in": (sessions(cache_access=AccessString.off()), "cache_access must be of a user"),
    "a service that cannot log in": (
        messages(services={"api": MessagingService(image=IMAGE, access=AccessString.off())}),
        "access must be of a user that is on",
    ),
    "credentials for any origin": (
        sessions(api_type=ApiType.REST, cors_preflight=rest.CorsOptions(allow_origins=["*"], allow_credentials=True)),
        "name origins where it allows credentials",
    ),
    "a runtime of the past": (sessions(runtime=lambda_.Runtime.PYTHON_3_7), "runtime must be one that Lambda still"),
    "a handler that inline code has not": (sessions(handler="app.handle"), "begin with index. for inline code"),
    "one and a half seconds": (sessions(timeout=cdk.Duration.millis(1500)), "be a whole number of seconds"),
    "a function of another network": (lambda s: sessions_of(s, other_vpc(s)), "function must be in the VPC"),
    "a runtime for a function that exists": (
        lambda s: sessions_of(s, s.vpc, runtime=lambda_.Runtime.PYTHON_3_12),
        "runtime must be left out with an existing function",
    ),
    "a topic of another region": (
        lambda s: messages(
            alarm_topic=sns.Topic.from_topic_arn(s.stack, "Far", "arn:aws:sns:us-east-1:111122223333:oncall")
        )(s),
        "alarm_topic must be in region eu-west-1",
    ),
    "a topic with the key of AWS": (
        lambda s: alarmed(s, kms.Alias.from_alias_name(s.stack, "Key", "alias/aws/sns")),
        "which alarms may not use",
    ),
    "a global datastore far from its primary": (
        lambda s: GlobalDatastore(
            cdk.Stack(s.stack.node.root, "Far", env=cdk.Environment(account="111122223333", region="us-east-1")),  # type: ignore[arg-type]  # the app
            "Global",
            primary=s.large(),
        ),
        "primary must be in region us-east-1",
    ),
    "a secondary without the replica that takes over": (
        lambda s: SecondaryReplicationGroup(
            cdk.Stack(s.stack.node.root, "Far", env=cdk.Environment(account="111122223333", region="us-east-1")),  # type: ignore[arg-type]  # the app
            "Second",
            global_datastore=GlobalDatastore(s.stack, "Global", primary=s.large()),
            vpc=s.vpc,
            replicas=0,
            failover=Failover.MANUAL,
        ),
        "replicas must be at least 1, as the failover of the primary is multi-az",
    ),
    "subnets of a function without network": (
        rotated(vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)),
        "vpc_subnets must be left out without vpc",
    ),
    "an endpoint without network": (
        rotated(lambda s: ControlPlaneEndpoint(s.stack, "Api", vpc=s.vpc), "control_plane"),
        "control_plane must be left out without vpc",
    ),
    "an endpoint of another network": (
        lambda s: rotated(vpc=s.vpc, control_plane=ControlPlaneEndpoint(s.stack, "Api", vpc=other_vpc(s)))(s),
        "control_plane must be in the VPC",
    ),
    "a function in public subnets": (
        lambda s: rotated(vpc=s.vpc, vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC))(s),
        "vpc_subnets must not be public for a function",
    ),
    "one secret of two users": (one_secret_of_two_users, "secret must be rotated once"),
    "a log key of another region": (
        rotated(lambda s: kms.Key.from_key_arn(s.stack, "Far", FAR_KEY), "encryption_key"),
        "encryption_key must be in region eu-west-1",
    ),
    "an ARN as id": (
        imported(replication_group_id="arn:aws:elasticache:eu-west-1:111122223333:replicationgroup:orders"),
        "be an id of letters, digits and hyphens",
    ),
    "an endpoint with its port": (imported(primary_endpoint_address=f"{HOST}:6379"), "be a host name alone"),
    "an endpoint as URL": (imported(reader_endpoint_address=f"rediss://{HOST}"), "be a host name alone"),
    "port 0 of theirs": (imported(port=0), "port must be between 1 and 65535"),
    "a security group of theirs by name": (
        lambda s: imported(security_groups=[ec2.SecurityGroup.from_security_group_id(s.stack, "G", "default")])(s),
        "have ids such as sg-",
    ),
    "a name that no serverless cache has": (imported_serverless(serverless_cache_name="my pages"), "be an id"),
    "a serverless endpoint with its port": (imported_serverless(endpoint_address=f"{HOST}:6379"), "host name alone"),
    "users of a Memcached of theirs": (
        lambda s: imported_serverless(engine=Engine.MEMCACHED, user_group=s.users(s.user()))(s),
        "user_group must be left out for Memcached",
    ),
    "a cluster name with a space": (imported_memcached(cluster_name="my pages"), "be an id of letters"),
    "a Memcached endpoint with its port": (
        imported_memcached(configuration_endpoint_address=f"pages.cfg.{HOST}:11211"),
        "be a host name alone",
    ),
    "a group id with an underscore": (
        lambda s: UserGroup.from_user_group_id(s.stack, "Theirs", "my_users"),
        "user_group_id must be an id",
    ),
    "Valkey users of a Redis group": (
        lambda s: UserGroup.from_user_group_id(s.stack, "Theirs", "staff", engine=Engine.REDIS, users=[s.user()]),
        "be Redis users in a Redis group",
    ),
    "a user id with a space": (
        lambda s: User.from_user_attributes(s.stack, "Theirs", user_id="a b"),
        "user_id must be an id",
    ),
    "a user of Memcached": (
        lambda s: User.from_user_attributes(s.stack, "Theirs", user_id="ann", engine=Engine.MEMCACHED),
        "engine must be valkey or redis",
    ),
    "a subnet group by its ARN": (
        lambda s: SubnetGroup.from_subnet_group_name(
            s.stack, "Theirs", "arn:aws:elasticache:eu-west-1:1:subnetgroup:a"
        ),
        "hold 1 to 255 letters",
    ),
    "a parameter group by its ARN": (
        lambda s: ParameterGroup.from_parameter_group_name(s.stack, "Theirs", "arn:aws:elasticache:::parametergroup:a"),
        "be a name of letters, digits, dots and hyphens",
    ),
    "a global datastore of no id": (
        lambda s: GlobalDatastore.from_global_replication_group_attributes(
            s.stack, "Theirs", global_replication_group_id=""
        ),
        "be an id of letters",
    ),
    "a description of 256 characters": (lambda s: s.group(description="d" * 256), "at most 255 characters"),
    "a final snapshot of 256 characters": (
        lambda s: s.serverless(final_snapshot_name="a" * 256),
        "at most 255 letters",
    ),
    "an endpoint in a network without names": (
        lambda s: ControlPlaneEndpoint(s.stack, "Api", vpc=without_names(s)),
        "private_dns_enabled must be False in a VPC without DNS",
    ),
    "a key with a zero byte": (lambda _s: AccessString.on().keys("a\0b"), "be of printable characters"),
    "a parameter above 64 bits": (
        lambda s: s.group(parameters={"client-output-buffer-limit-normal-soft-seconds": str(2**63)}),
        "and 9223372036854775807, got",
    ),
    "a window in other digits": (lambda _s: SnapshotWindow.of("0\u0663:00-04:00"), "be written hh:mm-hh:mm"),
}


WARNED: dict[str, tuple[Make, str]] = {
    "users who are all off": (
        lambda s: s.group(access=Access.users(s.ruled("off ~* +@all"))),
        "cachetwin:user-off",
    ),
}
RIGHT: dict[str, Make] = {
    "a bucket with an underscore": lambda s: s.group(
        restore=RestoreFrom.arns(["arn:aws:s3:::my_bucket/snapshot1.rdb"])
    ),
    "a rotation within the network": lambda s: s.group().add_rotation(vpc=s.vpc),
    "a function with all outbound traffic": lambda s: sessions_of(s, s.vpc),
    "inline code without a handler": sessions(),
    "a topic with a key of one's own": lambda s: alarmed(s, s.key()),
    "an imported cache": imported(
        replication_group_id="Orders-1", primary_endpoint_address=HOST, reader_endpoint_address=f"replica.{HOST}"
    ),
    "a default parameter group": lambda s: ParameterGroup.from_parameter_group_name(
        s.stack, "Theirs", "default.redis6.x.cluster.on"
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


@pytest.mark.parametrize("threshold", [float("nan"), "5", True])
def test_a_threshold_that_is_no_number_never_reaches_node(site: Site, threshold: float) -> None:
    with pytest.raises(TypeError, match="must be a finite number"):
        CacheAlarms(site.stack, "Alarms", cache=site.group(), thresholds={"Evictions": threshold})


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_right_passes_without_a_word(site: Site, name: str) -> None:
    RIGHT[name](site)
    assert synthesised(site) == []


def test_a_snapshot_may_have_a_long_name(site: Site) -> None:
    name = "orders-before-the-upgrade-of-november-2026-to-valkey-9"
    assert site.group().add_snapshot("Before", snapshot_name=name).snapshot_name == name
