"""An ECS service on Fargate: its tasks as processes, each at a loopback address of its own.

The packages are installed while the databases start. A task counts as running when its target groups' health path
check_health, or else when its container's health check passes, or else when it has run for a second. Tasks that end are
restarted (`restarter`). A container that another waits for with COMPLETE or SUCCESS is run to its end first, once.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath

import psutil

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.aws_api.actor import aws_environment
from cachetwin_local.supervise.background import BackgroundTasks
from cachetwin_local.supervise.health import HealthWatch
from cachetwin_local.supervise.load_balancer.targets import check_health
from cachetwin_local.supervise.process.child import Child, Command, run
from cachetwin_local.supervise.project.run_context import RunContext, slug
from cachetwin_local.supervise.reload import FolderChange
from cachetwin_local.supervise.restarter import Restarter, describe_exit, wait_until_running
from cachetwin_local.supervise.service.container import (
    PreparedImage,
    prepare_command,
    read_image,
    requirements_files,
    unpack,
)
from cachetwin_local.supervise.service.listening import Listening
from cachetwin_local.supervise.service.live_files import counts_in_place_of, refuse_syntax_errors
from cachetwin_local.supervise.service.own_process import own_process_command
from cachetwin_local.supervise.service.virtual_environment import VirtualEnvironments
from cachetwin_local.topology.values import Container, HealthCheck, Service, TargetGroup, TaskAddress, Topology

__all__ = ["ServiceActor"]

_START_DEADLINE_S = 60.0
_STOP_DEADLINE_MAX_S = 10.0
_SETTLE_S = 1.0
_COMPLETE_DEADLINE_S = 300.0
_PORT_TAKEN = re.compile(r"address already in use|EADDRINUSE|port is already allocated", re.IGNORECASE)


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
        self._prepared: dict[tuple[int, str], PreparedImage] = {}
        self._live: dict[str, Path] = {}
        self._open_ports: dict[str, list[int]] = {}
        self._changing = asyncio.Lock()
        self._restarters: dict[int, list[Restarter]] = {}
        self._tasks = BackgroundTasks(run_context, self.name, self.kind)

    @property
    def detail(self) -> str:
        """The number of tasks, and the ports that they open to other machines."""
        count = len(self._service.tasks)
        ports = sorted(set().union(*self._open_ports.values()))
        where = f"; {_open_to_all(ports)}: bind to HOST" if ports else ""
        return f"{count} task" + ("" if count == 1 else "s") + where

    def open(self) -> None:
        """A service has no endpoint of its own."""

    @property
    def assets(self) -> frozenset[str]:
        """The images that are made of folders of the app, by their names in the assembly."""
        return frozenset(_asset(container) for container in self._containers if not container.image.in_place)

    async def prepare(self) -> None:
        """Install the packages and unpack each task's files."""
        self._prepared = await self._prepare()

    async def _prepare(self) -> dict[tuple[int, str], PreparedImage]:
        """Each task's containers, unpacked beside those that run."""
        prepared = {}
        for container in (one for one in self._containers if not one.image.in_place):
            live = self._live.get(_asset(container))
            image, context = read_image(container, self._run_context.assembly, live)
            environment = await self._environments.get(
                requirements_files(image, context), tuple(image.packages), self.name
            )
            counts = (lambda _path: True) if live is None else counts_in_place_of(self._copy_of(container), live)
            for index in range(len(self._service.tasks)):
                root = self._free_root(index, container)
                await asyncio.to_thread(unpack, image, context, root, counts)
                prepared[index, container.name] = PreparedImage(image, root, environment)
        return prepared

    def _copy_of(self, container: Container) -> Path:
        return self._run_context.assembly / str(container.image.directory)

    def _free_root(self, index: int, container: Container) -> Path:
        """A folder for a container's files that no running task has."""
        root = self._run_context.directory / "tasks" / slug(self.name) / str(index + 1) / slug(container.name)
        running = self._prepared.get((index, container.name))
        return root.with_name(f"{root.name}.2") if running is not None and running.root == root else root

    async def start(self) -> None:
        """Return when every task runs and answers. Raises UserError of the first that does not."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for index in range(len(self._service.tasks)):
                    tasks.create_task(self._start_task(index))
        except ExceptionGroup as group:
            raise group.exceptions[0] from None

    async def restart(self) -> str:
        """Stop the tasks, unpack their files anew and start them. Returns a sentence. Raises UserError when one fails."""
        async with self._changing:
            await self.stop()
            await self.prepare()
            await self.start()
        return f"{self.name}: {self.detail} started again"

    async def reload(self, changes: Sequence[FolderChange]) -> str:
        """Replace the tasks by ones with the changed files, the first alone. Returns a sentence.

        Raises UserError when a task does not run with them; it then runs as before.
        """
        await asyncio.to_thread(refuse_syntax_errors, changes, "; what ran before goes on")
        async with self._changing:
            live = dict(self._live)
            self._live |= {change.asset: change.source for change in changes}
            try:
                prepared = await self._prepare()
                indexes = range(len(self._service.tasks))
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
        before = dict(self._prepared)
        await self._stop_task(index)
        self._prepared |= {key: image for key, image in prepared.items() if key[0] == index}
        try:
            await self._start_task(index)
        except UserError as error:
            await self._stop_task(index)
            self._prepared |= {key: image for key, image in before.items() if key[0] == index}
            await self._start_task(index)
            raise UserError(f"{error}\nthe files of before run again") from None

    def shell(self, task: int) -> Command:
        """The folder and the variables of a task, which are those of its first container. Raises UserError for no task."""
        if not self._containers or not 1 <= task <= len(self._service.tasks):
            raise UserError(f"{self.name} must have a task of that number, 1 to {len(self._service.tasks)}, got {task}")
        return self._command(task - 1, self._containers[0])

    async def stop(self) -> None:
        """Stop the tasks, all at once."""
        await self._tasks.stop()
        await asyncio.gather(*(self._stop_task(index) for index in list(self._restarters)))

    async def _stop_task(self, index: int) -> None:
        for container in self._containers:
            await self._tasks.stop_one(_health_purpose(self._child_name(index, container)))
        await asyncio.gather(*(restarter.stop() for restarter in self._restarters.pop(index, ())))

    async def _start_task(self, index: int) -> None:
        for container in _in_order(self._containers):
            awaited = _awaited_end(container, self._containers)
            if awaited:
                await self._run_to_its_end(index, container, must_succeed="SUCCESS" in awaited)
                continue
            restarter = Restarter(
                self._run_context,
                self.name,
                self.kind,
                self._child_name(index, container),
                lambda container=container: self._start_container(index, container),  # type: ignore[misc]  # bound per container
                stop_deadline_s=min(container.stop_timeout_s, _STOP_DEADLINE_MAX_S),
            )
            self._restarters.setdefault(index, []).append(restarter)
            await restarter.start()
            self._watch_health(index, container)

    async def _run_to_its_end(self, index: int, container: Container, *, must_succeed: bool) -> None:
        name = self._child_name(index, container)
        try:
            code, lines = await run(
                self._command(index, container),
                _COMPLETE_DEADLINE_S,
                on_line=lambda line: self._run_context.logs.write(self._log_name(index, container), line),
            )
        except TimeoutError:
            raise UserError(
                f"{name}, which another container waits for, did not end in {_COMPLETE_DEADLINE_S:g} s"
            ) from None
        if must_succeed and code != 0:
            said = "; its last lines:\n" + "\n".join(f"  | {line}" for line in lines[-10:]) if lines else ""
            raise UserError(f"{name}, whose success another container waits for, {describe_exit(code)}{said}")

    def _watch_health(self, index: int, container: Container) -> None:
        """Repeat the container's own health check, where it has one and no load balancer checks it."""
        check = container.health_check
        if check is None or self._groups_of(container):
            return
        name = self._child_name(index, container)

        async def probe() -> None:
            if not await _passes(check, self._command(index, container)):
                raise UserError("its health check fails")

        watch = HealthWatch(
            self._run_context,
            self.name,
            self.kind,
            probe,
            part=f"{name} health",
            interval_s=check.interval_s,
            deadline_s=check.timeout_s + 1,
            failures_max=check.retries,
        )
        self._tasks.start(_health_purpose(name), watch.watch)

    def _child_name(self, index: int, container: Container) -> str:
        return f"{self.name}/{container.name}/{index + 1}"

    def _log_name(self, index: int, container: Container) -> str:
        """The name of a container's log: the task's number, and the container where a task has several."""
        task = f"{self.name}/{index + 1}"
        return task if len(self._containers) == 1 else f"{task}/{container.name}"

    async def _start_container(self, index: int, container: Container) -> Child:
        command = self._command(index, container)
        child = await self._run_context.start_child(
            self._child_name(index, container), command, self._log_name(index, container)
        )
        loop = asyncio.get_running_loop()
        began = loop.time()
        groups = self._groups_of(container)

        async def runs() -> bool:
            if groups:
                return all([await _healthy(group, self._service.tasks[index], container) for group in groups])
            if container.health_check is not None:
                return await _passes(container.health_check, command)
            return loop.time() - began > _SETTLE_S

        probed_url = "".join(
            f" GET {_health_url(group, self._service.tasks[index], container)}" for group in groups[:1]
        )
        log_name = self._log_name(index, container)
        try:
            await wait_until_running(self._run_context, log_name, child, runs, _START_DEADLINE_S, probed_url=probed_url)
        except UserError as error:
            if _PORT_TAKEN.search(str(error)) is None:
                raise
            here = " and ".join(
                f"{name} ({value})" for name, value in self._listening(index, container).hints().items()
            )
            raise UserError(
                f"{error}\nthe address or the port is fixed in the program: let it listen on {here}"
            ) from None
        self._warn_of_open_ports(child, index, container)
        return child

    def _listening(self, index: int, container: Container) -> Listening:
        return Listening.of(container, self._service.tasks[index])

    def _warn_of_open_ports(self, child: Child, index: int, container: Container) -> None:
        """Log a warning when the task listens on every interface: other machines could reach it."""
        ports = _open_ports(child.pid)
        self._open_ports[self._child_name(index, container)] = ports
        if ports:
            line = f"{_open_to_all(ports)}: bind to HOST, {self._service.tasks[index].address}"
            self._run_context.logs.write(self._log_name(index, container), f"[cachetwin] {line}")

    def _command(self, index: int, container: Container) -> Command:
        own = {name: self._run_context.secrets.text(value) for name, value in container.environment.items()}
        regional: Mapping[str, str] = {
            "AWS_REGION": self._region,
            "AWS_DEFAULT_REGION": self._region,
            **aws_environment(self._run_context, self._aws_api, self.name),
        }
        if container.image.in_place:
            ca_environment = self._run_context.local_ca.environment()
            return own_process_command(container, self._service.tasks[index], {**regional, **own}, ca_environment)
        prepared = self._prepared[index, container.name]
        return prepare_command(
            container,
            prepared,
            self._service.tasks[index],
            {**regional, **own},
            self._run_context.local_ca.environment(),
        )

    def _groups_of(self, container: Container) -> list[TargetGroup]:
        return [g for g in self._groups if any(target.container_name == container.name for target in g.targets)]


