"""One service of MessagingServices: its container, the channels and queues that it uses, how many tasks run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import aws_cdk as cdk
from aws_cdk import aws_ecs as ecs

from cachetwin_cdk.access.access_string import AccessString
from cachetwin_cdk.checks._types import checked_arguments
from cachetwin_cdk.checks._validate import ValidationError, refuse, require_between, require_match
from cachetwin_cdk.engine.engine_version import Engine
from cachetwin_cdk.patterns._cache import connection_commands, require_switched_on
from cachetwin_cdk.patterns._environment import number_text
from cachetwin_cdk.patterns._fargate import NOT_ROOT
from cachetwin_cdk.patterns._limits import (
    require_command,
    require_container_user,
    require_health_check_path,
    require_stop_timeout,
    require_task_size,
    require_variable_names,
)

from .streams import dead_letter_key, stream_key

NAME_PATTERN = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"
_TASKS_MAX = 5_000  # quota of tasks per service
_SUBSCRIBER = ("subscribe", "psubscribe", "unsubscribe", "punsubscribe")
# Create the consumer group, take jobs, take over jobs of a consumer that died, and finish or give up a job in one step.
_WORKER = (
    "xgroup|create", "xgroup|delconsumer", "xreadgroup", "xautoclaim", "xpending", "xack", "xdel", "xadd", "xlen",
    "multi", "exec",
)  # fmt: skip
_RESERVED_VARIABLES = frozenset(
    {
        "CACHE_HOST", "CACHE_PORT", "CACHE_TLS", "CACHE_USER", "CACHE_PASSWORD", "PORT", "PUBLISHES", "SUBSCRIBES",
        "ENQUEUES", "WORKS_ON", "DEAD_LETTERS",
    }
)  # fmt: skip


@checked_arguments
@dataclass(frozen=True, kw_only=True)
class MessagingService:
    """One Fargate service of MessagingServices, and the channels, queues and keys of the cache that it uses.

    Args:
        image: The image of the service.
        command: The command of the container. By default that of the image.
        environment: Further environment variables of the container. By default there are none.
        publishes: Channels that it publishes to, or patterns of them such as ``orders.*``. By default none.
        subscribes: Channels that it subscribes to, or patterns of them. Every task receives every message. By
            default none.
        enqueues: Queues that it adds jobs to. By default none.
        works_on: The queue whose jobs it does. By default none; a queue has one service that works on it.
        keys: Patterns of further keys that it reads and writes, such as ``order:*``. By default none.
        access: The access string of its cache user. By default it follows from the arguments above.
        port: The port on which it takes requests from the load balancer. By default it takes none; one service at
            most may.
        health_check_path: The path that the load balancer requests to see whether a task is healthy.
        count: The number of tasks; of a worker, the smallest number.
        count_max: The largest number of tasks of a worker. Ignored for other services.
        backlog_per_task: How many jobs of the queue there may be for each task of a worker before more tasks start.
            Ignored for other services.
        cpu: CPU units of a task; 1024 are one vCPU.
        memory_limit_mib: Memory of a task in MiB. Fargate allows certain combinations with ``cpu``.
        runtime_platform: Operating system and processor of the tasks. By default Linux on x86-64.
        writable_root_filesystem: Whether the container may write to its root file system. By default it is
            read-only.
        container_user: The user, and group, that the container runs as, by number or by a name of the image. By default
            a number that no user of a machine has; ``root`` is possible.
        stop_timeout: The time between SIGTERM and SIGKILL when a task stops. By default 30 seconds, and 120 for a
            worker, which can finish its job.
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
    container_user: str = NOT_ROOT
    stop_timeout: cdk.Duration | None = None

    def validate(self) -> None:
        """Raise ValidationError for names that are no keys, counts that cannot run, and a service without the cache."""
        self._validate_names()
        require_switched_on("access", self.access)
        require_between("port", self.port, 1, 65535)
        require_command("command", self.command)
        require_variable_names(self.environment)
        require_container_user(self.container_user)
        require_health_check_path(self.health_check_path)
        require_task_size(self.cpu, self.memory_limit_mib)
        require_stop_timeout(self.stop_timeout)
        require_between("count", self.count, 0 if self.works_on is None else 1, _TASKS_MAX)
        require_between("count_max", self.count_max, max(1, self.count if self.works_on else 1), _TASKS_MAX)
        require_between("backlog_per_task", self.backlog_per_task, 1, 1_000_000)
        for name in self.environment:
            if name in _RESERVED_VARIABLES:
                refuse("environment", "not set what the pattern sets", name, "leave it out")
        if not (self.publishes or self.subscribes or self.enqueues or self.works_on or self.keys or self.access):
            raise ValidationError(
                "services must each use the cache, got one that neither publishes, subscribes, enqueues, works nor "
                "keeps keys; say what it does, or run it elsewhere"
            )

    def access_string(self, engine: Engine = Engine.VALKEY) -> AccessString:
        """The rules of its cache user: the channels, keys and commands that the service needs."""
        if self.access is not None:
            return self.access
        rules = AccessString.on().commands(*connection_commands(engine)).keys(*_once(self.keys))
        if self.keys:
            rules = rules.categories("read", "write", "transaction")
            rules = rules.without_categories("admin", "dangerous")
        if self.publishes or self.subscribes:
            rules = rules.channels(*_once((*self.publishes, *self.subscribes)))
        if self.publishes:
            rules = rules.commands("publish")
        if self.subscribes:
            rules = rules.commands(*_SUBSCRIBER)
        has_every_key = "*" in self.keys
        if self.enqueues:
            rules = rules.commands("xadd", "wait")  # WAIT: a job that a replica has too outlives a failover
            if not has_every_key:
                rules = rules.write_keys(*(stream_key(name) for name in self.enqueues))
        if self.works_on is not None:
            rules = rules.commands(*_WORKER)
            if not has_every_key:
                rules = rules.keys(stream_key(self.works_on)).write_keys(dead_letter_key(self.works_on))
        return rules

    def environment_variables(self) -> dict[str, str]:
        """The variables that name its channels and queues; those without a value are left out."""
        variables = {
            "PORT": number_text(self.port) if self.port is not None else "",
            "PUBLISHES": ",".join(self.publishes),
            "SUBSCRIBES": ",".join(self.subscribes),
            "ENQUEUES": ",".join(stream_key(name) for name in self.enqueues),
            "WORKS_ON": stream_key(self.works_on) if self.works_on is not None else "",
            "DEAD_LETTERS": dead_letter_key(self.works_on) if self.works_on is not None else "",
        }
        return {name: value for name, value in variables.items() if value}

    def _validate_names(self) -> None:
        for name in (*self.enqueues, *((self.works_on,) if self.works_on is not None else ())):
            require_match(
                "enqueues and works_on",
                name,
                NAME_PATTERN,
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


def _once(patterns: Sequence[str]) -> Sequence[str]:
    """Each pattern once; ``*`` alone where it is among them, because the engine takes no pattern after it."""
    return ("*",) if "*" in patterns else tuple(dict.fromkeys(patterns))
