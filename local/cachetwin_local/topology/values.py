"""The topology: what should run on this machine, as a value.

`plan` makes it and `supervise` runs it; a change to a running app is the difference between two topologies. So
everything here is frozen, compares by value, and keeps the AWS identity of each resource beside its local form.

Names are AWS's. Durations end in `_s` (seconds), sizes in `_bytes`. A `Text` may hold references to secrets; every
other string is final. A resource is named across the topology by its `Identity.key`, ``<stack>/<logical id>``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from cachetwin_local.assembly.values.stand_ins import MissingValue
from cachetwin_local.assembly.values.text import SecretRef, Text, secrets_in, show
from cachetwin_local.identity.resource_policies import Grant

from .aws_api import AwsApi, AwsResource
from .caches import (
    Backup,
    CacheNode,
    CacheUser,
    GlobalDatastore,
    GlobalMember,
    LogDelivery,
    MemcachedCluster,
    NodeGroup,
    ReplicationGroup,
    ShardPattern,
)
from .databases import Attachment, Database, GenerateSecretString, Secret
from .functions import Function
from .http_apis import HttpApi
from .identity import Endpoint, Identity, Role
from .load_balancers import (
    Action,
    Certificate,
    FixedResponse,
    Forward,
    Listener,
    ListenerRule,
    LoadBalancer,
    Redirect,
    Stickiness,
    Target,
    TargetFunction,
    TargetGroup,
    TargetHealthCheck,
    WeightedTarget,
)
from .scaling import ScalableTarget, ScalingPolicy
from .services import (
    Container,
    ContainerDependency,
    ContainerImage,
    HealthCheck,
    PortMapping,
    RestartPolicy,
    Service,
    TaskAddress,
)

__all__ = [
    "Action",
    "Attachment",
    "AwsApi",
    "AwsResource",
    "Backup",
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
    "Function",
    "GenerateSecretString",
    "GlobalDatastore",
    "GlobalMember",
    "Grant",
    "HealthCheck",
    "HttpApi",
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
    "RestartPolicy",
    "Role",
    "ScalableTarget",
    "ScalingPolicy",
    "Secret",
    "SecretRef",
    "Service",
    "ShardPattern",
    "Stickiness",
    "Target",
    "TargetFunction",
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
    """Everything that should run here for the chosen stacks of an app, and how the rest is treated.

    `roles` are those that services and functions have, and those that rules and schedules deliver with. `grants` are
    what the policies of functions, queues and topics let services do. `tags` are those of caches and their users, by
    ARN. `aws_api` is None where nothing could call it. `metrics_interval_s` is how often metrics are measured.
    """

    project: str
    region: str
    account: str
    loopback: Literal["per-endpoint", "shared"]
    stacks: tuple[str, ...]
    replication_groups: tuple[ReplicationGroup, ...] = ()
    memcached_clusters: tuple[MemcachedCluster, ...] = ()
    global_datastores: tuple[GlobalDatastore, ...] = ()
    databases: tuple[Database, ...] = ()
    secrets: tuple[Secret, ...] = ()
    services: tuple[Service, ...] = ()
    functions: tuple[Function, ...] = ()
    http_apis: tuple[HttpApi, ...] = ()
    load_balancers: tuple[LoadBalancer, ...] = ()
    aws_api: AwsApi | None = None
    metrics_interval_s: int = 60
    target_groups: tuple[TargetGroup, ...] = ()
    roles: tuple[Role, ...] = ()
    grants: tuple[Grant, ...] = ()
    scalable_targets: tuple[ScalableTarget, ...] = ()
    scaling_policies: tuple[ScalingPolicy, ...] = ()
    tags: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    paths: tuple[NetworkPath, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    problems: tuple[Problem, ...] = ()
    outputs: tuple[Output, ...] = ()
    missing: tuple[MissingValue, ...] = ()
    ports: Mapping[str, int] = field(default_factory=dict)
    """The ports of 127.0.0.1 that nobody set, by the endpoint and the port that it would like."""
