"""``cachetwin up``, and the supervisor that it starts in the background."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Annotated

import typer

from cachetwin_local.cli.commands.apply import apply_to
from cachetwin_local.cli.options import (
    App,
    AppContext,
    AssemblyFolder,
    AwsEndpoint,
    NoSynth,
    Only,
    ParameterFiles,
    Parameters,
    Stacks,
    Template,
    Timeout,
    Watch,
    Where,
    Without,
)
from cachetwin_local.cli.ports import plan_with_free_ports
from cachetwin_local.cli.running_project import inform, state_of, status_of
from cachetwin_local.cli.sources import Wanted, assembly_of, planner_of, topology_of
from cachetwin_local.errors import UserError
from cachetwin_local.project import Project, Source, find_project
from cachetwin_local.running import (
    run_foreground,
    serve_background,
    start_background,
    wait_until_ready,
)
from cachetwin_local.screen import Screen, show_endpoints, stderr_console
from cachetwin_local.supervise.project.state import RunState
from cachetwin_local.supervise.supervisor import Supervisor
from cachetwin_local.synth import parse_pairs
from cachetwin_local.topology.values import Topology

__all__ = ["supervise", "up"]


def up(
    context: typer.Context,
    stacks: Stacks = None,
    *,
    no_synth: NoSynth = False,
    detach: Annotated[bool, typer.Option("-d", "--detach", help="Return when everything is ready.")] = False,
    watch: Watch = False,
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
    timeout: Timeout = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before a change loses data.")] = False,
) -> None:
    """Start the app: synthesise it if its sources changed, start everything, show the endpoints.

    Where it runs already, a changed app is applied, as by `cachetwin apply`.

    With --watch a saved file of a service runs at once, and a change of anything else is synthesised and applied; one
    that would lose data waits for `cachetwin apply`, unless --yes is given.
    """
    source = Source(app, assembly, template)
    find = partial(find_project, context.obj.resolve(), source)
    project = find()
    wanted = Wanted(stacks, app_context, loopback, parameters, parameter_files, no_synth, only, without, aws_endpoint)
    state = state_of(project)
    if state is not None:
        if any((stacks, loopback, parameters, parameter_files, only, without, aws_endpoint, timeout, watch)):
            raise _already_up(state)  # what it was started with stays
        try:
            assembly_of(project, replace(wanted, keeps_context=True))
        except UserError as error:
            raise UserError(f"{_already_up(state)}\n  and the app cannot be applied to it: {error}") from error
        if not apply_to(state, yes=yes):
            raise _already_up(state)
        return
    topology = plan_with_free_ports(project.directory, planner_of(project, wanted))
    _refuse_problems(topology)
    screen = Screen(stderr_console())
    if not detach:
        run_foreground(
            project,
            topology,
            screen,
            timeout,
            plan_again=_plan_again(find, wanted),
            watch=_watch(find, app_context, yes=yes) if watch else None,
        )
        return
    words = [
        *source.words(),
        *(["--watch"] if watch else []),
        *(["--yes"] if yes else []),
        *([] if timeout is None else ["--timeout", str(timeout)]),
        *wanted.words(),
    ]
    background = start_background(project, words)
    wait_until_ready(background, screen, project.directory / "logs" / "supervisor.log")
    state = state_of(project)
    if state is not None:
        show_endpoints(status_of(state))
    screen.print_line("running in the background: `cachetwin logs -f` shows its logs, `cachetwin down` stops it")


def supervise(
    context: typer.Context,
    stacks: Stacks = None,
    *,
    events_fd: Annotated[int, typer.Option(help="Where to write events until ready.")],
    watch: Watch = False,
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
    timeout: Timeout = None,
    yes: Annotated[bool, typer.Option("--yes", "-y")] = False,
) -> None:
    """Run as the background supervisor that `up -d` starts."""
    find = partial(find_project, context.obj.resolve(), Source(app, assembly, template))
    project = find()
    wanted = Wanted(
        stacks,
        app_context,
        loopback,
        parameters,
        parameter_files,
        only=only,
        without=without,
        aws_endpoint=aws_endpoint,
        no_synth=True,
    )
    serve_background(
        project,
        topology_of(project, wanted),
        events_fd,
        timeout,
        plan_again=_plan_again(find, wanted),
        watch=_watch(find, app_context, yes=yes) if watch else None,
    )


def _plan_again(find: Callable[[], Project], wanted: Wanted) -> Callable[[], Topology]:
    """Plans what was synthesised by then, as `up` was asked to."""

    def plan_again() -> Topology:
        project = find()
        planner = planner_of(project, replace(wanted, no_synth=True))
        return plan_with_free_ports(project.directory, planner, known_are_ours=True)

    return plan_again


def _watch(
    find: Callable[[], Project], app_context: list[str] | None, *, yes: bool
) -> Callable[[Supervisor], Awaitable[None]]:
    from cachetwin_local.watch import AppWatch  # noqa: PLC0415  (only who watches pays for it)

    return AppWatch(find, parse_pairs("-c", app_context or []), may_lose_data=yes).watch


def _refuse_problems(topology: Topology) -> None:
    lines = [
        f"{problem.identity.key}: {problem.message}" for problem in topology.problems if problem.severity == "error"
    ]
    for problem in topology.problems:
        if problem.severity == "warning":
            inform(f"warning: {problem.identity.key}: {problem.message}")
    if lines:
        raise UserError("\n  ".join(["the plan would not work:", *lines]))
    left_out = [entry for entry in topology.coverage if entry.status == "not supported"]
    if left_out:
        subject = "1 resource is" if len(left_out) == 1 else f"{len(left_out)} resources are"
        inform(f"{subject} not supported here: `cachetwin plan` names {'it' if len(left_out) == 1 else 'them'}")


def _already_up(state: RunState) -> UserError:
    return UserError(
        f"this project is already up (pid {state.pid}): see `cachetwin status`, or stop it with `cachetwin down`"
    )
