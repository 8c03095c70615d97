"""The engine beside real servers: requests a second, latency and server CPU a command, in one run, taking turns.

    python -m benchmarks.compare_servers
    python -m benchmarks.compare_servers --engine-python VENV/bin/python --valkey "chroot /srv/trixie valkey-server"
    python -m benchmarks.compare_servers -t get,set -P 1,16 -c 1,50 -d 16,1024,16384

Each server gets its own free port on 127.0.0.1 and an empty keyspace, without persistence. For every case (test,
pipeline, clients, size) redis-benchmark runs against each server in turn, round after round, so that a busy moment of
the machine hits all of them; before each run the keyspace is emptied and filled with what the test reads. A figure is
the median of the rounds. Server CPU is user plus system time of the server's process (all its threads) during the run,
divided by the number of requests: unlike requests a second, it does not depend on who shares the cores.

Without -t, -P, -c or -d the default cases run: every test with 50 clients and 16 bytes at both depths, and get and set
also with one client and with larger values. More tests of scripts than one run only when -t names them.
"""

import argparse
import csv
import hashlib
import io
import json
import os
import shlex
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path

import psutil

START_SECONDS_MAX = 10.0
RUN_SECONDS_MAX = 300.0
CALM_SECONDS = 0.2
CALM_SECONDS_MAX = 20.0
KEYSPACE = 100_000
DATA_BYTES_MAX = 256 * 2**20  # what one run may leave in a server: with large values fewer keys and requests
DEPTHS, CLIENTS, SIZES = (1, 16), (50,), (16,)
MORE_CASES = [
    ("get", 1, 16),
    ("set", 1, 16),
    ("get", 50, 1024),
    ("set", 50, 1024),
    ("get", 50, 16384),
    ("set", 50, 16384),
]
NO_FILE = ("--dbfilename", "benchmark-never-saves.rdb")  # or a dump.rdb that lies here would be loaded
VALUE = "VALUE"  # stands for a value of the case's size
KEY, ELEMENT = "key:__rand_int__", "element:__rand_int__"


@dataclass(frozen=True, slots=True)
class Test:
    """A command as redis-benchmark sends it, and the command that first fills what it reads."""

    command: tuple[str, ...]
    fill: tuple[str, ...] = ()
    cost: int = 1  # how many times longer than a GET it takes, roughly: fewer requests
    fills_once: bool = False  # the one command is enough
    is_extra: bool = False  # runs only when it is asked for by name


