"""Services that exchange messages and jobs through a cache: pub/sub channels for messages, streams for jobs.

Each service states the channels and queues that it uses. Its cache user may use these channels and streams, with the
commands that they need, and nothing else. A function measures the queues once a minute, and the number of a worker's tasks
follows the backlog.
"""

from collections.abc import Iterable, Mapping

import aws_cdk as cdk
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as cloudwatch_actions
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from constructs import Construct, IDependable

from cachetwin_cdk.access.access import Access
from cachetwin_cdk.access.users import IUser, PasswordUser
from cachetwin_cdk.checks._types import checked_arguments
from cachetwin_cdk.checks._validate import ValidationError, refuse
from cachetwin_cdk.compliance import Compliance, retain_unless_destroyed
from cachetwin_cdk.engine.engine_version import Engine
from cachetwin_cdk.engine.node_type import NodeType
from cachetwin_cdk.monitoring.alarms import require_alarm_topic
from cachetwin_cdk.monitoring.log_delivery import Logging, log_key
from cachetwin_cdk.operations.backups import Backups
from cachetwin_cdk.patterns._cache import (
    Cache,
    UserPlace,
    add_user_to,
    endpoints,
    engine_of,
    is_clustered,
    name_of,
    require_usable,
)
from cachetwin_cdk.patterns._fargate import (
    api_subnets,
    fargate_service,
    logged_container,
    silence_w3005,
    task_definition,
)
from cachetwin_cdk.patterns._findings import CACHE_SECRET, acknowledge
from cachetwin_cdk.patterns._limits import require_cluster
from cachetwin_cdk.patterns._logs import LogSettings
from cachetwin_cdk.patterns._network import private_network
from cachetwin_cdk.patterns._web_front import WebFront
from cachetwin_cdk.replication_group.encryption import Encryption
from cachetwin_cdk.replication_group.replication_group import ReplicationGroup
from cachetwin_cdk.replication_group.topology import Topology
from cachetwin_cdk.rotation import UserPasswordRotation

from ._description import queue_names, require_scheme, require_services
from ._metering import METRIC_NAMESPACE, create_meter, create_meter_user
from ._scaling import scale_on_backlog
from .service import MessagingService
from .streams import dead_letter_key

# What the pattern itself makes, directly below it.
_OWN_IDS = frozenset(
    {
        "Cache", "Cluster", "Front", "Key", "LogKey", "Meter", "MeterLog", "MeterRole", "MeterSchedule",
        "MeterSecurityGroup", "MeterUser", "Vpc",
    }
)  # fmt: skip


