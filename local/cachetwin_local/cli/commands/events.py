"""``cachetwin events``."""

import contextlib
import json
import sys
from typing import Annotated

import typer

from cachetwin_local.cli.options import AsJson
from cachetwin_local.cli.running_project import ANSWER_DEADLINE_S, ask_supervisor, state_of, status_of
from cachetwin_local.errors import UserError
from cachetwin_local.project import find_project

__all__ = ["events"]


def events(
    context: typer.Context,
    *,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Print new events as they happen.")] = False,
    as_json: AsJson = False,
    lines: Annotated[
        int, typer.Option("-n", "--lines", min=0, max=10_000, help="The number of old events to print.")
    ] = 100,
) -> None:
    """Show what happened to the caches, alarms and scalable targets of this run, the oldest first."""
    state = state_of(find_project(context.obj))
    if state is None:
        raise UserError("nothing is running, so there are no events: start it with `cachetwin up`")
    status_of(state)  # a supervisor that hangs is found here; between two events there may be any silence
    request: dict[str, object] = {"op": "events", "lines": lines, "follow": follow}
    with contextlib.suppress(KeyboardInterrupt):
        for event in ask_supervisor(state, request, None if follow else ANSWER_DEADLINE_S):
            text = "{date}  {source_type:<17}  {source_identifier}  {message}".format(**event)
            sys.stdout.write((json.dumps(event) if as_json else text) + "\n")
            sys.stdout.flush()
