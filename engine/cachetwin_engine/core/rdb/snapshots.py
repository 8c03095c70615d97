"""The snapshots that are being made: each writes a key before it changes."""

from cachetwin_engine.core.keyspace.database import Database
from cachetwin_engine.core.memory.access_log import AccessLog
from cachetwin_engine.core.state.engine_state import EngineState
from cachetwin_engine.core.state.script_library import ScriptLibrary

from .snapshot import Snapshot


class Snapshots:
    """The snapshots of one engine. ``EngineState.snapshots_run`` tells the keyspace whether there are any."""

    def __init__(self, engine: EngineState, access_log: AccessLog, scripts: ScriptLibrary) -> None:
        self._engine = engine
        self.access_log = access_log
        self._scripts = scripts
        self._running: list[Snapshot] = []

    def begin(
        self,
        notes: list[tuple[bytes, bytes]],
        checksum: bool,
        with_data: bool = True,
        with_functions: bool = True,
    ) -> Snapshot:
        """Begin a snapshot of the data as it is now. The caller must ``forget`` it when it is done or cancelled."""
        snapshot = Snapshot(self._engine, self.access_log, checksum, with_data)
        self.add(snapshot, notes, with_functions)
        return snapshot

    def add(self, snapshot: Snapshot, notes: list[tuple[bytes, bytes]], with_functions: bool = True) -> None:
        """The same with a new snapshot of the caller's kind."""
        engine = self._engine
        snapshot.write_head(notes, self._scripts.library_codes() if with_functions else [])
        self._running.append(snapshot)
        engine.snapshots_run = True
        engine.tracks_memory = True

    def forget(self, snapshot: Snapshot) -> None:
        """Stop calling it before keys change."""
        engine = self._engine
        if snapshot in self._running:
            self._running.remove(snapshot)
        engine.snapshots_run = len(self._running) > 0
        engine.tracks_memory = engine.counts_memory or engine.snapshots_run

    def key_changes(self, db: Database, key: bytes) -> None:
        """A key is about to change: let the snapshots write it first."""
        for snapshot in self._running:
            snapshot.key_changes(db, key)

    def finish(self) -> None:
        """Whole databases are about to change: finish all snapshots."""
        for snapshot in self._running:
            snapshot.finish()
