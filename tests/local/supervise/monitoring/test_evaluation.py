"""The states of alarms from series of values; the rows are those of the user guide on missing data."""

import pytest

from cachetwin_local.supervise.monitoring.alarms.evaluation import Evaluation, State, judge

X, O, N = 10.0, 1.0, None  # noqa: E741  (the guide's own letters: breaching, not breaching, no data)


def state(series: list[float | None], missing: str, before: State = "OK", *, datapoints: int = 3) -> State:
    how = Evaluation("GreaterThanThreshold", 5, 3, datapoints, missing)  # type: ignore[arg-type]
    return judge(how, series, before).state


@pytest.mark.parametrize(
    ("series", "missing", "ignore", "breaching", "not_breaching"),
    [
        ([O, N, X, N, X], "OK", "OK", "OK", "OK"),
        ([O, N, N, N, N], "OK", "OK", "OK", "OK"),
        ([N, N, N, N, N], "INSUFFICIENT_DATA", "ALARM", "ALARM", "OK"),
        ([O, X, X, N, X], "ALARM", "ALARM", "ALARM", "ALARM"),
        ([N, N, X, N, N], "ALARM", "ALARM", "ALARM", "OK"),
    ],
)
def test_missing_data_count_as_the_user_guide_says(
    series: list[float | None], missing: str, ignore: str, breaching: str, not_breaching: str
) -> None:
    before: State = "ALARM" if ignore == "ALARM" else "OK"
    found = [state(series, how, before) for how in ("missing", "ignore", "breaching", "notBreaching")]
    assert found == [missing, ignore, breaching, not_breaching]


@pytest.mark.parametrize(
    ("series", "wanted"),
    [([O, O, X, O, X], "ALARM"), ([X, X, O, O, O], "OK"), ([N, N, N, N, X], "OK"), ([N, N, N, X, X], "ALARM")],
)
def test_some_datapoints_of_several_periods_are_enough(series: list[float | None], wanted: str) -> None:
    assert state(series, "missing", datapoints=2) == wanted


@pytest.mark.parametrize(
    ("operator", "value", "wanted"),
    [
        ("GreaterThanThreshold", 5, "OK"),
        ("GreaterThanOrEqualToThreshold", 5, "ALARM"),
        ("LessThanThreshold", 5, "OK"),
        ("LessThanOrEqualToThreshold", 5, "ALARM"),
        ("LessThanThreshold", 4.9, "ALARM"),
    ],
)
def test_a_comparison_is_with_the_threshold(operator: str, value: float, wanted: str) -> None:
    judgement = judge(Evaluation(operator, 5, 1, 1), [None, None, value], "INSUFFICIENT_DATA")
    assert (judgement.state, judgement.value) == (wanted, value)


def test_a_reason_names_the_values_as_cloudwatch_does() -> None:
    judgement = judge(Evaluation("GreaterThanThreshold", 5, 2, 1), [1, 1, 3, 7], "OK")
    assert judgement.reason == (
        "Threshold Crossed: 1 out of the last 2 datapoints [7, 3] was greater than the threshold (5) (minimum 1 "
        "datapoint for OK -> ALARM transition)."
    )
    nothing = judge(Evaluation("GreaterThanThreshold", 5, 2, 1), [None] * 4, "OK")
    assert nothing.reason == "Insufficient Data: 2 datapoints were unknown."
