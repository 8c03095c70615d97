"""What can go wrong around a running supervisor: its processes end or hang, its files go, its limits are reached.

A fault leaves nothing behind that the supervisor cannot put right by itself.
"""

import random
import resource
import shutil
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

__all__ = ["FAULTS", "Clock", "Fault", "Target", "fill_the_disk", "small_file_system"]

HANG_S_MAX = 3.0
FULL_S_MAX = 3.0
CLOCK_FORTH_S_MAX = 86_400
CLOCK_BACK_S_MAX = 240
CLOCK_S_MAX = 20 * 86_400  # in all: certificates are valid for 30 days


@dataclass(frozen=True)
class Target:
    """A running supervisor: its project's folder, and its process."""

    folder: Path
    supervisor: psutil.Process
    hang_s_max: float = HANG_S_MAX

    @property
    def directory(self) -> Path:
        """What the runner writes to."""
        return self.folder / ".cachetwin"

    def child(self, choice: random.Random) -> psutil.Process:
        """A process below the supervisor: mostly one that it started itself. Raises IndexError when there is none."""
        return choice.choice(self.supervisor.children(recursive=choice.random() < 0.3))


Fault = Callable[[Target, random.Random], None]


def kill_a_child(target: Target, choice: random.Random) -> None:
    """SIGKILL."""
    with suppress(psutil.NoSuchProcess, IndexError):
        target.child(choice).kill()


def end_a_child(target: Target, choice: random.Random) -> None:
    """SIGTERM, as somebody would who means another process."""
    with suppress(psutil.NoSuchProcess, IndexError):
        target.child(choice).terminate()


def hang_a_child(target: Target, choice: random.Random) -> None:
    """SIGSTOP, and SIGCONT a moment later."""
    with suppress(psutil.NoSuchProcess, IndexError):
        _hang(target.child(choice), choice.uniform(0, target.hang_s_max))


def hang_the_supervisor(target: Target, choice: random.Random) -> None:
    """SIGSTOP, and SIGCONT a moment later."""
    _hang(target.supervisor, choice.uniform(0, target.hang_s_max))


def _hang(process: psutil.Process, seconds: float) -> None:
    process.suspend()
    try:
        time.sleep(seconds)
    finally:
        with suppress(psutil.NoSuchProcess):
            process.resume()


def delete_the_logs(target: Target, _choice: random.Random) -> None:
    """The whole folder, under those who write to it."""
    shutil.rmtree(target.directory / "logs", ignore_errors=True)


def damage_the_state(target: Target, choice: random.Random) -> None:
    """What a crash in the middle of a write can leave."""
    (target.directory / "state.json").write_bytes(choice.randbytes(20))


def delete_a_file(target: Target, choice: random.Random) -> None:
    """The state or the lock."""
    (target.directory / choice.choice(["state.json", "lock"])).unlink(missing_ok=True)


def use_up_the_descriptors(target: Target, choice: random.Random) -> None:
    """No further file or connection for one of the processes, the supervisor among them, for a moment."""
    with suppress(psutil.NoSuchProcess, psutil.AccessDenied, IndexError, OSError):
        process = target.supervisor if choice.random() < 0.3 else target.child(choice)
        given: tuple[int, int] = process.rlimit(resource.RLIMIT_NOFILE)
        process.rlimit(resource.RLIMIT_NOFILE, (process.num_fds(), given[1]))
        time.sleep(choice.uniform(0, FULL_S_MAX))
        process.rlimit(resource.RLIMIT_NOFILE, given)


FAULTS: tuple[Fault, ...] = (
    kill_a_child,
    kill_a_child,
    end_a_child,
    hang_a_child,
    hang_the_supervisor,
    delete_the_logs,
    damage_the_state,
    delete_a_file,
    use_up_the_descriptors,
)


def fill_the_disk(target: Target, choice: random.Random) -> None:
    """No further byte in the project's folder for a moment. Only where it is a file system of its own, a small one."""
    ballast = target.directory / "ballast"
    with suppress(OSError), ballast.open("wb") as file:
        while True:
            file.write(bytes(1 << 20))
            file.flush()
    with suppress(OSError), ballast.open("ab", buffering=0) as file:
        while True:
            file.write(bytes(1 << 10))
    time.sleep(choice.uniform(0, FULL_S_MAX))
    ballast.unlink()


class Clock:
    """The time of day of every process that was started with ``environment``, and of those they start."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock-shift"
        self._furthest_s = 0
        self._file.write_bytes(struct.pack("=q", 0))
        library = folder / "clock_shift.so"
        source = Path(__file__).with_name("clock_shift.c")
        subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", str(library), str(source), "-ldl"], check=True)
        self.environment = {"LD_PRELOAD": str(library), "CLOCK_SHIFT_FILE": str(self._file)}

    def step_the_clock(self, _target: Target, choice: random.Random) -> None:
        """Forth by up to a day, or back by some minutes: a certificate is valid from five minutes before it was made."""
        if choice.random() < 0.5 and self._furthest_s < CLOCK_S_MAX:
            self._furthest_s += round(choice.uniform(1, CLOCK_FORTH_S_MAX))
            shift_s = self._furthest_s
        else:
            shift_s = self._furthest_s - round(choice.uniform(1, CLOCK_BACK_S_MAX))
        with self._file.open("r+b") as file:  # in place: the processes have mapped it
            file.write(struct.pack("=q", shift_s))


@contextmanager
def small_file_system(folder: Path, size: str) -> Iterator[None]:
    """Mount a file system of its own, in memory, at ``folder``. As root on Linux."""
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
