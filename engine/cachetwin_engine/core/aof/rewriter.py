"""Rewriting the append-only file: the present data becomes the base, and what was before it goes.

There is no second process: the base is a snapshot, made in slices (``rdb.snapshot``). A new incremental file begins at the
moment of the snapshot, so base and file fit together. Until the base is on disk the manifest lists the old base with both
incremental files: a crash at any time finds all changes, in the old files or in the new ones.
"""

from typing import Final

from cachetwin_engine.core.memory.account import MemoryAccount
from cachetwin_engine.core.rdb.snapshot import Snapshot, notes_of
from cachetwin_engine.core.rdb.snapshots import Snapshots
from cachetwin_engine.core.state.engine_state import EngineState
from cachetwin_engine.core.state.propagation import LogSwitch

from .append_log import OFF, ON, WAITING, AppendLog
from .command_snapshot import CommandSnapshot

FAILURES_IN_A_ROW: Final = 3  # from here on the next attempt waits (aof.c)
WAIT_MINUTES_MAX: Final = 60


class LogRewriter(LogSwitch):
    """Rewrites of one engine's log, and turning it on and off."""

    def __init__(self, engine: EngineState, account: MemoryAccount, snapshots: Snapshots, log: AppendLog) -> None:
        super().__init__()
        self._engine = engine
        self._account = account
        self._snapshots = snapshots
        self._log = log
        self.count = 0  # since start
        self.failures_in_a_row = 0
        self.ok = True
        self.scheduled = False
        self.begun_ms = -1
        self.last_seconds = -1  # how long the last one took
        self._is_rdb = True
        self._snapshot: Snapshot | None = None
        self._closing = False  # all is written; the host syncs it to the disk
        self._wait_minutes = 0
        self._next_ms = 0

    def in_progress(self) -> bool:
        """Whether a base is being written."""
        return self._snapshot is not None or self._closing

    def is_busy(self) -> bool:
        """Whether a rewrite has to wait: another snapshot is being made."""
        return self._engine.snapshots_run or self.in_progress()

    # -- a rewrite ----------------------------------------------------------------------------------------------------

    def schedule(self) -> None:
        """BGREWRITEAOF while it can't begin: do it as soon as possible, whatever failed before."""
        self.scheduled = True
        self.failures_in_a_row = 0
        self._engine.host.log("Background append only file rewriting scheduled.")

    def begin(self) -> bool:
        """Begin a rewrite; False if it can't, which is logged."""
        engine = self._engine
        log = self._log
        files = engine.host.log_files
        directory = engine.config.get("appenddirname") or ""
        problem = files.prepare(directory)
        if problem:
            engine.host.log(f"Can't open or create append-only dir {directory}: {problem}")
        if problem or not self._begin_file() or not self._begin_base():
            self.ok = False
            self.failures_in_a_row += 1
            return False
        self.count += 1
        self.scheduled = False
        self.begun_ms = engine.now_ms
        notes = notes_of(engine, self._account.used(engine), [], is_log_base=True)
        if self._is_rdb:
            self._snapshot = self._snapshots.begin(notes, engine.config.boolean("rdbchecksum"))
        else:
            self._snapshot = CommandSnapshot(engine, self._snapshots.access_log)
            self._snapshots.add(self._snapshot, notes)
        engine.host.log("Background append only file rewriting started")
        if log.state != OFF:
            log.forget_database()
        return True

    def _begin_file(self) -> bool:
        """A new incremental file, listed in the manifest; under a temporary name while there is no first base."""
        engine = self._engine
        log = self._log
        if log.state == OFF:
            return True
        engine.propagation.commit_pending()
        if not log.flush_all():  # it belongs before the snapshot, and could be repeated behind it
            engine.host.log("Can't rewrite the append-only file while it can't be written")
            return False
        manifest = log.manifest.copy()
        if log.state == WAITING:
            engine.host.log_files.wait()  # for the deletion of a file of the same name
            name = manifest.temporary_increment()
        else:
            name = manifest.add_increment()
        old_name = log.manifest.increments[-1].name if log.manifest.increments else b""
        problem = log.open_file(name, fresh=True)
        if problem:
            engine.host.log(f"Can't open the append-only file {name.decode()}: {problem}")
            return False
        if log.state == ON and log.replace_manifest(manifest):
            log.open_file(old_name, fresh=False)
            engine.host.log_files.remove_later(name)
            return False
        engine.host.log(f"Creating AOF incr file {name.decode()} on background rewrite")
        return True

    def _begin_base(self) -> bool:
        engine = self._engine
        self._is_rdb = engine.config.boolean("aof-use-rdb-preamble")
        problem = engine.host.log_files.begin_base(self._log.manifest.next_base(self._is_rdb))
        if problem:
            engine.host.log(f"Can't open the temporary AOF base file: {problem}")
        return not problem

    def work(self, until_us: int) -> None:
        """Do a slice, until the clock reaches ``until_us``."""
        snapshot = self._snapshot
        if snapshot is None:
            return
        snapshot.work(until_us)
        files = self._engine.host.log_files
        problem = files.write_base(snapshot.take())
        if snapshot.done or problem:
            self._snapshots.forget(snapshot)
            self._snapshot = None
            if problem:
                self._ended(problem)
            else:
                files.finish_base_later()
                self._closing = True

    def write_at_once(self) -> str:
        """Write a base and wait for it, at start; what went wrong, or an empty text."""
        engine = self._engine
        if not self._begin_base():
            return "the base file can't be written"
        files = engine.host.log_files
        notes = notes_of(engine, self._account.used(engine), [], is_log_base=True)
        snapshot: Snapshot
        if self._is_rdb:
            snapshot = self._snapshots.begin(notes, engine.config.boolean("rdbchecksum"))
        else:
            snapshot = CommandSnapshot(engine, self._snapshots.access_log)
            self._snapshots.add(snapshot, notes)
        snapshot.finish()
        self._snapshots.forget(snapshot)
        problem = files.write_base(snapshot.take()) or files.finish_base()
        if problem:
            files.drop_base()
            return problem
        manifest = self._log.manifest.copy()
        name = manifest.replace_base(self._is_rdb)
        engine.host.log(f"Creating AOF base file {name.decode()} on server start")
        self._log.manifest = manifest
        return ""

    def tick(self) -> None:
        """Finish a rewrite whose base is on disk, begin one that is due. Called ten times a second."""
        engine = self._engine
        if self._closing:
            problem = engine.host.log_files.finished_base()
            if problem is not None:
                self._closing = False
                self._ended(problem)
        if self.is_busy():
            return
        if self.scheduled:
            if not self._is_held_back():
                self.begin()
        elif self._has_grown() and not self._is_held_back():
            growth = 100 * self._log.current_bytes // max(1, self._log.base_bytes) - 100
            engine.host.log(f"Starting automatic rewriting of AOF on {growth}% growth")
            self.begin()

    def _has_grown(self) -> bool:
        config = self._engine.config
        log = self._log
        percent = config.integer("auto-aof-rewrite-percentage")
        if log.state != ON or not percent or log.current_bytes <= config.integer("auto-aof-rewrite-min-size"):
            return False
        return 100 * log.current_bytes // max(1, log.base_bytes) - 100 >= percent

    def _is_held_back(self) -> bool:
        """Whether too many attempts failed: then the next one waits, for twice as long each time, up to an hour."""
        now_ms = self._engine.now_ms
        if self.failures_in_a_row < FAILURES_IN_A_ROW:
            self._wait_minutes = 0
            self._next_ms = 0
            return False
        if self._next_ms:
            if now_ms < self._next_ms:
                return True
            self._next_ms = 0
            return False
        self._wait_minutes = min(WAIT_MINUTES_MAX, max(1, 2 * self._wait_minutes))
        self._next_ms = now_ms + self._wait_minutes * 60_000
        self._engine.host.log(
            "Background AOF rewrite has repeatedly failed and triggered the limit, will retry in "
            f"{self._wait_minutes} minutes"
        )
        return True

    def _ended(self, problem: str) -> None:
        """The base is on disk, or could not be written."""
        engine = self._engine
        if problem:
            engine.host.log(f"Background AOF rewrite terminated with error: {problem}")
            engine.host.log_files.drop_base()
        else:
            engine.host.log("Background AOF rewrite terminated with success")
            problem = self._adopt_base()
        self.last_seconds = (engine.now_ms - self.begun_ms) // 1000
        self.begun_ms = -1
        self.ok = not problem
        if problem:
            self.failures_in_a_row += 1
            if self._log.state == WAITING:
                self._log.rest()
                self.scheduled = True
            return
        self.failures_in_a_row = 0
        engine.host.log("Background AOF rewrite finished successfully")
        if self._log.state == WAITING:
            self._log.become_on()

    def _adopt_base(self) -> str:
        """Make the new base part of the log; what went wrong, or an empty text."""
        log = self._log
        files = self._engine.host.log_files
        manifest = log.manifest.copy()
        base = manifest.replace_base(self._is_rdb)
        renamed = b""
        if log.state == WAITING:
            temporary = manifest.temporary_increment()
            renamed = manifest.add_increment()
            problem = files.rename(temporary, renamed)
            if problem:
                files.remove_later(base)
                return problem
        manifest.retire_increments(keep_last=log.state != OFF)
        problem = log.replace_manifest(manifest)
        if problem:
            files.remove_later(base)
            if renamed:
                files.rename(renamed, manifest.temporary_increment())
            return problem
        if log.state != OFF:
            log.current_bytes = max(0, files.size(base)) + log.file_bytes
            log.base_bytes = log.current_bytes
        log.remove_history()
        return ""

    def cancel(self) -> None:
        """Give up the base that is being written; the files that the manifest lists stay."""
        snapshot = self._snapshot
        if snapshot is not None:
            self._snapshots.forget(snapshot)
        self._snapshot = None
        self._closing = False
        self.begun_ms = -1
        self._engine.host.log_files.drop_base()

    # -- on and off ---------------------------------------------------------------------------------------------------

    def turn_on(self, in_transaction: bool) -> bool:
        """``appendonly yes`` while the engine runs; False if that is not possible."""
        engine = self._engine
        log = self._log
        log.begin(WAITING)
        if self._snapshot is not None or self._closing:
            engine.host.log(
                "AOF was enabled but there is already an AOF rewriting in background. Starting a rewrite now."
            )
            self.cancel()
        if engine.snapshots_run:
            self.scheduled = True
            engine.host.log(
                "AOF was enabled but there is already another background operation. An AOF background was scheduled to "
                "start when possible."
            )
        elif in_transaction:
            self.scheduled = True
            engine.host.log(
                "AOF was enabled during a transaction. An AOF background was scheduled to start when possible."
            )
        elif not self.begin():
            log.stop()
            return False
        return True

    def turn_off(self) -> None:
        """``appendonly no``: the files stay as they are."""
        if self.scheduled:
            self.scheduled = False
            self._engine.host.log("AOF was disabled but there is a scheduled AOF background, cancel it.")
        waiting = self._log.state == WAITING
        if self.in_progress():
            self._engine.host.log("Stopping the rewrite of the append-only file")
            self.cancel()
        self._log.stop()
        if waiting:
            self._engine.host.log_files.remove_later(self._log.manifest.temporary_increment())

    def restart(self) -> None:
        """The data is another now (a replica took its primary's): begin anew if the log is to be kept."""
        if self._engine.config.boolean("appendonly") and not self.turn_on(in_transaction=False):
            self._log.begin(WAITING)
            self.scheduled = True

    def finish(self, force: bool) -> bool:
        """The process ends: bring all to the disk. False if the first base is not written, and it must not end."""
        log = self._log
        if self.in_progress():
            if log.state == WAITING:
                text = "Writing initial AOF. Exit anyway." if force else "Writing initial AOF, can't exit."
                self._engine.host.log(text)
                if not force:
                    return False
            self._engine.host.log("There is a rewrite of the append-only file. Stopping it!")
            self.cancel()
        if log.state != OFF:
            self._engine.host.log("Calling fsync() on the AOF file.")
            self._engine.propagation.commit_pending()
            log.flush_all()
            self._engine.host.log_files.sync()
        return True
