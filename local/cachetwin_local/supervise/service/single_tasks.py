"""The tasks of a task definition that rules, schedules and calls of RunTask start, beside any service."""

import asyncio
import traceback
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Final

from cachetwin_local.errors import UserError
from cachetwin_local.settings import TASKS_MAX
from cachetwin_local.supervise.process.child import Command
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.topology.values import Container, Service, TaskAddress

from .container_run import TaskSettings
from .single_task import SingleTask, read_overrides

__all__ = ["SingleTasks"]

_KEPT: Final = 100


class SingleTasks:
    """Starts tasks of `service`, which is on demand. `prepare` makes the files of the task with an index.

    `place` gives its address, and `command` the process of a container there.
    """

    def __init__(
        self,
        run_context: RunContext,
        service: Service,
        prepare: Callable[[int], Awaitable[None]],
        place: Callable[[int], TaskAddress],
        command: Callable[[int, Container, TaskAddress], Command],
    ) -> None:
        self._run_context = run_context
        self._service = service
        self._prepare, self._place, self._command = prepare, place, command
        self._running: dict[int, tuple[SingleTask, str]] = {}  # with the cluster that was named
        self._work: set[asyncio.Task[None]] = set()
        self._ended: deque[tuple[SingleTask, str]] = deque(maxlen=_KEPT)
        self._is_open = False

    @property
    def running(self) -> list[SingleTask]:
        """The tasks that run."""
        return [task for task, _cluster in self._running.values()]

    def run(self, containers: tuple[Container, ...], request: dict[str, Any]) -> list[dict[str, Any]]:
        """Start as many tasks as a request says, and return what ECS's API says of them. Raises UserError."""
        if not self._is_open:
            raise UserError(f"{self._service.identity.key} does not run")
        count = request.get("count", 1)
        if not isinstance(count, int) or not 1 <= count <= 10:
            raise UserError(f"count must be a whole number from 1 to 10, got {count!r}")
        if len(self._running) + count > TASKS_MAX:
            raise UserError(f"at most {TASKS_MAX} tasks of {self._service.identity.key} run here at once")
        overrides = read_overrides(request.get("overrides"), containers)
        changed = tuple(overrides[one.name].of(one) if one.name in overrides else one for one in containers)
        cluster = str(request.get("cluster") or "default")
        return [self._start(changed, cluster, str(request.get("startedBy") or "")) for _ in range(count)]

    def documents(self) -> list[dict[str, Any]]:
        """What ECS's API says of the tasks that run and of the last that did."""
        return [
            task.document(self._service.task_definition, cluster)
            for task, cluster in (*self._ended, *self._running.values())
        ]

    def stop_one(self, arn: str, reason: str) -> bool:
        """Let the task of this ARN or id end. Returns whether it is one of these."""
        for task in self.running:
            if arn.rpartition("/")[2] == task.task_id:
                task.ask_to_stop(reason)
                return True
        return False

    def open(self) -> None:
        """Start tasks from now on, when asked to."""
        self._is_open = True

    async def stop(self) -> None:
        """Stop every task, and start no more."""
        self._is_open = False
        for task in self.running:
            await task.stop()
        await asyncio.gather(*self._work, return_exceptions=True)

    def _start(self, containers: tuple[Container, ...], cluster: str, started_by: str) -> dict[str, Any]:
        index = next(number for number in range(TASKS_MAX) if number not in self._running)
        address = self._place(index)
        settings = TaskSettings(
            self._service.identity.key,
            index + 1,
            address,
            containers,
            (),
            lambda container: self._command(index, container, address),
        )
        task = SingleTask(self._run_context, "task", settings, started_by)
        self._running[index] = task, cluster
        work = asyncio.create_task(self._run(index, task))
        self._work.add(work)
        work.add_done_callback(self._work.discard)
        return task.document(self._service.task_definition, cluster)

    async def _run(self, index: int, task: SingleTask) -> None:
        name = task.settings.name
        try:
            if await task.prepare(self._prepare(index)):
                await task.run()
        except UserError as error:
            self._run_context.logs.write(name, f"[cachetwin] {error}")
        except Exception:  # noqa: BLE001  (one task that fails must not end the supervisor)
            self._run_context.logs.write("supervisor", f"{name}\n{traceback.format_exc()}")
        finally:
            if not task.stopped_ms:
                task.stopped_reason, task.stopped_ms = "TaskFailedToStart", self._run_context.clock.now_ms()
            self._ended.append(self._running.pop(index))
            self._run_context.parts.forget(self._service.identity.key, name)
