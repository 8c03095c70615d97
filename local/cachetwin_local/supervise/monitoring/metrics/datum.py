"""One measurement: which metric, when, and the values."""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Datum", "MetricKey", "Values", "metric_key"]

Dimensions = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class MetricKey:
    """A metric of CloudWatch: another set of dimensions is another metric."""

    region: str
    namespace: str
    name: str
    dimensions: Dimensions


def metric_key(region: str, namespace: str, name: str, dimensions: Mapping[str, str]) -> MetricKey:
    """The metric of these names."""
    return MetricKey(region, namespace, name, frozenset(dimensions.items()))


@dataclass(frozen=True, slots=True)
class Values:
    """A statistic set, and the values it was made of where they are known: percentiles need them."""

    count: float
    total: float
    least: float
    most: float
    single: tuple[float, ...] = ()

    @classmethod
    def of(cls, *values: float) -> "Values":
        """The set of these values, one at least."""
        return cls(len(values), sum(values), min(values), max(values), values)

    def __add__(self, other: "Values") -> "Values":
        known = len(self.single) == self.count and len(other.single) == other.count
        return Values(
            self.count + other.count,
            self.total + other.total,
            min(self.least, other.least),
            max(self.most, other.most),
            (*self.single, *other.single) if known else (),
        )


@dataclass(frozen=True, slots=True)
class Datum:
    """Values of a metric at a time of the twin's clock, in milliseconds; `unit` as CloudWatch names it."""

    key: MetricKey
    time_ms: int
    values: Values
    unit: str = "None"
