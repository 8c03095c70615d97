"""Saving to the RDB file: now, in the background, and when enough has changed.

A background save is a ``Snapshot`` that is made in slices between the clients' commands; there is no second process. The
host writes the file piece by piece and replaces the old one when it is complete.
"""

from typing import Final

from cachetwin_engine.core.memory.account import MemoryAccount
from cachetwin_engine.core.registry.dispatch_flags import BLOCKED_BY_REPLICA
from cachetwin_engine.core.state.engine_state import EngineState
from cachetwin_engine.core.state.propagation import History

from .loading import Loaded, Loader, Loading
from .snapshot import Snapshot, notes_of
from .snapshots import Snapshots

RETRY_MS: Final = 5000  # after a background save that failed (CONFIG_BGSAVE_RETRY_DELAY)


class SavedHistory(History):
    """A history that a file can carry on. ``replication.state.Replication`` derives from this."""

    def notes_for_file(self) -> list[tuple[bytes, bytes]]:
        """Where in the history a file is; empty without a history."""
        raise NotImplementedError

    def resume_from(self, loaded: Loaded) -> None:
        """The engine starts with a file that was part of a history: go on with it."""
        raise NotImplementedError


class Saves:
    """What was saved, what is being saved, and when to save again."""

    def __init__(
        self, engine: EngineState, account: MemoryAccount, snapshots: Snapshots, loader: Loader, history: SavedHistory
    ) -> None:
        self._engine = engine
        self._account = account
        self._snapshots = snapshots
        self._loader = loader
        self._history = history
        self.last_ms = engine.now_ms  # of the last that succeeded
        self.dirty_then = 0  # ``Engine.dirty`` when it began
        self.ok = True
        self.problem = ""  # of the last save, empty when it succeeded
        self.count = 0  # saves since start
        self.last_seconds = -1  # how long the last background save took
        self.keys_loaded = 0
        self.keys_expired = 0  # left out when the file was loaded
        self.begun_ms = 0
        self.scheduled = False
        self._dirty_at_begin = 0
        self._tried_ms = 0
        self._snapshot: Snapshot | None = None
        self._closing = False  # all is written; the host syncs it to the disk

    def in_progress(self) -> bool:
        """Whether a background save runs."""
        return self._snapshot is not None or self._closing

    def progress(self) -> tuple[int, int]:
        """Keys written by the background save, and keys in all."""
        snapshot = self._snapshot
        return (0, 0) if snapshot is None else (snapshot.keys_written, snapshot.keys_total)

    def changes(self) -> int:
        """Changes since the last save."""
        return self._engine.dirty - self.dirty_then

    def save(self) -> str:
        """Save now; the error, or an empty text."""
        engine = self._engine
        self.count += 1
        dirty = engine.dirty
        problem = engine.host.begin_dump(self._path())
        if not problem:
            snapshot = self._new_snapshot()
            while not problem and not snapshot.done:
                snapshot.work(engine.clock() + 1_000_000)
                problem = engine.host.write_dump(snapshot.take())
                if not snapshot.done and engine.config.integer("rdb-key-save-delay") > 0:
                    engine.host.sleep(engine.config.integer("rdb-key-save-delay") / 1_000_000)
                    snapshot.end_rest()
            self._snapshots.forget(snapshot)
            problem = problem or engine.host.finish_dump()
        self._ended(problem, dirty)
        return problem

    def begin(self, path: str = "") -> str:
        """Begin a background save, to the file of the configuration unless given; why it can't, or an empty text."""
        engine = self._engine
        self.count += 1
        self.scheduled = False
        self._tried_ms = self.begun_ms = engine.now_ms
        problem = engine.host.begin_dump(path or self._path())
        if problem:
            self._ended(problem, 0)
            return problem
        self._dirty_at_begin = engine.dirty
        self._snapshot = self._new_snapshot()
        return ""

    def cancel(self) -> None:
        """Cancel the background save; the old file stays."""
        snapshot = self._snapshot
        if snapshot is not None:
            self._snapshots.forget(snapshot)
        self._snapshot = None
        self._closing = False
        self._engine.host.drop_dump()

    def work(self, until_us: int) -> None:
        """Do a slice of the background save, until the clock reaches ``until_us``."""
        snapshot = self._snapshot
        if snapshot is None:
            return
        engine = self._engine
        snapshot.work(until_us)
        problem = engine.host.write_dump(snapshot.take())
        if snapshot.done or problem:
            self._snapshots.forget(snapshot)
            self._snapshot = None
            if problem:
                self._ended(problem, 0)
            else:
                engine.host.finish_dump_later()
                self._closing = True

    def tick(self) -> None:
        """Called ten times a second: finish a save whose file is written, begin one that is due."""
        engine = self._engine
        if self._closing:
            problem = engine.host.finished_dump()
            if problem is not None:
                self._closing = False
                self.last_seconds = (engine.now_ms - self.begun_ms) // 1000
                self._ended(problem, self._dirty_at_begin)
        if self.in_progress():
            return
        if self.scheduled:
            self.begin()
            return
        changes = self.changes()
        since_ms = engine.now_ms - self.last_ms
        for seconds, least in engine.config.server.save_points:
            rested = self.ok or engine.now_ms - self._tried_ms > RETRY_MS
            if changes >= least and since_ms > seconds * 1000 and rested:
                engine.host.log(f"{least} changes in {seconds} seconds. Saving...")
                self.begin()
                return

    def load(self, keep_expired: bool = False, merge: bool = False) -> Loaded | None:
        """Load the file in place of the engine's data, or in addition to it; None without a file.

        Raises BadData and OSError.
        """
        engine = self._engine
        data = engine.host.read_dump(self._path())
        if data is None:
            return None
        loading = Loading(self._loader, data, drops_expired=not keep_expired)
        loading.finish()
        loaded = loading.merge() if merge else loading.adopt()
        self.keys_loaded = loaded.keys
        self.keys_expired = len(loaded.expired)
        counts = f"keys loaded: {loaded.keys}, keys expired: {self.keys_expired}, empty keys skipped: {loaded.empty}"
        engine.host.log(f"Done loading RDB, {counts}")
        self.dirty_then = engine.dirty
        return loaded

    def start(self) -> bool:
        """Load the file at start, if there is one. Raises BadData and OSError."""
        loaded = self.load(keep_expired=self._engine.blocked_by & BLOCKED_BY_REPLICA != 0)
        if loaded is not None:
            self._history.resume_from(loaded)
        return loaded is not None

    def choose_disk_flag(self) -> None:
        """Update the flag that blocks writes after a failed save. Called when a save ends or parameters change."""
        engine = self._engine
        config = engine.config
        stops = len(config.server.save_points) > 0 and config.boolean("stop-writes-on-bgsave-error")
        engine.disk_problems.save_failed = not self.ok and stops
        engine.choose_disk_flag()

    def _new_snapshot(self) -> Snapshot:
        engine = self._engine
        notes = notes_of(engine, self._account.used(engine), self._history.notes_for_file())
        return self._snapshots.begin(notes, engine.config.boolean("rdbchecksum"))

    def _ended(self, problem: str, dirty: int) -> None:
        engine = self._engine
        self.ok = not problem
        self.problem = problem
        if problem:
            engine.host.drop_dump()
            engine.host.log(f"cannot save the data: {problem}")
        else:
            self.last_ms = engine.now_ms
            self.dirty_then = dirty
            engine.host.log("DB saved on disk")
        self.choose_disk_flag()

    def _path(self) -> str:
        return self._engine.config.get("dbfilename") or "dump.rdb"  # in the working directory, which is ``dir``
