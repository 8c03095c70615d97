"""A real server with the users of the deployed stack, and the services as processes, told by the environment alone."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).parents[3]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))  # `stacks` lies at the root and is not installed

from aws_cdk import aws_ecs as ecs  # noqa: E402  (as above)
from stacks.messaging.stack import services  # noqa: E402  (after the path)
from tests.processes import free_port, wait_until  # noqa: E402  (as above)
from valkey import Valkey  # noqa: E402  (as above)
from valkey.exceptions import BusyLoadingError  # noqa: E402  (as above)
from valkey.exceptions import ConnectionError as ValkeyConnectionError  # noqa: E402  (as above)

SERVICES = ROOT / "stacks" / "messaging" / "services"
PASSWORD = "messaging-password-0123456789"
Client = Any  # a valkey.Valkey, whose types say too little about replies
DEFINITIONS = services(ecs.ContainerImage.from_registry("python"))


def access_of(name: str) -> str:
    """The access string of a service of the stack; CLIENT SETINFO is newer than Debian's server."""
    return str(DEFINITIONS[name].access_string()).replace(" +client|setinfo", "")


@dataclass
class CacheServer:
    """Debian's redis-server, with one user per service; stopped and started at will on one port."""

    folder: Path
    port: int
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        users = "".join(f"user {name} >{PASSWORD} {access_of(name)}\n" for name in DEFINITIONS)
        (self.folder / "cache.conf").write_text(
            f'port {self.port}\nbind 127.0.0.1\nsave ""\nappendonly yes\nappendfsync always\ndir {self.folder}\n'
            f"user default on nopass ~* &* +@all\nuser meter on nopass %R~queue:* -@all +xlen +xrange\n{users}"
        )
        with (self.folder / "cache.log").open("ab") as log:
            self.process = subprocess.Popen(["redis-server", self.folder / "cache.conf"], stdout=log, stderr=log)
        wait_until(self._accepts, "this test's own cache accepts connections")

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)
            self.process = None

    def _accepts(self) -> bool:
        with self.client() as client:
            try:
                owner = client.info("server")["process_id"]
                return self.process is not None and bool(owner == self.process.pid)
            except (ValkeyConnectionError, BusyLoadingError):
                return False

    def client(self, user: str | None = None) -> Client:
        """The server as the administrator, or as a service."""
        if user is None:
            return Valkey(port=self.port, decode_responses=True)
        return Valkey(port=self.port, username=user, password=PASSWORD, decode_responses=True)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[CacheServer]:
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed: the services need a cache to be tested against")
    server = CacheServer(tmp_path, free_port())
    server.start()
    yield server
    server.stop()


@pytest.fixture
def admin(server: CacheServer) -> Iterator[Client]:
    client = server.client()
    yield client
    client.close()


@dataclass
class Service:
    """One service of the stack, started as its task definition does."""

    process: "subprocess.Popen[bytes]"
    log_path: Path

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        self.process.terminate()
        return self.process.wait(15)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(15)

    def log(self) -> str:
        return self.log_path.read_text()


@pytest.fixture
def start(server: CacheServer, tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Starts a service by its name in the stack; keyword arguments are further variables."""
    started: list[Service] = []

    def start_service(name: str, **variables: str) -> Service:
        definition = DEFINITIONS[name]
        environment = {
            "PATH": os.environ["PATH"], "CACHE_HOST": "127.0.0.1", "CACHE_PORT": str(server.port), "CACHE_TLS": "false",
            "CACHE_USER": name, "CACHE_PASSWORD": PASSWORD, "HOST": "127.0.0.1",
            **definition.environment_variables(), **variables,
        }  # fmt: skip
        log_path = tmp_path / f"{name}-{len(started)}.log"
        command = [sys.executable, *(definition.command or [])[1:]]
        with log_path.open("wb") as log:
            process = subprocess.Popen(command, cwd=SERVICES, env=environment, stdout=log, stderr=log)
        started.append(Service(process, log_path))
        return started[-1]

    yield start_service
    for service in started:
        service.kill()


@pytest.fixture
def api(start: Callable[..., Service]) -> Iterator[httpx.Client]:
    port = free_port()
    service = start("order-api", PORT=str(port), DRILLS="true")
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10)

    def ready() -> bool:
        try:
            return client.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False

    wait_until(ready, f"the API is ready: {service.log()}")
    yield client
    client.close()
