"""One service of MessagingServices: its container, the channels and queues that it uses, how many tasks run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import aws_cdk as cdk
from aws_cdk import aws_ecs as ecs

from cachetwin_cdk.access.access_string import AccessString
from cachetwin_cdk.checks._validate import ValidationError, refuse, require_between, require_match

from .streams import dead_letter_key, stream_key

NAME_PATTERN = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"
_TASKS_MAX = 5_000  # quota of tasks per service
# Commands that clients send when they connect, and to keep the connection open.
_CONNECTION = ("ping", "client|setinfo", "client|setname")
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


@dataclass(frozen=True, kw_only=True)
class MessagingService:
    """One Fargate service, and the channels, queues and keys of the cache that it uses.

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
        """Raise ValidationError for names that are no keys, counts that cannot run, and a service without the cache."""
        self._validate_names()
        require_between("port", self.port, 1, 65535)
        require_match(
            "health_check_path", self.health_check_path, r"/\S*", "start with a slash", remedy="write it as /healthz"
        )
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

    def access_string(self) -> AccessString:
        """The rules of its cache user: the channels, keys and commands that the service needs."""
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
            rules = rules.write_keys(*(stream_key(name) for name in self.enqueues)).commands("xadd")
        if self.works_on is not None:
            rules = rules.keys(stream_key(self.works_on)).write_keys(dead_letter_key(self.works_on)).commands(*_WORKER)
        return rules

    def environment_variables(self) -> dict[str, str]:
        """The variables that name its channels and queues; those without a value are left out."""
        variables = {
            "PORT": str(self.port) if self.port is not None else "",
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
