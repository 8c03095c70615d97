"""The session function's parts against a real server, in this process."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.processes import accepts, free_port, wait_until
from valkey import Valkey

ROOT = Path(__file__).parents[3]
USER = "sessions"
PREFIX = "session:"

if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))  # `stacks` lies at the root and is not installed


@pytest.fixture(scope="session")
def cache_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Debian's redis-server, with one user who may do what SessionApi's access string allows; its password is any."""
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed: the function needs a cache to be tested against")
    folder = tmp_path_factory.mktemp("cache")
    port = free_port()
    access = "resetchannels -@all +@read +@write +@transaction +@connection -@admin -@dangerous"
    (folder / "cache.conf").write_text(
        f'port {port}\nbind 127.0.0.1\nsave ""\ndir {folder}\nuser default on nopass ~* &* +@all\n'
        f"user {USER} on nopass ~{PREFIX}* {access}\n"
    )
    with (folder / "cache.log").open("ab") as log:
        process = subprocess.Popen(["redis-server", folder / "cache.conf"], stdout=log, stderr=log)
    try:
        wait_until(lambda: accepts(port), "the cache accepts connections")
        yield port
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def admin(cache_port: int) -> Iterator[Valkey]:
    """The server as its administrator; emptied before each test."""
    client = Valkey(port=cache_port)
    client.flushall()
    yield client
    client.close()  # type: ignore[no-untyped-call]  # valkey-py's


@pytest.fixture
def client(cache_port: int, admin: Valkey) -> Iterator[Valkey]:
    """The server as the function's user."""
    connection = Valkey(port=cache_port, username=USER, password="a token")
    yield connection
    connection.close()  # type: ignore[no-untyped-call]  # valkey-py's
