"""``cachetwin``: plan, draw, up, status, logs, env, down, reset.

stdout carries what was asked for, stderr progress and logs. A `UserError` prints its message and exits 1; any other
exception shows its traceback.
"""

import contextlib
import json
import shlex
import shutil
import sys
import time
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import psutil
import typer

from cachetwin_local.assembly.reader import read_assembly
from cachetwin_local.assembly.template import Assembly
from cachetwin_local.drawing.mermaid import to_mermaid
from cachetwin_local.drawing.reading.survey import architecture_of
from cachetwin_local.drawing.svg import to_svg
from cachetwin_local.errors import UserError
from cachetwin_local.plan.planner import plan as make_plan
from cachetwin_local.plan.render import render_table, to_json
from cachetwin_local.project import Project, find_project, project_of_assembly
from cachetwin_local.running import (
    run_foreground,
    serve_background,
    show_endpoints,
    start_background,
    wait_until_ready,
)
from cachetwin_local.screen import Screen, status_table, stderr_console, stdout_console
from cachetwin_local.supervise.control_socket import ask
from cachetwin_local.supervise.endpoints import endpoint_variables
from cachetwin_local.supervise.events import Stopped, from_json
from cachetwin_local.supervise.process.identity import ProcessIdentity
from cachetwin_local.supervise.process.private_file import make_project_directory
from cachetwin_local.supervise.project.local_ca import LocalCA
from cachetwin_local.supervise.project.logs import name_matches
from cachetwin_local.supervise.project.run_context import socket_directory
from cachetwin_local.supervise.project.secret_store import SecretStore
from cachetwin_local.supervise.project.state import RunState, StateFile
from cachetwin_local.synth import needs_synth, parse_pairs, refuse_missing_context, synthesise
from cachetwin_local.topology.address_plan import Loopback as PlanLoopback
from cachetwin_local.topology.values import Topology

__all__ = ["app", "main"]

_END_DEADLINE_S = 30
_ANSWER_DEADLINE_S = 5.0
_STOP_DEADLINE_S = 60.0  # between two events of stopping: no child's own deadline is longer
_NOT_RUNNING = 3

