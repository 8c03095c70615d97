"""Application Auto Scaling: follows policies when their alarms say so, and the schedules of scalable targets.

A change of one target runs beside the rounds of measuring, one at a time; while the clock is moved its end is waited for,
so that the next minute is measured with it.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.aws_api.client import AwsClient
from cachetwin_local.supervise.background import describe, first_cause
from cachetwin_local.supervise.monitoring.alarms.definition import Alarm
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.topology.scaling import (
    ScalableTarget,
    ScalingPolicy,
    ScheduledAction,
    StepScaling,
    TargetKey,
    TargetTracking,
)
from cachetwin_local.topology.values import Topology

from .arithmetic import stepped, tracked
from .capacity import Capacity, Scalables
from .cooldown import Cooldown
from .schedules import Schedules
from .tracking_alarms import is_high, is_low, tracking_alarms

__all__ = ["Scaling"]

_WAIT_S: Final = 60.0
_FAILED_S: Final = 60  # between tries, at least
_LOG: Final = "scaling"


@dataclass(slots=True)
class _State:
    """What is known of one target.

    `low` are the policies whose metric has been low, `bounds` those of a schedule. `outside` names the scheduled action
    whose bounds the capacity has still to come into. `failed_until_ms` is when a change that failed may be tried again;
    `limited` whether it was said that more were wanted than can run here.
    """

    cooldown: Cooldown = field(default_factory=Cooldown)
    changing: "asyncio.Task[None] | None" = None
    low: dict[str, int] = field(default_factory=dict)
    bounds: tuple[int | None, int | None] = (None, None)
    outside: str = ""
    failed_until_ms: int = 0
    limited: bool = False
    last: str = ""

    @property
    def under_way(self) -> "asyncio.Task[None] | None":
        """The change that has not ended."""
        return None if self.changing is None or self.changing.done() else self.changing


class Scaling:
    """The scalable targets of a run. `moving` tells whether the clock is being moved."""

    def __init__(
        self,
        run_context: RunContext,
        client: AwsClient,
        topology: Callable[[], Topology],
        scalables: Scalables,
        moving: Callable[[], bool],
    ) -> None:
        self._run_context = run_context
        self._client = client
        self._topology = topology
        self._scalables = scalables
        self._moving = moving
        self._states: dict[TargetKey, _State] = {}
        self._made: dict[str, tuple[str, Any]] = {}
        self._schedules = Schedules(run_context, self.set_bounds)

    def rows(self) -> list[dict[str, object]]:
        """The targets as `cachetwin status` shows them."""
        found = []
        for target in map(self._bounded, self._topology().scalable_targets):
            capacity = self._scalables.find(target)
            if capacity is not None:
                found.append(
                    {
                        "resource": target.resource,
                        "dimension": target.target[2],
                        "capacity": capacity.now(),
                        "min": target.min_capacity,
                        "max": target.max_capacity,
                        "policies": [
                            one.name for one in self._topology().scaling_policies if one.target == target.target
                        ],
                        "last": self._state(target).last,
                    }
                )
        return found

    def plan_schedules(self) -> None:
        """Plan the scheduled actions of the app as it is now."""
        self._schedules.become(self._topology().scalable_targets)

    async def put_alarms(self, present: Iterable[str]) -> bool:
        """Make the alarms of target tracking in CloudWatch where they are not `present`. Returns whether any was made.

        Raises CallFailed and OSError.
        """
        known, changed = set(present), False
        wanted: dict[str, tuple[str, Any]] = {}
        targets = {target.target for target in self._topology().scalable_targets}
        for policy in self._topology().scaling_policies:
            if policy.target in targets:
                for alarm in tracking_alarms(policy):
                    wanted[str(alarm["AlarmName"])] = (policy.identity.region, alarm)
        for name, (region, alarm) in wanted.items():
            if name not in known or self._made.get(name) != (region, alarm):
                await self._client.call("monitoring", "PutMetricAlarm", alarm, region=region)
                changed = True
        for name, (region, _alarm) in self._made.items():
            if name not in wanted:
                await self._client.call("monitoring", "DeleteAlarms", {"AlarmNames": [name]}, region=region)
                changed = True
        self._made = wanted
        return changed

    async def follow(self, policy_arn: str, alarm: Alarm, value: float | None) -> None:
        """Follow a policy whose alarm is in the state that it is an action of."""
        policy = next((one for one in self._topology().scaling_policies if one.identity.arn == policy_arn), None)
        target = next((t for t in self._topology().scalable_targets if policy and t.target == policy.target), None)
        if policy is None or target is None or value is None:
            return
        target = self._bounded(target)
        capacity = self._scalables.find(target)
        state = self._state(target)
        if capacity is None or state.under_way is not None:
            return
        if self._run_context.clock.now_ms() < state.failed_until_ms:
            return
        target = self._limited(target, capacity)
        wanted, cooldown_s = self._wanted(policy, target, alarm, value, capacity.now())
        if wanted is None:
            return
        reason = f"alarm {alarm.name} is in ALARM and starts policy {policy.name}"
        await self._change(target, capacity, wanted, cooldown_s, reason)

    def _wanted(
        self, policy: ScalingPolicy, target: ScalableTarget, alarm: Alarm, value: float, now: int
    ) -> tuple[int | None, int]:
        """The capacity that a policy asks for, None for no change, and the cooldown after it."""
        state, now_ms = self._state(target), self._run_context.clock.now_ms()
        base = state.cooldown.base(now, now_ms)
        rule = policy.rule
        if isinstance(rule, StepScaling):
            if alarm.evaluation is None:
                return None, 0
            wanted, cooldown_s = stepped(rule, base, value - alarm.evaluation.threshold), rule.cooldown_s
        elif is_high(alarm.name):
            state.low.pop(policy.identity.arn, None)
            wanted, cooldown_s = max(now, tracked(base, value, rule.target_value)), rule.scale_out_cooldown_s
        elif is_low(alarm.name):
            state.low[policy.identity.arn] = min(now, tracked(now, value, rule.target_value))
            together = self._all_low(target, state)
            if together is None:
                return None, 0
            wanted, cooldown_s = together, rule.scale_in_cooldown_s
        else:
            return None, 0
        wanted = min(max(wanted, target.min_capacity), target.max_capacity)
        suspended = target.scale_out_suspended if wanted > now else target.scale_in_suspended
        allowed = state.cooldown.allows(now, wanted, now_ms) and not suspended
        return (wanted if allowed else None), cooldown_s

    def _all_low(self, target: ScalableTarget, state: _State) -> int | None:
        """The capacity that every policy which may take away agrees to; None where one does not."""
        tracking = [
            one.identity.arn
            for one in self._topology().scaling_policies
            if one.target == target.target and isinstance(one.rule, TargetTracking) and not one.rule.scale_in_disabled
        ]
        return max(state.low[arn] for arn in tracking) if all(arn in state.low for arn in tracking) else None

    def forget_low(self, alarms: Iterable[Alarm]) -> None:
        """Policies whose low alarm is off agree to nothing."""
        off = {action for alarm in alarms if is_low(alarm.name) for action in alarm.actions["ALARM"]}
        for state in self._states.values():
            state.low = {arn: wanted for arn, wanted in state.low.items() if arn not in off}

    async def set_bounds(self, target: ScalableTarget, action: ScheduledAction) -> None:
        """Have the bounds of a scheduled action from now on; a capacity outside them changes once no other change runs."""
        state = self._state(target)
        least = state.bounds[0] if action.min_capacity is None else action.min_capacity
        most = state.bounds[1] if action.max_capacity is None else action.max_capacity
        state.bounds = (least, most)
        state.outside, state.failed_until_ms = f"scheduled action {action.name}", 0
        bounded = self._bounded(target)
        self._write(target, f"between {bounded.min_capacity} and {bounded.max_capacity}: {state.outside}")
        await self._start_coming_inside(target)
        await self._wait(state)

    async def keep_bounds(self) -> None:
        """Try again what scheduled actions could not change. A capacity that the user has set may be outside."""
        for target in self._topology().scalable_targets:
            await self._start_coming_inside(target)

    async def _start_coming_inside(self, target: ScalableTarget) -> None:
        state, capacity = self._state(target), self._scalables.find(target)
        if not state.outside or capacity is None or self._run_context.clock.now_ms() < state.failed_until_ms:
            return
        if state.under_way is None:  # else that goes on with it
            state.changing = asyncio.create_task(self._come_inside(target, capacity))
            await self._wait(state)

    async def stop(self) -> None:
        """End the changes that are under way."""
        self._schedules.stop()
        changing = [state.changing for state in self._states.values() if state.changing is not None]
        for task in changing:
            task.cancel()
        await asyncio.gather(*changing, return_exceptions=True)

    async def _change(
        self, target: ScalableTarget, capacity: Capacity, wanted: int, cooldown_s: int, reason: str
    ) -> None:
        """Start a change; it goes on with what a scheduled action wants meanwhile."""

        async def change() -> None:
            await self._set(target, capacity, wanted, cooldown_s, reason)
            await self._come_inside(target, capacity)

        state = self._state(target)
        state.changing = asyncio.create_task(change())
        await self._wait(state)

    async def _wait(self, state: _State) -> None:
        """Wait for a change while the clock is moved, for so long at most."""
        if self._moving() and state.under_way is not None:
            await asyncio.wait({state.under_way}, timeout=_WAIT_S)

    async def _come_inside(self, target: ScalableTarget, capacity: Capacity) -> None:
        """Change a capacity that is outside the bounds of a scheduled action; a failure leaves it to a later round."""
        state = self._state(target)
        reason, state.outside = state.outside, ""
        bounded = self._limited(self._bounded(target), capacity)
        wanted = min(max(capacity.now(), bounded.min_capacity), bounded.max_capacity)
        if reason and not await self._set(bounded, capacity, wanted, 0, reason):
            state.outside = state.outside or reason

    async def _set(self, target: ScalableTarget, capacity: Capacity, wanted: int, cooldown_s: int, reason: str) -> bool:
        """Change a capacity. Returns whether it could be changed, or is so already."""
        state, now, now_ms = self._state(target), capacity.now(), self._run_context.clock.now_ms()
        if wanted == now:
            return True
        before, state.cooldown = state.cooldown, state.cooldown.then(now, wanted, now_ms, cooldown_s)
        state.low.clear()
        self._write(target, f"from {now} to {wanted}: {reason}")
        try:
            await capacity.set(wanted)
        except Exception as error:
            self._write(target, f"to {wanted} failed: {describe(first_cause(error))}")
            state.cooldown = before
            state.failed_until_ms = self._run_context.clock.now_ms() + 1000 * max(cooldown_s, _FAILED_S)
            if not isinstance(first_cause(error), UserError | OSError):
                raise
            return False
        return True

    def _write(self, target: ScalableTarget, line: str) -> None:
        noun = target.target[2].rpartition(":")[2]
        self._state(target).last = line
        self._run_context.service_events.write("scalable-target", target.resource, f"{noun} {line}", target.resource)
        self._run_context.logs.write(_LOG, f"{target.resource}: {noun} {line}")

    def _state(self, target: ScalableTarget) -> _State:
        return self._states.setdefault(target.target, _State())

    def _bounded(self, target: ScalableTarget) -> ScalableTarget:
        """The target with the bounds of its schedule."""
        least, most = self._state(target).bounds
        least = target.min_capacity if least is None else least
        return replace(
            target, min_capacity=least, max_capacity=max(least, target.max_capacity if most is None else most)
        )

    def _limited(self, target: ScalableTarget, capacity: Capacity) -> ScalableTarget:
        """The target with bounds that can run here; says once where they are others."""
        state, most = self._state(target), capacity.most()
        if target.max_capacity > most and not state.limited:
            state.limited = True
            line = f"{target.resource}: at most {most} can run here, fewer than MaxCapacity ({target.max_capacity})"
            self._run_context.logs.write(_LOG, line)
        return replace(target, min_capacity=min(target.min_capacity, most), max_capacity=min(target.max_capacity, most))
