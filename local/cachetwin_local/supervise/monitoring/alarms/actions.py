"""What an alarm that changes its state tells: topics of SNS, functions and EventBridge.

Source of the documents: CloudWatch user guide, "Alarm events and EventBridge" and "Invoke a Lambda function from an
alarm".
"""

import datetime as dt
import json
import uuid
from collections.abc import Mapping
from typing import Any, Final

from cachetwin_local.supervise.monitoring.alarms.definition import Alarm

from .evaluation import State

__all__ = ["event_of", "function_payload", "subject_of", "topic_message"]

_OPERATORS_MAX: Final = 100


def subject_of(alarm: Alarm, state: State) -> str:
    """The subject of a message about an alarm."""
    return f'{state}: "{alarm.name}" in {alarm.region}'[:_OPERATORS_MAX]


def topic_message(alarm: Alarm, state: State, reason: str, at: dt.datetime) -> str:
    """The message that a topic gets."""
    document = alarm.document
    trigger: dict[str, Any] = {
        "Period": alarm.period_s,
        "EvaluationPeriods": document.get("EvaluationPeriods"),
        "DatapointsToAlarm": document.get("DatapointsToAlarm") or document.get("EvaluationPeriods"),
        "ComparisonOperator": document.get("ComparisonOperator"),
        "Threshold": document.get("Threshold"),
        "TreatMissingData": document.get("TreatMissingData") or "missing",
        "EvaluateLowSampleCountPercentile": document.get("EvaluateLowSampleCountPercentile") or "",
    }
    if document.get("MetricName"):
        trigger |= {
            "MetricName": document["MetricName"],
            "Namespace": document.get("Namespace"),
            "StatisticType": "Statistic",
            "Statistic": str(document.get("Statistic") or document.get("ExtendedStatistic") or "").upper(),
            "Unit": document.get("Unit"),
            "Dimensions": [{"name": one["Name"], "value": one["Value"]} for one in document.get("Dimensions") or ()],
        }
    else:
        trigger["Metrics"] = document.get("Metrics") or []
    message = {
        "AlarmName": alarm.name,
        "AlarmDescription": document.get("AlarmDescription"),
        "AWSAccountId": alarm.arn.split(":")[4],
        "AlarmConfigurationUpdatedTimestamp": _time(dt.datetime.fromtimestamp(_updated(document), dt.UTC)),
        "NewStateValue": state,
        "NewStateReason": reason,
        "StateChangeTime": _time(at),
        "Region": alarm.region,
        "AlarmArn": alarm.arn,
        "OldStateValue": alarm.state,
        "OKActions": list(alarm.actions["OK"]),
        "AlarmActions": list(alarm.actions["ALARM"]),
        "InsufficientDataActions": list(alarm.actions["INSUFFICIENT_DATA"]),
        **({"AlarmRule": alarm.rule} if alarm.rule else {"Trigger": trigger}),
    }
    return json.dumps(message)


def function_payload(alarm: Alarm, state: State, reason: str, at: dt.datetime) -> dict[str, Any]:
    """The event that a function gets."""
    return {
        "source": "aws.cloudwatch",
        "alarmArn": alarm.arn,
        "accountId": alarm.arn.split(":")[4],
        "time": _time(at),
        "region": alarm.region,
        "alarmData": _data(alarm, state, reason, at),
    }


def event_of(alarm: Alarm, state: State, reason: str, at: dt.datetime) -> dict[str, Any]:
    """The event of EventBridge."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "CloudWatch Alarm State Change",
        "source": "aws.cloudwatch",
        "account": alarm.arn.split(":")[4],
        "time": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": alarm.region,
        "resources": [alarm.arn],
        "detail": _data(alarm, state, reason, at),
    }


def _data(alarm: Alarm, state: State, reason: str, at: dt.datetime) -> dict[str, Any]:
    configuration: dict[str, Any] = {"description": alarm.document.get("AlarmDescription")}
    if alarm.rule:
        configuration["alarmRule"] = alarm.rule
    else:
        configuration["metrics"] = [
            {
                "id": query.id,
                "returnData": query.returned,
                **({"expression": query.expression} if query.key is None else {"metricStat": _stat(alarm, query)}),
            }
            for query in alarm.queries
        ]
    return {
        "alarmName": alarm.name,
        "state": {"value": state, "reason": reason, "timestamp": _time(at)},
        "previousState": {"value": alarm.state, "reason": alarm.reason},
        "configuration": configuration,
    }


def _stat(alarm: Alarm, query: Any) -> dict[str, Any]:  # noqa: ANN401  (a Query with a key)
    metric = {"namespace": query.key.namespace, "name": query.key.name, "dimensions": dict(query.key.dimensions)}
    return {"metric": metric, "period": alarm.period_s, "stat": query.stat}


def _updated(document: Mapping[str, Any]) -> float:
    value = document.get("AlarmConfigurationUpdatedTimestamp")
    return float(value) if isinstance(value, int | float) else 0.0


def _time(at: dt.datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}+0000"
