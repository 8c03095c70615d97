"""The engine's process and machine: the facts of INFO, files, and the random bits of ACL GENPASS."""

import logging
import os
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from cachetwin_engine.core.config.config import Config
from cachetwin_engine.core.state.host import Host
from cachetwin_engine.server.logs import log
from cachetwin_engine.server.process import raise_file_limit
from cachetwin_engine.server.valkey.log_files import DiskLogFiles
from cachetwin_engine.server.valkey.persistence import DumpFile, read_dump

REPLY_LINE_BYTES_MAX: Final = 1024
"""Of another server's reply to MIGRATE, as in Valkey (cluster.c)."""


class ProcessHost(Host):
    """This process. Counters of the connections that the shell closed or refused are kept here for INFO."""

    def __init__(self, config_file: str = "") -> None:
        super().__init__()
        self.log_files = DiskLogFiles()
        self._dump_file = DumpFile()
        self.serve_while_busy: Callable[[], None] | None = None
        self.messages: Callable[[list[bytes], bytes], None] | None = None
        self.change_node: Callable[[list[str]], tuple[str, str] | None] | None = None
        self.is_replica = False
        self._oom_base: int | None = None  # the process's own score before oom-score-adj
        system = os.uname()
        self.os = f"{system.sysname} {system.release} {system.machine}"
        self.process_id = os.getpid()
        self.executable = sys.executable
        self.config_file = str(Path(config_file).resolve()) if config_file else ""
        self.run_id = os.urandom(20).hex()
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

    def apply_parameters(self, names: list[str], config: Config) -> tuple[str, str] | None:
        """What the node and the process can do about changed parameters; see ``Host``."""
        if "dir" in names:
            try:
                os.chdir(str(config.get("dir")))
            except OSError as error:
                return "dir", error.strerror or str(error)
            config.values[b"dir"] = os.fsencode(Path.cwd())
        if "maxclients" in names:
            possible = self.allow_clients(config.clients.maxclients)
            if possible < config.clients.maxclients:
                reason = "The operating system is not able to handle the specified number of clients, try with "
                return "maxclients", reason + str(possible)
        if "oom-score-adj" in names or "oom-score-adj-values" in names:
            problem = self.score_for_oom(config)
            if problem:
                return names[0], problem
        return None if self.change_node is None else self.change_node(names)

    def ask(self, host: str, port: str, request: bytes, count: int, timeout_ms: int) -> tuple[list[bytes], str]:
        """Talk to another server as MIGRATE does; see ``Host``."""
        replies: list[bytes] = []
        step = "connecting to the client"
        try:
            address = str(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0])
            step = "writing to target instance"
            with socket.create_connection((address, int(port)), timeout_ms / 1000) as sock:
                sock.sendall(request)
                step = "reading to target instance"
                with sock.makefile("rb") as lines:
                    while len(replies) < count:
                        line = lines.readline(REPLY_LINE_BYTES_MAX)
                        if not line.endswith(b"\n"):
                            return replies, step
                        replies.append(line.rstrip(b"\r\n"))
        except (OSError, ValueError):
            return replies, step
        return replies, ""

    def tell_nodes(self, words: list[bytes], shard_id: bytes) -> None:
        """Hand a message over to the connections to other nodes; see ``Host``."""
        if self.messages is not None:
            self.messages(words, shard_id)

    def allow_clients(self, count: int) -> int:
        """Raise the limit on open files as far as ``count`` clients need; how many it is good for."""
        return raise_file_limit(count)

    def score_for_oom(self, config: Config) -> str:
        """Write what the kernel's out-of-memory killer goes by (server.c, setOOMScoreAdj); empty when it worked."""
        mode = config.get("oom-score-adj")  # absolute, or relative to the score at start, which yes means too
        score = int(config.values[b"oom-score-adj-values"].split()[1 if self.is_replica else 0])
        path = Path("/proc/self/oom_score_adj")
        if mode == "no":
            if self._oom_base is None:
                return ""
            wanted = self._oom_base
            self._oom_base = None
        else:
            try:
                if self._oom_base is None:
                    self._oom_base = int(path.read_text())
            except OSError:
                return ""  # not Linux
            wanted = score if mode == "absolute" else score + self._oom_base
        try:
            path.write_text(str(max(-1000, min(1000, wanted))))
        except OSError:
            return "Failed to set current oom_score_adj. Check server logs."
        return ""

    def read_file(self, path: str) -> bytes:
        """The content of a file."""
        return Path(path).read_bytes()

    def replace_file(self, path: str, data: bytes) -> None:
        """Write beside the file, then put it in its place; it keeps its permissions, a new one is its owner's alone."""
        target = Path(path).resolve()
        draft = target.with_name(f"{target.name}.{os.getpid()}.tmp")
        try:
            mode = target.stat().st_mode & 0o777
        except FileNotFoundError:
            mode = 0o600
        try:
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            with os.fdopen(descriptor, "wb") as file:
                os.fchmod(descriptor, mode)
                file.write(data)
                file.flush()
                os.fsync(descriptor)
            draft.replace(target)
        except OSError:
            draft.unlink(missing_ok=True)
            raise

    def begin_dump(self, path: str) -> str:
        """Begin an RDB file beside the old one."""
        return self._dump_file.begin(path)

    def write_dump(self, data: bytes) -> str:
        """Add to the file."""
        return self._dump_file.write(data)

    def finish_dump(self) -> str:
        """Put the file in its place, on disk."""
        return self._dump_file.finish()

    def finish_dump_later(self) -> None:
        """The same in a thread: the disk may take its time."""
        self._dump_file.finish_later()

    def finished_dump(self) -> str | None:
        """How that ended."""
        return self._dump_file.finished()

    def drop_dump(self) -> None:
        """Give up the file that is being written."""
        self._dump_file.drop()

    def remove_draft(self) -> None:
        """The process ends at once: a file that is being written goes."""
        self._dump_file.remove_draft()
        self.log_files.drop_base()

    def read_dump(self, path: str) -> bytes | None:
        """The RDB file."""
        return read_dump(path)

    def log(self, text: str) -> None:
        """A line of the log."""
        log.info(text)

    def end_at_once(self, reason: str) -> None:
        """End the process without a reply to anybody."""
        log.critical(reason)
        self.remove_draft()
        logging.shutdown()
        os._exit(1)

    def serve_others(self) -> None:
        """Let the node look after its other connections while a script runs."""
        if self.serve_while_busy is not None:
            self.serve_while_busy()

    def sleep(self, seconds: float) -> None:
        """Stop the whole process for a while."""
        time.sleep(seconds)

    def secret_bits(self, count: int) -> int:
        """``count`` unpredictable bits."""
        return int.from_bytes(os.urandom((count + 7) // 8)) >> (-count % 8)
