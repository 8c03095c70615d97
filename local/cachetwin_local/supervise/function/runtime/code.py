"""Where the code of a function lies on this machine: the asset, or the folder of the project that it was made from.

The app's own folder is taken where there is one, so that a change to a file there is what runs next: the folder below
the project whose files are those of the asset, found by the handler's file. What only the asset has (packages that the
synthesis put in) is looked for there.
"""

import os
import re
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cachetwin_local.errors import UserError
from cachetwin_local.topology.functions import Function

__all__ = ["PreparedCode", "prepare_code"]

_IGNORED: Final = frozenset({"node_modules", "cdk.out", "build", "dist", "__pycache__", "venv", "site-packages"})
_FOLDERS_MAX: Final = 20_000
_SUFFIXES: Final = {"python": (".py", "/__init__.py"), "nodejs": (".js", ".mjs", ".cjs", ".ts", ".mts")}


@dataclass(frozen=True, slots=True)
class PreparedCode:
    """The folder of the code, that of the asset (the same where the project has no folder), and the layers' folders."""

    root: Path
    asset: Path
    layers: tuple[Path, ...]

    @property
    def live(self) -> bool:
        """Whether the code is the project's own folder."""
        return self.root != self.asset

    @property
    def requirements(self) -> tuple[Path, ...]:
        """The files that name the Python packages of the function and its layers."""
        folders = dict.fromkeys((self.root, self.asset))
        own = next((path for folder in folders if (path := folder / "requirements.txt").is_file()), None)
        layers = (path for layer in self.layers for path in _requirements_of(layer))
        return tuple(path for path in (own, *layers) if path is not None)


def prepare_code(function: Function, assembly: Path, folder: Path) -> PreparedCode:
    """The code of `function`; archives and inline text are written below `folder`. Raises UserError when it is missing."""
    layers = tuple(_unpacked(assembly / path, folder) for path in function.layers)
    code = function.code
    if code.inline is not None:
        root = folder / "inline"
        root.mkdir(parents=True, exist_ok=True)
        (root / ("index.py" if function.runtime.startswith("python") else "index.js")).write_text(code.inline)
        return PreparedCode(root, root, layers)
    asset = _unpacked(assembly / str(code.path), folder)
    project = assembly.resolve().parent
    return PreparedCode(_source(asset, project, function) or asset, asset, layers)


def _unpacked(path: Path, folder: Path) -> Path:
    if path.is_dir():
        return path.resolve()
    if not path.is_file():
        raise UserError(f"the code of a function needs {path}: run `cachetwin up` without --no-synth")
    target = folder / path.stem
    if not target.is_dir():
        fresh = target.with_suffix(".new")
        shutil.rmtree(fresh, ignore_errors=True)
        try:
            with zipfile.ZipFile(path) as archive:
                archive.extractall(fresh)
        except zipfile.BadZipFile as error:
            raise UserError(f"the code of a function must be a folder or a zip archive, got {path}") from error
        fresh.rename(target)
    return target.resolve()


def _source(asset: Path, project: Path, function: Function) -> Path | None:
    """The folder of the project with the handler's file of the asset in the same place and with the same content."""
    relative = _handler_file(asset, function)
    if relative is None or not asset.is_relative_to(project):
        return None
    wanted = (asset / relative).read_bytes()
    found = [folder for folder in _folders(project) if _holds(folder / relative, wanted)]
    return max(found, key=lambda folder: _likeness(folder, asset), default=None)


def _handler_file(asset: Path, function: Function) -> Path | None:
    module = re.sub(r"\.[^./]*$", "", function.handler)
    if function.runtime.startswith("python"):
        module = module.replace(".", "/")
    kind = re.sub(r"[\d.].*", "", function.runtime)
    names = (f"{module}{suffix}" for suffix in _SUFFIXES.get(kind, ()))
    return next((Path(name) for name in names if (asset / name).is_file()), None)


def _folders(project: Path) -> Iterator[Path]:
    for count, (folder, names, _files) in enumerate(os.walk(project)):
        names[:] = sorted(n for n in names if n not in _IGNORED and not n.startswith((".", "asset.")))
        yield Path(folder)
        if count > _FOLDERS_MAX:
            return


def _holds(path: Path, content: bytes) -> bool:
    try:
        return path.stat().st_size == len(content) and path.read_bytes() == content
    except OSError:
        return False


def _likeness(folder: Path, asset: Path) -> int:
    """How many entries the two folders share."""
    return len({entry.name for entry in folder.iterdir()} & {entry.name for entry in asset.iterdir()})


def _requirements_of(layer: Path) -> list[Path]:
    return [path for path in (layer / "requirements.txt", layer / "python" / "requirements.txt") if path.is_file()]
