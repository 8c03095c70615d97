"""The events that the service would write about what runs here, as ElastiCache's DescribeEvents returns them."""

import asyncio
import contextlib
import datetime as dt
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Literal

__all__ = ["ServiceEvent", "ServiceEvents", "SourceType"]

_EVENTS_MAX = 10_000
_FOLLOWER_EVENTS_MAX = 10_000

SourceType = Literal[
    "cache-cluster", "replication-group", "serverless-cache", "user", "user-group", "alarm", "scalable-target"
]


@dataclass(frozen=True, slots=True)
class ServiceEvent:
    """One event. `date` is in UTC, ISO 8601; `resource` is the key of the resource in the topology."""

    date: str
    source_type: SourceType
    source_identifier: str
    message: str
    resource: str

    def document(self) -> dict[str, object]:
        """The event as a JSON object."""
        return asdict(self)


class ServiceEvents:
    """The events of one run, in order."""

    def __init__(self, now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)) -> None:
        self.now = now
        self._events: deque[ServiceEvent] = deque(maxlen=_EVENTS_MAX)
        self._followers: set[asyncio.Queue[ServiceEvent]] = set()

    def write(self, source_type: SourceType, source_identifier: str, message: str, resource: str) -> None:
        """Record an event, at this moment."""
        date = self.now().isoformat(timespec="milliseconds")
        event = ServiceEvent(date, source_type, source_identifier, message, resource)
        self._events.append(event)
        for queue in self._followers:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(event)

    def recent(self, count: int) -> list[ServiceEvent]:
        """The last events, the oldest first."""
        return list(self._events)[-count:] if count else []

    @contextlib.contextmanager
    def follow(self) -> Iterator[asyncio.Queue[ServiceEvent]]:
        """A queue that receives every event from now on."""
        queue: asyncio.Queue[ServiceEvent] = asyncio.Queue(_FOLLOWER_EVENTS_MAX)
        self._followers.add(queue)
        try:
            yield queue
        finally:
            self._followers.discard(queue)
