"""The metrics of a cache node by ElastiCache's names, from what INFO says. Pure.

Source: ElastiCache user guide, "Metrics for Valkey and Redis OSS" and "Host-level metrics", which also say how each
follows from INFO.
"""

from collections.abc import Iterable, Mapping
from typing import Final

__all__ = ["UNITS", "counters_of", "from_counters", "levels_of", "read_info"]

UNITS: Final[Mapping[str, str]] = {
    "BytesUsedForCache": "Bytes",
    "CacheHitRate": "Percent",
    "CPUUtilization": "Percent",
    "DatabaseMemoryUsageCountedForEvictPercentage": "Percent",
    "DatabaseMemoryUsagePercentage": "Percent",
    "DatabaseCapacityUsageCountedForEvictPercentage": "Percent",
    "DatabaseCapacityUsagePercentage": "Percent",
    "EngineCPUUtilization": "Percent",
    "FreeableMemory": "Bytes",
    "MasterLinkHealthStatus": "Count",
    "MemoryFragmentationRatio": "None",
    "NetworkBytesIn": "Bytes",
    "NetworkBytesOut": "Bytes",
    "ReplicationBytes": "Bytes",
    "ReplicationLag": "Seconds",
    "SuccessfulReadRequestLatency": "Microseconds",
    "SuccessfulWriteRequestLatency": "Microseconds",
    "SwapUsage": "Bytes",
}
"""Units other than Count."""
_COUNTERS: Final[Mapping[str, str]] = {
    "AuthenticationFailures": "acl_access_denied_auth",
    "CacheHits": "keyspace_hits",
    "CacheMisses": "keyspace_misses",
    "ChannelAuthorizationFailures": "acl_access_denied_channel",
    "CommandAuthorizationFailures": "acl_access_denied_cmd",
    "ErrorCount": "total_error_replies",
    "Evictions": "evicted_keys",
    "KeyAuthorizationFailures": "acl_access_denied_key",
    "NetworkBytesIn": "total_net_input_bytes",
    "NetworkBytesOut": "total_net_output_bytes",
    "NewConnections": "total_connections_received",
    "Reclaimed": "expired_keys",
}
_NEVER: Final = (
    "NetworkBandwidthInAllowanceExceeded", "NetworkBandwidthOutAllowanceExceeded", "NetworkConntrackAllowanceExceeded",
    "NetworkPacketsPerSecondAllowanceExceeded", "SwapUsage", "TrafficManagementActive",
)  # fmt: skip
"""Limits of a host that is not here."""
_FAMILIES: Final[Mapping[str, tuple[str, ...]]] = {
    "EvalBasedCmds": ("eval", "evalsha", "eval_ro", "evalsha_ro", "fcall", "fcall_ro"),
    "GeoSpatialBasedCmds": ("geo",),
    "HashBasedCmds": ("h",),
    "HyperLogLogBasedCmds": ("pf",),
    "KeyBasedCmds": (
        "copy", "del", "dump", "exists", "expire", "expireat", "expiretime", "keys", "move", "object", "persist",
        "pexpire", "pexpireat", "pexpiretime", "pttl", "randomkey", "rename", "renamenx", "restore", "scan", "sort",
        "sort_ro", "touch", "ttl", "type", "unlink",
    ),
    "ListBasedCmds": (
        "blmove", "blmpop", "blpop", "brpop", "brpoplpush", "lindex", "linsert", "llen", "lmove", "lmpop", "lpop", "lpos",
        "lpush", "lpushx", "lrange", "lrem", "lset", "ltrim", "rpop", "rpoplpush", "rpush", "rpushx",
    ),
    "PubSubBasedCmds": ("publish", "spublish", "subscribe", "psubscribe", "ssubscribe", "pubsub", "unsubscribe"),
    "SetBasedCmds": (
        "sadd", "scard", "sdiff", "sdiffstore", "sinter", "sintercard", "sinterstore", "sismember", "smembers",
        "smismember", "smove", "spop", "srandmember", "srem", "sscan", "sunion", "sunionstore",
    ),
    "SortedSetBasedCmds": ("z", "bz"),
    "StreamBasedCmds": ("x",),
    "StringBasedCmds": (
        "append", "decr", "decrby", "get", "getdel", "getex", "getrange", "getset", "incr", "incrby", "incrbyfloat", "lcs",
        "mget", "mset", "msetnx", "psetex", "set", "setex", "setnx", "setrange", "strlen", "substr",
    ),
}  # fmt: skip
_PREFIXES: Final = frozenset({"geo", "h", "pf", "z", "bz", "x"})
_NOT_BY_PREFIX: Final = frozenset({"hello"})
_WRITES: Final = frozenset({
    "append", "bitfield", "bitop", "blmove", "blpop", "brpop", "bzpopmax", "bzpopmin", "copy", "decr", "decrby", "del",
    "expire", "expireat", "geoadd", "getdel", "getex", "getset", "hdel", "hincrby", "hincrbyfloat", "hmset", "hset",
    "hsetnx", "incr", "incrby", "incrbyfloat", "linsert", "lmove", "lmpop", "lpop", "lpush", "lpushx", "lrem", "lset",
    "ltrim", "mset", "msetnx", "persist", "pexpire", "pexpireat", "pfadd", "pfmerge", "psetex", "rename", "renamenx",
    "restore", "rpop", "rpoplpush", "rpush", "rpushx", "sadd", "set", "setbit", "setex", "setnx", "setrange", "smove",
    "spop", "srem", "unlink", "xack", "xadd", "xautoclaim", "xclaim", "xdel", "xgroup", "xtrim", "zadd", "zincrby", "zmpop",
    "zpopmax", "zpopmin", "zrem", "zunionstore", "zinterstore",
})  # fmt: skip
_NO_DATA: Final = frozenset({
    "acl", "auth", "client", "cluster", "command", "config", "debug", "discard", "echo", "exec", "hello", "info",
    "latency", "memory", "module", "monitor", "multi", "ping", "psync", "publish", "quit", "replconf", "reset", "role",
    "script", "select", "slowlog", "spublish", "subscribe", "sync", "time", "unwatch", "wait", "waitaof", "watch",
})  # fmt: skip


