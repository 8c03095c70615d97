"""A cache node: one `cachetwin_engine` process behind sockets that stay the supervisor's.

The node starts without users, parameters or endpoints and receives them over its control channel. So no password is in
a command line, an environment or a file, and a node that replaces another gets the same listening socket.
"""

import asyncio
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psutil

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.cache.control_channel import ControlChannel
from cachetwin_local.supervise.cache.node_settings import NodeSettings
from cachetwin_local.supervise.process.child import Child, Command
from cachetwin_local.supervise.process.python_environment import python_environment
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.supervise.restarter import describe_exit, wait_until_running
from cachetwin_local.topology.values import CacheNode, Endpoint

__all__ = ["NodeProcess", "NodeState"]

_METRICS = (
    ("ecpu", "ElastiCacheProcessingUnits"),
    ("throttled", "ThrottledCmds"),
    ("bytes_used", "BytesUsedForCache"),
)
_START_DEADLINE_S = 30.0
_STOP_DEADLINE_S = 10.0
_LOAD_DEADLINE_S = 600.0
_SHUTDOWN_REQUEST_S = 2.0
_PROBE_S = 0.4  # between two questions after the state
_LOOK_S = 0.2  # an answer takes less than a millisecond; after this the process itself is looked at
_SILENT_S = 1.4  # without an answer and without using the processor for so long, a node hangs


@dataclass(frozen=True, slots=True)
class NodeState:
    """A node's part in replication. `link` is the state of a replica's link to its primary, empty for a primary.

    `metrics` are those of a serverless cache, by CloudWatch's names.
    """

    role: str
    offset: int
    link: str
    replicas: int
    clients: int
    metrics: tuple[tuple[str, int], ...] = ()

    @property
    def is_linked(self) -> bool:
        """Whether a replica is in step with its primary."""
        return self.link == "connected"


