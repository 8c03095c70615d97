"""An HTTP or REST API: its listening socket and its state. The traffic is in a process of its own."""

import socket

from cachetwin_local.supervise.data_plane.process import DataPlaneProcess
from cachetwin_local.supervise.data_plane.program import Report
from cachetwin_local.supervise.function.sockets import function_socket
from cachetwin_local.supervise.process.sockets import listen
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.topology.aws_api import AWS_API
from cachetwin_local.topology.principals import api_caller
from cachetwin_local.topology.values import HttpApi, Topology

from .settings import HttpApiSettings

__all__ = ["HttpApiActor"]

_PROGRAM = "cachetwin_local.supervise.api"


class HttpApiActor:
    """One API. It is ready when it answers, after the functions behind it."""

    def __init__(self, run_context: RunContext, api: HttpApi, topology: Topology) -> None:
        self.name = api.identity.key
        self.kind = f"{api.kind} API"
        self.depends_on = frozenset({*api.depends_on, *((AWS_API,) if api.aws_roles else ())})
        self._run_context = run_context
        self._api = api
        self._account = topology.account
        self._aws_url = topology.aws_api.url if topology.aws_api is not None else ""
        self._functions = {key: str(function_socket(run_context.directory, key)) for key in api.depends_on}
        self._socket: socket.socket | None = None
        self._process = DataPlaneProcess(
            run_context, self.name, self.kind, "traffic", program=_PROGRAM, on_report=self._take
        )

    @property
    def detail(self) -> str:
        """Where it answers."""
        return f"http://{self._api.endpoint.address}:{self._api.endpoint.port}"

    def open(self) -> None:
        """Open the listening socket."""
        endpoint = self._api.endpoint
        self._socket = listen(endpoint.address, endpoint.port, f"{self.name} ({self.kind})")

    async def prepare(self) -> None:
        """Start the process, which waits for the functions."""
        await self._process.prepare([self._socket] if self._socket is not None else [])

    async def start(self) -> None:
        """Return when it answers."""
        if self._socket is None:
            raise RuntimeError(f"{self.name} has no socket")
        await self._process.start(self._settings(self._socket.fileno()))
        self._run_context.clock.on_move(self._clock_moved)

    async def stop(self) -> None:
        """Close the socket, then stop the process, which lets requests end."""
        self._run_context.clock.forget(self._clock_moved)
        if self._socket is not None:
            self._socket.close()
        await self._process.stop()

    def _settings(self, descriptor: int) -> HttpApiSettings:
        identities = self._run_context.identities
        roles = {role: identities.credentials(api_caller(self.name, role)) for role in self._api.aws_roles}
        return HttpApiSettings(
            self._api,
            self._account,
            descriptor,
            self._functions,
            tuple(identities.all()),
            self._aws_url,
            {role: credentials for role, credentials in roles.items() if credentials is not None},
            self._run_context.clock.ahead_ms,
        )

    async def _clock_moved(self) -> None:
        if self._socket is not None:
            self._process.update(self._settings(self._socket.fileno()))

    def _take(self, report: Report) -> None:
        self._run_context.metrics.add(self.name, report.counts, report.levels)
