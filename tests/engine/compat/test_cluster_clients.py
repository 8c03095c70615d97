"""Cluster clients as applications use them, over TLS with verification: against this engine, and against real clusters.

Each script in ``cluster_scripts`` prints what it saw. A real cluster is started with the redis-server on the PATH, and with
the server that ``CACHETWIN_VALKEY_CLUSTER`` names.
"""

import contextlib
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import redis
from tests.engine.local_clusters import StartCluster
from tests.processes import free_ports, wait_until

if TYPE_CHECKING:
    from tests.engine.conftest import Certificates

SCRIPTS = Path(__file__).parent / "cluster_scripts"
SCRIPT_SECONDS_MAX = 120
CLIENTS = ["redis-py", "valkey-py", "valkey-glide", "ioredis"]
NODES = 6
SEEN = [
    "flushed", 100, 4950, ["1", "2", None], 5050, ["{t}a", 42], [["f", "v"], ["g", "w"]], ["a", "b", "c"],
    [["m", 1.5], ["n", 2.5]], "1-1", "Operation against a key holding the wrong kind of value", 106, 106, 11326, [3, 3],
    "hello", "shard",
]  # fmt: skip
"""What each script sees of a cluster with three shards of two nodes."""


def command_of(client: str) -> list[str]:
    """How the script of a client is started; skips the test where the client is not installed."""
    if client in {"redis-py", "valkey-py"}:
        return [sys.executable, str(SCRIPTS / "redis_py.py"), client.removesuffix("-py")]
    if client == "valkey-glide":
        return [sys.executable, str(SCRIPTS / "glide_client.py")]
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node, which ioredis needs")
    found = subprocess.run([node, "-e", "require.resolve('ioredis')"], capture_output=True, timeout=60, check=False)
    if found.returncode:
        pytest.skip("ioredis is not installed: npm install ioredis, and NODE_PATH to its node_modules")
    return [node, str(SCRIPTS / "ioredis.cjs")]


def seen_by(client: str, port: int, ca_file: Path) -> object:
    """What a client sees of the cluster that has a node on ``port``."""
    ended = subprocess.run(
        [*command_of(client), str(port), str(ca_file)],
        capture_output=True, text=True, timeout=SCRIPT_SECONDS_MAX, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout.splitlines()[-1])  # valkey-glide logs there, too


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_sees_the_cluster(client: str, start_cluster: StartCluster, certificates: "Certificates") -> None:
    command_of(client)
    tls = [*certificates.arguments("clients"), "--tls-ca-cert-file", str(certificates.ca_file)]
    cluster = start_cluster("--hostname", "localhost", "--requirepass", "secret", *tls)
    assert seen_by(client, cluster.port, certificates.ca_file) == SEEN


@contextlib.contextmanager
def real_cluster(server: list[str], folder: Path, certificates: "Certificates") -> Iterator[int]:
    """Six nodes of a real server as a cluster; the port of the first."""
    base = free_ports(2 * NODES)
    tls = [*certificates.arguments("real"), "--tls-ca-cert-file", str(certificates.ca_file), "--tls-auth-clients", "no"]
    tls += ["--tls-cluster", "yes", "--tls-replication", "yes", "--requirepass", "secret", "--masterauth", "secret"]
    named = ["--cluster-announce-hostname", "localhost", "--cluster-preferred-endpoint-type", "hostname"]
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for port in range(base, base + NODES):
            place = folder / str(port)
            place.mkdir()
            options = ["--bind", "127.0.0.1", "--port", "0", "--tls-port", str(port), "--cluster-enabled", "yes"]
            options += ["--cluster-port", str(port + NODES)]  # 10,000 above is where the kernel takes ports for clients
            processes.append(
                subprocess.Popen(
                    [*server, *options, "--save", "", *tls, *named], cwd=place, stdout=subprocess.DEVNULL
                )
            )  # fmt: skip
        nodes = [f"127.0.0.1:{port}" for port in range(base, base + NODES)]
        clients = [_client(port, certificates) for port in range(base, base + NODES)]
        for client in clients:
            wait_until(lambda: _answers(client), "a real node")  # noqa: B023  (called before the next one)
        access = ["-a", "secret", "--no-auth-warning", "--tls", "--cacert", str(certificates.ca_file)]
        create = ["--cluster", "create", *nodes, "--cluster-replicas", "1", "--cluster-yes"]
        subprocess.run(["redis-cli", *access, *create], check=True, capture_output=True, timeout=SCRIPT_SECONDS_MAX)
        for client in clients:  # replicas are listed when they have their data
            wait_until(lambda: _lists_all(client), "the replicas", 60)  # noqa: B023
        yield base
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(60)


def _client(port: int, certificates: "Certificates") -> redis.Redis:
    return redis.Redis("localhost", port, password="secret", ssl=True, ssl_ca_certs=str(certificates.ca_file))


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.exceptions.RedisError:
        return False


def _lists_all(client: redis.Redis) -> bool:
    slots: list[object] = client.cluster("SLOTS")
    return len(slots) == NODES // 2 and str(slots).count("localhost") == NODES


@pytest.mark.compat
@pytest.mark.parametrize("server", ["redis-server", "CACHETWIN_VALKEY_CLUSTER"])
def test_a_client_sees_the_same_of_a_real_cluster(server: str, tmp_path: Path, certificates: "Certificates") -> None:
    command = shlex.split(os.environ.get(server, "")) if server.isupper() else [shutil.which(server) or ""]
    if not command or not command[0] or shutil.which("redis-cli") is None:
        pytest.skip(f"{server} names no server to compare with")
    with real_cluster(command, tmp_path, certificates) as port:
        for client in ("redis-py", "valkey-py", "valkey-glide"):
            assert seen_by(client, port, certificates.ca_file) == SEEN, client
