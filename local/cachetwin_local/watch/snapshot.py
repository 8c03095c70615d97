"""What the app's files were at one moment, and which of them differ at another.

The truth is in the files: what an editor does to save one (a temporary file, a rename over the old one, a backup) shows
as one changed file, and a file that is written again with the same content shows as nothing.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Snapshot"]

_Stat = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The files by path, each with what `stat` says and a digest of its content."""

    files: dict[Path, tuple[_Stat, bytes]]

    @classmethod
    def take(cls, paths: Iterable[Path], before: "Snapshot | None" = None) -> "Snapshot":
        """The files as they are; only those that `stat` tells from `before` are read."""
        known = {} if before is None else before.files
        found = {}
        for path in paths:
            try:
                status = path.stat()
                mark = (status.st_mtime_ns, status.st_size, status.st_ino)
                old = known.get(path)
                digest = old[1] if old is not None and old[0] == mark else hashlib.sha256(path.read_bytes()).digest()
            except OSError:  # gone meanwhile, or not ours to read
                continue
            found[path] = mark, digest
        return cls(found)

    def differing(self, other: "Snapshot") -> frozenset[Path]:
        """The files that only one of the two has, or that have another content."""
        return frozenset(
            path for path in self.files.keys() | other.files.keys() if self._digest(path) != other._digest(path)
        )

    def _digest(self, path: Path) -> bytes | None:
        entry = self.files.get(path)
        return None if entry is None else entry[1]
