"""The files of the append-only file, as the core sees them: names in one directory. Here they are kept in memory.

Problems come back as texts, as the system words them; an empty text is success. The file that ``open`` names takes what
``write`` adds. Syncing and deleting may go on in the background.
"""

from mypy_extensions import mypyc_attr


@mypyc_attr(allow_interpreted_subclasses=True)
class LogFiles:
    """Files by name. The shell has them on disk."""

    def __init__(self) -> None:
        self._files: dict[bytes, bytes] = {}
        self._open = b""
        self._tag = 0
        self._base = b""
        self._base_parts: list[bytes] = []

    def prepare(self, directory: str) -> str:
        """Use this directory from now on, and create it if it is missing."""
        return ""

    def locate(self, directory: str) -> None:
        """Use this directory from now on, whether it is there or not."""

    def import_file(self, name: bytes) -> str:
        """Move a file from the working directory here."""
        return "No such file or directory"

    def is_outside(self, name: bytes) -> bool:
        """True if the working directory has a file of this name, which ``import_file`` could move."""
        return False

    def size(self, name: bytes) -> int:
        """Bytes of a file, -1 if it is missing. Raises OSError for one that can't be looked at."""
        return len(self._files[name]) if name in self._files else -1

    def read(self, name: bytes, offset: int, size: int) -> bytes:
        """A part of a file, empty at its end; all from ``offset`` on if ``size`` is negative. Raises OSError."""
        data = self._files.get(name, b"")
        return data[offset:] if size < 0 else data[offset : offset + size]

    def replace(self, name: bytes, data: bytes) -> str:
        """Write a file so that either the old or the new content is there, on disk when this returns."""
        self._files[name] = data
        return ""

    def rename(self, old: bytes, new: bytes) -> str:
        """Give a file, perhaps the open one, another name."""
        self._files[new] = self._files.pop(old, b"")
        if self._open == old:
            self._open = new
        return ""

    def truncate(self, name: bytes, size: int) -> str:
        """Cut a file off."""
        self._files[name] = self._files.get(name, b"")[:size]
        return ""

    def remove_later(self, name: bytes) -> None:
        """Delete a file in the background."""
        self._files.pop(name, None)

    def open(self, name: bytes, fresh: bool) -> str:
        """Write to this file from now on, from its beginning or (not ``fresh``) behind what it has.

        The file that was open before is synced and closed in the background.
        """
        if fresh or name not in self._files:
            self._files[name] = b""
        self._open = name
        return ""

    def is_open(self) -> bool:
        """Whether there is a file to write to."""
        return self._open != b""

    def write(self, data: bytes) -> tuple[int, str]:
        """Append ``data``: how many bytes are in the file, and what went wrong if these are not all."""
        self._files[self._open] += data
        return len(data), ""

    def trim(self, size: int) -> str:
        """Cut the open file off."""
        return self.truncate(self._open, size)

    def sync(self) -> str:
        """Bring the open file to the disk."""
        return ""

    def sync_later(self, tag: int) -> None:
        """The same in the background; ``synced`` returns ``tag`` when it is done."""
        self._tag = tag

    def is_syncing(self) -> bool:
        """Whether ``sync_later`` is under way."""
        return False

    def synced(self) -> int:
        """The tag of the last ``sync_later`` that succeeded, 0 before the first."""
        return self._tag

    def sync_problem(self) -> str:
        """What went wrong with the last ``sync_later``."""
        return ""

    def wait(self) -> None:
        """Wait for the background."""

    def close(self) -> None:
        """Close the open file."""
        self._open = b""
        self._tag = 0

    def begin_base(self, name: bytes) -> str:
        """Begin a new base file, which gets its name when it is finished."""
        self._base = name
        self._base_parts = []
        return ""

    def write_base(self, data: bytes) -> str:
        """Add to the base file."""
        self._base_parts.append(data)
        return ""

    def finish_base(self) -> str:
        """Bring the base file to the disk, under its name."""
        self._files[self._base] = b"".join(self._base_parts)
        self._base_parts = []
        return ""

    def finish_base_later(self) -> None:
        """The same in the background; ``finished_base`` returns the outcome."""
        self.finish_base()

    def finished_base(self) -> str | None:
        """None while the disk is busy; then what went wrong, or an empty text."""
        return ""

    def drop_base(self) -> None:
        """Give up the base file that is being written."""
        self._base_parts = []
