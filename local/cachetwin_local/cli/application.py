"""``cachetwin``: its commands in the order of its help.

stdout carries what was asked for, stderr progress and logs. A `UserError` prints its message and exits 1; any other
exception shows its traceback.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from cachetwin_local.cli.commands.apply import apply
from cachetwin_local.cli.commands.clock import clock
from cachetwin_local.cli.commands.down import down
from cachetwin_local.cli.commands.draw import draw
from cachetwin_local.cli.commands.env import env
from cachetwin_local.cli.commands.events import events
from cachetwin_local.cli.commands.init import init
from cachetwin_local.cli.commands.invoke import invoke
from cachetwin_local.cli.commands.logs import logs
from cachetwin_local.cli.commands.operations import failover, reboot, rotate, scale
from cachetwin_local.cli.commands.plan import plan
from cachetwin_local.cli.commands.reset import reset
from cachetwin_local.cli.commands.services import restart, shell
from cachetwin_local.cli.commands.snapshots import restore, snapshot, snapshots
from cachetwin_local.cli.commands.status import status
from cachetwin_local.cli.commands.up import supervise, up
from cachetwin_local.cli.standard_streams import prepare_streams
from cachetwin_local.errors import UserError

__all__ = ["app", "main"]

app = typer.Typer(
    help="Run a CDK app's architecture on this machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def options(
    context: typer.Context,
    project: Annotated[
        Path, typer.Option("--project", "-C", metavar="DIR", help="The CDK app's folder, or one below it.")
    ] = Path(),
) -> None:
    """Run a CDK app's architecture on this machine."""
    context.obj = project


for _command in (
    init,
    plan,
    draw,
    up,
    apply,
    status,
    logs,
    invoke,
    restart,
    shell,
    env,
    events,
    failover,
    reboot,
    scale,
    rotate,
    clock,
    snapshot,
    restore,
    snapshots,
    down,
    reset,
):
    app.command()(_command)
app.command(hidden=True)(supervise)


def main() -> None:
    """The console script."""
    prepare_streams()
    try:
        try:
            app()
        finally:
            sys.stdout.flush()  # at the exit of the interpreter, an error is a traceback
    except UserError as error:
        sys.stdout.flush()
        sys.stderr.write(f"cachetwin: {error}\n")
        sys.exit(1)
    except BrokenPipeError:
        # the reader of stdout has gone (a pager, head): nobody is left to write to
        sys.stderr.close()
        sys.exit(1)
