"""The append-only file: every change as a command, on disk before its client has the reply.

What a turn changes is gathered and written at the end of the turn (``flush``), before the shell sends replies.
``appendfsync`` decides when it reaches the disk: ``no`` leaves that to the system, ``everysec`` syncs once a second in the
background, ``always`` holds the replies back until it is synced (``EngineState.holds_replies``, ``settle``), so that one
sync serves all clients of a turn of the event loop.

A rewrite (``rewriter``) replaces the base by the present data and begins a new incremental file; ``loader`` reads the
files at start. Turned on while the engine runs, the log is ``WAITING`` until its first base is written: a restart before
that finds no log, or the one that was there before.
"""

from typing import Final

from cachetwin_engine.core.replication.history import ReplicationHistory, encoded
from cachetwin_engine.core.state.engine_state import EngineState
from cachetwin_engine.core.state.propagation import History

from .manifest import Manifest

OFF: Final = 0
WAITING: Final = 1  # for the first base
ON: Final = 2

_ANY_DATABASE: Final = -1
_SYNC_NO: Final = 0
_SYNC_EVERY_SECOND: Final = 1
_SYNC_ALWAYS: Final = 2
_POLICIES: Final = {"no": _SYNC_NO, "everysec": _SYNC_EVERY_SECOND, "always": _SYNC_ALWAYS}
SYNC_MS: Final = 1000
POSTPONED_MS_MAX: Final = 2000  # a write waits for a sync that is under way, but not longer (aof.c)
RETRY_MS: Final = 1000  # after a write that failed
ERROR_LOG_MS: Final = 30_000  # between two lines about writes that fail


