"""The Python packages of services and functions: one virtual environment for each set of requirements and each interpreter.

Kept in ``.cachetwin/venvs`` under the hash of both; made by uv where it is at hand, by the standard library and pip
else.
"""

import asyncio
import hashlib
import importlib.util
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.process.child import Command, run
from cachetwin_local.supervise.process.private_file import make_private_directory
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.supervise.service.bind_hook import add_bind_hook

__all__ = ["VirtualEnvironments", "uv"]

_CREATE_DEADLINE_S = 60.0
_INSTALL_DEADLINE_S = 600.0
_COMPLETE = "cachetwin-complete"


class VirtualEnvironments:
    """The environments of one run; two services with the same requirements share one, made once."""

    def __init__(self, run_context: RunContext) -> None:
        self._run_context = run_context
        self._locks: dict[str, asyncio.Lock] = {}

    async def get(
        self,
        requirements: tuple[Path, ...],
        packages: tuple[str, ...],
        log_name: str,
        *,
        python: Path | None = None,
        first: tuple[str, ...] = (),
    ) -> Path:
        """The folder of the environment with what these files and words name, made when it is not there.

        `python` is the interpreter, this one by default. `first` is installed before; the files may change its versions.
        """
        words = [*packages, *first, *([] if python is None else [str(python)])]
        content = b"\0".join([*(path.read_bytes() for path in requirements), *(word.encode() for word in words)])
        digest = hashlib.sha256(content + sys.version.encode() + sys.prefix.encode()).hexdigest()[:16]
        directory = make_private_directory(self._run_context.directory / "venvs") / digest
        async with self._locks.setdefault(digest, asyncio.Lock()):
            if not (directory / _COMPLETE).exists():
                files = [word for path in requirements if path.read_bytes().strip() for word in ("-r", str(path))]
                await self._make(directory, str(python or sys.executable), [first, (*files, *packages)], log_name)
            add_bind_hook(directory)
        return directory

    async def _make(self, directory: Path, base: str, steps: Sequence[tuple[str, ...]], log_name: str) -> None:
        if directory.exists():
            shutil.rmtree(directory)
        tool = uv()
        python = str(directory / "bin" / "python")
        if tool:
            await self._run(
                (*tool, "venv", "--quiet", "--no-project", "--python", base, str(directory)),
                _CREATE_DEADLINE_S,
                log_name,
            )
            # compiled once: an image may set PYTHONDONTWRITEBYTECODE, and each start would compile everything again
            install: tuple[str, ...] = (*tool, "pip", "install", "--compile-bytecode", "--python", python)
        else:
            await self._run((base, "-m", "venv", str(directory)), _CREATE_DEADLINE_S, log_name)
            install = (python, "-m", "pip", "install", "--disable-pip-version-check")
        for wanted in (step for step in steps if step):
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


def uv() -> tuple[str, ...] | None:
    """The words that run uv, where it is at hand."""
    beside = Path(sys.executable).with_name("uv")
    if beside.exists():
        return (str(beside),)
    found = shutil.which("uv")
    if found:
        return (found,)
    return (sys.executable, "-m", "uv") if importlib.util.find_spec("uv") else None
