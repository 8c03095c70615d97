"""Which process a pid means: a pid together with a start time that no change of the clock moves."""

import os
from dataclasses import dataclass
from pathlib import Path

import psutil

__all__ = ["ProcessIdentity"]

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_START_TIME_FIELD = 22  # of /proc/<pid>/stat, in clock ticks since the boot (proc(5))


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """A process. `started` is opaque: equal for the same process, different for a later one with the same pid."""

    pid: int
    started: str

    @classmethod
    def of(cls, pid: int) -> "ProcessIdentity":
        """The process that has `pid` now; one that has exited gets an identity that no process has."""
        try:
            return cls(pid, _started(pid))
        except (OSError, psutil.NoSuchProcess):
            return cls(pid, "")

    @classmethod
    def own(cls) -> "ProcessIdentity":
        """This process."""
        return cls.of(os.getpid())

    @property
    def alive(self) -> bool:
        """Whether the same process still runs."""
        try:
            return _started(self.pid) == self.started and psutil.Process(self.pid).status() != psutil.STATUS_ZOMBIE
        except (OSError, psutil.NoSuchProcess):
            return False


def _started(pid: int) -> str:
    if psutil.LINUX:
        # the program's name, the second field, may hold spaces and parentheses
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return f"{_BOOT_ID.read_text().strip()}/{int(fields[_START_TIME_FIELD - 3])}"
    return repr(psutil.Process(pid).create_time())  # the kernel stores it when the process starts
