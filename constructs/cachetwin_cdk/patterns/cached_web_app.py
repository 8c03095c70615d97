"""A web application with a database and a cache of its query results.

Load balancer, Fargate service, PostgreSQL and Valkey, each in subnets of its own kind. Three connections are allowed
between them: load balancer to service, service to cache, service to database.
"""

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from cachetwin_cdk.access.access import Access
from cachetwin_cdk.access.access_string import AccessString
from cachetwin_cdk.access.users import PasswordUser
from cachetwin_cdk.checks._findings import AWS_KEY_FOR_SECRETS, excuse
from cachetwin_cdk.checks._types import checked_arguments
from cachetwin_cdk.checks._validate import ValidationError, require_at_least
from cachetwin_cdk.compliance import Compliance, retain_unless_destroyed
from cachetwin_cdk.engine.node_type import NodeType
from cachetwin_cdk.memcached_cluster import MemcachedCluster
from cachetwin_cdk.memcached_topology import MemcachedTopology
from cachetwin_cdk.monitoring.log_delivery import Logging, log_key
from cachetwin_cdk.operations.backups import Backups
from cachetwin_cdk.replication_group.encryption import Encryption
from cachetwin_cdk.replication_group.replication_group import ReplicationGroup
from cachetwin_cdk.replication_group.topology import Topology
from cachetwin_cdk.rotation import UserPasswordRotation
from cachetwin_cdk.serverless.serverless_cache import ServerlessCache, UsageLimits

from ._cache import Cache, UserPlace, add_user_to, connection_commands, endpoints, engine_of, require_usable
from ._environment import merged, number_text, seconds_text
from ._fargate import NOT_ROOT, api_subnets, fargate_service, logged_container, silence_w3005, task_definition
from ._findings import CACHE_SECRET, acknowledge
from ._limits import (
    require_cluster,
    require_container_user,
    require_instance_type,
    require_task_size,
    require_variable_names,
)
from ._logs import LogSettings
from ._network import private_network
from ._web_app_rules import (
    require_commands,
    require_names,
    require_no_other_cache,
    require_scheme,
    require_service,
    require_stores,
)
from ._web_database import ExistingDatabase, WebDatabase
from ._web_front import WebFront

# Cache-aside reads, stores with a TTL (in one step with a look at a lock), locks (SET NX) and invalidates.
_CACHE_COMMANDS = (
    "get", "mget", "set", "del", "unlink", "exists", "ttl", "watch", "unwatch", "multi", "exec",
)  # fmt: skip
_SECRET_VARIABLES = frozenset({"CACHE_PASSWORD", "DB_USER", "DB_PASSWORD"})
_RDS_CA_PATH = "/etc/ssl/rds/global-bundle.pem"


