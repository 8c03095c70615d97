"""Caches as values: replication groups and Memcached clusters, with their nodes and users."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from cachetwin_local.assembly.values.text import Text

from .identity import Endpoint, Identity


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
class ShardPattern:
    """How the nodes of a shard that is added while the cache runs are named, and where they listen.

    Addresses follow from `project` and `key`, the cache's key. `host` is the AWS-shaped host name, with ``{member}`` for
    the id of the node.
    """

    project: str
    key: str
    loopback: Literal["per-endpoint", "shared"]
    host: str


@dataclass(frozen=True, slots=True)
class Backup:
    """The snapshots of a cache.

    `seed` are the files that it starts with. Automatic ones are taken daily in `window` (``05:00-06:00``, UTC) and kept
    for `retention_days`, 0 for none. `final_name` is that of the one that is taken when the cache is deleted.
    """

    seed: tuple[str, ...] = ()
    retention_days: int = 0
    window: str = ""
    final_name: str = ""


@dataclass(frozen=True, slots=True)
class ReplicationGroup:
    """A Valkey or Redis OSS replication group.

    With cluster mode disabled it has a primary and a reader endpoint, enabled a configuration endpoint, and compatible all
    three. A serverless cache is one shard whose primary and reader endpoint speak the cluster protocol; a single node has
    no reader endpoint.

    `profile` is what the engine is started with. `parameters` are the parameter group's by name, as strings; those that
    say how a node is made (reserved-memory-percent) are in the nodes instead. `users` is empty when the group has no
    user group; then `auth_token`, if any, is the default user's password. Without `automatic_failover` a primary that
    fails is replaced and no replica is promoted. `shard_pattern` is for shards that are added while it runs.
    `ecpu_per_second_max` limits a serverless cache, 0 does not. With `online_resharding` a changed template may change the
    number of shards. `follows` is the key of the group that a secondary of a global datastore follows at first.
    `create_only` are properties of the template that do nothing here but replace the cache when they change, as JSON.
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
    shard_pattern: ShardPattern | None = None
    backup: Backup = Backup()
    ecpu_per_second_max: int = 0
    online_resharding: bool = False
    follows: str = ""
    create_only: Mapping[str, str] = field(default_factory=dict)
    notification_topic: str = field(default="", compare=False)
    """The ARN of the topic that hears of its events."""

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

    `options` are those of memcached's command line. Each node has a shard of its own, its number. `spare_endpoints` are
    for nodes that are added while it runs. A serverless cache is one node that has the one endpoint, and its
    `reader_endpoint` is another port of it.
    """

    identity: Identity
    engine_version: str
    profile: str
    configuration_endpoint: Endpoint
    nodes: tuple[CacheNode, ...]
    options: tuple[str, ...]
    security_groups: tuple[str, ...]
    spare_endpoints: tuple[Endpoint, ...] = ()
    reader_endpoint: Endpoint | None = None
    notification_topic: str = field(default="", compare=False)
    """The ARN of the topic that hears of its events."""

    @property
    def is_serverless(self) -> bool:
        """Whether the cache is serverless: only those have a reader endpoint."""
        return self.reader_endpoint is not None

    @property
    def endpoint(self) -> Endpoint:
        """The endpoint that an app connects to first."""
        return self.configuration_endpoint


@dataclass(frozen=True, slots=True)
class GlobalMember:
    """A replication group of a global datastore, by its key, and its region."""

    group: str
    region: str


@dataclass(frozen=True, slots=True)
class GlobalDatastore:
    """A global datastore: its members, the one that is the primary at first before the others."""

    identity: Identity
    members: tuple[GlobalMember, ...]
