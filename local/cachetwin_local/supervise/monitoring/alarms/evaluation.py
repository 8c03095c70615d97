"""The state of an alarm from the last values of its metric. Pure.

CloudWatch looks at more periods than the alarm names, so that late data count; where enough periods have data, the last
of these decide. Source: CloudWatch user guide, "Configuring how CloudWatch alarms treat missing data".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["OPERATORS", "Evaluation", "Judgement", "State", "breaches", "judge"]

State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]
Missing = Literal["missing", "ignore", "breaching", "notBreaching"]
OPERATORS: Final = {
    "GreaterThanOrEqualToThreshold": "greater than or equal to",
    "GreaterThanThreshold": "greater than",
    "LessThanOrEqualToThreshold": "less than or equal to",
    "LessThanThreshold": "less than",
}
MORE_PERIODS: Final = 2
"""How many periods before those of the alarm are looked at."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How an alarm judges: `datapoints` of the last `periods` must breach."""

    operator: str
    threshold: float
    periods: int
    datapoints: int
    missing: Missing = "missing"

    @property
    def looked_at(self) -> int:
        """How many periods a judgement needs."""
        return self.periods + MORE_PERIODS


@dataclass(frozen=True, slots=True)
class Judgement:
    """A state, the reason in CloudWatch's manner, and the last value."""

    state: State
    reason: str
    value: float | None


def breaches(operator: str, value: float, threshold: float) -> bool:
    """Whether a value is beyond the threshold."""
    match operator:
        case "GreaterThanOrEqualToThreshold":
            return value >= threshold
        case "GreaterThanThreshold":
            return value > threshold
        case "LessThanOrEqualToThreshold":
            return value <= threshold
        case "LessThanThreshold":
            return value < threshold
    raise ValueError(f"comparison operator must be one of {', '.join(OPERATORS)}, got {operator}")


def judge(how: Evaluation, series: Sequence[float | None], before: State) -> Judgement:
    """The state after `series`, the oldest value first, where it was `before`."""
    points = [None if one is None else breaches(how.operator, one, how.threshold) for one in series]
    known = [one for one in points if one is not None]
    values = [one for one in series if one is not None]
    last = values[-1] if values else None
    if not known:
        return Judgement(_without_data(how, before), _no_data(how), None)
    if len(known) >= how.periods:
        state: State = "ALARM" if sum(known[-how.periods :]) >= how.datapoints else "OK"
    else:
        state = _with_gaps(how, points, known, before)
    return Judgement(state, _reason(how, values, state), last)


def _without_data(how: Evaluation, before: State) -> State:
    return {"missing": "INSUFFICIENT_DATA", "ignore": before, "breaching": "ALARM", "notBreaching": "OK"}[how.missing]


def _with_gaps(how: Evaluation, points: Sequence[bool | None], known: Sequence[bool], before: State) -> State:
    """The state where fewer periods than the alarm names have data."""
    breaching, absent = sum(known), how.periods - len(known)
    if breaching >= how.datapoints:
        return "ALARM"
    if how.missing == "breaching":
        return "ALARM" if breaching + absent >= how.datapoints else "OK"
    if how.missing == "notBreaching" or not all(known):
        surely = len(known) - breaching > how.periods - how.datapoints
        return before if how.missing == "ignore" and not surely else "OK"
    if how.missing == "ignore":
        return before
    age = len(points) - next(index for index, one in enumerate(points) if one)  # periods since the first that breaches
    return "ALARM" if age >= how.datapoints else before


def _reason(how: Evaluation, values: Sequence[float], state: State) -> str:
    shown = list(values[-how.periods :])
    count = sum(breaches(how.operator, one, how.threshold) for one in shown)
    relation = OPERATORS[how.operator]
    listed = ", ".join(f"{one:g}" for one in reversed(shown))
    if state == "ALARM":
        return (
            f"Threshold Crossed: {count} out of the last {how.periods} datapoints [{listed}] was {relation} the "
            f"threshold ({how.threshold:g}) (minimum {how.datapoints} datapoint{'s' if how.datapoints > 1 else ''} for "
            "OK -> ALARM transition)."
        )
    left = len(shown) - count
    return (
        f"Threshold Crossed: {left} out of the last {how.periods} datapoints [{listed}] was not {relation} the "
        f"threshold ({how.threshold:g})."
    )


def _no_data(how: Evaluation) -> str:
    if how.missing == "missing":
        return f"Insufficient Data: {how.periods} datapoints were unknown."
    treated = {"breaching": "[Breaching]", "notBreaching": "[NonBreaching]", "ignore": "[Ignore]"}[how.missing]
    return (
        f"Threshold Crossed: no datapoints were received for {how.periods} periods and {how.periods} missing datapoints "
        f"were treated as {treated}."
    )
