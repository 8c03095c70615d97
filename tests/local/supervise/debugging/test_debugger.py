"""Programs that a debugger may attach to: the variables make them listen."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from tests.processes import wait_until

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.debugging.debugger import debug_folder, free_port, with_debugger
from cachetwin_local.supervise.function.runtime.command import find_node

DEADLINE_S = 30


@contextmanager
def program(words: list[str], variables: dict[str, str], output: Path) -> Iterator[None]:
    with output.open("wb") as log:
        running = subprocess.Popen(words, env=variables, stdout=log, stderr=log, start_new_session=True)
        try:
            yield
        finally:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait(DEADLINE_S)


def test_an_inspector_listens_in_a_program_of_node(tmp_path: Path) -> None:
    node = find_node()
    assert node is not None
    port = free_port(None)
    variables = with_debugger({"PATH": os.defpath, "NODE_OPTIONS": "--no-warnings"}, port, None)
    with program([str(node), "-e", "setInterval(() => {}, 1000)"], variables, tmp_path / "log"):

        def listed() -> bool:
            try:
                return bool(httpx.get(f"http://127.0.0.1:{port}/json/list", timeout=DEADLINE_S).json())
            except httpx.TransportError:
                return False

        wait_until(listed, "the inspector lists the program", DEADLINE_S)


def test_a_python_without_a_debugger_says_so_and_runs(tmp_path: Path) -> None:
    folder = debug_folder(tmp_path)
    assert folder is not None
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match="is taken"):
            free_port(port)
        variables = with_debugger({"PYTHONPATH": "kept"}, port, folder)
        words = [sys.executable, "-c", "import os; print(os.environ['PYTHONPATH'])"]
        done = subprocess.run(words, env=variables, capture_output=True, text=True, timeout=DEADLINE_S, check=True)
    assert done.stdout.strip() == f"{folder}{os.pathsep}kept"
    assert f"no debugger at 127.0.0.1:{port}" in done.stderr
