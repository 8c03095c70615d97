"""The Memcached profile beside memcached with one thread: requests a second, processor time a request, bytes an item.

    python -m benchmarks.memcached --engine "VENV/bin/python -m cachetwin_engine"
    python -m benchmarks.memcached --seconds 10 --connections 50 --pipelines 1,16 --items 500000

The load comes from a process of its own, which keeps every connection busy with one request at a time, or with as many
as ``--pipelines`` says. It is Python too, so where both share a machine the requests a second are the load's as much as
the server's; the processor time a request is the server's alone. Values have 100 bytes, keys eleven.
"""

import argparse
import asyncio
import json
import multiprocessing
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from typing import cast

import psutil
import uvloop

VALUE = b"x" * 100
KEYS = 10_000
READY_SECONDS_MAX = 30.0
ITEMS_PER_WRITE = 500


@dataclass(frozen=True, slots=True)
class Figure:
    """What one server did with one kind of request."""

    server: str
    request: str
    pipeline: int
    per_second: float
    cpu_us: float


class Load(asyncio.Protocol):
    """One connection that sends the same requests again as soon as all of them are answered."""

    def __init__(self, request: bytes, end: bytes, counts: list[int]) -> None:
        self._request = request
        self._end = end
        self._counts = counts
        self._tail = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Go on when the last reply is here."""
        self._tail = (self._tail + data)[-len(self._end) :]
        if self._tail == self._end:
            self._tail = b""
            self._counts[0] += 1
            self._transport.write(self._request)


def requests_of(kind: str, pipeline: int) -> tuple[bytes, bytes]:
    """What a connection sends at once, and how the last reply ends. The keys of a pipeline differ."""
    heads = {
        "get": b"get key:%07d\r\n",
        "set": b"set key:%07d 0 0 100\r\n" + VALUE + b"\r\n",
        "mg": b"mg key:%07d v\r\n",
    }
    lines = [heads[kind] % (number * 611 % KEYS) for number in range(pipeline)]
    last = VALUE + b"\r\n"
    ends = {"get": last + b"END\r\n", "set": b"STORED\r\n", "mg": last}
    if pipeline > 1:  # a byte that no value and no other reply has at its end
        return b"".join(lines) + b"mn\r\n", b"MN\r\n"
    return lines[0], ends[kind]


async def _drive(port: int, kind: str, pipeline: int, connections: int, seconds: float) -> float:
    """Requests a second over all connections."""
    loop = asyncio.get_running_loop()
    request, end = requests_of(kind, pipeline)
    counts = [0]
    transports = [
        (await loop.create_connection(lambda: Load(request, end, counts), "127.0.0.1", port))[0]
        for _ in range(connections)
    ]
    began, before = time.monotonic(), counts[0]
    await asyncio.sleep(seconds)
    done, took = counts[0] - before, time.monotonic() - began
    for transport in transports:
        transport.abort()
    return done * pipeline / took


def _load(pipe: Connection, port: int, kind: str, pipeline: int, options: argparse.Namespace) -> None:
    pipe.send(uvloop.run(_drive(port, kind, pipeline, options.connections, options.seconds)))


def measure(
    name: str, process: psutil.Process, port: int, *, kind: str, pipeline: int, options: argparse.Namespace
) -> Figure:
    """One kind of request against one server."""
    ours, theirs = multiprocessing.Pipe()
    arguments = (theirs, port, kind, pipeline, options)
    worker = multiprocessing.get_context("spawn").Process(target=_load, args=arguments)
    before = process.cpu_times()
    worker.start()
    per_second: float = ours.recv()
    worker.join()
    after = process.cpu_times()
    used = after.user + after.system - before.user - before.system
    return Figure(name, kind, pipeline, per_second, used / (per_second * options.seconds) * 1e6)


@contextmanager
def server(command: list[str]) -> Iterator[tuple[psutil.Process, int]]:
    """A server on a free port; its process and the port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with subprocess.Popen([*command, "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait(port)
            yield psutil.Process(process.pid), port
        finally:
            process.terminate()


def _wait(port: int) -> None:
    deadline = time.monotonic() + READY_SECONDS_MAX
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    sys.exit("the server did not start")


def fill(port: int, count: int) -> None:
    """Store ``count`` items."""
    with socket.create_connection(("127.0.0.1", port), 60) as sock, sock.makefile("rb") as replies:
        for first in range(0, count, ITEMS_PER_WRITE):
            numbers = range(first, min(first + ITEMS_PER_WRITE, count))
            lines = [b"set key:%07d 0 0 100 noreply\r\n%b\r\n" % (number, VALUE) for number in numbers]
            sock.sendall(b"".join(lines) + b"mn\r\n")
            replies.readline()


def bytes_per_item(command: list[str], count: int) -> float:
    """What a server's process grows by for each of ``count`` items."""
    with server([*command, "-m", "4096"]) as (process, port):
        before = process.memory_info().rss
        fill(port, count)
        return (process.memory_info().rss - before) / count


def main() -> None:
    """Measure both and print a table, or JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--engine", default=f"{sys.executable} -m cachetwin_engine")
    parser.add_argument("--memcached", default="memcached -t 1 -U 0 -u nobody -l 127.0.0.1")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--connections", type=int, default=50)
    parser.add_argument("--pipelines", default="1,16")
    parser.add_argument("--items", type=int, default=500_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    servers = {
        "memcached": shlex.split(options.memcached),
        "engine": [*shlex.split(options.engine), "--profile", "memcached-1.6", "--loglevel", "warning"],
    }
    figures: list[Figure] = []
    for pipeline in map(int, options.pipelines.split(",")):
        for kind in ("get", "set", "mg"):
            for name, command in servers.items():
                with server(command) as (process, port):
                    fill(port, KEYS)
                    figures.append(measure(name, process, port, kind=kind, pipeline=pipeline, options=options))
    sizes = {name: bytes_per_item(command, options.items) for name, command in servers.items()} if options.items else {}
    if options.json:
        print(json.dumps({"figures": [asdict(figure) for figure in figures], "bytes_per_item": sizes}))
        return
    for figure in figures:
        print(
            f"{figure.server:10} {figure.request:4} P={figure.pipeline:<3} {figure.per_second:10,.0f} requests/s"
            f" {figure.cpu_us:8.2f} us of CPU a request"
        )
    for name, size in sizes.items():
        print(f"{name:10} {size:6.0f} bytes an item of 111 bytes")


if __name__ == "__main__":
    main()
