"""The supervisor that runs a project, for the commands that ask it."""

import sys
from collections.abc import Iterator
from typing import Any

from cachetwin_local.errors import UserError
from cachetwin_local.project import Project
from cachetwin_local.supervise.control.client import ask
from cachetwin_local.supervise.project.state import RunState, StateFile

__all__ = ["ANSWER_DEADLINE_S", "answer_of", "ask_supervisor", "inform", "state_of", "status_of"]

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


def answer_of(state: RunState, request: dict[str, object]) -> Any:  # noqa: ANN401  (as JSON has it)
    """What the supervisor answers to an operation. Raises UserError when it refuses, hangs or ends."""
    found = next(ask_supervisor(state, request, ANSWER_DEADLINE_S), None)
    if found is None:
        raise UserError("the supervisor stopped while it was asked: try again")
    if "error" in found:
        raise UserError(str(found["error"]))
    return found["done"]


def status_of(state: RunState) -> dict[str, Any]:
    """The supervisor's status. Raises UserError when it hangs or ends."""
    found = next(ask_supervisor(state, {"op": "status"}, ANSWER_DEADLINE_S), None)
    if found is None:
        raise UserError("the supervisor stopped while it was asked: try again")
    return found


def inform(line: str) -> None:
    """Print a line to stderr."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
