"""What can scale: the tasks of a service, the shards and replicas of a cache, the nodes of a Memcached cluster."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cachetwin_local.settings import TASKS_MAX
from cachetwin_local.supervise.cache.cache import CacheActor
from cachetwin_local.supervise.cache.cluster.further_shards import NODES_MAX
from cachetwin_local.supervise.cache.cluster.shard_count import SHARDS_MAX
from cachetwin_local.supervise.cache.memcached import MemcachedActor
from cachetwin_local.supervise.service.service import ServiceActor
from cachetwin_local.topology.scaling import ScalableTarget

__all__ = ["Capacity", "Scalables"]

Actor = ServiceActor | CacheActor | MemcachedActor


@dataclass(frozen=True, slots=True)
class Capacity:
    """What a scalable target names, as it runs."""

    actor: Actor
    dimension: str

    def now(self) -> int:
        """How many there are, or are wanted."""
        match self.actor:
            case ServiceActor():
                return self.actor.desired_count
            case MemcachedActor():
                return len(self.actor.nodes)
        if self.dimension.endswith(":NodeGroups"):
            return len(self.actor.shards)
        return min((len(shard.members) for shard in self.actor.shards), default=1) - 1

    def most(self) -> int:
        """How many can run here."""
        match self.actor:
            case ServiceActor():
                return TASKS_MAX
            case MemcachedActor():
                return self.actor.nodes_max
        return SHARDS_MAX if self.dimension.endswith(":NodeGroups") else NODES_MAX - 1

    async def set(self, count: int) -> None:
        """Have this many from now on; returns when they run. Raises UserError and OSError."""
        match self.actor:
            case ServiceActor():
                await self.actor.scale(count)
            case MemcachedActor():
                await self.actor.set_nodes(count)
            case CacheActor() if self.dimension.endswith(":NodeGroups"):
                await self.actor.set_shards(count, lambda _line: None)
            case CacheActor():
                await self.actor.set_replicas(count)


@dataclass(frozen=True, slots=True)
class Scalables:
    """Finds what runs."""

    services: Callable[[], Sequence[ServiceActor]]
    caches: Callable[[], Sequence[CacheActor]]
    memcached_clusters: Callable[[], Sequence[MemcachedActor]]

    def find(self, target: ScalableTarget) -> Capacity | None:
        """The capacity of a target; None where what it scales does not run here."""
        actors: list[Actor] = [*self.services(), *self.caches(), *self.memcached_clusters()]
        actor = next((one for one in actors if one.name == target.resource), None)
        return Capacity(actor, target.target[2]) if actor is not None else None
