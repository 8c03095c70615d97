"""A real PostgreSQL, Memcached nodes that know of each other, and the storefront, each a process on loopback."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from pymemcache.client.base import Client
from tests.processes import accepts, free_port, wait_until
from tests.stacks.web_app.conftest import Postgres, database, postgres  # noqa: F401  (fixtures)

ROOT = Path(__file__).parents[3]


@dataclass
class Nodes:
    """Nodes of a cluster, started and stopped one by one; the first answers as the configuration endpoint."""

    folder: Path
    ports: list[int]
    processes: "dict[int, subprocess.Popen[bytes]]" = field(default_factory=dict)

    def line(self, count: int) -> str:
        """The list of the first nodes, as clients are told it."""
        return " ".join(
            f"shop.abc123.{number:04}.use1.cache.amazonaws.com|127.0.0.1|{port}"
            for number, port in enumerate(self.ports[:count], 1)
        )

    def start(self, index: int) -> None:
        port = self.ports[index]
        words = ["--profile", "memcached-1.6", "-l", "127.0.0.1", "-p", str(port), "--cluster-nodes", self.line(3)]
        with (self.folder / f"node-{index}.log").open("ab") as log:
            command = [sys.executable, "-m", "cachetwin_engine", *words]
            self.processes[index] = subprocess.Popen(command, stdout=log, stderr=log)
        wait_until(lambda: accepts(port), f"node {index} accepts connections")

    def kill(self, index: int) -> None:
        process = self.processes.pop(index)
        process.kill()
        process.wait(10)

    def tell(self, version: int, count: int) -> None:
        """Let the configuration endpoint name the first nodes only."""
        text = f"{version}\n{self.line(count)}\n".encode()
        client = Client(("127.0.0.1", self.ports[0]), timeout=10)
        try:
            reply = client.raw_command(b"config set cluster 0 %d\r\n%b" % (len(text), text))
            assert reply == b"STORED"
        finally:
            client.close()


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Nodes]:
    """Three nodes that serve."""
    found = Nodes(tmp_path, [free_port() for _ in range(3)])
    try:
        for index in range(3):
            found.start(index)
        yield found
    finally:
        for index in list(found.processes):
            found.kill(index)


@dataclass
class Storefront:
    """The service as its image runs it, told by the environment alone."""

    environment: dict[str, str]
    log_path: Path
    process: "subprocess.Popen[bytes] | None" = None
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=30))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.environment['PORT']}"

    def start(self) -> None:
        self.client = httpx.Client(base_url=self.url, timeout=30)
        with self.log_path.open("ab") as log:
            command = [sys.executable, "-m", "stacks.memcached.service.storefront"]
            self.process = subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=log, stderr=log)

    def is_ready(self) -> bool:
        """Whether the database is prepared and the nodes are known."""
        try:
            ready = self.client.get("/readyz").status_code == 200
            return ready and len(self.client.get("/api/nodes").json()["nodes"]) == 3
        except httpx.TransportError:
            return False

    def sweep(self) -> dict[str, dict[str, int]]:
        """What each node had of a read of 60 products."""
        answer = self.client.get("/api/sweep?count=60")
        assert answer.status_code == 200, answer.text
        found: dict[str, dict[str, int]] = answer.json()["nodes"]
        return found

    def stop(self) -> int | None:
        self.client.close()
        if self.process is None:
            return None
        self.process.terminate()
        return self.process.wait(15)


@pytest.fixture
def storefront(nodes: Nodes, postgres: Postgres, database: str, tmp_path: Path) -> Iterator[Storefront]:  # noqa: F811
    """One service that is ready."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOST": "127.0.0.1",
        "PORT": str(free_port()),
        "CACHE_HOST": "127.0.0.1",
        "CACHE_PORT": str(nodes.ports[0]),
        "CACHE_TLS": "false",
        "CACHE_TTL_SECONDS": "600",
        "CACHE_DISCOVERY_SECONDS": "1",
        "DB_HOST": "127.0.0.1",
        "DB_PORT": str(postgres.port),
        "DB_NAME": database,
        "DB_USER": "shop",
        "DB_PASSWORD": "database-password-0123",
        "DB_SSLMODE": "disable",
    }
    service = Storefront(environment, tmp_path / "storefront.log")
    service.start()
    try:
        wait_until(service.is_ready, "the storefront is ready", 60)
        yield service
    finally:
        service.stop()
