"""The web application pattern: the paths it opens, what it tells the service, what it refuses."""

import json
from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk.assertions import Match, Template

from cachetwin_cdk import (
    AccessString,
    MemcachedCluster,
    NodeType,
    ReplicationGroup,
    ServerlessCache,
    UsageLimits,
    ValidationError,
)
from cachetwin_cdk.patterns import CachedWebApp, ExistingDatabase

Properties = Callable[[str], dict[str, Any]]
Warnings = Callable[[], list[str]]


@pytest.fixture
def image() -> ecs.ContainerImage:
    return ecs.ContainerImage.from_registry("public.ecr.aws/docker/library/python:3.13")


@pytest.fixture
def web(stack: cdk.Stack, image: ecs.ContainerImage) -> CachedWebApp:
    return CachedWebApp(stack, "Web", image=image, allow_plain_http=True)


def _container(stack: cdk.Stack) -> dict[str, Any]:
    (task,) = Template.from_stack(stack).find_resources("AWS::ECS::TaskDefinition").values()
    (container,) = task["Properties"]["ContainerDefinitions"]
    assert isinstance(container, dict)
    return container


def _paths(stack: cdk.Stack) -> set[tuple[str, str, str]]:
    """Every path that security groups open both ways, as (from, to, port)."""
    template = Template.from_stack(stack).to_json()
    groups = {
        name: resource["Properties"]["GroupDescription"].split()[-1].rsplit("/", 1)[-1]
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::EC2::SecurityGroup"
    }

    def named(reference: dict[str, list[str]]) -> str:
        return str(groups[reference["Fn::GetAtt"][0]])

    rules: dict[str, set[tuple[str, str, str]]] = {"Ingress": set(), "Egress": set()}
    for resource in template["Resources"].values():
        rule = resource.get("Properties", {})
        if resource["Type"] == "AWS::EC2::SecurityGroupIngress":
            path = (named(rule["SourceSecurityGroupId"]), named(rule["GroupId"]))
            rules["Ingress"].add((*path, str(rule["FromPort"])))
        if resource["Type"] == "AWS::EC2::SecurityGroupEgress":
            path = (named(rule["GroupId"]), named(rule["DestinationSecurityGroupId"]))
            rules["Egress"].add((*path, str(rule["FromPort"])))
    assert rules["Ingress"] == rules["Egress"]
    return rules["Ingress"]


def test_exactly_three_paths_are_open(stack: cdk.Stack, web: CachedWebApp) -> None:
    assert web.database.connection_port is not None
    assert _paths(stack) == {("Front", "Web", "8080"), ("Web", "Cache", "6379"), ("Web", "Database", "5432")}


def test_only_the_load_balancer_is_open_to_the_world(stack: cdk.Stack, web: CachedWebApp) -> None:
    groups = Template.from_stack(stack).find_resources("AWS::EC2::SecurityGroup")
    world = {
        group["Properties"]["GroupDescription"]: [
            rule["FromPort"] for rule in group["Properties"]["SecurityGroupIngress"]
        ]
        for group in groups.values()
        if "SecurityGroupIngress" in group["Properties"]
    }
    assert world == {"Who may call Shop/Web/Front": [80]}
    assert stack.resolve(web.url) == {
        "Fn::Join": ["", ["http://", stack.resolve(web.front.load_balancer.load_balancer_dns_name)]]
    }


def test_the_service_is_told_where_its_stores_are(stack: cdk.Stack, web: CachedWebApp) -> None:
    environment = {entry["Name"]: entry["Value"] for entry in _container(stack)["Environment"]}
    assert isinstance(web.cache, ReplicationGroup)
    primary, reader = web.cache.primary_endpoint, web.cache.reader_endpoint
    assert environment == stack.resolve(
        {
            "PORT": "8080",
            "CACHE_HOST": primary.hostname,
            "CACHE_PORT": primary.port_text,
            "CACHE_READER_HOST": reader.hostname,
            "CACHE_READER_PORT": reader.port_text,
            "CACHE_TLS": "true",
            "CACHE_USER": web.cache_user.user_name,
            "CACHE_TTL_SECONDS": "60",
            "DB_HOST": web.database.host,
            "DB_PORT": web.database.port_text,
            "DB_NAME": "app",
            "DB_SSLMODE": "verify-full",
            "PGSSLROOTCERT": "/etc/ssl/rds/global-bundle.pem",
        }
    )


