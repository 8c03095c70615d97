"""``cachetwin logs``."""

import contextlib
import json
import sys
from collections.abc import Iterator
from typing import Annotated

import typer

from cachetwin_local.cli.options import AsJson
from cachetwin_local.cli.running_project import ANSWER_DEADLINE_S, ask_supervisor, state_of, status_of
from cachetwin_local.errors import UserError
from cachetwin_local.project import Project, find_project
from cachetwin_local.screen import Screen, stdout_console
from cachetwin_local.supervise.project.logs import name_matches

__all__ = ["logs"]


def logs(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Parts of resource names.")] = None,
    *,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Print new lines as they arrive.")] = False,
    as_json: AsJson = False,
    lines: Annotated[
        int, typer.Option("-n", "--lines", min=0, max=10_000, help="The number of old lines to print.")
    ] = 100,
) -> None:
    """Show the logs of the current run, or of the last one."""
    project = find_project(context.obj)
    state = state_of(project)
    wanted = frozenset(names or ())
    screen = Screen(stdout_console())

    def show(name: str, line: str) -> None:
        if as_json:
            sys.stdout.write(json.dumps({"name": name, "line": line}) + "\n")
            sys.stdout.flush()
        else:
            screen.print_log(name, line)

    if state is None:
        if follow:
            raise UserError("nothing is running, so there is nothing to follow: start it with `cachetwin up`")
        for name, line in _old_logs(project, wanted, lines):
            show(name, line)
        return
    status_of(state)  # a supervisor that hangs is found here; between the lines of a log there may be any silence
    request = {"op": "logs", "names": sorted(wanted), "lines": lines, "follow": follow}
    with contextlib.suppress(KeyboardInterrupt):
        for entry in ask_supervisor(state, request, None if follow else ANSWER_DEADLINE_S):
            show(str(entry["name"]), str(entry["line"]))


def _old_logs(project: Project, names: frozenset[str], count: int) -> Iterator[tuple[str, str]]:
    for path in sorted((project.directory / "logs").glob("*.log")):
        name = path.stem.replace(".", "/", 1)
        if name_matches(name, names):
            lines = path.read_text(errors="replace").splitlines()
            yield from ((name, line) for line in lines[-count:] if count)