SET_SCRIPT = "return redis.call('SET', KEYS[1], ARGV[1])"
LIBRARY = (
    "#!lua name=benchmark\n"
    "redis.register_function('set', function(keys, args) return redis.call('SET', keys[1], args[1]) end)"
)
LIMITER = (
    "local count = redis.call('INCR', KEYS[1]) redis.call('EXPIRE', KEYS[1], ARGV[1]) "
    "return {count, redis.call('GET', KEYS[2])}"
)
TESTS = {
    "set": Test(("SET", KEY, VALUE)),
    "get": Test(("GET", KEY), fill=("SET", KEY, VALUE)),
    "incr": Test(("INCR", "counter:__rand_int__")),
    "lpush": Test(("LPUSH", "list", VALUE)),
    "rpop": Test(("RPOP", "list"), fill=("LPUSH", "list", VALUE)),
    "sadd": Test(("SADD", "set", ELEMENT)),
    "hset": Test(("HSET", "hash", ELEMENT, VALUE)),
    "zadd": Test(("ZADD", "zset", "__rand_int__", ELEMENT)),
    "mset": Test(("MSET", *(word for key in range(10) for word in (f"{KEY}{key}", VALUE))), cost=4),
    "lrange_100": Test(("LRANGE", "list", "0", "99"), fill=("LPUSH", "list", VALUE), cost=6),
    "xadd": Test(("XADD", "stream", "*", "field", VALUE)),
    "eval": Test(("EVAL", SET_SCRIPT, "1", KEY, VALUE), cost=3),
    "evalsha": Test(
        ("EVALSHA", hashlib.sha1(SET_SCRIPT.encode(), usedforsecurity=False).hexdigest(), "1", KEY, VALUE),
        fill=("SCRIPT", "LOAD", SET_SCRIPT), cost=3, fills_once=True, is_extra=True,
    ),
    "fcall": Test(
        ("FCALL", "set", "1", KEY, VALUE), fill=("FUNCTION", "LOAD", "REPLACE", LIBRARY), cost=3, fills_once=True,
        is_extra=True,
    ),
    "eval_3_calls": Test(("EVAL", LIMITER, "2", "counter:__rand_int__", KEY, "100"), cost=6, is_extra=True),
    "eval_100_calls": Test(
        ("EVAL", "for i = 1, 100 do redis.call('SET', KEYS[1], i) end return 1", "1", KEY), cost=100, is_extra=True
    ),
    "eval_lrange": Test(
        ("EVAL", "return redis.call('LRANGE', KEYS[1], 0, 19)", "1", "list"), fill=("LPUSH", "list", VALUE), cost=8,
        is_extra=True,
    ),
    "eval_json": Test(
        ("EVAL", r"return cjson.encode(cjson.decode('{\34a\34:[1,2,3],\34s\34:\34text\34}'))", "0"), cost=8, is_extra=True
    ),
}  # fmt: skip
BY_DEFAULT = [name for name, test in TESTS.items() if not test.is_extra]


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

    def requests(self, base: int) -> int:
        """How many, from the number for one pipelined GET of small values."""
        test = TESTS[self.test]
        wanted = base * (4 if self.pipeline > 1 else 1) // (test.cost * (4 if self.clients == 1 else 1))
        return max(1000, min(wanted, DATA_BYTES_MAX // self.value_bytes))

    def words(self, command: tuple[str, ...]) -> list[str]:
        """The command with a value of this case's size."""
        return [VALUE.lower()[:1] * self.value_bytes if word == VALUE else word for word in command]

    def keys(self) -> int:
        """From how many keys or elements the command picks."""
        return min(KEYSPACE, DATA_BYTES_MAX // self.value_bytes // 10)


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
    """Seconds from the start of ``child`` to its first answer. Raises SystemExit if there is none."""
    started = time.monotonic()
    while time.monotonic() - started < START_SECONDS_MAX:
        if child.poll() is not None:
            break
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as sock:
                sock.sendall(b"PING\r\n")
                if sock.recv(64):
                    return time.monotonic() - started
        except OSError:
            time.sleep(0.001)
    raise SystemExit(f"{shlex.join(map(str, child.args))} did not answer within {START_SECONDS_MAX} s")  # type: ignore[arg-type]  # args is a list here


class Contender:
    """A server that can be started: its command, and what its environment has besides ours."""

    def __init__(self, name: str, command: list[str], python_path: str = "") -> None:
        self.name = name
        self.command = command
        self.environment = {**os.environ, "PYTHONPATH": python_path} if python_path else dict(os.environ)

    @contextmanager
    def running(self) -> Iterator[tuple[Server, float]]:
        """The server on a free port, and the seconds to its first answer; it ends with the block."""
        port = free_port()
        child = subprocess.Popen(
            [*self.command, "--port", str(port)],
            env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            seconds = wait_until_ready(port, child)
            yield Server(self.name, port, psutil.Process(child.pid)), seconds
        finally:
            child.terminate()
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def cpu_seconds(process: psutil.Process) -> float:
    """Time all threads of the process have run: on Linux in nanoseconds, elsewhere as fine as the system counts."""
    threads = list(Path(f"/proc/{process.pid}/task").glob("*/schedstat"))
    if threads:
        return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9
    times = process.cpu_times()
    return float(times.user + times.system)


def benchmark(
    server: Server, words: list[str], requests: int, case: Case, flags: tuple[str, ...] = ()
) -> dict[str, str]:
    """One run of redis-benchmark with the case's depth, clients and keys: its only row. `flags` are more of its options."""
    command = [
        "redis-benchmark", "-p", str(server.port), "-n", str(requests), "-P", str(case.pipeline), "-c", str(case.clients),
        "-r", str(case.keys()), *flags, "--csv", *words,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_SECONDS_MAX, check=True)
    table = done.stdout[max(0, done.stdout.find('"test"')) :]  # a cluster's nodes are told before
    rows = list(csv.DictReader(io.StringIO(table)))
    if len(rows) != 1 or "rps" not in rows[0]:
        raise SystemExit(
            f"redis-benchmark {words[0]} against {server.name} printed {(done.stderr or done.stdout)[:500]!r}"
        )
    return rows[0]


def calm_down(server: Server) -> None:
    """Wait until the server has nothing more to do."""
    deadline = time.monotonic() + CALM_SECONDS_MAX
    used = -1.0
    while time.monotonic() < deadline and cpu_seconds(server.process) - used > CALM_SECONDS / 50:
        used = cpu_seconds(server.process)
        time.sleep(CALM_SECONDS)


def prepare(server: Server, case: Case, requests: int) -> None:
    """An empty keyspace, then what the test reads."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as sock:
        sock.sendall(b"FLUSHALL SYNC\r\n")
        if sock.recv(64) != b"+OK\r\n":
            raise SystemExit(f"{server.name} did not empty its keyspace")
    calm_down(server)  # what was deleted is freed in the background
    test = TESTS[case.test]
    if test.fill:
        count = {"get": 3 * case.keys(), "lrange_100": 200, "eval_lrange": 200}.get(case.test, requests)
        if test.fills_once:
            count = 1
        benchmark(server, case.words(test.fill), count, replace(case, pipeline=16, clients=10))


Sample = tuple[float, float, float, float]  # requests a second, CPU microseconds a command, p50 and p99 in ms


def load(server: Server, case: Case, base: int) -> Sample:
    """One run of a case."""
    requests = case.requests(base)
    prepare(server, case, requests)
    before = cpu_seconds(server.process)
    row = benchmark(server, case.words(TESTS[case.test].command), requests, case)
    used = cpu_seconds(server.process) - before
    return (
        float(row["rps"]),
        used * 1e6 / requests,
        float(row["p50_latency_ms"]),
        float(row["p99_latency_ms"]),
    )


def measure(runs: Mapping[str, Callable[[], Sample]], case: Case, rounds: int) -> list[Figure]:
    """Every server in this case, by its name in `runs`, taking turns; who is first changes from round to round."""
    samples: dict[str, list[Sample]] = {name: [] for name in runs}
    names = list(runs)
    for turn in range(rounds):
        shift = turn % len(names)
        for name in names[shift:] + names[:shift]:
            samples[name].append(runs[name]())
    figures = []
    for name, of_server in samples.items():
        rps, cpu, p50, p99 = (statistics.median(column) for column in zip(*of_server, strict=True))
        figures.append(Figure(name, case.test, case.pipeline, case.clients, case.value_bytes, rps, cpu, p50, p99))
    return figures


HEADER = (
    f"{'test':<10} {'P':>3} {'c':>3} {'bytes':>6}  {'server':<20}"
    f" {'req/s':>10} {'CPU us':>7} {'p50 ms':>7} {'p99 ms':>7}"
)


def table_lines(figures: list[Figure]) -> Iterator[str]:
    """A line for each figure; behind the first server's, its ratios to each of the others."""
    first, *others = figures
    for figure in figures:
        line = (
            f"{figure.test:<10} {figure.pipeline:>3} {figure.clients:>3} {figure.value_bytes:>6}  {figure.server:<20}"
            f" {figure.requests_per_second:>10,.0f} {figure.cpu_us_per_command:>7.2f}"
            f" {figure.p50_ms:>7.2f} {figure.p99_ms:>7.2f}"
        )
        if figure is first:
            ratios = (
                f"{other.server}: {first.requests_per_second / other.requests_per_second:.2f} req/s,"
                f" {cpu_ratio(first, other):.2f} CPU"
                for other in others
            )
            line += f"   x {'; '.join(ratios)}"
        yield line


def cpu_ratio(one: Figure, other: Figure) -> float:
    """CPU a command of ``one`` for each of ``other``; a run too short to be billed counts as next to nothing."""
    return max(one.cpu_us_per_command, 1e-9) / max(other.cpu_us_per_command, 1e-9)


def summary_lines(figures: list[Figure]) -> Iterator[str]:
    """The engine's CPU a command against every other server, test by test; then the geometric means by depth."""
    engine = figures[0].server
    others = list(dict.fromkeys(figure.server for figure in figures if figure.server != engine))
    mine = [figure for figure in figures if figure.server == engine]
    for other in others:
        theirs = {case_of(figure): figure for figure in figures if figure.server == other}
        for depth in sorted({figure.pipeline for figure in mine}):
            pairs = [(figure, theirs[case_of(figure)]) for figure in mine if figure.pipeline == depth]
            rps = statistics.geometric_mean(a.requests_per_second / b.requests_per_second for a, b in pairs)
            cpu = statistics.geometric_mean(cpu_ratio(a, b) for a, b in pairs)
            worst, against = max(pairs, key=lambda pair: cpu_ratio(*pair))
            yield (
                f"-P {depth}: {engine} has {rps:.2f} of {other}'s requests a second, for {cpu:.2f} of its CPU a command;"
                f" at worst {cpu_ratio(worst, against):.2f}"
                f" ({worst.test}, {worst.clients} clients, {worst.value_bytes} bytes)"
            )


def case_of(figure: Figure) -> Case:
    """The case that a figure is about."""
    return Case(figure.test, figure.pipeline, figure.clients, figure.value_bytes)


def numbers(text: str) -> list[int]:
    """``1,16`` as a list."""
    return [int(part) for part in text.split(",")]


def tests(text: str) -> list[str]:
    """``get,set`` as a list. Raises ArgumentTypeError for a test that there is not."""
    names = text.split(",")
    unknown = [name for name in names if name not in TESTS]
    if unknown:
        raise argparse.ArgumentTypeError(f"must be of {', '.join(TESTS)}, got {', '.join(unknown)}")
    return names


def add_servers(parser: argparse.ArgumentParser) -> None:
    """The options that say which servers are measured, the same for every benchmark of servers."""
    parser.add_argument(
        "--engine-python", default=sys.executable, help="interpreter that has the wheel to measure (default: this one)"
    )
    parser.add_argument(
        "--engine-path", default="", help="folder that holds the package to measure, if it is not installed"
    )
    parser.add_argument("--engine-arguments", default="", help="more directives for the engine, in one word")
    parser.add_argument("--allow-pure", action="store_true", help="measure an interpreted core too (labelled as such)")
    parser.add_argument("--pure-path", default="", help="folder with the interpreted package, to be measured as well")
    parser.add_argument(
        "--redis", default="redis-server", help="command of the Redis server to compare with; empty for none"
    )
    parser.add_argument("--valkey", default="", help="command of a Valkey server to compare with, such as a path")


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_servers(parser)
    parser.add_argument("-t", "--tests", type=tests, help=f"of {','.join(TESTS)}")
    parser.add_argument("-P", "--pipelines", type=numbers, help=f"commands in flight per client ({DEPTHS})")
    parser.add_argument("-c", "--clients", type=numbers, help=f"numbers of clients ({CLIENTS})")
    parser.add_argument("-d", "--sizes", type=numbers, help=f"value sizes in bytes ({SIZES})")
    parser.add_argument(
        "-n", "--requests", type=int, default=100_000,
        help="requests a run of a small GET; four times as many when pipelined, fewer for slow tests and large values",
    )  # fmt: skip
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--starts", type=int, default=5, help="starts to take the time of, for each server; 0 for none")
    parser.add_argument("--json", action="store_true", help="print JSON to stdout, the table to stderr")
    return parser.parse_args()


def cases(options: argparse.Namespace) -> list[Case]:
    """What the command line asks for."""
    chosen = (options.tests, options.pipelines, options.clients, options.sizes)
    found = [
        Case(*case)
        for case in product(
            options.tests or BY_DEFAULT, options.pipelines or DEPTHS, options.clients or CLIENTS, options.sizes or SIZES
        )
    ]
    if not any(chosen):
        found += [Case(test, depth, clients, size) for test, clients, size in MORE_CASES for depth in DEPTHS]
    return found


def engine_build(python: str, path: str) -> str:
    """``compiled`` or ``pure``: which core that interpreter imports."""
    code = "from cachetwin_engine.core import BUILD; print(BUILD)"
    environment = {**os.environ, "PYTHONPATH": path} if path else None
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True, timeout=30, env=environment)
    return done.stdout.strip()


def contenders(options: argparse.Namespace) -> list[Contender]:
    """The servers, the engine first. Raises SystemExit for a pure build that was not asked for."""
    build = engine_build(options.engine_python, options.engine_path)
    if build != "compiled" and not options.allow_pure:
        raise SystemExit(
            f"{options.engine_python} imports the {build} core; give the interpreter of an environment that has the"
            " compiled wheel as --engine-python, or say --allow-pure"
        )
    engine = [
        options.engine_python,
        "-m",
        "cachetwin_engine",
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        *NO_FILE,
        *shlex.split(options.engine_arguments),
    ]
    found = [Contender(f"engine ({build})", engine, options.engine_path)]
    if options.pure_path:
        if engine_build(options.engine_python, options.pure_path) != "pure":
            raise SystemExit(f"--pure-path must hold the interpreted package, {options.pure_path} holds a compiled one")
        found.append(Contender("engine (pure)", engine, options.pure_path))
    for name in ("redis", "valkey"):
        command = shlex.split(getattr(options, name))
        if not command:
            continue
        if shutil.which(command[0]) is None:
            raise SystemExit(f"--{name}: there is no program {command[0]!r}")
        found.append(Contender(name, [*command, "--save", "", "--appendonly", "no", *NO_FILE, "--bind", "127.0.0.1"]))
    return found


def start_lines(servers: list[Contender], starts: int) -> Iterator[str]:
    """How long each server takes from its start to the first PING, all of them in turn."""
    seconds: dict[str, list[float]] = {server.name: [] for server in servers}
    for _ in range(starts):
        for server in servers:
            with server.running() as (_, ready_after):
                seconds[server.name].append(ready_after)
    for name, samples in seconds.items():
        ordered = sorted(samples)
        yield (
            f"{name}: first PING after {statistics.median(ordered) * 1000:.0f} ms"
            f" ({ordered[0] * 1000:.0f} to {ordered[-1] * 1000:.0f}, {starts} starts)"
        )


def main() -> None:
    """Measure and print."""
    options = arguments()
    if shutil.which("redis-benchmark") is None:
        raise SystemExit("redis-benchmark is needed (Debian: redis-tools)")
    out = sys.stderr if options.json else sys.stdout
    figures: list[Figure] = []
    candidates = contenders(options)
    if options.starts:
        for line in start_lines(candidates, options.starts):
            print(line, file=out, flush=True)
    with ExitStack() as stack:
        servers = [stack.enter_context(candidate.running())[0] for candidate in candidates]
        print(HEADER, file=out)
        for case in cases(options):
            runs = {server.name: partial(load, server, case, options.requests) for server in servers}
            new = measure(runs, case, options.rounds)
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
