"""A function that runs in the test: its server on a unix socket, its environments as real processes."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cachetwin_local.supervise.function.runtime import command as runtime_command
from cachetwin_local.supervise.function.server import FunctionServer
from cachetwin_local.supervise.function.settings import EnvironmentLimits, FunctionSettings
from cachetwin_local.supervise.function.sockets import listen_for_calls
from cachetwin_local.supervise.http.client import HttpClient, HttpReply
from cachetwin_local.supervise.http.server import HttpConnection, HttpRequest, HttpResponse, HttpSettings
from cachetwin_local.topology.functions import AsyncInvocation, Function, FunctionCode
from cachetwin_local.topology.identity import Identity

RUNTIME = Path(runtime_command.__file__).parent
ARN = "arn:aws:lambda:us-east-1:000000000000:function:greet"


def make_runtime_client(folder: Path) -> Path:
    """A virtual environment with AWS's runtime client; its Python."""
    tool = [sys.executable, "-m", "uv", "--quiet"]
    subprocess.run([*tool, "venv", "--no-project", "--python", sys.executable, str(folder)], check=True, timeout=60)
    python = folder / "bin" / "python"
    install = [*tool, "pip", "install", "--compile-bytecode", "--python", str(python), "awslambdaric>=3"]
    subprocess.run(install, check=True, timeout=300)
    return python


def function(**changes: object) -> Function:
    identity = Identity("App", "Greet", "AWS::Lambda::Function", "App/Greet", "greet", ARN)
    given: dict[str, Any] = {
        "identity": identity,
        "runtime": "python3.11",
        "handler": "app.handle",
        "code": FunctionCode(),
        "environment": {},
        "role": "arn:aws:iam::000000000000:role/greet",
        "timeout_s": 20,
        "memory_mb": 512,
        "qualifiers": ("live",),
        "asynchronous": AsyncInvocation(),
    }
    return Function(**{**given, **changes})


class RunningFunction:
    """What a test may do with a function that runs."""

    def __init__(self, server: FunctionServer, client: HttpClient, delivered: list[Any]) -> None:
        self.server = server
        self.delivered = delivered
        self._client = client

    async def call(self, event: object = None, name: str = "greet", timeout_s: float = 40, **headers: str) -> HttpReply:
        """The reply of Invoke; the names of headers have hyphens for underscores."""
        target = f"/2015-03-31/functions/{quote(name, safe='')}/invocations"
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        return await self._client.post(target, {k.replace("_", "-"): v for k, v in headers.items()}, body, timeout_s)


def run_function(
    folder: Path,
    argv: tuple[str, ...],
    told: Function,
    use: Callable[[RunningFunction], Awaitable[None]],
    limits: EnvironmentLimits | None = None,
) -> None:
    """Run the function whose environments `argv` starts in `folder`, and `use` it; everything ends in any case."""

    async def main() -> None:
        path = folder.parent / "fn.sock"
        listener = listen_for_calls(path)
        settings = FunctionSettings(
            function=told,
            argv=argv,
            working_directory=folder,
            variables={
                "PATH": "/usr/bin:/bin",
                "PYTHONUNBUFFERED": "1",
                "_HANDLER": told.handler,
                "AWS_LAMBDA_FUNCTION_NAME": "greet",
                "AWS_LAMBDA_LOG_FORMAT": told.log_format,
                "LAMBDA_TASK_ROOT": str(folder),
            },
            runtime_version="python:3.11",
            watched=(folder,),
            temporary=folder.parent / "tmp",
            invoke_descriptor=listener.detach(),
            url_descriptor=None,
            aws_socket=str(folder.parent / "aws.sock"),
            account="000000000000",
            limits=limits or EnvironmentLimits(),
        )
        delivered: list[Any] = []

        async def take(request: HttpRequest) -> HttpResponse:
            delivered.append(json.loads(request.body))
            return HttpResponse(200)

        endpoint = HttpSettings(take, 1_000_000, HttpResponse(413))
        deliveries = await asyncio.get_running_loop().create_unix_server(
            lambda: HttpConnection(endpoint), path=str(folder.parent / "aws.sock")
        )
        server = FunctionServer(settings)
        await server.start()
        background = asyncio.create_task(server.run())
        client = HttpClient(str(path))
        try:
            await use(RunningFunction(server, client, delivered))
        finally:
            background.cancel()
            await asyncio.gather(background, return_exceptions=True)
            await client.close()
            await server.stop()
            deliveries.close()
            for connection in list(endpoint.connections):
                connection.abort()

    asyncio.run(main())


def python_argv(python: Path, folder: Path, handler: str = "app.handle") -> tuple[str, ...]:
    return (str(python), str(RUNTIME / "python_runtime.py"), handler, str(folder), "--", "--no-bytecode")
