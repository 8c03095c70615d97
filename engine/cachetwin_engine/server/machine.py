"""What the core may say about this process and machine: pid, CPU time, memory, unpredictable bits."""

import os
import platform
import resource
import secrets
import sys
from pathlib import Path
from typing import Final

from cachetwin_engine.core.host import Host

_PAGE_BYTES: Final = resource.getpagesize()


class Machine(Host):
    """This process, for INFO and ACL GENPASS."""

    def __init__(self) -> None:
        super().__init__()
        self.os = f"{platform.system()} {platform.release()} {platform.machine()}"
        self.process_id = os.getpid()
        self.executable = sys.executable
        self.run_id = secrets.token_hex(20)
        self.total_memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")

    def cpu_seconds(self) -> tuple[float, float]:
        """CPU time of the process: (system, user)."""
        times = os.times()
        return times.system, times.user

    def resident_bytes(self) -> int:
        """Memory that is resident; the peak where the system does not tell the present."""
        try:
            pages = int(Path("/proc/self/statm").read_text().split()[1])
        except OSError:
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        return pages * _PAGE_BYTES

    def secret_bits(self, count: int) -> int:
        """``count`` unpredictable bits."""
        return secrets.randbits(count)
