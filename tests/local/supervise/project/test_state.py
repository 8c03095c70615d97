"""Whether a supervisor runs is what the lock says, whatever happened to the files beside it or to the clock."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.process.identity import ProcessIdentity
from cachetwin_local.supervise.project.state import RunState, StateFile

HOLDER = """
import sys
from pathlib import Path
from cachetwin_local.supervise.project.state import RunState, StateFile
file = StateFile(Path(sys.argv[1]))
print(file.acquire() or "clean", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    folder = tmp_path / ".cachetwin"
    folder.mkdir(mode=0o700)
    return folder


@contextmanager
def holder(directory: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that is the project's supervisor."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", HOLDER, str(directory)]
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "clean\n"
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(99)"], start_new_session=True) as process:
        try:
            yield process
        finally:
            process.kill()


def lives(identity: ProcessIdentity) -> bool:
    return identity.alive


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b'{"pid": []}'])
def test_a_missing_or_damaged_state_does_not_hide_a_running_supervisor(directory: Path, content: bytes | None) -> None:
    with holder(directory) as process:
        if content is not None:
            (directory / "state.json").write_bytes(content)
        file = StateFile(directory)
        running = file.running()
        assert running is not None
        assert running.pid == process.pid
        assert file.clean() is None
        with pytest.raises(UserError, match=rf"already up \(pid {process.pid}\)"):
            StateFile(directory).acquire()


def test_a_killed_supervisor_does_not_run_and_its_children_are_ended(directory: Path) -> None:
    with holder(directory) as process, sleeper() as child:
        state = RunState(process.pid, "", (), {"Shop/Cache": ProcessIdentity.of(child.pid)})
        StateFile(directory).write(state)
        assert StateFile(directory).running() is not None
        process.kill()
        process.wait()
        file = StateFile(directory)
        assert file.running() is None
        assert file.clean() == (
            f"the last run (pid {process.pid}) was killed: ended what it left running (Shop/Cache) and removed its state"
        )
        assert not lives(state.children["Shop/Cache"])
        assert file.clean() is None


def test_another_process_with_the_pid_of_a_child_is_left_alone(directory: Path) -> None:
    with sleeper() as other:
        state = RunState(1, "", (), {"Shop/Cache": ProcessIdentity(other.pid, "an earlier start")})
        file = StateFile(directory)
        file.write(state)
        line = file.acquire()
        assert line is not None
        assert "it left no process behind" in line
        assert other.poll() is None
        file.release()


def test_a_step_of_the_clock_does_not_make_a_process_another(monkeypatch: pytest.MonkeyPatch) -> None:
    before = ProcessIdentity.own()
    boot_time = psutil.boot_time()
    monkeypatch.setattr("psutil._psplatform.boot_time", lambda: boot_time + 3600)  # what a step makes of it
    assert ProcessIdentity.own() == before
    assert before.alive


def test_a_process_that_has_exited_is_not_alive() -> None:
    with sleeper() as process:
        identity = ProcessIdentity.of(process.pid)
        assert lives(identity)
        process.kill()
        process.wait()
        assert not lives(identity)
        assert not lives(ProcessIdentity.of(process.pid))
