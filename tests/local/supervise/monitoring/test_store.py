"""Statistics over periods, of what was measured and of what lines of logs hold."""

import json
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from moto.cloudwatch.models import CloudWatchBackend

from cachetwin_local.supervise.aws_api.measurements import Measurements
from cachetwin_local.supervise.monitoring.metrics.datum import Datum, Values, metric_key
from cachetwin_local.supervise.monitoring.metrics.embedded import embedded_data
from cachetwin_local.supervise.monitoring.metrics.store import MetricStore

KEY = metric_key("us-east-1", "App", "Backlog", {"Queue": "orders"})


def store_of(*values: tuple[int, Values]) -> MetricStore:
    store = MetricStore()
    for time_ms, one in values:
        store.put(Datum(KEY, time_ms, one, "Count"))
    return store


@pytest.mark.parametrize(
    ("stat", "wanted"),
    [
        ("Sum", 15),
        ("Average", 5),
        ("Minimum", 1),
        ("Maximum", 9),
        ("SampleCount", 3),
        ("p50", 5),
        ("p99", 9),
        ("tm90", None),
    ],
)
def test_a_statistic_is_over_all_values_of_its_period(stat: str, wanted: float | None) -> None:
    store = store_of((60_000, Values.of(9, 1)), (119_999, Values.of(5)), (120_000, Values.of(100)))
    assert store.series(KEY, stat, period_ms=60_000, end_ms=120_000, count=2) == [None, wanted]


def test_late_measurements_count_where_they_belong_and_old_ones_are_forgotten() -> None:
    store = store_of((120_000, Values.of(2)), (60_000, Values.of(1)))
    assert store.series(KEY, "Sum", period_ms=60_000, end_ms=180_000, count=3) == [None, 1, 2]
    assert store.series(KEY, "Sum", period_ms=60_000, end_ms=180_000, count=1, unit="Bytes") == [None]
    store.prune(24 * 3_600_000 + 90_000)
    assert store.series(KEY, "Sum", period_ms=60_000, end_ms=180_000, count=3) == [None, None, 2]


def test_a_statistic_set_has_no_percentile_unless_all_its_values_are_one() -> None:
    store = store_of((0, Values(10, 50, 5, 5)))
    assert store.series(KEY, "p90", period_ms=60_000, end_ms=60_000, count=1) == [5]
    store.put(Datum(KEY, 1, Values(2, 9, 1, 8), "Count"))
    assert store.series(KEY, "p90", period_ms=60_000, end_ms=60_000, count=1) == [None]


def test_a_line_of_a_log_holds_metrics() -> None:
    directive = {
        "Namespace": "App",
        "Dimensions": [["Queue"], []],
        "Metrics": [{"Name": "Backlog", "Unit": "Count"}, {"Name": "Absent"}],
    }
    line = json.dumps(
        {"_aws": {"Timestamp": 1000, "CloudWatchMetrics": [directive]}, "Queue": "orders", "Backlog": [3, 4]}
    )
    found = embedded_data(f"2026-11-29 INFO {line}", "us-east-1", 500)
    assert found == [
        Datum(KEY, 1500, Values.of(3, 4), "Count"),
        Datum(metric_key("us-east-1", "App", "Backlog", {}), 1500, Values.of(3, 4), "Count"),
    ]
    assert embedded_data('{"CloudWatchMetrics": 1}', "us-east-1", 0) == []


def test_what_apps_put_during_an_exchange_is_in_the_next_one() -> None:
    backend = CloudWatchBackend("us-east-1", "1")
    moto: Any = SimpleNamespace(backend=lambda *_: backend, every_backend=lambda name, _: [backend] * (name != "sqs"))
    measurements, count = Measurements(moto, "1"), 3000

    def put() -> None:
        for number in range(count):
            datum = {"MetricName": "Calls", "Value": number, "Dimensions": [], "Unit": "Count"}
            backend.put_metric_data("App", [datum])

    app = threading.Thread(target=put)
    own = ["us-east-1", "AWS/ElastiCache", "CurrItems", [["CacheClusterId", "c"]], 1.7e9, 1, 1, 1, 1, "Count"]
    body = json.dumps({"put": [own] * 50}).encode()
    app.start()
    rows = []
    while app.is_alive():
        rows += json.loads(measurements.exchange(body))["data"]
    rows += json.loads(measurements.exchange(b""))["data"]
    assert [row[6] for row in rows] == list(range(count))
    assert {row[1] for row in rows} == {"App"}
