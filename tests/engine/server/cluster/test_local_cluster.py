"""``cachetwin-engine cluster``: real processes, and a real cluster client over TLS."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import redis
from redis.backoff import ConstantBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.retry import Retry
from tests.engine.local_clusters import START_SECONDS_MAX, STOP_SECONDS_MAX, Running, StartCluster
from tests.processes import free_ports, wait_until

if TYPE_CHECKING:
    from tests.engine.conftest import Certificates


def client_of(cluster: Running, **options: object) -> Any:  # noqa: ANN401  (its commands have no useful types)
    retry = Retry(ConstantBackoff(0.1), 100)
    factory: Any = RedisCluster
    node: Any = ClusterNode
    nodes = [node(str(options.pop("host", "127.0.0.1")), cluster.port)]
    return factory(startup_nodes=nodes, decode_responses=True, retry=retry, **options)


def process_of(client: Any, port: int) -> int:  # noqa: ANN401
    """The process id of the node on ``port``."""
    node = next(node for node in client.get_nodes() if node.port == port)
    info = client.info("server", target_nodes=node)
    return int(info["process_id"])


def test_a_cluster_client_over_tls_finds_all_nodes_by_name(
    start_cluster: StartCluster, certificates: "Certificates"
) -> None:
    tls = [*certificates.arguments("cluster"), "--tls-ca-cert-file", str(certificates.ca_file)]
    cluster = start_cluster("--shards", "3", "--replicas", "1", "--hostname", "localhost", "--requirepass", "pw", *tls)
    assert len(cluster.ports) == 6
    client = client_of(
        cluster,
        host="localhost",
        password="pw",
        ssl=True,
        ssl_ca_certs=str(certificates.ca_file),
        ssl_cert_reqs="required",
    )
    assert {shard["nodes"][at]["endpoint"] for shard in client.cluster_shards() for at in (0, 1)} == {"localhost"}
    for number in range(200):
        client.set(f"k{number}", number)
    assert sum(int(client.get(f"k{number}")) for number in range(200)) == 19900
    assert client.dbsize(target_nodes=RedisCluster.PRIMARIES) == 200
    assert client.mset({"{t}a": 1, "{t}b": 2})
    with pytest.raises(redis.exceptions.RedisClusterException):
        client.execute_command("MGET", "a", "b")
    assert client.wait(1, 5000, target_nodes=RedisCluster.PRIMARIES)
    # A message reaches the listeners of every node, whichever it was published at.
    listeners = []
    for node in client.get_nodes():
        listener = client.get_redis_connection(node).pubsub(ignore_subscribe_messages=False)
        listener.subscribe("news")
        assert listener.get_message(timeout=10)["type"] == "subscribe"
        listeners.append(listener)
    for number, node in enumerate(client.get_nodes()):
        client.get_redis_connection(node).publish("news", str(number))
    for listener in listeners:
        received = [listener.get_message(timeout=10)["data"] for _ in client.get_nodes()]
        assert sorted(received) == ["0", "1", "2", "3", "4", "5"]
        listener.close()
    client.close()


def test_sharded_messages_stay_in_their_shard(start_cluster: StartCluster) -> None:
    cluster = start_cluster("--shards", "2", "--replicas", "1")
    client = client_of(cluster)
    assert client.cluster_keyslot("b") == 3300  # of the first shard
    nodes = {node.port: client.get_redis_connection(node) for node in client.get_nodes()}
    primary, other, replica = (nodes[cluster.port + at] for at in range(3))
    listeners = []
    for node in (primary, replica):
        listener = node.pubsub()
        listener.ssubscribe("b")
        assert listener.get_message(timeout=10)["type"] == "ssubscribe"
        listeners.append(listener)
    assert primary.execute_command("SPUBLISH", "b", "m") >= 0
    for listener in listeners:
        wait_until(lambda: (listener.get_message(timeout=1) or {}).get("data") == "m", "the message")  # noqa: B023
        listener.close()
    with pytest.raises(redis.exceptions.MovedError):
        other.execute_command("SPUBLISH", "b", "m")
    client.close()


def test_a_replica_takes_the_place_of_a_primary_that_ends(start_cluster: StartCluster) -> None:
    cluster = start_cluster("--shards", "2", "--replicas", "1")
    client = client_of(cluster)
    for number in range(50):
        client.set(f"k{number}", number)
    client.wait(1, 5000, target_nodes=RedisCluster.PRIMARIES)
    os.kill(process_of(client, cluster.port), signal.SIGKILL)
    for number in range(50):
        client.incr(f"k{number}")
    assert sum(int(client.get(f"k{number}")) for number in range(50)) == 1225 + 50
    nodes = client.get_redis_connection(client.get_primaries()[0]).cluster("NODES")
    assert nodes[f"127.0.0.1:{cluster.port}"]["flags"] == "slave,fail"
    client.close()


def test_ctrl_c_ends_all_processes(start_cluster: StartCluster) -> None:
    cluster = start_cluster("--shards", "1", "--replicas", "1")
    client = client_of(cluster)
    processes = [process_of(client, port) for port in cluster.ports]
    client.close()
    assert len(processes) == 2
    assert cluster.process.poll() is None
    cluster.process.send_signal(signal.SIGINT)
    assert cluster.process.wait(STOP_SECONDS_MAX) == 0
    for process in processes:
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--shards", "0"], "a cluster must have 1 to 500 nodes, got 0 shards x 2"),
        (["--port", "65535"], "port must be a number from 1 to 65530, got 65535"),
        (["--bind", "127.0.0.1", "127.0.0.2"], "bind must be one address for a cluster, got 2"),
        (["--maxmemory", "much"], "maxmemory"),
    ],
)
def test_a_cluster_that_can_not_be_is_said_in_a_line(arguments: list[str], complaint: str) -> None:
    command = [sys.executable, "-m", "cachetwin_engine", "cluster", *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=START_SECONDS_MAX, check=False)
    assert ended.returncode == 1
    assert complaint in ended.stderr.splitlines()[0]


@pytest.mark.skipif(shutil.which("prlimit") is None, reason="prlimit sets the limit of open files: Linux only")
def test_nodes_beyond_the_limit_of_open_files_are_said_and_none_is_left(tmp_path: Path) -> None:
    port = free_ports(33)
    words = ["cluster", "--port", str(port), "--shards", "3", "--replicas", "10"]
    log = tmp_path / "log"
    with log.open("w") as stderr:  # 33 sockets and a few pairs
        command = ["prlimit", "--nofile=50", sys.executable, "-m", "cachetwin_engine", *words]
        ended = subprocess.run(command, stderr=stderr, timeout=START_SECONDS_MAX, check=False)
    assert ended.returncode == 1
    (complaint,) = (line for line in log.read_text().splitlines() if line.startswith("cachetwin-engine: "))
    assert re.search(r"cannot start node \d+ of 33: too many open files; ask for fewer nodes", complaint)
    for at in range(port, port + 33):
        socket.create_server(("127.0.0.1", at)).close()


def test_a_cluster_of_a_container_is_announced_by_loopback(start_cluster: StartCluster) -> None:
    before = ["--bind", "0.0.0.0", "--protected-mode", "no", "--save", "", "--log-format", "json"]  # noqa: S104
    cluster = start_cluster("--shards", "1", "--replicas", "1", before=before)
    client = client_of(cluster)
    assert client.set("k", "v")
    assert {node.host for node in client.get_nodes()} == {"127.0.0.1"}
    client.close()
