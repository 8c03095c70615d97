"""The events of a shard, in the service's words, and its lines in the log."""

from typing import Final

from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.supervise.project.service_events import SourceType
from cachetwin_local.topology.values import CacheNode

__all__ = ["NODE_ID", "ShardEvents"]

NODE_ID: Final = "0001"
"""Every cache cluster of Valkey or Redis OSS has one node, with this id."""


class ShardEvents:
    """Writes for a shard of the cache `cache`. `group_id` is empty where the service writes no events."""

    def __init__(self, run_context: RunContext, cache: str, group_id: str) -> None:
        self._run_context = run_context
        self._cache = cache
        self._group_id = group_id

    def failed_over(self, old: CacheNode, new: CacheNode) -> None:
        """Another node is the primary."""
        message = f"Failover from primary node {old.member_id} to replica node {new.member_id} completed"
        self.write("cache-cluster", old.member_id, message)
        self.write("replication-group", self._group_id, message)
        self.log(new, "is the primary now")

    def created(self, node: CacheNode) -> None:
        """A node serves for the first time."""
        self.write("cache-cluster", node.member_id, "Cache cluster created")
        message = f"Added cache node {NODE_ID} in availability zone {node.availability_zone}"
        self.write("cache-cluster", node.member_id, message)

    def write(self, source_type: SourceType, source: str, message: str) -> None:
        """Write one event of the service, and a line of log."""
        if not self._group_id:
            return
        self._run_context.service_events.write(source_type, source, message, self._cache)
        self._run_context.logs.write(self._cache, f"[cachetwin] event of {source}: {message}")

    def log(self, node: CacheNode, line: str) -> None:
        """Write a line of log."""
        self._run_context.logs.write(self._cache, f"[cachetwin] {node.member_id}: {line}")
