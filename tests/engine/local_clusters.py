"""Clusters that ``cachetwin-engine cluster`` runs, as processes of the test."""

import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence

from tests.processes import wait_until

START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 30


class Running:
    """A cluster, once it says that it is ready."""

    def __init__(self, port: int, *arguments: str, before: Sequence[str] = ()) -> None:
        """``before``: directives of an entry point."""
        self.port = port
        command = [sys.executable, "-m", "cachetwin_engine", *before, "cluster", "--port", str(port), *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        wait_until(lambda: "ready" in self.lines or self.process.poll() is not None, "the cluster", START_SECONDS_MAX)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.strip())

    @property
    def ports(self) -> list[int]:
        """Of all nodes."""
        return [int(found[1]) for line in self.lines if (found := re.search(r":(\d+) ", line))]

    def stop(self) -> int:
        """Ctrl-C; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            self._reader.join(STOP_SECONDS_MAX)
            for stream in (self.process.stdout, self.process.stderr):
                assert stream is not None
                stream.close()


StartCluster = Callable[..., Running]