@checked_arguments
class MessagingServices(Construct):
    """Publishers, subscribers and workers on Fargate that share one Valkey cache, each with a cache user of its own.

    Defines an ECS cluster with one Fargate service, user and security group per entry of ``services``; scaling for
    the workers; a function that measures the queues, with an IAM user; an alarm per queue for jobs that were given
    up; a load balancer if a service has a ``port``; and, unless given, a ReplicationGroup and a VPC.

    Each container has these environment variables: ``CACHE_HOST``, ``CACHE_PORT``, ``CACHE_TLS``, ``CACHE_USER``
    and, from Secrets Manager, ``CACHE_PASSWORD``; and, where they have a value, ``PORT``, ``PUBLISHES`` and
    ``SUBSCRIBES`` (channels), ``ENQUEUES``, ``WORKS_ON`` and ``DEAD_LETTERS`` (streams), with commas between
    several.

    Args:
        services: The services by name, such as ``order-api``.
        certificate: The certificate for HTTPS of the load balancer. Required if a service has a ``port``, unless
            ``allow_plain_http`` is set.
        allow_plain_http: Whether the load balancer serves plain HTTP in place of HTTPS. Only without a certificate.
        vpc: An existing VPC. By default the VPC of ``cluster``, or a new one in two zones with one NAT gateway.
            Changing it replaces the cache.
        cluster: An existing ECS cluster. By default one is created. Changing it replaces the services.
        cache: An existing cache without shards, with a user group to which the users are added: one of this app, in
            any stack, or one imported with ``add_users=True``. By default a replication group is created.
        cache_node_type: The node type of the cache created here. ``cache.t4g.small`` by default.
        cache_replicas: The number of replicas of the cache created here. By default one, in another availability
            zone.
        alarm_topic: An SNS topic that is told of jobs that were given up. By default the alarms only show in
            CloudWatch; required with ``compliance=REGULATED``.
        rotate_cache_password_days: How many days after which the passwords of the cache users are changed. By
            default they are not. A task keeps the password that it started with, which is valid until the change
            after the next.
        compliance: The rules that the services follow. REGULATED, for HIPAA and NIST 800-53, adds a key for the
            cache and the secrets, 15 days of backups, and versions of access logs.
        backup_retention_days: How many days snapshots of the cache are kept. By default 7, or 15 with
            ``compliance=REGULATED``.
        log_retention: How long log groups keep their entries.
        removal_policy: What happens when the services are removed. By default the cache leaves a final snapshot and
            logs are kept; DESTROY keeps nothing.
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
        cache_node_type: NodeType | None = None,
        cache_replicas: int | None = None,
        alarm_topic: sns.ITopic | None = None,
        rotate_cache_password_days: int | None = None,
        compliance: Compliance = Compliance.STANDARD,
        backup_retention_days: int | None = None,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_MONTH,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.SNAPSHOT,
    ) -> None:
        require_services(services)
        require_scheme(services, certificate, allow_plain_http=allow_plain_http)
        require_cluster(cluster, vpc)
        vpc = vpc or (cluster.vpc if cluster is not None else None)
        _require_cache(cache, vpc, cache_node_type, cache_replicas)
        require_alarm_topic("alarm_topic", scope, alarm_topic)
        self.queues = queue_names(services)
        if compliance.is_regulated and alarm_topic is None and self.queues:
            raise ValidationError(
                "alarm_topic must be given with compliance REGULATED, got None; pass the topic of whoever is on call"
            )
        super().__init__(scope, construct_id)
        require_usable(self, cache, vpc)
        self.definitions, self.compliance = dict(services), compliance
        retain_logs = retain_unless_destroyed(removal_policy)
        self.log_key = log_key(self, "LogKey", removal_policy=retain_logs)
        self._log_settings = LogSettings(self.log_key, log_retention, retain_logs)
        self.data_key = compliance.data_key(self, None, retain_logs)
        self.vpc = vpc or private_network(
            self, "Vpc", log_settings=self._log_settings, regulated=compliance.is_regulated
        )
        self._scopes = {name: Construct(self, construct_id) for name, construct_id in _construct_ids(services).items()}
        place, engine = UserPlace.of(self, cache), engine_of(cache)
        self.users = self._create_users(place, engine)
        self.meter_user = create_meter_user(place, self.queues, engine) if self.queues else None
        self._members: list[IDependable] = []
        self.cache: Cache = (
            self._existing_cache(cache)
            if cache is not None
            else self._create_cache(
                cache_node_type or NodeType.T4G_SMALL,
                1 if cache_replicas is None else cache_replicas,
                backup_retention_days,
                removal_policy,
            )
        )
        self.cluster = cluster or ecs.Cluster(
            self, "Cluster", vpc=self.vpc, container_insights_v2=ecs.ContainerInsights.ENABLED
        )
        self.services = {name: self._create_service(name, service) for name, service in services.items()}
        self.front = self._create_front(certificate, removal_policy)
        self.meter = self._create_meter()
        self.alarms = {queue: self._create_alarm(queue, alarm_topic) for queue in self.queues}
        self._scale_workers()
        if rotate_cache_password_days is not None:
            self._rotate_passwords(rotate_cache_password_days)

    @property
    def url(self) -> str:
        """The URL of the load balancer. Raises ValidationError when no service has a port."""
        if self.front is None:
            raise ValidationError("url must be asked of services with a port, got none; give one service a port")
        return self.front.url

    def metric_backlog(self, queue: str) -> cloudwatch.Metric:
        """Jobs that are waiting or in progress, the maximum of each minute."""
        return self._metric(queue, "Backlog", cloudwatch.Unit.COUNT)

    def metric_oldest_job_age(self, queue: str) -> cloudwatch.Metric:
        """Seconds since the oldest unfinished job was added."""
        return self._metric(queue, "OldestJobAge", cloudwatch.Unit.SECONDS)

    def metric_dead_letters(self, queue: str) -> cloudwatch.Metric:
        """Jobs in the dead-letter stream."""
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
        ).attach_to(self)

    def _create_users(self, place: UserPlace, engine: Engine) -> dict[str, PasswordUser]:
        key = place.key(self.data_key)
        users = {
            name: PasswordUser(
                place.scope if place.is_elsewhere else self._scopes[name],
                place.construct_id(f"{self._scopes[name].node.id}CacheUser" if place.is_elsewhere else "CacheUser"),
                access_string=service.access_string(engine),
                engine=engine,
                secret_encryption_key=key,
            )
            for name, service in self.definitions.items()
        }
        if self.compliance.is_regulated:
            for user in users.values():
                acknowledge(user, CACHE_SECRET)
        return users

    def _cache_users(self) -> list[IUser]:
        return [*self.users.values(), *([self.meter_user] if self.meter_user is not None else [])]

    def _existing_cache(self, cache: Cache) -> Cache:
        added = [add_user_to(cache, user) for user in self._cache_users()]
        self._members = [member for member in added if member is not None]
        return cache

    def _create_cache(
        self,
        node_type: NodeType,
        replicas: int,
        retention_days: int | None,
        removal_policy: cdk.RemovalPolicy,
    ) -> ReplicationGroup:
        return ReplicationGroup(
            self,
            "Cache",
            vpc=self.vpc,
            node_type=node_type,
            topology=Topology.replicated(replicas) if replicas else Topology.single_node(),
            access=Access.users(*self._cache_users()),
            # Evicting a key could lose a job. With noeviction a full cache refuses new jobs with an error.
            parameters={"maxmemory-policy": "noeviction"},
            compliance=self.compliance,
            encryption=Encryption(kms_key=self.data_key),
            backups=Backups(retention_days=retention_days),
            logging=Logging.to_log_groups(retention=self._log_settings.retention, encryption_key=self.log_key),
            removal_policy=removal_policy,
        )

    def _create_service(self, name: str, definition: MessagingService) -> ecs.FargateService:
        scope, user = self._scopes[name], self.users[name]
        endpoint, _ = endpoints(self.cache)
        task = task_definition(
            scope,
            cpu=definition.cpu,
            memory_limit_mib=definition.memory_limit_mib,
            runtime_platform=definition.runtime_platform,
            regulated=self.compliance.is_regulated,
        )
        logged_container(
            scope,
            task,
            "Container",
            image=definition.image,
            command=definition.command,
            environment={
                "CACHE_HOST": endpoint.hostname,
                "CACHE_PORT": endpoint.port_text,
                "CACHE_TLS": "true",
                "CACHE_USER": user.user_name,
                **definition.environment_variables(),
                **definition.environment,
            },
            secrets={"CACHE_PASSWORD": ecs.Secret.from_secrets_manager(user.secret, "password")},
            port=definition.port,
            writable_root_filesystem=definition.writable_root_filesystem,
            user=definition.container_user,
            log_settings=self._log_settings,
            stop_timeout=definition.stop_timeout or cdk.Duration.seconds(30 if definition.works_on is None else 120),
        )
        service = fargate_service(scope, cluster=self.cluster, vpc=self.vpc, task=task, desired_count=definition.count)
        silence_w3005(service)
        service.node.add_dependency(*self._members)
        service.connections.allow_to_default_port(self.cache, f"{name} uses the cache")
        return service

    def _create_front(self, certificate: acm.ICertificate | None, removal_policy: cdk.RemovalPolicy) -> WebFront | None:
        """The load balancer of the service that has a port; None where no service has one."""
        name = next((name for name, service in self.definitions.items() if service.port is not None), None)
        if name is None:
            return None
        definition = self.definitions[name]
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
            port=definition.port,
            protocol=elbv2.ApplicationProtocol.HTTP,
            targets=[self.services[name]],
            deregistration_delay=cdk.Duration.seconds(30),
            health_check=elbv2.HealthCheck(path=definition.health_check_path, interval=cdk.Duration.seconds(15)),
        )
        return front

    def _create_meter(self) -> lambda_.Function | None:
        if self.meter_user is None:
            return None
        return create_meter(
            self,
            cache=self.cache,
            user=self.meter_user,
            queues=self.queues,
            vpc=self.vpc,
            log_settings=self._log_settings,
            regulated=self.compliance.is_regulated,
        )

    def _create_alarm(self, queue: str, topic: sns.ITopic | None) -> cloudwatch.Alarm:
        alarm = cloudwatch.Alarm(
            self,
            f"DeadLetters-{queue}",
            alarm_description=f"Jobs of the queue {queue} were given up; read them in {dead_letter_key(queue)}",
            metric=self.metric_dead_letters(queue),
            threshold=0,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.MISSING,
        )
        if topic is not None:
            alarm.add_alarm_action(cloudwatch_actions.SnsAction(topic))
        return alarm

    def _scale_workers(self) -> None:
        for name, definition in self.definitions.items():
            if definition.works_on is not None:
                scale_on_backlog(
                    self._scopes[name],
                    definition=definition,
                    queue=definition.works_on,
                    service=self.services[name],
                    cluster=self.cluster,
                    backlog=self.metric_backlog(definition.works_on),
                )

    def _rotate_passwords(self, days: int) -> None:
        for name, user in self.users.items():
            UserPasswordRotation(
                self._scopes[name],
                "CachePassword",
                user=user,
                cache=self.cache,
                vpc=self.vpc,
                vpc_subnets=api_subnets(self.vpc),
                automatically_after_days=days,
                encryption_key=self.log_key,
            )


def _construct_ids(names: Iterable[str]) -> dict[str, str]:
    """The construct id of each service: ``OrderApi`` of ``order-api``.

    A name whose id is that of another part of the pattern, or of an earlier service, becomes ``Service-cache``.
    """
    ids: dict[str, str] = {}
    for name in names:
        plain = "".join(word.capitalize() for word in name.split("-"))
        ids[name] = f"Service-{name}" if plain in _OWN_IDS or plain in ids.values() else plain
    return ids


def _require_cache(cache: Cache | None, vpc: ec2.IVpc | None, node_type: NodeType | None, replicas: int | None) -> None:
    if cache is None:
        return
    for name, value in {"cache_node_type": node_type, "cache_replicas": replicas}.items():
        if value is not None:
            refuse(name, "be left out when cache is given", value, "leave it out")
    if vpc is None:
        raise ValidationError("vpc must be given with a cache that exists, got None; pass the VPC the cache is in")
    if is_clustered(cache):
        refuse("cache", "not be a cluster", cache.node.path, "use one with cluster mode disabled or compatible")
