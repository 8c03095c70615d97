"""A task that runs to its end, as RunTask starts it: nothing replaces it, and how it ended is kept for a while."""

import asyncio
import uuid
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.supervise.service.container_run import ContainerRun, TaskSettings
from cachetwin_local.supervise.service.task import Task
from cachetwin_local.topology.values import Container

__all__ = ["Overrides", "SingleTask", "read_overrides"]


@dataclass(frozen=True, slots=True)
class Overrides:
    """What a call says of one container in the place of its task definition. `command` is None where it says nothing."""

    command: tuple[str, ...] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)

    def of(self, container: Container) -> Container:
        """The container with them."""
        changed = replace(container, environment={**container.environment, **self.environment})
        return changed if self.command is None else replace(changed, command=self.command)


def read_overrides(document: object, containers: tuple[Container, ...]) -> dict[str, Overrides]:
    """The overrides by the container's name, from RunTask's JSON. Raises UserError."""
    given = document.get("containerOverrides") if isinstance(document, dict) else None
    known, found = {one.name for one in containers}, {}
    for one in _objects(given, "containerOverrides"):
        name, command = str(one.get("name", "")), one.get("command") or None
        if name not in known:
            raise UserError(f"an override must name a container of the task ({', '.join(sorted(known))}), got {name}")
        variables = _objects(one.get("environment"), "environment of an override")
        if any("name" not in each for each in variables):
            raise UserError("environment of an override must have a name for each value")
        if not isinstance(command, list | None):
            raise UserError(f"command of an override must be a list of words, got {command!r}")
        environment = {str(each["name"]): str(each.get("value", "")) for each in variables}
        found[name] = Overrides(None if command is None else tuple(map(str, command)), environment)
    return found


def _objects(given: object, name: str) -> list[dict[str, Any]]:
    """A list of JSON's objects that may be left out. Raises UserError for anything else."""
    if given is None:
        return []
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise UserError(f"{name} must be a list of objects, got {given!r}")
    return given


class SingleTask(Task):
    """One run of a task definition's containers."""

    def __init__(self, run_context: RunContext, kind: str, settings: TaskSettings, started_by: str) -> None:
        super().__init__(run_context, kind, settings)
        self.task_id = uuid.uuid4().hex
        self.started_by = started_by
        self.stopped_reason = ""
        self.stopped_ms = 0
        self._codes: dict[str, int | None] = {}
        self._asked_to_stop: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def prepare(self, preparing: Awaitable[None]) -> bool:
        """Wait for what the task needs. Returns False when the task was asked to stop before."""
        work = asyncio.ensure_future(preparing)
        first: set[asyncio.Future[Any]] = {work, self._asked_to_stop}
        await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
        if not self._asked_to_stop.done():
            await work
            return True
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        self.stopped_reason, self.stopped_ms = self._asked_to_stop.result(), self._run_context.clock.now_ms()
        return False

    async def run(self) -> None:
        """Run until an essential container has ended, or until it is stopped."""
        self.since_ms = self._run_context.clock.now_ms()
        self._tell(f"started by {self.started_by}" if self.started_by else "started")
        self.state = "ready"
        containers = self.settings.containers
        waited = {d.container_name for one in containers for d in one.depends_on if d.condition == "HEALTHY"}
        self._runs = {
            one.name: ContainerRun(
                self._run_context,
                self.settings,
                one,
                self._awaited(one) | (frozenset() if one.name in waited else frozenset({"COMPLETE"})),
            )
            for one in containers
        }
        end = asyncio.get_running_loop().create_future()
        for run in self._runs.values():
            driving = asyncio.create_task(self._drive(run, end))
            self._driving.add(driving)
            driving.add_done_callback(self._driving.discard)
        try:
            await asyncio.wait({end, self._asked_to_stop}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._codes = {name: run.exit_code for name, run in self._runs.items()}
            await self._stop_once()
            asked = self._asked_to_stop.done()
            self.stopped_reason = self._asked_to_stop.result() if asked else "Essential container in task exited"
            self.stopped_ms = self._run_context.clock.now_ms()
            how = end.result() if end.done() else self.stopped_reason
            self.state = "stopped"
            self._tell(str(how).partition("\n")[0])

    async def stop(self) -> None:
        """Let the run end now."""
        self.ask_to_stop("the app is stopped")

    def ask_to_stop(self, reason: str) -> None:
        """End the run soon, for this reason."""
        if not self._asked_to_stop.done():
            self._asked_to_stop.set_result(reason)

    def document(self, task_definition: str, cluster: str) -> dict[str, Any]:
        """What ECS's API says of it."""
        _, partition, _, region, account, rest = task_definition.split(":", 5)
        name = cluster.rpartition("/")[2] or "default"
        arn = f"arn:{partition}:ecs:{region}:{account}:task/{name}/{self.task_id}"
        stopped = self.stopped_ms != 0
        return {
            "taskArn": arn,
            "clusterArn": f"arn:{partition}:ecs:{region}:{account}:cluster/{name}",
            "taskDefinitionArn": task_definition,
            "group": f"family:{rest.removeprefix('task-definition/').rpartition(':')[0]}",
            "launchType": "FARGATE",
            "desiredStatus": "STOPPED" if stopped else "RUNNING",
            "lastStatus": "STOPPED" if stopped else "RUNNING" if self.since_ms else "PROVISIONING",
            "startedBy": self.started_by,
            "containers": [
                {
                    "containerArn": f"{arn.replace(':task/', ':container/')}/{one.name}",
                    "taskArn": arn,
                    "name": one.name,
                    "lastStatus": "STOPPED" if stopped else "RUNNING",
                    **({"exitCode": code} if (code := self._exit_code(one)) is not None else {}),
                }
                for one in self.settings.containers
            ],
            **({"startedAt": self.since_ms / 1000} if self.since_ms else {}),
            **({"stoppedAt": self.stopped_ms / 1000, "stoppedReason": self.stopped_reason} if stopped else {}),
        }

    def _exit_code(self, container: Container) -> int | None:
        """The code as a container has it: 128 and the number of the signal that ended it."""
        code = self._codes.get(container.name)
        return code if code is None or code >= 0 else 128 - code

    def _tell(self, detail: str) -> None:
        """Say in the log what becomes of the task; the task definition itself is ready whatever becomes of it."""
        service, name = self.settings.service, self.settings.name
        self._run_context.logs.write(service, f"[cachetwin] {name}: {detail}")
        self._run_context.report(service, "service", name, "ready", f"{name}: {detail}")

    def _awaited(self, container: Container) -> frozenset[str]:
        return frozenset(
            dependency.condition
            for other in self.settings.containers
            for dependency in other.depends_on
            if dependency.container_name == container.name
        )