class AppendLog(History):
    """The log of one engine. ``state`` is OFF, WAITING or ON."""

    def __init__(self, engine: EngineState, history: ReplicationHistory) -> None:
        super().__init__()
        self._engine = engine
        self._history = history
        self.state = OFF
        self.manifest = Manifest(b"appendonly.aof")
        self.current_bytes = 0  # of all files
        self.base_bytes = 0  # of all files after the last rewrite
        self.file_bytes = 0  # of the file that is written
        self.buffer_bytes = 0
        self.delayed_syncs = 0
        self.flush_sleep_s = 0.0  # DEBUG AOF-FLUSH-SLEEP
        self.write_problem = ""
        self.sync_problem = ""  # of a sync in the background
        self._records = False  # there is a file to write to
        self._buffer: list[bytes] = []
        self._policy = _SYNC_EVERY_SECOND
        self._is_stamped = False
        self._stamp_s = 0
        self._selected = _ANY_DATABASE
        self._synced_bytes = 0  # of the file that is written, as far as it is synced or being synced
        self._synced_ms = 0
        self._postponed_ms = 0  # since when a write waits for a sync
        self._retry_at_ms = 0
        self._logged_ms = 0
        self._pending_offset = -1  # of the history: what is synced, while the first base is missing

    # -- recording ----------------------------------------------------------------------------------------------------

    def commit_batch(self, batch: list[tuple[int, list[bytes]]], command: bytes) -> None:
        """All that one command (or EXEC, or a script) changed."""
        self._history.count_unsent_batch()
        if not self._records:
            return
        if self._is_stamped and self._stamp_s < self._engine.now_ms // 1000:
            self._stamp_s = self._engine.now_ms // 1000
            self._add(b"#TS:%d\r\n" % self._stamp_s)
        grouped = len(batch) > 1 and command != b""
        if grouped:
            self._add(_MULTI)
        for db, args in batch:
            if db != self._selected:
                self._add(encoded([b"SELECT", b"%d" % db]))
                self._selected = db
            self._add(encoded(args))
        if grouped:
            self._add(_EXEC)

    def _add(self, data: bytes) -> None:
        self._buffer.append(data)
        self.buffer_bytes += len(data)

    def forget_database(self) -> None:
        """The next command names its database: a file has to make sense from its beginning on."""
        self._selected = _ANY_DATABASE

    # -- writing ------------------------------------------------------------------------------------------------------

    def flush(self) -> None:
        """The end of a turn: write what it changed, or let ``settle`` do so before replies go out."""
        if self._policy == _SYNC_ALWAYS:
            if self._buffer or self._synced_bytes != self.file_bytes:
                self._engine.holds_replies = True
            return
        if self._buffer:
            self._flush(False)
        if self._history.acknowledgements.has_waiting():
            self._note_synced()

    def settle(self) -> None:
        """Write and sync what held the replies back. Called by the shell before it sends them."""
        self._engine.holds_replies = False
        self._flush(True)
        self._note_synced()

    def flush_all(self) -> bool:
        """Write everything now, whatever the disk is doing; False if that failed."""
        if self._buffer:
            self._flush(True)
        return not self._buffer

    def _flush(self, force: bool) -> None:
        engine = self._engine
        files = engine.host.log_files
        if self._buffer:
            if self.write_problem and not force and engine.now_ms < self._retry_at_ms:
                return
            waits = files.is_syncing()
            if self._policy == _SYNC_EVERY_SECOND and waits and not force and self._postpones():
                return
            if not self._write():
                return
        if self._synced_bytes != self.file_bytes and not self.write_problem:
            self._sync()

    def _postpones(self) -> bool:
        """Whether to write later, because the file is just being synced and a write would wait for that."""
        if not self._postponed_ms:
            self._postponed_ms = self._engine.now_ms
            return True
        if self._engine.now_ms - self._postponed_ms < POSTPONED_MS_MAX:
            return True
        self.delayed_syncs += 1
        self._engine.host.log(
            "Asynchronous AOF fsync is taking too long (disk is busy?). Writing the AOF buffer without waiting for fsync "
            "to complete, this may slow down the server."
        )
        return False

    def _write(self) -> bool:
        """Write the buffer; False if it could not be written, which blocks further writes of clients."""
        engine = self._engine
        if self.flush_sleep_s:
            engine.host.sleep(self.flush_sleep_s)
        data = self._buffer[0] if len(self._buffer) == 1 else b"".join(self._buffer)
        self._postponed_ms = 0
        started_us = engine.clock()
        written, problem = engine.host.log_files.write(data)
        self._note_time(b"aof-write-active-child" if engine.snapshots_run else b"aof-write-alone", started_us)
        if not problem:
            self._buffer = []
            self.buffer_bytes = 0
            self.file_bytes += written
            self.current_bytes += written
            if self.write_problem:
                self.write_problem = ""
                self._note_problems()
                engine.host.log("AOF write error looks solved. The server can write again.")
            return True
        self._failed(data, written, problem)
        return False

    def _failed(self, data: bytes, written: int, problem: str) -> None:
        engine = self._engine
        logs = not self._logged_ms or engine.now_ms - self._logged_ms > ERROR_LOG_MS
        if logs:
            self._logged_ms = engine.now_ms
            if written:
                engine.host.log(
                    f"Short write while writing to the AOF file: (nwritten={written}, expected={len(data)}): {problem}"
                )
            else:
                engine.host.log(f"Error writing to the AOF file: {problem}")
        if written:
            trouble = engine.host.log_files.trim(self.file_bytes)
            if trouble:
                self.file_bytes += written
                self.current_bytes += written
                data = data[written:]
                if logs:
                    engine.host.log(
                        "Could not remove short write from the append-only file. The server may refuse to load the AOF "
                        f"the next time it starts. ftruncate: {trouble}"
                    )
        self._buffer = [data]
        self.buffer_bytes = len(data)
        if self._policy == _SYNC_ALWAYS:
            engine.host.end_at_once(
                "Can't recover from AOF write error when the AOF fsync policy is 'always'. Exiting..."
            )
        self._retry_at_ms = engine.now_ms + RETRY_MS
        self.write_problem = problem
        self._note_problems()

    def _sync(self) -> None:
        """Sync what is written, as ``appendfsync`` asks."""
        engine = self._engine
        if engine.snapshots_run and engine.config.boolean("no-appendfsync-on-rewrite"):
            return
        if self._policy == _SYNC_ALWAYS:
            self._sync_now()
        elif self._policy == _SYNC_EVERY_SECOND and engine.now_ms - self._synced_ms >= SYNC_MS:
            files = engine.host.log_files
            if not files.is_syncing():
                files.sync_later(self._history.offset)
                self._synced_bytes = self.file_bytes
            self._synced_ms = engine.now_ms

    def _sync_now(self) -> None:
        engine = self._engine
        started_us = engine.clock()
        problem = engine.host.log_files.sync()
        if problem:
            engine.host.end_at_once(
                f"Can't persist AOF for fsync error when the AOF fsync policy is 'always': {problem}. Exiting..."
            )
        self._note_time(b"aof-fsync-always", started_us)
        self._synced_bytes = self.file_bytes
        self._synced_ms = engine.now_ms
        self._pending_offset = self._history.offset

    def _note_synced(self) -> None:
        """Tell the clients in WAITAOF what is on disk by now."""
        files = self._engine.host.log_files
        offset = files.synced()
        self._pending_offset = max(self._pending_offset, offset)
        if not files.is_syncing() and files.sync_problem() != self.sync_problem:
            self.sync_problem = files.sync_problem()
            if self.sync_problem:
                self._engine.host.log(f"Fail to fsync the AOF file: {self.sync_problem}")
            self._note_problems()
        if self.sync_problem:
            self._synced_bytes = -1  # try again
        elif self._policy != _SYNC_NO and self._is_all_synced():
            self._pending_offset = self._history.offset
        if self.state == ON and self._pending_offset != self._history.acknowledgements.synced_offset:
            self._history.acknowledgements.log_synced(self._pending_offset)

    def _is_all_synced(self) -> bool:
        is_syncing = self._engine.host.log_files.is_syncing()
        return not self._buffer and not is_syncing and self._synced_bytes == self.file_bytes

    def _note_time(self, event: bytes, started_us: int) -> None:
        engine = self._engine
        duration_us = engine.clock() - started_us
        engine.latency_monitor.note(event, duration_us, engine.now_ms)
        if event.startswith(b"aof-write"):
            engine.latency_monitor.note(b"aof-write", duration_us, engine.now_ms)

    def _note_problems(self) -> None:
        self._engine.disk_problems.log_problem = self.write_problem or self.sync_problem
        self._engine.choose_disk_flag()

    # -- files --------------------------------------------------------------------------------------------------------

    def open_file(self, name: bytes, fresh: bool) -> str:
        """Write to the file ``name`` from now on; what went wrong, or an empty text."""
        files = self._engine.host.log_files
        problem = files.open(name, fresh)
        if not problem:
            self._records = True
            self.file_bytes = self._synced_bytes = max(0, files.size(name))
            self._selected = _ANY_DATABASE
            self._synced_ms = self._engine.now_ms
        return problem

    def replace_manifest(self, manifest: Manifest) -> str:
        """Bring a manifest to the disk and use it; what went wrong, or an empty text."""
        problem = self._engine.host.log_files.replace(manifest.name(), manifest.text())
        if problem:
            self._engine.host.log(f"Can't write the AOF manifest file {manifest.name().decode()}: {problem}")
        else:
            self.manifest = manifest
        return problem

    def remove_history(self) -> None:
        """Delete the files that a rewrite has replaced."""
        if not self.manifest.history or self._engine.config.boolean("aof-disable-auto-gc"):
            return
        manifest = self.manifest.copy()
        manifest.history = []
        for file in self.manifest.history:
            self._engine.host.log(f"Removing the history file {file.name.decode()} in the background")
            self._engine.host.log_files.remove_later(file.name)
        self.replace_manifest(manifest)

    # -- on and off ---------------------------------------------------------------------------------------------------

    def configure(self) -> None:
        """Parameters changed."""
        config = self._engine.config
        self._policy = _POLICIES[config.get("appendfsync") or "everysec"]
        self._is_stamped = config.boolean("aof-timestamp-enabled")
        if self.state != OFF:
            self.remove_history()
            if self._policy == _SYNC_ALWAYS:
                self._engine.host.log_files.wait()
            else:
                self._engine.holds_replies = False

    def begin(self, state: int) -> None:
        """Record changes from now on."""
        engine = self._engine
        self.state = state
        self._selected = _ANY_DATABASE
        self._synced_ms = engine.now_ms
        self._pending_offset = self._history.offset
        self._history.acknowledgements.synced_offset = self._history.offset if state == ON else 0
        engine.propagation.to_log = True
        engine.choose_propagation()
        if self.write_problem or self.sync_problem:
            engine.host.log("AOF reopen, just ignore the last error.")
            self._forget_problems()

    def become_on(self) -> None:
        """The first base is there."""
        self.state = ON
        self._history.acknowledgements.log_synced(self._pending_offset)

    def stop(self) -> None:
        """Record nothing more; what was recorded goes to the disk."""
        if self.state == OFF:
            return
        engine = self._engine
        engine.propagation.commit_pending()
        self.close()
        self.state = OFF
        engine.holds_replies = False
        self._forget_buffer()
        self.file_bytes = self._synced_bytes = 0
        self._pending_offset = -1
        engine.propagation.to_log = False
        engine.choose_propagation()
        self._forget_problems()
        self._history.acknowledgements.log_synced(-1)

    def _forget_problems(self) -> None:
        self.write_problem = self.sync_problem = ""
        self._note_problems()

    def rest(self) -> None:
        """The first base could not be written: record nothing until the next one begins."""
        self._engine.host.log_files.close()
        self._forget_buffer()

    def _forget_buffer(self) -> None:
        self._records = False
        self._buffer = []
        self.buffer_bytes = 0

    def close(self) -> None:
        """Write and sync everything, and close the file."""
        files = self._engine.host.log_files
        if files.is_open():
            self.flush_all()
            problem = files.sync()
            if problem:
                self._engine.host.log(f"Fail to fsync the AOF file: {problem}")
            files.close()

    def tick(self) -> None:
        """Write what had to wait. Called ten times a second."""
        if self.state == OFF:
            return
        if self._policy == _SYNC_ALWAYS:
            self.flush()
        else:
            self._flush(False)
            self._note_synced()


_MULTI: Final = encoded([b"MULTI"])
_EXEC: Final = encoded([b"EXEC"])
