"""The RDB file on disk: written beside the old one, made to last, then put in its place; read at start."""

import contextlib
import os
import threading
from pathlib import Path
from typing import BinaryIO


class DumpFile:
    """One file being written at a time. Problems come back as texts: a save that fails is an answer, not an accident."""

    def __init__(self) -> None:
        self._target = Path()
        self._draft = Path()
        self._file: BinaryIO | None = None
        self._finisher: threading.Thread | None = None
        self._problem: str | None = None

    def begin(self, path: str, draft_name: str = "") -> str:
        """Begin a file that will take the place of ``path``; what went wrong, or an empty text.

        ``draft_name``: what it is called until then.
        """
        self.drop()
        self._target = Path(path).resolve()
        self._draft = self._target.with_name(draft_name or f"temp-{os.getpid()}.rdb")
        try:
            self._draft.unlink(missing_ok=True)  # what somebody else has put there (a link, in a folder of many)
            self._file = os.fdopen(os.open(self._draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        except OSError as error:
            return _reason(error)
        return ""

    def write(self, data: bytes) -> str:
        """Add ``data``; what went wrong, or an empty text."""
        if self._file is None:
            return "no file is being written"
        try:
            self._file.write(data)
        except OSError as error:
            return _reason(error)
        return ""

    def finish(self) -> str:
        """Put the file in its place, on disk when this returns; what went wrong, or an empty text."""
        file = self._file
        self._file = None
        if file is None:
            return "no file is being written"
        try:
            with file:
                file.flush()
                os.fsync(file.fileno())
            self._draft.replace(self._target)
        except OSError as error:
            self._draft.unlink(missing_ok=True)
            return _reason(error)
        return ""

    def finish_later(self) -> None:
        """The same without waiting for the disk; ``finished`` returns the outcome."""
        self._problem = None
        self._finisher = threading.Thread(target=self._finish, name="rdb-finish")
        self._finisher.start()

    def _finish(self) -> None:
        self._problem = self.finish()

    def finished(self) -> str | None:
        """None while the disk is busy; then what went wrong, or an empty text."""
        finisher = self._finisher
        if finisher is not None and finisher.is_alive():
            return None
        self._finisher = None
        return self._problem or ""

    def drop(self) -> None:
        """Give up the file that is being written, if any; one that is being finished is waited for."""
        if self._finisher is not None:
            self._finisher.join()
            self._finisher = None
        if self._file is not None:
            with contextlib.suppress(OSError):  # what it still has in memory does not fit on the disk
                self._file.close()
            self._file = None
            self._draft.unlink(missing_ok=True)

    def remove_draft(self) -> None:
        """The process ends at once, perhaps in the midst of ``write``."""
        if self._draft != Path():
            self._draft.unlink(missing_ok=True)


def read_dump(path: str) -> bytes | None:
    """The file's bytes, None if there is no such file or nothing in it. Raises OSError."""
    try:
        return Path(path).read_bytes() or None
    except FileNotFoundError:
        return None


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
