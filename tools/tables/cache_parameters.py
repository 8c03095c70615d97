"""Writes ``engine/cache_parameters.json`` of the constructs: which parameters each family has, and their values.

    python -m tools.tables.cache_parameters            write the table
    python -m tools.tables.cache_parameters --check    exit 1 if it is not current

What a value may be comes from Cachetwin's engine, at the newest profile of the family. What ElastiCache offers, fixes and
restricts further comes from the user guide's page "Engine specific parameters" (November 2026), which is also the source
for Memcached. The constructs do not depend on the engine, so what they know of parameters is this file;
``tests/cdk/engine/test_parameter_values.py`` runs the check.

A row has a ``kind``; ``low`` and ``high`` where numbers are bounded; ``choices``; ``since`` where a version of the family
has it first. ``fixed`` is set by ElastiCache alone. A row with ``"listed": false`` is known to the engine and not to the
guide.
"""

import json
import sys
from pathlib import Path
from typing import Any

from tools.tables.written import write_or_check

from cachetwin_engine.core.config import parameters as engine
from cachetwin_engine.core.config.config import Config
from cachetwin_engine.core.config.profile import PROFILES

TABLE = Path(__file__).parents[2] / "constructs" / "cachetwin_cdk" / "engine" / "cache_parameters.json"
PROFILE_OF = {
    "redis6.x": "redis-6.2",
    "redis7": "redis-7.1",
    "valkey7": "valkey-7.2",
    "valkey8": "valkey-8.1",
    "valkey9": "valkey-9.1",
}
Row = dict[str, Any]
FIXED: Row = {"kind": "fixed"}
BOOLEAN: Row = {"kind": "choice", "choices": ["yes", "no"]}
ANY: Row = {}  # as the engine has it
_ALL, _FROM_7 = tuple(PROFILE_OF), ("redis7", "valkey7", "valkey8", "valkey9")
_UNTIL_7, _FROM_8 = ("redis6.x", "redis7", "valkey7"), ("valkey8", "valkey9")

