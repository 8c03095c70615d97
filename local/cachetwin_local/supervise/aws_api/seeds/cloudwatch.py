"""CloudWatch alarms. They begin without data, as on the service."""

from typing import Any, Final

from cachetwin_local.supervise.aws_api.settings import Seed

from .seeder import Api, Seeder, chosen

__all__ = ["ALARM", "COMPOSITE_ALARM"]

_PARAMETERS: Final = (
    "ActionsEnabled", "AlarmActions", "AlarmDescription", "ComparisonOperator", "Dimensions",
    "EvaluateLowSampleCountPercentile", "ExtendedStatistic", "InsufficientDataActions", "MetricName", "Metrics",
    "Namespace", "OKActions", "Statistic", "ThresholdMetricId", "TreatMissingData", "Unit",
)  # fmt: skip
_WHOLE: Final = ("DatapointsToAlarm", "EvaluationPeriods", "Period")


def _put(api: Api, seed: Seed) -> None:
    numbers: dict[str, Any] = {name: int(value) for name, value in chosen(seed.properties, _WHOLE).items()}
    if seed.properties.get("Threshold") is not None:
        numbers["Threshold"] = float(seed.properties["Threshold"])
    given = chosen(seed.properties, _PARAMETERS)
    api.call("monitoring", "PutMetricAlarm", seed, AlarmName=seed.name, **given, **numbers)


def _create(api: Api, seed: Seed) -> None:
    _put(api, seed)
    reason = "Unchecked: Initial alarm creation"
    api.call(
        "monitoring",
        "SetAlarmState",
        seed,
        AlarmName=seed.name,
        StateValue="INSUFFICIENT_DATA",
        StateReason=reason,
        StateReasonData="{}",
    )


def _delete(api: Api, seed: Seed) -> None:
    api.call("monitoring", "DeleteAlarms", seed, AlarmNames=[seed.name])


def _put_composite(api: Api, seed: Seed) -> None:
    """moto keeps a rule, and has no call that sets one."""
    given = seed.properties
    api.backend("cloudwatch", seed).put_metric_alarm(
        name=seed.name,
        namespace=None,
        metric_name=None,
        comparison_operator=None,
        evaluation_periods=None,
        period=None,
        threshold=None,
        statistic=None,
        description=given.get("AlarmDescription"),
        dimensions=[],
        alarm_actions=given.get("AlarmActions") or [],
        ok_actions=given.get("OKActions") or [],
        insufficient_data_actions=given.get("InsufficientDataActions") or [],
        actions_enabled=given.get("ActionsEnabled") not in {False, "false"},
        rule=given["AlarmRule"],
    )


ALARM: Final = Seeder(_create, _delete, change=_put)
COMPOSITE_ALARM: Final = Seeder(_put_composite, _delete, change=_put_composite)
