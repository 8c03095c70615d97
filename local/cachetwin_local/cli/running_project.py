"""The supervisor that runs a project, for the commands that ask it."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cachetwin_local.errors import UserError
from cachetwin_local.project import Project, find_project
from cachetwin_local.supervise.control.client import ask
from cachetwin_local.supervise.project.state import RunState, StateFile

__all__ = ["ANSWER_DEADLINE_S", "answer_of", "ask_supervisor", "inform", "running_state", "state_of", "status_of"]

ANSWER_DEADLINE_S = 5.0


def state_of(project: Project) -> RunState | None:
    """The state of the supervisor that runs; what a killed one left behind is cleaned up, and said."""
    if not project.directory.exists():
        return None
    file = StateFile(project.directory)
    state = file.running()
    if state is None:
        cleaned = file.clean()
        if cleaned:
            inform(cleaned)
    return state


def ask_supervisor(state: RunState, request: dict[str, object], deadline_s: float | None) -> Iterator[dict[str, Any]]:
    """Ask the supervisor. Raises UserError when it hangs."""
    try:
        yield from ask(state.control_socket, request, deadline_s=deadline_s)
    except TimeoutError as error:
        raise UserError(
            f"the supervisor (pid {state.pid}) did not answer within {deadline_s:g} s: it hangs; end it with "
            f"`kill -9 {state.pid}`, its children end with it"
        ) from error


def running_state(folder: Path) -> RunState:
    """The state of the supervisor that runs the project in `folder`. Raises UserError when none does, or it hangs."""
    state = state_of(find_project(folder))
    if state is None:
        raise UserError("nothing is running: start it with `cachetwin up`")
    status_of(state)  # one that hangs is found here: an operation may take long
    return state


def answer_of(
    state: RunState, request: dict[str, object], deadline_s: float | None = ANSWER_DEADLINE_S
) -> dict[str, Any]:
    """What the supervisor answers to a request. Raises UserError when it refuses, hangs or ends."""
    found = next(ask_supervisor(state, request, deadline_s), None)
    if found is None:
        raise UserError("the supervisor stopped while it was asked: try again")
    if "error" in found:
        raise UserError(str(found["error"]))
    return found


def status_of(state: RunState) -> dict[str, Any]:
    """The supervisor's status. Raises UserError when it hangs or ends."""
    return answer_of(state, {"op": "status"})


def inform(line: str) -> None:
    """Print a line to stderr."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
