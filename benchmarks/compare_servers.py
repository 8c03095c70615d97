"""The compiled engine beside real servers: requests a second and server CPU a command, in one run, taking turns.

    python benchmarks/compare_servers.py python benchmarks/compare_servers.py --engine-python /path/to/venv/bin/python
    --valkey "chroot /opt/trixie valkey-server"

Each server gets its own free port on 127.0.0.1 and an empty keyspace, without persistence. For every case (test,
pipeline, clients, size) redis-benchmark runs against each server in turn, round after round, so that a busy moment of
the machine hits all of them. A figure is the median of the rounds. Server CPU is user plus system time of the server's
process (all its threads), read before and after, divided by the number of requests: unlike requests a second, it does
not depend on who shares the cores.
"""

import argparse
import csv
import io
import json
import shlex
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from itertools import product

import psutil

START_SECONDS_MAX = 10.0
RUN_SECONDS_MAX = 300.0
KEYSPACE = 100_000
TESTS = ("set", "get", "incr", "lpush", "hset", "zadd")


@dataclass(frozen=True, slots=True)
class Server:
    """A server under test: what it is called in the table, where it listens, its process."""

    name: str
    port: int
    process: psutil.Process


@dataclass(frozen=True, slots=True)
class Case:
    """What redis-benchmark sends: a test, commands in flight per client, clients, bytes of a value."""

    test: str
    pipeline: int
    clients: int
    value_bytes: int


@dataclass(frozen=True, slots=True)
class Figure:
    """One server in one case; medians over the rounds. Latencies are redis-benchmark's, a pipeline at a time."""

    server: str
    test: str
    pipeline: int
    clients: int
    value_bytes: int
    requests_per_second: float
    cpu_us_per_command: float
    p50_ms: float
    p99_ms: float


def free_port() -> int:
    """A port on 127.0.0.1 that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
    return port


def wait_until_ready(port: int, child: subprocess.Popen[bytes]) -> float:
    """Seconds until the server answers PING. Raises SystemExit when it ends or takes too long."""
    started = time.monotonic()
    while time.monotonic() - started < START_SECONDS_MAX:
        if child.poll() is not None:
            raise SystemExit(f"{shlex.join(map(str, child.args))} ended with {child.returncode}")  # type: ignore[arg-type]  # args is a list here
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as sock:
                sock.sendall(b"PING\r\n")
                if sock.recv(64):
                    return time.monotonic() - started
        except OSError:
            time.sleep(0.005)
    raise SystemExit(f"{shlex.join(map(str, child.args))} did not answer within {START_SECONDS_MAX} s")  # type: ignore[arg-type]  # args is a list here


@contextmanager
def running(name: str, command: list[str]) -> Iterator[Server]:
    """A server process on a free port, ended with the block."""
    port = free_port()
    child = subprocess.Popen([*command, "--port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        seconds = wait_until_ready(port, child)
        print(f"# {name}: ready after {seconds * 1000:.0f} ms", file=sys.stderr)
        yield Server(name, port, psutil.Process(child.pid))
    finally:
        child.terminate()
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def cpu_seconds(process: psutil.Process) -> float:
    """User and system time the process has used."""
    times = process.cpu_times()
    return float(times.user + times.system)


def load(server: Server, case: Case, requests: int) -> tuple[float, float, float, float]:
    """One run of redis-benchmark: requests a second, CPU microseconds a command, p50 and p99 in ms."""
    command = [
        "redis-benchmark", "-p", str(server.port), "-t", case.test, "-n", str(requests), "-P", str(case.pipeline),
        "-c", str(case.clients), "-d", str(case.value_bytes), "-r", str(KEYSPACE), "--csv",
    ]  # fmt: skip
    before = cpu_seconds(server.process)
    done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_SECONDS_MAX, check=True)
    used = cpu_seconds(server.process) - before
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    if len(rows) != 1:
        raise SystemExit(
            f"redis-benchmark -t {case.test} against {server.name} printed no result: {done.stderr or done.stdout}"
        )
    row = rows[0]
    return (
        float(row["rps"]),
        used * 1e6 / requests,
        float(row["p50_latency_ms"]),
        float(row["p99_latency_ms"]),
    )


def measure(servers: list[Server], case: Case, rounds: int, requests: int) -> list[Figure]:
    """Every server in this case, taking turns; the first server changes from round to round."""
    samples: dict[str, list[tuple[float, float, float, float]]] = {server.name: [] for server in servers}
    for turn in range(rounds):
        shift = turn % len(servers)
        for server in servers[shift:] + servers[:shift]:
            samples[server.name].append(load(server, case, requests))
    figures = []
    for server in servers:
        rps, cpu, p50, p99 = (statistics.median(column) for column in zip(*samples[server.name], strict=True))
        figures.append(
            Figure(server.name, case.test, case.pipeline, case.clients, case.value_bytes, rps, cpu, p50, p99)
        )
    return figures


HEADER = (
    f"{'test':<6} {'P':>3} {'c':>3} {'bytes':>6}  {'server':<20}"
    f" {'req/s':>10} {'CPU us':>7} {'p50 ms':>7} {'p99 ms':>7}"
)


def table_lines(figures: list[Figure]) -> Iterator[str]:
    """A line for each figure; behind the first server's, its ratios to each of the others."""
    first, *others = figures
    for figure in figures:
        line = (
            f"{figure.test:<6} {figure.pipeline:>3} {figure.clients:>3} {figure.value_bytes:>6}  {figure.server:<20}"
            f" {figure.requests_per_second:>10,.0f} {figure.cpu_us_per_command:>7.2f}"
            f" {figure.p50_ms:>7.2f} {figure.p99_ms:>7.2f}"
        )
        if figure is first:
            ratios = (
                f"{other.server}: {first.requests_per_second / other.requests_per_second:.2f} req/s,"
                f" {first.cpu_us_per_command / max(other.cpu_us_per_command, 1e-9):.2f} CPU"
                for other in others
            )
            line += f"   x {'; '.join(ratios)}"
        yield line


