"""The files by which another `cachetwin` finds a running project, or finds that it was killed.

The lock alone says whether a supervisor runs: the supervisor holds ``lock`` as long as it lives, and the kernel releases
it however the supervisor ends. Where the file was deleted under a run, the control socket still accepts connections.
``state.json`` adds what others want to know of a run: the stacks, and the children to end where a supervisor was
killed. A damaged or missing one changes nothing about who runs.
"""

import contextlib
import fcntl
import json
import os
import socket
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.process.identity import ProcessIdentity, kill_group
from cachetwin_local.supervise.process.private_file import write_private
from cachetwin_local.supervise.project.socket_directory import socket_directory

__all__ = ["RunState", "StateFile"]

_ACQUIRE_S = 1.0  # others hold the lock only for the moment of a clean-up
_RETRY_S = 0.02
_CONNECT_S = 1.0
_END_S = 5


@dataclass(frozen=True, slots=True)
class RunState:
    """What is known of a run. `pid` is the supervisor's, 0 where it cannot be told."""

    pid: int
    control_socket: str
    stacks: tuple[str, ...] = ()
    children: Mapping[str, ProcessIdentity] = field(default_factory=dict)


class StateFile:
    """``state.json`` and ``lock`` in a project's ``.cachetwin``."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "state.json"
        self._lock_path = directory / "lock"
        self._control_socket = socket_directory(directory) / "control.sock"
        self._lock: IO[bytes] | None = None

    def running(self) -> RunState | None:
        """The state of the supervisor that runs, or None."""
        if not self._is_locked() and not self._accepts():
            return None
        state = self._read()
        pid = self._holder() or (state.pid if state else 0)
        return RunState(pid, str(self._control_socket), state.stacks if state else (), state.children if state else {})

    def acquire(self) -> str | None:
        """Become the project's only supervisor. Returns a line about what a killed one left behind, if anything.

        Raises UserError when another supervisor runs.
        """
        end = time.monotonic() + _ACQUIRE_S
        lock = self._lock_path.open("a+b")
        while not _try_lock(lock):
            if time.monotonic() > end:
                lock.close()
                raise self._already_up()
            time.sleep(_RETRY_S)
        if self._accepts():
            lock.close()
            raise self._already_up()
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n".encode())
        lock.flush()
        self._lock = lock
        return self._clean()

    def write(self, state: RunState) -> None:
        """Replace the state."""
        write_private(self._path, json.dumps(asdict(state), indent=1).encode())

    def release(self) -> None:
        """Remove the state and release the lock."""
        self._path.unlink(missing_ok=True)
        if self._lock is not None:
            with contextlib.suppress(OSError):
                self._lock.truncate(0)
            self._lock.close()
            self._lock = None

    def clean(self) -> str | None:
        """End the children that a killed supervisor left running, and remove its state. Returns a line that says so."""
        if not self._lock_path.exists() or self._accepts():
            return None
        with self._lock_path.open("a+b") as lock:
            return self._clean() if _try_lock(lock) else None

    def _clean(self) -> str | None:
        state = self._read()
        self._path.unlink(missing_ok=True)
        self._control_socket.unlink(missing_ok=True)
        if state is None:
            return None
        left = [name for name, child in state.children.items() if child.alive]
        for name in left:
            kill_group(state.children[name].pid)
            import psutil  # noqa: PLC0415  (short commands do without it)

            with contextlib.suppress(psutil.NoSuchProcess, psutil.TimeoutExpired):
                psutil.Process(state.children[name].pid).wait(_END_S)
        ended = f"ended what it left running ({', '.join(left)})" if left else "it left no process behind"
        return f"the last run (pid {state.pid}) was killed: {ended} and removed its state"

    def _already_up(self) -> UserError:
        holder = self._holder()
        who = f" (pid {holder})" if holder else ""
        return UserError(f"this project is already up{who}: see `cachetwin status`, or stop it with `cachetwin down`")

    def _is_locked(self) -> bool:
        try:
            with self._lock_path.open("rb") as lock:
                return not _try_lock(lock, shared=True)
        except FileNotFoundError:
            return False

    def _holder(self) -> int:
        """The pid that the supervisor wrote into the lock, 0 where it did not."""
        try:
            text = self._lock_path.read_text(encoding="utf-8", errors="replace").strip()
        except FileNotFoundError:
            return 0
        return int(text) if text.isdigit() else 0

    def _accepts(self) -> bool:
        """Whether somebody listens on the control socket."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_CONNECT_S)
            try:
                connection.connect(str(self._control_socket))
            except BlockingIOError:
                return True  # its backlog is full, so there is a listener
            except OSError:
                return False
        return True

    def _read(self) -> RunState | None:
        try:
            document = json.loads(self._path.read_bytes())
            return RunState(
                int(document["pid"]),
                str(document["control_socket"]),
                tuple(document["stacks"]),
                {name: ProcessIdentity(**child) for name, child in document["children"].items()},
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None  # missing, cut off in the middle, or written by another version


def _try_lock(lock: IO[bytes], *, shared: bool = False) -> bool:
    try:
        fcntl.flock(lock, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
