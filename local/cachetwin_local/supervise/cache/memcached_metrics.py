"""The metrics of a Memcached node by CloudWatch's names, from its statistics.

CloudWatch has the counters per minute; here they count from the node's start, as the statistics do.
"""

from collections.abc import Mapping
from typing import Final

__all__ = ["metrics_of"]

_NAMES: Final[Mapping[str, str]] = {
    "BytesReadIntoMemcached": "bytes_read",
    "BytesUsedForCacheItems": "bytes",
    "BytesUsedForHash": "hash_bytes",
    "BytesWrittenOutFromMemcached": "bytes_written",
    "CasBadval": "cas_badval",
    "CasHits": "cas_hits",
    "CasMisses": "cas_misses",
    "CmdConfigGet": "cmd_config_get",
    "CmdConfigSet": "cmd_config_set",
    "CmdFlush": "cmd_flush",
    "CmdGet": "cmd_get",
    "CmdSet": "cmd_set",
    "CmdTouch": "cmd_touch",
    "CurrConfig": "curr_config",
    "CurrConnections": "curr_connections",
    "CurrItems": "curr_items",
    "DecrHits": "decr_hits",
    "DecrMisses": "decr_misses",
    "DeleteHits": "delete_hits",
    "DeleteMisses": "delete_misses",
    "EvictedUnfetched": "evicted_unfetched",
    "Evictions": "evictions",
    "ExpiredUnfetched": "expired_unfetched",
    "GetHits": "get_hits",
    "GetMisses": "get_misses",
    "IncrHits": "incr_hits",
    "IncrMisses": "incr_misses",
    "NewConnections": "total_connections",
    "NewItems": "total_items",
    "Reclaimed": "reclaimed",
    "SlabsMoved": "slabs_moved",
    "TouchHits": "touch_hits",
    "TouchMisses": "touch_misses",
}


def metrics_of(statistics: str) -> dict[str, int]:
    """The metrics that the statistics of a node, one ``name:value`` a line, have values for."""
    values = {name: value for name, _, value in (line.partition(":") for line in statistics.splitlines())}
    found = {metric: int(values[name]) for metric, name in _NAMES.items() if values.get(name, "").isdigit()}
    if values.get("limit_maxbytes", "").isdigit() and "BytesUsedForCacheItems" in found:
        found["UnusedMemory"] = max(0, int(values["limit_maxbytes"]) - found["BytesUsedForCacheItems"])
    return found
