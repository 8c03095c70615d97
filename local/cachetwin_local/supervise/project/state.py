"""The files by which another `cachetwin` finds a running project, or finds that it was killed.

The supervisor holds ``lock`` as long as it lives; the kernel releases it however the supervisor ends. ``state.json``
names the supervisor (pid and start time, because pids are reused), its control socket, and its children. A state file
without a running supervisor is stale: its remaining children are ended and it is removed.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

import psutil

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.process.child import kill_group
from cachetwin_local.supervise.process.private_file import write_private

__all__ = ["ProcessIdentity", "RunState", "StateFile"]

_SAME_START_S = 1.0  # psutil's start times come from clock ticks and the boot time, both rounded


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """A process by pid and start time (seconds since the epoch)."""

    pid: int
    create_time: float

    @classmethod
    def own(cls) -> "ProcessIdentity":
        """This process."""
        return cls(os.getpid(), psutil.Process().create_time())

    @property
    def alive(self) -> bool:
        """Whether the same process still runs."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.create_time) < _SAME_START_S
            return same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False


@dataclass(frozen=True, slots=True)
class RunState:
    """The content of state.json."""

    supervisor: ProcessIdentity
    control_socket: str
    stacks: tuple[str, ...]
    children: Mapping[str, ProcessIdentity] = field(default_factory=dict)


class StateFile:
    """``state.json`` and ``lock`` in a project's ``.cachetwin``."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "state.json"
        self._lock_path = directory / "lock"
        self._lock: IO[bytes] | None = None

    def running(self) -> RunState | None:
        """The state of the supervisor that runs, or None."""
        state = self._read()
        return state if state is not None and state.supervisor.alive else None

    def acquire(self) -> str | None:
        """Become the project's only supervisor. Returns a line about what a killed one left behind, if anything.

        Raises UserError when another supervisor runs.
        """
        self._lock = self._lock_path.open("ab")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.close()
            self._lock = None
            state = self._read()
            who = f" (pid {state.supervisor.pid})" if state is not None else ""
            raise UserError(
                f"this project is already up{who}: see `cachetwin status`, or stop it with `cachetwin down`"
            ) from error
        return self.clean()

    def write(self, state: RunState) -> None:
        """Replace the state."""
        write_private(self._path, json.dumps(asdict(state), indent=1).encode())

    def release(self) -> None:
        """Remove the state and release the lock."""
        self._path.unlink(missing_ok=True)
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def clean(self) -> str | None:
        """End the children that a killed supervisor left running, and remove its state. Returns a line that says so."""
        state = self._read()
        if state is None or state.supervisor.alive:
            return None
        left = [name for name, mark in state.children.items() if mark.alive]
        for name in left:
            kill_group(state.children[name].pid)
            with contextlib.suppress(psutil.NoSuchProcess):
                psutil.Process(state.children[name].pid).wait(5)
        self._path.unlink(missing_ok=True)
        Path(state.control_socket).unlink(missing_ok=True)
        ended = f"ended what it left running ({', '.join(left)})" if left else "it left no process behind"
        return f"the last run (pid {state.supervisor.pid}) was killed: {ended} and removed its state"

    def _read(self) -> RunState | None:
        try:
            document = json.loads(self._path.read_bytes())
            return RunState(
                ProcessIdentity(**document["supervisor"]),
                document["control_socket"],
                tuple(document["stacks"]),
                {name: ProcessIdentity(**mark) for name, mark in document["children"].items()},
            )
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError):
            # cut off in the middle or written by another version: nobody can be running by it
            self._path.unlink(missing_ok=True)
            return None
