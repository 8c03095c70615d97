"""Where a project's unix sockets go: their paths have a limit that a project's folder may pass."""

import hashlib
import os
import stat
import tempfile
from pathlib import Path

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.process.private_file import make_private_directory

__all__ = ["socket_directory"]

_SOCKET_PATH_BYTES_MAX = 103  # sun_path holds 104 bytes on macOS, 108 on Linux, one of them the final zero
_LONGEST_SOCKET_NAME = "/0123456789/.s.PGSQL.65535.lock"


def socket_directory(directory: Path) -> Path:
    """Where a project's unix sockets go: ``run`` in `directory`, or a private folder of a short name where it must."""
    near = directory / "run"
    if len(os.fsencode(near)) + len(_LONGEST_SOCKET_NAME) <= _SOCKET_PATH_BYTES_MAX:
        return make_private_directory(near)
    digest = hashlib.sha256(os.fsencode(directory)).hexdigest()[:12]
    short = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()) / f"cachetwin-{os.geteuid()}-{digest}"
    short.mkdir(mode=0o700, exist_ok=True)
    status = short.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
        raise UserError(f"{short} must be a folder that only you can open (it holds this project's sockets): remove it")
    return short
