"""The supervisor's side of a data plane process: starts it, gives it its settings and sockets, reads its reports.

The listening sockets stay the supervisor's. A process that ends is started again with the same ones, so clients see
dropped connections, and for a moment a slow answer, never a refused connection.
"""

import asyncio
import contextlib
import json
import pickle
import socket
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.background import BackgroundTasks
from cachetwin_local.supervise.data_plane.program import LENGTH, Report
from cachetwin_local.supervise.health import HealthWatch
from cachetwin_local.supervise.process.child import Child, Command
from cachetwin_local.supervise.process.python_environment import python_environment
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.supervise.restarter import Restarter, wait_until_running

__all__ = ["DataPlaneProcess"]

_START_DEADLINE_S = 30.0
_STOP_DEADLINE_S = 8.0
_DELAYS_S = (0.2, 4.0)  # clients wait in the listening socket meanwhile
_SILENCE_MAX_S = 5.0  # it reports every second
_LAST_REPORT_S = 1.0
_LINE_BYTES_MAX = 1_048_576


@dataclass(slots=True)
class _Launched:
    """A process that waits for its settings, and the supervisor's end of its channel."""

    child: Child
    channel: socket.socket


class DataPlaneProcess:
    """The process `name` of the actor `actor`: the module `program` with `settings`, which are pickled.

    `sockets` are the listening sockets that `settings` names by their descriptors. `on_report` gets each report.
    A process that is started again gets the `settings` of then.
    """

    def __init__(
        self,
        run_context: RunContext,
        actor: str,
        kind: str,
        name: str,
        *,
        program: str,
        on_report: Callable[[Report], None] = lambda _report: None,
    ) -> None:
        self._run_context = run_context
        self._actor = actor
        self._kind = kind
        self._name = f"{actor}/{name}"
        self._program = program
        self._on_report = on_report
        self.settings: object = None
        self._sockets: tuple[socket.socket, ...] = ()
        self._prepared: _Launched | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._heard_s = 0.0
        self._read_all = asyncio.Event()
        self._read_all.set()
        self._tasks = BackgroundTasks(run_context, actor, kind)
        self._restarter = Restarter(
            run_context,
            actor,
            kind,
            self._name,
            self._start_process,
            stop_deadline_s=_STOP_DEADLINE_S,
            delays_s=_DELAYS_S,
        )

    async def prepare(self, sockets: Sequence[socket.socket]) -> None:
        """Start the process ahead of its work: it waits for its settings."""
        self._sockets = tuple(sockets)
        self._prepared = await self._launch()

    async def start(self, settings: object) -> None:
        """Return when it serves."""
        self.settings = settings
        await self._restarter.start()
        watch = HealthWatch(self._run_context, self._actor, self._kind, self._hear, part=f"{self._name} health")
        self._tasks.start("checking the health", watch.watch)

    def update(self, settings: object) -> None:
        """Let it serve with other settings, which name the same sockets; its server must be one that can (`Updating`)."""
        self.settings = settings
        if self._writer is not None and not self._writer.is_closing():
            _send(self._writer, settings)

    async def stop(self) -> None:
        """Stop it, and take its last report. The listening sockets are the caller's."""
        if self._prepared is not None:  # it waits for settings that will not come, and ends when the channel does
            self._prepared.channel.close()
        await self._restarter.stop()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._read_all.wait(), _LAST_REPORT_S)
        await self._tasks.stop()
        if self._writer is not None:
            self._writer.close()

    async def _launch(self) -> _Launched:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with theirs:
            descriptor = theirs.fileno()
            command = Command(
                argv=(sys.executable, "-P", "-m", self._program, str(descriptor)),
                cwd=self._run_context.directory,
                environment=python_environment(),
                pass_fds=(descriptor, *(sock.fileno() for sock in self._sockets)),
                hosts=self._run_context.host_names.file,  # what a function finds, which is a child of this
            )
            child = await self._run_context.start_child(self._name, command, self._actor)
        return _Launched(child, ours)

    async def _start_process(self) -> Child:
        launched, self._prepared = self._prepared, None
        if launched is None or not launched.child.running:
            launched = await self._launch()
        reader, self._writer = await asyncio.open_connection(sock=launched.channel, limit=_LINE_BYTES_MAX)
        serving = asyncio.Event()
        writer = self._writer
        self._tasks.start("reading the reports", lambda: self._read(reader, writer, serving))
        _send(writer, self.settings)

        async def serves() -> bool:
            return serving.is_set()

        await wait_until_running(self._run_context, self._actor, launched.child, serves, _START_DEADLINE_S)
        return launched.child

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, serving: asyncio.Event) -> None:
        """Read what the process sends until it ends."""
        self._read_all.clear()
        try:
            while line := await reader.readline():
                self._heard_s = asyncio.get_running_loop().time()
                message = json.loads(line)
                if message["event"] == "serving":
                    serving.set()
                else:
                    self._on_report(
                        Report(Counter(message["counts"]), message["levels"], message["health"], message["draining"])
                    )
        except ConnectionError:
            pass  # it was killed, which its owner sees
        finally:
            self._read_all.set()
            writer.close()

    async def _hear(self) -> None:
        """Raise UserError when the process has been silent for too long."""
        silence_s = asyncio.get_running_loop().time() - self._heard_s
        if silence_s > _SILENCE_MAX_S:
            raise UserError(f"has been silent for {silence_s:.0f} s")


def _send(writer: asyncio.StreamWriter, settings: object) -> None:
    content = pickle.dumps(settings)
    writer.write(LENGTH.pack(len(content)) + content)
