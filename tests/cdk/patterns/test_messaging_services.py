"""The messaging pattern: who may say what to whom, how workers scale, what is refused."""

import json
from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Match, Template

from cachetwin_cdk import (
    Access,
    AccessString,
    NodeType,
    PasswordUser,
    ReplicationGroup,
    ServerlessCache,
    Topology,
    UserGroup,
    ValidationError,
)
from cachetwin_cdk.patterns import MessagingService, MessagingServices

Properties = Callable[[str], dict[str, Any]]
Warnings = Callable[[], list[str]]
IMAGE = ecs.ContainerImage.from_registry("public.ecr.aws/docker/library/python:3.13")


def _service(**props: Any) -> MessagingService:  # noqa: ANN401  (whatever a service takes)
    return MessagingService(image=IMAGE, **props)


@pytest.fixture
def messaging(stack: cdk.Stack) -> MessagingServices:
    """One of each kind, and one that does it all."""
    return MessagingServices(
        stack,
        "Shop",
        allow_plain_http=True,
        services={
            "api": _service(port=8080, publishes=["orders.placed"], enqueues=["orders"]),
            "mailer": _service(subscribes=["orders.*"]),
            "worker": _service(works_on="orders", count=1, count_max=4, backlog_per_task=50),
            "clerk": _service(works_on="returns", enqueues=["returns"], keys=["clerk:*"], publishes=["returns"]),
        },
    )


def test_each_service_has_a_user_for_its_part_alone(messaging: MessagingServices) -> None:
    said = {name: str(user.access_string) for name, user in messaging.users.items()}
    work = "+xgroup|create +xgroup|delconsumer +xreadgroup +xautoclaim +xpending +xack +xdel +xadd +xlen +multi +exec"
    hello = "-@all +ping +client|setinfo +client|setname"
    assert said == {
        "api": f"on %W~queue:{{orders}} &orders.placed {hello} +publish +xadd +wait",
        "mailer": f"on &orders.* {hello} +subscribe +psubscribe +unsubscribe +punsubscribe",
        "worker": f"on ~queue:{{orders}} %W~queue:{{orders}}:dead resetchannels {hello} {work}",
        "clerk": (
            f"on ~clerk:* %W~queue:{{returns}} ~queue:{{returns}} %W~queue:{{returns}}:dead &returns {hello} "
            f"+@read +@write +@transaction -@admin -@dangerous +publish +xadd +wait {work}"
        ),
    }


def test_every_service_has_its_own_secret_and_the_meter_none(stack: cdk.Stack, messaging: MessagingServices) -> None:
    template = Template.from_stack(stack)
    template.resource_count_is("AWS::SecretsManager::Secret", 4)
    assert messaging.meter_user is not None
    assert str(messaging.meter_user.access_string) == (
        "on %R~queue:{orders} %R~queue:{orders}:dead %R~queue:{returns} %R~queue:{returns}:dead resetchannels "
        "-@all +xlen +xrange"
    )
    template.has_resource_properties("AWS::ElastiCache::User", {"AuthenticationMode": {"Type": "iam"}})


def test_services_talk_through_the_cache_and_not_to_each_other(stack: cdk.Stack, messaging: MessagingServices) -> None:
    template = Template.from_stack(stack)
    cache_group = stack.resolve(messaging.cache.connections.security_groups[0].security_group_id)
    rules = template.find_resources("AWS::EC2::SecurityGroupIngress").values()
    to_cache = [rule for rule in rules if rule["Properties"]["GroupId"] == cache_group]
    assert len(to_cache) == 5  # four services and the meter
    (other,) = (rule["Properties"] for rule in rules if rule not in to_cache)
    assert (other["FromPort"], "Front" in json.dumps(other["SourceSecurityGroupId"])) == (8080, True)


def _environment(stack: cdk.Stack, name: str) -> dict[str, Any]:
    for key, task in Template.from_stack(stack).find_resources("AWS::ECS::TaskDefinition").items():
        if key.startswith(f"Shop{name}"):
            (container,) = task["Properties"]["ContainerDefinitions"]
            return {entry["Name"]: entry["Value"] for entry in container["Environment"]}
    raise AssertionError(f"no task of {name}")