def test_passwords_reach_the_service_as_secrets(stack: cdk.Stack, web: CachedWebApp) -> None:
    secrets = {entry["Name"]: entry["ValueFrom"]["Fn::Join"][1] for entry in _container(stack)["Secrets"]}
    assert secrets == {
        "CACHE_PASSWORD": [stack.resolve(web.cache_user.secret.secret_arn), ":password::"],
        "DB_USER": [stack.resolve(web.database.secret.secret_arn), ":username::"],
        "DB_PASSWORD": [stack.resolve(web.database.secret.secret_arn), ":password::"],
    }


def test_the_cache_user_may_do_what_cache_aside_needs_and_no_more(stack: cdk.Stack, web: CachedWebApp) -> None:
    assert str(web.cache_user.access_string) == (
        "on ~app:* resetchannels -@all +get +mget +set +del +unlink +exists +ttl +watch +unwatch +multi +exec "
        "+ping +client|setinfo +client|setname"
    )
    Template.from_stack(stack).resource_count_is("AWS::ElastiCache::User", 1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Engine", "postgres"),
        ("EngineVersion", "18"),
        ("StorageEncrypted", True),
        ("PubliclyAccessible", False),
        ("MultiAZ", True),
        ("DeletionProtection", True),
        ("BackupRetentionPeriod", 7),
        ("AutoMinorVersionUpgrade", True),
        ("CopyTagsToSnapshot", True),
        ("DBInstanceClass", "db.t4g.small"),
        ("EnableCloudwatchLogsExports", ["postgresql"]),
    ],
)
@pytest.mark.usefixtures("web")
def test_the_database_is_safe(properties: Properties, name: str, value: object) -> None:
    assert properties("AWS::RDS::DBInstance")[name] == value


@pytest.mark.usefixtures("web")
def test_the_database_refuses_connections_without_tls(properties: Properties) -> None:
    assert properties("AWS::RDS::DBParameterGroup")["Parameters"] == {"rds.force_ssl": "1"}


@pytest.mark.usefixtures("web")
def test_the_database_s_password_is_generated(stack: cdk.Stack, properties: Properties) -> None:
    assert "{{resolve:secretsmanager:" in str(properties("AWS::RDS::DBInstance")["MasterUserPassword"])
    Template.from_stack(stack).has_resource_properties(
        "AWS::SecretsManager::Secret",
        {"GenerateSecretString": {"SecretStringTemplate": '{"username":"app"}', "GenerateStringKey": "password"}},
    )


def test_data_lives_in_isolated_subnets_and_the_service_in_private_ones(
    stack: cdk.Stack, web: CachedWebApp, properties: Properties
) -> None:
    isolated = [stack.resolve(subnet.subnet_id) for subnet in web.vpc.isolated_subnets]
    private = [stack.resolve(subnet.subnet_id) for subnet in web.vpc.private_subnets]
    assert len(isolated) == len(private) == 2
    assert properties("AWS::ElastiCache::SubnetGroup")["SubnetIds"] == isolated
    assert properties("AWS::RDS::DBSubnetGroup")["SubnetIds"] == isolated
    network = properties("AWS::ECS::Service")["NetworkConfiguration"]["AwsvpcConfiguration"]
    assert (network["Subnets"], network["AssignPublicIp"]) == (private, "DISABLED")


@pytest.mark.usefixtures("web")
def test_every_log_group_is_encrypted_and_bound(stack: cdk.Stack) -> None:
    template = Template.from_stack(stack)
    template.resource_count_is("AWS::Logs::LogGroup", 4)  # network flows, slow log, engine log, service
    template.all_resources_properties(
        "AWS::Logs::LogGroup", {"RetentionInDays": 30, "KmsKeyId": {"Fn::GetAtt": Match.any_value()}}
    )
    template.resource_count_is("AWS::KMS::Key", 1)


@pytest.mark.usefixtures("web")
def test_the_container_cannot_write_to_its_image(stack: cdk.Stack) -> None:
    assert _container(stack)["ReadonlyRootFilesystem"] is True


