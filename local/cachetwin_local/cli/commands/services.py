"""``cachetwin restart`` and ``shell``: a service that runs."""

import os
from typing import Annotated, Any

import typer

from cachetwin_local.cli.running_project import answer_of, inform, running_state
from cachetwin_local.errors import UserError

__all__ = ["restart", "shell"]

_DEADLINE_S = 600.0

Service = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="The service's logical id or construct path, with or without the stack's name."
    ),
]


def restart(context: typer.Context, service: Service) -> None:
    """Start a service's tasks again, with the files of its image as they are now."""
    inform(str(_ask(context, {"op": "restart", "service": service})["done"]))


def shell(
    context: typer.Context,
    service: Service,
    command: Annotated[
        list[str] | None, typer.Argument(metavar="[COMMAND]...", help="A command instead of a shell; after --.")
    ] = None,
    *,
    task: Annotated[int, typer.Option("--task", metavar="N", min=1, help="The number of the task.")] = 1,
) -> None:
    """Open a shell in the folder of a task, with its variables, secrets among them."""
    found = _ask(context, {"op": "shell", "service": service, "task": task})
    variables = {
        **{str(name): str(value) for name, value in found["variables"].items()},
        "TERM": os.environ.get("TERM", "dumb"),
    }
    words = command or [os.environ.get("SHELL") or "/bin/sh"]
    os.chdir(str(found["folder"]))
    try:
        os.execvpe(words[0], words, variables)  # noqa: S606  (the user's own words)
    except OSError as error:
        raise UserError(f"cannot run {words[0]}: {error.strerror}") from error


def _ask(context: typer.Context, request: dict[str, object]) -> dict[str, Any]:
    return answer_of(running_state(context.obj), request, _DEADLINE_S)