def test_each_service_is_told_its_part(stack: cdk.Stack, messaging: MessagingServices) -> None:
    assert isinstance(messaging.cache, ReplicationGroup)
    cache = stack.resolve(
        {
            "CACHE_HOST": messaging.cache.primary_endpoint.hostname,
            "CACHE_PORT": messaging.cache.primary_endpoint.port_text,
            "CACHE_TLS": "true",
        }
    )
    user = {name: stack.resolve(user.user_name) for name, user in messaging.users.items()}
    assert _environment(stack, "Api") == {
        **cache, "CACHE_USER": user["api"], "PORT": "8080", "PUBLISHES": "orders.placed", "ENQUEUES": "queue:{orders}",
    }  # fmt: skip
    assert _environment(stack, "Mailer") == {**cache, "CACHE_USER": user["mailer"], "SUBSCRIBES": "orders.*"}
    assert _environment(stack, "Worker") == {
        **cache, "CACHE_USER": user["worker"], "WORKS_ON": "queue:{orders}", "DEAD_LETTERS": "queue:{orders}:dead",
    }  # fmt: skip


@pytest.mark.usefixtures("messaging")
def test_jobs_are_never_evicted(properties: Properties) -> None:
    assert properties("AWS::ElastiCache::ParameterGroup")["Properties"] == {"maxmemory-policy": "noeviction"}


@pytest.mark.usefixtures("messaging")
def test_workers_are_scaled_by_the_jobs_there_are_for_each(stack: cdk.Stack) -> None:
    template = Template.from_stack(stack)
    template.resource_count_is("AWS::ApplicationAutoScaling::ScalableTarget", 2)
    template.has_resource_properties(
        "AWS::ApplicationAutoScaling::ScalableTarget", {"MinCapacity": 1, "MaxCapacity": 4}
    )
    template.has_resource_properties(
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        {
            "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": {
                "TargetValue": 50,
                "CustomizedMetricSpecification": {
                    "Metrics": [
                        Match.object_like({"Id": "backlog", "ReturnData": False}),
                        Match.object_like({"Id": "tasks", "ReturnData": False}),
                        Match.object_like({"Expression": "backlog / tasks", "ReturnData": True}),
                    ]
                },
            },
        },
    )


@pytest.mark.usefixtures("messaging")
def test_queues_are_measured_every_minute(stack: cdk.Stack, properties: Properties) -> None:
    variables = properties("AWS::Lambda::Function")["Environment"]["Variables"]
    assert json.loads(variables["QUEUES"]) == {
        "orders": ["queue:{orders}", "queue:{orders}:dead"],
        "returns": ["queue:{returns}", "queue:{returns}:dead"],
    }
    assert properties("AWS::Events::Rule")["ScheduleExpression"] == "rate(1 minute)"
    assert properties("AWS::Lambda::Function")["LoggingConfig"]["LogFormat"] == "Text"
    Template.from_stack(stack).resource_count_is("AWS::CloudWatch::Alarm", 2)


def test_the_metrics_are_those_of_the_meter(stack: cdk.Stack, messaging: MessagingServices) -> None:
    metric = messaging.metric_backlog("orders")
    assert (metric.namespace, metric.metric_name, metric.statistic) == ("Cachetwin/Messaging", "Backlog", "Maximum")
    assert isinstance(messaging.cache, ReplicationGroup)
    assert metric.dimensions == {"Cache": messaging.cache.replication_group_id, "Queue": "orders"}
    assert messaging.metric_oldest_job_age("returns").unit is not None
    with pytest.raises(ValidationError, match="queue must be one of orders, returns, got 'mails'"):
        messaging.metric_dead_letters("mails")


def test_jobs_that_were_given_up_are_reported(stack: cdk.Stack) -> None:
    topic = sns.Topic(stack, "Topic")
    services = {"worker": _service(works_on="orders")}
    MessagingServices(stack, "Shop", services=services, alarm_topic=topic)
    Template.from_stack(stack).has_resource_properties(
        "AWS::CloudWatch::Alarm",
        {"MetricName": "DeadLetters", "Threshold": 0, "AlarmActions": [stack.resolve(topic.topic_arn)]},
    )


