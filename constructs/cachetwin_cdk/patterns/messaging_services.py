"""Services that talk through a cache: pub/sub channels for what everybody may hear, streams for jobs that must be done.

Each service says what it publishes, hears, hands out and works on, and gets a cache user that can do exactly that: its
channels, its streams, the commands that go with them. A queue is a stream, its key ``queue:{<name>}``, with a stream
for jobs that were given up, ``queue:{<name>}:dead``; the braces keep both in one slot. A worker deletes a job that it
has done, so a stream's length is its backlog. A function measures every queue once a minute, and the workers are
scaled so that each has at most so many jobs to do.

Long because users, services, queues and their scaling are derived from one description, and checked against it, together.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as cloudwatch_actions
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from constructs import Construct

from cachetwin_cdk.access.access_string import AccessString
from cachetwin_cdk.access.users import IamUser, PasswordUser
from cachetwin_cdk.checks._validate import ValidationError, refuse, require_between, require_match
from cachetwin_cdk.compliance import Compliance, retain_unless_destroyed
from cachetwin_cdk.engine.engine_version import Engine
from cachetwin_cdk.engine.node_type import NodeType
from cachetwin_cdk.monitoring.log_delivery import log_key
from cachetwin_cdk.replication_group.replication_group import ReplicationGroup
from cachetwin_cdk.rotation import UserPasswordRotation

from ._cache import Cache, admit, endpoints, engine_of, iam_environment, is_clustered, name_of
from ._fargate import (
    closed_service,
    ignore_superfluous_dependency,
    logged_container,
    task_definition,
    working_subnets,
)
from ._findings import CACHE_SECRET, METER, OWN_POLICY, acknowledge
from ._function import closed_function
from ._network import private_network
from ._web_front import WebFront

METRIC_NAMESPACE = "Cachetwin/Messaging"
_METER = Path(__file__).parent / "queue_meter"
_NAME = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"
_TASKS_MAX = 5_000  # quota of tasks per service
_SCALE_OUT_COOLDOWN_S = 60  # the metric's own period: sooner there is nothing new to know
_SCALE_IN_COOLDOWN_S = 300  # jobs come in waves, and a task that was stopped has to be started again
# What every client says on connecting and to stay connected.
_CONNECTION = ("ping", "client|setinfo", "client|setname")
_SUBSCRIBER = ("subscribe", "psubscribe", "unsubscribe", "punsubscribe")
# Make the group, take jobs, take over those of the dead, finish them or give them up in one step.
_WORKER = (
    "xgroup|create", "xgroup|delconsumer", "xreadgroup", "xautoclaim", "xpending", "xack", "xdel", "xadd", "xlen",
    "multi", "exec",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class MessagingService:
    """One Fargate service and its part in the conversation.

    ``publishes`` / ``subscribes``
        channels, or patterns of them such as ``orders.*``. Every task of a subscriber hears every message.
    ``enqueues`` / ``works_on``
        the queues it hands jobs to, and the one whose jobs it does.
    ``keys``
        patterns of the keys where it keeps state of its own.
    ``access``
        the cache user's access string, in place of the one that follows from the above.
    ``port``
        where it takes requests from the load balancer; one service may.
    ``count`` / ``count_max`` / ``backlog_per_task``
        how many tasks run; of a worker, how many at least and at most, and how many jobs there may be for each.
    ``stop_timeout``
        from SIGTERM until the task is killed: 30 s, and 120 s for a worker, so that it can finish its job.
    """

    image: ecs.ContainerImage
    command: Sequence[str] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    publishes: Sequence[str] = ()
    subscribes: Sequence[str] = ()
    enqueues: Sequence[str] = ()
    works_on: str | None = None
    keys: Sequence[str] = ()
    access: AccessString | None = None
    port: int | None = None
    health_check_path: str = "/healthz"
    count: int = 2
    count_max: int = 10
    backlog_per_task: int = 100
    cpu: int = 256
    memory_limit_mib: int = 512
    runtime_platform: ecs.RuntimePlatform | None = None
    writable_root_filesystem: bool = False
    stop_timeout: cdk.Duration | None = None

    def validate(self) -> None:
        """Require names that can be keys, counts that can run, and a part to play."""
        for name in (*self.enqueues, *((self.works_on,) if self.works_on is not None else ())):
            require_match(
                "enqueues and works_on",
                name,
                _NAME,
                "hold lower-case letters, digits and single hyphens",
                remedy="write the queue's name as order-mails",
            )
        for channel in (*self.publishes, *self.subscribes):
            require_match(
                "publishes and subscribes",
                channel,
                r"[^\s,]+",
                "hold no space and no comma",
                remedy="write the channel as orders.placed",
            )
        require_between("port", self.port, 1, 65535)
        require_match(
            "health_check_path", self.health_check_path, r"/\S*", "start with a slash", remedy="write it as /healthz"
        )
        require_between("count", self.count, 0 if self.works_on is None else 1, _TASKS_MAX)
        require_between("count_max", self.count_max, max(1, self.count if self.works_on else 1), _TASKS_MAX)
        require_between("backlog_per_task", self.backlog_per_task, 1, 1_000_000)
        for name in self.environment:
            if name in _OURS:
                refuse("environment", "not set what the pattern sets", name, "leave it out")
        if not (self.publishes or self.subscribes or self.enqueues or self.works_on or self.keys or self.access):
            raise ValidationError(
                "services must each use the cache, got one that neither publishes, subscribes, enqueues, works nor "
                "keeps keys; say what it does, or run it elsewhere"
            )

    def access_string(self) -> AccessString:
        """What its cache user may do: these channels, these keys, these commands."""
        if self.access is not None:
            return self.access
        rules = AccessString.on().commands(*_CONNECTION)
        if self.keys:
            rules = rules.keys(*self.keys).categories("read", "write", "transaction")
            rules = rules.without_categories("admin", "dangerous")
        if self.publishes or self.subscribes:
            rules = rules.channels(*dict.fromkeys((*self.publishes, *self.subscribes)))
        if self.publishes:
            rules = rules.commands("publish")
        if self.subscribes:
            rules = rules.commands(*_SUBSCRIBER)
        if self.enqueues:
            rules = rules.write_keys(*(stream_of(name) for name in self.enqueues)).commands("xadd")
        if self.works_on is not None:
            rules = rules.keys(stream_of(self.works_on)).write_keys(dead_letters_of(self.works_on)).commands(*_WORKER)
        return rules

    def told(self) -> dict[str, str]:
        """Its part, in its environment: only what it has a part in."""
        told = {
            "PORT": str(self.port) if self.port is not None else "",
            "PUBLISHES": ",".join(self.publishes),
            "SUBSCRIBES": ",".join(self.subscribes),
            "ENQUEUES": ",".join(stream_of(name) for name in self.enqueues),
            "WORKS_ON": stream_of(self.works_on) if self.works_on is not None else "",
            "DEAD_LETTERS": dead_letters_of(self.works_on) if self.works_on is not None else "",
        }
        return {name: value for name, value in told.items() if value}


_OURS = frozenset(
    {
        "CACHE_HOST", "CACHE_PORT", "CACHE_TLS", "CACHE_USER", "CACHE_PASSWORD", "PORT", "PUBLISHES", "SUBSCRIBES",
        "ENQUEUES", "WORKS_ON", "DEAD_LETTERS",
    }
)  # fmt: skip


def stream_of(queue: str) -> str:
    """The key of a queue's stream."""
    return f"queue:{{{queue}}}"