@pytest.mark.usefixtures("web")
def test_the_load_balancer_asks_for_health_and_writes_access_logs(stack: cdk.Stack, properties: Properties) -> None:
    assert properties("AWS::ElasticLoadBalancingV2::TargetGroup")["HealthCheckPath"] == "/healthz"
    attributes = {
        entry["Key"]: entry["Value"]
        for entry in properties("AWS::ElasticLoadBalancingV2::LoadBalancer")["LoadBalancerAttributes"]
    }
    assert attributes["access_logs.s3.enabled"] == "true"
    assert attributes["routing.http.drop_invalid_header_fields.enabled"] == "true"
    Template.from_stack(stack).has_resource_properties(
        "AWS::S3::BucketPolicy",
        {
            "PolicyDocument": {
                "Statement": Match.array_with(
                    [
                        Match.object_like(
                            {
                                "Action": "s3:PutObject",
                                "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
                            }
                        )
                    ]
                )
            }
        },
    )


@pytest.mark.usefixtures("web")
def test_nothing_is_warned_of(warnings: Warnings) -> None:
    assert warnings() == []


def test_with_a_certificate_it_serves_https_only(
    stack: cdk.Stack, image: ecs.ContainerImage, properties: Properties
) -> None:
    arn = "arn:aws:acm:eu-west-1:111122223333:certificate/abc"
    certificate = acm.Certificate.from_certificate_arn(stack, "Certificate", arn)
    web = CachedWebApp(stack, "Web", image=image, certificate=certificate)
    listener = properties("AWS::ElasticLoadBalancingV2::Listener")
    assert (listener["Port"], listener["Protocol"]) == (443, "HTTPS")
    assert listener["Certificates"] == [{"CertificateArn": arn}]
    assert listener["SslPolicy"].startswith("ELBSecurityPolicy-TLS13-1-2-Res")
    assert str(stack.resolve(web.url)).startswith("{'Fn::Join': ['', ['https://'")


def test_plain_http_has_to_be_asked_for_by_name(stack: cdk.Stack, image: ecs.ContainerImage) -> None:
    with pytest.raises(ValidationError, match="certificate must be given for HTTPS, got None; pass one, or set"):
        CachedWebApp(stack, "Web", image=image)


def test_plain_http_beside_a_certificate_is_refused(stack: cdk.Stack, image: ecs.ContainerImage) -> None:
    certificate = acm.Certificate.from_certificate_arn(
        stack, "Certificate", "arn:aws:acm:eu-west-1:111122223333:certificate/abc"
    )
    with pytest.raises(ValidationError, match="allow_plain_http must be False with a certificate"):
        CachedWebApp(stack, "Web", image=image, certificate=certificate, allow_plain_http=True)


