"""The inside of a data plane process: its settings come in, its reports go out.

The channel is one end of a socket pair, inherited as a descriptor. The supervisor writes the settings, and later those of
a server that takes others while it serves (`Updating`), as a pickle behind its length: a frozen dataclass of this same
installation, which names the inherited listening sockets by their descriptors. What the process sends is JSON lines,
because the supervisor must not have to trust a process that parses what strangers send: ``{"event": "serving"}`` once, then
a report every second and whenever something changed. The end of the stream means that the supervisor is gone.

A part that fails ends the process: its traceback goes to the log, and the supervisor starts the process again with the
same sockets.
"""

import asyncio
import json
import pickle
import signal
import socket
import struct
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

__all__ = ["LENGTH", "Report", "TrafficServer", "main"]

LENGTH = struct.Struct("!I")
_REPORT_INTERVAL_S = 1.0
_SOON_S = 0.05  # changes within this time share a report


@dataclass(slots=True)
class Report:
    """What a process tells of itself.

    `counts` are the events since the last report and `levels` what is now, both by CloudWatch's names; `health` holds
    for each target whether it is healthy. `draining` are targets that were taken away and have requests yet.
    """

    counts: Counter[str] = field(default_factory=Counter)
    levels: dict[str, int] = field(default_factory=dict)
    health: dict[str, bool] = field(default_factory=dict)
    draining: list[str] = field(default_factory=list)


@runtime_checkable
class Updating(Protocol):
    """A server whose settings can change while it serves."""

    def update(self, settings: object) -> None:
        """Serve with these settings from now on."""


class TrafficServer(Protocol):
    """What runs in the process."""

    changed: asyncio.Event

    async def start(self) -> None:
        """Begin to serve."""

    async def run(self) -> None:
        """Do the background work, until cancelled. What it raises ends the process."""

    async def stop(self) -> None:
        """Accept nothing more, and let what goes on end within a deadline of its own."""

    def report(self) -> Report:
        """What happened since the last report."""


def main(make: Callable[..., TrafficServer]) -> None:
    """Serve what `make` makes of the settings that the channel brings; its descriptor is the program's argument."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    _in_event_loop(lambda: _serve(channel, make))


async def _serve(channel: socket.socket, make: Callable[..., TrafficServer]) -> None:
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    reader, writer = await asyncio.open_connection(sock=channel)
    try:
        settings = await _read_settings(reader)
    except asyncio.IncompleteReadError:
        return  # the supervisor stopped before it had anything to serve
    server = make(settings)
    await server.start()
    writer.write(b'{"event": "serving"}\n')
    tasks = [
        asyncio.create_task(server.run()),
        asyncio.create_task(_report(server, writer)),
        asyncio.create_task(_update(server, reader)),
        asyncio.create_task(stopping.wait()),
    ]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.stop()
        _send(server, writer)
        writer.close()


async def _read_settings(reader: asyncio.StreamReader) -> object:
    """The next settings. Raises IncompleteReadError at the end of the stream."""
    (size,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
    return pickle.loads(await reader.readexactly(size))  # noqa: S301  (only the supervisor holds the other end)


async def _update(server: TrafficServer, reader: asyncio.StreamReader) -> None:
    """Give the server what the supervisor sends, until it is gone."""
    while True:
        try:
            settings = await _read_settings(reader)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        if isinstance(server, Updating):
            server.update(settings)


async def _report(server: TrafficServer, writer: asyncio.StreamWriter) -> None:
    while True:
        server.changed.clear()
        _send(server, writer)
        await writer.drain()
        try:
            async with asyncio.timeout(_REPORT_INTERVAL_S):
                await server.changed.wait()
            await asyncio.sleep(_SOON_S)
        except TimeoutError:
            pass


def _send(server: TrafficServer, writer: asyncio.StreamWriter) -> None:
    report = server.report()
    message = {
        "event": "report",
        "counts": report.counts,
        "levels": report.levels,
        "health": report.health,
        "draining": report.draining,
    }
    writer.write(json.dumps(message).encode() + b"\n")


def _in_event_loop(serve: Callable[[], object]) -> None:
    """Run `serve` in uvloop where it is installed, otherwise in asyncio's own loop."""
    try:
        import uvloop  # noqa: PLC0415  (not on every system)
    except ImportError:
        asyncio.run(serve())  # type: ignore[arg-type]  # a coroutine function
        return
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve())  # type: ignore[arg-type]  # a coroutine function
