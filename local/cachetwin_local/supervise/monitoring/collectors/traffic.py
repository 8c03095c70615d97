"""Measures functions, load balancers and APIs by what their processes report, queues by what moto says of them. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from cachetwin_local.supervise.monitoring.metrics.datum import Datum, Values, metric_key
from cachetwin_local.topology.values import Function, HttpApi, Identity, LoadBalancer, TargetGroup

from .counters import Counters

__all__ = ["TrafficCollector", "queue_data"]

_LEVELS: Final = frozenset({"ActiveConnectionCount", "ConcurrentExecutions", "Environments"})
_TOTALS: Final = {
    "Duration": ("DurationTotal", "Milliseconds"),
    "TargetResponseTime": ("TargetResponseTimeTotal", "Seconds"),
}
"""Metrics of which a process counts the sum, in thousandths, and the number."""


class TrafficCollector:
    """Measures what has counters by CloudWatch's names."""

    def __init__(self) -> None:
        self._counters = Counters()

    def function(self, function: Function, known: Mapping[str, int], time_ms: int) -> Iterator[Datum]:
        """What a function did since the last time."""
        dimensions = [{"FunctionName": function.identity.physical_name}, {}]
        yield from self._measure("AWS/Lambda", function.identity, known, dimensions, time_ms)

    def load_balancer(self, balancer: LoadBalancer, known: Mapping[str, int], time_ms: int) -> Iterator[Datum]:
        """What a load balancer did since the last time."""
        name = balancer.identity.arn.partition(":loadbalancer/")[2]
        own = {key: value for key, value in known.items() if " " not in key}
        yield from self._measure("AWS/ApplicationELB", balancer.identity, own, [{"LoadBalancer": name}], time_ms)

    def target_group(self, group: TargetGroup, targets: int, known: Mapping[str, int], time_ms: int) -> Iterator[Datum]:
        """How many requests a load balancer has sent to each of so many targets since the last time."""
        key, region = group.identity.key, group.identity.region
        counts = {"RequestCount": float(known.get(f"RequestCount {key}", 0))}
        count = self._counters.since(f"{key} requests", counts).get("RequestCount")
        name = {"TargetGroup": group.identity.arn.rpartition(":")[2]}
        if count is not None:
            for metric, value in (("RequestCount", count), ("RequestCountPerTarget", count / max(1, targets))):
                yield Datum(metric_key(region, "AWS/ApplicationELB", metric, name), time_ms, Values.of(value), "Count")

    def http_api(self, api: HttpApi, known: Mapping[str, int], time_ms: int) -> Iterator[Datum]:
        """What an API did since the last time."""
        name = {"ApiId": api.identity.physical_name}
        yield from self._measure("AWS/ApiGateway", api.identity, known, [name], time_ms)

    def _measure(
        self,
        namespace: str,
        identity: Identity,
        known: Mapping[str, int],
        dimensions: Sequence[Mapping[str, str]],
        time_ms: int,
    ) -> Iterator[Datum]:
        """The metrics of one resource, under each set of dimensions."""
        levels = {name: float(value) for name, value in known.items() if name in _LEVELS}
        counts = {name: float(value) for name, value in known.items() if name not in _LEVELS}
        grown = self._counters.since(identity.key, counts)
        totals = {total for total, _unit in _TOTALS.values()}
        for one in dimensions:
            for name, value in (levels | grown).items():
                if name in totals or name == "Environments":
                    continue
                total, unit = _TOTALS.get(name, ("", "Count"))
                if not total:
                    values = Values.of(value)
                elif value:
                    mean = grown.get(total, 0.0) / value / (1 if unit == "Milliseconds" else 1000)
                    values = Values(value, mean * value, mean, mean)
                else:
                    continue
                yield Datum(metric_key(identity.region, namespace, name, one), time_ms, values, unit)


def queue_data(answer: Mapping[str, Sequence[Sequence[Any]]], time_ms: int) -> Iterator[Datum]:
    """The metrics of the queues that moto has."""
    for region, name, visible, in_flight, delayed, age_s in answer["queues"]:
        levels = {
            "ApproximateNumberOfMessagesVisible": (visible, "Count"),
            "ApproximateNumberOfMessagesNotVisible": (in_flight, "Count"),
            "ApproximateNumberOfMessagesDelayed": (delayed, "Count"),
            "ApproximateAgeOfOldestMessage": (age_s, "Seconds"),
        }
        for metric, (value, unit) in levels.items():
            yield Datum(metric_key(region, "AWS/SQS", metric, {"QueueName": name}), time_ms, Values.of(value), unit)
    for region, name, metric, count in answer["counts"]:
        key = metric_key(region, "AWS/SQS", metric, {"QueueName": name})
        yield Datum(key, time_ms, Values.of(float(count)), "Count")
