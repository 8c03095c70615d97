"""Runs a supervisor: in the foreground with a screen, or in the background with a pipe for the events of its start."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from cachetwin_local.errors import UserError
from cachetwin_local.project import Project
from cachetwin_local.screen import Screen, show_endpoints
from cachetwin_local.supervise.events import Event, Failed, Ready, from_json, to_json
from cachetwin_local.supervise.process.private_file import make_project_directory
from cachetwin_local.supervise.process.python_environment import give_back_import_path, with_import_path
from cachetwin_local.supervise.project.logs import Logs
from cachetwin_local.supervise.supervisor import Supervisor
from cachetwin_local.topology.values import Topology

__all__ = ["Background", "run_foreground", "serve_background", "start_background", "wait_until_ready"]


PlanAgain = Callable[[], Topology]
Watch = Callable[[Supervisor], Awaitable[None]]


def run_foreground(
    project: Project,
    topology: Topology,
    screen: Screen,
    start_deadline_s: float | None = None,
    *,
    plan_again: PlanAgain | None = None,
    watch: Watch | None = None,
) -> None:
    """Start `topology`, show its endpoints and then its logs, until a signal.

    `plan_again` serves `cachetwin apply`; `watch` runs from when everything is ready.

    Raises UserError when the start fails.
    """
    _in_event_loop(lambda: _foreground(project, topology, screen, start_deadline_s, plan_again=plan_again, watch=watch))


@dataclass(slots=True)
class Background:
    """A supervisor that was started in the background: `pid`, and `events`, the reading end of its pipe."""

    pid: int
    events: int


def start_background(project: Project, arguments: Sequence[str]) -> Background:
    """Start ``cachetwin supervise`` in a session of its own; its output goes to ``.cachetwin/logs/supervisor.log``."""
    make_project_directory(project.directory)
    Logs(project.directory / "logs").close()
    log = project.directory / "logs" / "supervisor.log"
    log.touch(0o600)
    reading, writing = os.pipe()
    try:
        with log.open("ab") as output:
            words = [sys.executable, "-m", "cachetwin_local", "--project", str(project.root)]
            words += ["supervise", "--events-fd", str(writing), *arguments]
            process = subprocess.Popen(  # noqa: S603  (our own program)
                words,
                cwd=project.root,
                env=with_import_path(),
                pass_fds=(writing,),
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
    except BaseException:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    process.returncode = 0  # it is meant to outlive this process, which therefore never waits for it
    return Background(process.pid, reading)


def wait_until_ready(background: Background, screen: Screen, log_file: Path) -> None:
    """Show the start of a background supervisor. Raises UserError when it fails; Ctrl-C stops it."""
    failure: str | None = None
    ready = False
    with os.fdopen(background.events, "rb") as events:
        while True:
            try:
                line = events.readline()
            except KeyboardInterrupt:
                with contextlib.suppress(psutil.NoSuchProcess):
                    psutil.Process(background.pid).terminate()
                continue
            if not line:
                break
            event = from_json(json.loads(line))
            screen.show(event)
            ready |= isinstance(event, Ready)
            if isinstance(event, Failed):
                failure = event.message
    screen.close()
    if failure is not None:
        raise UserError(failure)
    if not ready:
        tail = "\n".join(f"  | {line}" for line in log_file.read_text(errors="replace").splitlines()[-12:])
        raise UserError(f"the supervisor ended before everything was ready; the end of {log_file}:\n{tail}")


def serve_background(
    project: Project,
    topology: Topology,
    events_fd: int,
    start_deadline_s: float | None = None,
    *,
    plan_again: PlanAgain | None = None,
    watch: Watch | None = None,
) -> None:
    """Run as the background supervisor: write events to `events_fd` until everything is ready, then close it."""
    give_back_import_path()
    os.set_inheritable(events_fd, False)  # noqa: FBT003  (the standard library's signature)
    pipe = os.fdopen(events_fd, "wb", buffering=0)

    def on_event(event: Event) -> None:
        if pipe.closed:
            return
        with contextlib.suppress(BrokenPipeError):
            pipe.write(json.dumps(to_json(event)).encode() + b"\n")
        if isinstance(event, Ready):
            pipe.close()

    def on_note(line: str) -> None:
        sys.stderr.write(f"{line}\n")

    async def serve() -> None:
        try:
            supervisor = Supervisor(
                project.directory,
                project.assembly,
                topology,
                on_event,
                on_note,
                start_deadline_s=start_deadline_s,
                plan_again=plan_again,
                watch=watch,
            )
            await supervisor.run()
        except UserError as error:
            on_event(Failed(str(error)))
        finally:
            pipe.close()

    _in_event_loop(serve)


async def _foreground(
    project: Project,
    topology: Topology,
    screen: Screen,
    start_deadline_s: float | None,
    *,
    plan_again: PlanAgain | None,
    watch: Watch | None,
) -> None:
    failures: list[str] = []
    ready = asyncio.Event()

    def on_event(event: Event) -> None:
        screen.show(event)
        if isinstance(event, Failed):
            failures.append(event.message)
        if isinstance(event, Ready):
            show_endpoints(supervisor.status())
            screen.print_line("Ctrl-C stops everything; the logs follow")
            ready.set()

    supervisor = Supervisor(
        project.directory,
        project.assembly,
        topology,
        on_event,
        screen.print_line,
        start_deadline_s=start_deadline_s,
        plan_again=plan_again,
        watch=watch,
    )
    logs = asyncio.create_task(_show_logs(supervisor.logs, screen, ready))
    try:
        await supervisor.run()
    finally:
        logs.cancel()
        await asyncio.gather(logs, return_exceptions=True)
        screen.close()
    if failures:
        raise UserError(failures[0])


async def _show_logs(logs: Logs, screen: Screen, ready: asyncio.Event) -> None:
    await ready.wait()
    with logs.follow() as queue:
        while True:
            entry = await queue.get()
            # in a thread: a terminal that is paused must not hold the supervisor up
            await asyncio.to_thread(screen.print_log, entry.name, entry.line)


def _in_event_loop(main: Callable[[], object]) -> None:
    """Run `main` in uvloop where it is installed, otherwise in asyncio's own loop."""
    try:
        import uvloop  # noqa: PLC0415  (not on every system)
    except ImportError:
        asyncio.run(main())  # type: ignore[arg-type]  # a coroutine function
        return
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())  # type: ignore[arg-type]  # a coroutine function
