"""Who is told of a changed file: what runs it, or the app that is to be synthesised anew. Pure."""

import fnmatch
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from cachetwin_local.supervise.reload import FolderChange
from cachetwin_local.synth.sources import Asset

__all__ = ["Changes", "Patterns", "sort_changes"]


@dataclass(frozen=True, slots=True)
class Changes:
    """The changed folders that something runs from, and the other files, of which the app may be made."""

    folders: tuple[FolderChange, ...]
    app: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Patterns:
    """``watch`` of cdk.json, as the CDK's own command line has it: paths from `root`, with ``*`` and ``**``."""

    root: Path
    include: tuple[str, ...] = ("**",)
    exclude: tuple[str, ...] = ()

    @classmethod
    def of(cls, root: Path, watch: object) -> "Patterns":
        """The patterns that cdk.json holds under ``watch``; everything counts where it holds none."""
        settings = watch if isinstance(watch, dict) else {}
        return cls(root, _texts(settings.get("include", "**")), _texts(settings.get("exclude", ())))

    def match(self, path: Path) -> bool:
        """Whether the file is watched; one outside of the app's folder is."""
        if not path.is_relative_to(self.root):
            return True
        inside = PurePosixPath(path.relative_to(self.root).as_posix())
        return _any_matches(self.include, inside) and not _any_matches(self.exclude, inside)


def sort_changes(
    changed: Iterable[Path], assets: Sequence[Asset], running: frozenset[str], watched: Patterns
) -> Changes:
    """`running` are the names of the assets that something runs here, and that it can load anew."""
    copies = [asset for asset in assets if not asset.bundled and asset.staged in running]
    by_asset: dict[Asset, list[Path]] = {}
    app = []
    for path in sorted(changed):
        owners = [asset for asset in copies if path.is_relative_to(asset.source)]
        for asset in owners:
            by_asset.setdefault(asset, []).append(path)
        if not owners and watched.match(path):
            app.append(path)
    folders = (FolderChange(asset.staged, asset.source, tuple(files)) for asset, files in by_asset.items())
    return Changes(tuple(folders), tuple(app))


def _any_matches(patterns: Iterable[str], path: PurePosixPath) -> bool:
    parts = [str(path), *(str(parent) for parent in path.parents)]
    return any(
        fnmatch.fnmatchcase(part, one)
        for pattern in patterns
        for one in (pattern, pattern.removeprefix("**/"))
        for part in parts
    )


def _texts(value: object) -> tuple[str, ...]:
    values = value if isinstance(value, list | tuple) else [value]
    return tuple(text.removeprefix("./").rstrip("/") for text in values if isinstance(text, str))
