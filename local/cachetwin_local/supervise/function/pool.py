"""The environments of a function: one event at a time in each, more environments for events that come together.

An event takes the environment that was used last, else waits for the first that is free, while more are started: as many
as there are events that wait, up to a bound for a laptop. Environments of older code end as soon as they are free.
"""

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from .environment import Environment, EnvironmentCommand
from .invocation import Invocation, Result, Throttled, start_failure
from .log_lines import LogLines, Usage
from .settings import EnvironmentLimits

__all__ = ["Pool"]

_INIT_S: Final = 10.0  # Lambda's bound of the init phase
_ACCOUNT_MAX: Final = 1000  # concurrent executions of an account, unless raised
_REAP_S: Final = 1.0
_FINISH_S: Final = 0.05  # longer, and an event does not count on an environment that has just answered
_RESERVED: Final = "ReservedFunctionConcurrentInvocationLimitExceeded"
_UNRESERVED: Final = "ConcurrentInvocationLimitExceeded"
Waiter = asyncio.Future["Environment | Result"]


class Pool:
    """The environments of one function.

    `write` gets the lines of the function's log, `count` the name of each CloudWatch metric that counts one up.
    `initialises` says whether the last environment that was started got ready; None before the first.
    """

    def __init__(
        self,
        command: EnvironmentCommand,
        limits: EnvironmentLimits,
        lines: LogLines,
        *,
        reserved: int | None,
        write: Callable[[str], None],
        count: Callable[[str, int], None],
    ) -> None:
        self._command = command
        self._limits = limits
        self._lines = lines
        self._reserved = reserved
        self._write = write
        self._count = count
        self._idle: list[Environment] = []
        self._all: set[Environment] = set()
        self._starting = 0
        self._finishing: set[Environment] = set()  # free in a moment
        self._waiters: deque[Waiter] = deque()
        self._active = 0
        self._generation = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False
        self.initialises: bool | None = None

    @property
    def size(self) -> int:
        """How many environments there are, those that start included."""
        return len(self._all)

    @property
    def active(self) -> int:
        """How many events are under way or wait."""
        return self._active

    async def invoke(self, invocation: Invocation) -> tuple[Result, str]:
        """Run the function once. Returns the result and the log stream. Raises Throttled."""
        bound = _ACCOUNT_MAX if self._reserved is None else self._reserved
        if self._active >= bound:
            self._count("Throttles", 1)
            raise Throttled(_UNRESERVED if self._reserved is None else _RESERVED)
        self._active += 1
        try:
            found = await self._acquire()
            if isinstance(found, Result):
                self._count("Invocations", 1)
                self._count("Errors", 1)
                return found, ""
            return await self._run(found, invocation), found.stream
        finally:
            self._active -= 1

    async def renew(self) -> None:
        """The code has changed: start a fresh environment where there was one, and end the others when they are free."""
        self._generation += 1
        self.initialises = None  # other code may
        idle, self._idle = self._idle, []
        had_some = bool(self._all)
        for environment in idle:
            self._dispose(environment)
        if had_some and not self._closed:
            self._start_one()

    def become(self, command: EnvironmentCommand, limits: EnvironmentLimits) -> None:
        """Start one environment with this command; those of before end, once they are free."""
        self._command, self._limits = command, limits
        self._generation += 1
        self.initialises = None
        idle, self._idle = self._idle, []
        for environment in idle:
            self._dispose(environment)
        self._start_one()

    async def reap(self) -> None:
        """End environments that are idle for too long, until cancelled."""
        while True:
            await asyncio.sleep(_REAP_S)
            now_s = time.monotonic()
            for environment in list(self._idle):
                if not environment.alive or now_s - environment.idle_since_s > self._limits.idle_s:
                    self._idle.remove(environment)
                    self._dispose(environment)

    async def close(self) -> None:
        """End every environment."""
        self._closed = True
        for waiter in self._waiters:
            waiter.cancel()
        await asyncio.gather(*(environment.stop() for environment in list(self._all)))
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _acquire(self) -> "Environment | Result":
        while self._idle:
            environment = self._idle.pop()
            if environment.alive:
                return environment
            self._dispose(environment)
        waiter: Waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        self._grow()
        try:
            async with asyncio.timeout(self._limits.wait_s):
                return await waiter
        except TimeoutError:
            self._count("Throttles", 1)
            raise Throttled(_UNRESERVED) from None
        finally:
            if waiter in self._waiters:
                self._waiters.remove(waiter)

    async def _run(self, environment: Environment, invocation: Invocation) -> Result:
        cold_ms, environment.init_ms = environment.init_ms, None
        version = invocation.function_arn.split(":")[7] if invocation.function_arn.count(":") > 6 else "$LATEST"
        self._write_all(self._lines.start(time.time(), invocation.request_id, version))
        began_s = time.monotonic()
        try:
            result = await environment.invoke(invocation)
        except BaseException:
            self._dispose(environment)
            raise
        duration_ms = 1000 * (time.monotonic() - began_s)
        self._count("Duration", 1)
        self._count("DurationTotal", round(duration_ms))
        self._count("Invocations", 1)
        if result.failed:
            self._count("Errors", 1)
        self._finishing.add(environment)
        asyncio.get_running_loop().call_later(_FINISH_S, self._do_not_count_on, environment)
        self._spawn(self._finish(environment, invocation, result, duration_ms, cold_ms))
        return result

    async def _finish(
        self,
        environment: Environment,
        invocation: Invocation,
        result: Result,
        duration_ms: float,
        cold_ms: float | None,
    ) -> None:
        """After the answer: the end in the log, and the environment is free again or ends."""
        memory_mb = environment.memory_used_mb()
        usable = environment.alive and await environment.ready_again()
        await asyncio.sleep(0)  # what the function has written comes before the end of its invocation
        ended = result.error_type.startswith(("Runtime.", "Sandbox."))
        status = "timeout" if result.error_type == "Sandbox.Timedout" else "error" if ended else "success"
        usage = Usage(duration_ms, memory_mb, cold_ms, status, result.error_type if ended else "")  # type: ignore[arg-type]
        if status == "timeout":
            self._write(f"{invocation.request_id} Task timed out after {self._command.timeout_s:.2f} seconds")
        self._write_all(self._lines.end(time.time(), invocation.request_id, usage, invocation.trace_id))
        self._release(environment, usable=usable)

    def _do_not_count_on(self, environment: Environment) -> None:
        if environment in self._finishing:
            self._finishing.discard(environment)
            self._grow()

    def _release(self, environment: Environment, *, usable: bool) -> None:
        self._finishing.discard(environment)
        if self._closed or not usable or environment.generation != self._generation:
            self._dispose(environment)
            self._grow()
            return
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(environment)
                return
        self._idle.append(environment)

    def _grow(self) -> None:
        bound = self._limits.environments_max if self._reserved is None else self._reserved
        bound = min(bound, self._limits.environments_max)
        while (
            self._starting + len(self._finishing) < len(self._waiters) and len(self._all) < bound and not self._closed
        ):
            self._start_one()

    def _start_one(self) -> None:
        moment = time.strftime("%Y/%m/%d", time.gmtime())
        environment = Environment(self._command, f"{moment}/[$LATEST]{secrets.token_hex(16)}", self._generation)
        self._all.add(environment)
        self._starting += 1
        self._spawn(self._start(environment))

    async def _start(self, environment: Environment) -> None:
        failure: Result | None = None
        try:
            self._write_all(self._lines.init_start(time.time()))
            await environment.start(self._write)
            failure = await environment.initialised(_INIT_S + self._command.timeout_s)
        except OSError as error:
            failure = start_failure(error)
        finally:
            self._starting -= 1
        self.initialises = failure is None
        if failure is None:
            environment.idle_since_s = time.monotonic()
            self._release(environment, usable=True)
            return
        self._write_all(self._lines.init_failed(time.time(), environment.init_ms or 0, failure.error_type))
        self._dispose(environment)
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(failure)
                break
        self._grow()

    def _dispose(self, environment: Environment) -> None:
        self._all.discard(environment)
        self._spawn(environment.stop())

    def _spawn(self, work: object) -> None:
        task = asyncio.ensure_future(work)  # type: ignore[call-overload]  # a coroutine
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _write_all(self, lines: list[str]) -> None:
        for line in lines:
            self._write(line)
