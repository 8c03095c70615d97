"""What starting nodes takes: forked as under `cachetwin up`, as programs, and a real Valkey, in one run.

    python -m benchmarks.caches.node_start [--shards N] [--replicas N] [--orders N] [--valkey "COMMAND"]

*One node*: orders one after the other, from the order to the node's answer: over the control channel for an engine, a PING
for Valkey. *A cluster*: from the order to the moment when every node serves and every replica is in step with its primary,
with TLS and users for ours (`CacheActor`, what `cachetwin up` uses), plain for Valkey (`valkey-cli --cluster create`).
Memory is the proportional set size of all processes, the fork server included: pages that processes share count once. The
supervisor's own work counts in the time, its memory does not.
"""

import argparse
import asyncio
import os
import shlex
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import redis
import uvloop
from benchmarks.caches.run_contexts import new_run_context
from tests.local.supervise.cache.caches import cluster, running

from cachetwin_local.supervise.cache.control_channel import ControlChannel
from cachetwin_local.supervise.process.child import Child, Command
from cachetwin_local.supervise.process.fork_server import ENGINE, ForkServer
from cachetwin_local.supervise.process.limits import raise_open_files_limit
from cachetwin_local.supervise.process.python_environment import python_environment

DEADLINE_S = 180.0
FIRST_PORT = 14_000  # the bus of a cluster has ports 10,000 higher, which clients may not take


def pss_mb(pids: Sequence[int]) -> float:
    """The memory of processes, shared pages counted once."""
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total / 1024


def cpu_s(pids: Sequence[int]) -> float:
    """The processor time of processes."""
    times = [psutil.Process(pid).cpu_times() for pid in pids]
    return sum(used.user + used.system for used in times)


async def orders(count: int, folder: Path, *, fork: bool) -> list[float]:
    """Seconds from each of `count` orders to the engine's answer."""
    server = ForkServer(folder, lambda _line: None)
    if fork:
        await server.enter("benchmark")
    found = []
    for number in range(count + 1):
        began = time.perf_counter()
        channel = ControlChannel()
        descriptor = channel.inherited.fileno()
        words = (*ENGINE, "--elasticache", "--control-fd", str(descriptor), "--log-format", "json")
        command = Command(words, folder, python_environment(), pass_fds=(descriptor,))
        child = await Child.start(command, lambda _line: None, make=server.spawn)
        await channel.opened()
        await channel.ask("state")
        if number:  # the first waits until the fork server has loaded the engine
            found.append(time.perf_counter() - began)
        channel.close()
        await child.exited()
    await server.leave("benchmark")
    return found


