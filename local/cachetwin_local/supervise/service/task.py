"""One task of a service: its containers start in the order of their dependencies and are replaced as one, as ECS does.

A task ends when an essential container ends, when the health check of one fails, or when a load balancer finds it
unhealthy after the grace period. What is left of it is then stopped, dependents first, and a new one starts after 1 s,
then 2, 4, ... 60 s; a minute without an end resets the delay.
"""

import asyncio
import traceback
from collections.abc import Iterable

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.background import BackgroundTasks, describe
from cachetwin_local.supervise.events import State
from cachetwin_local.supervise.parts import Part
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.supervise.service.container_run import ContainerRun, TaskSettings
from cachetwin_local.supervise.service.probes import target_places
from cachetwin_local.topology.values import Container

__all__ = ["Task"]

_STABLE_S = 60.0
_DELAY_FIRST_S, _DELAY_MAX_S = 1.0, 60.0
_TARGET_POLL_S = 0.5
_TARGET_GRACE_MIN_S = 5.0  # what load balancers said of the task before this one


class Task:
    """Owns the processes of one task of the actor `settings.service`."""

    def __init__(self, run_context: RunContext, kind: str, settings: TaskSettings) -> None:
        self.settings = settings
        self.state: State = "waiting"
        self.restarts = 0
        self.since_ms = 0
        self._run_context = run_context
        self._kind = kind
        self._runs: dict[str, ContainerRun] = {}
        self._driving: set[asyncio.Task[None]] = set()
        self._end: asyncio.Future[str] | None = None
        self._places = target_places(settings.groups, settings.service, settings.address)
        self._watch = BackgroundTasks(run_context, settings.service, kind)

    @property
    def open_ports(self) -> list[int]:
        """The ports that it opens to other machines."""
        return sorted({port for run in self._runs.values() for port in run.open_ports})

    def row(self) -> dict[str, object]:
        """What `cachetwin status` shows of it."""
        address = self.settings.address
        return {
            "task": self.settings.name,
            "state": self.state,
            "containers": {run.container.name: run.state for run in self._runs.values()},
            "pids": {run.container.name: run.pid for run in self._runs.values() if run.pid is not None},
            "address": address.address,
            "ports": sorted(address.ports.values()),
            "restarts": self.restarts,
            "since_ms": self.since_ms,
        }

    async def start(self) -> None:
        """Return when every container runs, and replace the task from then on. Raises UserError when one does not."""
        try:
            await self._start_once()
        except BaseException:
            await self._stop_once()
            self.state = "failed"
            raise
        self._run_context.parts.report(Part(self.settings.service, self.settings.name, "ready", ""))
        self._watch.start(f"the watch over task {self.settings.number}", self._replace)

    async def stop(self) -> None:
        """Stop the containers, and watch them no more."""
        self.state = "stopping"
        await self._watch.stop()
        await self._stop_once()
        self.state = "stopped"

    async def _replace(self) -> None:
        """Replace the task whenever it ends."""
        loop = asyncio.get_running_loop()
        delay_s = _DELAY_FIRST_S
        while True:
            began = loop.time()
            if self._end is not None:
                reason = await self._until_ended(self._end)
                if loop.time() - began > _STABLE_S:
                    delay_s = _DELAY_FIRST_S
                self._report("restarting", f"{reason}; starting it again in {delay_s:g} s")
                await self._stop_once()
            await asyncio.sleep(delay_s)
            delay_s = min(2 * delay_s, _DELAY_MAX_S)
            try:
                await self._start_once()
            except Exception as error:  # noqa: BLE001  (a full disk, no file descriptor left: the next try may do better)
                if not isinstance(error, UserError):
                    self._run_context.logs.write("supervisor", f"{self.settings.name}\n{traceback.format_exc()}")
                self._report("restarting", f"{describe(error)}; next try in {delay_s:g} s")
                await self._stop_once()
            else:
                self.restarts += 1
                self._report("ready", "restarted" if self.restarts == 1 else f"restarted {self.restarts} times")

    async def _until_ended(self, end: "asyncio.Future[str]") -> str:
        """Why the task ended, or has to."""
        loop = asyncio.get_running_loop()
        judged_s = loop.time() + max(self.settings.grace_s, _TARGET_GRACE_MIN_S)
        while self._places:
            done, _ = await asyncio.wait({end}, timeout=_TARGET_POLL_S)
            if done:
                break
            unhealthy = [place for place in self._places if self._run_context.task_places.is_unhealthy(place)]
            if unhealthy and loop.time() > judged_s:
                return f"its load balancer finds it unhealthy at {unhealthy[0]}"
        return await end

    async def _start_once(self) -> None:
        """Start the containers; return when all that the task waits for run. Raises UserError when one does not."""
        self.state, self.since_ms = "starting", self._run_context.clock.now_ms()
        containers = self.settings.containers
        self._runs = {
            one.name: ContainerRun(self._run_context, self.settings, one, _awaited(one, containers))
            for one in containers
        }
        end = self._end = asyncio.get_running_loop().create_future()
        for run in self._runs.values():
            driving = asyncio.create_task(self._drive(run, end))
            self._driving.add(driving)
            driving.add_done_callback(self._driving.discard)
        everything = asyncio.create_task(_all_ready(self._runs.values()))
        try:
            await asyncio.wait({end, everything}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            everything.cancel()
        if end.done():
            raise UserError(end.result())
        self.state = "ready"

    async def _drive(self, run: ContainerRun, end: "asyncio.Future[str]") -> None:
        """Run one container when what it depends on is there; its end may be the task's."""
        try:
            for dependency in run.container.depends_on:
                other = self._runs.get(dependency.container_name)
                if other is not None:
                    await other.reach(dependency.condition)
            reason = await run.run()
        except UserError as error:
            reason = str(error)
        except Exception as error:  # noqa: BLE001  (whatever it is, the task does not run as it should)
            self._run_context.logs.write("supervisor", f"{run.name}\n{traceback.format_exc()}")
            reason = describe(error)
        if not run.container.essential:
            run.give_up(reason)
        elif not end.done():
            end.set_result(reason)

    async def _stop_once(self) -> None:
        """Stop what runs: a container when those that depend on it have ended."""
        for driving in list(self._driving):
            driving.cancel()
        await asyncio.gather(*self._driving, return_exceptions=True)
        for run in self._runs.values():
            await run.settled()
        self._end = None
        stopping: dict[str, asyncio.Task[None]] = {}

        async def stop(container: Container) -> None:
            for other in self.settings.containers:
                if any(dependency.container_name == container.name for dependency in other.depends_on):
                    await stopping[other.name]
            await self._run_context.stop_child(self.settings.child_name(container), container.stop_timeout_s)

        for container in reversed(in_order(self.settings.containers)):
            stopping[container.name] = asyncio.create_task(stop(container))
        await asyncio.gather(*stopping.values())
        for run in self._runs.values():
            run.pid = None

    def _report(self, state: State, detail: str) -> None:
        self.state = state
        name = self.settings.name
        self._run_context.logs.write(self.settings.service, f"[cachetwin] {name}: {detail}")
        self._run_context.report(self.settings.service, self._kind, name, state, detail)


async def _all_ready(runs: Iterable[ContainerRun]) -> None:
    for run in runs:
        await run.ready.wait()


def in_order(containers: tuple[Container, ...]) -> list[Container]:
    """The containers, each after those it depends on. A cycle, which the service refuses, keeps the given order."""
    left, ordered = list(containers), list[Container]()
    while left:
        names = {container.name for container in left}
        free = [c for c in left if not names & {dependency.container_name for dependency in c.depends_on}] or left[:1]
        ordered += free
        left = [container for container in left if container not in free]
    return ordered


def _awaited(container: Container, among: tuple[Container, ...]) -> frozenset[str]:
    """The conditions in which others wait for `container`."""
    return frozenset(
        dependency.condition
        for other in among
        for dependency in other.depends_on
        if dependency.container_name == container.name
    )
