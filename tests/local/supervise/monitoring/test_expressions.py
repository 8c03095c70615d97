"""Metric math over series of equal length."""

import pytest

from cachetwin_local.supervise.monitoring.metrics.expressions import (
    ExpressionError,
    Series,
    evaluate,
    unknown_functions,
)

KNOWN: dict[str, Series] = {"a": [1.0, 2.0, None], "b": [2.0, 0.0, 4.0]}


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("a / b * 100", [50, None, None]),
        ("a + b", [3, 2, None]),
        ("2 + 3 * 4 ^ 2 - 1", [49, 49, 49]),
        ("-(a - b)", [1, -2, None]),
        ("FILL(a, 0) + 1", [2, 3, 1]),
        ("FILL(a, REPEAT)", [1, 2, 2]),
        ("SUM(METRICS())", [3, 2, 4]),
        ("AVG([a, b])", [1.5, 1, 4]),
        ("MAX(b)", [4, 4, 4]),
        ("IF(b > 1, b, 0)", [2, 0, 4]),
        ("IF(b >= 2 AND a == 1, 7, a)", [7, 2, None]),
        ("CEIL(a / 3)", [1, 1, None]),
        ("RATE(b) * PERIOD(b)", [None, -2, 4]),
        ("RUNNING_SUM(b)", [2, 2, 6]),
    ],
)
def test_an_expression_gives_a_value_for_each_period(expression: str, wanted: Series) -> None:
    assert evaluate(expression, KNOWN, 3, 60) == wanted


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("c + 1", "c is no id of a metric"),
        ("a +", "a value is missing"),
        ("ANOMALY_DETECTION_BAND(a, 2)", "ANOMALY_DETECTION_BAND is not here"),
        ("a ; b", "is not metric math"),
        ("METRICS()", "must give one series"),
        ("(" * 100 + "a", "too deep"),
        ("a b", "b is one too many"),
    ],
)
def test_an_expression_that_cannot_be_computed_says_why(expression: str, said: str) -> None:
    with pytest.raises(ExpressionError, match=said):
        evaluate(expression, KNOWN, 3, 60)


def test_functions_that_are_not_here_are_named() -> None:
    assert unknown_functions("SUM(SEARCH('{AWS/ECS} MIN(x)', 'Sum')) + ABS(a)") == ["SEARCH"]
