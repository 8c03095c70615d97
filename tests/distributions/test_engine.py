"""cachetwin-engine alone: the command of engine/README.md starts, and a client is answered."""

import re
import shlex
import socket
import subprocess
from pathlib import Path

import pytest
from tests.distributions.wheels import Environment, install
from tests.processes import accepts, free_port, wait_until
from tools.distributions import ROOT

README = ROOT / "engine" / "README.md"
STOP_S_MAX = 20


@pytest.fixture(scope="module")
def environment(wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return install(tmp_path_factory.mktemp("engine") / "venv", [str(wheels["cachetwin-engine"])])


def test_only_what_serves_is_installed(environment: Environment) -> None:
    needed = {"cachetwin-engine", "librt", "lupa", "mypy-extensions", "uvloop"}
    assert environment.packages() == needed


def test_the_command_of_the_readme_answers_a_client(environment: Environment, tmp_path: Path) -> None:
    first = re.findall(r"^cachetwin-engine .*$", README.read_text(), re.MULTILINE)[0]
    port = free_port()
    program, *options = shlex.split(first.replace("6379", str(port)))
    server = subprocess.Popen([environment.program(program), *options], cwd=tmp_path)
    try:
        wait_until(lambda: accepts(port), "the engine to listen", 60)
        with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
            client.sendall(b"SET fruit apple\r\nGET fruit\r\n")
            replies = client.makefile("rb")
            assert [replies.readline() for _ in range(3)] == [b"+OK\r\n", b"$5\r\n", b"apple\r\n"]
            replies.close()
    finally:
        server.terminate()
        assert server.wait(STOP_S_MAX) == 0


def test_it_says_which_version_and_build_it_is(environment: Environment, tmp_path: Path) -> None:
    told = environment.run("cachetwin-engine", "--version", cwd=tmp_path)
    assert told.stdout.startswith(f"cachetwin-engine {(ROOT / 'VERSION').read_text().strip()} (pure core;")
