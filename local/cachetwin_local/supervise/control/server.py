"""The supervisor's control socket: a unix socket of its own user, JSON lines, for `status`, `logs` and `down`.

A connection carries one request: ``{"op": "status"}`` is answered by one line; ``{"op": "logs", "names": [], "lines":
100, "follow": true}`` by a line for each line of log; ``{"op": "events", "lines": 100, "follow": true}`` by one for each
event of the service; ``{"op": "down"}`` by the events of stopping, until the supervisor closes the connection. The
operations on caches (`supervise.cache.operations`) are answered by one line when they are done; those that take long send
lines with ``progress`` before, and go on when the connection is closed.
"""

import asyncio
import contextlib
import json
import socket
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from cachetwin_local.supervise.background import describe
from cachetwin_local.supervise.events import Event, to_json
from cachetwin_local.supervise.project.logs import Logs, name_matches
from cachetwin_local.supervise.project.service_events import ServiceEvents

__all__ = ["ControlServer"]

_REQUEST_BYTES_MAX = 65_536
_REQUEST_S = 5.0
_LINES_MAX = 10_000

Document = dict[str, object]
LongOperation = Callable[[Document, Callable[[str], None]], Coroutine[Any, Any, Document]]


class ControlServer:
    """Serves on the unix socket `path`.

    `status` returns the status, `stop` begins to stop everything, `operations` are carried out by name, and so are
    `long_operations`, which get a function for lines about their progress.
    """

    def __init__(
        self,
        path: Path,
        logs: Logs,
        service_events: ServiceEvents,
        *,
        status: Callable[[], Document],
        stop: Callable[[], None],
        operations: Mapping[str, Callable[[Document], Awaitable[Document]]],
        long_operations: Mapping[str, LongOperation] = MappingProxyType({}),
    ) -> None:
        self.path = path
        self._log_store = logs
        self._status = status
        self._stop = stop
        self._service_events = service_events
        self._operations = operations
        self._long_operations = long_operations
        self._performing: set[asyncio.Task[Document]] = set()
        self._server: asyncio.Server | None = None
        self._watchers: set[asyncio.Queue[Event | None]] = set()
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Begin to listen; the socket is its owner's alone."""
        self.path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(self.path))
        self.path.chmod(0o600)  # before listen: nobody could have connected
        self._server = await asyncio.start_unix_server(self._accept, sock=listener, limit=_REQUEST_BYTES_MAX)

    def publish(self, event: Event) -> None:
        """Send `event` to every connection that waits for the supervisor to stop."""
        for queue in self._watchers:
            queue.put_nowait(event)

    async def close(self) -> None:
        """Send the last events to those who wait for them, then close."""
        for queue in self._watchers:
            queue.put_nowait(None)
        if self._server is not None:
            self._server.close()
        for operation in self._performing:
            operation.cancel()
        if self._connections:
            _done, late = await asyncio.wait(self._connections, timeout=1)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        self.path.unlink(missing_ok=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, TimeoutError):
            async for document in self._answers_or_error(await self._request(reader)):
                writer.write(json.dumps(document).encode() + b"\n")
                await writer.drain()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    async def _request(self, reader: asyncio.StreamReader) -> Document:
        """The request; without an operation when it cannot be read. Raises OSError and TimeoutError."""
        try:
            async with asyncio.timeout(_REQUEST_S):
                request = json.loads(await reader.readline())
        except ValueError:
            return {}
        return request if isinstance(request, dict) else {}

    async def _answers_or_error(self, request: Document) -> AsyncIterator[Document]:
        """The answers; an operation that fails for a reason of ours is answered too, and logged with its traceback."""
        try:
            async for document in self._answers(request):
                yield document
        except Exception as error:  # noqa: BLE001  (whatever it is, nobody may wait for it)
            self._log_store.write("supervisor", f"{request.get('op')}\n{traceback.format_exc()}")
            yield {"error": f"{request.get('op')} failed: {describe(error)}; the supervisor's log says where"}

    async def _answers(self, request: Document) -> AsyncIterator[Document]:
        match request.get("op"):
            case "status":
                yield self._status()
            case "logs":
                async for document in self._log_lines(request):
                    yield document
            case "down":
                with self._watch() as queue:
                    self._stop()
                    while (event := await queue.get()) is not None:
                        yield to_json(event)
            case "events":
                async for document in self._events(request):
                    yield document
            case str(op) if op in self._operations:
                yield await self._operations[op](request)
            case str(op) if op in self._long_operations:
                async for document in self._perform(self._long_operations[op], request):
                    yield document
            case op:
                known = ", ".join(["status", "logs", "events", "down", *self._operations, *self._long_operations])
                yield {"error": f"op must be one of {known}, got {op!r}"}

    async def _perform(self, operation: LongOperation, request: Document) -> AsyncIterator[Document]:
        """The progress of an operation, then its answer."""
        lines: asyncio.Queue[str | None] = asyncio.Queue()
        task = asyncio.create_task(operation(request, lines.put_nowait))
        self._performing.add(task)
        task.add_done_callback(self._performing.discard)
        task.add_done_callback(lambda _task: lines.put_nowait(None))
        while (line := await lines.get()) is not None:
            yield {"progress": line}
        yield await task

    async def _log_lines(self, request: Document) -> AsyncIterator[Document]:
        given = request.get("names")
        names = frozenset(str(name) for name in given) if isinstance(given, list) else frozenset[str]()
        count = request.get("lines")
        with self._log_store.follow() as queue:
            lines = self._log_store.recent(names, min(count, _LINES_MAX) if isinstance(count, int) else 100)
            for entry in lines:
                yield {"name": entry.name, "line": entry.line}
            while request.get("follow"):
                entry = await queue.get()
                if name_matches(entry.name, names):
                    yield {"name": entry.name, "line": entry.line}

    async def _events(self, request: Document) -> AsyncIterator[Document]:
        count = request.get("lines")
        with self._service_events.follow() as queue:
            for event in self._service_events.recent(min(count, _LINES_MAX) if isinstance(count, int) else 100):
                yield event.document()
            while request.get("follow"):
                yield (await queue.get()).document()

    @contextlib.contextmanager
    def _watch(self) -> Iterator[asyncio.Queue[Event | None]]:
        queue: asyncio.Queue[Event | None] = asyncio.Queue()
        self._watchers.add(queue)
        try:
            yield queue
        finally:
            self._watchers.discard(queue)
