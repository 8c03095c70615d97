"""The AWS-shaped host names of the endpoints, for the processes that the runner starts.

They find a hosts file of the run in the place of ``/etc/hosts``: the system's own, and the names with their loopback
addresses. That takes a mount namespace for each process (`process.launch`); where the system does not allow it, the names
do not resolve, and processes start as ever.
"""

import asyncio
import contextlib
import sys
from collections.abc import Iterable
from pathlib import Path

from cachetwin_local.supervise.process.child import LAUNCH

__all__ = ["HostNames"]

_SYSTEM = Path("/etc/hosts")
_TRY_S = 10.0


class HostNames:
    """The hosts file of a run. `file` is what processes are to find, None where that is not possible."""

    def __init__(self, path: Path) -> None:
        self.file: Path | None = None
        self._path = path

    def write(self, names: Iterable[tuple[str, str]]) -> None:
        """Make the file anew, from pairs of an address and a name. Processes that run see it."""
        lines = [f"{address}\t{name}\n" for address, name in names]
        system = ""
        with contextlib.suppress(OSError):
            system = _SYSTEM.read_text(encoding="utf-8", errors="replace").rstrip("\n") + "\n"
        # the same file, not a new one in its place: that is what is mounted
        self._path.write_text("".join([system, "# written by cachetwin\n", *lines]), encoding="utf-8")

    async def try_out(self) -> None:
        """Find out whether processes can have the file."""
        if sys.platform != "linux" or not _SYSTEM.exists():
            return
        words = (sys.executable, "-I", "-S", LAUNCH, "can-show-hosts", str(self._path))
        nothing = asyncio.subprocess.DEVNULL
        with contextlib.suppress(OSError, TimeoutError):
            process = await asyncio.create_subprocess_exec(*words, stdin=nothing, stdout=nothing, stderr=nothing)
            try:
                code = await asyncio.wait_for(process.wait(), _TRY_S)
            except TimeoutError:
                process.kill()
                raise
            self.file = self._path if code == 0 else None
