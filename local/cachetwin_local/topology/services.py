"""Services as values: tasks, their containers and where these come from."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cachetwin_local.assembly.values.text import Text

from .identity import Identity


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
class RestartPolicy:
    """A container is started again alone when it ends, unless with one of these codes.

    A run of `attempt_period_s` counts as a good one.
    """

    ignored_exit_codes: tuple[int, ...] = ()
    attempt_period_s: int = 300


@dataclass(frozen=True, slots=True)
class Container:
    """One container of a task. `environment` holds the task definition's environment and, merged in, its secrets.

    `command`, `entry_point` and `working_directory` are None where the task definition leaves them to the image.
    `start_timeout_s` bounds how long the others wait for it; None where the task definition does not say.
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
    start_timeout_s: int | None = None
    restart_policy: RestartPolicy | None = None


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

    `task_role` is the ARN of the role that its containers have, empty for none. `health_check_grace_s` is the time in
    which a new task is not replaced because a load balancer finds it unhealthy.
    One that is `on_demand` is a task definition, whose tasks rules, schedules and calls of RunTask start.
    `discovery_names` are host names that stand for the addresses of its tasks.
    `depends_on` holds the keys of the caches and databases whose endpoints or credentials its containers receive.
    `cpu_units` (1024 are a processor) and `memory_mb` are what a task reserves, 0 where the task definition does not say.
    """

    identity: Identity
    cluster: str
    task_definition: str
    desired_count: int
    tasks: tuple[TaskAddress, ...]
    containers: tuple[Container, ...]
    security_groups: tuple[str, ...]
    depends_on: tuple[str, ...]
    task_role: str = ""
    health_check_grace_s: int = 0
    cpu_units: int = 0
    memory_mb: int = 0
    on_demand: bool = False
    discovery_names: tuple[str, ...] = ()