def dead_letters_of(queue: str) -> str:
    """The key of the stream of jobs that were given up."""
    return f"{stream_of(queue)}:dead"


class MessagingServices(Construct):
    """Publishers, subscribers and workers around one Valkey cache, each with a cache user of its own.

    Defines an ECS cluster with one Fargate service, user and security group per entry of ``services``; scaling for the
    workers; a function that measures the queues, with an IAM user; an alarm per queue for jobs that were given up; a
    load balancer if a service has a ``port``; and, unless given, a ReplicationGroup and a VPC.

    Each container is told in its environment: ``CACHE_HOST``, ``CACHE_PORT``, ``CACHE_TLS``, ``CACHE_USER`` and, as a
    secret, ``CACHE_PASSWORD``; ``PORT``; ``PUBLISHES`` and ``SUBSCRIBES`` (channels), ``ENQUEUES``, ``WORKS_ON`` and
    ``DEAD_LETTERS`` (streams), each separated by commas and only where there is something to say.

    ``certificate`` / ``allow_plain_http``
        for the load balancer, as in CachedWebApp; neither without a service that has a ``port``.
    ``cache``
        one that exists, not a cluster, with a user group that this app makes; the users are added to it.
    ``cluster``
        an ECS cluster that exists, whose VPC is used unless ``vpc`` says otherwise.
    ``alarm_topic``
        who is told of jobs that were given up.
    ``rotate_cache_password_days``
        give each service's cache user a new password so often; see CachedWebApp.
    ``compliance`` / ``backup_retention_days``
        REGULATED for HIPAA and NIST 800-53: a key of its own for the cache and the secrets, 15 days of backups instead
        of 7, versions of access logs, and an ``alarm_topic`` that has to be given.
    ``removal_policy``
        SNAPSHOT keeps a last snapshot of the cache, and the logs; DESTROY keeps nothing.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        services: Mapping[str, MessagingService],
        certificate: acm.ICertificate | None = None,
        allow_plain_http: bool = False,
        vpc: ec2.IVpc | None = None,
        cluster: ecs.ICluster | None = None,
        cache: Cache | None = None,
        cache_node_type: NodeType = NodeType.T4G_SMALL,
        cache_replicas: int = 1,
        alarm_topic: sns.ITopic | None = None,
        rotate_cache_password_days: int | None = None,
        compliance: Compliance = Compliance.STANDARD,
        backup_retention_days: int | None = None,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_MONTH,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.SNAPSHOT,
    ) -> None:
        _require_services(services)
        _require_scheme(services, certificate, allow_plain_http=allow_plain_http)
        vpc = vpc or (cluster.vpc if cluster is not None else None)
        if compliance.is_regulated and alarm_topic is None and _queues(services):
            raise ValidationError(
                "alarm_topic must be given with compliance REGULATED, got None; pass the topic of whoever is on call"
            )
        if cache is not None and vpc is None:
            raise ValidationError("vpc must be given with a cache that exists, got None; pass the VPC the cache is in")
        if cache is not None and is_clustered(cache):
            refuse("cache", "not be a cluster", cache.node.path, "use one with cluster mode disabled or compatible")
        super().__init__(scope, construct_id)
        self.definitions, self.compliance = dict(services), compliance
        self._log_retention, self._log_removal = log_retention, retain_unless_destroyed(removal_policy)
        self.log_key = log_key(self, "LogKey", removal_policy=self._log_removal)
        self.data_key = compliance.data_key(self, None, self._log_removal)
        self.vpc = vpc or private_network(
            self,
            "Vpc",
            log_encryption_key=self.log_key,
            log_retention=log_retention,
            log_removal_policy=self._log_removal,
            regulated=compliance.is_regulated,
        )
        self._scopes = {name: Construct(self, _title(name)) for name in services}
        engine = engine_of(cache)
        self.users = {
            name: PasswordUser(
                self._scopes[name],
                "CacheUser",
                access_string=service.access_string(),
                engine=engine,
                secret_encryption_key=self.data_key,
            )
            for name, service in services.items()
        }
        if compliance.is_regulated:
            for user in self.users.values():
                acknowledge(user, CACHE_SECRET)
        self.queues = _queues(services)
        self.meter_user = self._meter_user(engine) if self.queues else None
        users = [*self.users.values(), *([self.meter_user] if self.meter_user is not None else [])]
        if cache is not None:
            for joining in users:
                admit(cache, joining)
        self.cache: Cache = cache or ReplicationGroup(
            self,
            "Cache",
            vpc=self.vpc,
            node_type=cache_node_type,
            replicas=cache_replicas,
            automatic_failover=cache_replicas > 0,
            multi_az=cache_replicas > 0,
            users=users,
            # A job must not vanish to make room: the cache refuses new ones instead, and the publisher hears of it.
            parameters={"maxmemory-policy": "noeviction"},
            compliance=compliance,
            kms_key=self.data_key,
            snapshot_retention_days=compliance.retention_days
            if backup_retention_days is None
            else backup_retention_days,
            log_encryption_key=self.log_key,
            log_retention=log_retention,
            removal_policy=removal_policy,
        )
        self.cluster = cluster or ecs.Cluster(
            self, "Cluster", vpc=self.vpc, container_insights_v2=ecs.ContainerInsights.ENABLED
        )
        self.services = {name: self._service(name, service) for name, service in services.items()}
        self.front = self._front(certificate, removal_policy)
        self.meter = self._meter() if self.meter_user is not None else None
        self.alarms = {queue: self._alarm(queue, alarm_topic) for queue in self.queues}
        for name, service in services.items():
            if service.works_on is not None:
                self._scale(name, service, service.works_on)
        if rotate_cache_password_days is not None:
            self._rotate(rotate_cache_password_days)

    @property
    def url(self) -> str:
        """Where the service with a port answers. Raises ValidationError when none has one."""
        if self.front is None:
            raise ValidationError("url must be asked of services with a port, got none; give one service a port")
        return self.front.url

    def metric_backlog(self, queue: str) -> cloudwatch.Metric:
        """Jobs that wait or are in work: the most there were in a minute."""
        return self._metric(queue, "Backlog", cloudwatch.Unit.COUNT)

    def metric_oldest_job_age(self, queue: str) -> cloudwatch.Metric:
        """Seconds since the oldest job that is not done was handed in."""
        return self._metric(queue, "OldestJobAge", cloudwatch.Unit.SECONDS)

    def metric_dead_letters(self, queue: str) -> cloudwatch.Metric:
        """Jobs that were given up and that nobody has looked after yet."""
        return self._metric(queue, "DeadLetters", cloudwatch.Unit.COUNT)

    def _metric(self, queue: str, name: str, unit: cloudwatch.Unit) -> cloudwatch.Metric:
        if queue not in self.queues:
            refuse("queue", f"be one of {', '.join(self.queues) or 'none'}", queue, "name a queue of these services")
        return cloudwatch.Metric(
            namespace=METRIC_NAMESPACE,
            metric_name=name,
            dimensions_map={"Cache": name_of(self.cache), "Queue": queue},
            statistic=cloudwatch.Stats.MAXIMUM,
            period=cdk.Duration.minutes(1),
            unit=unit,
        )

    def _service(self, name: str, service: MessagingService) -> ecs.FargateService:
        scope, user = self._scopes[name], self.users[name]
        endpoint, _ = endpoints(self.cache)
        task = task_definition(
            scope,
            cpu=service.cpu,
            memory_limit_mib=service.memory_limit_mib,
            runtime_platform=service.runtime_platform,
            regulated=self.compliance.is_regulated,
        )
        logged_container(
            scope,
            task,
            "Container",
            image=service.image,
            command=service.command,
            environment={
                "CACHE_HOST": endpoint.hostname,
                "CACHE_PORT": endpoint.port_text,
                "CACHE_TLS": "true",
                "CACHE_USER": user.user_name,
                **service.told(),
                **service.environment,
            },
            secrets={"CACHE_PASSWORD": ecs.Secret.from_secrets_manager(user.secret, "password")},
            port=service.port,
            writable_root_filesystem=service.writable_root_filesystem,
            log_encryption_key=self.log_key,
            log_retention=self._log_retention,
            log_removal_policy=self._log_removal,
            stop_timeout=service.stop_timeout or cdk.Duration.seconds(120 if service.works_on is not None else 30),
        )
        running = closed_service(scope, cluster=self.cluster, vpc=self.vpc, task=task, desired_count=service.count)
        ignore_superfluous_dependency(running)
        running.connections.allow_to_default_port(self.cache, f"{name} uses the cache")
        return running

    def _front(self, certificate: acm.ICertificate | None, removal_policy: cdk.RemovalPolicy) -> WebFront | None:
        for name, service in self.definitions.items():
            if service.port is None:
                continue
            front = WebFront(
                self,
                "Front",
                vpc=self.vpc,
                certificate=certificate,
                access_log_retention=cdk.Duration.days(90),
                removal_policy=removal_policy,
                regulated=self.compliance.is_regulated,
            )
            front.listener.add_targets(
                "Service",
                port=service.port,
                protocol=elbv2.ApplicationProtocol.HTTP,
                targets=[self.services[name]],
                deregistration_delay=cdk.Duration.seconds(30),
                health_check=elbv2.HealthCheck(path=service.health_check_path, interval=cdk.Duration.seconds(15)),
            )
            return front
        return None

    def _meter_user(self, engine: Engine) -> IamUser:
        """A user that can see how long streams are, and their first entry, and nothing else."""
        keys = [key for queue in self.queues for key in (stream_of(queue), dead_letters_of(queue))]
        return IamUser(
            self,
            "MeterUser",
            access_string=AccessString.on().read_keys(*keys).commands("xlen", "xrange"),
            engine=engine,
        )

    def _meter(self) -> lambda_.Function:
        assert self.meter_user is not None  # noqa: S101  (made before, for the same queues)
        meter = closed_function(
            self,
            "Meter",
            code=lambda_.Code.from_asset(str(_METER), exclude=["__pycache__"]),
            handler="meter.handle",
            runtime=lambda_.Runtime.PYTHON_3_13,
            vpc=self.vpc,
            environment={
                **iam_environment(self.cache, self.meter_user),
                "METRIC_NAMESPACE": METRIC_NAMESPACE,
                "QUEUES": json.dumps({queue: [stream_of(queue), dead_letters_of(queue)] for queue in self.queues}),
            },
            memory_size_mib=256,
            timeout=cdk.Duration.seconds(30),
            logging_format=lambda_.LoggingFormat.TEXT,  # a line in the embedded metric format has to stay as it is
            log_encryption_key=self.log_key,
            log_retention=self._log_retention,
            log_removal_policy=self._log_removal,
        )
        if self.compliance.is_regulated and meter.role is not None:
            acknowledge(meter.role, OWN_POLICY)
            acknowledge(meter, METER)
        self.cache.grant_connect(meter, self.meter_user)
        meter.connections.allow_to_default_port(self.cache, "The meter asks how long the queues are")
        events.Rule(
            self,
            "MeterSchedule",
            description=f"Measures the queues of {self.node.path}",
            schedule=events.Schedule.rate(cdk.Duration.minutes(1)),
            # A measurement that failed is of no use later: the next one comes in a minute.
            targets=[targets.LambdaFunction(meter, retry_attempts=0, max_event_age=cdk.Duration.minutes(1))],
        )
        return meter

    def _alarm(self, queue: str, topic: sns.ITopic | None) -> cloudwatch.Alarm:
        alarm = cloudwatch.Alarm(
            self,
            f"DeadLetters-{queue}",
            alarm_description=f"Jobs of the queue {queue} were given up; read them in {dead_letters_of(queue)}",
            metric=self.metric_dead_letters(queue),
            threshold=0,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.MISSING,
        )
        if topic is not None:
            alarm.add_alarm_action(cloudwatch_actions.SnsAction(topic))
        return alarm

    def _rotate(self, days: int) -> None:
        for name, user in self.users.items():
            UserPasswordRotation(
                self._scopes[name],
                "CachePassword",
                user=user,
                cache=self.cache,
                vpc=self.vpc,
                vpc_subnets=working_subnets(self.vpc),
                automatically_after_days=days,
                encryption_key=self.log_key,
            )

    def _scale(self, name: str, service: MessagingService, queue: str) -> None:
        """Enough tasks that each has at most ``backlog_per_task`` jobs."""
        running = self.services[name]
        count = running.auto_scale_task_count(min_capacity=service.count, max_capacity=service.count_max)
        target = count.node.find_child("Target")
        assert isinstance(target, autoscaling.ScalableTarget)  # noqa: S101  (the id and the kind are aws-cdk-lib's API)
        policy = autoscaling.CfnScalingPolicy
        # aws-cdk-lib's own target tracking takes no metric math, and ECS has no metric of jobs per task.
        backlog = policy.TargetTrackingMetricDataQueryProperty(
            id="backlog", metric_stat=_stat(self.metric_backlog(queue)), return_data=False
        )
        tasks = policy.TargetTrackingMetricDataQueryProperty(
            id="tasks", metric_stat=_stat(_running_tasks(self.cluster, running)), return_data=False
        )
        per_task = policy.TargetTrackingMetricDataQueryProperty(
            id="perTask", expression="backlog / tasks", label=f"Jobs of {queue} per task", return_data=True
        )
        policy(
            self._scopes[name],
            "Backlog",
            policy_name=f"{self._scopes[name].node.path}/Backlog",
            policy_type="TargetTrackingScaling",
            scaling_target_id=target.scalable_target_id,
            target_tracking_scaling_policy_configuration=policy.TargetTrackingScalingPolicyConfigurationProperty(
                target_value=service.backlog_per_task,
                customized_metric_specification=policy.CustomizedMetricSpecificationProperty(
                    metrics=[backlog, tasks, per_task]
                ),
                scale_out_cooldown=_SCALE_OUT_COOLDOWN_S,
                scale_in_cooldown=_SCALE_IN_COOLDOWN_S,
            ),
        )


def _running_tasks(cluster: ecs.ICluster, service: ecs.FargateService) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace="ECS/ContainerInsights",
        metric_name="RunningTaskCount",
        dimensions_map={"ClusterName": cluster.cluster_name, "ServiceName": service.service_name},
        statistic=cloudwatch.Stats.AVERAGE,
    )


def _stat(metric: cloudwatch.Metric) -> autoscaling.CfnScalingPolicy.TargetTrackingMetricStatProperty:
    policy = autoscaling.CfnScalingPolicy
    dimensions = [
        policy.TargetTrackingMetricDimensionProperty(name=name, value=value)
        for name, value in (metric.dimensions or {}).items()
    ]
    return policy.TargetTrackingMetricStatProperty(
        metric=policy.TargetTrackingMetricProperty(
            namespace=metric.namespace, metric_name=metric.metric_name, dimensions=dimensions
        ),
        stat=metric.statistic,
    )


def _title(name: str) -> str:
    """``order-api`` as the construct id ``OrderApi``."""
    return "".join(word.capitalize() for word in name.split("-"))


def _queues(services: Mapping[str, MessagingService]) -> list[str]:
    names = [name for service in services.values() for name in service.enqueues]
    names += [service.works_on for service in services.values() if service.works_on is not None]
    return list(dict.fromkeys(names))


def _require_services(services: Mapping[str, MessagingService]) -> None:
    if not services:
        refuse("services", "hold at least one service", [], "describe a service")
    workers: dict[str, str] = {}
    for name, service in services.items():
        require_match(
            "services",
            name,
            _NAME,
            "be named with lower-case letters, digits and single hyphens",
            remedy="name it like order-api",
        )
        service.validate()
        if service.works_on is None:
            continue
        if service.works_on in workers:
            refuse(
                "works_on",
                "name a queue that no other service works on",
                service.works_on,
                f"{workers[service.works_on]} does; give {name} a queue of its own, or raise count_max",
            )
        workers[service.works_on] = name
    for queue in _queues(services):
        if queue not in workers:
            refuse("enqueues", "name queues that a service works on", queue, f"let a service have works_on={queue!r}")


def _require_scheme(
    services: Mapping[str, MessagingService], certificate: acm.ICertificate | None, *, allow_plain_http: bool
) -> None:
    served = [name for name, service in services.items() if service.port is not None]
    if len(served) > 1:
        refuse(
            "port", "be set for one service at most", ", ".join(served), "put the others behind a front of their own"
        )
    if served and certificate is None and not allow_plain_http:
        raise ValidationError(
            "certificate must be given for HTTPS, got None; pass one, or set allow_plain_http=True to serve without "
            "encryption"
        )
    if (not served or certificate is not None) and allow_plain_http:
        refuse("allow_plain_http", "be False without a port or with a certificate", allow_plain_http, "leave it out")
    if not served and certificate is not None:
        refuse("certificate", "be left out without a port", "one", "give a service a port, or leave it out")