@pytest.mark.parametrize(
    ("props", "message"),
    [
        ({"container_port": 0}, "container_port must be between 1 and 65535, got 0"),
        ({"desired_count": -1}, "desired_count must be between 0 and 5000, got -1"),
        ({"health_check_path": "healthz"}, "health_check_path must start with a slash, got 'healthz'"),
        ({"cache_key_prefix": "app:*"}, "cache_key_prefix must be literal text, got 'app:\\*'"),
        ({"cache_replicas": 6}, "replicas must be between 0 and 5, got 6"),
        ({"backup_retention_days": 36}, "backup_retention_days must be between 0 and 35 days, got 36"),
        ({"cache_ttl": cdk.Duration.millis(500)}, "cache_ttl must be at least 1 second, got 0.5"),
        ({"environment": {"CACHE_HOST": "x"}}, "environment must not set what the pattern sets, got 'CACHE_HOST'"),
        ({"database_name": "1st"}, "database_name must start with a letter"),
    ],
)
def test_what_cannot_work_is_refused(
    stack: cdk.Stack, image: ecs.ContainerImage, props: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        CachedWebApp(stack, "Web", image=image, allow_plain_http=True, **props)


def test_everything_can_be_set(
    stack: cdk.Stack, vpc: ec2.IVpc, image: ecs.ContainerImage, properties: Properties
) -> None:
    CachedWebApp(
        stack,
        "Web",
        image=image,
        command=["python", "-m", "shop"],
        container_port=9000,
        environment={"LOG_LEVEL": "debug"},
        health_check_path="/up",
        allow_plain_http=True,
        vpc=vpc,
        desired_count=1,
        cpu=512,
        memory_limit_mib=1024,
        runtime_platform=ecs.RuntimePlatform(cpu_architecture=ecs.CpuArchitecture.ARM64),
        writable_root_filesystem=True,
        cache_node_type=NodeType.M7G_LARGE,
        cache_replicas=2,
        cache_access=AccessString.read_only(),
        cache_ttl=cdk.Duration.hours(1),
        database_name="shop",
        database_instance_type=ec2.InstanceType("m7g.large"),
        database_multi_az=False,
        database_ca_path="/ca.pem",
        backup_retention_days=15,
        removal_policy=cdk.RemovalPolicy.DESTROY,
    )
    container = _container(stack)
    environment = {entry["Name"]: entry["Value"] for entry in container["Environment"]}
    assert container["Command"] == ["python", "-m", "shop"]
    assert container["ReadonlyRootFilesystem"] is False
    assert (environment["PORT"], environment["LOG_LEVEL"]) == ("9000", "debug")
    assert (environment["CACHE_TTL_SECONDS"], environment["PGSSLROOTCERT"]) == ("3600", "/ca.pem")
    cache, database = properties("AWS::ElastiCache::ReplicationGroup"), properties("AWS::RDS::DBInstance")
    assert (cache["CacheNodeType"], cache["NumCacheClusters"], cache["SnapshotRetentionLimit"]) == (
        "cache.m7g.large",
        3,
        15,
    )
    assert (database["DBName"], database["DBInstanceClass"], database["MultiAZ"]) == ("shop", "db.m7g.large", False)
    assert (database["BackupRetentionPeriod"], database["DeletionProtection"]) == (15, False)
    assert properties("AWS::ElastiCache::User")["AccessString"].startswith("on ~* ")
    assert properties("AWS::ECS::Service")["DesiredCount"] == 1
    assert properties("AWS::ElasticLoadBalancingV2::TargetGroup")["HealthCheckPath"] == "/up"
    template = Template.from_stack(stack)
    template.resource_count_is("AWS::EC2::VPC", 0)
    for resource_type in ("AWS::RDS::DBInstance", "AWS::ElastiCache::ReplicationGroup", "AWS::S3::Bucket"):
        template.has_resource(resource_type, {"DeletionPolicy": "Delete"})


def test_a_cache_without_replicas_does_without_failover(
    stack: cdk.Stack, image: ecs.ContainerImage, properties: Properties
) -> None:
    CachedWebApp(stack, "Web", image=image, allow_plain_http=True, cache_replicas=0)
    cache = properties("AWS::ElastiCache::ReplicationGroup")
    assert (cache["NumCacheClusters"], cache["AutomaticFailoverEnabled"], cache["MultiAZEnabled"]) == (1, False, False)


def _environment(stack: cdk.Stack) -> dict[str, Any]:
    return {entry["Name"]: entry["Value"] for entry in _container(stack)["Environment"]}


def test_it_can_do_without_nodes(stack: cdk.Stack, image: ecs.ContainerImage, properties: Properties) -> None:
    limits = UsageLimits(data_storage_gb_max=2)
    web = CachedWebApp(
        stack, "Web", image=image, allow_plain_http=True, serverless_cache=True, cache_usage_limits=limits
    )
    assert isinstance(web.cache, ServerlessCache)
    told = _environment(stack)
    assert {name: told[name] for name in ("CACHE_HOST", "CACHE_PORT", "CACHE_READER_HOST", "CACHE_READER_PORT")} == (
        stack.resolve(
            {
                "CACHE_HOST": web.cache.endpoint.hostname,
                "CACHE_PORT": web.cache.endpoint.port_text,
                "CACHE_READER_HOST": web.cache.reader_endpoint.hostname,
                "CACHE_READER_PORT": web.cache.reader_endpoint.port_text,
            }
        )
    )
    cache = properties("AWS::ElastiCache::ServerlessCache")
    assert cache["CacheUsageLimits"] == {"DataStorage": {"Maximum": 2, "Unit": "GB"}}
    template = Template.from_stack(stack)
    template.resource_count_is("AWS::ElastiCache::ReplicationGroup", 0)
    template.has_resource_properties("AWS::EC2::SecurityGroupIngress", {"FromPort": 6379, "ToPort": 6380})


def test_a_cache_that_exists_gets_one_more_user(
    stack: cdk.Stack, vpc: ec2.IVpc, image: ecs.ContainerImage, properties: Properties
) -> None:
    cache = ReplicationGroup(stack, "Cache", vpc=vpc)
    web = CachedWebApp(stack, "Web", image=image, allow_plain_http=True, vpc=vpc, cache=cache)
    assert web.cache is cache
    assert len(properties("AWS::ElastiCache::UserGroup")["UserIds"]) == 2
    assert _environment(stack)["CACHE_HOST"] == stack.resolve(cache.primary_endpoint.hostname)
    Template.from_stack(stack).resource_count_is("AWS::ElastiCache::ReplicationGroup", 1)


def _secret(stack: cdk.Stack) -> secretsmanager.ISecret:
    return secretsmanager.Secret.from_secret_name_v2(stack, "Credentials", "shop/database")


def test_an_instance_that_exists_is_used_with_its_credentials(
    stack: cdk.Stack, vpc: ec2.IVpc, image: ecs.ContainerImage
) -> None:
    group = ec2.SecurityGroup(stack, "DatabaseGroup", vpc=vpc, allow_all_outbound=False)
    instance = rds.DatabaseInstance.from_database_instance_attributes(
        stack,
        "Database",
        instance_identifier="shop",
        instance_endpoint_address="shop.example.com",
        port=5433,
        security_groups=[group],
    )
    database = ExistingDatabase(instance, _secret(stack))
    CachedWebApp(stack, "Web", image=image, allow_plain_http=True, vpc=vpc, database=database, database_name="shop")
    told = _environment(stack)
    assert (told["DB_HOST"], told["DB_PORT"], told["DB_NAME"]) == ("shop.example.com", "5433", "shop")
    secrets = {entry["Name"]: json.dumps(entry["ValueFrom"]) for entry in _container(stack)["Secrets"]}
    assert "shop/database" in secrets["DB_USER"]
    assert "shop/database" in secrets["DB_PASSWORD"]
    template = Template.from_stack(stack)
    template.resource_count_is("AWS::RDS::DBInstance", 0)
    template.has_resource_properties("AWS::EC2::SecurityGroupIngress", {"FromPort": 5433})


def test_a_cluster_of_databases_is_used_where_it_can_be_written_to(
    stack: cdk.Stack, vpc: ec2.IVpc, image: ecs.ContainerImage
) -> None:
    group = ec2.SecurityGroup(stack, "DatabaseGroup", vpc=vpc, allow_all_outbound=False)
    cluster = rds.DatabaseCluster.from_database_cluster_attributes(
        stack,
        "Database",
        cluster_identifier="shop",
        cluster_endpoint_address="shop.cluster.example.com",
        port=5432,
        security_groups=[group],
    )
    database = ExistingDatabase(cluster, _secret(stack))
    CachedWebApp(stack, "Web", image=image, allow_plain_http=True, vpc=vpc, database=database)
    assert (_environment(stack)["DB_HOST"], _environment(stack)["DB_PORT"]) == ("shop.cluster.example.com", "5432")


def test_stores_are_described_in_one_way_only(stack: cdk.Stack, vpc: ec2.IVpc, image: ecs.ContainerImage) -> None:
    cache = ReplicationGroup(stack, "Cache", vpc=vpc)
    database = ExistingDatabase(
        rds.DatabaseInstance.from_database_instance_attributes(
            stack,
            "Database",
            instance_identifier="shop",
            instance_endpoint_address="shop.example.com",
            port=5432,
            security_groups=[],
        ),
        _secret(stack),
    )
    cases: list[tuple[dict[str, Any], str]] = [
        ({"cache": cache}, "vpc must be given with a cache that exists"),
        ({"database": database}, "vpc must be given with a database that exists"),
        (
            {"vpc": vpc, "cache": cache, "serverless_cache": True},
            "serverless_cache must be left out when cache is given",
        ),
        ({"vpc": vpc, "cache": cache, "cache_replicas": 0}, "cache_replicas must be left out without nodes"),
        ({"serverless_cache": True, "cache_node_type": NodeType.M7G_LARGE}, "cache_node_type must be left out without"),
        (
            {"cache_usage_limits": UsageLimits(data_storage_gb_max=1)},
            "cache_usage_limits must be left out without serv",
        ),
        (
            {"vpc": vpc, "database": database, "database_instance_type": ec2.InstanceType("m7g.large")},
            "database_instance_type must be left out when database is given",
        ),
    ]
    for number, (props, message) in enumerate(cases):
        with pytest.raises(ValidationError, match=message):
            CachedWebApp(stack, f"Web{number}", image=image, allow_plain_http=True, **props)


def test_a_cluster_of_tasks_that_exists_brings_its_network(
    stack: cdk.Stack, vpc: ec2.IVpc, image: ecs.ContainerImage, properties: Properties
) -> None:
    cluster = ecs.Cluster(stack, "Cluster", vpc=vpc)
    web = CachedWebApp(stack, "Web", image=image, allow_plain_http=True, cluster=cluster)
    assert web.cluster is cluster
    assert properties("AWS::ECS::Service")["Cluster"] == stack.resolve(cluster.cluster_name)
    Template.from_stack(stack).resource_count_is("AWS::EC2::VPC", 0)


def test_the_service_s_password_rotates_where_that_was_asked_for(
    stack: cdk.Stack, vpc: ec2.IVpc, image: ecs.ContainerImage, properties: Properties
) -> None:
    web = CachedWebApp(stack, "Web", image=image, allow_plain_http=True, vpc=vpc, rotate_cache_password_days=14)
    rotation = properties("AWS::SecretsManager::RotationSchedule")
    assert rotation["SecretId"] == stack.resolve(web.cache_user.secret.secret_arn)
    assert rotation["RotationRules"]["AutomaticallyAfterDays"] == 14


def test_what_rotates_the_password_can_reach_the_apis_it_calls(
    stack: cdk.Stack, image: ecs.ContainerImage, properties: Properties
) -> None:
    web = CachedWebApp(stack, "Web", image=image, allow_plain_http=True, rotate_cache_password_days=14)
    subnets = properties("AWS::Lambda::Function")["VpcConfig"]["SubnetIds"]
    assert subnets == stack.resolve([subnet.subnet_id for subnet in web.vpc.private_subnets])


# Memcached


@pytest.fixture
def memcached_web(stack: cdk.Stack, image: ecs.ContainerImage) -> CachedWebApp:
    return CachedWebApp(stack, "Web", image=image, allow_plain_http=True, memcached_nodes=3)


def test_memcached_nodes_take_the_place_of_the_replication_group(stack: cdk.Stack, memcached_web: CachedWebApp) -> None:
    template = Template.from_stack(stack)
    template.resource_count_is("AWS::ElastiCache::ReplicationGroup", 0)
    template.resource_count_is("AWS::ElastiCache::User", 0)
    template.has_resource_properties(
        "AWS::ElastiCache::CacheCluster",
        {
            "Engine": "memcached",
            "NumCacheNodes": 3,
            "TransitEncryptionEnabled": True,
            "CacheNodeType": "cache.t4g.small",
        },
    )
    assert _paths(stack) == {("Front", "Web", "8080"), ("Web", "Cache", "11211"), ("Web", "Database", "5432")}


def test_the_service_is_told_the_configuration_endpoint_and_no_user(
    stack: cdk.Stack, memcached_web: CachedWebApp
) -> None:
    assert isinstance(memcached_web.cache, MemcachedCluster)
    endpoint = memcached_web.cache.configuration_endpoint
    container = _container(stack)
    variables = {one["Name"]: one["Value"] for one in container["Environment"]}
    assert variables["CACHE_HOST"] == stack.resolve(endpoint.hostname)
    assert variables["CACHE_PORT"] == stack.resolve(endpoint.port_text)
    assert variables["CACHE_TLS"] == "true"
    assert {"CACHE_USER", "CACHE_READER_HOST"} & set(variables) == set()
    assert {one["Name"] for one in container["Secrets"]} == {"DB_USER", "DB_PASSWORD"}
    with pytest.raises(ValidationError, match="cache_user must be asked of an app with users"):
        _ = memcached_web.cache_user


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("serverless_cache", True),
        ("cache_replicas", 1),
        ("rotate_cache_password_days", 30),
        ("cache_access", AccessString.on()),
    ],
)
def test_arguments_of_another_cache_are_refused_with_memcached(
    stack: cdk.Stack,
    image: ecs.ContainerImage,
    argument: str,
    value: Any,  # noqa: ANN401  (of any type)
) -> None:
    given = {argument: value}
    with pytest.raises(ValidationError, match=r"must be left out (with memcached_nodes|when serverless_cache is set)"):
        CachedWebApp(stack, "Web", image=image, allow_plain_http=True, memcached_nodes=2, **given)
