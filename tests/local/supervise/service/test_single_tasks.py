"""Tasks of a definition that no service runs: what a request may say, how they end, and what a stop does to them."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.local.supervise.tiny_app import topology

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.supervise.service.operations import ServiceOperations
from cachetwin_local.supervise.service.service import ServiceActor
from cachetwin_local.supervise.service.single_task import read_overrides
from cachetwin_local.supervise.service.virtual_environment import VirtualEnvironments
from cachetwin_local.topology.values import Container, ContainerImage

DEADLINE_S = 30
ARN = "arn:aws:ecs:us-east-1:123456789012:task-definition/job:1"


@pytest.fixture
def container(address: str, tmp_path: Path) -> Container:
    image = ContainerImage("job", str(tmp_path), in_place=True)
    base = topology(address, 8080).services[0].containers[0]
    code = "import time; time.sleep(999)"
    words = (sys.executable, "-c", code)
    return replace(base, image=image, command=words, environment={}, port_mappings=(), stop_timeout_s=5)


@pytest.fixture
def job(run_context: RunContext, address: str, container: Container) -> Callable[[], ServiceActor]:
    app = topology(address, 8080)
    definition = replace(app.services[0], on_demand=True, task_definition=ARN, tasks=(), containers=(container,))
    app = replace(app, services=(definition,), target_groups=())
    return lambda: ServiceActor(run_context, definition, app, VirtualEnvironments(run_context))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (["x"], "containerOverrides must be a list of objects"),
        ({"name": "web"}, "containerOverrides must be a list of objects"),
        ([{"name": "other"}], "must name a container of the task"),
        ([{"name": "web", "environment": [{"value": "x"}]}], "must have a name for each value"),
        ([{"name": "web", "environment": {"A": "b"}}], "must be a list of objects"),
        ([{"name": "web", "command": "echo"}], "must be a list of words, got 'echo'"),
    ],
)
def test_overrides_of_another_shape_are_refused(container: Container, given: object, reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        read_overrides({"containerOverrides": given}, (container,))


def test_a_task_runs_until_it_is_killed_and_its_code_is_a_container_s(
    run_context: RunContext, job: Callable[[], ServiceActor]
) -> None:
    async def main() -> None:
        actor = job()
        with pytest.raises(UserError, match="does not run"):
            actor.run_tasks({})
        await actor.start()
        try:
            for count in (0, 11, "abc", [1]):
                with pytest.raises(UserError, match="count must be a whole number from 1 to 10"):
                    actor.run_tasks({"count": count})
            actor.run_tasks({"count": 1})
            await until(lambda: bool(run_context.children))
            (child,) = run_context.children.values()
            os.kill(child.pid, signal.SIGKILL)
            await until(lambda: not actor.single_tasks.running)
            (ended,) = actor.single_tasks.documents()
            assert (ended["lastStatus"], ended["containers"][0]["exitCode"]) == ("STOPPED", 137)
        finally:
            await actor.stop()
        with pytest.raises(UserError, match="does not run"):
            actor.run_tasks({})

    asyncio.run(main())


def test_a_stop_does_not_wait_for_what_a_task_is_prepared_with(
    job: Callable[[], ServiceActor], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def for_ever(_actor: ServiceActor, _index: int) -> None:
        await asyncio.Event().wait()

    async def main() -> None:
        actor = job()
        await actor.start()
        actor.run_tasks({})
        await asyncio.sleep(0)
        async with asyncio.timeout(DEADLINE_S):
            await actor.stop()
        (ended,) = actor.single_tasks.documents()
        assert (ended["lastStatus"], ended["stoppedReason"]) == ("STOPPED", "the app is stopped")

    monkeypatch.setattr(ServiceActor, "_prepare_one", for_ever)
    asyncio.run(main())


def test_a_definition_is_found_by_what_names_it_and_has_no_number_of_tasks(job: Callable[[], ServiceActor]) -> None:
    async def main() -> None:
        actor = job()
        await actor.start()
        operations = ServiceOperations(lambda: [actor])

        async def answer(**request: object) -> dict[str, Any]:
            return await operations.perform({"op": "run-task", **request})

        try:
            for known in (ARN, ARN.rpartition(":")[0], "job:1", "job"):
                assert "tasks" in await answer(taskDefinition=known)
            for unknown in ("job:77", "arn:aws:ecs:eu-west-9:1:task-definition/job:1", ""):
                assert "no task definition" in (await answer(taskDefinition=unknown))["error"]
            for request in ({"op": "restart"}, {"op": "shell"}, {"op": "scale-service", "count": 2}):
                found = await operations.perform({**request, "service": actor.name})
                assert "is a task definition without a service" in str(found["error"])
        finally:
            await actor.stop()

    asyncio.run(main())


def test_a_command_of_an_override_is_looked_up_for_a_process_of_the_user_s_own(
    run_context: RunContext, job: Callable[[], ServiceActor]
) -> None:
    async def main() -> None:
        actor = job()
        await actor.start()
        try:
            for command in (["echo", "found"], ["no-such-program"]):
                overrides = {"containerOverrides": [{"name": "web", "command": command}]}
                actor.run_tasks({"overrides": overrides})
            await until(lambda: not actor.single_tasks.running)
            lines = [one.line for one in run_context.logs.recent(frozenset(), 99)]
            assert "found" in lines
            assert any("runs `no-such-program`, which this machine lacks" in line for line in lines)
        finally:
            await actor.stop()

    asyncio.run(main())
