"""The engine beside real servers as caches are run: with TLS, with a replica attached, as a cluster of three shards.

    python -m benchmarks.caches.arrangements --engine-python VENV/bin/python --valkey "chroot /srv/trixie valkey-server"
    python -m benchmarks.caches.arrangements -a tls,cluster -t get,set -P 1,16 --rounds 3

Every server is arranged in the same way, and redis-benchmark runs against each in turn (`compare_servers`). CPU is that of
all processes of a server: of the primary and its replica, of the three nodes of a cluster. With TLS the certificate is
checked, and each connection is used for all of its requests.
"""

import argparse
import shlex
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import psutil
import redis
from benchmarks.compare_servers import (
    HEADER,
    TESTS,
    Case,
    Contender,
    Figure,
    Sample,
    Server,
    add_servers,
    benchmark,
    contenders,
    cpu_seconds,
    free_port,
    measure,
    numbers,
    summary_lines,
    table_lines,
    tests,
)

from cachetwin_local.supervise.project.local_ca import LocalCA

ARRANGEMENTS = ("plain", "tls", "replica", "cluster")
SHARDS = 3
START_SECONDS_MAX = 30.0


@dataclass(frozen=True, slots=True)
class Arranged:
    """A server that runs: where it listens, its processes, and what redis-benchmark needs to reach it."""

    name: str
    ports: tuple[int, ...]
    processes: tuple[psutil.Process, ...]
    flags: tuple[str, ...] = ()
    ca_file: str = ""

    def client(self, port: int) -> redis.Redis:
        """A client of one of its nodes."""
        if not self.ca_file:
            return redis.Redis(port=port, socket_timeout=60)
        return redis.Redis(port=port, socket_timeout=60, ssl=True, ssl_ca_certs=self.ca_file)

    def cpu_seconds(self) -> float:
        """The processor time of all its processes."""
        return sum(cpu_seconds(process) for process in self.processes)


