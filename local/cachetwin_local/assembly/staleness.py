"""Which files of an app are sources of its assembly, and a digest of them. Pure: contents come in."""

import hashlib
from collections.abc import Mapping
from pathlib import PurePosixPath

IGNORED_FOLDERS = frozenset(
    {"cdk.out", "node_modules", "__pycache__", ".git", ".venv", "venv", ".cachetwin", "build", "dist"}
)
IGNORED_SUFFIXES = frozenset({".pyc", ".pyo", ".swp", ".log"})


def is_source(path: str) -> bool:
    """Whether a change of this file can change what the app synthesises."""
    parts = PurePosixPath(path).parts
    hidden = any(part.startswith(".") or part.endswith((".egg-info", "_cache")) for part in parts)
    ignored = hidden or not IGNORED_FOLDERS.isdisjoint(parts)
    return not ignored and PurePosixPath(path).suffix not in IGNORED_SUFFIXES and not path.endswith("~")


def digest(contents: Mapping[str, bytes]) -> str:
    """A digest of the sources by path and content; files that are not sources do not count."""
    total = hashlib.sha256()
    for path in sorted(contents):
        if is_source(path):
            total.update(f"{len(path)}:{path}:{len(contents[path])}:".encode())
            total.update(contents[path])
    return total.hexdigest()
