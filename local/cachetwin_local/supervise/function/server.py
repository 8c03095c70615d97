"""What runs in the process of a function: the Invoke API on a unix socket, its URL, and its environments.

``POST /2015-03-31/functions/NAME/invocations`` is Lambda's Invoke, with its headers: X-Amz-Invocation-Type (Event,
RequestResponse, DryRun), X-Amz-Client-Context, X-Amz-Log-Type. Only this machine's user can open the socket.
"""

import asyncio
import base64
import json
import re
import secrets
import socket
import sys
import time
import uuid
from collections import Counter
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qs, unquote

from cachetwin_local.supervise.data_plane.program import Report
from cachetwin_local.supervise.http.client import HttpClient
from cachetwin_local.supervise.http.server import HttpConnection, HttpRequest, HttpResponse, HttpSettings

from .asynchronous import AsyncQueue
from .changes import Changes
from .environment import EnvironmentCommand
from .invocation import ASYNC_PAYLOAD_MAX, PAYLOAD_MAX, Invocation, Result, Throttled
from .log_lines import LogLines
from .pool import Pool
from .settings import INITIALISES, FunctionSettings
from .url import FunctionUrlFront

__all__ = ["FunctionServer"]

_INVOKE: Final = re.compile(r"/2015-03-31/functions/([^/]+)/invocations")
_IDLE_S: Final = 3600.0  # callers keep their connections
_SEND_S: Final = 30.0
_JSON: Final = ("Content-Type", "application/json")
_QUIET_LEVELS: Final = frozenset({"WARN"})


