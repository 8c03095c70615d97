"""The MySQL and MariaDB servers of this machine, and which of them stands for an engine of RDS."""

import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

__all__ = ["Installation", "choose", "installations"]

Kind = Literal["MariaDB", "MySQL"]
_SERVERS = ("mariadbd", "mysqld")
_CLIENTS = {"MariaDB": ("mariadb", "mysql"), "MySQL": ("mysql",)}
_INSTALLER = "mariadb-install-db"
_FOLDERS = (
    "/usr/sbin",
    "/usr/libexec",  # Red Hat's packages
    "/usr/local/mysql/bin",  # the MySQL project's packages for macOS
    "/opt/homebrew/opt/mariadb*/bin",
    "/opt/homebrew/opt/mysql*/bin",
    "/usr/local/opt/mariadb*/bin",  # Homebrew on Intel
    "/usr/local/opt/mysql*/bin",
)


@dataclass(frozen=True, slots=True)
class Installation:
    """A server, a client of it, and what makes a data folder: for MySQL the server itself."""

    kind: Kind
    server: Path
    client: Path
    installer: Path


def installations() -> list[Installation]:
    """Every server of this machine that has its other programs, each once."""
    found: dict[Path, Installation] = {}
    for one in map(_of, _servers()):
        if one is not None:
            found.setdefault(one.server.resolve(), one)  # ``mariadbd`` before the link of the other name
    return list(found.values())


def choose(found: Iterable[Installation], engine: str) -> Installation | None:
    """The server for the engine ``mysql`` or ``mariadb``, else the other one. None when there is none."""
    wanted: Kind = "MariaDB" if engine == "mariadb" else "MySQL"
    return min(found, key=lambda one: one.kind != wanted, default=None)


def _servers() -> Iterator[Path]:
    on_path = os.get_exec_path()
    for folder in (*on_path, *(str(one) for pattern in _FOLDERS for one in sorted(Path("/").glob(pattern[1:])))):
        for name in _SERVERS:
            if (Path(folder) / name).is_file():
                yield Path(folder) / name


def _of(server: Path) -> Installation | None:
    # ``mysqld`` of Debian's and Homebrew's MariaDB is a link
    kind: Kind = "MariaDB" if server.resolve().name == "mariadbd" else "MySQL"
    client = next((found for name in _CLIENTS[kind] if (found := _beside(server, name))), None)
    installer = _beside(server, _INSTALLER) if kind == "MariaDB" else server
    return Installation(kind, server, client, installer) if client and installer else None


def _beside(server: Path, name: str) -> Path | None:
    """A program of the server's package: in its folder, in ``bin`` beside that, or where the shell finds it."""
    for folder in (server.parent, server.parent.parent / "bin"):
        if (folder / name).is_file():
            return folder / name
    found = shutil.which(name)
    return Path(found) if found else None