@contextmanager
def valkeys(command: str, ports: Sequence[int], *options: str) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Real servers, one a port; the caller waits until they answer."""
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for port in ports:
            words = [*shlex.split(command), "--bind", "127.0.0.1", "--port", str(port), "--save", "", *options]
            processes.append(subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        yield processes
    finally:
        for process in processes:
            process.send_signal(signal.SIGKILL)
        for process in processes:
            process.wait(10)


def ping(port: int) -> None:
    """Return when a server answers."""
    end = time.perf_counter() + DEADLINE_S
    while time.perf_counter() < end:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as sock:
            sock.sendall(b"PING\r\n")
            if sock.recv(64).startswith(b"+PONG"):
                return
        time.sleep(0.001)
    raise TimeoutError(f"no server answers on port {port}")


def valkey_orders(command: str, count: int) -> list[float]:
    """Seconds from each start of a real server to its answer to a PING."""
    found = []
    for number in range(count):
        began = time.perf_counter()
        with valkeys(command, [FIRST_PORT + number]):
            ping(FIRST_PORT + number)
            found.append(time.perf_counter() - began)
    return found


async def our_cluster(shards: int, replicas: int, folder: Path, *, fork: bool) -> tuple[float, float, float]:
    """Seconds, PSS in MB and CPU seconds of a cluster under the supervisor."""
    run_context = new_run_context(folder / ("forked" if fork else "programs"), folder)
    program = ENGINE if fork else (sys.executable, "-u", "-m", "cachetwin_engine")  # other words: not forked
    began = time.perf_counter()
    async with running(run_context, cluster("127.99.0.4", shards, replicas), *program) as actor:
        while not all(member.available and member.state == "ready" for member in actor.members()):
            await asyncio.sleep(0.005)
        took = time.perf_counter() - began
        pids = [child.pid for child in run_context.children.values()]
        pids += [run_context.engines.pid] if run_context.engines.pid else []
        answer = took, pss_mb(pids), cpu_s(pids)
    run_context.logs.close()
    return answer


def valkey_cluster(command: str, shards: int, replicas: int, folder: Path) -> tuple[float, float, float]:
    """The same of real servers and their own way to make a cluster."""
    ports = [FIRST_PORT + 100 + number for number in range(shards * (replicas + 1))]
    began = time.perf_counter()
    root = Path(shlex.split(command)[1]) if command.startswith("chroot ") else Path("/")
    with tempfile.TemporaryDirectory(dir=root / "tmp") as inside, valkeys(command, []) as processes:
        for port in ports:
            own = Path(inside) / str(port)
            own.mkdir()
            with_dir = ["--cluster-enabled", "yes", "--dir", f"/{own.relative_to(root)}"]
            words = [*shlex.split(command), "--bind", "127.0.0.1", "--port", str(port), "--save", "", *with_dir]
            processes.append(subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        for port in ports:
            ping(port)
        sys.stderr.write(f"Valkey: all answer after {time.perf_counter() - began:.2f} s\n")
        cli = [
            *shlex.split(command)[:-1],
            "valkey-cli",
            "--cluster",
            "create",
            *(f"127.0.0.1:{port}" for port in ports),
        ]
        cli += ["--cluster-replicas", str(replicas), "--cluster-yes"]
        subprocess.run(cli, check=True, stdout=subprocess.DEVNULL, cwd=folder, timeout=DEADLINE_S)
        for port in ports:
            _in_step(port)
        took = time.perf_counter() - began
        pids = [process.pid for process in processes]
        return took, pss_mb(pids), cpu_s(pids)


def _in_step(port: int) -> None:
    """Return when a node of a real cluster is a primary, or a replica in step."""
    end = time.perf_counter() + DEADLINE_S
    with redis.Redis(host="127.0.0.1", port=port) as client:
        while time.perf_counter() < end:
            found = client.info("replication")
            up = found["role"] == "master" or found["master_link_status"] == "up"
            state: dict[str, str] = client.execute_command("CLUSTER INFO")
            if up and state["cluster_state"] == "ok":
                return
            time.sleep(0.01)
    raise TimeoutError(f"the node on port {port} is not in step")


def print_orders(name: str, found: list[float]) -> None:
    """A row of the first table."""
    median, longest = statistics.median(found) * 1000, max(found) * 1000
    print(f"{name:<30}{len(found):>7}{median:>11.1f}{longest:>12.1f}")


def print_cluster(name: str, nodes: int, found: tuple[float, float, float]) -> None:
    """A row of the second table."""
    took, memory, processor = found
    print(f"{name:<30}{nodes:>7}{took:>11.2f}{memory:>12.0f}{memory / nodes:>13.1f}{processor:>10.2f}")


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="What starting nodes takes.")
    parser.add_argument("--shards", type=int, default=15)
    parser.add_argument("--replicas", type=int, default=5)
    parser.add_argument("--orders", type=int, default=30)
    parser.add_argument("--valkey", default="", help='a real server, like "valkey-server"')
    parser.add_argument("--programs", action="store_true", help="also without the fork server")
    arguments = parser.parse_args()
    raise_open_files_limit()
    nodes = arguments.shards * (arguments.replicas + 1)
    print(f"load of the machine before: {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as name, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        folder = Path(name)
        print(f"{'one node':<30}{'orders':>7}{'median ms':>11}{'longest ms':>12}")
        print_orders("forked", runner.run(orders(arguments.orders, folder, fork=True)))
        print_orders("as a program", runner.run(orders(arguments.orders // 3, folder, fork=False)))
        if arguments.valkey:
            print_orders("Valkey", valkey_orders(arguments.valkey, arguments.orders))
        print(f"{'a cluster':<30}{'nodes':>7}{'seconds':>11}{'PSS MB':>12}{'MB a node':>13}{'CPU s':>10}")
        shape = (arguments.shards, arguments.replicas, folder)
        print_cluster("forked", nodes, runner.run(our_cluster(*shape, fork=True)))
        if arguments.programs:
            print_cluster("as programs", nodes, runner.run(our_cluster(*shape, fork=False)))
        if arguments.valkey:
            print_cluster("Valkey", nodes, valkey_cluster(arguments.valkey, *shape))
    return 0


if __name__ == "__main__":
    sys.exit(main())
