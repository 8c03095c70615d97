"""``cachetwin apply``: what runs is made like the changed app."""

import sys
from typing import Annotated, Any

import typer

from cachetwin_local.cli.options import App, AppContext, AssemblyFolder, NoSynth, Template
from cachetwin_local.cli.running_project import answer_of, inform, state_of, status_of
from cachetwin_local.cli.sources import Wanted, assembly_of
from cachetwin_local.errors import UserError
from cachetwin_local.project import Source, find_project
from cachetwin_local.supervise.project.state import RunState

__all__ = ["apply", "apply_to"]

_DEADLINE_S = 600.0


def apply(
    context: typer.Context,
    *,
    no_synth: NoSynth = False,
    app_context: AppContext = None,
    app: App = None,
    assembly: AssemblyFolder = None,
    template: Template = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before data is lost.")] = False,
) -> None:
    """Apply a changed app to what runs, as an update of its stacks does: synthesise it if its sources changed, say what
    becomes of each resource, ask where data would be lost, and do it.

    What did not change goes on running. Stacks, parameters and, without -c, the context are those that `up` was given.
    """
    project = find_project(context.obj, Source(app, assembly, template))
    state = state_of(project)
    if state is None:
        raise UserError("nothing is running: start it with `cachetwin up`")
    assembly_of(project, Wanted(app_context=app_context, no_synth=no_synth, keeps_context=True))
    if not apply_to(state, yes=yes):
        inform("nothing changed")


def apply_to(state: RunState, *, yes: bool) -> bool:
    """Let a supervisor become what is synthesised now, after asking where data would be lost. Raises UserError.

    Returns False where nothing differs.
    """
    status_of(state)  # a supervisor that hangs is found here; a change may take long
    changes = _ask(state, "changes")
    if not changes["changes"]:
        return False
    for line in changes["changes"]:
        inform(line)
    lost = changes["lost"]
    if lost and not yes:
        if not sys.stdin.isatty():
            raise UserError(f"the data of {', '.join(lost)} would be lost, and there is no terminal to ask: use --yes")
        typer.confirm(f"lose the data of {', '.join(lost)}?", abort=True, err=True)
    inform(str(_ask(state, "apply")["done"]))
    return True


def _ask(state: RunState, op: str) -> dict[str, Any]:
    return answer_of(state, {"op": op}, _DEADLINE_S)
