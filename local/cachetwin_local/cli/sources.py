"""What the commands read: the project, its assembly and the plan made of it."""

import time
from pathlib import Path

import psutil

from cachetwin_local.assembly.reader import read_assembly
from cachetwin_local.assembly.template import Assembly
from cachetwin_local.cli.options import Loopback
from cachetwin_local.cli.running_project import inform
from cachetwin_local.errors import UserError
from cachetwin_local.plan.planner import plan as make_plan
from cachetwin_local.project import Project, find_project, project_of_assembly
from cachetwin_local.synth import needs_synth, parse_pairs, refuse_missing_context, synthesise
from cachetwin_local.topology.address_plan import Loopback as PlanLoopback
from cachetwin_local.topology.values import Topology

__all__ = ["assembly_of", "project_from", "topology_of"]


def project_from(start: Path, assembly: Path | None) -> Project:
    """The project of `assembly` where one is named, otherwise the one that `start` is in."""
    return find_project(start) if assembly is None else project_of_assembly(assembly)


def topology_of(
    project: Project,
    stacks: list[str] | None,
    pairs: list[str] | None,
    loopback: Loopback | None,
    parameters: list[str] | None,
    *,
    no_synth: bool,
) -> Topology:
    """The plan for the chosen stacks, after the app ran if it had to."""
    assembly = assembly_of(project, pairs, no_synth=no_synth)
    where: PlanLoopback = "shared"
    if loopback is Loopback.per_endpoint or (loopback is None and psutil.LINUX):
        where = "per-endpoint"
    return make_plan(
        assembly,
        stacks=stacks,
        project=project.unique_name,
        loopback=where,
        parameters=parse_pairs("--parameters", parameters or []),
    )


def assembly_of(project: Project, pairs: list[str] | None, *, no_synth: bool) -> Assembly:
    """The app's assembly, after the app ran if it had to."""
    context = parse_pairs("-c", pairs or [])
    if no_synth and not (project.assembly / "manifest.json").is_file():
        raise UserError(f"there is no {project.assembly} to use: run `cachetwin up` without --no-synth")
    if not no_synth and needs_synth(project, context):
        began = time.monotonic()
        inform(f"synthesising: {project.app}")
        synthesise(project, context)
        inform(f"synthesised in {time.monotonic() - began:.1f} s")
    refuse_missing_context(project)
    return read_assembly(project.assembly)
