"""What the load balancer costs: a service asked directly, through the load balancer, and through nginx.

    python -m benchmarks.load_balancer [--clients N ...] [--seconds S] [--rounds N]

A supervisor runs one small service behind a load balancer, as `cachetwin up` does. Clients with kept connections send one
request after the other: to the service, to the load balancer, and to an nginx with one worker and kept connections to
the same service (left out, and said, where nginx is not installed). The ways take turns, round after round; the figures
are medians of the rounds. CPU is the processor time of the proxy's processes for a request. Meanwhile the supervisor is
asked for its status over its control socket, as `cachetwin status` does.

Clients, proxy and service share the machine's cores, so on a small machine requests a second are those of all three.
"""

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import psutil
import uvloop

from cachetwin_local.supervise.control.client import ask

ROOT = Path(__file__).parents[1]
APP = ROOT / "tests" / "local" / "supervise" / "tiny_app.py"
ADDRESS = "127.99.0.2"  # of the benchmark's own
SERVICE_PORT, BALANCER_PORT, NGINX_PORT = 8000, 8080, 8081
START_S_MAX = 60.0
STATUS_INTERVAL_S = 0.1
REQUEST = b"GET /products/1 HTTP/1.1\r\nHost: shop.example\r\nAccept: application/json\r\nUser-Agent: benchmark\r\n\r\n"
SERVICE = """
import asyncio, os
BODY = b'{"name": "' + b"x" * 1000 + b'"}'
ANSWER = b"HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(BODY) + BODY
class Service(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.rest = transport, b""
    def data_received(self, data):
        *requests, self.rest = (self.rest + data).split(b"\\r\\n\\r\\n")
        self.transport.write(ANSWER * len(requests))
async def main():
    server = await asyncio.get_running_loop().create_server(Service, os.environ["HOST"], int(os.environ["PORT"]))
    await server.serve_forever()
asyncio.run(main())
"""
NGINX = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_requests 100000000;
  upstream service {{ server {address}:{service}; keepalive 1024; keepalive_requests 100000000; }}
  server {{
    listen {address}:{port};
    location / {{
      proxy_pass http://service;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Port $server_port;
    }}
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class Way:
    """A port that leads to the service, and the processes on the way."""

    name: str
    port: int
    processes: tuple[psutil.Process, ...] = ()

    def processor_s(self) -> float:
        """The processor time of the processes up to now."""
        times = [process.cpu_times() for process in self.processes]
        return sum(each.user + each.system for each in times)


@dataclass(frozen=True, slots=True)
class Figures:
    """One round of one way, and the times that the supervisor took for its status meanwhile."""

    per_s: float
    median_ms: float
    p99_ms: float
    processor_us: float
    status_ms: tuple[float, ...]


class Client(asyncio.Protocol):
    """A client that sends its next request when it has the whole answer."""

    def __init__(self, latencies_s: list[float]) -> None:
        self._latencies_s = latencies_s
        self._received = b""
        self._sent_s = 0.0
        self._transport: asyncio.Transport | None = None
        self.lost = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        """Take the time of a whole answer."""
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not separator or len(body) < _content_length(head):
            return
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"the answer was {head[:60]!r}")
        self._received = b""
        self._latencies_s.append(time.perf_counter() - self._sent_s)
        self._send()

    def connection_lost(self, _error: Exception | None) -> None:
        """Tell that no answer will come any more."""
        self.lost.set()

    def close(self) -> None:
        """End the connection."""
        if self._transport is not None:
            self._transport.abort()

    def _send(self) -> None:
        self._sent_s = time.perf_counter()
        if self._transport is not None:
            self._transport.write(REQUEST)


def _content_length(head: bytes) -> int:
    lowered = head.lower()
    at = lowered.index(b"content-length:") + len(b"content-length:")
    return int(lowered[at:].split(b"\r\n", 1)[0])


def main() -> None:
    """Measure and print a table for each number of clients."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 50, 200])
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        state = stack.enter_context(_supervisor(folder))
        traffic = psutil.Process(state["children"]["Tiny/Frontend/traffic"]["pid"])
        ways = [Way("the service itself", SERVICE_PORT), Way("load balancer", BALANCER_PORT, (traffic,))]
        nginx = stack.enter_context(_nginx(folder))
        if nginx is None:
            print("nginx is not installed: left out")
        else:
            ways.append(nginx)
        for clients in arguments.clients:
            _measure(ways, clients, arguments.seconds, arguments.rounds, state["control_socket"])


def _measure(ways: list[Way], clients: int, seconds: float, rounds: int, control: str) -> None:
    found: dict[str, list[Figures]] = {way.name: [] for way in ways}
    for _ in range(rounds):
        for way in ways:
            found[way.name].append(uvloop.run(_round(way, clients, seconds, control)))
    print(
        f"\n{clients} clients{'requests/s':>22}{'median ms':>11}{'p99 ms':>9}{'CPU us':>9}{'status ms':>11}{'p99':>7}"
    )
    for name, rounds_of_it in found.items():
        figures = [statistics.median(column) for column in zip(*map(_columns, rounds_of_it), strict=True)]
        status_ms = sorted(took for figures_ in rounds_of_it for took in figures_.status_ms)
        print(f"{name:<20}{figures[0]:>12,.0f}{figures[1]:>11.2f}{figures[2]:>9.2f}{figures[3]:>9.0f}", end="")
        print(f"{statistics.median(status_ms):>11.1f}{status_ms[int(len(status_ms) * 0.99)]:>7.1f}")


def _columns(figures: Figures) -> tuple[float, ...]:
    return figures.per_s, figures.median_ms, figures.p99_ms, figures.processor_us


async def _round(way: Way, count: int, seconds: float, control: str) -> Figures:
    loop = asyncio.get_running_loop()
    latencies_s: list[float] = []
    clients = [Client(latencies_s) for _ in range(count)]
    for client in clients:
        await loop.create_connection(lambda client=client: client, ADDRESS, way.port)  # type: ignore[misc]  # bound
    await asyncio.sleep(0.5)
    latencies_s.clear()
    began_s, processor_s = time.perf_counter(), way.processor_s()
    status_ms = await _status_times(control, seconds)
    took_s, processor_s = time.perf_counter() - began_s, way.processor_s() - processor_s
    latencies = sorted(latencies_s)
    for client in clients:
        client.close()
    for client in clients:
        await client.lost.wait()
    return Figures(
        len(latencies) / took_s,
        1000 * statistics.median(latencies),
        1000 * latencies[int(len(latencies) * 0.99)],
        1e6 * processor_s / len(latencies),
        tuple(status_ms),
    )


async def _status_times(control: str, seconds: float) -> list[float]:
    end_s = time.perf_counter() + seconds
    found = []
    while time.perf_counter() < end_s:
        await asyncio.sleep(STATUS_INTERVAL_S)
        found.append(1000 * await asyncio.to_thread(_status_s, control))
    return found


def _status_s(control: str) -> float:
    began_s = time.perf_counter()
    next(ask(control, {"op": "status"}, deadline_s=30))
    return time.perf_counter() - began_s


@contextlib.contextmanager
def _supervisor(folder: Path) -> Iterator[dict[str, Any]]:
    """The app, up; gives the content of its state file."""
    words = [sys.executable, str(APP), str(folder), ADDRESS, str(BALANCER_PORT), SERVICE]
    log = folder / "output"
    with log.open("wb") as output:
        process = subprocess.Popen(words, stdout=output, stderr=output, env={**os.environ, "TERM": "dumb"})
    try:
        end_s = time.monotonic() + START_S_MAX
        while "ready in" not in log.read_text():
            if process.poll() is not None or time.monotonic() > end_s:
                raise RuntimeError(f"the app did not start:\n{log.read_text()}")
            time.sleep(0.1)
        yield json.loads((folder / ".cachetwin" / "state.json").read_text())
    finally:
        process.terminate()
        process.wait(30)


@contextlib.contextmanager
def _nginx(folder: Path) -> Iterator[Way | None]:
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        yield None
        return
    configuration = folder / "nginx.conf"
    configuration.write_text(
        NGINX.format(folder=folder, address=ADDRESS, port=NGINX_PORT, service=SERVICE_PORT), encoding="utf-8"
    )
    master = psutil.Popen([program, "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(configuration)])
    try:
        end_s = time.monotonic() + START_S_MAX
        while not (workers := master.children()):
            if time.monotonic() > end_s:
                raise RuntimeError("nginx did not start")
            time.sleep(0.1)
        yield Way("nginx", NGINX_PORT, tuple(workers))
    finally:
        master.terminate()
        master.wait(30)


if __name__ == "__main__":
    main()
