"""``cachetwin logs``."""

import contextlib
import difflib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from cachetwin_local.cli.options import AsJson
from cachetwin_local.cli.running_project import ANSWER_DEADLINE_S, ask_supervisor, state_of, status_of
from cachetwin_local.errors import UserError
from cachetwin_local.project import Project, find_project
from cachetwin_local.screen import Screen, stdout_console
from cachetwin_local.supervise.project.logs import lines_in_order, name_matches

__all__ = ["logs"]


def logs(
    context: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...", help="Names of resources, or of one task: Web, Shop/Web, Web/2; all by default."
        ),
    ] = None,
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
    paths = status_of(state).get("paths", {}) if state else {}
    wanted = _resolved(project, names or [], paths)
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
    request = {"op": "logs", "names": sorted(wanted), "lines": lines, "follow": follow}
    with contextlib.suppress(KeyboardInterrupt):
        for entry in ask_supervisor(state, request, None if follow else ANSWER_DEADLINE_S):
            show(str(entry["name"]), str(entry["line"]))


def _resolved(project: Project, names: list[str], paths: dict[str, str]) -> frozenset[str]:
    """The names as logs have them; a construct path stands for its resource. Raises UserError for an unknown name."""
    known = sorted({*paths, *(_name_of(path) for path in _files(project))})
    found = set()
    for name in names:
        if any(name_matches(one, frozenset({name})) for one in known):
            found.add(name)
        elif below := {key for key, path in paths.items() if _is_below(name, path)}:
            found |= below
        else:
            every = [part for one in (*known, *paths.values()) for part in (one, one.partition("/")[2]) if part]
            near = difflib.get_close_matches(name, every, 1, 0.5)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise UserError(f"NAME must be one of {', '.join(known) or '(no log yet)'}, got {name}{hint}")
    return frozenset(found)


def _is_below(name: str, path: str) -> bool:
    """Whether a construct path is `name` or inside of it; its first parts may be left out."""
    return f"/{name}/" in f"/{path}/"


def _files(project: Project) -> list[Path]:
    return sorted((project.directory / "logs").glob("*.log"))


def _name_of(path: Path) -> str:
    return path.stem.replace(".", "/")


def _old_logs(project: Project, names: frozenset[str], count: int) -> Iterator[tuple[str, str]]:
    """The last lines of a run that has ended: of several logs in the order in which they were written."""
    paths = [path for path in _files(project) if name_matches(_name_of(path), names)]
    if len(paths) > 1:
        found = [one for one in lines_in_order(project.directory / "logs") if name_matches(one.name, names)]
        if found:
            yield from ((one.name, one.line) for one in found[-count:] if count)
            return
    for path in paths:
        lines = path.read_text(errors="replace").splitlines()
        yield from ((_name_of(path), line) for line in lines[-count:] if count)
