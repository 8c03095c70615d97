"""The three distributions of this repository, and what is right of a wheel of theirs."""

import email.message
import subprocess
import zipfile
from email.parser import Parser
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement

ROOT: Final = Path(__file__).parents[1]
FOLDERS: Final = {"cachetwin-cdk": "constructs", "cachetwin-engine": "engine", "cachetwin": "local"}
"""The folder of each distribution."""
PYTHONS: Final = "<3.15,>=3.11"
NOT_INSTALLED: Final = {"LICENSE", "README.md", "VERSION", "pyproject.toml", "setup.py"}
"""Files of a distribution's folder that a wheel does not install."""


def version(root: Path = ROOT) -> str:
    """The version of all three."""
    return (root / "VERSION").read_text(encoding="utf-8").strip()


def tracked(folder: str, root: Path = ROOT) -> set[str]:
    """The files under version control in a folder, relative to it."""
    listed = subprocess.run(["git", "ls-files", "-z", folder], cwd=root, capture_output=True, text=True, check=True)
    names = (name.removeprefix(f"{folder}/") for name in listed.stdout.split("\0") if name)
    return {name for name in names if (root / folder / name).exists()}


def metadata(wheel: Path) -> email.message.Message:
    """The wheel's METADATA."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return Parser().parsestr(archive.read(name).decode())


def problems(wheel: Path, name: str, root: Path = ROOT, *, compiled: bool = False) -> list[str]:
    """What is wrong with a wheel of this distribution: its files, its license, what it says of itself."""
    with zipfile.ZipFile(wheel) as archive:
        files = set(archive.namelist())
    stem = f"{name.replace('-', '_')}-{version(root)}"
    info = f"{stem}.dist-info"
    found = [] if f"{info}/licenses/LICENSE" in files else [f"{wheel.name} holds no license"]
    installed = {file.removeprefix(f"{stem}.data/purelib/") for file in files if not file.startswith(info)}
    libraries = {file for file in installed if file.endswith(".so")}
    expected = tracked(FOLDERS[name], root) - NOT_INSTALLED
    found += [f"{wheel.name} lacks {file}" for file in sorted(expected - installed)]
    found += [
        f"{wheel.name} holds {file}, which is not under version control"
        for file in sorted(installed - expected - libraries)
    ]
    if compiled:
        found += _not_compiled(wheel, expected & installed, libraries)
    elif libraries:
        found.append(f"{wheel.name} is a wheel for any platform and holds {len(libraries)} libraries")
    return found + _metadata_problems(wheel, name, version(root))


def _not_compiled(wheel: Path, installed: set[str], libraries: set[str]) -> list[str]:
    modules = {file.removesuffix(".py") for file in installed if "/core/" in file and file.endswith(".py")}
    made = {library.partition(".")[0] for library in libraries}
    return [f"{wheel.name} holds {module}.py, but not compiled" for module in sorted(modules - made)]


def _metadata_problems(wheel: Path, name: str, release: str) -> list[str]:
    told = metadata(wheel)
    wanted = {
        "Name": name,
        "Version": release,
        "Requires-Python": PYTHONS,
        "License-Expression": "Apache-2.0",
        "Description-Content-Type": "text/markdown",
    }
    found = [f"{wheel.name}: {key} is {told[key]}, not {value}" for key, value in wanted.items() if told[key] != value]
    required = {requirement.name: requirement for requirement in map(Requirement, told.get_all("Requires-Dist", []))}
    if name == "cachetwin" and not required["cachetwin-engine"].specifier.contains(release):
        found.append(f"{wheel.name} asks for {required['cachetwin-engine']}, which {release} is not")
    return found
