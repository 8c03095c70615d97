"""What people may ask of a running cache: failover, reboot, another number of replicas, shards or nodes."""

from collections.abc import Callable, Sequence
from pathlib import Path

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.cache.cache import CacheActor
from cachetwin_local.supervise.cache.global_datastores import GlobalDatastores
from cachetwin_local.supervise.cache.memcached import MemcachedActor

__all__ = ["LONG_OPERATIONS", "OPERATIONS", "CacheOperations"]

OPERATIONS = frozenset({"failover", "reboot"})
LONG_OPERATIONS = frozenset({"restore", "scale", "set-parameter", "snapshot"})

Document = dict[str, object]


class CacheOperations:
    """Carries out requests of the control socket on the caches that run."""

    def __init__(
        self,
        caches: Callable[[], Sequence[CacheActor]],
        memcached_clusters: Callable[[], Sequence[MemcachedActor]] = tuple,
        regions: GlobalDatastores | None = None,
    ) -> None:
        self._regions = regions
        self._caches = caches
        self._memcached_clusters = memcached_clusters

    async def perform(self, request: Document, progress: Callable[[str], None] = lambda _line: None) -> Document:
        """Carry out one request; `progress` gets lines. The answer holds ``done``, a sentence, or ``error``."""
        try:
            match request.get("op"):
                case "failover":
                    return {"done": await self._fail_over(request)}
                case "reboot":
                    return {"done": await self._reboot(str(request.get("node")))}
                case "set-parameter":
                    cache = self._cache(request)
                    return {"done": await cache.set_parameter(str(request.get("name")), str(request.get("value")))}
                case "snapshot":
                    return {"done": await self._snapshot(request)}
                case "restore":
                    cache = self._cache(request)
                    self._refuse_member(cache, "restore")
                    return {"done": await cache.restore(str(request.get("snapshot")))}
                case _:
                    return {"done": await self._scale(request, progress)}
        except (UserError, OSError) as error:  # an OSError: a node is gone, or too slow
            return {"error": str(error) or "a node did not answer in time"}

    async def _fail_over(self, request: Document) -> str:
        region = request.get("region")
        if region is not None and self._regions is not None:
            return await self._regions.fail_over(str(request.get("cache")), str(region))
        cache = self._cache(request)
        shard = request.get("shard")
        return await cache.fail_over(None if shard is None else str(shard), planned=request.get("planned") is True)

    async def _reboot(self, node: str) -> str:
        for cluster in self._memcached_clusters():
            if node in cluster.member_ids:
                return await cluster.reboot(node)
        found = [cache for cache in self._caches() if any(member.node.member_id == node for member in cache.members())]
        if not found:
            ids = [member.node.member_id for cache in self._caches() for member in cache.members()]
            known = ", ".join([*ids, *(one for cluster in self._memcached_clusters() for one in cluster.member_ids)])
            raise UserError(f"node must be one of {known or 'none, for no cache runs'}, got {node}")
        return await found[0].reboot(node)

    async def _snapshot(self, request: Document) -> str:
        name, folder = request.get("name"), request.get("to")
        cache = self._cache(request)
        return await cache.snapshot(None if name is None else str(name), None if folder is None else Path(str(folder)))

    async def _scale(self, request: Document, progress: Callable[[str], None]) -> str:
        cache = self._cache_or_cluster(str(request.get("cache")))
        match cache, request:
            case MemcachedActor(), {"nodes": int(count)}:
                return await cache.set_nodes(count)
            case CacheActor(), {"replicas": int(count)}:
                return await cache.set_replicas(count)
            case CacheActor(), {"shards": int(count)}:
                self._refuse_member(cache, "another number of shards")
                return await cache.set_shards(count, progress)
            case CacheActor(), {"node_type": str(node_type)}:
                return await cache.set_node_type(node_type)
        options = "nodes" if isinstance(cache, MemcachedActor) else "replicas, shards or node type"
        given = [
            name.replace("_", " ")
            for name in ("replicas", "shards", "node_type", "nodes")
            if request.get(name) is not None
        ]
        raise UserError(f"{cache.name} is scaled by its {options}, got {given[0] if given else 'none'}")

    def _refuse_member(self, cache: CacheActor, operation: str) -> None:
        if self._regions is not None:
            self._regions.refuse_member(cache, operation)

    def _cache(self, request: Document) -> CacheActor:
        """The replication group or serverless cache that `request` names. Raises UserError."""
        cache = self._cache_or_cluster(str(request.get("cache")))
        if isinstance(cache, MemcachedActor):
            operation = request.get("op")
            raise UserError(f"{cache.name} is a Memcached cluster: scale it or reboot its nodes, got {operation}")
        return cache

    def _cache_or_cluster(self, name: str) -> CacheActor | MemcachedActor:
        """The cache of this name: its logical id, with or without the stack's name, or the service's."""
        caches: list[CacheActor | MemcachedActor] = [*self._caches(), *self._memcached_clusters()]
        found = [cache for cache in caches if name.lower() in cache.names]
        if len(found) == 1:
            return found[0]
        known = ", ".join(cache.name for cache in caches)
        reason = "is the name of several caches" if found else "is no cache that runs"
        raise UserError(f"{name} {reason}: it must be one of {known or 'none'}")
