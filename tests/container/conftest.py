"""Containers of the project's images, run with podman beside the tests.

The images are built once for each session of tests, on a base made by ``container/base.sh``, unless CACHETWIN_IMAGE names
one that exists. Containers share the host's network, because nothing else works without systemd and a firewall: each
engine binds to loopback at a port of its own.
"""

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.engine.conftest import certificates
from tests.processes import free_port, wait_until

__all__ = ["certificates"]  # a fixture of the engine's tests

ROOT = Path(__file__).parents[2]
BUILD_SECONDS_MAX = 900
START_SECONDS_MAX = 30.0
NEEDS = ("podman", "buildah", "debootstrap", "runc")
ENVIRONMENT = {**os.environ, "CONTAINERS_CONF": str(Path(__file__).with_name("containers.conf"))}
LOCKED_DOWN = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")


def podman(*words: str, check: bool = True, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """Run podman and return what it said."""
    return run("podman", *words, check=check, timeout=timeout)


def run(*words: str, check: bool = True, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """Run a program with podman's settings of these tests."""
    return subprocess.run(
        words, capture_output=True, text=True, check=check, timeout=timeout, env=ENVIRONMENT, cwd=ROOT
    )


class Container:
    """A container that runs in the background until ``remove``."""

    def __init__(self, image: str, *directives: str, options: tuple[str, ...] = ()) -> None:
        started = time.monotonic()
        self.id = podman(
            "run", "--detach", "--network", "host", *LOCKED_DOWN, *options, image, *directives
        ).stdout.strip()
        self.started = started

    def wait_for_port(self, port: int) -> float:
        """Seconds from ``podman run`` to the first accepted connection. Fails with the log if the container ends."""
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            except OSError:
                assert time.monotonic() - self.started < START_SECONDS_MAX, self.logs()
                assert self.is_running(), self.logs()
                time.sleep(0.01)
            else:
                return time.monotonic() - self.started

    def wait_for_log(self, text: str) -> None:
        """Wait until the log holds a text. Fails with the log if the container ends."""
        wait_until(lambda: text in self.logs() or not self.is_running(), f"{text} in the log", START_SECONDS_MAX)
        assert text in self.logs(), self.logs()

    def is_running(self) -> bool:
        """True until the main process ends."""
        return podman("inspect", "--format", "{{.State.Running}}", self.id).stdout.strip() == "true"

    def logs(self) -> str:
        """Standard output and standard error so far."""
        said = podman("logs", self.id)
        return said.stdout + said.stderr

    def health(self) -> tuple[int, str]:
        """The exit code of the image's health check, run now, and what it printed."""
        check = json.loads(podman("inspect", "--format", "{{json .Config.Healthcheck.Test}}", self.id).stdout)
        done = podman("exec", self.id, *check[1:], check=False)
        return done.returncode, done.stdout

    def pid(self) -> int:
        """The main process, as the host sees it."""
        return int(podman("inspect", "--format", "{{.State.Pid}}", self.id).stdout)

    def stop(self) -> int:
        """Send the image's stop signal; the exit code."""
        podman("stop", "--time", "10", self.id)
        return self.exit_code()

    def kill(self) -> None:
        """SIGKILL to the main process."""
        podman("kill", "--signal", "KILL", self.id)
        podman("wait", self.id)

    def exit_code(self) -> int:
        """The main process's exit code, when it has ended."""
        return int(podman("wait", self.id).stdout)

    def remove(self) -> None:
        """End and forget the container."""
        podman("rm", "--force", "--time", "1", self.id, check=False)


class Containers:
    """Starts engines in containers; the fixture removes them all."""

    def __init__(self, image: str) -> None:
        self.image = image
        self._all: list[Container] = []

    def start(self, *directives: str, options: tuple[str, ...] = (), port: int | None = None) -> tuple[Container, int]:
        """An engine on loopback that accepts connections, and its port. ``port`` replaces ``--port`` with its own."""
        at = port if port is not None else free_port()
        words = directives if port is not None else ("--port", str(at), *directives)
        container = Container(self.image, "--bind", "127.0.0.1", *words, options=options)
        self._all.append(container)
        container.wait_for_port(at)
        return container, at

    def remove_all(self) -> None:
        """End every container."""
        for container in self._all:
            container.remove()


@pytest.fixture(scope="session")
def engine_image() -> str:
    """The name of the engine's image, built if need be."""
    return _image("engine", "CACHETWIN_IMAGE")


@pytest.fixture(scope="session")
def runner_image() -> str:
    """The name of the runner's image, built if need be."""
    return _image("runner", "CACHETWIN_RUNNER_IMAGE")


def _image(kind: str, variable: str) -> str:
    name = os.environ.get(variable)
    if name:
        return name
    missing = [program for program in NEEDS if shutil.which(program) is None]
    if missing or os.geteuid() != 0:
        pytest.skip(f"building an image here takes root and {', '.join(NEEDS)}; missing: {missing or 'root'}")
    done = run("container/build.sh", kind, check=False, timeout=BUILD_SECONDS_MAX)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout.split()[-1]


@pytest.fixture
def containers(engine_image: str) -> Iterator[Containers]:
    """Engines in containers, removed after the test."""
    started = Containers(engine_image)
    yield started
    started.remove_all()
