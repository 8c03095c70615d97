"""Metrics in lines of logs: CloudWatch's embedded metric format. Pure.

Source: CloudWatch user guide, "Specification: Embedded metric format".
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from .datum import Datum, Values, metric_key

__all__ = ["embedded_data"]

_MARK: Final = '"CloudWatchMetrics"'


def embedded_data(line: str, region: str, ahead_ms: int) -> list[Datum]:
    """The measurements in a line; none in one of another form. `ahead_ms` is how far the twin's clock is ahead."""
    start = line.find("{")
    if _MARK not in line or start < 0:
        return []
    try:
        document = json.loads(line[start:])
        return list(_data(document, region, ahead_ms))
    except (ValueError, TypeError, KeyError, AttributeError):
        return []  # as the service has no metric of it


def _data(document: Mapping[str, Any], region: str, ahead_ms: int) -> Iterator[Datum]:
    about = document["_aws"]
    for directive in about["CloudWatchMetrics"]:
        for names in directive["Dimensions"]:
            dimensions = {name: str(document[name]) for name in names}
            for metric in directive["Metrics"]:
                given = document.get(metric["Name"])
                values = given if isinstance(given, list) else [given]
                numbers = [float(one) for one in values if isinstance(one, int | float)]
                if numbers:
                    key = metric_key(region, directive["Namespace"], metric["Name"], dimensions)
                    unit = str(metric.get("Unit", "None"))
                    yield Datum(key, int(about["Timestamp"]) + ahead_ms, Values.of(*numbers), unit)