app = typer.Typer(
    help="Run a CDK app's architecture on this machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class Loopback(StrEnum):
    """Where endpoints listen."""

    per_endpoint = "per-endpoint"
    shared = "shared"


class Format(StrEnum):
    """How `env` writes variables."""

    shell = "shell"
    json = "json"
    dotenv = "dotenv"


class PictureFormat(StrEnum):
    """How `draw` writes a picture."""

    svg = "svg"
    mermaid = "mermaid"


Stacks = Annotated[
    list[str] | None, typer.Argument(metavar="[STACK]...", help="Names or patterns of stacks; all by default.")
]
NoSynth = Annotated[bool, typer.Option("--no-synth", help="Use cdk.out as it is.")]
Context = Annotated[
    list[str] | None, typer.Option("-c", "--context", metavar="KEY=VALUE", help="A context value for the app.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Where = Annotated[
    Loopback | None,
    typer.Option(help="An address for each endpoint, or 127.0.0.1 for all and other ports."),
]
Parameters = Annotated[
    list[str] | None,
    typer.Option("--parameters", metavar="[STACK:]NAME=VALUE", help="A value for a parameter of the templates."),
]
AssemblyFolder = Annotated[
    Path | None,
    typer.Option("--assembly", metavar="DIR", help="Read this cloud assembly; no cdk.json is needed."),
]
Timeout = Annotated[
    float | None,
    typer.Option("--timeout", metavar="SECONDS", min=0.1, help="Stop everything when the start takes longer."),
]


@app.callback()
def options(
    context: typer.Context,
    project: Annotated[
        Path, typer.Option("--project", "-C", metavar="DIR", help="The CDK app's folder, or one below it.")
    ] = Path(),
) -> None:
    """Run a CDK app's architecture on this machine."""
    context.obj = project


@app.command()
def plan(
    context: typer.Context,
    stacks: Stacks = None,
    *,
    as_json: AsJson = False,
    all_resources: Annotated[
        bool, typer.Option("--all", help="List the resources that need nothing here too.")
    ] = False,
    no_synth: NoSynth = False,
    app_context: Context = None,
    loopback: Where = None,
    parameters: Parameters = None,
    assembly: AssemblyFolder = None,
) -> None:
    """Show which resources of the templates will run here. Starts nothing."""
    project = find_project(context.obj) if assembly is None else project_of_assembly(assembly)
    topology = _topology(project, stacks, app_context, loopback, parameters, no_synth=no_synth)
    if as_json:
        sys.stdout.write(json.dumps(to_json(topology), indent=1) + "\n")
    else:
        stdout_console().print(render_table(topology, all_resources=all_resources))
    if any(problem.severity == "error" for problem in topology.problems):
        raise typer.Exit(1)


@app.command()
def draw(
    context: typer.Context,
    stacks: Stacks = None,
    *,
    form: Annotated[
        PictureFormat | None,
        typer.Option("--format", help="The picture's format; by default that of FILE's suffix, or SVG."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write to this file instead of stdout.")
    ] = None,
    no_synth: NoSynth = False,
    app_context: Context = None,
    parameters: Parameters = None,
    assembly: AssemblyFolder = None,
) -> None:
    """Draw the app's architecture from its templates, as SVG or as a Mermaid flowchart."""
    project = find_project(context.obj) if assembly is None else project_of_assembly(assembly)
    synthesised = _assembly(project, app_context, no_synth=no_synth)
    architecture = architecture_of(synthesised, stacks, parse_pairs("--parameters", parameters or []))
    if form is None:
        mermaid = output is not None and output.suffix in {".mmd", ".mermaid"}
        form = PictureFormat.mermaid if mermaid else PictureFormat.svg
    text = to_svg(architecture) if form is PictureFormat.svg else to_mermaid(architecture)
    if output is None:
        sys.stdout.write(text)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write {output}: {error.strerror}") from error


@app.command()
def up(
    context: typer.Context,
    stacks: Stacks = None,
    *,
    no_synth: NoSynth = False,
    detach: Annotated[bool, typer.Option("-d", "--detach", help="Return when everything is ready.")] = False,
    app_context: Context = None,
    loopback: Where = None,
    parameters: Parameters = None,
    timeout: Timeout = None,
) -> None:
    """Start the app: synthesise it if its sources changed, start everything, show the endpoints."""
    project = find_project(context.obj)
    _refuse_second_run(project)
    topology = _topology(project, stacks, app_context, loopback, parameters, no_synth=no_synth)
    _refuse_problems(topology)
    screen = Screen(stderr_console())
    if not detach:
        run_foreground(project, topology, screen, timeout)
        return
    words = ["--loopback", topology.loopback, *([] if timeout is None else ["--timeout", str(timeout)])]
    words += [word for pair in parameters or [] for word in ("--parameters", pair)]
    words += ["--", *(stacks or [])]
    background = start_background(project, words)
    wait_until_ready(background, screen, project.directory / "logs" / "supervisor.log")
    state = _state(project)
    if state is not None:
        show_endpoints(_status_of(state))
    screen.print_line("running in the background: `cachetwin logs -f` shows its logs, `cachetwin down` stops it")


@app.command(hidden=True)
def supervise(
    context: typer.Context,
    stacks: Stacks = None,
    *,
    events_fd: Annotated[int, typer.Option(help="Where to write events until ready.")],
    loopback: Where = None,
    parameters: Parameters = None,
    timeout: Timeout = None,
) -> None:
    """Run as the background supervisor that `up -d` starts."""
    project = find_project(context.obj)
    serve_background(project, _topology(project, stacks, None, loopback, parameters, no_synth=True), events_fd, timeout)


@app.command()
def status(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Show what runs, and its endpoints.

    Exits with 0 when everything is ready, 1 when something is not, 3 when nothing runs.
    """
    project = find_project(context.obj)
    state = _state(project)
    if state is None:
        if as_json:
            sys.stdout.write(json.dumps({"running": False}) + "\n")
        else:
            _inform("not running: start it with `cachetwin up`")
        raise typer.Exit(_NOT_RUNNING)
    found = _status_of(state)
    well = all(resource["state"] == "ready" for resource in found["resources"])
    if as_json:
        sys.stdout.write(json.dumps(found, indent=1) + "\n")
        raise typer.Exit(0 if well else 1)
    console = stdout_console()
    console.print(status_table(found["resources"]))
    console.print()
    show_endpoints(found)
    for part in found["parts"]:
        if part["state"] != "ready":
            _inform(f"{part['resource']}: {part['name']} is {part['state']}: {part['detail']}")
    _inform(
        f"{found['project']}: up for {found['up_s']:.0f} s (pid {found['pid']}), stacks {', '.join(found['stacks'])}"
    )
    raise typer.Exit(0 if well else 1)


@app.command()
def logs(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Parts of resource names.")] = None,
    *,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Print new lines as they arrive.")] = False,
    as_json: AsJson = False,
    lines: Annotated[
        int, typer.Option("-n", "--lines", min=0, max=10_000, help="The number of old lines to print.")
    ] = 100,
) -> None:
    """Show the logs of the current run, or of the last one."""
    project = find_project(context.obj)
    state = _state(project)
    wanted = frozenset(names or ())
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
    _status_of(state)  # a supervisor that hangs is found here; between the lines of a log there may be any silence
    request = {"op": "logs", "names": sorted(wanted), "lines": lines, "follow": follow}
    with contextlib.suppress(KeyboardInterrupt):
        for entry in _ask(state, request, None if follow else _ANSWER_DEADLINE_S):
            show(str(entry["name"]), str(entry["line"]))


@app.command()
def env(
    context: typer.Context,
    stacks: Stacks = None,
    *,
    form: Annotated[Format, typer.Option("--format", help="The format of the variables.")] = Format.shell,
    parameters: Parameters = None,
    secrets: Annotated[bool, typer.Option("--secrets", help="Print passwords too.")] = False,
    loopback: Where = None,
) -> None:
    """Print the endpoints as environment variables: eval "$(cachetwin env)".

    The CA bundle's file is among them, under the names that TLS libraries read.
    """
    project = find_project(context.obj)
    is_synthesised = (project.assembly / "manifest.json").exists()
    topology = _topology(project, stacks, None, loopback, parameters, no_synth=is_synthesised)
    make_project_directory(project.directory)
    store = SecretStore(project.directory / "secrets.json")
    store.provision(topology.secrets)
    local_ca = LocalCA(project.directory / "ca", topology.project)
    found = endpoint_variables(topology, store, local_ca.bundle_file, with_secrets=secrets)
    match form:
        case Format.json:
            text = json.dumps(found, indent=1) + "\n"
        case Format.shell:
            text = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in found.items())
        case Format.dotenv:
            text = "".join(f"{name}={json.dumps(value)}\n" for name, value in found.items())
    sys.stdout.write(text)


@app.command()
def down(context: typer.Context) -> None:
    """Stop everything that runs."""
    project = find_project(context.obj)
    state = _state(project)
    if state is None:
        _inform("nothing is running")
        return
    supervisor = ProcessIdentity.of(state.pid)
    screen = Screen(stderr_console(), live=False)
    for document in _ask(state, {"op": "down"}, _STOP_DEADLINE_S):
        event = from_json(document)
        if not isinstance(event, Stopped) or event.killed:
            screen.show(event)
    end = time.monotonic() + _END_DEADLINE_S
    file = StateFile(project.directory)
    while file.running() is not None or supervisor.alive:  # it gives the lock back a moment before it ends
        if time.monotonic() > end:
            raise UserError(f"the supervisor (pid {state.pid}) did not end within {_END_DEADLINE_S} s: kill it")
        time.sleep(0.02)
    _inform("everything is stopped")


@app.command()
def reset(
    context: typer.Context,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete this project's data, secrets, CA, packages and logs."""
    project = find_project(context.obj)
    state = _state(project)
    if state is not None:
        raise UserError(f"this project is up (pid {state.pid}): stop it with `cachetwin down` first")
    if not project.directory.exists():
        _inform("there is nothing to delete")
        return
    if not yes:
        if not sys.stdin.isatty():
            raise UserError("reset asks before it deletes, and there is no terminal: use --yes")
        typer.confirm(f"delete all local data and secrets in {project.directory}?", abort=True, err=True)
    sockets = socket_directory(project.directory)
    shutil.rmtree(sockets)
    shutil.rmtree(project.directory)
    _inform(f"deleted {project.directory}")


def main() -> None:
    """The console script."""
    try:
        app()
    except UserError as error:
        sys.stdout.flush()
        sys.stderr.write(f"cachetwin: {error}\n")
        sys.exit(1)
    except BrokenPipeError:
        # the reader of stdout has gone (a pager, head): nobody is left to write to
        sys.stderr.close()
        sys.exit(1)


def _topology(
    project: Project,
    stacks: list[str] | None,
    pairs: list[str] | None,
    loopback: Loopback | None,
    parameters: list[str] | None,
    *,
    no_synth: bool,
) -> Topology:
    """The plan for the chosen stacks, after the app ran if it had to."""
    assembly = _assembly(project, pairs, no_synth=no_synth)
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


def _assembly(project: Project, pairs: list[str] | None, *, no_synth: bool) -> Assembly:
    """The app's assembly, after the app ran if it had to."""
    context = parse_pairs("-c", pairs or [])
    if no_synth and not (project.assembly / "manifest.json").is_file():
        raise UserError(f"there is no {project.assembly} to use: run `cachetwin up` without --no-synth")
    if not no_synth and needs_synth(project, context):
        began = time.monotonic()
        _inform(f"synthesising: {project.app}")
        synthesise(project, context)
        _inform(f"synthesised in {time.monotonic() - began:.1f} s")
    refuse_missing_context(project)
    return read_assembly(project.assembly)


def _ask(state: RunState, request: dict[str, object], deadline_s: float | None) -> Iterator[dict[str, Any]]:
    """Ask the supervisor. Raises UserError when it hangs."""
    try:
        yield from ask(state.control_socket, request, deadline_s=deadline_s)
    except TimeoutError as error:
        raise UserError(
            f"the supervisor (pid {state.pid}) did not answer within {deadline_s:g} s: it hangs; end it with "
            f"`kill -9 {state.pid}`, its children end with it"
        ) from error


def _status_of(state: RunState) -> dict[str, Any]:
    found = next(_ask(state, {"op": "status"}, _ANSWER_DEADLINE_S), None)
    if found is None:
        raise UserError("the supervisor stopped while it was asked: try again")
    return found


def _refuse_problems(topology: Topology) -> None:
    lines = [
        f"{problem.identity.key}: {problem.message}" for problem in topology.problems if problem.severity == "error"
    ]
    for problem in topology.problems:
        if problem.severity == "warning":
            _inform(f"warning: {problem.identity.key}: {problem.message}")
    if lines:
        raise UserError("\n  ".join(["the plan would not work:", *lines]))
    left_out = [entry for entry in topology.coverage if entry.status == "not supported"]
    if left_out:
        _inform(f"{len(left_out)} resources are not supported here: `cachetwin plan` names them")


def _refuse_second_run(project: Project) -> None:
    state = _state(project)
    if state is not None:
        raise UserError(
            f"this project is already up (pid {state.pid}): see `cachetwin status`, or stop it with `cachetwin down`"
        )


def _state(project: Project) -> RunState | None:
    """The state of the supervisor that runs; what a killed one left behind is cleaned up, and said."""
    if not project.directory.exists():
        return None
    file = StateFile(project.directory)
    state = file.running()
    if state is None:
        cleaned = file.clean()
        if cleaned:
            _inform(cleaned)
    return state


def _old_logs(project: Project, names: frozenset[str], count: int) -> Iterator[tuple[str, str]]:
    for path in sorted((project.directory / "logs").glob("*.log")):
        name = path.stem.replace(".", "/", 1)
        if name_matches(name, names):
            lines = path.read_text(errors="replace").splitlines()
            yield from ((name, line) for line in lines[-count:] if count)


def _inform(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
