"""ElastiCache's events go to the topic that a template names, and those of serverless caches to EventBridge.

Source: ElastiCache user guide, "Event notifications and Amazon SNS"; EventBridge's reference of events, "Amazon
ElastiCache".
"""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from cachetwin_local.supervise.aws_api.client import AwsClient
from cachetwin_local.supervise.aws_api.moto_backend import CallFailed
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.supervise.project.service_events import ServiceEvent
from cachetwin_local.topology.values import MemcachedCluster, ReplicationGroup, Topology

__all__ = ["CacheEvents", "bus_entry", "topic_message"]

_NAMES: Final = (
    ("Cache cluster created", "CacheClusterProvisioningComplete"),
    ("Added cache node", "AddCacheNodeComplete"),
    ("Removed cache node", "RemoveCacheNodeComplete"),
    ("Failover from primary", "FailoverComplete"),
    ("Recovering cache nodes", "CacheNodeReplaceStarted"),
    ("Finished recovery", "CacheNodeReplaceComplete"),
    ("Cache cluster deleted", "DeleteCacheClusterComplete"),
    ("Succeeded applying modification to cache node type", "CacheClusterScalingComplete"),
    ("Failed applying modification to cache node type", "CacheClusterScalingFailed"),
    ("Updated parameter", "CacheClusterParametersChanged"),
    ("Snapshot succeeded", "SnapshotComplete"),
    ("Snapshot failed", "SnapshotFailed"),
)
"""How messages begin, and the names of their notifications."""
_RESTARTED: Final = "CacheNodesRebooted"
_DETAIL_TYPES: Final = (
    ("Cache created", "Cache Created"),
    ("Snapshot succeeded", "Snapshot Created"),
    ("Snapshot failed", "Snapshot Creation Failed"),
)
_CACHES: Final = frozenset({"cache-cluster", "replication-group", "serverless-cache"})
_LOG: Final = "monitoring"


def topic_message(event: ServiceEvent) -> str | None:
    """What the topic of a cache hears of an event; None for an event that it does not hear of."""
    name = next((name for start, name in _NAMES if event.message.startswith(start)), "")
    if not name and event.message.startswith("Cache node") and event.message.endswith("restarted"):
        name = _RESTARTED
    if not name and event.message.startswith("ReplicationGroup"):
        name = event.message.partition(" ")[0]
    return json.dumps({f"ElastiCache:{name}": event.source_identifier}) if name else None


def bus_entry(event: ServiceEvent) -> Mapping[str, Any] | None:
    """The entry of PutEvents for an event of a serverless cache; None for one that EventBridge does not get."""
    kind = next((kind for start, kind in _DETAIL_TYPES if event.message.startswith(start)), "")
    if event.source_type != "serverless-cache" or not kind:
        return None
    detail = {"cacheName": event.source_identifier, "date": event.date, "message": event.message}
    return {"Source": "aws.elasticache", "DetailType": kind, "Detail": json.dumps(detail)}


class CacheEvents:
    """Sends the events of a run, those before `run` included."""

    def __init__(self, run_context: RunContext, client: AwsClient, topology: Callable[[], Topology]) -> None:
        self._run_context = run_context
        self._client = client
        self._topology = topology
        self._sent = False

    async def run(self) -> None:
        """Send, until cancelled."""
        events = self._run_context.service_events
        with events.follow() as queue:
            earlier = [] if self._sent else events.recent(1000)
            self._sent = True
            for event in earlier:
                await self._send(event)
            while True:
                await self._send(await queue.get())

    async def _send(self, event: ServiceEvent) -> None:
        topology = self._topology()
        every: list[ReplicationGroup | MemcachedCluster] = [*topology.replication_groups, *topology.memcached_clusters]
        caches = {one.identity.key: one for one in every}
        cache = caches.get(event.resource)
        if cache is None or event.source_type not in _CACHES or topology.aws_api is None:
            return
        message, entry = topic_message(event), bus_entry(event)
        with suppress(OSError):  # the endpoint is gone: `cachetwin events` has it
            if message is not None and cache.notification_topic:
                try:
                    await self._client.publish(cache.notification_topic, "ElastiCache Notification", message)
                except CallFailed as error:
                    self._run_context.logs.write(_LOG, f"{cache.notification_topic} was not told: {error}")
            if entry is not None:
                with suppress(CallFailed):
                    region = cache.identity.region
                    await self._client.call("events", "PutEvents", {"Entries": [entry]}, region=region)
