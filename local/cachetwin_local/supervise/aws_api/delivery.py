"""What functions and services write goes to their log groups, in batches of a second, as PutLogEvents takes them.

Lines of the runner's own about them stay in its logs. A line that cannot be delivered is dropped: it is in the runner's
logs as well.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Final

from cachetwin_local.settings import TASKS_MAX
from cachetwin_local.supervise.project.logs import Logs
from cachetwin_local.topology.values import Topology

from .client import AwsClient
from .moto_backend import CallFailed

__all__ = ["LogDelivery", "LogStream", "log_streams"]

LogStream = tuple[str, str]
"""The names of a log group and of a stream in it."""

_BATCH_S: Final = 1.0
_FIRST_S: Final = 6.0  # the start of the app comes first
_BATCH_MAX: Final = 1000
_OURS: Final = "[cachetwin] "
_RETRY_S: Final = 1.0


def log_streams(topology: Topology) -> dict[str, LogStream]:
    """Where the lines of each log go, by the log's name."""
    found = {one.identity.key: (one.log_group, "[$LATEST]") for one in topology.functions if one.log_group}
    for service in topology.services:
        # as the service names its logs
        kept = [c for c in service.containers if c.essential or c.image.directory is not None]
        for container in kept:
            for number in range(1, TASKS_MAX + 1):  # there may be more later
                task = f"{service.identity.key}/{number}"
                log = task if len(kept) == 1 else f"{task}/{container.name}"
                if container.log_group is not None:
                    found[log] = (container.log_group, f"{container.name}/{number}")
    return found


class LogDelivery:
    """Delivers the lines of `logs` to the streams that they belong to, the first ones after `first_s`."""

    def __init__(
        self, logs: Logs, client: AwsClient, streams: Mapping[str, LogStream], *, first_s: float = _FIRST_S
    ) -> None:
        self._first_s = first_s
        self._logs = logs
        self._client = client
        self._streams = streams
        self._made: set[LogStream] = set()

    async def run(self) -> None:
        """Deliver, until cancelled."""
        if not self._streams:
            return
        with self._logs.follow() as queue:
            await asyncio.sleep(self._first_s)
            while True:
                batches: dict[LogStream, list[dict[str, object]]] = {}
                count = 0
                entry = await queue.get()
                end_s = time.monotonic() + _BATCH_S
                while True:
                    stream = self._streams.get(entry.name)
                    if stream is not None and entry.line and not entry.line.startswith(_OURS):
                        event = {"timestamp": int(1000 * time.time()), "message": entry.line}
                        batches.setdefault(stream, []).append(event)
                        count += 1
                    left_s = end_s - time.monotonic()
                    if left_s <= 0 or count >= _BATCH_MAX:
                        break
                    try:
                        async with asyncio.timeout(left_s):  # wait_for loses a cancellation that comes with a line
                            entry = await queue.get()
                    except TimeoutError:
                        break
                for stream, events in batches.items():
                    await self._put(stream, events)

    async def _put(self, stream: LogStream, events: list[dict[str, object]]) -> None:
        group, name = stream
        try:
            await self._make(stream)
            await self._client.call(
                "logs", "PutLogEvents", {"logGroupName": group, "logStreamName": name, "logEvents": events}
            )
        except CallFailed:
            self._made.discard(stream)  # somebody deleted it
        except OSError:  # the endpoint starts, or starts again
            self._made.discard(stream)
            await asyncio.sleep(_RETRY_S)

    async def _make(self, stream: LogStream) -> None:
        """Make the group and the stream, as Lambda and ECS do, where they are not there."""
        if stream in self._made:
            return
        group, name = stream
        for operation, parameters in (
            ("CreateLogGroup", {"logGroupName": group}),
            ("CreateLogStream", {"logGroupName": group, "logStreamName": name}),
        ):
            try:
                await self._client.call("logs", operation, parameters)
            except CallFailed as error:
                if error.code != "ResourceAlreadyExistsException":
                    raise
        self._made.add(stream)
