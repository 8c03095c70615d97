"""A Lambda function: its sockets, its code and its packages. Its environments are in a process of its own."""

import asyncio
import socket
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import Final

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.aws_api.actor import aws_environment, private_socket
from cachetwin_local.supervise.data_plane.process import DataPlaneProcess
from cachetwin_local.supervise.data_plane.program import Report
from cachetwin_local.supervise.debugging.debugger import debug_folder, with_debugger
from cachetwin_local.supervise.process.private_file import make_private_directory
from cachetwin_local.supervise.process.sockets import listen
from cachetwin_local.supervise.project.run_context import RunContext, slug
from cachetwin_local.supervise.reload import FolderChange
from cachetwin_local.supervise.service.live_files import refuse_syntax_errors
from cachetwin_local.supervise.service.virtual_environment import VirtualEnvironments
from cachetwin_local.topology.aws_api import AWS_API
from cachetwin_local.topology.values import Function, Topology

from .runtime.code import PreparedCode, prepare_code
from .runtime.command import Runtime, node_runtime, python_runtime
from .settings import INITIALISES, EnvironmentLimits, FunctionSettings
from .sockets import function_socket, listen_for_calls

__all__ = ["FunctionActor"]

_DEBUGGED_S: Final = 3600
"""How long an event may take, and an environment be idle, where a debugger may attach."""
_DEBUGGER_MB: Final = 512
"""What a debugger may use in the function's process beside the function's memory."""
_PROGRAM = "cachetwin_local.supervise.function"
_PACKAGE_FILES = frozenset({"requirements.txt", "package.json"})
_HOW_TO_INSTALL = "; its packages are those of the start: `cachetwin apply` installs the new ones"


