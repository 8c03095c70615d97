"""The topology: what should run on this machine, as a value.

`plan` makes it and `supervise` runs it; a change to a running app is the difference between two topologies. So
everything here is frozen, compares by value, and keeps the AWS identity of each resource beside its local form.

Names are AWS's. Durations end in `_s` (seconds), sizes in `_bytes`. A `Text` may hold references to secrets; every
other string is final. A resource is named across the topology by its `Identity.key`, ``<stack>/<logical id>``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from cachetwin_local.assembly.stand_ins import MissingValue
from cachetwin_local.assembly.text import SecretRef, Text, secrets_in, show

__all__ = [
    "Attachment",
    "CacheNode",
    "CacheUser",
    "Certificate",
    "Container",
    "ContainerDependency",
    "ContainerImage",
    "Coverage",
    "Database",
    "Endpoint",
    "FixedResponse",
    "Forward",
    "GenerateSecretString",
    "HealthCheck",
    "Identity",
    "Listener",
    "ListenerRule",
    "LoadBalancer",
    "LogDelivery",
    "MemcachedCluster",
    "MissingValue",
    "NetworkPath",
    "NodeGroup",
    "Output",
    "PortMapping",
    "Problem",
    "Redirect",
    "ReplicationGroup",
    "Secret",
    "SecretRef",
    "Service",
    "Target",
    "TargetGroup",
    "TargetHealthCheck",
    "TaskAddress",
    "Text",
    "Topology",
    "WeightedTarget",
    "secrets_in",
    "show",
]


@dataclass(frozen=True, slots=True)
class Identity:
    """The AWS identity of a resource.

    `stack` is the stack's name, `path` the construct path the CDK left in the template's metadata (the logical id
    without one), `physical_name` what `Ref` gives unless the type's `Ref` is an ARN, `attributes` what `Fn::GetAtt`
    gives.
    """

    stack: str
    logical_id: str
    type: str
    path: str
    physical_name: str
    arn: str
    attributes: Mapping[str, object] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The name of this resource within a topology."""
        return f"{self.stack}/{self.logical_id}"

    @property
    def region(self) -> str:
        """The region of a resource that has an ARN with one; empty for others."""
        return self.arn.split(":", 4)[3] if self.arn.count(":") > 3 else ""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A socket the supervisor will listen on: an IPv4 loopback address and a port.

    `names` are the AWS-shaped host names, for the certificate; they do not resolve. `port_on_aws` differs from `port`
    only where endpoints share one address.
    """

    address: str
    port: int
    port_on_aws: int
    tls: Literal["required", "preferred", "off"] = "off"
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CacheNode:
    """One node of a replication group.

    `member_id` is the id of its cache cluster, `shard` that of its node group, `role` the one it starts with.
    `maxmemory_bytes` is what the engine gets: the node type's less the reserved part. `endpoint` is the node's own.
    """

    member_id: str
    role: Literal["primary", "replica"]
    availability_zone: str
    node_type: str
    maxmemory_bytes: int
    endpoint: Endpoint
    shard: str = "0001"


@dataclass(frozen=True, slots=True)
class CacheUser:
    """A user of a cache, as its user group has it. A user without `on` in `access_string` is off, as on the service."""

    user_id: str
    user_name: str
    access_string: str
    authentication_type: Literal["password", "iam", "no-password-required"]
    passwords: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True)
class LogDelivery:
    """Where one kind of a cache's log goes: `destination` names a log group or a delivery stream."""

    log_type: str
    destination_type: str
    destination: str
    log_format: str


@dataclass(frozen=True, slots=True)
class NodeGroup:
    """A node group (shard) of a replication group.

    `slots` are first and last slot of each range, none with cluster mode disabled. `spare_endpoints` are for nodes that are
    added while it runs.
    """

    id: str
    slots: tuple[tuple[int, int], ...]
    spare_endpoints: tuple[Endpoint, ...] = ()


@dataclass(frozen=True, slots=True)
class ReplicationGroup:
    """A Valkey or Redis OSS replication group.

    With cluster mode disabled it has a primary and a reader endpoint, enabled a configuration endpoint, and compatible all
    three. A serverless cache is one shard whose primary and reader endpoint speak the cluster protocol; a single node has
    no reader endpoint.

    `profile` is what the engine is started with. `parameters` are the parameter group's by name, as strings; those that
    say how a node is made (reserved-memory-percent) are in the nodes instead. `users` is empty when the group has no
    user group; then `auth_token`, if any, is the default user's password. Without `automatic_failover` a primary that
    fails is replaced and no replica is promoted.
    """

    identity: Identity
    engine: Literal["valkey", "redis"]
    engine_version: str
    profile: str
    primary_endpoint: Endpoint | None
    reader_endpoint: Endpoint | None
    nodes: tuple[CacheNode, ...]
    parameters: Mapping[str, str]
    users: tuple[CacheUser, ...]
    user_group_ids: tuple[str, ...]
    auth_token: Text | None
    log_delivery: tuple[LogDelivery, ...]
    security_groups: tuple[str, ...]
    automatic_failover: bool = False
    multi_az: bool = False
    cluster_mode: Literal["disabled", "enabled", "compatible", "serverless"] = "disabled"
    configuration_endpoint: Endpoint | None = None
    node_groups: tuple[NodeGroup, ...] = (NodeGroup("0001", ()),)

    @property
    def endpoint(self) -> Endpoint:
        """The endpoint that an app connects to first: the primary's, or the configuration endpoint."""
        found = self.primary_endpoint or self.configuration_endpoint
        if found is None:
            raise ValueError(f"{self.identity.key} has neither a primary nor a configuration endpoint")
        return found