def _asset(container: Container) -> str:
    """The name in the assembly of the folder that the container's image is made of."""
    return PurePath(container.image.directory or "").name


def _health_purpose(name: str) -> str:
    return f"checking the health of {name}"


def _in_order(containers: tuple[Container, ...]) -> list[Container]:
    """The containers, each after those it depends on. A cycle, which the service refuses, keeps the given order."""
    left, ordered = list(containers), list[Container]()
    while left:
        names = {container.name for container in left}
        free = [c for c in left if not names & {dependency.container_name for dependency in c.depends_on}] or left[:1]
        ordered += free
        left = [container for container in left if container not in free]
    return ordered


def _awaited_end(container: Container, among: tuple[Container, ...]) -> set[str]:
    """COMPLETE, SUCCESS or both, where others wait until `container` has ended."""
    conditions = {
        dependency.condition
        for other in among
        for dependency in other.depends_on
        if dependency.container_name == container.name
    }
    return conditions & {"COMPLETE", "SUCCESS"}


async def _healthy(group: TargetGroup, task_address: TaskAddress, container: Container) -> bool:
    check = group.health_check
    port = _health_port(group, task_address, container)
    return await check_health(
        task_address.address, port, check.path, check.matcher, check.timeout_s, tls=check.protocol == "HTTPS"
    )


