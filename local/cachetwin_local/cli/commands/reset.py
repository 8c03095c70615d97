"""``cachetwin reset``."""

import shutil
import sys
from typing import Annotated

import typer

from cachetwin_local.cli.running_project import inform, state_of
from cachetwin_local.errors import UserError
from cachetwin_local.project import find_project
from cachetwin_local.supervise.project.socket_directory import socket_directory

__all__ = ["reset"]


def reset(
    context: typer.Context,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete this project's data, secrets, CA, packages and logs."""
    project = find_project(context.obj)
    state = state_of(project)
    if state is not None:
        raise UserError(f"this project is up (pid {state.pid}): stop it with `cachetwin down` first")
    if not project.directory.exists():
        inform("there is nothing to delete")
        return
    if not yes:
        if not sys.stdin.isatty():
            raise UserError("reset asks before it deletes, and there is no terminal: use --yes")
        typer.confirm(f"delete all local data and secrets in {project.directory}?", abort=True, err=True)
    sockets = socket_directory(project.directory)
    shutil.rmtree(sockets)
    shutil.rmtree(project.directory)
    inform(f"deleted {project.directory}")
