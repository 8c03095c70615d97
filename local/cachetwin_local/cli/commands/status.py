"""``cachetwin status``."""

import json
import sys

import typer

from cachetwin_local.cli.options import AsJson
from cachetwin_local.cli.running_project import inform, state_of, status_of
from cachetwin_local.project import find_project
from cachetwin_local.screen import node_table, region_table, show_endpoints, status_table, stdout_console, task_table

__all__ = ["status"]

_NOT_RUNNING = 3


def status(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Show what runs, and its endpoints.

    Exits with 0 when everything is ready, 1 when something is not, 3 when nothing runs.
    """
    project = find_project(context.obj)
    state = state_of(project)
    if state is None:
        if as_json:
            sys.stdout.write(json.dumps({"running": False}) + "\n")
        else:
            inform("not running: start it with `cachetwin up`")
        raise typer.Exit(_NOT_RUNNING)
    found = status_of(state)
    well = all(resource["state"] == "ready" for resource in found["resources"])
    if as_json:
        sys.stdout.write(json.dumps(found, indent=1) + "\n")
        raise typer.Exit(0 if well else 1)
    console = stdout_console()
    console.print(status_table(found["resources"]))
    console.print()
    if found["tasks"]:
        console.print(task_table(found["tasks"]))
        console.print()
    if found["nodes"]:
        console.print(node_table(found["nodes"]))
        console.print()
    if found["global_datastores"]:
        console.print(region_table(found["global_datastores"]))
        console.print()
    show_endpoints(found)
    for part in found["parts"]:
        if part["state"] != "ready":
            inform(f"{part['resource']}: {part['name']} is {part['state']}: {part['detail']}")
    inform(
        f"{found['project']}: up for {found['up_s']:.0f} s (pid {found['pid']}), stacks {', '.join(found['stacks'])}"
    )
    raise typer.Exit(0 if well else 1)