def summary_lines(figures: list[Figure]) -> Iterator[str]:
    """For each pipeline depth, the engine's ratio to every other server as the geometric mean over the cases."""
    engine = figures[0].server
    depths = sorted({figure.pipeline for figure in figures})
    others = list(dict.fromkeys(figure.server for figure in figures if figure.server != engine))
    for depth, other in product(depths, others):
        ours = [figure for figure in figures if figure.server == engine and figure.pipeline == depth]
        theirs = [figure for figure in figures if figure.server == other and figure.pipeline == depth]
        pairs = list(zip(ours, theirs, strict=True))
        rps = statistics.geometric_mean(a.requests_per_second / b.requests_per_second for a, b in pairs)
        cpu = statistics.geometric_mean(
            max(a.cpu_us_per_command, 1e-9) / max(b.cpu_us_per_command, 1e-9) for a, b in pairs
        )
        yield f"-P {depth}: {engine} has {rps:.2f} of {other}'s requests a second, for {cpu:.2f} of its CPU a command"


def engine_build(python: str) -> str:
    """``compiled`` or ``pure``: which core that interpreter imports."""
    code = "from cachetwin_engine.core import BUILD; print(BUILD)"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True, timeout=30).stdout.strip()


def numbers(text: str) -> list[int]:
    """``1,16`` as a list."""
    return [int(part) for part in text.split(",")]


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--engine-python", default=sys.executable, help="interpreter that has the wheel to measure (default: this one)"
    )
    parser.add_argument("--engine-arguments", default="", help="more directives for the engine, in one word")
    parser.add_argument("--allow-pure", action="store_true", help="measure an interpreted core too (labelled as such)")
    parser.add_argument(
        "--redis", default="redis-server", help="command of the Redis server to compare with; empty for none"
    )
    parser.add_argument("--valkey", default="", help="command of a Valkey server to compare with, such as a path")
    parser.add_argument("-t", "--tests", default=",".join(TESTS), help="redis-benchmark's tests")
    parser.add_argument("-P", "--pipelines", type=numbers, default=[1, 16], help="commands in flight per client")
    parser.add_argument("-c", "--clients", type=numbers, default=[50], help="numbers of clients")
    parser.add_argument("-d", "--sizes", type=numbers, default=[16], help="value sizes in bytes")
    parser.add_argument(
        "-n", "--requests", type=int, default=200_000, help="requests a run; four times as many when pipelined"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print JSON to stdout, the table to stderr")
    return parser.parse_args()


def server_commands(options: argparse.Namespace) -> dict[str, list[str]]:
    """Name and command of each server, the engine first. Raises SystemExit for a pure build that was not asked for."""
    build = engine_build(options.engine_python)
    if build != "compiled" and not options.allow_pure:
        raise SystemExit(
            f"{options.engine_python} imports the {build} core; give the interpreter of an environment that has the"
            " compiled wheel as --engine-python, or say --allow-pure"
        )
    quiet = ["--save", "", "--appendonly", "no", "--bind", "127.0.0.1"]
    engine = [
        options.engine_python,
        "-m",
        "cachetwin_engine",
        "--bind",
        "127.0.0.1",
        *shlex.split(options.engine_arguments),
    ]
    commands = {f"engine ({build})": engine}
    for name in ("redis", "valkey"):
        command = shlex.split(getattr(options, name))
        if not command:
            continue
        if shutil.which(command[0]) is None:
            raise SystemExit(f"--{name}: there is no program {command[0]!r}")
        commands[name] = [*command, *quiet]
    return commands


def main() -> None:
    """Measure and print."""
    options = arguments()
    if shutil.which("redis-benchmark") is None:
        raise SystemExit("redis-benchmark is needed (Debian: redis-tools)")
    out = sys.stderr if options.json else sys.stdout
    figures: list[Figure] = []
    with ExitStack() as stack:
        servers = [stack.enter_context(running(name, command)) for name, command in server_commands(options).items()]
        print(HEADER, file=out)
        for test, pipeline, clients, size in product(
            options.tests.split(","), options.pipelines, options.clients, options.sizes
        ):
            case = Case(test, pipeline, clients, size)
            requests = options.requests * (4 if pipeline > 1 else 1)
            new = measure(servers, case, options.rounds, requests)
            figures.extend(new)
            for line in table_lines(new):
                print(line, file=out, flush=True)
    for line in summary_lines(figures):
        print(line, file=out)
    if options.json:
        json.dump([asdict(figure) for figure in figures], sys.stdout, indent=1)
        print()


if __name__ == "__main__":
    main()
