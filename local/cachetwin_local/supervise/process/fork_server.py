"""Engines that start by fork: one process has loaded the engine, and forks where another would start Python anew.

The process is a program of the engine (`cachetwin_engine.server.fork_server` documents the orders). What it forks is a
child of the supervisor all the same: it is waited for, killed and ended by the kernel as any other child is, and does not
notice when the fork server dies. Where there is no fork server, because the platform has none or it does not answer, a
child starts in the usual way.
"""

import asyncio
import contextlib
import json
import os
import platform
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cachetwin_local.supervise.process.child import Child, Command, OnLine, Spawned, spawn
from cachetwin_local.supervise.process.python_environment import python_environment

__all__ = ["ENGINE", "ForkServer"]

ENGINE = (sys.executable, "-m", "cachetwin_engine")
"""The engine's command line up to its options."""

_CAN_FORK = sys.platform == "linux" and platform.machine() in {"x86_64", "aarch64"}
_LOAD_S = 30.0  # the first answer comes when the engine is loaded
_ANSWER_S = 5.0
_EARLY_S = 5.0  # an end so soon after the start is a failure to load
_FAILURES_MAX = 3
_SEND_RETRY_S = 0.005
_ANSWER_BYTES_MAX = 65_536


class ForkServer:
    """The fork server of a run. It runs while anybody uses it, and is started again when it has died.

    `on_line` gets its output, and a line for each engine that was not forked.
    """

    def __init__(self, directory: Path, on_line: OnLine) -> None:
        self._directory = directory
        self._on_line = on_line
        self._users: set[str] = set()
        self._child: Child | None = None
        self._orders: socket.socket | None = None
        self._environment: Mapping[str, str] = {}
        self._answers: dict[int, asyncio.Future[int]] = {}
        self._count = 0
        self._started_s = 0.0
        self._has_answered = False
        self._failures = 0 if _CAN_FORK else _FAILURES_MAX
        self._starting = asyncio.Lock()
        self._again: asyncio.Task[None] | None = None

    async def enter(self, user: str) -> None:
        """`user` is about to start engines: begin to load them."""
        self._users.add(user)
        await self._begin()

    async def leave(self, user: str) -> None:
        """`user` starts no more engines; the last one to leave ends the server."""
        self._users.discard(user)
        if not self._users:
            await self.close()

    async def close(self) -> None:
        """End the server, whoever uses it; what it has forked runs on."""
        self._users.clear()
        async with self._starting:
            child, again = self._child, self._again
            self._close()
        if again is not None:
            await asyncio.gather(again, return_exceptions=True)
        if child is not None:
            await child.kill()  # it holds nothing that could be lost

    @property
    def pid(self) -> int:
        """Its process id, 0 while it does not run."""
        return self._child.pid if self._child is not None and self._child.running else 0

    async def spawn(self, command: Command) -> Spawned:
        """Start `command` as a fork if it is an engine and there is a server, else as a program. Raises OSError."""
        if self._users and command.argv[: len(ENGINE)] == ENGINE and not command.drop_root:
            try:
                forked = await self._fork(command)
            except (OSError, ValueError) as error:
                self._on_line(f"an engine starts without the fork server: {error or type(error).__name__}")
            else:
                if forked is not None:
                    return forked
        return await spawn(command)

    async def _begin(self) -> None:
        with contextlib.suppress(OSError):  # the first order meets it again
            await self._running()

    async def _running(self) -> socket.socket | None:
        """The socket for orders to a server that runs; None where there is none. Raises OSError."""
        async with self._starting:
            if self._orders is None and self._users and self._failures < _FAILURES_MAX:
                await self._start()
            return self._orders

    async def _start(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        environment = python_environment()
        with theirs:
            descriptor = theirs.fileno()
            words = (*ENGINE, "fork-server", str(descriptor))
            command = Command(words, self._directory, environment, pass_fds=(descriptor,))
            try:
                ours.setblocking(False)  # noqa: FBT003  (the standard library's signature)
                child = await Child.start(command, self._on_line)
            except BaseException:
                ours.close()
                raise
        loop = asyncio.get_running_loop()
        self._orders, self._child, self._environment = ours, child, environment
        self._started_s, self._has_answered = loop.time(), False
        loop.add_reader(ours, self._read, ours)

    async def _fork(self, command: Command) -> "Forked | None":
        orders = await self._running()
        if orders is None or command.environment != self._environment:
            return None
        self._count += 1
        number = self._count
        reading, writing = os.pipe()
        try:
            try:
                pid = await self._ordered(orders, number, command, writing)
            finally:
                os.close(writing)
        except BaseException:
            os.close(reading)
            raise
        return await Forked.of(pid, reading)

    async def _ordered(self, orders: socket.socket, number: int, command: Command, output: int) -> int:
        """The pid of the process that the server makes of `command`. Raises OSError."""
        order = {
            "order": number,
            "words": command.argv[len(ENGINE) :],
            "cwd": str(command.cwd),
            "supervisor": os.getpid(),
            "death_signal": int(command.death_signal),
            "descriptors": command.pass_fds,
        }
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        try:
            async with asyncio.timeout(_ANSWER_S if self._has_answered else _LOAD_S):
                await _send(orders, json.dumps(order).encode(), [output, *command.pass_fds])
                return await answer
        except TimeoutError:
            if answer.done() and not answer.cancelled():
                # The loop was not served meanwhile, and took the answer and the deadline at once.
                return answer.result()
            if self._child is not None and self._orders is orders:
                await self._child.kill()  # it hangs; the next one does better
            raise
        except asyncio.CancelledError:
            if answer.done() and not answer.cancelled() and answer.exception() is None:
                _abandon(answer.result())
            raise
        finally:
            del self._answers[number]

    def _read(self, orders: socket.socket) -> None:
        """Take what has come; at the end of the stream begin anew."""
        while True:
            try:
                data = orders.recv(_ANSWER_BYTES_MAX)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                data = b""
            if not data:
                break
            self._take(json.loads(data))
        if self._orders is orders:
            is_early = asyncio.get_running_loop().time() - self._started_s < _EARLY_S
            self._failures = self._failures + 1 if is_early else 0
            self._close()
            self._again = asyncio.create_task(self._begin())

    def _take(self, message: dict[str, Any]) -> None:
        """An answer, of the server or of a node."""
        answer = self._answers.get(message.get("order", 0))
        pid = message.get("pid")
        if isinstance(pid, int):
            self._has_answered, self._failures = True, 0
            if answer is None or answer.done():
                _abandon(pid)
            else:
                answer.set_result(pid)
        elif answer is not None and not answer.done():
            answer.set_exception(OSError(str(message.get("error"))))

    def _close(self) -> None:
        orders, self._orders, self._child = self._orders, None, None
        if orders is None:
            return
        asyncio.get_running_loop().remove_reader(orders)
        with contextlib.suppress(OSError, ValueError):  # an answer that came meanwhile
            while data := orders.recv(_ANSWER_BYTES_MAX):
                self._take(json.loads(data))
        orders.close()
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(ConnectionError("the fork server has ended"))


class Forked:
    """A process that the fork server made: a child of this one, with the interface of asyncio's processes."""

    stdin = None

    def __init__(self, pid: int, descriptor: int, stdout: asyncio.StreamReader) -> None:
        self.pid = pid
        self.stdout = stdout
        self._descriptor = descriptor
        self._exit: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().add_reader(descriptor, self._ended)

    @classmethod
    async def of(cls, pid: int, reading: int) -> "Forked":
        """The process `pid`, whose output comes from the pipe `reading`. Raises OSError, with the process gone."""
        pipe = os.fdopen(reading, "rb", buffering=0)
        try:
            descriptor = os.pidfd_open(pid)
        except OSError:
            pipe.close()
            _abandon(pid)
            raise
        stdout = asyncio.StreamReader()
        try:
            await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stdout), pipe)
        except BaseException:
            pipe.close()
            os.close(descriptor)
            _abandon(pid)
            raise
        return cls(pid, descriptor, stdout)

    async def wait(self) -> int:
        """Its exit code, once it has ended; negative for a signal."""
        return await asyncio.shield(self._exit)

    def send_signal(self, number: int) -> None:
        """Send it a signal. Raises ProcessLookupError when it has ended."""
        if self._exit.done():
            raise ProcessLookupError
        os.kill(self.pid, number)  # nobody else waits for it, so that the pid is its own

    def _ended(self) -> None:
        """The kernel reports the end."""
        asyncio.get_running_loop().remove_reader(self._descriptor)
        os.close(self._descriptor)
        try:
            code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        except ChildProcessError:
            code = 255  # somebody else has waited for it
        self._exit.set_result(code)


async def _send(orders: socket.socket, data: bytes, descriptors: list[int]) -> None:
    while True:
        try:
            socket.send_fds(orders, [data], descriptors)
        except BlockingIOError:
            await asyncio.sleep(_SEND_RETRY_S)
        else:
            return


def _abandon(pid: object) -> None:
    """Kill and wait for a process that nobody wants any more."""
    if isinstance(pid, int):
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