@pytest.mark.usefixtures("messaging")
def test_a_worker_has_time_to_finish(stack: cdk.Stack) -> None:
    tasks = Template.from_stack(stack).find_resources("AWS::ECS::TaskDefinition")
    timeouts = {key: task["Properties"]["ContainerDefinitions"][0]["StopTimeout"] for key, task in tasks.items()}
    assert {timeout for key, timeout in timeouts.items() if key.startswith(("ShopWorker", "ShopClerk"))} == {120}
    assert {timeout for key, timeout in timeouts.items() if key.startswith(("ShopApi", "ShopMailer"))} == {30}


@pytest.mark.usefixtures("messaging")
def test_every_log_group_is_encrypted_and_bound(stack: cdk.Stack) -> None:
    template = Template.from_stack(stack)
    template.resource_count_is("AWS::Logs::LogGroup", 8)  # network flows, slow, engine, four services, meter
    template.all_resources_properties(
        "AWS::Logs::LogGroup", {"RetentionInDays": 30, "KmsKeyId": {"Fn::GetAtt": Match.any_value()}}
    )


@pytest.mark.usefixtures("messaging")
def test_nothing_is_warned_of(warnings: Warnings) -> None:
    assert warnings() == []


def test_without_queues_and_ports_there_is_neither_meter_nor_load_balancer(stack: cdk.Stack) -> None:
    services = {"a": _service(publishes=["news"]), "b": _service(subscribes=["news"])}
    messaging = MessagingServices(stack, "Shop", services=services)
    template = Template.from_stack(stack)
    for resource_type in (
        "AWS::Lambda::Function",
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        "AWS::ApplicationAutoScaling::ScalableTarget",
    ):
        template.resource_count_is(resource_type, 0)
    with pytest.raises(ValidationError, match="url must be asked of services with a port"):
        _ = messaging.url


def test_a_cache_that_exists_gets_the_users(stack: cdk.Stack, vpc: ec2.IVpc, properties: Properties) -> None:
    users = UserGroup(stack, "Users", users=[PasswordUser(stack, "Other", access_string=AccessString.application())])
    cache = ServerlessCache(stack, "Cache", vpc=vpc, access=Access.user_group(users))
    services = {"worker": _service(works_on="orders"), "api": _service(enqueues=["orders"])}
    messaging = MessagingServices(stack, "Shop", services=services, vpc=vpc, cache=cache)
    assert messaging.cache is cache
    assert len(properties("AWS::ElastiCache::UserGroup")["UserIds"]) == 4
    Template.from_stack(stack).resource_count_is("AWS::ElastiCache::ReplicationGroup", 0)
    assert properties("AWS::Lambda::Function")["Environment"]["Variables"]["CACHE_KIND"] == "serverless"


