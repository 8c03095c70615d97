"""Which process a pid means: a pid together with a start time that no change of the clock moves."""

import contextlib
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ProcessIdentity", "kill_group"]

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_LINUX = sys.platform.startswith("linux")
_STATE_FIELD = 3
_ENDED = frozenset({"Z", "X", "zombie", "dead"})
_START_TIME_FIELD = 22  # of /proc/<pid>/stat, in clock ticks since the boot (proc(5))


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """A process. `started` is opaque: equal for the same process, different for a later one with the same pid."""

    pid: int
    started: str

    @classmethod
    def of(cls, pid: int) -> "ProcessIdentity":
        """The process that has `pid` now; one that has exited gets an identity that no process has."""
        found = _look(pid)
        return cls(pid, "" if found is None else found[0])

    @classmethod
    def own(cls) -> "ProcessIdentity":
        """This process."""
        return cls.of(os.getpid())

    @property
    def alive(self) -> bool:
        """Whether the same process still runs."""
        found = _look(self.pid)
        return found is not None and found[0] == self.started and found[1] not in _ENDED


def kill_group(leader_pid: int) -> None:
    """SIGKILL to every process of the group that `leader_pid` leads, if there is one."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader_pid, signal.SIGKILL)


def _look(pid: int) -> tuple[str, str] | None:
    """When the process started, opaque, and its state; None when there is none."""
    if _LINUX:
        try:
            # the program's name, the second field, may hold spaces and parentheses
            fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
            started = f"{_BOOT_ID.read_text().strip()}/{int(fields[_START_TIME_FIELD - 3])}"
        except OSError:
            return None
        return started, fields[_STATE_FIELD - 3].decode()
    import psutil  # noqa: PLC0415  (short commands do without it)

    try:
        process = psutil.Process(pid)
        return repr(process.create_time()), process.status()  # the kernel stores the time when the process starts
    except psutil.NoSuchProcess:
        return None
