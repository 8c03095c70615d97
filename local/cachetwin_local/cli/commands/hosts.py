"""``cachetwin hosts``."""

import sys
from collections.abc import Iterable

import typer

from cachetwin_local.cli.options import App, AssemblyFolder, ParameterFiles, Parameters, Stacks, Template, Where
from cachetwin_local.cli.running_project import answer_of, state_of
from cachetwin_local.cli.sources import Wanted, topology_of
from cachetwin_local.project import Source, find_project
from cachetwin_local.topology.host_names import host_names

__all__ = ["hosts"]


def hosts(
    context: typer.Context,
    stacks: Stacks = None,
    *,
    parameters: Parameters = None,
    parameter_files: ParameterFiles = None,
    app: App = None,
    assembly: AssemblyFolder = None,
    template: Template = None,
    loopback: Where = None,
) -> None:
    """Print lines for /etc/hosts that make the AWS-shaped names of the endpoints resolve on this machine.

    Without options they are those of what runs, or else of what would.
    """
    project = find_project(context.obj, Source(app, assembly, template))
    chosen = any((stacks, parameters, parameter_files, app, assembly, template, loopback))
    state = None if chosen else state_of(project)
    if state is not None:
        _print(answer_of(state, {"op": "host-names"})["done"])
        return
    is_synthesised = (project.assembly / "manifest.json").exists()
    wanted = Wanted(stacks, None, loopback, parameters, parameter_files, is_synthesised, None, None)
    _print(host_names(topology_of(project, wanted)))


def _print(names: Iterable[tuple[str, str]]) -> None:
    for address, name in names:
        sys.stdout.write(f"{address} {name}\n")
