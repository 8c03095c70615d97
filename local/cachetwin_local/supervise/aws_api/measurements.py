"""What the runner and CloudWatch tell each other, once for each round of measuring.

The runner brings measurements of what runs; it gets those that apps have put since the last time, the depths of the
queues, and the alarms. moto keeps every measurement and looks through all of them for each statistic, so the oldest go.
"""

import datetime as dt
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from .moto_backend import MotoBackend
from .protocol.calls import ApiCall
from .protocol.services import SERVICES

__all__ = ["Measurements"]

_KEPT_MAX: Final = 100_000
_SENT: Final = {"SendMessage": "NumberOfMessagesSent", "DeleteMessage": "NumberOfMessagesDeleted"}
_BATCHES: Final = {"SendMessageBatch": "NumberOfMessagesSent", "DeleteMessageBatch": "NumberOfMessagesDeleted"}


class _RunnerTime(dt.datetime):
    """The time of a measurement that the runner has brought, which tells it from those of apps."""


class Measurements:
    """The exchange with the runner. `exchange` runs in a thread; calls are counted in another."""

    def __init__(self, moto: MotoBackend, account: str) -> None:
        self._moto = moto
        self._account = account
        self._seen: dict[str, int] = {}
        self._counts: Counter[tuple[str, str, str]] = Counter()
        self._lock = threading.Lock()

    def count(self, call: ApiCall) -> None:
        """Count the messages of a call of SQS that went well."""
        name = _SENT.get(call.operation) or _BATCHES.get(call.operation)
        queue = str(call.parameters.get("QueueUrl", "")).rpartition("/")[2]
        if call.service.module != "sqs" or name is None or not queue:
            return
        entries = call.parameters.get("Entries")
        with self._lock:
            self._counts[call.region, queue, name] += len(entries) if isinstance(entries, list) else 1

    def exchange(self, body: bytes) -> bytes:
        """The answer to the runner's measurements, both in JSON."""
        put = json.loads(body)["put"] if body else []
        with self._lock:
            counts, self._counts = self._counts, Counter()
        answer = {
            "data": list(self._new_data()),
            "queues": list(self._queues()),
            "counts": [[*key, count] for key, count in counts.items()],
            "alarms": list(self._alarms()),
        }
        self._put(put)
        return json.dumps(answer).encode()

    def _new_data(self) -> Iterator[list[object]]:
        """What apps have put since the last time."""
        for backend in self._moto.every_backend("cloudwatch", self._account):
            data, seen = backend.metric_data, self._seen.get(backend.region_name, 0)
            new = data[seen:]  # apps go on putting meanwhile: what comes after this is of the next exchange
            seen += len(new)
            if seen > _KEPT_MAX:
                del data[: _KEPT_MAX // 2]
                seen -= _KEPT_MAX // 2
            self._seen[backend.region_name] = seen
            for one in new:
                if isinstance(one.timestamp, _RunnerTime):
                    continue
                yield [
                    backend.region_name,
                    one.namespace,
                    one.name,
                    _pairs(one),
                    _seconds(one.timestamp),
                    *_values(one),
                ]

    def _put(self, put: list[list[Any]]) -> None:
        for region, namespace, name, pairs, time_s, count, total, least, most, unit in put:
            backend = self._moto.backend("cloudwatch", region, self._account)
            datum = {
                "MetricName": name,
                "Dimensions": [{"Name": key, "Value": value} for key, value in pairs],
                "Timestamp": _RunnerTime.fromtimestamp(time_s, dt.UTC).replace(tzinfo=None),  # as moto has them
                "StatisticValues": {"SampleCount": count, "Sum": total, "Minimum": least, "Maximum": most},
                "Unit": unit,
            }
            backend.put_metric_data(namespace, [datum])

    def _queues(self) -> Iterator[list[object]]:
        now_ms = 1000 * time.time()
        for backend in self._moto.every_backend("sqs", self._account):
            for name, queue in list(backend.queues.items()):
                waiting = [message.sent_timestamp for message in list(queue.messages)]
                age_s = max(0.0, (now_ms - min(waiting)) / 1000) if waiting else 0.0
                in_flight, delayed = (
                    queue.approximate_number_of_messages_not_visible,
                    queue.approximate_number_of_messages_delayed,
                )
                yield [backend.region_name, name, len(waiting), in_flight, delayed, age_s]

    def _alarms(self) -> Iterator[dict[str, Any]]:
        for backend in self._moto.every_backend("cloudwatch", self._account):
            if not backend.alarms:
                continue
            region = backend.region_name
            found = self._moto.call(SERVICES["monitoring"], "DescribeAlarms", {}, region, self._account)
            rules = {name: alarm.rule for name, alarm in backend.alarms.items() if alarm.rule}
            for alarm in [*found.get("MetricAlarms", []), *found.get("CompositeAlarms", [])]:
                rule = rules.get(alarm["AlarmName"])
                yield {**alarm, "Region": region, **({"AlarmRule": rule} if rule else {})}


def _pairs(datum: Any) -> list[list[str]]:  # noqa: ANN401  (moto's own class)
    return [[one.name, one.value] for one in datum.dimensions]


def _values(datum: Any) -> list[object]:  # noqa: ANN401  (moto's own class)
    if hasattr(datum, "sample_count"):
        return [datum.sample_count, datum.sum, datum.min, datum.max, datum.unit]
    return [1, datum.value, datum.value, datum.value, datum.unit]


def _seconds(timestamp: dt.datetime) -> float:
    """Unix time; moto's times are in UTC and some say so."""
    return (timestamp if timestamp.tzinfo else timestamp.replace(tzinfo=dt.UTC)).timestamp()