class FunctionServer:
    """One function."""

    def __init__(self, settings: FunctionSettings) -> None:
        self.changed = asyncio.Event()
        self._settings = settings
        function = settings.function
        self._arn = function.identity.arn
        shown = function.log_format == "Text" or (function.system_log_level or "INFO") not in _QUIET_LEVELS
        self._lines = LogLines(function.log_format, settings.runtime_version, function.memory_mb, shown)
        self._counts: Counter[str] = Counter()
        self._pool = Pool(
            _command(settings),
            settings.limits,
            self._lines,
            reserved=function.reserved_concurrency,
            write=_write,
            count=self._count,
        )
        self._queue = AsyncQueue(function.asynchronous, self._run_once, self._send, _write)
        too_large = _error(413, "RequestTooLargeException", f"Request must be smaller than {PAYLOAD_MAX} bytes")
        self._http = HttpSettings(self._handle, PAYLOAD_MAX, too_large, _IDLE_S)
        self._url = FunctionUrlFront(settings, self._invoke) if function.url is not None else None
        self._changes = Changes(settings.watched)
        self._servers: list[asyncio.Server] = []
        self._destinations: dict[str, HttpClient] = {}

    async def start(self) -> None:
        """Listen on the socket, and at the URL."""
        await self._changes.look()
        loop = asyncio.get_running_loop()
        listener = socket.socket(fileno=self._settings.invoke_descriptor)
        self._servers.append(await loop.create_unix_server(lambda: HttpConnection(self._http), sock=listener))
        if self._url is not None and self._settings.url_descriptor is not None:
            front, at = self._url.settings, socket.socket(fileno=self._settings.url_descriptor)
            self._servers.append(await loop.create_server(lambda: HttpConnection(front), sock=at))

    async def run(self) -> None:
        """Watch the code, and end environments that are idle."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._pool.reap())
            tasks.create_task(self._changes.watch(self._renew))

    async def stop(self) -> None:
        """Accept nothing more, and end every environment."""
        for server in self._servers:
            server.close()
        await self._queue.close()
        await self._pool.close()
        for client in self._destinations.values():
            await client.close()
        connections = [*self._http.connections, *(self._url.settings.connections if self._url else ())]
        for connection in connections:
            connection.abort()

    def update(self, settings: object) -> None:
        """Run environments as these settings say from now on: with a debugger, or without."""
        if isinstance(settings, FunctionSettings):
            self._settings = settings
            self._pool.become(_command(settings), settings.limits)

    def report(self) -> Report:
        """Invocations since the last report by CloudWatch's names, and the environments that there are."""
        counts, self._counts = self._counts, Counter()
        levels = {"ConcurrentExecutions": self._pool.active, "Environments": self._pool.size}
        initialises = self._pool.initialises
        return Report(counts, levels, {} if initialises is None else {INITIALISES: initialises})

    async def _run_current(self, invocation: Invocation) -> tuple[Result, str]:
        """Run the function as its files are now. Raises Throttled."""
        if await self._changes.look():
            await self._renew()
        return await self._pool.invoke(invocation)

    async def _renew(self) -> None:
        _write("[cachetwin] the code has changed: the next event runs in a fresh environment")
        await self._pool.renew()

    async def _handle(self, request: HttpRequest) -> HttpResponse:
        match = _INVOKE.fullmatch(request.path)
        if match is None or request.method != "POST":
            return _error(404, "ResourceNotFoundException", f"no such path: {request.method} {request.path}")
        named = unquote(match[1])
        qualifier = next(iter(parse_qs(request.query).get("Qualifier", [])), "") or _qualifier_in(named)
        if qualifier and qualifier != "$LATEST" and qualifier not in self._settings.function.qualifiers:
            return _error(404, "ResourceNotFoundException", f"Function not found: {self._arn}:{qualifier}")
        if request.body and not _is_json(request.body):
            return _error(
                400, "InvalidRequestContentException", "Could not parse request body into json: it must be JSON"
            )
        invocation = self._invocation(request, qualifier)
        kind = request.header("x-amz-invocation-type") or "RequestResponse"
        if kind == "DryRun":
            return HttpResponse(204)
        if kind == "Event":
            return self._accept(invocation)
        return await self._respond(invocation, with_log=request.header("x-amz-log-type") == "Tail")

    def _invocation(self, request: HttpRequest, qualifier: str) -> Invocation:
        return Invocation(
            request_id=str(uuid.uuid4()),
            payload=request.body or b"{}",
            function_arn=f"{self._arn}:{qualifier}" if qualifier and qualifier != "$LATEST" else self._arn,
            trace_id=self._trace(request.header("x-amzn-trace-id")),
            client_context=_client_context(request.header("x-amz-client-context") or ""),
        )

    def _trace(self, given: str | None) -> str:
        """The caller's trace, or one of its own; sampled where the function traces.

        What is no text ends a runtime that reads it.
        """
        sampled = "1" if self._settings.function.traced else "0"
        if given and "Root=" in given and given.isascii() and given.isprintable():
            return given if "Sampled=" in given else f"{given};Sampled={sampled}"
        root = f"1-{int(time.time()):08x}-{secrets.token_hex(12)}"
        return f"Root={root};Parent={secrets.token_hex(8)};Sampled={sampled}"

    def _accept(self, invocation: Invocation) -> HttpResponse:
        if len(invocation.payload) > ASYNC_PAYLOAD_MAX:
            message = f"{len(invocation.payload)} byte payload is too large for the Event invocation type (limit "
            return _error(413, "RequestTooLargeException", f"{message}{ASYNC_PAYLOAD_MAX} bytes)")
        if not self._queue.put(invocation):
            return _error(429, "TooManyRequestsException", "Rate Exceeded.")
        return HttpResponse(202, (("X-Amzn-RequestId", invocation.request_id),))

    async def _respond(self, invocation: Invocation, *, with_log: bool) -> HttpResponse:
        try:
            result, stream = await self._run_current(invocation)
        except Throttled as throttled:
            body = {"Reason": throttled.reason, "Type": "User", "message": "Rate Exceeded."}
            return HttpResponse(
                429, (_JSON, ("X-Amzn-ErrorType", "TooManyRequestsException")), json.dumps(body).encode()
            )
        headers = [_JSON, ("X-Amzn-RequestId", invocation.request_id), ("X-Amz-Executed-Version", "$LATEST")]
        if result.failed:
            headers.append(("X-Amz-Function-Error", "Unhandled"))
        if with_log:
            headers.append(("X-Amz-Log-Result", base64.b64encode(f"log stream {stream}".encode()).decode()))
        return HttpResponse(200, tuple(headers), result.payload)

    async def _invoke(self, payload: bytes, qualifier: str, trace_id: str) -> Result:
        """For the function's URL. Raises Throttled."""
        arn = f"{self._arn}:{qualifier}" if qualifier else self._arn
        result, _stream = await self._run_current(Invocation(str(uuid.uuid4()), payload, arn, self._trace(trace_id)))
        return result

    async def _run_once(self, invocation: Invocation) -> Result:
        result, _stream = await self._run_current(invocation)
        return result

    async def _send(self, arn: str, record: bytes, attributes: Mapping[str, str]) -> None:
        """Deliver a record to a destination, with the function's role. Raises OSError and others where it cannot be."""
        if self._settings.aws_socket is None:
            raise OSError("nothing here delivers it")
        client = self._destinations.setdefault(arn, HttpClient(self._settings.aws_socket))
        document = {
            "arn": arn,
            "payload": record.decode("utf-8", "replace"),
            "attributes": attributes,
            "source": self._arn,
            "role": self._settings.function.role,
        }
        reply = await client.post("/deliver", {}, json.dumps(document).encode(), _SEND_S)
        if reply.status != 200:
            raise OSError(reply.body.decode("utf-8", "replace"))

    def _count(self, name: str, amount: int) -> None:
        self._counts[name] += amount


def _qualifier_in(name: str) -> str:
    """The qualifier in ``name:alias`` or at the end of an ARN."""
    if name.startswith("arn:"):
        return name.split(":")[7] if name.count(":") > 6 else ""
    return name.partition(":")[2]


def _client_context(encoded: str) -> str:
    """The context of an application, in ASCII and one line: a field of a head, which runtimes read as UTF-8."""
    try:
        text = base64.b64decode(encoded).decode()
    except ValueError:
        return ""
    try:
        return json.dumps(json.loads(text)) if text else ""
    except (ValueError, RecursionError):
        return text.encode("ascii", "replace").decode()  # the runtime says that it is no JSON


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True


def _error(status: int, kind: str, message: str) -> HttpResponse:
    body = json.dumps({"Type": "User", "message": message}).encode()
    return HttpResponse(status, (_JSON, ("X-Amzn-ErrorType", kind)), body)


def _write(line: str) -> None:
    """A line of the function's log: the supervisor reads this process's output."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _command(settings: FunctionSettings) -> EnvironmentCommand:
    return EnvironmentCommand(
        settings.argv,
        settings.working_directory,
        settings.variables,
        settings.temporary,
        settings.function.timeout_s,
        settings.function.memory_mb,
        settings.limits.frozen,
    )
