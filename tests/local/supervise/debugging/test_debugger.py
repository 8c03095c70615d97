"""Programs that a debugger may attach to: the variables make them listen."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from tests.local.supervise.tiny_app import topology
from tests.processes import wait_until

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.debugging.debugger import debug_folder, free_port, with_debugger
from cachetwin_local.supervise.debugging.operations import DebuggerOperations
from cachetwin_local.supervise.function.runtime.command import find_node
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.supervise.service.service import ServiceActor
from cachetwin_local.supervise.service.virtual_environment import VirtualEnvironments
from cachetwin_local.topology.values import ContainerImage

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


def test_a_package_manager_leaves_the_inspector_to_the_program_that_it_starts(tmp_path: Path) -> None:
    node = find_node()
    assert node is not None
    (tmp_path / "npm.js").write_text("require('child_process').spawn(process.execPath, ['app.js'], {stdio: 'inherit'})")
    (tmp_path / "app.js").write_text(
        "console.log(process.env.CACHETWIN_DEBUG_PORT === undefined ? 'its children have no port' : 'port left');"
        "setInterval(() => {}, 1000)"
    )
    port = free_port(None)
    variables = with_debugger({"PATH": os.defpath}, port, None)
    words = ["sh", "-c", f"cd '{tmp_path}' && exec '{node}' npm.js"]
    with program(words, variables, tmp_path / "log"):

        def title() -> bool:
            try:
                (listed,) = httpx.get(f"http://127.0.0.1:{port}/json/list", timeout=DEADLINE_S).json()
            except httpx.TransportError:
                return False
            return str(listed["title"]).endswith("app.js")

        wait_until(title, "the inspector lists the program, not the package manager", DEADLINE_S)
    assert "its children have no port" in (tmp_path / "log").read_text()


def test_a_program_keeps_its_own_sitecustomize(tmp_path: Path) -> None:
    folder, own = debug_folder(tmp_path), tmp_path / "own"
    own.mkdir()
    (own / "sitecustomize.py").write_text("print('its own start')")
    variables = with_debugger({"PYTHONPATH": str(own)}, free_port(None), folder)
    words = [sys.executable, "-c", "pass"]
    done = subprocess.run(words, env=variables, capture_output=True, text=True, timeout=DEADLINE_S, check=True)
    assert "its own start" in done.stdout  # debugpy's own processes import it too


def test_ports_that_others_have_are_left_out() -> None:
    first = free_port(None)
    assert free_port(None, {first}) != first
    with pytest.raises(UserError, match="is taken"):
        free_port(first, {first})


def test_a_program_that_does_not_run_with_a_debugger_runs_without_one_again(
    run_context: RunContext, address: str, tmp_path: Path
) -> None:
    app = topology(address, 8080)
    (service,) = app.services
    image = ContainerImage("web", str(tmp_path), in_place=True)
    words = ("/bin/sh", "-c", 'test -z "$CACHETWIN_DEBUG_PORT" && exec sleep 999')
    own = replace(service.containers[0], image=image, command=words, environment={}, port_mappings=())
    app = replace(app, services=(replace(service, containers=(own,)),), target_groups=())

    async def main() -> None:
        actor = ServiceActor(run_context, app.services[0], app, VirtualEnvironments(run_context))
        actor.open()
        try:
            await actor.start()
            before = {child.pid for child in run_context.children.values()}
            answer = await DebuggerOperations(lambda: [actor]).perform({"name": actor.name})
            assert "exited with code 1" in str(answer["error"])
            assert actor.debug_port is None
            (child,) = run_context.children.values()
            assert child.running
            assert child.pid not in before
        finally:
            await actor.stop()

    asyncio.run(main())


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