class NodeProcess:
    """The process of the node `node` of the cache `cache`, from `start` to `stop` or `kill`.

    `on_link_lost` is called when a replica reports that it needs another connection to its primary.
    """

    def __init__(
        self,
        run_context: RunContext,
        cache: str,
        settings: NodeSettings,
        node: CacheNode,
        on_link_lost: Callable[[], None],
    ) -> None:
        self.name = self._log_name = f"{cache}/{node.member_id}"
        self.state: NodeState | None = None
        self._run_context = run_context
        self._cache = cache
        self._settings = settings
        self._node = node
        self._on_link_lost = on_link_lost
        self._channel: ControlChannel | None = None
        self._child: Child | None = None

    @property
    def pid(self) -> int:
        """The process id, 0 where there is no process."""
        return self._child.pid if self._child is not None and self._child.running else 0

    async def start(self) -> None:
        """Start the process and give it its settings; it listens nowhere yet.

        Raises UserError when it ends, or refuses its settings, or takes too long.
        """
        channel = ControlChannel(self._on_event)
        descriptor = channel.inherited.fileno()
        settings = self._settings
        words = (
            "--profile",
            settings.profile,
            "--elasticache",
            "--control-fd",
            str(descriptor),
            "--log-format",
            "json",
        )
        command = Command(
            argv=(*settings.program, *words, *settings.options),
            cwd=self._run_context.data_directory(self._cache),
            environment=python_environment(),
            pass_fds=(descriptor,),
        )
        self._channel = channel
        self._child = child = await self._run_context.start_child(self.name, command, self._log_name)
        configuring = asyncio.create_task(self._configure(channel))
        exited = asyncio.ensure_future(child.exited())
        try:
            await asyncio.wait({configuring, exited}, timeout=_START_DEADLINE_S, return_when=asyncio.FIRST_COMPLETED)
            await wait_until_running(
                self._run_context, self.name, child, lambda: _finished(configuring), _START_DEADLINE_S
            )
        finally:
            configuring.cancel()
            exited.cancel()
            await asyncio.gather(configuring, exited, return_exceptions=True)

    def stand_in(self) -> None:
        """Have a name of its own beside the process that it is to replace."""
        self.name = f"{self._log_name} (new)"

    def take_over(self) -> None:
        """Take the name of the process that it has replaced."""
        self._run_context.rename_child(self.name, self._log_name)
        self.name = self._log_name

    async def ask(self, op: str, *, descriptor: int | None = None, **fields: object) -> dict[str, object]:
        """Send a request over the control channel.

        Raises UserError when the node refuses, an OSError when it is gone or takes too long.
        """
        if self._channel is None:
            raise ConnectionError(f"{self.name} does not run")
        return await self._channel.ask(op, fields, descriptor=descriptor)

    async def load(self, files: Sequence[str]) -> None:
        """Add the keys of snapshot files, before anybody is served. Raises as `ask`."""
        if self._channel is None:
            raise ConnectionError(f"{self.name} does not run")
        await self._channel.ask("load", {"paths": list(files)}, deadline_s=_LOAD_DEADLINE_S)

    async def listen(self, name: str, sock: socket.socket, endpoint: Endpoint) -> None:
        """Accept on `sock` as `name` from now on. Raises as `ask`."""
        await self.ask("listen", descriptor=sock.fileno(), name=name, tls=endpoint.tls)

    async def set_logins(self) -> None:
        """Give it the users and what IAM tokens are checked against. Raises as `ask`."""
        logins = self._settings.logins
        await self.ask("users", users=[] if logins is None else logins.users())
        iam = None if logins is None else logins.iam()
        if iam is not None and self._channel is not None:
            await self._channel.ask("iam", iam)

    async def set_clock(self) -> None:
        """Give it the time, where it is not the machine's. Raises as `ask`."""
        if self._settings.clock.moves:
            await self.ask("clock", moves=self._settings.clock.moves)

    async def ask_state(self) -> NodeState:
        """The node's part in replication now. Raises as `ask`."""
        self.state = _state(await self.ask("state"))
        return self.state

    async def failure(self) -> str:
        """Return, with the reason in words, when the process has exited or hangs."""
        child, channel = self._child, self._channel
        if child is None or channel is None:
            return "does not run"
        exited: asyncio.Future[Any] = asyncio.ensure_future(child.exited())
        try:
            while True:
                await asyncio.wait({exited}, timeout=_PROBE_S)
                reason = (
                    describe_exit(exited.result()) if exited.done() else await self._silence(channel, child, exited)
                )
                if reason:
                    return reason
        finally:
            exited.cancel()

    async def stop(self) -> None:
        """Shut down in order, within a deadline."""
        if self._channel is not None:
            with suppress(OSError, UserError):
                await self._channel.ask("shutdown", deadline_s=_SHUTDOWN_REQUEST_S)
        await self._run_context.stop_child(self.name, _STOP_DEADLINE_S)
        self._close()

    async def kill(self) -> None:
        """End it at once: its connections break, what it sent is still delivered."""
        child = self._child
        if child is not None:
            await child.kill()
            self._run_context.forget(self.name, child)
        self._close()

    async def _silence(self, channel: ControlChannel, child: Child, exited: "asyncio.Future[Any]") -> str:
        """Ask for the state; the reason when the node hangs, empty when it answers.

        A node that works for long (a script, a machine that is short of processors) is not one that hangs: it uses the
        processor or waits for it.
        """
        loop = asyncio.get_running_loop()
        asked: asyncio.Future[Any] = asyncio.create_task(channel.ask("state", deadline_s=None))
        try:
            used, since = _processor_s(child.pid), loop.time()
            while True:
                await asyncio.wait((asked, exited), timeout=_LOOK_S, return_when=asyncio.FIRST_COMPLETED)
                if asked.done():
                    self.state = _state(asked.result())
                    return ""
                if exited.done():
                    return describe_exit(exited.result())
                if _is_stopped(child.pid):
                    return "is stopped and does not answer"
                now_used = _processor_s(child.pid)
                if now_used != used or _waits_for_processor(child.pid):
                    used, since = now_used, loop.time()
                if loop.time() - since > _SILENT_S:
                    return f"does not answer within {_SILENT_S:g} s"
        except (OSError, UserError) as error:
            return str(error)
        finally:
            asked.cancel()
            await asyncio.gather(asked, return_exceptions=True)

    async def _configure(self, channel: ControlChannel) -> None:
        """Send a new node its parameters, users, certificate and place in the cluster."""
        await channel.opened()
        settings = self._settings
        await channel.ask("parameters", {"parameters": settings.parameters_of(self._node)})
        await self.set_clock()
        await self.set_logins()
        if settings.pair is not None:
            certificate, key = str(settings.pair.certificate_file), str(settings.pair.key_file)
            files = {"certificate_file": certificate, "key_file": key, "ca_file": settings.ca_file}
            await channel.ask("tls", files)
        topology = settings.topology(self._node)
        if topology is not None:
            await channel.ask("topology", {"topology": topology})
        self.state = _state(await channel.ask("state"))

    def _on_event(self, message: dict[str, object]) -> None:
        if message.get("event") == "link lost":
            self._on_link_lost()

    def _close(self) -> None:
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        self.state = None


async def _finished(task: asyncio.Task[Any]) -> bool:
    """Whether `task` is done. Raises its failure, unless the node has exited (then the exit code says more)."""
    if not task.done():
        return False
    try:
        task.result()
    except ConnectionError:
        return False
    except OSError as error:
        raise UserError(f"a cache node started but does not answer: {error or 'no answer in time'}") from error
    return True


def _state(answer: Mapping[str, object]) -> NodeState:
    numbers = [value if isinstance(value := answer.get(name), int) else 0 for name in ("offset", "replicas", "clients")]
    metrics = tuple((name, value) for field, name in _METRICS if isinstance(value := answer.get(field), int))
    return NodeState(str(answer.get("role")), numbers[0], str(answer.get("link")), numbers[1], numbers[2], metrics)


def _processor_s(pid: int) -> float:
    """The processor time that a process has used."""
    try:
        used = psutil.Process(pid).cpu_times()
    except psutil.Error:
        return 0.0
    return float(used.user + used.system)


def _is_stopped(pid: int) -> bool:
    return _status(pid) in {psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP}


def _waits_for_processor(pid: int) -> bool:
    return _status(pid) in {psutil.STATUS_RUNNING, psutil.STATUS_DISK_SLEEP}


def _status(pid: int) -> str:
    try:
        return str(psutil.Process(pid).status())
    except psutil.Error:
        return ""
