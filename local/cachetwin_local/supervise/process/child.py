"""Child processes with an owner, a deadline to stop, and no way to outlive the supervisor.

Each child leads a process group of its own, so a terminal's Ctrl-C reaches only the supervisor, and a child's own
children can be ended with it. On Linux the kernel ends a child whose supervisor is gone (`launch`).
"""

import asyncio
import contextlib
import os
import signal
import sys
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cachetwin_local.supervise.process.identity import ProcessIdentity, kill_group

__all__ = ["LAUNCH", "Child", "Command", "OnLine", "Spawned", "run", "spawn"]

_LINE_BYTES_MAX = 16_384
_DRAIN_S = 1.0
LAUNCH = str(Path(__file__).with_name("launch.py"))
"""What prepares each child: `launch`."""

OnLine = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Command:
    """A program to run. `argv[0]` is an absolute path. `environment` is the whole environment of the child.

    `stop_signal` asks it to end; `death_signal` is what the kernel sends when the supervisor dies. `drop_root` runs
    it as ``nobody`` when the supervisor is root. `hosts` is a file that it finds as ``/etc/hosts``.
    """

    argv: tuple[str, ...]
    cwd: Path
    environment: Mapping[str, str]
    pass_fds: tuple[int, ...] = ()
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL
    drop_root: bool = False
    hosts: Path | None = None


class Spawned(Protocol):
    """What a child needs of its process; `asyncio.subprocess.Process` has it."""

    @property
    def pid(self) -> int:
        """The process id, which is that of its group."""

    @property
    def stdin(self) -> asyncio.StreamWriter | None:
        """Its input, where it was asked for."""

    @property
    def stdout(self) -> asyncio.StreamReader | None:
        """Its output."""

    async def wait(self) -> int:
        """Its exit code, once it has exited; negative for a signal."""

    def send_signal(self, number: int, /) -> None:
        """Send it a signal. Raises ProcessLookupError when it has exited."""


Spawn = Callable[[Command], Awaitable[Spawned]]


class Child:
    """A running child. Made by `Child.start`."""

    def __init__(self, process: Spawned, command: Command, on_line: OnLine) -> None:
        self._process = process
        self._command = command
        self.pid = process.pid
        self.identity = ProcessIdentity.of(process.pid)
        self._reader = asyncio.create_task(self._read(_guarded(on_line)))
        self._exit = asyncio.create_task(self._wait())

    @classmethod
    async def start(
        cls, command: Command, on_line: OnLine, secret_input: bytes | None = None, make: Spawn | None = None
    ) -> "Child":
        """Start `command`; each line of its output goes to `on_line`. `secret_input` is written to its stdin.

        `make` makes the process; `spawn` unless given. A start that is cancelled leaves no process.
        """
        starting = asyncio.create_task(cls._start(command, on_line, make, has_input=secret_input is not None))
        try:
            child = await asyncio.shield(starting)
        except asyncio.CancelledError:
            await asyncio.shield(asyncio.create_task(cls._abandon(starting)))
            raise
        stdin = child._process.stdin
        if secret_input is not None and stdin is not None:
            # It may have ended already; then its exit code says why. uvloop calls a closed pipe a RuntimeError.
            with contextlib.suppress(ConnectionError, RuntimeError):
                stdin.write(secret_input)
                await stdin.drain()
                stdin.close()
        return child

    @staticmethod
    async def _abandon(starting: "asyncio.Task[Child]") -> None:
        with contextlib.suppress(OSError):
            await (await starting).kill()

    @classmethod
    async def _start(cls, command: Command, on_line: OnLine, make: Spawn | None, *, has_input: bool) -> "Child":
        process = await (spawn(command, has_input=has_input) if make is None else make(command))
        return cls(process, command, on_line)

    @property
    def running(self) -> bool:
        """Whether it has not exited yet."""
        return not self._exit.done()

    async def exited(self) -> int:
        """Its exit code, once it and the rest of its group have exited; negative for a signal."""
        return await asyncio.shield(self._exit)

    async def stop(self, deadline_s: float) -> bool:
        """Send its stop signal, then SIGKILL after `deadline_s`. Returns whether it exited in time."""
        if not self.running:
            return True
        self._send(self._command.stop_signal)
        try:
            await asyncio.wait_for(self.exited(), deadline_s)
        except TimeoutError:
            await self.kill()
            return False
        return True

    async def kill(self) -> None:
        """Kill it and its group."""
        if self.running:
            kill_group(self.pid)
            await self.exited()

    def _send(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    async def _wait(self) -> int:
        code = await self._process.wait()
        kill_group(self.pid)
        done, _ = await asyncio.wait({self._reader}, timeout=_DRAIN_S)
        if not done:
            self._reader.cancel()
        return code

    async def _read(self, on_line: OnLine) -> None:
        stream = self._process.stdout
        if stream is None:
            return
        rest = b""
        while data := await stream.read(65_536):
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                on_line(_text(line))
            if len(rest) > _LINE_BYTES_MAX:
                on_line(_text(rest))
                rest = b""
        if rest:
            on_line(_text(rest))


async def spawn(command: Command, *, has_input: bool = False) -> Spawned:
    """Start `command` as a program, through `launch`. Raises OSError."""
    root, hosts = "drop" if command.drop_root else "keep", str(command.hosts or "")
    return await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-S", LAUNCH, str(os.getpid()), str(int(command.death_signal)), root, hosts, *command.argv,
        cwd=command.cwd,
        env=dict(command.environment),
        pass_fds=command.pass_fds,
        start_new_session=True,
        stdin=asyncio.subprocess.PIPE if has_input else asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip


def _guarded(on_line: OnLine) -> OnLine:
    """`on_line`, whose failure loses the line and nothing else: a child whose output nobody reads blocks for ever."""

    def guarded(line: str) -> None:
        try:
            on_line(line)
        except Exception:  # noqa: BLE001  (whatever it is, the next line must be read)
            with contextlib.suppress(OSError):
                sys.stderr.write(f"a line of output was lost: {traceback.format_exc()}\n")

    return guarded


async def run(
    command: Command, deadline_s: float, secret_input: bytes | None = None, on_line: OnLine | None = None
) -> tuple[int, list[str]]:
    """Run `command` until it exits and return its exit code and its output's lines.

    Raises TimeoutError, with the child gone, when it takes longer than `deadline_s`.
    """
    lines: list[str] = []

    def keep(line: str) -> None:
        lines.append(line)
        if on_line is not None:
            on_line(line)

    child = await Child.start(command, keep, secret_input)
    return await _finish(child, deadline_s), lines


async def _finish(child: Child, deadline_s: float) -> int:
    waiting: Awaitable[int] = child.exited()
    try:
        return await asyncio.wait_for(waiting, deadline_s)
    finally:
        if child.running:
            await asyncio.shield(asyncio.create_task(child.kill()))


def _text(line: bytes) -> str:
    return line[:_LINE_BYTES_MAX].decode("utf-8", "replace").rstrip("\r")