def test_a_cluster_is_refused(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cache = ReplicationGroup(stack, "Cache", vpc=vpc, node_type=NodeType.M7G_LARGE, topology=Topology.cluster(2))
    with pytest.raises(ValidationError, match="cache must not be a cluster, got 'Shop/Cache'"):
        MessagingServices(stack, "Shop", services={"a": _service(publishes=["x"])}, vpc=vpc, cache=cache)
    with pytest.raises(ValidationError, match="vpc must be given with a cache that exists"):
        MessagingServices(stack, "Shop", services={"a": _service(publishes=["x"])}, cache=cache)


def test_with_a_certificate_it_serves_https_only(stack: cdk.Stack, properties: Properties) -> None:
    arn = "arn:aws:acm:eu-west-1:111122223333:certificate/abc"
    certificate = acm.Certificate.from_certificate_arn(stack, "Certificate", arn)
    MessagingServices(stack, "Shop", services={"a": _service(publishes=["x"], port=80)}, certificate=certificate)
    listener = properties("AWS::ElasticLoadBalancingV2::Listener")
    assert (listener["Port"], listener["Protocol"]) == (443, "HTTPS")


def test_everything_can_be_set(stack: cdk.Stack, vpc: ec2.IVpc, properties: Properties) -> None:
    MessagingServices(
        stack,
        "Shop",
        services={
            "a": _service(
                command=["run"],
                environment={"LOG_LEVEL": "debug"},
                access=AccessString.read_only(),
                count=0,
                cpu=512,
                memory_limit_mib=1024,
                runtime_platform=ecs.RuntimePlatform(cpu_architecture=ecs.CpuArchitecture.ARM64),
                writable_root_filesystem=True,
                stop_timeout=cdk.Duration.seconds(5),
            )
        },
        vpc=vpc,
        cache_node_type=NodeType.M7G_LARGE,
        cache_replicas=0,
        backup_retention_days=1,
        removal_policy=cdk.RemovalPolicy.DESTROY,
    )
    (container,) = properties("AWS::ECS::TaskDefinition")["ContainerDefinitions"]
    assert (container["Command"], container["StopTimeout"]) == (["run"], 5)
    assert container["ReadonlyRootFilesystem"] is False
    assert {"Name": "LOG_LEVEL", "Value": "debug"} in container["Environment"]
    assert properties("AWS::ElastiCache::User")["AccessString"].startswith("on ~* ")
    cache = properties("AWS::ElastiCache::ReplicationGroup")
    assert (cache["CacheNodeType"], cache["NumCacheClusters"], cache["SnapshotRetentionLimit"]) == (
        "cache.m7g.large",
        1,
        1,
    )
    assert properties("AWS::ECS::Service")["DesiredCount"] == 0
    Template.from_stack(stack).resource_count_is("AWS::EC2::VPC", 0)


@pytest.mark.parametrize(
    ("services", "message"),
    [
        ({}, "services must hold at least one service"),
        ({"A": _service(publishes=["x"])}, "services must be named with lower-case letters.*got 'A'"),
        ({"a": _service()}, "services must each use the cache"),
        ({"a": _service(enqueues=["q"])}, "enqueues must name queues that a service works on, got 'q'"),
        ({"a": _service(works_on="Q 1")}, "enqueues and works_on must hold lower-case letters.*got 'Q 1'"),
        ({"a": _service(publishes=["a b"])}, "publishes and subscribes must hold no space and no comma, got 'a b'"),
        (
            {"a": _service(works_on="q"), "b": _service(works_on="q")},
            "works_on must name a queue that no other service works on, got 'q'; a does",
        ),
        ({"a": _service(works_on="q", count=0)}, "count must be between 1 and 5000, got 0"),
        ({"a": _service(works_on="q", count=3, count_max=2)}, "count_max must be between 3 and 5000, got 2"),
        ({"a": _service(works_on="q", backlog_per_task=0)}, "backlog_per_task must be between 1 and 1000000, got 0"),
        ({"a": _service(publishes=["x"], environment={"PORT": "1"})}, "environment must not set what the pattern sets"),
        ({"a": _service(publishes=["x"], port=80)}, "certificate must be given for HTTPS, got None"),
        (
            {"a": _service(publishes=["x"], port=80), "b": _service(publishes=["x"], port=80)},
            "port must be set for one service at most, got 'a, b'",
        ),
    ],
)
def test_what_cannot_work_is_refused(stack: cdk.Stack, services: dict[str, MessagingService], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        MessagingServices(stack, "Shop", services=services)


def test_a_front_that_nobody_stands_behind_is_refused(stack: cdk.Stack) -> None:
    services = {"a": _service(publishes=["x"])}
    with pytest.raises(ValidationError, match="allow_plain_http must be False without a port"):
        MessagingServices(stack, "Shop", services=services, allow_plain_http=True)
    certificate = acm.Certificate.from_certificate_arn(stack, "C", "arn:aws:acm:eu-west-1:111122223333:certificate/a")
    with pytest.raises(ValidationError, match="certificate must be left out without a port"):
        MessagingServices(stack, "Shop", services=services, certificate=certificate)


def test_a_cluster_of_tasks_that_exists_brings_its_network(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cluster = ecs.Cluster(stack, "Cluster", vpc=vpc)
    messaging = MessagingServices(stack, "Shop", cluster=cluster, services={"a": _service(publishes=["a"])})
    assert messaging.cluster is cluster
    template = Template.from_stack(stack)
    template.has_resource_properties("AWS::ECS::Service", {"Cluster": stack.resolve(cluster.cluster_name)})
    template.resource_count_is("AWS::EC2::VPC", 0)


def test_every_service_s_password_rotates_where_that_was_asked_for(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    services = {"a": _service(publishes=["a"]), "b": _service(subscribes=["a"])}
    MessagingServices(stack, "Shop", vpc=vpc, services=services, rotate_cache_password_days=30)
    Template.from_stack(stack).resource_count_is("AWS::SecretsManager::RotationSchedule", 2)
