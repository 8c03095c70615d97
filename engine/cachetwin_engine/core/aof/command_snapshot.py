"""A snapshot as commands in place of the RDB format."""

from cachetwin_engine.core.keyspace.database import Database
from cachetwin_engine.core.memory.access_log import AccessLog
from cachetwin_engine.core.rdb.snapshot import Snapshot
from cachetwin_engine.core.replication.history import encoded
from cachetwin_engine.core.state.engine_state import EngineState

from .commands_of import commands_of


class CommandSnapshot(Snapshot):
    """A base file with ``aof-use-rdb-preamble no``."""

    def __init__(self, engine: EngineState, access_log: AccessLog) -> None:
        super().__init__(engine, access_log, checksum=False)
        self._slices = False

    def write_head(self, notes: list[tuple[bytes, bytes]], library_codes: list[bytes]) -> None:
        """The time if the log has times, and the libraries of functions."""
        if self._engine.config.boolean("aof-timestamp-enabled"):
            self._writer.raw(b"#TS:%d\r\n" % (self._engine.now_ms // 1000))
        for code in library_codes:
            self._writer.raw(encoded([b"FUNCTION", b"LOAD", code]))

    def _open(self, db: Database) -> None:
        self._writer.raw(encoded([b"SELECT", b"%d" % db.index]))

    def _write_sizes(self, db: Database) -> None:
        """Commands need none."""

    def _write_end(self) -> None:
        """Nor an end."""

    def _put(self, db: Database, key: bytes, value: object, at_ms: int) -> None:
        for command in commands_of(key, value, at_ms):
            self._writer.raw(command)
