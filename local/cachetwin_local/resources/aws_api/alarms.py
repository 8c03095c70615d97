"""AWS::CloudWatch::Alarm: which alarms are not evaluated here."""

import re
from typing import Final

from cachetwin_local.resources.context import Context
from cachetwin_local.resources.properties import Properties

__all__ = ["ALARM", "warn_of_unread_metrics"]

ALARM: Final = "AWS::CloudWatch::Alarm"
_MISSING: Final = re.compile(
    r"\b(SEARCH|ANOMALY_DETECTION_BAND|INSIGHT_RULE_METRIC|SERVICE_QUOTA|DB_PERF_INSIGHTS)\s*\(", re.I
)
_LINEAR: Final = re.compile(r"\bFILL\s*\([^()]*,\s*LINEAR\s*\)", re.IGNORECASE)


def warn_of_unread_metrics(context: Context, alarm: Properties, key: str) -> None:
    """Say that an alarm stays as it is where its metrics cannot be computed here."""
    for metric in alarm.objects("Metrics"):
        expression = metric.string("Expression", "")
        found = _MISSING.search(expression)
        name = found[1].upper() if found else "FILL with LINEAR" if _LINEAR.search(expression) else ""
        if name:
            context.problem("warning", key, f"{name} is not computed here: the alarm is not evaluated")
            return
