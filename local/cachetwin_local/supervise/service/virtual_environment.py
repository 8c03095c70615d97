"""A service's Python packages: one virtual environment for each set of requirements and each interpreter.

Kept in ``.cachetwin/venvs`` under the hash of both; made by uv where it is at hand, by the standard library and pip
else.
"""

import asyncio
import hashlib
import importlib.util
import os
import shutil
import sys
from pathlib import Path

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.process.child import Command, run
from cachetwin_local.supervise.process.private_file import make_private_directory
from cachetwin_local.supervise.project.run_context import RunContext

__all__ = ["VirtualEnvironments"]

_CREATE_DEADLINE_S = 60.0
_INSTALL_DEADLINE_S = 600.0
_COMPLETE = "cachetwin-complete"


class VirtualEnvironments:
    """The environments of one run; two services with the same requirements share one, made once."""

    def __init__(self, run_context: RunContext) -> None:
        self._run_context = run_context
        self._locks: dict[str, asyncio.Lock] = {}

    async def get(self, requirements: tuple[Path, ...], packages: tuple[str, ...], log_name: str) -> Path:
        """The folder of the environment with what these files and words name, made when it is not there."""
        content = b"\0".join([*(path.read_bytes() for path in requirements), *(word.encode() for word in packages)])
        digest = hashlib.sha256(content + sys.version.encode() + sys.prefix.encode()).hexdigest()[:16]
        directory = make_private_directory(self._run_context.directory / "venvs") / digest
        async with self._locks.setdefault(digest, asyncio.Lock()):
            if not (directory / _COMPLETE).exists():
                words = [word for path in requirements if path.read_bytes().strip() for word in ("-r", str(path))]
                await self._make(directory, (*words, *packages), log_name)
        return directory

    async def _make(self, directory: Path, wanted: tuple[str, ...], log_name: str) -> None:
        if directory.exists():
            shutil.rmtree(directory)
        uv = _uv()
        python = str(directory / "bin" / "python")
        if uv:
            await self._run(
                (*uv, "venv", "--quiet", "--no-project", "--python", sys.executable, str(directory)),
                _CREATE_DEADLINE_S,
                log_name,
            )
            # compiled once: an image may set PYTHONDONTWRITEBYTECODE, and each start would compile everything again
            install: tuple[str, ...] = (*uv, "pip", "install", "--compile-bytecode", "--python", python)
        else:
            await self._run((sys.executable, "-m", "venv", str(directory)), _CREATE_DEADLINE_S, log_name)
            install = (python, "-m", "pip", "install", "--disable-pip-version-check")
        if wanted:
            await self._run((*install, *wanted), _INSTALL_DEADLINE_S, log_name)
        (directory / _COMPLETE).touch()

    async def _run(self, words: tuple[str, ...], deadline_s: float, log_name: str, cwd: Path | None = None) -> None:
        # the user's own environment: package indexes and proxies are set there
        environment = {k: v for k, v in os.environ.items() if k not in {"VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME"}}
        command = Command(words, cwd or self._run_context.directory, environment)
        try:
            code, lines = await run(
                command, deadline_s, on_line=lambda line: self._run_context.logs.write(log_name, line)
            )
        except TimeoutError as error:
            raise UserError(
                f"{log_name}: `{Path(words[0]).name} {words[1]}` took longer than {deadline_s:g} s"
            ) from error
        if code != 0:
            tail = "\n".join(f"  | {line}" for line in lines[-12:])
            raise UserError(f"the packages of {log_name} could not be installed:\n{tail}")


def _uv() -> tuple[str, ...] | None:
    beside = Path(sys.executable).with_name("uv")
    if beside.exists():
        return (str(beside),)
    found = shutil.which("uv")
    if found:
        return (found,)
    return (sys.executable, "-m", "uv") if importlib.util.find_spec("uv") else None
