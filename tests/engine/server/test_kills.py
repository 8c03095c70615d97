"""The program that kills engines under load, in its short form."""

import pytest
from benchmarks.faults import engine_kills


@pytest.mark.parametrize("policy", ["always", "everysec", "save"])
def test_a_killed_engine_keeps_what_its_policy_promises(policy: str) -> None:
    outcome = engine_kills.run(engine_kills.own_command(), policy, kills=2, seed=7)
    assert outcome.kills == 2
    assert outcome.acknowledged > 0
    assert outcome.broken == 0