@dataclass(frozen=True, slots=True)
class MemcachedCluster:
    """A Memcached cluster: nodes that know nothing of each other, and an endpoint that tells clients of them.

    `options` are those of memcached's command line. Each node has a shard of its own, its number.
    """

    identity: Identity
    engine_version: str
    profile: str
    configuration_endpoint: Endpoint
    nodes: tuple[CacheNode, ...]
    options: tuple[str, ...]
    security_groups: tuple[str, ...]

    @property
    def endpoint(self) -> Endpoint:
        """The endpoint that an app connects to first."""
        return self.configuration_endpoint


@dataclass(frozen=True, slots=True)
class Database:
    """An RDS for PostgreSQL instance. `force_ssl` is the parameter `rds.force_ssl` (on by default from PostgreSQL 15).

    `parameters` are server settings by name as the parameter group gives them, service-only names (`rds.*`) left out.
    """

    identity: Identity
    engine: Literal["postgres"]
    engine_version: str
    db_name: str | None
    username: Text
    password: Text
    endpoint: Endpoint
    force_ssl: bool
    parameters: Mapping[str, str]
    security_groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GenerateSecretString:
    """How Secrets Manager makes a secret; fields and defaults are those of GetRandomPassword."""

    password_length: int = 32
    exclude_characters: str = ""
    exclude_numbers: bool = False
    exclude_punctuation: bool = False
    exclude_uppercase: bool = False
    exclude_lowercase: bool = False
    include_space: bool = False
    require_each_included_type: bool = True
    secret_string_template: Text | None = None
    generate_string_key: str | None = None


@dataclass(frozen=True, slots=True)
class Attachment:
    """The keys a SecretTargetAttachment merges into its secret's JSON object: engine, host, port, and others by target."""

    target: str
    values: Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret of Secrets Manager: generated here, or with the value the template gives.

    `attachments` merge in, in order.
    """

    identity: Identity
    name: str
    generate: GenerateSecretString | None
    value: Text | None
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class ContainerImage:
    """Where a container comes from: a folder of the assembly with a Dockerfile, or an image by `name` only.

    `directory` is relative to the assembly's folder. `asset_hash` names the content, for caches of what was made from
    it. `in_place` means a process of the user's own, which runs in `directory` itself.
    """

    name: str
    directory: str | None = None
    dockerfile: str = "Dockerfile"
    target: str | None = None
    build_args: Mapping[str, str] = field(default_factory=dict)
    asset_hash: str | None = None
    in_place: bool = False


@dataclass(frozen=True, slots=True)
class PortMapping:
    """A port a container listens on."""

    container_port: int
    protocol: str = "tcp"
    name: str | None = None


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """A container's health check: ``CMD`` or ``CMD-SHELL`` and its words, as the task definition has them."""

    command: tuple[str, ...]
    interval_s: int = 30
    timeout_s: int = 5
    retries: int = 3
    start_period_s: int = 0


@dataclass(frozen=True, slots=True)
class ContainerDependency:
    """Another container of the task that must be in `condition` (START, COMPLETE, SUCCESS, HEALTHY) first."""

    container_name: str
    condition: str


@dataclass(frozen=True, slots=True)
class Container:
    """One container of a task. `environment` holds the task definition's environment and, merged in, its secrets.

    `command`, `entry_point` and `working_directory` are None where the task definition leaves them to the image.
    """

    name: str
    image: ContainerImage
    essential: bool
    command: tuple[str, ...] | None
    entry_point: tuple[str, ...] | None
    working_directory: str | None
    environment: Mapping[str, Text]
    port_mappings: tuple[PortMapping, ...]
    health_check: HealthCheck | None
    log_group: str | None
    depends_on: tuple[ContainerDependency, ...] = ()
    stop_timeout_s: int = 30


