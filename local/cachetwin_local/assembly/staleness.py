"""Whether a `cdk.out` still says what the app's sources say. Pure: file listings come in, an answer goes out.

The answer has two halves. Modification times are cheap and decide most cases: nothing newer than the manifest,
nothing to do. Where something is newer, the digest of the sources decides, against the one that was kept when the
assembly was made: a checkout or a touch changes times and no content.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

IGNORED_FOLDERS = frozenset(
    {"cdk.out", "node_modules", "__pycache__", ".git", ".venv", "venv", ".cachetwin", "build", "dist"}
)
IGNORED_SUFFIXES = frozenset({".pyc", ".pyo", ".swp", ".log"})


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file of the app: its path relative to cdk.json, with forward slashes, and when it last changed."""

    path: str
    modified_ns: int


def is_source(path: str) -> bool:
    """Whether a change of this file can change what the app synthesises."""
    parts = PurePosixPath(path).parts
    hidden = any(part.startswith(".") or part.endswith((".egg-info", "_cache")) for part in parts)
    ignored = hidden or not IGNORED_FOLDERS.isdisjoint(parts)
    return not ignored and PurePosixPath(path).suffix not in IGNORED_SUFFIXES


def newer_than(files: Iterable[SourceFile], manifest_modified_ns: int) -> tuple[str, ...]:
    """The sources that changed after the manifest was written, by path."""
    return tuple(sorted(f.path for f in files if is_source(f.path) and f.modified_ns > manifest_modified_ns))


def digest(contents: Mapping[str, bytes]) -> str:
    """A digest of the sources by path and content; files that are not sources do not count."""
    total = hashlib.sha256()
    for path in sorted(contents):
        if is_source(path):
            total.update(f"{len(path)}:{path}:{len(contents[path])}:".encode())
            total.update(contents[path])
    return total.hexdigest()


def stale_because(
    files: Iterable[SourceFile],
    manifest_modified_ns: int | None,
    *,
    digest_then: str | None = None,
    digest_now: str | None = None,
) -> str | None:
    """Why the app must be synthesised again, for people, or None when it need not be.

    `manifest_modified_ns` is None when there is no assembly. `digest_then` is the sources' digest when it was made.
    """
    if manifest_modified_ns is None:
        return "there is no cdk.out"
    newer = newer_than(files, manifest_modified_ns)
    if digest_then is not None and digest_now is not None:
        if digest_then == digest_now:
            return None
        return f"{newer[0]} changed" if newer else "the sources changed"
    if not newer:
        return None
    others = f" and {len(newer) - 1} more" if len(newer) > 1 else ""
    return f"{newer[0]}{others} changed after cdk.out was made"
