"""Every parameter that CONFIG knows, one row each, as Valkey 8.1 has them: kind, default, bounds, other names.

Read off a running Valkey 8.1.1, a 9.1.2 for what is new there, and a Redis OSS 7.0.15 for what it calls otherwise, with
CONFIG GET * and by setting each one to values that it refuses. What a parameter does is the business of the code that
reads it from ``Config``. Every row
exists in every profile, for that code's sake; a profile shows those that its engine has.
"""

from typing import Final

BOOLEAN: Final = "boolean"  # yes or no
INTEGER: Final = "integer"
MEMORY: Final = "memory"  # bytes; 1k is 1000, 1kb is 1024
PERCENT: Final = "percent"  # bytes, or N% of maxmemory
CHOICE: Final = "choice"
CHOICES: Final = "choices"  # one or more of them
TEXT: Final = "text"
OCTAL: Final = "octal"
FILE_NAME: Final = "file-name"  # no path
OOM_SCORES: Final = "oom-scores"  # three numbers
SAVE: Final = "save"  # pairs of seconds and changes
BUFFER_LIMITS: Final = "buffer-limits"  # class, hard bytes, soft bytes, soft seconds
EVENTS: Final = "events"  # letters of keyspace notification classes
PERCENTILES: Final = "percentiles"

INT64_MAX: Final = 2**63 - 1


class Parameter:
    """One row."""

    def __init__(
        self,
        name: str,
        kind: str,
        default: str,
        alias: str = "",
        low: int = 0,
        high: int = INT64_MAX,
        choices: str = "",
        immutable: bool = False,
        protected: bool = False,
        hidden: bool = False,
        many: bool = False,
        valkey_only: bool = False,
        valkey_name: bool = False,
        redis_only: bool = False,
        redis_default: str | None = None,
        since: tuple[int, int, int] = (0, 0, 0),
        until: tuple[int, int, int] = (255, 0, 0),
    ) -> None:
        self.name = name
        self.kind = kind
        self.default = default
        self.alias = alias  # an older name of the same parameter
        self.low = low
        self.high = high
        self.choices = choices.split(", ") if choices else []
        self.immutable = immutable  # only at start
        self.protected = protected  # needs enable-protected-configs
        self.hidden = hidden  # CONFIG GET shows it by its full name only
        self.many = many  # its value is several words
        self.valkey_only = valkey_only  # Redis OSS 7.0 has it not
        self.valkey_name = valkey_name  # Redis OSS 7.0 knows the older name only
        self.redis_only = redis_only  # gone in Valkey, which takes it at start and ignores it
        self.redis_default = redis_default  # where Redis OSS 7.0 has another one
        self.since = since  # the first version of Valkey that has it
        self.until = until  # the first that only ignores it at start


