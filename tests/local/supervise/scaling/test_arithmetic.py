"""How many tasks or nodes there should be, and when a change may happen."""

import pytest

from cachetwin_local.supervise.scaling.arithmetic import stepped, tracked
from cachetwin_local.supervise.scaling.cooldown import Cooldown
from cachetwin_local.topology.scaling import StepAdjustment, StepScaling

STEPS = (StepAdjustment(0, 15, 1), StepAdjustment(15, None, 3))
DOWN = (StepAdjustment(None, 0, -1),)


@pytest.mark.parametrize(
    ("capacity", "value", "target", "wanted"),
    [
        (2, 250, 100, 5),
        (2, 100, 100, 2),
        (4, 30, 100, 2),
        (4, 1, 100, 1),
        (3, 0, 100, 0),
        (0, 5, 1, 1),
        (10, 50.0001, 50, 11),
    ],
)
def test_target_tracking_rounds_up(capacity: int, value: float, target: float, wanted: int) -> None:
    assert tracked(capacity, value, target) == wanted


@pytest.mark.parametrize(
    ("steps", "distance", "wanted"),
    [(STEPS, 0, 5), (STEPS, 14.9, 5), (STEPS, 15, 7), (STEPS, -1, 4), (DOWN, -5, 3), (DOWN, 0, 3)],
)
def test_a_step_is_chosen_by_the_distance_from_the_threshold(
    steps: tuple[StepAdjustment, ...], distance: float, wanted: int
) -> None:
    assert stepped(StepScaling("ChangeInCapacity", steps, 60), 4, distance) == wanted


@pytest.mark.parametrize(("amount", "wanted"), [(10, 6), (100, 8), (-10, 2), (-1, 2), (30, 6)])
def test_a_share_changes_at_least_by_the_least_magnitude(amount: int, wanted: int) -> None:
    rule = StepScaling("PercentChangeInCapacity", (StepAdjustment(None, None, amount),), 60, 2)
    assert stepped(rule, 4, 1) == wanted


def test_an_exact_capacity_is_taken_as_it_is() -> None:
    assert stepped(StepScaling("ExactCapacity", (StepAdjustment(0, None, 9),), 60), 4, 1) == 9


def test_a_scale_out_during_a_cooldown_counts_what_was_added() -> None:
    cooldown = Cooldown().then(2, 4, 0, 60)
    assert (cooldown.base(4, 30_000), cooldown.base(4, 60_000)) == (2, 4)
    assert cooldown.allows(4, 5, 30_000)
    further = cooldown.then(4, 5, 30_000, 60)
    assert (further.base(5, 60_000), further.base(5, 90_000)) == (2, 5)


def test_a_scale_in_waits_for_the_end_of_a_cooldown() -> None:
    cooldown = Cooldown().then(4, 3, 0, 300)
    assert not cooldown.allows(3, 2, 299_999)
    assert cooldown.allows(3, 2, 300_000)
    assert cooldown.allows(3, 4, 1)
    assert not cooldown.allows(3, 3, 300_000)
