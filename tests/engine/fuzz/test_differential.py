"""The same random requests to this engine and to Debian's redis-server, for some seconds."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.engine.fuzz.differential import Pair, compare, connected, wait_for
from tests.processes import free_port

REQUESTS = 5_000


@pytest.fixture
def redis_address(tmp_path: Path) -> Iterator[str]:
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed")
    port = free_port()
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        try:
            address = f"127.0.0.1:{port}"
            wait_for(address)
            yield address
        finally:
            server.terminate()


@pytest.mark.compat
@pytest.mark.parametrize("resp3", [False, True])
def test_random_requests_are_answered_as_redis_answers_them(redis_address: str, *, resp3: bool) -> None:
    with connected(redis_address) as server:
        _, found = compare(Pair(server, "redis-7.1", 1, resp3), seed=1, seconds=60, requests_max=REQUESTS)
    assert not found, "\n".join(f"{one.words}: ours {one.ours[:100]!r}, theirs {one.theirs[:100]!r}" for one in found)