class Arrangement:
    """Starts the servers of one contender in one arrangement; files that they read are in a folder that they see."""

    def __init__(self, contender: Contender, kind: str, stack: ExitStack) -> None:
        self.contender = contender
        self.kind = kind
        self.stack = stack
        self.is_ours = contender.name.startswith("engine")
        command = contender.command
        self.root = Path(command[1]) if command[0] == "chroot" else Path("/")
        self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=self.root / "tmp")))
        self.folder.chmod(0o755)

    def start(self) -> Arranged:
        """The servers, which answer. Raises SystemExit."""
        if self.kind == "tls":
            return self._tls()
        if self.kind == "replica":
            return self._with_replica()
        if self.kind == "cluster":
            return self._own_cluster() if self.is_ours else self._real_cluster()
        port = free_port()
        return self._ready(Arranged(self.contender.name, (port,), (self._run("--port", str(port)),)))

    def _run(self, *words: str) -> psutil.Process:
        child = subprocess.Popen(
            [*self.contender.command, *words],
            env=self.contender.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.stack.callback(_end, child)
        return psutil.Process(child.pid)

    def _ready(self, arranged: Arranged) -> Arranged:
        end = time.monotonic() + START_SECONDS_MAX
        for port in arranged.ports:
            while True:
                try:
                    with arranged.client(port) as client:
                        client.ping()
                        break
                except (redis.ConnectionError, redis.ResponseError):
                    if time.monotonic() > end:
                        raise SystemExit(f"{arranged.name} does not answer on port {port}") from None
                    time.sleep(0.02)
        return arranged

    def _tls(self) -> Arranged:
        authority = LocalCA(self.folder / "ca", "benchmark")
        pair = authority.issue("server", ["127.0.0.1"], ["localhost"])
        port, seen = free_port(), [self._seen(path) for path in (pair.certificate_file, pair.key_file)]
        files = ("--tls-cert-file", seen[0], "--tls-key-file", seen[1])
        process = self._run(
            "--port", "0", "--tls-port", str(port), *files, "--tls-ca-cert-file", self._seen(authority.certificate_file),
            "--tls-auth-clients", "no",
        )  # fmt: skip
        ca_file = str(authority.certificate_file)
        return self._ready(Arranged(self.contender.name, (port,), (process,), ("--tls", "--cacert", ca_file), ca_file))

    def _with_replica(self) -> Arranged:
        primary, replica = free_port(), free_port()
        processes = self._run("--port", str(primary)), self._run("--port", str(replica))
        arranged = self._ready(Arranged(self.contender.name, (primary, replica), processes))
        with arranged.client(replica) as client:
            client.replicaof("127.0.0.1", primary)
            end = time.monotonic() + START_SECONDS_MAX
            while client.info("replication")["master_link_status"] != "up":
                if time.monotonic() > end:
                    raise SystemExit(f"the replica of {arranged.name} does not get in step")
                time.sleep(0.02)
        return replace(arranged, ports=(primary,))

    def _own_cluster(self) -> Arranged:
        first = _free_row()
        at = self.contender.command.index("cachetwin_engine") + 1
        words = [*self.contender.command[:at], "cluster", *self.contender.command[at:]]
        child = subprocess.Popen(
            [*words, "--shards", str(SHARDS), "--replicas", "0", "--port", str(first)],
            env=self.contender.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        self.stack.callback(_end, child)
        if not any(line == "ready\n" for line in child.stdout or ()):
            raise SystemExit(f"the cluster of {self.contender.name} does not start")
        nodes = psutil.Process(child.pid).children()
        ports = tuple(range(first, first + SHARDS))
        return Arranged(self.contender.name, ports, tuple(nodes), ("--cluster",))

    def _real_cluster(self) -> Arranged:
        first = _free_row()
        ports = tuple(range(first, first + SHARDS))
        processes = []
        for port in ports:
            own = self.folder / str(port)
            own.mkdir()
            processes.append(self._run("--port", str(port), "--cluster-enabled", "yes", "--dir", self._seen(own)))
        arranged = self._ready(Arranged(self.contender.name, ports, tuple(processes), ("--cluster",)))
        server = next(word for word in self.contender.command if Path(word).name.endswith("-server"))
        at = self.contender.command.index(server)
        cli = [*self.contender.command[:at], server.replace("-server", "-cli")]
        places = [f"127.0.0.1:{port}" for port in ports]
        subprocess.run(
            [*cli, "--cluster", "create", *places, "--cluster-yes"], check=True, stdout=subprocess.DEVNULL, timeout=120
        )
        for port in ports:
            with arranged.client(port) as client:
                end = time.monotonic() + START_SECONDS_MAX
                while client.cluster("INFO")["cluster_state"] != "ok":
                    if time.monotonic() > end:
                        raise SystemExit(f"the cluster of {arranged.name} does not get ready")
                    time.sleep(0.05)
        return arranged

    def _seen(self, path: Path) -> str:
        """A path as the server sees it."""
        return f"/{path.relative_to(self.root)}"


def _end(child: "subprocess.Popen[bytes] | subprocess.Popen[str]") -> None:
    child.terminate()
    try:
        child.wait(15)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _free_row() -> int:
    """The first of as many ports as there are shards, free now and low enough for a cluster bus beside each."""
    for first in range(20_000, 40_000, 10):
        ports = [first + shard + bus for shard in range(SHARDS) for bus in (0, 10_000)]
        if not any(_is_taken(port) for port in ports):
            return first
    raise SystemExit("no free ports for a cluster")


def _is_taken(port: int) -> bool:
    with socket.socket() as sock:
        try:
            sock.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def load(arranged: Arranged, case: Case, base: int) -> Sample:
    """One run of a case: requests a second, CPU microseconds a command, p50 and p99 in ms."""
    requests = case.requests(base)
    for port in arranged.ports:
        with arranged.client(port) as client:
            client.flushall()
    server = Server(arranged.name, arranged.ports[0], arranged.processes[0])
    test = TESTS[case.test]
    if test.fill:
        count = {"get": 3 * case.keys(), "lrange_100": 200}.get(case.test, requests)
        filling = replace(case, pipeline=16, clients=10)
        benchmark(server, _spread(arranged, case.words(test.fill)), count, filling, arranged.flags)
    before = arranged.cpu_seconds()
    row = benchmark(server, _spread(arranged, case.words(test.command)), requests, case, arranged.flags)
    used = arranged.cpu_seconds() - before
    return float(row["rps"]), used * 1e6 / requests, float(row["p50_latency_ms"]), float(row["p99_latency_ms"])


def _spread(arranged: Arranged, words: list[str]) -> list[str]:
    """A command whose key redis-benchmark chooses for the node that it sends it to, in a cluster."""
    if "--cluster" not in arranged.flags:
        return words
    return [words[0], f"{{tag}}:{words[1]}", *words[2:]]


@contextmanager
def arranged_servers(candidates: list[Contender], kind: str) -> Iterator[list[Arranged]]:
    """Every contender in an arrangement."""
    with ExitStack() as stack:
        yield [Arrangement(candidate, kind, stack).start() for candidate in candidates]


def arrangements(text: str) -> list[str]:
    """``tls,cluster`` as a list. Raises ArgumentTypeError for an arrangement that there is not."""
    names = text.split(",")
    unknown = [name for name in names if name not in ARRANGEMENTS]
    if unknown:
        raise argparse.ArgumentTypeError(f"must be of {', '.join(ARRANGEMENTS)}, got {', '.join(unknown)}")
    return names


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_servers(parser)
    parser.add_argument("-a", "--arrangements", type=arrangements, default=list(ARRANGEMENTS))
    parser.add_argument("-t", "--tests", type=tests, default=["set", "get", "lpush", "hset"])
    parser.add_argument("-P", "--pipelines", type=numbers, default=[1, 16])
    parser.add_argument("-c", "--clients", type=int, default=50)
    parser.add_argument("-d", "--size", type=int, default=16)
    parser.add_argument("-n", "--requests", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    candidates = contenders(options)
    print(f"servers: {', '.join(shlex.join(candidate.command[:3]) for candidate in candidates)}")
    for kind in options.arrangements:
        print(f"\n{kind}\n{HEADER}", flush=True)
        figures: list[Figure] = []
        with arranged_servers(candidates, kind) as servers:
            for test in options.tests:
                for pipeline in options.pipelines:
                    case = Case(test, pipeline, options.clients, options.size)
                    runs = {server.name: partial(load, server, case, options.requests) for server in servers}
                    new = measure(runs, case, options.rounds)
                    figures.extend(new)
                    for line in table_lines(new):
                        print(line, flush=True)
        for line in summary_lines(figures):
            print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
