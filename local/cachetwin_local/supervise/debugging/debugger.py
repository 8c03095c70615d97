"""What makes a program wait for a debugger: what Node.js loads first, and a folder on Python's path.

In that folder are `sitecustomize`, which Python imports at its start, and the `debugpy` of the runner's own environment.
"""

import asyncio
import importlib.util
import json
import os
import shutil
import socket
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from cachetwin_local.errors import UserError

__all__ = ["debug_folder", "free_port", "listens", "with_debugger"]

_PORT_FIRST: Final = 5678  # what editors propose for Python
_PORTS: Final = 100
_HERE: Final = Path(__file__).parent
_POLL_S: Final = 0.1


def debug_folder(directory: Path) -> Path | None:
    """The folder for the path of Python programs, below the project's own; None where debugpy is not installed."""
    spec = importlib.util.find_spec("debugpy")
    if spec is None or spec.origin is None:
        return None
    folder, package = directory / "debugger", Path(spec.origin).parent
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(_HERE / "sitecustomize.py", folder / "sitecustomize.py")
    link = folder / "debugpy"
    if not link.is_symlink() or link.resolve() != package.resolve():
        link.unlink(missing_ok=True)
        link.symlink_to(package)
    return folder


def with_debugger(variables: Mapping[str, str], port: int, folder: Path | None) -> dict[str, str]:
    """The variables of a program that lets a debugger attach at `port`."""
    node = f"{variables.get('NODE_OPTIONS', '')} --require {json.dumps(str(_HERE / 'inspector.cjs'))}".strip()
    found = {**variables, "NODE_OPTIONS": node, "CACHETWIN_DEBUG_PORT": str(port)}
    if folder is not None:
        paths = [str(folder), *filter(None, [variables.get("PYTHONPATH")])]
        found |= {"PYTHONPATH": os.pathsep.join(paths), "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    return found


def free_port(wanted: int | None, given: Collection[int | None] = ()) -> int:
    """The port for a debugger: the one that is wanted, or the first that is free. Raises UserError when it is not.

    `given` are ports of other programs, which may not listen now.
    """
    ports = [wanted] if wanted is not None else range(_PORT_FIRST, _PORT_FIRST + _PORTS)
    for port in (port for port in ports if port not in given):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise UserError(f"port {wanted or _PORT_FIRST} of 127.0.0.1 is taken: name another with --port")


async def listens(port: int, deadline_s: float) -> bool:
    """Whether something listens at the port before the deadline."""
    loop = asyncio.get_running_loop()
    end_s = loop.time() + deadline_s
    while loop.time() < end_s:
        if await asyncio.to_thread(_is_taken, port):
            return True
        await asyncio.sleep(_POLL_S)
    return False


def _is_taken(port: int) -> bool:
    """Whether the port cannot be had; nothing connects, which a debugger would take for an editor."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False
