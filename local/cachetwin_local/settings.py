"""``cachetwin.toml``: what a project says of a run on this machine and its template does not.

Every value is checked when the file is read; a name of a resource is checked when the app is planned.
"""

import difflib
import fnmatch
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Literal, TypeVar
from urllib.parse import urlsplit

from cachetwin_local.errors import UserError

__all__ = ["FILE_NAME", "LOG_LEVELS", "ServiceSettings", "Settings", "name_matches", "read_settings"]

FILE_NAME: Final = "cachetwin.toml"
TASKS_MAX: Final = 50
T = TypeVar("T")
LogLevel = Literal["debug", "info", "warning", "error"]
NodeNaming = Literal["address", "name"]
LOG_LEVELS: Final[tuple[LogLevel, ...]] = ("debug", "info", "warning", "error")
_SECTIONS: Final = (
    "leave-out",
    "parameters",
    "imports",
    "ssm",
    "secrets",
    "snapshots",
    "services",
    "ports",
    "log-levels",
    "cluster-nodes",
    "metrics",
)
_NODE_NAMINGS: Final[tuple[NodeNaming, ...]] = ("address", "name")
_SERVICE: Final = ("tasks", "environment", "process", "folder", "url")


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """One service: how many tasks, more variables, and what runs in its place.

    `process` is a shell command that runs in `folder` (absolute); `url` is where the service already runs.
    """

    tasks: int | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    process: str | None = None
    folder: Path | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """The content of a ``cachetwin.toml``; empty without one.

    Names of resources are keys (``Stack/LogicalId``), construct paths or logical ids, with ``*`` and ``?``.
    """

    leave_out: tuple[str, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    imports: Mapping[str, str] = field(default_factory=dict)
    ssm: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    snapshots: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Files by the ARN or the name of the snapshot that a template names."""
    services: Mapping[str, ServiceSettings] = field(default_factory=dict)
    ports: Mapping[str, int] = field(default_factory=dict)
    log_levels: Mapping[str, LogLevel] = field(default_factory=dict)
    cluster_nodes: Mapping[str, NodeNaming] = field(default_factory=dict)
    """Whether clients of a cluster hear of its nodes by address or by host name."""
    metrics_every_s: int = 60

    def service(self, *names: str) -> ServiceSettings:
        """What is said of the service with these names; a later entry of the file goes before an earlier one."""
        found = ServiceSettings()
        for pattern, given in self.services.items():
            if name_matches(pattern, *names):
                found = replace(
                    given,
                    tasks=found.tasks if given.tasks is None else given.tasks,
                    environment={**found.environment, **given.environment},
                    process=given.process or (None if given.url else found.process),
                    folder=given.folder or found.folder,
                    url=given.url or (None if given.process else found.url),
                )
        return found

    def port(self, *names: str) -> int | None:
        """The port of the resource with these names."""
        return next((port for pattern, port in self.ports.items() if name_matches(pattern, *names)), None)

    def node_naming(self, *names: str) -> NodeNaming:
        """How the cache with these names announces the nodes of its cluster."""
        return next((how for pattern, how in self.cluster_nodes.items() if name_matches(pattern, *names)), "address")

    def log_level(self, *names: str) -> LogLevel | None:
        """The log level of the resource with these names."""
        return next((level for pattern, level in self.log_levels.items() if name_matches(pattern, *names)), None)


def name_matches(pattern: str, *names: str) -> bool:
    """Whether one of the names of a resource is `pattern`."""
    return any(fnmatch.fnmatchcase(name, pattern) for name in names)


def read_settings(root: Path) -> Settings:
    """The settings of the project in `root`. Raises UserError that names the key, what is allowed and what was found."""
    path = root / FILE_NAME
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{path} must be TOML: {error}") from None
    _known("", document, _SECTIONS)
    return Settings(
        leave_out=_strings("leave-out", document.get("leave-out", [])),
        parameters=_texts("parameters", document),
        imports=_texts("imports", document),
        ssm=_texts("ssm", document),
        secrets=_texts("secrets", document, objects=True),
        snapshots={
            name: _files(f"snapshots.{name}", given, root) for name, given in _table("snapshots", document).items()
        },
        services={
            name: _service(f"services.{name}", given, root) for name, given in _table("services", document).items()
        },
        ports={name: _integer(f"ports.{name}", port, 1, 65535) for name, port in _table("ports", document).items()},
        log_levels={
            name: _one_of(f"log-levels.{name}", level, LOG_LEVELS)
            for name, level in _table("log-levels", document).items()
        },
        cluster_nodes={
            name: _one_of(f"cluster-nodes.{name}", how, _NODE_NAMINGS)
            for name, how in _table("cluster-nodes", document).items()
        },
        metrics_every_s=_metrics_every_s(_table("metrics", document)),
    )


def _metrics_every_s(given: Mapping[str, object]) -> int:
    _known("metrics", dict(given), ("every",))
    return _integer("metrics.every", given.get("every", 60), 1, 60)


def _service(key: str, given: object, root: Path) -> ServiceSettings:
    if not isinstance(given, dict):
        raise _wrong(key, "a table", given)
    _known(key, given, _SERVICE)
    if "process" in given and "url" in given:
        raise UserError(f"{FILE_NAME}: {key} must have process or url, got both")
    if "folder" in given and "process" not in given:
        raise UserError(f"{FILE_NAME}: {key}.folder must come with process, got none")
    folder = root / _string(f"{key}.folder", given.get("folder", "."))
    if "process" in given and not folder.is_dir():
        raise _wrong(f"{key}.folder", "a folder, relative to this file", given["folder"])
    return ServiceSettings(
        tasks=_integer(f"{key}.tasks", given["tasks"], 0, TASKS_MAX) if "tasks" in given else None,
        environment=_texts(f"{key}.environment", {f"{key}.environment": given.get("environment", {})}),
        process=_string(f"{key}.process", given["process"]) if "process" in given else None,
        folder=folder.resolve() if "process" in given else None,
        url=_url(f"{key}.url", given["url"]) if "url" in given else None,
    )


def _files(key: str, given: object, root: Path) -> tuple[str, ...]:
    """Files, and those of folders, as absolute paths."""
    found: list[str] = []
    for text in _strings(key, given if isinstance(given, list) else [given]):
        path = (root / text).resolve()
        files = sorted(path.glob("*.rdb")) if path.is_dir() else [path]
        if not files or not files[0].is_file():
            raise _wrong(key, "a file, or a folder with .rdb files, relative to this file", given)
        found += [str(file) for file in files]
    return tuple(found)


def _url(key: str, value: object) -> str:
    text = _string(key, value)
    parts = urlsplit(text)
    try:
        valid = parts.scheme == "http" and parts.hostname and parts.path in {"", "/"} and (parts.port or 80)
    except ValueError:
        valid = False
    if not valid:
        raise _wrong(key, "a URL such as http://127.0.0.1:3000", value)
    return text


def _known(key: str, table: Mapping[str, object], allowed: tuple[str, ...]) -> None:
    for name in table:
        if name not in allowed:
            near = difflib.get_close_matches(name, allowed, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            where = f"{key} " if key else ""
            raise UserError(f"{FILE_NAME}: {where}must have keys of {', '.join(allowed)}, got {name}{hint}")


def _table(key: str, document: Mapping[str, object]) -> dict[str, object]:
    value = document.get(key, {})
    if not isinstance(value, dict):
        raise _wrong(key, "a table", value)
    return value


def _texts(key: str, document: Mapping[str, object], *, objects: bool = False) -> dict[str, str]:
    """A table of strings; other scalars are written as CloudFormation writes them, a list with commas."""
    return {name: _text(f"{key}.{name}", value, objects=objects) for name, value in _table(key, document).items()}


def _text(key: str, value: object, *, objects: bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, list) and not objects:
        return ",".join(_text(key, item, objects=False) for item in value)
    if isinstance(value, dict) and objects:
        return json.dumps(value, default=str)
    raise _wrong(key, "a string or a table" if objects else "a string, a number or a list", value)


def _string(key: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _wrong(key, "a string", value)
    return value


def _strings(key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _wrong(key, "a list of names", value)
    return tuple(value)


def _integer(key: str, value: object, least: int, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise _wrong(key, f"a whole number from {least} to {most}", value)
    return value


def _one_of(key: str, value: object, allowed: Sequence[T]) -> T:
    for one in allowed:
        if value == one:
            return one
    raise _wrong(key, f"one of {', '.join(map(str, allowed))}", value)


def _wrong(key: str, allowed: str, value: object) -> UserError:
    return UserError(f"{FILE_NAME}: {key} must be {allowed}, got {json.dumps(value, default=str)}")
