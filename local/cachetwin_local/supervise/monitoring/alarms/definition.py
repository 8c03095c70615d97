"""Alarms as CloudWatch's DescribeAlarms shows them, and the values of what they watch. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cachetwin_local.supervise.monitoring.metrics.datum import MetricKey, metric_key
from cachetwin_local.supervise.monitoring.metrics.expressions import ExpressionError, Series, evaluate
from cachetwin_local.supervise.monitoring.metrics.store import MetricStore

from .evaluation import OPERATORS, Evaluation, State

__all__ = ["Alarm", "Query", "read_alarm", "values_of"]

_PERIOD_S: Final = 60
_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MISSING: Final = ("missing", "ignore", "breaching", "notBreaching")
INITIAL: Final = "Unchecked: Initial alarm creation"


@dataclass(frozen=True, slots=True)
class Query:
    """One of an alarm's metrics: an expression, or a statistic of a metric."""

    id: str
    expression: str = ""
    key: MetricKey | None = None
    stat: str = "Average"
    unit: str | None = None
    returned: bool = True


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm. `evaluation` is None for a composite alarm, whose `rule` is not empty, and for one of a kind that is not
    evaluated here. `actions` are ARNs by the state that they belong to; `document` is all that CloudWatch says of it.
    """

    name: str
    arn: str
    region: str
    state: State
    reason: str
    actions: Mapping[State, tuple[str, ...]]
    enabled: bool
    document: Mapping[str, Any]
    evaluation: Evaluation | None = None
    queries: tuple[Query, ...] = ()
    period_s: int = _PERIOD_S
    rule: str = ""


def read_alarm(document: Mapping[str, Any]) -> Alarm:
    """The alarm of a document, whose ``Region`` says where it is."""
    reason = str(document.get("StateReason", ""))
    state: State = "INSUFFICIENT_DATA" if reason == INITIAL else document["StateValue"]
    region = str(document["Region"])
    return Alarm(
        name=str(document["AlarmName"]),
        arn=str(document["AlarmArn"]),
        region=region,
        state=state,
        reason=reason,
        actions={
            "OK": tuple(document.get("OKActions") or ()),
            "ALARM": tuple(document.get("AlarmActions") or ()),
            "INSUFFICIENT_DATA": tuple(document.get("InsufficientDataActions") or ()),
        },
        enabled=document.get("ActionsEnabled", True) is True,
        document=document,
        evaluation=_evaluation(document),
        queries=_queries(document, region),
        period_s=_period_s(document),
        rule=str(document.get("AlarmRule") or ""),
    )


def _evaluation(document: Mapping[str, Any]) -> Evaluation | None:
    operator, threshold = document.get("ComparisonOperator"), document.get("Threshold")
    if operator not in OPERATORS or threshold is None or document.get("AlarmRule"):
        return None
    periods = max(1, int(document.get("EvaluationPeriods") or 1))
    missing = document.get("TreatMissingData")
    return Evaluation(
        str(operator),
        float(threshold),
        periods,
        int(document.get("DatapointsToAlarm") or periods),
        missing if missing in _MISSING else "missing",
    )


def _queries(document: Mapping[str, Any], region: str) -> tuple[Query, ...]:
    if document.get("MetricName"):
        key = _key(document, region)
        stat = str(document.get("Statistic") or document.get("ExtendedStatistic") or "Average")
        return (Query("m1", key=key, stat=stat, unit=document.get("Unit")),)
    return tuple(_query(given, region) for given in document.get("Metrics") or ())


def _query(given: Mapping[str, Any], region: str) -> Query:
    returned = given.get("ReturnData") is not False
    stat = given.get("MetricStat")
    if not stat:
        return Query(str(given["Id"]), str(given.get("Expression", "")), returned=returned)
    return Query(
        str(given["Id"]),
        key=_key(stat["Metric"], region),
        stat=str(stat.get("Stat", "Average")),
        unit=stat.get("Unit"),
        returned=returned,
    )


def _key(metric: Mapping[str, Any], region: str) -> MetricKey:
    dimensions = {str(one["Name"]): str(one["Value"]) for one in metric.get("Dimensions") or ()}
    return metric_key(region, str(metric.get("Namespace", "")), str(metric.get("MetricName", "")), dimensions)


def _period_s(document: Mapping[str, Any]) -> int:
    given = [document.get("Period")]
    for one in document.get("Metrics") or ():
        given += [one.get("Period"), (one.get("MetricStat") or {}).get("Period")]
    return max((int(period) for period in given if period), default=_PERIOD_S)


def values_of(queries: Sequence[Query], store: MetricStore, period_s: int, end_ms: int, count: int) -> Series:
    """The series of the query that is returned, the oldest value first. Raises ExpressionError."""
    known: dict[str, Series] = {}
    for query in queries:
        if query.key is not None:
            known[query.id] = store.series(
                query.key, query.stat, period_ms=1000 * period_s, end_ms=end_ms, count=count, unit=query.unit
            )
    waiting = [query for query in queries if query.key is None]
    ids = {query.id for query in queries}
    while waiting:
        ready = [query for query in waiting if set(_WORD.findall(query.expression)) & ids <= known.keys()]
        if not ready:
            raise ExpressionError(f"{waiting[0].id} cannot be computed: its expressions name each other")
        for query in ready:
            known[query.id] = evaluate(query.expression, known, count, period_s)
        waiting = [query for query in waiting if query not in ready]
    returned = [query.id for query in queries if query.returned]
    if len(returned) != 1:
        raise ExpressionError(f"one metric must return data, got {len(returned)}")
    return known[returned[0]]
