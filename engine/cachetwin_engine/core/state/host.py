"""What the engine reports about the process and the machine it runs on. The shell fills it in; the core has no access."""

from typing import TYPE_CHECKING

from mypy_extensions import mypyc_attr

from .log_files import LogFiles

if TYPE_CHECKING:
    from cachetwin_engine.core.config.config import Config


@mypyc_attr(allow_interpreted_subclasses=True)
class Host:
    """Facts of the process; the defaults are those of an unknown process."""

    def __init__(self) -> None:
        self.os = ""  # as INFO prints it, "Linux 6.1.0 x86_64"
        self.process_id = 0
        self.tcp_port = 0
        self.executable = ""
        self.config_file = ""
        self.run_id = "0" * 40  # 40 hexadecimal digits, new at each start
        self.listeners: list[str] = []  # "name=tcp,bind=127.0.0.1,port=6379"
        self.total_memory_bytes = 0
        self.rejected_connections = 0
        self.query_buffer_disconnections = 0
        self.output_buffer_disconnections = 0
        self.log_files = LogFiles()
        self._dump: bytes | None = None
        self._dump_parts: list[bytes] = []

    def clear_statistics(self) -> None:
        """CONFIG RESETSTAT."""
        self.rejected_connections = 0
        self.query_buffer_disconnections = 0
        self.output_buffer_disconnections = 0

    def cpu_seconds(self) -> tuple[float, float]:
        """CPU time of the process: (system, user)."""
        return 0.0, 0.0

    def resident_bytes(self) -> int:
        """Memory of the process that is resident."""
        return 0

    def apply_parameters(self, names: list[str], config: "Config") -> tuple[str, str] | None:
        """Take over what CONFIG SET changed of sockets, certificates and the process itself.

        None, or the parameter that can't be had and why: then the engine takes all back and calls this again.
        """
        return None

    def ask(self, host: str, port: str, request: bytes, count: int, timeout_ms: int) -> tuple[list[bytes], str]:
        """Send ``request`` to another server (MIGRATE) and wait for ``count`` replies of one line.

        The replies that came, without line ends, and what went wrong, if anything did, as it follows ``error or timeout``.
        """
        return [], "connecting to the client"

    def tell_nodes(self, words: list[bytes], shard_id: bytes) -> None:
        """Send a message (PUBLISH, SPUBLISH) to the other nodes of the cluster, or of a shard if ``shard_id`` is given."""

    def read_file(self, path: str) -> bytes:
        """The content of a file: of users, of parameters. Raises OSError."""
        raise NotImplementedError

    def replace_file(self, path: str, data: bytes) -> None:
        """Write a file so that either the old or the new content is there, readable by its owner only if it is new.

        Raises OSError.
        """
        raise NotImplementedError

    def begin_dump(self, path: str) -> str:
        """Begin an RDB file that will take the place of ``path``; what went wrong, or an empty text.

        Without a disk, as here, the last whole file stays in memory.
        """
        self._dump_parts = []
        return ""

    def write_dump(self, data: bytes) -> str:
        """Add ``data`` to the file that is being written; what went wrong, or an empty text."""
        self._dump_parts.append(data)
        return ""

    def finish_dump(self) -> str:
        """Put the file in its place; what went wrong, or an empty text."""
        self._dump = b"".join(self._dump_parts)
        self._dump_parts = []
        return ""

    def finish_dump_later(self) -> None:
        """Like ``finish_dump``, without waiting for the disk."""
        self.finish_dump()

    def finished_dump(self) -> str | None:
        """How ``finish_dump_later`` ended: what went wrong, an empty text, or None while the disk is busy."""
        return ""

    def drop_dump(self) -> None:
        """Give up the file that is being written, if any."""
        self._dump_parts = []

    def read_dump(self, path: str) -> bytes | None:
        """The RDB file, None if there is none. Raises OSError."""
        return self._dump

    def log(self, text: str) -> None:
        """Write ``text`` to the log of the process."""

    def end_at_once(self, reason: str) -> None:
        """End the process: what it has acknowledged can't be kept any more."""
        raise RuntimeError(reason)

    def serve_others(self) -> None:
        """A script runs for too long: serve other clients' requests, most of which get the BUSY error."""

    def script_logged(self, level: int, text: bytes) -> None:
        """A script logged ``text`` by redis.log; ``level`` is 0 (debug) to 3 (warning)."""

    def sleep(self, seconds: float) -> None:
        """Stop the whole process for a while (DEBUG SLEEP)."""

    def secret_bits(self, count: int) -> int:
        """``count`` unpredictable bits (ACL GENPASS). The core's own random numbers are not fit for that."""
        raise NotImplementedError