def read_info(text: str) -> dict[str, str]:
    """The fields of an INFO reply."""
    pairs = (line.rstrip("\r").partition(":") for line in text.splitlines() if not line.startswith("#"))
    return {name: value for name, colon, value in pairs if colon}


def levels_of(info: Mapping[str, str]) -> dict[str, float]:
    """What is now."""
    used, most = _number(info, "used_memory"), _number(info, "maxmemory")
    counted = used - _number(info, "mem_not_counted_for_evict")
    is_replica = info.get("role") == "slave"
    found = {
        "BytesUsedForCache": used,
        "CurrConnections": _number(info, "connected_clients"),
        "CurrItems": sum(_keys(value) for name, value in info.items() if name.startswith("db") and "keys=" in value),
        "FreeableMemory": max(0.0, most - used),
        "MemoryFragmentationRatio": _number(info, "mem_fragmentation_ratio"),
        "IsMaster": 0.0 if is_replica else 1.0,
        "SaveInProgress": _number(info, "rdb_bgsave_in_progress"),
        **dict.fromkeys(_NEVER, 0.0),
    }
    if most:
        for name, value in (("Usage", used), ("UsageCountedForEvict", counted)):
            found |= {f"DatabaseMemory{name}Percentage": 100 * value / most}
            found |= {f"DatabaseCapacity{name}Percentage": 100 * value / most}
    if is_replica:
        up = info.get("master_link_status") == "up"
        found["MasterLinkHealthStatus"] = 1.0 if up else 0.0
        found["ReplicationLag"] = max(0.0, _number(info, "master_last_io_seconds_ago")) if up else 0.0
    else:
        found["ReplicationLag"] = 0.0
    return found


def counters_of(info: Mapping[str, str]) -> dict[str, float]:
    """What has grown since the start of the node, by names of our own where the service has none."""
    found = {metric: _number(info, name) for metric, name in _COUNTERS.items()}
    found["cpu_s"] = _number(info, "used_cpu_sys") + _number(info, "used_cpu_user")
    found["ReplicationBytes"] = _number(info, "master_repl_offset") if info.get("role") != "slave" else 0.0
    families = dict.fromkeys([*_FAMILIES, "GetTypeCmds", "SetTypeCmds", "read_us", "write_us"], 0.0)
    for name, calls, usec in _commands(info):
        for family, members in _FAMILIES.items():
            if _belongs(name, members):
                families[family] += calls
        if name.partition("|")[0] not in _NO_DATA:
            writes = name.partition("|")[0] in _WRITES
            families["SetTypeCmds" if writes else "GetTypeCmds"] += calls
            families["write_us" if writes else "read_us"] += usec
    return found | families


def from_counters(grown: Mapping[str, float], seconds: float) -> dict[str, float]:
    """The metrics of a time in which counters have grown this much."""
    if not grown or seconds <= 0:
        return {}
    found = {name: value for name, value in grown.items() if not name.endswith(("_s", "_us"))}
    busy = 100 * grown["cpu_s"] / seconds
    found["EngineCPUUtilization"], found["CPUUtilization"] = min(100.0, busy), min(100.0, busy)
    requests = grown["CacheHits"] + grown["CacheMisses"]
    if requests:
        found["CacheHitRate"] = 100 * grown["CacheHits"] / requests
    for metric, usec, calls in (
        ("SuccessfulReadRequestLatency", "read_us", "GetTypeCmds"),
        ("SuccessfulWriteRequestLatency", "write_us", "SetTypeCmds"),
    ):
        if grown[calls]:
            found[metric] = grown[usec] / grown[calls]
    return found


def _commands(info: Mapping[str, str]) -> Iterable[tuple[str, float, float]]:
    """The commands that were called: name, calls and microseconds."""
    for name, value in info.items():
        if name.startswith("cmdstat_"):
            fields = dict(part.partition("=")[::2] for part in value.split(","))
            yield name.removeprefix("cmdstat_"), float(fields.get("calls", 0)), float(fields.get("usec", 0))


def _belongs(name: str, members: tuple[str, ...]) -> bool:
    plain = name.partition("|")[0]
    if plain in members:
        return True
    return any(plain.startswith(one) for one in members if one in _PREFIXES) and plain not in _NOT_BY_PREFIX


def _keys(value: str) -> float:
    return float(value.partition("keys=")[2].partition(",")[0])


def _number(info: Mapping[str, str], name: str) -> float:
    try:
        return float(info.get(name, "0"))
    except ValueError:
        return 0.0