PARAMETERS: Final[list[Parameter]] = [
    Parameter("acl-pubsub-default", CHOICE, "resetchannels", choices="allchannels, resetchannels"),
    Parameter("aclfile", TEXT, "", immutable=True),
    Parameter("acllog-max-len", INTEGER, "128", low=0),
    Parameter("active-defrag-cycle-max", INTEGER, "25", low=1, high=99),
    Parameter("active-defrag-cycle-min", INTEGER, "1", low=1, high=99),
    Parameter("active-defrag-cycle-us", INTEGER, "500", low=0, high=100000, valkey_only=True),
    Parameter("active-defrag-ignore-bytes", MEMORY, "104857600", low=1),
    Parameter("active-defrag-max-scan-fields", INTEGER, "1000", low=1),
    Parameter("active-defrag-threshold-lower", INTEGER, "10", low=0, high=1000),
    Parameter("active-defrag-threshold-upper", INTEGER, "100", low=0, high=1000),
    Parameter("active-expire-effort", INTEGER, "1", low=1, high=10),
    Parameter("activedefrag", BOOLEAN, "no"),
    Parameter("activerehashing", BOOLEAN, "yes"),
    Parameter("always-show-logo", BOOLEAN, "no", immutable=True),
    Parameter("aof-load-truncated", BOOLEAN, "yes"),
    Parameter("aof-rewrite-cpulist", TEXT, "", alias="aof_rewrite_cpulist", immutable=True, valkey_name=True),
    Parameter("aof-rewrite-incremental-fsync", BOOLEAN, "yes"),
    Parameter("aof-timestamp-enabled", BOOLEAN, "no"),
    Parameter("aof-use-rdb-preamble", BOOLEAN, "yes"),
    Parameter("appenddirname", FILE_NAME, "appendonlydir", immutable=True),
    Parameter("appendfilename", FILE_NAME, "appendonly.aof", immutable=True),
    Parameter("appendfsync", CHOICE, "everysec", choices="everysec, always, no"),
    Parameter("appendonly", BOOLEAN, "no"),
    Parameter("auto-aof-rewrite-min-size", MEMORY, "67108864", low=0),
    Parameter("auto-aof-rewrite-percentage", INTEGER, "100", low=0, high=2147483647),
    Parameter("availability-zone", TEXT, "", valkey_only=True),
    Parameter("bgsave-cpulist", TEXT, "", alias="bgsave_cpulist", immutable=True, valkey_name=True),
    Parameter("bind", TEXT, "127.0.0.1", many=True),
    Parameter("bind-source-addr", TEXT, ""),
    Parameter("bio-cpulist", TEXT, "", alias="bio_cpulist", immutable=True, valkey_name=True),
    Parameter("busy-reply-threshold", INTEGER, "5000", alias="lua-time-limit", low=0),
    Parameter(
        "client-output-buffer-limit",
        BUFFER_LIMITS,
        "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
        many=True,
    ),
    Parameter("client-query-buffer-limit", MEMORY, "1073741824", low=1048576),
    Parameter("cluster-allow-pubsubshard-when-down", BOOLEAN, "yes"),
    Parameter("cluster-allow-reads-when-down", BOOLEAN, "no"),
    Parameter("cluster-allow-replica-migration", BOOLEAN, "yes"),
    Parameter("cluster-announce-bus-port", INTEGER, "0", low=0, high=65535),
    Parameter("cluster-announce-client-port", INTEGER, "0", low=0, high=65535, valkey_only=True, since=(9, 0, 0)),
    Parameter("cluster-announce-client-tls-port", INTEGER, "0", low=0, high=65535, valkey_only=True, since=(9, 0, 0)),
    Parameter("cluster-announce-client-ipv4", TEXT, "", valkey_only=True),
    Parameter("cluster-announce-client-ipv6", TEXT, "", valkey_only=True),
    Parameter("cluster-announce-hostname", TEXT, ""),
    Parameter("cluster-announce-human-nodename", TEXT, "", valkey_only=True),
    Parameter("cluster-announce-ip", TEXT, ""),
    Parameter("cluster-announce-port", INTEGER, "0", low=0, high=65535),
    Parameter("cluster-announce-tls-port", INTEGER, "0", low=0, high=65535),
    Parameter("cluster-blacklist-ttl", INTEGER, "60", valkey_only=True),
    Parameter("cluster-config-file", FILE_NAME, "nodes.conf", immutable=True),
    Parameter(
        "cluster-config-save-behavior", CHOICE, "sync", choices="sync, best-effort", valkey_only=True, since=(9, 1, 0)
    ),
    Parameter(
        "cluster-databases", INTEGER, "1", low=1, high=2147483647, immutable=True, valkey_only=True, since=(9, 0, 0)
    ),
    Parameter("cluster-enabled", BOOLEAN, "no", immutable=True),
    Parameter("cluster-link-sendbuf-limit", MEMORY, "0"),
    Parameter("cluster-manual-failover-timeout", INTEGER, "5000", low=1, high=2147483647, valkey_only=True),
    Parameter("cluster-migration-barrier", INTEGER, "1", low=0, high=2147483647),
    Parameter("cluster-node-timeout", INTEGER, "15000", low=0),
    Parameter("cluster-port", INTEGER, "0", immutable=True, low=0, high=65535),
    Parameter("cluster-preferred-endpoint-type", CHOICE, "ip", choices="ip, hostname, unknown-endpoint"),
    Parameter("cluster-replica-no-failover", BOOLEAN, "no", alias="cluster-slave-no-failover"),
    Parameter(
        "cluster-replica-validity-factor",
        INTEGER,
        "10",
        alias="cluster-slave-validity-factor",
        low=0,
        high=2147483647,
    ),
    Parameter("cluster-require-full-coverage", BOOLEAN, "yes"),
    Parameter("cluster-slot-migration-log-max-len", INTEGER, "1000", low=0, valkey_only=True, since=(9, 0, 0)),
    Parameter("cluster-slot-stats-enabled", BOOLEAN, "no", valkey_only=True),
    Parameter(
        "commandlog-execution-slower-than", INTEGER, "10000", alias="slowlog-log-slower-than", low=-1, valkey_name=True
    ),
    Parameter("commandlog-large-reply-max-len", INTEGER, "128", low=0, valkey_only=True),
    Parameter("commandlog-large-request-max-len", INTEGER, "128", low=0, valkey_only=True),
    Parameter("commandlog-reply-larger-than", INTEGER, "1048576", low=-1, valkey_only=True),
    Parameter("commandlog-request-larger-than", INTEGER, "1048576", low=-1, valkey_only=True),
    Parameter("commandlog-slow-execution-max-len", INTEGER, "128", alias="slowlog-max-len", low=0, valkey_name=True),
    Parameter("crash-log-enabled", BOOLEAN, "yes"),
    Parameter("crash-memcheck-enabled", BOOLEAN, "yes"),
    Parameter("daemonize", BOOLEAN, "no", immutable=True),
    Parameter("databases", INTEGER, "16", immutable=True, low=1, high=2147483647),
    Parameter("dbfilename", FILE_NAME, "dump.rdb", protected=True),
    Parameter("dir", TEXT, ".", protected=True),
    Parameter("disable-thp", BOOLEAN, "yes", immutable=True),
    Parameter("dual-channel-replication-enabled", BOOLEAN, "no", valkey_only=True),
    Parameter("enable-debug-command", CHOICE, "no", immutable=True, choices="no, yes, local"),
    Parameter("enable-module-command", CHOICE, "no", immutable=True, choices="no, yes, local"),
    Parameter("enable-protected-configs", CHOICE, "no", immutable=True, choices="no, yes, local"),
    Parameter("extended-redis-compatibility", BOOLEAN, "no", valkey_only=True),
    Parameter("hash-max-listpack-entries", INTEGER, "512", alias="hash-max-ziplist-entries", low=0),
    Parameter("hash-max-listpack-value", MEMORY, "64", alias="hash-max-ziplist-value", low=0),
    Parameter("hash-seed", TEXT, "", immutable=True, valkey_only=True, since=(9, 1, 0)),
    Parameter("hide-user-data-from-log", BOOLEAN, "yes", valkey_only=True),
    Parameter("hll-sparse-max-bytes", MEMORY, "3000", low=0),
    Parameter("hz", INTEGER, "10", low=0, high=2147483647),
    Parameter("ignore-warnings", TEXT, ""),
    Parameter("import-mode", BOOLEAN, "no", valkey_only=True),
    Parameter("io-threads", INTEGER, "1", immutable=True, low=1, high=256),
    Parameter("jemalloc-bg-thread", BOOLEAN, "yes"),
    Parameter("latency-monitor-threshold", INTEGER, "0", low=0),
    Parameter("latency-tracking", BOOLEAN, "yes"),
    Parameter("latency-tracking-info-percentiles", PERCENTILES, "50 99 99.9", many=True),
    Parameter("lazyfree-lazy-eviction", BOOLEAN, "yes", redis_default="no"),
    Parameter("lazyfree-lazy-expire", BOOLEAN, "yes", redis_default="no"),
    Parameter("lazyfree-lazy-server-del", BOOLEAN, "yes", redis_default="no"),
    Parameter("lazyfree-lazy-user-del", BOOLEAN, "yes", redis_default="no"),
    Parameter("lazyfree-lazy-user-flush", BOOLEAN, "yes", redis_default="no"),
    Parameter("lfu-decay-time", INTEGER, "1", low=0, high=2147483647),
    Parameter("lfu-log-factor", INTEGER, "10", low=0, high=2147483647),
    Parameter("list-compress-depth", INTEGER, "0", low=0, high=2147483647),
    Parameter(
        "list-max-listpack-size",
        INTEGER,
        "-2",
        alias="list-max-ziplist-size",
        low=-2147483648,
        high=2147483647,
    ),
    Parameter("locale-collate", TEXT, "", valkey_only=True),
    Parameter("log-format", CHOICE, "legacy", choices="legacy, logfmt", valkey_only=True),
    Parameter("log-timestamp-format", CHOICE, "legacy", choices="legacy, iso8601, milliseconds", valkey_only=True),
    Parameter("logfile", TEXT, "", immutable=True),
    Parameter("loglevel", CHOICE, "notice", choices="debug, verbose, notice, warning, nothing"),
    Parameter("max-new-connections-per-cycle", INTEGER, "10", low=1, high=1000, valkey_only=True),
    Parameter("max-new-tls-connections-per-cycle", INTEGER, "1", low=1, high=1000, valkey_only=True),
    Parameter("maxclients", INTEGER, "10000", low=1, high=4294967295),
    Parameter("maxmemory", MEMORY, "0"),
    Parameter("maxmemory-clients", PERCENT, "0"),
    Parameter("maxmemory-eviction-tenacity", INTEGER, "10", low=0, high=100),
    Parameter(
        "maxmemory-policy",
        CHOICE,
        "noeviction",
        choices="volatile-lru, volatile-lfu, volatile-random, volatile-ttl, allkeys-lru, allkeys-lfu, allkeys-random, noeviction",
    ),
    Parameter("maxmemory-samples", INTEGER, "5", low=1, high=64),
    Parameter("min-replicas-max-lag", INTEGER, "10", alias="min-slaves-max-lag", low=0, high=2147483647),
    Parameter("min-replicas-to-write", INTEGER, "0", alias="min-slaves-to-write", low=0, high=2147483647),
    Parameter("mptcp", BOOLEAN, "no", immutable=True, valkey_only=True, since=(9, 0, 0)),
    Parameter("no-appendfsync-on-rewrite", BOOLEAN, "no"),
    Parameter("notify-keyspace-events", EVENTS, ""),
    Parameter("oom-score-adj", CHOICE, "no", choices="no, yes, relative, absolute"),
    Parameter("oom-score-adj-values", OOM_SCORES, "0 200 800", many=True),
    Parameter("pidfile", TEXT, "", immutable=True),
    Parameter("port", INTEGER, "6379", low=0, high=65535),
    Parameter("prefetch-batch-max-size", INTEGER, "16", low=0, high=128, valkey_only=True),
    Parameter("primaryauth", TEXT, "", alias="masterauth", valkey_name=True),
    Parameter("primaryuser", TEXT, "", alias="masteruser", valkey_name=True),
    Parameter("proc-title-template", TEXT, "{title} {listen-addr} {server-mode}"),
    Parameter("propagation-error-behavior", CHOICE, "ignore", choices="ignore, panic, panic-on-replicas"),
    Parameter("protected-mode", BOOLEAN, "yes"),
    Parameter("proto-max-bulk-len", MEMORY, "536870912", low=1048576),
    Parameter("rdb-del-sync-files", BOOLEAN, "no"),
    Parameter("rdb-save-incremental-fsync", BOOLEAN, "yes"),
    Parameter("rdb-version-check", CHOICE, "strict", choices="strict, relaxed", valkey_only=True),
    Parameter("rdbchecksum", BOOLEAN, "yes", immutable=True),
    Parameter("rdbcompression", BOOLEAN, "yes"),
    Parameter("repl-backlog-size", MEMORY, "10485760", low=1, redis_default="1048576"),
    Parameter("repl-backlog-ttl", INTEGER, "3600", low=0),
    Parameter("repl-disable-tcp-nodelay", BOOLEAN, "no"),
    Parameter("repl-diskless-load", CHOICE, "disabled", choices="disabled, on-empty-db, swapdb, flush-before-load"),
    Parameter("repl-diskless-sync", BOOLEAN, "yes"),
    Parameter("repl-diskless-sync-delay", INTEGER, "5", low=0, high=2147483647),
    Parameter("repl-diskless-sync-max-replicas", INTEGER, "0", low=0, high=2147483647),
    Parameter("repl-mptcp", BOOLEAN, "no", immutable=True, valkey_only=True, since=(9, 0, 0)),
    Parameter("repl-ping-replica-period", INTEGER, "10", alias="repl-ping-slave-period", low=1, high=2147483647),
    Parameter("repl-timeout", INTEGER, "60", low=1, high=2147483647),
    Parameter("replica-announce-ip", TEXT, "", alias="slave-announce-ip"),
    Parameter("replica-announce-port", INTEGER, "0", alias="slave-announce-port", low=0, high=65535),
    Parameter("replica-announced", BOOLEAN, "yes"),
    Parameter("replica-ignore-disk-write-errors", BOOLEAN, "no"),
    Parameter("replica-ignore-maxmemory", BOOLEAN, "yes", alias="slave-ignore-maxmemory"),
    Parameter("replica-lazy-flush", BOOLEAN, "yes", alias="slave-lazy-flush", redis_default="no"),
    Parameter("replica-priority", INTEGER, "100", alias="slave-priority", low=0, high=2147483647),
    Parameter("replica-read-only", BOOLEAN, "yes", alias="slave-read-only"),
    Parameter("replica-serve-stale-data", BOOLEAN, "yes", alias="slave-serve-stale-data"),
    Parameter("replicaof", TEXT, "", alias="slaveof", immutable=True, many=True),
    Parameter("requirepass", TEXT, ""),
    Parameter("sanitize-dump-payload", CHOICE, "no", choices="no, yes, clients", until=(9, 1, 0)),
    Parameter("save", SAVE, "3600 1 300 100 60 10000", many=True),
    Parameter("server-cpulist", TEXT, "", alias="server_cpulist", immutable=True, valkey_name=True),
    Parameter("set-max-intset-entries", INTEGER, "512", low=0),
    Parameter("set-max-listpack-entries", INTEGER, "128", low=0, valkey_only=True),
    Parameter("set-max-listpack-value", INTEGER, "64", low=0, valkey_only=True),
    Parameter("set-proc-title", BOOLEAN, "yes", immutable=True),
    Parameter("shutdown-on-sigint", CHOICES, "default", choices="default, save, nosave, now, force", many=True),
    Parameter("shutdown-on-sigterm", CHOICES, "default", choices="default, save, nosave, now, force", many=True),
    Parameter("shutdown-timeout", INTEGER, "10", low=0, high=2147483647),
    Parameter("slot-migration-max-failover-repl-bytes", MEMORY, "0", low=-1, valkey_only=True, since=(9, 0, 0)),
    Parameter("socket-mark-id", TEXT, "0", immutable=True),
    Parameter("stop-writes-on-bgsave-error", BOOLEAN, "yes"),
    Parameter("stream-node-max-bytes", MEMORY, "4096", low=0),
    Parameter("stream-node-max-entries", INTEGER, "100", low=0),
    Parameter("supervised", BOOLEAN, "no", immutable=True),
    Parameter("syslog-enabled", BOOLEAN, "no", immutable=True),
    Parameter("syslog-facility", TEXT, "local0", immutable=True),
    Parameter("syslog-ident", TEXT, "valkey", immutable=True, redis_default="redis"),
    Parameter("tcp-backlog", INTEGER, "511", immutable=True),
    Parameter("tcp-keepalive", INTEGER, "300", low=0, high=2147483647),
    Parameter("timeout", INTEGER, "0", low=0, high=2147483647),
    Parameter("tls-auth-clients", CHOICE, "yes", choices="no, yes, optional"),
    Parameter("tls-auth-clients-user", CHOICE, "off", choices="CN, URI, off", valkey_only=True, since=(9, 0, 0)),
    Parameter("tls-auto-reload-interval", INTEGER, "0", low=0, high=2147483647, valkey_only=True, since=(9, 1, 0)),
    Parameter("tls-ca-cert-dir", TEXT, ""),
    Parameter("tls-ca-cert-file", TEXT, ""),
    Parameter("tls-cert-file", TEXT, ""),
    Parameter("tls-ciphers", TEXT, ""),
    Parameter("tls-ciphersuites", TEXT, ""),
    Parameter("tls-client-cert-file", TEXT, ""),
    Parameter("tls-client-key-file", TEXT, ""),
    Parameter("tls-client-key-file-pass", TEXT, ""),
    Parameter("tls-cluster", BOOLEAN, "no"),
    Parameter("tls-dh-params-file", TEXT, ""),
    Parameter("tls-key-file", TEXT, ""),
    Parameter("tls-key-file-pass", TEXT, ""),
    Parameter("tls-port", INTEGER, "0", low=0, high=65535),
    Parameter("tls-prefer-server-ciphers", BOOLEAN, "no"),
    Parameter("tls-protocols", TEXT, ""),
    Parameter("tls-replication", BOOLEAN, "no"),
    Parameter("tls-session-cache-size", INTEGER, "20480", low=0, high=2147483647),
    Parameter("tls-session-cache-timeout", INTEGER, "300", low=0, high=2147483647),
    Parameter("tls-session-caching", BOOLEAN, "yes"),
    Parameter("tracking-table-max-keys", INTEGER, "1000000", low=0),
    Parameter("unixsocket", TEXT, "", immutable=True),
    Parameter("unixsocketgroup", TEXT, "", immutable=True, valkey_only=True),
    Parameter("unixsocketperm", OCTAL, "0", immutable=True, high=0o777),
    Parameter("zset-max-listpack-entries", INTEGER, "128", alias="zset-max-ziplist-entries", low=0),
    Parameter("zset-max-listpack-value", MEMORY, "64", alias="zset-max-ziplist-value", low=0),
    # Hidden ones: aids for tests.
    Parameter("client-default-resp", INTEGER, "2", low=2, high=3, immutable=True, hidden=True),
    Parameter(
        "cluster-message-gossip-perc", INTEGER, "10", low=1, high=100, hidden=True, valkey_only=True, since=(9, 0, 0)
    ),
    Parameter("io-threads-always-active", BOOLEAN, "no", hidden=True, valkey_only=True, since=(9, 0, 0)),
    Parameter(
        "min-io-threads-avoid-copy-reply", INTEGER, "7", high=2147483647, hidden=True, valkey_only=True, since=(9, 0, 0)
    ),
    Parameter("min-string-size-avoid-copy-reply", INTEGER, "16384", hidden=True, valkey_only=True, since=(9, 0, 0)),
    Parameter(
        "min-string-size-avoid-copy-reply-threaded", INTEGER, "65536", hidden=True, valkey_only=True, since=(9, 0, 0)
    ),
    Parameter("cluster-ping-interval", INTEGER, "1000", hidden=True, valkey_only=True),
    Parameter("debug-context", TEXT, "", hidden=True, valkey_only=True),
    Parameter("enable-debug-assert", BOOLEAN, "no", immutable=True, hidden=True, valkey_only=True),
    Parameter("events-per-io-thread", INTEGER, "2", high=2147483647, hidden=True, valkey_only=True),
    Parameter("key-load-delay", INTEGER, "0", low=-2147483648, high=2147483647, hidden=True),
    Parameter("loading-process-events-interval-bytes", INTEGER, "2097152", low=1024, high=2147483647, hidden=True),
    Parameter("rdb-key-save-delay", INTEGER, "0", low=-2147483648, high=2147483647, hidden=True),
    Parameter("use-exit-on-panic", BOOLEAN, "no", hidden=True),
    Parameter("watchdog-period", INTEGER, "0", high=2147483647, hidden=True),
    # Of Redis OSS alone.
    Parameter("aof-disable-auto-gc", BOOLEAN, "no", hidden=True),
    Parameter("dynamic-hz", BOOLEAN, "yes", redis_only=True),
    Parameter("io-threads-do-reads", BOOLEAN, "no", immutable=True, redis_only=True),
]
