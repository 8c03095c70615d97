"""``cachetwin attach``: a debugger in a function or a service that runs."""

import json
from typing import Annotated

import typer

from cachetwin_local.cli.running_project import answer_of, inform, running_state

__all__ = ["attach"]

_DEADLINE_S = 600.0


def attach(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The logical id of a function or a service.")],
    *,
    port: Annotated[
        int | None,
        typer.Option("--port", metavar="N", min=1024, max=65535, help="The port of 127.0.0.1 for the debugger."),
    ] = None,
    stop: Annotated[bool, typer.Option("--stop", help="Run it without a debugger again.")] = False,
) -> None:
    """Let a debugger attach to a function or a service, which starts anew for it.

    Python programs run with debugpy, Node.js with its inspector. Meanwhile an event may take an hour, a function runs in
    one environment, and no health check replaces the service's first task. Prints the entry of VS Code's launch.json.
    """
    request: dict[str, object] = {"op": "attach", "name": name, "stop": stop, "port": port}
    answer = answer_of(running_state(context.obj), request, _DEADLINE_S)
    if "done" in answer:
        inform(str(answer["done"]))
        return
    number = answer["port"]
    inform(f"{answer['name']}: a debugger may attach at 127.0.0.1:{number}; `cachetwin attach {name} --stop` ends it")
    typer.echo(json.dumps(_entry(str(answer["name"]), str(answer["language"]), number), indent=2))


def _entry(name: str, language: str, port: object) -> dict[str, object]:
    """What VS Code needs to attach."""
    entry: dict[str, object] = {"name": f"cachetwin: {name}", "request": "attach"}
    if language == "node":
        return {**entry, "type": "node", "address": "127.0.0.1", "port": port, "continueOnAttach": True}
    return {**entry, "type": "debugpy", "connect": {"host": "127.0.0.1", "port": port}, "justMyCode": False}
