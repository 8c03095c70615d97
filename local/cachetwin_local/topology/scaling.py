"""Application Auto Scaling as values: what scales, within which bounds, by which policies and schedules."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from .identity import Identity

__all__ = [
    "ScalableTarget",
    "ScalingPolicy",
    "ScheduledAction",
    "StepAdjustment",
    "StepScaling",
    "TargetKey",
    "TargetTracking",
]

TargetKey = tuple[str, str, str]
"""A service's namespace, the id of a resource and the dimension of it that scales."""


@dataclass(frozen=True, slots=True)
class ScheduledAction:
    """Other bounds from a time on. `schedule` is an ``at``, ``rate`` or ``cron`` expression in `timezone`.

    `start` and `end` are times in ISO 8601 between which it holds, empty for always.
    """

    name: str
    schedule: str
    timezone: str = "UTC"
    start: str = ""
    end: str = ""
    min_capacity: int | None = None
    max_capacity: int | None = None


@dataclass(frozen=True, slots=True)
class ScalableTarget:
    """Something whose capacity may change between two bounds. `resource` is its key in the topology."""

    identity: Identity
    target: TargetKey
    resource: str
    min_capacity: int
    max_capacity: int
    scheduled_actions: tuple[ScheduledAction, ...] = ()
    scale_in_suspended: bool = False
    scale_out_suspended: bool = False
    schedules_suspended: bool = False


@dataclass(frozen=True, slots=True)
class TargetTracking:
    """Keeps a metric near `target_value`.

    `queries` are the metric as MetricDataQuery of CloudWatch's API has it; one of them returns data.
    """

    target_value: float
    queries: tuple[Mapping[str, object], ...]
    scale_in_cooldown_s: int
    scale_out_cooldown_s: int
    scale_in_disabled: bool = False


@dataclass(frozen=True, slots=True)
class StepAdjustment:
    """What to do where the metric is between two distances from the alarm's threshold; None is without end."""

    lower: float | None
    upper: float | None
    adjustment: int


@dataclass(frozen=True, slots=True)
class StepScaling:
    """Changes the capacity by how far an alarm's metric is beyond its threshold."""

    adjustment_type: Literal["ChangeInCapacity", "PercentChangeInCapacity", "ExactCapacity"]
    steps: tuple[StepAdjustment, ...]
    cooldown_s: int
    magnitude_min: int = 1


@dataclass(frozen=True, slots=True)
class ScalingPolicy:
    """A policy of a scalable target. `identity.arn` is what alarms name as their action."""

    identity: Identity
    name: str
    target: TargetKey
    rule: TargetTracking | StepScaling
