"""Parameters that code reads while it runs, typed and in groups.

Each group reads itself from the texts of all parameters (``Config.values``). ``Config`` makes new groups whenever a
parameter changes, so a group never changes: who keeps one keeps the settings of that moment. An attribute has the
parameter's name; where it has another, it is something computed.
"""

from cachetwin_engine.core.config.notifications import flags_of

from .profile import Profile


def integer(values: dict[bytes, bytes], name: str) -> int:
    """A number or an amount of memory; 0 for a parameter that does not exist."""
    return int(values.get(name.encode(), b"0"))


def boolean(values: dict[bytes, bytes], name: str) -> bool:
    """Whether a parameter is ``yes``."""
    return values.get(name.encode()) == b"yes"


class Encodings:
    """Up to which size collections keep their compact forms, as OBJECT ENCODING reports them."""

    def __init__(self, values: dict[bytes, bytes]) -> None:
        self.hash_max_listpack_entries = integer(values, "hash-max-listpack-entries")
        self.hash_max_listpack_value = integer(values, "hash-max-listpack-value")
        self.set_max_intset_entries = integer(values, "set-max-intset-entries")
        self.set_max_listpack_entries = integer(values, "set-max-listpack-entries")
        self.set_max_listpack_value = integer(values, "set-max-listpack-value")
        self.zset_max_listpack_entries = integer(values, "zset-max-listpack-entries")
        self.zset_max_listpack_value = integer(values, "zset-max-listpack-value")
        self.list_max_listpack_size = integer(values, "list-max-listpack-size")
        self.list_compress_depth = integer(values, "list-compress-depth")
        self.stream_node_max_bytes = integer(values, "stream-node-max-bytes")
        self.stream_node_max_entries = integer(values, "stream-node-max-entries")
        self.hll_sparse_max_bytes = integer(values, "hll-sparse-max-bytes")


class MemorySettings:
    """The memory limit, and how keys are evicted and expire."""

    def __init__(self, values: dict[bytes, bytes]) -> None:
        self.maxmemory = integer(values, "maxmemory")
        self.maxmemory_policy = values[b"maxmemory-policy"]
        self.maxmemory_samples = integer(values, "maxmemory-samples")
        self.uses_lfu = self.maxmemory_policy.endswith(b"-lfu")
        self.lfu_log_factor = integer(values, "lfu-log-factor")
        self.lfu_decay_time = integer(values, "lfu-decay-time")
        self.replica_ignore_maxmemory = boolean(values, "replica-ignore-maxmemory")
        self.active_expire_effort = integer(values, "active-expire-effort")
        self.expiry_deletes_with = b"UNLINK" if boolean(values, "lazyfree-lazy-expire") else b"DEL"
        self.eviction_deletes_with = b"UNLINK" if boolean(values, "lazyfree-lazy-eviction") else b"DEL"


class BufferLimit:
    """The output buffer limit of one class of clients; 0 is no limit."""

    def __init__(self, hard_bytes: int, soft_bytes: int, soft_seconds: int) -> None:
        self.hard_bytes = hard_bytes
        self.soft_bytes = soft_bytes
        self.soft_seconds = soft_seconds


class ClientLimits:
    """How many clients there may be, and what one may hold."""

    def __init__(self, values: dict[bytes, bytes]) -> None:
        self.maxclients = integer(values, "maxclients")
        self.maxmemory_clients = values[b"maxmemory-clients"]
        self.timeout = integer(values, "timeout")
        self.tcp_keepalive = integer(values, "tcp-keepalive")
        self.proto_max_bulk_len = integer(values, "proto-max-bulk-len")
        self.client_query_buffer_limit = integer(values, "client-query-buffer-limit")
        self.tracking_table_max_keys = integer(values, "tracking-table-max-keys")
        self.buffer_limits = buffer_limits_of(values[b"client-output-buffer-limit"])
        replicas = self.buffer_limits[b"slave"]
        if replicas.hard_bytes:  # with less, one that catches up from the backlog is cut off for it (networking.c)
            replicas.hard_bytes = max(replicas.hard_bytes, integer(values, "repl-backlog-size"))


def buffer_limits_of(text: bytes) -> dict[bytes, BufferLimit]:
    """The limits by class of client: ``normal``, ``slave``, ``pubsub``."""
    words = text.split()
    limits: dict[bytes, BufferLimit] = {}
    for at in range(0, len(words), 4):
        limits[words[at]] = BufferLimit(int(words[at + 1]), int(words[at + 2]), int(words[at + 3]))
    return limits


class Monitoring:
    """From when on calls are logged, and which events are published."""

    def __init__(self, values: dict[bytes, bytes]) -> None:
        self.slowlog_log_slower_than = integer(values, "commandlog-execution-slower-than")
        self.large_request_bytes = integer(values, "commandlog-request-larger-than")
        self.large_reply_bytes = integer(values, "commandlog-reply-larger-than")
        self.latency_monitor_threshold = integer(values, "latency-monitor-threshold")
        self.latency_tracking = boolean(values, "latency-tracking")
        self.notify_flags = flags_of(values[b"notify-keyspace-events"].decode())


class ServerSettings:
    """The node as a whole."""

    def __init__(self, values: dict[bytes, bytes], profile: Profile) -> None:
        self.cluster_enabled = boolean(values, "cluster-enabled")
        has_cluster_databases = self.cluster_enabled and profile.has_databases_in_cluster
        self.databases = integer(values, "cluster-databases" if has_cluster_databases else "databases")
        numbers = [int(word) for word in values[b"save"].split()]
        self.save_points = list(zip(numbers[::2], numbers[1::2], strict=True))  # seconds, changes
        self.hz = max(1, min(500, integer(values, "hz")))
        self.import_mode = boolean(values, "import-mode")
        self.min_replicas_to_write = integer(values, "min-replicas-to-write")
        self.min_replicas_max_lag = integer(values, "min-replicas-max-lag")
        self.busy_reply_threshold_ms = integer(values, "busy-reply-threshold")
        self.extended_redis_compatibility = boolean(values, "extended-redis-compatibility")
        self.acl_pubsub_default_all = values[b"acl-pubsub-default"] == b"allchannels"
