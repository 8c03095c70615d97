"""What tells actors that files of the app have changed, for `cachetwin up --watch`.

An actor that runs files of the app names their copies in the assembly (`Reloading.assets`). When files of the folder
change from which such a copy was made, the supervisor tells every actor that names it, once for a burst of changes. A
file that no actor runs, and one of a folder that the app builds from, makes the app be synthesised and applied instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

__all__ = ["FolderChange", "Reloading"]


@dataclass(frozen=True, slots=True)
class FolderChange:
    """The `files` (absolute) that were changed, made or removed in the folder `source`.

    `asset` is the name of the folder's copy in the assembly, which stays as it was synthesised.
    """

    asset: str
    source: Path
    files: tuple[Path, ...]


@runtime_checkable
class Reloading(Protocol):
    """An actor that can run changed files without a synthesis. It keeps to them until it is made anew."""

    name: str

    @property
    def assets(self) -> frozenset[str]:
        """The names in the assembly of the folders that it runs."""

    async def reload(self, changes: Sequence[FolderChange]) -> str:
        """Run the changed files; `changes` are those of its own assets. Returns a sentence.

        Raises UserError when they do not run; what ran before then goes on, or is started again.
        """
