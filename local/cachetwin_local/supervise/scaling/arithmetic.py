"""How many there should be: the arithmetic of scaling policies. Pure.

Source: Application Auto Scaling user guide, "How target tracking scaling works" and "How step scaling works".
"""

import math
from collections.abc import Sequence

from cachetwin_local.topology.scaling import StepAdjustment, StepScaling

__all__ = ["step_adjustment", "stepped", "tracked"]


def tracked(capacity: int, value: float, target: float) -> int:
    """The capacity at which a metric of `value` would be near `target`, as it falls where there are more."""
    if capacity <= 0:  # from nothing, one is a beginning
        return 1 if value > target else 0
    return math.ceil(round(capacity * value / target, 9))


def step_adjustment(steps: Sequence[StepAdjustment], distance: float) -> int | None:
    """The adjustment for a metric that is this far above the threshold (below it: negative); None where no step is."""
    for step in steps:
        lower = -math.inf if step.lower is None else step.lower
        upper = math.inf if step.upper is None else step.upper
        inside = lower <= distance < upper if distance >= 0 else lower < distance <= upper
        if inside or (distance == 0 and distance in {lower, upper}):
            return step.adjustment
    return None


def stepped(rule: StepScaling, capacity: int, distance: float) -> int:
    """The capacity after the step for this distance."""
    amount = step_adjustment(rule.steps, distance)
    if amount is None:
        return capacity
    if rule.adjustment_type == "ExactCapacity":
        return amount
    if rule.adjustment_type == "ChangeInCapacity":
        return capacity + amount
    share = capacity * amount / 100
    change = math.trunc(share) if abs(share) >= 1 else int(math.copysign(1, share)) if share else 0
    if change and abs(change) < rule.magnitude_min:
        change = int(math.copysign(rule.magnitude_min, change))
    return capacity + change
