"""One execution environment of a function: a process that takes one event at a time.

It is initialised when it asks for its first event. An event that takes longer than the function's timeout, and one that
makes the process use more memory than the function has, ends the process; so does the service.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from cachetwin_local.supervise.process.child import Child, Command

from .invocation import Invocation, Result, exit_failure, timeout_failure
from .runtime_api import RuntimeApi

__all__ = ["Environment", "EnvironmentCommand"]

_STOP_DEADLINE_S: Final = 0.5
_MEMORY_CHECK_S: Final = 0.1
_MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class EnvironmentCommand:
    """How to start an environment, and its bounds. `variables` lack those that differ between environments."""

    argv: tuple[str, ...]
    working_directory: Path
    variables: Mapping[str, str]
    temporary: Path
    timeout_s: float
    memory_mb: int
    frozen: bool


class Environment:
    """An environment; `stream` is the name of its log stream. Made by `start`."""

    def __init__(self, command: EnvironmentCommand, stream: str, generation: int) -> None:
        self.stream = stream
        self.generation = generation
        self.init_ms: float | None = None
        self.idle_since_s = 0.0
        self._command = command
        self._api = RuntimeApi()
        self._child: Child | None = None
        self._folder = command.temporary / stream.rpartition("]")[2]
        self._out_of_memory = False
        self._began_s = 0.0

    async def start(self, on_line: Callable[[str], None]) -> None:
        """Start the process. `on_line` gets what it writes. Raises OSError when it cannot be started."""
        self._began_s = time.monotonic()
        address = await self._api.start()
        self._folder.mkdir(parents=True, exist_ok=True)
        variables = {
            **self._command.variables,
            "AWS_LAMBDA_RUNTIME_API": address,
            "AWS_LAMBDA_LOG_STREAM_NAME": self.stream,
            "TMPDIR": str(self._folder),
        }
        command = Command(self._command.argv, self._command.working_directory, variables)
        self._child = await Child.start(command, on_line)

    @property
    def alive(self) -> bool:
        """Whether its process runs."""
        return self._child is not None and self._child.running

    async def initialised(self, deadline_s: float) -> Result | None:
        """Wait until it asks for its first event. Returns the failure if it does not."""
        await self._either(self._api.waits.wait(), deadline_s)
        self.init_ms = 1000 * (time.monotonic() - self._began_s)
        if self._api.waits.is_set():
            return None
        if self.alive and self._api.init_error is None:
            await self.kill()
            return timeout_failure("", deadline_s)
        if self._api.init_error is not None:
            return self._api.init_error
        return exit_failure("", await self._exit_code(), out_of_memory=self._out_of_memory)

    async def invoke(self, invocation: Invocation) -> Result:
        """Give it an event, which it must wait for, and return the result."""
        self._signal(signal.SIGCONT)
        timeout_s = self._command.timeout_s
        outcome = self._api.give(invocation, int(1000 * (time.time() + timeout_s)))
        watch = asyncio.create_task(self._watch_memory())
        try:
            await self._either(asyncio.shield(outcome), timeout_s)
        finally:
            watch.cancel()
        if outcome.done():
            return outcome.result()
        if self.alive:
            await self.kill()
            return timeout_failure(invocation.request_id, timeout_s)
        return exit_failure(invocation.request_id, await self._exit_code(), out_of_memory=self._out_of_memory)

    async def ready_again(self) -> bool:
        """After a result: wait until it asks for the next event. Returns whether it does."""
        await self._either(self._api.waits.wait(), self._command.timeout_s)
        if self._api.waits.is_set() and self.alive:
            if self._command.frozen:
                self._signal(signal.SIGSTOP)
            self.idle_since_s = time.monotonic()
            return True
        await self.kill()
        return False

    def memory_used_mb(self) -> int:
        """The most memory that the process has used, or what it uses now where the system does not tell."""
        if self._child is None:
            return 0
        with contextlib.suppress(OSError, ValueError, IndexError):
            for line in Path(f"/proc/{self._child.pid}/status").read_text(encoding="ascii").splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) // 1024
        return _resident_bytes(self._child.pid) // _MIB

    async def stop(self) -> None:
        """Stop the process and remove its temporary folder."""
        if self._child is not None:
            self._signal(signal.SIGCONT)
            await self._child.stop(_STOP_DEADLINE_S)
        await self._cleared()

    async def kill(self) -> None:
        """Kill the process."""
        if self._child is not None:
            await self._child.kill()
        await self._cleared()

    async def _cleared(self) -> None:
        self._api.close()
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    async def _exit_code(self) -> int:
        return await self._child.exited() if self._child is not None else 0

    async def _either(self, what: object, deadline_s: float) -> None:
        """Wait for `what`, for the end of the process, or for the deadline."""
        waiting = asyncio.ensure_future(what)  # type: ignore[call-overload]  # an awaitable
        ended = asyncio.ensure_future(self._exit_code())
        try:
            await asyncio.wait({waiting, ended}, timeout=deadline_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (waiting, ended):
                task.cancel()
            await asyncio.gather(waiting, ended, return_exceptions=True)

    async def _watch_memory(self) -> None:
        limit = self._command.memory_mb * _MIB
        while self._child is not None:
            await asyncio.sleep(_MEMORY_CHECK_S)
            if _resident_bytes(self._child.pid) > limit:
                self._out_of_memory = True
                await self._child.kill()
                return

    def _signal(self, number: signal.Signals) -> None:
        if self._command.frozen and self._child is not None and self._child.running:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._child.pid, number)


def _resident_bytes(pid: int) -> int:
    """The memory that a process holds; 0 when it is gone."""
    statm = Path(f"/proc/{pid}/statm")  # a tenth of the time that psutil takes
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(statm.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    with contextlib.suppress(psutil.Error):
        return int(psutil.Process(pid).memory_info().rss)
    return 0
