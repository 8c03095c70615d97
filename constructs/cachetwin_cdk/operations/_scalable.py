"""The methods ``scale_shards`` and ``scale_replicas`` of a replication group."""

from typing import TYPE_CHECKING, Any

from ._scaling_target import Scaled

if TYPE_CHECKING:
    from .scaling import ReplicaScaling, ShardScaling


class Scalable(Scaled):
    """A replication group whose shards and replicas can be scaled automatically."""

    def scale_shards(
        self, construct_id: str = "ShardScaling", *, max_capacity: int, min_capacity: int = 1
    ) -> "ShardScaling":
        """Make a ShardScaling of this cache: ``cache.scale_shards(max_capacity=8).scale_on_memory("Memory")``."""
        from .scaling import ShardScaling  # noqa: PLC0415  (scaling knows the caches)

        cache: Any = self
        return ShardScaling(cache, construct_id, cache=cache, max_capacity=max_capacity, min_capacity=min_capacity)

    def scale_replicas(
        self, construct_id: str = "ReplicaScaling", *, max_capacity: int = 5, min_capacity: int = 1
    ) -> "ReplicaScaling":
        """Make a ReplicaScaling of this cache."""
        from .scaling import ReplicaScaling  # noqa: PLC0415  (as above)

        cache: Any = self
        return ReplicaScaling(cache, construct_id, cache=cache, max_capacity=max_capacity, min_capacity=min_capacity)
