"""``cachetwin env``."""

import json
import shlex
import sys
from enum import StrEnum
from typing import Annotated

import typer

from cachetwin_local.cli.options import (
    App,
    AssemblyFolder,
    Only,
    ParameterFiles,
    Parameters,
    Stacks,
    Template,
    Where,
    Without,
)
from cachetwin_local.cli.running_project import answer_of, state_of
from cachetwin_local.cli.sources import Wanted, topology_of
from cachetwin_local.project import Project, Source, find_project
from cachetwin_local.supervise.endpoints import endpoint_variables
from cachetwin_local.supervise.process.private_file import make_project_directory
from cachetwin_local.supervise.project.local_ca import LocalCA
from cachetwin_local.supervise.project.secret_store import SecretStore

__all__ = ["env"]


class Format(StrEnum):
    """How `env` writes variables."""

    shell = "shell"
    json = "json"
    dotenv = "dotenv"


def env(
    context: typer.Context,
    stacks: Stacks = None,
    *,
    form: Annotated[Format, typer.Option("--format", help="The format of the variables.")] = Format.shell,
    parameters: Parameters = None,
    parameter_files: ParameterFiles = None,
    app: App = None,
    assembly: AssemblyFolder = None,
    template: Template = None,
    only: Only = None,
    without: Without = None,
    secrets: Annotated[bool, typer.Option("--secrets", help="Print passwords too.")] = False,
    loopback: Where = None,
) -> None:
    """Print the endpoints as environment variables: eval "$(cachetwin env)".

    The CA bundle's file is among them, under the names that TLS libraries read. Without options that choose what to plan,
    they are those of what runs, or else of what would.
    """
    project = find_project(context.obj, Source(app, assembly, template))
    chosen = any((stacks, parameters, parameter_files, app, assembly, template, only, without, loopback))
    state = None if chosen else state_of(project)
    if state is not None:
        found: dict[str, str] = answer_of(state, {"op": "variables", "secrets": secrets})["done"]
    else:
        is_synthesised = (project.assembly / "manifest.json").exists()
        wanted = Wanted(stacks, None, loopback, parameters, parameter_files, is_synthesised, only, without)
        found = _planned(project, wanted, with_secrets=secrets)
    match form:
        case Format.json:
            text = json.dumps(found, indent=1) + "\n"
        case Format.shell:
            text = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in found.items())
        case Format.dotenv:
            text = "".join(f"{name}={json.dumps(value)}\n" for name, value in found.items())
    sys.stdout.write(text)


def _planned(project: Project, wanted: Wanted, *, with_secrets: bool) -> dict[str, str]:
    """The variables of what would run."""
    topology = topology_of(project, wanted)
    make_project_directory(project.directory)
    store = SecretStore(project.directory / "secrets.json")
    store.provision(topology.secrets)
    local_ca = LocalCA(project.directory / "ca", topology.project)
    return endpoint_variables(topology, store, local_ca.bundle_file, with_secrets=with_secrets)
