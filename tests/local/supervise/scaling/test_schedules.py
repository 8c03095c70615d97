"""Scheduled actions on the twin's clock, and how they and policies change a capacity."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.monitoring.alarms.definition import read_alarm
from cachetwin_local.supervise.project.clock import Clock
from cachetwin_local.supervise.project.local_ca import LocalCA
from cachetwin_local.supervise.project.logs import Logs
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.supervise.project.secret_store import SecretStore
from cachetwin_local.supervise.scaling.scaling import Scaling
from cachetwin_local.supervise.scaling.schedules import Schedules
from cachetwin_local.topology.scaling import ScalableTarget, ScalingPolicy, ScheduledAction, TargetTracking
from cachetwin_local.topology.values import Identity

NOON_MS = 1_800_014_400_000  # 2027-01-15T12:00:00Z
HOUR_MS = 3_600_000
TARGET = ("ecs", "service/a/b", "ecs:service:DesiredCount")


def identity(name: str) -> Identity:
    return Identity("App", name, f"AWS::ApplicationAutoScaling::{name}", name, name, f"arn:{name}")


def target(*actions: ScheduledAction, most: int = 5, suspended: bool = False) -> ScalableTarget:
    return ScalableTarget(
        identity("ScalableTarget"), TARGET, "App/Service", 1, most, actions, schedules_suspended=suspended
    )


class Tasks:
    """A capacity of at most 50; while `free` is not set a change waits, and while `broken` it fails."""

    def __init__(self, count: int) -> None:
        self.count, self.asked, self.broken = count, list[int](), False
        self.free = asyncio.Event()
        self.free.set()

    def now(self) -> int:
        return self.count

    def most(self) -> int:
        return 50

    async def set(self, count: int) -> None:
        self.asked.append(count)
        await self.free.wait()
        if self.broken:
            raise UserError("no room")
        self.count = count


class Scaled:
    """A target of `most` tasks with a policy that keeps a metric at 50; each change is waited for, as in a move."""

    def __init__(self, run_context: RunContext, tasks: Tasks, most: int) -> None:
        self.target = target(most=most)
        self.moving = True
        policy = ScalingPolicy(identity("ScalingPolicy"), "p", TARGET, TargetTracking(50, (), 300, 120))
        topology: Any = SimpleNamespace(scalable_targets=[self.target], scaling_policies=[policy])
        scalables: Any = SimpleNamespace(find=lambda _target: tasks)
        client: Any = None  # which makes alarms
        self.scaling = Scaling(run_context, client, lambda: topology, scalables, lambda: self.moving)
        names = {"AlarmName": "TargetTracking-service/a/b-AlarmHigh-p", "AlarmArn": "arn:alarm", "Region": "us-east-1"}
        self.alarm = read_alarm(names | {"StateValue": "ALARM"})

    async def measure(self, value: float) -> None:
        await self.scaling.follow("arn:ScalingPolicy", self.alarm, value)


@pytest.fixture
def run_context(tmp_path: Path) -> Iterator[RunContext]:
    logs = Logs(tmp_path / "logs")
    secrets, local_ca = SecretStore(tmp_path / "secrets.json"), LocalCA(tmp_path / "ca", "test")
    yield RunContext(tmp_path, tmp_path, secrets, local_ca, logs, lambda _event: None, clock=Clock(lambda: NOON_MS))
    logs.close()


def done(run_context: RunContext, hours: int, *targets: ScalableTarget) -> list[tuple[str, str]]:
    """The actions that are done, with the hour, while the clock moves on."""
    found: list[tuple[str, str]] = []

    async def note(_target: ScalableTarget, action: ScheduledAction) -> None:
        found.append((action.name, run_context.clock.now().strftime("%d %H:%M")))

    async def scenario() -> None:
        schedules = Schedules(run_context, note)
        for one in targets:
            schedules.become([one])
        await run_context.clock.advance(hours * HOUR_MS)

    asyncio.run(scenario())
    return found


def test_an_action_is_done_at_each_of_its_times(run_context: RunContext) -> None:
    morning = ScheduledAction("morning", "cron(0 8 * * ? *)", "Europe/Vienna", min_capacity=3)
    once = ScheduledAction("once", "at(2027-01-15T18:30:00)", max_capacity=2)
    assert done(run_context, 48, target(morning, once)) == [
        ("once", "15 18:30"),
        ("morning", "16 07:00"),
        ("morning", "17 07:00"),
    ]


def test_an_action_holds_between_its_start_and_its_end(run_context: RunContext) -> None:
    hourly = ScheduledAction("hourly", "cron(0 * * * ? *)", "UTC", "2027-01-15T14:30:00Z", "2027-01-15T16:00:00Z")
    assert done(run_context, 8, target(hourly)) == [("hourly", "15 15:00"), ("hourly", "15 16:00")]


def test_an_action_that_is_gone_or_suspended_is_not_done(run_context: RunContext) -> None:
    hourly = ScheduledAction("hourly", "cron(0 * * * ? *)")
    assert done(run_context, 3, target(hourly, suspended=True)) == []
    assert done(run_context, 3, target(hourly), target()) == []


def test_an_expression_that_is_wrong_is_said(run_context: RunContext) -> None:
    assert done(run_context, 3, target(ScheduledAction("never", "cron(0 8)"))) == []
    assert "scheduled action never is not done: cron must have six fields" in run_context.logs.tail("scaling")[0]


def test_a_policy_asks_for_no_more_than_can_run_here(run_context: RunContext) -> None:
    async def scenario() -> Tasks:
        tasks = Tasks(20)
        scaled = Scaled(run_context, tasks, 100)
        for _ in range(3):
            await scaled.measure(150)
        return tasks

    assert asyncio.run(scenario()).asked == [50]
    lines = run_context.logs.tail("scaling")
    assert sum("at most 50 can run here, fewer than MaxCapacity (100)" in line for line in lines) == 1


def test_a_change_that_failed_is_tried_again_after_its_cooldown(run_context: RunContext) -> None:
    async def scenario() -> Tasks:
        tasks = Tasks(2)
        tasks.broken = True
        scaled = Scaled(run_context, tasks, 10)
        for _ in range(3):
            await scaled.measure(100)
        assert tasks.asked == [4]
        tasks.broken = False
        await run_context.clock.advance(120_000)
        await scaled.measure(150)
        return tasks

    assert asyncio.run(scenario()).asked == [4, 6]


def test_a_scheduled_action_waits_for_a_change_that_is_under_way(run_context: RunContext) -> None:
    async def scenario() -> Tasks:
        tasks = Tasks(2)
        tasks.free.clear()
        scaled = Scaled(run_context, tasks, 10)
        scaled.moving = False
        await scaled.measure(75)
        await scaled.scaling.set_bounds(scaled.target, ScheduledAction("morning", "rate(1 day)", min_capacity=6))
        await scaled.scaling.keep_bounds()
        await asyncio.sleep(0)
        assert tasks.asked == [3]
        tasks.free.set()
        async with asyncio.timeout(10):
            while tasks.count != 6:
                await asyncio.sleep(0.01)
        return tasks

    assert asyncio.run(scenario()).asked == [3, 6]


def test_the_bounds_of_a_scheduled_action_are_tried_again(run_context: RunContext) -> None:
    async def scenario() -> Tasks:
        tasks = Tasks(2)
        tasks.broken = True
        scaled = Scaled(run_context, tasks, 10)
        await scaled.scaling.set_bounds(scaled.target, ScheduledAction("morning", "rate(1 day)", min_capacity=6))
        await scaled.scaling.keep_bounds()
        assert tasks.asked == [6]
        tasks.broken = False
        await run_context.clock.advance(60_000)
        await scaled.scaling.keep_bounds()
        assert tasks.count == 6
        tasks.count = 1  # by its user
        await scaled.scaling.keep_bounds()
        return tasks

    assert asyncio.run(scenario()).asked == [6, 6]
