"""``cachetwin hosts``."""

import sys

import typer

from cachetwin_local.cli.options import App, AssemblyFolder, ParameterFiles, Parameters, Stacks, Template, Where
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
    """Print lines for /etc/hosts that make the AWS-shaped names of the endpoints resolve on this machine."""
    project = find_project(context.obj, Source(app, assembly, template))
    is_synthesised = (project.assembly / "manifest.json").exists()
    wanted = Wanted(stacks, None, loopback, parameters, parameter_files, is_synthesised, None, None)
    for address, name in host_names(topology_of(project, wanted)):
        sys.stdout.write(f"{address} {name}\n")
