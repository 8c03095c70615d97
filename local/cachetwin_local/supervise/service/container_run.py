"""One run of a container of a task, from its start to its end.

Others of the task may wait until it has started, is healthy, or has ended. It counts as running when its target groups'
health path answers and its health check passes, or, without either, when it has run for a second.
"""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.process.child import Child, Command
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.supervise.restarter import describe_exit, tail_of, wait_until_running
from cachetwin_local.supervise.service.listening import Listening
from cachetwin_local.supervise.service.probes import HealthCommand, answers, open_ports, open_to_all, probed_url
from cachetwin_local.topology.values import Container, TargetGroup, TaskAddress

__all__ = ["ContainerRun", "TaskSettings"]

_START_DEADLINE_S = 60.0
_SETTLE_S = 1.0
_DEPENDENCY_DEADLINE_S = 300.0
_DELAY_FIRST_S, _DELAY_MAX_S = 1.0, 60.0
_PORT_TAKEN = re.compile(r"address already in use|EADDRINUSE|port is already allocated", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TaskSettings:
    """One task: `command` gives the process of a container. `grace_s` is how long load balancers may find it unhealthy."""

    service: str
    number: int
    address: TaskAddress
    containers: tuple[Container, ...]
    groups: tuple[TargetGroup, ...]
    command: Callable[[Container], Command]
    grace_s: float = 0.0

    @property
    def name(self) -> str:
        """The name of the task, and of its log where it has one container."""
        return f"{self.service}/{self.number}"

    def child_name(self, container: Container) -> str:
        """The name of a container's process."""
        return f"{self.service}/{container.name}/{self.number}"

    def log_name(self, container: Container) -> str:
        """The name of a container's log: the task's, and the container where a task has several."""
        return self.name if len(self.containers) == 1 else f"{self.name}/{container.name}"


class ContainerRun:
    """The container `container` of a task. `awaited` are the conditions that others of the task wait for."""

    def __init__(
        self, run_context: RunContext, task: TaskSettings, container: Container, awaited: frozenset[str]
    ) -> None:
        self.container = container
        self.name = task.child_name(container)
        self.state = "waiting"
        self.open_ports: list[int] = []
        self.pid: int | None = None
        self.ready = asyncio.Event()
        self._run_context = run_context
        self._task = task
        self._log_name = task.log_name(container)
        self._awaited_end = awaited & {"COMPLETE", "SUCCESS"}
        self._started = asyncio.Event()
        self._healthy = asyncio.Event()
        self._ended = asyncio.Event()
        self._code: int | None = None
        self._parts: set[asyncio.Task[int] | asyncio.Task[str]] = set()
        self._groups = [g for g in task.groups if any(t.container_name == container.name for t in g.targets)]

    @property
    def exit_code(self) -> int | None:
        """The code that its last process has ended with; None while one runs."""
        return self._code

    async def reach(self, condition: str) -> None:
        """Return when the container is in this condition. Raises UserError when it takes too long, or has ended."""
        event = {"START": self._started, "HEALTHY": self._healthy}.get(condition, self._ended)
        wanted = {"START": "start", "HEALTHY": "become healthy"}.get(condition, "end")
        waits = [asyncio.create_task(each.wait()) for each in (event, self._ended)]
        deadline_s = self.container.start_timeout_s or _DEPENDENCY_DEADLINE_S
        try:
            await asyncio.wait(waits, timeout=deadline_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
        if not event.is_set():
            when = "before it ended" if self._ended.is_set() else f"in {deadline_s:g} s"
            raise UserError(f"{self.name}, which another container waits for, did not {wanted} {when}")
        if condition == "SUCCESS" and self._code:
            raise UserError(
                f"{self.name}, whose success another container waits for, {describe_exit(self._code)}"
                f"{tail_of(self._run_context, self._log_name)}"
            )

    def give_up(self, reason: str) -> None:
        """The container does not run, or no more, and its task does without it."""
        self.state = "stopped"
        self._log(f"{reason}; it is not essential to its task")
        self._ended.set()
        self.ready.set()

    async def run(self) -> str:
        """Run the container until it has ended for good. Returns why. Raises UserError when it does not start."""
        delay_s = _DELAY_FIRST_S
        policy = self.container.restart_policy
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            reason = await self._run_once()
            if policy is None or self._code is None or self._code in policy.ignored_exit_codes:
                break
            delay_s = _DELAY_FIRST_S if loop.time() - began >= policy.attempt_period_s else delay_s
            self._log(f"{reason}; its restart policy starts it again in {delay_s:g} s")
            self.state = "restarting"
            await asyncio.sleep(delay_s)
            delay_s = min(2 * delay_s, _DELAY_MAX_S)
        self.state = reason
        return f"{self.container.name} {reason}"

    async def _run_once(self) -> str:
        """One process of the container; what became of it."""
        self._code = None
        command = replace(self._task.command(self.container), hosts=self._run_context.host_names.file)
        child = await self._run_context.start_child(self.name, command, self._log_name)
        self.state, self.pid = "starting", child.pid
        self._started.set()
        if not self.container.essential and not self._awaited_end and self.container.health_check is None:
            self.ready.set()  # the task does not wait for it
        exited = asyncio.create_task(self._exit(child))
        watching = asyncio.create_task(self._watch(child, command))
        self._parts = {exited, watching}
        try:
            await asyncio.wait({exited, watching}, return_when=asyncio.FIRST_COMPLETED)
            if watching.done():
                return watching.result()
            return describe_exit(exited.result())
        finally:
            for each in (exited, watching):
                each.cancel()
            await self.settled()

    async def settled(self) -> None:
        """Return when what watched the process has ended, a health check that was under way too."""
        if self._parts:
            await asyncio.wait(self._parts)

    async def _exit(self, child: Child) -> int:
        code = await child.exited()
        if not self.ready.is_set() and not self._awaited_end and self.container.essential:
            await asyncio.Event().wait()  # its start fails, which `_watch` says with the last lines
        self._run_context.forget(self.name, child)
        self._code, self.pid = code, None
        if code and _PORT_TAKEN.search("\n".join(self._run_context.logs.tail(self._log_name))):
            self._log(self._where_to_listen)
        self._ended.set()
        self.ready.set()
        return code

    async def _watch(self, child: Child, command: Command) -> str:
        """Wait until it runs, then repeat its health check. Returns how the check fails; never where there is none."""
        check = self.container.health_check
        health = None if check is None else HealthCommand.of(check, command, self._listening)
        if health is not None and health.missing_program is not None:
            self._log(f"its health check needs {health.missing_program}, which this machine lacks: it is not checked")
            health = None
        if self._awaited_end:
            await asyncio.Event().wait()
        await self._until_running(child, health)
        self.state = "running"
        self._healthy.set()
        self.ready.set()
        self._warn_of_open_ports(child)
        if health is None:
            await asyncio.Event().wait()
            return ""
        return await self._until_unhealthy(health)

    async def _until_unhealthy(self, health: HealthCommand) -> str:
        failures, check = 0, health.check
        while True:
            await asyncio.sleep(check.interval_s)
            reason = await health.failure()
            if reason is None:
                failures, self.state = 0, "running"
                continue
            failures += 1
            self._log(f"its health check {reason} ({failures} of {check.retries})")
            if failures < check.retries:
                continue
            if self.container.essential:
                return f"fails its health check, which {reason}"
            self.state = "unhealthy"

    async def _until_running(self, child: Child, health: HealthCommand | None) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()

        async def runs() -> bool:
            if not all([await answers(group, self._task.address, self.container) for group in self._groups]):
                return False
            if health is not None:
                return await health.failure() is None
            return bool(self._groups) or loop.time() - began > _SETTLE_S

        probed = "".join(f" GET {probed_url(group, self._task.address, self.container)}" for group in self._groups[:1])
        grace_s = 0 if health is None else health.check.start_period_s
        deadline_s = self.container.start_timeout_s or _START_DEADLINE_S + grace_s
        try:
            await wait_until_running(self._run_context, self._log_name, child, runs, deadline_s, probed_url=probed)
        except UserError as error:
            if _PORT_TAKEN.search(str(error)) is None:
                raise
            raise UserError(f"{error}\n{self._where_to_listen}") from None

    @property
    def _where_to_listen(self) -> str:
        here = " and ".join(f"{name} ({value})" for name, value in self._listening.hints().items())
        return f"the address or the port is fixed in the program: let it listen on {here}"

    @property
    def _listening(self) -> Listening:
        return Listening.of(self.container, self._task.address)

    def _warn_of_open_ports(self, child: Child) -> None:
        """Log a warning when the container listens on every interface: other machines could reach it."""
        self.open_ports = open_ports(child.pid)
        if self.open_ports:
            self._log(f"{open_to_all(self.open_ports)}: bind to HOST, {self._task.address.address}")

    def _log(self, line: str) -> None:
        self._run_context.logs.write(self._log_name, f"[cachetwin] {line}")
