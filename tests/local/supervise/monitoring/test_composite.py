"""The rules of composite alarms."""

import pytest

from cachetwin_local.supervise.monitoring.alarms.composite import RuleError, alarms_of, holds
from cachetwin_local.supervise.monitoring.alarms.evaluation import State

STATES: dict[str, State] = {
    "hot": "ALARM",
    "slow": "OK",
    "arn:aws:cloudwatch:us-east-1:1:alarm:new": "INSUFFICIENT_DATA",
}


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        ('ALARM("hot")', True),
        ("ALARM(hot) AND NOT OK(slow)", False),
        ('(ALARM("slow") OR (NOT (OK("hot"))))', True),
        ("OK(slow) AND (ALARM(slow) OR ALARM(hot))", True),
        ('INSUFFICIENT_DATA("arn:aws:cloudwatch:us-east-1:1:alarm:new")', True),
        ("TRUE AND NOT FALSE", True),
        ("ALARM(slow) OR ALARM(slow) AND TRUE", False),
    ],
)
def test_a_rule_holds_by_the_states_of_its_alarms(rule: str, *, wanted: bool) -> None:
    assert holds(rule, STATES.__getitem__) is wanted


def test_the_alarms_of_a_rule_are_those_it_names() -> None:
    assert alarms_of('ALARM("a b") OR (OK(c) AND NOT ALARM("a b"))') == ["a b", "c"]


@pytest.mark.parametrize("rule", ["", "ALARM", "ALARM(hot", "HOT(hot)", "ALARM(hot) ALARM(slow)", "(ALARM(hot)"])
def test_a_rule_that_cannot_be_read_is_refused(rule: str) -> None:
    with pytest.raises(RuleError):
        holds(rule, STATES.__getitem__)
