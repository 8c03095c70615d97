"""The alarms that Application Auto Scaling makes for a policy of target tracking. Pure.

One goes off after three minutes above the target, the other after fifteen below nine tenths of it, of caches three
quarters. Source: Application Auto Scaling user guide, and the alarms that the service makes.
"""

import uuid
from collections.abc import Mapping
from typing import Any, Final

from cachetwin_local.topology.scaling import ScalingPolicy, TargetTracking

__all__ = ["is_high", "is_low", "tracking_alarms"]

_LOW_SHARE: Final = {"elasticache": 0.75}
_LOW_SHARE_OTHERS: Final = 0.9
_HIGH, _LOW = "AlarmHigh", "AlarmLow"
_PERIODS: Final = {_HIGH: 3, _LOW: 15}


def tracking_alarms(policy: ScalingPolicy) -> list[Mapping[str, Any]]:
    """The parameters of PutMetricAlarm for the alarms of a policy; none for one that does not track."""
    rule = policy.rule
    if not isinstance(rule, TargetTracking):
        return []
    namespace, _resource_id, _dimension = policy.target
    low = rule.target_value * _LOW_SHARE.get(namespace, _LOW_SHARE_OTHERS)
    high_alarm = _alarm(policy, _HIGH, "GreaterThanThreshold", rule.target_value)
    if rule.scale_in_disabled:
        return [high_alarm]
    return [high_alarm, _alarm(policy, _LOW, "LessThanThreshold", low)]


def _alarm(policy: ScalingPolicy, which: str, operator: str, threshold: float) -> dict[str, Any]:
    queries = policy.rule.queries if isinstance(policy.rule, TargetTracking) else ()
    ending = uuid.uuid5(uuid.NAMESPACE_URL, f"{policy.identity.arn} {which}")
    return {
        "AlarmName": f"TargetTracking-{policy.target[1]}-{which}-{ending}",
        "AlarmDescription": f"DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {policy.identity.arn}.",
        "Metrics": [dict(query) for query in queries],
        "ComparisonOperator": operator,
        "Threshold": threshold,
        "EvaluationPeriods": _PERIODS[which],
        "AlarmActions": [policy.identity.arn],
    }


def is_high(alarm_name: str) -> bool:
    """Whether this alarm of a policy asks for more."""
    return alarm_name.startswith("TargetTracking-") and f"-{_HIGH}-" in alarm_name


def is_low(alarm_name: str) -> bool:
    """Whether this alarm of a policy asks for less."""
    return alarm_name.startswith("TargetTracking-") and f"-{_LOW}-" in alarm_name
