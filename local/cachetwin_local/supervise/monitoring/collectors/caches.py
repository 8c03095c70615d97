"""Measures the caches: every node under ElastiCache's names, dimensions and units."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Final

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.cache.cache import CacheActor
from cachetwin_local.supervise.cache.memcached import MemcachedActor
from cachetwin_local.supervise.cache.shard.member import Member
from cachetwin_local.supervise.monitoring.metrics.datum import Datum, Values, metric_key
from cachetwin_local.topology.values import MemcachedCluster, ReplicationGroup

from .cache_node import UNITS, counters_of, from_counters, levels_of, read_info
from .counters import Counters

__all__ = ["CacheCollector"]

_NAMESPACE: Final = "AWS/ElastiCache"
_NODE: Final = "0001"
_SERVERLESS_COUNTS: Final = frozenset({"ElastiCacheProcessingUnits", "ThrottledCmds"})
_MEMCACHED_LEVELS: Final = frozenset(
    {"BytesUsedForCacheItems", "BytesUsedForHash", "CurrConfig", "CurrConnections", "CurrItems", "UnusedMemory"}
)


class CacheCollector:
    """Measures replication groups, serverless caches and Memcached clusters."""

    def __init__(self) -> None:
        self._counters = Counters()

    async def replication_group(
        self, actor: CacheActor, group: ReplicationGroup, time_ms: int, seconds: float
    ) -> list[Datum]:
        """What the nodes of a group say of the last `seconds`; a node that is gone says nothing."""
        found: list[Datum] = []
        region = group.identity.region
        for shard in actor.shards:
            for member in list(shard.members):
                with suppress(OSError, UserError, KeyError):
                    info = read_info(str((await member.process.ask("info"))["info"]))
                    grown = self._counters.since(f"{actor.name}/{member.node.member_id}", counters_of(info))
                    values = levels_of(info) | from_counters(grown, seconds)
                    if group.cluster_mode == "serverless":
                        values = self._serverless(actor.name, member, values)
                        dimensions = [{"clusterId": group.identity.physical_name}]
                    else:
                        role = "Primary" if member is shard.primary else "Replica"
                        dimensions = _dimensions(group.identity.physical_name, member.node.member_id, role)
                    found += _data(region, values, dimensions, time_ms)
        return found

    def _serverless(self, owner: str, member: Member, values: Mapping[str, float]) -> dict[str, float]:
        """Those that the service has of a serverless cache, units and limits included."""
        known = dict(member.process.state.metrics) if member.process.state else {}
        counts = {name: float(value) for name, value in known.items() if name in _SERVERLESS_COUNTS}
        grown = self._counters.since(f"{owner}/units", counts)
        levels = {name: float(value) for name, value in known.items() if name not in _SERVERLESS_COUNTS}
        host = {"CPUUtilization", "EngineCPUUtilization", "FreeableMemory", "IsMaster", "SwapUsage"}
        kept = {name: value for name, value in values.items() if name not in host and "Percentage" not in name}
        return kept | levels | grown

    def memcached(self, actor: MemcachedActor, cluster: MemcachedCluster, time_ms: int) -> list[Datum]:
        """What the nodes of a Memcached cluster have said last."""
        found: list[Datum] = []
        name = cluster.identity.physical_name
        for one in actor.nodes:
            counts = {key: float(value) for key, value in one.metrics.items() if key not in _MEMCACHED_LEVELS}
            levels = {key: float(value) for key, value in one.metrics.items() if key in _MEMCACHED_LEVELS}
            values = levels | self._counters.since(f"{actor.name}/{one.node.member_id}", counts)
            dimensions = (
                [{"clusterId": name}]
                if cluster.is_serverless
                else [{"CacheClusterId": name}, {"CacheClusterId": name, "CacheNodeId": one.node.shard}]
            )
            found += _data(cluster.identity.region, values, dimensions, time_ms)
        return found

    def keep_only(self, actors: Sequence[str]) -> None:
        """Forget the counters of nodes whose cache is gone."""
        self._counters.keep_only(
            {owner for owner in self._counters.owners() if any(owner.startswith(f"{name}/") for name in actors)}
        )


def _dimensions(group: str, member: str, role: str) -> list[dict[str, str]]:
    own = [{"CacheClusterId": member}, {"CacheClusterId": member, "CacheNodeId": _NODE}]
    if not group or group == member:  # a single node
        return own
    return [*own, {"ReplicationGroupId": group}, {"ReplicationGroupId": group, "Role": role}]


def _data(
    region: str, values: Mapping[str, float], dimensions: Sequence[Mapping[str, str]], time_ms: int
) -> Iterator[Datum]:
    for name, value in values.items():
        for one in dimensions:
            key = metric_key(region, _NAMESPACE, name, one)
            yield Datum(key, time_ms, Values.of(value), UNITS.get(name, "Count"))