@dataclass(frozen=True, slots=True)
class TaskAddress:
    """Where one task of a service listens: a loopback address, and the local port of each container port.

    The ports differ from the container's only where all endpoints share one address.
    """

    address: str
    ports: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Service:
    """An ECS service on Fargate. `tasks` holds an address for each of its tasks.

    A service that the user runs elsewhere has no containers, and its one task is where it listens.

    `depends_on` holds the keys of the caches and databases whose endpoints or credentials its containers receive.
    """

    identity: Identity
    cluster: str
    task_definition: str
    desired_count: int
    tasks: tuple[TaskAddress, ...]
    containers: tuple[Container, ...]
    security_groups: tuple[str, ...]
    depends_on: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TargetHealthCheck:
    """How a target group checks the health of its targets.

    `matcher` is the service's: codes and ranges, ``"200"``, ``"200-299,301"``.
    """

    protocol: str
    path: str
    port: int | None
    matcher: str
    interval_s: int
    timeout_s: int
    healthy_count: int
    unhealthy_count: int


@dataclass(frozen=True, slots=True)
class Target:
    """A container port of a service: every task of the service is a target. `service` is its key."""

    service: str
    container_name: str
    container_port: int


@dataclass(frozen=True, slots=True)
class TargetGroup:
    """The targets a listener forwards to."""

    identity: Identity
    protocol: str
    port: int | None
    targets: tuple[Target, ...]
    health_check: TargetHealthCheck
    deregistration_delay_s: int = 300


@dataclass(frozen=True, slots=True)
class WeightedTarget:
    """A target group by key, and its share of the requests."""

    target_group: str
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Forward:
    """Send the request to one of the target groups, by weight."""

    target_groups: tuple[WeightedTarget, ...]


@dataclass(frozen=True, slots=True)
class Redirect:
    """Answer with a redirect. Fields are the service's, with its placeholders (``#{host}``, ``#{port}``, ...).

    `port` is the port on AWS; a listener of the same load balancer on that port says where it is here.
    """

    status_code: int
    protocol: str = "#{protocol}"
    host: str = "#{host}"
    port: str = "#{port}"
    path: str = "/#{path}"
    query: str = "#{query}"


@dataclass(frozen=True, slots=True)
class FixedResponse:
    """A response of the load balancer itself."""

    status_code: int
    content_type: str = "text/plain"
    message_body: str = ""


Action = Forward | Redirect | FixedResponse


@dataclass(frozen=True, slots=True)
class ListenerRule:
    """A rule of a listener: its action is taken when every condition holds; the lowest `priority` is evaluated first.

    `conditions` are pairs of a field (``path-pattern``, ``host-header``, ``http-request-method``, ``source-ip``,
    ``http-header:<name>``, ``query-string``) and the values of which one must match (``*`` and ``?`` are wildcards).
    """

    priority: int
    conditions: tuple[tuple[str, tuple[str, ...]], ...]
    action: Action


@dataclass(frozen=True, slots=True)
class Certificate:
    """The certificate a listener asks for, by ARN; here the local CA signs one for the endpoint."""

    arn: str


@dataclass(frozen=True, slots=True)
class Listener:
    """A port of a load balancer.

    `endpoint.port_on_aws` is the template's port, `endpoint.port` the one that opens here.
    """

    identity: Identity
    protocol: Literal["HTTP", "HTTPS"]
    endpoint: Endpoint
    default_action: Action
    rules: tuple[ListenerRule, ...] = ()
    certificates: tuple[Certificate, ...] = ()


@dataclass(frozen=True, slots=True)
class LoadBalancer:
    """An Application Load Balancer.

    `dns_name` is ``127.0.0.1:<port>``, so that ``http://<DNSName>`` opens in a browser.
    """

    identity: Identity
    scheme: str
    dns_name: str
    listeners: tuple[Listener, ...]
    security_groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NetworkPath:
    """A path the app needs and the security groups allow: from one resource to a port of another, both by key."""

    source: str
    target: str
    port: int
    allowed_by: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """How the runner treats one resource of a template."""

    identity: Identity
    status: Literal["twinned", "modelled", "not supported", "not readable", "left out"]
    note: str


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that would not work. An ``error`` stops `up`, a ``warning`` is printed."""

    severity: Literal["error", "warning"]
    identity: Identity
    message: str


@dataclass(frozen=True, slots=True)
class Output:
    """An output of a stack. `note` names what it refers to that does not run here."""

    stack: str
    name: str
    value: Text
    description: str = ""
    export_name: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Topology:
    """Everything that should run here for the chosen stacks of an app, and how the rest is treated."""

    project: str
    region: str
    account: str
    loopback: Literal["per-endpoint", "shared"]
    stacks: tuple[str, ...]
    replication_groups: tuple[ReplicationGroup, ...] = ()
    memcached_clusters: tuple[MemcachedCluster, ...] = ()
    databases: tuple[Database, ...] = ()
    secrets: tuple[Secret, ...] = ()
    services: tuple[Service, ...] = ()
    load_balancers: tuple[LoadBalancer, ...] = ()
    target_groups: tuple[TargetGroup, ...] = ()
    paths: tuple[NetworkPath, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    problems: tuple[Problem, ...] = ()
    outputs: tuple[Output, ...] = ()
    missing: tuple[MissingValue, ...] = ()
