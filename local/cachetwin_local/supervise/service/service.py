"""An ECS service on Fargate: its tasks as processes, each at a loopback address of its own.

The packages are installed while the databases start. The number of tasks can change while they run: new ones are
published to the load balancers when they run, and those that leave get no more requests before they are stopped.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

from cachetwin_local.errors import UserError
from cachetwin_local.settings import TASKS_MAX
from cachetwin_local.supervise.aws_api.actor import aws_environment
from cachetwin_local.supervise.debugging.debugger import debug_folder, with_debugger
from cachetwin_local.supervise.process.child import Command
from cachetwin_local.supervise.project.run_context import RunContext, slug
from cachetwin_local.supervise.reload import FolderChange
from cachetwin_local.supervise.service.container import (
    PreparedImage,
    prepare_command,
    read_image,
    requirements_files,
    unpack,
)
from cachetwin_local.supervise.service.container_run import TaskSettings
from cachetwin_local.supervise.service.live_files import counts_in_place_of, refuse_syntax_errors
from cachetwin_local.supervise.service.own_process import own_process_command
from cachetwin_local.supervise.service.probes import open_to_all, target_places
from cachetwin_local.supervise.service.single_tasks import SingleTasks
from cachetwin_local.supervise.service.spare_address import spare_address
from cachetwin_local.supervise.service.task import Task
from cachetwin_local.supervise.service.virtual_environment import VirtualEnvironments
from cachetwin_local.topology.values import Container, Service, TaskAddress, Topology

__all__ = ["ServiceActor"]

_NODE = re.compile(r"\b(node|npm|npx|yarn|pnpm)\b")
_DEBUGGED_S = 86_400.0
"""How long load balancers may find a task unhealthy that a debugger may attach to."""


class ServiceActor:
    """One service with all its tasks and their containers."""

    kind = "service"

    def __init__(
        self, run_context: RunContext, service: Service, topology: Topology, environments: VirtualEnvironments
    ) -> None:
        self.name = service.identity.key
        self.names = service.identity.names
        self.depends_on = frozenset(service.depends_on)
        self._run_context = run_context
        self._service = service
        # what is not essential and comes from an image by name is left out, as the plan warns
        self._containers = tuple(c for c in service.containers if c.essential or c.image.directory is not None)
        self._region = service.identity.region
        self._aws_api = topology.aws_api
        self._groups = [
            group for group in topology.target_groups if any(target.service == self.name for target in group.targets)
        ]
        self._environments = environments
        self._project, self._loopback = topology.project, topology.loopback
        self._addresses = service.tasks
        self._prepared: dict[tuple[int, str], PreparedImage] = {}
        self._live: dict[str, Path] = {}
        self._changing = asyncio.Lock()
        self._tasks: list[Task] = []
        self._leaving: list[Task] = []
        self._debug_port: int | None = None
        self._single = SingleTasks(run_context, service, self._prepare_one, self._free_address, self._command)

    @property
    def detail(self) -> str:
        """The number of tasks, and the ports that they open to other machines."""
        if self._service.on_demand:
            return "starts a task when it is asked to"
        count = len(self._addresses)
        ports = sorted({port for task in self._tasks for port in task.open_ports})
        where = f"; {open_to_all(ports)}: bind to HOST" if ports else ""
        return f"{count} task" + ("" if count == 1 else "s") + where

    @property
    def desired_count(self) -> int:
        """How many tasks there should be."""
        return len(self._addresses)

    def rows(self) -> list[dict[str, object]]:
        """The tasks, as `cachetwin status` shows them."""
        return [task.row() for task in (*self._tasks, *self._single.running)]

    def run_tasks(self, request: dict[str, Any]) -> list[dict[str, Any]]:
        """Start tasks as RunTask's request says. Returns what ECS's API says of them. Raises UserError."""
        if not self._service.on_demand:
            raise UserError(f"{self.name} is a service, whose tasks start by themselves")
        return self._single.run(self._containers, request)

    @property
    def task_definition(self) -> str:
        """The ARN of the task definition that it starts tasks of when asked; empty for a service."""
        return self._service.task_definition if self._service.on_demand else ""

    @property
    def single_tasks(self) -> SingleTasks:
        """The tasks that it was asked to start."""
        return self._single

    def open(self) -> None:
        """A service has no endpoint of its own; its tasks are where the plan has them."""
        self._run_context.task_places.set(self.name, self._addresses)

    @property
    def assets(self) -> frozenset[str]:
        """The images that are made of folders of the app, by their names in the assembly."""
        return frozenset(_asset(container) for container in self._containers if not container.image.in_place)

    async def prepare(self) -> None:
        """Install the packages and unpack each task's files."""
        self._prepared = await self._prepare(range(len(self._addresses)))

    async def _prepare(self, indexes: Sequence[int]) -> dict[tuple[int, str], PreparedImage]:
        """Each task's containers, unpacked beside those that run."""
        prepared = {}
        for container in (one for one in self._containers if not one.image.in_place):
            live = self._live.get(_asset(container))
            image, context = read_image(container, self._run_context.assembly, live)
            environment = await self._environments.get(
                requirements_files(image, context), tuple(image.packages), self.name
            )
            counts = (lambda _path: True) if live is None else counts_in_place_of(self._copy_of(container), live)
            for index in indexes:
                root = self._free_root(index, container)
                await asyncio.to_thread(unpack, image, context, root, counts)
                prepared[index, container.name] = PreparedImage(image, root, environment)
        return prepared

    async def _prepare_one(self, index: int) -> None:
        self._prepared |= await self._prepare([index])

    def _free_address(self, index: int) -> TaskAddress:
        ports = sorted({port.container_port for one in self._containers for port in one.port_mappings})
        return spare_address(self._project, f"{self.name}/task-{index}", ports, self._loopback, frozenset())

    def _copy_of(self, container: Container) -> Path:
        return self._run_context.assembly / str(container.image.directory)

    def _free_root(self, index: int, container: Container) -> Path:
        """A folder for a container's files that no running task has."""
        root = self._run_context.directory / "tasks" / slug(self.name) / str(index + 1) / slug(container.name)
        running = self._prepared.get((index, container.name))
        return root.with_name(f"{root.name}.2") if running is not None and running.root == root else root

    async def start(self) -> None:
        """Return when every task runs and answers. Raises UserError of the first that does not."""
        self._single.open()
        await self._start_tasks(range(len(self._addresses)))

    async def _start_tasks(self, indexes: Sequence[int]) -> None:
        """Start further tasks, all at once. When one does not start, none of them runs."""
        tasks = [self._task(index) for index in indexes] if self._containers else []
        self._tasks += tasks  # now, so that a stop meanwhile finds them
        try:
            async with asyncio.TaskGroup() as starting:
                for task in tasks:
                    starting.create_task(task.start())
        except BaseException as error:
            self._tasks = [task for task in self._tasks if task not in tasks]
            await asyncio.gather(*(task.stop() for task in tasks))
            if isinstance(error, ExceptionGroup):
                raise error.exceptions[0] from None
            raise

    async def _start_again(self) -> bool:
        """Start all tasks where the last start has failed and none runs. Returns whether it did."""
        if len(self._tasks) == len(self._addresses) or not self._containers:
            return False
        await self.stop()
        await self.prepare()
        await self.start()
        return True

    def _task(self, index: int) -> Task:
        debugged = self._debug_port is not None and index == 0
        checked = self._containers
        if debugged:  # a program that stands still fails its checks
            checked = tuple(replace(one, health_check=None, start_timeout_s=None) for one in checked)
        settings = TaskSettings(
            self.name,
            index + 1,
            self._addresses[index],
            checked,
            tuple(self._groups),
            lambda container: self._command(index, container, self._addresses[index]),
            _DEBUGGED_S if debugged else self._service.health_check_grace_s,
        )
        return Task(self._run_context, self.kind, settings)

    async def scale(self, count: int) -> str:
        """Have this number of tasks from now on. Returns a sentence. Raises UserError when new ones do not start."""
        async with self._changing:
            return await self._scale(count)

    async def become(self, topology: Topology) -> bool:
        """Become the one of another topology while it runs. Returns whether it could: its count alone may differ."""
        new = next(service for service in topology.services if service.identity.key == self.name)
        groups = [group for group in topology.target_groups if any(t.service == self.name for t in group.targets)]
        same = replace(new, tasks=(), desired_count=0) == replace(self._service, tasks=(), desired_count=0)
        if not same or groups != self._groups or not self._containers:
            return False
        async with self._changing:
            kept = self._service
            self._service = new
            try:
                await self._scale(len(new.tasks))
            except UserError:
                self._service = kept
                raise
        return True

    async def _scale(self, count: int) -> str:
        if not 0 <= count <= TASKS_MAX:
            raise UserError(f"{self.name} must have 0 to {TASKS_MAX} tasks here, got {count}")
        self._refuse_on_demand()
        if not self._containers:
            raise UserError(f"{self.name} does not run here as tasks, so it has no number of them")
        before = len(self._addresses)
        if count < before:
            await self._leave(count)
        elif count > before:
            await self._join(count)
        if count != before:
            self._run_context.report(self.name, self.kind, "count", "ready", self.detail)
        return f"{self.name} has {self.detail}"

    async def _join(self, count: int) -> None:
        """Start tasks until there are `count`, then let load balancers find them."""
        await self._start_again()
        before = self._addresses
        ports = sorted({port.container_port for one in self._containers for port in one.port_mappings})
        known = self._service.tasks
        for index in range(len(before), count):
            used = {place for task in self._addresses for place in target_places(self._groups, self.name, task)}
            free = (
                known[index]
                if index < len(known)
                else spare_address(self._project, f"{self.name}/task-{index}", ports, self._loopback, used)
            )
            self._addresses = (*self._addresses, free)
        added = range(len(before), count)
        try:
            self._prepared |= await self._prepare(added)
            await self._start_tasks(added)
        except BaseException:
            self._addresses = before
            raise
        self._run_context.task_places.set(self.name, self._addresses)

    async def _leave(self, count: int) -> None:
        """Stop the last tasks until there are `count`, once load balancers have no more requests at them."""
        leaving, self._tasks = self._tasks[count:], self._tasks[:count]
        self._addresses = self._addresses[:count]
        self._run_context.task_places.set(self.name, self._addresses)
        places = frozenset().union(*(target_places(self._groups, self.name, task.settings.address) for task in leaving))
        self._leaving += leaving  # for a stop meanwhile
        try:
            if places:
                delay_s = max(group.deregistration_delay_s for group in self._groups)
                await self._run_context.task_places.let_go(places, delay_s)
        finally:
            stopped = [task for task in leaving if task in self._leaving]
            self._leaving = [task for task in self._leaving if task not in leaving]
            await asyncio.gather(*(task.stop() for task in stopped))
        for task in leaving:
            self._run_context.parts.forget(self.name, task.settings.name)

    async def restart(self) -> str:
        """Stop the tasks, unpack their files anew and start them. Returns a sentence. Raises UserError when one fails."""
        self._refuse_on_demand()
        async with self._changing:
            await self.stop()
            await self.prepare()
            await self.start()
        return f"{self.name}: {self.detail} started again"

    @property
    def language(self) -> str:
        """What its first container seems to be written in, for a debugger."""
        image = next((image for (index, _name), image in self._prepared.items() if index == 0), None)
        hint = " ".join(self._containers[0].command or ()) if image is None else image.image.base
        return "node" if _NODE.search(hint) else "python"

    @property
    def debug_port(self) -> int | None:
        """Where a debugger may attach; None where none may."""
        return self._debug_port

    async def debug(self, port: int | None) -> None:
        """Start the tasks again, the first one so that a debugger may attach to it at a port. Raises UserError."""
        self._refuse_on_demand()
        if not self._containers or not self._addresses:
            raise UserError(f"{self.name} has no task to attach to")
        self._debug_port = port
        await self.restart()

    async def reload(self, changes: Sequence[FolderChange]) -> str:
        """Replace the tasks by ones with the changed files, the first alone. Returns a sentence.

        Raises UserError when a task does not run with them; it then runs as before.
        """
        await asyncio.to_thread(refuse_syntax_errors, changes, "; what ran before goes on")
        async with self._changing:
            live = dict(self._live)
            self._live |= {change.asset: change.source for change in changes}
            try:
                if await self._start_again():
                    return f"{self.name}: {self.detail} started with the changed files"
                indexes = range(len(self._addresses))
                prepared = await self._prepare(indexes)
                for together in (indexes[:1], indexes[1:]):
                    ends = await asyncio.gather(
                        *(self._replace_task(index, prepared) for index in together), return_exceptions=True
                    )
                    for error in ends:
                        if error is not None:
                            raise error
            except UserError:
                self._live = live
                raise
        return f"{self.name}: {self.detail} started with the changed files"

    async def _replace_task(self, index: int, prepared: Mapping[tuple[int, str], PreparedImage]) -> None:
        before, task = dict(self._prepared), self._tasks[index]
        await task.stop()
        self._prepared |= {key: image for key, image in prepared.items() if key[0] == index}
        try:
            await task.start()
        except UserError as error:
            self._prepared |= {key: image for key, image in before.items() if key[0] == index}
            await task.start()
            raise UserError(f"{error}\nthe files of before run again") from None

    def _refuse_on_demand(self) -> None:
        if self._service.on_demand:
            raise UserError(
                f"{self.name} is a task definition without a service: rules, schedules and RunTask start it"
            )

    def shell(self, task: int) -> Command:
        """The folder and the variables of a task, which are those of its first container. Raises UserError for no task."""
        self._refuse_on_demand()
        if not self._containers or not 1 <= task <= len(self._addresses):
            raise UserError(f"{self.name} must have a task of that number, 1 to {len(self._addresses)}, got {task}")
        return self._command(task - 1, self._containers[0], self._addresses[task - 1])

    async def stop(self) -> None:
        """Stop the tasks, all at once."""
        await self._single.stop()
        tasks, self._tasks, self._leaving = self._tasks + self._leaving, [], []
        await asyncio.gather(*(task.stop() for task in tasks))

    def _command(self, index: int, container: Container, address: TaskAddress) -> Command:
        own = {name: self._run_context.secrets.text(value) for name, value in container.environment.items()}
        regional: Mapping[str, str] = {
            "AWS_REGION": self._region,
            "AWS_DEFAULT_REGION": self._region,
            **aws_environment(self._run_context, self._aws_api, self.name),
        }
        command = self._plain_command(index, container, address, {**regional, **own})
        if self._debug_port is None or index or container.name != self._containers[0].name:
            return command
        folder = debug_folder(self._run_context.directory)
        return replace(command, environment=with_debugger(command.environment, self._debug_port, folder))

    def _plain_command(
        self, index: int, container: Container, address: TaskAddress, variables: Mapping[str, str]
    ) -> Command:
        if container.image.in_place:
            ca_environment = self._run_context.local_ca.environment()
            return own_process_command(container, address, variables, ca_environment)
        prepared = self._prepared[index, container.name]
        return prepare_command(
            container,
            prepared,
            address,
            variables,
            self._run_context.local_ca.environment(),
        )


def _asset(container: Container) -> str:
    """The name in the assembly of the folder that the container's image is made of."""
    return PurePath(container.image.directory or "").name
