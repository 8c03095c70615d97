"""The append-only file on disk. One thread syncs, closes and deletes in the background, one after the other."""

import contextlib
import os
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from cachetwin_engine.core.state.log_files import LogFiles
from cachetwin_engine.server.logs import log
from cachetwin_engine.server.valkey.persistence import DumpFile

FILE_MODE: Final = 0o600
DIRECTORY_MODE: Final = 0o755

_sync = getattr(os, "fdatasync", os.fsync)  # macOS has only the latter


class DiskLogFiles(LogFiles):
    """Files in ``appenddirname``, which is below the working directory."""

    def __init__(self) -> None:
        super().__init__()
        self._directory = Path()
        self._fd = -1
        self._base_file = DumpFile()
        self._jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._worker: threading.Thread | None = None
        self._syncs_asked = 0
        self._syncs_done = 0
        self._synced_tag = 0
        self._problem = ""

    # -- names --------------------------------------------------------------------------------------------------------

    def prepare(self, directory: str) -> str:
        """Create the directory if it is missing, and use it."""
        self.locate(directory)
        try:
            self._directory.mkdir(mode=DIRECTORY_MODE, exist_ok=True)
        except OSError as error:
            return _reason(error)
        return ""

    def locate(self, directory: str) -> None:
        """Use the directory, unless a file of another one is open."""
        if self._fd < 0:
            self._directory = Path(directory).resolve()

    def is_outside(self, name: bytes) -> bool:
        """Whether the working directory has such a file."""
        return Path(os.fsdecode(name)).is_file()

    def import_file(self, name: bytes) -> str:
        """Move it from there into the directory."""
        try:
            Path(os.fsdecode(name)).replace(self._path(name))
        except OSError as error:
            return _reason(error)
        return ""

    def _path(self, name: bytes) -> Path:
        return self._directory / os.fsdecode(name)

    def size(self, name: bytes) -> int:
        """Its length in bytes, -1 if there is no such file."""
        try:
            return self._path(name).stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            return -1

    def read(self, name: bytes, offset: int, size: int) -> bytes:
        """A part of it."""
        with self._path(name).open("rb") as file:
            file.seek(offset)
            return file.read(size if size >= 0 else -1)

    def replace(self, name: bytes, data: bytes) -> str:
        """Write beside it, sync, rename, and sync the directory."""
        path = self._path(name)
        draft = path.with_name(f"temp-{path.name}")
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
            self._sync_directory()
        except OSError as error:
            draft.unlink(missing_ok=True)
            return _reason(error)
        return ""

    def _sync_directory(self) -> None:
        descriptor = os.open(self._directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def rename(self, old: bytes, new: bytes) -> str:
        """Within the directory."""
        try:
            self._path(old).rename(self._path(new))
        except OSError as error:
            return _reason(error)
        return ""

    def truncate(self, name: bytes, size: int) -> str:
        """Cut it off."""
        try:
            os.truncate(self._path(name), size)
        except OSError as error:
            return _reason(error)
        return ""

    def remove_later(self, name: bytes) -> None:
        """Deleting a large file takes its time."""
        path = self._path(name)
        self._ask(lambda: _remove(path))

    # -- the open file ------------------------------------------------------------------------------------------------

    def open(self, name: bytes, fresh: bool) -> str:  # noqa: FBT001  (the core's signature)
        """Append to it from now on."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | (os.O_TRUNC if fresh else 0)
        try:
            descriptor = os.open(self._path(name), flags, FILE_MODE)
        except OSError as error:
            return _reason(error)
        if self._fd >= 0:
            former = self._fd
            self._ask(lambda: _close(former))
        self._fd = descriptor
        self._problem = ""
        return ""

    def is_open(self) -> bool:
        """Whether there is a file to write to."""
        return self._fd >= 0

    def write(self, data: bytes) -> tuple[int, str]:
        """All of it, or as much as the disk takes."""
        written = 0
        try:
            written = os.write(self._fd, data)
            if written < len(data):
                rest = memoryview(data)
                while written < len(data):
                    written += os.write(self._fd, rest[written:])
        except OSError as error:
            return written, _reason(error)
        return written, ""

    def trim(self, size: int) -> str:
        """Cut off what could be written of something longer."""
        try:
            os.ftruncate(self._fd, size)
        except OSError as error:
            return _reason(error)
        return ""

    def sync(self) -> str:
        """Bring it to the disk."""
        try:
            _sync(self._fd)
        except OSError as error:
            return _reason(error)
        return ""

    def close(self) -> None:
        """Close it, after what is going on in the background."""
        self.wait()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        self._synced_tag = 0

    # -- the background -----------------------------------------------------------------------------------------------

    def sync_later(self, tag: int) -> None:
        """Bring the open file to the disk, in the background."""
        self._syncs_asked += 1
        descriptor = self._fd
        self._ask(lambda: self._sync_in_background(descriptor, tag))

    def is_syncing(self) -> bool:
        """Whether that is under way."""
        return self._syncs_done != self._syncs_asked

    def synced(self) -> int:
        """The tag of the last one that succeeded."""
        return self._synced_tag

    def sync_problem(self) -> str:
        """What went wrong with the last one."""
        return self._problem

    def wait(self) -> None:
        """Wait until all that was asked for is done."""
        if self._worker is not None:
            reached = threading.Event()
            self._ask(reached.set)
            reached.wait()

    def _ask(self, job: Callable[[], None]) -> None:
        if self._worker is None:
            self._worker = threading.Thread(target=self._work, name="log-files", daemon=True)
            self._worker.start()
        self._jobs.put(job)

    def _work(self) -> None:
        while True:
            self._jobs.get()()

    def _sync_in_background(self, descriptor: int, tag: int) -> None:
        try:
            _sync(descriptor)
        except OSError as error:
            self._problem = _reason(error)
        else:
            self._problem = ""
            self._synced_tag = tag
        self._syncs_done += 1

    # -- the base -----------------------------------------------------------------------------------------------------

    def begin_base(self, name: bytes) -> str:
        """Begin a base in a file of another name."""
        return self._base_file.begin(str(self._path(name)), f"temp-rewriteaof-bg-{os.getpid()}.aof")

    def write_base(self, data: bytes) -> str:
        """Add to it."""
        return self._base_file.write(data)

    def finish_base(self) -> str:
        """Give it its name, on disk."""
        return self._base_file.finish()

    def finish_base_later(self) -> None:
        """The same in a thread."""
        self._base_file.finish_later()

    def finished_base(self) -> str | None:
        """How that ended."""
        return self._base_file.finished()

    def drop_base(self) -> None:
        """Give it up."""
        self._base_file.drop()


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):  # a file that stays is in nobody's way: the manifest does not list it
        path.unlink(missing_ok=True)


def _close(descriptor: int) -> None:
    try:
        _sync(descriptor)
    except OSError as error:
        log.error("Fail to fsync the AOF file", extra={"fields": {"reason": _reason(error)}})
    finally:
        os.close(descriptor)


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
