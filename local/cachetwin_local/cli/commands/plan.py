"""``cachetwin plan``."""

import json
import sys
from typing import Annotated

import typer

from cachetwin_local.cli.options import (
    App,
    AppContext,
    AsJson,
    AssemblyFolder,
    NoSynth,
    Only,
    ParameterFiles,
    Parameters,
    Stacks,
    Template,
    Where,
    Without,
)
from cachetwin_local.cli.sources import Wanted, topology_of
from cachetwin_local.plan.render import render_table, to_json
from cachetwin_local.project import Source, find_project
from cachetwin_local.screen import stdout_console

__all__ = ["plan"]


def plan(
    context: typer.Context,
    stacks: Stacks = None,
    *,
    as_json: AsJson = False,
    all_resources: Annotated[
        bool, typer.Option("--all", help="List the resources that need nothing here too.")
    ] = False,
    no_synth: NoSynth = False,
    app_context: AppContext = None,
    loopback: Where = None,
    parameters: Parameters = None,
    parameter_files: ParameterFiles = None,
    app: App = None,
    assembly: AssemblyFolder = None,
    template: Template = None,
    only: Only = None,
    without: Without = None,
) -> None:
    """Show which resources of the templates will run here. Starts nothing."""
    project = find_project(context.obj, Source(app, assembly, template))
    topology = topology_of(
        project, Wanted(stacks, app_context, loopback, parameters, parameter_files, no_synth, only, without)
    )
    if as_json:
        sys.stdout.write(json.dumps(to_json(topology), indent=1) + "\n")
    else:
        console = stdout_console()
        ascii_only = console.options.ascii_only
        console.print(render_table(topology, all_resources=all_resources, ascii_only=ascii_only))
    if any(problem.severity == "error" for problem in topology.problems):
        raise typer.Exit(1)