@checked_arguments
class CachedWebApp(Construct):
    """A public web service with RDS for PostgreSQL and a Valkey cache of its query results.

    Defines an application load balancer with access logs, an ECS cluster with one Fargate service, an RDS for
    PostgreSQL instance with generated credentials, a ReplicationGroup (or a ServerlessCache) with a user for the
    service and, unless ``vpc`` is given, a VPC. All of them are encrypted, logged and, apart from the load
    balancer, private.

    The container has these environment variables: ``PORT``; ``CACHE_HOST``, ``CACHE_PORT``, ``CACHE_READER_HOST``,
    ``CACHE_READER_PORT``, ``CACHE_TLS``, ``CACHE_USER``, ``CACHE_TTL_SECONDS``; ``DB_HOST``, ``DB_PORT``,
    ``DB_NAME``, ``DB_SSLMODE``, ``PGSSLROOTCERT``; and, from Secrets Manager, ``CACHE_PASSWORD``, ``DB_USER``,
    ``DB_PASSWORD``. With Memcached the cache has no reader endpoint, user and password: ``CACHE_HOST`` and
    ``CACHE_PORT`` are the configuration endpoint, from which clients with auto discovery learn of the nodes.

    Args:
        image: The image of the web service.
        command: The command of the container. By default that of the image.
        container_port: The port that the container listens on, which it also finds in ``PORT``.
        environment: Further environment variables of the container. By default there are none.
        health_check_path: The path that the load balancer requests to see whether a task is healthy.
        certificate: The certificate for HTTPS. Required unless ``allow_plain_http`` is set.
        allow_plain_http: Whether the load balancer serves plain HTTP in place of HTTPS. Only without a certificate.
        vpc: An existing VPC. By default the VPC of ``cluster``, or a new one in two zones with one NAT gateway.
            Changing it replaces database and cache.
        cluster: An existing ECS cluster. By default one is created. Changing it replaces the service.
        desired_count: The number of tasks.
        cpu: CPU units of a task; 1024 are one vCPU.
        memory_limit_mib: Memory of a task in MiB. Fargate allows certain combinations with ``cpu``.
        runtime_platform: Operating system and processor of the tasks. By default Linux on x86-64.
        writable_root_filesystem: Whether the container may write to its root file system. By default it is
            read-only.
        container_user: The user, and group, that the container runs as, by number or by a name of the image. By default
            a number that no user of a machine has; ``root`` is possible.
        cache: An existing cache without shards, with a user group to which the user of the service is added: one of
            this app, in any stack, or one imported with ``add_users=True``. By default a cache is created.
        serverless_cache: Whether the cache created here is serverless. By default it is a replication group.
            Changing it replaces the cache.
        cache_usage_limits: Limits of the serverless cache. By default there are none below the quotas of the
            service.
        memcached_nodes: The number of nodes of a Memcached cluster, in place of the replication group. Every client
            that reaches the cluster may read and write, and what a node holds is lost with it. By default the cache is
            no Memcached. Changing between the two replaces the cache.
        cache_node_type: The node type of the replication group, or of the Memcached nodes. ``cache.t4g.small`` by
            default.
        cache_replicas: The number of replicas of the replication group. By default one, in another availability
            zone.
        cache_key_prefix: The prefix of the keys that the user of the service may use.
        cache_access: The access string of the user of the service. By default it may use the commands of
            cache-aside on keys with ``cache_key_prefix``.
        cache_ttl: How long the service should cache a result, passed on as ``CACHE_TTL_SECONDS``. One minute by
            default.
        database: An existing database. By default an RDS instance is created.
        database_name: The name of the database. Changing it replaces the RDS instance.
        database_instance_type: The instance type of the RDS instance. ``t4g.small`` by default.
        database_multi_az: Whether the RDS instance has a standby in another availability zone.
        database_ca_path: Where the image has the bundle of certificate authorities of RDS.
        migrate_command: A command that makes the tables and a role for the service, as the owner of the database, in a
            container of its own that each task runs first. It finds the owner in ``DB_USER`` and ``DB_PASSWORD``, and
            the role to make in ``DB_APP_USER`` and ``DB_APP_PASSWORD``; it has to succeed, and do no harm when it runs
            again. The service then logs in as that role. By default the service logs in as the owner.
        rotate_cache_password_days: How many days after which the password of the cache user is changed. By default
            it is not. A task keeps the password that it started with, which is valid until the change after the
            next: deploy the service more often than that.
        compliance: The rules that the application follows. REGULATED, for HIPAA and NIST 800-53, adds a key for
            both stores and their secrets, 15 days of backups, enhanced monitoring of the database and versions of
            access logs.
        backup_retention_days: How many days backups of both stores are kept, 0 to 35; 0 keeps none. By default 7, or
            15 with ``compliance=REGULATED``.
        log_retention: How long log groups keep their entries.
        removal_policy: What happens when the application is removed. By default both stores leave a final snapshot,
            logs are kept, and database and load balancer are protected from deletion. DESTROY protects and keeps
            nothing, but the bucket of access logs has to be emptied by hand.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        image: ecs.ContainerImage,
        command: Sequence[str] | None = None,
        container_port: int = 8080,
        environment: Mapping[str, str] | None = None,
        health_check_path: str = "/healthz",
        certificate: acm.ICertificate | None = None,
        allow_plain_http: bool = False,
        vpc: ec2.IVpc | None = None,
        cluster: ecs.ICluster | None = None,
        desired_count: int = 2,
        cpu: int = 256,
        memory_limit_mib: int = 512,
        runtime_platform: ecs.RuntimePlatform | None = None,
        writable_root_filesystem: bool = False,
        container_user: str = NOT_ROOT,
        cache: Cache | None = None,
        serverless_cache: bool = False,
        cache_usage_limits: UsageLimits | None = None,
        memcached_nodes: int | None = None,
        cache_node_type: NodeType | None = None,
        cache_replicas: int | None = None,
        cache_key_prefix: str = "app:",
        cache_access: AccessString | None = None,
        cache_ttl: cdk.Duration | None = None,
        database: ExistingDatabase | None = None,
        database_name: str = "app",
        database_instance_type: ec2.InstanceType | None = None,
        database_multi_az: bool = True,
        database_ca_path: str = _RDS_CA_PATH,
        migrate_command: Sequence[str] | None = None,
        rotate_cache_password_days: int | None = None,
        compliance: Compliance = Compliance.STANDARD,
        backup_retention_days: int | None = None,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_MONTH,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.SNAPSHOT,
    ) -> None:
        ttl = cache_ttl or cdk.Duration.minutes(1)
        require_cluster(cluster, vpc)
        vpc = vpc or (cluster.vpc if cluster is not None else None)
        require_scheme(certificate, allow_plain_http=allow_plain_http)
        require_stores(
            vpc,
            cache,
            database,
            serverless=serverless_cache,
            usage_limits=cache_usage_limits,
            nodes={"cache_node_type": cache_node_type, "cache_replicas": cache_replicas},
            instance={"database_instance_type": database_instance_type},
        )
        if memcached_nodes is not None:
            require_no_other_cache(
                cache,
                cache_access,
                serverless=serverless_cache,
                replicas=cache_replicas,
                rotation_days=rotate_cache_password_days,
            )
        require_service(container_port, desired_count, health_check_path)
        require_names(cache_key_prefix, database_name)
        require_commands(command, migrate_command, database_ca_path)
        require_variable_names(environment or {})
        require_container_user(container_user)
        require_at_least("cache_ttl", ttl.to_seconds(integral=False), 1, unit="second")
        require_task_size(cpu, memory_limit_mib)
        require_instance_type(database_instance_type)
        super().__init__(scope, construct_id)

        require_usable(self, cache, vpc, cache_access)
        self.compliance = compliance
        self._removal_policy = removal_policy
        self._retention_days = compliance.retention_days if backup_retention_days is None else backup_retention_days
        self.log_key = log_key(self, "LogKey", removal_policy=retain_unless_destroyed(removal_policy))
        self._log_settings = LogSettings(self.log_key, log_retention, retain_unless_destroyed(removal_policy))
        self.data_key = compliance.data_key(self, None, retain_unless_destroyed(removal_policy))
        self.vpc = vpc or private_network(
            self, "Vpc", log_settings=self._log_settings, regulated=compliance.is_regulated
        )
        self.database: WebDatabase | ExistingDatabase = database or self._create_database(
            database_name, database_instance_type, multi_az=database_multi_az
        )
        self._cache_user = (
            self._create_cache_user(cache_access, cache_key_prefix, cache) if memcached_nodes is None else None
        )
        self.cache: Cache | MemcachedCluster
        member = None
        if cache is not None:
            member = add_user_to(cache, self.cache_user)
            self.cache = cache
        elif memcached_nodes is not None:
            self.cache = self._create_memcached_cluster(cache_node_type or NodeType.T4G_SMALL, memcached_nodes)
        elif serverless_cache:
            self.cache = self._create_serverless_cache(cache_usage_limits)
        else:
            self.cache = self._create_replication_group(
                cache_node_type or NodeType.T4G_SMALL, 1 if cache_replicas is None else cache_replicas
            )
        self.front = self._create_front(certificate)
        self.task_definition = task_definition(
            self,
            cpu=cpu,
            memory_limit_mib=memory_limit_mib,
            runtime_platform=runtime_platform,
            regulated=compliance.is_regulated,
        )
        own_environment = {
            "PORT": number_text(container_port),
            **self._store_environment(database_name, database_ca_path, ttl),
        }
        variables = merged(own_environment, environment or {}, _SECRET_VARIABLES)
        self.database_user = self._create_database_user() if migrate_command is not None else None
        self.container = logged_container(
            self,
            self.task_definition,
            "Web",
            image=image,
            command=command,
            environment=variables,
            secrets=self._secrets(),
            port=container_port,
            writable_root_filesystem=writable_root_filesystem,
            user=container_user,
            log_settings=self._log_settings,
        )
        if migrate_command is not None:
            self._migrate_first(image, migrate_command, variables, container_user)
        self.cluster = cluster or ecs.Cluster(
            self, "Cluster", vpc=self.vpc, container_insights_v2=ecs.ContainerInsights.ENABLED
        )
        self.service = fargate_service(
            self, cluster=self.cluster, vpc=self.vpc, task=self.task_definition, desired_count=desired_count
        )
        if member is not None:
            self.service.node.add_dependency(member)
        self._connect_front(container_port, health_check_path)
        self._connect_stores()
        if rotate_cache_password_days is not None:
            self._rotate_cache_password(rotate_cache_password_days)

    @property
    def url(self) -> str:
        """The URL of the load balancer."""
        return self.front.url

    @property
    def cache_user(self) -> PasswordUser:
        """The user of the cache that the service logs in as. Raises ValidationError with Memcached, which has none."""
        if self._cache_user is None:
            raise ValidationError("cache_user must be asked of an app with users, got one with memcached_nodes")
        return self._cache_user

    def _create_database(self, name: str, instance_type: ec2.InstanceType | None, *, multi_az: bool) -> WebDatabase:
        return WebDatabase(
            self,
            "Database",
            vpc=self.vpc,
            database_name=name,
            instance_type=instance_type or ec2.InstanceType.of(ec2.InstanceClass.T4G, ec2.InstanceSize.SMALL),
            multi_az=multi_az,
            backup_retention_days=self._retention_days,
            removal_policy=self._removal_policy,
            encryption_key=self.data_key,
            regulated=self.compliance.is_regulated,
        )

    def _create_cache_user(self, access_string: AccessString | None, prefix: str, cache: Cache | None) -> PasswordUser:
        place, engine = UserPlace.of(self, cache), engine_of(cache)
        commands = (*_CACHE_COMMANDS, *connection_commands(engine))
        user = PasswordUser(
            place.scope,
            place.construct_id("CacheUser"),
            access_string=access_string or AccessString.on().keys(f"{prefix}*").commands(*commands),
            engine=engine,
            secret_encryption_key=place.key(self.data_key),
        )
        if self.compliance.is_regulated:
            acknowledge(user, CACHE_SECRET)
        return user

    def _create_serverless_cache(self, usage_limits: UsageLimits | None) -> ServerlessCache:
        return ServerlessCache(
            self,
            "Cache",
            vpc=self.vpc,
            access=Access.users(self.cache_user),
            usage_limits=usage_limits,
            compliance=self.compliance,
            kms_key=self.data_key,
            backups=Backups(retention_days=self._retention_days),
            removal_policy=self._removal_policy,
        )

    def _create_replication_group(self, node_type: NodeType, replicas: int) -> ReplicationGroup:
        return ReplicationGroup(
            self,
            "Cache",
            vpc=self.vpc,
            node_type=node_type,
            topology=Topology.replicated(replicas) if replicas else Topology.single_node(),
            access=Access.users(self.cache_user),
            # Every key has a TTL and can be read again from the database, so any key may be evicted.
            parameters={"maxmemory-policy": "allkeys-lru"},
            compliance=self.compliance,
            encryption=Encryption(kms_key=self.data_key),
            backups=Backups(retention_days=self._retention_days),
            logging=Logging.to_log_groups(retention=self._log_settings.retention, encryption_key=self.log_key),
            removal_policy=self._removal_policy,
        )

    def _create_memcached_cluster(self, node_type: NodeType, nodes: int) -> MemcachedCluster:
        return MemcachedCluster(
            self,
            "Cache",
            vpc=self.vpc,
            node_type=node_type,
            topology=MemcachedTopology(nodes=nodes, crosses_zones=nodes > 1),
            compliance=self.compliance,
        )

    def _create_front(self, certificate: acm.ICertificate | None) -> WebFront:
        return WebFront(
            self,
            "Front",
            vpc=self.vpc,
            certificate=certificate,
            access_log_retention=cdk.Duration.days(90),
            removal_policy=self._removal_policy,
            regulated=self.compliance.is_regulated,
        )

    def _store_environment(self, database_name: str, ca_path: str, ttl: cdk.Duration) -> dict[str, str]:
        """The variables that say where cache and database are."""
        return {
            **self._cache_environment(),
            "CACHE_TTL_SECONDS": seconds_text(ttl),
            "DB_HOST": self.database.host,
            "DB_PORT": self.database.port_text,
            "DB_NAME": database_name,
            "DB_SSLMODE": "verify-full",
            "PGSSLROOTCERT": ca_path,
        }

    def _cache_environment(self) -> dict[str, str]:
        if isinstance(self.cache, MemcachedCluster):
            endpoint = self.cache.configuration_endpoint
            return {"CACHE_HOST": endpoint.hostname, "CACHE_PORT": endpoint.port_text, "CACHE_TLS": "true"}
        primary, reader = endpoints(self.cache)
        return {
            "CACHE_HOST": primary.hostname,
            "CACHE_PORT": primary.port_text,
            "CACHE_READER_HOST": reader.hostname,
            "CACHE_READER_PORT": reader.port_text,
            "CACHE_TLS": "true",
            "CACHE_USER": self.cache_user.user_name,
        }

    def _secrets(self) -> dict[str, ecs.Secret]:
        """The variables that ECS reads from Secrets Manager when a task starts."""
        login = self.database_user or self.database.secret
        user = self._cache_user
        password = {} if user is None else {"CACHE_PASSWORD": ecs.Secret.from_secrets_manager(user.secret, "password")}
        return {
            **password,
            "DB_USER": ecs.Secret.from_secrets_manager(login, "username"),
            "DB_PASSWORD": ecs.Secret.from_secrets_manager(login, "password"),
        }

    def _create_database_user(self) -> secretsmanager.Secret:
        """Name and password of the role that the service logs in as; the migration makes the role."""
        secret = secretsmanager.Secret(
            self,
            "DatabaseUser",
            description=f"The database role of the service of {self.node.path}",
            encryption_key=self.data_key,
            generate_secret_string=secretsmanager.SecretStringGenerator(
                secret_string_template='{"username": "service"}',  # noqa: S106  (a name)
                generate_string_key="password",
                password_length=32,
                exclude_punctuation=True,
            ),
        )
        reason = "The migration sets the password of the role from this secret whenever a task starts: change it there."
        cdk.Validations.of(secret).acknowledge(cdk.Acknowledgment(id="AwsSolutions-SMG4", reason=reason))
        if self.data_key is None:
            excuse(secret, "AWS::SecretsManager::Secret", AWS_KEY_FOR_SECRETS)
        if self.compliance.is_regulated:
            acknowledge(secret, {"SecretsManagerRotationEnabled": reason})
        return secret

    def _migrate_first(
        self, image: ecs.ContainerImage, command: Sequence[str], variables: Mapping[str, str], user: str
    ) -> None:
        assert self.database_user is not None  # noqa: S101  (made with the command)
        owner = self.database.secret
        migration = logged_container(
            self,
            self.task_definition,
            "Migrate",
            image=image,
            command=command,
            environment={name: value for name, value in variables.items() if name.startswith(("DB_", "PG"))},
            secrets={
                "DB_USER": ecs.Secret.from_secrets_manager(owner, "username"),
                "DB_PASSWORD": ecs.Secret.from_secrets_manager(owner, "password"),
                "DB_APP_USER": ecs.Secret.from_secrets_manager(self.database_user, "username"),
                "DB_APP_PASSWORD": ecs.Secret.from_secrets_manager(self.database_user, "password"),
            },
            port=None,
            writable_root_filesystem=False,
            user=user,
            log_settings=self._log_settings,
            log_id="MigrateLog",
            essential=False,
        )
        self.container.add_container_dependencies(
            ecs.ContainerDependency(container=migration, condition=ecs.ContainerDependencyCondition.SUCCESS)
        )

    def _connect_front(self, container_port: int, health_check_path: str) -> None:
        self.front.listener.add_targets(
            "Service",
            port=container_port,
            protocol=elbv2.ApplicationProtocol.HTTP,
            targets=[self.service],
            deregistration_delay=cdk.Duration.seconds(30),
            health_check=elbv2.HealthCheck(path=health_check_path, interval=cdk.Duration.seconds(15)),
        )
        silence_w3005(self.service)

    def _connect_stores(self) -> None:
        self.service.connections.allow_to_default_port(self.cache, "The service asks the cache")
        port, description = self.database.connection_port, "The service asks the database"
        if port is None:
            self.service.connections.allow_to_default_port(self.database.instance, description)
        else:
            self.service.connections.allow_to(self.database.instance, port, description)

    def _rotate_cache_password(self, days: int) -> None:
        assert not isinstance(self.cache, MemcachedCluster)  # noqa: S101  (refused by the constructor)
        self.cache_password_rotation = UserPasswordRotation(
            self,
            "CachePassword",
            user=self.cache_user,
            cache=self.cache,
            vpc=self.vpc,
            vpc_subnets=api_subnets(self.vpc),
            automatically_after_days=days,
            encryption_key=self.log_key,
        )
