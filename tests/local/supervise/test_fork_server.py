"""Engines that start by fork: children of the supervisor like others, whatever happens to the fork server."""

import asyncio
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from tests.local.supervise.test_process import ends

from cachetwin_local.supervise.cache.control_channel import ControlChannel
from cachetwin_local.supervise.process.child import Child, Command
from cachetwin_local.supervise.process.fork_server import ENGINE, ForkServer
from cachetwin_local.supervise.process.python_environment import python_environment

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="engines are forked on Linux only")


class Engines:
    """A fork server and the engines that a test starts with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lines: list[str] = []
        self.fork_server = ForkServer(folder, self.lines.append)

    async def start(self, *options: str) -> tuple[Child, ControlChannel]:
        channel = ControlChannel()
        descriptor = channel.inherited.fileno()
        words = (*ENGINE, "--control-fd", str(descriptor), *options)
        command = Command(words, self.folder, python_environment(), pass_fds=(descriptor,))
        try:
            child = await Child.start(command, self.lines.append, make=self.fork_server.spawn)
        except BaseException:
            channel.close()
            raise
        return child, channel

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not condition():
                await asyncio.sleep(0.02)


def is_forked(child: Child) -> bool:
    return "forked-node" in psutil.Process(child.pid).cmdline()


def test_forked_engines_are_children_of_the_supervisor_and_outlive_the_fork_server(tmp_path: Path) -> None:
    async def main() -> None:
        engines = Engines(tmp_path)
        await engines.fork_server.enter("cache")
        first, first_channel = await engines.start()
        memcached, memcached_channel = await engines.start("--profile", "memcached-1.6")
        await asyncio.gather(first_channel.opened(), memcached_channel.opened())
        for child in (first, memcached):
            assert is_forked(child)
            assert psutil.Process(child.pid).ppid() == os.getpid()
            assert os.getpgid(child.pid) == child.pid
        seeds = {(await first_channel.ask("info"))["info"], (await memcached_channel.ask("info"))["info"]}
        assert len(seeds) == 2

        server = engines.fork_server.pid
        os.kill(server, signal.SIGKILL)
        await engines.until(lambda: engines.fork_server.pid not in {0, server})
        assert (await first_channel.ask("state"))["role"] == "primary"
        second, second_channel = await engines.start()
        await second_channel.opened()
        assert is_forked(second)

        os.kill(first.pid, signal.SIGKILL)
        assert await asyncio.wait_for(first.exited(), 30) == -9
        memcached_channel.close()  # the supervisor is gone, as far as the node knows
        assert await asyncio.wait_for(memcached.exited(), 30) == 0
        assert await second.stop(30)
        assert await second.exited() == 0
        for channel in (first_channel, second_channel):
            channel.close()
        again = engines.fork_server.pid
        await engines.fork_server.leave("cache")
        assert ends(again)

    asyncio.run(main())


def test_an_engine_starts_as_a_program_where_the_fork_server_hangs_or_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cachetwin_local.supervise.process.fork_server._ANSWER_S", 0.5)

    async def main() -> None:
        engines = Engines(tmp_path)
        nobody_entered, channel = await engines.start()
        await channel.opened()
        assert not is_forked(nobody_entered)
        await nobody_entered.stop(30)
        channel.close()

        await engines.fork_server.enter("cache")
        refused, channel = await engines.start("--no-such-option", "1")
        assert await asyncio.wait_for(refused.exited(), 30) == 1
        channel.close()
        assert "cachetwin-engine: unknown directive 'no-such-option'; see --help" in engines.lines

        server = engines.fork_server.pid
        os.kill(server, signal.SIGSTOP)
        child, channel = await engines.start()
        await channel.opened()
        assert not is_forked(child)
        assert ends(server)
        await child.stop(30)
        channel.close()
        await engines.fork_server.leave("cache")

    asyncio.run(main())


def test_an_engine_whose_answer_comes_with_the_deadline_or_a_cancellation_is_kept_or_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deadline_s = 0.1
    monkeypatch.setattr("cachetwin_local.supervise.process.fork_server._ANSWER_S", deadline_s)
    before = {process.pid for process in psutil.Process().children()}

    async def ordered(engines: Engines) -> "asyncio.Task[tuple[Child, ControlChannel]]":
        """An order whose answer has come, but was not read: nothing serves the loop meanwhile."""
        task = asyncio.create_task(engines.start())
        async with asyncio.timeout(30):
            while not engines.fork_server._answers:
                await asyncio.sleep(0)
        orders = engines.fork_server._orders
        assert orders is not None
        assert select.select([orders], [], [], 30)[0]
        return task

    async def main() -> None:
        loop = asyncio.get_running_loop()
        engines = Engines(tmp_path)
        await engines.fork_server.enter("cache")
        first, first_channel = await engines.start()  # this one has the time that it takes to load the engine

        late = await ordered(engines)
        time.sleep(2 * deadline_s)  # the loop stands still
        second, second_channel = await late
        assert is_forked(second)

        unwanted = await ordered(engines)
        loop.call_at(loop.time(), unwanted.cancel)  # the loop takes the answer first, in the same turn
        with pytest.raises(asyncio.CancelledError):
            await unwanted
        children = {process.pid for process in psutil.Process().children()} - before
        assert children == {first.pid, second.pid, engines.fork_server.pid}

        for child, channel in ((first, first_channel), (second, second_channel)):
            await child.kill()
            channel.close()
        await engines.fork_server.leave("cache")
        assert not any("without the fork server" in line for line in engines.lines)

    asyncio.run(main())


def test_a_forked_engine_does_not_outlive_a_killed_supervisor(tmp_path: Path) -> None:
    program = f"""
import asyncio, pathlib
from tests.local.supervise.test_fork_server import Engines, is_forked
async def main():
    engines = Engines(pathlib.Path({str(tmp_path)!r}))
    await engines.fork_server.enter("cache")
    child, channel = await engines.start()
    await channel.opened()
    print(child.pid, engines.fork_server.pid, is_forked(child), flush=True)
    await child.exited()
asyncio.run(main())
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path.cwd()), *sys.path])}
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        child, server, forked = process.stdout.readline().split()
        os.kill(int(child), signal.SIGSTOP)  # one that cannot notice by itself
        process.kill()
        process.wait(30)
    assert forked == b"True"
    assert ends(int(child))
    assert ends(int(server))
