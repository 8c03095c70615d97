"""The unix socket on which a function is called."""

import hashlib
import socket
from pathlib import Path

from cachetwin_local.supervise.project.socket_directory import socket_directory

__all__ = ["function_socket", "listen_for_calls"]

_BACKLOG = 1024


def function_socket(directory: Path, key: str) -> Path:
    """The path of the socket of the function `key` in the project whose ``.cachetwin`` is `directory`."""
    return socket_directory(directory) / f"fn-{hashlib.sha256(key.encode()).hexdigest()[:10]}.sock"


def listen_for_calls(path: Path) -> socket.socket:
    """A listening socket at `path` that only its owner can open."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.setblocking(False)  # noqa: FBT003  (the standard library's signature)
        listener.bind(str(path))
        path.chmod(0o600)  # before listen: nobody could have connected
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener
