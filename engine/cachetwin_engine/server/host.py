"""What the engine may say of its process and machine: INFO's facts, and the bits for ACL GENPASS."""

import os
import secrets
import sys
import time
from collections.abc import Callable
from pathlib import Path

from cachetwin_engine.core.host import Host


class ProcessHost(Host):
    """This process. Counters of the connections that the shell closed or refused are kept here for INFO."""

    def __init__(self, config_file: str = "") -> None:
        super().__init__()
        self.serve_while_busy: Callable[[], None] | None = None
        system = os.uname()
        self.os = f"{system.sysname} {system.release} {system.machine}"
        self.process_id = os.getpid()
        self.executable = sys.executable
        self.config_file = str(Path(config_file).resolve()) if config_file else ""
        self.run_id = secrets.token_hex(20)
        self.total_memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")

    def cpu_seconds(self) -> tuple[float, float]:
        """CPU time of the process so far: (system, user)."""
        times = os.times()
        return times.system, times.user

    def resident_bytes(self) -> int:
        """Resident memory now; where there is no /proc, its highest value so far."""
        try:
            return int(Path("/proc/self/statm").read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except OSError:
            import resource  # noqa: PLC0415  (only where there is no /proc)

            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS, where this is used

    def serve_others(self) -> None:
        """Let the node look after its other connections while a script runs."""
        if self.serve_while_busy is not None:
            self.serve_while_busy()

    def sleep(self, seconds: float) -> None:
        """Stop the whole process for a while."""
        time.sleep(seconds)

    def secret_bits(self, count: int) -> int:
        """``count`` unpredictable bits."""
        return secrets.randbits(count)
