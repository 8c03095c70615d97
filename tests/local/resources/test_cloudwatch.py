"""Alarms as the plan has them."""

import pytest
from tests.local.resources.templates import messages, one, plan_of


@pytest.mark.parametrize(
    ("expression", "named"),
    [
        ("SEARCH('{App} Calls', 'Sum', 60)", "SEARCH"),
        ("ANOMALY_DETECTION_BAND(m1, 2)", "ANOMALY_DETECTION_BAND"),
        ("FILL(m1, LINEAR)", "FILL with LINEAR"),
        ("FILL(m1, 0) + 1", None),
    ],
)
def test_an_alarm_that_cannot_be_computed_here_is_named(expression: str, named: str | None) -> None:
    alarm = one(
        "CloudWatch::Alarm",
        ComparisonOperator="GreaterThanThreshold",
        EvaluationPeriods=1,
        Threshold=1,
        Metrics=[{"Id": "e1", "Expression": expression}],
    )
    said = [] if named is None else [f"{named} is not computed here: the alarm is not evaluated"]
    assert messages(plan_of(Alarm=alarm)) == said
