"""``cachetwin down``."""

import time

import typer

from cachetwin_local.cli.running_project import ANSWER_DEADLINE_S, ask_supervisor, inform, state_of
from cachetwin_local.errors import UserError
from cachetwin_local.project import find_project
from cachetwin_local.screen import Screen, stderr_console
from cachetwin_local.supervise.events import Stopped, from_json
from cachetwin_local.supervise.process.identity import ProcessIdentity
from cachetwin_local.supervise.project.state import StateFile

__all__ = ["down"]

_END_DEADLINE_S = 30
_STOP_DEADLINE_S = 60.0  # between two events of stopping: no child's own deadline is longer


def down(context: typer.Context) -> None:
    """Stop everything that runs."""
    project = find_project(context.obj)
    state = state_of(project)
    if state is None:
        inform("nothing is running")
        return
    supervisor = ProcessIdentity.of(state.pid)
    next(ask_supervisor(state, {"op": "status"}, ANSWER_DEADLINE_S), None)  # one that hangs is found here
    screen = Screen(stderr_console(), live=False)
    for document in ask_supervisor(state, {"op": "down"}, _STOP_DEADLINE_S):
        event = from_json(document)
        if not isinstance(event, Stopped) or event.killed:
            screen.show(event)
    end = time.monotonic() + _END_DEADLINE_S
    file = StateFile(project.directory)
    while file.running() is not None or supervisor.alive:  # it gives the lock back a moment before it ends
        if time.monotonic() > end:
            raise UserError(f"the supervisor (pid {state.pid}) did not end within {_END_DEADLINE_S} s: kill it")
        time.sleep(0.02)
    inform("everything is stopped")