class FunctionActor:
    """One function. It is ready when it can be called; its first environment starts with its first event."""

    kind = "function"

    def __init__(
        self, run_context: RunContext, function: Function, topology: Topology, environments: VirtualEnvironments
    ) -> None:
        self.name = function.identity.key
        self.names = function.identity.names
        self.depends_on = frozenset({*function.depends_on, AWS_API})
        self._run_context = run_context
        self._function = function
        self._account = topology.account
        self._aws_api = topology.aws_api
        self._environments = environments
        self._folder = run_context.directory / "functions" / slug(self.name)
        self._invoke_socket: socket.socket | None = None
        self._url_socket: socket.socket | None = None
        self._code: PreparedCode | None = None
        self._runtime: Runtime | None = None
        self._initialises = True
        self._debug_port: int | None = None
        self._process = DataPlaneProcess(
            run_context, self.name, self.kind, "environments", program=_PROGRAM, on_report=self._take
        )

    @property
    def detail(self) -> str:
        """Its runtime, and the URL if it has one."""
        url = self._function.url
        at = f", http://{url.endpoint.address}:{url.endpoint.port}" if url else ""
        return f"{self._runtime.version if self._runtime else self._function.runtime}{at}"

    @property
    def assets(self) -> frozenset[str]:
        """The name of its code in the assembly, where it runs from the project's own folder."""
        path = self._function.code.path
        return frozenset({PurePath(path).name}) if path and self._code is not None and self._code.live else frozenset()

    async def reload(self, changes: Sequence[FolderChange]) -> str:
        """The next event runs the changed code, which the process watches itself; packages are installed by `apply`."""
        await asyncio.to_thread(refuse_syntax_errors, changes)
        packages = any(path.name in _PACKAGE_FILES for change in changes for path in change.files)
        return f"{self.name} runs it with the next event" + (_HOW_TO_INSTALL if packages else "")

    def open(self) -> None:
        """Open the socket for calls, and that of its URL."""
        self._invoke_socket = listen_for_calls(function_socket(self._run_context.directory, self.name))
        url = self._function.url
        if url is not None:
            self._url_socket = listen(url.endpoint.address, url.endpoint.port, f"{self.name} (function URL)")

    async def prepare(self) -> None:
        """Find the code, install the packages, start the process."""
        make_private_directory(self._folder)
        self._code = await asyncio.to_thread(
            prepare_code, self._function, self._run_context.assembly, self._folder / "code"
        )
        if self._function.runtime.startswith("python"):
            self._runtime = await python_runtime(self._function, self._code, self._environments, self._write)
        else:
            self._runtime = node_runtime(self._function, self._code)
        await self._process.prepare([sock for sock in (self._invoke_socket, self._url_socket) if sock is not None])

    async def start(self) -> None:
        """Return when it can be called."""
        if self._code is None or self._runtime is None or self._invoke_socket is None:
            raise RuntimeError(f"{self.name} was not prepared")
        await self._process.start(self._settings(self._code, self._runtime, self._invoke_socket))

    def _settings(self, code: PreparedCode, runtime: Runtime, invoke_socket: socket.socket) -> FunctionSettings:
        debugged, variables = self._debug_port is not None, self._variables(code, runtime)
        if self._debug_port is not None:
            variables = with_debugger(variables, self._debug_port, debug_folder(self._run_context.directory))
        return FunctionSettings(
            function=self._debugged_function() if debugged else self._function,
            argv=runtime.argv,
            working_directory=code.root,
            variables=variables,
            runtime_version=runtime.version,
            watched=tuple(dict.fromkeys((code.root, *code.layers))),
            temporary=make_private_directory(self._folder / "tmp"),
            invoke_descriptor=invoke_socket.fileno(),
            url_descriptor=None if self._url_socket is None else self._url_socket.fileno(),
            aws_socket=None if self._aws_api is None else str(private_socket(self._run_context.directory)),
            account=self._account,
            limits=EnvironmentLimits(environments_max=1, idle_s=_DEBUGGED_S) if debugged else EnvironmentLimits(),
            callers=tuple(self._run_context.identities.all()),
        )

    def _debugged_function(self) -> Function:
        memory_mb = self._function.memory_mb + _DEBUGGER_MB
        return replace(self._function, timeout_s=_DEBUGGED_S, memory_mb=memory_mb)

    @property
    def language(self) -> str:
        """What its code is written in, for a debugger."""
        return "node" if self._function.runtime.startswith("nodejs") else "python"

    @property
    def debug_port(self) -> int | None:
        """Where a debugger may attach; None where none may."""
        return self._debug_port

    async def debug(self, port: int | None) -> None:
        """Run in environments that let a debugger attach at a port; None for none. Raises UserError."""
        if self._code is None or self._runtime is None or self._invoke_socket is None:
            raise UserError(f"{self.name} does not run")
        self._debug_port = port
        self._process.update(self._settings(self._code, self._runtime, self._invoke_socket))

    async def stop(self) -> None:
        """Close the sockets, then stop the process, which ends the environments."""
        for sock in (self._invoke_socket, self._url_socket):
            if sock is not None:
                sock.close()
        await self._process.stop()
        function_socket(self._run_context.directory, self.name).unlink(missing_ok=True)

    def _variables(self, code: PreparedCode, runtime: Runtime) -> Mapping[str, str]:
        """The variables that Lambda sets, the function's own, and where the CA is."""
        function, region = self._function, self._function.identity.region
        own = {name: self._run_context.secrets.text(value) for name, value in function.environment.items()}
        lambda_ = {
            "LANG": "C.UTF-8",
            "TZ": ":UTC",
            "_HANDLER": function.handler,
            "LAMBDA_TASK_ROOT": str(code.root),
            "LAMBDA_RUNTIME_DIR": str(code.root),
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
            "AWS_LAMBDA_FUNCTION_NAME": function.identity.physical_name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group,
            "AWS_LAMBDA_LOG_FORMAT": function.log_format,
            "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
            **aws_environment(self._run_context, self._aws_api, self.name),
        }
        if function.application_log_level:
            lambda_["AWS_LAMBDA_LOG_LEVEL"] = function.application_log_level
        return {**self._run_context.local_ca.environment(), **own, **lambda_, **runtime.variables}

    def _take(self, report: Report) -> None:
        self._run_context.metrics.add(self.name, report.counts, report.levels)
        initialises = report.health.get(INITIALISES, True)
        if initialises == self._initialises:
            return
        self._initialises = initialises
        detail = self.detail if initialises else "its code does not start: see its log"
        self._run_context.report(self.name, self.kind, INITIALISES, "ready" if initialises else "unhealthy", detail)

    def _write(self, line: str) -> None:
        self._run_context.logs.write(self.name, line)
