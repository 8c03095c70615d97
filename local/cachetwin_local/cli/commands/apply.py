"""``cachetwin apply``: what runs is made like the changed app."""

import typer

from cachetwin_local.cli.options import App, AppContext, AssemblyFolder, NoSynth, Template
from cachetwin_local.cli.running_project import ask_supervisor, inform, state_of, status_of
from cachetwin_local.cli.sources import Wanted, assembly_of
from cachetwin_local.errors import UserError
from cachetwin_local.project import Source, find_project

__all__ = ["apply"]

_DEADLINE_S = 600.0


def apply(
    context: typer.Context,
    *,
    no_synth: NoSynth = False,
    app_context: AppContext = None,
    app: App = None,
    assembly: AssemblyFolder = None,
    template: Template = None,
) -> None:
    """Apply a changed app to what runs: synthesise it if its sources changed, stop and start what differs.

    What did not change goes on running. Stacks and parameters are those that `up` was given.
    """
    project = find_project(context.obj, Source(app, assembly, template))
    state = state_of(project)
    if state is None:
        raise UserError("nothing is running: start it with `cachetwin up`")
    assembly_of(project, Wanted(app_context=app_context, no_synth=no_synth))
    status_of(state)  # a supervisor that hangs is found here; a change may take long
    answer = next(
        ask_supervisor(state, {"op": "apply"}, _DEADLINE_S), {"error": "the supervisor stopped while it was asked"}
    )
    if "error" in answer:
        raise UserError(str(answer["error"]))
    inform(str(answer["done"]))
