"""Files only their owner may read."""

import os
import pwd
from pathlib import Path

__all__ = ["give_to_nobody", "make_private_directory", "make_project_directory", "write_private"]


def write_private(path: Path, content: bytes) -> None:
    """Replace `path` by `content` in one step; the file is readable by its owner only, at every moment."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    try:
        os.fchmod(descriptor, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def make_project_directory(path: Path) -> Path:
    """Create a project's ``.cachetwin``, which Git ignores whatever the project's own ignore files say. Returns `path`."""
    make_private_directory(path)
    ignore = path / ".gitignore"
    if not ignore.exists():
        ignore.write_text("# written by cachetwin: data, secrets and logs of this machine\n*\n", encoding="utf-8")
    return path


def make_private_directory(path: Path) -> Path:
    """Create `path` and its parents where they are missing, readable by the owner only. Returns `path`."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.stat().st_mode & 0o077:
        path.chmod(0o700)
    return path


def give_to_nobody(path: Path) -> None:
    """Let a child that drops root (`Command.drop_root`) own `path`; nothing to do unless the supervisor is root."""
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(path, nobody.pw_uid, nobody.pw_gid)
