"""Scheduled actions on the twin's clock."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from cachetwin_local.supervise.project.clock import Clock
from cachetwin_local.supervise.project.local_ca import LocalCA
from cachetwin_local.supervise.project.logs import Logs
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.supervise.project.secret_store import SecretStore
from cachetwin_local.supervise.scaling.schedules import Schedules
from cachetwin_local.topology.scaling import ScalableTarget, ScheduledAction
from cachetwin_local.topology.values import Identity

NOON_MS = 1_800_014_400_000  # 2027-01-15T12:00:00Z
HOUR_MS = 3_600_000
TARGET = ("ecs", "service/a/b", "ecs:service:DesiredCount")


def target(*actions: ScheduledAction, suspended: bool = False) -> ScalableTarget:
    identity = Identity("App", "Target", "AWS::ApplicationAutoScaling::ScalableTarget", "Target", "t", "")
    return ScalableTarget(identity, TARGET, "App/Service", 1, 5, actions, schedules_suspended=suspended)


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
