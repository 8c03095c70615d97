"""The logs of caches in the log groups that their LogDeliveryConfigurations name, in ElastiCache's forms.

Engine logs are the lines of the nodes; slow logs are asked for in each round. What cannot be delivered is dropped: the
lines are in the runner's logs as well. Source: ElastiCache user guide, "Log delivery".
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.aws_api.client import AwsClient
from cachetwin_local.supervise.aws_api.moto_backend import CallFailed
from cachetwin_local.supervise.cache.cache import CacheActor
from cachetwin_local.supervise.project.logs import LogLine
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.topology.values import LogDelivery, ReplicationGroup, Topology

__all__ = ["CacheLogs", "engine_line", "slow_line"]

_NODE: Final = "0001"
_BATCH_MAX: Final = 1000
_WAITING_MAX: Final = 10_000
_GROUPS: Final = "cloudwatch-logs"

Entry = tuple[int, str]
"""A time in milliseconds and a line."""


def engine_line(line: str, member: str, log_format: str) -> str | None:
    """A line of a node as the service delivers it; None for one that is none of the engine."""
    try:
        found = json.loads(line)
        time, level, message = str(found["time"]), str(found["level"]), str(found["message"])
    except (ValueError, TypeError, KeyError):
        return None
    at = time.replace("T", " ").removesuffix("Z") + " UTC"
    if log_format == "text":
        return f"{member}/{_NODE}:{at} {level.upper()} {message}"
    document = {
        "CacheClusterId": member,
        "CacheNodeId": _NODE,
        "LogLevel": level.upper(),
        "Time": at,
        "Message": message,
    }
    return json.dumps(document)


def slow_line(entry: Mapping[str, Any], member: str, log_format: str) -> str:
    """An entry of a node's slow log as the service delivers it."""
    command = " ".join(entry["args"])
    if log_format == "text":
        return (
            f"{member},{_NODE},{entry['id']},{entry['at_s']},{entry['us']},{command},{entry['address']},{entry['name']}"
        )
    document = {
        "CacheClusterId": member,
        "CacheNodeId": _NODE,
        "Id": entry["id"],
        "Timestamp": entry["at_s"],
        "Duration": entry["us"],
        "Command": command,
        "ClientAddress": entry["address"],
        "ClientName": entry["name"],
    }
    return json.dumps(document)


class CacheLogs:
    """Delivers the logs of the caches of a run."""

    def __init__(self, run_context: RunContext, client: AwsClient) -> None:
        self._run_context = run_context
        self._client = client
        self._waiting: dict[tuple[str, str, str], list[Entry]] = {}
        self._next: dict[int, int] = {}

    def take(self, entry: LogLine, topology: Topology) -> None:
        """Keep a line of a node whose engine log goes to a log group."""
        if not entry.line.startswith("{"):
            return
        for group in topology.replication_groups:
            member = entry.name.removeprefix(f"{group.identity.key}/")
            if member != entry.name and "/" not in member:
                for delivery in _deliveries(group, "engine-log"):
                    line = engine_line(entry.line, member, delivery.log_format)
                    if line is not None:
                        self._keep(group, delivery, member, (self._run_context.clock.now_ms(), line))

    async def read_slow_logs(self, actor: CacheActor, group: ReplicationGroup) -> None:
        """Ask the nodes of a cache for what was slow since the last time."""
        deliveries = list(_deliveries(group, "slow-log"))
        for member in actor.members() if deliveries else ():
            pid = member.process.pid
            with suppress(OSError, UserError, KeyError):
                answer = await member.process.ask("slow_log", since=self._next.get(pid, 0))
                entries = answer["entries"]
                for entry in entries if isinstance(entries, list) else ():
                    self._next[pid] = int(entry["id"]) + 1
                    for delivery in deliveries:
                        line = slow_line(entry, member.node.member_id, delivery.log_format)
                        self._keep(group, delivery, member.node.member_id, (1000 * int(entry["at_s"]), line))

    async def deliver(self) -> None:
        """Put what has come into the log groups. Raises OSError."""
        waiting, self._waiting = self._waiting, {}
        for (region, group, stream), entries in waiting.items():
            for first in range(0, len(entries), _BATCH_MAX):
                await self._put(region, group, stream, entries[first : first + _BATCH_MAX])

    async def _put(self, region: str, group: str, stream: str, entries: Sequence[Entry]) -> None:
        named = {"logGroupName": group, "logStreamName": stream}
        events = [{"timestamp": time_ms, "message": line} for time_ms, line in sorted(entries, key=lambda one: one[0])]
        with suppress(CallFailed):  # it is there
            await self._client.call("logs", "CreateLogGroup", {"logGroupName": group}, region=region)
        with suppress(CallFailed):
            await self._client.call("logs", "CreateLogStream", named, region=region)
        with suppress(CallFailed):
            await self._client.call("logs", "PutLogEvents", {**named, "logEvents": events}, region=region)

    def _keep(self, group: ReplicationGroup, delivery: LogDelivery, member: str, entry: Entry) -> None:
        key = group.identity.region, delivery.destination, f"elasticache/{member}/{delivery.log_type}"
        entries = self._waiting.setdefault(key, [])
        entries.append(entry)
        del entries[:-_WAITING_MAX]


def _deliveries(group: ReplicationGroup, log_type: str) -> Iterator[LogDelivery]:
    for delivery in group.log_delivery:
        if (delivery.log_type, delivery.destination_type) == (log_type, _GROUPS) and delivery.destination:
            yield delivery
