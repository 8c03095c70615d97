"""The measurements of a run, as statistics over periods ask for them.

Those of the last day are kept, which is the longest that an alarm looks back, and of each metric the last ones.
"""

import bisect
import math
import re
from collections.abc import Iterator
from typing import Final

from .datum import Datum, MetricKey, Values

__all__ = ["MetricStore", "statistic"]

_KEPT_MS: Final = 24 * 3_600_000
_EACH_MAX: Final = 20_000
_PERCENTILE: Final = re.compile(r"p(\d{1,2}(?:\.\d+)?|100)")


class MetricStore:
    """Measurements by metric, in the order of their times."""

    def __init__(self) -> None:
        self._data: dict[MetricKey, list[Datum]] = {}

    def put(self, datum: Datum) -> None:
        """Keep a measurement."""
        data = self._data.setdefault(datum.key, [])
        if data and datum.time_ms < data[-1].time_ms:
            bisect.insort(data, datum, key=_time)
        else:
            data.append(datum)
        if len(data) > _EACH_MAX:
            del data[: _EACH_MAX // 10]

    def keys(self) -> Iterator[MetricKey]:
        """The metrics that there are measurements of."""
        yield from self._data

    def series(
        self, key: MetricKey, stat: str, *, period_ms: int, end_ms: int, count: int, unit: str | None = None
    ) -> list[float | None]:
        """The statistic over each of the last `count` periods before `end_ms`, the oldest first; None for no data."""
        data = self._data.get(key, [])
        found: list[float | None] = []
        for index in range(count, 0, -1):
            start_ms = end_ms - index * period_ms
            first = bisect.bisect_left(data, start_ms, key=_time)
            last = bisect.bisect_left(data, start_ms + period_ms, key=_time)
            inside = [one.values for one in data[first:last] if unit is None or one.unit == unit]
            found.append(statistic(stat, inside))
        return found

    def prune(self, now_ms: int) -> None:
        """Forget what no alarm looks back to."""
        for key, data in list(self._data.items()):
            first = bisect.bisect_left(data, now_ms - _KEPT_MS, key=_time)
            del data[:first]
            if not data:
                del self._data[key]


def statistic(stat: str, values: list[Values]) -> float | None:
    """A statistic by CloudWatch's name of it; None without data, and for one that is not known here."""
    if not values:
        return None
    whole = values[0] if len(values) == 1 else _sum(values)
    match stat:
        case "SampleCount" | "n":
            return whole.count
        case "Sum":
            return whole.total
        case "Average":
            return whole.total / whole.count if whole.count else None
        case "Minimum":
            return whole.least
        case "Maximum":
            return whole.most
    return _percentile(stat, whole)


def _percentile(stat: str, whole: Values) -> float | None:
    match = _PERCENTILE.fullmatch(stat)
    if match is None:
        return None
    if not whole.single:  # as CloudWatch has them of a statistic set: of one value alone
        return whole.least if whole.least == whole.most else None
    ordered = sorted(whole.single)
    return ordered[max(0, math.ceil(float(match[1]) / 100 * len(ordered)) - 1)]


def _sum(values: list[Values]) -> Values:
    known = all(len(one.single) == one.count for one in values)
    return Values(
        sum(one.count for one in values),
        sum(one.total for one in values),
        min(one.least for one in values),
        max(one.most for one in values),
        tuple(value for one in values for value in one.single) if known else (),
    )


def _time(datum: Datum) -> int:
    return datum.time_ms