def _health_port(group: TargetGroup, task_address: TaskAddress, container: Container) -> int:
    ports = [target.container_port for target in group.targets if target.container_name == container.name]
    port = group.health_check.port or ports[0]
    return task_address.ports.get(port, port)


def _health_url(group: TargetGroup, task_address: TaskAddress, container: Container) -> str:
    check = group.health_check
    port = _health_port(group, task_address, container)
    return f"{check.protocol.lower()}://{task_address.address}:{port}{check.path} with {check.matcher}"


def _open_to_all(ports: Sequence[int]) -> str:
    return f"listens on every interface (port {', '.join(map(str, ports))})"


def _open_ports(pid: int) -> list[int]:
    """The ports that the process or its children listen on at every interface."""
    ports: set[int] = set()
    try:
        process = psutil.Process(pid)
        for each in [process, *process.children(recursive=True)]:
            for connection in each.net_connections("tcp"):
                if connection.status == psutil.CONN_LISTEN and connection.laddr.ip in {"0.0.0.0", "::"}:  # noqa: S104  (compared, not opened)
                    ports.add(connection.laddr.port)
    except psutil.Error:
        return []  # gone already, or not ours to look into: there is nothing to warn of
    return sorted(ports)


async def _passes(check: HealthCheck, command: Command) -> bool:
    kind, *words = check.command
    argv = ("/bin/sh", "-c", " ".join(words)) if kind == "CMD-SHELL" else ("/usr/bin/env", *words)
    try:
        code, _lines = await run(Command(argv, command.cwd, command.environment), check.timeout_s)
    except TimeoutError:
        return False
    return code == 0
