"""``cachetwin plan``."""

import json
import sys
from dataclasses import asdict
from typing import Annotated

import typer

from cachetwin_local.assembly.staleness import IGNORED_FOLDERS
from cachetwin_local.cli.options import (
    App,
    AppContext,
    AsJson,
    AssemblyFolder,
    AwsEndpoint,
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
from cachetwin_local.project import Project, Source, find_project
from cachetwin_local.screen import stdout_console
from cachetwin_local.synth import synthesised_assets
from cachetwin_local.synth.sources import SourceFolder, source_folders

__all__ = ["plan"]


def plan(
    context: typer.Context,
    stacks: Stacks = None,
    *,
    as_json: AsJson = False,
    all_resources: Annotated[
        bool, typer.Option("--all", help="List the resources that need nothing here too.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="List the folders whose files count as the app's sources too.")
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
    aws_endpoint: AwsEndpoint = None,
) -> None:
    """Show which resources of the templates will run here. Starts nothing."""
    project = find_project(context.obj, Source(app, assembly, template))
    topology = topology_of(
        project,
        Wanted(stacks, app_context, loopback, parameters, parameter_files, no_synth, only, without, aws_endpoint),
    )
    folders = _source_folders(project) if verbose else []
    if as_json:
        document = to_json(topology) | ({"sources": [asdict(one) for one in folders]} if verbose else {})
        sys.stdout.write(json.dumps(document, indent=1, default=str) + "\n")
    else:
        console = stdout_console()
        ascii_only = console.options.ascii_only
        console.print(render_table(topology, all_resources=all_resources, ascii_only=ascii_only))
        if folders:
            console.print(_told(folders), markup=False, soft_wrap=True)
    if any(problem.severity == "error" for problem in topology.problems):
        raise typer.Exit(1)


def _source_folders(project: Project) -> list[SourceFolder]:
    """What makes `cachetwin up` synthesise anew; nothing where no app runs."""
    if project.template is not None or project.synthesised_folder is not None:
        return []
    return source_folders(project, synthesised_assets(project))


def _told(folders: list[SourceFolder]) -> str:
    ignored = ", ".join(sorted(name for name in IGNORED_FOLDERS if not name.startswith(".")))
    lines = [f"  {one.path}  {one.files} file{'' if one.files == 1 else 's'}, {one.why}" for one in folders]
    lines += [
        f"  not: hidden files, folders named {ignored},",
        "  virtual environments, caches, logs, files above 10 MB",
    ]
    return "\n".join(["", "A change of these files makes the next run synthesise:", *lines])