# The user guide's rows: for which families, and what it says beyond the engine.
GUIDE: list[tuple[tuple[str, ...], dict[str, Row]]] = [
    (
        _ALL,
        {
            "acl-pubsub-default": {"since": {"redis6.x": "6.2"}},
            "acllog-max-len": ANY,
            "active-defrag-cycle-max": {"low": 1, "high": 75},
            "active-defrag-cycle-min": {"low": 1, "high": 75},
            "active-defrag-ignore-bytes": {"low": 10_485_760, "high": 104_857_600},
            "active-defrag-max-scan-fields": {"low": 1, "high": 1_000_000},
            "active-defrag-threshold-lower": {"low": 1, "high": 100},
            "active-defrag-threshold-upper": {"low": 1, "high": 100},
            "active-expire-effort": ANY,
            "activedefrag": ANY,
            "appendfsync": FIXED,
            "appendonly": FIXED,
            **{
                f"client-output-buffer-limit-{clients}-{part}": {"kind": "integer", "low": 0}
                for clients in ("normal", "pubsub")
                for part in ("hard-limit", "soft-limit", "soft-seconds")
            },
            **{
                f"client-output-buffer-limit-{clients}-{part}": FIXED
                for clients in ("replica", "slave")
                for part in ("hard-limit", "soft-limit", "soft-seconds")
            },
            "client-query-buffer-limit": {"low": 1_048_576, "high": 1_073_741_824},
            "close-on-replica-write": BOOLEAN,
            "cluster-allow-reads-when-down": ANY,
            "cluster-enabled": ANY,
            "cluster-require-full-coverage": ANY,
            "databases": ANY,
            "hll-sparse-max-bytes": ANY,
            "lfu-decay-time": ANY,
            "lfu-log-factor": {"low": 1},
            "list-compress-depth": ANY,
            "lua-time-limit": FIXED,
            "maxclients": FIXED,
            "maxmemory": FIXED,
            "maxmemory-policy": ANY,
            "maxmemory-samples": {"low": 1, "high": 64},
            "min-replicas-max-lag": ANY,
            "min-replicas-to-write": ANY,
            "notify-keyspace-events": ANY,
            "proto-max-bulk-len": {"low": 1_048_576, "high": 536_870_912},
            "rename-commands": {"kind": "renamed commands"},
            "repl-backlog-size": {"low": 16_384},
            "repl-backlog-ttl": ANY,
            "repl-timeout": FIXED,
            "replica-allow-chaining": FIXED,
            "replica-ignore-maxmemory": FIXED,
            "reserved-memory": {"kind": "integer", "low": 0},
            "reserved-memory-percent": {"kind": "integer", "low": 0, "high": 100},
            "set-max-intset-entries": ANY,
            "slowlog-log-slower-than": ANY,
            "slowlog-max-len": ANY,
            "stream-node-max-bytes": ANY,
            "stream-node-max-entries": ANY,
            "tcp-keepalive": ANY,
            "timeout": {"zero_or_from": 20},
            "tracking-table-max-keys": ANY,
        },
    ),
    (
        ("redis6.x",),
        {
            "activerehashing": ANY,
            "hash-max-ziplist-entries": ANY,
            "hash-max-ziplist-value": ANY,
            "list-max-ziplist-size": ANY,
            "zset-max-ziplist-entries": ANY,
            "zset-max-ziplist-value": ANY,
        },
    ),
    (
        _FROM_7,
        {
            "activerehashing": FIXED,
            "cluster-allow-pubsubshard-when-down": ANY,
            "cluster-preferred-endpoint-type": {"choices": ["ip", "tls-dynamic"]},
            "hash-max-listpack-entries": ANY,
            "hash-max-listpack-value": ANY,
            "latency-tracking": ANY,
            "zset-max-listpack-entries": ANY,
            "zset-max-listpack-value": ANY,
        },
    ),
    (
        _UNTIL_7,
        {
            "lazyfree-lazy-eviction": ANY,
            "lazyfree-lazy-expire": ANY,
            "lazyfree-lazy-server-del": ANY,
            "lazyfree-lazy-user-del": ANY,
            "replica-lazy-flush": FIXED,
        },
    ),
    (
        _FROM_8,
        {
            "commandlog-large-reply-max-len": {"low": 0, "high": 1024, "since": {"valkey8": "8.1"}},
            "commandlog-large-request-max-len": {"low": 0, "high": 1024, "since": {"valkey8": "8.1"}},
            "commandlog-reply-larger-than": {"since": {"valkey8": "8.1"}},
            "commandlog-request-larger-than": {"since": {"valkey8": "8.1"}},
            "extended-redis-compatibility": ANY,
            "search-default-timeout-ms": {"kind": "integer", "low": 1, "high": 60_000, "since": {"valkey8": "8.2"}},
            "search-enable-partial-results": {**BOOLEAN, "since": {"valkey8": "8.2"}},
            "search-fanout-target-mode": {
                "kind": "choice",
                "choices": ["client", "throughput"],
                "since": {"valkey8": "8.2"},
            },
        },
    ),
    (("valkey9",), {"cluster-databases": {"low": 1, "high": 10_000}}),
]
# What the machine, the files, the replication and the addresses of a node are is ElastiCache's business.
_OWN_KINDS = {engine.TEXT, engine.FILE_NAME, engine.OOM_SCORES, engine.SAVE, engine.BUFFER_LIMITS, engine.CHOICES,
              engine.PERCENTILES, engine.OCTAL}  # fmt: skip
_OWN_PREFIXES = (
    "always-", "aof-", "auto-aof", "busy-", "cluster-announce", "cluster-config", "cluster-migration", "cluster-node-",
    "cluster-replica", "cluster-slave", "crash-", "disable-", "dual-channel", "enable-", "import-", "io-threads",
    "jemalloc", "loglevel", "log-", "masteruser", "no-appendfsync", "oom-", "port", "protected", "rdb", "repl", "shutdown",
    "slave", "stop-writes", "tls-",
)  # fmt: skip

