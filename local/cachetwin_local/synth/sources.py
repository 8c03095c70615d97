"""The files that an app's assembly is made of: those of its folder, and those of its assets, wherever they are."""

import contextlib
import json
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cachetwin_local.assembly.staleness import is_source
from cachetwin_local.project import Project
from cachetwin_local.settings import FILE_NAME

__all__ = ["Asset", "SourceFolder", "files_of", "read_assets", "source_folders", "source_roots", "walk"]

_SOURCE_BYTES_MAX = 10_000_000
_LIBRARIES = frozenset({"node_modules", "site-packages", "dist-packages", "aws-cdk-lib"})


@dataclass(frozen=True, slots=True)
class Asset:
    """A file or folder of the app, `source` (absolute), and the name that its copy has in the assembly.

    `bundled` assets are the output of a build, not a copy.
    """

    source: Path
    staged: str
    bundled: bool

    def document(self) -> dict[str, object]:
        """The asset as JSON; `of` reads it."""
        return {**asdict(self), "source": str(self.source)}

    @classmethod
    def of(cls, document: dict[str, Any]) -> "Asset":
        """The asset of a document. Raises KeyError for another document."""
        return cls(Path(document["source"]), str(document["staged"]), bool(document["bundled"]))


@dataclass(frozen=True, slots=True)
class SourceFolder:
    """A folder (or a file) whose files count, how many they are, and why it counts."""

    path: Path
    files: int
    why: str


def read_assets(record: Path) -> tuple[Asset, ...]:
    """What ``asset_hook.cjs`` wrote down; nothing where there is no such file."""
    try:
        lines = record.read_text(encoding="utf-8").splitlines()
    except OSError:
        return ()
    assets = {}
    for line in lines:
        document = json.loads(line)
        assets[document["source"], document["staged"]] = Asset.of({**document, "staged": Path(document["staged"]).name})
    return tuple(assets.values())


def source_folders(project: Project, assets: Sequence[Asset]) -> list[SourceFolder]:
    """What counts for `cachetwin plan -v`."""
    why = {asset.source: "an asset that the app builds" if asset.bundled else "an asset of the app" for asset in assets}
    why[project.root] = "the app"
    return [
        SourceFolder(root, sum(1 for _ in files_of(root, project)), why[root]) for root in source_roots(project, assets)
    ]


def source_roots(project: Project, assets: Iterable[Asset]) -> Sequence[Path]:
    """The app's folder, and the assets that are outside of it or in a folder of it that does not count."""
    roots = [project.root]
    for source in sorted({asset.source for asset in assets}):
        if source.exists() and not _is_made(source, project) and not any(_counts_in(source, root) for root in roots):
            roots.append(source)
    return roots


def _is_made(source: Path, project: Project) -> bool:
    """Whether nobody edits it: it is in the assembly, or in a library."""
    return source.is_relative_to(project.assembly) or not _LIBRARIES.isdisjoint(source.parts)


def _counts_in(source: Path, root: Path) -> bool:
    """Whether the files of `source` are among those of `root`."""
    if not source.is_relative_to(root):
        return False
    relative = source.relative_to(root).as_posix().removeprefix(".")
    return is_source(f"{relative}/x".lstrip("/") if source.is_dir() else relative)


def files_of(root: Path, project: Project) -> Iterator[Path]:
    """The files of a folder that count, or the file itself."""
    for _folder, files in walk(root, project):
        yield from files


def walk(root: Path, project: Project) -> Iterator[tuple[Path, list[Path]]]:
    """Each folder that counts, with its files that do; for a file its folder and itself."""
    if root.is_file():
        yield root.parent, [root]
        return
    written = _own_output()
    for folder, folders, names in os.walk(root):
        here = Path(folder)
        relative = here.relative_to(root).as_posix().removeprefix(".")
        folders[:] = [
            name
            for name in folders
            if is_source(f"{relative}/{name}/x".lstrip("/"))
            and here / name != project.assembly
            and not (here / name / "pyvenv.cfg").exists()
        ]
        sources = [here / name for name in names if is_source(f"{relative}/{name}".lstrip("/")) and name != FILE_NAME]
        yield here, [path for path in sources if _counts(path, written)]


def _own_output() -> list[os.stat_result]:
    """What this process writes to: `cachetwin up > out` in the app's folder makes no source of the file."""
    found = []
    for stream in (1, 2):
        with contextlib.suppress(OSError):
            found.append(os.fstat(stream))
    return found


def _counts(path: Path, written: Iterable[os.stat_result]) -> bool:
    try:
        status = path.stat()
    except OSError:  # a link to nothing, or gone meanwhile
        return False
    if any(os.path.samestat(status, own) for own in written):
        return False
    return stat.S_ISREG(status.st_mode) and status.st_size <= _SOURCE_BYTES_MAX
