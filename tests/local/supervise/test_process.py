"""Children: deadlines, groups, output, and no life after the supervisor."""

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from cachetwin_local.supervise.process.child import Child, Command, run
from cachetwin_local.supervise.process.python_environment import give_back_import_path, with_import_path


def python(code: str, cwd: Path, **fields: object) -> Command:
    return Command((sys.executable, "-c", code), cwd, {"PATH": os.defpath, "PYTHONUNBUFFERED": "1"}, **fields)  # type: ignore[arg-type]


def runs(pid: int) -> bool:
    """Whether `pid` runs; one that ended but was not waited for does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def ends(pid: int) -> bool:
    """Whether `pid` is gone within 10 s: after SIGKILL the kernel still has to take the process apart."""
    end = time.monotonic() + 10
    while runs(pid) and time.monotonic() < end:
        time.sleep(0.01)
    return not runs(pid)


def test_output_comes_line_by_line_and_a_line_without_end_is_bounded(tmp_path: Path) -> None:
    code, lines = asyncio.run(run(python("print('one'); print('x' * 100_000); print('two', end='')", tmp_path), 20))
    assert code == 0
    assert lines[0] == "one"
    assert lines[-1] == "two"
    assert max(map(len, lines)) <= 16_384


def test_what_takes_too_long_is_ended_with_its_children(tmp_path: Path) -> None:
    sleeper = "import os, time; print(os.getpid()); time.sleep(99)"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {sleeper!r}])"
    pids: list[int] = []

    async def main() -> None:
        started = asyncio.Event()

        def on_line(line: str) -> None:
            pids.append(int(line))
            started.set()

        child = await Child.start(python(code, tmp_path), on_line)
        await started.wait()
        await child.kill()

    asyncio.run(main())
    assert ends(pids[0])
    with pytest.raises(TimeoutError):
        asyncio.run(run(python("import time; time.sleep(99)", tmp_path), 0.5))


def test_a_child_that_ignores_its_stop_signal_is_killed_at_the_deadline(tmp_path: Path) -> None:
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up'); time.sleep(99)"
    willing = (
        "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(7)); print('up'); time.sleep(99)"
    )

    async def stop(code: str) -> tuple[bool, int]:
        up = asyncio.Event()
        child = await Child.start(python(code, tmp_path), lambda _line: up.set())
        await up.wait()
        in_time = await child.stop(0.5)
        return in_time, await child.exited()

    assert asyncio.run(stop(stubborn)) == (False, -9)
    assert asyncio.run(stop(willing)) == (True, 7)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's death signal exists on Linux only")
def test_a_child_does_not_outlive_a_killed_supervisor(tmp_path: Path) -> None:
    supervisor = f"""
import asyncio, pathlib, sys
from cachetwin_local.supervise.process.child import Child, Command
async def main():
    sleeper = Command((sys.executable, "-c", "import time; time.sleep(99)"), pathlib.Path({str(tmp_path)!r}), {{}})
    child = await Child.start(sleeper, print)
    print(child.pid, flush=True)
    await child.exited()
asyncio.run(main())
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, "-c", supervisor], stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        process.kill()
        process.wait(10)
        assert ends(child)


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root can become another user")
def test_a_child_of_root_becomes_nobody_and_still_reads_closed_folders(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    (closed / "file").write_text("reached")
    code = f"import os; print(os.geteuid(), open({str(closed / 'file')!r}).read())"
    _code, lines = asyncio.run(run(python(code, tmp_path, drop_root=True), 20))
    assert lines == ["65534 reached"]


def test_a_start_that_is_cancelled_leaves_no_process(tmp_path: Path) -> None:
    before = {child.pid for child in psutil.Process().children()}

    async def main() -> None:
        for delay_s in (0.0, 0.001, 0.01, 0.05):
            command = Command((sys.executable, "-c", "import time; time.sleep(99)"), tmp_path, {})
            starting = asyncio.create_task(Child.start(command, lambda _line: None))
            await asyncio.sleep(delay_s)
            starting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await (await starting).kill()
        assert {child.pid for child in psutil.Process().children()} <= before

    asyncio.run(main())


def test_a_supervisor_gives_the_user_s_import_path_back(monkeypatch: pytest.MonkeyPatch) -> None:
    for own in ("/of/the/user", None):
        monkeypatch.delenv("PYTHONPATH", raising=False)
        if own is not None:
            monkeypatch.setenv("PYTHONPATH", own)
        for name, value in with_import_path().items():
            monkeypatch.setenv(name, value)
        assert "cachetwin" in os.environ["PYTHONPATH"] or "site-packages" in os.environ["PYTHONPATH"]
        give_back_import_path()
        assert os.environ.get("PYTHONPATH") == own
        assert not [name for name in os.environ if name.startswith("CACHETWIN_USERS")]
