"""Nothing dies unnoticed: background tasks, accept loops and readers go on, and what failed is reported."""

import asyncio
import contextlib
import errno
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from cachetwin_local.supervise.background import BackgroundTasks
from cachetwin_local.supervise.events import Event, ResourceState
from cachetwin_local.supervise.postgres.relay import PostgresRelay
from cachetwin_local.supervise.process.child import Child, Command, run
from cachetwin_local.supervise.process.sockets import listen
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.supervise.restarter import Restarter

SSL_REQUEST = bytes.fromhex("0000000804d2162f")
SLEEPER = (sys.executable, "-c", "import time; time.sleep(99)")


async def eventually(condition: Callable[[], Awaitable[bool]], deadline_s: float = 20) -> None:
    async with asyncio.timeout(deadline_s):
        while not await condition():
            await asyncio.sleep(0.02)


def states(events: list[Event]) -> list[tuple[str, str]]:
    return [(event.state, event.detail) for event in events if isinstance(event, ResourceState)]


def test_a_task_that_fails_is_reported_logged_and_started_again(run_context: RunContext, events: list[Event]) -> None:
    runs = 0

    async def task() -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            raise OSError(errno.EMFILE, "no descriptor left")

    async def main() -> None:
        tasks = BackgroundTasks(run_context, "Shop/Front", "load balancer")
        tasks.start("checking the health", task)

        async def again() -> bool:
            return runs == 2

        await eventually(again)
        await tasks.stop()

    asyncio.run(main())
    failed, well = states(events)
    assert failed[0] == "failed"
    assert "checking the health failed (OSError: [Errno 24] no descriptor left); next try in 1 s" in failed[1]
    assert well == ("ready", "checking the health runs again")
    assert any("Traceback" in line for line in run_context.logs.tail("supervisor"))


def test_a_child_is_read_on_when_a_line_cannot_be_recorded(tmp_path: Path) -> None:
    seen: list[str] = []

    def record(line: str) -> None:
        seen.append(line)
        raise OSError(errno.ENOSPC, "no space left on device")

    code = "print('x' * 1000 + '\\n', end='', flush=True)\nfor n in range(1000): print('y' * 1000)"
    command = Command((sys.executable, "-c", code), tmp_path, {"PATH": os.defpath})
    exit_code, _lines = asyncio.run(run(command, 30, on_line=record))
    assert exit_code == 0
    assert len(seen) == 1001


def test_a_child_that_cannot_be_started_for_a_moment_is_started_later(
    run_context: RunContext, events: list[Event], tmp_path: Path
) -> None:
    starts = 0

    async def start() -> Child:
        nonlocal starts
        starts += 1
        if starts == 2:
            raise OSError(errno.ENOSPC, "no space left on device")
        return await run_context.start_child("Shop/Cache/1", Command(SLEEPER, tmp_path, {"PATH": os.defpath}))

    async def main() -> None:
        restarter = Restarter(run_context, "Shop/Cache", "cache", "Shop/Cache/1", start, stop_deadline_s=5)
        await restarter.start()
        os.kill(run_context.children["Shop/Cache/1"].pid, signal.SIGKILL)

        async def restarted() -> bool:
            return ("ready", "restarted") in states(events)

        await eventually(restarted)
        assert run_context.children["Shop/Cache/1"].running
        await restarter.stop()

    asyncio.run(main())
    assert [state for state, _detail in states(events)] == ["restarting", "restarting", "ready"]
    assert "no space left on device; next try in 2 s" in states(events)[1][1]


@contextlib.contextmanager
def few_descriptors(more: int) -> Iterator[None]:
    """Allow this process `more` descriptors than it has."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with socket.socket() as probe:
        highest = probe.fileno()
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + more, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_the_database_accepts_again_after_the_descriptors_ran_out(
    run_context: RunContext, address: str, tmp_path: Path
) -> None:
    async def main() -> None:
        context = run_context.local_ca.issue("db", [address]).server_context()
        listener = listen(address, 5432, "the database")
        relay = PostgresRelay(listener, context, tmp_path / "none", force_ssl=True)
        accepting = asyncio.create_task(relay.accept())
        clients: list[socket.socket] = []
        try:
            with few_descriptors(12):
                with contextlib.suppress(OSError):
                    while True:
                        client = socket.socket()
                        clients.append(client)
                        client.setblocking(False)
                        with contextlib.suppress(BlockingIOError):
                            client.connect((address, 5432))
                clients.pop().close()
                await asyncio.sleep(0.5)
                assert not accepting.done()
            for client in clients:
                client.close()
            reader, writer = await asyncio.open_connection(address, 5432)
            writer.write(SSL_REQUEST)
            assert await asyncio.wait_for(reader.readexactly(1), 10) == b"S"
            writer.close()
        finally:
            accepting.cancel()
            await asyncio.gather(accepting, return_exceptions=True)
            await relay.stop()
            listener.close()

    asyncio.run(main())


def test_waiting_for_descriptors_is_cheap(run_context: RunContext, address: str, tmp_path: Path) -> None:
    """An accept loop without descriptors must leave the processor to others."""

    async def main() -> float:
        listener = listen(address, 5432, "the database")
        context = run_context.local_ca.issue("db", [address]).server_context()
        relay = PostgresRelay(listener, context, tmp_path / "none", force_ssl=True)
        with socket.create_connection((address, 5432)), few_descriptors(0):
            accepting = asyncio.create_task(relay.accept())
            before = time.process_time()
            await asyncio.sleep(1)
            used = time.process_time() - before
            accepting.cancel()
            await asyncio.gather(accepting, return_exceptions=True)
        await relay.stop()
        listener.close()
        return used

    assert asyncio.run(main()) < 0.3