MEMCACHED_14: dict[str, Row] = {
    "backlog_queue_limit": FIXED,
    "binding_protocol": {"kind": "choice", "choices": ["ascii", "auto"]},
    "cas_disabled": {"kind": "switch"},
    "chunk_size": {"kind": "integer", "low": 1},
    "chunk_size_growth_factor": {"kind": "number", "low": 1},
    "config_max": FIXED,
    "config_size_max": FIXED,
    "disable_flush_all": {"kind": "switch"},
    "error_on_memory_exhausted": {"kind": "switch"},
    "hash_algorithm": {"kind": "choice", "choices": ["jenkins", "murmur3"]},
    "hashpower_init": FIXED,
    "idle_timeout": {"kind": "integer", "low": 0, "high": 86_400},
    "large_memory_pages": FIXED,
    "lock_down_paged_memory": FIXED,
    "lru_crawler": {"kind": "switch"},
    "lru_maintainer": {"kind": "switch"},
    "max_cache_memory": FIXED,
    "max_item_size": {"kind": "integer", "low": 1024, "high": 1_073_741_824},
    "max_simultaneous_connections": FIXED,
    "maxconns_fast": {"kind": "switch"},
    "memcached_connections_overhead": {"kind": "integer", "low": 0},
    "num_threads": FIXED,
    "requests_per_event": FIXED,
    "slab_automove": {"kind": "integer", "low": 0, "high": 2},
    "slab_chunk_max": {"kind": "integer", "low": 1},
    "slab_reassign": {"kind": "switch"},
    "track_sizes": {"kind": "switch"},
    "watcher_logbuf_size": {"kind": "integer", "low": 1},
    "worker_logbuf_size": {"kind": "integer", "low": 1},
    # The guide leaves open whether it can be changed.
    "maximize_core_file_limit": {"kind": "switch", "listed": False},
}
MEMCACHED_15: dict[str, Row] = {
    **MEMCACHED_14,
    "inline_ascii_resp": {"kind": "switch"},
    "no_modern": {"kind": "switch"},
}
MEMCACHED: dict[str, dict[str, Row]] = {
    "memcached1.4": {**MEMCACHED_14, "expirezero_does_not_evict": {"kind": "switch"}, "modern": {"kind": "switch"}},
    "memcached1.5": MEMCACHED_15,
    "memcached1.6": MEMCACHED_15,
}


def family_rows(family: str) -> dict[str, Row]:
    """The rows of a family of Valkey or Redis OSS. Raises ValueError when guide and engine exclude each other."""
    known = Config(PROFILES[PROFILE_OF[family]]).rows
    rows: dict[str, Row] = {}
    for families, guide in GUIDE:
        if family in families:
            rows.update({name: _joined(name, row, family, known.get(name.encode())) for name, row in guide.items()})
    elsewhere = {name for _, guide in GUIDE for name in guide}  # those that the family has no longer, or not yet
    for name, parameter in known.items():
        text = name.decode()
        if text not in elsewhere:
            rows[text] = FIXED if _is_own(text, parameter) else {**_engine_row(parameter), "listed": False}
    return dict(sorted(rows.items()))


def _joined(name: str, guide: Row, family: str, parameter: engine.Parameter | None) -> Row:
    """What the engine allows and the guide allows; the guide alone where the parameter is the service's."""
    if guide.get("kind") == "fixed":
        return FIXED
    if parameter is None and "kind" not in guide:
        raise ValueError(f"{family} has no parameter {name}: give the row its kind")
    row = {**(_engine_row(parameter) if parameter is not None else {}), **guide}
    if parameter is not None and "low" in row:
        row["low"] = max(row["low"], parameter.low)
        row["high"] = min(row.get("high", parameter.high), parameter.high)
    row["since"] = guide.get("since", {}).get(family)
    return {key: value for key, value in row.items() if value is not None}


def _engine_row(parameter: engine.Parameter) -> Row:
    if parameter.kind == engine.BOOLEAN:
        return dict(BOOLEAN)
    if parameter.kind == engine.CHOICE:
        return {"kind": "choice", "choices": list(parameter.choices)}
    if parameter.kind in {engine.INTEGER, engine.MEMORY}:
        # The service takes numbers only: no kb, no mb.
        return {"kind": "integer", "low": parameter.low, "high": parameter.high}
    if parameter.kind == engine.PERCENT:
        return {"kind": "integer", "low": 0, "high": engine.INT64_MAX}
    if parameter.kind == engine.EVENTS:
        return {"kind": "events"}
    raise ValueError(f"{parameter.name} is of kind {parameter.kind}: no row for it")


def _is_own(name: str, parameter: engine.Parameter) -> bool:
    closed = parameter.immutable or parameter.protected or parameter.hidden or parameter.kind in _OWN_KINDS
    return closed or name.startswith(_OWN_PREFIXES)


def text() -> str:
    """The file's content: a parameter on each line."""
    families = {**{family: family_rows(family) for family in PROFILE_OF}, **MEMCACHED}
    blocks = []
    for family, rows in families.items():
        lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(row)}" for name, row in sorted(rows.items()))
        blocks.append(f" {json.dumps(family)}: {{\n{lines}\n }}")
    return "{\n" + ",\n".join(blocks) + "\n}\n"


if __name__ == "__main__":
    sys.exit(write_or_check(TABLE, text, "tools.tables.cache_parameters"))
