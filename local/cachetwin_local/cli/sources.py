"""What the commands read: the project, its assembly and the plan made of it."""

import difflib
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import psutil

from cachetwin_local.assembly.reader import REGION, read_assembly, read_template
from cachetwin_local.assembly.template import Assembly
from cachetwin_local.cli.options import Loopback
from cachetwin_local.cli.ports import remembered_ports
from cachetwin_local.cli.running_project import inform
from cachetwin_local.errors import UserError
from cachetwin_local.parameters import read_parameters_file
from cachetwin_local.plan.choice import Choice
from cachetwin_local.plan.planner import plan as make_plan
from cachetwin_local.project import Project
from cachetwin_local.settings import read_settings
from cachetwin_local.supervise.mysql.servers import installed_servers
from cachetwin_local.synth import needs_synth, parse_pairs, refuse_missing_context, synthesise, synthesised_context
from cachetwin_local.topology.address_plan import Loopback as PlanLoopback
from cachetwin_local.topology.values import Topology

__all__ = ["Wanted", "assembly_of", "planner_of", "topology_of"]


_AWS: Final = ("amazonaws.com", "amazonaws.com.cn", "api.aws", "aws.dev")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a command line asks to be planned, as its options have it; None where an option is not given.

    With `keeps_context` the context of the last synthesis counts where none is given.
    """

    stacks: list[str] | None = None
    app_context: list[str] | None = None
    loopback: Loopback | None = None
    parameters: list[str] | None = None
    parameter_files: list[Path] | None = None
    no_synth: bool = False
    only: list[str] | None = None
    without: list[str] | None = None
    aws_endpoint: str | None = None
    keeps_context: bool = False

    def words(self) -> list[str]:
        """The options that say the same to the background supervisor, which starts after the synthesis."""
        words = [] if self.loopback is None else ["--loopback", self.loopback.value]
        words += _repeated("--context", self.app_context or ())
        words += _repeated("--parameters", self.parameters or ())
        words += _repeated("--parameters-file", (str(path.resolve()) for path in self.parameter_files or ()))
        words += [*_repeated("--only", self.only or ()), *_repeated("--without", self.without or ())]
        words += _repeated("--aws-endpoint", () if self.aws_endpoint is None else (self.aws_endpoint,))
        return [*words, "--", *(self.stacks or ())]

    def given_parameters(self) -> dict[str, str]:
        """The parameters' values; those of the command line before those of files, later files before earlier ones."""
        found: dict[str, str] = {}
        for path in self.parameter_files or ():
            found |= read_parameters_file(path)
        return found | parse_pairs("--parameters", self.parameters or [])

    def all_parameters(self, project: Project) -> dict[str, str]:
        """The parameters' values, those of cachetwin.toml among them."""
        return {**read_settings(project.root).parameters, **self.given_parameters()}


def topology_of(project: Project, wanted: Wanted) -> Topology:
    """The plan for the chosen stacks, after the app ran if it had to, with the ports that the last run had."""
    return planner_of(project, wanted)(remembered_ports(project.directory))


def planner_of(project: Project, wanted: Wanted) -> Callable[[Mapping[str, int]], Topology]:
    """Plans the chosen stacks with remembered ports; the app ran if it had to."""
    assembly = assembly_of(project, wanted)
    _check_parameters(assembly, parse_pairs("--parameters", wanted.parameters or []))
    emulator = emulator_url(wanted.aws_endpoint)
    where: PlanLoopback = "shared"
    if wanted.loopback is Loopback.per_endpoint or (wanted.loopback is None and psutil.LINUX):
        where = "per-endpoint"
    return lambda ports: make_plan(
        assembly,
        stacks=wanted.stacks,
        project=project.unique_name,
        loopback=where,
        parameters=wanted.given_parameters(),
        settings=read_settings(project.root),
        choice=Choice(wanted.only or (), wanted.without or ()),
        ports=ports,
        aws_endpoint=emulator,
        database_servers=installed_servers(),
    )


def emulator_url(text: str | None) -> str | None:
    """The URL of another emulator of AWS's services. Raises UserError for one that is none, and for AWS itself."""
    if text is None:
        return None
    parts = urlsplit(text)
    host = parts.hostname or ""
    if parts.scheme not in {"http", "https"} or not host or parts.query:
        raise UserError(f"--aws-endpoint must be a URL such as http://127.0.0.1:4566, got {text}")
    if any(host == name or host.endswith(f".{name}") for name in _AWS):
        raise UserError(f"--aws-endpoint must be another emulator: nothing here calls AWS itself, got {text}")
    return text.rstrip("/")


def assembly_of(project: Project, wanted: Wanted) -> Assembly:
    """The app's assembly, after the app ran if it had to, or the template's."""
    if project.template is not None:
        return read_template(project.template, _region())
    context = parse_pairs("-c", wanted.app_context or [])
    if wanted.keeps_context and wanted.app_context is None:
        context = synthesised_context(project)
    if wanted.no_synth and not (project.assembly / "manifest.json").is_file():
        raise UserError(f"there is no {project.assembly} to use: run `cachetwin up` without --no-synth")
    if not wanted.no_synth and needs_synth(project, context):
        began = time.monotonic()
        inform(f"synthesising: {project.app}")
        synthesise(project, context)
        inform(f"synthesised in {time.monotonic() - began:.1f} s")
    refuse_missing_context(project)
    return read_assembly(project.assembly)


def _check_parameters(assembly: Assembly, given: Iterable[str]) -> None:
    """Raise UserError for a parameter of the command line that no template has. A file may be for other stacks too."""
    found = [(name, stack) for stack in assembly.stacks.values() for name in stack.parameters]
    names = sorted({name for name, _ in found})
    allowed = [*names, *(f"{one}:{name}" for name, stack in found for one in (stack.name, stack.name_on_aws))]
    for name in given:
        if name not in allowed:
            near = difflib.get_close_matches(name, allowed, 1, 0.5)
            hint = f"; did you mean {near[0]}?" if near else ""
            known = ", ".join(names) or "which have none"
            raise UserError(f"--parameters must name a parameter of the templates, {known}, got {name}{hint}")


def _region() -> str:
    """The region of a template's stack, as the AWS CLI chooses it."""
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or REGION


def _repeated(option: str, values: Iterable[str]) -> list[str]:
    return [word for value in values for word in (option, value)]
